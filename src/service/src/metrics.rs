//! The metrics of the use cases.

use drover_domain::{JobKind, Outcome};
use drover_telemetry::{Label, Metric};

const KIND: Label = Label::of("kind", || JobKind::ALL.map(|kind| kind.as_str().to_owned()).into());
const LOGIN: Label = Label::words("result", &["accepted", "refused", "too_many", "unavailable"]);

/// Every metric of this crate.
pub const METRICS: &[Metric] = &[
    Metric::counter("drover_jobs_created_total", &[KIND], "Jobs made"),
    Metric::counter(
        "drover_jobs_finished_total",
        &[KIND, Label::words("state", &["completed"])],
        "Jobs of which every command has ended",
    ),
    Metric::counter(
        "drover_commands_sent_total",
        &[KIND],
        "Commands that a channel took, or that their device fetched",
    ),
    Metric::counter(
        "drover_attempts_ended_total",
        &[KIND, Label::of("outcome", || Outcome::ALL.map(|outcome| outcome.as_str().to_owned()).into())],
        "Attempts that ended",
    ),
    Metric::counter(
        "drover_command_retries_total",
        &[KIND, Label::words("by", &["policy", "operator"])],
        "New attempts, by who wanted them",
    ),
    Metric::counter("drover_command_deadlines_passed_total", &[KIND], "Commands whose deadline passed"),
    Metric::histogram(
        "drover_command_accepted_to_sent_seconds",
        &[KIND],
        "From a job's start until a channel took the command",
    ),
    Metric::histogram(
        "drover_command_sent_to_terminal_seconds",
        &[KIND],
        "From a channel taking a command until its end",
    ),
    Metric::counter(
        "drover_reports_total",
        &[Label::words("result", &["applied", "duplicate", "late", "premature", "stale", "unknown"])],
        "Reports of devices, by what became of them",
    ),
    Metric::counter(
        "drover_evidence_dropped_total",
        &[],
        "Reports not kept as evidence: there was enough of the attempt",
    ),
    Metric::counter("drover_evidence_forgotten_total", &[], "Reports kept as evidence that were kept long enough"),
    Metric::counter("drover_timers_put_off_total", &[], "Timers that could not be served and ring again later"),
    Metric::counter("drover_files_swept_total", &[], "Files taken away that nobody needed"),
    Metric::counter("drover_device_logins_total", &[LOGIN], "Logins of devices"),
    Metric::counter("drover_device_lookups_total", &[], "Devices that were looked up in the database to log in"),
    Metric::counter("drover_operator_logins_total", &[LOGIN], "Logins of operators by name and password"),
    Metric::counter(
        "drover_inventories_total",
        &[Label::words("result", &["changed", "known"])],
        "Lists of what a device has installed, by whether they said something new",
    ),
    Metric::counter(
        "drover_device_reviews_total",
        &[Label::words("result", &["reviewed", "put_off"])],
        "Devices whose assignments may have changed, looked at or put off because that failed",
    ),
    Metric::counter(
        "drover_software_checks_total",
        &[Label::words("result", &["ok", "invalid", "unavailable", "error"])],
        "Checks for updates at the TOP gateway",
    ),
    Metric::counter(
        "drover_software_checks_noted_total",
        &[Label::words("result", &["older", "known", "changed"])],
        "Checks for updates that were held beside what is known of their device, by what came of it",
    ),
    Metric::histogram("drover_software_check_batch_devices", &[], "Checks for updates that one statement was read for"),
    Metric::counter(
        "drover_catalogue_loads_total",
        &[Label::words("result", &["ok", "error"])],
        "Times that what a tenant publishes was read anew",
    ),
    Metric::counter(
        "drover_top_key_lookups_total",
        &[],
        "App keys of the TOP gateway that were looked up in the database",
    ),
    Metric::gauge("drover_dashboard_viewers", &[], "Dashboards that are open"),
    Metric::counter(
        "drover_dashboard_aggregations_total",
        &[Label::words("result", &["ok", "failed"])],
        "Readings of what is going on, for all dashboards together",
    ),
    Metric::histogram(
        "drover_dashboard_aggregation_duration_seconds",
        &[],
        "Time that a reading of what is going on took",
    ),
];
