//! What shows applications keeps to the indexes of what hangs on them, whatever the statistics say.

use std::time::Duration;

use drover_domain::{ApplicationId, CategoryId, OperatorId, OrganisationPath, Platform, TenantId};
use drover_store::{
    Store, Window,
    applications::{self, ApplicationFilter, categories, policies, uploads},
};
use drover_testkit::TestDatabase;
use uuid::Uuid;

use crate::world::{self, ROUNDS, Statistics, sequential_scans};

const ROWS: i64 = 20_000;
const TABLES: [&str; 5] = ["app_releases", "app_tallies", "app_category_members", "assignments", "app_uploads"];

/// Applications, each of a package of its own, with a release, a tally, a category, an assignment and an upload.
async fn filled(statistics: Statistics) -> (Store, TestDatabase) {
    let fill = format!(
        "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme');
        INSERT INTO organisations (id, tenant_id, code, name, path) OVERRIDING SYSTEM VALUE VALUES (1, 1, 'r', 'r', '/1/');
        INSERT INTO operators (id, tenant_id, organisation_id, login_id, name, role, password_hash) OVERRIDING SYSTEM VALUE
            VALUES (1, 1, 1, 'admin', 'admin', 'tenant_admin', '$argon2id$');
        INSERT INTO files (id, tenant_id, sha256, md5, size_bytes, file_name, object_path)
            VALUES (lpad('1', 32, '0')::uuid, 1, repeat('a', 64), repeat('a', 32), 1, 'f', 'files/1/1');
        INSERT INTO packages (id, tenant_id, platform, name) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1, 'p' || n FROM generate_series(1, {ROWS}) AS n;
        INSERT INTO applications (id, tenant_id, organisation_id, package_id, type, name) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1, n, 1, 'app ' || n FROM generate_series(1, {ROWS}) AS n;
        INSERT INTO app_releases (id, application_id, file_id) OVERRIDING SYSTEM VALUE
            SELECT n, n, lpad('1', 32, '0')::uuid FROM generate_series(1, {ROWS}) AS n;
        UPDATE applications SET release_id = id;
        INSERT INTO app_tallies (application_id, shard, pushed) SELECT n, 1, 1 FROM generate_series(1, {ROWS}) AS n;
        INSERT INTO app_categories (id, tenant_id, organisation_id, name) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1, 'c' || n FROM generate_series(1, 100) AS n;
        INSERT INTO app_category_members (category_id, application_id)
            SELECT 1 + n % 100, n FROM generate_series(1, {ROWS}) AS n;
        INSERT INTO app_policies (id, tenant_id, organisation_id, name, domain_type) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1, 'p' || n, 0 FROM generate_series(1, 100) AS n;
        INSERT INTO assignments (tenant_id, application_id, organisation_id, operator_id, is_required, relationships,
                policy_id, start_at, ended_at)
            SELECT 1, n, 1, 1, true, '{{1}}', 1 + n % 100, now() + interval '1 hour', now()
            FROM generate_series(1, {ROWS}) AS n;
        INSERT INTO app_uploads (id, tenant_id, organisation_id, operator_id, file_id, facts)
            SELECT gen_random_uuid(), 1, 1, 1, lpad('1', 32, '0')::uuid, '{{}}' FROM generate_series(1, {ROWS}) AS n"
    );
    let tables: Vec<&str> = TABLES.into_iter().chain(["applications", "packages"]).collect();
    world::filled(statistics, &tables, &fill).await
}

#[tokio::test]
async fn nothing_that_is_shown_or_locked_reads_a_whole_table() {
    for statistics in Statistics::ALL {
        let (store, _database) = filled(statistics).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        // Those of the filling may not have been accounted for yet.
        let before = sequential_scans(&tx, &TABLES).await;
        let (tenant, path) = (TenantId(1), OrganisationPath::parse("/1/").unwrap());
        for round in 1..=ROUNDS {
            let (id, category) = (ApplicationId(round * 1000), CategoryId(round));
            assert!(applications::get(&tx, tenant, &path, id).await.unwrap().is_some());
            assert!(applications::lock(&tx, tenant, id).await.unwrap().is_some());
            let package = format!("p{}", id.0);
            assert_eq!(applications::of_package(&tx, tenant, Platform::Android, &package).await.unwrap().len(), 1);
            let window = Window::new(u32::try_from(round * 10).unwrap(), 50).unwrap();
            for filter in [
                ApplicationFilter::default(),
                ApplicationFilter { search: Some("app 1".into()), ..ApplicationFilter::default() },
                ApplicationFilter { platform: Some(Platform::Android), ..ApplicationFilter::default() },
            ] {
                let found = applications::page(&tx, tenant, &path, &filter, window).await.unwrap();
                assert_eq!(found.items.len(), 50);
            }
            let listed = categories::page(&tx, tenant, &path, None, Window::new(0, 50).unwrap()).await.unwrap();
            assert_eq!(listed.items[0].applications.len(), 200);
            assert_eq!(categories::first_in_use(&tx, &[category]).await.unwrap(), Some(category));
            applications::link_categories(&tx, id, &[category]).await.unwrap();
            let day = Duration::from_hours(24);
            assert!(uploads::take(&tx, tenant, OperatorId(1), Uuid::nil(), day).await.unwrap().is_none());
            assert!(!uploads::forget_old(&tx, day).await.unwrap());
            assert!(policies::delete(&tx, drover_domain::PolicyId(round)).await.unwrap());
            assert_eq!(sequential_scans(&tx, &TABLES).await, before, "round {round}, statistics {statistics:?}");
        }
    }
}
