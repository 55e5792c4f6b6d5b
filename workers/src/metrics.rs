//! The metrics of the roles.

use drover_domain::{ChannelKind, CommandState, JobKind};
use drover_messages::Queue;
use drover_telemetry::{Label, Metric};

use crate::Role;

const KIND: Label = Label::of("kind", || JobKind::ALL.map(|kind| kind.as_str().to_owned()).into());
const QUEUE: Label = Label::of("queue", || Queue::all().map(|queue| queue.to_string()).collect());

/// Every metric of this crate.
pub const METRICS: &[Metric] = &[
    Metric::gauge(
        "drover_jobs",
        &[KIND, Label::words("state", &["scheduled", "running", "paused"])],
        "Jobs that have not ended",
    ),
    Metric::gauge(
        "drover_commands",
        &[KIND, Label::of("state", || CommandState::ALL.map(|state| state.as_str().to_owned()).into())],
        "Commands of jobs that have not ended",
    ),
    Metric::gauge(
        "drover_commands_held",
        &[KIND, Label::words("state", &["planned", "queued"])],
        "Of these, those that wait for their job, which is paused",
    ),
    Metric::gauge("drover_outbox_messages", &[], "Messages that wait for the relay"),
    Metric::gauge("drover_outbox_oldest_seconds", &[], "Age of the oldest message that waits for the relay"),
    Metric::gauge("drover_queue_messages", &[QUEUE], "Messages that wait in a queue for a worker"),
    Metric::gauge("drover_queue_consumers", &[QUEUE], "Workers that take from a queue"),
    Metric::gauge("drover_queue_unacked", &[QUEUE], "Messages of a queue that workers have; absent when nobody knows"),
    Metric::gauge("drover_queue_paused", &[QUEUE], "1 while operators keep workers from a queue, else 0"),
    Metric::gauge(
        "drover_dead_letters",
        &[QUEUE],
        "Messages of a queue that no worker could handle, kept or still at the broker",
    ),
    Metric::counter("drover_dead_letters_collected_total", &[QUEUE], "Dead messages that were taken from the broker"),
    Metric::gauge(
        "drover_workers",
        &[Label::of("role", || Role::ALL.map(|role| role.as_str().to_owned()).into())],
        "Processes at work, by role",
    ),
    Metric::gauge("drover_revocations_waiting", &[], "Revoked devices whose connections are to be ended, up to 1,000"),
    Metric::counter("drover_device_cut_offs_total", &[], "Times the connections of a revoked device were ended"),
    Metric::counter(
        "drover_commands_absent_total",
        &[KIND, Label::of("channel", || ChannelKind::ALL.map(|channel| channel.as_str().to_owned()).into())],
        "Commands handed over while nobody was there for the device",
    ),
    Metric::counter("drover_planner_waits_total", &[KIND], "Times the planner waited for dispatchers to catch up"),
    Metric::counter("drover_handler_waits_total", &[], "Times a handler waited for the database to come back"),
    Metric::counter(
        "drover_role_failures_total",
        &[Label::words(
            "role",
            &[
                "gauges",
                "heartbeat",
                "leave",
                "queues",
                "relay",
                "review",
                "sample_jobs",
                "sample_pace",
                "sessions",
                "sweep",
                "sweep_dead_letters",
                "sweep_file_store",
                "sweep_pace",
                "sweep_tokens",
                "sweep_undecided_uploads",
                "sweep_unused_files",
                "sweep_workers",
                "timekeep",
            ],
        )],
        "Steps of a role's loop that failed and are tried again",
    ),
];
