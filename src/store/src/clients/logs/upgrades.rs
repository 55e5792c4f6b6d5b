//! Every device's upgrade to a version.

use chrono::{DateTime, Utc};
use drover_domain::{ClientVersionId, CommandId, CommandState, DeviceId, JobId, OrganisationPath, TenantId};

use super::{LogPage, list, ordered};
use crate::{GenericClient, Page, Paged, StoreError, rows, sql};

/// One device's upgrade, as its version's log shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpgradeLog {
    /// The command.
    pub id: CommandId,
    /// Whose.
    pub tenant: TenantId,
    /// The version.
    pub version: ClientVersionId,
    /// The version's number.
    pub version_code: i32,
    /// The organisation that was targeted, by the callers' name.
    pub target_code: String,
    /// Its display name.
    pub target_name: String,
    /// Where it stands.
    pub state: CommandState,
    /// The device's words for its last attempt.
    pub result_code: Option<String>,
    /// The device's words for its last attempt.
    pub result_message: Option<String>,
    /// When it was planned.
    pub created_at: DateTime<Utc>,
    /// When it was moved last.
    pub updated_at: DateTime<Utc>,
    /// The account of the device's user; empty when it has none.
    pub account: String,
    /// The user's name.
    pub user_name: String,
    /// The device's display name.
    pub device_name: String,
    /// The version that the device ran when the command was planned.
    pub version_before: String,
    /// The device's organisation, by the callers' name.
    pub organisation_code: String,
}

/// What upgrades can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpgradeKey {
    /// The command.
    Id,
    /// The device.
    Device,
    /// The organisation that was targeted, by the callers' name.
    TargetCode,
    /// The organisation that was targeted.
    TargetName,
    /// The state, from what waits to what was cancelled.
    State,
    /// The device's words, or else its code, or else the state.
    Description,
    /// When it was planned.
    Created,
    /// When it was moved last.
    Updated,
    /// The user's account.
    Account,
    /// The user's name.
    UserName,
    /// The device's display name.
    DeviceName,
    /// The version that the device ran before.
    VersionBefore,
    /// The device's organisation.
    OrganisationCode,
}

impl UpgradeKey {
    const fn column(self) -> &'static str {
        match self {
            // Job, then device: what the command's id is made of.
            Self::Id => "j.id",
            Self::Device => "c.device_id",
            Self::TargetCode => "r.code",
            Self::TargetName => "r.name",
            Self::State => {
                "CASE WHEN c.state IN ('planned', 'queued') THEN 0 WHEN c.state = 'sent' THEN 1 WHEN c.finished_at IS NULL
                    THEN 2 WHEN c.state = 'succeeded' THEN 3 WHEN c.state IN ('cancelled', 'superseded') THEN 5 ELSE 4 END"
            }
            Self::Description => {
                "COALESCE(NULLIF(out.message, ''), NULLIF(out.code, ''),
                    CASE WHEN c.state IN ('timed_out', 'rejected', 'superseded') THEN replace(c.state, '_', ' ') ELSE '' END)"
            }
            Self::Created => "c.created_at",
            Self::Updated => "c.updated_at",
            Self::Account => "COALESCE(u.account, '')",
            Self::UserName => "COALESCE(u.name, '')",
            Self::DeviceName => "d.name",
            Self::VersionBefore => "c.version_before",
            Self::OrganisationCode => "o.code",
        }
    }
}

/// Commands `c` of the version `$1`, of devices `d` within `$2`.
const COMMANDS: &str = " FROM jobs j JOIN commands c ON c.job_id = j.id JOIN devices d ON d.id = c.device_id
    JOIN organisations o ON o.id = d.organisation_id";
const TARGETS: &str = " JOIN audiences a ON a.job_id = j.id JOIN organisations r ON r.id = a.organisation_id";
const USERS: &str = " LEFT JOIN users u ON u.id = d.user_id";
const OUTCOMES: &str = " LEFT JOIN outcomes out
    ON out.job_id = c.job_id AND out.device_id = c.device_id AND out.attempt = c.attempt";
