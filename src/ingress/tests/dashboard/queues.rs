//! Queues, dead letters and workers on their pages.

use http::StatusCode;

use crate::{browser::Browser, world::World};

const FILL: &str = "INSERT INTO queues (name, ready, consumers, dead, retrying, sampled_at)
        VALUES ('reports', 3, 2, 0, 0, now()), ('dispatch.firmware', 12, 0, 0, 0, now());
    INSERT INTO dead_letters (queue, routing_key, body, reason, broker_attempt, trace_context, job_id)
        SELECT 'reports', 'devices.d.reports', '<b>body</b>', 'poison <script> ' || n, 2, '', 7 FROM generate_series(1, 60) n;
    INSERT INTO workers (id, host, version, roles, holds_broker)
        VALUES ('00000000-0000-0000-0000-000000000009', 'here', '1', 'plan,relay', true)";
const WORKER: &str = "/ui/workers/00000000-0000-0000-0000-000000000009";

async fn filled() -> World {
    let world = World::new().await;
    world.client().await.batch_execute(FILL).await.unwrap();
    for person in [&world.admin, &world.reader] {
        world
            .service
            .set_runs_installation(&drover_service::Actor::command_line("test"), person.operator.id, true)
            .await
            .unwrap();
    }
    world
}

async fn audit(world: &World) -> Vec<String> {
    let rows = world
        .client()
        .await
        .query("SELECT action FROM audit_entries WHERE via = 'dashboard' ORDER BY id", &[])
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).filter(|action: &String| action != "signed_in").collect()
}

#[tokio::test]
async fn a_queue_is_paused_after_a_question() {
    let world = filled().await;
    let browser = Browser::of(&world, "admin").await;
    let page = browser.get("/ui/queues").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.html.contains("dispatch.firmware") && page.html.contains("/ui/queues/reports/pause"), "{}", page.html);
    let question = browser.get("/ui/queues/dispatch.firmware/pause").await;
    assert!(question.html.contains("id=\"affected\">0</strong>"), "{}", question.html);
    let pause = "/ui/queues/dispatch.firmware/pause";
    assert_eq!(browser.post(pause, &[]).await.status, StatusCode::FORBIDDEN, "a form without its token");
    let done = browser.confirm(pause, pause, &[]).await;
    assert_eq!((done.status, done.location.as_deref()), (StatusCode::SEE_OTHER, Some("/ui/queues")));
    let resume = "/ui/queues/dispatch.firmware/resume";
    assert_eq!(browser.confirm(resume, resume, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(audit(&world).await, ["queue_paused", "queue_resumed"]);
    assert_eq!(browser.get("/ui/queues/nothing").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn dead_letters_are_read_and_dealt_with() {
    let world = filled().await;
    let browser = Browser::of(&world, "admin").await;
    let page = browser.get("/ui/queues/reports?reason=POISON").await;
    assert!(page.html.contains("poison &lt;script&gt; 60") && !page.html.contains("poison <script>"), "{}", page.html);
    assert!(page.html.contains("after=11") && page.html.contains("reason=POISON"), "{}", page.html);
    let second = browser.get("/ui/queues/reports?reason=POISON&after=11").await;
    assert!(second.html.contains("&gt; 10") && !second.html.contains("&gt; 12"), "{}", second.html);
    let letter = browser.get("/ui/dead-letters/1").await;
    assert!(letter.html.contains("&lt;b&gt;body&lt;/b&gt;") && letter.html.contains("/ui/jobs/7"), "{}", letter.html);
    let replay = "/ui/dead-letters/1/replay";
    let done = browser.confirm(replay, replay, &[]).await;
    assert_eq!(done.location.as_deref(), Some("/ui/queues/reports?replayed=1"));
    assert!(browser.get("/ui/queues/reports?replayed=1").await.html.contains("sent again"));
    assert_eq!(browser.get("/ui/dead-letters/1").await.status, StatusCode::NOT_FOUND);
    // All that match, as many as were there when it was asked.
    let ask = "/ui/queues/reports/discard?reason=poison";
    let question = browser.get(ask).await;
    assert!(question.html.contains("59 messages"), "{}", question.html);
    let up_to = question.hidden("up_to").unwrap();
    let more = "INSERT INTO dead_letters (queue, body, reason, broker_attempt, trace_context) VALUES ('reports', '', 'poison', 0, '')";
    world.client().await.batch_execute(more).await.unwrap();
    let fields = [("reason", "poison"), ("up_to", up_to.as_str())];
    let done = browser.confirm(ask, "/ui/queues/reports/discard", &fields).await;
    assert_eq!(done.location.as_deref(), Some("/ui/queues/reports?discarded=59"));
    let left: i64 = world.client().await.query_one("SELECT count(*) FROM dead_letters", &[]).await.unwrap().get(0);
    assert_eq!(left, 1);
    assert_eq!(audit(&world).await, ["dead_letters_replayed", "dead_letters_discarded"]);
}

#[tokio::test]
async fn a_worker_is_drained_after_a_question_that_says_what_stops() {
    let world = filled().await;
    let browser = Browser::of(&world, "admin").await;
    let page = browser.get("/ui/workers").await;
    assert!(page.html.contains("plan, relay") && page.html.contains("working"), "{}", page.html);
    let drain = format!("{WORKER}/drain");
    assert!(browser.get(&drain).await.html.contains("nothing at all is sent"));
    assert_eq!(browser.confirm(&drain, &drain, &[]).await.location.as_deref(), Some("/ui/workers"));
    let resume = format!("{WORKER}/resume");
    assert_eq!(browser.confirm(&resume, &resume, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(audit(&world).await, ["worker_drained", "worker_resumed"]);
    world.client().await.batch_execute("UPDATE workers SET holds_broker = false").await.unwrap();
    assert!(browser.get(&drain).await.html.contains("plan, relay"), "nobody else plays these roles");
}

#[tokio::test]
async fn who_only_looks_has_no_buttons_and_who_runs_a_tenant_sees_nothing() {
    let world = filled().await;
    let (looker, tenant) = (Browser::of(&world, "reader").await, Browser::of(&world, "north").await);
    for page in ["/ui/queues", "/ui/queues/reports", "/ui/dead-letters/1", "/ui/workers"] {
        let shown = looker.get(page).await;
        assert_eq!(shown.status, StatusCode::OK, "{page}");
        let main = shown.html.split_once("<main").unwrap().1;
        for act in ["/pause\"", "/replay", "/discard", "/drain\""] {
            assert!(!main.contains(act), "{page} {act}");
        }
        assert_eq!(tenant.get(page).await.status, StatusCode::FORBIDDEN, "{page}");
    }
    let drain = format!("{WORKER}/drain");
    for page in ["/ui/queues/reports/pause", "/ui/queues/reports/replay", "/ui/dead-letters/1/discard", &drain] {
        assert_eq!(looker.get(page).await.status, StatusCode::FORBIDDEN, "{page}");
        assert_eq!(tenant.get(page).await.status, StatusCode::FORBIDDEN, "{page}");
    }
}

#[tokio::test]
async fn the_pages_are_in_chinese_too() {
    let world = filled().await;
    let mut browser = Browser::of(&world, "admin").await;
    browser.language = "zh-CN";
    assert!(browser.get("/ui/queues").await.html.contains("死信"));
    assert!(browser.get(&format!("{WORKER}/drain")).await.html.contains("消息代理位于该进程内"));
}
