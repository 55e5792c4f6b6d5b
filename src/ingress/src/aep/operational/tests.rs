//! The lists of D9.

use drover_domain::DeviceId;

use super::*;

fn join(protocol: Protocol, json: &str) -> Result<(&'static str, Join), String> {
    devices(protocol, wire::body(json.as_bytes()).unwrap()).map_err(|error| error.desc())
}

fn named(ids: &[&str]) -> Join {
    Join::Devices(ids.iter().map(|id| (*id).to_owned()).collect())
}

#[test]
fn each_protocol_has_its_list_and_takes_the_other() {
    let both = r#"{"deviceIdList": "a, b,a", "deviceInfoList": [{"deviceId": "c"}, {"deviceId": 7}]}"#;
    assert_eq!(join(Protocol::TLink, both).unwrap(), ("deviceIdList", named(&["a", "b"])));
    assert_eq!(join(Protocol::Mqtt, both).unwrap(), ("deviceIdList", named(&["a", "b"])));
    assert_eq!(join(Protocol::Lwm2m, both).unwrap(), ("deviceInfoList", named(&["c", "7"])));
    assert_eq!(join(Protocol::Lwm2m, r#"{"deviceIdList": "a"}"#).unwrap().1, named(&["a"]));
    let empty_own = r#"{"deviceIdList": "", "deviceInfoList": [{"deviceId": "c"}]}"#;
    assert_eq!(join(Protocol::TLink, empty_own).unwrap().1, named(&["c"]));
}

#[test]
fn a_star_alone_is_everyone() {
    assert_eq!(join(Protocol::TLink, r#"{"deviceIdList": "*"}"#).unwrap().1, Join::Everyone);
    assert_eq!(join(Protocol::Lwm2m, r#"{"deviceInfoList": [{"deviceId": "*"}]}"#).unwrap().1, Join::Everyone);
    assert!(join(Protocol::TLink, r#"{"deviceIdList": "a,*"}"#).is_err());
}

#[test]
fn a_list_that_is_missing_empty_or_malformed_is_refused() {
    for (json, start) in [
        ("{}", "deviceInfoList: is missing"),
        (r#"{"deviceInfoList": []}"#, "deviceInfoList: is missing"),
        (r#"{"deviceInfoList": [{}]}"#, "deviceInfoList: entry 1 (\"\")"),
        (r#"{"deviceInfoList": [{"deviceId": "a"}, {"deviceId": ""}]}"#, "deviceInfoList: entry 2"),
        (r#"{"deviceIdList": "a,,b"}"#, "deviceIdList: entry 2"),
        (r#"{"deviceIdList": "a,b,"}"#, "deviceIdList: entry 3"),
        (r#"{"deviceIdList": "devices.#"}"#, "deviceIdList: entry 1"),
        (r#"{"deviceIdList": "a\u0000b"}"#, "deviceIdList: entry 1 (\"a\\0b\")"),
    ] {
        let error = join(Protocol::Lwm2m, json).unwrap_err();
        assert!(error.starts_with(start), "{json} -> {error}");
    }
}

#[test]
fn the_largest_list_is_taken_and_one_more_is_not() {
    let ids = |count: usize| -> Vec<String> { (1..=count).map(|id| id.to_string()).collect() };
    let body = |count| format!(r#"{{"deviceIdList": "{}"}}"#, ids(count).join(","));
    let (_, Join::Devices(joined)) = join(Protocol::TLink, &body(MAX_IDS)).unwrap() else { panic!("a list") };
    assert_eq!(joined.len(), MAX_IDS);
    assert!(join(Protocol::TLink, &body(MAX_IDS + 1)).unwrap_err().contains("more than 100000"));
}

#[test]
fn subtasks_belong_to_their_task() {
    let id = |job, device| CommandId { job: JobId(job), device: DeviceId(device) };
    let (one, two, strange) = (id(7, 1).to_i64(), id(7, 2).to_i64(), id(8, 1).to_i64());
    let of = |list: &str| commands(JobId(7), Some(list.to_owned()));
    assert_eq!(of(&format!("{two}, {one},{two}")).unwrap(), [id(7, 1), id(7, 2)]);
    for (list, expected) in [
        (strange.to_string(), format!("subtask {strange} does not exist in job 7")),
        ("59".into(), "subtask 59 does not exist in job 7".into()),
        (format!("{one},-5"), "subtask -5 does not exist in job 7".into()),
        (format!("{one},"), "taskIdList: entry 2 (\"\") is not a number".into()),
        ("x".into(), "taskIdList: entry 1 (\"x\") is not a number".into()),
        (" ".into(), "taskIdList: is missing or empty".into()),
    ] {
        assert_eq!(of(&list).unwrap_err().desc(), expected);
    }
    assert!(commands(JobId(7), None).is_err());
}
