//! Messages that come twice, are poison, or vanish with their queue.

use drover_broker::{Outgoing, Target};
use drover_domain::JobKind;
use drover_messages::{DeviceSet, DispatchAction, DispatchCommands, Message, PlanJob, Queue};
use drover_testkit::{Line, wait_until};
use drover_workers::Role;
use lapin::{Connection, ConnectionProperties, options::QueueDeleteOptions};
use rand::RngExt;
use uuid::Uuid;

use crate::{
    crowd::{self, Crowd, broker_at},
    scene::Scene,
    support::PATIENCE,
};

/// What Drover's queues are called.
const PREFIX: &str = "drover.v1";
/// What no worker can read, each in its own way.
const POISON: [&[u8]; 3] =
    [b"\xff not a message", br#"{"name": "nonsense", "version": 1, "body": {}}"#, br#"{"v": 1, "command_id": "x"}"#];

/// A message for a queue.
pub(crate) fn to_queue(queue: Queue, body: Vec<u8>) -> Outgoing {
    Outgoing { message_id: Uuid::new_v4(), target: Target::Queue(queue), body, trace: None, expires_after: None }
}

/// The queue that a role lives on is deleted under it, with what it holds.
pub(crate) async fn queue_deleted(scene: &mut Scene<'_>) {
    let queue = match scene.role() {
        Role::Plan => Queue::Jobs(JobKind::Firmware),
        Role::Dispatch => Queue::Dispatch(JobKind::Firmware),
        _ => Queue::Reports,
    };
    let url = scene.world.node.url();
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    scene.middle().await;
    let name = format!("{PREFIX}.{queue}");
    channel.queue_delete(name.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
}

/// Work arrives again that is under way or done, lines break so that the broker delivers once more, and devices say
/// everything twice and backwards.
pub(crate) async fn duplicates(scene: &mut Scene<'_>) {
    let mut crowd = Crowd::listen(&scene.world.node).await;
    let devices = crowd::everybody();
    let asked = scene.world.job(&devices).await;
    scene.world.start_job(asked).await;
    let commands = crowd.upgrades(devices.len()).await;
    scene.middle().await;

    let ids = "SELECT min(device_id), max(device_id) FROM commands WHERE job_id = $1";
    let found = scene.world.rows.query(ids, &[&scene.job]).await;
    let (first, last): (i64, i64) = (found[0].get(0), found[0].get(1));
    let mut again = Vec::new();
    for _ in 0..10 {
        let from = scene.random.random_range(first..=last);
        let devices = DeviceSet::Range { first: from, last: scene.random.random_range(from..=last) };
        let chunk = DispatchCommands { job_id: scene.job, action: DispatchAction::Send { attempt: 1 }, devices };
        again.push(to_queue(Queue::Dispatch(JobKind::Firmware), chunk.encode().unwrap()));
        let plan = PlanJob { job_id: scene.job };
        again.push(to_queue(Queue::Jobs(JobKind::Firmware), plan.encode().unwrap()));
    }
    let broker = broker_at(&scene.world.node);
    for result in broker.publish(again).await {
        result.unwrap();
    }
    scene.world.set_broker_lines(Line::Cut);
    scene.world.set_broker_lines(Line::Whole);

    let backwards = crowd::backwards(&commands);
    crowd.report(backwards.iter().flat_map(|report| [report.clone(), report.clone()]).collect()).await;
    // One moved each command, its double is evidence, and what tells of less than that is forgotten.
    let kept = "SELECT count(*) FROM unapplied_reports WHERE job_id = $1";
    let expected = i64::try_from(commands.len()).unwrap();
    wait_until(PATIENCE, "the evidence", async || scene.world.rows.count(kept, &[&asked]).await == expected).await;
    broker.close().await;
}

/// What nobody can read comes into every queue, beside work that everybody can.
pub(crate) async fn poison(scene: &mut Scene<'_>) {
    let broker = broker_at(&scene.world.node);
    scene.middle().await;
    let all: Vec<Outgoing> = Queue::all().flat_map(|queue| POISON.map(|body| to_queue(queue, body.to_vec()))).collect();
    let ids: Vec<Uuid> = all.iter().map(|message| message.message_id).collect();
    for result in broker.publish(all).await {
        result.unwrap();
    }
    for queue in Queue::all() {
        let what = format!("the poison of {queue} among its dead letters");
        let sql = "SELECT count(*) FROM dead_letters WHERE queue = $1 AND message_id = ANY($2)";
        let (name, expected) = (queue.to_string(), i64::try_from(POISON.len()).unwrap());
        wait_until(PATIENCE, &what, async || scene.world.rows.count(sql, &[&name, &ids]).await == expected).await;
    }
    // The crowd's devices are neighbours that nobody has asked for anything yet.
    let mut crowd = Crowd::listen(&scene.world.node).await;
    let job = scene.world.job(&crowd::everybody()).await;
    scene.world.start_job(job).await;
    let commands = crowd.upgrades(crowd::everybody().len()).await;
    crowd.report(commands.iter().map(crowd::Command::succeeded).collect()).await;
    broker.close().await;
}
