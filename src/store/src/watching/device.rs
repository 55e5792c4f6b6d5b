//! All that is known of one device, for whoever wonders about it. Every statement names one device and goes by an index; what a
//! device can say without end is read up to a limit.

use chrono::{DateTime, Utc};
use drover_domain::{
    ChannelKind, CommandId, CommandState, DeviceId, JobId, JobKind, JobState, Outcome, TenantId,
    why::{CommandStanding, DeviceStanding, Said, Token, Ways},
};

use crate::{
    GenericClient, StoreError,
    people::reach::{Reach, within_reach},
    rows, sql,
};

/// Attempts, and reports that moved nothing, that are read of a command.
const OF_COMMAND_MAX: i64 = 100;
/// Applications and lists that are read of a device.
const INVENTORY_MAX: i64 = 500;

/// A device, as whoever looks at it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenDevice {
    /// Its id.
    pub id: DeviceId,
    /// What it calls itself.
    pub uuid: String,
    /// Its display name.
    pub name: String,
    /// Its serial number.
    pub sn: String,
    /// Its IMEI.
    pub imei: String,
    /// Whose it is.
    pub tenant: TenantId,
    /// The name of that.
    pub tenant_name: String,
    /// The code of its organisation.
    pub organisation: Option<String>,
    /// The account of its user.
    pub user: Option<String>,
    /// The name of its product.
    pub product: Option<String>,
    /// Its operating system, by the number of `Os`.
    pub os: Option<i32>,
    /// The version of it, as it said last.
    pub os_version: Option<String>,
    /// `registered`, `activated` or `deregistered`.
    pub status: String,
    /// The firmware that it runs, empty when it never said.
    pub firmware_version: String,
    /// When it was enrolled.
    pub created_at: DateTime<Utc>,
    /// When it was known to have left last.
    pub offline_at: Option<DateTime<Utc>>,
    /// When it said all that it has.
    pub inventory_at: Option<DateTime<Utc>>,
    /// Where it stands.
    pub standing: DeviceStanding<DateTime<Utc>>,
    /// The time of this reading, by the database's clock.
    pub read_at: DateTime<Utc>,
}

macro_rules! seen_columns {
    () => {
        "d.id, d.uuid, d.name, d.sn, d.imei, d.tenant_id, t.name AS tenant_name, o.code AS organisation, u.account,
            p.name AS product, d.os, v.os_version, v.reported_at, d.status, d.firmware_version, d.created_at, d.channel,
            d.online_at, d.offline_at, d.leaving_until, c.has_token, c.revoked_at, now() AS read_at"
    };
}

macro_rules! seen_tables {
    () => {
        " JOIN tenants t ON t.id = d.tenant_id
          LEFT JOIN LATERAL (SELECT code, path FROM organisations WHERE id = d.organisation_id OFFSET 0) o ON true
          LEFT JOIN LATERAL (SELECT account FROM users WHERE id = d.user_id OFFSET 0) u ON true
          LEFT JOIN LATERAL (SELECT name FROM products WHERE id = d.product_id OFFSET 0) p ON true
          LEFT JOIN LATERAL (SELECT os_version, reported_at FROM device_inventories WHERE device_id = d.id OFFSET 0) v ON true
          LEFT JOIN LATERAL (SELECT true AS has_token, revoked_at FROM credentials
            WHERE kind = 'device' AND key_id = d.uuid OFFSET 0) c ON true "
    };
}

