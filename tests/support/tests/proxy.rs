//! The proxy does to a line what it says.
#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;
use std::time::Duration;

use drover_testkit::{Line, Proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

const SOON: Duration = Duration::from_secs(5);
const MOMENT: Duration = Duration::from_millis(100);

/// A server that answers each byte with the same byte.
async fn echo() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    port
}

async fn asks(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"x").await?;
    timeout(SOON, stream.read_exact(&mut [0])).await.unwrap().map(drop)
}

#[tokio::test]
async fn a_line_is_whole_frozen_slow_and_cut() {
    let proxy = Proxy::to(echo().await).await;
    let connect = async || TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await;
    let mut stream = connect().await.unwrap();
    asks(&mut stream).await.unwrap();

    proxy.set(Line::Frozen);
    stream.write_all(b"y").await.unwrap();
    let mut answer = [0];
    assert!(timeout(MOMENT, stream.read_exact(&mut answer)).await.is_err(), "a byte went through");
    proxy.set(Line::Whole);
    timeout(SOON, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"y", "what was on its way arrives");

    proxy.set(Line::Slow(MOMENT));
    let began = Instant::now();
    asks(&mut stream).await.unwrap();
    assert!(began.elapsed() >= 2 * MOMENT, "there and back");

    proxy.set(Line::Cut);
    let error = timeout(SOON, stream.read_exact(&mut answer)).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert!(asks(&mut connect().await.unwrap()).await.is_err(), "a new connection lives");
    proxy.set(Line::Whole);
    asks(&mut connect().await.unwrap()).await.unwrap();
}
