//! Pages keep themselves up to date.

use std::time::Duration;

use http::StatusCode;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::time::timeout;

use crate::{browser::Browser, world::World};

/// A stream of events, read one by one.
struct Events {
    body: axum::body::Body,
    text: String,
}

impl Events {
    /// The next event's name and data; `None`: the stream is over.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let lines: Vec<&str> = event.lines().collect();
                let name = lines.iter().find_map(|line| line.strip_prefix("event: ")).map(str::to_owned);
                let data = lines.iter().find_map(|line| line.strip_prefix("data: ").map(str::to_owned));
                self.text = self.text.split_off(self.text.len() - rest.len());
                if let (Some(name), Some(data)) = (name, data) {
                    return Some((name, serde_json::from_str(&data).unwrap()));
                }
            }
            let frame = timeout(Duration::from_secs(30), self.body.frame()).await.expect("an event")?;
            self.text.push_str(std::str::from_utf8(frame.unwrap().data_ref().unwrap()).unwrap());
        }
    }

    /// The next fragment for that element.
    async fn fragment(&mut self, id: &str) -> String {
        loop {
            let (name, data) = self.next().await.unwrap();
            assert_eq!(name, "fragment", "{data}");
            if data["id"] == id {
                return data["html"].as_str().unwrap().to_owned();
            }
        }
    }
}

async fn open(browser: &Browser, address: &str) -> Events {
    let response = browser.open(address).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    Events { body: response.into_body(), text: String::new() }
}

/// A job of acme's firmware that runs, with as many commands queued.
async fn job(world: &World, name: &str, queued: i64) -> i64 {
    const SQL: &str = "WITH p AS (INSERT INTO products (tenant_id, name, protocol, master_key_sha256)
            VALUES ($1, $2, 'mqtt', '') RETURNING id),
        f AS (INSERT INTO firmwares (tenant_id, product_id, name, version, file_name, object_path, size_bytes, sha256, md5)
            SELECT $1, id, 'f', '1', 'f', $2, 1, repeat('0', 64), repeat('0', 32) FROM p RETURNING id),
        j AS (INSERT INTO jobs (tenant_id, product_id, firmware_id, kind, name, state, retry_limit, attempt_timeout_s,
                job_timeout_s, trace_context, started_at, expires_at)
            SELECT $1, p.id, f.id, 'firmware', $2, 'running', 0, 60, 60, 't', now(), now() + interval '1 h' FROM p, f
            RETURNING id)
        INSERT INTO job_tallies SELECT id, 1, 'queued', $3 FROM j RETURNING job_id";
    let tenant = world.admin.operator.tenant.0;
    world.client().await.query_one(SQL, &[&tenant, &name, &queued]).await.unwrap().get(0)
}

async fn world() -> World {
    let live_interval = Duration::from_millis(50);
    World::with(drover_service::ServiceOptions { live_interval, ..Default::default() }).await
}

#[tokio::test]
async fn what_changes_is_sent_and_what_does_not_is_not() {
    let world = world().await;
    let browser = Browser::of(&world, "admin").await;
    let page = browser.get("/ui").await;
    assert!(page.html.contains("No job is going on.") && page.html.contains("What to do first"), "{}", page.html);
    assert!(page.html.contains("data-live=\"/ui/live?page=overview\""), "{}", page.html);
    let mut events = open(&browser, "/ui/live?page=overview").await;
    assert!(events.fragment("jobs").await.contains("No job is going on."));
    let id = job(&world, "<b>spring</b>", 7).await;
    let jobs = events.fragment("jobs").await;
    assert!(jobs.contains("&lt;b&gt;spring&lt;/b&gt;") && jobs.contains(&format!("/ui/jobs/{id}")), "{jobs}");
    // Nothing changes but the time for which commands wait.
    let quiet = world.service.live().peek().number;
    let mut seen = Vec::new();
    while world.service.live().peek().number < quiet + 30 {
        let (_, data) = events.next().await.unwrap();
        seen.push(data["id"].as_str().unwrap().to_owned());
        if seen.len() > 8 {
            break;
        }
    }
    assert!(seen.iter().all(|id| ["figures", "open", "outcomes"].contains(&id.as_str())), "{seen:?}");
    world.service.live().close();
    while events.next().await.is_some() {}
}

