//! The rule, case by case.

use super::*;

#[test]
fn what_is_published_where_a_device_is_differs_from_what_it_has() {
    let entries = [published("a", 2, 1), published("b", 5, 2), published("c", 1, 3), published("d", 1, 23)];
    let said = ask(&entries, &asker(), &[("a", 1), ("x", 7)]);
    let a = ("a".to_owned(), 2, Against::Older, false);
    assert_eq!(said, [a, ("b".to_owned(), 5, Against::Nothing, true)]);
    assert_eq!(ask(&entries, &asker(), &[("a", 2), ("b", 5)]), []);
}

#[test]
fn what_runs_on_another_system_is_not_for_it() {
    let mut entries = [published("a", 2, 1), published("a", 3, 1)];
    entries[1].os = Os::Harmony;
    assert_eq!(offered(&entries, &asker()), [2]);
    assert_eq!(offered(&entries, &Asker { os: Os::Harmony, ..asker() }), [3]);
    assert_eq!(offered(&entries, &Asker { os: Os::Ios, ..asker() }), []);
}

#[test]
fn a_publication_ends_with_its_last_place() {
    let mut entry = published("a", 2, 1);
    let place = |organisation, ends_at_ms| Place { organisation: OrganisationId(organisation), ends_at_ms };
    let mut offered_of = |places: Vec<Place>| {
        entry.reach = Reach::Published { places, labels: UiFamily::default() };
        !offered(std::slice::from_ref(&entry), &asker()).is_empty()
    };
    assert!(offered_of(vec![place(1, NOW_MS + 1)]));
    assert!(!offered_of(vec![place(1, NOW_MS)]));
    assert!(offered_of(vec![place(1, NOW_MS), place(2, NOW_MS + 1)]));
    assert!(!offered_of(vec![place(1, NOW_MS), place(3, NOW_MS + 1)]), "what goes on is not here");
    assert!(!offered_of(vec![]));
}

#[test]
fn a_program_with_labels_is_for_devices_that_name_one() {
    let mut entries = [published("a", 1, 1), published("a", 2, 1)];
    let labels = UiFamily::parse("COPE,BYOD").unwrap();
    let Reach::Published { places, .. } = entries[1].reach.clone() else { unreachable!() };
    entries[1].reach = Reach::Published { places, labels };
    let named = |names: &[&str]| Asker { names: names.iter().map(|name| (*name).into()).collect(), ..asker() };
    assert_eq!(offered(&entries, &named(&[])), [1]);
    assert_eq!(offered(&entries, &named(&["10012", "BYOD"])), [2]);
    assert_eq!(offered(&entries, &named(&["cope", "BY"])), [1], "to the letter");
}

#[test]
fn who_is_outside_of_the_present_wave_keeps_to_the_one_before() {
    let with = |rollout: Rollout| [published("a", 1, 1), Entry { rollouts: vec![rollout], ..published("a", 2, 1) }];
    let has = |state| Asker { commands: BTreeMap::from([(JobId(7), state)]), ..asker() };
    // Not planned yet: whoever has no command may still get one.
    let planning = with(rollout(7, Some(&[1]), false));
    assert_eq!(offered(&planning, &asker()), [1]);
    assert_eq!(offered(&planning, &has(CommandState::Planned)), [1]);
    for state in CommandState::ALL.into_iter().filter(|state| *state != CommandState::Planned) {
        assert_eq!(offered(&planning, &has(state)), [2], "{state:?}");
    }
    // All have their commands: who has none is passed by, who has one waits for its release.
    let planned = with(rollout(7, Some(&[1]), true));
    assert_eq!(offered(&planned, &asker()), [2]);
    assert_eq!(offered(&planned, &has(CommandState::Planned)), [1]);
    assert_eq!(offered(&planned, &has(CommandState::Queued)), [2]);
    // It is for others.
    assert_eq!(offered(&with(rollout(7, Some(&[3, 12]), false)), &asker()), [2]);
}

#[test]
fn of_several_roll_outs_any_that_has_come_is_enough() {
    let mut entry = published("a", 2, 1);
    entry.rollouts = vec![rollout(7, Some(&[1]), false), rollout(8, Some(&[2]), false)];
    let has = |job| Asker { commands: BTreeMap::from([(JobId(job), CommandState::Sent)]), ..asker() };
    let entries = [entry];
    assert_eq!(offered(&entries, &asker()), []);
    assert_eq!(offered(&entries, &has(8)), [2]);
    assert_eq!(offered(&entries, &has(9)), []);
}

