//! What operators read of jobs keeps to the indexes of large tables, whatever the statistics say.

use std::collections::BTreeMap;

use drover_domain::{CommandState, JobId, JobKind, JobState, OrganisationPath, Outcome, TenantId};
use drover_store::{
    Store, failures,
    people::{reach::Reach, scope::Scope},
    samples,
    tallies::Tally,
    watching::{
        commands::{self, CommandSearch},
        job,
        jobs::{self, JobSearch},
    },
};
use drover_testkit::TestDatabase;

use crate::world::{self, ROUNDS, Statistics, sequential_scans};

const ROWS: i64 = 30_000;
const JOBS: i64 = 5_000;
const PAGE: i64 = 50;
const TABLES: [&str; 9] = [
    "jobs",
    "devices",
    "commands",
    "outcomes",
    "job_tallies",
    "failure_tallies",
    "job_samples",
    "pace_samples",
    "audiences",
];

/// Two tenants with as many jobs each, nearly all of them ended; and one large one with a command for each device, of which
/// every tenth failed.
async fn filled(statistics: Statistics) -> (Store, TestDatabase) {
    let fill = format!(
        "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme'), (2, 'other');
        INSERT INTO organisations (id, tenant_id, code, name, path) OVERRIDING SYSTEM VALUE
            VALUES (1, 1, 'o', 'o', '/1/'), (2, 2, 'o', 'o', '/2/');
        INSERT INTO products (id, tenant_id, name, protocol, master_key_sha256) OVERRIDING SYSTEM VALUE
            SELECT n, 2 - n % 2, 'p' || n, 'mqtt', ''::bytea FROM generate_series(1, 20) AS n;
        INSERT INTO firmwares (id, tenant_id, product_id, name, version, file_name, object_path, size_bytes, sha256, md5)
            OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, 'f', '1', 'f', 'p', 1, repeat('0', 64), repeat('0', 32));
        INSERT INTO jobs (id, tenant_id, product_id, firmware_id, kind, name, state, retry_limit, attempt_timeout_s,
            job_timeout_s, trace_context, started_at, expires_at, finished_at) OVERRIDING SYSTEM VALUE
            SELECT n, 2 - n % 2, 1, 1, 'firmware', 'job ' || n, CASE WHEN n % 500 = 1 THEN 'running' ELSE 'completed' END, 0, 1, 1,
                '', now() - interval '2 h', now(), CASE WHEN n % 500 <> 1 THEN now() - make_interval(secs => 20 + {JOBS} - n) END
            FROM generate_series(1, {JOBS}) AS n;
        INSERT INTO audiences (job_id, kind) SELECT n, 'product' FROM generate_series(1, {JOBS}) AS n;
        INSERT INTO devices (id, tenant_id, product_id, uuid, sn, imei) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1 + 2 * (n % 10), 'd' || n, 's' || n, CASE WHEN n % 2 = 0 THEN 'i' || n ELSE '' END
            FROM generate_series(1, {ROWS}) AS n;
        INSERT INTO commands (job_id, device_id, state, prior_state, finished_at)
            SELECT j, n, CASE WHEN n % 10 = 0 THEN 'failed' ELSE 'succeeded' END, 'sent', now()
            FROM generate_series(1, {ROWS}) AS n, generate_series(1, 2) AS j;
        INSERT INTO outcomes (job_id, device_id, attempt, outcome, code)
            SELECT j, n, 1, CASE WHEN n % 10 = 0 THEN 'failed' ELSE 'succeeded' END, 'E' || n % 100
            FROM generate_series(1, {ROWS}) AS n, generate_series(1, 2) AS j;
        INSERT INTO job_tallies (job_id, shard, state, count)
            SELECT n, s, 'succeeded', 1 FROM generate_series(1, {JOBS}) AS n, generate_series(0, 3) AS s;
        INSERT INTO failure_tallies (job_id, shard, outcome, code, attempt, count)
            SELECT n, s, 'failed', 'E1', 1, 1 FROM generate_series(1, {JOBS}) AS n, generate_series(0, 3) AS s;
        INSERT INTO job_samples (job_id, sampled_at, planned, queued, under_way, succeeded, failed)
            SELECT n, now() - make_interval(secs => 10 * s), 0, 0, 0, 0, 0 FROM generate_series(1, {JOBS}) AS n, generate_series(1, 5) AS s;
        INSERT INTO pace_samples (tenant_id, sampled_at, sent_per_s, finished_per_s, open)
            SELECT 1, now() - make_interval(secs => 5 * n), 1, 1, 1 FROM generate_series(1, {ROWS}) AS n"
    );
    world::filled(statistics, &TABLES, &fill).await
}

