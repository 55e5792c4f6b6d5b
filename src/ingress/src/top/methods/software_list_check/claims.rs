//! What a device says of itself, in parameters that hold JSON.

use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData};

use drover_domain::Os;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Map, Value};

use super::{ATTRIBUTES, OLD_VERSIONS, ORG_INFOS};
use crate::{json, top::errors::TopError};

/// The most packages that a device may name.
const MAX_PACKAGES: usize = 1000;
/// The longest name of a package, in characters.
const PACKAGE_MAX_CHARS: usize = 255;
/// The longest code of an organisation, in characters.
const CODE_MAX_CHARS: usize = 128;
/// The most labels, and the longest of them in characters. No program bears as many or as long ones.
const MAX_LABELS: usize = 16;
const LABEL_MAX_CHARS: usize = 64;
/// The levels of an organisation, the deepest first.
const LEVELS: [&str; 9] = ["l9Code", "l8Code", "l7Code", "l6Code", "l5Code", "l4Code", "l3Code", "l2Code", "l1Code"];
/// The names under which a device says what labels may name.
const LABELS: [&str; 2] = ["uiFamily", "appUiFamily"];

/// A package that the device has. What else it says of it is not read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Installed<'a> {
    /// Empty when it says nothing.
    #[serde(borrow, default)]
    package_name: Cow<'a, str>,
    #[serde(default, deserialize_with = "json::number")]
    version_code: Option<i64>,
}

/// Something that is an object: a derived reader would take an array for one, field by field in order.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields))
            }
        }
        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

/// The version of each package that the device has: an object for one, an array for several.
pub(super) fn installed(text: &str) -> Result<BTreeMap<String, i64>, TopError> {
    let malformed = |reason: &str| TopError::malformed(OLD_VERSIONS, reason);
    let broken = |error: serde_json::Error| malformed(&error.to_string());
    // Hundreds of packages come with every check, so they are read without a tree of values in between.
    let packages: Vec<Object<Installed<'_>>> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(broken)?
    } else if object(OLD_VERSIONS, text)?.is_empty() {
        // An empty object is no package, as an empty array is.
        Vec::new()
    } else {
        vec![serde_json::from_str(text).map_err(broken)?]
    };
    if packages.len() > MAX_PACKAGES {
        return Err(malformed(&format!("names more than {MAX_PACKAGES} packages")));
    }
    let count = packages.len();
    let pair = |Object(package): Object<Installed<'_>>| {
        let name = Some(package.package_name).filter(|name| is_text(name, PACKAGE_MAX_CHARS));
        let name = name.ok_or_else(|| malformed("packageName is missing, too long or holds what no name may"))?;
        let version = package.version_code.filter(|version| *version >= 0);
        let version = version.ok_or_else(|| malformed("versionCode is missing or negative"))?;
        Ok((name.into_owned(), version))
    };
    // Built as a whole, a map costs less than name by name.
    let installed = packages.into_iter().map(pair).collect::<Result<BTreeMap<_, _>, TopError>>()?;
    if installed.len() < count {
        return Err(malformed("names a package twice"));
    }
    Ok(installed)
}

/// The code of the organisation that the device says it is in: the deepest that it names.
pub(super) fn organisation(text: &str) -> Result<Option<String>, TopError> {
    let levels = object(ORG_INFOS, text)?;
    if levels.is_empty() {
        return Ok(None);
    }
    let codes = LEVELS.iter().filter_map(|level| levels.get(*level));
    let mut named = codes.filter(|code| !code.is_null() && code.as_str() != Some(""));
    let deepest = named.next().ok_or_else(|| TopError::invalid(ORG_INFOS, "names no level, l1Code to l9Code"))?;
    let code = scalar(deepest).filter(|code| is_text(code, CODE_MAX_CHARS));
    code.map(Some).ok_or_else(|| TopError::invalid(ORG_INFOS, "holds a code that is no organisation's"))
}

/// What else a device says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) os: Option<Os>,
    pub(super) labels: Vec<String>,
}

/// Reads the attributes that mean something here; callers have others of their own.
pub(super) fn attributes(text: &str) -> Result<Attributes, TopError> {
    let malformed = |reason: &str| TopError::malformed(ATTRIBUTES, reason);
    let attributes = object(ATTRIBUTES, text)?;
    let given = |name: &str| attributes.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""));
    let os = given("os")
        .map(|os| {
            let code = scalar(os).and_then(|code| code.trim().parse().ok());
            code.and_then(Os::from_code).ok_or_else(|| malformed("os is none of 51201, 51202, 51203 and 51205"))
        })
        .transpose()?;
    let mut labels: Vec<String> = Vec::new();
    for value in LABELS.into_iter().filter_map(given) {
        let text = scalar(value).ok_or_else(|| malformed("uiFamily is no text"))?;
        for label in text.split(',').map(str::trim).filter(|label| !label.is_empty()) {
            if !is_text(label, LABEL_MAX_CHARS) || labels.len() == MAX_LABELS {
                return Err(malformed("uiFamily holds too many labels or too long ones"));
            }
            if !labels.iter().any(|known| known == label) {
                labels.push(label.to_owned());
            }
        }
    }
    Ok(Attributes { os, labels })
}

fn object(name: &'static str, text: &str) -> Result<Map<String, Value>, TopError> {
    serde_json::from_str(text).map_err(|error| TopError::malformed(name, error.to_string()))
}

/// A text, or a whole number as its digits.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

