//! Messages between roles.

use serde::{Deserialize, Serialize};

use crate::Message;

/// To the planner: turn this job's audience into commands and release them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanJob {
    /// The job.
    pub job_id: i64,
}

impl Message for PlanJob {
    const NAME: &'static str = "plan_job";
    const VERSION: u16 = 1;
}

/// To the dispatcher: hand these commands of one job to their channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DispatchCommands {
    /// The job.
    pub job_id: i64,
    /// What to hand over.
    pub action: DispatchAction,
    /// Whose commands.
    pub devices: DeviceSet,
}

impl Message for DispatchCommands {
    const NAME: &'static str = "dispatch_commands";
    const VERSION: u16 = 1;
}

/// What the dispatcher hands to the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum DispatchAction {
    /// The command itself, in this attempt.
    Send {
        /// Only commands in this attempt; others were meant by another message.
        attempt: i16,
    },
    /// The wish to cancel the command.
    Cancel,
}

/// Some devices of a job, small on the wire however many they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum DeviceSet {
    /// Every device of the job from `first` to `last`, both included.
    Range {
        /// The lowest device.
        first: i64,
        /// The highest device.
        last: i64,
    },
    /// These devices, some hundred at the most.
    List {
        /// The devices.
        ids: Vec<i64>,
    },
}
