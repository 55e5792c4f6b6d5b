//! What holds in every world.

use proptest::{prelude::*, sample::select};

use super::*;

/// A tree whose ids are their own best traps: /1/2/ is a prefix of /1/23/ but for its slash.
const PATHS: [&str; 5] = ["/1/", "/1/2/", "/1/2/4/", "/1/3/", "/1/23/"];
const ORGANISATIONS: [i64; 5] = [1, 2, 3, 4, 23];

fn ids() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::btree_set(1_i64..4, 0..3).prop_map(|ids| ids.into_iter().collect())
}

fn rollouts() -> impl Strategy<Value = Vec<Rollout>> {
    let organisations = prop::option::of(prop::collection::vec(select(ORGANISATIONS.to_vec()), 1..3));
    let rollout = (1_i64..6, organisations, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(job, of, is_planned, is_forced, is_paused)| Rollout {
            is_paused,
            is_forced,
            ..rollout(job, of.as_deref(), is_planned)
        },
    );
    prop::collection::vec(rollout, 0..3)
}

fn reach() -> impl Strategy<Value = Reach> {
    let ends = select(vec![NOW_MS - 1, NOW_MS, NOW_MS + 1, i64::MAX]);
    let place = (select(ORGANISATIONS.to_vec()), ends)
        .prop_map(|(id, ends_at_ms)| Place { organisation: OrganisationId(id), ends_at_ms });
    let labels = select(vec!["", "", "COPE", "BYOD"]).prop_map(|text| UiFamily::parse(text).unwrap());
    let published =
        (prop::collection::vec(place, 0..4), labels).prop_map(|(places, labels)| Reach::Published { places, labels });
    let root = prop::option::weighted(0.3, select(ORGANISATIONS.to_vec()));
    let begins = select(vec![None, None, Some(NOW_MS), Some(NOW_MS + 1)]);
    let relationships = select(vec![vec![Relationship::Company], Relationship::ALL.to_vec()]);
    let assigned = (1_i64..1000, ids(), ids(), root, begins, relationships, any::<bool>()).prop_map(
        |(id, groups, labels, root, begins_at_ms, relationships, is_required)| {
            let default_group_of = root.map(OrganisationId);
            Reach::Assigned(Assigned {
                groups,
                labels,
                default_group_of,
                relationships,
                begins_at_ms,
                is_required,
                ..assigned(id)
            })
        },
    );
    prop_oneof![published, assigned]
}

fn entries() -> impl Strategy<Value = Vec<Entry<u32>>> {
    let package = select(vec!["a", "ab", "b", "c"]);
    let entry = (package, select(vec![Os::Android, Os::Android, Os::Ios]), 0_i64..4, reach(), rollouts())
        .prop_map(|(package, os, code, reach, rollouts)| Entry { os, reach, rollouts, ..published(package, code, 1) });
    prop::collection::vec(entry, 0..12).prop_map(|mut entries| {
        // An assignment is of one application.
        let mut known = std::collections::HashSet::new();
        entries.retain(|entry| entry.assignment().is_none_or(|assignment| known.insert(assignment)));
        (0..).zip(&mut entries).for_each(|(place, entry)| entry.details = place);
        entries
    })
}

fn askers() -> impl Strategy<Value = Asker> {
    let path = || select(PATHS.to_vec()).prop_map(|path| OrganisationPath::parse(path).unwrap());
    let assignments = prop::collection::btree_set((1_i64..1000).prop_map(AssignmentId), 0..5);
    let user = (path(), ids(), ids(), assignments).prop_map(|(organisation, groups, labels, assignments)| AskingUser {
        organisation,
        groups,
        labels,
        assignments: assignments.into_iter().collect(),
    });
    let commands = prop::collection::btree_map((1_i64..6).prop_map(JobId), select(CommandState::ALL.to_vec()), 0..4);
    let names = select(vec![vec![], vec!["COPE".to_owned()], vec!["x".to_owned(), "BYOD".to_owned()]]);
    let relationship = select(Relationship::ALL.to_vec());
    (path(), prop::option::weighted(0.8, user), commands, names, relationship).prop_map(
        |(organisation, user, commands, names, relationship)| Asker {
            organisation,
            names,
            relationship,
            user,
            commands,
            ..asker()
        },
    )
}

fn installed() -> impl Strategy<Value = BTreeMap<String, i64>> {
    let package = select(vec!["a", "aa", "ab", "c", "z"]).prop_map(str::to_owned);
    prop::collection::btree_map(package, 0_i64..6, 0..5)
}

/// What is told of each package, found by looking at every entry without any index.
fn plainly<'a>(
    entries: &'a [Entry<u32>],
    asker: &Asker,
    installed: &BTreeMap<String, i64>,
) -> Vec<Difference<'a, u32>> {
    let asking = rule::Asking::new(asker);
    let mut by_package: BTreeMap<&str, Vec<&Entry<u32>>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.is_for(&asking)) {
        by_package.entry(&entry.package).or_default().push(entry);
    }
    let decide = |(package, entries): (&str, Vec<&'a Entry<u32>>)| {
        rule::decide(&entries, &asking, installed.get(package).copied())
    };
    by_package.into_iter().filter_map(decide).collect()
}

proptest! {
    #[test]
    fn the_index_finds_what_a_look_at_everything_finds(entries in entries(), asker in askers(), installed in installed()) {
        let catalogue = Catalogue::new(entries.clone());
        prop_assert_eq!(catalogue.differences(&asker, &installed), plainly(&entries, &asker, &installed));
    }

    #[test]
    fn who_does_as_told_is_told_nothing_more(entries in entries(), asker in askers(), installed in installed()) {
        let catalogue = Catalogue::new(entries);
        let mut installed = installed;
        for difference in catalogue.differences(&asker, &installed.clone()) {
            installed.insert(difference.entry.package.clone(), difference.entry.version_code);
        }
        prop_assert_eq!(catalogue.differences(&asker, &installed), vec![]);
    }

    #[test]
    fn each_package_is_told_of_once_and_as_it_differs(entries in entries(), asker in askers(), installed in installed()) {
        let catalogue = Catalogue::new(entries);
        let found = catalogue.differences(&asker, &installed);
        prop_assert!(found.is_sorted_by(|one, next| one.entry.package < next.entry.package));
        for Difference { entry, against, .. } in found {
            let expected = match installed.get(&entry.package) {
                None => Against::Nothing,
                Some(code) if *code < entry.version_code => Against::Older,
                Some(code) => {
                    prop_assert!(*code > entry.version_code);
                    Against::Newer
                }
            };
            prop_assert_eq!(against, expected);
        }
    }

    /// A roll-out that ends takes nothing from anybody, but for what a newer push has the last word on then.
    #[test]
    fn without_roll_outs_nobody_is_offered_less(entries in entries(), asker in askers()) {
        let nothing = BTreeMap::new();
        let mut open = entries.clone();
        for entry in &mut open {
            entry.rollouts.clear();
        }
        let (with, without) = (Catalogue::new(entries.clone()), Catalogue::new(open));
        let without = without.differences(&asker, &nothing);
        for Difference { entry, .. } in with.differences(&asker, &nothing) {
            let then = without.iter().find(|then| then.entry.package == entry.package);
            prop_assert!(then.is_some(), "{} is offered no more", entry.package);
            let has_newer_push = entries.iter().any(|other| other.package == entry.package
                && entry.assignment().is_some_and(|of| other.assignment() > Some(of)));
            prop_assert!(has_newer_push || then.is_some_and(|then| then.entry.version_code >= entry.version_code));
        }
    }
}
