//! A5-A10: the rules of client groups.

use serde_json::{Value, json};

use crate::{
    catalogue::{column, file, group_body, groups, make_group, published, sorts_by_every_column, version_body},
    world::{Person, World, failure},
};

#[tokio::test]
async fn what_cannot_be_made_is_refused_by_the_name_of_its_field() {
    let world = World::new().await;
    let file = file(&world, "acme", 1, 84).await;
    let at_group = |field: &str, value: Value| {
        let mut body = group_body("a");
        body[field] = value;
        json!({"mdmClientAppGroup": body, "mdmClientAppInfos": [version_body(&file, 1)]})
    };
    let at_version = |field: &str, value: Value| {
        let mut body = version_body(&file, 2);
        body[field] = value;
        json!({"mdmClientAppGroup": group_body("a"), "mdmClientAppInfos": [version_body(&file, 1), body]})
    };
    let classes = "mdmClientAppGroup.terminalClass: is 0 (direct) or 1 (extended)";
    for (body, message) in [
        (json!({}), "mdmClientAppGroup: is missing"),
        (json!({"mdmClientAppGroup": 5}), "mdmClientAppGroup: invalid type"),
        (at_group("name", Value::Null), "mdmClientAppGroup.name: is missing"),
        (at_group("name", "  ".into()), "mdmClientAppGroup.name: is missing"),
        (at_group("name", "x".repeat(129).into()), "name: is longer than 128 characters"),
        (at_group("name", "a\0".into()), "name: holds a NUL character"),
        (at_group("groupCode", "".into()), "mdmClientAppGroup.groupCode: is missing"),
        (at_group("groupCode", json!(["a"])), "mdmClientAppGroup.groupCode: invalid type"),
        (at_group("terminalClass", Value::Null), "mdmClientAppGroup.terminalClass: is missing"),
        (at_group("terminalClass", "2".into()), classes),
        (at_group("os", Value::Null), "mdmClientAppGroup.os: is missing"),
        (at_group("os", 51204.into()), "mdmClientAppGroup.os: is one of 51201"),
        (at_group("os", json!(51_201_i64 << 32)), "mdmClientAppGroup.os: is one of 51201"),
        (at_group("uiFamily", "a,b,c,d,e,f".into()), "mdmClientAppGroup.uiFamily: holds 6 labels, and may hold 5"),
        (
            at_group("uiFamily", "12345678901".into()),
            "mdmClientAppGroup.uiFamily: the label \"12345678901\" is longer than 10 characters",
        ),
        (at_version("appFileUuid", "x".into()), "mdmClientAppInfos[1].appFileUuid: is no UUID"),
        (at_version("appVersionCode", "x".into()), "mdmClientAppInfos[1].appVersionCode: is not a number"),
        (at_version("appVersionName", Value::Null), "mdmClientAppInfos[1].appVersionName: is missing"),
        (
            at_version("packageName", "other".into()),
            "packageName: the versions of this group are of com.example.client",
        ),
    ] {
        let refused = failure(400, world.json(&world.admin, "POST", &groups(""), &body).await);
        assert!(refused.starts_with(message), "{refused:?} is not {message:?}");
    }
    let twice = at_version("appVersionCode", 1.into());
    let refused = failure(409, world.json(&world.admin, "POST", &groups(""), &twice).await);
    assert_eq!(refused, "appVersionCode: the group has a version 1");
    let list = world.ok(&world.admin, "GET", &groups(""), &[]).await;
    assert_eq!(list, json!({"totalCount": 0, "pageCount": 0, "contentList": []}), "nothing is half made");

    // Numbers as text and text as numbers, as the document's neighbours have it.
    let loose = json!({"mdmClientAppGroup": {"name": 5, "groupCode": 6, "terminalClass": 0, "os": "51201"}});
    world.ok_json(&world.admin, "POST", &groups(""), &loose).await;
    let refused = failure(409, world.json(&world.admin, "POST", &groups(""), &loose).await);
    assert_eq!(refused, "groupCode: there is a group 6 already");
}

