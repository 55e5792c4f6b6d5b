//! Answers as XML and as JSON, both of one small tree.

use std::{borrow::Cow, fmt::Write as _};

use axum::response::{IntoResponse as _, Response};
use http::header;
use quick_xml::escape::partial_escape;
use serde::{
    Serialize, Serializer,
    ser::{SerializeMap as _, SerializeSeq as _},
};

use super::params::{self, Params};

const XML: &str = "text/xml; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
/// The root of an error.
const ERROR: &str = "error_response";

/// The language of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// XML, unless the caller asks for something else.
    Xml,
    /// JSON.
    Json,
}

impl Format {
    /// The one of that name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("xml") {
            Some(Self::Xml)
        } else if name.eq_ignore_ascii_case("json") {
            Some(Self::Json)
        } else {
            None
        }
    }
}

/// How a caller wants its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    format: Format,
    /// JSON without its root and without the names of items.
    is_simple: bool,
}

impl Style {
    /// What the parameters ask for. What they ask for wrongly is as if it were not there: an error needs a style too.
    pub(super) fn of(params: &Params) -> Self {
        let format = params.get(params::FORMAT).and_then(Format::parse).unwrap_or(Format::Xml);
        Self { format, is_simple: params.boolean(params::SIMPLIFY).ok().flatten().unwrap_or_default() }
    }

    /// What a query asks for that may be no good otherwise.
    pub(super) fn of_query(query: &str) -> Self {
        let format = query.split('&').find_map(|pair| Format::parse(pair.strip_prefix("format=")?));
        Self { format: format.unwrap_or(Format::Xml), is_simple: false }
    }
}

/// A field and its name.
pub(super) type Field = (&'static str, Value);

/// A value of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A truth value.
    Bool(bool),
    /// Fields in order.
    Object(Vec<Field>),
    /// Items in order, each by the same name.
    List {
        /// The name.
        item: &'static str,
        /// The items.
        items: Vec<Value>,
    },
}

impl Value {
    /// A text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Document {
    root: String,
    fields: Vec<Field>,
}

impl Document {
    /// The answer of a method.
    pub(super) fn of(method: &str, fields: Vec<Field>) -> Self {
        Self { root: format!("{}_response", method.replace('.', "_")), fields }
    }

    /// An error.
    pub(super) fn error(fields: Vec<Field>) -> Self {
        Self { root: ERROR.into(), fields }
    }

    /// The HTTP answer, always 200. JSON bears the call's id; the document's XML has no place for it.
    pub(super) fn into_response(self, style: Style, request_id: &str) -> Response {
        let (label, text) = match style.format {
            Format::Xml => (XML, self.xml()),
            Format::Json => (JSON, self.json(style.is_simple, request_id)),
        };
        // A call may come with GET: from a cache, a copy of it would be answered again, with links to the files.
        ([(header::CONTENT_TYPE, label), (header::CACHE_CONTROL, "no-store")], text).into_response()
    }

    fn xml(&self) -> String {
        let mut xml = String::from(DECLARATION);
        write_element(&mut xml, &self.root, |xml| write_fields(xml, &self.fields));
        xml
    }

    fn json(mut self, is_simple: bool, request_id: &str) -> String {
        self.fields.push(("request_id", Value::text(request_id)));
        let content = Json { value: &Value::Object(self.fields), is_simple };
        // An error is told from an answer by its root.
        let json = if is_simple && self.root != ERROR {
            serde_json::to_string(&content)
        } else {
            serde_json::to_string(&Root { name: &self.root, content })
        };
        // The tree holds nothing that JSON cannot say.
        json.unwrap_or_default()
    }
}

fn write_element(xml: &mut String, name: &str, content: impl FnOnce(&mut String)) {
    xml.extend(["<", name, ">"]);
    content(xml);
    xml.extend(["</", name, ">"]);
}

fn write_fields(xml: &mut String, fields: &[Field]) {
    for (name, value) in fields {
        write_element(xml, name, |xml| write_value(xml, value));
    }
}

fn write_value(xml: &mut String, value: &Value) {
    match value {
        Value::Text(text) => xml.push_str(&partial_escape(speakable(text))),
        // Writing to a String cannot fail.
        Value::Number(number) => _ = write!(xml, "{number}"),
        Value::Bool(truth) => _ = write!(xml, "{truth}"),
        Value::Object(fields) => write_fields(xml, fields),
        Value::List { item, items } => {
            for value in items {
                write_element(xml, item, |xml| write_value(xml, value));
            }
        }
    }
}

/// A text without the characters that XML 1.0 cannot hold, not even escaped.
fn speakable(text: &str) -> Cow<'_, str> {
    let is_char =
        |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    if text.chars().all(is_char) {
        return text.into();
    }
    text.chars().map(|c| if is_char(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// A value as JSON.
struct Json<'a> {
    value: &'a Value,
    is_simple: bool,
}

/// An object with one field.
struct Root<'a, T> {
    name: &'a str,
    content: T,
}

impl<T: Serialize> Serialize for Root<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.name, &self.content)?;
        map.end()
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = |value| Json { value, is_simple: self.is_simple };
        match self.value {
            Value::Text(text) => serializer.serialize_str(text),
            Value::Number(number) => serializer.serialize_i64(*number),
            Value::Bool(truth) => serializer.serialize_bool(*truth),
            Value::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, &json(value))?;
                }
                map.end()
            }
            Value::List { item, items } if !self.is_simple => {
                let content = Items { items, is_simple: false };
                Root { name: item, content }.serialize(serializer)
            }
            Value::List { items, .. } => Items { items, is_simple: true }.serialize(serializer),
        }
    }
}

/// Items as JSON.
struct Items<'a> {
    items: &'a [Value],
    is_simple: bool,
}

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.items.len()))?;
        for value in self.items {
            list.serialize_element(&Json { value, is_simple: self.is_simple })?;
        }
        list.end()
    }
}

#[cfg(test)]
mod tests;
