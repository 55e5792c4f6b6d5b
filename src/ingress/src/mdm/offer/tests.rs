use chrono::TimeDelta;
use drover_domain::{OperatorId, OrganisationId, OrganisationPath, Role, TenantId};
use drover_service::Organisation;
use serde_json::{Value, json};

use super::*;

/// 2027-01-15 08:00:00 UTC, 16:00 in the tenant's time.
fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn operator() -> Operator {
    let path = OrganisationPath::parse("/101/").unwrap();
    let (code, name) = ("root".to_owned(), "acme".to_owned());
    let (id, tenant) = (OrganisationId(101), TenantId(1));
    let organisation =
        Organisation { id, tenant, parent: None, code, name, path, created_at: now(), updated_at: now() };
    Operator {
        id: OperatorId(101),
        tenant,
        tenant_name: "acme".into(),
        utc_offset_minutes: 480,
        runs_installation: false,
        login_id: "admin".into(),
        name: "admin".into(),
        role: Role::TenantAdmin,
        organisation,
    }
}

fn read(call: Call, body: &Value) -> Result<PublishRequest, String> {
    let offer: Offer = read_json(body.to_string().as_bytes()).map_err(|error| error.to_string())?;
    offer.read(call, 1001, &operator(), now()).map_err(|error| error.to_string())
}

/// A body whose one target has this too.
fn with(field: &str, value: Value) -> Value {
    let mut body = json!({"applyTo": [{"targetId": "root", "targetType": 57215}]});
    body["applyTo"][0][field] = value;
    body
}

#[test]
fn a_short_body_means_now_and_for_ever() {
    let request = read(Call::Publish, &with("os", Value::Null)).unwrap();
    assert_eq!((request.force, request.distribute), (false, false));
    let plain = Target {
        organisation_code: "root".into(),
        expires_at: None,
        start_at: None,
        retry_limit: None,
        proof_required: false,
        os: None,
    };
    assert_eq!(request.targets, [plain]);
    assert!(read(Call::Distribute, &with("os", Value::Null)).unwrap().distribute);
}

#[test]
fn everything_that_can_be_said_is_understood() {
    let settings = r#"{"startTime": "2027-01-15 16:00:01", "retryTimes": "2", "proof": true}"#;
    let body = json!({"appId": 1001, "forceUpdate": "true", "distribute": 1, "applyTo": [{
        "targetId": 7, "targetType": "57215", "expirationTime": "1800000060000", "distributeSettings": settings, "os": 51205,
    }]});
    let request = read(Call::Publish, &body).unwrap();
    assert_eq!((request.force, request.distribute), (true, true));
    let target = &request.targets[0];
    assert_eq!(target.organisation_code, "7");
    assert_eq!(target.start_at, Some(now() + TimeDelta::seconds(1)), "in the tenant's time");
    assert_eq!(target.expires_at, Some(now() + TimeDelta::seconds(60)));
    assert_eq!((target.retry_limit, target.proof_required, target.os), (Some(2), true, Some(Os::Harmony)));
}

#[test]
fn whatever_is_wrong_is_named() {
    let settings = |text: &str| with("distributeSettings", json!(text));
    for (body, named) in [
        (json!({}), "applyTo"),
        (json!({"applyTo": []}), "applyTo"),
        (json!({"applyTo": vec![json!({"targetId": "root", "targetType": 57215}); 1001]}), "applyTo"),
        (json!({"applyTo": "root"}), "applyTo"),
        (json!({"appId": "17", "applyTo": [{"targetId": "root", "targetType": 57215}]}), "appId"),
        (json!({"forceUpdate": "perhaps", "applyTo": []}), "forceUpdate"),
        (json!({"apply_to": []}), "apply_to"),
        (with("targetType", json!(1)), "applyTo[0].targetType"),
        (with("targetType", Value::Null), "applyTo[0].targetType"),
        (with("targetId", json!("")), "applyTo[0].targetId"),
        (with("targetId", json!("a\0b")), "applyTo[0].targetId"),
        (with("targetId", json!("x".repeat(65))), "applyTo[0].targetId"),
        (with("expirationTime", json!(now().timestamp_millis())), "applyTo[0].expirationTime"),
        (with("expirationTime", json!(0)), "applyTo[0].expirationTime"),
        (with("expirationTime", json!(i64::MAX)), "applyTo[0].expirationTime"),
        (with("expirationTime", json!(253_402_300_800_000_i64)), "applyTo[0].expirationTime"),
        (with("os", json!(5)), "applyTo[0].os"),
        (with("distributeSetting", json!("")), "applyTo[0].distributeSetting"),
        (with("distributeSettings", json!({"retryTimes": 2})), "applyTo[0].distributeSettings"),
        (settings("tonight"), "applyTo[0].distributeSettings"),
        (settings("[]"), "applyTo[0].distributeSettings"),
        (settings("{} {}"), "applyTo[0].distributeSettings"),
        (settings(r#"{"starttime": "2027-01-15 18:00:00"}"#), "applyTo[0].distributeSettings.starttime"),
        (settings(r#"{"startTime": "2027-01-15 16:00:00"}"#), "applyTo[0].distributeSettings.startTime"),
        (settings(r#"{"startTime": "18:00"}"#), "applyTo[0].distributeSettings.startTime"),
        (settings(r#"{"startTime": ""}"#), "applyTo[0].distributeSettings.startTime"),
        (settings(r#"{"startTime": 5}"#), "applyTo[0].distributeSettings.startTime"),
        (settings(r#"{"retryTimes": 4}"#), "applyTo[0].distributeSettings.retryTimes"),
        (settings(r#"{"retryTimes": -1}"#), "applyTo[0].distributeSettings.retryTimes"),
        (settings(r#"{"proof": "maybe"}"#), "applyTo[0].distributeSettings.proof"),
    ] {
        let error = read(Call::Publish, &body).unwrap_err();
        assert!(error.starts_with(&format!("{named}: ")), "{body}: {error}");
    }
    let bare = read(Call::Publish, &with("distributeSettings", json!({"retryTimes": 2}))).unwrap_err();
    assert!(bare.starts_with("applyTo[0].distributeSettings: is not a JSON object in a string"), "{bare}");
    let second = json!({"applyTo": [{"targetId": "a", "targetType": 57215}, {"targetId": "b"}]});
    assert!(read(Call::Publish, &second).unwrap_err().starts_with("applyTo[1].targetType: "));
}

#[test]
fn a_distribution_that_distributes_nothing_is_refused() {
    let mut body = with("os", Value::Null);
    body["distribute"] = json!(false);
    assert!(read(Call::Distribute, &body).unwrap_err().starts_with("distribute: "));
    assert!(!read(Call::Publish, &body).unwrap().distribute);
}
