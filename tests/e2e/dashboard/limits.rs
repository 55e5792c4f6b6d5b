//! What a reader is not offered and cannot do, and pages without script.

use super::{fleet::Fleet, world::World};

#[tokio::test]
async fn a_reader_steps_in_nowhere_and_nobody_needs_script() {
    let world = World::embedded().await;
    let fleet = Fleet::enrol(&world, 2).await;
    world.add_operators();
    fleet.campaign.start().await;
    let (browser, page) = (&world.browser, format!("/ui/jobs/{}", fleet.job));

    world.enter("reader").await;
    browser.open(&page).await;
    browser.wait_text("#standing .state", "the job's state", |text| text.contains("running")).await;
    assert_eq!(browser.text(".badge").await, "read only");
    for offered in ["‖ Pause", "⊗ Cancel", "↻ Try again"] {
        assert!(!browser.offers(offered).await, "{offered}");
    }
    for hidden in ["Queues", "Workers"] {
        assert!(!browser.offers(hidden).await, "{hidden}");
    }
    browser.assert_no_complaints().await;
    for address in [format!("{page}/pause"), format!("{page}/cancel"), "/ui/queues".into(), "/ui/workers".into()] {
        browser.open(&address).await;
        let said = browser.text("main").await;
        assert!(said.contains("You may not do this"), "{address}: {said}");
        let complaints = browser.complaints().await;
        assert!(complaints.iter().all(|complaint| complaint.contains("status of 403")), "{address}: {complaints:?}");
    }

    // Somebody may, in a browser that runs no script.
    world.enter("chief").await;
    browser.allow_script(false).await;
    browser.open("/ui").await;
    browser.find("noscript meta[http-equiv=refresh]").await;
    browser.press("Jobs").await;
    browser.fill("input[name=text]", "no such job").await;
    browser.press("Search").await;
    browser.find(".empty").await;
    browser.fill("input[name=text]", "campaign").await;
    browser.press("Search").await;
    browser.press("campaign").await;
    browser.wait_path("the job", |path| path == page).await;
    browser.press("‖ Pause").await;
    browser.press("Pause the job").await;
    browser.wait_text("#standing .state", "the job's state", |text| text.contains("paused")).await;
    browser.picture("job-without-script").await;
    browser.press("Sign out").await;
    browser.wait_path("the way in", |path| path == "/ui/sign-in").await;
    browser.assert_no_complaints().await;
}
