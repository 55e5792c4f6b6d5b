//! The results of a campaign as text.

use drover_domain::CommandState;
use drover_service::Violation;

use super::{CampaignReport, Console, course::rate, table::table};

/// Prints how the commands ended and what they went through.
pub(super) fn print(console: Console, report: &CampaignReport, devices: usize) {
    console.say(&format!("\n{}\n", outcomes(report)));
    console.say(&format!("{}\n", facts(report, devices)));
}

/// Prints what the oracle says.
pub(super) fn print_verdict(console: Console, violations: &[Violation]) {
    if violations.is_empty() {
        console.say("The oracle is content: every device has its command, every command exactly one outcome.");
    }
    for Violation { rule, job, count, examples } in violations {
        console.say(&format!("VIOLATION in job {job}: {rule}: {count} times, such as {}", examples.join("; ")));
    }
}

fn outcomes(report: &CampaignReport) -> String {
    let all = report.outcomes.ended();
    let rows: Vec<[String; 3]> = CommandState::ALL
        .into_iter()
        .filter(|state| state.is_terminal())
        .map(|state| (state, report.outcomes.of(state)))
        // The common ones are shown even when nobody ended so.
        .filter(|(state, count)| *count > 0 || *state != CommandState::Superseded)
        .map(|(state, count)| [state.as_str().replace('_', " "), count.to_string(), share(count, all)])
        .collect();
    table(["outcome", "devices", "share"], &rows)
}

fn facts(report: &CampaignReport, devices: usize) -> String {
    let (history, fleet) = (&report.history, &report.fleet);
    let retries = history.attempts - i64::try_from(devices).unwrap_or(0);
    let mut facts = vec![
        format!("{} attempts, {retries} of them retries", history.attempts),
        format!(
            "{} reports from the devices, {} of them late, {} repeated",
            fleet.sent.total(),
            fleet.sent.late,
            fleet.sent.repeated
        ),
        format!("{} duplicate and {} late reports kept as evidence", history.duplicates, history.late),
        format!("{} devices downloaded the file and found it unchanged", fleet.downloads_ok),
        format!(
            "{:.1} s from the start to the last outcome, {:.0} devices/s",
            report.elapsed.as_secs_f64(),
            rate(report.outcomes.ended(), report.elapsed)
        ),
    ];
    let troubles = [
        (history.premature.unsigned_abs(), "reports of attempts that were never made"),
        (fleet.downloads_failed, "downloads failed"),
        (fleet.sent.failures, "reports could not be published"),
        (fleet.malformed, "commands were malformed"),
        (fleet.abandoned, "answers were still due at the end"),
    ];
    facts.extend(troubles.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    facts.iter().map(|fact| format!("  {fact}")).collect::<Vec<_>>().join("\n")
}

/// A part of all in percent.
fn share(count: i64, all: i64) -> String {
    if all == 0 {
        return "–".into();
    }
    // In tenths, rounded, without a float that could not hold the count.
    let tenths = (count * 2000 + all) / (2 * all);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_to_tenths() {
        for (count, all, expected) in
            [(0, 0, "–"), (1, 3, "33.3 %"), (2, 3, "66.7 %"), (1000, 1000, "100.0 %"), (1, 2000, "0.1 %")]
        {
            assert_eq!(share(count, all), expected);
        }
    }
}
