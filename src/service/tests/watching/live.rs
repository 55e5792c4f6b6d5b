//! One reading a second for everybody, and what it says.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use drover_domain::{CommandState, JobId, JobState, OrganisationPath, StateCounts, TenantId, alarm::Alarm};
use drover_messages::ReportStatus;
use drover_service::{Actor, Reach, ServiceOptions, Snapshot};
use drover_store::people::scope::Scope;
use drover_testkit::wait_until;

use crate::{
    scene::{answer, run_outbox, started},
    support::World,
};

async fn world(live_interval: Duration) -> World {
    World::with(ServiceOptions { plan_chunk: 100, live_interval, ..ServiceOptions::default() }).await
}

/// What the rows say.
async fn counted(world: &World) -> BTreeMap<JobId, StateCounts> {
    let sql = "SELECT job_id, state, count(*) FROM commands GROUP BY job_id, state";
    let mut counted: BTreeMap<JobId, StateCounts> = BTreeMap::new();
    for row in world.client().await.query(sql, &[]).await.unwrap() {
        let state = CommandState::parse(row.get(1)).unwrap();
        counted.entry(JobId(row.get(0))).or_default().add(state, row.get(2));
    }
    counted
}

#[tokio::test]
async fn figures_of_a_random_world_are_those_of_its_rows() {
    let world = world(Duration::from_millis(20)).await;
    let uuids = world.enrol(90).await;
    let everything = Actor::command_line("me").reach;
    let mut chance = 17_u32;
    let mut random = move |below: u32| {
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (chance >> 8) % below
    };
    for chunk in uuids.chunks(30) {
        started(&world, chunk, 1).await;
    }
    let mut viewer = world.service.live().subscribe();
    for _ in 0..3 {
        let sent = run_outbox(&world, |uuid| uuid.ends_with('3')).await;
        for sent in sent {
            match random(6) {
                0 => answer(&world, &sent, ReportStatus::Succeeded).await,
                1 => answer(&world, &sent, ReportStatus::Failed).await,
                2 => answer(&world, &sent, ReportStatus::Downloading).await,
                3 => answer(&world, &sent, ReportStatus::Refused).await,
                _ => {}
            }
        }
        // The first that comes may have been begun before.
        viewer.changed().await.unwrap();
        let snapshot = viewer.changed().await.unwrap();
        let rows = counted(&world).await;
        for (job, counts) in &rows {
            assert_eq!(snapshot.job(&everything, *job).map(|now| now.job.counts), Some(*counts), "{job}");
        }
        let mut all = StateCounts::default();
        for counts in rows.values() {
            all.add_all(counts);
        }
        let figures = snapshot.figures(&everything);
        assert_eq!((figures.counts, figures.jobs.get(&JobState::Running)), (all, Some(&3)));
        assert_eq!(figures.oldest_waiting.map(|oldest| oldest.job), rows.keys().next().copied());
        world.assert_clean().await;
    }
    assert!(counted(&world).await.values().any(|counts| counts.of(CommandState::Rejected) > 0));
}

#[tokio::test]
async fn two_hundred_viewers_cost_one_reading_and_nobody_costs_none() {
    let world = world(Duration::from_millis(200)).await;
    let live = world.service.live().clone();
    // The loop's statements are the only ones that read this table.
    let scans = async || -> i64 {
        let client = world.client().await;
        client.batch_execute("SELECT pg_stat_force_next_flush()").await.unwrap();
        let sql = "SELECT seq_scan + COALESCE(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = 'workers'";
        client.query_one(sql, &[]).await.unwrap().get(0)
    };
    let before = scans().await;
    let mut viewers: Vec<_> = (0..200).map(|_| live.subscribe()).collect();
    assert_eq!(live.viewers(), 200);
    let began = tokio::time::Instant::now();
    let mut last: Arc<Snapshot> = Arc::default();
    for _ in 0..4 {
        let mut seen: Vec<Arc<Snapshot>> = Vec::new();
        for viewer in &mut viewers {
            seen.push(viewer.changed().await.unwrap());
        }
        assert!(seen.iter().all(|snapshot| Arc::ptr_eq(snapshot, &seen[0])), "all are shown the same reading");
        last = Arc::clone(&seen[0]);
    }
    let at_most = began.elapsed().as_millis() / 200 + 1;
    assert!((4..=at_most).contains(&u128::from(last.number)), "{} readings, {at_most} at most", last.number);
    drop(viewers);
    assert_eq!(live.viewers(), 0);
    wait_until(Duration::from_secs(10), "the reading to end", async || !live.is_read()).await;
    assert!(live.peek().number <= last.number + 1, "the round in which it finds nobody is the last");
    let read = u64::try_from(scans().await - before).unwrap();
    assert!(read <= live.peek().number, "{read} scans, {} readings", live.peek().number);
}

