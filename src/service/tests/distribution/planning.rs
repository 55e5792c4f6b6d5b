//! Who is given a version.

use chrono::DateTime;
use drover_domain::JobId;
use drover_messages::ReportStatus;
use drover_service::Recorded;

use crate::scene::{Scene, request, trace, uuids};

#[tokio::test]
async fn a_distribution_reaches_the_organisation_and_everything_below_it() {
    let scene = Scene::new().await;
    for (organisation, count) in [("root", 1), ("east", 12), ("harbour", 25), ("hills", 3), ("west", 5)] {
        scene.enrol(organisation, count).await;
    }
    let publication = scene.publish("root", &["root"]).await;
    assert_eq!(scene.job_state(publication).await, "running");
    assert_eq!(scene.run().await, [], "to publish gives nobody anything");
    let job = scene.distribute("root", "east").await;
    assert_eq!(scene.states(job).await, [], "nothing is planned in the call");
    let sent = scene.run().await;
    assert_eq!(sent.len(), 12 + 25 + 3);
    let reached: Vec<&str> = uuids(&sent).iter().map(|uuid| uuid.split_once('-').unwrap().0).collect();
    for (organisation, count) in [("east", 12), ("harbour", 25), ("hills", 3)] {
        assert_eq!(reached.iter().filter(|reached| **reached == organisation).count(), count);
    }
    scene.world.assert_clean().await;
    for sent in &sent {
        assert_eq!(scene.say(sent, ReportStatus::Succeeded).await, Recorded::Applied);
    }
    assert_eq!(scene.world.service.finish_jobs().await.unwrap(), 1);
    assert_eq!(
        (scene.job_state(job).await, scene.job_state(publication).await),
        ("completed".into(), "running".into())
    );
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn who_cannot_use_a_version_or_has_it_is_passed_over() {
    let scene = Scene::new().await;
    scene.enrol("east", 7).await;
    let client = scene.world.client().await;
    client
        .batch_execute(
            "UPDATE devices SET os = 51202 WHERE uuid = 'east-1';
             UPDATE devices SET os = NULL WHERE uuid = 'east-2';
             UPDATE devices SET status = 'deregistered' WHERE uuid = 'east-3';
             INSERT INTO device_apps (device_id, package_name, version_code, version_name)
             SELECT id, 'com.example.agent', given.code, given.version FROM devices JOIN (VALUES
                ('east-4', 200, '2.00'), ('east-5', 201, '2.01'), ('east-6', 199, '1.99')) given (uuid, code, version) USING (uuid);",
        )
        .await
        .unwrap();
    scene.publish("east", &["east"]).await;
    let job = scene.distribute("east", "east").await;
    assert_eq!(uuids(&scene.run().await), ["east-6", "east-7"]);
    let rows = client
        .query("SELECT version_before FROM commands WHERE job_id = $1 ORDER BY device_id", &[&job.0])
        .await
        .unwrap();
    let before: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(before, ["1.99", ""]);
}

#[tokio::test]
async fn many_small_organisations_are_walked_as_few_large_ones() {
    let scene = Scene::new().await;
    let client = scene.world.client().await;
    client
        .batch_execute(
            "INSERT INTO organisations (id, tenant_id, parent_id, code, name, path) OVERRIDING SYSTEM VALUE
             SELECT 1000 + n, tenant_id, id, 'o' || n, 'o', path || (1000 + n) || '/' FROM organisations, generate_series(1, 250) n
             WHERE code = 'west';
             -- Every third has a device or two; the ids of devices are not in the order of organisations.
             INSERT INTO devices (tenant_id, organisation_id, uuid, channel, os)
             SELECT tenant_id, id, code || '-' || n, 'simulated', 51201 FROM organisations, generate_series(1, 2) n
             WHERE id > 1000 AND id % 3 < n - 1 ORDER BY md5(code);",
        )
        .await
        .unwrap();
    let expected: i64 = client.query_one("SELECT count(*) FROM devices", &[]).await.unwrap().get(0);
    assert!(expected > 50);
    scene.publish("root", &["root"]).await;
    scene.distribute("root", "west").await;
    let sent = scene.run().await;
    let mut reached = uuids(&sent);
    reached.dedup();
    assert_eq!(i64::try_from(reached.len()).unwrap(), expected);
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_later_distribution_takes_the_place_of_an_earlier_one_of_the_same_client_only() {
    let mut scene = Scene::new().await;
    scene.enrol("east", 2).await;
    scene.publish("root", &["root"]).await;
    let first = scene.distribute("root", "east").await;
    assert_eq!(scene.run().await.len(), 2);
    scene.version = scene.add_version(201).await;
    scene.publish("root", &["root"]).await;
    let second = scene.distribute("root", "east").await;
    assert_eq!(scene.run().await.len(), 2);
    assert_eq!(scene.states(first).await, [("superseded".into(), 2)]);
    // Another program of the same devices leaves these alone.
    let client = scene.world.client().await;
    client
        .batch_execute(
            "INSERT INTO client_groups (id, tenant_id, organisation_id, name, group_code, terminal_class, os, download_key)
                OVERRIDING SYSTEM VALUE SELECT 77, tenant_id, 901, 'other', 'other', '0', 51201, 'other' FROM client_groups;
             UPDATE client_versions SET group_id = 77 WHERE version_code = 200;",
        )
        .await
        .unwrap();
    let other = client.query_one("SELECT id FROM client_versions WHERE version_code = 200", &[]).await.unwrap();
    scene.version = drover_domain::ClientVersionId(other.get(0));
    scene.publish("root", &["root"]).await;
    scene.distribute("root", "east").await;
    assert_eq!(scene.run().await.len(), 2);
    assert_eq!(scene.states(second).await, [("sent".into(), 2)]);
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_distribution_may_start_later_and_ends_with_the_offer() {
    let scene = Scene::new().await;
    scene.enrol("east", 1).await;
    let operator = scene.operator("root").await;
    // The service's clock stands here.
    let at = |s: i64| DateTime::from_timestamp(1_800_000_000 + s, 0);
    let mut publish = request(&["root"]);
    publish.targets[0].expires_at = at(500);
    publish.targets[0].start_at = at(100);
    publish.distribute = true;
    let publication = scene.world.service.publish_version(&operator, scene.version, publish, trace()).await.unwrap();
    let client = scene.world.client().await;
    let row = client
        .query_one(
            "SELECT id, state, start_at, job_timeout_s, force FROM jobs WHERE publication_id = $1",
            &[&publication.0],
        )
        .await
        .unwrap();
    let (job, state, start_at, lasts_s, force) =
        (JobId(row.get(0)), row.get::<_, String>(1), row.get(2), row.get::<_, i32>(3), row.get::<_, bool>(4));
    assert_eq!((state.as_str(), start_at, lasts_s, force), ("scheduled", at(100), 400, true));
    assert_eq!(scene.run().await, []);
    client.execute("UPDATE jobs SET start_at = now() WHERE id = $1", &[&job.0]).await.unwrap();
    assert_eq!(scene.world.service.start_due_jobs().await.unwrap(), 1);
    assert_eq!(scene.run().await.len(), 1);

    // A distribution of its own ends with its publication too.
    let mut later = request(&["east"]);
    later.targets[0].start_at = at(200);
    let made = scene.world.service.distribute_version(&operator, scene.version, later, trace()).await.unwrap();
    let row = client.query_one("SELECT job_timeout_s FROM jobs WHERE id = $1", &[&made[0].0]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 300);

    // The publication's own time is over.
    client.execute("UPDATE jobs SET expires_at = now() WHERE id = $1", &[&publication.0]).await.unwrap();
    assert_eq!(scene.world.service.end_publications().await.unwrap(), 1);
    assert_eq!(scene.job_state(publication).await, "completed");
    assert!(
        scene.world.service.distribute_version(&operator, scene.version, request(&["east"]), trace()).await.is_err()
    );
}

#[tokio::test]
async fn a_distribution_that_nobody_started_in_time_is_not_sent_after_its_offer() {
    let scene = Scene::new().await;
    scene.enrol("east", 1).await;
    let operator = scene.operator("root").await;
    let at = |s: i64| DateTime::from_timestamp(1_800_000_000 + s, 0);
    let mut publish = request(&["root"]);
    publish.targets[0].expires_at = at(500);
    publish.targets[0].start_at = at(100);
    publish.distribute = true;
    scene.world.service.publish_version(&operator, scene.version, publish, trace()).await.unwrap();
    let client = scene.world.client().await;
    let scheduled = "SELECT id, expires_at FROM jobs WHERE kind = 'distribute'";
    let row = client.query_one(scheduled, &[]).await.unwrap();
    assert_eq!(row.get::<_, Option<DateTime<chrono::Utc>>>(1), at(500));
    let job = JobId(row.get(0));
    // As if the system had been away until then.
    let late = "UPDATE jobs SET start_at = now() - interval '401 s', expires_at = now() - interval '1 s' WHERE id = $1";
    client.execute(late, &[&job.0]).await.unwrap();
    assert_eq!(scene.world.service.start_due_jobs().await.unwrap(), 1);
    assert_eq!(scene.run().await, []);
    assert_eq!((scene.job_state(job).await.as_str(), scene.states(job).await), ("cancelled", vec![]));
    scene.world.assert_clean().await;
}
