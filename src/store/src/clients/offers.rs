//! Which versions a device is offered. The rule is `drover_domain::offer`; these statements choose by it inside the database,
//! and `store/tests/offers.rs` holds both together. Each is bounded by what one group or package has.

use drover_domain::{ClientGroupId, ClientVersionId, DeviceId, OrganisationPath, Os, TenantId, TerminalClass};

use super::{
    ClientVersion,
    rows::{self, version_columns, versions},
};
use crate::{GenericClient, StoreError, rows::word, sql};

/// A device takes the first; more than so many newer versions of one program help nobody.
const OFFERED_MAX: i64 = 100;

/// What is asked of a device before it is offered anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskingDevice {
    /// Whose it is.
    pub tenant: TenantId,
    /// Where it belongs.
    pub organisation: Option<OrganisationPath>,
    /// What it runs on.
    pub os: Option<Os>,
    /// Its tenant's time, in minutes east of UTC.
    pub utc_offset_minutes: i16,
}

impl AskingDevice {
    /// The organisations whose publications reach it.
    fn reached_from(&self) -> Vec<i64> {
        self.organisation.iter().flat_map(OrganisationPath::ids).collect()
    }
}

/// A version that a device may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Which.
    pub version: ClientVersion,
    /// Whether a distribution under way wants it installed without asking.
    pub forced: bool,
}

/// What is asked of a device before it is offered anything.
pub async fn asking_device(client: &impl GenericClient, id: DeviceId) -> Result<Option<AskingDevice>, StoreError> {
    const SQL: &str = "/* clients::offers::asking_device */ SELECT d.tenant_id, d.os, o.path, t.utc_offset_minutes
        FROM devices d JOIN tenants t ON t.id = d.tenant_id LEFT JOIN organisations o ON o.id = d.organisation_id
        WHERE d.id = $1";
    let Some(row) = sql::query_opt(client, SQL, &[&id.0]).await? else { return Ok(None) };
    let organisation =
        row.get::<_, Option<&str>>("path").map(|_| word(&row, "path", OrganisationPath::parse)).transpose()?;
    Ok(Some(AskingDevice {
        tenant: TenantId(row.get("tenant_id")),
        organisation,
        os: row.get::<_, Option<i32>>("os").and_then(Os::from_code),
        utc_offset_minutes: row.get("utc_offset_minutes"),
    }))
}

/// Whether a job of a kind brings the version `v` to an organisation of `$1`.
macro_rules! reaches {
    ($kind_and_more:literal) => {
        concat!(
            "EXISTS (SELECT FROM jobs j JOIN audiences a ON a.job_id = j.id
                WHERE j.client_version_id = v.id AND j.kind = ",
            $kind_and_more,
            " AND j.state = 'running' AND j.expires_at > now()
                AND a.organisation_id = ANY($1::bigint[]) AND (a.expires_at IS NULL OR a.expires_at > now()))"
        )
    };
}

/// The versions that an organisation of `$1` is offered, with what else is asked of them.
macro_rules! offered {
    ($name:literal, $condition:literal) => {
        concat!(
            "/* clients::offers::",
            $name,
            " */ SELECT ",
            version_columns!(),
            ", ",
            reaches!("'distribute' AND j.force"),
            " AS forced",
            versions!(),
            "WHERE v.void_at IS NULL AND ",
            $condition,
            " AND ",
            reaches!("'publish'"),
            " ORDER BY v.version_code DESC, v.updated_at DESC, v.id DESC LIMIT "
        )
    };
}

/// The versions of a group that are newer than the installed one, newest first.
pub async fn of_group(
    client: &impl GenericClient,
    asker: &AskingDevice,
    group: ClientGroupId,
    installed_code: i32,
) -> Result<Vec<Offer>, StoreError> {
    const SQL: &str = concat!(offered!("of_group", "v.group_id = $2 AND v.version_code > $3"), "$4");
    let params: [&(dyn postgres_types::ToSql + Sync); 4] =
        [&asker.reached_from(), &group.0, &installed_code, &OFFERED_MAX];
    sql::query(client, SQL, &params).await?.iter().map(offer).collect()
}

/// The newest version of a package that is newer than the installed one, whichever group brings it. With a label, only
/// groups that bear it count.
pub async fn of_package(
    client: &impl GenericClient,
    asker: &AskingDevice,
    query: &drover_domain::offer::PackageQuery<'_>,
) -> Result<Option<Offer>, StoreError> {
    const SQL: &str = concat!(
        offered!(
            "of_package",
            "v.tenant_id = $2 AND v.package_name = $3 AND v.version_code > $4 AND g.os = $5
             AND ($6::text IS NULL OR $6 = ANY(string_to_array(g.ui_family, ',')))"
        ),
        "1"
    );
    let params: [&(dyn postgres_types::ToSql + Sync); 6] =
        [&asker.reached_from(), &asker.tenant.0, &query.package, &query.installed_code, &query.os.code(), &query.label];
    sql::query_opt(client, SQL, &params).await?.as_ref().map(offer).transpose()
}

/// The group for extended terminals of the device's operating system whose offered version was uploaded last.
pub async fn extended_group(
    client: &impl GenericClient,
    asker: &AskingDevice,
) -> Result<Option<ClientGroupId>, StoreError> {
    const SQL: &str = concat!(
        "/* clients::offers::extended_group */ SELECT v.group_id FROM client_groups g
            JOIN client_versions v ON v.group_id = g.id
            WHERE g.tenant_id = $2 AND g.terminal_class = $3 AND g.os = $4 AND v.void_at IS NULL AND ",
        reaches!("'publish'"),
        " ORDER BY v.updated_at DESC, v.id DESC LIMIT 1"
    );
    let os = asker.os.map(Os::code);
    let params: [&(dyn postgres_types::ToSql + Sync); 4] =
        [&asker.reached_from(), &asker.tenant.0, &TerminalClass::Extended.as_str(), &os];
    Ok(sql::query_opt(client, SQL, &params).await?.map(|row| ClientGroupId(row.get(0))))
}

/// One version for extended terminals of the device's operating system.
pub async fn extended_version(
    client: &impl GenericClient,
    asker: &AskingDevice,
    id: ClientVersionId,
) -> Result<Option<Offer>, StoreError> {
    const SQL: &str = concat!(
        offered!("extended_version", "v.id = $2 AND v.tenant_id = $3 AND g.terminal_class = $4 AND g.os = $5"),
        "1"
    );
    let os = asker.os.map(Os::code);
    let params: [&(dyn postgres_types::ToSql + Sync); 5] =
        [&asker.reached_from(), &id.0, &asker.tenant.0, &TerminalClass::Extended.as_str(), &os];
    sql::query_opt(client, SQL, &params).await?.as_ref().map(offer).transpose()
}

fn offer(row: &tokio_postgres::Row) -> Result<Offer, StoreError> {
    Ok(Offer { version: rows::version(row)?, forced: row.get("forced") })
}