#[tokio::test]
async fn groups_are_searched_and_filtered() {
    let world = World::new().await;
    for (name, code, class, labels, os) in [
        ("Alpha", "one", "0", "COPE", 51201),
        ("beta", "two", "1", "BYOD", 51202),
        ("伽马", "alphabet", "1", "", 51201),
        ("delta", "four", "0", "alpha", 51205),
    ] {
        let body = json!({"name": name, "groupCode": code, "terminalClass": class, "uiFamily": labels, "os": os});
        make_group(&world, &world.admin, &body).await;
    }
    for (query, expected) in [
        (&[("filterText", "ALPHA")][..], &["one", "alphabet", "four"][..]),
        (&[("filterText", "伽")], &["alphabet"]),
        (&[("filterText", "%")], &[]),
        (&[("filterText", "")], &["one", "two", "alphabet", "four"]),
        (&[("terminalClass", "1")], &["two", "alphabet"]),
        (&[("os", "51201")], &["one", "alphabet"]),
        (&[("os", "51201"), ("terminalClass", "1"), ("filterText", "alpha")], &["alphabet"]),
    ] {
        let query = [query, &[("sortKey", "id"), ("sortValue", "54101")]].concat();
        let list = world.ok(&world.admin, "GET", &groups(""), &query).await;
        assert_eq!(column(&list["contentList"], "groupCode"), expected, "{query:?}");
        assert_eq!(list["totalCount"], expected.len(), "{query:?}");
    }
    for (query, field) in [
        ([("sortKey", "colour")], "sortKey"),
        ([("sortValue", "1")], "sortValue"),
        ([("pageNum", "0")], "pageNum"),
        ([("pageSize", "1001")], "pageSize"),
        ([("terminalClass", "2")], "terminalClass"),
        ([("os", "51204")], "os"),
        ([("os", "Android")], "os"),
        ([("filterText", &*"x".repeat(129))], "filterText"),
    ] {
        let refused = failure(400, world.call(&world.admin, "GET", &groups(""), &query).await);
        assert!(refused.starts_with(&format!("{field}: ")), "{query:?} {refused}");
    }
}

#[tokio::test]
async fn groups_are_paged_and_sorted_by_every_column() {
    let world = World::new().await;
    for (code, class, labels, os) in [
        ("c", "1", "x", 51202),
        ("a", "0", "", 51201),
        ("d", "1", "x,y", 51201),
        ("b", "0", "y", 51205),
        ("e", "0", "", 51203),
    ] {
        let name = format!("name {}", if code == "e" { "a" } else { code });
        let body = json!({"name": name, "groupCode": code, "terminalClass": class, "uiFamily": labels, "os": os});
        let (group, versions) = published(&world, &body, &[1], &["root"]).await;
        if code != "d" {
            let path = groups(&format!("/{group}/qr_codes"));
            world.ok(&world.admin, "PATCH", &path, &[("appId", &versions[0])]).await;
        }
    }
    let apart = "UPDATE client_groups SET created_at = now() - make_interval(hours => os - 51200),
        updated_at = now() - make_interval(days => (id % 3)::integer)";
    world.client().await.batch_execute(apart).await.unwrap();
    sorts_by_every_column(&world, &groups("")).await;

    let page = async |number: &str| {
        let query = [("sortKey", "groupCode"), ("sortValue", "54101"), ("pageSize", "2"), ("pageNum", number)];
        let page = world.ok(&world.admin, "GET", &groups(""), &query).await;
        assert_eq!((&page["totalCount"], &page["pageCount"]), (&json!(5), &json!(3)));
        column(&page["contentList"], "groupCode").into_iter().cloned().collect::<Vec<_>>()
    };
    assert_eq!([page("1").await, page("2").await, page("3").await], [vec!["a", "b"], vec!["c", "d"], vec!["e"]]);
    assert_eq!(page("4").await, [""; 0]);
    let newest_first = world.ok(&world.admin, "GET", &groups(""), &[]).await;
    let by_time =
        world.ok(&world.admin, "GET", &groups(""), &[("sortKey", "updateTime"), ("sortValue", "54102")]).await;
    assert_eq!(newest_first, by_time, "the order when nobody says so");
}

#[tokio::test]
async fn a_name_changes_when_there_is_one() {
    let world = World::new().await;
    let path = groups(&format!("/{}", make_group(&world, &world.admin, &group_body("a")).await));
    let name = async || world.ok(&world.admin, "GET", &path, &[]).await["name"].clone();
    world.form(&world.admin, "PATCH", &path, &[("name", " 表单 ")]).await;
    assert_eq!(name().await, "表单", "from a form");
    for nothing in [&[][..], &[("name", "")]] {
        assert_eq!(world.ok(&world.admin, "PATCH", &path, nothing).await, json!({}));
        assert_eq!(name().await, "表单");
    }
    let long = "x".repeat(129);
    let refused = failure(400, world.call(&world.admin, "PATCH", &path, &[("name", &long)]).await);
    assert_eq!(refused, "name: is longer than 128 characters");
}

