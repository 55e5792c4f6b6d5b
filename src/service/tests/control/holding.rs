//! What waits for as long as a job is held, and what goes on.

use drover_domain::{DeviceId, JobState};
use drover_messages::ReportStatus;
use drover_service::{CancelMode, Control, Join, Recorded, ServiceError};
use drover_store::stats;

use crate::fleet::{Fleet, counted, owner};

/// A job of 40 devices, of which 10 have their command; held. The messages to the dispatchers are in the outbox.
async fn half_way() -> (Fleet, Vec<crate::fleet::Given>) {
    let fleet = Fleet::started(40, 1).await;
    let mut messages = fleet.world.take_outbox().await;
    while messages.iter().any(|(queue, _)| queue.starts_with("jobs.")) {
        let (plans, mut chunks): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|(queue, _)| queue.starts_with("jobs."));
        for (queue, body) in plans {
            fleet.handle(&queue, &body).await;
        }
        chunks.extend(fleet.world.take_outbox().await);
        messages = chunks;
    }
    let (queue, body) = messages.remove(0);
    let given = fleet.handle(&queue, &body).await;
    assert_eq!(given.len(), 10);
    assert_eq!(fleet.pause().await, 30, "so many wait");
    for (queue, body) in messages {
        assert_eq!(fleet.handle(&queue, &body).await, [], "what was on its way to a dispatcher is not sent");
    }
    (fleet, given)
}

#[tokio::test]
async fn nothing_more_goes_out_until_the_job_is_resumed_and_then_all_at_once() {
    let (fleet, given) = half_way().await;
    let client = fleet.world.client().await;
    let held: Vec<_> =
        stats::held_commands(&client).await.unwrap().into_iter().filter(|held| held.state == "queued").collect();
    assert_eq!(held, [stats::Count { kind: "firmware".into(), state: "queued".into(), count: 30 }]);
    assert_eq!(fleet.run().await, []);
    fleet.world.let_deadlines_pass_of_queued().await;
    assert_eq!(fleet.tick().await, [], "nor when the dispatchers' time for it is over");
    assert_eq!(fleet.world.service.open_commands(DeviceId(30)).await.unwrap(), [], "nor to a device that asks");
    let listening: Vec<DeviceId> = (1..=40).map(DeviceId).collect();
    assert_eq!(fleet.world.service.devices_listen(&listening).await.unwrap(), 0);
    assert_eq!(fleet.tick().await, [], "nor when its device turns up");
    let soonest = "SELECT (EXTRACT(EPOCH FROM min(deadline_at) - now()) / 3600)::bigint FROM commands
        WHERE job_id = $1 AND state = 'queued'";
    assert!(fleet.number(soonest).await >= 23, "what is held keeps nobody busy");
    fleet.world.assert_clean().await;

    // What devices are at work on goes on, and what fails is not tried again yet.
    assert_eq!(fleet.say(&given[0], ReportStatus::Succeeded).await, Recorded::Applied);
    assert_eq!(fleet.say(&given[1], ReportStatus::Failed).await, Recorded::Applied);
    assert_eq!(fleet.tick().await, []);
    assert_eq!(fleet.states().await, counted(&[("queued", 31), ("sent", 8), ("succeeded", 1)]));
    fleet.world.assert_clean().await;

    assert_eq!(fleet.resume().await, 31);
    assert_eq!(stats::held_commands(&client).await.unwrap(), []);
    let sent = [fleet.run().await, fleet.tick().await].concat();
    assert_eq!(sent.len(), 31, "nobody waits for a lease");
    let again: Vec<&str> = sent.iter().filter(|sent| sent.attempt == 2).map(|sent| sent.uuid.as_str()).collect();
    assert_eq!(again, [given[1].uuid.as_str()]);
    assert_eq!(fleet.states().await, counted(&[("sent", 39), ("succeeded", 1)]));
    fleet.world.assert_clean().await;
}

#[tokio::test]
async fn silence_is_noticed_in_a_job_that_is_held_and_not_tried_again() {
    let (fleet, _) = half_way().await;
    fleet.world.let_deadlines_pass().await;
    assert_eq!(fleet.tick().await, []);
    assert_eq!(fleet.states().await, counted(&[("queued", 40)]), "the next attempt waits");
    assert_eq!(fleet.number("SELECT count(*) FROM outcomes WHERE job_id = $1 AND outcome = 'timed_out'").await, 10);
    fleet.world.assert_clean().await;
    fleet.resume().await;
    assert_eq!([fleet.run().await, fleet.tick().await].concat().len(), 40);
    fleet.world.assert_clean().await;
}

