//! The document's own samples, and what hostile clients make of them.

use std::fmt;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn refused<T: DeserializeOwned + fmt::Debug>(json: &str) -> String {
    body::<T>(json.as_bytes()).unwrap_err().desc()
}

#[test]
fn the_documents_samples_are_read() {
    let control: ControlBody = body(br#"{"productId": 10005977, "runStatus": 2}"#).unwrap();
    assert_eq!(control, ControlBody { product_id: Some(10_005_977), run_status: Some(2) });

    let create = r#"{"createBy": "huangliang", "firmwareId": 3167, "jobDesc": "sddd", "jobName": "北向测试",
        "productId": 10004516, "retryTimes": 1, "outTime": "129"}"#;
    let create: TaskBody = body(create.as_bytes()).unwrap();
    assert_eq!(
        (create.job_name.as_deref(), create.retry_times, create.out_time),
        (Some("北向测试"), Some(json!(1)), Some(json!("129")))
    );

    let join = br#"{"createBy": "string", "deviceInfoList": [{"deviceId": "string"}], "jobId": 0, "operational": 1,
        "productId": 0}"#;
    let join: OperationalBody = body(join).unwrap();
    assert_eq!(join.device_info_list, Some(vec![DeviceInfo { device_id: Some("string".into()) }]));
}

#[test]
fn numbers_and_strings_stand_for_each_other_and_empty_is_absent() {
    let strings = br#"{"productId": "5", "retryTimes": " 2 ", "outTime": "", "jobName": 7, "jobDesc": null}"#;
    let task: TaskBody = body(strings).unwrap();
    let kept = |value: &Option<Value>| kept_number("x", value.as_ref()).unwrap();
    assert_eq!((task.product_id, kept(&task.retry_times), kept(&task.out_time)), (Some(5), Some(2), None));
    assert_eq!((task.job_name.as_deref(), task.job_desc), (Some("7"), None));
    assert_eq!(body::<OperationalBody>(br#"{"taskIdList": 59}"#).unwrap().task_id_list.as_deref(), Some("59"));
}

#[test]
fn a_whole_number_may_come_as_a_float() {
    for (json, number) in [("1.0", 1), ("-2.0", -2), ("1e3", 1000), ("9007199254740992.0", 9_007_199_254_740_992)] {
        let control: ControlBody = body(format!(r#"{{"runStatus": {json}}}"#).as_bytes()).unwrap();
        assert_eq!(control.run_status, Some(number), "{json}");
    }
    for json in ["1.5", "1e300", "-0.1", "9007199254740994.0"] {
        let desc = refused::<ControlBody>(&format!(r#"{{"runStatus": {json}}}"#));
        assert!(desc.starts_with("runStatus: invalid type: floating point"), "{desc}");
    }
    let desc = refused::<FirmwareBody>(r#"{"version": 2.0}"#);
    assert!(desc.starts_with("version: invalid type: floating point"), "a text stays as it was written: {desc}");
}

#[test]
fn what_a_protocol_may_ignore_is_kept_as_it_came() {
    for anything in [json!("n/a"), json!([1, {"a": true}]), json!(1.5), json!({}), json!(false)] {
        let task = json!({"outTime": anything, "retryTimes": anything}).to_string();
        let task: TaskBody = body(task.as_bytes()).unwrap();
        assert_eq!((&task.out_time, &task.retry_times), (&Some(anything.clone()), &Some(anything)));
        assert!(kept_number("outTime", task.out_time.as_ref()).unwrap_err().desc().starts_with("outTime: "));
    }
    assert_eq!(body::<TaskBody>(br#"{"outTime": null}"#).unwrap().out_time, None);
}

#[test]
fn a_malformed_body_is_refused_with_the_field_that_is_wrong() {
    for (json, named) in [
        (r#"{"productId": "x"}"#, "productId: is not a number"),
        (r#"{"productId": 1.5}"#, "productId: invalid type"),
        (r#"{"productId": 18446744073709551615}"#, "productId: is too large"),
        (r#"{"productId": {"a": 1}}"#, "productId: invalid type"),
        (r#"{"productId": true}"#, "productId: invalid type"),
        (r#"{"deviceInfoList": [{"deviceId": []}]}"#, "deviceInfoList[0].deviceId: invalid type"),
        (r#"{"productId": 1, "productId": 2}"#, "body: duplicate field"),
        ("", "body: is missing"),
        (" \n", "body: is missing"),
        ("[1, 2]", "body: is not a JSON object"),
        ("productId=1", "body: is not a JSON object"),
        ("{", "body: EOF"),
        ("{} {}", "body: trailing characters"),
        ("{\"createBy\": \"\u{fffd}", "createBy: EOF"),
    ] {
        let desc = refused::<OperationalBody>(json);
        assert!(desc.starts_with(named), "{json} -> {desc}");
    }
    assert!(body::<TaskBody>(b"{\"jobName\": \"\xff\"}").is_err());
    assert!(body::<TaskBody>("[".repeat(100_000).as_bytes()).is_err());
    assert!(body::<TaskBody>(format!("{{\"x\":{}", "[".repeat(100_000)).as_bytes()).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = body::<OperationalBody>(&bytes);
    }
}
