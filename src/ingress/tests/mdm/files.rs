//! X3 and X4: uploads to a fileUuid, and downloads by it.

use std::time::Duration;

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use drover_ingress::Limits;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderName, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    stored::{FILES, PUBLIC_URL, form, path, upload},
    world::{Person, World, failure, request, success},
};

const BYTES: &[u8] = b"client bytes";
const SHA256: &str = "f30e6f16d9730076eb4f51116fa7d8acf0f8d6e43b794e9afa39cd3eefc36b6d";

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// Uploads the bytes, and returns what is answered.
async fn uploaded(world: &World, person: &Person, name: &str, bytes: &[u8]) -> Value {
    success(world.send(upload(person, form(&[], name, bytes))).await)
}

#[tokio::test]
async fn a_file_is_uploaded_and_downloaded_by_its_uuid() {
    let world = World::new().await;
    let sent = form(&[("sha256", &SHA256.to_uppercase()), ("other", "x")], "客户端 2.apk", BYTES);
    let answer = success(world.send(upload(&world.north, sent)).await);
    let uuid = answer["fileUuid"].as_str().unwrap();
    let expected = json!({"fileUuid": uuid, "fileName": "客户端 2.apk", "size": 12, "sha256": SHA256,
        "md5": "7dd36017d3f4e264ea1f99eced1abd6f"});
    assert_eq!(answer, expected);
    let again = uploaded(&world, &world.south, "other.apk", BYTES).await;
    assert_eq!(again, answer, "the same bytes are the same file");
    assert_eq!(world.stored_files(), 1);

    let (status, headers, _) =
        world.raw(request("GET", &format!("{FILES}/{uuid}")).token(&world.reader.token).empty()).await;
    assert_eq!((status, text(&headers, &header::CACHE_CONTROL)), (StatusCode::TEMPORARY_REDIRECT, "no-store"));
    let link = text(&headers, &header::LOCATION);
    assert!(
        link.starts_with(&format!("{PUBLIC_URL}/files/{uuid}/%E5%AE%A2%E6%88%B7%E7%AB%AF%202.apk?expires=")),
        "{link}"
    );
    let (status, headers, body) = world.get(link).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, BYTES));
    for (name, value) in [
        (header::CONTENT_TYPE, "application/vnd.android.package-archive"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::ETAG, &format!("\"{SHA256}\"")),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"___ 2.apk\"; filename*=UTF-8''%E5%AE%A2%E6%88%B7%E7%AB%AF%202.apk",
        ),
    ] {
        assert_eq!(text(&headers, &name), value);
    }
    let part = world.raw(request("GET", path(link)).header("range", "bytes=7-").empty()).await;
    assert_eq!((part.0, &part.2[..]), (StatusCode::PARTIAL_CONTENT, &b"bytes"[..]));
    assert_eq!(text(&part.1, &header::CONTENT_RANGE), "bytes 7-11/12");
    let etag = format!("\"{SHA256}\"");
    let known = world.raw(request("GET", path(link)).header("if-none-match", &etag).empty()).await;
    assert_eq!(known.0, StatusCode::NOT_MODIFIED);
    let head = world.raw(request("HEAD", path(link)).empty()).await;
    assert_eq!((head.0, text(&head.1, &header::CONTENT_LENGTH), head.2.len()), (StatusCode::OK, "12", 0));
}

