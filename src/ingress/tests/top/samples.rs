//! The document's samples: its request is understood, and its answers have their fields in order, each of its type.

use serde_json::Value;

use crate::{
    published::Publisher,
    world::{Answer, World},
    xml::Element,
};

fn sample(text: &str) -> Element {
    let mut sample = Element::parse(text);
    unindent(&mut sample);
    sample
}

fn unindent(element: &mut Element) {
    if !element.children.is_empty() {
        element.text.clear();
    }
    element.children.iter_mut().for_each(unindent);
}

/// The names of a JSON object in the order in which they are written.
fn names_in_order(text: &str, names: &[&str]) -> bool {
    let places: Vec<_> = names.iter().map(|name| text.find(&format!("\"{name}\":"))).collect();
    places.iter().all(Option::is_some) && places.is_sorted()
}

async fn ask(world: &World, changed: &[(&str, &str)]) -> Answer {
    let documented = [
        ("device_id", "ASUmlasdifa"),
        ("device_type", "10012"),
        ("old_versions", r#"{"packageName":"aaa", "versionCode": 111}"#),
        ("org_infos", r#"{"l3Code": "8007"}"#),
        ("attributes", r#"{"aaa":"bbb"}"#),
    ];
    world.post(&world.check(&[&documented, changed].concat())).await
}

#[tokio::test]
async fn the_documents_request_is_answered_as_its_sample_shows() {
    let world = World::new().await;
    let publisher = Publisher::new(&world).await;
    publisher.published(&publisher.group().await, 100).await;
    let wanted = sample(include_str!("samples/answer.xml"));

    let xml = ask(&world, &[("format", "xml")]).await.xml();
    xml.assert_like(&wanted);
    let entry = &wanted.get("data").children[0];
    let names: Vec<&str> = entry.children.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names.len(), 15);

    let answer = ask(&world, &[("format", "json")]).await;
    let found = &answer.response()["data"]["object"][0];
    assert_eq!(found.as_object().unwrap().len(), names.len(), "{found}");
    assert!(names_in_order(&answer.text(), &names), "{}", answer.text());
    for field in &entry.children {
        let value = &found[&field.name];
        let is_like = match field.name.as_str() {
            "auto_install" => value.is_boolean(),
            "version_code" | "size" | "status" | "uninstall_type" | "platform" => value.is_i64(),
            _ => value.is_string(),
        };
        assert!(is_like, "{}: {value}", field.name);
    }
    // Both languages say the same.
    for field in &xml.get("data").children[0].children {
        let said = match &found[&field.name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        assert!(field.text == said || field.name.ends_with("_url"), "{}: {} and {said}", field.name, field.text);
    }
    assert_eq!(xml.get("data").children[0].get("app_name").text, "测试 <应用> & \"Co\"");
}

#[tokio::test]
async fn the_documents_error_is_answered_as_its_sample_shows() {
    let world = World::new().await;
    let wanted = sample(include_str!("samples/error.xml"));
    let error = ask(&world, &[("format", "xml"), ("old_versions", "x")]).await.xml();
    error.assert_like(&wanted);
    for name in ["code", "msg", "sub_code"] {
        assert_eq!(error.get(name), wanted.get(name));
    }
    let answer = ask(&world, &[("attributes", "[]")]).await;
    let json = answer.json();
    let error = &json["error_response"];
    assert_eq!((&error["code"], &error["msg"]), (&50.into(), &"Remote service error".into()));
    assert_eq!(
        (&error["sub_code"], &error["request_id"]),
        (&"isv.invalid-parameter".into(), &"0000000000000007".into())
    );
    assert!(names_in_order(&answer.text(), &["code", "msg", "sub_code", "sub_msg", "request_id"]), "{json}");
}
