//! The cases of the conformance suite, and how they are run.
#![allow(clippy::print_stdout)] // what the runner shows when the suite fails

mod consuming;
mod dead;
mod ending;
mod publishing;
mod settling;
mod states;

use std::{sync::Arc, time::Instant};

use drover_broker::{Broker, BrokerConfig};
use drover_messages::Queue;
use futures_util::future::LocalBoxFuture;
use tokio::task::{JoinSet, LocalSet, spawn_local};

use crate::suite::{PATIENCE, config};

/// Where a case runs: a broker that it shares with others, and a queue that it has for itself.
#[derive(Clone)]
pub(crate) struct World {
    make: fn(BrokerConfig) -> Broker,
    url: Option<Arc<str>>,
    pub(crate) broker: Broker,
}

impl World {
    pub(crate) fn new(make: fn(BrokerConfig) -> Broker, url: Option<&str>) -> Self {
        Self { broker: make(config(url, "test.shared")), make, url: url.map(Arc::from) }
    }

    /// A broker of one's own.
    pub(crate) fn another(&self, prefix: &str, adapt: impl FnOnce(BrokerConfig) -> BrokerConfig) -> Broker {
        (self.make)(adapt(config(self.url.as_deref(), prefix)))
    }
}

type Case = fn(World, Queue) -> LocalBoxFuture<'static, ()>;

macro_rules! cases {
    ($($module:ident :: $case:ident),* $(,)?) => {
        [$((stringify!($case), (|world, queue| Box::pin($module::$case(world, queue))) as Case)),*]
    };
}

/// Runs every case, as many at a time as there are queues, and says which failed.
pub(crate) async fn run_all(world: World) {
    world.broker.declare_topology().await.expect("the queues can be declared");
    let cases = cases![
        consuming::messages_arrive_in_order_with_what_belongs_to_them,
        consuming::poison_is_put_aside_with_its_reason_and_its_neighbours_go_through,
        consuming::a_newer_version_is_left_for_a_newer_worker,
        consuming::a_version_that_nobody_reads_is_dead_in_the_end,
        consuming::batches_fill_up_to_their_limit,
        consuming::no_more_batches_than_allowed_are_handled_at_a_time,
        consuming::two_workers_share_a_queue,
        settling::a_retry_comes_back_with_one_attempt_more,
        settling::too_many_retries_end_in_the_dead_letter_queue,
        settling::what_a_handler_calls_dead_is_dead,
        settling::dispositions_are_carried_out_one_by_one,
        settling::a_panic_retries_the_batch,
        settling::a_timeout_cancels_the_handler_and_retries_the_batch,
        settling::a_miscounting_handler_has_its_batch_retried,
        ending::a_stopped_worker_finishes_what_it_handles_and_gives_back_the_rest,
        ending::a_dropped_worker_gives_everything_back,
        ending::a_closed_broker_ends_its_workers,
        publishing::an_idle_broker_is_healthy_and_an_empty_publish_is_fine,
        publishing::what_cannot_be_published_fails_alone,
        publishing::many_publish_at_a_time,
        dead::taken_messages_go_when_they_are_forgotten_and_stay_when_they_are_not,
        states::a_queue_tells_what_waits_in_it_and_beside_it,
        states::activity_counts_what_is_handled,
    ];
    let queues: Vec<Queue> = Queue::all().filter(|queue| *queue != Queue::Reports).collect();
    let mut failed = Vec::new();
    for wave in cases.chunks(queues.len()) {
        let jobs = wave.iter().zip(&queues).map(|((name, case), queue)| (*name, *queue, *case));
        failed.extend(run_wave(&world, jobs.collect()).await);
    }
    // Those that use topics have the one reports queue to themselves, one after the other.
    for (name, case) in cases![
        consuming::reports_come_in_batches_under_their_devices_key,
        consuming::a_retried_report_keeps_its_device,
        consuming::a_report_that_is_too_large_is_dead_and_cut,
        consuming::a_report_of_another_version_waits_less_often_than_work,
        publishing::topics_reach_subscribers_and_unroutable_ones_fail,
        dead::a_report_that_is_sent_again_keeps_its_device,
    ] {
        failed.extend(run_wave(&world, vec![(name, Queue::Reports, case)]).await);
    }
    world.broker.close().await;
    assert!(failed.is_empty(), "failed: {failed:?}");
}

async fn run_wave(world: &World, jobs: Vec<(&'static str, Queue, Case)>) -> Vec<&'static str> {
    let (local, mut running) = (LocalSet::new(), JoinSet::new());
    for (name, queue, case) in jobs {
        let world = world.clone();
        running.spawn_local_on(
            async move {
                let began = Instant::now();
                let task = spawn_local(case(world, queue));
                let ended = tokio::time::timeout(PATIENCE * 2, task).await;
                let good = matches!(ended, Ok(Ok(())));
                println!("{name}: {} in {:?}", if good { "ok" } else { "FAILED" }, began.elapsed());
                (!good).then_some(name)
            },
            &local,
        );
    }
    local.run_until(running.join_all()).await.into_iter().flatten().collect()
}
