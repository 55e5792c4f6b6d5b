//! What is published in a tenant, found by whom it is for.

use std::collections::{BTreeMap, HashMap};

use super::{Asker, Difference, Entry, Reach, decide};

/// What is published in a tenant. Immutable: what changes is put together anew.
#[derive(Debug, Clone)]
pub struct Catalogue<T> {
    entries: Vec<Entry<T>>,
    by_organisation: HashMap<i64, Vec<usize>>,
    by_assignment: HashMap<i64, usize>,
    by_group: HashMap<i64, Vec<usize>>,
    by_label: HashMap<i64, Vec<usize>>,
    by_default_group: HashMap<i64, Vec<usize>>,
}

impl<T> Catalogue<T> {
    /// Puts a catalogue together.
    pub fn new(entries: Vec<Entry<T>>) -> Self {
        let mut new = Self {
            entries: Vec::new(),
            by_organisation: HashMap::new(),
            by_assignment: HashMap::new(),
            by_group: HashMap::new(),
            by_label: HashMap::new(),
            by_default_group: HashMap::new(),
        };
        for (index, entry) in entries.iter().enumerate() {
            match &entry.reach {
                Reach::Published { places, .. } => {
                    for place in places {
                        new.by_organisation.entry(place.organisation.0).or_default().push(index);
                    }
                }
                Reach::Assigned(assigned) => {
                    new.by_assignment.insert(assigned.assignment.0, index);
                    for group in &assigned.groups {
                        new.by_group.entry(*group).or_default().push(index);
                    }
                    for label in &assigned.labels {
                        new.by_label.entry(*label).or_default().push(index);
                    }
                    if let Some(root) = assigned.default_group_of {
                        new.by_default_group.entry(root.0).or_default().push(index);
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
        let mut found: BTreeMap<&str, Vec<&Entry<T>>> = BTreeMap::new();
        for entry in self.candidates(asker).map(|index| &self.entries[index]).filter(|entry| entry.is_for(asker)) {
            found.entry(&entry.package).or_default().push(entry);
        }
        found
            .into_iter()
            .filter_map(|(package, entries)| decide(&entries, asker, installed.get(package).copied()))
            .collect()
    }

    /// What may be for a device, some of it more than once.
    fn candidates<'a>(&'a self, asker: &'a Asker) -> impl Iterator<Item = usize> + 'a {
        let of = |map: &'a HashMap<i64, Vec<usize>>, key: i64| map.get(&key).into_iter().flatten().copied();
        let published = asker.organisation.ids().flat_map(move |id| of(&self.by_organisation, id));
        let assigned = asker.user.iter().flat_map(move |user| {
            let named = user.assignments.iter().filter_map(|assignment| self.by_assignment.get(&assignment.0).copied());
            let groups = user.groups.iter().flat_map(move |id| of(&self.by_group, *id));
            let labels = user.labels.iter().flat_map(move |id| of(&self.by_label, *id));
            let default = user.organisation.ids().flat_map(move |id| of(&self.by_default_group, id));
            named.chain(groups).chain(labels).chain(default)
        });
        published.chain(assigned)
    }
}
