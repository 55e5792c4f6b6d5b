//! Every rule of every parameter, as a table.

use serde_json::Value;

use super::World;
use crate::vendor::{FIRMWARE, UPGRADE};

/// A call and what it must come to. Query and body are templates: `$task`, `$product`, `$firmware` are of the LwM2M
/// product, `$ttask`, `$tlink`, `$tfirmware` of the T-Link one, `$foreign` is a stranger's product.
struct Rule {
    call: &'static str,
    query: &'static str,
    body: &'static str,
    /// 200, or the code of the refusal and how its description begins.
    comes_to: (u16, &'static str),
}

const fn rule(call: &'static str, query: &'static str, body: &'static str, comes_to: (u16, &'static str)) -> Rule {
    Rule { call, query, body, comes_to }
}

const FINE: (u16, &str) = (200, "");

const fn bad(field: &'static str) -> (u16, &'static str) {
    (400, field)
}

#[rustfmt::skip]
const READING: &[Rule] = &[
    rule("GET /task", "id=$task&productId=$product", "", FINE),
    rule("GET /task", "productId=$product", "", bad("id:")),
    rule("GET /task", "id=&productId=$product", "", bad("id:")),
    rule("GET /task", "id=x&productId=$product", "", bad("id:")),
    rule("GET /task", "id=1.5&productId=$product", "", bad("id:")),
    rule("GET /task", "id=0&productId=$product", "", bad("id:")),
    rule("GET /task", "id=-$task&productId=$product", "", bad("id:")),
    rule("GET /task", "id=9223372036854775808&productId=$product", "", bad("id:")),
    rule("GET /task", "id=\0&productId=$product", "", bad("id:")),
    rule("GET /task", "id=9223372036854775807&productId=$product", "", (404, "job")),
    rule("GET /task", "id=$task", "", bad("productId:")),
    rule("GET /task", "id=$task&productId=x", "", bad("productId:")),
    rule("GET /task", "id=$task&productId=$tlink", "", (404, "job")),
    rule("GET /task", "id=$task&productId=$foreign", "", (403, "")),
    rule("GET /task", "id=$task&productId=1", "", (403, "")),
    rule("GET /task", "id=$task&productId=$product&other=x", "", FINE),
    rule("GET /detail", "productId=$product", "", bad("id:")),
    rule("GET /detail", "id=$ttask&productId=$product", "", (404, "job")),
    rule("GET /tasks", "", "", bad("productId:")),
    rule("GET /tasks", "productId=$product&pageNow=0", "", bad("pageNow:")),
    rule("GET /tasks", "productId=$product&pageNow=x", "", bad("pageNow:")),
    rule("GET /tasks", "productId=$product&pageNow=-1", "", bad("pageNow:")),
    rule("GET /tasks", "productId=$product&pageSize=0", "", bad("pageSize:")),
    rule("GET /tasks", "productId=$product&pageSize=1000", "", FINE),
    rule("GET /tasks", "productId=$product&pageSize=1001", "", bad("pageSize:")),
    rule("GET /tasks", "productId=$product&pageNow=100&pageSize=1000", "", FINE),
    rule("GET /tasks", "productId=$product&pageNow=101&pageSize=1000", "", bad("pageNow:")),
    rule("GET /tasks", "productId=$product&pageNow=&pageSize=", "", FINE),
    rule("GET /tasks", "productId=$product&searchValue=$128", "", FINE),
    rule("GET /tasks", "productId=$product&searchValue=$129", "", bad("searchValue:")),
    rule("GET /tasks", "productId=$product&searchValue=a\0b", "", bad("searchValue:")),
    rule("GET /devices", "productId=$product", "", bad("isSelectDevice:")),
    rule("GET /devices", "productId=$product&isSelectDevice=0", "", bad("isSelectDevice:")),
    rule("GET /devices", "productId=$product&isSelectDevice=3", "", bad("isSelectDevice:")),
    rule("GET /devices", "productId=$product&isSelectDevice=1", "", bad("id:")),
    rule("GET /devices", "productId=$product&isSelectDevice=1&id=$ttask", "", (404, "job")),
    rule("GET /devices", "productId=$product&isSelectDevice=2&id=", "", FINE),
    rule("GET /devices", "isSelectDevice=2", "", bad("productId:")),
    rule("GET /devices", "productId=$product&isSelectDevice=2&imeiSearch=$129", "", bad("imeiSearch:")),
    rule("GET /devices", "productId=$product&isSelectDevice=2&deviceGroupIdSearch=\0", "", bad("deviceGroupIdSearch:")),
    rule("GET /details", "id=$task&productId=$product", "", FINE),
    rule("GET /details", "id=$task&productId=$product&taskStatus=0", "", FINE),
    rule("GET /details", "id=$task&productId=$product&taskStatus=11", "", FINE),
    rule("GET /details", "id=$task&productId=$product&taskStatus=12", "", bad("taskStatus:")),
    rule("GET /details", "id=$task&productId=$product&taskStatus=-1", "", bad("taskStatus:")),
    rule("GET /details", "id=$ttask&productId=$tlink", "", bad("taskStatus:")),
    rule("GET /details", "id=$ttask&productId=$tlink&taskStatus=", "", bad("taskStatus:")),
    rule("GET /details", "id=$ttask&productId=$tlink&taskStatus=0", "", bad("taskStatus:")),
    rule("GET /details", "id=$ttask&productId=$tlink&taskStatus=1", "", FINE),
    rule("GET /details", "id=$ttask&productId=$tlink&taskStatus=5", "", bad("taskStatus:")),
    rule("GET /details", "id=$task&productId=$product&searchValue=$129", "", bad("searchValue:")),
    rule("GET /details", "productId=$product", "", bad("id:")),
    rule("GET firmwares", "", "", bad("productId:")),
    rule("GET firmware", "productId=$product", "", bad("id:")),
    rule("GET firmware", "productId=$product&id=$tfirmware", "", (404, "firmware")),
    rule("POST firmware", "productId=$product", "", bad("fileSha256:")),
    rule("POST firmware", "productId=$product&fileSha256=abc", "", bad("fileSha256:")),
    rule("POST firmware", "productId=$product&fileSha256=$hash", "", bad("Content-Type:")),
];

