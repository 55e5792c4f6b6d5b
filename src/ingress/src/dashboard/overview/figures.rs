//! Figures, the course of the last hour, and where commands stand.

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use drover_domain::{CommandState, JobState, StateCounts};
use drover_service::{Figures, LivePace, Snapshot};
use maud::{Markup, html};

use super::texts::Texts;
use crate::dashboard::{
    chart::{self, Ink, Series},
    session::Viewer,
    words::{self, Tone, command_badge, number, percent},
};

pub(super) fn figures(snapshot: &Snapshot, figures: &Figures, viewer: &Viewer, texts: &Texts) -> Markup {
    let of = |state| figures.jobs.get(&state).copied().unwrap_or(0);
    html! {
        h2 { (texts.figures) }
        dl.figures {
            div { dt { (texts.sent_per_s) } dd { (rate(figures.sent_per_s)) } }
            div { dt { (texts.finished_per_s) } dd { (rate(figures.finished_per_s)) } }
            div { dt { (texts.open) } dd { (number(figures.counts.open())) } }
            div { dt { (texts.running) } dd { (of(JobState::Running)) } }
            div { dt { (texts.held) } dd { (of(JobState::Scheduled) + of(JobState::Paused)) } }
            div {
                dt { (texts.waiting_longest) }
                dd {
                    @match (&figures.oldest_waiting, snapshot.at) {
                        (Some(oldest), Some(at)) => {
                            a href={ "/ui/jobs/" (oldest.job) } { (oldest.name) } " "
                            (words::duration((at - oldest.since).num_seconds(), viewer.language))
                        }
                        _ => (texts.nothing_waits)
                    }
                }
            }
        }
        @if snapshot.is_old && let Some(at) = snapshot.at { p.hint { (texts.as_of) " " (words::time(at, viewer)) } }
    }
}

/// A rate with one digit after the point, unless it is large.
pub(super) fn rate(per_s: f64) -> String {
    #[allow(clippy::cast_possible_truncation)] // a figure for people
    if per_s >= 100.0 { number(per_s.round() as i64) } else { format!("{per_s:.1}") }
}

pub(super) fn pace(snapshot: &Snapshot, viewer: &Viewer, texts: &Texts) -> Markup {
    let paces = snapshot.pace(&viewer.actor.reach);
    html! {
        h2 { (texts.pace) }
        @if let ([first, .., last], Some(_)) = (paces.as_slice(), snapshot.at) {
            (course(first.at, &paces, viewer, texts))
            p.legend {
                span.state.busy { "— " (texts.sent) } " " (rate(f64::from(last.sent_per_s))) " · "
                span.state.good { "— " (texts.finished) } " " (rate(f64::from(last.finished_per_s)))
            }
        } @else if viewer.actor.reach.has_root() {
            p.empty { (texts.no_pace) }
        } @else {
            p.empty { (texts.pace_of_whole) }
        }
    }
}

fn course(first: DateTime<Utc>, paces: &[LivePace], viewer: &Viewer, texts: &Texts) -> Markup {
    #[allow(clippy::cast_precision_loss)] // an hour
    let seconds = |at: DateTime<Utc>| (at - first).num_milliseconds() as f64 / 1000.0;
    let line = |ink, value: fn(&LivePace) -> f32| Series {
        ink,
        points: paces.iter().map(|pace| (seconds(pace.at), f64::from(value(pace)))).collect(),
    };
    let zone = FixedOffset::east_opt(i32::from(viewer.operator.utc_offset_minutes) * 60);
    // Marks of a short course must not bear the same time.
    let span = paces.last().map_or(TimeDelta::zero(), |pace| pace.at - first);
    let form = if span < TimeDelta::minutes(10) { "%H:%M:%S" } else { "%H:%M" };
    #[allow(clippy::cast_possible_truncation)] // an hour
    let time = |after: f64| {
        let at = first + TimeDelta::seconds(after as i64);
        zone.map_or_else(|| at.format(form).to_string(), |zone| at.with_timezone(&zone).format(form).to_string())
    };
    let series = [line(Ink::Busy, |pace| pace.sent_per_s), line(Ink::Good, |pace| pace.finished_per_s)];
    chart::lines(&series, texts.pace_chart, &time)
}

/// Where the commands stand that have not ended.
pub(super) fn open(figures: &Figures, viewer: &Viewer, texts: &Texts) -> Markup {
    let counts = figures.counts.iter().filter(|(state, _)| !state.is_terminal()).collect();
    shares(counts, (texts.open_by_state, texts.nothing_open), viewer, texts)
}

/// How commands ended.
pub(super) fn outcomes(figures: &Figures, viewer: &Viewer, texts: &Texts) -> Markup {
    shares(figures.ended_lately, (texts.outcomes, texts.nothing_ended), viewer, texts)
}

fn shares(counts: StateCounts, (title, empty): (&str, &str), viewer: &Viewer, texts: &Texts) -> Markup {
    let shown: Vec<(CommandState, i64)> = counts.iter().filter(|(_, count)| *count > 0).collect();
    let parts: Vec<(Ink, i64)> = shown.iter().map(|(state, count)| (ink(*state), *count)).collect();
    html! {
        h2 { (title) }
        @if shown.is_empty() { p.empty { (empty) } } @else {
            (chart::bar(&parts, title))
            div.scroll { table {
                thead { tr { th scope="col" { (texts.state) } th.number scope="col" { (texts.commands) } th.number scope="col" { (texts.share) } } }
                tbody {
                    @for (state, count) in &shown {
                        tr {
                            td { (command_badge(*state, viewer.language)) }
                            td.number { (number(*count)) }
                            td.number { (percent(*count, counts.total())) }
                        }
                    }
                }
            } }
        }
    }
}

const fn ink(state: CommandState) -> Ink {
    match words::tone(state) {
        Tone::Quiet => Ink::Quiet,
        Tone::Busy => Ink::Busy,
        Tone::Good => Ink::Good,
        Tone::Bad => Ink::Bad,
        Tone::Stopped => Ink::Stopped,
    }
}