fn seen(row: &tokio_postgres::Row) -> Result<SeenDevice, StoreError> {
    let token = match (row.get::<_, Option<bool>>("has_token"), row.get("revoked_at")) {
        (None, _) => Token::Absent,
        (Some(_), None) => Token::Good,
        (Some(_), Some(at)) => Token::Revoked(at),
    };
    let status: String = row.get("status");
    Ok(SeenDevice {
        id: DeviceId(row.get("id")),
        uuid: row.get("uuid"),
        name: row.get("name"),
        sn: row.get("sn"),
        imei: row.get("imei"),
        tenant: TenantId(row.get("tenant_id")),
        tenant_name: row.get("tenant_name"),
        organisation: row.get("organisation"),
        user: row.get("account"),
        product: row.get("product"),
        os: row.get("os"),
        os_version: row.get::<_, Option<String>>("os_version").filter(|version| !version.is_empty()),
        firmware_version: row.get("firmware_version"),
        created_at: row.get("created_at"),
        offline_at: row.get("offline_at"),
        inventory_at: row.get("reported_at"),
        standing: DeviceStanding {
            channel: rows::word(row, "channel", ChannelKind::parse)?,
            heard_at: row.get("online_at"),
            is_deregistered: status == "deregistered",
            leaving_until: row.get("leaving_until"),
            token,
        },
        status,
        read_at: row.get("read_at"),
    })
}

/// A device within reach, by what it calls itself.
pub async fn find(client: &impl GenericClient, reach: &Reach, uuid: &str) -> Result<Option<SeenDevice>, StoreError> {
    const SQL: &str = concat!(
        "/* watching::device::find */ SELECT ",
        seen_columns!(),
        " FROM devices d",
        seen_tables!(),
        "WHERE d.uuid = $4 AND ",
        within_reach!("d")
    );
    let reach = reach.parameters();
    let row = sql::query_opt(client, SQL, &[&reach.tenant, &reach.first, &reach.end, &uuid]).await?;
    row.as_ref().map(seen).transpose()
}

/// By what devices are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SearchBy {
    /// What they call themselves.
    Uuid,
    /// Serial number.
    Sn,
    /// IMEI.
    Imei,
    /// Display name.
    Name,
}

impl SearchBy {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Uuid, Self::Sn, Self::Imei, Self::Name];

    /// The way's name in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::Sn => "sn",
            Self::Imei => "imei",
            Self::Name => "name",
        }
    }

    /// The way of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == name)
    }
}

/// Where a page of a search begins: behind this device. It may be one that is not within reach, so nothing but its number is
/// told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchAfter {
    /// The device; 0: at the beginning.
    pub id: i64,
}

/// A page of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Searched {
    /// The devices.
    pub devices: Vec<SeenDevice>,
    /// Where to go on, when there may be more. A page looks at so many devices, whoever they belong to, and no more.
    pub next: Option<SearchAfter>,
}

/// Devices that a page looks at when not all of the tenant's are within reach.
const SEARCH_DEPTH: i64 = 2000;

