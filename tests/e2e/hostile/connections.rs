//! What is no HTTP, or HTTP that takes its time.

use tokio::io::AsyncWriteExt as _;

use super::{World, read_answer};
use crate::vendor::UPGRADE;

#[tokio::test]
async fn garbage_and_floods() {
    let world = World::new().await;
    let line = format!("GET {UPGRADE}/task HTTP/1.1\r\nHost: x\r\n");
    // What can be told to be a call is refused in the API's words.
    let headers = |count: usize| (0..count).map(|n| format!("x-{n}: y\r\n")).collect::<Vec<_>>().concat();
    let many = headers(150);
    world.raw(format!("{line}Connection: close\r\n{many}\r\n")).await.refused(431);
    let long = format!("{line}Connection: close\r\nx: {}\r\n\r\n", "y".repeat(40_000));
    world.raw(long).await.refused(431);
    // What cannot is refused by the HTTP library, or the connection just ends.
    let flood = headers(1000);
    for (what, bytes) in [
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()),
        ("zeros", vec![0; 100_000]),
        ("no version", b"GET /\r\n\r\n".to_vec()),
        ("another version", b"GET / HTTP/9.9\r\n\r\n".to_vec()),
        ("a long line", format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(200_000)).into_bytes()),
        ("a header flood", format!("{line}{flood}\r\n").into_bytes()),
        ("an endless header", format!("{line}x: {}", "y".repeat(1_000_000)).into_bytes()),
        ("a header that is none", format!("{line}no colon here\r\n\r\n").into_bytes()),
        ("a line end in a header", format!("{line}x: a\nb\r\n\r\n").into_bytes()),
        ("a negative length", format!("{line}Content-Length: -1\r\n\r\n").into_bytes()),
        ("two lengths", format!("{line}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx").into_bytes()),
        ("an unknown coding", format!("{line}Transfer-Encoding: magic\r\n\r\n").into_bytes()),
        ("HTTP/2 that is none", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\ngarbage, garbage, garbage".to_vec()),
    ] {
        let answer = world.raw(bytes).await;
        assert!(matches!(answer.status, None | Some(400 | 414 | 431 | 505)), "{what}: {answer:?}");
    }
    // A chunk that is none, in a call that is well signed.
    let head = world.head("POST", &format!("{UPGRADE}/task"), &[], b"{}");
    let broken = world.raw(format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n")).await;
    assert!(broken.refused(400).starts_with("body: broke off"), "{broken:?}");
    // Two lengths that disagree must not be two calls.
    let head = world.head("POST", &format!("{UPGRADE}/task"), &[], b"");
    let smuggled =
        format!("{head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n");
    let answer = world.raw(smuggled).await;
    assert!(!answer.body.contains("HTTP/1.1"), "one answer: {answer:?}");
    world.assert_unharmed().await;
}

#[tokio::test]
async fn slow_clients_are_let_go_and_hinder_nobody() {
    let world = World::new().await;
    let mut silent = Vec::new();
    for n in 0..300 {
        let mut stream = world.connect().await;
        // Nothing at all, half a line, or headers without an end.
        let line = format!("GET {UPGRADE}/task HTTP/1.1\r\nHost: x\r\n");
        stream.write_all(&line.as_bytes()[..[0, 9, line.len()][n % 3]]).await.unwrap();
        silent.push(stream);
    }
    world.call("GET", &format!("{UPGRADE}/tasks"), &[("productId", &world.product.id)], "").await.result();
    for mut stream in silent {
        let answer = read_answer(&mut stream).await;
        assert!(matches!(answer.status, None | Some(408)), "{answer:?}");
    }
    // A body that never comes: the answer does.
    let head = world.head("POST", &format!("{UPGRADE}/task"), &[], b"{}");
    let answer = world.raw(format!("{head}Content-Length: 2\r\n\r\n{{")).await;
    assert!(answer.refused(503).contains("took too long"), "{answer:?}");
    world.assert_unharmed().await;
}
