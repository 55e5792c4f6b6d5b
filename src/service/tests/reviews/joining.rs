//! Who joins is given what was pushed as required.

use drover_service::Targets;

use crate::{
    scene::{EAST, Scene, groups, labels, told, users, wish},
    staged::{PACKAGE, is, join, leave, person, pushed, review, reviewed, settle},
};

#[tokio::test]
async fn who_joins_a_group_or_gets_a_label_is_given_what_they_were_given() {
    for set in ["group", "label"] {
        let scene = Scene::new().await;
        let [ada, bob, _cid] = scene.users(["ada", "bob", "cid"]).await;
        let (id, targets) = match set {
            "group" => (scene.group("sales", &[ada]).await, groups as fn(&[i64]) -> Targets),
            _ => (scene.label("red", &[ada]).await, labels as fn(&[i64]) -> Targets),
        };
        let application = pushed(&scene, targets(&[id])).await;
        assert_eq!(scene.counts(application).await, (1, 1));
        join(&scene, set, id, bob).await;
        assert_eq!(settle(&scene).await, is("bob", "install"));
        join(&scene, set, id, person(&scene, "dan").await).await;
        leave(&scene, set, id, bob).await;
        join(&scene, set, id, bob).await;
        assert_eq!(settle(&scene).await, [], "who has it, or has no device, is given nothing");
        assert_eq!(scene.counts(application).await, (2, 2));
        scene.world.assert_clean().await;
    }
}

#[tokio::test]
async fn what_is_on_demand_or_to_come_is_not_pressed_upon_who_joins() {
    let scene = Scene::new().await;
    let [ada, bob] = scene.users(["ada", "bob"]).await;
    let id = scene.group("sales", &[ada]).await;
    let (offered, later) = (scene.application("a", 1).await, scene.application("b", 1).await);
    let mut on_demand = wish();
    on_demand.is_required = false;
    scene.push(offered, groups(&[id]), on_demand).await;
    let mut to_come = wish();
    to_come.start_at = chrono::DateTime::from_timestamp(1_800_000_000 + 86_400, 0);
    scene.push(later, groups(&[id]), to_come).await;
    settle(&scene).await;
    join(&scene, "group", id, bob).await;
    assert_eq!(settle(&scene).await, []);
    // When its time has come, it is for whoever is there.
    scene.execute("UPDATE assignments SET start_at = now() - interval '1 s' WHERE start_at IS NOT NULL", &[]).await;
    scene.execute("INSERT INTO device_reviews (device_id) SELECT id FROM devices WHERE uuid = 'bob'", &[]).await;
    assert_eq!(settle(&scene).await, is("bob", "install"));
}

#[tokio::test]
async fn a_device_that_changes_hands_is_given_what_its_new_user_is() {
    let scene = Scene::new().await;
    let [ada, bob] = scene.users(["ada", "bob"]).await;
    pushed(&scene, users(&[ada])).await;
    scene.change_device("bob", &format!("user_id = {ada}")).await;
    assert_eq!(settle(&scene).await, is("bob", "install"));
    scene.change_device("bob", "name = 'renamed', online_at = now()").await;
    assert_eq!(review(&scene).await, 0, "that is nothing to review for");
    scene.change_device("bob", &format!("user_id = {bob}")).await;
    assert_eq!(settle(&scene).await, [], "it was not to be removed");
}

