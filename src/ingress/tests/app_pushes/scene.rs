//! Applications of acme to push, and policies to push them with.

use drover_domain::JobId;
use serde_json::{Value, json};
use tokio_postgres::types::ToSql;

use crate::world::World;

impl World {
    pub(crate) async fn one(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> i64 {
        self.client().await.query_one(sql, parameters).await.unwrap().get(0)
    }

    /// An application of acme's root: 1 for Android, 2 for iOS; a normal one is of domain type 0.
    pub(crate) async fn application(&self, package: &str, platform: i16, domain_type: i16) -> i64 {
        let sql = "WITH o AS (SELECT id FROM organisations WHERE tenant_id = $1 AND parent_id IS NULL),
            p AS (INSERT INTO packages (tenant_id, platform, name) VALUES ($1, $3, $2) RETURNING id)
            INSERT INTO applications (tenant_id, organisation_id, package_id, type, domain_type, name)
            SELECT $1, o.id, p.id, 1, $4, '应用 ' || $2 FROM o, p RETURNING id";
        let id = self.one(sql, &[&self.admin.operator.tenant.0, &package, &platform, &domain_type]).await;
        let release = "WITH r AS (INSERT INTO app_releases (application_id, version_name, source_url)
                VALUES ($1, '1.0', 'https://itunes.apple.com/app/id5') RETURNING id)
            UPDATE applications SET release_id = r.id, itunes_store_id = 5 FROM r WHERE applications.id = $1 RETURNING r.id";
        self.one(release, &[&id]).await;
        id
    }

    pub(crate) async fn policy(&self, domain_type: i16, is_enabled: bool) -> i64 {
        let sql = "INSERT INTO app_policies (tenant_id, organisation_id, name, domain_type, is_enabled)
            SELECT tenant_id, id, gen_random_uuid()::text, $2, $3 FROM organisations
            WHERE tenant_id = $1 AND parent_id IS NULL RETURNING id";
        self.one(sql, &[&self.admin.operator.tenant.0, &domain_type, &is_enabled]).await
    }

    /// The user of a new Android device in `north`.
    pub(crate) async fn holder(&self, uuid: &str) -> i64 {
        let device = self.device(uuid, "north").await;
        self.one("SELECT user_id FROM devices WHERE id = $1", &[&device]).await
    }

    /// A group or a label of `north` with these users.
    pub(crate) async fn set(&self, table: &str, members: &[i64]) -> i64 {
        let (set, of) =
            if table == "labels" { ("label_id", "label_members") } else { ("group_id", "user_group_members") };
        let sql = format!(
            "WITH s AS (INSERT INTO {table} (tenant_id, organisation_id, name)
                SELECT tenant_id, id, gen_random_uuid()::text FROM organisations WHERE tenant_id = $1 AND code = 'north'
                RETURNING id),
             m AS (INSERT INTO {of} ({set}, user_id) SELECT id, unnest($2::bigint[]) FROM s) SELECT id FROM s"
        );
        self.one(&sql, &[&self.admin.operator.tenant.0, &members]).await
    }

    /// Plans every push there is, and returns the newest of them with the uuids of its devices.
    pub(crate) async fn planned(&self) -> (String, Vec<String>) {
        let client = self.client().await;
        for row in client.query("SELECT id FROM jobs WHERE kind = 'push' ORDER BY id", &[]).await.unwrap() {
            self.service.plan_job(JobId(row.get(0)), 100).await.unwrap();
        }
        let sql = "SELECT push_action, ARRAY(SELECT uuid FROM commands JOIN devices d ON d.id = device_id
            WHERE job_id = j.id ORDER BY uuid) FROM jobs j WHERE kind = 'push' ORDER BY id DESC LIMIT 1";
        let row = client.query_one(sql, &[]).await.unwrap();
        (row.get(0), row.get(1))
    }

    /// What is written with a push.
    pub(crate) async fn written(&self) -> i64 {
        let sql =
            "SELECT (SELECT count(*) FROM assignments) + (SELECT count(*) FROM jobs) + (SELECT count(*) FROM outbox)
            + (SELECT count(*) FROM applications WHERE removing_at IS NOT NULL)";
        self.one(sql, &[]).await
    }
}

/// A push at once to `targets`, with the fields that must be there.
pub(crate) fn push(targets: &Value, more: &Value) -> Value {
    let mut body = json!({"distributeType": "1", "distributeMode": "0", "deviceRelationship": "1,2,3"});
    for fields in [targets, more] {
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    }
    body
}
