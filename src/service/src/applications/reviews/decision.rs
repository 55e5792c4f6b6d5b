//! What a review comes to: pure, from what reaches devices, what they have, and what they were sent.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use drover_domain::{AssignmentId, CommandState, JobId, PackageId, PushAction};
use drover_store::pushing::{
    assignments::Subject,
    reviews::{Had, Reach, Sent},
};

/// What is to be done, each with its devices, ascending.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Decision {
    /// Assignments that devices are to be given.
    pub(super) given: BTreeMap<AssignmentId, Vec<i64>>,
    /// Applications and lists that devices are to be relieved of.
    pub(super) taken: BTreeMap<Subject, Vec<i64>>,
    /// Jobs whose commands are to be stopped: what they bring is not for these devices any more.
    pub(super) stopped: BTreeMap<JobId, Vec<i64>>,
    /// Devices that are to be given something again, but not yet; ascending.
    pub(super) waiting: Vec<i64>,
}

/// When a device is to be given what an assignment wants it to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Now,
    Later,
}

/// What is known of the devices of a batch.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) reach: Vec<Reach>,
    pub(super) had: Vec<Had>,
    pub(super) sent: Vec<Sent>,
}

impl Facts {
    /// Decides for these devices.
    pub(super) fn decide(&self, devices: &[i64]) -> Decision {
        let (mut reach, mut had, mut sent) = (by_device(), by_device(), by_device());
        for row in &self.reach {
            reach.entry(row.device).or_insert_with(Vec::new).push(row);
        }
        for row in &self.had {
            had.entry(row.device).or_insert_with(Vec::new).push(row);
        }
        for row in &self.sent {
            sent.entry(row.device).or_insert_with(Vec::new).push(row);
        }
        let mut decision = Decision::default();
        let devices: BTreeSet<i64> = devices.iter().copied().collect();
        for id in devices {
            let device = Device {
                id,
                reach: reach.remove(&id).unwrap_or_default(),
                had: had.remove(&id).unwrap_or_default(),
                sent: sent.remove(&id).unwrap_or_default(),
            };
            device.decide(&mut decision);
        }
        decision
    }
}

fn by_device<T>() -> HashMap<i64, Vec<T>> {
    HashMap::new()
}

/// What is known of one device.
struct Device<'a> {
    id: i64,
    reach: Vec<&'a Reach>,
    had: Vec<&'a Had>,
    sent: Vec<&'a Sent>,
}

impl Device<'_> {
    fn decide(&self, decision: &mut Decision) {
        let reached: BTreeSet<Subject> = self.reach.iter().map(|reach| reach.subject).collect();
        // Of several assignments of one application the newest is carried out, as a newer push would win.
        let mut wanted: BTreeMap<Subject, &Reach> = BTreeMap::new();
        let mut must_wait = false;
        for reach in &self.reach {
            match self.wants(reach) {
                Some(When::Now) => {
                    let known = wanted.entry(reach.subject).or_insert(reach);
                    if reach.assignment > known.assignment {
                        *known = reach;
                    }
                }
                Some(When::Later) => must_wait = true,
                None => {}
            }
        }
        if must_wait {
            decision.waiting.push(self.id);
        }
        for reach in wanted.values() {
            decision.given.entry(reach.assignment).or_default().push(self.id);
        }
        for had in self.had.iter().filter(|had| had.action.brings() && !reached.contains(&had.subject)) {
            if had.removes_on_exit && had.is_there {
                decision.taken.entry(had.subject).or_default().push(self.id);
            }
        }
        for sent in self.sent.iter().filter(|sent| is_open(sent) && !reached.contains(&sent.subject)) {
            decision.stopped.entry(sent.job).or_default().push(self.id);
        }
    }

    /// When the device is to be given what an assignment that reaches it wants it to have; `None`: it is not.
    fn wants(&self, reach: &Reach) -> Option<When> {
        if !reach.is_required || !reach.is_offered || !reach.has_begun {
            return None;
        }
        let newest = self.newest(reach);
        let takes_away = newest.filter(|newest| !newest.action.brings());
        // An explicit uninstall wins until the next push.
        if takes_away.is_some_and(|newest| newest.is_explicit) {
            return None;
        }
        let had = self.had.iter().find(|had| had.subject == reach.subject);
        let is_coming =
            || self.sent.iter().any(|sent| is_open(sent) && sent.is_required && sent.subject == reach.subject);
        let was_sent = || self.sent.iter().any(|sent| sent.assignment == reach.assignment);
        let now_if = |is_wanted: bool| is_wanted.then_some(When::Now);
        match had {
            // Drover itself took it away when the device left; now the device is back.
            _ if takes_away.is_some() => Some(When::Now),
            Some(had) if had.is_present => None,
            _ if is_coming() => None,
            // Of a list nothing is kept once it was removed.
            None if matches!(reach.subject, Subject::Restriction(_)) => Some(When::Now),
            // It was removed from the device, and must not be.
            Some(had) if had.was_removed && had.action == PushAction::Install => match reach.is_essential {
                true if had.was_brought_lately && self.was_brought_back(reach.subject) => Some(When::Later),
                is_essential => now_if(is_essential || !was_sent()),
            },
            _ => now_if(!was_sent()),
        }
    }

    /// Whether the device was sent it more than once: it went before.
    fn was_brought_back(&self, subject: Subject) -> bool {
        self.sent.iter().filter(|sent| sent.subject == subject).count() > 1
    }

    /// The newest push of the package, whichever application brought it, or of the list.
    fn newest(&self, reach: &Reach) -> Option<&Had> {
        let is_of_line = |had: &&&Had| match reach.package {
            Some(PackageId(package)) => had.package == Some(PackageId(package)),
            None => had.subject == reach.subject,
        };
        self.had.iter().filter(is_of_line).max_by_key(|had| had.job).copied()
    }
}

/// Whether a command may still bring something: one that is being stopped may not.
const fn is_open(sent: &Sent) -> bool {
    !sent.state.is_terminal() && !matches!(sent.state, CommandState::Cancelling)
}

#[cfg(test)]
mod tests;
