//! The serving loop over real TCP: what a well-behaved client may expect, and what a hostile one cannot do.
#![allow(clippy::unwrap_used)] // clippy knows tests by their attribute, not their helpers

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, RawQuery},
    routing::{get, post},
};
use drover_ingress::{ServeError, ServeOptions, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Far longer than anything here takes: a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// The limit under test, where a test waits for one.
const SHORT: Duration = Duration::from_millis(200);

struct Server {
    address: std::net::SocketAddr,
    shutdown: CancellationToken,
    ended: JoinHandle<Result<(), ServeError>>,
}

impl Server {
    async fn start(router: Router, options: ServeOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
        let ended = tokio::spawn(serve(listener, router, options, shutdown.clone()));
        Self { address, shutdown, ended }
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    /// Shuts down, and returns how that went.
    async fn stop(self) -> Result<(), ServeError> {
        self.shutdown.cancel();
        timeout(PATIENCE, self.ended).await.expect("the server ends").unwrap()
    }
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    async fn get(&mut self, target: &str) -> String {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        self.answer().await
    }

    /// One answer with a Content-Length; its status line and body.
    async fn answer(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(PATIENCE, self.0.read_u8()).await.expect("an answer").expect("a whole head"));
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.split("content-length: ").nth(1).map_or("0", |rest| rest.split("\r\n").next().unwrap());
        let mut body = vec![0; length.parse().unwrap()];
        self.0.read_exact(&mut body).await.unwrap();
        format!("{} {}", head.split("\r\n").next().unwrap(), String::from_utf8(body).unwrap())
    }

    /// Everything until the server closes.
    async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match timeout(PATIENCE, self.0.read_to_end(&mut rest)).await.expect("the server closes the connection") {
            Ok(_) => rest,
            // Closed while we were still sending.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => rest,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Answers `/echo/…` with what follows, `/query` with its query, and a POST with its length.
fn router() -> Router {
    Router::new()
        .route("/echo/{text}", get(|Path(text): Path<String>| async move { text }))
        .route("/query", get(|RawQuery(query): RawQuery| async move { query.unwrap_or_default() }))
        .route("/length", post(|body: Bytes| async move { body.len().to_string() }))
}

/// Adds `/held`: says when it is entered, and answers when it is let go.
fn held(router: Router) -> (Router, mpsc::UnboundedReceiver<()>, Arc<Notify>) {
    let (entered, is_entered) = mpsc::unbounded_channel();
    let release = Arc::new(Notify::new());
    let released = Arc::clone(&release);
    let handler = get(move || async move {
        entered.send(()).unwrap();
        released.notified().await;
        "held"
    });
    (router.route("/held", handler), is_entered, release)
}

#[tokio::test]
async fn calls_on_one_connection_are_answered_in_order() {
    let server = Server::start(router(), ServeOptions::default()).await;
    let mut client = server.connect().await;
    assert_eq!(client.get("/echo/a").await, "http/1.1 200 ok a");
    client.send("GET /echo/1 HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3).replacen("/1", "/0", 1)).await;
    client.send("POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /echo/z HTTP/1.1\r\n\r\n").await;
    for expected in ["0", "1", "1", "3", "z"] {
        assert_eq!(client.answer().await, format!("http/1.1 200 ok {expected}"));
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn raw_utf8_in_the_target_arrives_as_sent() {
    let server = Server::start(router(), ServeOptions::default()).await;
    let mut client = server.connect().await;
    assert_eq!(client.get("/query?name=十大+城市&").await, "http/1.1 200 ok name=十大+城市&");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_that_says_too_little_is_let_go() {
    let options = ServeOptions { header_timeout: SHORT, ..ServeOptions::default() };
    let server = Server::start(router(), options).await;
    for said in ["", "G", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow:"] {
        let mut client = server.connect().await;
        client.send(said).await;
        let rest = client.rest().await;
        assert!(!rest.starts_with(b"HTTP/1.1 2"), "{said:?} got {rest:?}");
    }
    let mut idle = server.connect().await;
    assert_eq!(idle.get("/echo/a").await, "http/1.1 200 ok a");
    assert_eq!(idle.rest().await, b"", "a connection at rest ends too");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn garbage_ends_its_own_connection_only() {
    let server = Server::start(router(), ServeOptions::default()).await;
    let mut neighbour = server.connect().await;
    assert_eq!(neighbour.get("/echo/a").await, "http/1.1 200 ok a");
    let large_header = format!("GET /echo/a HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(200_000));
    let many_headers = format!("GET /echo/a HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(1000));
    let long_target = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000));
    for (garbage, status) in [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), "400"),
        (b"\x00\xff\xfe\r\n\r\n".to_vec(), "400"),
        (b"GET / HTTP/9.9\r\n\r\n".to_vec(), "400"),
        (b"GET /\x00 HTTP/1.1\r\n\r\n".to_vec(), "400"),
        (b"GET /?\xff HTTP/1.1\r\n\r\n".to_vec(), "400"),
        (b"POST /length HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_vec(), "400"),
        (b"POST /length HTTP/1.1\r\nContent-Length: -1\r\n\r\n".to_vec(), "400"),
        (b"POST /length HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec(), "400"),
        (large_header.into_bytes(), "431"),
        (many_headers.into_bytes(), "431"),
        (long_target.into_bytes(), "4"),
    ] {
        let mut client = server.connect().await;
        // The server may close before all is sent.
        let _ = client.0.write_all(&garbage).await;
        let _ = client.0.shutdown().await;
        let rest = client.rest().await;
        let shown = String::from_utf8_lossy(&garbage[..garbage.len().min(60)]).into_owned();
        assert!(
            rest.is_empty() || rest.starts_with(format!("HTTP/1.1 {status}").as_bytes()),
            "{shown:?} got {}",
            String::from_utf8_lossy(&rest)
        );
    }
    assert_eq!(neighbour.get("/echo/b").await, "http/1.1 200 ok b");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn who_is_refused_while_sending_hears_why() {
    let refuses = post(|| async { (http::StatusCode::UNAUTHORIZED, "because") });
    let server = Server::start(Router::new().route("/refused", refuses), ServeOptions::default()).await;
    let mut client = server.connect().await;
    let length = 20 << 20;
    client.send(format!("POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n")).await;
    client.send(vec![b'x'; length]).await;
    assert_eq!(client.answer().await, "http/1.1 401 unauthorized because");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_of_http2_is_closed_on_at_once() {
    let options = ServeOptions { max_connections: 1, header_timeout: PATIENCE * 2, ..ServeOptions::default() };
    let server = Server::start(router(), options).await;
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &settings].concat();
    for cut in [preface.len(), 24, 10, 1] {
        let mut client = server.connect().await;
        client.send(&preface[..cut]).await;
        // The server may look at the first part before the second is there.
        tokio::task::yield_now().await;
        // It may be closed on before the end.
        let _ = client.0.write_all(&preface[cut..]).await;
        assert_eq!(client.rest().await, b"", "cut after {cut}");
    }
    assert_eq!(server.connect().await.get("/echo/a").await, "http/1.1 200 ok a", "and its place is free");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_full_server_lets_the_next_client_wait() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&log);
    let handler = get(move |Path(who): Path<String>| async move { seen.lock().unwrap().push(who) });
    let options = ServeOptions { max_connections: 1, ..ServeOptions::default() };
    let server = Server::start(Router::new().route("/log/{who}", handler), options).await;
    let mut first = server.connect().await;
    first.get("/log/first").await;
    let mut second = server.connect().await;
    second.send("GET /log/second HTTP/1.1\r\nHost: x\r\n\r\n").await;
    first.get("/log/again").await;
    drop(first);
    second.answer().await;
    drop(second);
    assert_eq!(*log.lock().unwrap(), ["first", "again", "second"]);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_let_go() {
    /// Says when it is dropped.
    struct Guard(mpsc::UnboundedSender<()>);
    impl Drop for Guard {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (dropped, mut is_dropped) = mpsc::unbounded_channel();
    let handler = get(move || async move {
        let guard = Guard(dropped);
        Body::from_stream(futures_util::stream::repeat_with(move || {
            let _held = &guard;
            Ok::<_, io::Error>(Bytes::from_static(&[0; 16_384]))
        }))
    });
    let options = ServeOptions { write_timeout: SHORT, ..ServeOptions::default() };
    let server = Server::start(Router::new().route("/endless", handler), options).await;
    let mut client = server.connect().await;
    client.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n").await;
    timeout(PATIENCE, is_dropped.recv()).await.expect("the answer is given up");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_drain_finishes_the_call_under_way_and_takes_no_other() {
    let (router, mut entered, release) = held(router());
    let server = Server::start(router, ServeOptions::default()).await;
    let mut idle = server.connect().await;
    assert_eq!(idle.get("/echo/a").await, "http/1.1 200 ok a");
    let mut silent = server.connect().await;
    let mut busy = server.connect().await;
    busy.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\nGET /echo/late HTTP/1.1\r\nHost: x\r\n\r\n").await;
    entered.recv().await.unwrap();

    server.shutdown.cancel();
    assert_eq!((idle.rest().await, silent.rest().await), (vec![], vec![]), "who asks for nothing is let go at once");
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody else is let in");
    release.notify_one();
    let rest = String::from_utf8(busy.rest().await).unwrap();
    assert!(
        rest.starts_with("HTTP/1.1 200 OK") && rest.contains("connection: close") && rest.ends_with("held"),
        "{rest}"
    );
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_drain_does_not_wait_for_ever() {
    let (router, mut entered, _release) = held(router());
    let options = ServeOptions { drain_timeout: SHORT, ..ServeOptions::default() };
    let server = Server::start(router, options).await;
    let mut busy = server.connect().await;
    busy.send("GET /held HTTP/1.1\r\nHost: x\r\n\r\n").await;
    entered.recv().await.unwrap();
    let ServeError::Undrained { connections, .. } = server.stop().await.unwrap_err();
    assert_eq!(connections, 1);
    assert_eq!(busy.rest().await, b"");
}
