//! The table of queues.

use drover_service::Snapshot;
use maud::{Markup, html};

use super::texts::Texts;
use crate::dashboard::{session::Viewer, words};

pub(super) fn table(snapshot: &Snapshot, viewer: &Viewer, texts: &Texts) -> Markup {
    let count = |value: Option<i64>| value.map_or_else(|| texts.unknown.to_owned(), words::number);
    let rate = |value: Option<f32>| value.map_or_else(|| texts.unknown.to_owned(), |value| format!("{value:.1}"));
    html! {
        @if snapshot.queues.is_empty() { p.empty { (texts.no_queues) } } @else {
            div.scroll { table.cards {
                thead { tr {
                    th scope="col" { (texts.queue) }
                    th scope="col" { (texts.state) }
                    th.number scope="col" { (texts.ready) }
                    th.number scope="col" { (texts.unacked) }
                    th.number scope="col" { (texts.consumers) }
                    th.number scope="col" { (texts.published) }
                    th.number scope="col" { (texts.delivered) }
                    th.number scope="col" { (texts.retrying) }
                    th.number scope="col" { (texts.dead) }
                    @if viewer.actor.may_write { th scope="col" { (texts.act) } }
                } }
                tbody { @for queue in &snapshot.queues { tr {
                    td data-label=(texts.queue) { a href={ "/ui/queues/" (queue.name) } { (queue.name) } }
                    td data-label=(texts.state) {
                        @if queue.paused_at.is_some() {
                            span class="state stopped" { span.sign aria-hidden="true" { "‖" } " " (texts.paused_by) " " (queue.paused_by) }
                        } @else {
                            span class="state good" { span.sign aria-hidden="true" { "▶" } " " (texts.open) }
                        }
                    }
                    td.number data-label=(texts.ready) { (count(queue.ready)) }
                    td.number data-label=(texts.unacked) { (count(queue.unacked)) }
                    td.number data-label=(texts.consumers) { (count(queue.consumers)) }
                    td.number data-label=(texts.published) { (rate(queue.published_per_s)) }
                    td.number data-label=(texts.delivered) { (rate(queue.delivered_per_s)) }
                    td.number data-label=(texts.retrying) { (count(queue.retrying)) }
                    td.number data-label=(texts.dead) {
                        @if queue.dead > 0 { a href={ "/ui/queues/" (queue.name) } { (words::number(queue.dead)) } } @else { "0" }
                    }
                    @if viewer.actor.may_write {
                        td data-label=(texts.act) {
                            @if queue.paused_at.is_some() {
                                a href={ "/ui/queues/" (queue.name) "/resume" } { (texts.resume) }
                            } @else {
                                a href={ "/ui/queues/" (queue.name) "/pause" } { (texts.pause) }
                            }
                        }
                    }
                } } }
            } }
            p.hint { (texts.unknown_why) }
        }
    }
}
