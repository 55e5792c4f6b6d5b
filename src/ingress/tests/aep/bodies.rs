//! How much a call may send, and all of them together.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use drover_ingress::Limits;
use futures_util::stream;
use tokio::sync::mpsc;

use crate::world::{UPGRADE, World, failure};

const KIB: usize = 1 << 10;

async fn limited(limits: Limits) -> World {
    let mut world = World::new().await;
    world.state.limits = limits;
    world.router = drover_ingress::router(world.state.clone());
    world
}

/// A JSON body of this length that says nothing.
fn padded(length: usize) -> String {
    format!(r#"{{"x":"{}"}}"#, "x".repeat(length - r#"{"x":""}"#.len()))
}

#[tokio::test]
async fn only_lists_may_be_long() {
    let world = limited(Limits::default()).await;
    let (most, list) = (1024 * KIB, format!("{UPGRADE}/operational"));
    for (method, path) in [("POST", "task"), ("PUT", "task"), ("PUT", "control")] {
        let path = format!("{UPGRADE}/{path}");
        let desc = world.fails(400, method, &path, &[("id", "1")], &padded(most + 1)).await;
        assert_eq!(desc, "body: is larger than 1048576 bytes", "{method} {path}");
        let read = world.fails(400, method, &path, &[("id", "1")], &padded(most)).await;
        assert!(read.ends_with(": is missing"), "{read}");
    }
    assert_eq!(world.fails(400, "POST", &list, &[], &padded(10 * most)).await, "jobId: is missing");
    let desc = world.fails(400, "POST", &list, &[], &padded(16 * most + 1)).await;
    assert_eq!(desc, "body: is larger than 16777216 bytes");
}

#[tokio::test]
async fn bodies_share_a_budget() {
    let world = limited(Limits {
        max_body_bytes: 100 * KIB,
        body_budget_bytes: 100 * KIB,
        request_timeout: Duration::from_secs(4),
        ..Limits::default()
    })
    .await;
    let path = format!("{UPGRADE}/task");
    // A body that does not end, and has no length.
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    let chunks = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (Ok::<_, std::io::Error>(chunk), receiver))
    });
    let mut request = world.request("POST", &path, &[], Bytes::new());
    *request.body_mut() = Body::from_stream(chunks);
    let router = world.router.clone();
    let endless = tokio::spawn(async move { crate::world::raw(&router, request).await.0 });
    for _ in 0..3 {
        // The third is taken when the second was read, for which there had to be room.
        sender.send(vec![b'x'; 20 * KIB].into()).await.unwrap();
    }
    let desc = world.fails(503, "POST", &path, &[], &padded(30 * KIB)).await;
    assert_eq!(desc, "too much is being sent at once, try again later");
    let small = world.fails(400, "POST", &path, &[], &padded(10 * KIB)).await;
    assert_eq!(small, "firmwareId: is missing", "a small one needs no room");
    drop(sender);
    assert_eq!(endless.await.unwrap(), 401, "it was not signed");
    let desc = failure(400, world.call("POST", &path, &[], &padded(30 * KIB)).await);
    assert_eq!(desc, "firmwareId: is missing", "and its room is free again");
}