#[test]
fn nobody_is_sent_back_from_what_the_next_wave_brings() {
    let ahead = Entry { rollouts: vec![rollout(7, Some(&[1]), false)], ..published("a", 5, 1) };
    let entries = [published("a", 3, 1), ahead];
    for ours in [3, 4, 5] {
        assert_eq!(ask(&entries, &asker(), &[("a", ours)]), [], "{ours}");
    }
    assert_eq!(ask(&entries, &asker(), &[("a", 6)]), [("a".into(), 3, Against::Newer, false)]);
    assert_eq!(ask(&entries, &asker(), &[("a", 2)]), [("a".into(), 3, Against::Older, false)]);
}

#[test]
fn what_is_published_no_more_goes_back_to_what_is() {
    let back = ("a".to_owned(), 3, Against::Newer, false);
    assert_eq!(ask(&[published("a", 3, 1)], &asker(), &[("a", 4)]), [back]);
    assert_eq!(ask(&[], &asker(), &[("a", 4)]), [], "to nothing nobody goes back");
}

#[test]
fn a_version_without_a_number_is_for_those_who_have_none_of_it() {
    let entries = [published("a", 0, 1)];
    assert_eq!(offered(&entries, &asker()), [0]);
    assert_eq!(ask(&entries, &asker(), &[("a", 7)]), []);
    assert_eq!(ask(&entries, &asker(), &[("a", 0)]), []);
}

#[test]
fn an_application_goes_by_the_user() {
    let mut given = assigned(7);
    (given.groups, given.labels) = (vec![2, 4, 6], vec![3]);
    let entries = [application("a", 1, given)];
    let of = |change: fn(&mut AskingUser)| {
        let mut asker = asker_with_user();
        change(asker.user.as_mut().unwrap());
        !offered(&entries, &asker).is_empty()
    };
    assert_eq!(offered(&entries, &asker()), [], "nobody holds it");
    assert!(!of(|_| ()));
    assert!(of(|user| user.groups = vec![1, 4]));
    assert!(!of(|user| user.groups = vec![1, 3, 5, 7]));
    assert!(of(|user| user.labels = vec![3]));
    assert!(!of(|user| user.labels = vec![4]), "a label is no group");
    assert!(of(|user| user.assignments = vec![AssignmentId(5), AssignmentId(7)]));
    assert!(!of(|user| user.assignments = vec![AssignmentId(8)]));
}

#[test]
fn the_default_group_is_of_those_in_no_group_below_an_organisation() {
    let of =
        |root: i64| [application("a", 1, Assigned { default_group_of: Some(OrganisationId(root)), ..assigned(7) })];
    assert_eq!(offered(&of(1), &asker_with_user()), [1]);
    assert_eq!(offered(&of(3), &asker_with_user()), [1]);
    assert_eq!(offered(&of(2), &asker_with_user()), [], "the user's organisation counts, not the device's");
    let mut in_a_group = asker_with_user();
    in_a_group.user.as_mut().unwrap().groups = vec![9];
    assert_eq!(offered(&of(1), &in_a_group), []);
}

#[test]
fn whose_a_device_is_and_what_kind_counts() {
    let everybody = Assigned { default_group_of: Some(OrganisationId(1)), ..assigned(7) };
    let company = Assigned { relationships: vec![Relationship::Company, Relationship::Other], ..everybody.clone() };
    let of =
        |relationship| offered(&[application("a", 1, company.clone())], &Asker { relationship, ..asker_with_user() });
    let each = [Relationship::Company, Relationship::Employee, Relationship::Other];
    assert_eq!(each.map(of), [vec![1], vec![], vec![1]]);
    let pads = Assigned { models: vec![ModelType::IPad], ..everybody };
    let of = |model| offered(&[application("a", 1, pads.clone())], &Asker { model, ..asker_with_user() });
    assert_eq!([None, Some(21), Some(20), Some(99)].map(of), [vec![1], vec![1], vec![], vec![]]);
}

#[test]
fn what_begins_later_is_ahead() {
    let at = |begins_at_ms| {
        let everybody = Assigned { default_group_of: Some(OrganisationId(1)), begins_at_ms, ..assigned(7) };
        offered(&[application("a", 1, everybody)], &asker_with_user())
    };
    assert_eq!([None, Some(NOW_MS), Some(NOW_MS + 1)].map(at), [vec![1], vec![1], vec![]]);
}

