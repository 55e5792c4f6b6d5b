//! What is published for whom, and what of it differs from what a device runs: the TOP gateway's check for updates.
//!
//! Two kinds of things are published: versions of client programs, to organisations, and applications, assigned to users. A
//! device outside of the present wave of a roll-out is not offered what is rolled out. Sources: calls A3, A13, A14 and B5 of
//! requirements.md, and part C.

mod index;

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

/// How far a roll-out is with a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wave {
    /// It may have it.
    Open,
    /// Its turn has not come.
    Ahead,
}

impl<T> Entry<T> {
    /// Whether it is published for a device, whatever waves it comes in.
    fn is_for(&self, asker: &Asker) -> bool {
        self.os == asker.os
            && match &self.reach {
                Reach::Published { places, labels } => {
                    let is_here = |place: &Place| place.ends_at_ms > asker.now_ms && asker.is_below(place.organisation);
                    (labels.is_empty() || asker.names.iter().any(|name| labels.bears(name)))
                        && places.iter().any(is_here)
                }
                Reach::Assigned(assigned) => assigned.is_for(asker),
            }
    }

    fn rollouts_to<'a>(&'a self, asker: &'a Asker) -> impl Iterator<Item = &'a Rollout> {
        let reaches = |rollout: &&Rollout| match &rollout.organisations {
            Some(organisations) => organisations.iter().any(|organisation| asker.is_below(*organisation)),
            None => true,
        };
        self.rollouts.iter().filter(reaches)
    }

    /// Whether the present waves of what rolls it out have come to a device that it is for. Any that has is enough.
    fn wave(&self, asker: &Asker) -> Wave {
        if let Reach::Assigned(Assigned { begins_at_ms: Some(begins), .. }) = &self.reach
            && *begins > asker.now_ms
        {
            return Wave::Ahead;
        }
        let mut is_ahead = false;
        for rollout in self.rollouts_to(asker) {
            match asker.commands.get(&rollout.job) {
                Some(CommandState::Planned) => is_ahead = true,
                Some(_) => return Wave::Open,
                None => is_ahead |= !rollout.is_planned,
            }
        }
        if is_ahead { Wave::Ahead } else { Wave::Open }
    }

    /// What is newest of several entries of one package.
    fn rank(&self) -> (i64, AssignmentId) {
        let assignment = match &self.reach {
            Reach::Published { .. } => AssignmentId(0),
            Reach::Assigned(assigned) => assigned.assignment,
        };
        (self.version_code, assignment)
    }

    fn against(&self, installed: Option<i64>) -> Option<Against> {
        match installed {
            None => Some(Against::Nothing),
            // Without a number nothing says which is newer.
            Some(_) if self.version_code == 0 => None,
            Some(code) if code < self.version_code => Some(Against::Older),
            Some(code) if code > self.version_code => Some(Against::Newer),
            Some(_) => None,
        }
    }

    fn is_auto_install(&self, asker: &Asker, against: Against) -> bool {
        match &self.reach {
            Reach::Published { .. } => {
                against == Against::Nothing || self.rollouts_to(asker).any(|rollout| rollout.is_forced)
            }
            Reach::Assigned(assigned) => assigned.is_required,
        }
    }
}

impl Assigned {
    fn is_for(&self, asker: &Asker) -> bool {
        let Some(user) = &asker.user else { return false };
        let is_named = user.assignments.binary_search(&self.assignment).is_ok()
            || has_common(&self.groups, &user.groups)
            || has_common(&self.labels, &user.labels)
            || self.default_group_of.is_some_and(|root| user.groups.is_empty() && contains(&user.organisation, root));
        is_named && self.relationships.contains(&asker.relationship) && self.suits(asker.model)
    }

    /// Whether it is for devices of a kind. One of which nobody said what kind it is fits, as for the planner.
    fn suits(&self, model: Option<i16>) -> bool {
        self.models.is_empty() || model.is_none_or(|model| self.models.iter().any(|known| known.code() == model))
    }
}

impl Asker {
    fn is_below(&self, organisation: OrganisationId) -> bool {
        contains(&self.organisation, organisation)
    }
}

fn contains(path: &OrganisationPath, organisation: OrganisationId) -> bool {
    path.ids().any(|id| id == organisation.0)
}

/// Whether two ascending lists have something in common.
fn has_common(some: &[i64], others: &[i64]) -> bool {
    let (few, many) = if some.len() < others.len() { (some, others) } else { (others, some) };
    few.iter().any(|one| many.binary_search(one).is_ok())
}

/// Decides about one package. `entries` are all that are published of it for the device; `installed` is what it has.
fn decide<'a, T>(entries: &[&'a Entry<T>], asker: &Asker, installed: Option<i64>) -> Option<Difference<'a, T>> {
    // Of what is assigned, the newest push has the last word, whatever version it brings.
    let last_word = entries.iter().filter_map(|entry| entry.assignment()).max();
    let counts = |entry: &&&Entry<T>| entry.assignment().is_none_or(|assignment| Some(assignment) == last_word);
    let counted: Vec<&'a Entry<T>> = entries.iter().filter(counts).copied().collect();
    let open = counted.iter().filter(|entry| entry.wave(asker) == Wave::Open);
    let newest = *open.max_by_key(|entry| entry.rank())?;
    let against = newest.against(installed)?;
    // What it has may be what the next wave brings: nobody is sent back from there.
    let is_published = |code| counted.iter().any(|entry| entry.version_code >= code);
    if against == Against::Newer && installed.is_some_and(is_published) {
        return None;
    }
    Some(Difference { entry: newest, against, is_auto_install: newest.is_auto_install(asker, against) })
}

impl<T> Entry<T> {
    fn assignment(&self) -> Option<AssignmentId> {
        match &self.reach {
            Reach::Published { .. } => None,
            Reach::Assigned(assigned) => Some(assigned.assignment),
        }
    }
}

#[cfg(test)]
mod tests;
