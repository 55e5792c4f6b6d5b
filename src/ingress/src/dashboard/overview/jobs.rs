//! The jobs that are going on, the newest first.

use drover_service::Snapshot;
use maud::{Markup, html};

use super::{figures::rate, texts::Texts};
use crate::dashboard::{
    session::Viewer,
    words::{job_badge, job_kind, number, percent},
};

/// Jobs that are shown here; the page of jobs has all.
const SHOWN: usize = 20;

pub(super) fn list(snapshot: &Snapshot, viewer: &Viewer, texts: &Texts) -> Markup {
    let language = viewer.language;
    let going_on = || snapshot.jobs(&viewer.actor.reach).filter(|now| !now.job.state.is_terminal());
    html! {
        h2 { (texts.jobs) }
        @if going_on().next().is_none() {
            p.empty { (texts.no_jobs) }
            p { (texts.first) }
            ol { @for step in texts.steps { li { (step) } } }
        } @else {
            div.scroll { table.cards {
                thead { tr {
                    th scope="col" { (texts.job) } th scope="col" { (texts.kind) } th scope="col" { (texts.state) }
                    th.number scope="col" { (texts.ended) } th.number scope="col" { (texts.failed) }
                    th.number scope="col" { (texts.sent_per_s) } th.number scope="col" { (texts.finished_per_s) }
                } }
                tbody { @for now in going_on().take(SHOWN) {
                    @let counts = &now.job.counts;
                    tr {
                        td data-label=(texts.job) { a href={ "/ui/jobs/" (now.job.id) } { (now.job.name) } }
                        td data-label=(texts.kind) { (job_kind(now.job.kind, language)) }
                        td data-label=(texts.state) { (job_badge(now.job.state, language)) }
                        td.number data-label=(texts.ended) {
                            (number(counts.ended())) " / " (number(counts.total())) " " (percent(counts.ended(), counts.total()))
                        }
                        td.number data-label=(texts.failed) { (number(counts.failed())) }
                        td.number data-label=(texts.sent_per_s) { (rate(now.sent_per_s)) }
                        td.number data-label=(texts.finished_per_s) { (rate(now.finished_per_s)) }
                    }
                } }
            } }
        }
        p { a href="/ui/jobs" { (texts.all_jobs) } }
    }
}
