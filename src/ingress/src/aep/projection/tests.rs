//! The projection over every state, and its inverse.

use std::collections::BTreeSet;

use super::*;

/// The whole projection for LwM2M as a table: state, the state before it, refused cancel or either, code.
fn lwm2m_expected(state: S, prior: S, refused: bool) -> u8 {
    let failed_in = |prior| match prior {
        S::Sent => 3,
        S::Downloading => 5,
        S::Downloaded | S::Installing | S::Verifying => 7,
        _ => 1,
    };
    match (state, refused) {
        (S::Planned | S::Queued | S::Sent | S::Downloading | S::Downloaded | S::Installing | S::Verifying, true) => 11,
        (S::Planned | S::Queued, false) => 0,
        (S::Sent, false) => 2,
        (S::Downloading | S::Downloaded, false) => 4,
        (S::Installing | S::Verifying, false) => 6,
        (S::Succeeded, _) => 8,
        (S::Cancelling, _) => 9,
        (S::Cancelled | S::Superseded, _) => 10,
        (S::Failed | S::TimedOut | S::Rejected, _) => failed_in(prior),
    }
}

#[test]
fn every_case_has_the_code_of_the_table() {
    assert_eq!(cases().count(), 14 * 14 * 2);
    for case in cases() {
        let expected = lwm2m_expected(case.state, case.prior_state, case.cancel_refused);
        assert_eq!(task_state(Protocol::Lwm2m, case), expected, "{case:?}");
        let expected = match case.state {
            S::Planned | S::Queued => 1,
            S::Succeeded => 3,
            ended if ended.is_terminal() => 4,
            _ => 2,
        };
        for protocol in [Protocol::TLink, Protocol::Mqtt] {
            assert_eq!(task_state(protocol, case), expected, "{case:?}");
        }
    }
}

#[test]
fn the_filters_of_all_codes_part_the_cases_without_gap_or_overlap() {
    for protocol in Protocol::ALL {
        let mut seen = 0;
        for code in task_states(protocol) {
            let found = cases_of(protocol, code);
            assert!(!found.is_empty(), "{protocol:?} {code}");
            assert!(found.iter().all(|case| task_state(protocol, *case) == code));
            seen += found.len();
        }
        assert_eq!(seen, cases().count(), "{protocol:?}");
    }
}

#[test]
fn codes_of_ended_commands_are_final_ones() {
    let codes = |terminal: bool| -> BTreeSet<u8> {
        let of = cases().filter(|case| case.state.is_terminal() == terminal);
        of.map(|case| task_state(Protocol::Lwm2m, case)).collect()
    };
    assert_eq!(codes(true), BTreeSet::from([1, 3, 5, 7, 8, 10]));
    assert_eq!(codes(false), BTreeSet::from([0, 2, 4, 6, 9, 11]));
}

#[test]
fn result_codes_tell_waiting_running_and_ended_apart() {
    for state in S::ALL {
        let bare = result_code(state, 1, None);
        let expected = match state {
            S::Planned | S::Queued => "-1",
            S::Succeeded => "0",
            S::Failed => "failed",
            S::TimedOut => "timed_out",
            S::Rejected => "rejected",
            S::Cancelled => "cancelled",
            S::Superseded => "superseded",
            _ => "999",
        };
        assert_eq!(bare, expected, "{state:?}");
        let coded = result_code(state, 1, Some("E7"));
        assert_eq!(coded == "E7", state.is_terminal(), "{state:?}: only an ended command has the device's code");
    }
    assert_eq!(result_code(S::Queued, 2, None), "999", "a retry waits, but the upgrade has begun");
}

#[test]
fn jobs_are_waiting_running_or_finished() {
    assert_eq!(JobState::ALL.map(job_status), [1, 1, 2, 2, 3, 3, 3]);
    assert_eq!(Protocol::ALL.map(product_protocol), [1, 2, 3]);
}

#[test]
fn times_are_written_as_sampled() {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let (start, now) = (at("2019-05-16T08:28:57Z"), at("2019-05-20T06:12:00Z"));
    assert_eq!(text_time(start), "2019-05-16 16:28:57");
    assert_eq!(take_time(None, None, now), "");
    assert_eq!(take_time(Some(start), None, now), "93时43分");
    assert_eq!(take_time(Some(start), Some(at("2019-05-16T08:29:57Z")), now), "0时1分");
    assert_eq!(take_time(Some(now), Some(start), now), "0时0分");
}
