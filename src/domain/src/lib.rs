//! The pure rules of Drover: ids, jobs, commands, policies, outcomes.
//!
//! No IO, no async, no SQL, no clock: everything here is a function of its arguments.

mod admission;
pub mod alarm;
mod application;
pub mod catalogue;
mod channel;
mod client;
mod command;
mod counts;
mod ids;
mod install;
mod job;
mod kind;
pub mod offer;
mod operator;
mod os;
mod outcome;
mod package_name;
mod policy;
mod protocol;
pub mod why;

pub use admission::{Admission, ReleaseMark, admission, is_os_version, version_number};
pub use application::{ApplicationType, DomainType, ModelType, Platform, PushAction, Relationship, RestrictionType};
pub use channel::ChannelKind;
pub use client::{InvalidUiFamily, TerminalClass, UiFamily};
pub use command::{Budget, Change, CommandState, Event, Move, Phase, Rules, moves, transition};
pub use counts::StateCounts;
pub use ids::{
    ApplicationId, AssignmentId, CategoryId, ClientGroupId, ClientVersionId, CommandId, DeviceId, DeviceUuid,
    FirmwareId, InvalidDeviceUuid, JobId, LabelId, OperatorId, OrganisationId, PackageId, PolicyId, ProductId,
    ReleaseId, RestrictionId, TenantId, UserGroupId, UserId,
};
pub use install::{Holding, InstallStatus, PushCase, Version, install_status};
pub use job::{JobEvent, JobState};
pub use kind::JobKind;
pub use operator::{OrganisationPath, Role};
pub use os::Os;
pub use outcome::Outcome;
pub use package_name::{InvalidPackageName, PackageName};
pub use policy::{Backoff, Policy};
pub use protocol::Protocol;
