//! Every code that pushes, taking back and removal are refused with, and that a refusal writes nothing.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    scene::push,
    world::{Person, World, success},
};

async fn refused(world: &World, by: &Person, code: u16, method: &str, path: &str, body: &Value) {
    let before = world.written().await;
    let (status, answer) = world.json(by, method, path, body).await;
    assert_eq!((status, &answer["errorCode"]), (StatusCode::BAD_REQUEST, &json!(code)), "{path} {body} {answer}");
    assert_eq!(world.written().await, before, "{path} {body}");
}

#[tokio::test]
async fn refused_pushes_have_their_codes() {
    let world = World::new().await;
    let (app, user) = (world.application("com.a", 1, 0).await, world.holder("ann").await);
    let (label, empty) = (world.set("labels", &[user]).await, world.set("labels", &[]).await);
    let built_in = world.application("com.b", 1, 3).await;
    let removing = world.application("com.r", 1, 0).await;
    world.one("UPDATE applications SET removing_at = now() WHERE id = $1 RETURNING id", &[&removing]).await;
    let (normal, disabled) = (world.policy(0, true).await, world.policy(0, false).await);
    let to = json!({"userIds": [user]});
    let with = |more: Value| push(&to, &more);
    let cases: Vec<(u16, i64, Value)> = vec![
        (711, 999_999, with(json!({}))),
        (712, removing, with(json!({}))),
        (713, app, push(&json!({}), &json!({}))),
        (713, app, push(&json!({"userIds": [], "groupIds": "", "labelIds": null}), &json!({}))),
        (714, app, push(&json!({"userIds": [user], "labelIds": [label]}), &json!({}))),
        (714, app, with(json!({"distributeType": "0"}))),
        (714, app, with(json!({"distributeType": null}))),
        (714, app, with(json!({"distributeMode": "2"}))),
        (714, app, with(json!({"distributeMode": ""}))),
        (714, app, with(json!({"deviceRelationship": ""}))),
        (714, app, with(json!({"deviceRelationship": "1,4"}))),
        (719, app, with(json!({"appconfid": "999999"}))),
        (719, app, with(json!({"appconfid": "x"}))),
        (720, app, with(json!({"appconfid": disabled}))),
        (736, built_in, with(json!({}))),
        (737, built_in, with(json!({"appconfid": normal.to_string()}))),
        (761, app, with(json!({"startTimeStr": "2015-12-01"}))),
        (761, app, with(json!({"startTimeStr": "soon"}))),
        (762, app, with(json!({"startTimeStr": "2015-12-01 08:23:00"}))),
        (764, app, push(&json!({"labelIds": [empty]}), &json!({}))),
        (400, app, with(json!({"wifi": "2"}))),
        (400, app, push(&json!({"userIds": ["x"]}), &json!({}))),
        (400, app, push(&json!({"userIds": [999_999]}), &json!({}))),
        (400, app, push(&json!({"groupIds": [999_999]}), &json!({}))),
    ];
    for (code, app, body) in cases {
        refused(&world, &world.admin, code, "POST", &format!("/apps/app/{app}/push"), &body).await;
    }
    let path = format!("/apps/app/{app}/push");
    refused(&world, &world.reader, 722, "POST", &path, &with(json!({}))).await;
    refused(&world, &world.south, 400, "POST", &path, &with(json!({}))).await;
    refused(&world, &world.stranger, 711, "POST", &path, &with(json!({}))).await;
    // A time means nothing on demand, and what means nothing elsewhere is no error.
    let offer =
        json!({"distributeMode": 1, "startTimeStr": "soon", "essentialApp": 1, "preventBackup": "1", "isInputKnox": 1});
    success(world.json(&world.north, "POST", &path, &push(&json!({"labelIds": label.to_string()}), &offer)).await);
    let sql = "SELECT count(*) FROM assignments WHERE NOT is_required AND NOT is_essential AND NOT prevents_backup AND into_knox";
    assert_eq!(world.one(sql, &[]).await, 1);
}

#[tokio::test]
async fn refused_removals_have_their_codes() {
    let world = World::new().await;
    let (app, user) = (world.application("com.a", 1, 0).await, world.holder("ann").await);
    let path = format!("/apps/app/{app}");
    let to = json!({"userIds": [user]});
    success(world.json(&world.admin, "POST", &format!("{path}/push"), &push(&to, &json!({}))).await);
    world.planned().await;
    for (code, by, path, body) in [
        (713, &world.admin, format!("{path}/push"), json!({})),
        (713, &world.admin, format!("{path}/push"), json!({"labelIds": [1]})),
        (400, &world.admin, format!("{path}/push"), json!({"userIds": [999_999]})),
        (400, &world.admin, format!("{path}/push"), json!({"userIds": "x"})),
        (711, &world.admin, "/apps/app/999999/push".into(), to.clone()),
        (722, &world.reader, format!("{path}/push"), to.clone()),
        (711, &world.stranger, format!("{path}/push"), to.clone()),
        (722, &world.north, path.clone(), json!({})),
        (722, &world.reader, path.clone(), json!({})),
        (711, &world.stranger, path.clone(), json!({})),
        (711, &world.admin, "/apps/app/x".into(), json!({})),
    ] {
        refused(&world, by, code, "DELETE", &path, &body).await;
    }
    success(world.call(&world.admin, "DELETE", &path, &[]).await);
    refused(&world, &world.admin, 712, "DELETE", &path, &json!({})).await;
    refused(&world, &world.admin, 712, "DELETE", &format!("{path}/push"), &to).await;
    let (status, _) = world.send(crate::world::request("DELETE", &path).empty()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}
