//! Downloads over the real process: parts, conditions, and links that are no good.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use drover_domain::FirmwareId;
use drover_service::{Clock, Entropy, FileStore, SecretKey, Service, ServiceOptions};
use drover_store::{Store, StoreOptions, TlsMode};
use drover_testkit::{TestDatabase, TestPostgres};
use reqwest::Response;

use crate::{
    support::{Drover, PATIENCE, Setup, http},
    vendor::{Client, Product, Vendor, noise, now_ms, sha256},
};

const SIZE: usize = 1_000_000;

struct World {
    _drover: Drover,
    setup: Setup,
    database: TestDatabase,
    vendor: Vendor,
    product: Product,
    firmware: serde_json::Value,
    bytes: Vec<u8>,
}

impl World {
    async fn new() -> Self {
        let database = TestPostgres::database().await;
        let setup = Setup::new(&database.url, None);
        let drover = setup.start(&["up"]).await;
        let vendor = Vendor::enrol(&setup, "vendor");
        let product = vendor.product(&setup, "meters", "lwm2m");
        let bytes = noise(SIZE);
        let firmware = Client::new(&drover.base_url, &vendor).firmware(&product, &bytes).await;
        Self { _drover: drover, setup, database, vendor, product, firmware, bytes }
    }

    fn link(&self) -> &str {
        self.firmware["firmwareUrl"].as_str().unwrap()
    }

    async fn get(&self, headers: &[(&str, &str)]) -> Response {
        let request = http().get(self.link());
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
    }

    /// The link as the same installation made it some time ago.
    async fn link_of(&self, age: TimeDelta) -> String {
        let options = StoreOptions {
            url: self.database.url.clone(),
            pool_size: 1,
            wait_timeout: PATIENCE,
            statement_timeout: PATIENCE,
            tls: TlsMode::Disable,
        };
        let key = std::fs::read_to_string(self.setup.data.path().join("secret.key")).unwrap();
        let key = SecretKey::parse(&key).unwrap();
        let files = FileStore::folder(&self.setup.data.path().join("files")).unwrap();
        let public_url = self.link().split_once("/files/").unwrap().0.to_owned();
        let options = (
            Store::new(&options).unwrap(),
            ServiceOptions { public_url, link_ttl: Duration::from_hours(1), ..ServiceOptions::default() },
        );
        let service = Service::new(options.0, files, key, Arc::new(Past(age)), Arc::new(Past(age)), options.1);
        let product = service.product_by_name(&self.vendor.tenant, &self.product.name).await.unwrap();
        let id = FirmwareId(self.firmware["firmwareId"].as_i64().unwrap());
        service.firmware_link(&service.firmware(&product, id).await.unwrap())
    }
}

/// A clock that is behind.
struct Past(TimeDelta);

impl Clock for Past {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(now_ms()).unwrap() - self.0
    }
}

