//! A job that is on its way.

use drover_domain::{CommandId, DeviceId, JobId, OrganisationPath};
use drover_messages::{DispatchAction, DispatchCommands, Message, PlanJob, ReportStatus};
use drover_service::{Actor, FirmwareJob, Join, ListFrom, Reach};
use drover_store::people::scope::Scope;

use crate::support::{World, report};

pub(crate) fn page(limit: u32, after: Option<&str>) -> ListFrom {
    ListFrom { after: after.map(str::to_owned), limit }
}

pub(crate) fn owner() -> Actor {
    Actor::command_line("me")
}

/// An operator of the world's tenant whose organisation stands at `path`.
pub(crate) fn operator(world: &World, path: &str) -> Actor {
    let scope = Scope { tenant: world.caller.tenant, path: OrganisationPath::parse(path).unwrap() };
    Actor { reach: Reach::Part(scope), ..owner() }
}

/// Plans and hands out whatever waits. Returns the commands that went out, by device.
pub(crate) async fn hand_out(world: &World) -> Vec<(String, i64, i16)> {
    let mut sent = Vec::new();
    loop {
        let messages = world.take_outbox().await;
        if messages.is_empty() {
            return sent;
        }
        for (queue, body) in messages {
            if queue.starts_with("jobs.") {
                let message = PlanJob::decode(&body, "").unwrap();
                world.service.plan_job(JobId(message.job_id), 2).await.unwrap();
                continue;
            }
            let message = DispatchCommands::decode(&body, "").unwrap();
            let chunk = world.service.load_dispatch(&message).await.unwrap().unwrap();
            if let DispatchAction::Send { attempt } = message.action {
                let devices: Vec<i64> = chunk.addressees.iter().map(|a| a.device.0).collect();
                world.service.record_sent(&chunk.job, attempt, &devices).await.unwrap();
                let id = |device: DeviceId| CommandId { job: chunk.job.id, device }.to_i64();
                sent.extend(chunk.addressees.iter().map(|a| (a.uuid.clone(), id(a.device), a.attempt)));
            }
        }
    }
}

/// A job for these devices, all of which were sent their commands.
pub(crate) async fn under_way(
    world: &World,
    uuids: &[String],
    retry_limit: i16,
) -> (FirmwareJob, Vec<(String, i64, i16)>) {
    let job = world.draft(retry_limit).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids.to_vec()), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    let mut sent = hand_out(world).await;
    sent.sort();
    assert_eq!(sent.len(), uuids.len());
    (job, sent)
}

/// What a device says of its command.
pub(crate) async fn say(world: &World, sent: &(String, i64, i16), status: ReportStatus, code: Option<&str>) {
    let mut said = report(&sent.0, sent.1, sent.2, status);
    said.code = code.map(str::to_owned);
    world.service.record_reports(&[said]).await.unwrap();
}
