//! The metrics of HTTP.

use drover_telemetry::{Label, Metric};

const METHOD: Label = Label::words("method", &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"]);
const ROUTE: Label = Label::bounded("route", "the routes of the program as they are written there, and `unmatched`");

/// Every metric of this crate.
pub const METRICS: &[Metric] = &[
    Metric::counter(
        "drover_http_requests_total",
        &[METHOD, ROUTE, Label::bounded("status", "the status codes of HTTP that the program answers with")],
        "Calls answered",
    ),
    Metric::histogram("drover_http_request_duration_seconds", &[ROUTE], "Time until an answer began"),
    Metric::gauge("drover_http_connections", &[], "Open connections of the HTTP server"),
    Metric::gauge("drover_devices_waiting", &[], "Devices that wait in a call for a command"),
    Metric::counter("drover_device_calls_deaf_total", &[], "Times that calls for waiting devices could not be heard"),
    Metric::counter("drover_device_arrivals_total", &[], "Devices that began to listen for their commands over MQTT"),
    Metric::counter("drover_device_arrivals_lost_total", &[], "Arrivals of devices that were not noted"),
    Metric::counter(
        "drover_broker_auth_checks_total",
        &[Label::words("check", &["user", "vhost", "resource", "topic"]), Label::words("answer", &["allow", "deny"])],
        "Questions of RabbitMQ about devices, by what it asked and what it was told",
    ),
    Metric::counter(
        "drover_top_calls_total",
        &[
            Label::bounded("method", "the methods of the gateway, and `other` for every unknown one"),
            Label::bounded("code", "the codes of the gateway, 0 for success"),
        ],
        "Calls of the TOP gateway answered",
    ),
];
