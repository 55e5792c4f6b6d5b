//! Who is let in, over HTTP: the rules of the signature and what real clients do differently.

use reqwest::{Request, header::HeaderValue};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::World;
use crate::vendor::{Client, UPGRADE, Vendor, now_ms};

const TEN_MINUTES_MS: i64 = 600_000;
/// How long this test may take from signing a call to the server's look at the clock.
const SLACK_MS: i64 = 30_000;

fn with(mut request: Request, header: &'static str, value: Option<&str>) -> Request {
    match value {
        Some(value) => drop(request.headers_mut().insert(header, HeaderValue::from_str(value).unwrap())),
        None => drop(request.headers_mut().remove(header)),
    }
    request
}

#[tokio::test]
async fn only_who_signs_rightly_and_now_is_let_in() {
    let World { client, lwm2m, .. } = &World::new().await;
    let (path, query) = (format!("{UPGRADE}/tasks"), [("productId", lwm2m.id.as_str())]);
    let good = || client.request("GET", &path, &query, "");
    client.send(good()).await.result();
    for header in ["application", "timestamp", "signature"] {
        for value in [None, Some("")] {
            let answer = client.send(with(good(), header, value)).await;
            assert!(answer.refused(401).contains(header), "{header} {value:?}: {}", answer.body);
        }
        let mut twice = good();
        let value = twice.headers()[header].clone();
        twice.headers_mut().append(header, value);
        client.send(twice).await.refused(401);
    }
    for (header, value) in [
        ("application", "nobody"),
        ("signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("signature", "not base64"),
        ("timestamp", "yesterday"),
        ("timestamp", "99999999999999999999"),
    ] {
        client.send(with(good(), header, Some(value))).await.refused(401);
    }
    client.send(with(good(), "timestamp", Some(&(now_ms() + 1).to_string()))).await.refused(401);
    for (offset, fresh) in [
        (TEN_MINUTES_MS - SLACK_MS, true),
        (SLACK_MS - TEN_MINUTES_MS, true),
        (TEN_MINUTES_MS + SLACK_MS, false),
        (-TEN_MINUTES_MS - 1, false),
    ] {
        let at = (now_ms() + offset).to_string();
        let answer = client.send(client.request_at(&at, "GET", &path, &query, "")).await;
        assert_eq!(answer.status, if fresh { 200 } else { 401 }, "{offset}: {}", answer.body);
    }
    // A call signed for one thing is none for another.
    let mut other = good();
    other.url_mut().query_pairs_mut().append_pair("pageSize", "1");
    client.send(other).await.refused(401);
    let body = json!({"productId": lwm2m.number(), "runStatus": 2}).to_string();
    let mut changed = client.request("PUT", &format!("{UPGRADE}/control"), &[("id", "5")], &body);
    *changed.body_mut() = Some(body.replace('2', "3").into());
    client.send(changed).await.refused(401);
    let thief = Vendor { secret: "guessed".into(), ..client.vendor.clone() };
    Client::new(&client.base_url, &thief).call("GET", &path, &query, "").await.refused(401);
}

#[tokio::test]
async fn a_master_key_is_optional_and_must_be_the_products() {
    let World { client, lwm2m, tlink, foreign, .. } = &World::new().await;
    let path = format!("{UPGRADE}/tasks");
    // Signs `signed` and sends the product alone in the query.
    let call = |signed: &[(&str, &str)]| {
        let timestamp = now_ms().to_string();
        let parameters = [signed, &[("productId", lwm2m.id.as_str())]].concat();
        let signature = client.vendor.signature(&timestamp, &parameters, b"");
        let request = client.request_at(&timestamp, "GET", &path, &[("productId", &lwm2m.id)], "");
        with(request, "signature", Some(&signature))
    };
    let key = lwm2m.master_key.as_str();
    client.send(with(call(&[("MasterKey", key)]), "masterkey", Some(key))).await.result();
    // An empty one is none, whether it is signed or not.
    for signed in [&[("MasterKey", "")][..], &[]] {
        client.send(call(signed)).await.result();
        client.send(with(call(signed), "masterkey", Some(""))).await.result();
    }
    client.send(with(call(&[]), "masterkey", Some(key))).await.refused(401);
    for other in ["wrong", &tlink.master_key, &foreign.master_key] {
        client.send(with(call(&[("MasterKey", other)]), "masterkey", Some(other))).await.refused(403);
    }
    let in_query = [("productId", lwm2m.id.as_str()), ("MasterKey", key)];
    client.call("GET", &path, &in_query, "").await.result();
    client.send(with(client.request("GET", &path, &in_query, ""), "masterkey", Some("other"))).await.refused(401);
    // With its own key or without, a stranger's product stays the stranger's; an unknown one looks the same.
    let of_stranger = [("productId", foreign.id.as_str()), ("MasterKey", &foreign.master_key)];
    let strangers = client.call("GET", &path, &of_stranger, "").await;
    let unknown = client.call("GET", &path, &[("productId", "1")], "").await;
    assert_eq!(strangers.refused(403).replace(&foreign.id, "1"), unknown.refused(403));
}

#[tokio::test]
async fn what_real_clients_do_differently_is_accepted() {
    let World { client, lwm2m, .. } = &World::new().await;
    let firmware = client.firmware(lwm2m, b"bytes").await;
    let body = json!({
        "firmwareId": firmware["firmwareId"], "productId": lwm2m.number(), "jobName": "北向测试", "retryTimes": 0,
    });
    for (content_type, version) in [
        ("application/x-www-form-urlencoded", "20190615001416"),
        ("text/plain", ""),
        ("application/json; charset=UTF-8", "any"),
        ("", "99999999999999999"),
    ] {
        let request = client.request("POST", &format!("{UPGRADE}/task"), &[], &body.to_string());
        let request = with(with(request, "content-type", Some(content_type)), "version", Some(version));
        client.send(request).await.result();
    }
    // The clock that a client sets its own by.
    for path in ["/echo", "/aep_upgrade_management/echo", "/aep_firmware_management/echo"] {
        let answer = crate::support::http().get(format!("{}{path}", client.base_url)).send().await.unwrap();
        let told: i64 = answer.headers()["x-ag-timestamp"].to_str().unwrap().parse().unwrap();
        assert!((now_ms() - told).abs() < SLACK_MS, "{path}: {told}");
    }
}

#[tokio::test]
async fn the_target_may_hold_raw_utf8_and_the_header_any_spelling() {
    let World { client, lwm2m, .. } = &World::new().await;
    let (id, key, app) = (&lwm2m.id, &lwm2m.master_key, &client.vendor.key);
    // As the document's client sends it: all that is declared is signed, absent or not.
    let signed = [
        ("MasterKey", key.as_str()),
        ("deviceNameSearch", "m 设备 2"),
        ("id", ""),
        ("isSelectDevice", "2"),
        ("pageNow", "1"),
        ("productId", id),
    ];
    let timestamp = now_ms().to_string();
    let signature = client.vendor.signature(&timestamp, &signed, b"");
    for (name, query) in [
        ("Masterkey", format!("deviceNameSearch=m+设备%202&id=&isSelectDevice=2&pageNow=1&productId={id}&")),
        ("MASTERKEY", format!("productId={id}&pageNow=1&&isSelectDevice=2&id=&deviceNameSearch=m%20设备+2")),
    ] {
        let request = format!(
            "GET {UPGRADE}/devices?{query} HTTP/1.1\r\nHost: x\r\napplication: {app}\r\ntimestamp: {timestamp}\r\n\
             signature: {signature}\r\n{name}: {key}\r\nversion: 1\r\nConnection: close\r\n\r\n"
        );
        let mut stream = TcpStream::connect(client.base_url.trim_start_matches("http://")).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains(r#""deviceId":"m2""#), "{query}: {answer}");
        assert!(answer.contains(r#""total":1"#), "{answer}");
    }
}