#[tokio::test]
async fn what_is_out_of_reach_is_not_shown() {
    let world = world(Duration::from_millis(20)).await;
    let uuids = world.enrol(5).await;
    let job = started(&world, &uuids, 0).await;
    run_outbox(&world, |_| true).await;
    let snapshot = world.service.live().look().await;
    let part =
        |tenant: TenantId, path: &str| Reach::Part(Scope { tenant, path: OrganisationPath::parse(path).unwrap() });
    let tenant = world.caller.tenant;
    for (reach, is_shown) in [
        (Reach::Installation, true),
        (part(tenant, "/101/"), true),
        (part(tenant, "/101/102/"), false),
        (part(TenantId(tenant.0 + 1), "/101/"), false),
    ] {
        let figures = snapshot.figures(&reach);
        assert_eq!(snapshot.job(&reach, job).is_some(), is_shown, "{reach:?}");
        assert_eq!(snapshot.jobs(&reach).count(), usize::from(is_shown));
        assert_eq!(figures.counts.of(CommandState::Queued), if is_shown { 5 } else { 0 });
        // Nobody works in this world, which is the installation's.
        let is_told = snapshot.alarms(&reach).any(|alarm| matches!(alarm, Alarm::RoleAbsent(_)));
        assert_eq!(is_told, reach == Reach::Installation);
    }
}

#[tokio::test]
async fn a_job_that_is_looked_at_is_read_in_detail_and_a_hundred_at_most() {
    let world = world(Duration::from_millis(20)).await;
    let client = world.client().await;
    client
        .batch_execute(
            "INSERT INTO jobs (id, tenant_id, product_id, firmware_id, kind, name, state, retry_limit, attempt_timeout_s,
                job_timeout_s, trace_context, started_at, expires_at, finished_at) OVERRIDING SYSTEM VALUE
             SELECT 9001, tenant_id, id, (SELECT min(id) FROM firmwares), 'firmware', 'old', 'completed', 0, 60, 60, 't',
                now() - interval '2 days', now(), now() - interval '1 day' FROM products LIMIT 1;
             INSERT INTO failure_tallies VALUES (9001, 1, 'failed', 'E7', 1, 3), (9001, 2, 'failed', 'E7', 1, 4),
                (9001, 2, 'timed_out', '', 1, 1);
             INSERT INTO job_samples VALUES (9001, now(), 1, 2, 3, 4, 5)",
        )
        .await
        .unwrap();
    drop(client);
    let (job, everything) = (JobId(9001), Reach::Installation);
    let live = world.service.live();
    assert!(live.look().await.job(&everything, job).is_none(), "it ended long ago");
    let watched = live.watch_job(job).unwrap();
    let mut viewer = live.subscribe();
    let seen = loop {
        let snapshot = viewer.changed().await.unwrap();
        if snapshot.watched(&everything, job).is_some() {
            break snapshot;
        }
    };
    let detail = seen.watched(&everything, job).unwrap();
    let reasons: Vec<_> =
        detail.failures.reasons.iter().map(|failure| (failure.code.as_str(), failure.count)).collect();
    assert_eq!(reasons, [("E7", 7), ("", 1)]);
    assert_eq!(detail.samples.iter().map(|sample| sample.under_way).collect::<Vec<_>>(), [3]);
    assert_eq!(seen.figures(&everything).jobs.len(), 0, "it is no part of what is going on");
    let others: Vec<_> = (1..100).map(|id| live.watch_job(JobId(id)).unwrap()).collect();
    assert!(live.watch_job(JobId(500)).is_none() && live.watch_job(job).is_some());
    drop((others, watched));
    while viewer.changed().await.unwrap().job(&everything, job).is_some() {}
}

#[tokio::test]
async fn while_the_database_is_away_the_last_figures_are_shown_as_old() {
    let world = world(Duration::from_millis(20)).await;
    let uuids = world.enrol(3).await;
    let job = started(&world, &uuids, 0).await;
    let live = world.service.live();
    let mut viewer = live.subscribe();
    assert!(!viewer.changed().await.unwrap().is_old);
    world.client().await.batch_execute("ALTER TABLE workers RENAME TO hidden").await.unwrap();
    let old = loop {
        let snapshot = viewer.changed().await.unwrap();
        if snapshot.is_old {
            break snapshot;
        }
    };
    assert!(old.job(&Reach::Installation, job).is_some());
    let elsewhere = Reach::Part(Scope { tenant: TenantId(1), path: OrganisationPath::parse("/1/").unwrap() });
    assert_eq!(old.alarms(&elsewhere).collect::<Vec<_>>(), [&Alarm::DatabaseAway]);
    world.client().await.batch_execute("ALTER TABLE hidden RENAME TO workers").await.unwrap();
    while viewer.changed().await.unwrap().is_old {}
    live.close();
    assert!(viewer.changed().await.is_none() && live.subscribe().changed().await.is_none(), "the process ends");
}
