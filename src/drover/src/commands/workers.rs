//! `drover workers`: the processes at work, and whether they take work.

use std::process::ExitCode;

use drover_service::{Actor, Service, ServiceError, WorkerView};

use super::words::{columns, plain};
use crate::{
    cli::{WorkerCommand, Workers},
    config::Config,
    installation::Installation,
    system::account_name,
};

pub(crate) async fn run(config: Config, args: Workers) -> anyhow::Result<ExitCode> {
    let mut installation = Installation::embedded(config).await?;
    let found = carry_out(&installation.service, args.command.as_ref()).await;
    installation.close().await?;
    let workers = found?;
    if args.json {
        println!("{}", serde_json::Value::Array(workers.iter().map(as_json).collect()));
    } else {
        let header = ["worker", "host", "version", "roles", "state", "in hand", "handled/s", "silent"];
        println!("{}", columns(header, &workers.iter().map(row).collect::<Vec<_>>()));
    }
    let drained = matches!(args.command, Some(WorkerCommand::Drain { .. }));
    if drained && workers.iter().any(|view| view.worker.holds_broker) {
        tracing::warn!("the broker is inside this process: nothing is sent until it is resumed");
    }
    Ok(ExitCode::SUCCESS)
}

async fn carry_out(service: &Service, command: Option<&WorkerCommand>) -> Result<Vec<WorkerView>, ServiceError> {
    let actor = Actor::command_line(account_name());
    match command {
        None => service.workers(&actor).await,
        Some(WorkerCommand::Drain { id }) => Ok(vec![service.drain_worker(&actor, *id).await?]),
        Some(WorkerCommand::Resume { id }) => Ok(vec![service.resume_worker(&actor, *id).await?]),
    }
}

fn row(view: &WorkerView) -> [String; 8] {
    let WorkerView { worker, condition } = view;
    [
        worker.id.to_string(),
        plain(&worker.host),
        worker.version.clone(),
        worker.roles.clone(),
        condition.as_str().to_owned(),
        worker.in_flight.to_string(),
        format!("{:.1}", worker.handled_per_s),
        format!("{:.0} s", worker.silent_s),
    ]
}

fn as_json(view: &WorkerView) -> serde_json::Value {
    let WorkerView { worker, condition } = view;
    serde_json::json!({
        "id": worker.id,
        "host": worker.host,
        "version": worker.version,
        "roles": worker.roles.split(',').collect::<Vec<_>>(),
        "condition": condition.as_str(),
        "holds_broker": worker.holds_broker,
        "in_flight": worker.in_flight,
        "handled_per_s": worker.handled_per_s,
        "started_at": worker.started_at,
        "beat_at": worker.beat_at,
        "drain_asked_at": worker.drain_asked_at,
        "drained_at": worker.drained_at,
    })
}