#[tokio::test]
async fn devices_download_by_the_uuid_too() {
    let world = World::new().await;
    let token = world.device_token("acme", "d1").await;
    let foreign = world.device_token("other", "d2").await;
    let answer = uploaded(&world, &world.admin, "a.apk", BYTES).await;
    let address = format!("{FILES}/{}", answer["fileUuid"].as_str().unwrap());
    let basic = |uuid: &str, token: &str| format!("Basic {}", STANDARD.encode(format!("{uuid}:{token}")));
    for (query, authorization, status) in [
        (String::new(), basic("d1", &token), 307),
        ("?deviceUuid=d1".into(), basic("d1", &token), 307),
        ("?deviceUuid=d1".into(), format!("Bearer {token}"), 307),
        (format!("?deviceUuid=d1&access_token={token}"), String::new(), 307),
        (String::new(), basic("d2", &foreign), 404),
        (String::new(), basic("d2", &token), 401),
        (String::new(), basic("d 1", &token), 401),
        ("?deviceUuid=d2".into(), basic("d1", &token), 401),
        ("?deviceUuid=".into(), basic("d1", &token), 400),
        (String::new(), format!("Bearer {token}"), 401),
        ("?deviceUuid=d1".into(), format!("Bearer {}", world.admin.token), 401),
    ] {
        let mut call = request("GET", &format!("{address}{query}"));
        if !authorization.is_empty() {
            call = call.header("authorization", &authorization);
        }
        let (got, headers, body) = world.raw(call.empty()).await;
        assert_eq!(got.as_u16(), status, "{query} {authorization}: {body:?}");
        if status == 307 {
            assert_eq!(world.get(text(&headers, &header::LOCATION)).await.2, BYTES);
        }
    }
}

#[tokio::test]
async fn only_the_own_tenants_files_are_there() {
    let world = World::new().await;
    let uuid = uploaded(&world, &world.admin, "a.apk", BYTES).await["fileUuid"].as_str().unwrap().to_owned();
    let shown = async |person: &Person, uuid: &str| world.call(person, "GET", &format!("{FILES}/{uuid}"), &[]).await;
    let message = |uuid: &str| format!("file {uuid} does not exist");
    assert_eq!(failure(404, shown(&world.stranger, &uuid).await), message(&uuid));
    let unknown = "efdc2719-31ee-4170-aaf8-9371907d49a6";
    assert_eq!(failure(404, shown(&world.admin, unknown).await), message(unknown));
    for malformed in ["7", "x", "%FF", "efdc2719-31ee-4170-aaf8-9371907d49a"] {
        assert_eq!(failure(404, shown(&world.admin, malformed).await), "there is no such file");
    }
    failure(401, world.send(request("GET", &format!("{FILES}/{uuid}")).empty()).await);
    let theirs = uploaded(&world, &world.stranger, "a.apk", BYTES).await;
    assert!(theirs["fileUuid"] != uuid.as_str() && world.stored_files() == 2, "tenants share nothing");
}

