//! X1: who is let in, and for how long.

use std::time::Duration;

use drover_service::{Secret, ServiceOptions, TokenCheck};
use http::StatusCode;
use serde_json::json;

use crate::world::{PASSWORD, World, failure, log_in, request, success};

const TOKEN: &str = "/mdm/oauth/token";
const REVOKE: &str = "/mdm/oauth/revoke";
/// An address that only says who calls.
const ANYWHERE: &str = REVOKE;

/// A world that believes nothing for any time.
async fn doubting() -> World {
    World::with(ServiceOptions { access_token_cache: Duration::ZERO, ..ServiceOptions::default() }).await
}

#[tokio::test]
async fn a_login_gives_a_token_as_json_or_as_a_form() {
    let world = World::new().await;
    let login = json!({"loginId": "admin", "password": PASSWORD, "tenant": "acme"});
    let fields = [("loginId", "admin"), ("password", PASSWORD), ("tenant", "acme")];
    for sent in [request("POST", TOKEN).json(&login), request("POST", TOKEN).form(&fields)] {
        let (status, headers, body) = world.raw(sent).await;
        let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, &headers["cache-control"]), (StatusCode::OK, &"no-store".parse().unwrap()), "{answer}");
        assert_eq!((&answer["expires_in"], &answer["token_type"]), (&json!(7200), &json!("Bearer")));
        let token = answer["access_token"].as_str().unwrap();
        assert!(token.len() >= 43, "256 bits: {token}");
        success(world.send(request("POST", REVOKE).token(token).empty()).await);
    }
    let stored = "SELECT count(*) FROM operators WHERE password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'";
    assert_eq!(world.client().await.query_one(stored, &[]).await.unwrap().get::<_, i64>(0), 5);
    let shown = "SELECT count(*) FROM access_tokens WHERE token_sha256 = convert_to($1, 'UTF8')";
    assert_eq!(world.client().await.query_one(shown, &[&world.admin.token]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn every_wrong_login_is_answered_alike() {
    let world = World::new().await;
    let owner = world.service.owner_of("acme").await.unwrap();
    world.service.set_operator_disabled(&owner, world.south.operator.id, true).await.unwrap();
    let mut messages = Vec::new();
    for (login, password, tenant) in [
        ("admin", "correct horse batterz", "acme"),
        ("admin", "short", "acme"),
        ("nobody", PASSWORD, "acme"),
        ("admin", PASSWORD, "other"),
        ("admin", PASSWORD, "nowhere"),
        ("south", PASSWORD, "acme"),
        ("admin\0", PASSWORD, "acme"),
    ] {
        let body = json!({"loginId": login, "password": password, "tenant": tenant});
        messages.push(failure(401, world.send(request("POST", TOKEN).json(&body)).await));
    }
    assert!(messages.iter().all(|message| *message == messages[0]), "{messages:?}");
    for field in ["loginId", "password", "tenant"] {
        let mut body = json!({"loginId": "admin", "password": PASSWORD, "tenant": "acme"});
        body[field] = json!("");
        let message = failure(400, world.send(request("POST", TOKEN).json(&body)).await);
        assert_eq!(message, format!("{field}: is missing"));
    }
}

#[tokio::test]
async fn guessing_is_limited_by_name_and_the_right_guess_does_not_show() {
    let world = World::new().await;
    let login = async |login: &str, password: &str| {
        let body = json!({"loginId": login, "password": password, "tenant": "acme"});
        world.raw(request("POST", TOKEN).json(&body)).await
    };
    for _ in 0..10 {
        assert_eq!(login("north", "correct horse batterz").await.0, StatusCode::UNAUTHORIZED);
    }
    for password in ["correct horse batterz", PASSWORD] {
        let (status, headers, _) = login("north", password).await;
        let pause: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert_eq!((status, (1..=60).contains(&pause)), (StatusCode::TOO_MANY_REQUESTS, true));
    }
    assert_eq!(login("admin", PASSWORD).await.0, StatusCode::OK, "another's name");
    success(world.call(&world.north, "POST", ANYWHERE, &[]).await);
}

#[tokio::test]
async fn invented_names_share_a_budget_and_keep_out_nobody_who_was_here() {
    let world = World::new().await;
    // All at once: how many are let in then does not depend on how fast a hash is computed.
    let calls = (0..60).map(|n| {
        let body = json!({"loginId": format!("nobody-{n}"), "password": PASSWORD, "tenant": "acme"});
        world.raw(request("POST", TOKEN).json(&body))
    });
    let answers = futures_util::future::join_all(calls).await;
    let refused = answers.iter().filter(|(status, _, _)| *status == StatusCode::TOO_MANY_REQUESTS).count();
    assert!(refused >= 40, "{} hashes at once were computed for strangers", 60 - refused);
    assert!(answers.iter().all(|(status, _, _)| *status != StatusCode::OK));
    let body = json!({"loginId": "admin", "password": PASSWORD, "tenant": "acme"});
    success(world.send(request("POST", TOKEN).json(&body)).await);
}

#[tokio::test]
async fn a_token_is_taken_from_header_query_or_form() {
    let world = World::new().await;
    let token = world.admin.token.as_str();
    let calls = [
        request("GET", &format!("/mdm/v1/none?access_token={token}")).empty(),
        request("POST", ANYWHERE).empty(),
        request("POST", ANYWHERE).token("nonsense").empty(),
        request("POST", ANYWHERE).token(&token[1..]).empty(),
        request("POST", ANYWHERE).header("authorization", &format!("Basic {token}")).empty(),
        request("POST", &format!("{ANYWHERE}?access_token={token}&access_token={token}")).empty(),
    ];
    for (call, code) in calls.into_iter().zip([404, 401, 401, 401, 401, 400]) {
        failure(code, world.send(call).await);
    }
    success(world.send(request("POST", &format!("{ANYWHERE}?access_token={token}")).empty()).await);
    failure(401, world.send(request("POST", ANYWHERE).form(&[("access_token", token)])).await);
    let north = world.north.token.as_str();
    success(world.send(request("POST", ANYWHERE).form(&[("access_token", north)])).await);
}

#[tokio::test]
async fn a_token_ends_by_time_logout_disabling_and_a_new_password() {
    let world = doubting().await;
    let owner = world.service.owner_of("acme").await.unwrap();
    let is_good = async |token: &str| {
        matches!(world.service.authenticate_operator(token).await.unwrap(), TokenCheck::Accepted(_))
    };
    let client = world.client().await;
    assert!(is_good(&world.south.token).await);
    client
        .execute(
            "UPDATE access_tokens SET expires_at = now() - interval '1 s' WHERE operator_id = $1",
            &[&world.south.operator.id.0],
        )
        .await
        .unwrap();
    assert!(!is_good(&world.south.token).await, "its time is over");

    let again = log_in(&world.service, "acme", "south").await;
    success(world.call(&again, "POST", REVOKE, &[]).await);
    assert!(!is_good(&again.token).await, "logged out");

    let again = log_in(&world.service, "acme", "south").await;
    world.service.set_operator_disabled(&owner, again.operator.id, true).await.unwrap();
    assert!(!is_good(&again.token).await, "disabled");
    world.service.set_operator_disabled(&owner, again.operator.id, false).await.unwrap();
    assert!(!is_good(&again.token).await, "what was revoked stays revoked");

    let password = Secret::new("another long password");
    world.service.set_operator_password(&owner, world.north.operator.id, &password).await.unwrap();
    assert!(!is_good(&world.north.token).await, "the password changed");
    assert!(is_good(&world.admin.token).await && is_good(&world.reader.token).await, "others'");
}

#[tokio::test]
async fn a_logout_is_known_at_once_where_it_happened() {
    let world =
        World::with(ServiceOptions { access_token_cache: Duration::from_hours(1), ..ServiceOptions::default() }).await;
    success(world.call(&world.admin, "POST", REVOKE, &[]).await);
    failure(401, world.call(&world.admin, "POST", REVOKE, &[]).await);
}

#[tokio::test]
async fn tokens_that_are_over_are_swept() {
    let world = World::new().await;
    let client = world.client().await;
    let old = "UPDATE access_tokens SET expires_at = now() - interval '1 s' WHERE operator_id <> $1";
    assert_eq!(client.execute(old, &[&world.admin.operator.id.0]).await.unwrap(), 4);
    assert!(!world.service.forget_old_tokens().await.unwrap(), "one batch does");
    let left: i64 = client.query_one("SELECT count(*) FROM access_tokens", &[]).await.unwrap().get(0);
    assert_eq!(left, 1);
    success(world.call(&world.admin, "POST", ANYWHERE, &[]).await);
}
