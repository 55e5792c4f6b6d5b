//! Looking at jobs, devices, queues and workers, and stepping in.

use clap::{Args, Subcommand};
use drover_domain::{CommandId, CommandState, JobId, JobKind, JobState};

use super::values::{command_id, command_state, job_id, job_kind, job_state};

#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The commands, by the ids that the AEP API calls subtasks
    #[arg(required_unless_present = "job", value_name = "COMMAND_ID", value_parser = command_id)]
    pub(crate) commands: Vec<CommandId>,
    /// A whole job instead, for good; asks first
    #[arg(long, value_name = "JOB", conflicts_with_all = ["commands", "force"], value_parser = job_id)]
    pub(crate) job: Option<JobId>,
    /// Do not ask, with --job
    #[arg(long, requires = "job")]
    pub(crate) yes: bool,
    /// End them now; their devices are told, but nobody waits for the answer
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Retry {
    #[command(flatten)]
    pub(crate) job: JobArgs,
    /// Commands that ended like this, with commas between them: failed, timed_out, cancelled
    #[arg(long, value_name = "STATES", value_delimiter = ',', value_parser = command_state, default_value = "failed,timed_out")]
    pub(crate) state: Vec<CommandState>,
    /// Of these, those whose last attempt ended with this code of the device's
    #[arg(long, value_name = "CODE")]
    pub(crate) code: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// How many entries
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// Those before this one, by its id
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<i64>,
    /// Print them as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Device {
    /// What the device calls itself
    #[arg(value_name = "UUID")]
    pub(crate) uuid: String,
    /// Say it of this job, not of the command that matters most
    #[arg(long, value_name = "ID")]
    pub(crate) job: Option<i64>,
    /// How many commands to show, those of the newest jobs first
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// Where to go on, as the page before said
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Jobs {
    /// Only those that do this: publish, distribute, push, firmware
    #[arg(long, value_name = "KIND", value_parser = job_kind)]
    pub(crate) kind: Option<JobKind>,
    /// Only those that stand here: draft, scheduled, running, paused, completed, cancelled, aborted
    #[arg(long, value_name = "STATE", value_parser = job_state)]
    pub(crate) state: Option<JobState>,
    /// Only those of this tenant
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// Only those whose name contains this, and the one whose number it is
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Option<String>,
    /// How many at most
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// Those before the last one of the page before
    #[arg(long, value_name = "JOB")]
    pub(crate) after: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct JobArgs {
    /// The job's number
    #[arg(value_name = "JOB", value_parser = job_id)]
    pub(crate) job: JobId,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Queues {
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Option<QueueCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// Have workers take nothing more from a queue; what they have in hand ends
    Pause {
        /// The queue, such as dispatch.firmware
        name: String,
    },
    /// Have workers take from it again
    Resume {
        /// The queue
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DeadLetters {
    /// Those of one queue
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) queue: Option<String>,
    /// Those whose reason has this somewhere in it
    #[arg(long, global = true, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
    /// Those before this one, as the line behind a list says
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<String>,
    /// How many are listed
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Option<DeadLetterCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetterCommand {
    /// Show one with its body
    Show {
        /// The letter
        id: i64,
    },
    /// Send them again, as if they came for the first time
    Replay(WhichLetters),
    /// Throw them away
    Discard(WhichLetters),
}

/// Which dead letters.
#[derive(Debug, Args)]
pub(crate) struct WhichLetters {
    /// These
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) ids: Vec<i64>,
    /// All of the queue that match; takes --queue
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Workers {
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Option<WorkerCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkerCommand {
    /// Have a process take no more work; what it has in hand ends, and it goes on to answer HTTP
    Drain {
        /// The process
        id: uuid::Uuid,
    },
    /// Have it take work again
    Resume {
        /// The process
        id: uuid::Uuid,
    },
}
