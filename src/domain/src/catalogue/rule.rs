//! What of a catalogue is for a device, and what of that it should run and does not.

use super::{Against, Asker, Assigned, Difference, Entry, Place, Reach, Rollout};
use crate::{AssignmentId, CommandState, OrganisationId};

/// A device that asks, with what is asked of it for each entry worked out once.
pub(super) struct Asking<'a> {
    pub(super) asker: &'a Asker,
    /// The organisations above it and its own.
    pub(super) organisations: Vec<i64>,
    /// Those of its user.
    pub(super) user_organisations: Vec<i64>,
}

impl<'a> Asking<'a> {
    pub(super) fn new(asker: &'a Asker) -> Self {
        Self {
            asker,
            organisations: asker.organisation.ids().collect(),
            user_organisations: asker.user.iter().flat_map(|user| user.organisation.ids()).collect(),
        }
    }

    fn is_below(&self, organisation: OrganisationId) -> bool {
        self.organisations.contains(&organisation.0)
    }
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
    pub(super) fn is_for(&self, asking: &Asking<'_>) -> bool {
        let asker = asking.asker;
        self.os == asker.os
            && match &self.reach {
                Reach::Published { places, labels } => {
                    let is_here =
                        |place: &Place| place.ends_at_ms > asker.now_ms && asking.is_below(place.organisation);
                    (labels.is_empty() || asker.names.iter().any(|name| labels.bears(name)))
                        && places.iter().any(is_here)
                }
                Reach::Assigned(assigned) => assigned.is_for(asking),
            }
    }

    fn rollouts_to<'a>(&'a self, asking: &'a Asking<'_>) -> impl Iterator<Item = &'a Rollout> {
        let reaches = |rollout: &&Rollout| match &rollout.organisations {
            Some(organisations) => organisations.iter().any(|organisation| asking.is_below(*organisation)),
            None => true,
        };
        self.rollouts.iter().filter(reaches)
    }

    /// Whether the present waves of what rolls it out have come to a device that it is for. Any that has is enough.
    fn wave(&self, asking: &Asking<'_>) -> Wave {
        if let Reach::Assigned(Assigned { begins_at_ms: Some(begins), .. }) = &self.reach
            && *begins > asking.asker.now_ms
        {
            return Wave::Ahead;
        }
        let mut is_ahead = false;
        for rollout in self.rollouts_to(asking) {
            match rollout.wave(asking) {
                Some(Wave::Open) => return Wave::Open,
                Some(Wave::Ahead) => is_ahead = true,
                None => {}
            }
        }
        if is_ahead { Wave::Ahead } else { Wave::Open }
    }

    /// What is newest of several entries of one package; of equals the one that came later into the catalogue.
    fn rank(&self) -> (i64, Option<AssignmentId>) {
        (self.version_code, self.assignment())
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

    fn is_auto_install(&self, asking: &Asking<'_>, against: Against) -> bool {
        match &self.reach {
            Reach::Published { .. } => {
                // One that has yet to come forces nothing, as in A3.
                let forces = |rollout: &Rollout| rollout.is_forced && rollout.wave(asking) != Some(Wave::Ahead);
                against == Against::Nothing || self.rollouts_to(asking).any(forces)
            }
            Reach::Assigned(assigned) => assigned.is_required,
        }
    }
}

impl Rollout {
    /// How far it is with a device; `None`: it has been, and passed it by.
    fn wave(&self, asking: &Asking<'_>) -> Option<Wave> {
        match asking.asker.commands.get(&self.job) {
            Some(CommandState::Planned) => Some(Wave::Ahead),
            // It waits in the queue until its job goes on.
            Some(CommandState::Queued) if self.is_paused => Some(Wave::Ahead),
            Some(_) => Some(Wave::Open),
            None => (!self.is_planned).then_some(Wave::Ahead),
        }
    }
}

impl Assigned {
    fn is_for(&self, asking: &Asking<'_>) -> bool {
        let Some(user) = &asking.asker.user else { return false };
        let is_below = |root: OrganisationId| asking.user_organisations.contains(&root.0);
        let is_named = user.assignments.binary_search(&self.assignment).is_ok()
            || has_common(&self.groups, &user.groups)
            || has_common(&self.labels, &user.labels)
            || user.groups.is_empty() && self.default_group_of.is_some_and(is_below);
        is_named && self.relationships.contains(&asking.asker.relationship) && self.suits(asking.asker.model)
    }

    /// Whether it is for devices of a kind. One of which nobody said what kind it is fits, as for the planner.
    fn suits(&self, model: Option<i16>) -> bool {
        self.models.is_empty() || model.is_none_or(|model| self.models.iter().any(|known| known.code() == model))
    }
}

/// Whether two ascending lists have something in common.
fn has_common(some: &[i64], others: &[i64]) -> bool {
    let (few, many) = if some.len() < others.len() { (some, others) } else { (others, some) };
    few.iter().any(|one| many.binary_search(one).is_ok())
}

/// Decides about one package. `entries` are all that are published of it for the device; `installed` is what it has.
pub(super) fn decide<'a, T>(
    entries: &[&'a Entry<T>],
    asking: &Asking<'_>,
    installed: Option<i64>,
) -> Option<Difference<'a, T>> {
    // Of what is assigned and has come to the device, the newest push has the last word, whatever version it brings. Until then
    // the one before it has.
    let is_open = |entry: &&Entry<T>| entry.wave(asking) == Wave::Open;
    let last_word = entries.iter().copied().filter(is_open).filter_map(Entry::assignment).max();
    let counted = || {
        let counts = move |entry: &&'a Entry<T>| entry.assignment().is_none_or(|of| Some(of) >= last_word);
        entries.iter().copied().filter(counts)
    };
    let counts_now = |entry: &&'a Entry<T>| is_open(entry) && entry.assignment().is_none_or(|of| Some(of) == last_word);
    let newest = entries.iter().copied().filter(counts_now).max_by_key(|entry| entry.rank())?;
    let against = newest.against(installed)?;
    // What it has may be what the next wave brings: nobody is sent back from there.
    let is_published = |code| counted().any(|entry| entry.version_code >= code);
    if against == Against::Newer && installed.is_some_and(is_published) {
        return None;
    }
    Some(Difference { entry: newest, against, is_auto_install: newest.is_auto_install(asking, against) })
}
