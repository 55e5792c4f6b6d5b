//! Messages between roles.

use serde::{Deserialize, Serialize};

#[cfg(feature = "schema")]
use crate::schema::parts;
use crate::{
    InvalidMessage, Message,
    checks::{ATTEMPTS, IDS, within},
};

/// To the planner: turn this job's audience into commands and release them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlanJob {
    /// The job.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
    pub job_id: i64,
}

impl Message for PlanJob {
    const NAME: &'static str = "plan_job";
    const VERSION: u16 = 1;

    fn check(&self) -> Result<(), InvalidMessage> {
        within("job_id", self.job_id, IDS)
    }
}

/// To the dispatcher: hand these commands of one job to their channels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DispatchCommands {
    /// The job.
    #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
    pub job_id: i64,
    /// What to hand over.
    pub action: DispatchAction,
    /// Whose commands.
    pub devices: DeviceSet,
}

impl Message for DispatchCommands {
    const NAME: &'static str = "dispatch_commands";
    const VERSION: u16 = 1;

    fn check(&self) -> Result<(), InvalidMessage> {
        within("job_id", self.job_id, IDS)?;
        if let DispatchAction::Send { attempt } = self.action {
            within("action.attempt", attempt, ATTEMPTS)?;
        }
        match &self.devices {
            DeviceSet::Range { first, last } => {
                within("devices.first", *first, IDS)?;
                within("devices.last", *last, IDS)
            }
            DeviceSet::List { ids } => ids.iter().try_for_each(|id| within("devices.ids", *id, IDS)),
        }
    }
}

/// What the dispatcher hands to the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum DispatchAction {
    /// The command itself, in this attempt.
    Send {
        /// Only commands in this attempt; others were meant by another message.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::attempt"))]
        attempt: i16,
    },
    /// The wish to cancel the command.
    Cancel,
}

/// Some devices of a job, small on the wire however many they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum DeviceSet {
    /// Every device of the job from `first` to `last`, both included.
    Range {
        /// The lowest device.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
        first: i64,
        /// The highest device.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::id"))]
        last: i64,
    },
    /// These devices, some hundred at the most.
    List {
        /// The devices.
        #[cfg_attr(feature = "schema", schemars(schema_with = "parts::ids"))]
        ids: Vec<i64>,
    },
}
