//! A world that moves: the test takes the outbox's messages itself.

use drover_domain::{CommandId, JobId};
use drover_messages::{DispatchAction, DispatchCommands, Message, PlanJob, ReportStatus};
use drover_service::Join;

use crate::support::{World, report};

/// A command that went out.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) uuid: String,
    pub(crate) id: i64,
    pub(crate) attempt: i16,
}

/// Carries out every message in the outbox, as planner and dispatcher would, but does not hand over commands of devices for
/// which `is_away` says so.
pub(crate) async fn run_outbox(world: &World, is_away: impl Fn(&str) -> bool) -> Vec<Sent> {
    let mut sent = Vec::new();
    loop {
        let messages = world.take_outbox().await;
        if messages.is_empty() {
            return sent;
        }
        for (queue, body) in messages {
            if queue.starts_with("jobs.") {
                let message = PlanJob::decode(&body, "").unwrap();
                world.service.plan_job(JobId(message.job_id), 100).await.unwrap();
                continue;
            }
            let message = DispatchCommands::decode(&body, "").unwrap();
            let chunk = world.service.load_dispatch(&message).await.unwrap().unwrap();
            let DispatchAction::Send { attempt } = message.action else { continue };
            let there: Vec<_> = chunk.addressees.iter().filter(|a| !is_away(&a.uuid)).collect();
            let devices: Vec<i64> = there.iter().map(|a| a.device.0).collect();
            world.service.record_sent(&chunk.job, attempt, &devices).await.unwrap();
            sent.extend(there.iter().map(|a| Sent {
                uuid: a.uuid.clone(),
                id: CommandId { job: chunk.job.id, device: a.device }.to_i64(),
                attempt: a.attempt,
            }));
        }
    }
}

/// A device answers.
pub(crate) async fn answer(world: &World, sent: &Sent, status: ReportStatus) {
    let mut said = report(&sent.uuid, sent.id, sent.attempt, status);
    if status == ReportStatus::Failed {
        (said.code, said.message) = (Some("E7".into()), Some("no space left".into()));
    }
    world.service.record_reports(&[said]).await.unwrap();
}

/// A job of these devices that was started; nothing has gone out yet.
pub(crate) async fn started(world: &World, uuids: &[String], retry_limit: i16) -> JobId {
    let job = world.draft(retry_limit).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids.to_vec()), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    job.id
}
