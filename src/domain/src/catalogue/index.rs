//! What is published in a tenant, found by whom it is for.

use std::collections::{BTreeMap, HashMap};

use super::{
    Asker, Difference, Entry, Reach,
    rule::{Asking, decide},
};

/// What is published in a tenant. Immutable: what changes is put together anew.
#[derive(Debug, Clone)]
pub struct Catalogue<T> {
    /// By package, so that those of one are beside each other.
    entries: Vec<Entry<T>>,
    by_organisation: Index,
    by_assignment: HashMap<i64, usize>,
    by_group: Index,
    by_label: Index,
    by_default_group: Index,
}

/// Positions of entries.
type Index = HashMap<i64, Vec<usize>>;

impl<T> Catalogue<T> {
    /// Puts a catalogue together. Of entries that are equally new the later one counts.
    pub fn new(mut entries: Vec<Entry<T>>) -> Self {
        // Stable, so that what is later stays so.
        entries.sort_by(|one, other| one.package.cmp(&other.package));
        let mut new = Self {
            entries: Vec::new(),
            by_organisation: HashMap::new(),
            by_assignment: HashMap::new(),
            by_group: HashMap::new(),
            by_label: HashMap::new(),
            by_default_group: HashMap::new(),
        };
        for (position, entry) in entries.iter().enumerate() {
            match &entry.reach {
                Reach::Published { places, .. } => {
                    for place in places {
                        new.by_organisation.entry(place.organisation.0).or_default().push(position);
                    }
                }
                Reach::Assigned(assigned) => {
                    new.by_assignment.insert(assigned.assignment.0, position);
                    for group in &assigned.groups {
                        new.by_group.entry(*group).or_default().push(position);
                    }
                    for label in &assigned.labels {
                        new.by_label.entry(*label).or_default().push(position);
                    }
                    if let Some(root) = assigned.default_group_of {
                        new.by_default_group.entry(root.0).or_default().push(position);
                    }
                }
            }
        }
        new.entries = entries;
        new
    }

    /// How much is published.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is published.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What a device should run and does not, by package. `installed` has the version of each package that it said it has.
    pub fn differences(&self, asker: &Asker, installed: &BTreeMap<String, i64>) -> Vec<Difference<'_, T>> {
        let asking = Asking::new(asker);
        let mut positions = self.candidates(&asking);
        positions.sort_unstable();
        positions.dedup();
        let candidates = positions.into_iter().map(|position| &self.entries[position]);
        let found: Vec<&Entry<T>> = candidates.filter(|entry| entry.is_for(&asking)).collect();
        // Both lists are in the order of packages: they are walked side by side.
        let mut installed = installed.iter().peekable();
        let mut version_of = |package: &str| {
            while installed.next_if(|(name, _)| name.as_str() < package).is_some() {}
            installed.peek().filter(|(name, _)| name.as_str() == package).map(|(_, code)| **code)
        };
        found
            .chunk_by(|one, next| one.package == next.package)
            .filter_map(|entries| decide(entries, &asking, version_of(&entries[0].package)))
            .collect()
    }

    /// Positions of what may be for a device, some of them more than once.
    fn candidates(&self, asking: &Asking<'_>) -> Vec<usize> {
        let mut found = Vec::new();
        let mut add = |index: &Index, keys: &[i64]| {
            for key in keys {
                found.extend(index.get(key).into_iter().flatten());
            }
        };
        add(&self.by_organisation, &asking.organisations);
        if let Some(user) = &asking.asker.user {
            add(&self.by_group, &user.groups);
            add(&self.by_label, &user.labels);
            add(&self.by_default_group, &asking.user_organisations);
            found.extend(user.assignments.iter().filter_map(|assignment| self.by_assignment.get(&assignment.0)));
        }
        found
    }
}
