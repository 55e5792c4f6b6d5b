//! `drover dead-letters`: messages that no worker could handle.

use std::process::ExitCode;

use anyhow::{Context, bail};
use drover_service::{Actor, BodyText, DeadLetter, DeadLetterFilter, List, ListFrom, Service};
use serde_json::{Value, json};

use super::words::{columns, plain};
use crate::{
    cli::{DeadLetterCommand, DeadLetters, WhichLetters},
    config::Config,
    installation::Installation,
    system::account_name,
};

/// Characters of a reason in a list.
const REASON_CHARS: usize = 80;

pub(crate) async fn run(config: Config, args: DeadLetters) -> anyhow::Result<ExitCode> {
    let mut installation = Installation::embedded(config).await?;
    let said = carry_out(&installation.service, &args).await;
    installation.close().await?;
    println!("{}", said?);
    Ok(ExitCode::SUCCESS)
}

/// Carries a command out. Returns what is to be printed.
async fn carry_out(service: &Service, args: &DeadLetters) -> anyhow::Result<String> {
    let actor = Actor::command_line(account_name());
    match &args.command {
        None => {
            let from = ListFrom { after: args.after.clone(), limit: args.limit };
            let list = service.dead_letters(&actor, args.queue.as_deref(), &args.reason, &from).await?;
            Ok(if args.json { list_as_json(&list).to_string() } else { listed(&list) })
        }
        Some(DeadLetterCommand::Show { id }) => {
            let letter = service.dead_letter(&actor, *id).await?;
            let body = BodyText::of(&letter.body);
            if args.json {
                let mut shown = as_json(&letter);
                shown["body_format"] = json!(body.format());
                shown["body"] = json!(body.text());
                return Ok(shown.to_string());
            }
            let lines: Vec<String> = body.text().lines().map(plain).collect();
            let head = format!("{} of {}: {}", letter.id, letter.queue, plain(&letter.reason));
            Ok(format!("{head}\n{}", lines.join("\n")))
        }
        Some(DeadLetterCommand::Replay(which)) => {
            let count = deal(service, &actor, args, which, true).await?;
            Ok(if args.json { json!({ "replayed": count }).to_string() } else { format!("sent again  {count}") })
        }
        Some(DeadLetterCommand::Discard(which)) => {
            let count = deal(service, &actor, args, which, false).await?;
            Ok(if args.json { json!({ "discarded": count }).to_string() } else { format!("discarded  {count}") })
        }
    }
}

async fn deal(
    service: &Service,
    actor: &Actor,
    args: &DeadLetters,
    which: &WhichLetters,
    again: bool,
) -> anyhow::Result<u64> {
    if which.all {
        let queue = args.queue.as_deref().context("--all takes --queue")?;
        let filter = DeadLetterFilter { reason: args.reason.clone(), up_to: None };
        let dealt = if again {
            service.replay_dead_letters(actor, queue, &filter).await?
        } else {
            service.discard_dead_letters(actor, queue, &filter).await?
        };
        return Ok(dealt.letters);
    }
    if args.queue.is_some() || !args.reason.is_empty() {
        bail!("--queue and --reason go with --all, or with no ids");
    }
    let mut letters = 0;
    for id in &which.ids {
        let dealt = if again {
            service.replay_dead_letter(actor, *id).await?
        } else {
            service.discard_dead_letter(actor, *id).await?
        };
        letters += dealt.letters;
    }
    Ok(letters)
}

fn listed(list: &List<DeadLetter>) -> String {
    let row = |letter: &DeadLetter| {
        let reason: String = plain(&letter.reason).chars().take(REASON_CHARS).collect();
        let job = letter.job.map_or_else(|| "-".to_owned(), |job| job.to_string());
        let received = letter.received_at.format("%Y-%m-%d %H:%M:%S").to_string();
        [letter.id.to_string(), letter.queue.clone(), received, job, letter.body_bytes.to_string(), reason]
    };
    let rows: Vec<_> = list.items.iter().map(row).collect();
    let table = columns(["id", "queue", "received", "job", "bytes", "reason"], &rows);
    match &list.next {
        Some(next) => format!("{table}\nmore with --after {next}"),
        None => table,
    }
}

fn list_as_json(list: &List<DeadLetter>) -> Value {
    json!({ "items": list.items.iter().map(as_json).collect::<Vec<_>>(), "next": list.next })
}

fn as_json(letter: &DeadLetter) -> Value {
    json!({
        "id": letter.id,
        "queue": letter.queue,
        "message_id": letter.message_id,
        "routing_key": letter.routing_key,
        "reason": letter.reason,
        "broker_attempt": letter.broker_attempt,
        "trace_context": letter.trace_context,
        "job_id": letter.job.map(|job| job.to_string()),
        "received_at": letter.received_at,
        "body_bytes": letter.body_bytes,
    })
}
