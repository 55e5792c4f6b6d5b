//! `drover cancel`: commands are stopped, see docs/cancel.md.

use std::process::ExitCode;

use drover_domain::{CommandId, CommandState};
use drover_service::{CancelMode, CancelResult};

use super::control;
use crate::{cli::Cancel, config::Config, installation::Installation};

/// Who cancels, in logs.
const BY: &str = "command line";

pub(crate) async fn run(config: Config, args: &Cancel) -> anyhow::Result<ExitCode> {
    if let Some(job) = args.job {
        return control::cancel(config, job, (args.yes, args.json)).await;
    }
    let mode = if args.force { CancelMode::Force } else { CancelMode::Soft };
    let mut installation = Installation::embedded(config).await?;
    let results = installation.service.cancel_each(&args.commands, mode, BY).await;
    installation.close().await?;
    let results = results?;
    if args.json {
        println!("{}", as_json(&results));
    } else {
        for (command, result) in &results {
            println!("command {command} {}", in_words(*result));
        }
    }
    let is_done = results.iter().all(|(_, result)| is_done(*result));
    Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether the command is cancelled, or on its way there: also when it was before.
const fn is_done(result: CancelResult) -> bool {
    matches!(result, CancelResult::Cancelled | CancelResult::Asked | CancelResult::HadEnded(CommandState::Cancelled))
}

fn in_words(result: CancelResult) -> String {
    match result {
        CancelResult::Cancelled => "is cancelled".to_owned(),
        CancelResult::Asked => "is cancelling: its device is asked to stop".to_owned(),
        CancelResult::HadEnded(state) => format!("had ended: {}", state.as_str()),
        CancelResult::Unknown => "does not exist".to_owned(),
    }
}

/// `state` is where the command stands now, null when there is none.
fn as_json(results: &[(CommandId, CancelResult)]) -> serde_json::Value {
    let one = |(command, result): &(CommandId, CancelResult)| {
        let (name, state) = match result {
            CancelResult::Cancelled => ("cancelled", Some(CommandState::Cancelled)),
            CancelResult::Asked => ("asked", Some(CommandState::Cancelling)),
            CancelResult::HadEnded(state) => ("had_ended", Some(*state)),
            CancelResult::Unknown => ("unknown", None),
        };
        let state = state.map(CommandState::as_str);
        serde_json::json!({"command_id": command.to_i64(), "result": name, "state": state})
    };
    serde_json::json!({
        "done": results.iter().all(|(_, result)| is_done(*result)),
        "commands": results.iter().map(one).collect::<Vec<_>>(),
    })
}
