//! What devices say that they have installed, and what follows from it for the applications that were pushed to them.
//!
//! Each statement names one device and goes by its index; what has not changed is not written. OFFSET makes look-ups of what
//! would be joined whole when the statistics are old.

use drover_domain::{ApplicationId, DeviceId};
use tokio_postgres::types::ToSql;

use crate::{GenericClient, StoreError, Tx, commands::proof::Running, devices::checks, sql};

/// An application that a device says it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedApp {
    /// What the operating system knows it by.
    pub package: String,
    /// What people know it by; empty when not said.
    pub name: String,
    /// The version as people read it.
    pub version_name: Option<String>,
    /// The version as a number.
    pub version_code: Option<i64>,
    /// How much room it takes.
    pub size_bytes: Option<i64>,
}

/// What a device says it has, each package once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// Whether that is everything. If not, what is absent may be there, and a name or a size that is not said stays as it is.
    pub is_whole: bool,
    /// The version of its operating system; `None` when not said. Only a whole inventory keeps it.
    pub os_version: Option<String>,
    /// The applications.
    pub apps: Vec<ReportedApp>,
}

/// What an inventory changed of an application that was pushed to its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstallChange {
    /// The application.
    pub application: ApplicationId,
    /// Whether the device had it before.
    pub was_installed: bool,
    /// Whether the device has it.
    pub is_installed: bool,
    /// Whether it went without anybody here having asked for it.
    pub is_removed: bool,
}

/// The columns of an inventory, as parameters.
struct Columns<'a> {
    packages: Vec<&'a str>,
    names: Vec<&'a str>,
    version_names: Vec<Option<&'a str>>,
    version_codes: Vec<Option<i64>>,
    sizes: Vec<Option<i64>>,
    is_whole: bool,
}

impl<'a> Columns<'a> {
    fn of(Inventory { is_whole, apps, .. }: &'a Inventory) -> Self {
        Self {
            packages: apps.iter().map(|app| app.package.as_str()).collect(),
            names: apps.iter().map(|app| app.name.as_str()).collect(),
            version_names: apps.iter().map(|app| app.version_name.as_deref()).collect(),
            version_codes: apps.iter().map(|app| app.version_code).collect(),
            sizes: apps.iter().map(|app| app.size_bytes).collect(),
            is_whole: *is_whole,
        }
    }

    /// Parameters 1 to 7.
    fn parameters<'p>(&'p self, device: &'p i64) -> [&'p (dyn ToSql + Sync); 7] {
        let Self { packages, names, version_names, version_codes, sizes, is_whole } = self;
        [device, packages, names, version_names, version_codes, sizes, is_whole]
    }
}

/// The applications that a device names: parameters 2 to 6.
macro_rules! given {
    () => {
        "given AS (SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
            AS g (package_name, name, version_name, version_code, size_bytes))"
    };
}

/// Those that are not yet known as they are named. A device that says half of a version says nothing against the other half.
macro_rules! changed {
    () => {
        "changed AS (SELECT * FROM (
            SELECT g.package_name, k.package_name IS NOT NULL AS is_known,
                CASE WHEN $7 OR g.name <> '' THEN g.name ELSE COALESCE(k.name, '') END AS name,
                CASE WHEN $7 THEN g.size_bytes ELSE COALESCE(g.size_bytes, k.size_bytes) END AS size_bytes,
                COALESCE(g.version_code, CASE WHEN COALESCE(g.version_name, k.version_name) = k.version_name
                    THEN k.version_code END, 0) AS version_code,
                COALESCE(g.version_name, CASE WHEN COALESCE(g.version_code, k.version_code) = k.version_code
                    THEN k.version_name END, '') AS version_name,
                ROW(k.name, k.size_bytes, k.version_code, k.version_name) AS known
            FROM given g LEFT JOIN (SELECT * FROM device_apps WHERE device_id = $1) k USING (package_name)
        ) said WHERE NOT is_known OR ROW(name, size_bytes, version_code, version_name) IS DISTINCT FROM known)"
    };
}

