//! Who gets in, and what other sites cannot do.

use http::{StatusCode, header};

use crate::{
    browser::Browser,
    world::{PASSWORD, World},
};

#[tokio::test]
async fn who_has_not_signed_in_is_sent_to_do_so_and_comes_back() {
    let world = World::new().await;
    let browser = Browser::new(&world);
    let shown = browser.get("/ui?x=1").await;
    assert_eq!(shown.status, StatusCode::SEE_OTHER);
    let sign_in = shown.location.unwrap();
    assert_eq!(sign_in, "/ui/sign-in?next=%2Fui%3Fx%3D1");
    let page = browser.get(&sign_in).await;
    assert_eq!((page.status, page.hidden("next").as_deref()), (StatusCode::OK, Some("/ui?x=1")));

    let wrong = [("tenant", "acme"), ("login", "admin"), ("password", "wrong horse battery"), ("next", "/ui?x=1")];
    let refused = browser.post("/ui/sign-in", &wrong).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.html.contains("Tenant, name or password is wrong.") && !refused.html.contains("wrong horse"));

    let right = [("tenant", "acme"), ("login", "admin"), ("password", PASSWORD), ("next", "/ui?x=1")];
    let entered = browser.post("/ui/sign-in", &right).await;
    assert_eq!((entered.status, entered.location.as_deref()), (StatusCode::SEE_OTHER, Some("/ui?x=1")));
    let overview = browser.get("/ui").await;
    assert_eq!(overview.status, StatusCode::OK);
    assert!(
        overview.html.contains("操作员 admin") && overview.html.contains("aria-current=\"page\""),
        "{}",
        overview.html
    );

    let elsewhere = [("tenant", "acme"), ("login", "admin"), ("password", PASSWORD), ("next", "https://evil.test/")];
    assert_eq!(browser.post("/ui/sign-in", &elsewhere).await.location.as_deref(), Some("/ui"));
}

#[tokio::test]
async fn a_session_ends_with_signing_out_and_both_are_noted() {
    let world = World::new().await;
    let browser = Browser::of(&world, "admin").await;
    let old = browser.get("/ui").await.hidden("csrf").unwrap();
    assert_eq!(browser.post("/ui/sign-out", &[("csrf", "forged")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.post("/ui/sign-out", &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get("/ui").await.status, StatusCode::OK, "nothing happened");
    let out = browser.post("/ui/sign-out", &[("csrf", &old)]).await;
    assert_eq!(out.location.as_deref(), Some("/ui/sign-in"));
    assert_eq!(browser.get("/ui").await.status, StatusCode::SEE_OTHER);

    let again = Browser::of(&world, "admin").await;
    assert_eq!(again.post("/ui/sign-out", &[("csrf", &old)]).await.status, StatusCode::FORBIDDEN, "of another session");
    let rows =
        world.client().await.query("SELECT actor, via, action, subject FROM audit_entries ORDER BY id", &[]).await;
    let seen: Vec<[String; 4]> = rows.unwrap().iter().map(|row| [0, 1, 2, 3].map(|column| row.get(column))).collect();
    let entry = |action: &str| ["admin", "dashboard", action, "admin"].map(str::to_owned);
    assert_eq!(seen, [entry("signed_in"), entry("signed_out"), entry("signed_in")]);
}

#[tokio::test]
async fn a_session_ends_when_another_takes_its_place() {
    let world = World::new().await;
    let browser = Browser::of(&world, "admin").await;
    let client = world.client().await;
    let good = async || -> i64 {
        let sql = "SELECT count(*) FROM access_tokens WHERE revoked_at IS NULL";
        client.query_one(sql, &[]).await.unwrap().get(0)
    };
    let before = good().await;
    let form = [("tenant", "acme"), ("login", "reader"), ("password", PASSWORD)];
    assert_eq!(browser.post("/ui/sign-in", &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(good().await, before, "one came and one went");
    assert!(browser.get("/ui").await.html.contains("read only"));
    let wrong = [("tenant", "acme"), ("login", "reader"), ("password", "wrong horse battery")];
    assert_eq!(browser.post("/ui/sign-in", &wrong).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/ui").await.status, StatusCode::OK, "who fails to sign in keeps what there is");
}

#[tokio::test]
async fn another_site_can_send_no_form_and_frame_no_page() {
    let world = World::new().await;
    let browser = Browser::of(&world, "admin").await;
    let csrf = browser.get("/ui").await.hidden("csrf").unwrap();
    for (site, address) in [
        ("cross-site", "/ui/sign-out"),
        ("same-site", "/ui/sign-out"),
        ("cross-site", "/ui/sign-in"),
        ("cross-site", "/ui/language"),
    ] {
        let shown = browser.post_from(site, address, &[("csrf", &csrf)]).await;
        assert_eq!(shown.status, StatusCode::FORBIDDEN, "{site} {address}");
    }
    let page = browser.get("/ui").await;
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.contains("default-src 'none'")
            && policy.contains("frame-ancestors 'none'")
            && !policy.contains("unsafe")
    );
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    assert!(!page.html.contains(" style=") && !page.html.contains("onclick"), "{}", page.html);
}

#[tokio::test]
async fn pages_speak_the_readers_language() {
    let world = World::new().await;
    let mut browser = Browser::of(&world, "reader").await;
    browser.language = "zh-CN,zh;q=0.9";
    let page = browser.get("/ui").await;
    assert!(
        page.html.contains("lang=\"zh-CN\"") && page.html.contains("总览") && page.html.contains("只读"),
        "{}",
        page.html
    );
    let nothing = browser.get("/ui/nothing/here").await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    assert!(nothing.html.contains("这里没有内容"), "{}", nothing.html);
    let choice = browser.post("/ui/language", &[("to", "en"), ("back", "/ui")]).await;
    assert!(choice.headers[header::SET_COOKIE].to_str().unwrap().starts_with("drover_language=en; Path=/ui"));
    assert_eq!(browser.post("/ui/language", &[("to", "fr")]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_style_sheet_may_be_kept_for_ever() {
    let world = World::new().await;
    let browser = Browser::new(&world);
    let page = browser.get("/ui/sign-in").await;
    let address = page.html.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let style = browser.get(&address).await;
    assert_eq!(style.headers[header::CONTENT_TYPE], "text/css; charset=utf-8");
    assert!(style.headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
    assert!(style.html.contains("prefers-color-scheme: dark"));
    assert_eq!(browser.get("/ui/assets/style-0.css").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_by_a_page() {
    let world = World::new().await;
    let browser = Browser::of(&world, "admin").await;
    let refused = [
        (browser.get("/ui/jobs?text=a&text=b").await, StatusCode::BAD_REQUEST),
        (browser.get("/ui/sign-in?next=%ff").await, StatusCode::BAD_REQUEST),
        (browser.post("/ui/language", &[("to", "fr")]).await, StatusCode::BAD_REQUEST),
        (browser.post("/ui/jobs", &[]).await, StatusCode::METHOD_NOT_ALLOWED),
    ];
    for (page, status) in refused {
        assert_eq!(page.status, status, "{}", page.html);
        assert!(page.html.contains("<h1>That does not work</h1>"), "{}", page.html);
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && page.headers[header::CACHE_CONTROL] == "no-store");
    }
}
