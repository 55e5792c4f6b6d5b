//! Whatever is sent, the answer is one well-formed document.

use axum::body::Body;
use http::Request;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::world::{Answer, BASE, Parameters, World, encoded};

const CALLS: usize = 400;

/// One that gives the same values in each run.
fn runner() -> TestRunner {
    TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Panics unless it is one document, of an answer or of an error.
fn assert_well_formed(answer: &Answer) {
    assert_eq!(answer.status, 200);
    let root = if answer.header("content-type").starts_with("text/xml") {
        answer.xml().name
    } else {
        let json = answer.json();
        let object = json.as_object().unwrap();
        if object.contains_key("data") {
            return;
        }
        object.keys().next().unwrap().clone()
    };
    assert!(["error_response", "wdk_rex_software_list_check_response"].contains(&root.as_str()), "{root}");
}

#[tokio::test]
async fn anything_at_all_is_answered() {
    let world = World::new().await;
    let query = "([a-z_]{1,4}|format|sign|v|app_key|%[0-9a-f]{2})(=|&|=json&|=xml&|%){0,3}([!-~]{0,6})";
    let label = prop_oneof![
        Just("application/x-www-form-urlencoded"),
        Just("multipart/form-data; boundary=B"),
        Just("multipart/form-data"),
        Just("text/plain"),
    ];
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80),
        "(--B|\r\n|Content-Disposition: form-data; name=|a|--){0,12}".prop_map(String::into_bytes),
        "([a-z_]{1,4}=[ -~]{0,6}&){0,4}".prop_map(String::into_bytes),
    ];
    let strategy = (query, label, body, any::<bool>());
    let mut runner = runner();
    for _ in 0..CALLS {
        let (query, label, body, is_post) = strategy.new_tree(&mut runner).unwrap().current();
        let query: String = query.chars().filter(|c| !"#\"<>`{}|\\^ ".contains(*c)).collect();
        let request = Request::builder().method(if is_post { "POST" } else { "GET" }).header("content-type", label);
        let Ok(request) = request.uri(format!("{BASE}?{query}")).body(Body::from(body)) else { continue };
        assert_well_formed(&world.send(request).await);
    }
}

#[tokio::test]
async fn anything_that_is_signed_is_answered() {
    let world = World::new().await;
    let name = prop_oneof![
        8 => prop::sample::select(vec![
            "device_id", "device_type", "old_versions", "org_infos", "attributes", "tenant_id", "format", "simplify", "session",
            "partner_id",
        ])
        .prop_map(str::to_owned),
        1 => "\\PC{1,6}",
    ];
    let value = prop_oneof![
        any::<String>(),
        "[\\[\\]{}:,\"a0 ]{0,20}",
        Just("json".to_owned()),
        Just("true".to_owned()),
        Just(r#"{"packageName": "a", "versionCode": 1}"#.to_owned()),
        Just(r#"{"l1Code": "8007\u0000"}"#.to_owned()),
        Just(r#"{"os": "51202", "uiFamily": "a,b"}"#.to_owned()),
    ];
    let strategy = prop::collection::btree_map(name, value, 0..4);
    let mut runner = runner();
    for _ in 0..CALLS {
        let changed: Parameters = strategy.new_tree(&mut runner).unwrap().current();
        let mut all = world.good(&world.app);
        all.extend(changed);
        let all = world.app.signed(all);
        let request = Request::post(BASE).body(Body::from(encoded(&all))).unwrap();
        let answer = world.send(request).await;
        assert_well_formed(&answer);
        assert!(!answer.text().contains("isp.top-remote-unknown-error"), "our fault: {all:?}");
    }
}
