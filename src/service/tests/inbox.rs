//! Devices that ask for their commands: what is open for them, in which attempt, and when it is theirs to know of.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use drover_domain::{Backoff, CommandId, DeviceId, JobId};
use drover_messages::{DeviceCommand, ReportStatus};
use drover_service::{CancelMode, DeviceRange, Join, Recorded, ServiceOptions};
use drover_testkit::{wait_for, wait_until};
use support::{World, report};
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(20);

/// A job that is released to `devices` devices, the first of which is returned.
async fn released(world: &World, devices: usize, retries: i16) -> (JobId, DeviceId) {
    let uuids = world.enrol(devices).await;
    let job = world.draft(retries).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    world.service.plan_job(job.id, 100).await.unwrap();
    (job.id, DeviceId(1))
}

async fn attempt_of(world: &World, device: DeviceId) -> Option<(i64, i16, i64)> {
    match world.service.open_commands(device).await.unwrap().as_slice() {
        [] => None,
        [DeviceCommand::Upgrade { command_id, attempt, timeout_s, .. }] => Some((*command_id, *attempt, *timeout_s)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn to_ask_is_to_take_and_who_asks_again_gets_the_same() {
    let world = World::new().await;
    let (job, device) = released(&world, 2, 0).await;
    let id = CommandId { job, device }.to_i64();
    assert_eq!(attempt_of(&world, device).await, Some((id, 1, 3600)));
    assert_eq!(world.states(job).await, [("queued".into(), 1), ("sent".into(), 1)]);
    let again = attempt_of(&world, device).await.unwrap();
    assert_eq!((again.0, again.1), (id, 1));
    assert!((3590..3600).contains(&again.2), "what is left of the attempt: {again:?}");
    world.assert_clean().await;

    for status in [ReportStatus::Downloading, ReportStatus::Downloaded, ReportStatus::Installing] {
        let progress = report("sim-0001", id, 1, status);
        assert_eq!(world.service.record_reports(&[progress]).await.unwrap(), [Recorded::Applied]);
        let again = attempt_of(&world, device).await.expect("a device that restarted goes on");
        assert_eq!((again.0, again.1), (id, 1), "{status:?}");
    }
    let done = report("sim-0001", id, 1, ReportStatus::Succeeded);
    assert_eq!(world.service.record_reports(&[done]).await.unwrap(), [Recorded::Applied]);
    assert_eq!(attempt_of(&world, device).await, None);
    world.assert_clean().await;
}

#[tokio::test]
async fn a_pause_is_cut_short_by_nobody() {
    let hour = Duration::from_hours(1);
    let options = ServiceOptions { backoff: Backoff { base: hour, max: hour }, ..ServiceOptions::default() };
    let world = World::with(options).await;
    let (job, device) = released(&world, 1, 1).await;
    let (id, ..) = attempt_of(&world, device).await.unwrap();
    let failed = report("sim-0001", id, 1, ReportStatus::Failed);
    assert_eq!(world.service.record_reports(&[failed]).await.unwrap(), [Recorded::Applied]);
    assert_eq!(attempt_of(&world, device).await, None, "by the device");
    assert_eq!(world.service.devices_listen(&[device]).await.unwrap(), 0, "by its arrival");
    world.service.recover().await.unwrap();
    world.serve_timers().await;
    let is_due = "SELECT deadline_at <= now() + interval '20 minutes' FROM commands";
    let is_due: bool = world.client().await.query_one(is_due, &[]).await.unwrap().get(0);
    assert!(!is_due, "by a restart");
    world.assert_clean().await;

    world.client().await.execute("UPDATE commands SET not_before = now()", &[]).await.unwrap();
    assert_eq!(attempt_of(&world, device).await, Some((id, 2, 3600)), "but by its end");
    assert_eq!(world.states(job).await, [("sent".into(), 1)]);
}

#[tokio::test]
async fn an_operators_retry_has_no_pause() {
    let world = World::with(ServiceOptions::default()).await;
    let (job, device) = released(&world, 1, 1).await;
    let (id, ..) = attempt_of(&world, device).await.unwrap();
    for status in [ReportStatus::Failed, ReportStatus::Failed] {
        let attempt: i16 = world.client().await.query_one("SELECT attempt FROM commands", &[]).await.unwrap().get(0);
        world.service.record_reports(&[report("sim-0001", id, attempt, status)]).await.unwrap();
    }
    assert_eq!(world.states(job).await, [("failed".into(), 1)]);
    let command = CommandId::from_i64(id).unwrap();
    world.service.retry_commands(&world.product, job, &[command], "me").await.unwrap();
    assert_eq!(attempt_of(&world, device).await, Some((id, 3, 3600)));
    world.assert_clean().await;
}

#[tokio::test]
async fn a_wish_to_cancel_takes_the_commands_place() {
    let world = World::new().await;
    let (job, device) = released(&world, 1, 0).await;
    let command = CommandId { job, device };
    attempt_of(&world, device).await.unwrap();
    world.service.cancel_commands(&world.product, job, &[command], CancelMode::Soft, "me").await.unwrap();
    let open = world.service.open_commands(device).await.unwrap();
    assert_eq!(open, [DeviceCommand::Cancel { v: 1, command_id: command.to_i64(), attempt: 1 }]);
    let cancelled = report("sim-0001", command.to_i64(), 1, ReportStatus::Cancelled);
    assert_eq!(world.service.record_reports(&[cancelled]).await.unwrap(), [Recorded::Applied]);
    assert_eq!(world.service.open_commands(device).await.unwrap(), []);
    world.assert_clean().await;
}

#[tokio::test]
async fn a_job_that_may_not_go_out_gives_nothing() {
    let world = World::new().await;
    let (job, device) = released(&world, 1, 0).await;
    world.client().await.execute("UPDATE jobs SET expires_at = now()", &[]).await.unwrap();
    assert_eq!(attempt_of(&world, device).await, None);
    assert_eq!(world.states(job).await, [("queued".into(), 1)]);
}

#[tokio::test]
async fn what_waits_for_a_device_goes_out_soon_after_it_came() {
    let world = World::new().await;
    let (job, device) = released(&world, 2, 0).await;
    world.take_outbox().await;
    world.client().await.execute("UPDATE commands SET updated_at = now() - interval '9 s'", &[]).await.unwrap();
    assert_eq!(world.service.devices_listen(&[device]).await.unwrap(), 1);
    assert_eq!(world.service.devices_listen(&[device]).await.unwrap(), 0, "it is on its way already");
    world.assert_clean().await;
    wait_until(PATIENCE, "the device's command to be handed out", async || {
        world.serve_timers().await;
        !world.take_outbox().await.is_empty()
    })
    .await;
    assert_eq!(world.states(job).await, [("queued".into(), 2)]);
    let seen: bool = world
        .client()
        .await
        .query_one("SELECT online_at IS NOT NULL AND status = 'activated' FROM devices WHERE id = 1", &[])
        .await
        .unwrap()
        .get(0);
    assert!(seen);
    world.assert_clean().await;
}

#[tokio::test]
async fn a_call_is_heard_by_who_listens() {
    let world = World::new().await;
    let (calls, mut heard) = mpsc::unbounded_channel();
    let service = world.service.clone();
    let listening = tokio::spawn(async move { service.hear_calls(|range| calls.send(range).unwrap()).await });
    let range = DeviceRange { first: 3, last: 1 << 40 };
    let got = wait_for(PATIENCE, "the call", async || {
        world.service.call_waiting_devices(range).await.unwrap();
        heard.try_recv().ok()
    });
    assert_eq!(got.await, range);
    // Its connection breaks: it says so, and somebody listens anew.
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%LISTEN drover_devices%' AND pid <> pg_backend_pid()";
    world.client().await.execute(kill, &[]).await.unwrap();
    listening.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn what_its_dispatcher_has_only_just_got_is_left_to_it_for_a_moment() {
    let world = World::new().await;
    let (_, device) = released(&world, 1, 0).await;
    assert_eq!(world.service.devices_listen(&[device]).await.unwrap(), 1);
    let left = "SELECT EXTRACT(EPOCH FROM deadline_at - updated_at)::float8 FROM commands";
    let left: f64 = world.client().await.query_one(left, &[]).await.unwrap().get(0);
    assert!((left - 5.0).abs() < 0.001, "{left}");
    world.assert_clean().await;
}
