//! What the values may be.

use figment::Figment;
use figment::value::Value;

use drover_service::ManifestEntry;

use super::{Config, ConfigError, Secret};

const HOUR_S: u64 = 3600;
const DAY_S: u64 = 24 * HOUR_S;
const YEAR_S: u64 = 365 * DAY_S;

/// Every key that is a number, with the smallest and the largest value allowed.
pub(super) const RANGES: &[(&str, u64, u64)] = &[
    ("http.header_timeout_s", 1, 300),
    ("http.request_timeout_s", 1, HOUR_S),
    ("http.poll_wait_s", 0, HOUR_S),
    ("http.max_waiting_devices", 0, 1_000_000),
    ("http.max_connections", 1, 1_000_000),
    ("http.max_upload_bytes", 1 << 10, 1 << 40),
    ("http.max_body_bytes", 1 << 10, 1 << 30),
    ("http.access_token_ttl_s", 60, 30 * DAY_S),
    ("http.proxies", 0, 10),
    ("database.pool_size", 1, 1000),
    ("database.wait_timeout_s", 1, 300),
    ("database.statement_timeout_s", 1, HOUR_S),
    ("amqp.publish_deadline_s", 1, 300),
    ("devices.auth_cache_s", 1, 300),
    ("files.link_ttl_s", 60, YEAR_S),
    ("files.unused_retention_s", 0, 10 * YEAR_S),
    ("top.calls_per_s", 1, 1_000_000),
    ("traces.sample_permille", 0, 1000),
    ("workers.plan_concurrency", 1, 1000),
    ("workers.dispatch_concurrency", 1, 1000),
    ("workers.plan_chunk", 1, 10_000),
    ("workers.report_batch_max", 1, 10_000),
    ("workers.report_batch_wait_ms", 0, 1000),
    ("workers.tick_ms", 10, 60_000),
    ("workers.attempt_timeout_s", 1, YEAR_S),
    ("workers.dispatch_lease_s", 5, HOUR_S),
    ("workers.cancel_timeout_s", 1, YEAR_S),
    ("workers.retry_backoff_base_s", 0, DAY_S),
    ("workers.retry_backoff_max_s", 0, YEAR_S),
    ("workers.evidence_retention_s", 0, 10 * YEAR_S),
    ("workers.dead_letter_retention_s", 0, 10 * YEAR_S),
    // RabbitMQ takes back after 30 minutes what is neither done nor refused.
    ("workers.drain_timeout_s", 1, 1500),
];

/// Checks every number on its own.
pub(super) fn check(figment: &Figment) -> Result<(), ConfigError> {
    for &(key, least, most) in RANGES {
        let value = figment.find_value(key).ok().and_then(|value| whole_number(&value));
        if !value.is_some_and(|value| (u128::from(least)..=u128::from(most)).contains(&value)) {
            return Err(not_allowed(figment, key, format!("between {least} and {most}")));
        }
    }
    Ok(())
}

/// TOML's integers are signed ones, the built-in values are not.
fn whole_number(value: &Value) -> Option<u128> {
    value.to_u128().or_else(|| value.to_i128()?.try_into().ok())
}

/// Checks what is no number, and what depends on another value.
pub(super) fn check_relations(config: &Config, figment: &Figment) -> Result<(), ConfigError> {
    let url_rules = [
        ("http.public_url", config.http.public_url.as_ref(), ["http://", "https://"]),
        ("database.url", config.database.url.as_ref().map(Secret::expose), ["postgres://", "postgresql://"]),
        ("amqp.url", config.amqp.url.as_ref().map(Secret::expose), ["amqp://", "amqps://"]),
        ("traces.otlp_url", config.traces.otlp_url.as_ref(), ["http://", "https://"]),
        ("amqp.management_url", config.amqp.management_url.as_ref().map(Secret::expose), ["http://", "https://"]),
    ];
    for (key, url, schemes) in url_rules {
        if url.is_some_and(|url| !schemes.iter().any(|scheme| url.starts_with(scheme))) {
            return Err(not_allowed(figment, key, format!("a URL that begins with {}", schemes.join(" or "))));
        }
    }
    if config.files.url.as_ref().is_some_and(|url| url.contains("://") && !url.starts_with("file:///")) {
        return Err(not_allowed(figment, "files.url", "a path, or a URL that begins with file:///".to_owned()));
    }
    if config.http.internal_listen == Some(config.http.listen) {
        let rule = "another address than http.listen, which the world may call".to_owned();
        return Err(not_allowed(figment, "http.internal_listen", rule));
    }
    let applications = &config.applications;
    for (key, entry) in [
        ("applications.container_entry", &applications.container_entry),
        ("applications.built_in_entry", &applications.built_in_entry),
    ] {
        if let Err(error) = entry.parse::<ManifestEntry>() {
            return Err(not_allowed(figment, key, error.to_string()));
        }
    }
    let workers = &config.workers;
    if workers.retry_backoff_max_s < workers.retry_backoff_base_s {
        let rule = format!("at least workers.retry_backoff_base_s, which is {}", workers.retry_backoff_base_s);
        return Err(not_allowed(figment, "workers.retry_backoff_max_s", rule));
    }
    Ok(())
}

fn not_allowed(figment: &Figment, key: &'static str, rule: String) -> ConfigError {
    let origin = figment.find_metadata(key).map(|found| match &found.source {
        Some(source) if source.file_path().is_some() => format!("from {source}"),
        _ => format!("from {}", found.name),
    });
    ConfigError::NotAllowed { key, origin: origin.unwrap_or_else(|| "built in".to_owned()), rule }
}