#[test]
fn what_waits_in_the_queue_of_a_held_roll_out_is_ahead() {
    let to = |state, is_paused| {
        let held = Rollout { is_paused, ..rollout(7, None, true) };
        let commands = [(JobId(7), state)].into();
        offered(&[Entry { rollouts: vec![held], ..published("a", 2, 1) }], &Asker { commands, ..asker() })
    };
    assert_eq!(to(CommandState::Queued, false), [2]);
    for (state, expected) in [
        (CommandState::Planned, vec![]),
        (CommandState::Queued, vec![]),
        (CommandState::Sent, vec![2]),
        (CommandState::Failed, vec![2]),
        (CommandState::Succeeded, vec![2]),
    ] {
        assert_eq!(to(state, true), expected, "{state:?}");
    }
}

#[test]
fn of_what_is_assigned_the_newest_push_has_the_last_word() {
    let everybody = |id| Assigned { default_group_of: Some(OrganisationId(1)), ..assigned(id) };
    let entries = [application("a", 9, everybody(7)), application("a", 4, everybody(8))];
    assert_eq!(offered(&entries, &asker_with_user()), [4]);
    assert_eq!(ask(&entries, &asker_with_user(), &[("a", 9)]), [("a".into(), 4, Against::Newer, true)]);
    // Until its time has come the one before it has, and nobody is sent back from what it brings.
    let begins_at_ms = Some(NOW_MS + 1);
    let later = |code| application("a", code, Assigned { begins_at_ms, ..everybody(8) });
    assert_eq!(offered(&[entries[0].clone(), later(4)], &asker_with_user()), [9]);
    assert_eq!(ask(&[entries[0].clone(), later(12)], &asker_with_user(), &[("a", 12)]), []);
    assert_eq!(ask(&[entries[0].clone(), later(4)], &asker_with_user(), &[("a", 12)])[0].1, 9);
    // What was assigned before keeps nobody on a version that the newest push takes back.
    let earlier = Assigned { begins_at_ms, ..everybody(6) };
    let with = [entries[0].clone(), application("a", 12, earlier)];
    assert_eq!(ask(&with, &asker_with_user(), &[("a", 12)])[0].1, 9);
    // One that is not for this device says nothing.
    let of_others = [entries[0].clone(), application("a", 4, assigned(8))];
    assert_eq!(offered(&of_others, &asker_with_user()), [9]);
    // A program that is published beside it counts by its number.
    let both = [entries[0].clone(), entries[1].clone(), published("a", 6, 1)];
    assert_eq!(offered(&both, &asker_with_user()), [6]);
}

#[test]
fn what_is_installed_without_asking() {
    let auto = |entry: Entry<u32>, installed: &[(&str, i64)]| ask(&[entry], &asker_with_user(), installed)[0].3;
    let forced = |organisation: i64| {
        let rollout = Rollout { is_forced: true, ..rollout(7, Some(&[organisation]), true) };
        Entry { rollouts: vec![rollout], ..published("a", 2, 1) }
    };
    assert!(auto(published("a", 2, 1), &[]), "what is new");
    assert!(!auto(published("a", 2, 1), &[("a", 1)]), "an update is the user's to take");
    assert!(auto(forced(1), &[("a", 1)]), "unless it is forced");
    assert!(!auto(forced(3), &[("a", 1)]), "on this device");
    // One that forces and one that does not: the first has yet to come.
    let mut both = forced(1);
    both.rollouts[0].is_planned = false;
    both.rollouts.push(rollout(8, None, true));
    let told = |state| {
        let commands = [(JobId(7), state), (JobId(8), CommandState::Sent)].into();
        ask(std::slice::from_ref(&both), &Asker { commands, ..asker() }, &[("a", 1)])[0].3
    };
    assert_eq!([CommandState::Planned, CommandState::Queued].map(told), [false, true]);
    let has_the_other = Asker { commands: [(JobId(8), CommandState::Sent)].into(), ..asker() };
    assert!(!ask(&[both], &has_the_other, &[("a", 1)])[0].3);
    let everybody = |is_required| Assigned { default_group_of: Some(OrganisationId(1)), is_required, ..assigned(7) };
    assert!(auto(application("a", 2, everybody(true)), &[("a", 1)]));
    assert!(!auto(application("a", 2, everybody(false)), &[]), "what is on demand waits for the demand");
}

#[test]
fn of_equals_the_later_counts() {
    let entries = [1, 2].map(|details| Entry { details, ..published("a", 2, 1) });
    let catalogue = Catalogue::new(entries.to_vec());
    let (asker, nothing) = (asker(), BTreeMap::new());
    let found = catalogue.differences(&asker, &nothing);
    assert_eq!((found.len(), found[0].entry.details), (1, 2));
    assert_eq!((catalogue.len(), catalogue.is_empty()), (2, false));
}
