//! Which devices a dispatcher tells to stop, whenever it comes to the message: the rows decide.
#![allow(clippy::unwrap_used)]

mod support;

use drover_domain::{CommandId, DeviceId, JobId};
use drover_messages::{DispatchCommands, Message, ReportStatus};
use drover_service::{CancelMode, Join};
use support::{World, report};

/// The devices that the messages name now.
async fn told(world: &World, messages: &[DispatchCommands]) -> Vec<String> {
    let mut told = Vec::new();
    for message in messages {
        let chunk = world.service.load_dispatch(message).await.unwrap().unwrap();
        told.extend(chunk.addressees.into_iter().map(|addressee| addressee.uuid));
    }
    told
}

async fn command(world: &World, job: JobId, uuid: &str) -> CommandId {
    let client = world.client().await;
    let device = client.query_one("SELECT id FROM devices WHERE uuid = $1", &[&uuid]).await.unwrap().get(0);
    CommandId { job, device: DeviceId(device) }
}

#[tokio::test]
async fn a_cancel_is_passed_on_however_late_the_dispatcher_comes() {
    let world = World::new().await;
    let uuids = world.enrol(4).await;
    let job = world.draft(0).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids.clone()), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    world.service.plan_job(job.id, 10).await.unwrap();
    let mut ids = Vec::new();
    for uuid in &uuids {
        ids.push(command(&world, job.id, uuid).await);
    }
    // The last was never handed over.
    let sent: Vec<i64> = ids[..3].iter().map(|id| id.device.0).collect();
    assert_eq!(world.service.record_sent(&job, 1, &sent).await.unwrap(), [0; 0]);
    world.take_outbox().await;
    world.service.cancel_each(&ids, CancelMode::Soft, "me").await.unwrap();
    let messages: Vec<DispatchCommands> =
        world.take_outbox().await.iter().map(|(_, body)| DispatchCommands::decode(body, "").unwrap()).collect();
    assert_eq!(told(&world, &messages).await, uuids[..3]);

    // One goes back to work, and is told nothing any more; the deadline ends the cancel of the others before anybody is told.
    let refused = report(&uuids[0], ids[0].to_i64(), 1, ReportStatus::CancelRefused);
    world.service.record_reports(&[refused]).await.unwrap();
    world
        .client()
        .await
        .execute("UPDATE commands SET deadline_at = now() WHERE state = 'cancelling'", &[])
        .await
        .unwrap();
    world.client().await.execute("UPDATE timers SET fire_at = now()", &[]).await.unwrap();
    world.serve_timers().await;
    assert_eq!(world.states(job.id).await, [("cancelled".into(), 3), ("sent".into(), 1)]);
    assert_eq!(told(&world, &messages).await, uuids[1..3]);

    // A new attempt is not stopped by the message that was meant for the old one.
    world.service.retry_commands(&world.product, job.id, &ids[1..2], "me").await.unwrap();
    assert_eq!(told(&world, &messages).await, uuids[2..3]);
    world.assert_clean().await;
}