#[tokio::test]
async fn a_qr_code_is_of_a_version_of_the_group() {
    let world = World::new().await;
    let (group, versions) = published(&world, &group_body("a"), &[1], &["root"]).await;
    let (_, others) = published(&world, &group_body("b"), &[1], &["root"]).await;
    let path = groups(&format!("/{group}/qr_codes"));
    for (query, message) in [
        (&[][..], "appId: is missing"),
        (&[("appId", "x")], "appId: is not a number in range"),
        (&[("appId", &*others[0])], "appId: is no version of this group"),
        (&[("appId", "404404")], "appId: is no version of this group"),
    ] {
        assert_eq!(failure(400, world.call(&world.admin, "PATCH", &path, query).await), message);
    }
    assert_eq!(world.ok(&world.admin, "GET", &groups("/qr_codes"), &[]).await, json!([]));
    assert_eq!(world.form(&world.admin, "PATCH", &path, &[("appId", &versions[0])]).await.1, json!({}));
    for (text, expected) in [("", 1), ("客户端 A", 1), ("nothing", 0)] {
        let found = world.ok(&world.admin, "GET", &groups("/qr_codes"), &[("filterText", text)]).await;
        assert_eq!(found.as_array().unwrap().len(), expected, "{text:?}");
    }
}

#[tokio::test]
async fn who_may_not_is_told_no_more_than_that() {
    let world = World::new().await;
    let (above, versions) = published(&world, &group_body("above"), &[1], &["root"]).await;
    let own = make_group(&world, &world.north, &group_body("own")).await;
    let codes = async |by: &Person| {
        let list = world.ok(by, "GET", &groups(""), &[("sortKey", "groupCode"), ("sortValue", "54101")]).await;
        column(&list["contentList"], "groupCode").into_iter().cloned().collect::<Vec<_>>()
    };
    assert_eq!(codes(&world.admin).await, ["above", "own"]);
    assert_eq!(codes(&world.north).await, ["above", "own"]);
    assert_eq!(codes(&world.south).await, ["above"], "a sibling's is unknown");
    assert_eq!(codes(&world.reader).await, ["above", "own"]);
    assert_eq!(codes(&world.stranger).await, [""; 0]);

    let qr = [("appId", versions[0].as_str())];
    let cases = [
        (&world.north, &own, 200, 200),
        (&world.north, &above, 200, 403),
        (&world.south, &own, 404, 404),
        (&world.reader, &own, 200, 403),
        (&world.stranger, &own, 404, 404),
        (&world.stranger, &above, 404, 404),
        (&world.admin, &"404404".to_owned(), 404, 404),
        (&world.admin, &"x".to_owned(), 404, 404),
        (&world.admin, &"99999999999999999999".to_owned(), 404, 404),
        (&world.admin, &"0".to_owned(), 404, 404),
    ];
    for (number, (by, group, read, write)) in (1000..).zip(cases) {
        let path = groups(&format!("/{group}"));
        let who = format!("{} {path}", by.operator.login_id);
        assert_eq!(world.call(by, "GET", &path, &[]).await.0, read, "{who}");
        assert_eq!(world.call(by, "GET", &format!("{path}/apps"), &[]).await.0, read, "{who}");
        assert_eq!(world.call(by, "PATCH", &path, &[("name", "n")]).await.0, write, "{who}");
        // The group that is its own has no version yet.
        let of_group = if write == 200 { 400 } else { write };
        assert_eq!(world.call(by, "PATCH", &format!("{path}/qr_codes"), &qr).await.0, of_group, "{who}");
        let file = file(&world, "acme", number, 84).await;
        let version = version_body(&file, 7);
        assert_eq!(world.json(by, "POST", &format!("{path}/apps"), &version).await.0, write, "{who}");
    }
    let made = json!({"mdmClientAppGroup": group_body("r")});
    let refused = failure(403, world.json(&world.reader, "POST", &groups(""), &made).await);
    assert_eq!(refused, "this operator may look and change nothing");
}