/// Devices within reach of which the value `by` begins with `prefix`, in the order of that value.
pub async fn search(
    client: &impl GenericClient,
    reach: &Reach,
    (by, prefix): (SearchBy, &str),
    after: &SearchAfter,
    limit: i64,
) -> Result<Searched, StoreError> {
    macro_rules! by {
        ($column:literal) => {
            concat!(
                "/* watching::device::search ",
                $column,
                " */ WITH walked AS MATERIALIZED (SELECT id, key, row_number() OVER () AS looked_at FROM (
                    SELECT d.id, d.key FROM tenants t CROSS JOIN LATERAL (SELECT id, ",
                $column,
                " AS key FROM devices WHERE tenant_id = t.id AND ",
                $column,
                " <> '' AND ",
                $column,
                " ~>=~ $4 AND ",
                $column,
                " ~<~ ($4 || chr(1114111)) AND ",
                $column,
                " ~>=~ $5 AND (",
                $column,
                " <> $5 OR id > $6) ORDER BY ",
                $column,
                " USING ~<~, id LIMIT $7) d
                    WHERE $1::bigint IS NULL OR t.id = $1 ORDER BY d.key USING ~<~, d.id LIMIT $7) d)
                SELECT ",
                seen_columns!(),
                ", walked.looked_at, (",
                within_reach!("d"),
                ") AS is_found FROM walked CROSS JOIN LATERAL (SELECT * FROM devices WHERE id = walked.id OFFSET 0) d",
                seen_tables!(),
                "WHERE (",
                within_reach!("d"),
                ") OR walked.looked_at = $7 ORDER BY walked.looked_at LIMIT $8"
            )
        };
    }
    macro_rules! key {
        ($column:literal) => {
            concat!(
                "/* watching::device::search_key ",
                $column,
                " */ SELECT ",
                $column,
                " FROM devices WHERE id = $2 AND ($1::bigint IS NULL OR tenant_id = $1)"
            )
        };
    }
    let (statement, key) = match by {
        SearchBy::Uuid => (by!("uuid"), key!("uuid")),
        SearchBy::Sn => (by!("sn"), key!("sn")),
        SearchBy::Imei => (by!("imei"), key!("imei")),
        SearchBy::Name => (by!("name"), key!("name")),
    };
    let depth = if reach.has_root() { limit } else { SEARCH_DEPTH };
    let reach = reach.parameters();
    let SearchAfter { id } = after;
    let key: String = if *id == 0 {
        String::new()
    } else {
        let Some(row) = sql::query_opt(client, key, &[&reach.tenant, id]).await? else {
            return Ok(Searched { devices: Vec::new(), next: None });
        };
        row.get(0)
    };
    let found =
        sql::query(client, statement, &[&reach.tenant, &reach.first, &reach.end, &prefix, &key, id, &depth, &limit])
            .await?;
    let is_full = i64::try_from(found.len()).is_ok_and(|rows| rows == limit);
    let last = found.last().filter(|last| is_full || last.get::<_, i64>("looked_at") == depth);
    let next = last.map(|last| SearchAfter { id: last.get("id") });
    let within = found.iter().filter(|row| row.get::<_, Option<bool>>("is_found") == Some(true));
    Ok(Searched { devices: within.map(seen).collect::<Result<_, _>>()?, next })
}

/// A command of a device, with its job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCommand {
    /// Which.
    pub id: CommandId,
    /// The name of its job; `None`: that is out of reach.
    pub job_name: Option<String>,
    /// What that does.
    pub kind: JobKind,
    /// Where that stands.
    pub job_state: JobState,
    /// Where it stands.
    pub state: CommandState,
    /// The present attempt, from 1.
    pub attempt: i16,
    /// Automatic tries left.
    pub retries_left: i16,
    /// Whether the device refused to stop.
    pub cancel_refused: bool,
    /// When something is done about it, if nothing happens before.
    pub deadline_at: Option<DateTime<Utc>>,
    /// When its channel took the present attempt.
    pub sent_at: Option<DateTime<Utc>>,
    /// The version that the device ran before.
    pub version_before: String,
    /// The version that it reported with its success.
    pub version_after: String,
    /// When it was planned.
    pub created_at: DateTime<Utc>,
    /// When it moved last.
    pub updated_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// The commands of a device for jobs before `before`, the newest first, `limit` at most: all of them, since whoever sees the
