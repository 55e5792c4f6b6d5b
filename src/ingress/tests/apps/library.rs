//! The list of applications, and what is said of them.

use serde_json::{Value, json};

use crate::{
    packages::{APPS, apk, ipa},
    world::{World, success},
};

fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["pkgname"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_list_is_narrowed_and_windowed() {
    let world = World::new().await;
    let admin = &world.admin;
    let a = world.saved(admin, "a.apk", &apk("com.example.a", "1.0", 1)).await;
    let fields = [("type", "2"), ("Company", "100%_Pure")];
    success(world.upload(admin, "b.apk", &apk("com.example.b", "1.0", 1), &fields).await);
    world.saved(admin, "c.ipa", &ipa("com.example.c", "1.0", "1")).await;
    let category = world.category(admin, "one", &[a]).await.to_string();
    for (query, expected) in [
        (vec![], vec!["com.example.c", "com.example.b", "com.example.a"]),
        (vec![("limit", "1")], vec!["com.example.c"]),
        (vec![("offset", "1"), ("limit", "2")], vec!["com.example.b", "com.example.a"]),
        (vec![("offset", "3")], vec![]),
        (vec![("search_platform", "2")], vec!["com.example.c"]),
        (vec![("search_type", "2")], vec!["com.example.b"]),
        (vec![("search_category", category.as_str())], vec!["com.example.a"]),
        (vec![("search_category", "999999")], vec![]),
        (vec![("search_domaintype", "0")], vec!["com.example.c", "com.example.b", "com.example.a"]),
        (vec![("search_domaintype", "2")], vec![]),
        (vec![("search_nameOrComp", "EXAMPLE.C")], vec!["com.example.c"]),
        (vec![("search_nameOrComp", "0%_p")], vec!["com.example.b"]),
        (vec![("search_nameOrComp", "%")], vec!["com.example.b"]),
        (vec![("search_nameOrComp", "_")], vec!["com.example.b"]),
        (vec![("search_platform", "1"), ("search_type", "1")], vec!["com.example.a"]),
    ] {
        assert_eq!(names(&world.rows(admin, &query).await), expected, "{query:?}");
        let form = success(world.form(admin, "GET", APPS, &query).await);
        assert_eq!(names(form["rows"].as_array().unwrap()), expected, "as a form: {query:?}");
    }
    let page = world.ok(admin, "GET", APPS, &[("limit", "1")]).await;
    assert_eq!(page["total"], 3, "of the whole list");
}

#[tokio::test]
async fn counts_and_times_come_from_pushes() {
    let world = World::new().await;
    let id = world.saved(&world.admin, "a.apk", &apk("com.example.a", "1.0", 1)).await;
    let other = world.saved(&world.admin, "b.apk", &apk("com.example.b", "1.0", 1)).await;
    let (tenant, organisation, operator) = {
        let operator = &world.admin.operator;
        (operator.tenant.0, operator.organisation.id.0, operator.id.0)
    };
    let client = world.client().await;
    let tallies =
        "INSERT INTO app_tallies (application_id, shard, pushed, installed) VALUES ($1, 0, 3, 1), ($1, 1, 4, 2)";
    client.execute(tallies, &[&id]).await.unwrap();
    let assign = "INSERT INTO assignments
            (tenant_id, application_id, organisation_id, operator_id, is_required, relationships, start_at, ended_at)
        SELECT $1, $2, $3, $4, true, '{1}', now() + given.start_in, CASE WHEN given.is_ended THEN now() END
        FROM (VALUES (interval '-1 hour', false), ('2 hours', false), ('3 hours', false), ('1 hour', true))
            given (start_in, is_ended)";
    client.execute(assign, &[&tenant, &id, &organisation, &operator]).await.unwrap();
    let shown =
        "SELECT to_char((start_at AT TIME ZONE 'UTC') + interval '8 hours', 'YYYY-MM-DD HH24:MI:SS') FROM assignments
        WHERE start_at > now() AND ended_at IS NULL ORDER BY start_at LIMIT 1";
    let starts: String = client.query_one(shown, &[]).await.unwrap().get(0);
    let rows = world.rows(&world.admin, &[]).await;
    let counts =
        |row: &Value| json!([row["id"], row["pushCount"], row["installCount"], row["startTime"], row["status"]]);
    assert_eq!(counts(&rows[0]), json!([other, 0, 0, null, 0]));
    assert_eq!(counts(&rows[1]), json!([id, 7, 3, starts, 0]));
    assert_eq!(world.detail(&world.admin, id).await["startTime"], starts);
    client.execute("UPDATE applications SET removing_at = now() WHERE id = $1", &[&id]).await.unwrap();
    assert_eq!(world.detail(&world.admin, id).await["status"], 1);
    client.execute("UPDATE applications SET deleted_at = now() WHERE id = $1", &[&id]).await.unwrap();
    assert_eq!(names(&world.rows(&world.admin, &[]).await), ["com.example.b"]);
}

#[tokio::test]
async fn an_edit_changes_what_it_names_and_nothing_else() {
    let world = World::new().await;
    let id = world.saved(&world.admin, "a.ipa", &ipa("com.example.a", "1.0", "1")).await;
    let one = world.category(&world.admin, "one", &[id]).await;
    let two = world.category(&world.admin, "two", &[]).await;
    let path = format!("{APPS}/{id}");
    let edit = async |body: Value| {
        assert_eq!(world.ok_json(&world.admin, "PUT", &path, &body).await, json!({}));
        world.detail(&world.admin, id).await
    };
    let before = world.detail(&world.admin, id).await;
    assert_eq!(edit(json!({})).await["name"], before["name"]);
    let found = edit(json!({"osVersion": "15.1", "modelType": 20, "Company": "C", "name": " n "})).await;
    assert_eq!(json!([found["osVersion"], found["company"], found["name"]]), json!(["15.1", "C", "n"]));
    assert_eq!((&found["catesId"], &found["description"]), (&json!(one.to_string()), &json!("")));
    let types = "SELECT model_types FROM applications WHERE id = $1";
    let types: Vec<i16> = world.client().await.query_one(types, &[&id]).await.unwrap().get(0);
    assert_eq!(types, [20]);
    let found = edit(json!({"catesId": format!("{two},{one}")})).await;
    assert_eq!((&found["catesId"], &found["cateName"]), (&json!(format!("{one},{two}")), &json!("one,two")));
    let found = edit(json!({"catesId": two})).await;
    assert_eq!(found["cateName"], "two");
    let found = edit(json!({"catesId": "", "description": ""})).await;
    assert_eq!((&found["catesId"], &found["cateName"], &found["company"]), (&Value::Null, &json!(""), &json!("C")));
}