/// Whether this may be a name or a code.
fn is_text(text: &str, max_chars: usize) -> bool {
    // A text of fewer bytes has no more characters; most names are such.
    let is_short = text.len() <= max_chars || text.chars().nth(max_chars).is_none();
    !text.is_empty() && is_short && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(text: &str) -> Vec<(String, i64)> {
        installed(text).unwrap().into_iter().collect()
    }

    #[test]
    fn versions_are_an_object_or_an_array() {
        let one = vec![("aaa".to_owned(), 111)];
        for text in [
            r#"{"packageName":"aaa", "versionCode": 111}"#,
            r#" [{"packageName":"aaa", "versionCode": "111", "md5": {}}]"#,
            r#"[{"versionCode": 111.0, "packageName":"aaa"}]"#,
        ] {
            assert_eq!(pairs(text), one, "{text}");
        }
        assert_eq!((pairs("{}"), pairs("[]")), (vec![], vec![]));
        let two = r#"[{"packageName":"b", "versionCode": 0}, {"packageName":"a", "versionCode": 9007199254740993}]"#;
        assert_eq!(pairs(two), [("a".to_owned(), 9_007_199_254_740_993), ("b".to_owned(), 0)]);
    }

    #[test]
    fn what_is_no_list_of_versions_is_50() {
        let package = |n: usize| format!(r#"{{"packageName":"p{n}","versionCode":1}}"#);
        let many = |n: usize| format!("[{}]", (0..n).map(package).collect::<Vec<_>>().join(","));
        let long = format!(r#"{{"packageName":"{}","versionCode":1}}"#, "x".repeat(256));
        for bad in [
            "x",
            "1",
            "\"a\"",
            "null",
            "{",
            "[",
            "[[]]",
            "[{}]",
            r#"["aaa", 1]"#,
            r#"{"packageName":"a"}"#,
            r#"{"versionCode":1}"#,
            r#"{"packageName":"","versionCode":1}"#,
            r#"{"packageName":"a\u0000","versionCode":1}"#,
            r#"{"packageName":1,"versionCode":1}"#,
            r#"{"packageName":"a","versionCode":-1}"#,
            r#"{"packageName":"a","versionCode":1.5}"#,
            r#"{"packageName":"a","versionCode":"x"}"#,
            r#"{"packageName":"a","versionCode":null}"#,
            r#"[{"packageName":"a","versionCode":1},{"packageName":"a","versionCode":1}]"#,
            r#"{"packageName":"a","versionCode":1} x"#,
            &long,
            &many(1001),
            &"[".repeat(1000),
        ] {
            let error = installed(bad).unwrap_err();
            assert_eq!((error.code(), error.sub_code().as_str()), (50, "isv.invalid-parameter"), "{bad}");
            assert!(error.to_string().starts_with("old_versions: "), "{error}");
        }
        assert_eq!(installed(&many(1000)).unwrap().len(), 1000);
    }

    #[test]
    fn the_deepest_organisation_counts() {
        let code = |text: &str| organisation(text).map_err(|error| (error.code(), error.sub_code()));
        assert_eq!(code(r#"{"l3Code": "8007"}"#), Ok(Some("8007".into())));
        assert_eq!(code(r#"{"l1Code": "1", "l2Code": 22, "x": {}}"#), Ok(Some("22".into())));
        assert_eq!(code(r#"{"l1Code": "1", "l9Code": "", "l5Code": null}"#), Ok(Some("1".into())));
        assert_eq!(code("{}"), Ok(None));
        for bad in [
            r#"{"l0Code": "1"}"#,
            r#"{"l10Code": "1"}"#,
            r#"{"l1Code": ""}"#,
            r#"{"l1Code": []}"#,
            r#"{"l1Code": 1.5}"#,
            r#"{"l1Code": "\u0000"}"#,
        ] {
            assert_eq!(code(bad), Err((41, "isv.invalid-parameter:org_infos".into())), "{bad}");
        }
        for bad in ["[]", "x", "8007", "null"] {
            assert_eq!(code(bad), Err((50, "isv.invalid-parameter".into())), "{bad}");
        }
    }

    #[test]
    fn attributes_that_mean_nothing_here_are_nobodys_business() {
        let read = |text: &str| attributes(text).map_err(|error| error.code());
        assert_eq!(read(r#"{"aaa":"中文", "os": null, "uiFamily": ""}"#), Ok(Attributes::default()));
        for os in ["51205", "\"51205\""] {
            let expected = Attributes { os: Some(Os::Harmony), labels: vec![] };
            assert_eq!(read(&format!(r#"{{"os": {os}}}"#)), Ok(expected));
        }
        let labels = ["COPE", "BYOD", "10012"].map(str::to_owned).to_vec();
        let text = r#"{"uiFamily": "COPE, BYOD,,COPE", "appUiFamily": 10012}"#;
        assert_eq!(read(text), Ok(Attributes { os: None, labels }));
        let many: Vec<String> = (0..17).map(|n| n.to_string()).collect();
        for bad in [
            "[]",
            "x",
            r#"{"os": 51204}"#,
            r#"{"os": []}"#,
            r#"{"uiFamily": ["COPE"]}"#,
            &format!(r#"{{"uiFamily": "{}"}}"#, "x".repeat(65)),
            &format!(r#"{{"uiFamily": "{}"}}"#, many.join(",")),
        ] {
            assert_eq!(read(bad), Err(50), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(text in "\\PC{0,30}|[\\[\\]{}:,\"a0l1Codes ]{0,30}") {
            let codes = [
                installed(&text).err().map(|error| error.code()),
                organisation(&text).err().map(|error| error.code()),
                attributes(&text).err().map(|error| error.code()),
            ];
            prop_assert!(codes.into_iter().flatten().all(|code| matches!(code, 41 | 50)));
        }
    }
}
