//! A job's commands, by device: all of them, those that stand somewhere, those that failed for a reason, those of devices that
//! are called so.
//!
//! A page looks at a bounded number of rows, whatever it finds among them, and says where the next one goes on.

use chrono::{DateTime, Utc};
use drover_domain::{CommandId, CommandState, DeviceId, JobId, Outcome, TenantId};
use tokio_postgres::Row;

use crate::{GenericClient, StoreError, failures::failure_code, rows, sql};

/// Commands, or failed attempts, that one page looks at before it says that it found no more so far. More than one command can
/// have attempts.
pub const WALK: i64 = 50_000;
/// Devices that one page of a search by the beginning of a uuid looks at.
pub const WALK_DEVICES: i64 = 20_000;
/// Devices of one serial number or IMEI that are looked at.
const NAMESAKES_MAX: i64 = 100;

/// Which commands to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandSearch {
    /// Those that stand in one of these states; empty: wherever they stand.
    pub states: Vec<CommandState>,
    /// Those whose last ended attempt ended so, which is none of success.
    pub outcome: Option<Outcome>,
    /// Those whose last ended attempt did not succeed and had this code; empty: and had none.
    pub code: Option<String>,
    /// Those of devices whose uuid begins so, or whose serial number or IMEI this is.
    pub text: Option<String>,
}

impl CommandSearch {
    /// Whether only commands match whose last ended attempt did not succeed.
    fn is_of_failures(&self) -> bool {
        let has_failed = |state: &CommandState| state.is_terminal() && *state != CommandState::Succeeded;
        self.outcome.is_some() || self.code.is_some() || !self.states.is_empty() && self.states.iter().all(has_failed)
    }
}

/// A command, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRow {
    /// The command.
    pub id: CommandId,
    /// What its device calls itself.
    pub uuid: String,
    /// The device's name.
    pub device_name: String,
    /// The device's serial number.
    pub sn: String,
    /// The device's IMEI.
    pub imei: String,
    /// Where it stands.
    pub state: CommandState,
    /// Where it stood before.
    pub prior_state: CommandState,
    /// The present attempt, or the last.
    pub attempt: i16,
    /// How the last ended attempt ended, if one did.
    pub outcome: Option<Outcome>,
    /// With which code of the device.
    pub code: Option<String>,
    /// And which words.
    pub message: Option<String>,
    /// The version that the device ran before.
    pub version_before: String,
    /// The version that it ran in the end.
    pub version_after: String,
    /// When the command was planned.
    pub created_at: DateTime<Utc>,
    /// When the channel took the present attempt, or the last.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it is looked after next.
    pub deadline_at: Option<DateTime<Utc>>,
    /// When it moved last.
    pub updated_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Columns of [`command`].
macro_rules! columns {
    () => {
        "c.job_id, c.device_id, c.state, c.prior_state, c.attempt, c.version_before, c.version_after, c.created_at, c.sent_at,
            c.deadline_at, c.updated_at, c.finished_at, d.uuid, d.name, d.sn, d.imei, o.outcome, o.code, o.message"
    };
}

/// How the last ended attempt of commands `c` ended: an open one is in the attempt that followed it.
macro_rules! last_outcome {
    () => {
        "SELECT outcome, code, message FROM outcomes WHERE job_id = c.job_id AND device_id = c.device_id
            AND attempt = c.attempt - CASE WHEN c.finished_at IS NULL THEN 1 ELSE 0 END OFFSET 0"
    };
}

/// What a search asks of commands `c` and their outcomes `o`; states, outcome and code are $2, $3 and $4.
macro_rules! matching {
    () => {
        concat!(
            "($2::text[] IS NULL OR c.state = ANY($2)) AND ($3::text IS NULL OR o.outcome = $3) AND ($4::text IS NULL OR ",
            "(o.outcome <> 'succeeded' AND ",
            failure_code!("o.code"),
            " = $4))"
        )
    };
}

fn command(row: &Row) -> Result<CommandRow, StoreError> {
    Ok(CommandRow {
        id: CommandId { job: JobId(row.get("job_id")), device: DeviceId(row.get("device_id")) },
        uuid: row.get("uuid"),
        device_name: row.get("name"),
        sn: row.get("sn"),
        imei: row.get("imei"),
        state: rows::state(row, "state")?,
        prior_state: rows::state(row, "prior_state")?,
        attempt: row.get("attempt"),
        outcome: rows::optional_word(row, "outcome", Outcome::parse)?,
        code: row.get("code"),
        message: row.get("message"),
        version_before: row.get("version_before"),
        version_after: row.get("version_after"),
        created_at: row.get("created_at"),
        sent_at: row.get("sent_at"),
        deadline_at: row.get("deadline_at"),
        updated_at: row.get("updated_at"),
        finished_at: row.get("finished_at"),
    })
}

