//! Devices that ask at once share statements, and nothing else.

use std::sync::Arc;

use drover_service::ServiceError;
use futures_util::future::join_all;
use tokio::task::JoinHandle;

use crate::town::{Town, agent, asking, named};

/// How often facts were read, by the connections of the pool.
async fn statements(town: &Town) -> i64 {
    let mut sum = 0;
    // Each connection knows its own statements alone, so all are taken at once.
    let connections = join_all((0..8).map(|_| town.world.client())).await;
    for connection in &connections {
        let sql = "SELECT COALESCE(sum(generic_plans + custom_plans), 0)::bigint FROM pg_prepared_statements
            WHERE statement LIKE '/* catalogue::facts */%'";
        sum += connection.query_one(sql, &[]).await.unwrap().get::<_, i64>(0);
    }
    sum
}

/// Devices that ask, in their order, and the answer of each who did not go away.
struct Crowd {
    town: Arc<Town>,
    asking: Vec<JoinHandle<Vec<(String, i64)>>>,
}

impl Crowd {
    async fn new() -> Self {
        let town = Arc::new(Town::new().await);
        let program = town.program("agent", "").await;
        let version = town.version(program, 1).await;
        town.publish(version, &["east"]).await;
        Self { town, asking: Vec::new() }
    }

    fn ask(&mut self, device: &'static str) {
        let town = Arc::clone(&self.town);
        self.asking.push(tokio::spawn(async move { town.offered(device).await }));
    }

    /// Lets two statements wait for the database, a device each, and then as many devices ask as are given.
    async fn ask_behind_two(&mut self, devices: impl Iterator<Item = &'static str>, leaving: &[usize]) {
        let town = Arc::clone(&self.town);
        let (mut holder, watch) = (town.world.client().await, town.world.client().await);
        let tx = holder.transaction().await.unwrap();
        tx.batch_execute("LOCK TABLE catalogue_revisions IN ACCESS EXCLUSIVE MODE").await.unwrap();
        for readers in [1, 2] {
            self.ask("east");
            let waiting =
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'catalogue_revisions'::regclass";
            while watch.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) < readers {}
        }
        devices.for_each(|device| self.ask(device));
        // All of them have asked when this has waited for its turn behind them.
        tokio::task::yield_now().await;
        for n in leaving {
            self.asking[*n].abort();
        }
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn who_asks_while_others_are_served_is_served_together() {
    let mut crowd = Crowd::new().await;
    let before = statements(&crowd.town).await;
    let places = ["east", "west", "stranger"];
    crowd.ask_behind_two(places.into_iter().cycle().take(300), &[]).await;
    let mut answers = join_all(crowd.asking.drain(..)).await.into_iter().map(Result::unwrap);
    assert_eq!(answers.by_ref().take(2).collect::<Vec<_>>(), [agent(1), agent(1)]);
    for (n, offered) in answers.enumerate() {
        let expected = if n % 3 == 0 { agent(1) } else { Vec::new() };
        assert_eq!(offered, expected, "{}", places[n % 3]);
    }
    // Of those who came meanwhile, 256 go together.
    assert_eq!(statements(&crowd.town).await - before, 4);
}

#[tokio::test]
async fn who_goes_away_harms_nobody() {
    let mut crowd = Crowd::new().await;
    // One whose statement is under way, and one that waits for the next.
    crowd.ask_behind_two(["east"; 4].into_iter(), &[0, 3]).await;
    for (n, answer) in join_all(crowd.asking.drain(..)).await.into_iter().enumerate() {
        match answer {
            Ok(offered) => assert_eq!(offered, agent(1)),
            Err(error) => assert!(error.is_cancelled() && [0, 3].contains(&n), "{n}: {error}"),
        }
    }
    assert_eq!(crowd.town.offered("east").await, agent(1), "there is a reader for who comes next");
}

#[tokio::test]
async fn a_batch_that_fails_fails_for_each_of_its_askers_and_no_other() {
    let town = Town::new().await;
    town.execute("ALTER TABLE catalogue_revisions RENAME TO elsewhere", &[]).await;
    let checks: Vec<_> = (0..5).map(|n| asking(&format!("d{n}"), &[])).collect();
    for answer in join_all(checks.iter().map(|check| town.try_check(check))).await {
        assert!(matches!(answer, Err(ServiceError::Internal(_))), "{answer:?}");
    }
    town.execute("ALTER TABLE elsewhere RENAME TO catalogue_revisions", &[]).await;
    assert_eq!(named(&town.try_check(&checks[0]).await.unwrap()), []);
}

/// How often what is published was read, by the connections of the pool.
async fn readings(town: &Town) -> i64 {
    let sql = "SELECT COALESCE(sum(generic_plans + custom_plans), 0)::bigint FROM pg_prepared_statements
        WHERE statement LIKE '/* catalogue::revision */%'";
    let mut read = 0;
    for connection in join_all((0..8).map(|_| town.world.client())).await {
        read += connection.query_one(sql, &[]).await.unwrap().get::<_, i64>(0);
    }
    read
}

#[tokio::test]
async fn a_catalogue_that_many_find_old_is_read_once() {
    let town = Town::new().await;
    let program = town.program("agent", "").await;
    let version = town.version(program, 1).await;
    town.publish(version, &["east"]).await;
    let answers = join_all((0..50).map(|_| town.offered("east"))).await;
    assert!(answers.iter().all(|offered| *offered == agent(1)));
    assert_eq!(readings(&town).await, 1);
}

#[tokio::test]
async fn a_reading_goes_on_when_who_began_it_goes_away() {
    let crowd = Crowd::new().await;
    let town = Arc::clone(&crowd.town);
    let (mut holder, watch) = (town.world.client().await, town.world.client().await);
    let tx = holder.transaction().await.unwrap();
    tx.batch_execute("LOCK TABLE client_versions IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let impatient = tokio::spawn({
        let town = Arc::clone(&town);
        async move { town.offered("east").await }
    });
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'client_versions'::regclass";
    while watch.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) < 1 {}
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    tx.commit().await.unwrap();
    drop((holder, watch));
    assert_eq!(town.offered("east").await, agent(1));
    assert_eq!(readings(&town).await, 1, "the next has what the first began");
}
