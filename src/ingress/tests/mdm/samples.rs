//! The document's own samples of A1-A12 and A16, as `document` has those of the other calls.

use serde_json::{Value, json};

use crate::{
    catalogue::{add_version, apps, ask, device, file, group_body, groups, make_group, publish, published},
    document::{assert_like, sample},
    world::{World, failure},
};

/// The sample with what cannot be taken literally replaced: it is random text where only a few words are allowed.
fn allowed(mut request: Value, file: &str) -> Value {
    let group = &mut request["mdmClientAppGroup"];
    (group["terminalClass"], group["os"]) = ("1".into(), 51201.into());
    let version = &mut request["mdmClientAppInfos"][0];
    (version["appFileUuid"], version["appIconUuid"]) = (file.into(), file.into());
    request
}

#[tokio::test]
async fn a_group_is_made_and_shown() {
    let world = World::new().await;
    let file = file(&world, "acme", 1, 406).await;
    let literal = sample("create_group.request.json");
    let refused = failure(400, world.json(&world.admin, "POST", &groups(""), &literal).await);
    assert_eq!(refused, "mdmClientAppGroup.terminalClass: is 0 (direct) or 1 (extended)");
    let request = allowed(literal, &file);
    assert_eq!(world.ok_json(&world.admin, "POST", &groups(""), &request).await, json!({}));

    let list = world.ok(&world.admin, "GET", &groups(""), &[]).await;
    assert_like("A5", &list, &sample("groups.answer.json"));
    assert_eq!((&list["totalCount"], &list["pageCount"]), (&json!(1), &json!(1)));
    let id = list["contentList"][0]["id"].as_str().unwrap();
    let group = world.ok(&world.admin, "GET", &groups(&format!("/{id}")), &[]).await;
    assert_like("A8", &group, &sample("group.answer.json"));
    assert_eq!(group, list["contentList"][0]);
    let sent = &request["mdmClientAppGroup"];
    for field in ["name", "groupCode", "terminalClass", "uiFamily", "os"] {
        assert_eq!(group[field], sent[field], "{field}");
    }
    for field in ["id", "createTime", "updateTime", "appVersionId", "qrCodeUrl"] {
        assert_ne!(group[field], sent[field], "{field} is ours to set");
    }

    let versions = world.ok(&world.admin, "GET", &groups(&format!("/{id}/apps")), &[]).await;
    assert_like("A12", &versions, &sample("apps.answer.json"));
    let version = &versions["contentList"][0];
    let sent = &request["mdmClientAppInfos"][0];
    for field in ["appFileUuid", "packageName", "appName", "appIconUuid", "appVersionCode", "appVersionName", "appSize"]
    {
        assert_eq!(version[field], sent[field], "{field}");
    }
    assert_eq!((&version["updateInfo"], &version["remark"]), (&sent["updateInfo"], &sent["remark"]));
    let own = (&version["groupId"], &version["status"], &version["default"], &version["forceUpdate"]);
    assert_eq!(own, (&json!(id), &json!("1"), &json!(false), &json!(false)));
    assert_eq!((&version["os"], &version["appUiFamily"]), (&json!(51201), &json!("6veavw")), "those of the group");
    assert_eq!((&version["orgCode"], &version["tenantId"]), (&json!("root"), &json!(tenant_id(&world))));
}

fn tenant_id(world: &World) -> String {
    world.admin.operator.tenant.to_string()
}

#[tokio::test]
async fn a_version_is_uploaded_and_shown() {
    let world = World::new().await;
    let group = make_group(&world, &world.admin, &group_body("35020")).await;
    let mut request = sample("upload.request.json");
    let path = groups(&format!("/{group}/apps"));
    let refused = failure(400, world.json(&world.admin, "POST", &path, &request).await);
    assert_eq!(refused, "appFileUuid: there is no file efdc2719-31ee-4170-aaf8-9371907d49a6");
    let file = file(&world, "acme", 1, 569).await;
    (request["appFileUuid"], request["appIconUuid"]) = (file.as_str().into(), "".into());
    let id = add_version(&world, &world.admin, &group, &request).await;
    let version = world.ok(&world.admin, "GET", &apps(&format!("/{id}")), &[]).await;
    assert_like("A16", &version, &sample("app.answer.json"));
    assert_eq!((&version["id"], &version["appIconUuid"]), (&json!(id), &json!("")));
}

#[tokio::test]
async fn a_group_is_renamed_and_given_a_qr_code() {
    let world = World::new().await;
    let (group, versions) = published(&world, &group_body("a"), &[1], &["root"]).await;
    let path = groups(&format!("/{group}"));
    assert_eq!(world.ok(&world.admin, "PATCH", &path, &[("name", "新名")]).await, json!({}));
    let qr = groups(&format!("/{group}/qr_codes"));
    assert_eq!(world.ok(&world.admin, "PATCH", &qr, &[("appId", &versions[0])]).await, json!({}));
    let list = world.ok(&world.admin, "GET", &groups("/qr_codes"), &[]).await;
    assert_like("A10", &list, &json!([sample("qr_codes.answer.json")]));
    assert_eq!((&list[0]["name"], &list[0]["appVersionId"]), (&json!("新名"), &json!(versions[0])));
    let url = list[0]["qrCodeUrl"].as_str().unwrap();
    assert!(url.starts_with("http://drover.test/get/") && url.ends_with("/qr.png"), "{url}");
}

#[tokio::test]
async fn devices_are_answered() {
    let world = World::new().await;
    let mut extended = group_body("ext");
    extended["terminalClass"] = "1".into();
    let (_, versions) = published(&world, &extended, &[3], &["root"]).await;
    publish(&world, &versions[0], &["north"]).await;
    let device = device(&world, "d-1", "north-1", 51201).await;
    let list = ask(&world, &device, "ext/apps", &[]).await;
    assert_like("A1", &list, &sample("ext_apps.answer.json"));
    let one = ask(&world, &device, "ext/app", &[("appId", &versions[0])]).await;
    assert_like("A2", &one, &sample("ext_app.answer.json"));
    let check = [("appVersionCode", "-1"), ("groupCode", "ext")];
    let newer = ask(&world, &device, "v2/check_app_version", &check).await;
    assert_like("A3", &newer, &sample("check_app_version.answer.json"));
    let old =
        [("appVersionCode", "-1"), ("os", "51201"), ("packageName", "com.example.client"), ("appUiFamily", "COPE")];
    let newest = ask(&world, &device, "check_app_version", &old).await;
    assert_like("A4", &newest, &sample("app.answer.json"));
    assert_eq!(newest, newer["mdmClientAppInfos"][0]);
}