const WHICH: &str = " WHERE j.client_version_id = $1 AND j.kind = 'distribute' AND j.deleted_at IS NULL
    AND starts_with(o.path, $2)";
const NAMED: &str = " AND ($3 = '' OR strpos(lower(d.name), lower($3)) > 0 OR strpos(lower(u.name), lower($3)) > 0)";
const UNNAMED: &str = " AND $3 = ''";
const COLUMNS: &str = "SELECT c.job_id, c.device_id, j.tenant_id, v.version_code, r.code AS target_code,
    r.name AS target_name, c.state, out.code, out.message, c.created_at, c.updated_at, COALESCE(u.account, '') AS account,
    COALESCE(u.name, '') AS user_name, d.name AS device_name, c.version_before, o.code AS organisation_code";

/// Every device's upgrade to a version, of devices within `scope` whose name or whose user's name holds the searched text. It
/// costs a walk over the version's commands, however few are shown: what changes has no index. So the walk takes along only
/// what it chooses and sorts by, and the rest is read for the rows of the page.
pub async fn upgrades(
    client: &impl GenericClient,
    version: ClientVersionId,
    scope: &OrganisationPath,
    log: &LogPage<'_, UpgradeKey>,
) -> Result<Paged<UpgradeLog>, StoreError> {
    let is_searched = !log.search.is_empty();
    let (users, named) = if is_searched { (USERS, NAMED) } else { ("", UNNAMED) };
    let count = format!(
        "/* logs::upgrades count */ SELECT count(*) FROM (SELECT{COMMANDS}{users}{WHICH}{named} LIMIT $4) counted"
    );
    let sorted_by = match log.key {
        UpgradeKey::TargetCode | UpgradeKey::TargetName => TARGETS,
        UpgradeKey::Account | UpgradeKey::UserName if !is_searched => USERS,
        UpgradeKey::Description => OUTCOMES,
        _ => "",
    };
    let walk = format!("SELECT c.job_id, c.device_id{COMMANDS}{users}{sorted_by}{WHICH}{named}");
    let (order, ids) = (log.key.column(), ["c.job_id", "c.device_id"]);
    let chosen = list("logs::upgrades walk", &walk, order, log.descending, &ids, (4, 5));
    let rows = format!(
        "/* logs::upgrades */ {COLUMNS} FROM ({chosen}) chosen JOIN jobs j ON j.id = chosen.job_id
         JOIN client_versions v ON v.id = j.client_version_id
         JOIN commands c ON c.job_id = chosen.job_id AND c.device_id = chosen.device_id
         JOIN devices d ON d.id = c.device_id JOIN organisations o ON o.id = d.organisation_id{TARGETS}{USERS}{OUTCOMES}
         ORDER BY {}",
        ordered(order, log.descending, &ids)
    );
    let (scope, most) = (scope.as_str(), i64::from(Page::MAX_DEPTH));
    let counted = sql::query_composed(client, &count, &[&version.0, &scope, &log.search, &most]).await?;
    let total = counted.first().map_or(0, |row| row.get(0));
    let (limit, offset) = log.bounds();
    let found = sql::query_composed(client, &rows, &[&version.0, &scope, &log.search, &limit, &offset]).await?;
    let read = |row: &tokio_postgres::Row| {
        Ok(UpgradeLog {
            id: CommandId { job: JobId(row.get("job_id")), device: DeviceId(row.get("device_id")) },
            tenant: TenantId(row.get("tenant_id")),
            version,
            version_code: row.get("version_code"),
            target_code: row.get("target_code"),
            target_name: row.get("target_name"),
            state: rows::state(row, "state")?,
            result_code: row.get("code"),
            result_message: row.get("message"),
            created_at: row.get("created_at"),
            updated_at: row.get("updated_at"),
            account: row.get("account"),
            user_name: row.get("user_name"),
            device_name: row.get("device_name"),
            version_before: row.get("version_before"),
            organisation_code: row.get("organisation_code"),
        })
    };
    Ok(log.paged(total, found.iter().map(read).collect::<Result<_, StoreError>>()?))
}
