//! A tenant with an organisation, users and devices, and applications that were pushed to them.

use drover_domain::{DeviceId, TenantId};
use drover_messages::{DeviceInventory, InstalledApp};
use drover_store::Client;

use super::support;

/// The organisation that everybody belongs to, and the operator who pushes.
pub(crate) const ORGANISATION: i64 = 1;
pub(crate) const OPERATOR: i64 = 1;

pub(crate) struct Scene {
    pub(crate) inner: support::World,
    pub(crate) tenant: TenantId,
}

/// How a push ended, or where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Push<'a> {
    pub(crate) action: &'a str,
    pub(crate) is_required: bool,
    /// State and the state before.
    pub(crate) command: Option<(&'a str, &'a str)>,
}

pub(crate) const INSTALLED: Push<'_> =
    Push { action: "install", is_required: true, command: Some(("succeeded", "installing")) };

impl Scene {
    pub(crate) async fn new() -> Self {
        let inner = support::World::new().await;
        let tenant = inner.caller.tenant;
        let sql = format!(
            "DELETE FROM organisations WHERE tenant_id = {0};
             INSERT INTO organisations (id, tenant_id, parent_id, code, name, path) OVERRIDING SYSTEM VALUE
                VALUES ({ORGANISATION}, {0}, NULL, 'root', 'root', '/1/'), (2, {0}, 1, 'branch', 'branch', '/1/2/');
             INSERT INTO operators (id, tenant_id, organisation_id, login_id, name, role, password_hash)
                OVERRIDING SYSTEM VALUE VALUES ({OPERATOR}, {0}, 1, 'admin', 'Admin', 'tenant_admin', '$argon2id$x')",
            tenant.0
        );
        inner.client().await.batch_execute(&sql).await.unwrap();
        Self { inner, tenant }
    }

    pub(crate) async fn client(&self) -> Client {
        self.inner.client().await
    }

