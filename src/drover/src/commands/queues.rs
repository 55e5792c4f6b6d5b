//! `drover queues`: how they stand, and whether workers take from them.

use std::process::ExitCode;

use drover_service::{Actor, QueueView, Service, ServiceError};

use super::words::{columns, count, rate};
use crate::{
    cli::{QueueCommand, Queues},
    config::Config,
    installation::Installation,
    system::account_name,
};

pub(crate) async fn run(config: Config, args: Queues) -> anyhow::Result<ExitCode> {
    let mut installation = Installation::embedded(config).await?;
    let found = carry_out(&installation.service, args.command.as_ref()).await;
    installation.close().await?;
    let queues = found?;
    if args.json {
        println!("{}", serde_json::Value::Array(queues.iter().map(as_json).collect()));
    } else {
        let header = ["queue", "state", "ready", "in hand", "workers", "in/s", "out/s", "retrying", "dead"];
        println!("{}", columns(header, &queues.iter().map(row).collect::<Vec<_>>()));
    }
    Ok(ExitCode::SUCCESS)
}

async fn carry_out(service: &Service, command: Option<&QueueCommand>) -> Result<Vec<QueueView>, ServiceError> {
    let actor = Actor::command_line(account_name());
    match command {
        None => service.queues(&actor).await,
        Some(QueueCommand::Pause { name }) => Ok(vec![service.pause_queue(&actor, name).await?]),
        Some(QueueCommand::Resume { name }) => Ok(vec![service.resume_queue(&actor, name).await?]),
    }
}

fn row(view: &QueueView) -> [String; 9] {
    let sample = view.sample.as_ref();
    let state = if view.paused_at.is_some() { format!("paused by {}", view.paused_by) } else { "open".to_owned() };
    [
        view.queue.to_string(),
        state,
        count(sample.map(|sample| sample.ready)),
        count(sample.and_then(|sample| sample.unacked)),
        count(sample.map(|sample| sample.consumers)),
        rate(sample.and_then(|sample| sample.published_per_s)),
        rate(sample.and_then(|sample| sample.delivered_per_s)),
        count(sample.map(|sample| sample.retrying)),
        (view.dead_letters + sample.map_or(0, |sample| sample.dead)).to_string(),
    ]
}

/// What is not known is null.
fn as_json(view: &QueueView) -> serde_json::Value {
    let sample = view.sample.as_ref();
    serde_json::json!({
        "name": view.queue.to_string(),
        "paused_at": view.paused_at,
        "paused_by": view.paused_by,
        "ready": sample.map(|sample| sample.ready),
        "unacked": sample.and_then(|sample| sample.unacked),
        "consumers": sample.map(|sample| sample.consumers),
        "published_per_s": sample.and_then(|sample| sample.published_per_s),
        "delivered_per_s": sample.and_then(|sample| sample.delivered_per_s),
        "retrying": sample.map(|sample| sample.retrying),
        "dead_letters": view.dead_letters,
        "dead_at_broker": sample.map(|sample| sample.dead),
        "sampled_at": view.sampled_at,
    })
}