/// The parameters of [`matching`].
struct Filter<'a> {
    states: Option<Vec<&'static str>>,
    outcome: Option<&'static str>,
    code: Option<&'a str>,
}

impl<'a> Filter<'a> {
    fn of(search: &'a CommandSearch) -> Self {
        let states = search.states.iter().map(|state| state.as_str()).collect::<Vec<_>>();
        Self {
            states: Some(states).filter(|states| !states.is_empty()),
            outcome: search.outcome.map(Outcome::as_str),
            code: search.code.as_deref(),
        }
    }
}

/// Commands of devices after `after` that match everything but the text, `limit` at most; and after which device to go on, if
/// there may be more.
pub async fn page(
    client: &impl GenericClient,
    job: JobId,
    search: &CommandSearch,
    after: i64,
    limit: i64,
) -> Result<(Vec<CommandRow>, Option<i64>), StoreError> {
    const ALL: &str = concat!(
        "/* watching::commands::page */ SELECT ",
        columns!(),
        " FROM (SELECT c.* FROM (SELECT * FROM commands WHERE job_id = $1 AND device_id > $3 ORDER BY device_id LIMIT $4) c
            WHERE $2::text[] IS NULL OR c.state = ANY($2) ORDER BY c.device_id LIMIT $5) c
        CROSS JOIN LATERAL (SELECT uuid, name, sn, imei FROM devices WHERE id = c.device_id OFFSET 0) d
        LEFT JOIN LATERAL (",
        last_outcome!(),
        ") o ON true ORDER BY c.device_id"
    );
    const FAILED: &str = concat!(
        "/* watching::commands::page of failures */ SELECT ",
        columns!(),
        " FROM (SELECT device_id, attempt, outcome, code, message FROM outcomes
                WHERE job_id = $1 AND outcome <> 'succeeded' AND device_id > $5 ORDER BY device_id LIMIT $6) o
            CROSS JOIN LATERAL (SELECT * FROM commands WHERE job_id = $1 AND device_id = o.device_id
                AND attempt - CASE WHEN finished_at IS NULL THEN 1 ELSE 0 END = o.attempt OFFSET 0) c
            CROSS JOIN LATERAL (SELECT uuid, name, sn, imei FROM devices WHERE id = c.device_id OFFSET 0) d
        WHERE ",
        matching!(),
        " ORDER BY o.device_id LIMIT $7"
    );
    let filter = Filter::of(search);
    let is_of_failures = search.is_of_failures();
    let found = if is_of_failures {
        let Filter { states, outcome, code } = &filter;
        sql::query(client, FAILED, &[&job.0, states, outcome, code, &after, &WALK, &limit]).await?
    } else {
        sql::query(client, ALL, &[&job.0, &filter.states, &after, &WALK, &limit]).await?
    };
    let items = found.iter().map(command).collect::<Result<Vec<_>, _>>()?;
    if i64::try_from(items.len()).is_ok_and(|found| found >= limit) {
        let next = items.last().map(|command| command.id.device.0);
        return Ok((items, next));
    }
    Ok((items, end(client, job, is_of_failures, after).await?))
}

/// Where a walk that found too little ended; `None`: with the last device.
async fn end(
    client: &impl GenericClient,
    job: JobId,
    is_of_failures: bool,
    after: i64,
) -> Result<Option<i64>, StoreError> {
    const ALL: &str =
        "/* watching::commands::end */ SELECT max(device_id), count(*) FROM (SELECT device_id FROM commands
        WHERE job_id = $1 AND device_id > $2 ORDER BY device_id LIMIT $3) walked";
    const FAILED: &str = "/* watching::commands::end of failures */ SELECT max(device_id), count(*) FROM (
        SELECT device_id FROM outcomes WHERE job_id = $1 AND outcome <> 'succeeded' AND device_id > $2
        ORDER BY device_id LIMIT $3) walked";
    let row = sql::query_one(client, if is_of_failures { FAILED } else { ALL }, &[&job.0, &after, &WALK]).await?;
    let last = row.get::<_, Option<i64>>(0).filter(|_| row.get::<_, i64>(1) >= WALK);
    // The attempts of the last device may go on behind the end of the walk: it is looked at again.
    Ok(if is_of_failures { last.map(|last| last - 1) } else { last })
}

