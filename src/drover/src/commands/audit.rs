//! `drover audit`: who did what, from where.

use std::process::ExitCode;

use chrono::SecondsFormat;
use drover_service::{AuditEntry, ListFrom};

use super::control::actor;
use crate::{cli::Audit, config::Config, installation::Installation};

pub(crate) async fn run(config: Config, args: &Audit) -> anyhow::Result<ExitCode> {
    let mut installation = Installation::embedded(config).await?;
    let from = ListFrom { after: args.before.map(|id| id.to_string()), limit: args.limit };
    let found = installation.service.audit(&actor(), &from).await;
    installation.close().await?;
    let found = found?;
    if args.json {
        let entries: Vec<_> = found.items.iter().map(as_json).collect();
        println!("{}", serde_json::json!({ "entries": entries, "next": found.next }));
    } else {
        for entry in &found.items {
            println!("{}", in_words(entry));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One line an entry, in columns.
fn in_words(entry: &AuditEntry) -> String {
    let at = entry.noted_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let subject = format!("{} {}", entry.subject_kind, entry.subject);
    let devices = entry.devices.map(|devices| format!("{devices} devices")).unwrap_or_default();
    let from = if entry.address.is_empty() { entry.via.clone() } else { format!("{} {}", entry.via, entry.address) };
    let line = format!(
        "{:<8} {at}  {:<16} {:<24} {:<22} {subject:<16} {devices:<16} {}",
        entry.id, entry.actor, from, entry.action, entry.detail
    );
    line.trim_end().to_owned()
}

fn as_json(entry: &AuditEntry) -> serde_json::Value {
    serde_json::json!({
        "id": entry.id,
        "at": entry.noted_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "actor": entry.actor,
        "via": entry.via,
        "address": entry.address,
        "action": entry.action,
        "subject_kind": entry.subject_kind,
        "subject": entry.subject,
        "devices": entry.devices,
        "detail": entry.detail,
    })
}