/// device sees what it is told; of a job that is out of reach, not what it is called.
pub async fn commands(
    client: &impl GenericClient,
    reach: &Reach,
    device: DeviceId,
    before: i64,
    limit: i64,
) -> Result<Vec<DeviceCommand>, StoreError> {
    const SQL: &str = concat!(
        "/* watching::device::commands */ SELECT c.*, j.kind, j.state AS job_state, CASE WHEN ",
        within_reach!("j"),
        " THEN j.name END AS job_name FROM (
            SELECT job_id, device_id, state, attempt, retries_left, cancel_refused, deadline_at, sent_at, version_before,
                version_after, created_at, updated_at, finished_at
            FROM commands WHERE device_id = $4 AND job_id < $5 ORDER BY job_id DESC LIMIT $6) c
        CROSS JOIN LATERAL (SELECT name, kind, state, tenant_id, organisation_id FROM jobs WHERE id = c.job_id OFFSET 0) j
        LEFT JOIN LATERAL (SELECT path FROM organisations WHERE id = j.organisation_id OFFSET 0) o ON true
        ORDER BY c.job_id DESC"
    );
    let command = |row: &tokio_postgres::Row| {
        Ok(DeviceCommand {
            id: CommandId { job: JobId(row.get("job_id")), device: DeviceId(row.get("device_id")) },
            job_name: row.get("job_name"),
            kind: rows::word(row, "kind", JobKind::parse)?,
            job_state: rows::word(row, "job_state", JobState::parse)?,
            state: rows::state(row, "state")?,
            attempt: row.get("attempt"),
            retries_left: row.get("retries_left"),
            cancel_refused: row.get("cancel_refused"),
            deadline_at: row.get("deadline_at"),
            sent_at: row.get("sent_at"),
            version_before: row.get("version_before"),
            version_after: row.get("version_after"),
            created_at: row.get("created_at"),
            updated_at: row.get("updated_at"),
            finished_at: row.get("finished_at"),
        })
    };
    let reach = reach.parameters();
    let found = sql::query(client, SQL, &[&reach.tenant, &reach.first, &reach.end, &device.0, &before, &limit]).await?;
    found.iter().map(command).collect()
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenOutcome {
    /// The job.
    pub job: JobId,
    /// The attempt.
    pub attempt: i16,
    /// How it ended.
    pub outcome: Outcome,
    /// The device's code.
    pub code: Option<String>,
    /// Its words.
    pub message: Option<String>,
    /// When.
    pub recorded_at: DateTime<Utc>,
}

/// How the attempts of a device's commands for `jobs` ended, in order.
pub async fn outcomes(
    client: &impl GenericClient,
    device: DeviceId,
    jobs: &[i64],
) -> Result<Vec<SeenOutcome>, StoreError> {
    const SQL: &str =
        "/* watching::device::outcomes */ SELECT o.* FROM unnest($2::bigint[]) AS j (id) CROSS JOIN LATERAL (
            SELECT job_id, attempt, outcome, code, message, recorded_at FROM outcomes
            WHERE job_id = j.id AND device_id = $1 ORDER BY attempt DESC LIMIT $3) o ORDER BY o.job_id, o.attempt";
    let outcome = |row: &tokio_postgres::Row| {
        Ok(SeenOutcome {
            job: JobId(row.get("job_id")),
            attempt: row.get("attempt"),
            outcome: rows::word(row, "outcome", Outcome::parse)?,
            code: row.get("code"),
            message: row.get("message"),
            recorded_at: row.get("recorded_at"),
        })
    };
    sql::query(client, SQL, &[&device.0, &jobs, &OF_COMMAND_MAX]).await?.iter().map(outcome).collect()
}

/// A report that moved nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenReport {
    /// The job.
    pub job: JobId,
    /// The attempt that it was about.
    pub attempt: i16,
    /// What it said.
    pub status: String,
    /// The device's code.
    pub code: Option<String>,
    /// Its words.
    pub message: Option<String>,
    /// Why it moved nothing: `duplicate`, `late` or `premature`.
    pub reason: String,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

/// What a device said of its commands for `jobs` that moved nothing, in the order in which it came; of each the last hundred.
pub async fn unapplied(
    client: &impl GenericClient,
    device: DeviceId,
    jobs: &[i64],
) -> Result<Vec<SeenReport>, StoreError> {
    const SQL: &str =
        "/* watching::device::unapplied */ SELECT r.* FROM unnest($2::bigint[]) AS j (id) CROSS JOIN LATERAL (
            SELECT id, job_id, attempt, status, code, message, reason, received_at FROM unapplied_reports
            WHERE job_id = j.id AND device_id = $1 ORDER BY id DESC LIMIT $3) r ORDER BY r.job_id, r.id";
    let report = |row: &tokio_postgres::Row| SeenReport {
        job: JobId(row.get("job_id")),
        attempt: row.get("attempt"),
        status: row.get("status"),
        code: row.get("code"),
        message: row.get("message"),
        reason: row.get("reason"),
        received_at: row.get("received_at"),
    };
    Ok(sql::query(client, SQL, &[&device.0, &jobs, &OF_COMMAND_MAX]).await?.iter().map(report).collect())
}