#[rustfmt::skip]
const WRITING: &[Rule] = &[
    rule("POST /task", "", "", bad("body:")),
    rule("POST /task", "", "[]", bad("body:")),
    rule("POST /task", "", "null", bad("body:")),
    rule("POST /task", "", "{", bad("body:")),
    rule("POST /task", "", "{}x", bad("body:")),
    rule("POST /task", "", r#"{"productId":$product,"jobName":"x","retryTimes":0}"#, bad("firmwareId:")),
    rule("POST /task", "", r#"{"firmwareId":0,"productId":$product,"jobName":"x","retryTimes":0}"#, bad("firmwareId:")),
    rule("POST /task", "", r#"{"firmwareId":1.5,"productId":$product,"jobName":"x","retryTimes":0}"#, bad("firmwareId:")),
    rule("POST /task", "", r#"{"firmwareId":[],"productId":$product,"jobName":"x","retryTimes":0}"#, bad("firmwareId:")),
    rule("POST /task", "", r#"{"firmwareId":$tfirmware,"productId":$product,"jobName":"x","retryTimes":0}"#, (404, "firmware")),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"jobName":"x","retryTimes":0}"#, bad("productId:")),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"productId":$foreign,"jobName":"x","retryTimes":0}"#, (403, "")),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"productId":$product,"retryTimes":0}"#, bad("jobName:")),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"productId":$product,"jobName":" ","retryTimes":0}"#, bad("jobName:")),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"productId":$product,"jobName":"$129","retryTimes":0}"#, bad("jobName:")),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"productId":$product,"jobName":"a\u0000b","retryTimes":0}"#, bad("jobName:")),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"productId":$product,"jobName":{},"retryTimes":0}"#, bad("jobName:")),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"productId":$product,"jobName":"x","jobName":"y","retryTimes":0}"#, bad("")),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"productId":$product,"jobName":"x"}"#, bad("retryTimes:")),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"productId":$product,"jobName":"x","retryTimes":null}"#, bad("retryTimes:")),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"productId":$product,"jobName":"x","retryTimes":-1}"#, bad("retryTimes:")),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"productId":$product,"jobName":"x","retryTimes":"4"}"#, bad("retryTimes:")),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"productId":$product,"jobName":"x","retryTimes":true}"#, bad("retryTimes:")),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"productId":$product,"jobName":"x","retryTimes":3,"outTime":0}"#, FINE),
    rule("POST /task", "", r#"{"firmwareId":"$firmware","productId":"$product","jobName":5,"retryTimes":"0","outTime":"","new":[]}"#, FINE),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"productId":$product,"jobName":"x","retryTimes":0,"createBy":"$65"}"#, bad("createBy:")),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"productId":$product,"jobName":"x","retryTimes":0,"jobDesc":"$1025"}"#, bad("jobDesc:")),
    rule("POST /task", "", r#"{"firmwareId":$firmware,"productId":$product,"jobName":"$128","retryTimes":0,"createBy":"$64","jobDesc":"$1024"}"#, FINE),
    rule("POST /task", "", r#"{"firmwareId":$tfirmware,"productId":$tlink,"jobName":"x"}"#, bad("outTime:")),
    rule("POST /task", "", r#"{"firmwareId":$tfirmware,"productId":$tlink,"jobName":"x","outTime":0}"#, bad("outTime:")),
    rule("POST /task", "", r#"{"firmwareId":$tfirmware,"productId":$tlink,"jobName":"x","outTime":"169"}"#, bad("outTime:")),
    rule("POST /task", "", r#"{"firmwareId":$tfirmware,"productId":$tlink,"jobName":"x","outTime":"1h"}"#, bad("outTime:")),
    rule("POST /task", "", r#"{"firmwareId":$tfirmware,"productId":$tlink,"jobName":"x","outTime":168,"retryTimes":99}"#, FINE),
    rule("PUT /task", "", r#"{"productId":$product,"jobName":"x"}"#, bad("id:")),
    rule("PUT /task", "id=$task", r#"{"jobName":"x"}"#, bad("productId:")),
    rule("PUT /task", "id=$task", r#"{"productId":$product,"jobName":""}"#, bad("jobName:")),
    rule("PUT /task", "id=$task", r#"{"productId":$product,"retryTimes":4}"#, bad("retryTimes:")),
    rule("PUT /task", "id=$task", r#"{"productId":$product,"updateBy":"$65"}"#, bad("updateBy:")),
    rule("PUT /task", "id=$ttask", r#"{"productId":$tlink,"outTime":"0"}"#, bad("outTime:")),
    rule("PUT /task", "id=$ttask", r#"{"productId":$product,"jobName":"x"}"#, (404, "job")),
    rule("PUT /task", "id=$task", r#"{"productId":$product,"jobDesc":"","outTime":"0"}"#, FINE),
    rule("PUT /control", "", r#"{"productId":$product,"runStatus":2}"#, bad("id:")),
    rule("PUT /control", "id=$task", r#"{"runStatus":2}"#, bad("productId:")),
    rule("PUT /control", "id=$task", r#"{"productId":$product}"#, bad("runStatus:")),
    rule("PUT /control", "id=$task", r#"{"productId":$product,"runStatus":1}"#, bad("runStatus:")),
    rule("PUT /control", "id=$task", r#"{"productId":$product,"runStatus":"two"}"#, bad("runStatus:")),
    rule("PUT /control", "id=$ttask", r#"{"productId":$product,"runStatus":2}"#, (404, "job")),
    rule("POST /operational", "", r#"{"jobId":$task,"productId":$product,"createBy":"x","deviceIdList":"m1"}"#, bad("operational:")),
    rule("POST /operational", "", r#"{"jobId":$task,"productId":$product,"createBy":"x","operational":4,"taskIdList":"1"}"#, bad("operational:")),
    rule("POST /operational", "", r#"{"jobId":$task,"productId":$product,"operational":1,"deviceIdList":"m1"}"#, bad("createBy:")),
    rule("POST /operational", "", r#"{"productId":$product,"createBy":"x","operational":1,"deviceIdList":"m1"}"#, bad("jobId:")),
    rule("POST /operational", "", r#"{"jobId":$task,"createBy":"x","operational":1,"deviceIdList":"m1"}"#, bad("productId:")),
    rule("POST /operational", "", r#"{"jobId":$task,"productId":$product,"createBy":"x","operational":1}"#, bad("deviceInfoList:")),
    rule("POST /operational", "", r#"{"jobId":$task,"productId":$product,"createBy":"x","operational":1,"deviceInfoList":[{}]}"#, bad("deviceInfoList:")),
    rule("POST /operational", "", r#"{"jobId":$task,"productId":$product,"createBy":"x","operational":1,"deviceInfoList":[{"deviceId":"nobody"}]}"#, bad("deviceInfoList:")),
    rule("POST /operational", "", r#"{"jobId":$task,"productId":$product,"createBy":"x","operational":1,"deviceInfoList":[{"deviceId":"m1"},{"deviceId":"b1"}]}"#, bad("deviceInfoList:")),
    rule("POST /operational", "", r#"{"jobId":$ttask,"productId":$tlink,"createBy":"x","operational":1}"#, bad("deviceIdList:")),
    rule("POST /operational", "", r#"{"jobId":$ttask,"productId":$tlink,"createBy":"x","operational":1,"deviceIdList":"b1,,b2"}"#, bad("deviceIdList:")),
    rule("POST /operational", "", r#"{"jobId":$ttask,"productId":$tlink,"createBy":"x","operational":1,"deviceIdList":"b1,a b"}"#, bad("deviceIdList:")),
    rule("POST /operational", "", r#"{"jobId":$ttask,"productId":$tlink,"createBy":"x","operational":3,"taskIdList":"1"}"#, bad("operational:")),
    rule("POST /operational", "", r#"{"jobId":$task,"productId":$product,"createBy":"x","operational":2}"#, bad("taskIdList:")),
    rule("POST /operational", "", r#"{"jobId":$task,"productId":$product,"createBy":"x","operational":2,"taskIdList":"x,1"}"#, bad("taskIdList:")),
    rule("POST /operational", "", r#"{"jobId":$task,"productId":$product,"createBy":"x","operational":3,"taskIdList":"1"}"#, (404, "subtask")),
    rule("POST /operational", "", r#"{"jobId":$ttask,"productId":$product,"createBy":"x","operational":1,"deviceIdList":"m1"}"#, (404, "job")),
    rule("DELETE /task", "id=$task", "", bad("productId:")),
    rule("DELETE /task", "productId=$product", "", bad("id:")),
    rule("DELETE /task", "id=$task&productId=$product&updateBy=$65", "", bad("updateBy:")),
    rule("DELETE /task", "id=$ttask&productId=$product", "", (404, "job")),
    rule("PUT firmware", "id=$firmware", r#"{"productId":$product,"name":" "}"#, bad("name:")),
    rule("PUT firmware", "id=$firmware", r#"{"productId":$product,"version":"$65"}"#, bad("version:")),
    rule("PUT firmware", "id=$firmware", r#"{"productId":$product,"version":"2.1"}"#, FINE),
    rule("DELETE firmware", "id=$tfirmware&productId=$product", "", (404, "firmware")),
    rule("DELETE firmware", "id=$firmware&productId=$product", "", bad("firmware")),
];

#[tokio::test]
async fn every_parameter_has_its_rule() {
    let world = World::new().await;
    let client = &world.client;
    let (firmware, tfirmware) = (client.firmware(&world.lwm2m, b"1").await, client.firmware(&world.tlink, b"2").await);
    let words = [
        ("$product", world.lwm2m.id.clone()),
        ("$tlink", world.tlink.id.clone()),
        ("$foreign", world.foreign.id.clone()),
        ("$firmware", firmware["firmwareId"].to_string()),
        ("$tfirmware", tfirmware["firmwareId"].to_string()),
        ("$task", client.task(&world.lwm2m, &firmware).await),
        ("$ttask", client.task(&world.tlink, &tfirmware).await),
        ("$hash", "a".repeat(64)),
        ("$1024", "长".repeat(1024)),
        ("$1025", "长".repeat(1025)),
        ("$128", "长".repeat(128)),
        ("$129", "长".repeat(129)),
        ("$64", "长".repeat(64)),
        ("$65", "长".repeat(65)),
    ];
    let fill = |template: &str| words.iter().fold(template.to_owned(), |text, (word, value)| text.replace(word, value));
    let mut wrong = Vec::new();
    for Rule { call, query, body, comes_to: (code, begins) } in READING.iter().chain(WRITING) {
        let (method, name) = call.split_once(' ').unwrap();
        let path = if name.starts_with('/') { format!("{UPGRADE}{name}") } else { format!("{FIRMWARE}/{name}") };
        let query = fill(query);
        let pairs: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let answer = client.call(method, &path, &pairs, &fill(body)).await;
        let says = if *code == 200 {
            answer.body["msg"].as_str() == Some("ok") && answer.body["code"] == 0
        } else {
            answer.body["code"] == *code && answer.body["desc"].as_str().is_some_and(|desc| desc.starts_with(begins))
        };
        if answer.status != *code || !says || !has_error_body(&answer.body, *code) {
            wrong.push(format!(
                "{call}?{} {body}: {code} {begins} expected, but {}",
                query.escape_debug(),
                answer.body
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of the rules do not hold:\n{}", wrong.len(), wrong.join("\n"));
}

/// A refusal has three fields and no more.
fn has_error_body(body: &Value, code: u16) -> bool {
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    code == 200 || names == ["code", "desc", "msg"]
}
