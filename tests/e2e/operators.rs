//! Operators and the real process: what they prove themselves with is never seen again.

use drover_testkit::TestPostgres;
use serde_json::{Value, json};

use crate::support::{Setup, http};

#[tokio::test]
async fn neither_password_nor_token_is_ever_logged() {
    let database = TestPostgres::database().await;
    let setup = Setup::new(&database.url, None).with("DROVER_LOG__FILTER", "trace");
    setup.ok(&["tenant", "add", "acme"]);
    let who = ["--tenant", "acme", "--login", "li"];
    let added = setup.ok(&[&["operator", "add"][..], &who, &["--name", "Li", "--role", "tenant_admin"]].concat());
    let password = added.lines().find_map(|line| line.strip_prefix("password")).unwrap().trim().to_owned();
    let mut drover = setup.start(&["up"]).await;
    let base = &drover.base_url;
    let login = |password: &str| json!({"tenant": "acme", "loginId": "li", "password": password});
    let url = format!("{base}/mdm/oauth/token");
    let answer: Value = http().post(&url).json(&login(&password)).send().await.unwrap().json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap().to_owned();
    let wrong = "not the right password";
    assert_eq!(http().post(&url).json(&login(wrong)).send().await.unwrap().status(), 401);
    let form = format!("tenant=acme&loginId=li&password={password}&password={password}");
    let labelled = http().post(&url).header("content-type", "application/x-www-form-urlencoded").body(form);
    assert_eq!(labelled.send().await.unwrap().status(), 400);
    assert_eq!(http().post(&url).body(format!("[\"{password}\"]")).send().await.unwrap().status(), 400);
    for (path, status) in [
        ("/mdm/v1/clientupgrade/apps/1/publish_logs", 404),
        ("/mdm/v1/nothing", 404),
        ("/nothing", 404),
        ("/mdm/v1/clientupgrade/apps/1/publish", 405),
    ] {
        let called = http().get(format!("{base}{path}?access_token={token}")).send().await.unwrap();
        assert_eq!(called.status(), status, "{path}");
    }
    let twice = format!("{base}/mdm/v1/clientupgrade/apps/1/publish_logs?access_token={token}&access_token={token}");
    assert_eq!(http().get(twice).send().await.unwrap().status(), 400);
    assert!(drover.terminate().await);
    let log = drover.log();
    assert!(log.contains("operator logged in") && log.contains("call refused"), "it says what happened");
    for secret in [password.as_str(), wrong, &token, "$argon2id$"] {
        assert!(!log.contains(secret), "{:?}", log.lines().find(|line| line.contains(secret)));
    }
}
