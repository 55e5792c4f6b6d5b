//! What is done to jobs from the pages: a question first, then the form; and the audit of it.

use http::StatusCode;

use crate::{browser::Browser, pushed::job, world::World};

#[tokio::test]
async fn each_step_asks_first_and_says_how_many_devices_it_affects() {
    let world = World::new().await;
    let id = job(&world, "south").await;
    let browser = Browser::of(&world, "south").await;
    let state = async || -> String {
        world.client().await.query_one("SELECT state FROM jobs WHERE id = $1", &[&id]).await.unwrap().get(0)
    };
    let at = |step: &str| format!("/ui/jobs/{id}/{step}");
    for (step, devices, after) in
        [("pause", 0, "paused"), ("resume", 0, "running"), ("retry", 2, "running"), ("cancel", 0, "cancelled")]
    {
        let page = browser.get(&at(step)).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        assert!(page.html.contains(&format!("<strong id=\"affected\">{devices}</strong>")), "{}", page.html);
        let before = state().await;
        let forged = browser.post(&at(step), &[("csrf", "forged")]).await;
        assert_eq!((forged.status, state().await), (StatusCode::FORBIDDEN, before.clone()));
        let foreign = browser.post_from("cross-site", &at(step), &[("csrf", &page.hidden("csrf").unwrap())]).await;
        assert_eq!((foreign.status, state().await), (StatusCode::FORBIDDEN, before));
        let done = browser.confirm(&at(step), &at(step), &[]).await;
        let address = format!("/ui/jobs/{id}?done={step}&devices={devices}");
        assert_eq!((done.status, done.location.as_ref()), (StatusCode::SEE_OTHER, Some(&address)));
        let shown = browser.get(&address).await;
        assert!(shown.html.contains("class=\"notice\" role=\"status\""), "{}", shown.html);
        assert_eq!(state().await, after);
    }
    let again = browser.get(&at("cancel")).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.html.contains("is cancelled and cannot be cancelled any more"), "{}", again.html);
}

#[tokio::test]
async fn a_retry_names_what_is_tried_again() {
    let world = World::new().await;
    let id = job(&world, "south").await;
    let browser = Browser::of(&world, "south").await;
    let page = browser.get(&format!("/ui/jobs/{id}/retry?state=failed&code=10%3C1")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.hidden("state").as_deref(), Some("failed"));
    assert!(page.html.contains("10&lt;1") && !page.html.contains("10<1"), "{}", page.html);
    for bad in ["state=sent", "state=succeeded", "code=%00"] {
        let page = browser.get(&format!("/ui/jobs/{id}/retry?{bad}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    let address = format!("/ui/jobs/{id}/retry");
    let (csrf, none) = (page.hidden("csrf").unwrap(), "timed_out");
    let refused = browser.post(&address, &[("csrf", &csrf), ("state", none)]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let done = browser.post(&address, &[("csrf", &csrf), ("state", "failed")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let states: Vec<String> = world.client().await.query_one("SELECT states FROM retries", &[]).await.unwrap().get(0);
    assert_eq!(states, ["failed"]);
}

#[tokio::test]
async fn who_only_looks_is_refused_and_what_is_out_of_reach_is_not_there() {
    let world = World::new().await;
    let id = job(&world, "south").await;
    for (login, status) in [("reader", StatusCode::FORBIDDEN), ("north", StatusCode::NOT_FOUND)] {
        let browser = Browser::of(&world, login).await;
        let csrf = browser.get("/ui").await.hidden("csrf").unwrap();
        for step in ["pause", "resume", "cancel", "retry"] {
            let address = format!("/ui/jobs/{id}/{step}");
            assert_eq!(browser.get(&address).await.status, status, "{login} {step}");
            assert_eq!(browser.post(&address, &[("csrf", &csrf)]).await.status, status, "{login} {step}");
        }
        for nothing in [format!("/ui/jobs/{id}/explode"), "/ui/jobs/x/pause".into(), "/ui/jobs/0/pause".into()] {
            assert_eq!(browser.get(&nothing).await.status, StatusCode::NOT_FOUND, "{nothing}");
        }
    }
}

#[tokio::test]
async fn the_audit_shows_who_did_what_page_by_page_in_both_languages() {
    let world = World::new().await;
    let id = job(&world, "south").await;
    let browser = Browser::of(&world, "south").await;
    let address = format!("/ui/jobs/{id}/pause");
    browser.confirm(&address, &address, &[]).await;
    let shown = browser.get("/ui/audit").await;
    assert_eq!(shown.status, StatusCode::OK);
    for text in ["paused", "dashboard", &format!("<a href=\"/ui/jobs/{id}\">job {id}</a>"), "signed in"] {
        assert!(shown.html.contains(text), "{text}: {}", shown.html);
    }
    assert!(!shown.html.contains("rel=\"next\""));
    let mut chinese = Browser::of(&world, "south").await;
    chinese.language = "zh-CN";
    let shown = chinese.get("/ui/audit").await;
    assert!(shown.html.contains("暂停") && shown.html.contains("控制台"), "{}", shown.html);

    let more =
        "INSERT INTO audit_entries (tenant_id, organisation_id, actor, via, action, subject_kind, subject, detail)
        SELECT tenant_id, organisation_id, '<b>', 'api', 'job_paused', 'job', id::text || '\"', 'entry ' || n
        FROM jobs, generate_series(1, 60) n WHERE id = $1";
    world.client().await.execute(more, &[&id]).await.unwrap();
    let first = browser.get("/ui/audit").await;
    assert!(first.html.contains("entry 60") && first.html.contains("entry 11") && !first.html.contains("entry 10<"));
    assert!(first.html.contains("&lt;b&gt;") && !first.html.contains("<b>"), "{}", first.html);
    let next = first.html.split_once("/ui/audit?after=").unwrap().1.split('"').next().unwrap();
    let second = browser.get(&format!("/ui/audit?after={next}")).await;
    assert!(second.html.contains("entry 10<") && second.html.contains("signed in"), "{}", second.html);
    let north = Browser::of(&world, "north").await.get("/ui/audit").await;
    assert!(!north.html.contains("entry"), "what is out of reach is not shown");
    assert_eq!(browser.get("/ui/audit?after=x").await.status, StatusCode::BAD_REQUEST);
}
