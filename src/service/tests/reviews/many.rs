//! Many devices at once cost a few statements, and one that cannot be reviewed is in nobody else's way.

use crate::{
    scene::{EAST, Scene, groups},
    staged::{pushed, review},
};

async fn calls(scene: &Scene) -> i64 {
    scene.id("SELECT count(*) FROM jobs WHERE push_action = 'install'", &[]).await
}

#[tokio::test]
async fn a_thousand_joiners_are_two_pushes() {
    let scene = Scene::new().await;
    let id = scene.group("sales", &[]).await;
    let application = pushed(&scene, groups(&[id])).await;
    let crowd = "WITH u AS (INSERT INTO users (tenant_id, organisation_id, account)
            SELECT $1, $2, 'u' || n FROM generate_series(1, 1000) n RETURNING id),
        d AS (INSERT INTO devices (tenant_id, organisation_id, user_id, uuid, channel, os, relationship)
            SELECT $1, $2, id, 'd' || id, 'simulated', 51201, 1 FROM u)
        INSERT INTO user_group_members SELECT $3, id FROM u";
    scene.execute(crowd, &[&scene.tenant.0, &EAST, &id]).await;
    let before = calls(&scene).await;
    assert_eq!(review(&scene).await, 1000);
    assert_eq!(calls(&scene).await - before, 2, "one for each batch of 500");
    assert_eq!(scene.id("SELECT count(*) FROM device_reviews", &[]).await, 0);
    scene.plan_only().await;
    assert_eq!(scene.counts(application).await, (1000, 0));
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_device_that_cannot_be_reviewed_is_put_off_and_the_others_are_not() {
    let scene = Scene::new().await;
    let users = scene.users(["ada", "bob", "cid"]).await;
    let id = scene.group("sales", &users).await;
    review(&scene).await;
    let application = pushed(&scene, groups(&[id])).await;
    // A word of a newer program, which this one cannot read.
    scene.execute("ALTER TABLE jobs DROP CONSTRAINT jobs_push_action_check, DROP CONSTRAINT jobs_push_application, DROP CONSTRAINT jobs_push_release, DROP CONSTRAINT jobs_push_assignment", &[]).await;
    let poison = "WITH j AS (INSERT INTO jobs (tenant_id, kind, name, state, retry_limit, attempt_timeout_s, job_timeout_s, trace_context, push_action, started_at, expires_at)
            VALUES ($1, 'push', 'j', 'running', 0, 1, 1, '', 'conjure', now(), now() + interval '1 day') RETURNING id)
        UPDATE app_installs SET job_id = j.id FROM j, devices d WHERE d.id = device_id AND d.uuid = 'bob' AND application_id = $2";
    assert_eq!(scene.execute(poison, &[&scene.tenant.0, &application.0]).await, 1);
    scene.execute("INSERT INTO device_reviews (device_id) SELECT id FROM devices", &[]).await;
    assert_eq!(scene.world.service.review_devices(500).await.unwrap(), 2);
    let left = "SELECT count(*) FROM device_reviews r JOIN devices d ON d.id = r.device_id WHERE d.uuid = 'bob' AND r.created_at > now()";
    assert_eq!(scene.id(left, &[]).await, 1);
    assert_eq!(scene.world.service.review_devices(500).await.unwrap(), 0);
}
