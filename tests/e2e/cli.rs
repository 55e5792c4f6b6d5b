//! The operator's commands: what they print, what they refuse, and how they exit.

use std::fs;

use drover_testkit::TestPostgres;

use crate::support::Setup;

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
