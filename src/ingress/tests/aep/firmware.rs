//! X8-X12: the firmware files.

use http::StatusCode;
use serde_json::json;

use crate::world::{FIRMWARE, MAX_UPLOAD_BYTES, UPGRADE, World, failure, sha256};

#[tokio::test]
async fn a_firmware_is_uploaded_listed_changed_and_deleted() {
    let world = World::new().await;
    let fields = [("name", "固件"), ("version", "2.0"), ("description", "d"), ("upgradePlan", "3"), ("createBy", "h")];
    let (status, answer) = world.upload(world.lwm2m, &fields, b"abc").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let made = &answer["result"];
    for (field, value) in [
        ("firmwareName", json!("固件")),
        ("firmwareVersion", json!("2.0")),
        ("firmwareDesc", json!("d")),
        ("fileName", json!("固 件.bin")),
        ("fileSize", json!(3)),
        ("fileSha256", json!(sha256(b"abc"))),
        ("fileMd5", json!("900150983cd24fb0d6963f7d28e17f72")),
        ("upgradePlan", json!(3)),
        ("createBy", json!("h")),
        ("productId", json!(world.lwm2m)),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    let (id, product) = (made["firmwareId"].to_string(), world.lwm2m.to_string());
    let of_firmware = [("id", id.as_str()), ("productId", product.as_str())];
    let path = format!("{FIRMWARE}/firmware");
    assert_eq!(world.ok("GET", &path, &of_firmware, "").await, *made);

    let change = json!({"productId": product, "version": "2.1", "updateBy": "li"}).to_string();
    assert_eq!(world.ok("PUT", &path, &[("id", &id)], &change).await, "SUCCESS");
    let search = [("productId", product.as_str()), ("searchValue", "2.1")];
    let listed = world.ok("GET", &format!("{FIRMWARE}/firmwares"), &search, "").await;
    assert_eq!((&listed["total"], &listed["list"][0]["updateBy"]), (&1.into(), &"li".into()));
    assert_eq!(listed["list"][0]["firmwareDesc"], "d", "what was not sent stays");

    let task = json!({"firmwareId": id, "jobName": "t", "productId": product, "retryTimes": 0}).to_string();
    let job = world.ok("POST", &format!("{UPGRADE}/task"), &[], &task).await["jobId"].to_string();
    world.fails(400, "DELETE", &path, &of_firmware, "").await;
    world.ok("DELETE", &format!("{UPGRADE}/task"), &[("id", &job), ("productId", &product)], "").await;
    assert_eq!(world.ok("DELETE", &path, &of_firmware, "").await, "SUCCESS");
    world.fails(404, "GET", &path, &of_firmware, "").await;
}

#[tokio::test]
async fn a_refused_upload_leaves_nothing() {
    let world = World::new().await;
    let fields = [("name", "n"), ("version", "1")];
    let send = |fields: &[(&str, &str)], file: &[u8], sha: &str| {
        let request = world.upload_request(world.lwm2m, fields, file, sha);
        let world = &world;
        async move { failure(400, world.send(request).await) }
    };
    let other = send(&fields, b"abc", &sha256(b"abd")).await;
    assert!(other.starts_with("fileSha256: "), "{other}");
    let empty = send(&fields, b"", &sha256(b"")).await;
    assert!(empty.starts_with("file: "), "{empty}");
    assert_eq!(send(&fields[..1], b"abc", &sha256(b"abc")).await, "version: is missing or empty");
    let nul = [("name", "a\0b"), ("version", "1")];
    assert_eq!(send(&nul, b"abc", &sha256(b"abc")).await, "name: holds a NUL character");
    let large = vec![7; usize::try_from(MAX_UPLOAD_BYTES).unwrap() + 1];
    assert_eq!(send(&fields, &large, &sha256(&large)).await, "file: is larger than 100000 bytes");
    assert_eq!(send(&fields, b"abc", "xyz").await, "fileSha256: must be 64 hexadecimal digits");
    let mut stranger = world.upload_request(world.foreign, &fields, b"abc", &sha256(b"abc"));
    failure(403, world.send(stranger).await);
    stranger = world.upload_request(world.lwm2m, &fields, b"abc", &sha256(b"abc"));
    stranger.headers_mut().insert("signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse().unwrap());
    failure(401, world.send(stranger).await);
    assert_eq!(world.stored_files(), 0);
    let largest = vec![7; usize::try_from(MAX_UPLOAD_BYTES).unwrap()];
    assert_eq!(world.upload(world.lwm2m, &fields, &largest).await.0, StatusCode::OK);
    assert_eq!(world.stored_files(), 1);
}
