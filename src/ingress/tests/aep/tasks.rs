//! The life of a task, D1-D3 and D5-D10.

use serde_json::json;

use crate::world::{UPGRADE, World};

async fn lwm2m_task(world: &World) -> String {
    let firmware = world.firmware(world.lwm2m).await;
    let body = json!({"createBy": "huang", "firmwareId": firmware, "jobDesc": "sddd", "jobName": " 北向测试 ",
        "productId": world.lwm2m, "retryTimes": 2.0, "outTime": "n/a"});
    let task = world.ok("POST", &format!("{UPGRADE}/task"), &[], &body.to_string()).await;
    assert_eq!(
        task,
        json!({"jobId": task["jobId"], "productId": world.lwm2m, "tenantId": task["tenantId"], "jobName": "北向测试",
            "jobDesc": "sddd", "firmwareId": firmware.parse::<i64>().unwrap(), "createBy": "huang", "productProtocol": 3,
            "upgradePlan": 1, "retryTimes": 2})
    );
    assert!(task["tenantId"].is_string());
    task["jobId"].to_string()
}

#[tokio::test]
async fn a_task_lives_from_creation_to_retry() {
    let world = World::new().await;
    let id = lwm2m_task(&world).await;
    let product = world.lwm2m.to_string();
    let of_task = [("id", id.as_str()), ("productId", product.as_str())];

    let detail = world.ok("GET", &format!("{UPGRADE}/detail"), &of_task, "").await;
    assert_eq!((&detail["allNum"], &detail["jobStatus"], &detail["takeTime"]), (&0.into(), &1.into(), &"".into()));
    assert_eq!((&detail["outTime"], &detail["retryTimes"]), (&0.into(), &2.into()));
    assert!(detail["firmwareUrl"].as_str().unwrap().starts_with("http://drover.test/files/firmware/"));
    assert!(detail.get("productName").is_none() && detail.get("upgradePlan").is_none());
    let task = world.ok("GET", &format!("{UPGRADE}/task"), &of_task, "").await;
    assert_eq!(
        (&task["deviceStatus"], &task["upgradePlan"], &task["productName"]),
        (&1.into(), &1.into(), &"meters".into())
    );

    // It changes until it starts.
    let change = json!({"productId": product, "jobName": "新", "jobDesc": "", "retryTimes": "0", "updateBy": "li"});
    assert_eq!(world.ok("PUT", &format!("{UPGRADE}/task"), &[("id", &id)], &change.to_string()).await, "SUCCESS");
    let found =
        world.ok("GET", &format!("{UPGRADE}/tasks"), &[("productId", &product), ("searchValue", "新")], "").await;
    assert_eq!((&found["total"], &found["pageNum"], &found["pageSize"]), (&1.into(), &1.into(), &20.into()));
    assert_eq!((&found["list"][0]["retryTimes"], &found["list"][0]["jobDesc"]), (&0.into(), &"".into()));
    let none = world.ok("GET", &format!("{UPGRADE}/tasks"), &[("productId", &product), ("searchValue", "%")], "").await;
    assert_eq!(none["total"], 0, "a search is no pattern");

    let start = json!({"productId": world.lwm2m, "runStatus": 2}).to_string();
    let refused = world.fails(400, "PUT", &format!("{UPGRADE}/control"), &[("id", &id)], &start).await;
    assert!(refused.contains("no device"), "{refused}");
    let join = json!({"createBy": "huang", "deviceInfoList": [{"deviceId": "m1"}, {"deviceId": "m2"}],
        "jobId": id, "operational": 1, "productId": product});
    assert_eq!(world.ok("POST", &format!("{UPGRADE}/operational"), &[], &join.to_string()).await, "SUCCESS");
    assert_eq!(world.ok("PUT", &format!("{UPGRADE}/control"), &[("id", &id)], &start).await, "SUCCESS");
    world.fails(400, "PUT", &format!("{UPGRADE}/control"), &[("id", &id)], &start).await;
    world.fails(400, "PUT", &format!("{UPGRADE}/task"), &[("id", &id)], &change.to_string()).await;
    world.fails(400, "DELETE", &format!("{UPGRADE}/task"), &of_task, "").await;

    let subtasks = world.ok("GET", &format!("{UPGRADE}/details"), &of_task, "").await;
    assert_eq!(subtasks["total"], 2);
    let subtask = &subtasks["list"][0];
    assert_eq!(
        *subtask,
        json!({"jobId": id.parse::<i64>().unwrap(), "taskId": subtask["taskId"], "productId": world.lwm2m,
            "tenantId": task["tenantId"], "deviceName": "m 设备 1", "deviceId": "m1", "deviceSn": "sn-m1",
            "imei": "imei-m1", "productName": "meters", "updateTime": subtask["updateTime"], "taskState": "0",
            "resultCode": "-1", "finishTime": "", "preUpgradeVersion": "1.0", "upgradedVersion": ""})
    );

    let operate = |operational: i64, tasks: String| {
        let body = json!({"createBy": "huang", "jobId": id, "operational": operational, "productId": product,
            "taskIdList": tasks});
        let (world, path) = (&world, format!("{UPGRADE}/operational"));
        async move { world.call("POST", &path, &[], &body.to_string()).await.1 }
    };
    let first = subtask["taskId"].to_string();
    assert_eq!(operate(2, first.clone()).await["result"], "SUCCESS");
    let with = |status: &'static str| {
        let (world, parameters) = (&world, [of_task[0], of_task[1], ("taskStatus", status)]);
        async move { world.ok("GET", &format!("{UPGRADE}/details"), &parameters, "").await["total"].clone() }
    };
    assert_eq!((with("0").await, with("10").await, with("8").await), (1.into(), 1.into(), 0.into()));
    assert_eq!(operate(3, first.clone()).await["result"], "SUCCESS");
    assert_eq!((with("0").await, with("10").await), (2.into(), 0.into()));
    assert_eq!(operate(2, format!("{first},59")).await["code"], 404);
    assert_eq!(with("0").await, 2, "all or none");
    assert_eq!(operate(4, first.clone()).await["code"], 400);
    assert_eq!(operate(1, first).await["code"], 400, "to join takes devices");

    let joined = [of_task[0], of_task[1], ("isSelectDevice", "1"), ("deviceIdSearch", "m1")];
    let devices = world.ok("GET", &format!("{UPGRADE}/devices"), &joined, "").await;
    assert_eq!((&devices["total"], &devices["list"][0]["taskState"]), (&1.into(), &"0".into()));
    assert_eq!(devices["list"][0]["resultCode"], "999", "it waits for its second attempt");
}

