//! A tenant with users, groups and labels, their devices, and applications; the broker and the relay are the test itself.

use std::collections::BTreeSet;

use drover_domain::{
    ApplicationId, CommandId, JobId, OperatorId, OrganisationId, OrganisationPath, Relationship, Role, TenantId,
};
use drover_messages::{DeviceCommand, DispatchAction, DispatchCommands, Message, PlanJob, ReportStatus, TraceContext};
use drover_service::{Operator, Organisation, PushRequest, Recorded, ServiceError, Targets, Wish};

use crate::support::{TRACE, World, report};

/// The operators, and their organisations: root above east and west.
pub(crate) const ROOT: i64 = 901;
pub(crate) const EAST: i64 = 902;

pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) tenant: TenantId,
}

/// A command that a device was given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sent {
    pub(crate) uuid: String,
    pub(crate) id: CommandId,
    pub(crate) attempt: i16,
    pub(crate) command: DeviceCommand,
}

impl Sent {
    pub(crate) fn what(&self) -> &'static str {
        match self.command {
            DeviceCommand::InstallApplication { .. } => "install",
            DeviceCommand::UninstallApplication { .. } => "uninstall",
            _ => "something else",
        }
    }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::of(World::new().await).await
    }

    pub(crate) async fn of(world: World) -> Self {
        let tenant = world.caller.tenant;
        let client = world.client().await;
        client
            .batch_execute(
                "DELETE FROM organisations;
                 INSERT INTO organisations (id, tenant_id, parent_id, code, name, path) OVERRIDING SYSTEM VALUE
                 SELECT given.id, t.id, given.parent, given.code, upper(given.code), given.path FROM tenants t, (VALUES
                    (901, NULL::bigint, 'root', '/901/'), (902, 901, 'east', '/901/902/'), (903, 901, 'west', '/901/903/')
                 ) given (id, parent, code, path);
                 INSERT INTO operators (id, tenant_id, organisation_id, login_id, name, role, password_hash)
                    OVERRIDING SYSTEM VALUE
                 SELECT o.id, o.tenant_id, o.id, o.code, 'Operator of ' || o.code,
                    CASE WHEN parent_id IS NULL THEN 'tenant_admin' ELSE 'org_admin' END, '$argon2id$' FROM organisations o;",
            )
            .await
            .unwrap();
        Self { world, tenant }
    }

    pub(crate) async fn id(&self, sql: &str, parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)]) -> i64 {
        self.world.client().await.query_one(sql, parameters).await.unwrap().get(0)
    }

    pub(crate) async fn execute(&self, sql: &str, parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)]) -> u64 {
        self.world.client().await.execute(sql, parameters).await.unwrap()
    }

    /// A user with an Android device of the company's, named as the user.
    pub(crate) async fn user(&self, account: &str, organisation: i64) -> i64 {
        let sql = "WITH u AS (INSERT INTO users (tenant_id, organisation_id, account) VALUES ($1, $2, $3) RETURNING id)
            INSERT INTO devices (tenant_id, organisation_id, user_id, uuid, channel, os, relationship, device_type)
            SELECT $1, $2, id, $3, 'simulated', 51201, 1, 10 FROM u RETURNING user_id";
        self.id(sql, &[&self.tenant.0, &organisation, &account]).await
    }

    pub(crate) async fn users<const N: usize>(&self, accounts: [&str; N]) -> [i64; N] {
        let mut users = [0; N];
        for (user, account) in users.iter_mut().zip(accounts) {
            *user = self.user(account, EAST).await;
        }
        users
    }

    pub(crate) async fn group(&self, name: &str, members: &[i64]) -> i64 {
        let sql =
            "WITH g AS (INSERT INTO user_groups (tenant_id, organisation_id, name) VALUES ($1, $2, $3) RETURNING id),
            m AS (INSERT INTO user_group_members SELECT id, unnest($4::bigint[]) FROM g) SELECT id FROM g";
        self.id(sql, &[&self.tenant.0, &EAST, &name, &members]).await
    }

    pub(crate) async fn label(&self, name: &str, members: &[i64]) -> i64 {
        let sql = "WITH l AS (INSERT INTO labels (tenant_id, organisation_id, name) VALUES ($1, $2, $3) RETURNING id),
            m AS (INSERT INTO label_members SELECT id, unnest($4::bigint[]) FROM l) SELECT id FROM l";
        self.id(sql, &[&self.tenant.0, &EAST, &name, &members]).await
    }

    pub(crate) async fn change_device(&self, uuid: &str, set: &str) {
        assert_eq!(self.execute(&format!("UPDATE devices SET {set} WHERE uuid = $1"), &[&uuid]).await, 1);
    }

    /// An application of the root organisation, 1 for Android and 2 for iOS, with release 10, "10.0".
    pub(crate) async fn application(&self, package: &str, platform: i16) -> ApplicationId {
        let sql = "WITH p AS (INSERT INTO packages (tenant_id, platform, name) VALUES ($1, $3, $2)
                ON CONFLICT (tenant_id, platform, name) DO UPDATE SET name = excluded.name RETURNING id)
            INSERT INTO applications (tenant_id, organisation_id, package_id, type, name)
                SELECT $1, 901, id, 1, 'App ' || $2 FROM p RETURNING id";
        let id = ApplicationId(self.id(sql, &[&self.tenant.0, &package, &platform]).await);
        self.release(id, 10).await;
        id
    }

    /// A newer release of an application, which devices are given from now on.
    pub(crate) async fn release(&self, application: ApplicationId, number: i64) {
        let sql = "WITH f AS (INSERT INTO files (id, tenant_id, sha256, md5, size_bytes, file_name, object_path)
                SELECT gen_random_uuid(), $1, md5($2::bigint::text || $3::bigint::text) || repeat('0', 32), repeat('0', 32), 5, 'app.apk',
                    $2::bigint::text || '/' || $3::bigint::text RETURNING id),
            r AS (INSERT INTO app_releases (application_id, file_id, file_name, version_name, version_code, version_number,
                    size_bytes, min_os_version)
                SELECT $2::bigint, id, 'app.apk', $3::bigint || '.0', $3::bigint::text, $3::bigint, 5, '4.4' FROM f RETURNING id)
            UPDATE applications SET release_id = r.id FROM r WHERE applications.id = $2::bigint RETURNING applications.id";
        self.id(sql, &[&self.tenant.0, &application.0, &number]).await;
    }

    /// Who administers an organisation.
    pub(crate) async fn operator(&self, organisation: i64) -> Operator {
        let client = self.world.client().await;
        let sql = "SELECT parent_id, path, created_at, name, code FROM organisations WHERE id = $1";
        let row = client.query_one(sql, &[&organisation]).await.unwrap();
        let parent: Option<i64> = row.get("parent_id");
        Operator {
            id: OperatorId(organisation),
            tenant: self.tenant,
            tenant_name: "acme".into(),
            utc_offset_minutes: 480,
            login_id: row.get("code"),
            name: row.get("name"),
            role: if parent.is_none() { Role::TenantAdmin } else { Role::OrgAdmin },
            runs_installation: false,
            organisation: Organisation {
                id: OrganisationId(organisation),
                tenant: self.tenant,
                parent: parent.map(OrganisationId),
                code: row.get("code"),
                name: row.get("name"),
                path: OrganisationPath::parse(row.get("path")).unwrap(),
                created_at: row.get("created_at"),
                updated_at: row.get("created_at"),
            },
        }
    }

    /// Pushes as the operator of root.
    pub(crate) async fn push(&self, application: ApplicationId, targets: Targets, wish: Wish) -> JobId {
        self.try_push(ROOT, application, targets, wish).await.unwrap();
        self.newest_job().await
    }

    pub(crate) async fn try_push(
        &self,
        by: i64,
        application: ApplicationId,
        targets: Targets,
        wish: Wish,
    ) -> Result<(), ServiceError> {
        let operator = self.operator(by).await;
        let request = PushRequest { targets, wish };
        self.world.service.push_application(&operator, application, &request, trace()).await
    }

    pub(crate) async fn take_back(&self, application: ApplicationId, from: Targets) -> JobId {
        let operator = self.operator(ROOT).await;
        self.world.service.take_application_back(&operator, application, &from, trace()).await.unwrap();
        self.newest_job().await
    }

    pub(crate) async fn remove(&self, application: ApplicationId) -> Result<(), ServiceError> {
        let operator = self.operator(ROOT).await;
        self.world.service.remove_application(&operator, application, trace()).await
    }

    async fn newest_job(&self) -> JobId {
        JobId(self.id("SELECT max(id) FROM jobs", &[]).await)
    }

    /// Carries out every message in the outbox, as planner and dispatcher would, until there is none. Returns what devices got.
    pub(crate) async fn run(&self) -> Vec<Sent> {
        let (service, mut sent) = (&self.world.service, Vec::new());
        loop {
            let messages = self.world.take_outbox().await;
            if messages.is_empty() {
                sent.sort_by(|a: &Sent, b: &Sent| (&a.uuid, a.id).cmp(&(&b.uuid, b.id)));
                return sent;
            }
            for (queue, body) in messages {
                if queue.starts_with("jobs.") {
                    assert!(["jobs.push", "jobs.distribute"].contains(&queue.as_str()), "{queue}");
                    let message = PlanJob::decode(&body, "").unwrap();
                    service.plan_job(JobId(message.job_id), 2).await.unwrap();
                } else {
                    sent.extend(self.dispatch(&DispatchCommands::decode(&body, "").unwrap()).await);
                }
            }
        }
    }

    async fn dispatch(&self, message: &DispatchCommands) -> Vec<Sent> {
        let service = &self.world.service;
        let chunk = service.load_dispatch(message).await.unwrap().unwrap();
        let DispatchAction::Send { attempt } = message.action else { panic!("devices are told to stop") };
        let Some(artifact) = &chunk.artifact else { return Vec::new() };
        let order = service.order(&chunk.job, artifact);
        let sent = |addressee: &drover_service::Addressee| {
            let id = CommandId { job: chunk.job.id, device: addressee.device };
            let command = order.command(id.to_i64(), attempt, 60);
            Sent { uuid: addressee.uuid.clone(), id, attempt, command }
        };
        let sent: Vec<Sent> = chunk.addressees.iter().map(sent).collect();
        let devices: Vec<i64> = chunk.addressees.iter().map(|a| a.device.0).collect();
        assert_eq!(service.record_sent(&chunk.job, attempt, &devices).await.unwrap(), [0; 0]);
        sent
    }

    /// Like [`run`](Self::run), but the dispatchers are away: commands stay queued. Messages to them are lost.
    pub(crate) async fn plan_only(&self) {
        loop {
            let messages = self.world.take_outbox().await;
            if messages.is_empty() {
                return;
            }
            for (queue, body) in messages {
                if queue.starts_with("jobs.") {
                    let message = PlanJob::decode(&body, "").unwrap();
                    self.world.service.plan_job(JobId(message.job_id), 2).await.unwrap();
                }
            }
        }
    }

    pub(crate) async fn say(&self, sent: &Sent, status: ReportStatus) -> Recorded {
        let report = report(&sent.uuid, sent.id.to_i64(), sent.attempt, status);
        self.world.service.record_reports(&[report]).await.unwrap()[0]
    }

    /// What devices were sent they carry out.
    pub(crate) async fn obey(&self, sent: &[Sent]) {
        let said: Vec<_> =
            sent.iter().map(|s| report(&s.uuid, s.id.to_i64(), s.attempt, ReportStatus::Succeeded)).collect();
        let recorded = self.world.service.record_reports(&said).await.unwrap();
        assert!(recorded.iter().all(|recorded| *recorded == Recorded::Applied), "{recorded:?}");
    }

    /// Devices an application was pushed to, and devices that have it, by the counts that are kept.
    pub(crate) async fn counts(&self, application: ApplicationId) -> (i64, i64) {
        drover_store::tallies::of_application(&self.world.client().await, application).await.unwrap()
    }

    /// The devices that have an application, each with its version.
    pub(crate) async fn installed(&self, application: ApplicationId) -> BTreeSet<(String, String)> {
        let sql = "SELECT d.uuid, i.installed_name FROM app_installs i JOIN devices d ON d.id = i.device_id
            WHERE i.application_id = $1 AND i.is_installed";
        let rows = self.world.client().await.query(sql, &[&application.0]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    pub(crate) async fn states(&self, job: JobId) -> Vec<(String, i64)> {
        self.world.states(job).await
    }

    pub(crate) async fn job_state(&self, job: JobId) -> String {
        let client = self.world.client().await;
        client.query_one("SELECT state FROM jobs WHERE id = $1", &[&job.0]).await.unwrap().get(0)
    }
}

pub(crate) fn trace() -> TraceContext {
    TRACE.parse().unwrap()
}

/// Required at once, on everybody's devices, silently.
pub(crate) fn wish() -> Wish {
    Wish {
        is_required: true,
        is_notified: false,
        relationships: Relationship::ALL.to_vec(),
        is_essential: false,
        removes_on_exit: false,
        into_knox: false,
        wifi_only: false,
        prevents_backup: false,
        policy: None,
        start_at: None,
    }
}

pub(crate) fn users(users: &[i64]) -> Targets {
    Targets { users: users.to_vec(), ..Targets::default() }
}

pub(crate) fn groups(groups: &[i64]) -> Targets {
    Targets { groups: groups.to_vec(), ..Targets::default() }
}

pub(crate) fn labels(labels: &[i64]) -> Targets {
    Targets { labels: labels.to_vec(), ..Targets::default() }
}

/// Who was sent what.
pub(crate) fn told(sent: &[Sent]) -> Vec<(&str, &str)> {
    sent.iter().map(|sent| (sent.uuid.as_str(), sent.what())).collect()
}

pub(crate) fn uuids(sent: &[Sent]) -> Vec<&str> {
    sent.iter().map(|sent| sent.uuid.as_str()).collect()
}
