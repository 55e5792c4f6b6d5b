use proptest::prelude::*;

use super::*;
use crate::Outcome;

/// A command as its row would be, moved by the same rule that the SQL is generated from.
#[derive(Debug, Clone)]
struct Row {
    state: CommandState,
    prior: CommandState,
    attempt: i32,
    retries_left: i32,
    operator_retries: i32,
    outcomes: Vec<(i32, Outcome)>,
}

const RETRY_LIMIT: i32 = 3;

impl Row {
    fn planned() -> Self {
        let (state, prior) = (S::Planned, S::Planned);
        Self { state, prior, attempt: 1, retries_left: RETRY_LIMIT, operator_retries: 0, outcomes: Vec::new() }
    }

    fn budget(&self) -> Budget {
        if self.retries_left > 0 { Budget::Left } else { Budget::Spent }
    }

    fn apply(&mut self, event: Event, rules: Rules) -> bool {
        let Some(change) = transition(self.state, self.budget(), event, rules) else { return false };
        if let Some(outcome) = Outcome::of(change, event) {
            self.outcomes.push((self.attempt, outcome));
        }
        let before = self.state;
        self.state = match change {
            Change::To(state) => state,
            Change::NextAttempt => {
                self.attempt += 1;
                self.retries_left -= 1;
                S::Queued
            }
            Change::FreshAttempt => {
                self.attempt += 1;
                self.operator_retries += 1;
                self.retries_left = RETRY_LIMIT;
                S::Queued
            }
            Change::Back => self.prior,
        };
        self.prior = before;
        true
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(prop::sample::select(Event::ALL.to_vec()), 0..60)
}

proptest! {
    #[test]
    fn an_ended_command_moves_only_when_an_operator_retries(events in events(), proof_required: bool) {
        let (mut row, rules) = (Row::planned(), Rules { proof_required, ..Rules::default() });
        for event in events {
            let before = row.clone();
            let moved = row.apply(event, rules);
            if before.state.is_terminal() && moved {
                prop_assert_eq!(event, E::Retried);
            }
        }
    }

    #[test]
    fn every_attempt_has_at_most_one_outcome_and_every_ended_one_has_one(events in events(), proof_required: bool) {
        let mut row = Row::planned();
        for event in events {
            row.apply(event, Rules { proof_required, ..Rules::default() });
            let ended = row.attempt - i32::from(!row.state.is_terminal());
            let recorded: Vec<i32> = row.outcomes.iter().map(|(attempt, _)| *attempt).collect();
            prop_assert_eq!(recorded, (1..=ended).collect::<Vec<_>>());
        }
    }

    #[test]
    fn attempts_never_exceed_the_policy(events in events(), proof_required: bool) {
        let mut row = Row::planned();
        for event in events {
            row.apply(event, Rules { proof_required, ..Rules::default() });
            prop_assert!(row.retries_left >= 0);
            prop_assert!(row.attempt <= (1 + RETRY_LIMIT) * (1 + row.operator_retries));
        }
    }

    #[test]
    fn going_back_never_lands_where_a_device_is_not_at_work(events in events(), proof_required: bool) {
        let mut row = Row::planned();
        for event in events {
            let was = row.state;
            if row.apply(event, Rules { proof_required, ..Rules::default() }) && event == E::CancelRefused {
                prop_assert_eq!(was, S::Cancelling);
                prop_assert!(row.state.is_handed_over() && row.state != S::Cancelling, "{:?}", row.state);
            }
        }
    }
}

#[test]
fn the_moves_cover_exactly_the_transitions() {
    for (proof_required, is_stopped) in [(false, false), (false, true), (true, false), (true, true)] {
        let rules = Rules { proof_required, is_stopped };
        for event in Event::ALL {
            let moves = moves(event, rules);
            for state in CommandState::ALL {
                for budget in [Budget::Left, Budget::Spent] {
                    let matching: Vec<Change> = moves
                        .iter()
                        .filter(|m| m.sources.contains(&state) && m.budget.is_none_or(|needed| needed == budget))
                        .map(|m| m.change)
                        .collect();
                    let expected: Vec<Change> = transition(state, budget, event, rules).into_iter().collect();
                    assert_eq!(matching, expected, "{event:?} from {state:?} with {budget:?}");
                }
            }
        }
    }
}

#[test]
fn a_device_that_runs_the_old_version_says_something_only_after_it_reported_success() {
    for rules in [Rules::default(), Rules { proof_required: true, ..Rules::default() }] {
        for budget in [Budget::Left, Budget::Spent] {
            for state in CommandState::ALL {
                let disproven = transition(state, budget, E::Disproven, rules);
                let failed = transition(state, budget, E::Failed, rules);
                let expected = if state == S::Verifying { failed } else { None };
                assert_eq!(disproven, expected, "{state:?} with {budget:?}");
            }
        }
    }
    assert_eq!(Outcome::of(Change::NextAttempt, E::Disproven), Some(Outcome::Failed), "it was not silent");
}

#[test]
fn proof_counts_whatever_else_a_device_has_said_of_an_attempt_that_is_open() {
    for budget in [Budget::Left, Budget::Spent] {
        for state in CommandState::ALL {
            let may_have_it = state == S::Queued || state.is_handed_over();
            let proven = transition(state, budget, E::Proven, Rules::default());
            assert_eq!(proven, may_have_it.then_some(Change::To(S::Succeeded)), "{state:?}");
        }
    }
}

proptest! {
    #[test]
    fn evidence_against_a_success_never_ends_what_is_not_verifying(events in events(), proof_required: bool) {
        let (mut row, rules) = (Row::planned(), Rules { proof_required, ..Rules::default() });
        for event in events {
            let was = row.clone();
            let moved = row.apply(event, rules);
            if event == E::Disproven {
                prop_assert_eq!(moved, was.state == S::Verifying);
                // An attempt that was disproven is over, and the next one knows nothing of it.
                prop_assert!(!row.apply(event, rules));
            }
        }
    }
}

#[test]
fn force_ends_whatever_has_not_ended_and_a_wish_to_cancel_does_not_repeat_itself() {
    for budget in [Budget::Left, Budget::Spent] {
        for state in CommandState::ALL {
            let forced = transition(state, budget, E::CancelForced, Rules::default());
            assert_eq!(forced, (!state.is_terminal()).then_some(Change::To(S::Cancelled)), "{state:?}");
        }
        assert_eq!(transition(S::Cancelling, budget, E::CancelRequested, Rules::default()), None);
    }
}

#[test]
fn only_what_a_device_has_is_cancelled_by_asking_it() {
    for state in CommandState::open().filter(|state| *state != S::Cancelling) {
        let target = if state.is_handed_over() { S::Cancelling } else { S::Cancelled };
        let asked = transition(state, Budget::Left, E::CancelRequested, Rules::default());
        assert_eq!(asked, Some(Change::To(target)), "{state:?}");
    }
}

#[test]
fn what_is_withdrawn_ends_where_no_device_has_it_and_goes_on_elsewhere() {
    for budget in [Budget::Left, Budget::Spent] {
        for state in CommandState::ALL {
            let ends = matches!(state, S::Planned | S::Queued).then_some(Change::To(S::Cancelled));
            assert_eq!(transition(state, budget, E::Withdrawn, Rules::default()), ends, "{state:?}");
        }
    }
}

#[test]
fn no_attempt_follows_once_a_job_was_stopped() {
    let stopped = Rules { is_stopped: true, ..Rules::default() };
    for state in CommandState::ALL {
        for event in Event::ALL.into_iter().filter(|event| *event != E::Retried) {
            let change = transition(state, Budget::Left, event, stopped);
            assert_ne!(change, Some(Change::NextAttempt), "{event:?} from {state:?}");
            assert_eq!(change, transition(state, Budget::Spent, event, Rules::default()), "{event:?} from {state:?}");
        }
    }
}

#[test]
fn progress_goes_forward_and_may_leave_steps_out() {
    let steps = [(E::Downloading, S::Downloading), (E::Downloaded, S::Downloaded), (E::Installing, S::Installing)];
    for (event, step) in steps {
        assert!(event.is_progress());
        for state in CommandState::ALL {
            let is_behind = matches!(state, S::Queued | S::Sent) || steps.map(|s| s.1).contains(&state) && state < step;
            for budget in [Budget::Left, Budget::Spent] {
                let to = transition(state, budget, event, Rules::default());
                assert_eq!(to, is_behind.then_some(Change::To(step)), "{event:?} from {state:?}");
            }
        }
    }
    assert_eq!(Event::ALL.into_iter().filter(|event| event.is_progress()).count(), steps.len());
}

#[test]
fn a_device_that_waits_to_install_may_do_what_one_that_downloads_may() {
    for event in Event::ALL.into_iter().filter(|event| *event != E::Downloaded) {
        for budget in [Budget::Left, Budget::Spent] {
            for (proof_required, is_stopped) in [(false, false), (false, true), (true, false), (true, true)] {
                let of = |state| transition(state, budget, event, Rules { proof_required, is_stopped });
                assert_eq!(of(S::Downloaded), of(S::Downloading), "{event:?}");
            }
        }
    }
}

#[test]
fn every_open_state_ends_when_its_deadlines_pass() {
    for state in CommandState::open() {
        let mut row = Row { state, prior: S::Sent, ..Row::planned() };
        for _ in 0..=2 * RETRY_LIMIT + 1 {
            if row.state == S::Queued {
                row.apply(E::Accepted, Rules::default());
            }
            row.apply(E::DeadlinePassed, Rules::default());
        }
        assert!(row.state.is_terminal(), "{state:?} never ends");
    }
}

#[test]
fn names_are_unique_and_parse_back() {
    for state in CommandState::ALL {
        assert_eq!(CommandState::parse(state.as_str()), Some(state));
    }
}

#[test]
fn a_failure_keeps_the_phase_it_happened_in() {
    assert_eq!(Phase::of(S::Failed, S::Downloading), Phase::Download);
    assert_eq!(Phase::of(S::TimedOut, S::Sent), Phase::Assign);
    assert_eq!(Phase::of(S::Rejected, S::Downloaded), Phase::Install, "the download has not failed");
    assert_eq!(Phase::of(S::Cancelling, S::Installing), Phase::Install);
    assert_eq!(Phase::of(S::Queued, S::Installing), Phase::Feasibility, "a new attempt starts again");
}
