//! A campaign as an operator sees it: watched while it runs, held and let go, its silent and its failing device found.

use serde_json::json;

use super::{
    browser::Browser,
    fleet::{Fleet, name},
    world::World,
};

/// Words that the page of a job shows until it is loaded anew.
const MARK: &str = "document.body.dataset.mark = 'the same page'";

/// Waits until the job's page says that so many commands stand so, without being loaded anew.
async fn figure(browser: &Browser, named: &str, expected: &str) {
    let script = format!(
        "const name = [...document.querySelectorAll('#figures dt')].find((dt) => dt.textContent === {named:?}); \
         return (name?.nextElementSibling?.textContent ?? '').trim().split(' ')[0]"
    );
    browser.wait_value(&script, &json!(expected), &format!("{named}: {expected}")).await;
    assert_eq!(browser.evaluate("return document.body.dataset.mark").await, json!("the same page"));
}

#[tokio::test]
async fn a_campaign_is_watched_held_and_brought_to_its_end() {
    let world = World::embedded().await;
    let fleet = Fleet::enrol(&world, 6).await;
    world.add_operators();
    world.enter("chief").await;
    let (browser, page) = (&world.browser, format!("/ui/jobs/{}", fleet.job));

    // It runs, and the page says so by itself.
    browser.open(&page).await;
    browser.evaluate(MARK).await;
    browser.wait_text("#live-state", "the page to be live", |text| text.contains("live")).await;
    fleet.campaign.start().await;
    figure(browser, "waiting", "6").await;
    fleet.succeed(1).await;
    figure(browser, "succeeded", "1").await;
    // What comes for a place where somebody is at the moment is shown when they leave it.
    browser.evaluate("document.querySelector('#states a').focus()").await;
    fleet.end(2, json!({"status": "failed", "code": "E42", "message": "battery too low"})).await;
    figure(browser, "ended otherwise", "1").await;
    assert!(!browser.text("#states").await.contains("failed"), "the focus was taken away");
    browser.evaluate("document.activeElement.blur()").await;
    browser.wait_text("#states", "what had come meanwhile", |text| text.contains("failed")).await;
    let silent = fleet.take(3).await;
    figure(browser, "with devices", "1").await;
    browser.wait_text("#failures", "why the device failed", |text| text.contains("E42")).await;
    browser.assert_accessible("a job that runs").await;

    // It is held: the page asks first, and says for how many.
    browser.press("‖ Pause").await;
    browser.wait_path("the question", |path| path.ends_with("/pause")).await;
    assert_eq!(browser.text("#affected").await, "3", "those that no device has yet");
    browser.assert_accessible("a question").await;
    browser.picture("confirm-pause-light").await;
    browser.press("Leave it").await;
    browser.wait_path("the job again", |path| path == page).await;
    browser.press("‖ Pause").await;
    browser.press("Pause the job").await;
    browser.wait_text(".notice", "that it was done", |text| text.contains("The job is paused")).await;
    browser.wait_text("#standing .state", "the job's state", |text| text.contains("paused")).await;
    assert_eq!(fleet.ask(4, 0).await, json!([]), "nothing goes out");

    // Let go, it goes on.
    browser.press("▶ Resume").await;
    browser.press("Resume the job").await;
    browser.wait_text("#standing .state", "the job's state", |text| text.contains("running")).await;
    fleet.succeed(4).await;

    // Who is silent, and why is that device not updated?
    browser.press("→ sent").await;
    browser
        .wait_text("#commands tbody", "the silent device alone", |text| {
            text.contains(&name(3)) && !text.contains(&name(5))
        })
        .await;
    browser.press(&name(3)).await;
    let why = browser.wait_text("#why", "the reason", |text| !text.is_empty()).await;
    assert!(why.contains("has said nothing since") && why.contains(&format!("job {}", fleet.job)), "{why}");
    browser.open("/ui/devices").await;
    browser.fill("input[name=q]", &name(2)).await;
    browser.press("Search").await;
    browser.press(&name(2)).await;
    let why = browser.wait_text("#why", "the reason", |text| !text.is_empty()).await;
    assert!(why.contains("E42") && why.contains("battery too low"), "{why}");

    // What failed is tried again; then all end, and the page that was left open says so.
    browser.open(&page).await;
    browser.press("↻ Try again").await;
    browser.wait_path("the question", |path| path.contains("/retry")).await;
    assert_eq!(browser.text("#affected").await, "1");
    browser.press("Try again").await;
    browser.wait_text(".notice", "that it was done", |text| text.contains("tried again")).await;
    browser.evaluate(MARK).await;
    fleet.succeed(2).await;
    fleet.succeed(5).await;
    fleet.succeed(6).await;
    figure(browser, "succeeded", "5").await;
    fleet.say(3, &silent, json!({"status": "succeeded", "firmware_version": "2.0"})).await;
    browser.wait_text("#standing .state", "the end of the job", |text| text.contains("completed")).await;
    browser.assert_no_complaints().await;
    assert!(world.setup.ok(&["check"]).starts_with("clean"));

    // All that was done is written down.
    browser.open("/ui/audit").await;
    let said = browser.text("main").await;
    for done in ["paused", "resumed", "tried again"] {
        assert!(said.contains(done), "{done}: {said}");
    }
}
