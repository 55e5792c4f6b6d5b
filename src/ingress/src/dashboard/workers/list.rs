//! The table of processes.

use drover_service::{LiveWorker, Snapshot};
use maud::{Markup, html};

use super::texts::Texts;
use crate::dashboard::{session::Viewer, words};

/// A process that was not heard of for so long is gone, in seconds.
const GONE_AFTER_S: f64 = 15.0;

pub(super) fn table(snapshot: &Snapshot, viewer: &Viewer, texts: &Texts) -> Markup {
    let mut workers: Vec<&LiveWorker> = snapshot.workers.iter().collect();
    workers.sort_by_key(|worker| (worker.started_at, worker.id));
    html! {
        @if workers.is_empty() { p.empty { (texts.no_workers) } } @else {
            div.scroll { table.cards {
                thead { tr {
                    th scope="col" { (texts.host) } th scope="col" { (texts.roles) } th scope="col" { (texts.state) }
                    th.number scope="col" { (texts.in_flight) } th.number scope="col" { (texts.rate) }
                    th scope="col" { (texts.beat) } th scope="col" { (texts.version) }
                    @if viewer.actor.may_write { th scope="col" { (texts.act) } }
                } }
                tbody { @for worker in workers { tr {
                    td data-label=(texts.host) { (worker.host) }
                    td data-label=(texts.roles) { (worker.roles.replace(',', ", ")) }
                    td data-label=(texts.state) { (badge(worker, texts)) }
                    td.number data-label=(texts.in_flight) { (words::number(worker.in_flight)) }
                    td.number data-label=(texts.rate) { (format!("{:.1}", worker.handled_per_s)) }
                    td data-label=(texts.beat) { (ago(worker, viewer)) " " (texts.ago) }
                    td data-label=(texts.version) { (worker.version) }
                    @if viewer.actor.may_write {
                        td data-label=(texts.act) {
                            @if worker.drain_asked_at.is_some() {
                                a href={ "/ui/workers/" (worker.id) "/resume" } { (texts.resume) }
                            } @else {
                                a href={ "/ui/workers/" (worker.id) "/drain" } { (texts.drain) }
                            }
                        }
                    }
                } } }
            } }
        }
    }
}

#[allow(clippy::cast_possible_truncation)] // some seconds
fn ago(worker: &LiveWorker, viewer: &Viewer) -> String {
    words::duration(worker.age_s as i64, viewer.language)
}

fn badge(worker: &LiveWorker, texts: &Texts) -> Markup {
    let (class, sign, word) = match (worker.age_s >= GONE_AFTER_S, worker.drain_asked_at, worker.drained_at) {
        (true, _, _) => ("state bad", "✗", texts.gone),
        (false, None, _) => ("state good", "▶", texts.working),
        (false, Some(_), None) => ("state busy", "↻", texts.draining),
        (false, Some(_), Some(_)) => ("state stopped", "‖", texts.drained),
    };
    html! { span class=(class) { span.sign aria-hidden="true" { (sign) } " " (word) } }
}
