//! The cases of the suite, each with a device and a job of its own.

use drover_messages::{DeviceCommand, ReportStatus};
use drover_testkit::wait_until;

use super::{Device, World, world::said};
use crate::support::{PATIENCE, Policy};

/// One try, and all the time for it.
const PATIENT: Policy = Policy { retry_limit: 0, attempt_timeout_s: None };
/// Time for an attempt that is to be over soon, and yet long enough for a busy machine to hand it over.
const SHORT_S: i32 = 3;

/// The upgrade that a command must be: its id and attempt.
fn upgrade(command: &DeviceCommand) -> (i64, i16) {
    match command {
        DeviceCommand::Upgrade { command_id, attempt, firmware, timeout_s, .. } => {
            assert_eq!((firmware.version.as_str(), firmware.size_bytes), ("2.0", 5));
            assert!(*timeout_s > 0, "{command:?}");
            (*command_id, *attempt)
        }
        other => panic!("told something else: {other:?}"),
    }
}

/// A device that is there gets its command, and each of its words counts.
pub(super) async fn accept<D: Device>(world: &World) {
    let (errand, mut device) = world.started::<D>("accept", PATIENT).await;
    let command = upgrade(&device.next().await);
    assert_eq!(command.1, 1);
    world.until(&errand.uuid, "sent", 1).await;
    for (status, state) in [
        (ReportStatus::Downloading, "downloading"),
        (ReportStatus::Downloaded, "downloaded"),
        (ReportStatus::Installing, "installing"),
        (ReportStatus::Succeeded, "succeeded"),
    ] {
        device.report(said(command, status)).await;
        world.until(&errand.uuid, state, 1).await;
    }
    assert_eq!(world.outcomes(&errand.uuid).await, ["succeeded"]);
    assert_eq!(world.evidence(&errand.uuid).await, []);
}

/// What is sent while a device is away reaches it when it comes: one that has never been there, and one that left.
pub(super) async fn offline<D: Device>(world: &World) {
    let errand = world.errand("never-there", D::CHANNEL, PATIENT).await;
    let before = world.times_absent(D::CHANNEL).await;
    errand.campaign.start().await;
    wait_until(PATIENCE, "somebody to look for the device in vain", async || {
        world.times_absent(D::CHANNEL).await > before
    })
    .await;
    assert_eq!(world.command(&errand.uuid).await, ("queued".into(), 1), "nobody has it");
    let mut device = D::come(world, &errand.uuid, &errand.token).await;
    let command = upgrade(&device.next().await);
    device.report(said(command, ReportStatus::Succeeded)).await;
    world.until(&errand.uuid, "succeeded", 1).await;

    let errand = world.errand("left", D::CHANNEL, PATIENT).await;
    D::come(world, &errand.uuid, &errand.token).await.vanish().await;
    errand.campaign.start().await;
    let mut device = D::come(world, &errand.uuid, &errand.token).await;
    let command = upgrade(&device.next().await);
    assert_eq!(command.1, 1, "to be away costs no attempt");
    device.report(said(command, ReportStatus::Succeeded)).await;
    world.until(&errand.uuid, "succeeded", 1).await;
    assert_eq!(world.outcomes(&errand.uuid).await, ["succeeded"]);
}

/// The same command again is the same attempt, and the same word again is recorded once.
pub(super) async fn duplicate<D: Device>(world: &World) {
    let (errand, mut device) = world.started::<D>("duplicate", PATIENT).await;
    let mut command = upgrade(&device.next().await);
    if D::REDELIVERS {
        world.until(&errand.uuid, "sent", 1).await;
        device.vanish().await;
        device = D::come(world, &errand.uuid, &errand.token).await;
        let again = upgrade(&device.next().await);
        assert_eq!(again, command);
        command = again;
    }
    for status in [ReportStatus::Installing, ReportStatus::Installing, ReportStatus::Succeeded] {
        device.report(said(command, status)).await;
    }
    world.until(&errand.uuid, "succeeded", 1).await;
    device.report(said(command, ReportStatus::Succeeded)).await;
    world.until_evidence(&errand.uuid, ("succeeded", "duplicate")).await;
    assert_eq!(world.outcomes(&errand.uuid).await, ["succeeded"]);
}

