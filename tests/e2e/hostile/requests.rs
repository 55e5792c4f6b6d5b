//! Well-formed HTTP with a hostile content.

use reqwest::Body;
use serde_json::json;

use super::{MAX_BODY_BYTES, World};
use crate::{
    support::http,
    vendor::{FIRMWARE, UPGRADE},
};

/// JSON in JSON in JSON.
fn nested(depth: usize) -> String {
    format!(r#"{{"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth))
}

#[tokio::test]
async fn bodies() {
    let world = World::new().await;
    let task = format!("{UPGRADE}/task");
    let large = "x".repeat(MAX_BODY_BYTES + 1);
    let announced = format!("{}Content-Length: {}\r\n\r\n", world.head("POST", &task, &[], b"x"), large.len());
    let refused = world.raw(announced + large.as_str()).await.refused(400);
    assert!(refused.starts_with("body: is larger than 1048576 bytes"), "{refused}");
    let head = world.head("POST", &task, &[], b"x") + "Transfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let refused = world.raw(head + chunk.repeat(MAX_BODY_BYTES / 0x10000 + 1).as_str()).await.refused(400);
    assert!(refused.starts_with("body: is larger than"), "{refused}");

    for body in [nested(100_000), format!(r#"{{"deviceInfoList":{}}}"#, "[".repeat(500_000)), "[".repeat(1_000_000)] {
        world.call("POST", &task, &[], &body).await.refused(400);
        world.call("POST", &format!("{UPGRADE}/operational"), &[], &body).await.refused(400);
    }
    let number = format!(r#"{{"productId":{}}}"#, "9".repeat(1_000_000));
    world.call("POST", &task, &[], &number).await.refused(400);
    let not_utf8 = b"{\"jobName\":\"\xff\xfe\",\"productId\":1,\"firmwareId\":1}";
    let head = world.head("POST", &task, &[], not_utf8);
    let mut bytes = format!("{head}Content-Length: {}\r\n\r\n", not_utf8.len()).into_bytes();
    bytes.extend(not_utf8);
    world.raw(bytes).await.refused(400);
    let lone_surrogate = r#"{"jobName":"\ud800","productId":1,"firmwareId":1}"#;
    world.call("POST", &task, &[], lone_surrogate).await.refused(400);
    // Less than was announced, then the end.
    let head = world.head("POST", &task, &[], b"{}") + "Content-Length: 10\r\n\r\n{}";
    let mut stream = world.connect().await;
    tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
    tokio::io::AsyncWriteExt::shutdown(&mut stream).await.unwrap();
    let cut = super::read_answer(&mut stream).await;
    assert!(cut.status.is_none() || cut.status == Some(400), "{cut:?}");
    world.assert_unharmed().await;
}

#[tokio::test]
async fn a_hundred_thousand_ids() {
    let world = World::new().await;
    let firmware = world.client.firmware(&world.product, b"bytes").await;
    let task = world.client.task(&world.product, &firmware).await;
    let list = async |field: &str, operation: u8, ids: Vec<String>| {
        let body = json!({
            "jobId": task, "productId": world.product.id, "operational": operation, "createBy": "x",
            field: ids.join(","),
        });
        world.call("POST", &format!("{UPGRADE}/operational"), &[], &body.to_string()).await
    };
    let unknown = |count: usize| (0..count).map(|n| format!("device-{n:06}")).collect::<Vec<_>>();
    let refused = list("deviceIdList", 1, unknown(100_000)).await;
    assert!(refused.refused(400).starts_with("deviceIdList: no such device"), "{}", refused.body);
    assert!(refused.body.to_string().len() < 1000, "it names a few of them");
    let refused = list("deviceIdList", 1, unknown(100_001)).await;
    assert!(refused.refused(400).contains("more than 100000"), "{}", refused.body);
    list("deviceIdList", 1, vec!["b1".to_owned(); 100_000]).await.result();
    let query = [("id", task.as_str()), ("productId", &world.product.id), ("taskStatus", "1")];
    let page = world.call("GET", &format!("{UPGRADE}/details"), &query, "").await.result();
    assert_eq!(page["total"], 1, "repeated ones count once");
    let first = page["list"][0]["taskId"].as_i64().unwrap();
    list("taskIdList", 2, (1..=100_000).map(|n| (first + n).to_string()).collect()).await.refused(404);
    list("taskIdList", 2, vec![first.to_string(); 100_001]).await.refused(400);
    list("taskIdList", 2, vec![first.to_string(); 100_000]).await.result();
    world.assert_unharmed().await;
}

#[tokio::test]
async fn addresses_methods_and_queries() {
    let world = World::new().await;
    for (method, path, code) in [
        ("GET", "/aep_upgrade_management", 404),
        ("GET", "/aep_upgrade_management/", 404),
        ("GET", "/aep_upgrade_management/task/", 404),
        ("GET", "/aep_upgrade_management/task/5", 404),
        ("POST", "/aep_upgrade_management/../healthz", 404),
        ("GET", "/aep_upgrade_management/..%2fhealthz", 404),
        ("GET", "/aep_upgrade_management/TASK", 404),
        ("GET", "/aep_firmware_management/%00", 404),
        ("PATCH", "/aep_upgrade_management/task", 405),
        ("POST", "/aep_upgrade_management/tasks", 405),
        ("BREW", "/aep_upgrade_management/control", 405),
        ("TRACE", "/aep_upgrade_management/task", 405),
        ("OPTIONS", "/aep_firmware_management/firmware", 405),
    ] {
        let answer = world.raw(format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
        answer.refused(code);
    }
    for (query, names) in [
        ("id=%ff", "id"),
        ("id=%00", "id"),
        ("id=1&id=2", "id"),
        ("id=1%0AproductId:2", "id"),
        ("a:b=1", "query"),
        ("%ff=1", "query"),
    ] {
        let answer =
            world.raw(format!("GET {UPGRADE}/task?{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.refused(400).starts_with(&format!("{names}: ")), "{query}: {answer:?}");
    }
    let many: Vec<String> = (0..65).map(|n| format!("p{n}")).collect();
    let pairs: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "1")).collect();
    let refused = world.call("GET", &format!("{UPGRADE}/task"), &pairs, "").await;
    assert!(refused.refused(400).contains("more than 64 parameters"), "{}", refused.body);
    for path in
        ["/", "/nothing", "/files/firmware/x/y", "/files/firmware/1/%ff", "/files/firmware/99999999999999999999/a"]
    {
        let answer = http().get(format!("{}{path}", world.client.base_url)).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!((&body["code"], body["error"].is_string()), (&json!(404), true), "{path} is Drover's own");
    }
    world.assert_unharmed().await;
}

#[tokio::test]
async fn nothing_secret_is_in_the_log() {
    let world = World::new().await;
    let (product, client) = (&world.product, &world.client);
    let tasks = format!("{UPGRADE}/tasks");
    let key = product.master_key.as_str();
    // Right and wrong, in the header's place and in the query's.
    world.call("GET", &tasks, &[("productId", &product.id), ("MasterKey", key)], "").await.result();
    let stranger = [("productId", product.id.as_str()), ("MasterKey", "a-key-that-was-stolen-elsewhere")];
    world.secrets.borrow_mut().push("a-key-that-was-stolen-elsewhere".into());
    world.call("GET", &tasks, &stranger, "").await.refused(403);
    let mut spoilt = client.request("GET", &tasks, &[("productId", &product.id)], "");
    *spoilt.url_mut() = format!("{}{tasks}?productId=1", client.base_url).parse().unwrap();
    world.send(spoilt).await.refused(401);
    let mut upload = client.upload(product, &"a".repeat(64), "multipart/form-data; boundary=B", Body::from("x"));
    upload.headers_mut().insert("masterkey", key.parse().unwrap());
    world.send(upload).await.refused(401);
    // A link, used, forged and outdated; and as a device gets it, with a task that runs.
    let firmware = client.firmware(product, b"bytes").await;
    let link = firmware["firmwareUrl"].as_str().unwrap().to_owned();
    let signature = link.rsplit_once("signature=").unwrap().1.to_owned();
    world.secrets.borrow_mut().push(signature.clone());
    for (url, status) in [
        (link.clone(), 200),
        (link.replace("expires=", "expires=1"), 403),
        (link.replace("/files/firmware/", "/files/firmware/9"), 403),
        (link.replace("?expires=", "?expires=1&expires="), 404),
    ] {
        assert_eq!(http().get(&url).send().await.unwrap().status(), status, "{url}");
    }
    let task = client.task(product, &firmware).await;
    client.join(product, &task, "*").await;
    client.start(product, &task).await;
    drover_testkit::wait_until(crate::support::PATIENCE, "commands to be tried", async || {
        world.drover.metric("drover_commands_absent_total", &[]).await >= 3.0
    })
    .await;
    let refused = client.call("GET", &format!("{FIRMWARE}/firmware"), &[("productId", &product.id)], "").await;
    refused.refused(400);
    world.assert_unharmed().await;
}
