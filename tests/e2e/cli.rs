//! The operator's commands: what they print, what they refuse, and how they exit.

use std::fs;

use drover_testkit::TestPostgres;

use crate::support::{Campaign, Setup};

const LINES: &str = "uuid,name,imei\nd1,one,1\nbad id,two,2\nd2,two\nd3,three,3\n";

async fn setup() -> (Setup, drover_testkit::TestDatabase) {
    let database = TestPostgres::database().await;
    let setup = Setup::new(&database.url, None);
    setup.ok(&["tenant", "add", "acme"]);
    setup.ok(&["product", "add", "meter", "--tenant", "acme", "--protocol", "lwm2m"]);
    (setup, database)
}

fn said(output: &std::process::Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn an_import_names_bad_lines_and_takes_the_rest_or_nothing() {
    let (setup, database) = setup().await;
    let (file, client) = (setup.data.path().join("devices.csv"), database.client().await);
    fs::write(&file, LINES).unwrap();
    let file = file.to_str().unwrap().to_owned();
    let import = |more: &[&str]| {
        let args = ["import", "devices", &file, "--tenant", "acme", "--product", "meter"];
        setup.run(&[&args[..], more].concat())
    };
    let devices = async || -> i64 { client.query_one("SELECT count(*) FROM devices", &[]).await.unwrap().get(0) };

    let strict = import(&["--strict"]);
    assert!(!strict.status.success());
    assert!(said(&strict).contains("line 3:") && said(&strict).contains("line 4:"), "{}", said(&strict));
    assert_eq!(devices().await, 0);

    let lenient = import(&[]);
    assert!(!lenient.status.success(), "a script must notice");
    assert!(said(&lenient).contains("2 devices imported, 2 lines refused"), "{}", said(&lenient));
    assert_eq!(devices().await, 2);

    fs::write(&file, "uuid,imei\nd1,7\nd4,8\n").unwrap();
    assert!(import(&["--strict"]).status.success());
    let imei: String = client.query_one("SELECT imei FROM devices WHERE uuid = 'd1'", &[]).await.unwrap().get(0);
    assert_eq!((devices().await, imei.as_str()), (3, "7"), "known devices are brought up to date");

    fs::write(&file, "uuid,colour\nd5,red\n").unwrap();
    assert!(said(&import(&[])).contains("colour"), "a column that is not known is named");
}

#[tokio::test]
async fn a_device_stays_with_its_product() {
    let (setup, database) = setup().await;
    setup.ok(&["product", "add", "gauge", "--tenant", "acme", "--protocol", "tlink"]);
    let file = setup.data.path().join("devices.csv");
    fs::write(&file, "uuid\nd1\n").unwrap();
    let file = file.to_str().unwrap().to_owned();
    setup.ok(&["import", "devices", &file, "--tenant", "acme", "--product", "meter"]);
    fs::write(&file, "uuid\nd0\nd1\n").unwrap();
    for more in [&[][..], &["--strict"][..]] {
        let args = ["import", "devices", &file, "--tenant", "acme", "--product", "gauge"];
        let output = setup.run(&[&args[..], more].concat());
        assert!(!output.status.success() && said(&output).contains("d1"), "{}", said(&output));
    }
    let sql = "SELECT count(*) FROM devices d JOIN products p ON p.id = d.product_id WHERE d.uuid = 'd1' AND p.name = 'meter'";
    assert_eq!(database.client().await.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn every_kind_of_credential_is_shown_once_and_stored_unreadable() {
    let (setup, database) = setup().await;
    let file = setup.data.path().join("devices.csv");
    fs::write(&file, "uuid\nd1\n").unwrap();
    setup.ok(&["import", "devices", file.to_str().unwrap(), "--tenant", "acme", "--product", "meter"]);
    for kind in ["aep", "token", "top", "device"] {
        let device: &[&str] = if kind == "device" { &["--device", "d1"] } else { &[] };
        let args = [&["credential", "add", "--kind", kind, "--tenant", "acme"][..], device].concat();
        let out = setup.ok(&args);
        let secret = out.lines().find_map(|line| line.strip_prefix("secret")).unwrap().trim().to_owned();
        assert!(secret.len() >= 43, "{kind}: 256 bits");
        let sql = "SELECT count(*) FROM credentials WHERE position(convert_to($1, 'UTF8') IN COALESCE(sealed_secret, secret_sha256)) > 0";
        assert_eq!(database.client().await.query_one(sql, &[&secret]).await.unwrap().get::<_, i64>(0), 0);
    }
    let twice = setup.run(&["credential", "add", "--kind", "device", "--tenant", "acme", "--device", "d1"]);
    assert!(!twice.status.success() && said(&twice).contains("already"), "{}", said(&twice));
}

#[tokio::test]
async fn an_application_of_the_top_gateway_has_terms_and_is_revoked() {
    let (setup, database) = setup().await;
    let client = database.client().await;
    let terms = async |key: &str| {
        let sql = "SELECT allows_md5, calls_per_s, revoked_at IS NOT NULL FROM credentials WHERE key_id = $1";
        let row = client.query_one(sql, &[&key]).await.unwrap();
        (row.get::<_, bool>(0), row.get::<_, Option<i32>>(1), row.get::<_, bool>(2))
    };
    let add = |more: &[&str]| {
        let out = setup.ok(&[&["credential", "add", "--kind", "top", "--tenant", "acme"][..], more].concat());
        out.lines().find_map(|line| line.strip_prefix("key")).unwrap().trim().to_owned()
    };
    let plain = add(&[]);
    let special = add(&["--allow-md5", "--calls-per-s", "5"]);
    assert_eq!((terms(&plain).await, terms(&special).await), ((false, None, false), (true, Some(5), false)));

    let out = setup.ok(&["credential", "revoke", "--kind", "top", "--key", &special]);
    assert!(out.contains(&special), "{out}");
    assert_eq!((terms(&plain).await, terms(&special).await), ((false, None, false), (true, Some(5), true)));

    let add = ["credential", "add", "--tenant", "acme", "--kind"];
    for (args, reason) in [
        ([&add[..], &["aep", "--allow-md5"]].concat(), "--kind top only"),
        ([&add[..], &["token", "--calls-per-s", "5"]].concat(), "--kind top only"),
        ([&add[..], &["top", "--calls-per-s", "0"]].concat(), "--calls-per-s"),
        ([&add[..], &["top", "--calls-per-s", "1000001"]].concat(), "larger than 1000000"),
        ([&add[..], &["top", "--device", "d1"]].concat(), "only a device credential"),
        (vec!["credential", "revoke", "--kind", "aep", "--key", &plain], "does not exist"),
        (vec!["credential", "revoke", "--key", &plain], "--kind"),
        (vec!["credential", "revoke"], "--device"),
    ] {
        let output = setup.run(&args);
        assert!(!output.status.success() && said(&output).contains(reason), "{args:?}: {}", said(&output));
    }
}

#[tokio::test]
async fn the_oracle_names_who_breaks_a_rule() {
    let (setup, database) = setup().await;
    setup.ok(&["demo", "--devices", "20", "--failure-rate", "0", "--download-sample", "0", "--latency-max-ms", "60"]);
    assert!(setup.ok(&["check"]).starts_with("clean: 1 jobs, 20 devices = 20 terminal + 0 open"));
    let client = database.client().await;
    let victim: i64 = client
        .query_one(
            "DELETE FROM outcomes WHERE device_id = (SELECT min(device_id) FROM outcomes) RETURNING device_id",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    let output = setup.run(&["check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains(&format!("device {victim} succeeded attempt 1 outcome none")), "{}", said(&output));
    let json: serde_json::Value = serde_json::from_slice(&setup.run(&["check", "--json"]).stdout).unwrap();
    assert_eq!(json["clean"], false);
}

#[tokio::test]
async fn what_cannot_work_is_said_at_once() {
    let (setup, _database) = setup().await;
    let refused = |args: &[&str], reason: &str| {
        let output = setup.run(args);
        assert!(!output.status.success() && said(&output).contains(reason), "{args:?}: {}", said(&output));
    };
    refused(&["serve"], "AMQP_URL");
    refused(&["serve", "--roles", "plan,plam"], "plam");
    refused(&["tenant", "add", "acme"], "already");
    refused(&["product", "add", "x", "--tenant", "nobody", "--protocol", "mqtt"], "nobody");
    refused(&["product", "add", "x", "--tenant", "acme", "--protocol", "carrier-pigeon"], "lwm2m");
    refused(&["demo", "--failure-rate", "5"], "from 0 to 1");
    fs::write(setup.data.path().join("drover.toml"), "[workers]\ntikc_ms = 5\n").unwrap();
    refused(&["check"], "workers.tikc_ms");
}

#[tokio::test]
async fn a_cancel_says_what_became_of_each_command() {
    let database = TestPostgres::database().await;
    let setup = Setup::new(&database.url, None);
    setup.ok(&["migrate"]);
    let campaign = Campaign::prepare(&setup, &database.url, 4).await;
    let client = database.client().await;
    // The first waits for its job, one device is at work, one is done, and one is asked already.
    let stands = "UPDATE commands SET prior_state = 'sent', state = $2, deadline_at = CASE WHEN $3 THEN NULL ELSE now() + interval '1 h' END,
            finished_at = CASE WHEN $3 THEN now() END WHERE device_id = $1";
    for (device, state) in [(2_i64, "installing"), (3, "succeeded"), (4, "cancelling")] {
        assert_eq!(client.execute(stands, &[&device, &state, &(state == "succeeded")]).await.unwrap(), 1);
    }
    let ids: Vec<String> = [1, 2, 3, 4, 999].map(|device| campaign.command_of(device).to_string()).into();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let cancel = |more: &[&str]| {
        let output = setup.run(&[&["cancel"], more].concat());
        (output.status.code(), said(&output))
    };

    let (code, text) = cancel(&ids);
    let line = |device: usize, what: &str| format!("command {} {what}\n", ids[device]);
    let expected = [
        line(0, "is cancelled"),
        line(1, "is cancelling: its device is asked to stop"),
        line(2, "had ended: succeeded"),
        line(3, "is cancelling: its device is asked to stop"),
        line(4, "does not exist"),
    ];
    assert_eq!((code, text), (Some(1), expected.concat()));
    let told = "SELECT count(*) FROM outbox WHERE convert_from(body, 'UTF8') LIKE '%\"cancel\"%'";
    assert_eq!(
        client.query_one(told, &[]).await.unwrap().get::<_, i64>(0),
        1,
        "whom it asked before it does not ask again"
    );

    let (code, text) = cancel(&["--force", "--json", ids[0], ids[1], ids[3], ids[1]]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let one = |device: usize, result: &str| serde_json::json!({"command_id": ids[device].parse::<i64>().unwrap(), "result": result, "state": "cancelled"});
    let expected = [one(0, "had_ended"), one(1, "cancelled"), one(3, "cancelled")];
    assert_eq!((code, &json["done"]), (Some(0), &serde_json::Value::Bool(true)), "{json}");
    assert_eq!(json["commands"].as_array().unwrap(), &expected);
    assert_eq!(client.query_one(told, &[]).await.unwrap().get::<_, i64>(0), 2);

    for bad in ["0", "seven", "-4"] {
        assert!(cancel(&["--", bad]).1.contains("is not the id of a command"), "{bad}");
    }
    assert_ne!(cancel(&[]).0, Some(0));
}

#[tokio::test]
async fn operators_are_added_changed_and_disabled() {
    let (setup, database) = setup().await;
    let who = ["--tenant", "acme", "--login", "li"];
    let operator = |verb: &'static str, more: &[&str]| setup.run(&[&["operator", verb][..], &who, more].concat());
    let client = database.client().await;
    let hash =
        async || -> String { client.query_one("SELECT password_hash FROM operators", &[]).await.unwrap().get(0) };

    let added = operator("add", &["--name", "Li Lei", "--role", "tenant_admin"]);
    assert!(added.status.success(), "{}", said(&added));
    let password =
        said(&added).lines().find_map(|line| line.strip_prefix("password").map(str::trim).map(str::to_owned));
    assert!(password.unwrap().len() >= 20, "{}", said(&added));
    let first = hash().await;
    assert!(first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{first}");

    let runs =
        async || -> bool { client.query_one("SELECT runs_installation FROM operators", &[]).await.unwrap().get(0) };
    assert!(operator("installation", &[]).status.success() && runs().await);
    assert!(operator("installation", &["--withdraw"]).status.success() && !runs().await);
    let noted = "SELECT count(*) FROM audit_entries WHERE tenant_id IS NULL AND via = 'command_line'
        AND action IN ('installation_granted', 'installation_withdrawn')";
    assert_eq!(client.query_one(noted, &[]).await.unwrap().get::<_, i64>(0), 2);

    let twice = operator("add", &["--name", "Li Lei", "--role", "read_only"]);
    assert!(!twice.status.success() && said(&twice).contains("li is taken"), "{}", said(&twice));
    let nowhere = operator("add", &["--name", "x", "--role", "org_admin", "--organisation", "nowhere"]);
    assert!(!nowhere.status.success() && said(&nowhere).contains("nowhere does not exist"), "{}", said(&nowhere));
    let king = operator("add", &["--name", "x", "--role", "king"]);
    assert!(!king.status.success() && said(&king).contains("read_only"), "{}", said(&king));

    let changed =
        setup.run_with_input(&[&["operator", "password"][..], &who, &["--password-stdin"]].concat(), "short\n");
    assert!(!changed.status.success() && said(&changed).contains("12 to 128 characters"), "{}", said(&changed));
    assert_eq!(hash().await, first);
    let chosen = "a password of my own\n";
    let changed = setup.run_with_input(&[&["operator", "password"][..], &who, &["--password-stdin"]].concat(), chosen);
    assert!(changed.status.success() && !said(&changed).contains(chosen.trim()), "{}", said(&changed));
    assert_ne!(hash().await, first);

    let last = operator("disable", &[]);
    assert!(!last.status.success() && said(&last).contains("the last one"), "{}", said(&last));
    let other = ["operator", "add", "--tenant", "acme", "--login", "han", "--name", "Han", "--role", "tenant_admin"];
    setup.ok(&other);
    assert!(operator("disable", &[]).status.success());
    let disabled = "SELECT count(*) FROM operators WHERE login_id = 'li' AND disabled_at IS NOT NULL";
    assert_eq!(client.query_one(disabled, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test]
async fn a_tenants_tree_users_sets_and_devices_come_from_files() {
    let (setup, database) = setup().await;
    let import = |what: &str, lines: &str| {
        let file = setup.data.path().join("rows.csv");
        fs::write(&file, lines).unwrap();
        setup.run(&["import", what, file.to_str().unwrap(), "--tenant", "acme"])
    };
    for (what, lines, answer) in [
        ("organisations", "code,name,parent\na,A,\nb,B,a\n", "2 added, 0 changed"),
        ("users", "account,organisation\nann,b\n", "1 added, 0 changed"),
        ("groups", "name,organisation,member\ncrew,b,ann\ncrew,,ann\nnone,,\n", "2 added, 1 changed"),
        ("labels", "name,description,member\ncrew,The crew,ann\n", "1 added, 0 changed"),
        ("managed-devices", "uuid,user,organisation,product\nd1,ann,b,meter\nd1,,,\nd2,,,\n", "2 added, 1 changed"),
    ] {
        let output = import(what, lines);
        assert!(output.status.success() && said(&output).contains(answer), "{what}: {}", said(&output));
    }
    let refused = import("managed-devices", "uuid,user\nd3,\nd4,nobody\n");
    assert!(!refused.status.success());
    assert!(said(&refused).contains("line 3: user there is no user nobody"), "{}", said(&refused));
    let client = database.client().await;
    let devices: i64 = client.query_one("SELECT count(*) FROM devices", &[]).await.unwrap().get(0);
    assert_eq!(devices, 2);
}
