use proptest::prelude::*;

use super::*;

const JOB: JobId = JobId(3001);

fn command() -> CommandStanding<i64> {
    CommandStanding {
        job: JOB,
        job_state: JobState::Running,
        start_at: None,
        stopped_by: None,
        is_expired: false,
        state: CommandState::Queued,
        prior_state: CommandState::Planned,
        attempt: 1,
        retries_left: 0,
        not_before: None,
        sent_at: None,
        since: 50,
        deadline_at: Some(200),
        last: None,
        superseded_by: None,
    }
}

fn situation() -> Situation<i64> {
    Situation {
        now: 100,
        device: DeviceStanding {
            channel: ChannelKind::Mqtt,
            heard_at: Some(60),
            is_deregistered: false,
            leaving_until: None,
            token: Token::Good,
        },
        command: Some(command()),
        ways: Ways { is_queue_paused: false, has_backlog: false, has_dispatcher: true },
    }
}

/// What is said when something is changed of a command that only waits for its turn.
fn changed(change: impl FnOnce(&mut Situation<i64>)) -> Reason<i64> {
    let mut situation = situation();
    change(&mut situation);
    why(&situation)
}

fn commanded(change: impl FnOnce(&mut CommandStanding<i64>)) -> Reason<i64> {
    changed(|s| change(s.command.as_mut().unwrap()))
}

#[test]
fn each_obstacle_has_its_reason() {
    use Reason as R;
    assert_eq!(why(&situation()), R::WaitsForTurn(JOB));
    assert_eq!(changed(|s| s.command = None), R::NothingAsked { was_heard_of: true });
    assert_eq!(changed(|s| s.device.is_deregistered = true), R::Deregistered);
    let leaving = |s: &mut Situation<i64>, until| {
        (s.device.is_deregistered, s.device.leaving_until) = (true, Some(until));
    };
    assert_eq!(changed(|s| leaving(s, 150)), R::Leaving { until: 150 });
    assert_eq!(changed(|s| leaving(s, 90)), R::Deregistered);

    let by = || Some(("ops".to_owned(), 70));
    assert_eq!(commanded(|c| c.job_state = JobState::Draft), R::JobIsDraft(JOB));
    let scheduled = commanded(|c| (c.job_state, c.start_at) = (JobState::Scheduled, Some(500)));
    assert_eq!(scheduled, R::JobIsScheduled { job: JOB, at: Some(500) });
    let paused = commanded(|c| (c.job_state, c.stopped_by) = (JobState::Paused, by()));
    assert_eq!(paused, R::JobIsPaused { job: JOB, by: by() });
    let stopped = commanded(|c| c.job_state = JobState::Aborted);
    assert_eq!(stopped, R::JobIsStopped { job: JOB, is_aborted: true, by: None });
    assert_eq!(commanded(|c| c.is_expired = true), R::JobIsOver(JOB));
    assert_eq!(commanded(|c| c.state = CommandState::Planned), R::WaitsForRelease(JOB));

    let pause = commanded(|c| (c.attempt, c.not_before) = (2, Some(130)));
    assert_eq!(pause, R::InPause { job: JOB, attempt: 2, until: 130, last: None });
    assert_eq!(commanded(|c| c.not_before = Some(100)), R::WaitsForTurn(JOB), "the pause is over");
    assert_eq!(changed(|s| s.ways.is_queue_paused = true), R::QueueIsPaused(JOB));
    assert_eq!(changed(|s| s.ways.has_dispatcher = false), R::NoDispatcher(JOB));
    let poll = changed(|s| (s.device.channel, s.ways.has_dispatcher) = (ChannelKind::Poll, false));
    assert_eq!(poll, R::WaitsForTurn(JOB), "it asks for itself");
    assert_eq!(changed(|s| s.device.token = Token::Revoked(80)), R::TokenRevoked { job: JOB, at: 80 });
    let absent = changed(|s| (s.device.token, s.device.heard_at) = (Token::Absent, None));
    assert_eq!(absent, R::TokenAbsent(JOB));
    let never = changed(|s| s.device.heard_at = None);
    assert_eq!(never, R::NeverSeen { job: JOB, channel: ChannelKind::Mqtt });
    let away = changed(|s| s.device.heard_at = Some(40));
    assert_eq!(away, R::NotSeenSince { job: JOB, channel: ChannelKind::Mqtt, heard_at: 40 });
    let behind = changed(|s| (s.device.heard_at, s.ways.has_backlog) = (Some(40), true));
    assert_eq!(behind, R::WaitsForTurn(JOB), "it may be connected and have nothing to say");

    let sent = commanded(|c| (c.state, c.sent_at) = (CommandState::Sent, Some(55)));
    assert_eq!(sent, R::Silent { job: JOB, since: 55, deadline_at: Some(200) });
    let failed = commanded(|c| {
        (c.state, c.attempt) = (CommandState::Failed, 3);
        c.last = Some(Said { code: "E7".into(), message: "no space".into() });
    });
    let said = Said { code: "E7".into(), message: "no space".into() };
    assert_eq!(failed, R::Failed { job: JOB, attempts: 3, said });
    let late = commanded(|c| (c.state, c.sent_at) = (CommandState::TimedOut, Some(55)));
    assert_eq!(late, R::TimedOut { job: JOB, attempts: 1, was_sent: true });
    let superseded = commanded(|c| (c.state, c.superseded_by) = (CommandState::Superseded, Some(JobId(3002))));
    assert_eq!(superseded, R::Superseded { job: JOB, newer: Some(JobId(3002)) });
    assert_eq!(commanded(|c| c.state = CommandState::Succeeded), R::UpToDate { job: JOB, at: 50 });
}

