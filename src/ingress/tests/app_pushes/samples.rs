//! The document's own samples are understood, below both base paths, and have their effect.

use serde_json::{Value, json};

use crate::{
    scene::push,
    world::{World, request, success},
};

/// Section 4, its time moved on.
fn sample(user: i64, policy: i64) -> Value {
    json!({
        "groupIds": [-2],
        "userIds": [user],
        "distributeType": "1",
        "distributeMode": "0",
        "deviceRelationship": "1,2,3",
        "essentialApp": "0",
        "delApp": "0",
        "isInputKnox": "0",
        "wifi": "1",
        "preventBackup": "0",
        "startTimeStr": "2115-12-01 08:23:00",
        "appconfid": policy.to_string(),
    })
}

#[tokio::test]
async fn a_push_is_understood_as_the_document_shows() {
    for base in ["", "/mdm"] {
        let world = World::new().await;
        let (app, user) = (world.application("com.a", 1, 3).await, world.holder("ann").await);
        let policy = world.policy(3, true).await;
        let path = format!("{base}/apps/app/{app}/push");
        assert_eq!(world.ok_json(&world.admin, "POST", &path, &sample(user, policy)).await, json!({}));
        let sql =
            "SELECT to_jsonb(a) || to_jsonb(j) || jsonb_build_object('start', extract(epoch FROM a.start_at)::bigint,
                'targets', (SELECT jsonb_agg(kind || ' ' || target_id ORDER BY kind) FROM assignment_targets))
            FROM assignments a JOIN jobs j ON j.assignment_id = a.id";
        let written: Value = world.client().await.query_one(sql, &[]).await.unwrap().get(0);
        let expected = json!({"is_required": true, "is_notified": true, "relationships": [1, 2, 3], "is_essential": false,
            "removes_on_exit": false, "into_knox": false, "wifi_only": true, "prevents_backup": false, "policy_id": policy,
            "state": "scheduled", "push_action": "install", "application_id": app, "start": 4_604_602_980_i64,
            "targets": ["default_group 0", format!("user {user}")]});
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&written[field], value, "{field}");
        }
    }
}

#[tokio::test]
async fn a_push_is_taken_back_as_the_document_shows() {
    for (base, place) in [("", "query"), ("/mdm", "form"), ("", "json"), ("", "mixed")] {
        let world = World::new().await;
        let app = world.application("com.a", 1, 0).await;
        let (ann, ben) = (world.holder("ann").await, world.holder("ben").await);
        let group = world.set("user_groups", &[ben]).await;
        let path = format!("{base}/apps/app/{app}/push");
        let to = json!({"userIds": ann.to_string(), "groupIds": [group.to_string()]});
        world.ok_json(&world.north, "POST", &path, &push(&to, &json!({}))).await;
        let both = vec!["ann".to_owned(), "ben".to_owned()];
        assert_eq!(world.planned().await, ("install".into(), both.clone()), "{place}");
        let (ann, group) = (ann.to_string(), group.to_string());
        let fields = [("useIds", ann.as_str()), ("groupIds", group.as_str())];
        let answer = match place {
            "query" => world.call(&world.north, "DELETE", &path, &fields).await,
            "form" => world.form(&world.north, "DELETE", &path, &fields).await,
            "json" => world.json(&world.north, "DELETE", &path, &json!({"userIds": ann, "groupIds": group})).await,
            _ => {
                let path = format!("{path}?userIds={ann}");
                world.json(&world.north, "DELETE", &path, &json!({"groupIds": [group]})).await
            }
        };
        assert_eq!(success(answer), json!({}));
        // The push has ended, but what was queued by then is removed for certain.
        let live = "SELECT count(*) FROM assignments WHERE ended_at IS NULL";
        assert_eq!(world.one(live, &[]).await, 0, "{place}");
        assert_eq!(world.one("SELECT count(*) FROM jobs WHERE push_action = 'uninstall'", &[]).await, 1);
    }
}

#[tokio::test]
async fn an_application_is_removed_as_the_document_shows() {
    for base in ["", "/mdm"] {
        let world = World::new().await;
        let (app, user) = (world.application("com.a", 1, 0).await, world.holder("ann").await);
        let path = format!("{base}/apps/app/{app}");
        let body = push(&json!({"userIds": [user]}), &json!({}));
        world.ok_json(&world.admin, "POST", &format!("{path}/push"), &body).await;
        world.planned().await;
        let sent = "UPDATE commands SET state = 'sent', sent_at = now()";
        world.client().await.execute(sent, &[]).await.unwrap();
        assert_eq!(world.ok(&world.admin, "DELETE", &path, &[]).await, json!({}));
        assert_eq!(world.planned().await, ("uninstall".into(), vec!["ann".to_owned()]));
        let shown = world.send(request("GET", &path).token(&world.admin.token).empty()).await;
        assert_eq!(shown.0, 200, "it is there until its devices were told");
    }
}
