//! The guarded UPDATE against a real Postgres: it does exactly what the transition function says, in every case.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use drover_domain::{Budget, Change, CommandState, Event, JobId, Rules, transition};
use drover_store::{
    Client, Store, StoreOptions, TlsMode,
    commands::{self, Happening},
    migrate,
    tallies::Tally,
};
use drover_testkit::TestPostgres;

async fn store() -> (Store, drover_testkit::TestDatabase) {
    let database = TestPostgres::database().await;
    let options = StoreOptions {
        url: database.url.clone(),
        pool_size: 4,
        wait_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_secs(30),
        tls: TlsMode::Disable,
    };
    let store = Store::new(&options).unwrap();
    migrate::run(&store).await.unwrap();
    (store, database)
}

/// One command for each state and budget; the device's number is its place in the list.
async fn put_one_of_each(client: &Client) -> Vec<(i64, CommandState, Budget)> {
    let mut rows = Vec::new();
    for state in CommandState::ALL {
        for budget in [Budget::Left, Budget::Spent] {
            let device = i64::try_from(rows.len()).unwrap() + 1;
            let retries_left = i16::from(budget == Budget::Left);
            let has_deadline = !state.is_terminal() && state != CommandState::Planned;
            client
                .execute(
                    "INSERT INTO commands (job_id, device_id, state, prior_state, retries_left, deadline_at, finished_at)
                     VALUES (1, $1, $2, 'installing', $3, CASE WHEN $4 THEN now() END, CASE WHEN $5 THEN now() END)",
                    &[&device, &state.as_str(), &retries_left, &has_deadline, &state.is_terminal()],
                )
                .await
                .unwrap();
            rows.push((device, state, budget));
        }
    }
    rows
}

#[tokio::test]
async fn the_update_does_what_the_transition_function_says() {
    let (store, _database) = store().await;
    for (proof_required, is_stopped) in [(false, false), (true, false), (false, true)] {
        let rules = Rules { proof_required, is_stopped };
        for event in Event::ALL.into_iter().filter(|event| *event != Event::Released) {
            let mut client = store.client().await.unwrap();
            let tx = client.transaction().await.unwrap();
            tx.execute("DELETE FROM commands", &[]).await.unwrap();
            tx.commit().await.unwrap();
            let rows = put_one_of_each(&client).await;
            let devices: Vec<i64> = rows.iter().map(|(device, ..)| *device).collect();
            let happening = Happening {
                rules,
                attempt: Some(1),
                attempt_timeout: Duration::from_mins(1),
                cancel_timeout: Duration::from_mins(1),
                retry_after: Duration::from_secs(5),
                retry_limit: 7,
                ..Happening::new(JobId(1), &devices, event)
            };
            let tx = client.transaction().await.unwrap();
            let moved = commands::apply(&tx, &happening, &mut Tally::default()).await.unwrap();
            tx.commit().await.unwrap();
            for (device, state, budget) in rows {
                let expected = transition(state, budget, event, rules);
                let actual = moved.iter().find(|m| m.command.device.0 == device);
                assert_eq!(actual.map(|m| m.change), expected, "{event:?} from {state:?} with {budget:?}");
                let row = client
                    .query_one("SELECT state, prior_state, attempt, retries_left, cancel_refused FROM commands WHERE device_id = $1", &[&device])
                    .await
                    .unwrap();
                let (now, prior): (String, String) = (row.get(0), row.get(1));
                let (attempt, retries_left, cancel_refused): (i16, i16, bool) = (row.get(2), row.get(3), row.get(4));
                let had = i16::from(budget == Budget::Left);
                let (to, attempt_is, retries_are) = match expected {
                    None => (state.as_str(), 1, had),
                    Some(Change::To(state)) => (state.as_str(), 1, had),
                    Some(Change::NextAttempt) => ("queued", 2, had - 1),
                    Some(Change::FreshAttempt) => ("queued", 2, 7),
                    Some(Change::Back) => ("installing", 1, had),
                };
                assert_eq!(
                    (now.as_str(), attempt, retries_left),
                    (to, attempt_is, retries_are),
                    "{event:?} from {state:?}"
                );
                assert_eq!(prior, if expected.is_some() { state.as_str() } else { "installing" });
                assert_eq!(cancel_refused, expected == Some(Change::Back));
            }
        }
    }
}

#[tokio::test]
async fn an_older_attempt_moves_nothing() {
    let (store, _database) = store().await;
    let mut client = store.client().await.unwrap();
    let rows = put_one_of_each(&client).await;
    client.execute("UPDATE commands SET attempt = 2", &[]).await.unwrap();
    let devices: Vec<i64> = rows.iter().map(|(device, ..)| *device).collect();
    let tx = client.transaction().await.unwrap();
    for event in Event::ALL {
        let happening = Happening { attempt: Some(1), ..Happening::new(JobId(1), &devices, event) };
        assert_eq!(commands::apply(&tx, &happening, &mut Tally::default()).await.unwrap(), []);
    }
}

#[tokio::test]
async fn migrations_run_once_however_many_processes_start() {
    let (store, _database) = store().await;
    let (again, and_again) = tokio::join!(migrate::run(&store), migrate::run(&store));
    assert!(again.unwrap().is_empty());
    assert!(and_again.unwrap().is_empty());
}

#[tokio::test]
async fn a_migration_that_ended_half_way_runs_again_and_leaves_nothing_unchecked() {
    let (store, _database) = store().await;
    let client = store.client().await.unwrap();
    // It commits before it validates, so the program may end between that and the note that it has run.
    let file = include_str!("../../../migrations/V0008__downloaded.sql");
    client.batch_execute(&format!("BEGIN; {file} COMMIT")).await.unwrap();
    let unchecked = "SELECT count(*) FROM pg_constraint WHERE NOT convalidated";
    assert_eq!(client.query_one(unchecked, &[]).await.unwrap().get::<_, i64>(0), 0);
    let without_deadline = "INSERT INTO commands (job_id, device_id, state) VALUES (1, 1, 'downloaded')";
    let refused = client.execute(without_deadline, &[]).await.unwrap_err();
    assert_eq!(refused.as_db_error().unwrap().constraint(), Some("commands_deadline"));
}
