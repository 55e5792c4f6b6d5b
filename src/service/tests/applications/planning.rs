//! Planning by chunks: by two planners, twice, and in the smallest steps.

use drover_domain::JobId;
use drover_service::{ServiceOptions, Targets};

use crate::{
    scene::{EAST, Scene, users, uuids, wish},
    support::World,
};

/// Whatever the size of a chunk, everybody is found once: users with no device and with several, in groups that overlap,
/// and organisations without users.
#[tokio::test]
async fn chunks_of_any_size_find_everybody_once() {
    for plan_chunk in [1, 2, 3, 1000] {
        let scene = Scene::of(World::with(ServiceOptions { plan_chunk, ..ServiceOptions::default() }).await).await;
        let ids = scene.users(["ann", "ben", "cid", "dan", "eve", "fay"]).await;
        scene.user("wim", 903).await;
        let sql = "INSERT INTO devices (tenant_id, organisation_id, user_id, uuid, channel, os)
            SELECT tenant_id, organisation_id, user_id, uuid || '-' || n, 'simulated', 51201
            FROM devices, generate_series(2, 4) n WHERE uuid IN ('ben', 'fay')";
        scene.execute(sql, &[]).await;
        scene.execute("DELETE FROM devices WHERE uuid = 'cid'", &[]).await;
        let (one, two) = (scene.group("one", &ids[..3]).await, scene.group("two", &ids[1..4]).await);
        let app = scene.application("com.a", 1).await;
        let named = Targets { users: vec![ids[3]], groups: vec![one, two], ..Targets::default() };
        scene.push(app, named, wish()).await;
        let expected = ["ann", "ben", "ben-2", "ben-3", "ben-4", "dan"];
        assert_eq!(uuids(&scene.run().await), expected, "chunks of {plan_chunk}");
        let rest = Targets { default_group: true, ..Targets::default() };
        scene.push(app, rest, wish()).await;
        let expected = ["eve", "fay", "fay-2", "fay-3", "fay-4", "wim"];
        assert_eq!(uuids(&scene.run().await), expected, "chunks of {plan_chunk}");
        assert_eq!(scene.counts(app).await, (12, 0));
        // And whoever has it is found the same way.
        scene.remove(app).await.unwrap();
        assert_eq!(scene.run().await.len(), 12, "chunks of {plan_chunk}");
        scene.world.assert_clean().await;
    }
}

#[tokio::test]
async fn planners_that_meet_or_come_again_give_nobody_two_commands() {
    let scene = Scene::new().await;
    let sql = "WITH u AS (INSERT INTO users (tenant_id, organisation_id, account)
            SELECT $1, $2, 'u' || n FROM generate_series(1, 100) n RETURNING id, account)
        INSERT INTO devices (tenant_id, organisation_id, user_id, uuid, channel, os)
        SELECT $1, $2, id, account, 'simulated', 51201 FROM u";
    scene.execute(sql, &[&scene.tenant.0, &EAST]).await;
    let all = Targets { default_group: true, ..Targets::default() };
    let app = scene.application("com.a", 1).await;
    let first = scene.push(app, all.clone(), wish()).await;
    let second = scene.push(app, all, wish()).await;
    let plan = async |job: JobId| scene.world.service.plan_job(job, 100).await.unwrap();
    tokio::join!(plan(first), plan(second), plan(first), plan(second));
    plan(first).await;
    let open = "SELECT count(*) FROM commands WHERE finished_at IS NULL";
    assert_eq!(scene.id(open, &[]).await, 100);
    assert_eq!(scene.counts(app).await, (100, 0));
    scene.world.assert_clean().await;
}

/// An install and an uninstall of the same devices that are planned at once: whichever planner is quicker, the newer push is
/// what is left.
#[tokio::test]
async fn of_two_that_contradict_each_other_the_newer_is_left() {
    let scene = Scene::new().await;
    let ids = scene.users(["ann", "ben", "cid", "dan"]).await;
    let app = scene.application("com.a", 1).await;
    scene.push(app, users(&ids), wish()).await;
    let sent = scene.run().await;
    scene.obey(&sent).await;
    scene.release(app, 11).await;
    let install = scene.push(app, users(&ids), wish()).await;
    let uninstall = scene.take_back(app, users(&ids[..2])).await;
    let plan = async |job: JobId| scene.world.service.plan_job(job, 100).await.unwrap();
    tokio::join!(plan(install), plan(uninstall));
    let newest = "SELECT count(*) FROM commands c JOIN devices d ON d.id = c.device_id
        WHERE c.job_id = $1 AND c.finished_at IS NULL AND d.uuid = ANY($2)";
    assert_eq!(scene.id(newest, &[&uninstall.0, &vec!["ann", "ben"]]).await, 2);
    assert_eq!(
        scene.id("SELECT count(*) FROM commands WHERE finished_at IS NULL AND job_id = $1", &[&install.0]).await,
        2
    );
    scene.world.assert_clean().await;
}
