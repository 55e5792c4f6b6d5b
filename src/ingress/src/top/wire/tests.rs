//! Both writers over one tree.

use proptest::prelude::*;

use super::*;

fn document() -> Document {
    let item = |n| Value::Object(vec![("n", Value::Number(n)), ("text", Value::text("a<b>&\"中\r\n"))]);
    let fields =
        vec![("data", Value::List { item: "object", items: vec![item(1), item(-2)] }), ("succeed", Value::Bool(true))];
    Document::of("wdk.rex.x", fields)
}

#[test]
fn xml_is_escaped_and_in_order() {
    assert_eq!(
        document().xml(),
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<wdk_rex_x_response><data>\
        <object><n>1</n><text>a&lt;b&gt;&amp;\"中&#13;\n</text></object>\
        <object><n>-2</n><text>a&lt;b&gt;&amp;\"中&#13;\n</text></object>\
        </data><succeed>true</succeed></wdk_rex_x_response>"
    );
}

#[test]
fn json_has_a_root_and_names_its_items_unless_it_is_simple() {
    let text = r#""a<b>&\"中\r\n""#;
    assert_eq!(
        document().json(false, "r1"),
        format!(
            r#"{{"wdk_rex_x_response":{{"data":{{"object":[{{"n":1,"text":{text}}},{{"n":-2,"text":{text}}}]}},"succeed":true,"request_id":"r1"}}}}"#
        )
    );
    assert_eq!(
        document().json(true, "r1"),
        format!(r#"{{"data":[{{"n":1,"text":{text}}},{{"n":-2,"text":{text}}}],"succeed":true,"request_id":"r1"}}"#)
    );
}

#[test]
fn an_error_keeps_its_root_and_an_empty_list_is_one() {
    let error = Document::error(vec![("code", Value::Number(7))]);
    for is_simple in [false, true] {
        assert_eq!(error.clone().json(is_simple, "r"), r#"{"error_response":{"code":7,"request_id":"r"}}"#);
    }
    let empty = Document::of("m", vec![("data", Value::List { item: "object", items: vec![] })]);
    assert!(empty.xml().ends_with("<m_response><data></data></m_response>"));
    assert_eq!(empty.clone().json(false, "r"), r#"{"m_response":{"data":{"object":[]},"request_id":"r"}}"#);
    assert_eq!(empty.json(true, "r"), r#"{"data":[],"request_id":"r"}"#);
}

#[test]
fn a_query_that_is_no_good_still_says_its_format() {
    for (query, format) in [
        ("format=json", Format::Json),
        ("a=%ff&format=JSON&a=1", Format::Json),
        ("format=xml&format=json", Format::Xml),
        ("format=yaml", Format::Xml),
        ("xformat=json", Format::Xml),
        ("", Format::Xml),
    ] {
        assert_eq!(Style::of_query(query).format, format, "{query}");
    }
}

proptest! {
    #[test]
    fn any_text_reads_back(text in any::<String>()) {
        let document = Document::of("m", vec![("text", Value::text(text.clone()))]);
        let json: serde_json::Value = serde_json::from_str(&document.clone().json(true, "")).unwrap();
        prop_assert_eq!(&json["text"], &text);
        let xml = document.xml();
        let escaped = xml.split_once("<text>").and_then(|(_, rest)| rest.split_once("</text>")).unwrap().0;
        prop_assert_eq!(quick_xml::escape::unescape(escaped).unwrap().into_owned(), speakable(&text));
    }
}
