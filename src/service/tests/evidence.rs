//! Reports that moved nothing: how many are kept, and how long.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use drover_domain::{CommandId, DeviceId};
use drover_messages::ReportStatus;
use drover_service::{Join, Reason, Recorded, ServiceOptions};
use support::{World, report};

const HOUR: Duration = Duration::from_hours(1);

async fn with_retention(retention: Option<Duration>) -> World {
    World::with(ServiceOptions { evidence_retention: retention, ..ServiceOptions::default() }).await
}

/// Keeps evidence that is so old.
async fn keep(world: &World, count: i64, age_s: f64) {
    let sql = "INSERT INTO unapplied_reports (job_id, device_id, attempt, status, reason, received_at)
        SELECT 1, n, 1, 'failed', 'late', now() - make_interval(secs => $2) FROM generate_series(1::bigint, $1) AS n";
    world.client().await.execute(sql, &[&count, &age_s]).await.unwrap();
}

async fn kept(world: &World) -> i64 {
    world.client().await.query_one("SELECT count(*) FROM unapplied_reports", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn old_evidence_is_forgotten_in_batches() {
    let world = with_retention(Some(HOUR)).await;
    keep(&world, 2_500, 3_700.0).await;
    keep(&world, 1_200, 3_000.0).await;
    let (mut after, mut left) = (0, Vec::new());
    while let Some(next) = world.service.forget_old_evidence(after).await.unwrap() {
        after = next;
        left.push(kept(&world).await);
    }
    assert_eq!(left, [2_700, 1_700], "a batch is bounded");
    assert_eq!(kept(&world).await, 1_200, "what is young enough stays");
    assert_eq!(world.service.forget_old_evidence(0).await.unwrap(), None);
}

#[tokio::test]
async fn a_sweep_starts_over_and_misses_nothing() {
    let world = with_retention(Some(HOUR)).await;
    keep(&world, 1_000, 3_700.0).await;
    let end = world.service.forget_old_evidence(0).await.unwrap().unwrap();
    assert_eq!((kept(&world).await, world.service.forget_old_evidence(end).await.unwrap()), (0, None));
    // Committed late by a slow transaction: it has an old id and is found by the next sweep.
    let late = "INSERT INTO unapplied_reports (id, job_id, device_id, attempt, status, reason, received_at)
        OVERRIDING SYSTEM VALUE VALUES ($1, 1, 1, 1, 'failed', 'late', now() - interval '2 hours')";
    world.client().await.execute(late, &[&(end - 1)]).await.unwrap();
    assert_eq!((world.service.forget_old_evidence(0).await.unwrap(), kept(&world).await), (None, 0));
}

#[tokio::test]
async fn evidence_may_be_kept_for_ever() {
    let world = with_retention(None).await;
    keep(&world, 10, 1e9).await;
    assert_eq!((world.service.forget_old_evidence(0).await.unwrap(), kept(&world).await), (None, 10));
}

/// How much is kept of attempts, by attempt and reason.
async fn piles(world: &World) -> Vec<(i16, String, i64)> {
    let sql = "SELECT attempt, reason, count(*) FROM unapplied_reports GROUP BY 1, 2 ORDER BY 1, 2";
    let rows = world.client().await.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

#[tokio::test]
async fn a_device_that_repeats_itself_for_ever_fills_nothing() {
    let world = World::new().await;
    let uuids = world.enrol(2).await;
    let job = world.draft(0).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids.clone()), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    world.service.plan_job(job.id, 50).await.unwrap();
    let ids = "SELECT d.id FROM devices d JOIN commands c ON c.device_id = d.id ORDER BY d.uuid";
    let rows = world.client().await.query(ids, &[]).await.unwrap();
    let ids: Vec<i64> =
        rows.iter().map(|row| CommandId { job: job.id, device: DeviceId(row.get(0)) }.to_i64()).collect();
    let say = |index: usize, attempt| report(&uuids[index], ids[index], attempt, ReportStatus::Failed);
    assert_eq!(world.service.record_reports(&[say(0, 1)]).await.unwrap(), [Recorded::Applied]);
    for _ in 0..3 {
        let again = world.service.record_reports(&vec![say(0, 1); 60]).await.unwrap();
        assert!(again.iter().all(|recorded| *recorded == Recorded::Kept(Reason::Duplicate)), "{again:?}");
    }
    assert_eq!(piles(&world).await, [(1, "duplicate".into(), 100)]);

    // Attempts that were never made count together, and one attempt's pile leaves the next one's alone.
    let premature: Vec<_> = (2..=500).map(|attempt| say(0, attempt)).collect();
    world.service.record_reports(&premature).await.unwrap();
    assert_eq!(piles(&world).await.iter().map(|pile| pile.2).sum::<i64>(), 200);
    assert_eq!(world.service.record_reports(&vec![say(1, 1); 51]).await.unwrap()[0], Recorded::Applied);
    assert_eq!(piles(&world).await[0], (1, "duplicate".into(), 150), "another device");
    world.assert_clean().await;
}
