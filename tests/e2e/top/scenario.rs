//! A client program that is rolled out, an application that is pushed, and what both clients are told of them.

use chrono::{DateTime, FixedOffset};
use drover_testkit::wait_until;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::{
    callers::{App, Client, response},
    shop::{AGENT, PHONE, Shop, offered},
};
use crate::{
    applications::build::apk,
    support::{PATIENCE, http},
    vendor::now_ms,
};

/// The package of the test kit's application, and its code: 42, and 1 as the major one.
const EXAMPLE: &str = "com.example.app";
const EXAMPLE_CODE: i64 = (1 << 32) + 42;
const BOTH: [Client; 2] = [Client::Taobaopy, Client::Sdk];

/// Numbers and texts of an error; clients may have the one for the other.
fn error(answer: &Value) -> (i64, String, String) {
    let error = &answer["error"];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    let code = error["code"].as_i64().unwrap_or_else(|| panic!("no error: {answer}"));
    (code, text("msg"), text("sub_code"))
}

/// As a text in the tenant's time.
fn in_an_hour() -> String {
    let time = DateTime::from_timestamp_millis(now_ms() + 3_600_000).unwrap();
    let time = time.with_timezone(&FixedOffset::east_opt(8 * 3600).unwrap());
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

#[tokio::test]
async fn what_is_published_is_what_real_clients_are_told() {
    let shop = Shop::open().await;
    let (plain, md5) = (shop.app(&[]), shop.app(&["--allow-md5"]));
    let group = shop.group().await;
    let first_bytes = vec![7; 50_000];
    let first = shop.version(&group, 1, &first_bytes).await;
    let nothing = shop.parameters(PHONE, &[], &[]);
    for client in BOTH {
        assert_eq!(offered(shop.ask(client, &md5, nothing.clone())).len(), 0, "nothing is published");
    }

    shop.offer("publish", &first, "root", &Value::Null).await;
    shop.push(apk::whole().write()).await;
    shop.until(&md5, &nothing, &[(AGENT, 1, false), (EXAMPLE, EXAMPLE_CODE, false)]).await;
    both_are_told_the_same(&shop, &plain, &md5, &first_bytes).await;
    who_signs_badly_is_told_so(&shop, &plain, &md5);
    who_is_not_enrolled_says_who_it_is(&shop, &md5);

    // Who has both versions is up to date.
    let installed = [(AGENT, 1), (EXAMPLE, EXAMPLE_CODE)];
    let up_to_date = shop.parameters(PHONE, &installed, &[]);
    for client in BOTH {
        assert_eq!(offered(shop.ask(client, &md5, up_to_date.clone())).len(), 0);
    }

    // A roll-out to the east that begins in an hour: nobody there has it before, whoever else does.
    let second = shop.version(&group, 2, &vec![8; 60_000]).await;
    let settings = json!({"startTime": in_an_hour()});
    shop.offer("publish", &second, "root", &Value::Null).await;
    shop.offer("distribute", &second, "east", &settings).await;
    let in_the_west = shop.parameters("passer-by", &[(AGENT, 1)], &[("org_infos", r#"{"l1Code": "west"}"#)]);
    shop.until(&md5, &in_the_west, &[(AGENT, 2, false)]).await;
    for client in BOTH {
        assert_eq!(offered(shop.ask(client, &md5, up_to_date.clone())).len(), 0, "its wave has not come");
    }
    let new_there = shop.parameters(PHONE, &[(EXAMPLE, EXAMPLE_CODE)], &[]);
    shop.until(&md5, &new_there, &[(AGENT, 1, false)]).await;
    shop.cancel_distribution(&second).await;
    shop.until(&md5, &up_to_date, &[(AGENT, 2, false)]).await;

    a_check_proves(&shop, &plain, &second).await;

    // What was published is no more: who has it is to go back.
    shop.obsolete(&second).await;
    let newer = shop.parameters(PHONE, &[(AGENT, 2), (EXAMPLE, EXAMPLE_CODE)], &[]);
    shop.until(&md5, &newer, &[(AGENT, 1, true)]).await;
    assert_eq!(offered(shop.ask(Client::Taobaopy, &plain, newer)), [(AGENT.to_owned(), (1, true))].into());
    shop.close().await;
}

async fn both_are_told_the_same(shop: &Shop, plain: &App, md5: &App, agent: &[u8]) {
    let nothing = shop.parameters(PHONE, &[], &[]);
    let mut told = response(shop.ask(Client::Taobaopy, plain, nothing.clone()));
    assert!(!told["request_id"].as_str().unwrap().is_empty());
    let rows = told["data"]["object"].take();
    let (first, second) = (&rows[0], &rows[1]);
    let told_of_agent = ["package_name", "app_name", "version_name", "update_desc"].map(|name| &first[name]);
    assert_eq!(told_of_agent.map(|value| value.as_str().unwrap()), [AGENT, "Agent", "1.0", "更好"]);
    let md5_of =
        |bytes: &[u8]| Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    assert_eq!((&first["md5"], &first["size"]), (&json!(md5_of(agent)), &json!(agent.len())));
    assert_eq!((&second["package_name"], &second["version_name"]), (&json!(EXAMPLE), &json!("1.2.3")));
    for row in [first, second] {
        let numbers = ["status", "uninstall_type", "platform"].map(|name| row[name].as_i64().unwrap());
        assert_eq!((numbers, &row["auto_install"], &row["config_json"]), ([1, 0, 0], &json!(true), &json!("{}")));
        let file = http().get(row["download_url"].as_str().unwrap()).send().await.unwrap().bytes().await.unwrap();
        assert_eq!((&row["size"], &row["md5"]), (&json!(file.len()), &json!(md5_of(&file))));
    }

    let by_sdk = response(shop.ask(Client::Sdk, md5, nothing))["data"]["object"].take();
    let unsigned = |rows: &Value| {
        let mut rows = rows.clone();
        for row in rows.as_array_mut().unwrap() {
            // Signed for a time that goes on.
            row.as_object_mut().unwrap().retain(|name, _| !name.ends_with("_url") && name != "qrcode");
        }
        rows
    };
    assert_eq!(unsigned(&by_sdk), unsigned(&rows));

    // What it sends in the body counts, and it signs what it sends there.
    let document = shop.ask(Client::Sdk, md5, shop.parameters(PHONE, &[(EXAMPLE, EXAMPLE_CODE)], &[("format", "xml")]));
    let document = document["document"].as_str().unwrap();
    assert!(document.contains("<wdk_rex_software_list_check_response><data><object>"), "{document}");
    for (name, value) in [("package_name", AGENT), ("version_code", "1"), ("update_desc", "更好"), ("size", "50000")]
    {
        assert!(document.contains(&format!("<{name}>{value}</{name}>")), "{name} in {document}");
    }
}

fn who_signs_badly_is_told_so(shop: &Shop, plain: &App, md5: &App) {
    let parameters = shop.parameters(PHONE, &[], &[]);
    let refused = |client: Client, app: &App, code: i64, sub_code: &str| {
        let answer = shop.ask(client, app, parameters.clone());
        let (found, msg, found_sub_code) = error(&answer);
        assert_eq!((found, found_sub_code.as_str()), (code, sub_code), "{client:?}: {msg}");
    };
    for client in BOTH {
        let wrong = App { secret: plain.secret.clone(), ..md5.clone() };
        refused(client, &wrong, 25, "isv.invalid-signature");
        let unknown = App { key: "0123456789abcdef".to_owned(), ..md5.clone() };
        refused(client, &unknown, 29, "isv.invalid-app-key");
    }
    refused(Client::Sdk, plain, 25, "isv.invalid-signature");
}

fn who_is_not_enrolled_says_who_it_is(shop: &Shop, md5: &App) {
    let ask = |more: &[(&str, &str)]| offered(shop.ask(Client::Sdk, md5, shop.parameters("passer-by", &[], more)));
    assert_eq!(ask(&[]), [(AGENT.to_owned(), (1, false))].into(), "applications are for devices with a user");
    assert_eq!(ask(&[("org_infos", r#"{"l1Code": "west"}"#)]).len(), 1);
    assert_eq!(ask(&[("attributes", "{}"), ("device_type", "COPE")]).len(), 1, "it bears the label");
    assert_eq!(ask(&[("attributes", r#"{"uiFamily": "BYOD"}"#)]).len(), 0, "it bears another label");
    assert_eq!(ask(&[("attributes", r#"{"uiFamily": "COPE", "os": 51202}"#)]).len(), 0, "it is no Android");
    let answer =
        shop.ask(Client::Sdk, md5, shop.parameters("passer-by", &[], &[("org_infos", r#"{"l1Code": "moon"}"#)]));
    assert_eq!(error(&answer).0, 41, "{answer}");
}

/// The phone reports success, which counts when it asks with the new version.
async fn a_check_proves(shop: &Shop, app: &App, second: &str) {
    shop.offer("distribute", second, "east", &json!({"proof": true})).await;
    shop.phone_upgrades().await;
    let upgrade = async || shop.log(second, "upgrade_logs").await.into_iter().find(|row| row["status"] != "5").unwrap();
    assert_eq!(upgrade().await["status"], "2", "its word alone is no proof");
    let installed = shop.parameters(PHONE, &[(AGENT, 2), (EXAMPLE, EXAMPLE_CODE)], &[]);
    // Its times are whole seconds, and the other client's are finer: in the second of a check by that it is heard as well.
    assert_eq!(offered(shop.ask(Client::Taobaopy, app, installed)).len(), 0);
    let proven = upgrade().await;
    assert_eq!(proven["status"], "3", "{proven}");
    assert!(proven["description"].as_str().unwrap().contains("checked in"), "{proven}");
}

#[tokio::test]
async fn an_app_key_has_a_limit_and_an_end() {
    let shop = Shop::open().await;
    let calls: Vec<Value> =
        (0..20).map(|n| shop.parameters("passer-by", &[], &[("attributes", &format!(r#"{{"n": {n}}}"#))])).collect();
    for client in BOTH {
        let slow = shop.app(&["--allow-md5", "--calls-per-s", "1"]);
        let answers = shop.ask_all(client, &slow, &calls);
        let limited: Vec<&Value> = answers.iter().filter(|answer| !answer["error"].is_null()).collect();
        assert!(!limited.is_empty() && limited.len() < 20, "{client:?}: {} of 20", limited.len());
        for answer in limited {
            let expected = (7, "App Call Limited".to_owned(), "accesscontrol.limited-by-api-access-count".to_owned());
            assert_eq!(error(answer), expected);
        }
        let is_answered = async || shop.ask(Client::Sdk, &slow, calls[0].clone())["error"].is_null();
        wait_until(PATIENCE, "the application to be let in again", is_answered).await;
        // Another process takes the key back, and this one believes that it is good for some seconds.
        shop.revoke(&slow);
        let is_unknown = async || shop.ask(client, &slow, calls[0].clone())["error"]["code"] == 29;
        wait_until(PATIENCE, "the key to be forgotten", is_unknown).await;
    }
    shop.close().await;
}
