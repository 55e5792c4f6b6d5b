//! What nobody should send. It is refused in the API's own words where HTTP can be answered at all, the process goes on,
//! and its log holds no secret.

mod connections;
mod requests;
mod uploads;

use std::{cell::RefCell, path::Path};

use drover_testkit::TestPostgres;
use reqwest::{Request, header::HeaderMap};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    support::{Drover, PATIENCE, Setup},
    vendor::{Answer, Client, FIRMWARE, Product, UPGRADE, Vendor, now_ms},
};

const MAX_BODY_BYTES: usize = 8 << 20;
/// More than the server holds in memory, so that a part of a broken upload was on the disk.
const MAX_UPLOAD_BYTES: usize = 6_000_000;

/// A process that says all it knows, and little patience.
struct World {
    drover: Drover,
    client: Client,
    product: Product,
    setup: Setup,
    /// What must not be in the log.
    secrets: RefCell<Vec<String>>,
}

impl World {
    async fn new() -> Self {
        let database = TestPostgres::database().await;
        let setup = Setup::new(&database.url, None)
            .with("DROVER_HTTP__MAX_BODY_BYTES", MAX_BODY_BYTES)
            .with("DROVER_HTTP__MAX_UPLOAD_BYTES", MAX_UPLOAD_BYTES)
            .with("DROVER_HTTP__HEADER_TIMEOUT_S", 1)
            .with("DROVER_HTTP__REQUEST_TIMEOUT_S", 3);
        let drover = setup.start(&["up", "--log", "debug"]).await;
        let vendor = Vendor::enrol(&setup, "vendor");
        let product = vendor.product(&setup, "boxes", "tlink");
        vendor.import(&setup, &product, "b", 3);
        let client = Client::new(&drover.base_url, &vendor);
        let key = std::fs::read_to_string(setup.data.path().join("secret.key")).unwrap();
        let secrets = vec![vendor.secret, product.master_key.clone(), key.trim().to_owned()];
        Self { drover, client, product, setup, secrets: RefCell::new(secrets) }
    }

    /// Sends a signed request, and remembers that its signature is a secret.
    async fn send(&self, request: Request) -> Answer {
        let signature = request.headers().get("signature").map(|value| value.to_str().unwrap().to_owned());
        self.secrets.borrow_mut().extend(signature);
        self.client.send(request).await
    }

    async fn call(&self, method: &str, path: &str, query: &[(&str, &str)], body: &str) -> Answer {
        self.send(self.client.request(method, path, query, body)).await
    }

    /// The head of a signed request as text, without the empty line at its end.
    fn head(&self, method: &str, path: &str, query: &[(&str, &str)], body: &[u8]) -> String {
        let timestamp = now_ms().to_string();
        let signature = self.client.vendor.signature(&timestamp, query, body);
        let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let (application, pairs) = (&self.client.vendor.key, pairs.join("&"));
        self.secrets.borrow_mut().push(signature.clone());
        format!(
            "{method} {path}?{pairs} HTTP/1.1\r\nHost: x\r\napplication: {application}\r\ntimestamp: {timestamp}\r\n\
             signature: {signature}\r\nConnection: close\r\n"
        )
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.client.base_url.trim_start_matches("http://")).await.unwrap()
    }

    /// Sends bytes and reads what comes until the server closes.
    async fn raw(&self, bytes: impl AsRef<[u8]>) -> Raw {
        let mut stream = self.connect().await;
        // The server may have seen enough before the end.
        let _ = stream.write_all(bytes.as_ref()).await;
        read_answer(&mut stream).await
    }

    /// Files that the installation keeps, finished or not.
    fn files(&self) -> usize {
        fn count(folder: &Path) -> usize {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
            entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
        }
        count(&self.setup.data.path().join("files"))
    }

    /// The firmwares that the product has.
    async fn firmwares(&self) -> i64 {
        let query = [("productId", self.product.id.as_str())];
        let page = self.call("GET", &format!("{FIRMWARE}/firmwares"), &query, "").await.result();
        page["total"].as_i64().unwrap()
    }

    /// The process still serves, and told nobody what it must not.
    async fn assert_unharmed(mut self) {
        let query = [("productId", self.product.id.as_str())];
        self.call("GET", &format!("{UPGRADE}/tasks"), &query, "").await.result();
        assert!(self.drover.child.try_wait().unwrap().is_none(), "the process ended");
        assert!(self.drover.terminate().await, "it ends well:\n{}", self.drover.log());
        let log = self.drover.log();
        assert!(log.contains("DEBUG") && log.contains("call answered"), "the log is complete");
        assert!(!log.contains("panicked"), "{log}");
        for secret in self.secrets.borrow().iter() {
            assert!(secret.len() > 20, "{secret} could be in there by chance");
            let leak = log.lines().find(|line| line.contains(secret.as_str()));
            assert!(leak.is_none(), "the log holds {secret}: {leak:?}");
        }
    }
}

/// What came back over a bare connection.
#[derive(Debug)]
struct Raw {
    /// `None` when the server closed without a word.
    status: Option<u16>,
    body: String,
}

impl Raw {
    /// What a refusal says, which must be the API's own.
    #[track_caller]
    fn refused(&self, code: u16) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        let answer = Answer { status: self.status.unwrap_or_default(), headers: HeaderMap::default(), body };
        answer.refused(code).to_owned()
    }
}

async fn read_answer(stream: &mut TcpStream) -> Raw {
    let mut answer = Vec::new();
    // A reset after the answer is as good as an end.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server answers or closes");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.strip_prefix("HTTP/1.").and_then(|rest| rest[2..5].parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    Raw { status, body }
}
