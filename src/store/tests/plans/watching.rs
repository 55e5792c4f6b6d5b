//! What dashboards read every second keeps to indexes and limits, whatever the statistics say.

use drover_domain::JobId;
use drover_store::watching::live;

use crate::world::{self, ROUNDS, Statistics, sequential_scans};

const TABLES: [&str; 7] =
    ["jobs", "job_tallies", "dead_letters", "failure_tallies", "job_samples", "pace_samples", "outbox"];

/// Thirty thousand jobs, of which some run; letters, samples and messages in plenty.
const FILL: &str = "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme');
    INSERT INTO products (id, tenant_id, name, protocol, master_key_sha256) OVERRIDING SYSTEM VALUE
        VALUES (1, 1, 'p', 'mqtt', '');
    INSERT INTO firmwares (id, tenant_id, product_id, name, version, file_name, object_path, size_bytes, sha256, md5)
        OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, 'f', '1', 'f', 'f', 1, repeat('0', 64), repeat('0', 32));
    INSERT INTO jobs (id, tenant_id, product_id, firmware_id, kind, name, state, retry_limit, attempt_timeout_s,
            job_timeout_s, trace_context, started_at, expires_at, finished_at) OVERRIDING SYSTEM VALUE
        SELECT n, 1, 1, 1, 'firmware', 'j', CASE WHEN n % 300 = 0 THEN 'running' WHEN n % 300 = 1 THEN 'paused'
                ELSE 'completed' END, 0, 60, 60, 't', now() - interval '1 day', now(),
            CASE WHEN n % 300 > 1 THEN now() - n * interval '1 second' END FROM generate_series(1, 30000) AS n;
    INSERT INTO job_tallies SELECT n, s, state, 5 FROM generate_series(1, 5000) AS n, generate_series(1, 4) AS s,
        unnest(ARRAY['queued', 'succeeded']) AS state;
    INSERT INTO failure_tallies SELECT n, s, 'failed', 'E' || c, 1, 1 FROM generate_series(1, 1000) AS n,
        generate_series(1, 4) AS s, generate_series(1, 5) AS c;
    INSERT INTO job_samples SELECT n, now() - s * interval '1 minute', 1, 1, 1, 1, 1 FROM generate_series(1, 300) AS n,
        generate_series(1, 100) AS s;
    INSERT INTO pace_samples SELECT t, now() - s * interval '1 minute', 1, 1, 1 FROM generate_series(1, 20) AS t,
        generate_series(1, 1440) AS s;
    INSERT INTO queues (name) SELECT 'q' || n FROM generate_series(1, 12) AS n;
    INSERT INTO dead_letters (queue, message_id, body, reason, broker_attempt, trace_context)
        SELECT 'q' || n % 10, gen_random_uuid(), '', 'r', 1, 't' FROM generate_series(1, 30000) AS n;
    INSERT INTO outbox (message_id, queue, body, trace_context)
        SELECT gen_random_uuid(), 'q', '', 't' FROM generate_series(1, 30000) AS n;";

#[tokio::test]
async fn what_dashboards_read_every_second_reads_no_large_table_whole() {
    for statistics in Statistics::ALL {
        let (store, _database) = world::filled(statistics, &TABLES, FILL).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        let before = sequential_scans(&tx, &TABLES).await;
        for round in 1..=ROUNDS {
            let watched: Vec<i64> = (1..=100).map(|n| n + round).collect();
            let (_, jobs) = live::jobs(&tx, &watched).await.unwrap();
            assert!((200 + 95..=200 + 160).contains(&jobs.len()), "{}", jobs.len());
            let counted = jobs.iter().find(|job| job.id == JobId(300)).unwrap();
            assert_eq!((counted.counts.total(), counted.counts.succeeded()), (40, 20));
            let dead: i64 = live::queues(&tx).await.unwrap().iter().map(|queue| queue.dead).sum();
            assert_eq!(dead, 27_000, "of nine queues that there are");
            live::workers(&tx).await.unwrap();
            assert_eq!(live::outbox(&tx).await.unwrap().0, 10_000, "nobody counts further");
            assert_eq!(drover_store::failures::of_jobs(&tx, &watched, 20).await.unwrap().len(), 100);
            assert_eq!(drover_store::samples::of_jobs(&tx, &watched).await.unwrap().len(), 100);
            let pace = live::pace(&tx).await.unwrap();
            assert!(pace.len() == 20 && pace.values().all(|paces| (58..=60).contains(&paces.len())));
            assert_eq!(sequential_scans(&tx, &TABLES).await, before, "round {round}, statistics {statistics:?}");
        }
    }
}