/// An application that a device said it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenApp {
    /// What the operating system knows it by.
    pub package: String,
    /// What people know it by.
    pub name: String,
    /// The version as people read it.
    pub version_name: String,
    /// The version as a number.
    pub version_code: i64,
    /// When it was said.
    pub seen_at: DateTime<Utc>,
}

/// The applications that a device said it has, by package: five hundred at most.
pub async fn apps(client: &impl GenericClient, device: DeviceId) -> Result<Vec<SeenApp>, StoreError> {
    const SQL: &str = "/* watching::device::apps */ SELECT package_name, name, version_name, version_code, seen_at
        FROM device_apps WHERE device_id = $1 ORDER BY package_name LIMIT $2";
    let app = |row: &tokio_postgres::Row| SeenApp {
        package: row.get("package_name"),
        name: row.get("name"),
        version_name: row.get("version_name"),
        version_code: row.get("version_code"),
        seen_at: row.get("seen_at"),
    };
    Ok(sql::query(client, SQL, &[&device.0, &INVENTORY_MAX]).await?.iter().map(app).collect())
}

/// A black or white list that a device was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenList {
    /// Its name.
    pub name: String,
    /// The revision that the device keeps to; 0: none.
    pub revision: i32,
    /// The revision that there is.
    pub newest: i32,
}

/// The lists that a device was told of, by name: five hundred at most.
pub async fn lists(client: &impl GenericClient, device: DeviceId) -> Result<Vec<SeenList>, StoreError> {
    const SQL: &str = "/* watching::device::lists */ SELECT r.name, i.revision, r.revision AS newest
        FROM restriction_installs i CROSS JOIN LATERAL (
            SELECT name, revision FROM restrictions WHERE id = i.restriction_id OFFSET 0) r
        WHERE i.device_id = $1 ORDER BY r.name, i.restriction_id LIMIT $2";
    let list = |row: &tokio_postgres::Row| SeenList {
        name: row.get("name"),
        revision: row.get("revision"),
        newest: row.get("newest"),
    };
    Ok(sql::query(client, SQL, &[&device.0, &INVENTORY_MAX]).await?.iter().map(list).collect())
}

/// What a device is to do, and what keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The command.
    pub command: CommandStanding<DateTime<Utc>>,
    /// What the installation does for it.
    pub ways: Ways,
    /// Whether its job is within reach. If not, it is not told who stepped into it.
    pub is_job_within: bool,
}

