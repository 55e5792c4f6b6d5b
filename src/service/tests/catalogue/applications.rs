//! Applications: whose devices are told of what was pushed to them.

use drover_domain::{ApplicationId, ModelType, Os, Relationship};
use drover_service::{SoftwareCheck, Targets, Wish};

use crate::{
    scene::{EAST, ROOT, groups, labels, users, wish},
    town::{Town, asking, named},
};

const APP: &str = "com.acme.field";

fn app(code: i64) -> Vec<(String, i64)> {
    vec![(APP.to_owned(), code)]
}

/// A push that its planner has carried out.
async fn pushed(town: &Town, targets: Targets, wish: Wish) -> ApplicationId {
    let application = town.application(APP, 1).await;
    town.push(application, targets, wish).await;
    town.plan_only().await;
    application
}

#[tokio::test]
async fn whom_a_push_names_its_devices_are_told() {
    let town = Town::new().await;
    let [ada, bob, cid, dan] = town.users(["ada", "bob", "cid", "dan"]).await;
    let (drivers, red) = (town.group("drivers", &[bob]).await, town.label("red", &[cid]).await);
    let all = ["ada", "bob", "cid", "dan", "east", "stranger"];
    let told = async || {
        let mut told = Vec::new();
        for device in all {
            if town.offered(device).await == app(10) {
                told.push(device);
            }
        }
        told
    };
    assert_eq!(told().await, [""; 0]);
    let application = pushed(&town, users(&[ada]), wish()).await;
    assert_eq!(told().await, ["ada"]);
    town.push(application, groups(&[drivers]), wish()).await;
    town.plan_only().await;
    assert_eq!(told().await, ["ada", "bob"]);
    town.push(application, labels(&[red]), wish()).await;
    town.plan_only().await;
    assert_eq!(told().await, ["ada", "bob", "cid"]);
    let nobody = Targets { default_group: true, ..Targets::default() };
    town.push(application, nobody, wish()).await;
    town.plan_only().await;
    assert_eq!(told().await, ["ada", "bob", "cid", "dan"], "who is in no group");

    // Who joins and leaves, and who is given another device.
    let sql = "INSERT INTO user_group_members (group_id, user_id) VALUES ($1, $2)";
    town.execute(sql, &[&drivers, &dan]).await;
    town.take_back(application, Targets { default_group: true, ..Targets::default() }).await;
    assert_eq!(told().await, ["ada", "bob", "cid", "dan"]);
    town.execute("DELETE FROM user_group_members WHERE user_id = $1", &[&dan]).await;
    assert_eq!(told().await, ["ada", "bob", "cid"]);
    town.change_device("cid", &format!("user_id = {dan}")).await;
    assert_eq!(told().await, ["ada", "bob"]);
    town.take_back(application, users(&[ada])).await;
    assert_eq!(told().await, ["bob"]);
    town.remove(application).await.unwrap();
    assert_eq!(told().await, [""; 0]);
}

#[tokio::test]
async fn the_default_group_is_that_of_the_operators_organisation() {
    let town = Town::new().await;
    town.user("ada", EAST).await;
    town.user("bob", ROOT).await;
    let application = town.application(APP, 1).await;
    let nobody = Targets { default_group: true, ..Targets::default() };
    // An operator of the east administers nothing of the root's, so the assignment is made its own afterwards.
    town.push(application, nobody, wish()).await;
    town.plan_only().await;
    assert_eq!((town.offered("ada").await, town.offered("bob").await), (app(10), app(10)));
    assert_eq!(town.execute("UPDATE assignments SET organisation_id = $1", &[&EAST]).await, 1);
    assert_eq!((town.offered("ada").await, town.offered("bob").await), (app(10), vec![]));
}

#[tokio::test]
async fn whose_a_device_is_and_what_it_runs_counts() {
    let town = Town::new().await;
    let [ada] = town.users(["ada"]).await;
    pushed(&town, users(&[ada]), Wish { relationships: vec![Relationship::Company], ..wish() }).await;
    assert_eq!(town.offered("ada").await, app(10));
    for other in ["relationship = 2", "relationship = NULL", "relationship = 1, os = 51202"] {
        town.change_device("ada", other).await;
        assert_eq!(town.offered("ada").await, [], "{other}");
    }
    town.change_device("ada", "os = NULL").await;
    assert_eq!(town.offered("ada").await, app(10), "it says that it runs Android");
    let check = SoftwareCheck { os: Some(Os::Ios), ..asking("ada", &[]) };
    assert_eq!(town.try_check(&check).await.unwrap(), []);
}