#[tokio::test]
async fn who_joins_a_job_that_is_held_waits_with_the_others() {
    let fleet = Fleet::started(12, 0).await;
    assert_eq!(fleet.run().await.len(), 12);
    fleet.pause().await;
    let newcomers: Vec<_> = (1..=25).map(|n| crate::support::device(&format!("late-{n}"))).collect();
    fleet.world.service.enrol(&fleet.world.product, &newcomers).await.unwrap();
    fleet.world.service.join_devices(&fleet.world.product, fleet.job, Join::Everyone, "me").await.unwrap();
    assert_eq!(fleet.run().await, []);
    assert_eq!(fleet.states().await, counted(&[("planned", 25), ("sent", 12)]));
    let affected = fleet.world.service.affected(&owner(), fleet.job, &Control::Resume).await.unwrap();
    assert_eq!(affected.devices, 25);
    fleet.resume().await;
    assert_eq!([fleet.run().await, fleet.tick().await].concat().len(), 25);
    fleet.world.assert_clean().await;
}

#[tokio::test]
async fn the_last_command_that_ends_completes_the_job_held_or_not() {
    let fleet = Fleet::started(3, 0).await;
    let given = fleet.run().await;
    fleet.pause().await;
    for given in &given[1..] {
        fleet.say(given, ReportStatus::Succeeded).await;
    }
    assert_eq!(fleet.world.service.finish_jobs().await.unwrap(), 0);
    fleet.say(&given[0], ReportStatus::Succeeded).await;
    assert_eq!(fleet.world.service.finish_jobs().await.unwrap(), 1);
    assert_eq!(fleet.state().await, JobState::Completed);
    assert_eq!(fleet.number("SELECT count(*) FROM jobs WHERE id = $1 AND released_to IS NULL").await, 1);
    let refused = fleet.world.service.resume_job(&owner(), fleet.job).await;
    assert!(matches!(refused, Err(ServiceError::Conflict { .. })), "{refused:?}");
    fleet.world.assert_clean().await;
}

#[tokio::test]
async fn the_time_of_a_job_that_is_held_goes_on_and_ends_it() {
    let fleet = Fleet::started(12, 5).await;
    let given = fleet.run().await;
    fleet.pause().await;
    let newcomers: Vec<_> = (1..=25).map(|n| crate::support::device(&format!("late-{n}"))).collect();
    fleet.world.service.enrol(&fleet.world.product, &newcomers).await.unwrap();
    fleet.world.service.join_devices(&fleet.world.product, fleet.job, Join::Everyone, "me").await.unwrap();
    fleet.say(&given[0], ReportStatus::Failed).await;
    assert_eq!(fleet.run().await, []);
    assert_eq!(fleet.states().await, counted(&[("planned", 25), ("queued", 1), ("sent", 11)]));
    let due = "SELECT (plan_due_at = expires_at)::int::bigint FROM jobs WHERE id = $1";
    assert_eq!(fleet.number(due).await, 1, "somebody sees to it then");

    fleet.let_its_time_pass().await;
    for _ in 0..8 {
        assert_eq!(fleet.tick().await, []);
        fleet.world.let_deadlines_pass().await;
    }
    assert_eq!(fleet.states().await, counted(&[("timed_out", 37)]));
    assert_eq!(fleet.world.service.finish_jobs().await.unwrap(), 1);
    assert_eq!(fleet.state().await, JobState::Completed);
    fleet.world.assert_clean().await;
}

#[tokio::test]
async fn who_is_asked_to_stop_answers_while_the_job_is_held() {
    let fleet = Fleet::started(3, 1).await;
    let given = fleet.run().await;
    let ids: Vec<_> = given.iter().map(|given| drover_domain::CommandId::from_i64(given.command).unwrap()).collect();
    fleet.world.service.cancel_commands(&fleet.world.product, fleet.job, &ids, CancelMode::Soft, "me").await.unwrap();
    fleet.pause().await;
    fleet.run().await;
    assert_eq!(fleet.say(&given[0], ReportStatus::Cancelled).await, Recorded::Applied);
    assert_eq!(fleet.say(&given[1], ReportStatus::CancelRefused).await, Recorded::Applied);
    assert_eq!(fleet.states().await, counted(&[("cancelled", 1), ("cancelling", 1), ("sent", 1)]));
    fleet.world.let_deadlines_pass().await;
    assert_eq!(fleet.tick().await, []);
    assert_eq!(fleet.states().await, counted(&[("cancelled", 2), ("queued", 1)]));
    fleet.world.assert_clean().await;
}

#[tokio::test]
async fn a_job_is_cancelled_held_or_not() {
    for is_held in [false, true] {
        let fleet = Fleet::started(25, 1).await;
        let given = fleet.run().await;
        fleet.say(&given[0], ReportStatus::Succeeded).await;
        if is_held {
            fleet.pause().await;
        }
        let done = fleet.world.service.cancel_job(&owner(), fleet.job).await.unwrap();
        assert_eq!((done.state, done.devices), (JobState::Cancelled, 24));
        fleet.run().await;
        assert_eq!(fleet.states().await, counted(&[("cancelling", 24), ("succeeded", 1)]), "devices are asked to stop");
        fleet.world.let_deadlines_pass().await;
        fleet.tick().await;
        assert_eq!(fleet.states().await, counted(&[("cancelled", 24), ("succeeded", 1)]));
        fleet.world.assert_clean().await;
    }
}
