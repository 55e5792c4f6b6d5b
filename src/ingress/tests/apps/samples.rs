//! The document's own samples, in `samples`: what they send is understood, and every answer has their fields, each of its
//! type, and no others; below both base paths.

use serde_json::json;

use crate::{
    packages::{APPS, apk, form, ipa, upload_to},
    shapes::{assert_like, sample},
    world::{World, success},
};

#[tokio::test]
async fn an_upload_is_answered_as_the_document_shows() {
    let world = World::new().await;
    for (base, package) in [("", "com.example.a"), ("/mdm", "com.example.b")] {
        let path = format!("{base}/apps/app/package");
        let first = form("7NQTest1.2.ipa", &ipa(package, "1.2.0", "12"), &[("type", "1")]);
        let saved = success(world.send(upload_to(&path, &world.admin, first)).await);
        assert_like("B1", &saved, &[&sample("package.answer.json")]);
        assert_eq!(saved["platform"], 2);
        let second = form("7NQTest1.3.ipa", &ipa(package, "1.3.0", "13"), &[("type", "1")]);
        let other = success(world.send(upload_to(&path, &world.admin, second)).await);
        assert_like("B1 704", &other, &[&sample("package_other.answer.json")]);
        let expected = json!({"fileName": "7NQTest1.3.ipa", "appIds": saved["appId"], "versions": "1.2.0", "message": 704,
            "appPath": other["appPath"], "platform": 2, "appName": format!("应用 {package}")});
        assert_eq!(other, expected);
        let save = json!({"appPath": other["appPath"], "replaceOrAdd": "2"});
        let added = success(world.json(&world.admin, "POST", &format!("{base}/apps/app"), &save).await);
        assert_like("X2", &added, &[&sample("package.answer.json")]);
    }
}

#[tokio::test]
async fn applications_are_added_edited_and_shown_as_the_document_does() {
    for base in ["", "/mdm"] {
        let world = World::new().await;
        let path = |rest: &str| format!("{base}/apps/{rest}");
        let category = world.category(&world.admin, "游戏", &[]).await.to_string();
        let with_category = |name: &str| {
            let mut body = sample(name);
            body["catesId"] = category.as_str().into();
            body
        };
        let weburl = with_category("weburl.request.json");
        let added = world.ok_json(&world.admin, "POST", &path("app/weburl"), &weburl).await;
        assert_like("B2", &added, &[&sample("weburl.answer.json")]);
        let store: i64 = added["appId"].as_str().unwrap().parse().unwrap();
        let uploaded = world.saved(&world.admin, "sleep.apk", &apk("com.secretlisa.sleep", "0.9.1", 2)).await;

        let detail = world.ok(&world.admin, "GET", &path(&format!("app/{store}")), &[]).await;
        assert_like("B4", &detail, &[&sample("detail.answer.json")]);
        let vo = &detail["appDetailVo"];
        assert_eq!((&vo["itunesStoreId"], &vo["price"]), (&json!(840_919_914), &json!("0.0")));
        assert_eq!((&vo["name"], &vo["pkgname"]), (&json!("2048"), &json!("id840919914")));
        assert_eq!((&vo["source"], &vo["osVersion"]), (&weburl["itunesUrl"], &json!("6.0")));
        assert_eq!((&vo["catesId"], &vo["cateName"]), (&json!(category), &json!("游戏")));

        let edit = with_category("edit.request.json");
        assert_eq!(world.ok_json(&world.admin, "PUT", &path(&format!("app/{uploaded}")), &edit).await, json!({}));
        let list = world.ok(&world.admin, "GET", &path("app"), &[]).await;
        assert_like("B6", &list, &[&sample("list.answer.json")]);
        assert_eq!((list["total"].as_i64(), list["rows"].as_array().map(Vec::len)), (Some(2), Some(2)));
        let row = &list["rows"][0];
        assert_eq!((&row["id"], &row["name"]), (&json!(uploaded), &json!("test")), "the newest first");
        assert_eq!((&row["company"], &row["description"]), (&json!("nationsky"), &json!("test update")));
        assert_eq!((&row["version"], &row["versionCode"]), (&json!("0.9.1"), &json!("2")));
        assert_eq!((&row["categoryName"], &row["platform"]), (&json!(["游戏"]), &json!(1)));
    }
}

#[tokio::test]
async fn categories_are_as_the_document_shows() {
    let world = World::new().await;
    let ids = [
        world.saved(&world.admin, "a.apk", &apk("com.example.a", "1", 1)).await,
        world.saved(&world.admin, "b.apk", &apk("com.example.b", "1", 1)).await,
    ];
    for base in ["", "/mdm"] {
        let path = format!("{base}/apps/category");
        let with_ids = |name: &str| {
            let mut body = sample(name);
            body["appIds"] = json!(ids);
            body
        };
        let body = with_ids("category.request.json");
        let made = world.ok_json(&world.admin, "POST", &path, &body).await;
        assert_like("B17", &made, &[&sample("category.answer.json")]);
        let list = world.ok(&world.admin, "GET", &path, &[("name", "分类")]).await;
        assert_like("B18", &list, &[&sample("category_list.answer.json")]);
        let row = &list["rows"][0];
        assert_eq!((&row["id"], &row["name"]), (&made["appCategoryId"], &json!("分类3")));
        let names = ids.map(
            |id| json!({"appId": id, "name": if id == ids[0] { "应用 com.example.a" } else { "应用 com.example.b" }}),
        );
        assert_eq!(row["appList"], json!(names));
        let one = format!("{path}/{}", made["appCategoryId"]);
        let edit = with_ids("category_edit.request.json");
        assert_eq!(world.ok_json(&world.admin, "PUT", &one, &edit).await, json!({}));
        assert_eq!(world.ok_json(&world.admin, "PUT", &one, &json!({"appIds": []})).await, json!({}));
        let list = world.ok(&world.admin, "GET", &path, &[("name", "分类55")]).await;
        assert_eq!((&list["total"], &list["rows"][0]["appList"]), (&json!(1), &json!([])));
        assert_eq!(world.ok(&world.admin, "DELETE", &one, &[]).await, json!({}));
        assert_eq!(world.ok(&world.admin, "GET", &path, &[]).await, json!({"total": 0, "rows": []}));
    }
    assert_eq!(world.rows(&world.admin, &[]).await.len(), 2, "{APPS} has them still");
}
