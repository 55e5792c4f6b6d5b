use super::*;
use crate::{Budget, Change, CommandState as S, Event, Rules, transition};

const INSTALL: PushAction = PushAction::Install;
const UNINSTALL: PushAction = PushAction::Uninstall;

fn code(action: PushAction, is_required: bool, command: Option<(S, S)>, holding: Holding) -> i16 {
    install_status(Some(PushCase { action, is_required, command }), holding).code()
}

/// The codes of a state, by what the device has: nothing, the present release, an older one, nothing any more.
type Row = (S, [i16; 4]);

const REST: [i16; 4] = [0, 7, 11, 9];

const REQUIRED: [Row; 14] = [
    (S::Planned, REST),
    (S::Queued, [100; 4]),
    (S::Sent, [2; 4]),
    (S::Downloading, [3; 4]),
    (S::Downloaded, [5; 4]),
    (S::Installing, [6; 4]),
    (S::Verifying, [6; 4]),
    (S::Cancelling, REST),
    (S::Succeeded, REST),
    (S::Failed, [10, 7, 10, 10]),
    (S::TimedOut, REST),
    (S::Rejected, [8, 7, 8, 8]),
    (S::Cancelled, REST),
    (S::Superseded, REST),
];

/// Where the state before makes a difference.
fn exception(is_required: bool, state: S, prior: S) -> Option<[i16; 4]> {
    let told = |code| [code, 7, code, code];
    Some(match (state, prior) {
        (S::Failed | S::Cancelled, S::Downloading) => told(4),
        (S::TimedOut, S::Sent) if !is_required => REST,
        (S::TimedOut, S::Sent | S::Downloading | S::Downloaded | S::Installing | S::Verifying | S::Cancelling) => {
            told(200)
        }
        (S::Cancelling, S::Cancelling) => REST,
        (S::Cancelling, S::Failed) => told(10),
        (S::Cancelling, S::Rejected) => told(8),
        (S::Cancelling, S::TimedOut) => REST,
        (S::Cancelling, prior) => return row(is_required, prior),
        _ => return None,
    })
}

fn row(is_required: bool, state: S) -> Option<[i16; 4]> {
    let offered = !is_required && matches!(state, S::Queued | S::Sent);
    if offered { Some(REST) } else { REQUIRED.iter().find(|(known, _)| *known == state).map(|(_, codes)| *codes) }
}

#[test]
fn every_combination_has_the_code_of_the_table() {
    for state in S::ALL {
        for prior in S::ALL {
            for is_required in [false, true] {
                let expected = exception(is_required, state, prior).or_else(|| row(is_required, state)).unwrap();
                let found = Holding::ALL.map(|holding| code(INSTALL, is_required, Some((state, prior)), holding));
                assert_eq!(found, expected, "required: {is_required}, {state:?} after {prior:?}");
                let found = Holding::ALL.map(|holding| code(UNINSTALL, is_required, Some((state, prior)), holding));
                let expected = if state == S::Succeeded { [0, 1, 1, 0] } else { REST };
                assert_eq!(found, expected, "uninstall: {state:?} after {prior:?}");
            }
        }
    }
}

#[test]
fn without_a_command_what_is_there_decides() {
    for is_required in [false, true] {
        for action in [INSTALL, UNINSTALL] {
            assert_eq!(Holding::ALL.map(|holding| code(action, is_required, None, holding)), REST);
        }
    }
    assert_eq!(Holding::ALL.map(|holding| install_status(None, holding).code()), [0, 1, 1, 0]);
}

/// Moves a command by what happens to it, and says the code after each step.
fn course(is_required: bool, holding: Holding, events: &[Event]) -> Vec<i16> {
    let mut command = (S::Planned, S::Planned);
    let mut codes = Vec::new();
    for event in events {
        let change = transition(command.0, Budget::Spent, *event, Rules::default());
        let Some(Change::To(next)) = change else { panic!("{event:?} in {command:?}: {change:?}") };
        command = (next, command.0);
        codes.push(code(
            INSTALL,
            is_required,
            Some(command),
            if next == S::Succeeded { Holding::Present } else { holding },
        ));
    }
    codes
}

