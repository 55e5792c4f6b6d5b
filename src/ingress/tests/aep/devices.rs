//! D4, and who may join.

use serde_json::json;

use crate::world::{UPGRADE, World};

#[tokio::test]
async fn devices_are_listed_and_searched_exactly() {
    let world = World::new().await;
    let product = world.lwm2m.to_string();
    let list = |more: Vec<(&'static str, &'static str)>| {
        let mut parameters = vec![("productId", product.as_str()), ("isSelectDevice", "2")];
        parameters.extend(more);
        let world = &world;
        async move { world.ok("GET", &format!("{UPGRADE}/devices"), &parameters, "").await }
    };
    let all = list(vec![]).await;
    assert_eq!((&all["total"], &all["pageNum"], &all["pageSize"]), (&3.into(), &1.into(), &20.into()));
    let device = &all["list"][0];
    assert!(device["createTime"].is_i64());
    assert_eq!(
        *device,
        json!({"deviceName": "m 设备 1", "deviceId": "m1", "deviceSn": "sn-m1", "imei": "imei-m1", "taskId": "",
            "createTime": device["createTime"], "deviceStatus": 0, "firmwareVersion": "1.0", "taskState": "",
            "resultCode": "", "flag": "", "netStatus": 2, "onlineAt": "", "offlineAt": "", "deviceGroupId": ""})
    );
    for (name, value, total) in [
        ("deviceNameSearch", "m 设备 2", 1),
        ("deviceNameSearch", "m 设备", 0),
        ("deviceIdSearch", "m3", 1),
        ("imeiSearch", "imei-m1", 1),
        ("deviceNoSearch", "sn-m1", 1),
        ("deviceGroupIdSearch", "nowhere", 0),
        ("deviceIdSearch", "", 3),
        ("id", "", 3),
    ] {
        assert_eq!(list(vec![(name, value)]).await["total"], total, "{name}={value}");
    }
    let second = list(vec![("pageNow", "2"), ("pageSize", "2")]).await;
    assert_eq!((&second["total"], second["list"].as_array().unwrap().len()), (&3.into(), 1));
}

#[tokio::test]
async fn parameters_out_of_range_are_named() {
    let world = World::new().await;
    let product = world.lwm2m.to_string();
    for (parameters, start) in [
        (vec![("isSelectDevice", "2")], "productId: is missing"),
        (vec![("productId", "x"), ("isSelectDevice", "2")], "productId: is not a number"),
        (vec![("productId", &product)], "isSelectDevice: is missing"),
        (vec![("productId", &product), ("isSelectDevice", "3")], "isSelectDevice: must be"),
        (vec![("productId", &product), ("isSelectDevice", "1")], "id: is missing"),
        (vec![("productId", &product), ("isSelectDevice", "2"), ("pageNow", "0")], "pageNow: "),
        (vec![("productId", &product), ("isSelectDevice", "2"), ("pageSize", "1001")], "pageSize: "),
        (vec![("productId", &product), ("isSelectDevice", "2"), ("pageNow", "101"), ("pageSize", "1000")], "pageNow: "),
        (vec![("productId", &product), ("isSelectDevice", "2"), ("pageNow", "-1")], "pageNow: is not a number"),
    ] {
        let desc = world.fails(400, "GET", &format!("{UPGRADE}/devices"), &parameters, "").await;
        assert!(desc.starts_with(start), "{desc}");
    }
}

#[tokio::test]
async fn only_free_devices_of_the_product_join() {
    let world = World::new().await;
    let (product, firmware) = (world.lwm2m.to_string(), world.firmware(world.lwm2m).await);
    let mut tasks = Vec::new();
    for name in ["one", "two"] {
        let body = json!({"firmwareId": firmware, "jobName": name, "productId": product, "retryTimes": 0});
        tasks.push(world.ok("POST", &format!("{UPGRADE}/task"), &[], &body.to_string()).await["jobId"].clone());
    }
    let join = |task: usize, devices: &str| {
        let body = json!({"createBy": "x", "deviceIdList": devices, "jobId": tasks[task], "operational": 1,
            "productId": product});
        let world = &world;
        async move { world.call("POST", &format!("{UPGRADE}/operational"), &[], &body.to_string()).await.1 }
    };
    assert_eq!(join(0, "m1").await["code"], 0);
    let busy = join(1, "m2,m1").await;
    assert_eq!(busy["code"], 400);
    assert!(
        busy["desc"].as_str().unwrap().starts_with("deviceIdList: ") && busy["desc"].as_str().unwrap().contains("m1")
    );
    let unknown = join(1, "m2,b1").await;
    assert!(unknown["desc"].as_str().unwrap().contains("b1"), "another product's device is unknown: {unknown}");
    assert_eq!(join(1, "m2").await["code"], 0, "nothing of the refused calls stayed");
    let body = json!({"createBy": "x", "deviceIdList": "m3", "jobId": 1, "operational": 1, "productId": product});
    world.fails(404, "POST", &format!("{UPGRADE}/operational"), &[], &body.to_string()).await;
}
