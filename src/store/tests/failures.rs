//! Failures are counted by reason as the outcomes say, whatever codes devices make up.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, time::Duration};

use drover_domain::{CommandId, DeviceId, JobId, Outcome};
use drover_store::{
    Store, StoreOptions, TlsMode, check,
    failures::{self, FailureReason, OTHERS, code_of},
    migrate,
    outcomes::{self, NewOutcome},
    tallies::Tally,
};
use drover_testkit::{TestDatabase, TestPostgres};

const JOB: JobId = JobId(7);

async fn store() -> (Store, TestDatabase) {
    let database = TestPostgres::database().await;
    let options = StoreOptions {
        url: database.url.clone(),
        pool_size: 4,
        wait_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_mins(1),
        tls: TlsMode::Disable,
    };
    let store = Store::new(&options).unwrap();
    migrate::run(&store).await.unwrap();
    let job = "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme');
        INSERT INTO products (id, tenant_id, name, protocol, master_key_sha256) OVERRIDING SYSTEM VALUE
            VALUES (1, 1, 'p', 'mqtt', ''::bytea);
        INSERT INTO firmwares (id, tenant_id, product_id, name, version, file_name, object_path, size_bytes, sha256, md5)
            OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, 'f', '1', 'f', 'p', 1, repeat('0', 64), repeat('0', 32));
        INSERT INTO jobs (id, tenant_id, product_id, firmware_id, kind, name, retry_limit, attempt_timeout_s, job_timeout_s,
            trace_context) OVERRIDING SYSTEM VALUE VALUES (7, 1, 1, 1, 'firmware', 'j', 0, 1, 1, '')";
    store.client().await.unwrap().batch_execute(job).await.unwrap();
    (store, database)
}

/// Attempts of commands of as many devices, beginning with `first`, which end in one transaction.
async fn record(store: &Store, first: i64, ended: &[(Outcome, Option<&str>, i16)]) {
    let mut client = store.client().await.unwrap();
    let tx = client.transaction().await.unwrap();
    let outcomes: Vec<NewOutcome<'_>> = (first..)
        .zip(ended)
        .map(|(device, (outcome, code, attempt))| NewOutcome {
            command: CommandId { job: JOB, device: DeviceId(device) },
            attempt: *attempt,
            outcome: *outcome,
            code: *code,
            message: None,
        })
        .collect();
    let mut tally = Tally::default();
    outcomes::insert(&tx, &outcomes, &mut tally).await.unwrap();
    tally.write(&tx, store.tally_shard()).await.unwrap();
    tx.commit().await.unwrap();
}

/// What the oracle says of the tallies of failures.
async fn violations(store: &Store) -> Vec<String> {
    let mut client = store.client().await.unwrap();
    let tx = client.transaction().await.unwrap();
    let found = check::job(&tx, JOB).await.unwrap();
    found.into_iter().filter(|violation| violation.rule.contains("failures")).flat_map(|found| found.examples).collect()
}

