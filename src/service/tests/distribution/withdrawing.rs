//! What is taken back: the undelivered stops, what is under way goes on.

use std::time::Duration;

use drover_messages::ReportStatus;
use drover_service::Recorded;
use drover_testkit::wait_until;

use crate::scene::{Scene, Sent};

/// A distribution to ten devices of which the first six have their command; the others' was released and is on its way.
async fn half_way() -> (Scene, drover_domain::JobId, Vec<Sent>) {
    let scene = Scene::new().await;
    scene.enrol("east", 10).await;
    scene.publish("root", &["root"]).await;
    let job = scene.distribute("root", "east").await;
    let sent = scene.run().await;
    assert_eq!(sent.len(), 10);
    let client = scene.world.client().await;
    // As if no channel had taken these yet.
    client
        .batch_execute(
            "WITH back AS (UPDATE commands SET state = 'queued', prior_state = 'planned', sent_at = NULL
                WHERE device_id IN (SELECT id FROM devices WHERE uuid IN ('east-7', 'east-8', 'east-9', 'east-10')) RETURNING job_id)
             INSERT INTO job_tallies SELECT job_id, 99, s, n * count(*) FROM back, (VALUES ('sent', -1), ('queued', 1)) given (s, n)
                GROUP BY job_id, s, n",
        )
        .await
        .unwrap();
    scene.world.assert_clean().await;
    let sent = sent.into_iter().filter(|sent| sent.uuid.len() == 6 && sent.uuid.as_str() <= "east-6").collect();
    (scene, job, sent)
}

fn states(given: &[(&str, i64)]) -> Vec<(String, i64)> {
    given.iter().map(|(state, count)| ((*state).to_owned(), *count)).collect()
}

#[tokio::test]
async fn a_cancelled_distribution_stops_what_is_not_delivered_and_lets_the_rest_finish() {
    let (scene, job, sent) = half_way().await;
    let operator = scene.operator("east").await;
    scene.world.service.cancel_distribution(&operator, job).await.unwrap();
    scene.world.service.cancel_distribution(&operator, job).await.unwrap();
    assert_eq!(scene.job_state(job).await, "cancelled");
    assert_eq!(scene.run().await, [], "nobody is told anything");
    assert_eq!(scene.states(job).await, states(&[("cancelled", 4), ("sent", 6)]));
    assert_eq!(scene.say(&sent[0], ReportStatus::Downloading).await, Recorded::Applied);
    assert_eq!(scene.say(&sent[0], ReportStatus::Succeeded).await, Recorded::Applied);
    // It has a try left, but none begins any more.
    assert_eq!(scene.say(&sent[1], ReportStatus::Failed).await, Recorded::Applied);
    scene.world.let_deadlines_pass().await;
    scene.world.serve_timers().await;
    let ended = states(&[("cancelled", 4), ("failed", 1), ("succeeded", 1), ("timed_out", 4)]);
    assert_eq!(scene.states(job).await, ended);
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn an_attempt_that_slips_into_the_queue_of_a_stopped_job_ends_there() {
    let (scene, job, sent) = half_way().await;
    // The device fails just before the cancel, and the sweep has passed when the next attempt is noted.
    assert_eq!(scene.say(&sent[0], ReportStatus::Failed).await, Recorded::Applied);
    let client = scene.world.client().await;
    client
        .execute(
            "UPDATE jobs SET state = 'cancelled', finished_at = now(), released_to = NULL WHERE id = $1",
            &[&job.0],
        )
        .await
        .unwrap();
    scene.world.let_deadlines_pass().await;
    scene.world.serve_timers().await;
    let ended = states(&[("cancelled", 5), ("timed_out", 5)]);
    assert_eq!(scene.states(job).await, ended);
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_cancelled_publication_takes_its_distributions_with_it_and_no_others() {
    let scene = Scene::new().await;
    scene.enrol("east", 3).await;
    scene.enrol("west", 3).await;
    let east = scene.publish("root", &["east"]).await;
    let west = scene.publish("root", &["west"]).await;
    let (to_east, to_west) = (scene.distribute("root", "east").await, scene.distribute("root", "west").await);
    let operator = scene.operator("root").await;
    scene.world.service.cancel_publication(&operator, east).await.unwrap();
    scene.world.service.cancel_publication(&operator, east).await.unwrap();
    assert_eq!(scene.run().await.len(), 3);
    let jobs = [east, to_east, west, to_west];
    let mut found = Vec::new();
    for job in jobs {
        found.push(scene.job_state(job).await);
    }
    assert_eq!(found, ["cancelled", "cancelled", "running", "running"]);
    assert_eq!(scene.states(to_east).await, []);
    assert!(scene.world.service.cancel_distribution(&operator, to_west).await.is_ok());
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_void_version_is_withdrawn_everywhere() {
    let (scene, job, _) = half_way().await;
    let other = scene.publish("east", &["harbour"]).await;
    let client = scene.world.client().await;
    client.execute("UPDATE client_groups SET qr_version_id = $1", &[&scene.version.0]).await.unwrap();
    let operator = scene.operator("root").await;
    scene.world.service.obsolete_version(&operator, scene.version).await.unwrap();
    assert_eq!(scene.run().await, []);
    assert_eq!((scene.job_state(job).await, scene.job_state(other).await), ("cancelled".into(), "cancelled".into()));
    assert_eq!(scene.states(job).await, states(&[("cancelled", 4), ("sent", 6)]));
    let shown = client.query_one("SELECT qr_version_id FROM client_groups", &[]).await.unwrap();
    assert_eq!(shown.get::<_, Option<i64>>(0), None);
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_version_that_is_withdrawn_while_its_group_comes_to_show_it_is_not_shown() {
    let scene = Scene::new().await;
    let operator = scene.operator("root").await;
    let (mut holder, client) = (scene.world.client().await, scene.world.client().await);
    let choice = holder.transaction().await.unwrap();
    choice.execute("UPDATE client_groups SET qr_version_id = $1", &[&scene.version.0]).await.unwrap();
    let (service, version) = (scene.world.service.clone(), scene.version);
    let withdrawn = tokio::spawn(async move { service.obsolete_version(&operator, version).await });
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    wait_until(Duration::from_secs(20), "the withdrawal to wait for the group", async || {
        client.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;
    choice.commit().await.unwrap();
    withdrawn.await.unwrap().unwrap();
    let shown = client.query_one("SELECT qr_version_id FROM client_groups", &[]).await.unwrap();
    assert_eq!(shown.get::<_, Option<i64>>(0), None);
}
