//! Who is given an application.

use chrono::{DateTime, TimeDelta};
use drover_domain::{DeviceId, Relationship};
use drover_service::{ApplicationRefusal as R, ServiceError, Targets, Wish};

use crate::scene::{EAST, Scene, groups, labels, users, uuids, wish};

fn refusal(result: Result<(), ServiceError>) -> R {
    match result.unwrap_err() {
        ServiceError::Application(refusal) => refusal,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn users_groups_and_labels_are_given_it_once_each() {
    let scene = Scene::new().await;
    let [ann, ben, cid, _dan] = scene.users(["ann", "ben", "cid", "dan"]).await;
    let (group, label) = (scene.group("sales", &[ann, ben]).await, scene.label("vip", &[ben, cid]).await);
    let app = scene.application("com.a", 1).await;
    let both = Targets { users: vec![ben, cid], groups: vec![group], ..Targets::default() };
    let job = scene.push(app, both, wish()).await;
    assert_eq!(uuids(&scene.run().await), ["ann", "ben", "cid"], "ben is in two audiences and has one command");
    assert_eq!(scene.states(job).await, [("sent".to_owned(), 3)]);
    assert_eq!(scene.counts(app).await, (3, 0));

    let other = scene.application("com.b", 1).await;
    scene.push(other, labels(&[label]), wish()).await;
    let sent = scene.run().await;
    assert_eq!(uuids(&sent), ["ben", "cid"]);
    scene.obey(&sent).await;
    assert_eq!(scene.counts(other).await, (2, 2));
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn the_default_group_is_who_is_in_no_group_of_the_operators_part() {
    let scene = Scene::new().await;
    let [ann, _ben] = scene.users(["ann", "ben"]).await;
    scene.user("wim", 903).await;
    scene.user("roy", 901).await;
    scene.group("sales", &[ann]).await;
    let app = scene.application("com.a", 1).await;
    let nobodys = Targets { default_group: true, ..Targets::default() };
    scene.try_push(EAST, app, nobodys.clone(), wish()).await.unwrap();
    assert_eq!(uuids(&scene.run().await), ["ben"]);
    scene.push(app, nobodys, wish()).await;
    assert_eq!(uuids(&scene.run().await), ["roy", "wim"], "ben has been told already");
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn devices_that_it_is_not_for_are_passed_by() {
    let scene = Scene::new().await;
    let all = ["ann", "ben", "cid", "dan", "eve"];
    let ids = scene.users(all).await;
    scene.change_device("ben", "relationship = 2").await;
    scene.change_device("cid", "relationship = NULL").await;
    scene.change_device("dan", "os = 51202, device_type = 20").await;
    scene.change_device("eve", "status = 'deregistered'").await;
    let android = scene.application("com.a", 1).await;
    let company = Wish { relationships: vec![Relationship::Company], ..wish() };
    scene.push(android, users(&ids), company).await;
    assert_eq!(uuids(&scene.run().await), ["ann"]);
    let others = Wish { relationships: vec![Relationship::Employee, Relationship::Other], ..wish() };
    scene.push(android, users(&ids), others).await;
    assert_eq!(uuids(&scene.run().await), ["ben", "cid"], "a device that nobody said whose it is, is somebody else's");

    let ios = scene.application("com.i", 2).await;
    scene.execute("UPDATE applications SET model_types = '{21,22}' WHERE id = $1", &[&ios.0]).await;
    scene.push(ios, users(&ids), wish()).await;
    assert_eq!(uuids(&scene.run().await), [""; 0], "an iPhone is not among the kinds");
    scene.execute("UPDATE applications SET model_types = '{20}' WHERE id = $1", &[&ios.0]).await;
    scene.push(ios, users(&ids), wish()).await;
    assert_eq!(uuids(&scene.run().await), ["dan"]);
    assert_eq!(scene.counts(ios).await, (1, 0));
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn who_has_it_or_is_being_given_it_is_passed_by() {
    let scene = Scene::new().await;
    let [ann, ben] = scene.users(["ann", "ben"]).await;
    let app = scene.application("com.a", 1).await;
    scene.push(app, users(&[ann, ben]), Wish { is_required: false, ..wish() }).await;
    let offered = scene.run().await;
    assert_eq!(uuids(&offered), ["ann", "ben"]);
    scene.obey(&offered[..1]).await;
    scene.push(app, users(&[ann, ben]), Wish { is_required: false, ..wish() }).await;
    assert_eq!(uuids(&scene.run().await), [""; 0], "ann has it, and ben was offered it");
    scene.push(app, users(&[ann, ben]), wish()).await;
    let required = scene.run().await;
    assert_eq!(uuids(&required), ["ben"], "required is more than offered");
    assert_eq!(scene.states(offered[0].id.job).await, [("succeeded".to_owned(), 1), ("superseded".to_owned(), 1)]);
    scene.obey(&required).await;
    // A newer release goes to everybody, an older one to nobody.
    scene.release(app, 11).await;
    scene.push(app, users(&[ann, ben]), wish()).await;
    let newer = scene.run().await;
    assert_eq!(uuids(&newer), ["ann", "ben"]);
    scene.obey(&newer).await;
    scene.release(app, 9).await;
    scene.push(app, users(&[ann, ben]), wish()).await;
    assert_eq!(uuids(&scene.run().await), [""; 0]);
    let has = |name: &str| (name.to_owned(), "11.0".to_owned());
    assert_eq!(scene.installed(app).await, [has("ann"), has("ben")].into());
    assert_eq!(scene.counts(app).await, (2, 2));
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_scheduled_push_begins_at_its_time() {
    let scene = Scene::new().await;
    let [ann] = scene.users(["ann"]).await;
    let app = scene.application("com.a", 1).await;
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let past = Wish { start_at: Some(now), ..wish() };
    assert_eq!(refusal(scene.try_push(EAST, app, users(&[ann]), past).await), R::StartInThePast);
    let later = Wish { start_at: Some(now + TimeDelta::days(1)), ..wish() };
    let job = scene.push(app, users(&[ann]), later).await;
    assert_eq!(uuids(&scene.run().await), [""; 0]);
    assert_eq!(scene.job_state(job).await, "scheduled");
    scene.execute("UPDATE jobs SET start_at = now() WHERE id = $1", &[&job.0]).await;
    assert_eq!(scene.world.service.start_due_jobs().await.unwrap(), 1);
    assert_eq!(uuids(&scene.run().await), ["ann"]);
    scene.world.assert_clean().await;
}

/// A broker inside the process that starts again tells planners of every job, also of those that have yet to begin.
#[tokio::test]
async fn who_a_scheduled_push_is_for_is_seen_when_it_begins() {
    let scene = Scene::new().await;
    let [ann, ben] = scene.users(["ann", "ben"]).await;
    let group = scene.group("sales", &[ann]).await;
    let app = scene.application("com.a", 1).await;
    let later = Wish { start_at: DateTime::from_timestamp(4_000_000_000, 0), ..wish() };
    let job = scene.push(app, groups(&[group]), later).await;
    scene.world.service.recover().await.unwrap();
    assert_eq!(uuids(&scene.run().await), [""; 0]);
    assert_eq!(scene.counts(app).await, (0, 0));
    scene.execute("UPDATE user_group_members SET user_id = $1", &[&ben]).await;
    scene.execute("UPDATE jobs SET start_at = now() WHERE id = $1", &[&job.0]).await;
    assert_eq!(scene.world.service.start_due_jobs().await.unwrap(), 1);
    assert_eq!(uuids(&scene.run().await), ["ben"]);
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn what_cannot_be_pushed_is_refused_and_changes_nothing() {
    let scene = Scene::new().await;
    let [ann] = scene.users(["ann"]).await;
    let stranger = scene.user("wim", 903).await;
    let empty = scene.label("empty", &[]).await;
    let app = scene.application("com.a", 1).await;
    let (sales, vip) = (scene.group("sales", &[ann]).await, scene.label("vip", &[ann]).await);
    let nobody = Targets::default();
    assert_eq!(refusal(scene.try_push(EAST, app, nobody, wish()).await), R::NoTarget);
    let mixed = Targets { labels: vec![vip], ..groups(&[sales]) };
    assert!(matches!(refusal(scene.try_push(EAST, app, mixed, wish()).await), R::BadPush(_)));
    let without = refusal(scene.try_push(EAST, app, labels(&[empty]), wish()).await);
    assert_eq!(without, R::LabelWithoutUsers(empty.to_string()));
    let beyond = scene.try_push(EAST, app, users(&[stranger]), wish()).await.unwrap_err().to_string();
    assert!(beyond.contains(&format!("no such user: {stranger}")), "{beyond}");
    let missing = drover_domain::ApplicationId(app.0 + 1);
    let unknown = refusal(scene.try_push(EAST, missing, users(&[ann]), wish()).await);
    assert_eq!(unknown, R::NoSuchApplication(missing.to_string()));
    assert_eq!(
        scene.id("SELECT count(*) FROM jobs", &[]).await + scene.id("SELECT count(*) FROM assignments", &[]).await,
        0
    );
}

/// A device that asks is told of all applications at once, and can be given firmware beside them.
#[tokio::test]
async fn many_applications_may_be_on_their_way_to_one_device() {
    let scene = Scene::new().await;
    let [ann] = scene.users(["ann"]).await;
    for n in 0..20 {
        let app = scene.application(&format!("com.app{n}"), 1).await;
        scene.push(app, users(&[ann]), wish()).await;
    }
    scene.plan_only().await;
    let device = DeviceId(scene.id("SELECT id FROM devices WHERE uuid = 'ann'", &[]).await);
    let open = scene.world.service.open_commands(device).await.unwrap();
    assert_eq!(open.len(), 20);
    assert!(open.is_sorted_by_key(drover_messages::DeviceCommand::identity), "the oldest first");
    let client = scene.world.client().await;
    assert_eq!(drover_store::devices::busy(&client, 0, &[device.0], 1).await.unwrap(), [""; 0]);
    let product = &scene.world.product;
    scene.change_device("ann", &format!("product_id = {}", product.id)).await;
    let page = drover_service::Page::new(1, 10).unwrap();
    let filter = drover_service::DeviceFilter { uuid: Some("ann".into()), ..drover_service::DeviceFilter::default() };
    assert_eq!(scene.world.service.devices(product, filter, page).await.unwrap().total, 1, "it can join");
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_push_takes_over_from_older_ones_that_it_covers() {
    let scene = Scene::new().await;
    let [ann, ben] = scene.users(["ann", "ben"]).await;
    let app = scene.application("com.a", 1).await;
    let live = async || {
        let sql = "SELECT a.id, is_essential, ARRAY(SELECT target_id FROM assignment_targets WHERE assignment_id = a.id ORDER BY 1)
            FROM assignments a WHERE ended_at IS NULL ORDER BY a.id";
        let rows = scene.world.store.client().await.unwrap().query(sql, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(1), row.get(2))).collect::<Vec<(bool, Vec<i64>)>>()
    };
    scene.push(app, users(&[ann, ben]), Wish { is_essential: true, ..wish() }).await;
    scene.push(app, users(&[ann]), wish()).await;
    assert_eq!(live().await, [(true, vec![ben]), (false, vec![ann])], "what was said last counts");
    let company = Wish { relationships: vec![Relationship::Company], ..wish() };
    scene.push(app, users(&[ann]), company).await;
    let later = Wish { start_at: Some(DateTime::from_timestamp(4_000_000_000, 0).unwrap()), ..wish() };
    scene.push(app, users(&[ann]), later).await;
    assert_eq!(live().await.len(), 4, "who reaches less, or only later, leaves the others what they reach");
    scene.push(app, users(&[ann, ben]), wish()).await;
    assert_eq!(live().await, [(false, vec![ann, ben])]);
    assert_eq!(uuids(&scene.run().await), ["ann", "ben"]);
    scene.world.assert_clean().await;
}
