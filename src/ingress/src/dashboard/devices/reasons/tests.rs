use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

/// Every reason, with its sentence in English.
fn table() -> Vec<(DeviceReason, &'static str)> {
    let job = JobId(3001);
    let by = || Some(("ops".to_owned(), at(0)));
    let said = || Said { code: "E7".into(), message: "no space left".into() };
    let work = |state| Reason::AtWork { job, state, since: at(0), deadline_at: None };
    vec![
        (
            Reason::Leaving { until: at(0) },
            "The device is deregistered, and may log in until T+0 to remove what it must.",
        ),
        (Reason::Deregistered, "The device is deregistered, so it gets nothing."),
        (Reason::NothingAsked { was_heard_of: true }, "No job has asked for anything on this device."),
        (
            Reason::NothingAsked { was_heard_of: false },
            "No job has asked for anything on this device, and it was never heard of.",
        ),
        (Reason::JobIsDraft(job), "Job 3001 was not started."),
        (Reason::JobIsScheduled { job, at: Some(at(60)) }, "Job 3001 starts at T+60."),
        (Reason::JobIsScheduled { job, at: None }, "Job 3001 waits for its time."),
        (Reason::JobIsPaused { job, by: by() }, "Job 3001 was paused by ops at T+0."),
        (Reason::JobIsPaused { job, by: None }, "Job 3001 was paused."),
        (
            Reason::JobIsStopped { job, is_aborted: false, by: by() },
            "Job 3001 was cancelled by ops at T+0, and its commands are being ended.",
        ),
        (
            Reason::JobIsStopped { job, is_aborted: true, by: None },
            "Job 3001 was aborted by its own rule, and its commands are being ended.",
        ),
        (Reason::JobIsOver(job), "The time of job 3001 is over, and its commands are being ended."),
        (Reason::WaitsForRelease(job), "Job 3001 has not let this device's command go yet."),
        (
            Reason::InPause { job, attempt: 2, until: at(30), last: Some(said()) },
            "Attempt 2 of job 3001 begins at T+30, after the pause that follows a failure (E7: no space left).",
        ),
        (
            Reason::TokenRevoked { job, at: at(5) },
            "The device cannot log in to take the command of job 3001: its token was revoked at T+5.",
        ),
        (Reason::TokenAbsent(job), "The device cannot log in to take the command of job 3001: it has no token."),
        (
            Reason::QueueIsPaused(job),
            "The command of job 3001 is queued, and the dispatch queue of its kind is paused.",
        ),
        (Reason::NoDispatcher(job), "The command of job 3001 is queued, and no dispatcher is at work."),
        (
            Reason::NeverSeen { job, channel: ChannelKind::Poll },
            "The command of job 3001 waits for the device, which was never heard of over HTTP.",
        ),
        (
            Reason::NotSeenSince { job, channel: ChannelKind::Mqtt, heard_at: at(1) },
            "The command of job 3001 waits for the device, which was not heard of over MQTT since T+1.",
        ),
        (Reason::WaitsForTurn(job), "The command of job 3001 is queued and goes out in its turn."),
        (
            Reason::Silent { job, since: at(0), deadline_at: Some(at(90)) },
            "The device was sent the command of job 3001 at T+0 and has said nothing since; the attempt is given up at T+90.",
        ),
        (work(CommandState::Downloading), "The device has been downloading since T+0 for job 3001."),
        (
            work(CommandState::Downloaded),
            "The device has the file and waits to install it, for its user or the night, since T+0 for job 3001.",
        ),
        (work(CommandState::Installing), "The device has been installing since T+0 for job 3001."),
        (
            work(CommandState::Verifying),
            "The device said that it is done, and is to show the new version, since T+0 for job 3001.",
        ),
        (
            Reason::Cancelling { job, deadline_at: Some(at(9)) },
            "The device was asked to stop what it does for job 3001, and counts as stopped at T+9.",
        ),
        (
            Reason::Failed { job, attempts: 3, said: said() },
            "The device failed in all 3 attempts of job 3001 with E7: no space left, and no try is left.",
        ),
        (
            Reason::Failed { job, attempts: 1, said: Said::default() },
            "The device failed in the only attempt of job 3001, and no try is left.",
        ),
        (
            Reason::TimedOut { job, attempts: 2, was_sent: true },
            "The device did not finish in time in all 2 attempts of job 3001, and no try is left.",
        ),
        (
            Reason::TimedOut { job, attempts: 1, was_sent: false },
            "The time of job 3001 was over before the command reached the device.",
        ),
        (
            Reason::Rejected { job, said: Said { code: String::new(), message: "battery low".into() } },
            "The device refused the command of job 3001 with battery low.",
        ),
        (Reason::Cancelled { job, by: None }, "The command of job 3001 was cancelled."),
        (Reason::Superseded { job, newer: Some(JobId(3002)) }, "Job 3002 took the place of job 3001 on this device."),
        (Reason::Superseded { job, newer: None }, "A newer job took the place of job 3001 on this device."),
        (
            Reason::UpToDate { job, at: at(0) },
            "The device is up to date as far as anyone asked: job 3001 succeeded at T+0.",
        ),
    ]
}

#[test]
fn every_reason_is_one_sentence_in_both_languages_and_says_what_to_do() {
    let time = |when: DateTime<Utc>| format!("T+{}", (when - at(0)).num_seconds());
    let mut codes = std::collections::BTreeSet::new();
    for (reason, sentence) in table() {
        codes.insert(reason.code());
        let english = explain(&reason, Language::English, &time);
        assert_eq!(english.sentence, sentence);
        let chinese = explain(&reason, Language::Chinese, &time);
        assert!(chinese.sentence.ends_with('。') && chinese.sentence.matches('。').count() == 1, "{chinese:?}");
        assert_eq!(english.advice.is_empty(), chinese.advice.is_empty(), "{reason:?}");
        // What both say is the same: every number and every word of the device is in both.
        for word in ["3001", "3002", "E7", "no space left", "ops", "T+"] {
            if english.sentence.contains(word) {
                assert!(chinese.sentence.contains(word), "{word}: {chinese:?}");
            }
        }
    }
    assert_eq!(codes.len(), 26, "every rule is in the table: {codes:?}");
}