impl Entropy for Past {
    fn fill(&self, _: &mut [u8]) {
        unreachable!("nothing is made here")
    }
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn parts_and_conditions() {
    let world = World::new().await;
    let whole = world.get(&[]).await;
    let etag = format!("\"{}\"", sha256(&world.bytes));
    let modified = header(&whole, "last-modified").to_owned();
    assert_eq!((whole.status().as_u16(), header(&whole, "etag")), (200, etag.as_str()));
    assert_eq!((header(&whole, "accept-ranges"), header(&whole, "content-length")), ("bytes", "1000000"));
    assert!(header(&whole, "content-disposition").contains("filename*=UTF-8''%E5%9B%BA%E4%BB%B6%201.bin"));
    assert_eq!(whole.bytes().await.unwrap(), world.bytes);

    let head = http().head(world.link()).header("range", "bytes=0-9").send().await.unwrap();
    assert_eq!((head.status().as_u16(), header(&head, "content-length")), (200, "1000000"));
    assert!(head.bytes().await.unwrap().is_empty());

    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=999999-", SIZE - 1, SIZE),
        ("bytes=-70000", SIZE - 70_000, SIZE),
        ("bytes=400000-600000", 400_000, 600_001),
        ("bytes=999000-9999999", 999_000, SIZE),
        ("bytes=-9999999", 0, SIZE),
    ] {
        let part = world.get(&[("range", range)]).await;
        assert_eq!(part.status(), 206, "{range}");
        assert_eq!(header(&part, "content-range"), format!("bytes {from}-{}/{SIZE}", to - 1));
        assert_eq!(header(&part, "content-length"), (to - from).to_string());
        assert_eq!(part.bytes().await.unwrap(), world.bytes[from..to], "{range}");
    }
    for range in ["bytes=1000000-", "bytes=2000000-3000000"] {
        let none = world.get(&[("range", range)]).await;
        assert_eq!((none.status().as_u16(), header(&none, "content-range")), (416, "bytes */1000000"), "{range}");
    }
    for range in ["bytes=0-1,5-9", "lines=0-1", "bytes=9-5", "bytes=a-b", "bytes=-0", ""] {
        let whole = world.get(&[("range", range)]).await;
        assert_eq!((whole.status().as_u16(), header(&whole, "content-length")), (200, "1000000"), "{range}");
    }
    let other = "\"0123\"";
    let range = ("range", "bytes=0-9");
    for (conditions, status) in [
        (vec![("if-none-match", etag.as_str())], 304),
        (vec![("if-none-match", "*"), range], 304),
        (vec![("if-none-match", other), range], 206),
        (vec![("if-modified-since", modified.as_str())], 304),
        (vec![("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT")], 200),
        (vec![("if-none-match", other), ("if-modified-since", modified.as_str())], 200),
        (vec![("if-range", etag.as_str()), range], 206),
        (vec![("if-range", modified.as_str()), range], 206),
        (vec![("if-range", other), range], 200),
        (vec![("if-range", "Thu, 01 Jan 1970 00:00:00 GMT"), range], 200),
    ] {
        let answer = world.get(&conditions).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "etag")), (status, etag.as_str()), "{conditions:?}");
        if status == 304 {
            assert!(answer.bytes().await.unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn links_that_expired_or_were_forged() {
    let world = World::new().await;
    let link = world.link().to_owned();
    let young = world.link_of(TimeDelta::minutes(59)).await;
    assert_eq!(sha256(&http().get(&young).send().await.unwrap().bytes().await.unwrap()), sha256(&world.bytes));
    let old = world.link_of(TimeDelta::minutes(61)).await;
    let (address, signature) = link.rsplit_once("signature=").unwrap();
    let (path, expires) = address.split_once("?expires=").unwrap();
    let id = world.firmware["firmwareId"].to_string();
    let mut spoilt = signature.to_owned();
    spoilt.replace_range(..1, if signature.starts_with('0') { "1" } else { "0" });
    let young_signature = young.rsplit_once("signature=").unwrap().1;
    for (what, url) in [
        ("outdated", old.clone()),
        ("outdated, with another time", old.replace("expires=", "expires=9")),
        ("without a signature", path.to_owned()),
        ("with an empty one", format!("{address}signature=")),
        ("with a wrong one", format!("{address}signature={spoilt}")),
        ("with a longer one", format!("{link}0")),
        ("with that of another time", format!("{address}signature={young_signature}")),
        ("in capitals", format!("{address}signature={}", signature.to_uppercase())),
        ("for ever", format!("{path}?expires=9223372036854775807&signature={signature}")),
        ("with a time that is none", format!("{path}?expires=x{expires}signature={signature}")),
        ("of another file", link.replace(&format!("/{id}/"), "/1/")),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = http().request(method.parse().unwrap(), &url).send().await.unwrap();
            assert_eq!(answer.status(), 403, "{method} {what}: {url}");
            assert!(!answer.bytes().await.unwrap().windows(64).any(|part| part == &world.bytes[..64]), "{what}");
        }
    }
    let posted = http().post(&link).send().await.unwrap();
    assert_eq!(posted.status(), 405);
    // The name in a link is for people: any will do, the id says which file.
    let renamed = link.replace("%E5%9B%BA%E4%BB%B6%201.bin", "other.bin");
    assert_ne!(renamed, link);
    assert_eq!(http().get(&renamed).send().await.unwrap().status(), 200);
}
