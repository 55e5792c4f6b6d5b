//! What failed in a job is tried again, chunk by chunk.

use drover_domain::{CommandState, JobState};
use drover_messages::ReportStatus;
use drover_service::{Control, Join, RetryFilter, ServiceError};
use drover_store::control::retries::{self, Progress};

use crate::fleet::{Fleet, counted, owner};

async fn progress(fleet: &Fleet) -> Progress {
    retries::newest(&fleet.world.client().await, fleet.job).await.unwrap().unwrap()
}

#[tokio::test]
async fn everything_that_failed_is_tried_again_and_the_job_ends_when_it_has_ended() {
    let fleet = Fleet::failed(35, |_| None).await;
    let done = fleet.world.service.retry_failed(&owner(), fleet.job, &RetryFilter::default()).await.unwrap();
    assert_eq!((done.state, done.devices), (JobState::Running, 35));
    assert_eq!(fleet.states().await, counted(&[("failed", 35)]), "the call itself moves none of them");
    assert_eq!(fleet.world.service.finish_jobs().await.unwrap(), 0, "it has yet to be carried out");
    let given = fleet.run().await;
    assert_eq!((given.len(), given.iter().all(|given| given.attempt == 2)), (35, true));
    assert_eq!(progress(&fleet).await, Progress { retried: 35, busy: 0, is_finished: true });
    fleet.world.assert_clean().await;
    for given in &given {
        fleet.say(given, ReportStatus::Succeeded).await;
    }
    assert_eq!(fleet.world.service.finish_jobs().await.unwrap(), 1);
    let refused = fleet.world.service.retry_failed(&owner(), fleet.job, &RetryFilter::default()).await;
    assert!(matches!(refused, Err(ServiceError::Conflict { .. })), "nothing is left: {refused:?}");
    fleet.world.assert_clean().await;
}

#[tokio::test]
async fn one_transaction_tries_one_chunk_again_and_a_planner_that_dies_is_followed_by_another() {
    let fleet = Fleet::failed(45, |_| None).await;
    fleet.world.service.retry_failed(&owner(), fleet.job, &RetryFilter::default()).await.unwrap();
    fleet.world.take_outbox().await;
    fleet.world.service.plan_job(fleet.job, 1).await.unwrap();
    assert_eq!(fleet.states().await, counted(&[("failed", 35), ("queued", 10)]));
    fleet.world.assert_clean().await;
    // Every message is lost; the timekeeper calls again.
    fleet.world.take_outbox().await;
    let twice = fleet.world.service.retry_failed(&owner(), fleet.job, &RetryFilter::default()).await;
    assert!(matches!(twice, Err(ServiceError::Conflict { .. })), "{twice:?}");
    let client = fleet.world.client().await;
    client.batch_execute("UPDATE jobs SET plan_due_at = now() WHERE plan_due_at IS NOT NULL").await.unwrap();
    fleet.world.let_deadlines_pass_of_queued().await;
    assert_eq!(fleet.tick().await.len(), 45);
    assert_eq!(progress(&fleet).await, Progress { retried: 45, busy: 0, is_finished: true });
    fleet.world.assert_clean().await;
}

#[tokio::test]
async fn the_filter_names_states_and_the_code_of_the_last_attempt() {
    let fleet = Fleet::failed(30, |place| [Some("101"), Some("202"), None][place % 3]).await;
    let filter = |states: &[CommandState], code: Option<&str>| RetryFilter {
        states: states.to_vec(),
        code: code.map(str::to_owned),
    };
    let failed = [CommandState::Failed];
    for bad in [
        filter(&[], None),
        filter(&[CommandState::Succeeded], None),
        filter(&[CommandState::Failed, CommandState::Rejected], None),
        filter(&failed, Some("")),
        filter(&failed, Some("a\0b")),
    ] {
        let refused = fleet.world.service.retry_failed(&owner(), fleet.job, &bad).await;
        assert!(matches!(refused, Err(ServiceError::Invalid { .. })), "{bad:?} {refused:?}");
    }
    let none = fleet.world.service.retry_failed(&owner(), fleet.job, &filter(&[CommandState::TimedOut], None)).await;
    assert!(matches!(none, Err(ServiceError::Conflict { .. })), "{none:?}");

    let client = fleet.world.client().await;
    // What slice after slice counts as it records, here counted afterwards.
    let sql = "DELETE FROM failure_tallies; INSERT INTO failure_tallies
        SELECT job_id, 0, outcome, COALESCE(code, ''), attempt, count(*) FROM outcomes GROUP BY 1, 3, 4, 5";
    client.batch_execute(sql).await.unwrap();
    let by_code = filter(&failed, Some("202"));
    let affected = fleet.world.service.affected(&owner(), fleet.job, &Control::Retry(by_code.clone())).await.unwrap();
    assert_eq!((affected.devices, affected.is_at_most), (10, true));
    fleet.world.service.retry_failed(&owner(), fleet.job, &by_code).await.unwrap();
    let given = fleet.run().await;
    assert_eq!(given.len(), 10);
    for given in &given {
        fleet.say_with(given, ReportStatus::Failed, Some("101")).await;
    }
    assert_eq!(progress(&fleet).await.retried, 10);
    // They failed with another code now.
    fleet.world.service.retry_failed(&owner(), fleet.job, &by_code).await.unwrap();
    assert_eq!(fleet.run().await, []);
    assert_eq!(progress(&fleet).await, Progress { retried: 0, busy: 0, is_finished: true });
    assert_eq!(fleet.world.service.finish_jobs().await.unwrap(), 1);
    fleet.world.assert_clean().await;
}

