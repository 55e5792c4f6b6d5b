//! How deep the queues are and who takes from them.

use drover_service::Snapshot;
use maud::{Markup, html};

use super::texts::Texts;
use crate::dashboard::{session::Viewer, words};

pub(super) fn list(snapshot: &Snapshot, _viewer: &Viewer, texts: &Texts) -> Markup {
    let figure = |value: Option<i64>| value.map_or_else(|| texts.unknown.to_owned(), words::number);
    html! {
        h2 { (texts.queues) }
        @if snapshot.queues.is_empty() { p.empty { (texts.no_queues) } } @else {
            div.scroll { table.cards {
                thead { tr {
                    th scope="col" { (texts.queue) } th.number scope="col" { (texts.ready) }
                    th.number scope="col" { (texts.unacked) } th.number scope="col" { (texts.consumers) }
                    th.number scope="col" { (texts.dead) }
                } }
                tbody { @for queue in &snapshot.queues { tr {
                    td data-label=(texts.queue) {
                        (queue.name) @if queue.paused_at.is_some() { " " span.badge { "‖ " (texts.paused) } }
                    }
                    td.number data-label=(texts.ready) { (figure(queue.ready)) }
                    td.number data-label=(texts.unacked) { (figure(queue.unacked)) }
                    td.number data-label=(texts.consumers) { (figure(queue.consumers)) }
                    td.number data-label=(texts.dead) { (words::number(queue.dead)) }
                } } }
            } }
        }
        p { a href="/ui/queues" { (texts.all_queues) } }
    }
}