#[tokio::test]
async fn a_device_that_becomes_the_companys_or_is_enrolled_is_given_what_is_for_such() {
    let scene = Scene::new().await;
    let [ada] = scene.users(["ada"]).await;
    let application = scene.application(PACKAGE, 1).await;
    let mut of_company = wish();
    of_company.relationships = vec![drover_domain::Relationship::Company];
    scene.change_device("ada", "relationship = 2").await;
    scene.push(application, users(&[ada]), of_company).await;
    assert_eq!(settle(&scene).await, []);
    scene.change_device("ada", "relationship = 1").await;
    assert_eq!(settle(&scene).await, is("ada", "install"));
    let enrol = "INSERT INTO devices (tenant_id, organisation_id, user_id, uuid, channel, os, relationship)
        SELECT tenant_id, organisation_id, id, $2, 'simulated', $3, 1 FROM users WHERE id = $1";
    scene.execute(enrol, &[&ada, &"tablet", &51201_i32]).await;
    scene.execute(enrol, &[&ada, &"apple", &51202_i32]).await;
    assert_eq!(settle(&scene).await, is("tablet", "install"), "and an iPhone is not");
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn the_default_group_is_whoever_is_in_no_group_of_the_organisation() {
    let scene = Scene::new().await;
    let [ada] = scene.users(["ada"]).await;
    let id = scene.group("sales", &[ada]).await;
    let west = scene.user("will", 903).await;
    let application = scene.application(PACKAGE, 1).await;
    scene.try_push(EAST, application, Targets { default_group: true, ..Targets::default() }, wish()).await.unwrap();
    assert_eq!(settle(&scene).await, [], "nobody of the east is in no group");
    leave(&scene, "group", id, ada).await;
    assert_eq!(settle(&scene).await, is("ada", "install"));
    scene.execute("UPDATE users SET organisation_id = $2 WHERE id = $1", &[&west, &EAST]).await;
    assert_eq!(settle(&scene).await, is("will", "install"), "who moves to the organisation");
}

#[tokio::test]
async fn a_device_in_two_audiences_gets_one_command() {
    let scene = Scene::new().await;
    let [ada, bob] = scene.users(["ada", "bob"]).await;
    let (group, label) = (scene.group("sales", &[ada]).await, scene.label("red", &[ada]).await);
    let application = pushed(&scene, groups(&[group])).await;
    scene.push(application, labels(&[label]), wish()).await;
    settle(&scene).await;
    join(&scene, "group", group, bob).await;
    join(&scene, "label", label, bob).await;
    let sent = reviewed(&scene).await;
    assert_eq!(told(&sent), [("bob", "install")]);
    join(&scene, "label", scene.label("blue", &[]).await, bob).await;
    assert_eq!(reviewed(&scene).await, [], "another review finds it under way");
    scene.obey(&sent).await;
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_change_that_a_review_does_not_see_yet_is_not_lost() {
    let scene = Scene::new().await;
    let [ada, bob] = scene.users(["ada", "bob"]).await;
    let id = scene.group("sales", &[ada]).await;
    pushed(&scene, groups(&[id])).await;
    // The device waits for a review already when somebody, in a transaction that is not over, adds its user.
    scene.execute("INSERT INTO device_reviews (device_id) SELECT id FROM devices WHERE uuid = 'bob'", &[]).await;
    let mut client = scene.world.client().await;
    let tx = client.transaction().await.unwrap();
    tx.execute("INSERT INTO user_group_members (group_id, user_id) VALUES ($1, $2)", &[&id, &bob]).await.unwrap();
    assert_eq!(settle(&scene).await, []);
    tx.commit().await.unwrap();
    assert_eq!(settle(&scene).await, is("bob", "install"));
}

/// A review's push that is planned late brings nothing of an assignment that a newer one took over from.
#[tokio::test]
async fn what_was_taken_back_is_not_brought_by_an_older_review() {
    let scene = Scene::new().await;
    let [ada, bob] = scene.users(["ada", "bob"]).await;
    let id = scene.group("sales", &[ada]).await;
    let application = pushed(&scene, groups(&[id])).await;
    join(&scene, "group", id, bob).await;
    review(&scene).await;
    let held = scene.world.take_outbox().await;
    assert_eq!(held.len(), 1);
    let slow = scene.id("SELECT max(id) FROM jobs", &[]).await;
    scene.push(application, groups(&[id]), wish()).await;
    scene.take_back(application, groups(&[id])).await;
    assert_eq!(told(&scene.run().await), [("ada", "uninstall")]);
    scene.world.service.plan_job(drover_domain::JobId(slow), 2).await.unwrap();
    assert_eq!(told(&scene.run().await), []);
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn who_comes_into_a_group_by_a_file_is_given_it_too() {
    let scene = Scene::new().await;
    let [ada, _bob] = scene.users(["ada", "bob"]).await;
    let id = scene.group("sales", &[ada]).await;
    pushed(&scene, groups(&[id])).await;
    let admin = scene.operator(crate::scene::ROOT).await;
    let file = std::io::Cursor::new("name,member\nsales,bob\n".to_owned());
    let imported = scene.world.service.import(&admin, drover_service::ImportKind::Groups, file).await.unwrap();
    assert!(matches!(imported, drover_service::Imported::All { .. }), "{imported:?}");
    assert_eq!(settle(&scene).await, is("bob", "install"));
}
