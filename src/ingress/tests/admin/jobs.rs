//! What is read of jobs by the admin API, and as a file.

use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::{
    jobs_made::job,
    world::{World, failure, request},
};

#[tokio::test]
async fn jobs_are_listed_and_shown_within_reach() {
    let world = World::new().await;
    let id = job(&world, 30).await;
    let list = world.ok(&world.reader, "GET", "/admin/v1/jobs", &[("state", "running"), ("text", "NIGHT")]).await;
    let one = &list["items"][0];
    assert_eq!((&one["id"], &one["brings"], &one["createdBy"]), (&json!("4001"), &json!("fw 2.0"), &json!("ann")));
    let counts = json!({ "total": 30, "open": 10, "waiting": 10, "underWay": 0, "succeeded": 10, "failed": 10,
        "byState": { "failed": 10, "planned": 10, "succeeded": 10 } });
    assert_eq!((&one["commands"], &list["next"]), (&counts, &Value::Null));
    assert_eq!(world.ok(&world.admin, "GET", "/admin/v1/jobs", &[("kind", "push")]).await["items"], json!([]));

    let detail = world.ok(&world.reader, "GET", &format!("/admin/v1/jobs/{id}"), &[]).await;
    let reasons =
        json!([{ "outcome": "failed", "code": "E_\"DISK", "count": 10, "byAttempt": [{ "attempt": 1, "count": 10 }] }]);
    assert_eq!(detail["failures"], json!({ "total": 10, "reasons": reasons, "rest": 0 }));
    assert_eq!((&detail["policy"]["retryLimit"], &detail["product"]), (&json!(2), &json!("meter")));
    assert_eq!(detail["audiences"][0]["kind"], "product");
    assert_eq!(detail["samples"].as_array().unwrap().len(), 1);
    let pace = detail["pace"]["perS"].as_f64().unwrap();
    assert!((0.4..=0.7).contains(&pace) && detail["pace"]["endsAt"].is_string(), "{}", detail["pace"]);

    // Firmware is the root's: neither a part of the tenant nor another one knows of it.
    for person in [&world.north, &world.stranger] {
        assert_eq!(world.ok(person, "GET", "/admin/v1/jobs", &[]).await["items"], json!([]));
        for address in ["", "/commands", "/commands.csv"] {
            let answer = world.call(person, "GET", &format!("/admin/v1/jobs/{id}{address}"), &[]).await;
            assert_eq!(failure(404, answer), "job 4001 does not exist");
        }
    }
    let refused = |name: &'static str, value: &'static str, code: u16| {
        let world = &world;
        async move { failure(code, world.call(&world.admin, "GET", "/admin/v1/jobs", &[(name, value)]).await) }
    };
    assert!(refused("state", "over", 400).await.starts_with("state: is none of draft, "));
    assert!(refused("kind", "x", 400).await.starts_with("kind: "));
    assert!(refused("limit", "0", 400).await.starts_with("limit: "));
    assert!(refused("after", "x", 400).await.starts_with("after: "));
    refused("tenant", "acme", 403).await;
    failure(404, world.call(&world.admin, "GET", "/admin/v1/jobs/x", &[]).await);
}

#[tokio::test]
async fn commands_are_listed_and_downloaded() {
    let world = World::new().await;
    let id = job(&world, 2_500).await;
    let address = format!("/admin/v1/jobs/{id}/commands");
    let list = world.ok(&world.reader, "GET", &address, &[("state", "failed,planned"), ("limit", "2")]).await;
    let found: Vec<_> = list["items"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!((found, list["next"].as_str()), (vec!["planned", "failed"], Some("3")));
    let found = world.ok(&world.reader, "GET", &address, &[("code", "E_\"DISK"), ("text", "SN3")]).await;
    let one = &found["items"][0];
    assert_eq!(
        (&one["uuid"], &one["outcome"], &one["code"]),
        (&json!("d-00003"), &json!("failed"), &json!("E_\"DISK"))
    );
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    assert_eq!(world.ok(&world.reader, "GET", &address, &[("withoutCode", "true")]).await["items"], json!([]));
    for (query, said) in [
        ([("state", "over"), ("limit", "1")], "state: is none of planned"),
        ([("code", "a"), ("withoutCode", "true")], "withoutCode: does not go with code"),
        ([("outcome", "succeeded"), ("limit", "1")], "outcome: is one of failure"),
        ([("text", "d"), ("after", "7")], "after: is not what"),
    ] {
        let message = failure(400, world.call(&world.reader, "GET", &address, &query).await);
        assert!(message.starts_with(said), "{message}");
    }

    let target = format!("{address}.csv?state=failed,succeeded");
    let (status, headers, body) = world.raw(request("GET", &target).token(&world.reader.token).empty()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    assert_eq!(headers[header::CONTENT_DISPOSITION], "attachment; filename=\"job-4001-commands.csv\"");
    let mut reader = csv::Reader::from_reader(&body[..]);
    assert_eq!(
        reader.headers().unwrap().iter().take(3).collect::<Vec<_>>(),
        ["command_id", "device_id", "device_uuid"]
    );
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
    let expected: Vec<String> = (1..=2_500).filter(|n| n % 3 < 2).map(|n| format!("d-{n:05}")).collect();
    assert_eq!(rows.iter().map(|row| row[2].to_owned()).collect::<Vec<_>>(), expected, "all pages, each command once");
    let failed = &rows[1];
    assert_eq!((&failed[3], &failed[6], &failed[9], &failed[10]), ("'=1+1", "failed", "E_\"DISK", "full, \"very\""));
    let (status, _, _) =
        world.raw(request("GET", &format!("{address}.csv?state=over")).token(&world.reader.token).empty()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}
