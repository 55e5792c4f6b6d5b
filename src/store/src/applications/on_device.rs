//! The applications of a device: those that it says it has, and those that were pushed to it.

use chrono::{DateTime, Utc};
use drover_domain::{ApplicationId, ApplicationType, DeviceId, DomainType, Holding, PushCase};

use super::{
    locking::number,
    standing::{holding, push},
};
use crate::{GenericClient, StoreError, Window, Windowed, people::scope::Scope, rows::word, sql};

/// An application of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceApp {
    /// What the operating system knows it by.
    pub package_name: String,
    /// Its name, as the device says or else as it is kept.
    pub name: String,
    /// The version that is there, or that is to come.
    pub version: String,
    /// How much room it takes, in bytes; `None` when nobody said.
    pub size_bytes: Option<i64>,
    /// What is kept of it; `None` when it is nothing of ours.
    pub managed: Option<ManagedApp>,
    /// Whether a black list that was pushed to the device forbids it.
    pub is_forbidden: bool,
}

/// What is kept of an application of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedApp {
    /// The application.
    pub id: ApplicationId,
    /// Enterprise or public.
    pub kind: ApplicationType,
    /// How it stands to the device's managed part.
    pub domain_type: DomainType,
    /// The newest push of it to the device; `None` when it was never pushed.
    pub push: Option<PushCase>,
    /// What is there.
    pub holding: Holding,
    /// Who pushed it.
    pub operator: Option<String>,
    /// When it moved.
    pub moved_at: Option<DateTime<Utc>>,
}

/// Whether a device is in scope.
pub async fn is_device_in_scope(
    client: &impl GenericClient,
    scope: &Scope,
    device: DeviceId,
) -> Result<bool, StoreError> {
    const SQL: &str = "/* applications::is_device_in_scope */ SELECT EXISTS (
        SELECT FROM devices d JOIN organisations o ON o.id = d.organisation_id
        WHERE d.id = $1 AND d.tenant_id = $2 AND o.path >= $3 AND o.path < $4)";
    let row = sql::query_one(client, SQL, &[&device.0, &scope.tenant.0, &scope.first(), &scope.end()]).await?;
    Ok(row.get(0))
}

/// The applications of a device, by package: each once, however many applications are kept of it. They are as many as a device
/// may name and was pushed, all found by its number.
pub async fn on_device(
    client: &impl GenericClient,
    scope: &Scope,
    device: DeviceId,
    window: Window,
) -> Result<Windowed<DeviceApp>, StoreError> {
    macro_rules! listed {
        ($columns:literal) => {
            concat!(
                "pushed AS (
                    SELECT DISTINCT ON (p.name) p.name AS package_name, i.application_id, i.job_id
                    FROM app_installs i JOIN applications a ON a.id = i.application_id JOIN packages p ON p.id = a.package_id
                    WHERE i.device_id = $1 ORDER BY p.name, i.job_id DESC
                ), listed AS (SELECT ",
                $columns,
                " FROM (SELECT * FROM device_apps WHERE device_id = $1) k FULL JOIN pushed USING (package_name))"
            )
        };
    }
    const COUNT: &str =
        concat!("/* applications::on_device count */ WITH ", listed!("1"), " SELECT count(*) FROM listed");
    // An application that was never pushed is the newest of its package that the caller may see.
    const LIST: &str = concat!(
        "/* applications::on_device */ WITH ",
        listed!(
            "package_name, k.name, k.version_name, k.size_bytes,
            pushed.application_id AS pushed_id, pushed.job_id"
        ),
        " SELECT l.package_name, COALESCE(NULLIF(l.name, ''), a.name, '') AS name,
            COALESCE(NULLIF(l.version_name, ''), NULLIF(i.installed_name, ''), brought.version_name, '') AS version,
            COALESCE(l.size_bytes, brought.size_bytes) AS size_bytes, a.id, a.type, a.domain_type,
            j.push_action, s.is_required, c.state, c.prior_state, ",
        holding!(),
        " AS holding, op.login_id, GREATEST(i.updated_at, c.updated_at) AS moved_at,
            EXISTS (SELECT FROM restriction_installs ri JOIN restrictions b ON b.id = ri.restriction_id
                JOIN restriction_apps ra ON ra.restriction_id = b.id AND ra.package_name = l.package_name
                WHERE ri.device_id = $1 AND b.type = 2 AND b.is_enabled AND b.removing_at IS NULL AND b.deleted_at IS NULL)
                AS is_forbidden
          FROM (SELECT * FROM listed ORDER BY package_name LIMIT $4 OFFSET $5) l
            LEFT JOIN app_installs i ON i.application_id = l.pushed_id AND i.device_id = $1
            LEFT JOIN LATERAL (SELECT COALESCE(l.pushed_id, (
                SELECT max(a.id) FROM devices d JOIN packages p ON p.tenant_id = d.tenant_id AND p.name = l.package_name
                    AND p.platform = CASE d.os WHEN 51201 THEN 1 WHEN 51202 THEN 2 END
                JOIN applications a ON a.package_id = p.id AND a.deleted_at IS NULL
                JOIN organisations o ON o.id = a.organisation_id AND (starts_with(o.path, $3) OR starts_with($3, o.path))
                WHERE d.id = $1 AND d.tenant_id = $2)) AS id) kept ON true
            LEFT JOIN applications a ON a.id = kept.id LEFT JOIN app_releases r ON r.id = a.release_id
            LEFT JOIN jobs j ON j.id = l.job_id LEFT JOIN app_releases brought ON brought.id = COALESCE(j.release_id, a.release_id)
            LEFT JOIN assignments s ON s.id = j.assignment_id
            LEFT JOIN operators op ON op.id = COALESCE(j.operator_id, s.operator_id)
            LEFT JOIN commands c ON c.job_id = l.job_id AND c.device_id = $1
          ORDER BY l.package_name"
    );
    let total = sql::query_one(client, COUNT, &[&device.0]).await?.get(0);
    let (limit, offset) = (window.limit(), window.offset());
    let found = sql::query(client, LIST, &[&device.0, &scope.tenant.0, &scope.first(), &limit, &offset]).await?;
    Ok(Windowed { total, items: found.iter().map(device_app).collect::<Result<_, _>>()? })
}

fn device_app(row: &tokio_postgres::Row) -> Result<DeviceApp, StoreError> {
    let push = push(row)?;
    let holding = match push {
        Some(_) => word(row, "holding", Holding::parse)?,
        None => Holding::Present,
    };
    let managed = match row.get::<_, Option<i64>>("id") {
        None => None,
        Some(id) => Some(ManagedApp {
            id: ApplicationId(id),
            kind: number(row, "type", ApplicationType::from_code)?,
            domain_type: number(row, "domain_type", DomainType::from_code)?,
            push,
            holding,
            operator: row.get("login_id"),
            moved_at: row.get("moved_at"),
        }),
    };
    Ok(DeviceApp {
        package_name: row.get("package_name"),
        name: row.get("name"),
        version: row.get("version"),
        size_bytes: row.get("size_bytes"),
        managed,
        is_forbidden: row.get("is_forbidden"),
    })
}
