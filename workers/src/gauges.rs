//! What the metrics say of rows: asked of the database every few seconds, whatever happens.

use std::{sync::Arc, time::Duration};

use drover_broker::WorkerError;
use drover_domain::{CommandState, JobKind, JobState};
use drover_service::Entropy;
use drover_store::{Store, StoreError, stats};
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use tokio_util::sync::CancellationToken;

use crate::periodic::{Next, repeat};

const PAUSE: Duration = Duration::from_secs(2);

/// Runs until `stop`.
pub(crate) async fn run(store: Store, entropy: Arc<dyn Entropy>, stop: CancellationToken) -> Result<(), WorkerError> {
    repeat("gauges", PAUSE, entropy.as_ref(), &stop, || step(&store)).await;
    Ok(())
}

async fn step(store: &Store) -> Result<Next, StoreError> {
    let client = store.client().await?;
    let (jobs, commands) = (stats::active_jobs(&client).await?, stats::active_commands(&client).await?);
    for kind in JobKind::ALL {
        // A state that nothing is in any more must go back to 0, so every one is set each time.
        for state in [JobState::Scheduled, JobState::Running, JobState::Paused] {
            set("drover_jobs", kind.as_str(), state.as_str(), &jobs);
        }
        for state in CommandState::ALL {
            set("drover_commands", kind.as_str(), state.as_str(), &commands);
        }
    }
    let outbox = stats::outbox(&client).await?;
    #[allow(clippy::cast_precision_loss)] // a gauge
    metrics::gauge!("drover_outbox_messages").set(outbox.messages as f64);
    metrics::gauge!("drover_outbox_oldest_seconds").set(outbox.oldest_s);
    Ok(Next::Later)
}

fn set(gauge: &'static str, kind: &'static str, state: &'static str, counts: &[stats::Count]) {
    let count = counts.iter().find(|count| count.kind == kind && count.state == state).map_or(0, |count| count.count);
    #[allow(clippy::cast_precision_loss)] // a gauge
    metrics::gauge!(gauge, "kind" => kind, "state" => state).set(count as f64);
}

/// Says what the metrics of roles and use cases mean.
pub fn describe_metrics() {
    crate::queues::describe_metrics();
    describe_gauge!("drover_jobs", "Jobs that have not ended, by kind and state");
    describe_gauge!("drover_commands", "Commands of jobs that have not ended, by kind and state");
    describe_gauge!("drover_outbox_messages", "Messages that wait for the relay");
    describe_gauge!(
        "drover_outbox_oldest_seconds",
        Unit::Seconds,
        "Age of the oldest message that waits for the relay"
    );
    describe_counter!("drover_jobs_created_total", "Jobs made");
    describe_counter!("drover_jobs_finished_total", "Jobs that ended, by state");
    describe_counter!("drover_commands_sent_total", "Commands that a channel took");
    describe_counter!("drover_commands_absent_total", "Commands handed over while nobody was there for the device");
    describe_counter!("drover_attempts_ended_total", "Attempts that ended, by outcome");
    describe_counter!("drover_command_retries_total", "New attempts, by policy or by an operator");
    describe_counter!("drover_command_deadlines_passed_total", "Commands whose deadline passed");
    describe_counter!(
        "drover_reports_total",
        "Reports of devices, by what became of them: late and duplicate ones too"
    );
    describe_counter!("drover_evidence_dropped_total", "Reports not kept as evidence: there was enough of the attempt");
    describe_counter!("drover_evidence_forgotten_total", "Reports kept as evidence that were kept long enough");
    describe_counter!("drover_files_swept_total", "Files taken away that nobody needed");
    describe_counter!("drover_device_logins_total", "Logins of devices, by result");
    describe_counter!("drover_device_lookups_total", "Devices that were looked up in the database to log in");
    describe_counter!(
        "drover_top_key_lookups_total",
        "App keys of the TOP gateway that were looked up in the database"
    );
    describe_counter!("drover_device_arrivals_total", "Devices that began to listen for their commands over MQTT");
    describe_counter!("drover_device_cut_offs_total", "Times the connections of a revoked device were ended");
    describe_gauge!("drover_revocations_waiting", "Revoked devices whose connections are to be ended, up to 1,000");
    describe_counter!("drover_planner_waits_total", "Times the planner waited for dispatchers to catch up");
    describe_counter!("drover_timers_put_off_total", "Timers that could not be served");
    describe_counter!("drover_handler_waits_total", "Times a handler waited for the database to come back");
    describe_counter!("drover_role_failures_total", "Steps of a role that failed");
    describe_counter!("drover_store_conflicts_total", "Transactions run again because another got in their way");
    describe_histogram!(
        "drover_accepted_to_sent_seconds",
        Unit::Seconds,
        "From a job's start until a channel took the command"
    );
    describe_histogram!(
        "drover_sent_to_terminal_seconds",
        Unit::Seconds,
        "From a channel taking a command until its end"
    );
}
