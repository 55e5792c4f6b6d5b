//! `drover jobs` and `drover job N`: what there is, how far it is, and why devices failed.

use std::{fmt::Write as _, process::ExitCode};

use anyhow::bail;
use chrono::{DateTime, SecondsFormat, Utc};
use drover_domain::{CommandState, JobKind, JobState, PushAction, StateCounts};
use drover_service::{
    Actor, FailureReason, JobDetail, JobSearch, JobSummary, List, ListFrom, Service, failures::OTHERS,
};
use serde_json::{Value, json};

use crate::{
    campaign::table::table,
    cli::{JobArgs, Jobs},
    config::Config,
    installation::Installation,
};

/// Who looks.
const BY: &str = "command line";
/// The width of a bar, in characters.
const BAR: i64 = 50;

/// `drover jobs`.
pub(crate) async fn list(config: Config, args: &Jobs) -> anyhow::Result<ExitCode> {
    let mut installation = Installation::embedded(config).await?;
    let found = find(&installation.service, args).await;
    installation.close().await?;
    let found = found?;
    if args.json {
        let jobs: Vec<Value> = found.items.iter().map(summary_json).collect();
        println!("{}", json!({"jobs": jobs, "next": found.next}));
        return Ok(ExitCode::SUCCESS);
    }
    if found.items.is_empty() && found.next.is_none() {
        println!("no job matches");
    } else {
        let header = ["job", "tenant", "kind", "state", "ended", "of", "failed", "made"];
        println!("{}", table(header, &found.items.iter().map(row).collect::<Vec<_>>()));
    }
    if let Some(next) = &found.next {
        println!("there may be older ones: --after {next}");
    }
    Ok(ExitCode::SUCCESS)
}

async fn find(service: &Service, args: &Jobs) -> anyhow::Result<List<JobSummary>> {
    let actor = Actor::command_line(BY);
    let tenant = match &args.tenant {
        Some(name) => Some(service.tenant_named(&actor, name).await?),
        None => None,
    };
    let search = JobSearch { kind: args.kind, state: args.state, tenant, text: args.text.clone() };
    let mut from = ListFrom { after: args.after.clone(), limit: args.limit };
    loop {
        let list = service.list_jobs(&actor, &search, &from).await?;
        // Somebody waits for an answer, not for a page of nothing.
        if !list.items.is_empty() || list.next.is_none() {
            return Ok(list);
        }
        from.after = list.next;
    }
}

fn row(job: &JobSummary) -> [String; 8] {
    let counts = &job.counts;
    [
        format!("{} {}", job.id, job.name),
        job.tenant_name.clone(),
        job.kind.as_str().to_owned(),
        job.state.as_str().to_owned(),
        counts.ended().to_string(),
        counts.total().to_string(),
        counts.failed().to_string(),
        job.created_at.format("%Y-%m-%d %H:%M").to_string(),
    ]
}

/// `drover job N`.
pub(crate) async fn show(config: Config, args: &JobArgs) -> anyhow::Result<ExitCode> {
    let mut installation = Installation::embedded(config).await?;
    let found = installation.service.job_detail(&Actor::command_line(BY), args.job).await;
    installation.close().await?;
    let detail = match found {
        Ok(detail) => detail,
        Err(error) => bail!("{error}"),
    };
    if args.json {
        println!("{}", detail_json(&detail));
    } else {
        println!("{}", words(&detail));
    }
    Ok(ExitCode::SUCCESS)
}

fn words(detail: &JobDetail) -> String {
    let (job, more) = (&detail.summary, &detail.more);
    let counts = &job.counts;
    let mut text = String::new();
    // Writing to a String cannot fail.
    let mut line = |words: String| _ = writeln!(text, "{words}");
    line(format!("job {} {}", job.id, job.name));
    let action = job.push_action.map_or(job.kind.as_str(), PushAction::as_str);
    line(format!("  {} · {action} {} · tenant {}", job.state.as_str(), job.brings, job.tenant_name));
    line(format!("  made {} by {}", moment(job.created_at), or_nobody(&job.created_by)));
    for (word, at) in [("started", job.started_at), ("deadline", job.expires_at), ("ended", job.finished_at)] {
        if let Some(at) = at {
            line(format!("  {word} {}", moment(at)));
        }
    }
    if let Some(per_s) = detail.pace.per_s {
        let until = detail.pace.ends_at.map(|at| format!(", done about {}", moment(at))).unwrap_or_default();
        line(format!("  {per_s:.1} commands end a second{until}"));
    }
    line(format!("  tries {}, {} s each", i32::from(more.policy.retry_limit) + 1, more.policy.attempt_timeout_s));
    line(format!("\n  {} of {} ended", counts.ended(), counts.total()));
    line(format!("  [{}]", bar(counts)));
    line("   # succeeded  x ended otherwise  > with devices  . waiting".to_owned());
    let states: Vec<[String; 3]> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| [state.as_str().to_owned(), count.to_string(), share(count, counts.total())])
        .collect();
    line(format!("\n{}", table(["state", "commands", "share"], &states)));
    let failures = &detail.failures;
    if failures.total > 0 {
        let mut reasons: Vec<[String; 4]> = failures.reasons.iter().map(|r| reason(r, failures.total)).collect();
        if failures.rest() > 0 {
            let rest = failures.rest();
            reasons.push(["other reasons".to_owned(), rest.to_string(), share(rest, failures.total), String::new()]);
        }
        line(format!("\n{}", table(["why attempts failed", "attempts", "share", "by try"], &reasons)));
    }
    text.trim_end().to_owned()
}

