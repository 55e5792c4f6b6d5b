//! Files, groups, versions and devices for tests, made as their callers make them.

use drover_domain::{ClientVersionId, JobId};
use drover_service::{CredentialKind, PublishRequest, Target};
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{CLIENT_UPGRADE, Person, World, request, success};

/// The address of groups, or of something below it.
pub(crate) fn groups(rest: &str) -> String {
    format!("{CLIENT_UPGRADE}/groups{rest}")
}

/// The address of versions.
pub(crate) fn apps(rest: &str) -> String {
    format!("{CLIENT_UPGRADE}/apps{rest}")
}

/// A file of the first tenant, or with another `tenant` of another one's. The number makes its bytes its own.
pub(crate) async fn file(world: &World, tenant: &str, number: u32, size_bytes: i64) -> String {
    let sql = "INSERT INTO files (id, tenant_id, sha256, md5, size_bytes, file_name, object_path)
        SELECT gen_random_uuid(), id, lpad($2, 64, '0'), repeat('0', 32), $3, 'client ' || $2 || '.apk', name || $2 FROM tenants
        WHERE name = $1 RETURNING id::text";
    let client = world.client().await;
    client.query_one(sql, &[&tenant, &number.to_string(), &size_bytes]).await.unwrap().get(0)
}

/// The body of a group that can be made.
pub(crate) fn group_body(code: &str) -> Value {
    json!({"name": format!("客户端 {code}"), "groupCode": code, "terminalClass": "0", "uiFamily": "COPE,BYOD", "os": 51201})
}

/// The body of a version that can be added.
pub(crate) fn version_body(file: &str, code: i32) -> Value {
    json!({"appFileUuid": file, "packageName": "com.example.client", "appVersionCode": code,
        "appVersionName": format!("1.{code}")})
}

/// Makes a group, and returns its id.
pub(crate) async fn make_group(world: &World, by: &Person, body: &Value) -> String {
    let made = world.ok_json(by, "POST", &groups(""), &json!({ "mdmClientAppGroup": body })).await;
    assert_eq!(made, json!({}));
    let code = body["groupCode"].as_str().unwrap();
    let found = world.ok(by, "GET", &groups(""), &[("filterText", code), ("sortKey", "id")]).await;
    found["contentList"][0]["id"].as_str().unwrap().to_owned()
}

/// Adds a version, and returns its id.
pub(crate) async fn add_version(world: &World, by: &Person, group: &str, body: &Value) -> String {
    let path = groups(&format!("/{group}/apps"));
    assert_eq!(world.ok_json(by, "POST", &path, body).await, json!({}));
    let newest = world.ok(by, "GET", &path, &[("sortKey", "id"), ("pageSize", "1")]).await;
    newest["contentList"][0]["id"].as_str().unwrap().to_owned()
}

/// A group of the first tenant's administrator with a version for each code, published to organisations.
pub(crate) async fn published(world: &World, body: &Value, codes: &[i32], to: &[&str]) -> (String, Vec<String>) {
    let group = make_group(world, &world.admin, body).await;
    let number = group.parse::<u32>().unwrap();
    let file = file(world, "acme", number, 84).await;
    let mut versions = Vec::new();
    for code in codes {
        let version = add_version(world, &world.admin, &group, &version_body(&file, *code)).await;
        publish(world, &version, to).await;
        versions.push(version);
    }
    (group, versions)
}

/// Publishes a version to organisations.
pub(crate) async fn publish(world: &World, version: &str, to: &[&str]) -> JobId {
    let (id, request) = (ClientVersionId(version.parse().unwrap()), wish(to, false));
    world.service.publish_version(&world.admin.operator, id, request, trace()).await.unwrap()
}

/// Distributes a published version to organisations.
pub(crate) async fn distribute(world: &World, version: &str, to: &[&str], force: bool) {
    let (id, request) = (ClientVersionId(version.parse().unwrap()), wish(to, force));
    world.service.distribute_version(&world.admin.operator, id, request, trace()).await.unwrap();
}

fn wish(to: &[&str], force: bool) -> PublishRequest {
    let target = |code: &&str| Target {
        organisation_code: (*code).to_owned(),
        expires_at: None,
        start_at: None,
        retry_limit: None,
        proof_required: false,
        os: None,
    };
    PublishRequest { force, distribute: false, targets: to.iter().map(target).collect() }
}

fn trace() -> drover_messages::TraceContext {
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap()
}

/// A device with a token.
pub(crate) struct Device {
    pub(crate) uuid: String,
    pub(crate) token: String,
}

/// A device of an organisation.
pub(crate) async fn device(world: &World, uuid: &str, organisation: &str, os: i32) -> Device {
    let sql = "INSERT INTO devices (tenant_id, organisation_id, uuid, os)
        SELECT tenant_id, id, $1, $3 FROM organisations WHERE code = $2 AND tenant_id = (SELECT id FROM tenants WHERE name = 'acme')";
    assert_eq!(world.client().await.execute(sql, &[&uuid, &organisation, &os]).await.unwrap(), 1);
    let issued = world.service.add_credential("acme", CredentialKind::Device, Some(uuid)).await.unwrap();
    Device { uuid: uuid.to_owned(), token: issued.secret.expose().to_owned() }
}

/// What a device's question is answered with: parameters in the query.
pub(crate) async fn asked(world: &World, device: &Device, path: &str, query: &[(&str, &str)]) -> (StatusCode, Value) {
    let query = [query, &[("deviceUuid", device.uuid.as_str())]].concat();
    let target = format!("/mdm/v1/devices_client/{path}?{}", crate::world::encoded(&query));
    world.send(request("POST", &target).token(&device.token).empty()).await
}

/// The same for a question that is answered.
pub(crate) async fn ask(world: &World, device: &Device, path: &str, query: &[(&str, &str)]) -> Value {
    success(asked(world, device, path, query).await)
}

/// The texts of one field in a list.
pub(crate) fn column<'a>(list: &'a Value, field: &str) -> Vec<&'a Value> {
    list.as_array().unwrap().iter().map(|row| &row[field]).collect()
}

/// Whether a list sorted by each of its fields is in that order, both ways; what is equal goes by id.
pub(crate) async fn sorts_by_every_column(world: &World, path: &str) {
    let all = world.ok(&world.admin, "GET", path, &[("pageSize", "100")]).await;
    let rows = all["contentList"].as_array().unwrap();
    assert!(rows.len() > 3, "{all}");
    for field in rows[0].as_object().unwrap().keys() {
        let whole = |value: &Value| value.as_i64().or(value.as_bool().map(i64::from)).unwrap_or(0);
        let number = |row: &Value, field: &str| row[field].as_str().and_then(|text| text.parse::<i64>().ok());
        // A target is named by its organisation's code.
        let is_id = field.to_lowercase().ends_with("id") && !field.ends_with("Uuid") && field != "targetId";
        let mut expected = rows.clone();
        expected.sort_by_key(|row| {
            let value = &row[field];
            let of_number = if is_id { number(row, field).unwrap_or(0) } else { whole(value) };
            let of_text = if is_id { String::new() } else { value.as_str().unwrap_or_default().to_owned() };
            (of_number, of_text, number(row, "id"))
        });
        for sort_value in ["54101", "54102"] {
            let order = [("sortKey", field.as_str()), ("sortValue", sort_value), ("pageSize", "100")];
            let sorted = world.ok(&world.admin, "GET", path, &order).await;
            assert_eq!(column(&sorted["contentList"], "id"), column(&json!(expected), "id"), "{field} {sort_value}");
            expected.reverse();
        }
    }
}
