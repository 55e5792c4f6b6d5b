//! Servers that are there and cannot keep up.

use std::time::Duration;

use drover_testkit::{Line, wait_until};
use drover_workers::Role;
use rand::RngExt;
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

use crate::{
    scene::Scene,
    support::{PATIENCE, http},
    vendor::UPGRADE,
};

const SHORT: Duration = Duration::from_secs(4);
const LONG: Duration = Duration::from_mins(1);
/// Callers at once, many times what the pool has.
const CALLERS: usize = 40;

/// Every statement takes its time.
pub(crate) async fn slow_database(scene: &mut Scene<'_>) {
    scene.middle().await;
    let delay = Duration::from_millis(scene.random.random_range(20..=60));
    scene.world.set_database_lines(Line::Slow(delay));
    scene.last(SHORT, LONG).await;
    scene.world.set_database_lines(Line::Whole);
}

/// The ingress has two connections to a slow database, and many callers.
pub(crate) async fn full_pool(scene: &mut Scene<'_>) {
    let role = scene.role();
    let small = [("DROVER_DATABASE__POOL_SIZE", "2"), ("DROVER_DATABASE__WAIT_TIMEOUT_S", "1")];
    scene.world.member(role).start_again(&small);
    scene.world.member(role).process.wait_ready().await;
    scene.middle().await;
    scene.world.member(role).database.set(Line::Slow(Duration::from_millis(150)));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (client, product) = (scene.world.client.clone(), scene.world.product.clone());
        callers.spawn(async move {
            let query = [("productId", product.id.as_str()), ("pageNow", "1"), ("pageSize", "10")];
            let request = client.request("GET", &format!("{UPGRADE}/tasks"), &query, "");
            let answer = http().execute(request).await.unwrap();
            (answer.status().as_u16(), answer.headers().contains_key("retry-after"))
        });
    }
    let answers = callers.join_all().await;
    assert!(answers.iter().all(|answer| matches!(answer, (200, _) | (503, true))), "{answers:?}");
    assert!(answers.iter().any(|(status, _)| *status == 503), "the pool was never full");
    assert!(answers.iter().any(|(status, _)| *status == 200), "nobody got through");
    scene.world.member(role).start_again(&[]);
    scene.world.member(role).database.set(Line::Whole);
}

/// Somebody else takes every connection that the server has.
pub(crate) async fn no_connection_left(scene: &mut Scene<'_>) {
    scene.middle().await;
    let put_off = scene.driver.put_off().await;
    let url = scene.world.database.url.clone();
    let mut taken = Vec::new();
    // Drover's own are taken away, until the server has no more to give.
    wait_until(PATIENCE, "every connection to be taken", async || match tokio_postgres::connect(&url, NoTls).await {
        Ok((client, connection)) => {
            tokio::spawn(connection);
            let away = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'drover'";
            let _ = client.execute(away, &[]).await;
            taken.push(client);
            false
        }
        Err(_) => true,
    })
    .await;
    let refused = async || scene.driver.put_off().await > put_off;
    wait_until(PATIENCE, "a caller to be put off", refused).await;
    scene.last(SHORT, LONG).await;
}

/// The broker is out of memory: it takes no messages.
pub(crate) async fn memory_alarm(scene: &mut Scene<'_>) {
    scene.middle().await;
    scene.world.node.set_memory_alarm(true).await;
    let relay = &scene.world.members[&Role::Relay].process;
    wait_until(PATIENCE, "the relay to say that it is blocked", async || relay.readiness().await == Some(503)).await;
    let accepted = scene.driver.accepted().await;
    wait_until(PATIENCE, "callers to be served", async || scene.driver.accepted().await >= accepted + 10).await;
    scene.last(SHORT, LONG).await;
    scene.world.node.set_memory_alarm(false).await;
}
