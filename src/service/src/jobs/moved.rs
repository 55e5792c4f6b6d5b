//! What follows when commands have moved: outcomes, logs and metrics.

use chrono::{DateTime, Utc};
use drover_domain::{Change, CommandState, JobKind};
use drover_store::{commands::Moved, outcomes::NewOutcome};

/// The outcomes of commands that ended without a device's words.
pub(crate) fn ended(moved: &[Moved]) -> Vec<NewOutcome<'static>> {
    let outcome = |m: &Moved| {
        let outcome = m.outcome?;
        Some(NewOutcome { command: m.command, attempt: m.attempt, outcome, code: None, message: None })
    };
    moved.iter().filter_map(outcome).collect()
}

/// Tells the metrics of commands that moved. A command planned before its job started has waited since the start only.
pub(crate) fn observe(kind: JobKind, started_at: Option<DateTime<Utc>>, moved: &[Moved]) {
    let kind = kind.as_str();
    for m in moved {
        let (job, device) = (m.command.job, m.command.device);
        tracing::debug!(%job, command = %m.command, %device, m.attempt, from = m.from.as_str(), to = m.to.as_str(), "moved");
        if m.to == CommandState::Sent {
            let since = started_at.map_or(m.planned_at, |started| started.max(m.planned_at));
            metrics::histogram!("drover_command_accepted_to_sent_seconds", "kind" => kind)
                .record(seconds_between(since, m.moved_at));
            metrics::counter!("drover_commands_sent_total", "kind" => kind).increment(1);
        }
        if m.change == Change::NextAttempt {
            metrics::counter!("drover_command_retries_total", "kind" => kind, "by" => "policy").increment(1);
        }
        if let Some(outcome) = m.outcome {
            metrics::counter!("drover_attempts_ended_total", "kind" => kind, "outcome" => outcome.as_str())
                .increment(1);
        }
        if let (true, Some(sent_at)) = (m.to.is_terminal(), m.sent_at) {
            metrics::histogram!("drover_command_sent_to_terminal_seconds", "kind" => kind)
                .record(seconds_between(sent_at, m.moved_at));
        }
    }
}

fn seconds_between(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).to_std().unwrap_or_default().as_secs_f64()
}
