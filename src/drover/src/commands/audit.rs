//! `drover audit`: who did what, from where.

use std::process::ExitCode;

use chrono::SecondsFormat;
use drover_service::{AuditEntry, ListFrom};

use super::{
    control::actor,
    words::{columns, count, plain},
};
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
        let header = ["ID", "WHEN", "WHO", "FROM", "WHAT", "TO", "DEVICES", "DETAIL"];
        let rows: Vec<_> = found.items.iter().map(row).collect();
        println!("{}", columns(header, &rows));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(entry: &AuditEntry) -> [String; 8] {
    let from = if entry.address.is_empty() { entry.via.clone() } else { format!("{} {}", entry.via, entry.address) };
    [
        entry.id.to_string(),
        entry.noted_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        plain(&entry.actor),
        from,
        entry.action.clone(),
        plain(&format!("{} {}", entry.subject_kind, entry.subject)),
        count(entry.devices),
        plain(&entry.detail),
    ]
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