#[test]
fn the_documents_path_is_walked() {
    use Event as E;
    let nothing = Holding::Nothing;
    let whole = [E::Released, E::Accepted, E::Downloading, E::Downloaded, E::Installing, E::Succeeded];
    assert_eq!(course(true, nothing, &whole), [100, 2, 3, 5, 6, 7]);
    assert_eq!(course(false, nothing, &whole), [0, 0, 3, 5, 6, 7], "an offer shows when the user takes it");
    assert_eq!(course(true, nothing, &[E::Released, E::Accepted, E::Downloading, E::Failed]), [100, 2, 3, 4]);
    assert_eq!(course(true, nothing, &[E::Released, E::Accepted, E::Downloading, E::CancelConfirmed]), [100, 2, 3, 4]);
    assert_eq!(
        course(true, nothing, &[E::Released, E::Accepted, E::Downloading, E::Downloaded, E::Refused]),
        [100, 2, 3, 5, 8]
    );
    assert_eq!(
        course(true, nothing, &[E::Released, E::Accepted, E::Downloading, E::Installing, E::Failed]),
        [100, 2, 3, 6, 10]
    );
    assert_eq!(course(true, nothing, &[E::Released, E::Accepted, E::DeadlinePassed]), [100, 2, 200]);
    assert_eq!(course(true, nothing, &[E::Released, E::Withdrawn]), [100, 0]);
    // 7 → 9: the user removes it. 7 → 11 → 3: there is a new release, and it is brought.
    assert_eq!(code(INSTALL, true, Some((S::Succeeded, S::Installing)), Holding::Removed), 9);
    assert_eq!(code(INSTALL, true, Some((S::Succeeded, S::Installing)), Holding::Older), 11);
    assert_eq!(course(false, Holding::Older, &whole), [11, 11, 3, 5, 6, 7]);
}

#[test]
fn an_older_version_is_behind_and_a_newer_one_is_not() {
    let version = |number, name| Version { number, name };
    for (installed, present, expected) in [
        (version(7, "1.7"), version(8, "1.8"), Holding::Older),
        (version(8, "1.8"), version(8, "1.8"), Holding::Present),
        (version(8, "1.8"), version(8, "one eight"), Holding::Present),
        (version(9, "1.9"), version(8, "1.8"), Holding::Present),
        (version(0, "1.8"), version(8, "1.8"), Holding::Present),
        (version(0, "2.0"), version(8, "1.8"), Holding::Older),
        (version(5, "1.8"), version(0, "1.9"), Holding::Older),
        (version(0, ""), version(0, ""), Holding::Present),
    ] {
        assert_eq!(Holding::of(installed, present), expected, "{installed:?} beside {present:?}");
    }
}

#[test]
fn a_filter_finds_what_the_document_says() {
    let codes = |code| InstallStatus::filtered_by(code).into_iter().map(InstallStatus::code).collect::<Vec<_>>();
    assert_eq!(codes(0), [0, 2, 3, 4, 5, 6, 8, 9, 10, 100, 200]);
    assert_eq!(codes(7), [1, 7]);
    for exactly in [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 100, 200] {
        assert_eq!(codes(exactly), [exactly]);
    }
    assert_eq!(codes(12), [0_i16; 0]);
    assert_eq!(codes(-1), [0_i16; 0]);
}

#[test]
fn names_and_codes_are_their_own() {
    let mut codes: Vec<i16> = InstallStatus::ALL.iter().map(|status| status.code()).collect();
    codes.dedup();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 100, 200]);
    assert!(Holding::ALL.iter().all(|holding| Holding::parse(holding.as_str()) == Some(*holding)));
    assert_eq!(PushCase::all().count(), 2 * 2 * (14 * 14 + 1));
}
