//! `drover jobs` and `drover job N`, of a campaign that really ran.

use drover_testkit::TestPostgres;
use serde_json::Value;

use crate::support::Setup;

fn said(output: &std::process::Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn a_campaign_is_read_at_the_command_line() {
    let database = TestPostgres::database().await;
    let setup = Setup::new(&database.url, None);
    setup.ok(&["migrate"]);
    assert_eq!(setup.ok(&["jobs"]).trim(), "no job matches");
    let demo = ["demo", "--devices", "40", "--failure-rate", "0.5", "--download-sample", "0", "--latency-max-ms", "60"];
    setup.ok(&demo);
    let list: Value = serde_json::from_str(&setup.ok(&["jobs", "--kind", "firmware", "--json"])).unwrap();
    assert_eq!(list["jobs"].as_array().unwrap().len(), 1, "{list}");
    let job = &list["jobs"][0];
    let (id, name) = (job["id"].to_string(), job["name"].as_str().unwrap());
    let (succeeded, failed) = (&job["commands"]["succeeded"], &job["commands"]["failed"]);
    assert_eq!((&job["state"], succeeded.as_i64().unwrap() + failed.as_i64().unwrap()), (&"completed".into(), 40));
    let table = setup.ok(&["jobs", "--state", "completed", "--text", name]);
    assert!(table.contains(&format!("{id} {name}")) && table.contains("completed"), "{table}");
    assert_eq!(setup.ok(&["jobs", "--state", "running"]).trim(), "no job matches");

    let detail: Value = serde_json::from_str(&setup.ok(&["job", &id, "--json"])).unwrap();
    let rows = "SELECT count(*) FROM outcomes WHERE outcome <> 'succeeded'";
    let client = database.client().await;
    let failures: i64 = client.query_one(rows, &[]).await.unwrap().get(0);
    assert!(failures > 0, "half of the attempts fail");
    assert_eq!(detail["failures"]["total"], failures);
    let counted: i64 =
        detail["failures"]["reasons"].as_array().unwrap().iter().map(|reason| reason["count"].as_i64().unwrap()).sum();
    assert_eq!(counted + detail["failures"]["rest"].as_i64().unwrap(), failures);
    let words = setup.ok(&["job", &id]);
    assert!(words.contains("40 of 40 ended") && words.contains("why attempts failed"), "{words}");

    assert!(setup.ok(&["check"]).starts_with("clean"));

    for (args, reason) in [
        (&["job", "77"][..], "job 77 does not exist"),
        (&["job", "x"], "is not the number of a job"),
        (&["jobs", "--state", "over"], "is none of draft, scheduled"),
        (&["jobs", "--tenant", "nobody"], "there is no tenant of this name"),
        (&["jobs", "--limit", "0"], "--limit"),
    ] {
        let output = setup.run(args);
        assert!(!output.status.success() && said(&output).contains(reason), "{args:?}: {}", said(&output));
    }
}
