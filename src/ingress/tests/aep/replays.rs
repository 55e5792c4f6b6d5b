//! What somebody can do with a call that they saw.

use bytes::Bytes;
use http::{Method, Request};

use crate::world::{UPGRADE, World, failure};

#[tokio::test]
async fn a_signed_call_is_good_for_one_address() {
    let world = World::new().await;
    let product = world.lwm2m.to_string();
    let parameters = [("id", "7"), ("productId", product.as_str())];
    let seen = world.request("GET", &format!("{UPGRADE}/task"), &parameters, Bytes::new());
    let (head, _) = seen.into_parts();
    let send = |method: Method, path: &str| {
        let mut request = Request::from_parts(head.clone(), axum::body::Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = format!("{path}?{}", head.uri.query().unwrap()).parse().unwrap();
        world.send(request)
    };
    let here = format!("{UPGRADE}/task");
    for path in [&here, &here, &format!("{UPGRADE}/detail")] {
        failure(404, send(Method::GET, path).await);
    }
    for (method, path) in [(Method::DELETE, "task"), (Method::PUT, "control"), (Method::PUT, "task")] {
        let desc = failure(401, send(method, &format!("{UPGRADE}/{path}")).await);
        assert!(desc.starts_with("the same signature was used at another address"), "{desc}");
    }
    failure(401, send(Method::DELETE, "/aep_firmware_management/firmware").await);
    failure(404, send(Method::GET, &here).await);
    // The same parameters at another time are another call.
    world.fails(404, "DELETE", &here, &parameters, "").await;
}

#[tokio::test]
async fn who_guesses_takes_no_address_away() {
    let world = World::new().await;
    let product = world.lwm2m.to_string();
    let good = world.request("GET", &format!("{UPGRADE}/tasks"), &[("productId", &product)], Bytes::new());
    let (head, _) = good.into_parts();
    let mut other = Request::from_parts(head.clone(), axum::body::Body::empty());
    // Another text, so the signature is wrong for it, and it must not be remembered.
    *other.uri_mut() = format!("{UPGRADE}/detail?productId={product}&id=1").parse().unwrap();
    failure(401, world.send(other).await);
    let (status, answer) = world.send(Request::from_parts(head, axum::body::Body::empty())).await;
    assert_eq!(status, 200, "{answer}");
}