/// The command of a device that matters most, its newest open one or else its newest, or the one for `job`.
pub async fn standing(
    client: &impl GenericClient,
    reach: &Reach,
    device: DeviceId,
    job: Option<JobId>,
) -> Result<Option<Standing>, StoreError> {
    // Reads as many rows as the device ever had commands, as its inbox does.
    const SQL: &str = concat!(
        "/* watching::device::standing */ WITH chosen AS MATERIALIZED (
            SELECT job_id, device_id FROM commands WHERE device_id = $4 AND ($5::bigint IS NULL OR job_id = $5)
            ORDER BY finished_at IS NULL DESC, job_id DESC LIMIT 1
        )
        SELECT c.job_id, c.state, c.prior_state, c.attempt, c.retries_left, c.not_before, c.sent_at, c.updated_at, c.deadline_at,
            j.state AS job_state, j.start_at, COALESCE(j.expires_at <= now(), false) AS is_expired, said.outcome IS NOT NULL AS has_ended,
            said.code, said.message, a.actor, a.noted_at, n.job_id AS newer,
            EXISTS (SELECT FROM queues WHERE name = 'dispatch.' || j.kind AND paused_at IS NOT NULL) AS is_queue_paused,
            EXISTS (SELECT FROM queues WHERE name = 'dispatch.' || j.kind AND ready > 0
                AND sampled_at > now() - interval '1 minute') AS has_backlog,
            EXISTS (SELECT FROM workers WHERE beat_at > now() - make_interval(secs => $6) AND drain_asked_at IS NULL
                AND 'dispatch' = ANY(string_to_array(replace(roles, ' ', ''), ','))) AS has_dispatcher, COALESCE(",
        within_reach!("j"),
        ", false) AS is_job_within
        FROM chosen
        CROSS JOIN LATERAL (SELECT * FROM commands WHERE job_id = chosen.job_id AND device_id = chosen.device_id OFFSET 0) c
        CROSS JOIN LATERAL (SELECT * FROM jobs WHERE id = c.job_id OFFSET 0) j
        LEFT JOIN LATERAL (SELECT path FROM organisations WHERE id = j.organisation_id OFFSET 0) o ON true
        LEFT JOIN LATERAL (SELECT outcome, code, message FROM outcomes WHERE job_id = c.job_id AND device_id = c.device_id
            ORDER BY attempt DESC LIMIT 1) said ON true
        LEFT JOIN LATERAL (SELECT actor, noted_at FROM audit_entries WHERE subject_kind = 'job' AND subject = c.job_id::text
            AND action = CASE WHEN j.state = 'paused' THEN 'job_paused' ELSE 'job_cancelled' END
            ORDER BY id DESC LIMIT 1) a ON true
        LEFT JOIN LATERAL (SELECT later.job_id FROM commands later CROSS JOIN LATERAL (
                SELECT kind, client_group_id, package_id, restriction_id FROM jobs WHERE id = later.job_id OFFSET 0) line
            WHERE c.state = 'superseded' AND later.device_id = c.device_id AND later.job_id > c.job_id
                AND ROW(line.kind, line.client_group_id, line.package_id, line.restriction_id)
                    IS NOT DISTINCT FROM ROW(j.kind, j.client_group_id, j.package_id, j.restriction_id)
            ORDER BY later.job_id LIMIT 1) n ON true"
    );
    let beat_max = drover_domain::alarm::BEAT_MAX.as_secs_f64();
    let (reach, job) = (reach.parameters(), job.map(|job| job.0));
    let found =
        sql::query_opt(client, SQL, &[&reach.tenant, &reach.first, &reach.end, &device.0, &job, &beat_max]).await?;
    let Some(row) = found else { return Ok(None) };
    let is_job_within: bool = row.get("is_job_within");
    let text = |column: &str| row.get::<_, Option<String>>(column).unwrap_or_default();
    let actor: Option<String> = row.get("actor");
    let command = CommandStanding {
        job: JobId(row.get("job_id")),
        job_state: rows::word(&row, "job_state", JobState::parse)?,
        start_at: row.get("start_at"),
        stopped_by: actor.zip(row.get("noted_at")).filter(|_| is_job_within),
        is_expired: row.get("is_expired"),
        state: rows::state(&row, "state")?,
        prior_state: rows::state(&row, "prior_state")?,
        attempt: row.get("attempt"),
        retries_left: row.get("retries_left"),
        not_before: row.get("not_before"),
        sent_at: row.get("sent_at"),
        since: row.get("updated_at"),
        deadline_at: row.get("deadline_at"),
        last: row.get::<_, bool>("has_ended").then(|| Said { code: text("code"), message: text("message") }),
        superseded_by: row.get::<_, Option<i64>>("newer").map(JobId),
    };
    let ways = Ways {
        is_queue_paused: row.get("is_queue_paused"),
        has_backlog: row.get("has_backlog"),
        has_dispatcher: row.get("has_dispatcher"),
    };
    Ok(Some(Standing { command, ways, is_job_within }))
}