/// A device at work is asked to stop, and stops.
pub(super) async fn cancel<D: Device>(world: &World) {
    let (errand, mut device) = world.started::<D>("cancel", Policy { retry_limit: 1, ..PATIENT }).await;
    let command = upgrade(&device.next().await);
    device.report(said(command, ReportStatus::Downloading)).await;
    world.until(&errand.uuid, "downloading", 1).await;
    errand.campaign.cancel(command.0).await;
    assert_eq!(device.next().await, DeviceCommand::Cancel { v: 1, command_id: command.0, attempt: 1 });
    assert_eq!(world.command(&errand.uuid).await.0, "cancelling");
    device.report(said(command, ReportStatus::Cancelled)).await;
    world.until(&errand.uuid, "cancelled", 1).await;
    assert_eq!(world.outcomes(&errand.uuid).await, ["cancelled"]);
}

/// A device that cannot stop says so, goes on, and its end counts.
pub(super) async fn cancel_refused<D: Device>(world: &World) {
    let (errand, mut device) = world.started::<D>("no-way-back", PATIENT).await;
    let command = upgrade(&device.next().await);
    device.report(said(command, ReportStatus::Installing)).await;
    world.until(&errand.uuid, "installing", 1).await;
    errand.campaign.cancel(command.0).await;
    assert!(matches!(device.next().await, DeviceCommand::Cancel { .. }));
    device.report(said(command, ReportStatus::CancelRefused)).await;
    world.until(&errand.uuid, "installing", 1).await;
    device.report(said(command, ReportStatus::Succeeded)).await;
    world.until(&errand.uuid, "succeeded", 1).await;
    assert_eq!(world.outcomes(&errand.uuid).await, ["succeeded"]);
}

/// A refusal is final, whatever the policy has left.
pub(super) async fn refuse<D: Device>(world: &World) {
    let (errand, mut device) = world.started::<D>("refuse", Policy { retry_limit: 3, ..PATIENT }).await;
    let command = upgrade(&device.next().await);
    device.report(said(command, ReportStatus::Refused)).await;
    world.until(&errand.uuid, "rejected", 1).await;
    assert_eq!(world.outcomes(&errand.uuid).await, ["rejected"]);
}

/// Silence ends an attempt, and the next one is another message.
pub(super) async fn silence<D: Device>(world: &World) {
    let policy = Policy { retry_limit: 1, attempt_timeout_s: Some(SHORT_S) };
    let (errand, mut device) = world.started::<D>("silence", policy).await;
    let first = upgrade(&device.next().await);
    let second = upgrade(&device.next().await);
    assert_eq!((first.1, second), (1, (first.0, 2)));
    device.report(said(second, ReportStatus::Succeeded)).await;
    world.until(&errand.uuid, "succeeded", 2).await;
    assert_eq!(world.outcomes(&errand.uuid).await, ["timed_out", "succeeded"]);
}

/// What is said when the attempt is over is evidence and no more.
pub(super) async fn late<D: Device>(world: &World) {
    let policy = Policy { retry_limit: 0, attempt_timeout_s: Some(SHORT_S) };
    let (errand, mut device) = world.started::<D>("late", policy).await;
    let command = upgrade(&device.next().await);
    world.until(&errand.uuid, "timed_out", 1).await;
    device.report(said(command, ReportStatus::Succeeded)).await;
    world.until_evidence(&errand.uuid, ("succeeded", "late")).await;
    assert_eq!(world.command(&errand.uuid).await, ("timed_out".into(), 1));
    assert_eq!(world.outcomes(&errand.uuid).await, ["timed_out"]);
}
