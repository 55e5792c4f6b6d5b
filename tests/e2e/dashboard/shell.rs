//! Getting in, and around with the keyboard alone.

use super::{
    browser::{DESKTOP, Key, PHONE},
    world::{PASSWORD, TENANT, World},
};

#[tokio::test]
async fn an_operator_signs_in_and_gets_around_without_a_mouse() {
    let world = World::embedded().await;
    world.setup.ok(&["tenant", "add", TENANT]);
    world.add_operators();
    let browser = &world.browser;
    browser.open("/ui?from=here").await;
    browser.assert_accessible("signing in").await;
    for (name, words) in [("tenant", TENANT), ("login", "chief"), ("password", PASSWORD)] {
        browser.tab_into(&format!("input[name={name}]")).await;
        browser.type_here(words).await;
    }
    browser.key(Key::Enter).await;
    browser.wait_path("the page that was asked for", |path| path == "/ui?from=here").await;

    browser.open("/ui").await;
    browser.key(Key::Tab).await;
    assert_eq!(browser.focused().await, "To the content", "the first stop leads past the navigation");
    browser.picture("skip-link").await;
    browser.key(Key::Enter).await;
    browser.tab_to("Overview").await;
    browser.key(Key::Enter).await;
    browser.wait_path("another page", |path| path == "/ui").await;
    browser.tab_to("中文").await;
    browser.key(Key::Enter).await;
    browser.wait_text("h1", "the page in Chinese", |text| text == "总览").await;
    browser.tab_to("退出").await;
    browser.key(Key::Enter).await;
    browser.wait_path("the way in", |path| path == "/ui/sign-in").await;
    for look in [DESKTOP, DESKTOP.dark(), PHONE] {
        browser.look(look).await;
        browser.assert_fits("signing in").await;
        browser.picture(&format!("sign-in-zh-{}", look.name)).await;
    }
    browser.assert_no_complaints().await;
}
