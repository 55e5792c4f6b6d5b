//! A tenant that publishes client programs too, and what its devices are told.

use std::{collections::BTreeMap, ops::Deref};

use chrono::{DateTime, Utc};
use drover_domain::{ClientVersionId, JobId};
use drover_service::{Caller, PublishRequest, ServiceError, Software, SoftwareCheck, Target};
use futures_util::future::join_all;
use uuid::Uuid;

use crate::scene::{ROOT, Scene, trace};

/// The package of the programs.
pub(crate) const AGENT: &str = "com.acme.agent";

pub(crate) struct Town(pub(crate) Scene);

impl Deref for Town {
    type Target = Scene;
    fn deref(&self) -> &Scene {
        &self.0
    }
}

impl Town {
    /// Organisations: root above east and west, each with a device of its name that is nobody's.
    pub(crate) async fn new() -> Self {
        let town = Self(Scene::new().await);
        for organisation in ["root", "east", "west"] {
            let sql = "INSERT INTO devices (tenant_id, organisation_id, uuid, channel, os)
                SELECT tenant_id, id, code, 'simulated', 51201 FROM organisations WHERE code = $1";
            assert_eq!(town.execute(sql, &[&organisation]).await, 1);
        }
        town
    }

    pub(crate) fn caller(&self) -> Caller {
        self.world.caller.clone()
    }

    /// A client program of the root for Android, with its labels.
    pub(crate) async fn program(&self, code: &str, labels: &str) -> i64 {
        let sql =
            "INSERT INTO client_groups (tenant_id, organisation_id, name, group_code, terminal_class, os, ui_family,
                download_key) VALUES ($1, 901, 'Program ' || $2, $2, '0', 51201, $3, $2) RETURNING id";
        self.id(sql, &[&self.tenant.0, &code, &labels]).await
    }

    /// A version of a program.
    pub(crate) async fn version(&self, program: i64, code: i32) -> ClientVersionId {
        let (file, path) = (
            Uuid::from_u128((u128::from(program.unsigned_abs()) << 32) + u128::from(code.unsigned_abs())),
            format!("{program}/{code}"),
        );
        let sql = "WITH f AS (INSERT INTO files (id, tenant_id, sha256, md5, size_bytes, file_name, object_path)
                VALUES ($1, $2, md5($6) || md5($6), md5($6), 7, 'agent.apk', $6) RETURNING id)
            INSERT INTO client_versions (tenant_id, group_id, file_id, package_name, app_name, version_code, version_name, update_info)
            SELECT $2, $3, id, $4, 'agent.apk', $5::integer, '1.' || $5::integer, 'news of ' || $5::integer FROM f RETURNING id";
        ClientVersionId(self.id(sql, &[&file, &self.tenant.0, &program, &AGENT, &code, &path]).await)
    }

    pub(crate) async fn publish(&self, version: ClientVersionId, to: &[&str]) -> JobId {
        let operator = self.operator(ROOT).await;
        self.world.service.publish_version(&operator, version, request(to, None), trace()).await.unwrap()
    }

    pub(crate) async fn distribute(
        &self,
        version: ClientVersionId,
        to: &str,
        start_at: Option<DateTime<Utc>>,
    ) -> JobId {
        let operator = self.operator(ROOT).await;
        let request = request(&[to], start_at);
        self.world.service.distribute_version(&operator, version, request, trace()).await.unwrap()[0]
    }

    /// Asks; the device has what is given.
    pub(crate) async fn try_check(&self, check: &SoftwareCheck) -> Result<Vec<Software>, ServiceError> {
        self.world.service.check_software(&self.caller(), check).await
    }

    pub(crate) async fn check(&self, device: &str, installed: &[(&str, i64)]) -> Vec<Software> {
        self.try_check(&asking(device, installed)).await.unwrap()
    }

    /// Packages and versions that a device which has nothing is offered.
    pub(crate) async fn offered(&self, device: &str) -> Vec<(String, i64)> {
        named(&self.check(device, &[]).await)
    }

    /// The tenant's revision.
    pub(crate) async fn revision(&self) -> i64 {
        self.id("SELECT COALESCE(max(revision), 0) FROM catalogue_revisions WHERE tenant_id = $1", &[&self.tenant.0])
            .await
    }

    /// From now on a deadlock is not resolved, so that whoever is in one fails.
    pub(crate) async fn leave_deadlocks(&self) {
        for connection in join_all((0..8).map(|_| self.world.client())).await {
            connection.batch_execute("SET deadlock_timeout = '1h'; SET statement_timeout = '5s'").await.unwrap();
        }
    }
}

/// A device that asks, with nothing special about it.
pub(crate) fn asking(device: &str, installed: &[(&str, i64)]) -> SoftwareCheck {
    SoftwareCheck {
        device: device.into(),
        device_type: None,
        os: None,
        labels: Vec::new(),
        organisation: None,
        installed: installed.iter().map(|(package, code)| ((*package).to_owned(), *code)).collect::<BTreeMap<_, _>>(),
        said_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
    }
}

/// Packages and versions.
pub(crate) fn named(software: &[Software]) -> Vec<(String, i64)> {
    software.iter().map(|software| (software.package.clone(), software.version_code)).collect()
}

pub(crate) fn agent(code: i64) -> Vec<(String, i64)> {
    vec![(AGENT.to_owned(), code)]
}

fn request(to: &[&str], start_at: Option<DateTime<Utc>>) -> PublishRequest {
    let target = |code: &&str| Target {
        organisation_code: (*code).to_owned(),
        expires_at: None,
        start_at,
        retry_limit: Some(1),
        proof_required: false,
        os: None,
    };
    PublishRequest { force: true, distribute: false, targets: to.iter().map(target).collect() }
}