#[tokio::test]
async fn kinds_of_ios_devices_are_told_apart_as_far_as_anybody_said() {
    let town = Town::new().await;
    let [ada] = town.users(["ada"]).await;
    town.change_device("ada", "os = 51202, device_type = 20").await;
    let application = town.application(APP, 2).await;
    town.execute("UPDATE applications SET model_types = '{21}'", &[]).await;
    town.push(application, users(&[ada]), wish()).await;
    town.plan_only().await;
    assert_eq!(town.offered("ada").await, [], "an iPhone is no iPad");
    town.change_device("ada", "device_type = NULL").await;
    assert_eq!(town.offered("ada").await, app(10));
    let says = async |kind: i16| {
        let check = SoftwareCheck { device_type: Some(kind.to_string()), ..asking("ada", &[]) };
        named(&town.try_check(&check).await.unwrap())
    };
    assert_eq!(says(ModelType::IPhone.code()).await, []);
    assert_eq!(says(ModelType::IPad.code()).await, app(10));
    assert_eq!(says(99).await, app(10), "no kind of device that there is");
}

#[tokio::test]
async fn what_is_to_begin_later_is_told_of_later() {
    let town = Town::new().await;
    let [ada] = town.users(["ada"]).await;
    let application = town.application(APP, 1).await;
    let start_at = chrono::DateTime::from_timestamp(1_800_086_400, 0);
    town.push(application, users(&[ada]), Wish { start_at, ..wish() }).await;
    assert_eq!(town.offered("ada").await, []);
    town.execute("UPDATE assignments SET start_at = now()", &[]).await;
    assert_eq!(town.offered("ada").await, [], "its push has yet to begin");
    town.execute("UPDATE jobs SET start_at = now()", &[]).await;
    assert_eq!(town.world.service.start_due_jobs().await.unwrap(), 1);
    assert_eq!(town.offered("ada").await, [], "and to be planned");
    town.plan_only().await;
    assert_eq!(town.offered("ada").await, app(10));
}

#[tokio::test]
async fn what_is_required_is_installed_without_asking() {
    let town = Town::new().await;
    let [ada] = town.users(["ada"]).await;
    let application = pushed(&town, users(&[ada]), wish()).await;
    let found = town.check("ada", &[(APP, 9)]).await;
    assert_eq!((named(&found), found[0].is_auto_install), (app(10), true));
    assert_eq!((found[0].name.as_str(), found[0].version_name.as_str()), ("App com.acme.field", "10.0"));
    assert!(found[0].file_url.contains("/app.apk?"), "{}", found[0].file_url);
    town.push(application, users(&[ada]), Wish { is_required: false, ..wish() }).await;
    town.plan_only().await;
    assert!(!town.check("ada", &[(APP, 9)]).await[0].is_auto_install);
}

#[tokio::test]
async fn the_newest_push_has_the_last_word() {
    let town = Town::new().await;
    let [ada] = town.users(["ada"]).await;
    pushed(&town, users(&[ada]), wish()).await;
    // Another application of the same package, with an older release.
    let older = town.application(APP, 1).await;
    town.release(older, 7).await;
    town.push(older, users(&[ada]), wish()).await;
    town.plan_only().await;
    assert_eq!(town.offered("ada").await, app(7));
    let found = town.check("ada", &[(APP, 10)]).await;
    assert_eq!((named(&found), found[0].is_rollback), (app(7), true));
}

#[tokio::test]
async fn what_was_replaced_comes_as_it_is_now() {
    let town = Town::new().await;
    let [ada] = town.users(["ada"]).await;
    let application = pushed(&town, users(&[ada]), wish()).await;
    assert_eq!(town.check("ada", &[(APP, 10)]).await, []);
    town.release(application, 11).await;
    assert_eq!(named(&town.check("ada", &[(APP, 10)]).await), app(11));
}

#[tokio::test]
async fn settings_travel_with_an_application_as_long_as_their_policy_is_enabled() {
    let town = Town::new().await;
    let [ada] = town.users(["ada"]).await;
    let sql = "INSERT INTO app_policies (tenant_id, organisation_id, name, domain_type, settings)
        VALUES ($1, 901, 'p', 0, '{\"server\": \"a\"}') RETURNING id";
    let policy = drover_domain::PolicyId(town.id(sql, &[&town.tenant.0]).await);
    pushed(&town, users(&[ada]), Wish { policy: Some(policy), ..wish() }).await;
    let settings = async || town.check("ada", &[]).await.remove(0).settings;
    assert_eq!(settings().await, "{\"server\": \"a\"}");
    town.execute("UPDATE app_policies SET settings = '{\"server\": \"b\"}'", &[]).await;
    assert_eq!(settings().await, "{\"server\": \"b\"}");
    town.execute("UPDATE app_policies SET is_enabled = false", &[]).await;
    assert_eq!(settings().await, "{}");
}

#[tokio::test]
async fn what_the_store_brings_is_left_out() {
    let town = Town::new().await;
    let [ada] = town.users(["ada"]).await;
    pushed(&town, users(&[ada]), wish()).await;
    town.execute("UPDATE applications SET itunes_store_id = 7", &[]).await;
    assert_eq!(town.offered("ada").await, []);
}