/// How what was pushed to a device stands against what it names. Only in a whole inventory is anything absent; and an
/// application of the store is known by a number that no operating system knows, so its absence says nothing.
macro_rules! standing {
    () => {
        "standing AS (SELECT * FROM (
            SELECT i.application_id, i.is_installed AS was_installed, g.package_name IS NOT NULL AS is_installed,
                i.installed_number AS old_number, i.installed_name AS old_name, j.push_action = 'install' AS is_wanted,
                CASE WHEN g.package_name IS NULL THEN 0 ELSE
                    COALESCE(g.version_code, CASE WHEN COALESCE(g.version_name, i.installed_name) = i.installed_name
                        THEN i.installed_number END, 0) END AS number,
                CASE WHEN g.package_name IS NULL THEN '' ELSE
                    COALESCE(g.version_name, CASE WHEN COALESCE(g.version_code, i.installed_number) = i.installed_number
                        THEN i.installed_name END, '') END AS name
            FROM app_installs i
                CROSS JOIN LATERAL (SELECT package_id, itunes_store_id FROM applications WHERE id = i.application_id OFFSET 0) a
                CROSS JOIN LATERAL (SELECT name FROM packages WHERE id = a.package_id OFFSET 0) p
                CROSS JOIN LATERAL (SELECT push_action FROM jobs WHERE id = i.job_id OFFSET 0) j
                LEFT JOIN given g ON g.package_name = p.name
            WHERE i.device_id = $1 AND (g.package_name IS NOT NULL OR $7 AND a.itunes_store_id IS NULL)
        ) beside WHERE ROW(is_installed, number, name) IS DISTINCT FROM ROW(was_installed, old_number, old_name))"
    };
}

/// What of the versions that a device says it runs is worth keeping: packages that its tenant has anything of, or that it was
/// known to have. It could think of any number of others. A version that is new to us has the name under which it was uploaded.
pub async fn of_running(
    client: &impl GenericClient,
    device: DeviceId,
    running: &[Running<'_>],
) -> Result<Inventory, StoreError> {
    const SQL: &str = "/* devices::inventories::of_running */ SELECT g.package, g.version,
            CASE WHEN k.version_code IS DISTINCT FROM g.version THEN COALESCE(
                (SELECT version_name FROM client_versions WHERE tenant_id = d.tenant_id AND package_name = g.package
                    AND version_code = g.version AND void_at IS NULL ORDER BY id DESC LIMIT 1),
                (SELECT r.version_name FROM applications a JOIN LATERAL (SELECT id, version_name FROM app_releases
                        WHERE application_id = a.id AND version_number = g.version OFFSET 0) r ON true
                    WHERE a.package_id = p.id AND a.deleted_at IS NULL AND r.version_name <> '' ORDER BY r.id DESC LIMIT 1))
            END AS version_name
        FROM devices d CROSS JOIN unnest($2::text[], $3::bigint[]) AS g (package, version)
        LEFT JOIN LATERAL (SELECT version_code FROM device_apps WHERE device_id = $1 AND package_name = g.package OFFSET 0) k
            ON true
        LEFT JOIN LATERAL (SELECT id FROM packages WHERE tenant_id = d.tenant_id AND name = g.package
            AND platform = CASE d.os WHEN 51201 THEN 1 WHEN 51202 THEN 2 END OFFSET 0) p ON true
        WHERE d.id = $1 AND (k.version_code IS NOT NULL OR p.id IS NOT NULL OR EXISTS (SELECT FROM client_versions
            WHERE tenant_id = d.tenant_id AND package_name = g.package AND void_at IS NULL OFFSET 0))
        ORDER BY g.package";
    let packages: Vec<&str> = running.iter().map(|running| running.package).collect();
    let versions: Vec<i64> = running.iter().map(|running| running.version).collect();
    let found = sql::query(client, SQL, &[&device.0, &packages, &versions]).await?;
    let app = |row: &tokio_postgres::Row| ReportedApp {
        package: row.get(0),
        name: String::new(),
        version_name: row.get(2),
        version_code: Some(row.get(1)),
        size_bytes: None,
    };
    Ok(Inventory { is_whole: false, os_version: None, apps: found.iter().map(app).collect() })
}

/// Whether everything that a device says is known already.
pub async fn is_known(
    client: &impl GenericClient,
    device: DeviceId,
    inventory: &Inventory,
) -> Result<bool, StoreError> {
    const SQL: &str = concat!(
        "/* devices::inventories::is_known */ WITH ",
        given!(),
        ", ",
        changed!(),
        ", ",
        standing!(),
        " SELECT (NOT $7 OR EXISTS (SELECT FROM device_inventories WHERE device_id = $1 AND os_version = COALESCE($8, os_version))
                AND (SELECT count(*) FROM given) = (SELECT count(*) FROM device_apps WHERE device_id = $1))
            AND NOT EXISTS (SELECT FROM changed) AND NOT EXISTS (SELECT FROM standing)"
    );
    let columns = Columns::of(inventory);
    let mut parameters = columns.parameters(&device.0).to_vec();
    parameters.push(&inventory.os_version);
    Ok(sql::query_one(client, SQL, &parameters).await?.get(0))
}

