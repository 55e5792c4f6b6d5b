//! What RabbitMQ is told: `allow` or `deny` as plain text, whatever comes.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

#[path = "aep/world.rs"]
mod world;

use axum::{Router, body::Body};
use drover_service::CredentialKind;
use http::{Request, StatusCode};

use world::{World, raw};

const FORM: &str = "application/x-www-form-urlencoded";

fn question(check: &str, content_type: &str, form: &str) -> Request<Body> {
    let request = Request::post(format!("/rabbitmq/auth/{check}")).header("content-type", content_type);
    request.body(Body::from(form.to_owned())).unwrap()
}

/// Asks as RabbitMQ does.
async fn ask(internal: &Router, check: &str, content_type: &str, form: &str) -> String {
    let (status, headers, body) = raw(internal, question(check, content_type, form)).await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (StatusCode::OK, "text/plain; charset=utf-8"));
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_device_is_let_in_to_what_is_its_own() {
    let world = World::new().await;
    let issued = world.state.service.add_credential("vendor", CredentialKind::Device, Some("m1")).await.unwrap();
    let token = issued.secret.expose();
    let internal = drover_ingress::internal_router(world.state.clone());
    let user = |name: &str, client: &str| format!("username={name}&password={token}&vhost=%2F{client}");
    // As RabbitMQ 3.10.8 words it.
    let queue =
        "username=m1&vhost=%2F&resource=queue&name=mqtt-subscription-m1qos1&permission=configure&tags=&client_id=m1";
    let topic = "username=m1&vhost=%2F&resource=topic&name=amq.topic&permission=read&tags=&routing_key=devices.m1.commands\
                 &variable_map.client_id=m1&variable_map.username=m1&variable_map.vhost=%2F";
    let vhost = "username=m1&vhost=%2F&ip=127.0.0.1&tags=&client_id=m1";
    for (check, form) in [
        ("user", user("m1", "&client_id=m1")),
        ("user", user("m1", "&client_id=m1.report")),
        ("vhost", vhost.into()),
        ("resource", queue.into()),
        ("topic", topic.into()),
    ] {
        assert_eq!(ask(&internal, check, FORM, &form).await, "allow", "{check} {form}");
    }
    for (check, form) in [
        ("user", user("m1", "")),
        ("user", user("m1", "&client_id=m2")),
        ("user", user("m1", "&client_id=.%2A")),
        ("user", user("m1", "&client_id=m1.other")),
        ("user", user("m2", "&client_id=m2")),
        ("user", "username=m1&vhost=%2F&client_id=m1".into()),
        ("user", format!("username=m1&password={token}&client_id=m1&vhost=other")),
        ("user", String::new()),
        ("user", format!("username=m1&password={}&client_id=m1", "x".repeat(100_000))),
        ("vhost", vhost.replace("%2F", "other")),
        // Known to Drover, but never given a token.
        ("vhost", vhost.replace("m1", "m2")),
        ("vhost", vhost.replace("m1", "nobody")),
        ("resource", queue.replace("%2F", "other")),
        ("resource", queue.replace("username=m1", "username=m2")),
        ("resource", queue.replace("m1qos1", "m1.reportqos1")),
        ("resource", queue.replace("mqtt-subscription-m1qos1", "mqtt-will-m1")),
        ("resource", queue.replace("m1", "m2")),
        ("topic", topic.replace("%2F", "other")),
        ("topic", topic.replace("amq.topic", "amq.direct")),
        ("topic", topic.replace("read", "write")),
        ("topic", topic.replace("devices.m1.commands", "%23")),
        ("topic", topic.replace("m1", "m2")),
        ("topic", "username=m1".into()),
    ] {
        assert_eq!(ask(&internal, check, FORM, &form).await, "deny", "{check} {form}");
    }
    assert_eq!(ask(&internal, "vhost", "application/json", vhost).await, "deny", "no form");
}

#[tokio::test]
async fn strangers_cannot_ask() {
    let world = World::new().await;
    let internal = drover_ingress::internal_router(world.state.clone());
    for check in ["user", "vhost", "resource", "topic"] {
        let (status, _, body) = raw(&world.router, question(check, FORM, "username=m1&vhost=%2F")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{check}");
        assert!(!body.windows(5).any(|word| word == b"allow"));
        assert_eq!(ask(&internal, check, FORM, "").await, "deny", "{check}");
    }
    for path in ["/healthz", "/readyz"] {
        let (status, ..) = raw(&internal, Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::OK, "{path}");
    }
    let aep = Request::get("/aep_upgrade_management/tasks").body(Body::empty()).unwrap();
    assert_eq!(raw(&internal, aep).await.0, StatusCode::NOT_FOUND, "the APIs are elsewhere");
}
