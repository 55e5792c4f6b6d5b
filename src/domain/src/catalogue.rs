//! What is published for whom, and what of it differs from what a device runs: the TOP gateway's check for updates.
//!
//! Two kinds of things are published: versions of client programs, to organisations, and applications, assigned to users. A
//! device outside of the present wave of a roll-out is not offered what is rolled out. Sources: calls A3, A13, A14 and B5 of
//! requirements.md, and part C.

mod index;
mod rule;

use std::collections::BTreeMap;

use crate::{
    AssignmentId, CommandState, JobId, ModelType, OrganisationId, OrganisationPath, Os, Relationship, UiFamily,
};
pub use index::Catalogue;

/// A package that is published, in one version. `T` is what else is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<T> {
    /// What the operating system knows it by.
    pub package: String,
    /// What it runs on.
    pub os: Os,
    /// A number that grows; 0 when the version has none.
    pub version_code: i64,
    /// Whom it is for.
    pub reach: Reach,
    /// The jobs that bring it to its devices and have not ended.
    pub rollouts: Vec<Rollout>,
    /// What else is known of it.
    pub details: T,
}

/// Whom something is published for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Devices of organisations: a version of a client program.
    Published {
        /// Where.
        places: Vec<Place>,
        /// The program's labels: one that bears some is for devices that name one of them.
        labels: UiFamily,
    },
    /// Devices of users: an application.
    Assigned(Assigned),
}

/// An organisation in which something is published, with everything below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which.
    pub organisation: OrganisationId,
    /// When it ends, in milliseconds since 1970.
    pub ends_at_ms: i64,
}

/// Whom an application is assigned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// By what. Of several assignments of a package the newest counts. Users whom it names are the asker's to know.
    pub assignment: AssignmentId,
    /// Groups of users that it names, ascending.
    pub groups: Vec<i64>,
    /// Labels of users that it names, ascending.
    pub labels: Vec<i64>,
    /// Whether it names those users of an organisation and below who are in no group.
    pub default_group_of: Option<OrganisationId>,
    /// Whose devices.
    pub relationships: Vec<Relationship>,
    /// Kinds of iOS devices; empty for all.
    pub models: Vec<ModelType>,
    /// When it begins, in milliseconds since 1970.
    pub begins_at_ms: Option<i64>,
    /// Required, or on demand of the device's user.
    pub is_required: bool,
}

/// A job that brings something to devices, wave by wave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// Which.
    pub job: JobId,
    /// To the devices of which organisations and everything below them; `None`: to all whom the thing is for.
    pub organisations: Option<Vec<OrganisationId>>,
    /// Whether all its devices have their commands. Before that, one that has none may still get it.
    pub is_planned: bool,
    /// Whether it is held: what has not gone out waits.
    pub is_paused: bool,
    /// Whether it is to be installed without asking.
    pub is_forced: bool,
}

/// A device that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// Where it belongs, or says that it does.
    pub organisation: OrganisationPath,
    /// What it runs on.
    pub os: Os,
    /// What kind of device it is, as far as anybody said.
    pub model: Option<i16>,
    /// What it calls itself that a program's labels may name: its kind, the family of its surface.
    pub names: Vec<String>,
    /// Whose it is.
    pub relationship: Relationship,
    /// Who holds it.
    pub user: Option<AskingUser>,
    /// Its newest commands.
    pub commands: BTreeMap<JobId, CommandState>,
    /// When it asks, in milliseconds since 1970.
    pub now_ms: i64,
}

/// The user of a device that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskingUser {
    /// Where the user belongs.
    pub organisation: OrganisationPath,
    /// The user's groups, ascending.
    pub groups: Vec<i64>,
    /// The user's labels, ascending.
    pub labels: Vec<i64>,
    /// Assignments that name the user, ascending.
    pub assignments: Vec<AssignmentId>,
}

/// Something that a device should run, and does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference<'a, T> {
    /// What.
    pub entry: &'a Entry<T>,
    /// What the device has instead.
    pub against: Against,
    /// Whether it is to be installed without asking.
    pub is_auto_install: bool,
}

/// What a device has instead of what is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Against {
    /// Nothing of the package.
    Nothing,
    /// A lower version.
    Older,
    /// A higher version, which is published for it no more: it is to go back.
    Newer,
}

impl<T> Entry<T> {
    /// By what it is assigned, if that is how it reaches anybody.
    fn assignment(&self) -> Option<AssignmentId> {
        match &self.reach {
            Reach::Published { .. } => None,
            Reach::Assigned(assigned) => Some(assigned.assignment),
        }
    }
}

#[cfg(test)]
mod tests;
