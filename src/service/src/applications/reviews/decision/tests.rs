use drover_domain::{ApplicationId, RestrictionId};

use super::*;

const APP: Subject = Subject::Application(ApplicationId(1));
const LIST: Subject = Subject::Restriction(RestrictionId(1));

fn reach(assignment: i64, subject: Subject) -> Reach {
    Reach {
        device: 7,
        assignment: AssignmentId(assignment),
        subject,
        package: matches!(subject, Subject::Application(_)).then_some(PackageId(1)),
        is_required: true,
        is_essential: false,
        is_offered: true,
        has_begun: true,
    }
}

fn had(job: i64, subject: Subject, action: PushAction) -> Had {
    Had {
        device: 7,
        subject,
        package: matches!(subject, Subject::Application(_)).then_some(PackageId(1)),
        job: JobId(job),
        action,
        is_explicit: true,
        removes_on_exit: true,
        is_there: true,
        is_present: true,
        was_removed: false,
        was_brought_lately: false,
    }
}

fn sent(job: i64, assignment: i64, subject: Subject, state: CommandState) -> Sent {
    Sent { device: 7, job: JobId(job), assignment: AssignmentId(assignment), subject, is_required: true, state }
}

/// Assignments given, whether anything is taken, and jobs stopped.
fn decided(reach: Vec<Reach>, had: Vec<Had>, sent: Vec<Sent>) -> (Vec<i64>, usize, Vec<i64>) {
    let Decision { given, taken, stopped, .. } = Facts { reach, had, sent }.decide(&[7]);
    assert!(given.values().chain(taken.values()).chain(stopped.values()).all(|devices| devices == &[7]));
    (given.keys().map(|id| id.0).collect(), taken.len(), stopped.keys().map(|id| id.0).collect())
}

#[test]
fn who_joins_is_given_what_is_required() {
    for subject in [APP, LIST] {
        assert_eq!(decided(vec![reach(1, subject)], vec![], vec![]), (vec![1], 0, vec![]));
        let on_demand = Reach { is_required: false, ..reach(1, subject) };
        let disabled = Reach { is_offered: false, ..reach(1, subject) };
        let to_come = Reach { has_begun: false, ..reach(1, subject) };
        for reach in [on_demand, disabled, to_come] {
            assert_eq!(decided(vec![reach], vec![], vec![]), (vec![], 0, vec![]));
        }
        let both = vec![reach(2, subject), reach(3, subject), reach(1, subject)];
        assert_eq!(decided(both, vec![], vec![]), (vec![3], 0, vec![]), "one push of one thing");
    }
}

#[test]
fn who_was_sent_it_or_has_it_is_left_alone() {
    use CommandState as S;
    for state in [S::Queued, S::Sent, S::Succeeded, S::Failed, S::TimedOut, S::Rejected, S::Superseded] {
        let absent = Had { is_there: false, is_present: false, ..had(5, APP, PushAction::Install) };
        let found = decided(vec![reach(1, APP)], vec![absent], vec![sent(5, 1, APP, state)]);
        assert_eq!(found, (vec![], 0, vec![]), "{state:?}");
    }
    let present = had(5, APP, PushAction::Install);
    assert_eq!(decided(vec![reach(2, APP)], vec![present], vec![]), (vec![], 0, vec![]), "another one brought it");
    let coming = sent(5, 1, APP, S::Queued);
    assert_eq!(decided(vec![reach(1, APP), reach(2, APP)], vec![], vec![coming]), (vec![], 0, vec![]));
    let failed = sent(5, 1, APP, S::Failed);
    assert_eq!(decided(vec![reach(1, APP), reach(2, APP)], vec![], vec![failed]), (vec![2], 0, vec![]));
}

#[test]
fn an_explicit_uninstall_wins_and_one_for_leaving_does_not() {
    for (subject, action) in [(APP, PushAction::Uninstall), (LIST, PushAction::Remove)] {
        let gone = Had { is_there: false, is_present: false, ..had(5, subject, action) };
        let was_sent = sent(4, 1, subject, CommandState::Succeeded);
        let found = decided(vec![reach(1, subject)], vec![gone.clone()], vec![was_sent.clone()]);
        assert_eq!(found, (vec![], 0, vec![]));
        let found = decided(vec![reach(1, subject)], vec![], vec![was_sent.clone()]);
        assert_eq!(found.0.is_empty(), subject == APP, "a list of which nothing is kept was removed");
        let left = Had { is_explicit: false, ..gone };
        assert_eq!(decided(vec![reach(1, subject)], vec![left], vec![was_sent]), (vec![1], 0, vec![]), "it is back");
    }
    // The newest word counts, whichever application of the package it was about.
    let other = Subject::Application(ApplicationId(2));
    let older = had(4, other, PushAction::Uninstall);
    let newer = Had { is_there: false, is_present: false, ..had(5, APP, PushAction::Install) };
    assert_eq!(decided(vec![reach(1, APP)], vec![older.clone(), newer], vec![]), (vec![1], 0, vec![]));
    let newest = Had { job: JobId(6), ..older };
    assert_eq!(decided(vec![reach(1, APP)], vec![newest], vec![]), (vec![], 0, vec![]));
}