fn part(tenant: i64) -> Reach {
    let path = OrganisationPath::parse(&format!("/{tenant}/")).unwrap();
    Reach::Part(Scope { tenant: TenantId(tenant), path })
}

#[tokio::test]
async fn no_page_reads_a_whole_table() {
    for statistics in Statistics::ALL {
        let (store, _database) = filled(statistics).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        let known = sequential_scans(&tx, &TABLES).await;
        for round in 0..ROUNDS {
            read_jobs(&tx, JOBS - round * PAGE).await;
            read_commands(&tx, round * PAGE).await;
            let ids: Vec<i64> = (1 + round..=20 + round).collect();
            assert_eq!(samples::of_jobs(&tx, &ids).await.unwrap().len(), 20);
            assert_eq!(failures::of_jobs(&tx, &ids, 20).await.unwrap().len(), 20);
            let found = sequential_scans(&tx, &TABLES).await;
            assert_eq!(found, known, "round {round}, statistics {statistics:?}");
        }
    }
}

async fn read_jobs(tx: &drover_store::Tx<'_>, before: i64) {
    let all = JobSearch::default();
    let searches = [
        all.clone(),
        JobSearch { kind: Some(JobKind::Firmware), ..all.clone() },
        JobSearch { state: Some(JobState::Running), ..all.clone() },
        JobSearch { state: Some(JobState::Completed), ..all.clone() },
        JobSearch { tenant: Some(TenantId(2)), ..all.clone() },
        JobSearch { text: Some("nothing".into()), ..all },
    ];
    for reach in [Reach::Installation, part(1)] {
        for search in &searches {
            let (found, _) = jobs::page(tx, &reach, search, before, PAGE).await.unwrap();
            assert!(found.iter().all(|job| reach.has(job.tenant, None)));
        }
        let summary = jobs::get(tx, &reach, JobId(1)).await.unwrap().unwrap();
        job::more(tx, &summary).await.unwrap().unwrap();
        assert_eq!(job::audiences(tx, JobId(1), 20).await.unwrap().len(), 1);
        job::retries(tx, JobId(1), 20).await.unwrap();
    }
}