#[tokio::test]
async fn nobody_is_shown_what_is_out_of_reach_and_who_left_is_told_to_load_anew() {
    let world = world().await;
    job(&world, "firmware of the root", 3).await;
    let (admin, north) = (Browser::of(&world, "admin").await, Browser::of(&world, "north").await);
    let mut all = open(&admin, "/ui/live?page=overview").await;
    let mut part = open(&north, "/ui/live?page=overview").await;
    assert!(all.fragment("jobs").await.contains("firmware of the root"));
    assert!(part.fragment("jobs").await.contains("No job is going on."));
    let csrf = admin.get("/ui").await.hidden("csrf").unwrap();
    admin.post("/ui/sign-out", &[("csrf", &csrf)]).await;
    let mut gone = open(&admin, "/ui/live?page=overview").await;
    assert_eq!(gone.next().await.unwrap().0, "reload");
    assert!(gone.next().await.is_none());
    assert_eq!(north.open("/ui/live?page=elsewhere").await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_jobs_page_follows_it() {
    let world = world().await;
    let id = job(&world, "spring", 40).await;
    let (admin, north) = (Browser::of(&world, "admin").await, Browser::of(&world, "north").await);
    assert_eq!(north.get(&format!("/ui/jobs/{id}")).await.status, StatusCode::NOT_FOUND);
    let page = admin.get(&format!("/ui/jobs/{id}")).await;
    let address = format!("/ui/live?page=job&id={id}");
    assert!(page.html.contains(&format!("data-live=\"{}\"", address.replace('&', "&amp;"))), "{}", page.html);
    let mut events = open(&admin, &address).await;
    assert!(events.fragment("states").await.contains("100.0 %"));
    let sql = format!(
        "UPDATE job_tallies SET count = 30 WHERE job_id = {id};
        INSERT INTO job_tallies VALUES ({id}, 2, 'failed', 10);
        INSERT INTO failure_tallies VALUES ({id}, 2, 'failed', '<E1>', 1, 10);
        UPDATE jobs SET state = 'paused' WHERE id = {id}"
    );
    world.client().await.batch_execute(&sql).await.unwrap();
    let failures = loop {
        let failures = events.fragment("failures").await;
        if failures.contains("E1") {
            break failures;
        }
    };
    assert!(failures.contains("<code>&lt;E1&gt;</code>") && failures.contains("code=%3CE1%3E#commands"), "{failures}");
    let mut others = open(&admin, &address).await;
    let standing = others.fragment("standing").await;
    assert!(standing.contains(&format!("/ui/jobs/{id}/resume")) && !standing.contains("/pause"), "{standing}");
    assert!(others.fragment("states").await.contains("25.0 %"));
    assert_eq!(north.open(&address).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_takes_the_places_of_others_and_those_who_left_are_not_counted() {
    let world = World::new().await;
    let browser = Browser::of(&world, "admin").await;
    let mut streams = Vec::new();
    for _ in 0..300 {
        streams.push(browser.open("/ui/live?page=overview").await);
    }
    let refused = browser.open("/ui/live?page=overview").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(world.service.live().viewers(), 300);
    let north = Browser::of(&world, "north").await;
    drop(open(&north, "/ui/live?page=overview").await);
    streams.pop();
    assert_eq!(world.service.live().viewers(), 299);
    assert_eq!(browser.open("/ui/live?page=overview").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_out_of_reach_is_not_looked_at() {
    let world = world().await;
    let id = job(&world, "firmware of the root", 3).await;
    let north = Browser::of(&world, "north").await;
    for nothing in [id, id + 1] {
        assert_eq!(north.open(&format!("/ui/live?page=job&id={nothing}")).await.status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(world.service.live().viewers(), 0);
}

/// What a stream says until it has said `last`.
async fn read_until(body: &mut axum::body::Body, last: &str) {
    let mut said = String::new();
    while !said.ends_with(last) {
        let frame = timeout(Duration::from_secs(30), body.frame()).await.expect("something is said").unwrap().unwrap();
        said.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
}

/// Where nothing changes, only what is said now and then shows to a proxy that somebody is there, and to us that nobody is.
#[tokio::test]
async fn a_quiet_page_says_that_it_is_there_and_a_session_that_ended_ends_its_streams() {
    let world = world().await;
    let (admin, reader) = (Browser::of(&world, "admin").await, Browser::of(&world, "reader").await);
    let mut quiet = admin.open("/ui/live?page=overview").await.into_body();
    let mut over = reader.open("/ui/live?page=overview").await.into_body();
    let revoke = "UPDATE operators SET disabled_at = now() WHERE login_id = 'reader'";
    world.client().await.batch_execute(revoke).await.unwrap();
    tokio::join!(read_until(&mut quiet, "\n\n:\n\n"), read_until(&mut over, "event: reload\ndata: {}\n\n"));
    assert!(over.frame().await.is_none());
}
