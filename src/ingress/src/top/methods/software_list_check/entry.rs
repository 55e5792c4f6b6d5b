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
