//! One entry of the answer, in the document's names and numbers.

use drover_domain::Os;
use drover_service::Software;

use crate::top::wire::Value;

/// What is published is 1; nothing else is ever answered.
const PUBLISHED: i64 = 1;

/// An entry, field by field in the document's order. What there is not is an empty text.
pub(super) fn view(software: Software) -> Value {
    Value::Object(vec![
        ("package_name", Value::Text(software.package)),
        ("app_name", Value::Text(software.name)),
        ("auto_install", Value::Bool(software.is_auto_install)),
        ("md5", Value::Text(software.md5)),
        ("icon_url", Value::Text(software.icon_url.unwrap_or_default())),
        ("version_name", Value::Text(software.version_name)),
        ("version_code", Value::Number(software.version_code)),
        ("update_desc", Value::Text(software.description)),
        ("size", Value::Number(software.size_bytes)),
        ("qrcode", Value::Text(software.qr_url.unwrap_or_default())),
        ("status", Value::Number(PUBLISHED)),
        ("download_url", Value::Text(software.file_url)),
        ("config_json", Value::Text(software.settings)),
        ("uninstall_type", Value::Number(software.is_rollback.into())),
        ("platform", Value::Number(platform(software.os))),
    ])
}

/// The document's number of an operating system; it names Android's only.
const fn platform(os: Os) -> i64 {
    match os {
        Os::Android => 0,
        Os::Ios => 1,
        Os::Windows => 2,
        Os::Harmony => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn software(os: Os) -> Software {
        Software {
            package: "com.test.test".into(),
            name: "测试应用".into(),
            os,
            version_name: "1.0.0".into(),
            version_code: 100,
            description: "更新版本".into(),
            size_bytes: 10_000,
            md5: "af12412asdfa".into(),
            file_url: "http://download.pkg".into(),
            icon_url: Some("http://a.png".into()),
            qr_url: Some("http://qr.png".into()),
            settings: "{}".into(),
            is_auto_install: true,
            is_rollback: true,
        }
    }

    fn field<'a>(entry: &'a Value, name: &str) -> &'a Value {
        let Value::Object(fields) = entry else { panic!("{entry:?}") };
        &fields.iter().find(|(known, _)| *known == name).unwrap().1
    }

    #[test]
    fn the_documents_entry_is_what_it_shows() {
        let Value::Object(fields) = view(software(Os::Android)) else { panic!("no object") };
        let text = |text: &str| Value::text(text);
        let expected = [
            ("package_name", text("com.test.test")),
            ("app_name", text("测试应用")),
            ("auto_install", Value::Bool(true)),
            ("md5", text("af12412asdfa")),
            ("icon_url", text("http://a.png")),
            ("version_name", text("1.0.0")),
            ("version_code", Value::Number(100)),
            ("update_desc", text("更新版本")),
            ("size", Value::Number(10_000)),
            ("qrcode", text("http://qr.png")),
            ("status", Value::Number(1)),
            ("download_url", text("http://download.pkg")),
            ("config_json", text("{}")),
            ("uninstall_type", Value::Number(1)),
            ("platform", Value::Number(0)),
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn what_there_is_not_is_empty_and_what_is_no_rollback_is_0() {
        let plain = Software { icon_url: None, qr_url: None, is_rollback: false, ..software(Os::Ios) };
        let entry = view(plain);
        for name in ["icon_url", "qrcode"] {
            assert_eq!(field(&entry, name), &Value::text(""), "{name}");
        }
        assert_eq!(field(&entry, "uninstall_type"), &Value::Number(0));
    }

    #[test]
    fn every_operating_system_has_its_number() {
        let platforms = Os::ALL.map(|os| field(&view(software(os)), "platform").clone());
        assert_eq!(platforms, [0, 1, 2, 3].map(Value::Number));
    }
}