/// Writes down what a device says. A whole inventory keeps others of this device waiting until the transaction ends, and has its
/// next check for updates looked at whatever it says; of one that is not whole, its check is the lock.
pub async fn write(tx: &Tx<'_>, device: DeviceId, inventory: &Inventory) -> Result<(), StoreError> {
    const HEAD: &str =
        "/* devices::inventories::write head */ INSERT INTO device_inventories AS known (device_id, os_version)
        VALUES ($1, COALESCE($2, '')) ON CONFLICT (device_id) DO UPDATE
        SET os_version = COALESCE($2, known.os_version), reported_at = now()";
    const GONE: &str = "/* devices::inventories::write gone */ DELETE FROM device_apps k WHERE device_id = $1
        AND NOT EXISTS (SELECT FROM unnest($2::text[]) AS g (package_name) WHERE g.package_name = k.package_name)";
    const CHANGED: &str = concat!(
        "/* devices::inventories::write changed */ WITH ",
        given!(),
        ", ",
        changed!(),
        " INSERT INTO device_apps (device_id, package_name, name, version_name, version_code, size_bytes)
          SELECT $1, package_name, name, version_name, version_code, size_bytes FROM changed ORDER BY package_name
          ON CONFLICT (device_id, package_name) DO UPDATE SET name = excluded.name, version_name = excluded.version_name,
            version_code = excluded.version_code, size_bytes = excluded.size_bytes, seen_at = now()"
    );
    let columns = Columns::of(inventory);
    if inventory.is_whole {
        checks::forget(tx, &[device.0]).await?;
        sql::execute(tx, HEAD, &[&device.0, &inventory.os_version]).await?;
        sql::execute(tx, GONE, &[&device.0, &columns.packages]).await?;
    }
    sql::execute(tx, CHANGED, &columns.parameters(&device.0)).await?;
    Ok(())
}

/// Brings what is known to be installed of the applications that were pushed to a device in line with what it says, and returns
/// what changed.
pub async fn reconcile(tx: &Tx<'_>, device: DeviceId, inventory: &Inventory) -> Result<Vec<InstallChange>, StoreError> {
    // Locked before it is compared: the report of an install may be under way.
    const LOCK: &str = "/* devices::inventories::reconcile lock */ SELECT count(*) FROM (
        SELECT FROM app_installs WHERE device_id = $1 ORDER BY application_id FOR NO KEY UPDATE) locked";
    const SQL: &str = concat!(
        "/* devices::inventories::reconcile */ WITH ",
        given!(),
        ", ",
        standing!(),
        " UPDATE app_installs i SET is_installed = s.is_installed, installed_number = s.number, installed_name = s.name,
            removed_at = CASE WHEN s.is_installed THEN NULL WHEN s.was_installed AND s.is_wanted THEN now() ELSE i.removed_at END,
            updated_at = now()
          FROM standing s WHERE i.application_id = s.application_id AND i.device_id = $1
          RETURNING i.application_id, s.was_installed, s.is_installed, s.was_installed AND NOT s.is_installed AND s.is_wanted"
    );
    let columns = Columns::of(inventory);
    sql::query_one(tx, LOCK, &[&device.0]).await?;
    let rows = sql::query(tx, SQL, &columns.parameters(&device.0)).await?;
    let change = |row: &tokio_postgres::Row| InstallChange {
        application: ApplicationId(row.get(0)),
        was_installed: row.get(1),
        is_installed: row.get(2),
        is_removed: row.get(3),
    };
    Ok(rows.iter().map(change).collect())
}