async fn read_commands(tx: &drover_store::Tx<'_>, after: i64) {
    let job = JobId(1);
    let any = CommandSearch::default();
    let searches = [
        any.clone(),
        CommandSearch { states: vec![CommandState::Succeeded], ..any.clone() },
        CommandSearch { states: vec![CommandState::Failed], ..any.clone() },
        CommandSearch { outcome: Some(Outcome::Failed), code: Some("E10".into()), ..any.clone() },
        // Nothing is found: the walk goes on to its end.
        CommandSearch { states: vec![CommandState::Queued], ..any.clone() },
        CommandSearch { code: Some("nothing".into()), ..any },
    ];
    for search in &searches {
        commands::page(tx, job, search, after, PAGE).await.unwrap();
        let (found, next) = commands::of_prefix(tx, (job, TenantId(1)), search, "d12", (None, PAGE)).await.unwrap();
        assert!(found.iter().all(|command| command.uuid.starts_with("d12")));
        if let Some(next) = next {
            let next = commands::uuid_of(tx, TenantId(1), next).await.unwrap().unwrap();
            commands::of_prefix(tx, (job, TenantId(1)), search, "d12", (Some(&next), PAGE)).await.unwrap();
        }
    }
    let text = (1 + after).to_string();
    let (by_sn, by_imei) = (format!("s{text}"), format!("i{}", 2 * (1 + after)));
    for called in [by_sn, by_imei] {
        assert_eq!(commands::of_namesakes(tx, (job, TenantId(1)), &searches[0], &called).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn nothing_that_is_kept_reads_a_whole_table() {
    for statistics in Statistics::ALL {
        let (store, _database) = filled(statistics).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        let known = sequential_scans(&tx, &TABLES).await;
        for round in 0..ROUNDS {
            samples::take(&tx, 100).await.unwrap();
            let (_, readings) = samples::readings(&tx, 100).await.unwrap();
            assert!(!readings.is_empty() && readings.len() < 200);
            assert!(samples::is_pace_known(&tx, std::time::Duration::from_mins(1)).await.unwrap());
            samples::forget_pace(&tx, std::time::Duration::from_hours(1), 100).await.unwrap();
            let mut tally = Tally::default();
            for device in 0..300 {
                let code = format!("E{}", device % 7);
                tally.note_failure(JobId(1 + device % 3), Outcome::Failed, Some(&code), 1);
            }
            tally.write(&tx, i16::try_from(round).unwrap() % 4).await.unwrap();
            let found = sequential_scans(&tx, &TABLES).await;
            assert_eq!(found, known, "round {round}, statistics {statistics:?}");
        }
    }
}

/// A search that finds nothing ends each page after a bounded number of rows, and the last page at the end.
#[tokio::test]
async fn a_walk_without_a_find_says_where_it_ended() {
    let (store, _database) = world::store().await;
    let client = store.client().await.unwrap();
    let more = commands::WALK + 10;
    client
        .batch_execute(&format!(
            "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme');
            INSERT INTO organisations (id, tenant_id, code, name, path) OVERRIDING SYSTEM VALUE VALUES (1, 1, 'o', 'o', '/1/');
            INSERT INTO devices (id, tenant_id, organisation_id, uuid) OVERRIDING SYSTEM VALUE
                SELECT n, 1, 1, 'd' || lpad(n::text, 6, '0') FROM generate_series(1, {more}) AS n;
            INSERT INTO commands (job_id, device_id, state, prior_state, finished_at)
                SELECT 1, n, CASE WHEN n = {more} THEN 'failed' ELSE 'succeeded' END, 'sent', now() FROM generate_series(1, {more}) AS n;
            INSERT INTO outcomes (job_id, device_id, attempt, outcome, code)
                SELECT 1, n, 1, 'failed', CASE WHEN n = {more} THEN 'rare' ELSE 'often' END FROM generate_series(1, {more}) AS n"
        ))
        .await
        .unwrap();
    let failed = |code: Option<&str>, states: &[CommandState]| CommandSearch {
        code: code.map(str::to_owned),
        states: states.to_vec(),
        ..CommandSearch::default()
    };
    let mut pages = BTreeMap::new();
    for (name, search) in
        [("state", failed(None, &[CommandState::Failed, CommandState::Queued])), ("code", failed(Some("rare"), &[]))]
    {
        let (mut after, mut steps) = (0, Vec::new());
        loop {
            let (found, next) = commands::page(&client, JobId(1), &search, after, PAGE).await.unwrap();
            steps.push(found.len());
            let Some(next) = next else { break };
            assert!(next > after);
            after = next;
        }
        pages.insert(name, steps);
    }
    assert_eq!(pages, BTreeMap::from([("code", vec![0, 1]), ("state", vec![0, 1])]));
    let (mut after, mut steps) = (None::<String>, Vec::new());
    loop {
        let (search, whose) = (failed(None, &[CommandState::Failed]), (JobId(1), TenantId(1)));
        let (found, next) = commands::of_prefix(&client, whose, &search, "d", (after.as_deref(), PAGE)).await.unwrap();
        steps.push(found.len());
        let Some(next) = next else { break };
        after = commands::uuid_of(&client, TenantId(1), next).await.unwrap();
    }
    assert_eq!(steps, [0, 0, 1]);
}