#[tokio::test]
async fn t_link_has_rules_of_its_own() {
    let world = World::new().await;
    let firmware = world.firmware(world.tlink).await;
    let create = |out_time: serde_json::Value| {
        let body = json!({"firmwareId": firmware, "jobName": "t", "productId": world.tlink, "outTime": out_time,
            "retryTimes": "n/a"});
        let world = &world;
        async move { world.call("POST", &format!("{UPGRADE}/task"), &[], &body.to_string()).await.1 }
    };
    for wrong in [json!(null), json!(""), json!(0), json!("169"), json!("x"), json!(-1), json!([24])] {
        let answer = create(wrong.clone()).await;
        assert!(answer["code"] == 400 && answer["desc"].as_str().unwrap().starts_with("outTime: "), "{wrong} {answer}");
    }
    let task = create(json!("24")).await;
    assert_eq!((&task["result"]["outTime"], &task["result"]["productProtocol"]), (&24.into(), &1.into()));
    let id = task["result"]["jobId"].to_string();
    let product = world.tlink.to_string();

    // The extension: everybody.
    let join = json!({"createBy": "x", "deviceIdList": "*", "jobId": id, "operational": 1, "productId": product});
    world.ok("POST", &format!("{UPGRADE}/operational"), &[], &join.to_string()).await;
    let parameters = [("id", id.as_str()), ("productId", product.as_str())];
    let missing = world.fails(400, "GET", &format!("{UPGRADE}/details"), &parameters, "").await;
    assert_eq!(missing, "taskStatus: is missing; T-Link requires it");
    let waiting = [parameters[0], parameters[1], ("taskStatus", "1"), ("searchValue", "SN-B2")];
    let found = world.ok("GET", &format!("{UPGRADE}/details"), &waiting, "").await;
    assert_eq!((&found["total"], &found["list"][0]["taskState"]), (&1.into(), &"1".into()));
    let retry = json!({"createBy": "x", "taskIdList": found["list"][0]["taskId"], "jobId": id, "operational": 3,
        "productId": product});
    let refused = world.fails(400, "POST", &format!("{UPGRADE}/operational"), &[], &retry.to_string()).await;
    assert!(refused.contains("LwM2M"), "{refused}");

    assert_eq!(world.ok("GET", &format!("{UPGRADE}/detail"), &parameters, "").await["allNum"], 3);
    assert_eq!(world.ok("DELETE", &format!("{UPGRADE}/task"), &parameters, "").await, "SUCCESS");
    world.fails(404, "GET", &format!("{UPGRADE}/detail"), &parameters, "").await;
}

#[tokio::test]
async fn a_task_names_what_is_wrong_with_it() {
    let world = World::new().await;
    let firmware = world.firmware(world.lwm2m).await;
    let good = json!({"firmwareId": firmware, "jobName": "t", "productId": world.lwm2m, "retryTimes": 1});
    for (field, value, code, start) in [
        ("firmwareId", json!(null), 400, "firmwareId: is missing"),
        ("firmwareId", json!(1), 404, "firmware 1 does not exist"),
        ("jobName", json!("  "), 400, "jobName: is missing or empty"),
        ("jobName", json!("x".repeat(129)), 400, "jobName: is longer than 128"),
        ("jobName", json!("a\0b"), 400, "jobName: holds a NUL"),
        ("jobDesc", json!("x".repeat(1025)), 400, "jobDesc: is longer than 1024"),
        ("createBy", json!("a\0b"), 400, "createBy: holds a NUL"),
        ("retryTimes", json!(4), 400, "retryTimes: must be 0 to 3"),
        ("retryTimes", json!(null), 400, "retryTimes: is missing"),
        ("productId", json!(world.foreign), 403, "product"),
        ("productId", json!("x"), 400, "productId: is not a number"),
        ("productId", json!(-5), 400, "productId: is not a positive number"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let desc = world.fails(code, "POST", &format!("{UPGRADE}/task"), &[], &body.to_string()).await;
        assert!(desc.starts_with(start), "{field}: {desc}");
    }
    let desc = world.fails(400, "POST", &format!("{UPGRADE}/task"), &[], "").await;
    assert_eq!(desc, "body: is missing");
}
