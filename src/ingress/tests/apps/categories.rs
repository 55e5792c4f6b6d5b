//! Categories: several at once, and those that race.

use futures_util::future::join_all;
use serde_json::json;

use crate::{
    codes::refused,
    packages::apk,
    world::{World, success},
};

const CATEGORY: &str = "/apps/category";

#[tokio::test]
async fn several_are_removed_at_once() {
    let world = World::new().await;
    let ids = [world.category(&world.admin, "a", &[]).await, world.category(&world.admin, "b", &[]).await];
    let path = format!("{CATEGORY}/{},{}", ids[1], ids[0]);
    assert_eq!(world.ok(&world.admin, "DELETE", &path, &[]).await, json!({}));
    refused(724, world.call(&world.admin, "DELETE", &path, &[]).await);
    refused(724, world.call(&world.admin, "DELETE", &format!("{CATEGORY}/,"), &[]).await);
}

#[tokio::test]
async fn what_is_left_of_deleted_applications_does_not_hold_a_category() {
    let world = World::new().await;
    let app = world.saved(&world.admin, "a.apk", &apk("com.example.a", "1.0", 1)).await;
    let id = world.category(&world.admin, "a", &[app]).await;
    refused(751, world.call(&world.admin, "DELETE", &format!("{CATEGORY}/{id}"), &[]).await);
    let delete = "UPDATE applications SET deleted_at = now() WHERE id = $1";
    world.client().await.execute(delete, &[&app]).await.unwrap();
    assert_eq!(world.ok(&world.admin, "DELETE", &format!("{CATEGORY}/{id}"), &[]).await, json!({}));
}

#[tokio::test]
async fn the_list_is_searched_and_windowed() {
    let world = World::new().await;
    for name in ["Alpha", "beta", "100%"] {
        world.category(&world.admin, name, &[]).await;
    }
    for (query, expected) in [
        (vec![], vec!["100%", "beta", "Alpha"]),
        (vec![("name", "AL")], vec!["Alpha"]),
        (vec![("name", "%")], vec!["100%"]),
        (vec![("offset", "1"), ("limit", "1")], vec!["beta"]),
    ] {
        let found = world.ok(&world.admin, "GET", CATEGORY, &query).await;
        let names: Vec<&str> =
            found["rows"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{query:?}");
    }
}

#[tokio::test]
async fn of_calls_that_race_for_a_name_one_wins_and_none_fails() {
    let world = World::new().await;
    let body = json!({"name": "one", "appIds": []});
    let answers = join_all((0..6).map(|_| world.json(&world.admin, "POST", CATEGORY, &body))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| status.is_success());
    assert_eq!(won.len(), 1);
    for answer in won {
        assert!(success(answer)["appCategoryId"].is_i64());
    }
    for answer in lost {
        refused(723, answer);
    }
}

#[tokio::test]
async fn a_category_is_not_removed_while_it_is_being_filled() {
    let world = World::new().await;
    let app = world.saved(&world.admin, "a.apk", &apk("com.example.a", "1.0", 1)).await;
    for round in 0..5 {
        let id = world.category(&world.admin, &format!("round {round}"), &[]).await;
        let path = format!("{CATEGORY}/{id}");
        let (edit, fill) = (json!({"catesId": id.to_string()}), format!("/apps/app/{app}"));
        let (filled, removed) =
            tokio::join!(world.json(&world.admin, "PUT", &fill, &edit), world.call(&world.admin, "DELETE", &path, &[]));
        if filled.0.is_success() {
            refused(751, removed);
        } else {
            refused(724, filled);
            success(removed);
        }
    }
}
