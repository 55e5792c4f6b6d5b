//! A call with several faults is refused for the first, in the platform's order.

use axum::body::Body;
use drover_testkit::wait_until;
use http::Request;
use std::{num::NonZeroU32, time::Duration};

use crate::world::{App, BASE, Parameters, World, encoded, form};

/// A fault: the code and `sub_code` that it is answered with, and what makes it. `sign` is good unless something is put there.
type Fault = (i64, &'static str, fn(&mut Parameters, &Others));

/// Whom faulty calls pretend to be.
struct Others {
    limited: App,
    tenant: i64,
    token: String,
}

fn set(all: &mut Parameters, name: &str, value: &str) {
    all.insert(name.into(), value.into());
}

/// Every fault of a call without a session, in order.
const FAULTS: [Fault; 19] = [
    (23, "isv.invalid-format", |all, _| set(all, "format", "yaml")),
    (28, "isv.missing-app-key", |all, _| set(all, "app_key", "")),
    (24, "isv.missing-signature", |all, _| set(all, "sign", "")),
    (21, "isv.missing-method", |all, _| set(all, "method", "")),
    (30, "isv.missing-timestamp", |all, _| set(all, "timestamp", "")),
    (31, "isv.invalid-timestamp", |all, _| set(all, "timestamp", "2016-01-01 12:00:00")),
    (32, "isv.missing-version", |all, _| set(all, "v", "")),
    (33, "isv.invalid-version", |all, _| set(all, "v", "two")),
    (34, "isv.unsupported-version", |all, _| set(all, "v", "3.0")),
    (29, "isv.invalid-app-key", |all, _| set(all, "app_key", "nobody")),
    (7, "accesscontrol.limited-by-api-access-count", |all, others| set(all, "app_key", &others.limited.key)),
    (22, "isv.invalid-method", |all, _| set(all, "method", "wdk.rex.software.list")),
    (25, "isv.invalid-signature", |all, _| set(all, "sign", "00")),
    (27, "isv.invalid-session", |all, others| set(all, "session", &others.token)),
    (11, "isv.insufficient-permissions", |all, others| set(all, "tenant_id", &others.tenant.to_string())),
    (40, "isv.missing-parameter:device_id", |all, _| set(all, "device_id", "")),
    (41, "isv.invalid-parameter:nonsense", |all, _| set(all, "nonsense", "")),
    (41, "isv.invalid-parameter:org_infos", |all, _| set(all, "org_infos", r#"{"level": 3}"#)),
    (50, "isv.invalid-parameter", |all, _| set(all, "old_versions", "{")),
];

#[tokio::test]
async fn the_first_fault_is_what_a_call_is_refused_for() {
    let world = World::new().await;
    let tenant = world.service.owner_of("other").await.unwrap().tenant.0;
    let limited = world.another(false, Some(NonZeroU32::MIN)).await;
    let others = Others { limited, tenant, token: world.token("other").await };
    for (at, (code, sub_code, _)) in FAULTS.iter().enumerate() {
        let faulty = || {
            let mut all = world.good(&world.app);
            // The earlier ones last: what they take away is gone.
            for (_, _, make) in FAULTS[at..].iter().rev() {
                make(&mut all, &others);
            }
            if all.contains_key("sign") { all } else { world.app.signed(all) }
        };
        let expected = (*code, (*sub_code).to_owned());
        if *code == 7 {
            // It recovers within a second, so it is limited anew until a faulty call comes in time.
            wait_until(Duration::from_secs(30), "a limited call", async || {
                for _ in 0..2 {
                    world.post(&others.limited.signed(world.good(&others.limited))).await;
                }
                world.post(&faulty()).await.error() == expected
            })
            .await;
        } else {
            assert_eq!(world.post(&faulty()).await.error(), expected);
        }
    }
    world.post(&world.check(&[])).await.response();
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_before_anything_else() {
    let world = World::new().await;
    let mut bad = world.check(&[("format", "yaml"), ("device_id", "")]);
    bad.remove("app_key");
    let twice = form("v=1&v=2&format=json", &bad);
    assert_eq!(world.send(twice).await.error(), (41, "isv.invalid-parameter:v".into()));
    let body = format!("{}&a=1&a=1", encoded(&bad));
    let twice = Request::post(BASE).body(Body::from(body)).unwrap();
    assert_eq!(world.send(twice).await.error(), (41, "isv.invalid-parameter:a".into()));
    let json = Request::post(format!("{BASE}?format=json")).header("content-type", "application/json");
    let answer = world.send(json.body(Body::from("{}")).unwrap()).await;
    assert_eq!(answer.json()["error_response"]["sub_msg"], "the body is no form");
    let large = Request::post(BASE).body(Body::from(vec![b'x'; (1 << 20) + 1])).unwrap();
    assert_eq!(world.send(large).await.error(), (41, "isv.invalid-parameter".into()));
}

#[tokio::test]
async fn only_get_and_post_and_one_address_are_answered() {
    let world = World::new().await;
    for method in ["PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
        let request = form("format=json", &world.check(&[])).into_parts();
        let mut request = Request::from_parts(request.0, request.1);
        *request.method_mut() = method.parse().unwrap();
        let answer = world.send(request).await;
        assert_eq!(answer.error(), (9, "isv.invalid-http-action".into()), "{method}");
        assert!(answer.json()["error_response"]["request_id"].is_string());
    }
    let elsewhere = Request::get(format!("{BASE}/x?format=json")).body(Body::empty()).unwrap();
    let answer = world.send(elsewhere).await;
    assert_eq!(answer.json()["error_response"]["request_id"], "0000000000000007");
    assert_eq!(answer.error(), (22, "isv.invalid-method".into()));
    let large = Request::get(BASE).header("x", "x".repeat(40_000)).body(Body::empty()).unwrap();
    assert_eq!(world.send(large).await.error(), (41, "isv.invalid-parameter".into()));
}

#[tokio::test]
async fn who_calls_must_sign_and_as_it_may() {
    let world = World::new().await;
    let invalid = (25, "isv.invalid-signature".to_owned());
    let strict = world.another(false, None).await;
    for (app, sign_method, is_good) in [
        (&world.app, "md5", true),
        (&world.app, "", true),
        (&world.app, "hmac", true),
        (&world.app, "hmac-sha256", true),
        (&world.app, "sha1", false),
        (&strict, "md5", false),
        (&strict, "", false),
        (&strict, "hmac", true),
    ] {
        let mut all = world.good(app);
        all.insert("sign_method".into(), sign_method.into());
        let answer = world.post(&app.signed(all)).await;
        if is_good {
            answer.response();
        } else {
            assert_eq!(answer.error(), invalid, "{sign_method}");
        }
    }
    let mut changed = world.check(&[]);
    changed.insert("device_id".into(), "another".into());
    assert_eq!(world.post(&changed).await.error(), invalid);
    let mut foreign = world.good(&world.app);
    foreign = strict.signed(foreign);
    assert_eq!(world.post(&foreign).await.error(), invalid, "another's secret");
    world.service.revoke_credential(drover_service::CredentialKind::Top, &strict.key).await.unwrap();
    let revoked = strict.signed(world.good(&strict));
    assert_eq!(world.post(&revoked).await.error(), (29, "isv.invalid-app-key".into()));
}

#[tokio::test]
async fn a_session_is_an_operators_of_the_same_tenant() {
    let world = World::new().await;
    let (ours, theirs) = (world.token("acme").await, world.token("other").await);
    world.post(&world.check(&[("session", &ours)])).await.response();
    for bad in [theirs.as_str(), "x", &world.app.key] {
        let answer = world.post(&world.check(&[("session", bad)])).await;
        assert_eq!(answer.error(), (27, "isv.invalid-session".into()), "{bad}");
    }
}