#[tokio::test]
async fn reasons_are_counted_by_outcome_code_and_attempt_and_success_is_not() {
    let (store, _database) = store().await;
    let disk = Some("E_DISK");
    record(&store, 1, &[(Outcome::Failed, disk, 1), (Outcome::Succeeded, disk, 1), (Outcome::Failed, disk, 1)]).await;
    record(
        &store,
        10,
        &[(Outcome::Failed, disk, 2), (Outcome::TimedOut, None, 1), (Outcome::Failed, Some("E_\tDISK\u{9b}"), 3)],
    )
    .await;
    record(&store, 20, &[(Outcome::Rejected, Some(OTHERS), 1)]).await;
    let found = failures::of_job(&store.client().await.unwrap(), JOB, 2).await.unwrap();
    let reason = |outcome, code: &str, by_attempt: &[(i16, i64)]| FailureReason {
        outcome,
        code: code.into(),
        count: by_attempt.iter().map(|(_, count)| count).sum(),
        by_attempt: by_attempt.to_vec(),
    };
    let expected =
        [reason(Outcome::Failed, "E_DISK", &[(1, 2), (2, 1), (3, 1)]), reason(Outcome::TimedOut, "", &[(1, 1)])];
    assert_eq!(found.reasons, expected);
    assert_eq!((found.total, found.rest()), (6, 1));
    assert_eq!(violations(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn codes_without_end_are_counted_together_and_nothing_is_lost() {
    let (store, _database) = store().await;
    let codes: Vec<&'static str> = (0..1500).map(|n| &*format!("code-{n}").leak()).collect();
    let shards = i64::from(drover_store::tallies::SHARDS);
    // One transaction may bring more of them than there is room for.
    for (round, codes) in (0_i64..).zip([&codes[..800], &codes[700..], &codes[..]]) {
        for shard in 0..shards {
            let ended: Vec<_> = codes.iter().map(|code| (Outcome::Failed, Some(*code), 1)).collect();
            record(&store, 1 + 10_000 * (round * shards + shard), &ended).await;
        }
    }
    let client = store.client().await.unwrap();
    let sql = "SELECT min(count), max(count) FROM (SELECT count(*) FROM failure_tallies GROUP BY shard) t";
    let rows = client.query_one(sql, &[]).await.unwrap();
    assert_eq!((rows.get::<_, i64>(0), rows.get::<_, i64>(1)), (1001, 1001));
    let found = failures::of_job(&client, JOB, 2000).await.unwrap();
    assert_eq!(found.total, shards * (800 + 800 + 1500));
    assert_eq!(found.reasons.last().unwrap().code, OTHERS);
    assert_eq!(violations(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_oracle_sees_what_is_counted_wrongly() {
    let (store, _database) = store().await;
    record(&store, 1, &[(Outcome::Failed, Some("E1"), 1), (Outcome::Failed, Some("E2"), 1)]).await;
    let client = store.client().await.unwrap();
    client.batch_execute("UPDATE failure_tallies SET code = 'E3' WHERE code = 'E2'").await.unwrap();
    assert_eq!(violations(&store).await, ["failed attempt 1 code E3: tally 1, outcomes 0"]);
    client.batch_execute("DELETE FROM failure_tallies WHERE code = 'E3'").await.unwrap();
    assert_eq!(violations(&store).await, ["failed attempt 1: tally 1, outcomes 2"]);
    client.batch_execute("UPDATE jobs SET created_at = now() - interval '1 day'").await.unwrap();
    assert_eq!(violations(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn many_at_once_neither_deadlock_nor_lose_any() {
    let (store, _database) = store().await;
    let codes = ["a", "b", "c", "d", "e", "f"];
    let worker = |worker: usize| {
        let store = store.clone();
        async move {
            for round in 0..20 {
                let ended: Vec<_> =
                    (0..6).map(|n| (Outcome::Failed, Some(codes[(n + worker + round) % 6]), 1)).collect();
                record(&store, i64::try_from(1 + 1000 * worker + 10 * round).unwrap(), &ended).await;
            }
        }
    };
    tokio::join!(worker(0), worker(1), worker(2), worker(3));
    let found = failures::of_job(&store.client().await.unwrap(), JOB, 10).await.unwrap();
    let counted: BTreeMap<String, i64> = found.reasons.into_iter().map(|reason| (reason.code, reason.count)).collect();
    assert_eq!(counted, codes.into_iter().map(|code| (code.to_owned(), 80)).collect());
    assert_eq!(violations(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_database_cleans_codes_as_we_do() {
    let (store, _database) = store().await;
    // Every character that may be one of control, and what stands beside them.
    let all: String = (1..0x120_u32).filter_map(char::from_u32).collect();
    for text in [&all[..40], &all, "", "E_OK", &"ü".repeat(80)] {
        let text: &'static str = text.to_owned().leak();
        record(&store, 1, &[(Outcome::Failed, Some(text), 1)]).await;
        let found = failures::of_job(&store.client().await.unwrap(), JOB, 10).await.unwrap();
        assert_eq!(found.reasons[0].code, code_of(text));
        assert_eq!(violations(&store).await, Vec::<String>::new());
        store.client().await.unwrap().batch_execute("DELETE FROM outcomes; DELETE FROM failure_tallies").await.unwrap();
    }
}

/// The migration counts what failed before there was anybody to count it.
#[tokio::test]
async fn what_failed_before_is_counted_once() {
    const MIGRATION: &str = include_str!("../../../migrations/V0012__operating.sql");
    let begin = MIGRATION.find("INSERT INTO failure_tallies").unwrap();
    let statement = MIGRATION[begin..].split_once(';').unwrap().0;
    let (store, _database) = store().await;
    let codes: Vec<&'static str> = (0..1200).map(|n| &*format!("code-{n}").leak()).collect();
    let mut ended: Vec<_> = codes.iter().map(|code| (Outcome::Failed, Some(*code), 1)).collect();
    ended.extend([
        (Outcome::Failed, Some("often\t\u{80}"), 1),
        (Outcome::Failed, Some("often"), 1),
        (Outcome::TimedOut, None, 2),
    ]);
    ended.push((Outcome::Succeeded, Some("often"), 1));
    record(&store, 1, &ended).await;
    let client = store.client().await.unwrap();
    client.batch_execute(&format!("DELETE FROM failure_tallies; {statement}")).await.unwrap();
    let found = failures::of_job(&client, JOB, 2000).await.unwrap();
    assert_eq!((found.total, found.reasons[0].code.as_str(), found.reasons[0].count), (1203, "often", 2));
    assert!(found.reasons.last().unwrap().code == OTHERS && (1001..=1002).contains(&found.reasons.len()));
    assert_eq!(violations(&store).await, Vec::<String>::new());
}
