//! The audit is read from its end, a bounded number of entries at a time, whoever looks.

use drover_domain::{OrganisationPath, TenantId};
use drover_store::{
    audit,
    people::{reach::Reach, scope::Scope},
};

use crate::world::{self, ROUNDS, Statistics, sequential_scans};

const TABLES: [&str; 2] = ["audit_entries", "organisations"];
const PAGE: i64 = 50;

/// A tenant whose one branch does everything and whose other did one thing, long ago; and another tenant that did nothing.
fn fill() -> String {
    format!(
        "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme'), (2, 'other');
        INSERT INTO organisations (id, tenant_id, parent_id, code, name, path) OVERRIDING SYSTEM VALUE
            VALUES (1, 1, NULL, 'o', 'o', '/1/'), (2, 1, 1, 'busy', 'b', '/1/2/'), (3, 1, 1, 'quiet', 'q', '/1/3/'),
                (9, 2, NULL, 'o', 'o', '/9/');
        INSERT INTO audit_entries (tenant_id, organisation_id, actor, via, action, subject_kind, subject)
            VALUES (1, 3, 'q', 'api', 'job_paused', 'job', '1');
        INSERT INTO audit_entries (tenant_id, organisation_id, actor, via, action, subject_kind, subject)
            SELECT 1, 2, 'b', 'api', 'job_paused', 'job', '2' FROM generate_series(1, {}) AS n",
        2 * audit::WALK
    )
}

fn part(tenant: i64, path: &str) -> Reach {
    Reach::Part(Scope { tenant: TenantId(tenant), path: OrganisationPath::parse(path).unwrap() })
}

#[tokio::test]
async fn who_reaches_little_is_answered_as_soon_as_who_reaches_all() {
    for statistics in Statistics::ALL {
        let (store, _database) = world::filled(statistics, &TABLES, &fill()).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        let known = sequential_scans(&tx, &["audit_entries"]).await;
        for round in 0..ROUNDS {
            for reach in [Reach::Installation, part(1, "/1/"), part(1, "/1/2/")] {
                let (found, next) = audit::list(&tx, &reach, i64::MAX, PAGE).await.unwrap();
                assert_eq!((found.len(), found.last().map(|entry| entry.id)), (50, next));
                let (older, _) = audit::list(&tx, &reach, next.unwrap(), PAGE).await.unwrap();
                assert!(older.len() == 50 && older[0].id < found[49].id);
            }
            let (mut before, mut pages) = (i64::MAX, Vec::new());
            loop {
                let (found, next) = audit::list(&tx, &part(1, "/1/3/"), before, PAGE).await.unwrap();
                pages.push(found.iter().map(|entry| entry.actor.clone()).collect::<Vec<_>>());
                let Some(next) = next else { break };
                before = next;
            }
            assert_eq!(pages, [vec![], vec![], vec!["q".to_owned()]]);
            assert_eq!(audit::list(&tx, &part(2, "/9/"), i64::MAX, PAGE).await.unwrap(), (Vec::new(), None));
            let found = sequential_scans(&tx, &["audit_entries"]).await;
            assert_eq!(found, known, "round {round}, statistics {statistics:?}");
        }
    }
}
