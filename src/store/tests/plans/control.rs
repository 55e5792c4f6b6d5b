//! What is done to whole jobs walks their commands and what failed in them by index, chunk by chunk, and the audit is read from its
//! end.

use std::time::Duration;

use chrono::{DateTime, Utc};
use drover_domain::{CommandState, JobId, OrganisationPath, TenantId};
use drover_store::{
    Store, audit, commands, control,
    control::retries::{self, Retry},
    people::{reach::Reach, scope::Scope},
    timers,
};
use drover_testkit::TestDatabase;

use crate::world::{self, ROUNDS, Statistics, sequential_scans};

const DEVICES: i64 = 30_000;
const CHUNK: i64 = 500;
/// What is too large to be read whole.
const LARGE: [&str; 6] = ["commands", "outcomes", "devices", "timers", "audit_entries", "retries"];
/// The job that is walked; all its devices failed twice. Another has commands that wait.
const FAILED: JobId = JobId(2);
const WAITING: JobId = JobId(3);
/// And another has some that were planned before all of these were started.
const PLANNED: JobId = JobId(4);

async fn filled(statistics: Statistics) -> (Store, TestDatabase) {
    let fill = format!(
        "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme');
         INSERT INTO organisations (id, tenant_id, code, name, path) OVERRIDING SYSTEM VALUE VALUES (1, 1, 'root', 'r', '/1/');
         INSERT INTO devices (id, tenant_id, organisation_id, uuid, os) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1, 'd' || n, 51201 FROM generate_series(1, {DEVICES}) n;
         INSERT INTO packages (id, tenant_id, platform, name) OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, 'p');
         INSERT INTO applications (id, tenant_id, organisation_id, package_id, type, name) OVERRIDING SYSTEM VALUE
            VALUES (1, 1, 1, 1, 1, 'a');
         INSERT INTO jobs (id, tenant_id, organisation_id, kind, name, state, retry_limit, attempt_timeout_s, job_timeout_s,
            trace_context, started_at, expires_at, push_action, application_id, package_id) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1, 'push', 'j', 'running', 0, 1, 1, '', now() - make_interval(hours => n / 4), now() + interval '1 day', 'uninstall', 1, 1
            FROM generate_series(1, 4) n;
         INSERT INTO commands (job_id, device_id, state, prior_state, attempt, finished_at)
            SELECT j, n, CASE j WHEN 1 THEN 'succeeded' ELSE 'failed' END, 'sent', j, now()
            FROM generate_series(1, 2) j, generate_series(1, {DEVICES}) n;
         INSERT INTO commands (job_id, device_id, state, prior_state, deadline_at, updated_at)
            SELECT 3, n, 'queued', 'planned', now() + interval '1 h', now() - interval '1 h' FROM generate_series(1, {DEVICES}) n;
         INSERT INTO commands (job_id, device_id, state) SELECT 4, n, 'planned' FROM generate_series(1, {DEVICES}) n;
         INSERT INTO outcomes (job_id, device_id, attempt, outcome, code)
            SELECT 1, n, 1, 'succeeded', NULL FROM generate_series(1, {DEVICES}) n
            UNION ALL SELECT 2, n, a, 'failed', '7' FROM generate_series(1, {DEVICES}) n, generate_series(1, 2) a;
         INSERT INTO timers (job_id, first_device, last_device, fire_at)
            SELECT j, n, n + 9, now() + interval '1 h' FROM generate_series(1, 3) j, generate_series(1, {DEVICES}, 10) n;
         INSERT INTO audit_entries (tenant_id, organisation_id, actor, via, action, subject_kind, subject)
            SELECT 1, 1, 'a', 'api', 'job_paused', 'job', '1' FROM generate_series(1, {DEVICES});
         INSERT INTO retries (job_id, states, asked_by, finished_at)
            SELECT 1, '{{failed}}', 'a', now() FROM generate_series(1, {DEVICES})"
    );
    world::filled(statistics, &LARGE, &fill).await
}

#[tokio::test]
async fn no_step_of_control_reads_a_large_table_whole() {
    let root = OrganisationPath::parse("/1/").unwrap();
    let reaches = [Reach::Installation, Reach::Part(Scope { tenant: TenantId(1), path: root })];
    for statistics in Statistics::ALL {
        let (store, _database) = filled(statistics).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        let now: DateTime<Utc> = tx.query_one("SELECT now()", &[]).await.unwrap().get(0);
        let before = sequential_scans(&tx, &LARGE).await;
        for code in [None, Some("7".to_owned())] {
            let mut retry = Retry { id: 1, states: vec![CommandState::Failed], code, walked_to: 0 };
            for _ in 0..ROUNDS {
                let chunk = retries::chunk(&tx, FAILED, &retry, CHUNK).await.unwrap();
                // Each has failed twice, and has a command of a newer job in the same line that waits.
                assert_eq!((chunk.wanted.len(), chunk.busy), (0, CHUNK / 2), "{statistics:?}");
                retry.walked_to = chunk.walked_to.unwrap();
            }
            assert_eq!(retry.walked_to, ROUNDS * CHUNK / 2);
        }
        retries::insert(&tx, FAILED, &[CommandState::Failed], None, "a").await.unwrap();
        let mut after = 0;
        for _ in 0..ROUNDS {
            assert!(retries::open(&tx, FAILED).await.unwrap().is_some());
            retries::newest(&tx, FAILED).await.unwrap();
            let (first, last, count) = commands::chunk_after(&tx, WAITING, after, CHUNK).await.unwrap().unwrap();
            assert_eq!((first, last, count), (after + 1, after + CHUNK, CHUNK));
            timers::ring_between(&tx, WAITING, first, last).await.unwrap();
            let overtaken = commands::overtaken(&tx, PLANNED, (first, last)).await.unwrap();
            assert_eq!(overtaken.len(), 500, "all have something newer: {statistics:?}");
            commands::make_queued_due_before(&tx, WAITING, (first, last), now).await.unwrap();
            let due = commands::due(&tx, WAITING, &commands::Devices::Range(first, last)).await.unwrap();
            assert_eq!(due.len(), 500, "{statistics:?}");
            let ids: Vec<i64> = due.iter().map(|due| due.device).collect();
            commands::hold(&tx, WAITING, &ids, Duration::from_hours(1)).await.unwrap();
            after = last;
            for reach in &reaches {
                let (entries, _) = audit::list(&tx, reach, i64::MAX, 50).await.unwrap();
                assert_eq!(entries.len(), 50);
                assert!(control::find(&tx, reach, FAILED).await.unwrap().is_some());
            }
        }
        retries::close(&tx, FAILED).await.unwrap();
        assert_eq!(sequential_scans(&tx, &LARGE).await, before, "{statistics:?}");
    }
}