fn reason(reason: &FailureReason, total: i64) -> [String; 4] {
    let code = match reason.code.as_str() {
        "" => "without a code",
        OTHERS => "other codes",
        code => code,
    };
    let tries: Vec<String> = reason.by_attempt.iter().map(|(attempt, count)| format!("{attempt}: {count}")).collect();
    let tries = tries.join(", ");
    [format!("{} {code}", reason.outcome.as_str()), reason.count.to_string(), share(reason.count, total), tries]
}

/// Where commands stand, a sign for each share; whatever there is of has one sign at least, as far as there is room.
fn bar(counts: &StateCounts) -> String {
    let total = counts.total();
    let shares =
        [('#', counts.succeeded()), ('x', counts.failed()), ('>', counts.under_way()), ('.', counts.waiting())];
    if total <= 0 {
        return " ".repeat(usize::try_from(BAR).unwrap_or(0));
    }
    let mut text = String::new();
    let (mut before, mut drawn) = (0_i128, 0_i128);
    for (sign, count) in shares {
        before += i128::from(count.max(0));
        let end = i128::from(BAR) * before / i128::from(total);
        let end = if count > 0 { end.max(drawn + 1).min(i128::from(BAR)) } else { end.max(drawn) };
        text.extend((drawn..end).map(|_| sign));
        drawn = end;
    }
    text
}

fn share(part: i64, whole: i64) -> String {
    #[allow(clippy::cast_precision_loss)] // a figure for people
    let share = part as f64 * 100.0 / whole.max(1) as f64;
    format!("{share:.1} %")
}

fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn or_nobody(name: &str) -> &str {
    if name.is_empty() { "nobody named" } else { name }
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn summary_json(job: &JobSummary) -> Value {
    let counts = &job.counts;
    let by_state: serde_json::Map<String, Value> = counts
        .iter()
        .filter(|(_, count)| *count != 0)
        .map(|(state, count): (CommandState, i64)| (state.as_str().to_owned(), count.into()))
        .collect();
    json!({
        "id": job.id.0,
        "tenant": job.tenant_name,
        "kind": JobKind::as_str(job.kind),
        "action": job.push_action.map(PushAction::as_str),
        "name": job.name,
        "state": JobState::as_str(job.state),
        "brings": job.brings,
        "created_by": job.created_by,
        "created_at": time(job.created_at),
        "start_at": job.start_at.map(time),
        "started_at": job.started_at.map(time),
        "expires_at": job.expires_at.map(time),
        "finished_at": job.finished_at.map(time),
        "commands": {
            "total": counts.total(),
            "open": counts.open(),
            "waiting": counts.waiting(),
            "under_way": counts.under_way(),
            "succeeded": counts.succeeded(),
            "failed": counts.failed(),
            "by_state": by_state,
        },
    })
}

fn detail_json(detail: &JobDetail) -> Value {
    let reason = |reason: &FailureReason| {
        let attempts: Vec<Value> =
            reason.by_attempt.iter().map(|(attempt, count)| json!({"attempt": attempt, "count": count})).collect();
        json!({"outcome": reason.outcome.as_str(), "code": reason.code, "count": reason.count, "by_attempt": attempts})
    };
    let mut job = summary_json(&detail.summary);
    job["policy"] = json!({
        "retry_limit": detail.more.policy.retry_limit,
        "attempt_timeout_s": detail.more.policy.attempt_timeout_s,
        "job_timeout_s": detail.more.policy.job_timeout_s,
    });
    job["pace"] = json!({"per_s": detail.pace.per_s, "ends_at": detail.pace.ends_at.map(time)});
    job["failures"] = json!({
        "total": detail.failures.total,
        "rest": detail.failures.rest(),
        "reasons": detail.failures.reasons.iter().map(reason).collect::<Vec<_>>(),
    });
    job
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_as_wide_as_ever_and_shows_the_smallest_share() {
        let of = |counts: &[(CommandState, i64)]| bar(&counts.iter().copied().collect());
        let halves = of(&[(CommandState::Succeeded, 5), (CommandState::Planned, 5)]);
        assert_eq!(halves, format!("{}{}", "#".repeat(25), ".".repeat(25)));
        let few = of(&[(CommandState::Succeeded, 999_998), (CommandState::Failed, 1), (CommandState::Sent, 1)]);
        assert_eq!((few.chars().count(), few.contains('#')), (50, true));
        assert_eq!(of(&[(CommandState::TimedOut, 3)]), "x".repeat(50));
        assert_eq!(of(&[]), " ".repeat(50));
    }
}