fn any_situation() -> impl Strategy<Value = Situation<i64>> {
    let moment = || prop::option::of(0_i64..200);
    let token = prop_oneof![Just(Token::Absent), Just(Token::Good), (0_i64..200).prop_map(Token::Revoked)];
    let device = (prop::sample::select(ChannelKind::ALL.to_vec()), moment(), any::<bool>(), moment(), token).prop_map(
        |(channel, heard_at, is_deregistered, leaving_until, token)| DeviceStanding {
            channel,
            heard_at,
            is_deregistered,
            leaving_until,
            token,
        },
    );
    let standing = (
        prop::sample::select(JobState::ALL.to_vec()),
        prop::sample::select(CommandState::ALL.to_vec()),
        (moment(), moment(), moment(), moment()),
        any::<bool>(),
        1_i16..5,
    )
        .prop_map(|(job_state, state, (start_at, not_before, sent_at, deadline_at), is_expired, attempt)| {
            CommandStanding {
                job_state,
                start_at,
                is_expired,
                state,
                attempt,
                not_before,
                sent_at,
                deadline_at,
                ..command()
            }
        });
    (device, prop::option::of(standing), any::<bool>(), any::<bool>()).prop_map(
        |(device, command, is_queue_paused, has_dispatcher)| Situation {
            now: 100,
            device,
            command,
            ways: Ways { is_queue_paused, has_backlog: false, has_dispatcher },
        },
    )
}

proptest! {
    #[test]
    fn there_is_a_reason_for_everything_and_it_is_of_what_is_there(situation in any_situation()) {
        let reason = why(&situation);
        let command = situation.command.as_ref();
        prop_assert_eq!(reason.job(), command.filter(|_| !situation.device.is_deregistered).map(|command| command.job));
        let Some(command) = command.filter(|_| !situation.device.is_deregistered) else { return Ok(()) };
        // Up to date is said of success, and of nothing else.
        prop_assert_eq!(matches!(reason, Reason::UpToDate { .. }), command.state == CommandState::Succeeded);
        // What has ended is explained by how it ended, whatever holds the job since.
        let is_of_the_end = matches!(reason, Reason::Failed { .. } | Reason::TimedOut { .. } | Reason::Rejected { .. }
            | Reason::Cancelled { .. } | Reason::Superseded { .. } | Reason::UpToDate { .. });
        prop_assert_eq!(is_of_the_end, command.state.is_terminal());
        // What a device has in hand is explained by the device.
        let is_in_hand = matches!(reason, Reason::Silent { .. } | Reason::AtWork { .. } | Reason::Cancelling { .. });
        prop_assert_eq!(is_in_hand, command.state.is_handed_over());
    }

    #[test]
    fn no_pause_is_named_that_is_over(situation in any_situation()) {
        match why(&situation) {
            Reason::InPause { until, .. } | Reason::Leaving { until } => prop_assert!(until > situation.now),
            Reason::NotSeenSince { heard_at, .. } => {
                prop_assert!(situation.command.is_some_and(|command| heard_at < command.since));
            }
            _ => {}
        }
    }
}
