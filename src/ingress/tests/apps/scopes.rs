//! Who sees and changes what: applications and categories flow down the tree, and are changed by those who administer them.

use serde_json::json;

use crate::{
    codes::refused,
    packages::{APPS, apk},
    world::{Person, World, success},
};

#[tokio::test]
async fn applications_are_seen_below_their_organisation_and_changed_by_who_administers_it() {
    let world = World::new().await;
    let top = world.saved(&world.admin, "top.apk", &apk("com.example.top", "1.0", 1)).await;
    let north = world.saved(&world.north, "north.apk", &apk("com.example.north", "1.0", 1)).await;
    let ids = async |person: &Person| -> Vec<i64> {
        world.rows(person, &[]).await.iter().map(|row| row["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids(&world.admin).await, [north, top]);
    assert_eq!(ids(&world.reader).await, [north, top]);
    assert_eq!(ids(&world.north).await, [north, top]);
    assert_eq!(ids(&world.south).await, [top]);
    assert!(ids(&world.stranger).await.is_empty());
    let edit = async |person: &Person, id: i64| {
        world.json(person, "PUT", &format!("{APPS}/{id}"), &json!({"description": "x"})).await
    };
    refused(711, edit(&world.south, north).await);
    refused(711, edit(&world.stranger, top).await);
    refused(722, edit(&world.north, top).await);
    refused(722, edit(&world.reader, top).await);
    success(edit(&world.north, north).await);
    success(edit(&world.admin, north).await);
    for person in [&world.south, &world.stranger] {
        refused(711, world.call(person, "GET", &format!("{APPS}/{north}"), &[]).await);
    }
    let store = json!({"itunesUrl": "https://apps.apple.com/id5"});
    refused(722, world.json(&world.reader, "POST", &format!("{APPS}/weburl"), &store).await);
}

#[tokio::test]
async fn other_versions_out_of_sight_are_not_asked_about_and_exclude_the_same_one() {
    let world = World::new().await;
    let north = world.saved(&world.north, "a.apk", &apk("com.example.a", "1.0", 1)).await;
    refused(703, world.upload(&world.south, "a.apk", &apk("com.example.a", "1.0", 1), &[("type", "1")]).await);
    let south = world.saved(&world.south, "a.apk", &apk("com.example.a", "2.0", 2)).await;
    world.saved(&world.stranger, "a.apk", &apk("com.example.a", "1.0", 1)).await;
    let answer = success(world.upload(&world.south, "a.apk", &apk("com.example.a", "3.0", 3), &[("type", "1")]).await);
    assert_eq!(answer["appIds"], south.to_string());
    let path = answer["appPath"].as_str().unwrap();
    let replace = |id: i64| json!({"appPath": path, "replaceOrAdd": "1", "appId": id});
    refused(711, world.save(&world.south, &replace(north)).await);
    success(world.save(&world.south, &replace(south)).await);
    let top = world.saved(&world.admin, "b.apk", &apk("com.example.b", "1.0", 1)).await;
    let path = world.undecided(&world.south, "b.apk", &apk("com.example.b", "2.0", 2)).await;
    let body = json!({"appPath": path, "replaceOrAdd": "1", "appId": top});
    refused(722, world.save(&world.south, &body).await);
    refused(722, world.save(&world.reader, &body).await);
}

#[tokio::test]
async fn an_application_does_not_tell_of_categories_out_of_sight() {
    let world = World::new().await;
    let shared = world.saved(&world.admin, "a.apk", &apk("com.example.a", "1.0", 1)).await;
    let top = world.category(&world.admin, "top", &[shared]).await;
    let north = world.category(&world.north, "north", &[shared]).await;
    for (person, ids, names) in [
        (&world.admin, format!("{top},{north}"), json!(["top", "north"])),
        (&world.north, format!("{top},{north}"), json!(["top", "north"])),
        (&world.south, top.to_string(), json!(["top"])),
    ] {
        let row = &world.rows(person, &[]).await[0];
        assert_eq!((&row["catesId"], &row["categoryName"]), (&json!(ids), &names));
        let detail = world.detail(person, shared).await;
        assert_eq!(detail["catesId"], ids);
    }
    let in_north = [("search_category", north.to_string())];
    let in_north = in_north.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert!(world.rows(&world.south, &in_north).await.is_empty(), "what is out of sight does not exist");
    assert_eq!(world.rows(&world.admin, &in_north).await.len(), 1);
}

#[tokio::test]
async fn categories_are_seen_and_changed_as_applications_are() {
    let world = World::new().await;
    let app = world.saved(&world.north, "a.apk", &apk("com.example.a", "1.0", 1)).await;
    let top = world.category(&world.admin, "top", &[app]).await;
    let north = world.category(&world.north, "north", &[app]).await;
    let seen = async |person: &Person| world.ok(person, "GET", "/apps/category", &[]).await;
    assert_eq!(seen(&world.north).await["total"], 2);
    let south = seen(&world.south).await;
    assert_eq!(
        (&south["total"], &south["rows"][0]["appList"]),
        (&json!(1), &json!([])),
        "it does not see the application"
    );
    assert_eq!(seen(&world.stranger).await["total"], 0);
    let path = |id: i64| format!("/apps/category/{id}");
    let name = json!({"name": "other"});
    refused(724, world.json(&world.south, "PUT", &path(north), &name).await);
    refused(722, world.json(&world.south, "PUT", &path(top), &name).await);
    refused(722, world.json(&world.reader, "PUT", &path(top), &name).await);
    refused(722, world.call(&world.reader, "DELETE", &path(top), &[]).await);
    refused(722, world.call(&world.south, "DELETE", &path(top), &[]).await);
    refused(724, world.call(&world.stranger, "DELETE", &path(north), &[]).await);
    refused(722, world.json(&world.reader, "POST", "/apps/category", &json!({"name": "x", "appIds": []})).await);
    let foreign = json!({"name": "x", "appIds": [app]});
    refused(711, world.json(&world.south, "POST", "/apps/category", &foreign).await);
    refused(
        724,
        world
            .json(
                &world.south,
                "POST",
                &format!("{APPS}/weburl"),
                &json!({"itunesUrl": "https://apps.apple.com/id5", "catesId": north}),
            )
            .await,
    );
    world.category(&world.stranger, "top", &[]).await;
}