/// Commands that match, of devices whose serial number or IMEI is `text`: a few.
pub async fn of_namesakes(
    client: &impl GenericClient,
    (job, tenant): (JobId, TenantId),
    search: &CommandSearch,
    text: &str,
) -> Result<Vec<CommandRow>, StoreError> {
    const SQL: &str = concat!(
        "/* watching::commands::of_namesakes */ WITH products AS MATERIALIZED (
            SELECT id FROM products WHERE tenant_id = $5 ORDER BY name LIMIT 1000
        ), called AS MATERIALIZED (
            SELECT d.id FROM products p CROSS JOIN LATERAL (
                SELECT id FROM devices WHERE product_id = p.id AND sn = $6 AND sn <> '' LIMIT $7) d
            UNION SELECT d.id FROM products p CROSS JOIN LATERAL (
                SELECT id FROM devices WHERE product_id = p.id AND imei = $6 AND imei <> '' LIMIT $7) d
            UNION (SELECT id FROM devices WHERE product_id IS NULL AND sn = $6 AND sn <> '' AND tenant_id = $5 LIMIT $7)
            UNION (SELECT id FROM devices WHERE product_id IS NULL AND imei = $6 AND imei <> '' AND tenant_id = $5 LIMIT $7)
            LIMIT $7)
        SELECT ",
        columns!(),
        " FROM called CROSS JOIN LATERAL (SELECT * FROM commands WHERE job_id = $1 AND device_id = called.id OFFSET 0) c
        CROSS JOIN LATERAL (SELECT uuid, name, sn, imei FROM devices WHERE id = c.device_id OFFSET 0) d
        LEFT JOIN LATERAL (",
        last_outcome!(),
        ") o ON true WHERE ",
        matching!(),
        " ORDER BY c.device_id"
    );
    let filter = Filter::of(search);
    let found = sql::query(
        client,
        SQL,
        &[&job.0, &filter.states, &filter.outcome, &filter.code, &tenant.0, &text, &NAMESAKES_MAX],
    )
    .await?;
    found.iter().map(command).collect()
}

/// The uuid of a tenant's device, behind which a page begins.
pub async fn uuid_of(
    client: &impl GenericClient,
    tenant: TenantId,
    device: DeviceId,
) -> Result<Option<String>, StoreError> {
    const SQL: &str = "/* watching::commands::uuid_of */ SELECT uuid FROM devices WHERE id = $1 AND tenant_id = $2";
    Ok(sql::query_opt(client, SQL, &[&device.0, &tenant.0]).await?.map(|row| row.get(0)))
}

/// Commands that match, of the tenant's devices whose uuid begins with `prefix` and comes after `after`, by uuid, `limit` at most;
/// and after which device to go on, if there may be more. Where a walk ends may be a device that is not in the job, so it is
/// named by its number, which says nothing of it. Devices that are [`of_namesakes`] are left out.
pub async fn of_prefix(
    client: &impl GenericClient,
    (job, tenant): (JobId, TenantId),
    search: &CommandSearch,
    prefix: &str,
    (after, limit): (Option<&str>, i64),
) -> Result<(Vec<CommandRow>, Option<DeviceId>), StoreError> {
    const SQL: &str = concat!(
        "/* watching::commands::of_prefix */ SELECT ",
        columns!(),
        " FROM (SELECT id, uuid, name, sn, imei FROM devices WHERE tenant_id = $10 AND uuid ~>=~ $5 AND uuid ~<~ $6
                ORDER BY uuid USING ~<~ LIMIT $8) d
            CROSS JOIN LATERAL (SELECT * FROM commands WHERE job_id = $1 AND device_id = d.id OFFSET 0) c
            LEFT JOIN LATERAL (",
        last_outcome!(),
        ") o ON true
        WHERE d.sn <> $9 AND d.imei <> $9 AND ",
        matching!(),
        " ORDER BY d.uuid USING ~<~ LIMIT $7"
    );
    const END: &str = "/* watching::commands::end of prefix */ SELECT id, count(*) OVER () FROM (
        SELECT id, uuid FROM devices WHERE tenant_id = $4 AND uuid ~>=~ $1 AND uuid ~<~ $2 ORDER BY uuid USING ~<~ LIMIT $3) walked
        ORDER BY uuid USING ~>~ LIMIT 1";
    let filter = Filter::of(search);
    // The letters of uuids are narrow: nothing stands between a uuid and itself with the lowest of all characters behind it,
    // and nothing that begins so comes behind the highest.
    let first = after.map_or_else(|| prefix.to_owned(), |after| format!("{after}\u{1}"));
    let last = format!("{prefix}\u{7f}");
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 10] = [
        &job.0,
        &filter.states,
        &filter.outcome,
        &filter.code,
        &first,
        &last,
        &limit,
        &WALK_DEVICES,
        &prefix,
        &tenant.0,
    ];
    let found = sql::query(client, SQL, &parameters).await?;
    let items = found.iter().map(command).collect::<Result<Vec<_>, _>>()?;
    if i64::try_from(items.len()).is_ok_and(|found| found >= limit) {
        let next = items.last().map(|command| command.id.device);
        return Ok((items, next));
    }
    let end = sql::query_opt(client, END, &[&first, &last, &WALK_DEVICES, &tenant.0]).await?;
    let next = end.filter(|row| row.get::<_, i64>(1) >= WALK_DEVICES).map(|row| DeviceId(row.get(0)));
    Ok((items, next))
}
