//! Who is refused, and in which words.

use axum::body::Body;
use bytes::Bytes;
use drover_ingress::ServeOptions;
use http::{Request, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use crate::world::{FIRMWARE, MAX_BODY_BYTES, NOW_MS, UPGRADE, World, failure, raw, state};

#[tokio::test]
async fn only_who_signs_now_and_rightly_is_known() {
    let world = World::new().await;
    let product = world.lwm2m.to_string();
    let request = || world.request("GET", &format!("{UPGRADE}/tasks"), &[("productId", &product)], Bytes::new());
    assert_eq!(world.send(request()).await.0, StatusCode::OK);
    for (header, value) in [
        ("application", None),
        ("timestamp", None),
        ("signature", None),
        ("application", Some("nobody".to_owned())),
        ("signature", Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned())),
        ("timestamp", Some((NOW_MS - 1).to_string())),
        ("timestamp", Some((NOW_MS - 600_001).to_string())),
        ("timestamp", Some("x".to_owned())),
    ] {
        let mut request = request();
        match &value {
            Some(value) => request.headers_mut().insert(header, value.parse().unwrap()),
            None => request.headers_mut().remove(header),
        };
        failure(401, world.send(request).await);
    }
    let mut other_query = request();
    *other_query.uri_mut() = format!("{UPGRADE}/tasks?productId={product}&pageSize=1").parse().unwrap();
    failure(401, world.send(other_query).await);
}

#[tokio::test]
async fn a_master_key_is_optional_and_must_fit() {
    let world = World::new().await;
    let product = world.lwm2m.to_string();
    let send = |key: &str, signed: bool| {
        let mut parameters = vec![("productId", product.as_str())];
        let plain = world.request("GET", &format!("{UPGRADE}/tasks"), &parameters, Bytes::new());
        parameters.push(("MasterKey", key));
        let mut request = plain;
        if signed {
            let timestamp = request.headers()["timestamp"].to_str().unwrap().parse().unwrap();
            request.headers_mut().insert("signature", world.signature(timestamp, &parameters, b"").parse().unwrap());
        }
        request.headers_mut().insert("Masterkey", key.parse().unwrap());
        world.send(request)
    };
    assert_eq!(send(&world.master_key, true).await.0, StatusCode::OK);
    assert_eq!(send("", true).await.0, StatusCode::OK);
    assert_eq!(send("", false).await.0, StatusCode::OK);
    failure(401, send(&world.master_key, false).await);
    failure(403, send("wrong", true).await);
    let in_query = [("productId", product.as_str()), ("MasterKey", &world.master_key)];
    world.ok("GET", &format!("{UPGRADE}/tasks"), &in_query, "").await;
    world.fails(403, "GET", &format!("{UPGRADE}/tasks"), &[("productId", &world.foreign.to_string())], "").await;
    world.fails(403, "GET", &format!("{UPGRADE}/tasks"), &[("productId", "1")], "").await;
}

#[tokio::test]
async fn every_refusal_has_the_error_body() {
    let world = World::new().await;
    let send = |method: &str, target: &str| {
        world.send(Request::builder().method(method).uri(target).body(Body::empty()).unwrap())
    };
    for target in [UPGRADE, "/aep_upgrade_management/", "/aep_upgrade_management/task/", "/aep_firmware_management/x"] {
        failure(404, send("GET", target).await);
    }
    failure(405, send("PATCH", &format!("{UPGRADE}/task")).await);
    failure(405, send("POST", &format!("{FIRMWARE}/firmwares")).await);
    failure(405, send("BREW", &format!("{UPGRADE}/control")).await);
    failure(401, send("GET", &format!("{UPGRADE}/task")).await);
    failure(400, send("GET", &format!("{UPGRADE}/task?id=%00")).await);
    failure(400, send("GET", &format!("{UPGRADE}/task?id=1&id=2")).await);
    assert_eq!(send("GET", "/nothing").await.0, StatusCode::NOT_FOUND);
    let large = "x".repeat(MAX_BODY_BYTES + 1);
    let refused = world.fails(400, "POST", &format!("{UPGRADE}/task"), &[], &large).await;
    assert_eq!(refused, "body: is larger than 10000 bytes");
    let not_json = world.fails(400, "POST", &format!("{UPGRADE}/task"), &[], "{\"productId\": ").await;
    assert!(not_json.starts_with("productId: EOF"), "{not_json}");
    let mut headers = world.request("GET", &format!("{UPGRADE}/task"), &[], Bytes::new());
    headers.headers_mut().insert("x", "y".repeat(40_000).parse().unwrap());
    failure(431, world.send(headers).await);
}

#[tokio::test]
async fn the_clock_is_told_to_anybody() {
    let world = World::new().await;
    for path in ["/echo", "/aep_upgrade_management/echo", "/aep_firmware_management/echo"] {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let request = Request::get(path).header("traceparent", parent).body(Body::empty()).unwrap();
        let (status, headers, _) = raw(&world.router, request).await;
        assert_eq!((status, &headers["x-ag-timestamp"]), (StatusCode::OK, &NOW_MS.into()));
        assert_eq!(headers["x-trace-id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    }
    assert_eq!(world.send(Request::get("/readyz").body(Body::empty()).unwrap()).await.0, StatusCode::OK);
}

#[tokio::test]
async fn without_a_database_the_answer_is_503() {
    let folder = tempfile::tempdir().unwrap();
    let (state, _) = state("postgres://nobody@127.0.0.1:1/none", folder.path());
    let router = drover_ingress::router(state);
    let request = |path: &str| {
        Request::get(path)
            .header("application", "a")
            .header("timestamp", NOW_MS)
            .header("signature", "s")
            .body(Body::empty())
            .unwrap()
    };
    let (status, headers, body) = raw(&router, request("/aep_upgrade_management/task?id=1&productId=1")).await;
    assert_eq!((status, &headers["retry-after"]), (StatusCode::SERVICE_UNAVAILABLE, &"2".parse().unwrap()));
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&body["code"], &body["msg"]), (&503.into(), &"Service Unavailable".into()));
    let (status, _, body) = raw(&router, request("/readyz")).await;
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body["dependencies"]["database"] != "ok" && body["dependencies"]["files"] == "ok", "{body}");
    assert_eq!(raw(&router, request("/healthz")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn raw_utf8_and_a_trailing_ampersand_travel_over_tcp() {
    let world = World::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let router = drover_ingress::router(world.state.clone());
    let served = tokio::spawn(drover_ingress::serve(listener, router, ServeOptions::default(), shutdown.clone()));
    let product = world.lwm2m.to_string();
    let signed = [("deviceNameSearch", "m 设备 2"), ("id", ""), ("isSelectDevice", "2"), ("productId", &product)];
    let (key, signature) = (&world.key, world.signature(NOW_MS, &signed, b""));
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    let target = format!("{UPGRADE}/devices?deviceNameSearch=m+设备+2&id=&isSelectDevice=2&productId={product}&");
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: x\r\napplication: {key}\r\ntimestamp: {NOW_MS}\r\nsignature: {signature}\r\n\
         Connection: close\r\n\r\n"
    );
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"deviceId\":\"m2\""), "{answer}");
    shutdown.cancel();
    served.await.unwrap().unwrap();
}
