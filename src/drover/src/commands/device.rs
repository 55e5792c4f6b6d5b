//! `drover device`: why a device is not updated, and what became of its commands.

use std::process::ExitCode;

use chrono::{DateTime, SecondsFormat, Utc};
use drover_domain::JobId;
use drover_ingress::explain_reason;
use drover_service::{Actor, CommandStory, DeviceReason, ListFrom, SeenDevice};
use serde_json::{Value, json};

use crate::{cli::Device, config::Config, installation::Installation};

/// Who looks.
const BY: &str = "command line";

pub(crate) async fn run(config: Config, args: &Device) -> anyhow::Result<ExitCode> {
    let mut installation = Installation::embedded(config).await?;
    let (actor, service) = (Actor::command_line(BY), &installation.service);
    let from = ListFrom { after: args.after.clone(), limit: args.limit };
    let standing = service.device_standing(&actor, &args.uuid, args.job.map(JobId)).await;
    let commands = service.device_commands(&actor, &args.uuid, &from).await;
    installation.close().await?;
    let ((device, reason), commands) = (standing?, commands?);
    let (sentence, advice) = explain_reason(&reason);
    if args.json {
        let stories: Vec<Value> = commands.items.iter().map(as_json).collect();
        println!(
            "{}",
            json!({
                "uuid": device.uuid,
                "code": reason.code(),
                "sentence": sentence,
                "advice": advice,
                "job": reason.job().map(|job| job.0),
                "heard_at": device.standing.heard_at.map(time),
                "commands": stories,
                "next": commands.next,
            })
        );
    } else {
        println!("{}", in_words(&device, &reason, (&sentence, advice)));
        for story in &commands.items {
            println!("{}", course(story));
        }
        if let Some(next) = commands.next {
            println!("\nfurther commands: --after {next}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn in_words(device: &SeenDevice, reason: &DeviceReason, (sentence, advice): (&str, &str)) -> String {
    let heard = device.standing.heard_at.map_or_else(|| "never".to_owned(), time);
    let firmware = if device.firmware_version.is_empty() { "not known" } else { &device.firmware_version };
    let next = if advice.is_empty() { String::new() } else { format!("\n{advice}") };
    format!(
        "{sentence}{next}\n\ndevice        {}\nrule          {}\nchannel       {}\nlast contact  {heard}\nfirmware      {firmware}",
        device.uuid,
        reason.code(),
        device.standing.channel.as_str(),
    )
}

/// A command and all that happened to it, in order.
fn course(story: &CommandStory) -> String {
    let CommandStory { command, outcomes, unapplied } = story;
    let said = |code: &Option<String>, message: &Option<String>| {
        let words = [code.as_deref(), message.as_deref()];
        words.into_iter().flatten().fold(String::new(), |said, word| said + "  " + &one_line(word))
    };
    let ended = outcomes.iter().map(|outcome| {
        let words = said(&outcome.code, &outcome.message);
        (outcome.recorded_at, format!("attempt {}  {}{words}", outcome.attempt, outcome.outcome.as_str()))
    });
    let reported = unapplied.iter().map(|report| {
        let (words, status) = (said(&report.code, &report.message), one_line(&report.status));
        (
            report.received_at,
            format!("attempt {}  said {status}, {}: moved nothing{words}", report.attempt, report.reason),
        )
    });
    let mut moments: Vec<(DateTime<Utc>, String)> = ended.chain(reported).collect();
    moments.sort_by_key(|(at, _)| *at);
    let mut lines = vec![format!(
        "\njob {} {}  {}  {}",
        command.id.job,
        one_line(command.job_name.as_deref().unwrap_or_default()),
        command.kind.as_str(),
        command.state.as_str()
    )];
    lines.extend(moments.into_iter().map(|(at, what)| format!("  {}  {what}", time(at))));
    if !command.state.is_terminal() {
        let until = command.deadline_at.map_or_else(String::new, |at| format!(", deadline {}", time(at)));
        lines.push(format!("  since {}  attempt {} goes on{until}", time(command.updated_at), command.attempt));
    }
    lines.join("\n")
}

/// A device's words, as a terminal may show them.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn as_json(story: &CommandStory) -> Value {
    let CommandStory { command, outcomes, unapplied } = story;
    let ended = outcomes.iter().map(|outcome| {
        json!({"attempt": outcome.attempt, "outcome": outcome.outcome.as_str(), "code": outcome.code,
            "message": outcome.message, "recorded_at": time(outcome.recorded_at)})
    });
    let reported = unapplied.iter().map(|report| {
        json!({"attempt": report.attempt, "status": report.status, "code": report.code, "message": report.message,
            "reason": report.reason, "received_at": time(report.received_at)})
    });
    json!({
        "command_id": command.id.to_i64(),
        "job": command.id.job.0,
        "job_name": command.job_name,
        "kind": command.kind.as_str(),
        "state": command.state.as_str(),
        "attempt": command.attempt,
        "deadline_at": command.deadline_at.map(time),
        "updated_at": time(command.updated_at),
        "finished_at": command.finished_at.map(time),
        "outcomes": ended.collect::<Vec<_>>(),
        "unapplied": reported.collect::<Vec<_>>(),
    })
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
