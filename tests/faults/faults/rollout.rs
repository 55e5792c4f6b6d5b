//! A new version arrives while the old one still works.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use drover_broker::{Batch, Disposition, Handler, Outgoing, Target, WorkerOptions, run_worker};
use drover_domain::JobKind;
use drover_messages::{DecodeError, Message, Queue};
use drover_testkit::wait_until;
use drover_workers::Role;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::messages::to_queue;
use crate::{crowd::broker_at, scene::Scene, support::PATIENCE};

/// The version that the old workers do not know.
const NEW: u16 = 99;
/// The roles that read messages, and where.
const READERS: [(Role, Queue); 3] = [
    (Role::Plan, Queue::Jobs(JobKind::Firmware)),
    (Role::Dispatch, Queue::Dispatch(JobKind::Firmware)),
    (Role::Ingest, Queue::Reports),
];

/// Messages of a new version come into every kind of queue, and one role after the other is asked to end in the middle of
/// its work. Each ends well and in time; a worker of the new version finds what the old ones left.
pub(crate) async fn new_version(scene: &mut Scene<'_>) {
    let broker = broker_at(&scene.world.node);
    scene.middle().await;
    let envelope = |name: &str| format!(r#"{{"name": "{name}", "version": {NEW}, "body": {{"all": "new"}}}}"#);
    let report = Outgoing {
        message_id: Uuid::new_v4(),
        target: Target::Topic("devices.quiet-1.reports".into()),
        body: format!(r#"{{"v": {NEW}, "news": true}}"#).into(),
        trace: None,
        expires_after: None,
    };
    let [plan, dispatch, _] = READERS.map(|(_, queue)| queue);
    let new = vec![
        to_queue(plan, envelope("plan_job").into()),
        to_queue(dispatch, envelope("dispatch_commands").into()),
        report,
    ];
    for result in broker.publish(new).await {
        result.unwrap();
    }
    let readers = READERS.map(|(role, _)| role);
    for role in Role::ALL {
        let member = scene.world.member(role);
        assert!(member.process.terminate().await, "{role} ended badly:\n{}", member.last_words(30));
        if !readers.contains(&role) {
            member.start_again(&[]);
        }
    }

    let (found, stop) = (Arc::new(Newer::default()), CancellationToken::new());
    let workers = READERS.map(|(_, queue)| {
        let worker = run_worker(broker.clone(), queue, WorkerOptions::default(), Arc::clone(&found), stop.clone());
        tokio::spawn(worker)
    });
    wait_until(PATIENCE, "the new version's messages", async || found.0.lock().unwrap().len() == READERS.len()).await;
    stop.cancel();
    for worker in workers {
        worker.await.unwrap().unwrap();
    }
    for role in readers {
        scene.world.member(role).start_again(&[]);
    }
    broker.close().await;
}

/// A message of whatever version, as a worker of the new one sees it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Versioned {
    #[serde(default, alias = "v")]
    version: u16,
}

impl Message for Versioned {
    const NAME: &'static str = "any";
    const VERSION: u16 = NEW;

    fn decode(bytes: &[u8], _routing_key: &str) -> Result<Self, DecodeError> {
        let unexpected =
            |error: serde_json::Error| DecodeError::Unexpected { expected: "any", found: error.to_string() };
        serde_json::from_slice(bytes).map_err(unexpected)
    }
}

/// Takes the new version's messages and leaves the others: the queues where one was found.
#[derive(Debug, Default)]
struct Newer(Mutex<BTreeSet<Queue>>);

impl Handler<Versioned> for Newer {
    async fn handle(&self, batch: Batch<Versioned>) -> Vec<Disposition> {
        let settle = |version| {
            if version == NEW {
                self.0.lock().unwrap().insert(batch.queue);
                Disposition::Done
            } else {
                Disposition::Later { after: Duration::from_secs(1) }
            }
        };
        batch.iter().map(|delivery| settle(delivery.message.version)).collect()
    }
}