/// A reason is shown by its cleaned code, so by that it is tried again.
#[tokio::test]
async fn a_code_means_all_that_is_shown_under_it() {
    const LONG: &str = "E-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-and-more";
    let fleet = Fleet::failed(9, |place| Some(["E\t7", "E7", LONG][place % 3])).await;
    let service = &fleet.world.service;
    let detail = service.job_detail(&owner(), fleet.job).await.unwrap();
    for (code, devices) in [("E7", 6), (&LONG[..64], 3)] {
        assert!(detail.failures.reasons.iter().any(|reason| reason.code == code && reason.count == devices), "{code}");
        let filter = RetryFilter { code: Some(code.to_owned()), ..RetryFilter::default() };
        let affected = service.affected(&owner(), fleet.job, &Control::Retry(filter.clone())).await.unwrap();
        assert_eq!(affected.devices, devices);
        service.retry_failed(&owner(), fleet.job, &filter).await.unwrap();
        assert_eq!(fleet.run().await.len(), usize::try_from(devices).unwrap(), "{code}");
    }
    let nothing = RetryFilter { code: Some("\t".into()), ..RetryFilter::default() };
    let refused = service.affected(&owner(), fleet.job, &Control::Retry(nothing)).await;
    assert!(matches!(refused, Err(ServiceError::Invalid { field: "code", .. })), "{refused:?}");
}

#[tokio::test]
async fn devices_that_are_at_work_elsewhere_or_have_something_newer_are_passed_by() {
    let fleet = Fleet::failed(20, |_| None).await;
    let world = &fleet.world;
    let newer = world.draft(0).await.id;
    world.service.join_devices(&world.product, newer, Join::Devices(fleet.uuids[..6].to_vec()), "me").await.unwrap();
    world.service.start_job(&world.product, newer, None).await.unwrap();
    let of_newer = fleet.run().await;
    assert_eq!(of_newer.len(), 6);
    // Three stay at work, two have the newer version, and one failed at it too.
    fleet.say(&of_newer[3], ReportStatus::Succeeded).await;
    fleet.say(&of_newer[4], ReportStatus::Succeeded).await;
    fleet.say(&of_newer[5], ReportStatus::Failed).await;
    let client = world.client().await;
    client.execute("UPDATE devices SET status = 'deregistered' WHERE uuid = $1", &[&fleet.uuids[19]]).await.unwrap();
    world.service.retry_failed(&owner(), fleet.job, &RetryFilter::default()).await.unwrap();
    let given = fleet.run().await;
    assert_eq!(progress(&fleet).await, Progress { retried: 14, busy: 5, is_finished: true });
    let mut uuids: Vec<&str> = given.iter().map(|given| given.uuid.as_str()).collect();
    uuids.sort_unstable();
    assert_eq!(uuids, fleet.uuids[5..19].iter().map(String::as_str).collect::<Vec<_>>());
    world.assert_clean().await;
}

#[tokio::test]
async fn what_is_paused_or_stopped_is_not_tried_again() {
    let fleet = Fleet::failed(25, |_| None).await;
    let service = &fleet.world.service;
    service.retry_failed(&owner(), fleet.job, &RetryFilter::default()).await.unwrap();
    fleet.world.take_outbox().await;
    service.plan_job(fleet.job, 1).await.unwrap();
    fleet.pause().await;
    fleet.run().await;
    assert_eq!(fleet.states().await, counted(&[("failed", 15), ("queued", 10)]), "a walk that has begun is held too");
    let refused = service.retry_failed(&owner(), fleet.job, &RetryFilter::default()).await;
    assert!(refused.unwrap_err().to_string().contains("is paused"));
    fleet.resume().await;
    assert_eq!([fleet.run().await, fleet.tick().await].concat().len(), 25);
    fleet.world.assert_clean().await;

    let fleet = Fleet::failed(25, |_| None).await;
    let service = &fleet.world.service;
    service.retry_failed(&owner(), fleet.job, &RetryFilter::default()).await.unwrap();
    fleet.world.take_outbox().await;
    service.plan_job(fleet.job, 1).await.unwrap();
    service.cancel_job(&owner(), fleet.job).await.unwrap();
    assert_eq!(fleet.run().await, []);
    assert_eq!(fleet.states().await, counted(&[("cancelled", 10), ("failed", 15)]));
    assert!(progress(&fleet).await.is_finished);
    let refused = service.retry_failed(&owner(), fleet.job, &RetryFilter::default()).await;
    assert!(refused.unwrap_err().to_string().contains("is cancelled"));
    fleet.world.assert_clean().await;
}
