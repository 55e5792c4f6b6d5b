//! Statements on the table of commands keep to its indexes whatever the statistics say: with ten thousands of rows, of
//! which the planner was told when the table was empty, when every row was terminal, or never.

use std::time::Duration;

use drover_domain::{CommandState, Event, JobId};
use drover_store::{
    Store,
    commands::{self, Devices, Happening},
    reports,
    tallies::Tally,
    timers,
};

use crate::world::{ROUNDS, sequential_scans, store};

const ROWS: i64 = 30_000;
const BATCH: i64 = 500;

#[derive(Debug, Clone, Copy)]
enum Statistics {
    Never,
    WhenEmpty,
    WhenTerminal,
    Fresh,
}

async fn fill(store: &Store, statistics: Statistics) {
    let client = store.client().await.unwrap();
    client.batch_execute("ALTER TABLE commands SET (autovacuum_enabled = false)").await.unwrap();
    if matches!(statistics, Statistics::WhenEmpty) {
        client.batch_execute("ANALYZE commands").await.unwrap();
    }
    let insert = "INSERT INTO commands (job_id, device_id, state, prior_state, deadline_at, finished_at)
        SELECT $1, n, CASE WHEN $2 THEN 'succeeded' ELSE 'sent' END, 'sent', CASE WHEN NOT $2 THEN now() END,
            CASE WHEN $2 THEN now() END FROM generate_series(1::bigint, $3) AS n";
    client.execute(insert, &[&1_i64, &true, &ROWS]).await.unwrap();
    if matches!(statistics, Statistics::WhenTerminal) {
        client.batch_execute("ANALYZE commands").await.unwrap();
    }
    client.execute(insert, &[&2_i64, &false, &ROWS]).await.unwrap();
    if matches!(statistics, Statistics::Fresh) {
        client.batch_execute("ANALYZE commands").await.unwrap();
    }
}

#[tokio::test]
async fn no_statement_on_commands_reads_the_whole_table() {
    for statistics in [Statistics::Never, Statistics::WhenEmpty, Statistics::WhenTerminal, Statistics::Fresh] {
        let (store, _database) = store().await;
        fill(&store, statistics).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        let job = JobId(2);
        for round in 0..ROUNDS {
            let (first, last) = (1 + round * BATCH, (round + 1) * BATCH);
            let ids: Vec<i64> = (first..=last).collect();
            let (range, list_set) = (Devices::Range(first, last), Devices::List(ids.clone()));
            commands::due(&tx, job, &range).await.unwrap();
            commands::due(&tx, job, &list_set).await.unwrap();
            commands::outdated(&tx, job, &range).await.unwrap();
            commands::outdated(&tx, job, &list_set).await.unwrap();
            commands::addressees(&tx, job, &range, CommandState::Sent, Some(1)).await.unwrap();
            commands::addressees(&tx, job, &list_set, CommandState::Sent, None).await.unwrap();
            commands::in_states(&tx, job, first, &[CommandState::Sent], 10).await.unwrap();
            commands::release_chunk(&tx, job, first, BATCH, (0, Duration::ZERO)).await.unwrap();
            commands::lease_again(&tx, job, 1, &ids, (Duration::ZERO, Duration::ZERO)).await.unwrap();
            reports::standings(&tx, job, &ids).await.unwrap();
            timers::insert(&tx, job, &range, Duration::ZERO).await.unwrap();
            let timer = timers::claim_fired(&tx).await.unwrap().unwrap();
            timers::rearm(&tx, &timer).await.unwrap();
            commands::to_stop(&tx, job, &range).await.unwrap();
            commands::to_stop(&tx, job, &list_set).await.unwrap();
            // An event that takes several UPDATEs, and locks the commands first.
            let asked = Happening::new(job, &ids, Event::CancelRequested);
            assert_eq!(commands::apply(&tx, &asked, &mut Tally::default()).await.unwrap().len(), ids.len());
            let succeeded = Happening { attempt: Some(1), ..Happening::new(job, &ids, Event::Succeeded) };
            let moved = commands::apply(&tx, &succeeded, &mut Tally::default()).await.unwrap();
            assert_eq!(moved.len(), ids.len());
            assert_eq!(sequential_scans(&tx, &["commands"]).await, [], "round {round}, statistics {statistics:?}");
        }
    }
}

#[tokio::test]
async fn nearly_every_change_of_state_is_hot() {
    let (store, _database) = store().await;
    let mut client = store.client().await.unwrap();
    client
        .execute(
            "INSERT INTO commands (job_id, device_id, state, prior_state, deadline_at)
             SELECT 1, n, 'queued', 'planned', now() FROM generate_series(1::bigint, $1) AS n",
            &[&ROWS],
        )
        .await
        .unwrap();
    let devices: Vec<i64> = (1..=ROWS).collect();
    for event in [Event::Accepted, Event::Downloading, Event::Downloaded, Event::Installing, Event::Succeeded] {
        // In batches, as the roles do: what one has committed, the next may clear away.
        for batch in devices.chunks(1000) {
            let tx = client.transaction().await.unwrap();
            commands::apply(&tx, &Happening::new(JobId(1), batch, event), &mut Tally::default()).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
    client.batch_execute("SELECT pg_stat_force_next_flush()").await.unwrap();
    let sql = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'commands'";
    let row = client.query_one(sql, &[]).await.unwrap();
    let (updates, hot): (i64, i64) = (row.get(0), row.get(1));
    assert_eq!(updates, 5 * ROWS);
    assert!(hot * 100 >= updates * 90, "{hot} of {updates} updates were HOT");
}
