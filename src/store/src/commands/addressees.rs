//! Whom the dispatcher turns to.

use drover_domain::{ChannelKind, CommandState, DeviceId, JobId};

use super::Devices;
use crate::{GenericClient, StoreError, rows, sql};

/// A command as a channel needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// The device.
    pub device: DeviceId,
    /// The device's name for itself.
    pub uuid: String,
    /// The way to it.
    pub channel: ChannelKind,
    /// The present attempt.
    pub attempt: i16,
}

/// The devices among `devices` whose command is in `state` and, when given, in `attempt`. Those that were deregistered are
/// sent nothing but what takes something away from them.
pub async fn addressees(
    client: &impl GenericClient,
    job: JobId,
    devices: &Devices,
    state: CommandState,
    attempt: Option<i16>,
) -> Result<Vec<Addressee>, StoreError> {
    const IN_RANGE: &str = "/* commands::addressees range */ SELECT c.device_id, d.uuid, d.channel, c.attempt
        FROM commands c JOIN devices d ON d.id = c.device_id
        WHERE c.job_id = $1 AND c.device_id BETWEEN $2 AND $3 AND c.state = $4 AND ($5::smallint IS NULL OR c.attempt = $5)
            AND (d.status <> 'deregistered' OR c.state <> 'queued'
                OR (SELECT push_action FROM jobs WHERE id = $1) IN ('uninstall', 'remove'))
        ORDER BY c.device_id";
    const IN_LIST: &str = "/* commands::addressees list */ SELECT c.device_id, d.uuid, d.channel, c.attempt
        FROM commands c JOIN devices d ON d.id = c.device_id
        WHERE c.job_id = $1 AND c.device_id = ANY($2) AND c.state = $3 AND ($4::smallint IS NULL OR c.attempt = $4)
            AND (d.status <> 'deregistered' OR c.state <> 'queued'
                OR (SELECT push_action FROM jobs WHERE id = $1) IN ('uninstall', 'remove'))
        ORDER BY c.device_id";
    let state = state.as_str();
    let found = match devices {
        Devices::Range(first, last) => sql::query(client, IN_RANGE, &[&job.0, first, last, &state, &attempt]).await?,
        Devices::List(ids) => sql::query(client, IN_LIST, &[&job.0, ids, &state, &attempt]).await?,
    };
    found.iter().map(addressee).collect()
}

fn addressee(row: &tokio_postgres::Row) -> Result<Addressee, StoreError> {
    Ok(Addressee {
        device: DeviceId(row.get("device_id")),
        uuid: row.get("uuid"),
        channel: rows::word(row, "channel", ChannelKind::parse)?,
        attempt: row.get("attempt"),
    })
}

/// The devices among `devices` that must be told to stop: their command is in its cancel, or was stopped while its attempt was
/// with them. What was stopped before is not named: no channel took it, or the one who finds out that a channel did tells it.
pub async fn to_stop(client: &impl GenericClient, job: JobId, devices: &Devices) -> Result<Vec<Addressee>, StoreError> {
    const IN_RANGE: &str = "/* commands::to_stop range */ SELECT c.device_id, d.uuid, d.channel, c.attempt
        FROM commands c JOIN devices d ON d.id = c.device_id
        WHERE c.job_id = $1 AND c.device_id BETWEEN $2 AND $3
            AND (c.state = 'cancelling' OR c.state = ANY($4) AND c.prior_state = ANY($5))
        ORDER BY c.device_id";
    const IN_LIST: &str = "/* commands::to_stop list */ SELECT c.device_id, d.uuid, d.channel, c.attempt
        FROM commands c JOIN devices d ON d.id = c.device_id
        WHERE c.job_id = $1 AND c.device_id = ANY($2)
            AND (c.state = 'cancelling' OR c.state = ANY($3) AND c.prior_state = ANY($4))
        ORDER BY c.device_id";
    let stopped = [CommandState::Cancelled, CommandState::Superseded].map(CommandState::as_str).to_vec();
    let handed_over: Vec<&str> =
        CommandState::open().filter(|state| state.is_handed_over()).map(CommandState::as_str).collect();
    let found = match devices {
        Devices::Range(first, last) => {
            sql::query(client, IN_RANGE, &[&job.0, first, last, &stopped, &handed_over]).await?
        }
        Devices::List(ids) => sql::query(client, IN_LIST, &[&job.0, ids, &stopped, &handed_over]).await?,
    };
    found.iter().map(addressee).collect()
}