#[test]
fn what_must_not_be_removed_comes_back() {
    let essential = Reach { is_essential: true, ..reach(1, APP) };
    let removed = Had { is_there: false, is_present: false, was_removed: true, ..had(5, APP, PushAction::Install) };
    let succeeded = sent(5, 1, APP, CommandState::Succeeded);
    let found = decided(vec![essential.clone()], vec![removed.clone()], vec![succeeded.clone()]);
    assert_eq!(found, (vec![1], 0, vec![]));
    let found = decided(vec![reach(1, APP)], vec![removed.clone()], vec![succeeded.clone()]);
    assert_eq!(found, (vec![], 0, vec![]), "the user may remove what is not essential");
    let coming = sent(6, 1, APP, CommandState::Queued);
    let found = decided(vec![essential.clone()], vec![removed], vec![succeeded.clone(), coming]);
    assert_eq!(found, (vec![], 0, vec![]), "it is on its way");
    let taken = Had { is_there: false, is_present: false, ..had(6, APP, PushAction::Uninstall) };
    assert_eq!(decided(vec![essential], vec![taken], vec![succeeded]), (vec![], 0, vec![]));
}

#[test]
fn what_keeps_going_is_not_brought_again_at_once() {
    let essential = Reach { is_essential: true, ..reach(1, APP) };
    let removed = Had { is_there: false, is_present: false, was_removed: true, ..had(5, APP, PushAction::Install) };
    let again = Had { is_explicit: false, was_brought_lately: true, ..removed };
    let succeeded = sent(5, 1, APP, CommandState::Succeeded);
    let decide = |reach: Vec<Reach>, sent: Vec<Sent>| Facts { reach, had: vec![again.clone()], sent }.decide(&[7]);
    let found = decide(vec![essential.clone()], vec![succeeded.clone()]);
    assert_eq!((found.waiting.is_empty(), found.given.len()), (true, 1), "it goes for the first time");
    let twice = vec![sent(4, 1, APP, CommandState::Succeeded), succeeded.clone()];
    let found = decide(vec![essential.clone(), reach(2, LIST)], twice);
    assert_eq!(found.waiting, [7]);
    assert_eq!(found.given.into_keys().collect::<Vec<_>>(), [AssignmentId(2)], "nothing else waits for it");
    for (reach, sent) in [(reach(1, APP), succeeded.clone()), (essential, sent(6, 1, APP, CommandState::Queued))] {
        assert_eq!(decide(vec![reach], vec![succeeded.clone(), sent]), Decision::default());
    }
}

#[test]
fn who_leaves_is_relieved_and_not_sent_any_more() {
    for (subject, action) in [(APP, PushAction::Install), (LIST, PushAction::Apply)] {
        let there = had(5, subject, action);
        assert_eq!(decided(vec![], vec![there.clone()], vec![]), (vec![], 1, vec![]));
        let stays = Had { removes_on_exit: false, ..there.clone() };
        let absent = Had { is_there: false, ..there.clone() };
        for had in [stays, absent] {
            assert_eq!(decided(vec![], vec![had], vec![]), (vec![], 0, vec![]));
        }
        let on_demand = Reach { is_required: false, ..reach(2, subject) };
        let open = sent(5, 1, subject, CommandState::Sent);
        let found = decided(vec![on_demand], vec![there], vec![open.clone()]);
        assert_eq!(found, (vec![], 0, vec![]), "another assignment reaches it");
        assert_eq!(decided(vec![], vec![], vec![open]), (vec![], 0, vec![5]));
        for state in [CommandState::Cancelling, CommandState::Succeeded] {
            assert_eq!(decided(vec![], vec![], vec![sent(5, 1, subject, state)]), (vec![], 0, vec![]));
        }
    }
    let told = had(5, APP, PushAction::Uninstall);
    assert_eq!(decided(vec![], vec![told], vec![]), (vec![], 0, vec![]), "it was told already");
}
