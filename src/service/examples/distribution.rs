//! How long a call to distribute takes for organisations of different sizes, how fast devices are planned afterwards, and how
//! long a page of the upgrade log takes then:
//! `cargo run --release -p drover-service --example distribution`. Prints one line of JSON a size.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use drover_domain::{ClientVersionId, JobId};
use drover_messages::TraceContext;
use drover_service::{
    Clock, Entropy, FileStore, LogPage, Page, Planning, PublishRequest, SecretKey, Service, ServiceOptions, Target,
    UpgradeKey,
};
use drover_store::{Store, StoreOptions, TlsMode, migrate};
use drover_testkit::TestPostgres;

/// Calls timed of each size; the median is printed.
const CALLS: usize = 21;

struct Machine;

impl Clock for Machine {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

impl Entropy for Machine {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// A tenant whose organisations `o10`, `o1000` and so on have so many devices, and a version for them.
const FLEET: &str = "
    INSERT INTO organisations (id, tenant_id, parent_id, code, name, path) OVERRIDING SYSTEM VALUE
    SELECT 9000 + n, tenant_id, id, 'o' || size, 'o', path || (9000 + n) || '/' FROM organisations,
        unnest(ARRAY[10, 1000, 100000]) WITH ORDINALITY given (size, n);
    INSERT INTO devices (tenant_id, organisation_id, uuid, channel, os)
    SELECT tenant_id, id, code || '-' || n, 'simulated', 51201 FROM organisations,
        generate_series(1, substr(code, 2)::int) n WHERE code LIKE 'o_0%';
    INSERT INTO files (id, tenant_id, sha256, md5, size_bytes, file_name, object_path)
    SELECT gen_random_uuid(), id, repeat('0', 64), repeat('0', 32), 5, 'a.apk', 'a' FROM tenants;
    INSERT INTO client_groups (tenant_id, organisation_id, name, group_code, terminal_class, os, download_key)
    SELECT tenant_id, id, 'a', 'a', '0', 51201, 'k' FROM organisations WHERE parent_id IS NULL;
    INSERT INTO client_versions (tenant_id, group_id, file_id, package_name, app_name, version_code, version_name)
    SELECT g.tenant_id, g.id, f.id, 'p', 'a.apk', 1, '1' FROM client_groups g, files f;
    ANALYZE;";

#[tokio::main]
async fn main() {
    let server = TestPostgres::durable().await;
    let database = server.create_database().await;
    let options = StoreOptions {
        url: database.url.clone(),
        pool_size: 4,
        wait_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_mins(1),
        tls: TlsMode::Disable,
    };
    let store = Store::new(&options).unwrap();
    migrate::run(&store).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key = SecretKey::parse(&SecretKey::generate(&Machine)).unwrap();
    let files = FileStore::folder(folder.path()).unwrap();
    let service =
        Service::new(store.clone(), files, key, Arc::new(Machine), Arc::new(Machine), ServiceOptions::default());
    service.add_tenant("acme").await.unwrap();
    let client = store.client().await.unwrap();
    client.batch_execute(FLEET).await.unwrap();
    client
        .execute(
            "INSERT INTO operators (tenant_id, organisation_id, login_id, name, role, password_hash)
             SELECT tenant_id, id, 'a', 'a', 'tenant_admin', '$argon2id$' FROM organisations WHERE parent_id IS NULL",
            &[],
        )
        .await
        .unwrap();
    let version = ClientVersionId(client.query_one("SELECT id FROM client_versions", &[]).await.unwrap().get(0));
    let mut operator = service.owner_of("acme").await.unwrap();
    operator.id = drover_domain::OperatorId(client.query_one("SELECT id FROM operators", &[]).await.unwrap().get(0));
    let trace = TraceContext::root(1, 1);
    service.publish_version(&operator, version, wish("root"), trace).await.unwrap();
    for size in [10, 1000, 100_000] {
        let mut calls = Vec::with_capacity(CALLS);
        let mut last = JobId(0);
        for _ in 0..CALLS {
            let start = Instant::now();
            last = service.distribute_version(&operator, version, wish(&format!("o{size}")), trace).await.unwrap()[0];
            calls.push(start.elapsed());
        }
        calls.sort_unstable();
        let start = Instant::now();
        while service.plan_job(last, 10).await.unwrap() == Planning::Continued {}
        let planned = start.elapsed();
        let per_s = f64::from(size) / planned.as_secs_f64();
        let page = LogPage {
            key: UpgradeKey::Updated,
            descending: true,
            page: Some(Page { number: 1, size: 10 }),
            search: "",
        };
        let start = Instant::now();
        let shown = service.upgrade_logs(&operator, version, &page).await.unwrap();
        let (log, rows) = (millis(start.elapsed()), shown.total);
        let distribute = millis(calls[CALLS / 2]);
        println!(
            "{{\"devices\": {size}, \"distribute_ms\": {distribute:.2}, \"planned_per_s\": {per_s:.0}, \
              \"upgrade_log_ms\": {log:.1}, \"upgrade_log_rows\": {rows}}}"
        );
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn wish(organisation: &str) -> PublishRequest {
    let target = Target {
        organisation_code: organisation.into(),
        expires_at: None,
        start_at: None,
        retry_limit: None,
        proof_required: false,
        os: None,
    };
    PublishRequest { force: false, distribute: false, targets: vec![target] }
}
