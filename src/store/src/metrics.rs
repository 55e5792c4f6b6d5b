//! The store's metrics.

use drover_telemetry::{Label, Metric};

/// Every metric of this crate.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        "drover_store_conflicts_total",
        &[Label::bounded("transaction", "the names of the program's transactions")],
        "Transactions run again because another got in their way",
    ),
    Metric::gauge(
        "drover_store_connections",
        &[Label::words("state", &["busy", "idle"])],
        "Connections to the database, by what they do",
    ),
    Metric::gauge(
        "drover_store_connections_max",
        &[],
        "Connections to the database that this process may have at once",
    ),
    Metric::gauge("drover_store_waiting", &[], "Pieces of work that wait for a connection to the database"),
];
