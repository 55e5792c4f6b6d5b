//! How a call may be written, and how it is answered.

use std::fmt::Write as _;

use axum::body::Body;
use chrono::TimeDelta;
use http::Request;

use crate::world::{Answer, BASE, Parameters, World, encoded, form, get};

const ROOT: &str = "wdk_rex_software_list_check_response";

/// The parameters of these names, and the others.
fn split(all: Parameters, names: &[&str]) -> (Parameters, Parameters) {
    all.into_iter().partition(|(name, _)| names.contains(&name.as_str()))
}

fn multipart(all: &Parameters, file: Option<&str>) -> Body {
    let mut body = String::new();
    for (name, value) in all {
        write!(body, "--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").unwrap();
    }
    if let Some(name) = file {
        write!(
            body,
            "--B\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a\"\r\nContent-Type: image/png\r\n\r\nx\r\n"
        )
        .unwrap();
    }
    Body::from(body + "--B--\r\n")
}

#[tokio::test]
async fn parameters_may_stand_in_query_and_form() {
    let world = World::new().await;
    let business = ["device_id", "tenant_id", "attributes"];
    let attributes = ("attributes", r#"{"aaa": "中 文+&"}"#);
    let by_get = world.send(get(&world.check(&[attributes]))).await;
    by_get.response();
    assert_eq!(by_get.header("cache-control"), "no-store");
    world.post(&world.check(&[attributes])).await.response();
    for names in [business.as_slice(), &["sign", "v"]] {
        let (in_form, in_query) = split(world.check(&[attributes]), names);
        world.send(form(&encoded(&in_query), &in_form)).await.response();
    }
    // As some clients write forms, also with GET.
    let (in_form, in_query) = split(world.check(&[]), &business);
    let mut request = form(&encoded(&in_query), &in_form);
    *request.method_mut() = http::Method::GET;
    world.send(request).await.response();

    // What stands in both: the form's counts.
    let all = world.check(&[]);
    world.send(form("device_id=somebody-else&v=1.0&tenant_id=", &all)).await.response();
}

#[tokio::test]
async fn forms_of_parts_are_forms_and_files_are_unknown() {
    let world = World::new().await;
    let send = async |all: &Parameters, query: &str, file| {
        let request =
            Request::post(format!("{BASE}?{query}")).header("content-type", "multipart/form-data; boundary=B");
        world.send(request.body(multipart(all, file)).unwrap()).await
    };
    let attributes = ("attributes", "{\"aaa\":\r\n\"中文\"}");
    send(&world.check(&[attributes]), "", None).await.response();
    let (in_form, in_query) = split(world.check(&[attributes]), &["device_id", "tenant_id", "attributes"]);
    send(&in_form, &encoded(&in_query), None).await.response();
    // By any name: a file is not signed.
    for name in ["picture", "sign", "device_type"] {
        let answer = send(&world.check(&[]), "", Some(name)).await;
        assert_eq!(answer.error(), (41, format!("isv.invalid-parameter:{name}")));
    }
}

#[tokio::test]
async fn an_answer_is_xml_unless_it_is_asked_for_as_json() {
    let world = World::new().await;
    for format in ["", "xml", "XML"] {
        let answer = world.post(&world.check(&[("format", format), ("simplify", "true")])).await;
        assert!(answer.text().starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>"), "{}", answer.text());
        let xml = answer.xml();
        let names: Vec<_> = xml.children.iter().map(|child| child.name.as_str()).collect();
        assert_eq!((xml.name.as_str(), names), (ROOT, vec!["data", "succeed", "msg_info", "msg_code"]));
    }
    let empty = r#""succeed":true,"msg_info":"","msg_code":"","request_id":"0000000000000007"}"#;
    let text = |answer: Answer| (answer.json(), answer.text());
    let (_, json) = text(world.post(&world.check(&[("format", "json")])).await);
    assert_eq!(json, format!(r#"{{"{ROOT}":{{"data":{{"object":[]}},{empty}}}"#));
    let (_, simple) = text(world.post(&world.check(&[("simplify", "true")])).await);
    assert_eq!(simple, format!(r#"{{"data":[],{empty}"#));
    let (_, plain) = text(world.post(&world.check(&[("simplify", "false")])).await);
    assert_eq!(plain, json);
    let odd = world.post(&world.check(&[("simplify", "perhaps")])).await;
    assert_eq!(odd.error(), (41, "isv.invalid-parameter:simplify".into()));
    let error = world.post(&world.check(&[("simplify", "true"), ("device_id", "")])).await;
    assert_eq!(error.error(), (40, "isv.missing-parameter:device_id".into()));
}

#[tokio::test]
async fn a_time_is_text_of_gmt_8_or_milliseconds() {
    let world = World::new().await;
    let at = |offset_s: i64| world.now + TimeDelta::seconds(offset_s);
    let text = |offset_s: i64| (at(offset_s) + TimeDelta::hours(8)).format("%Y-%m-%d %H:%M:%S").to_string();
    let millis = |offset_s: i64| at(offset_s).timestamp_millis().to_string();
    for good in [text(0), text(-595), text(595), millis(-599), millis(599)] {
        world.post(&world.check(&[("timestamp", &good)])).await.response();
    }
    for bad in
        [text(-602), text(602), millis(-601), millis(601), at(0).format("%Y-%m-%d %H:%M:%S").to_string(), "now".into()]
    {
        let answer = world.post(&world.check(&[("timestamp", &bad)])).await;
        assert_eq!(answer.error(), (31, "isv.invalid-timestamp".into()), "{bad}");
    }
}

#[tokio::test]
async fn values_are_checked_by_type() {
    let world = World::new().await;
    for (name, value) in [
        ("device_id", "a\nb".to_owned()),
        ("device_id", "x".repeat(129)),
        ("device_type", "x".repeat(65)),
        ("tenant_id", "acme".to_owned()),
        ("org_infos", r#"{"l3Code": "8008"}"#.to_owned()),
    ] {
        let answer = world.post(&world.check(&[(name, &value)])).await;
        assert_eq!(answer.error(), (41, format!("isv.invalid-parameter:{name}")), "{value}");
    }
    for name in ["old_versions", "org_infos", "attributes"] {
        let answer = world.post(&world.check(&[(name, "[1")])).await;
        assert_eq!(answer.error(), (50, "isv.invalid-parameter".into()));
        let error = answer.json();
        assert!(error["error_response"]["sub_msg"].as_str().unwrap().starts_with(&format!("{name}: ")), "{error}");
    }
    world.post(&world.check(&[("org_infos", r#"{"l1Code": "x", "l3Code": 8007}"#)])).await.response();
}