#[tokio::test]
async fn what_is_refused_leaves_nothing() {
    let world = World::new().await;
    let named = |fields: &[(&str, &str)]| form(fields, "a.apk", BYTES);
    let cut = |length: usize| named(&[])[..length].to_vec();
    let whole = named(&[]).len();
    for (sent, message) in [
        (form(&[], "", BYTES), "file: must have a name"),
        (form(&[], "..", BYTES), "file: is no name for a file"),
        (form(&[], &"x".repeat(129), BYTES), "file: is longer than 128 characters"),
        (form(&[], "a.apk", b""), "file: is empty"),
        (named(&[("sha256", "x")]), "sha256: must be 64 hexadecimal digits"),
        (named(&[("sha256", &"0".repeat(64))]), &format!("sha256: the file's SHA-256 is {SHA256}")),
        (named(&[("sha256", SHA256), ("sha256", SHA256)]), "sha256: is given twice"),
        (b"--B--\r\n".to_vec(), "file: is missing"),
        (cut(whole - 9), "file: the upload broke off: field \"file\" received with incomplete data"),
        (Vec::new(), "body: is no whole form: incomplete multipart stream"),
    ] {
        assert_eq!(failure(400, world.send(upload(&world.admin, sent)).await), message);
        assert_eq!(world.stored_files(), 0, "{message}");
    }
    let broken = stream::iter([Ok(cut(whole - 20)), Err(std::io::Error::other("gone"))]);
    let answer = failure(400, world.send(upload(&world.admin, Body::from_stream(broken))).await);
    assert!(answer.starts_with("file: the upload broke off"), "{answer}");
    let json = request("POST", FILES).token(&world.admin.token).json(&json!({}));
    let expected = "Content-Type: must be multipart/form-data with a boundary";
    assert_eq!(failure(400, world.send(json).await), expected);
    assert_eq!(world.stored_files(), 0);
    let rows: i64 = world.client().await.query_one("SELECT count(*) FROM files", &[]).await.unwrap().get(0);
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn only_who_may_write_uploads() {
    let world = World::new().await;
    // Nothing of the body is read: it never comes.
    let silent = || Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
    failure(403, world.send(upload(&world.reader, silent())).await);
    let nobody = Person { operator: world.admin.operator.clone(), token: "x".into() };
    failure(401, world.send(upload(&nobody, silent())).await);
    uploaded(&world, &world.north, "a.apk", BYTES).await;
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused() {
    let mut world = World::new().await;
    world.state.limits = Limits { max_upload_bytes: 12, ..world.state.limits };
    world.router = drover_ingress::router(world.state.clone());
    uploaded(&world, &world.admin, "fits.apk", BYTES).await;
    let larger = form(&[], "larger.apk", b"client bytes!");
    assert_eq!(failure(413, world.send(upload(&world.admin, larger)).await), "file: is larger than 12 bytes");
    let mut announced = upload(&world.admin, Body::empty());
    announced.headers_mut().insert(header::CONTENT_LENGTH, "2000000".parse().unwrap());
    assert_eq!(failure(413, world.send(announced).await), "file: is larger than 12 bytes");
    assert_eq!(world.stored_files(), 1);
}

#[tokio::test]
async fn an_upload_may_flow_for_long_and_not_stall() {
    let mut world = World::new().await;
    let address = format!("{FILES}/{}", world.file("a.apk", BYTES).await.id);
    // No time at all: what asks the database is over it.
    world.state.limits = Limits { request_timeout: Duration::ZERO, ..world.state.limits };
    world.router = drover_ingress::router(world.state.clone());
    failure(503, world.call(&world.admin, "GET", &address, &[]).await);
    assert_eq!(uploaded(&world, &world.admin, "b.apk", b"other").await["size"], 5);

    world.state.limits = Limits { idle_timeout: Duration::from_millis(10), ..world.state.limits };
    world.router = drover_ingress::router(world.state.clone());
    let begun = form(&[], "stalls.apk", BYTES)[..20].to_vec();
    let silent = stream::iter([Ok::<_, std::io::Error>(begun)]).chain(stream::pending());
    let stalled = failure(400, world.send(upload(&world.admin, Body::from_stream(silent))).await);
    assert_eq!(stalled, "body: nothing came for 0.01 s");
}

#[tokio::test]
async fn a_link_cannot_be_forged() {
    let world = World::new().await;
    let (file, other) = (world.file("a.apk", b"mine").await, world.file("b.apk", b"other").await);
    let link = world.service.file_link(file.id, "a.apk");
    let (address, query) = path(&link).split_once('?').unwrap();
    let (_, signature) = query.split_once("&signature=").unwrap();
    let past = world.now.timestamp() - 1;
    for (what, forged, status) in [
        ("unsigned", address.to_owned(), 403),
        ("later", format!("{address}?{}", query.replacen("expires=1", "expires=2", 1)), 403),
        ("longer", format!("{address}?{query}0"), 403),
        ("earlier", format!("{address}?expires={past}&signature={signature}"), 403),
        ("another file's", path(&link).replace(&file.id.to_string(), &other.id.to_string()), 403),
        ("a firmware's", path(&link).replace(&format!("/{}/", file.id), "/firmware/1001/"), 403),
        ("no file's", path(&link).replace(&format!("/{}/", file.id), "/x/"), 404),
        ("twice", format!("{address}?{query}&expires=1"), 404),
    ] {
        let (got, _, body) = world.get(&forged).await;
        assert_eq!(got.as_u16(), status, "{what}: {forged}");
        assert!(body.starts_with(format!("{{\"code\":{status},\"error\":").as_bytes()), "{what}: {body:?}");
    }
    let (status, headers, body) = world.get(&path(&link).replace("/a.apk?", "/evil.html?")).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &b"mine"[..]), "the name is for people");
    assert_eq!(text(&headers, &header::CONTENT_TYPE), "application/octet-stream");
    assert!(text(&headers, &header::CONTENT_DISPOSITION).starts_with("attachment;"));
}
