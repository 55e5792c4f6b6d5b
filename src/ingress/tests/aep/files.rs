//! Downloads under signed links.

use axum::body::Body;
use http::{HeaderMap, Request, StatusCode, header};

use crate::world::{FIRMWARE, World, raw, sha256};

async fn link(world: &World) -> String {
    let (id, product) = (world.firmware(world.lwm2m).await, world.lwm2m.to_string());
    let parameters = [("id", id.as_str()), ("productId", product.as_str())];
    let firmware = world.ok("GET", &format!("{FIRMWARE}/firmware"), &parameters, "").await;
    firmware["firmwareUrl"].as_str().unwrap().strip_prefix("http://drover.test").unwrap().to_owned()
}

async fn get(world: &World, method: &str, link: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::builder().method(method).uri(link);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (status, headers, body) = raw(&world.router, request.body(Body::empty()).unwrap()).await;
    (status, headers, String::from_utf8(body.into()).unwrap())
}

#[tokio::test]
async fn a_file_is_downloaded_whole_and_in_parts() {
    let world = World::new().await;
    let link = link(&world).await;
    let etag = format!("\"{}\"", sha256(b"firmware bytes"));
    let (status, headers, body) = get(&world, "GET", &link, &[]).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "firmware bytes"));
    for (name, value) in [
        (header::ETAG, etag.as_str()),
        (header::ACCEPT_RANGES, "bytes"),
        (header::CONTENT_LENGTH, "14"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"_ _.bin\"; filename*=UTF-8''%E5%9B%BA%20%E4%BB%B6.bin"),
    ] {
        assert_eq!(headers[&name], value);
    }
    let (status, headers, body) = get(&world, "HEAD", &link, &[("range", "bytes=0-1")]).await;
    assert_eq!((status, &headers[header::CONTENT_LENGTH], body.as_str()), (StatusCode::OK, &"14".parse().unwrap(), ""));
    let (status, headers, body) = get(&world, "GET", &link, &[("range", "bytes=9-"), ("if-range", &etag)]).await;
    assert_eq!((status, body.as_str()), (StatusCode::PARTIAL_CONTENT, "bytes"));
    assert_eq!(
        (&headers[header::CONTENT_RANGE], &headers[header::CONTENT_LENGTH]),
        (&"bytes 9-13/14".parse().unwrap(), &"5".parse().unwrap())
    );
    let (status, headers, _) = get(&world, "GET", &link, &[("range", "bytes=14-")]).await;
    assert_eq!(
        (status, &headers[header::CONTENT_RANGE]),
        (StatusCode::RANGE_NOT_SATISFIABLE, &"bytes */14".parse().unwrap())
    );
    let (status, headers, body) = get(&world, "GET", &link, &[("if-none-match", &etag)]).await;
    assert_eq!((status, &headers[header::ETAG], body.as_str()), (StatusCode::NOT_MODIFIED, &etag.parse().unwrap(), ""));
}

#[tokio::test]
async fn a_file_that_is_not_the_one_that_was_meant_is_not_sent() {
    let world = World::new().await;
    let link = link(&world).await;
    let etag = format!("\"{}\"", sha256(b"firmware bytes"));
    let before = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (headers, status) in [
        (vec![("if-match", etag.as_str()), ("if-unmodified-since", before)], 200),
        (vec![("if-match", "\"other\""), ("range", "bytes=0-1")], 412),
        (vec![("if-unmodified-since", before), ("if-none-match", &etag)], 412),
        (vec![("if-match", "*"), ("range", "bytes=0-1")], 206),
    ] {
        for method in ["GET", "HEAD"] {
            let status = if method == "HEAD" && status == 206 { 200 } else { status };
            let (got, _, body) = get(&world, method, &link, &headers).await;
            assert_eq!(got.as_u16(), status, "{method} {headers:?}");
            assert!(status != 412 || method == "HEAD" || body.starts_with("{\"code\":412,\"error\":"), "{body}");
        }
    }
}

#[tokio::test]
async fn a_link_cannot_be_forged() {
    let world = World::new().await;
    let link = link(&world).await;
    let (path, query) = link.split_once('?').unwrap();
    for (forged, status) in [
        (path.to_owned(), 403),
        (format!("{path}?{}", query.replacen("expires=1", "expires=2", 1)), 403),
        (format!("{path}?{query}0"), 403),
        (format!("{path}?expires=é&signature="), 403),
        (link.replacen("/firmware/1", "/firmware/2", 1), 403),
        (link.replacen("/firmware/", "/firmware/x", 1), 404),
        ("/files/firmware/1".into(), 404),
        (format!("{path}?expires=1&expires=2"), 404),
    ] {
        let (got, _, body) = get(&world, "GET", &forged, &[]).await;
        assert_eq!(got.as_u16(), status, "{forged}");
        assert!(body.starts_with(&format!("{{\"code\":{status},\"error\":")), "{body}");
    }
}