    async fn id(&self, sql: &str, parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)]) -> i64 {
        self.client().await.query_one(sql, parameters).await.unwrap().get(0)
    }

    pub(crate) async fn user(&self, account: &str, organisation: i64) -> i64 {
        let sql = "INSERT INTO users (tenant_id, organisation_id, account, name, mail)
            VALUES ($1, $2, $3, initcap($3), $3 || '@example.com') RETURNING id";
        self.id(sql, &[&self.tenant.0, &organisation, &account]).await
    }

    /// A company's Android device.
    pub(crate) async fn device(&self, uuid: &str, user: i64) -> DeviceId {
        let sql = "INSERT INTO devices (tenant_id, organisation_id, user_id, uuid, name, os, device_type, relationship, channel)
            SELECT tenant_id, organisation_id, id, $2, 'device ' || $2, 51201, 10, 1, 'poll' FROM users WHERE id = $1
            RETURNING id";
        DeviceId(self.id(sql, &[&user, &uuid]).await)
    }

    /// An Android application with one release.
    pub(crate) async fn application(&self, package: &str, number: i64) -> i64 {
        let sql = "WITH p AS (INSERT INTO packages (tenant_id, platform, name) VALUES ($1, 1, $2)
                ON CONFLICT (tenant_id, platform, name) DO UPDATE SET name = excluded.name RETURNING id)
            INSERT INTO applications (tenant_id, organisation_id, package_id, type, name)
                SELECT $1, 1, id, 1, 'App ' || $2 FROM p RETURNING id";
        let application = self.id(sql, &[&self.tenant.0, &package]).await;
        self.release(application, number).await;
        application
    }

    /// A newer release of an application, which devices are given from now on.
    pub(crate) async fn release(&self, application: i64, number: i64) {
        let sql = "WITH r AS (INSERT INTO app_releases (application_id, version_name, version_code, version_number, size_bytes)
                VALUES ($1, $2::bigint || '.0', $2::bigint, $2, 1048576) RETURNING id)
            UPDATE applications SET release_id = r.id FROM r WHERE applications.id = $1 RETURNING applications.id";
        self.id(sql, &[&application, &number]).await;
    }

    /// A push to one device, which is the newest of the application; what it installed is there.
    pub(crate) async fn push(&self, application: i64, device: DeviceId, push: Push<'_>) -> i64 {
        let assignment = if push.action == "install" {
            let sql = "INSERT INTO assignments (tenant_id, application_id, organisation_id, operator_id, is_required, relationships)
                VALUES ($1, $2, 1, 1, $3, '{1}') RETURNING id";
            Some(self.id(sql, &[&self.tenant.0, &application, &push.is_required]).await)
        } else {
            None
        };
        let sql = "INSERT INTO jobs (tenant_id, kind, name, state, retry_limit, attempt_timeout_s, job_timeout_s, trace_context,
                started_at, expires_at, push_action, application_id, package_id, release_id, assignment_id, operator_id,
                organisation_id, created_by)
            SELECT tenant_id, 'push', 'push', 'running', 0, 3600, 86400, '', now(), now() + interval '1 day', $2, id, package_id,
                CASE WHEN $2 = 'install' THEN release_id END, $3, 1, 1, 'Admin' FROM applications WHERE id = $1 RETURNING id";
        let job = self.id(sql, &[&application, &push.action, &assignment]).await;
        let client = self.client().await;
        if let Some((state, prior)) = push.command {
            let sql = "WITH made AS (
                    INSERT INTO commands (job_id, device_id, state, prior_state, deadline_at, finished_at)
                    SELECT $1, $2, $3, $4, CASE WHEN NOT ended AND $3 <> 'planned' THEN now() + interval '1 h' END,
                        CASE WHEN ended THEN now() END
                    FROM (VALUES ($3 = ANY('{succeeded,failed,timed_out,rejected,cancelled,superseded}'))) v (ended)
                    RETURNING state)
                INSERT INTO job_tallies (job_id, shard, state, count) SELECT $1, 0, state, 1 FROM made";
            client.execute(sql, &[&job, &device.0, &state, &prior]).await.unwrap();
        }
        let is_there = push.action == "install" && push.command.is_some_and(|(state, _)| state == "succeeded");
        let sql = "INSERT INTO app_installs AS i (application_id, device_id, job_id, is_installed, installed_number, installed_name)
            SELECT $1, $2, $3, $4, CASE WHEN $4 THEN r.version_number ELSE 0 END, CASE WHEN $4 THEN r.version_name ELSE '' END
            FROM applications a JOIN app_releases r ON r.id = a.release_id WHERE a.id = $1
            ON CONFLICT (application_id, device_id) DO UPDATE SET job_id = excluded.job_id";
        client.execute(sql, &[&application, &device.0, &job, &is_there]).await.unwrap();
        // What others count, counted anew.
        let sql = "DELETE FROM app_tallies;
            INSERT INTO app_tallies (application_id, shard, pushed, installed)
            SELECT application_id, 0, count(*), count(*) FILTER (WHERE is_installed) FROM app_installs GROUP BY application_id";
        client.batch_execute(sql).await.unwrap();
        job
    }

    /// The device says what it has.
    pub(crate) async fn says(&self, device: DeviceId, apps: &[InstalledApp]) {
        let inventory = DeviceInventory { os_version: Some("13".into()), apps: apps.to_vec() };
        self.inner.service.record_inventory(device, inventory).await.unwrap();
    }

    /// Whether an application is installed, in which version, and whether its user removed it.
    pub(crate) async fn install(&self, application: i64, device: DeviceId) -> (bool, i64, String, bool) {
        let sql = "SELECT is_installed, installed_number, installed_name, removed_at IS NOT NULL FROM app_installs
            WHERE application_id = $1 AND device_id = $2";
        let row = self.client().await.query_one(sql, &[&application, &device.0]).await.unwrap();
        (row.get(0), row.get(1), row.get(2), row.get(3))
    }

    /// Devices that wait for a review.
    pub(crate) async fn reviews(&self) -> Vec<i64> {
        let sql = "SELECT device_id FROM device_reviews ORDER BY device_id";
        self.client().await.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    pub(crate) async fn forget_reviews(&self) {
        self.client().await.batch_execute("DELETE FROM device_reviews").await.unwrap();
    }

    /// The counts of every application are what its rows say.
    pub(crate) async fn assert_counted(&self) {
        let sql = "SELECT application_id, sum(pushed), sum(installed) FROM app_tallies GROUP BY application_id
            EXCEPT SELECT application_id, count(*), count(*) FILTER (WHERE is_installed) FROM app_installs GROUP BY application_id";
        assert!(self.client().await.query(sql, &[]).await.unwrap().is_empty());
    }
}

pub(crate) fn app(package: &str, number: Option<i64>, name: Option<&str>) -> InstalledApp {
    InstalledApp {
        package_name: package.into(),
        name: Some(format!("App {package}")),
        version_name: name.map(str::to_owned),
        version_code: number,
        size_bytes: Some(1000),
    }
}
