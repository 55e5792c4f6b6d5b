//! How a job goes is kept: rarely when it runs long, and exactly at its end.

use drover_domain::JobId;
use drover_messages::ReportStatus;
use drover_service::JobSample;

use crate::{
    scene::{owner, say, under_way},
    support::World,
};

async fn samples(world: &World, job: JobId) -> Vec<JobSample> {
    world.service.job_detail(&owner(), job).await.unwrap().samples
}

/// Makes everything that is known of jobs older.
async fn let_pass(world: &World, seconds: i32) {
    let sql = "UPDATE jobs SET started_at = started_at - make_interval(secs => $1), finished_at = finished_at - make_interval(secs => $1)";
    let client = world.client().await;
    client.execute(sql, &[&f64::from(seconds)]).await.unwrap();
    // From the oldest on: two samples may never have one time.
    let rows = client.query("SELECT sampled_at FROM job_samples ORDER BY sampled_at", &[]).await.unwrap();
    for row in rows {
        let at: chrono::DateTime<chrono::Utc> = row.get(0);
        let sql = "UPDATE job_samples SET sampled_at = sampled_at - make_interval(secs => $1) WHERE sampled_at = $2";
        client.execute(sql, &[&f64::from(seconds), &at]).await.unwrap();
    }
}

#[tokio::test]
async fn samples_come_at_growing_intervals_and_one_at_the_end() {
    let world = World::new().await;
    let uuids = world.enrol(4).await;
    let draft = world.draft(0).await;
    let (job, sent) = under_way(&world, &uuids, 0).await;
    let take = async || world.service.sample_jobs().await.unwrap();
    assert_eq!(take().await, 1, "of the job that runs and of no draft");
    assert_eq!(take().await, 0, "it is too early for another");
    let_pass(&world, 2).await;
    assert_eq!(take().await, 1);
    // An hour on: one a minute is enough.
    let_pass(&world, 3600).await;
    assert_eq!(take().await, 1);
    let_pass(&world, 60).await;
    assert_eq!(take().await, 0);
    let_pass(&world, 20).await;
    assert_eq!(take().await, 1);
    say(&world, &sent[0], ReportStatus::Succeeded, None).await;
    say(&world, &sent[1], ReportStatus::Failed, None).await;
    say(&world, &sent[2], ReportStatus::Refused, None).await;
    say(&world, &sent[3], ReportStatus::Succeeded, None).await;
    assert_eq!(world.service.finish_jobs().await.unwrap(), 1);
    assert_eq!(take().await, 1, "the end is kept at once");
    assert_eq!(take().await, 0, "and once");
    let_pass(&world, 30).await;
    assert_eq!(take().await, 0);
    let all = samples(&world, job.id).await;
    assert_eq!(all.len(), 5);
    assert!(all.is_sorted_by_key(|sample| sample.at));
    let last = all.last().unwrap();
    assert_eq!((last.planned, last.queued, last.under_way, last.succeeded, last.failed), (0, 0, 0, 2, 2));
    assert_eq!((all[0].under_way, all[0].succeeded), (4, 0));
    assert_eq!(samples(&world, draft.id).await, []);
}

#[tokio::test]
async fn a_stopped_job_is_followed_while_its_devices_answer() {
    let world = World::new().await;
    let uuids = world.enrol(2).await;
    let (job, sent) = under_way(&world, &uuids, 0).await;
    world.service.sample_jobs().await.unwrap();
    world
        .client()
        .await
        .execute(
            "UPDATE jobs SET state = 'cancelled', finished_at = now(), released_to = NULL WHERE id = $1",
            &[&job.id.0],
        )
        .await
        .unwrap();
    assert_eq!(world.service.sample_jobs().await.unwrap(), 1);
    let_pass(&world, 5).await;
    assert_eq!(world.service.sample_jobs().await.unwrap(), 0, "nothing has changed");
    say(&world, &sent[0], ReportStatus::Succeeded, None).await;
    assert_eq!(world.service.sample_jobs().await.unwrap(), 1);
    let_pass(&world, 3600).await;
    say(&world, &sent[1], ReportStatus::Succeeded, None).await;
    assert_eq!(world.service.sample_jobs().await.unwrap(), 0, "nobody waits for ever");
}

#[tokio::test]
async fn one_process_samples_at_a_time() {
    let world = World::new().await;
    let uuids = world.enrol(1).await;
    under_way(&world, &uuids, 0).await;
    let mut client = world.client().await;
    let tx = client.transaction().await.unwrap();
    assert!(drover_store::samples::take_turn(&tx).await.unwrap());
    assert_eq!(world.service.sample_jobs().await.unwrap(), 0);
    drop(tx);
    assert_eq!(world.service.sample_jobs().await.unwrap(), 1);
}

#[tokio::test]
async fn the_pace_of_a_tenant_is_kept_for_a_day() {
    let world = World::new().await;
    assert!(world.service.sample_pace(None).await.unwrap().is_none(), "nothing runs");
    let uuids = world.enrol(3).await;
    let (_, sent) = under_way(&world, &uuids, 0).await;
    let first = world.service.sample_pace(None).await.unwrap();
    let kept = async || {
        let sql = "SELECT tenant_id, sent_per_s > 0, finished_per_s > 0, open FROM pace_samples ORDER BY sampled_at";
        let rows = world.client().await.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect::<Vec<(i64, bool, bool, i64)>>()
    };
    assert_eq!(kept().await, [], "one reading says nothing about the pace");
    say(&world, &sent[0], ReportStatus::Succeeded, None).await;
    let second = world.service.sample_pace(first.as_ref()).await.unwrap();
    assert_eq!(kept().await, [(world.caller.tenant.0, false, true, 2)]);
    world.service.sample_pace(second.as_ref()).await.unwrap();
    assert_eq!(kept().await.len(), 1, "another process has just kept it");
    let old = "UPDATE pace_samples SET sampled_at = now() - interval '1 day 1 second'";
    world.client().await.batch_execute(old).await.unwrap();
    assert!(!world.service.forget_old_pace().await.unwrap());
    assert_eq!(kept().await, []);
}
