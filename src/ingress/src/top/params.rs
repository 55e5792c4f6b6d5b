//! The parameters of a call, from its query and its form. Which of the two a parameter stands in makes no difference; when it
//! stands in both, the form's value counts, as clients sign it so.
//!
//! An empty value is an absent one, but for the signature.

use std::{collections::BTreeMap, str::FromStr};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, header};
use multer::Multipart;

use super::errors::TopError;
use crate::form::decoded;

/// The names of the parameters that every method has.
pub(super) const METHOD: &str = "method";
pub(super) const APP_KEY: &str = "app_key";
pub(super) const SESSION: &str = "session";
pub(super) const TIMESTAMP: &str = "timestamp";
pub(super) const VERSION: &str = "v";
pub(super) const SIGN_METHOD: &str = "sign_method";
pub(super) const SIGN: &str = "sign";
pub(super) const FORMAT: &str = "format";
pub(super) const SIMPLIFY: &str = "simplify";
/// The parameter by which methods say whose data they are about; not every one has it.
pub(super) const TENANT_ID: &str = "tenant_id";
/// Those that every method has. The last two are signed and say nothing here.
pub(super) const COMMON: [&str; 11] =
    [METHOD, APP_KEY, SESSION, TIMESTAMP, VERSION, SIGN_METHOD, SIGN, FORMAT, SIMPLIFY, "partner_id", "target_app_key"];

/// The most parameters in a query or a form; no method has half as many.
const MAX_PARAMETERS: usize = 64;
/// The longest name, in bytes.
const NAME_MAX_LEN: usize = 64;

/// What was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Params {
    values: BTreeMap<String, String>,
    /// The names of files. They are not signed, and no method knows any.
    files: Vec<String>,
}

impl Params {
    /// Reads query and form. A name that is given twice in one of them is refused: it would be anybody's guess which counts.
    pub(super) async fn read(query: &str, headers: &HeaderMap, body: &[u8]) -> Result<Self, TopError> {
        let mut params = Self { values: pairs(query.as_bytes())?, files: Vec::new() };
        let label = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = label.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "multipart/form-data" => {
                let (fields, files) = multipart(label, body).await?;
                params.values.extend(fields);
                params.files = files;
            }
            // Some clients send forms without a label.
            "" | "application/x-www-form-urlencoded" => params.values.extend(pairs(body)?),
            _ if body.is_empty() => {}
            _ => return Err(TopError::unreadable("the body is no form")),
        }
        Ok(params)
    }

    /// A parameter, or `None` when it is absent or empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Every parameter, be it empty, by name in the order of bytes.
    pub(super) fn values(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    /// The names of files.
    pub(super) fn files(&self) -> &[String] {
        &self.files
    }

    /// A text of at most `max_chars` without control characters.
    pub(super) fn text(&self, name: &'static str, max_chars: usize) -> Result<Option<&str>, TopError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        if value.chars().nth(max_chars).is_some() {
            Err(TopError::invalid(name, format!("is longer than {max_chars} characters")))
        } else if value.contains(char::is_control) {
            Err(TopError::invalid(name, "holds a control character"))
        } else {
            Ok(Some(value))
        }
    }

    /// A number.
    pub(super) fn number<N: FromStr>(&self, name: &'static str) -> Result<Option<N>, TopError> {
        let parse = |value: &str| value.trim().parse().map_err(|_| TopError::invalid(name, "is not a number in range"));
        self.get(name).map(parse).transpose()
    }

    /// A truth value, `true` or `false`.
    pub(super) fn boolean(&self, name: &'static str) -> Result<Option<bool>, TopError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) if value.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(value) if value.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(TopError::invalid(name, "is neither true nor false")),
        }
    }
}

/// The parameters of a query, or of a form that is written like one.
fn pairs(text: &[u8]) -> Result<BTreeMap<String, String>, TopError> {
    let text = str::from_utf8(text).map_err(|_| TopError::unreadable("the form is not UTF-8"))?;
    let mut pairs = BTreeMap::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let name = name_of(decoded(name))?;
        let value = decoded(value).ok_or_else(|| TopError::invalid(&name, "is not UTF-8"))?;
        add(&mut pairs, name, value)?;
    }
    Ok(pairs)
}

/// The fields of a multipart form, and the names of its files.
async fn multipart(label: &str, body: &[u8]) -> Result<(BTreeMap<String, String>, Vec<String>), TopError> {
    let broken = |error: multer::Error| TopError::unreadable(format!("the form is not whole: {error}"));
    let boundary = multer::parse_boundary(label).map_err(broken)?;
    let bytes = Bytes::copy_from_slice(body);
    let mut form = Multipart::new(stream::iter([Ok::<_, multer::Error>(bytes)]), boundary);
    let (mut fields, mut files) = (BTreeMap::new(), Vec::new());
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = name_of(field.name().map(str::to_owned))?;
        if field.file_name().is_none() {
            let value = field.bytes().await.map_err(broken)?;
            let value = String::from_utf8(value.into()).map_err(|_| TopError::invalid(&name, "is not UTF-8"))?;
            add(&mut fields, name, value)?;
        } else if files.len() < MAX_PARAMETERS {
            files.push(name);
        } else {
            return Err(too_many());
        }
    }
    Ok((fields, files))
}

fn add(pairs: &mut BTreeMap<String, String>, name: String, value: String) -> Result<(), TopError> {
    if pairs.contains_key(&name) {
        return Err(TopError::invalid(&name, "is given twice"));
    }
    if pairs.len() == MAX_PARAMETERS {
        return Err(too_many());
    }
    pairs.insert(name, value);
    Ok(())
}

fn too_many() -> TopError {
    TopError::unreadable(format!("there are more than {MAX_PARAMETERS} parameters"))
}

/// A name goes into answers, so it must be harmless before it is quoted.
fn name_of(name: Option<String>) -> Result<String, TopError> {
    name.filter(|name| !name.is_empty() && name.len() <= NAME_MAX_LEN && !name.contains(char::is_control))
        .ok_or_else(|| TopError::unreadable("a parameter's name is missing, too long or holds what no name may"))
}

#[cfg(test)]
mod tests;
