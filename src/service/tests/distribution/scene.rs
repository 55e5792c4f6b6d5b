//! A tenant with a tree of organisations, a client version, and devices; the broker and the relay are the test itself.

use drover_domain::{
    ClientVersionId, CommandId, DeviceId, JobId, OperatorId, OrganisationId, OrganisationPath, Role, TenantId,
};
use drover_messages::{DeviceCommand, DispatchAction, DispatchCommands, Message, PlanJob, ReportStatus, TraceContext};
use drover_service::{Operator, Organisation, PublishRequest, Recorded, Target};

use crate::support::{TRACE, World, report};

pub(crate) const PACKAGE: &str = "com.example.agent";

pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) tenant: TenantId,
    group: i64,
    /// Version 200, "2.00", of the tenant's group.
    pub(crate) version: ClientVersionId,
}

/// A command that a device was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) uuid: String,
    pub(crate) command: i64,
    pub(crate) attempt: i16,
}

impl Scene {
    /// Organisations: root above east and west, east above harbour and hills.
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let tenant = world.caller.tenant;
        let client = world.client().await;
        client
            .batch_execute(
                "DELETE FROM organisations;
                 INSERT INTO organisations (id, tenant_id, parent_id, code, name, path) OVERRIDING SYSTEM VALUE
                 SELECT given.id, t.id, given.parent, given.code, upper(given.code), given.path FROM tenants t, (VALUES
                    (901, NULL::bigint, 'root', '/901/'), (902, 901, 'east', '/901/902/'), (903, 901, 'west', '/901/903/'),
                    (904, 902, 'harbour', '/901/902/904/'), (905, 902, 'hills', '/901/902/905/')
                 ) given (id, parent, code, path);
                 INSERT INTO operators (id, tenant_id, organisation_id, login_id, name, role, password_hash)
                    OVERRIDING SYSTEM VALUE
                 SELECT o.id, o.tenant_id, o.id, o.code, 'Operator of ' || o.code,
                    CASE WHEN parent_id IS NULL THEN 'tenant_admin' ELSE 'org_admin' END, '$argon2id$' FROM organisations o;",
            )
            .await
            .unwrap();
        let group = client
            .query_one(
                "INSERT INTO client_groups (tenant_id, organisation_id, name, group_code, terminal_class, os, download_key)
                 VALUES ($1, 901, 'agent', 'agent', '0', 51201, 'key') RETURNING id",
                &[&tenant.0],
            )
            .await
            .unwrap()
            .get(0);
        let mut scene = Self { world, tenant, group, version: ClientVersionId(0) };
        scene.version = scene.add_version(200).await;
        scene
    }

    pub(crate) async fn add_version(&self, code: i32) -> ClientVersionId {
        let (file, name) =
            (uuid::Uuid::from_u128(code.unsigned_abs().into()), format!("{}.{:02}", code / 100, code % 100));
        let client = self.world.client().await;
        client
            .execute(
                "INSERT INTO files (id, tenant_id, sha256, md5, size_bytes, file_name, object_path)
                 VALUES ($1, $2, lpad($3, 64, '0'), repeat('0', 32), 5, 'agent.apk', $3)",
                &[&file, &self.tenant.0, &code.to_string()],
            )
            .await
            .unwrap();
        let row = client
            .query_one(
                "INSERT INTO client_versions (tenant_id, group_id, file_id, package_name, app_name, version_code, version_name)
                 VALUES ($1, $2, $3, $4, 'agent.apk', $5, $6) RETURNING id",
                &[&self.tenant.0, &self.group, &file, &PACKAGE, &code, &name],
            )
            .await
            .unwrap();
        ClientVersionId(row.get(0))
    }

    /// Devices `<organisation>-1` and so on; Android, on the simulated channel.
    pub(crate) async fn enrol(&self, organisation: &str, count: i32) {
        let enrolled = self
            .world
            .client()
            .await
            .execute(
                "INSERT INTO devices (tenant_id, organisation_id, uuid, name, channel, os)
                 SELECT o.tenant_id, o.id, o.code || '-' || n, 'device ' || n, 'simulated', 51201
                 FROM organisations o, generate_series(1, $2) n WHERE o.code = $1",
                &[&organisation, &count],
            )
            .await
            .unwrap();
        assert_eq!(enrolled, u64::from(count.unsigned_abs()));
    }

    /// Who administers an organisation.
    pub(crate) async fn operator(&self, code: &str) -> Operator {
        let row = self
            .world
            .client()
            .await
            .query_one(
                "SELECT id, parent_id, path, created_at, name FROM organisations WHERE code = $1 AND tenant_id = $2",
                &[&code, &self.tenant.0],
            )
            .await
            .unwrap();
        let parent: Option<i64> = row.get("parent_id");
        let organisation = Organisation {
            id: OrganisationId(row.get("id")),
            tenant: self.tenant,
            parent: parent.map(OrganisationId),
            code: code.into(),
            name: row.get("name"),
            path: OrganisationPath::parse(row.get("path")).unwrap(),
            created_at: row.get("created_at"),
            updated_at: row.get("created_at"),
        };
        Operator {
            id: OperatorId(row.get("id")),
            tenant: self.tenant,
            tenant_name: "acme".into(),
            utc_offset_minutes: 480,
            login_id: code.into(),
            name: format!("Operator of {code}"),
            role: if parent.is_none() { Role::TenantAdmin } else { Role::OrgAdmin },
            runs_installation: false,
            organisation,
        }
    }

    pub(crate) async fn publish(&self, by: &str, to: &[&str]) -> JobId {
        let operator = self.operator(by).await;
        self.world.service.publish_version(&operator, self.version, request(to), trace()).await.unwrap()
    }

    pub(crate) async fn distribute(&self, by: &str, to: &str) -> JobId {
        let operator = self.operator(by).await;
        let made =
            self.world.service.distribute_version(&operator, self.version, request(&[to]), trace()).await.unwrap();
        assert_eq!(made.len(), 1);
        made[0]
    }

    /// Carries out every message in the outbox, as planner and dispatcher would, until there is none. Returns what devices got.
    pub(crate) async fn run(&self) -> Vec<Sent> {
        let (service, mut sent) = (&self.world.service, Vec::new());
        loop {
            let messages = self.world.take_outbox().await;
            if messages.is_empty() {
                return sent;
            }
            for (queue, body) in messages {
                if queue.starts_with("jobs.") {
                    let message = PlanJob::decode(&body, "").unwrap();
                    service.plan_job(JobId(message.job_id), 2).await.unwrap();
                    continue;
                }
                let message = DispatchCommands::decode(&body, "").unwrap();
                let chunk = service.load_dispatch(&message).await.unwrap().unwrap();
                let DispatchAction::Send { attempt } = message.action else { panic!("devices are told to stop") };
                let Some(artifact) = &chunk.artifact else { continue };
                let order = service.order(&chunk.job, artifact);
                for addressee in &chunk.addressees {
                    let command = CommandId { job: chunk.job.id, device: addressee.device }.to_i64();
                    let DeviceCommand::UpgradeClient { client, .. } = order.command(command, attempt, 60) else {
                        panic!("not a client upgrade")
                    };
                    assert_eq!(client.package_name, PACKAGE);
                    sent.push(Sent { uuid: addressee.uuid.clone(), command, attempt });
                }
                let devices: Vec<i64> = chunk.addressees.iter().map(|a| a.device.0).collect();
                assert_eq!(service.record_sent(&chunk.job, attempt, &devices).await.unwrap(), [0; 0]);
            }
        }
    }

    pub(crate) async fn say(&self, sent: &Sent, status: ReportStatus) -> Recorded {
        let report = report(&sent.uuid, sent.command, sent.attempt, status);
        self.world.service.record_reports(&[report]).await.unwrap()[0]
    }

    pub(crate) async fn states(&self, job: JobId) -> Vec<(String, i64)> {
        self.world.states(job).await
    }

    pub(crate) async fn job_state(&self, job: JobId) -> String {
        let client = self.world.client().await;
        client.query_one("SELECT state FROM jobs WHERE id = $1", &[&job.0]).await.unwrap().get(0)
    }

    pub(crate) async fn device(&self, uuid: &str) -> DeviceId {
        let client = self.world.client().await;
        DeviceId(client.query_one("SELECT id FROM devices WHERE uuid = $1", &[&uuid]).await.unwrap().get(0))
    }
}

pub(crate) fn trace() -> TraceContext {
    TRACE.parse().unwrap()
}

pub(crate) fn target(organisation: &str) -> Target {
    Target {
        organisation_code: organisation.into(),
        expires_at: None,
        start_at: None,
        retry_limit: Some(1),
        proof_required: false,
        os: None,
    }
}

pub(crate) fn request(to: &[&str]) -> PublishRequest {
    PublishRequest { force: true, distribute: false, targets: to.iter().map(|to| target(to)).collect() }
}

pub(crate) fn uuids(sent: &[Sent]) -> Vec<&str> {
    let mut uuids: Vec<&str> = sent.iter().map(|sent| sent.uuid.as_str()).collect();
    uuids.sort_unstable();
    uuids
}
