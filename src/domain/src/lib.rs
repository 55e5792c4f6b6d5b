//! The pure rules of Drover: ids, jobs, commands, policies, outcomes.
//!
//! No IO, no async, no SQL, no clock: everything here is a function of its arguments.

mod command;
mod ids;
mod job;
mod kind;
mod outcome;
mod policy;
mod protocol;

pub use command::{Budget, Change, CommandState, Event, Move, Phase, Rules, moves, transition};
pub use ids::{CommandId, DeviceId, DeviceUuid, FirmwareId, InvalidDeviceUuid, JobId, ProductId, TenantId};
pub use job::{JobEvent, JobState};
pub use kind::JobKind;
pub use outcome::Outcome;
pub use policy::{Backoff, Policy};
pub use protocol::Protocol;
