//! The parameters of a call: those of its query and, when its body is a form, the form's fields. What stands in both is taken
//! from the query; what stands twice in one of them is refused. An empty value is an absent one.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;

use super::{WebApi, errors::WebError};
use crate::{form::decoded, json};

/// The most parameters in one place; no endpoint declares half as many.
const MAX_PARAMETERS: usize = 64;
/// The longest text that is read as a number.
const NUMBER_MAX_CHARS: usize = 32;

/// The parameters of a call. No `Debug`: passwords and tokens are among them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a query.
    pub(crate) fn of_query(query: &str) -> Result<Self, WebError> {
        Ok(Self(pairs("query", query)?))
    }

    /// Adds the fields of a form that the query does not have.
    pub(super) fn add_form(&mut self, form: &[u8]) -> Result<(), WebError> {
        let text = std::str::from_utf8(form).map_err(|_| WebError::invalid("body", "is not UTF-8"))?;
        let mut fields = pairs("body", text.trim_end())?;
        fields.retain(|(name, _)| self.optional(name).is_none());
        self.0.extend(fields);
        Ok(())
    }

    /// A text, or `None` when absent or empty.
    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// Whether the parameter was sent, be it empty.
    pub(crate) fn was_sent(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// A text that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, WebError> {
        self.optional(name).ok_or_else(|| WebError::invalid(name, "is missing"))
    }

    /// A text of at most `max_chars`, or `None` when absent or empty.
    pub(crate) fn text(&self, name: &str, max_chars: usize) -> Result<Option<&str>, WebError> {
        match self.optional(name) {
            Some(text) if text.chars().nth(max_chars).is_some() => {
                Err(WebError::invalid(name, format!("is longer than {max_chars} characters")))
            }
            text => Ok(text),
        }
    }

    /// A number, or `None` when absent or empty.
    pub(crate) fn number<N: FromStr>(&self, name: &str) -> Result<Option<N>, WebError> {
        let Some(text) = self.optional(name) else { return Ok(None) };
        let number = Some(text).filter(|text| text.len() <= NUMBER_MAX_CHARS).and_then(|text| text.trim().parse().ok());
        number.map(Some).ok_or_else(|| WebError::invalid(name, "is not a number in range"))
    }

    /// A number that must be there.
    pub(crate) fn required_number<N: FromStr>(&self, name: &str) -> Result<N, WebError> {
        self.number(name)?.ok_or_else(|| WebError::invalid(name, "is missing"))
    }

    /// True or false, or `None` when absent or empty.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, WebError> {
        let Some(text) = self.optional(name) else { return Ok(None) };
        json::truth(text).map(Some).ok_or_else(|| WebError::invalid(name, "is not true or false"))
    }
}

/// Reads `name=value` between ampersands.
fn pairs(place: &str, text: &str) -> Result<Vec<(String, String)>, WebError> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let name = decoded(name).ok_or_else(|| WebError::invalid(place, "a name is not UTF-8"))?;
        // The name goes into the answer, so it must be harmless before it is quoted.
        if name.is_empty() || name.contains(char::is_control) {
            return Err(WebError::invalid(place, "a name is empty or holds a control character"));
        }
        let value = decoded(value).ok_or_else(|| WebError::invalid(&name, "is not UTF-8"))?;
        if value.contains('\0') {
            return Err(WebError::invalid(&name, "holds a NUL character"));
        }
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(WebError::invalid(&name, "is given twice"));
        }
        if pairs.len() == MAX_PARAMETERS {
            return Err(WebError::invalid(place, format!("has more than {MAX_PARAMETERS} parameters")));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, WebError> {
        match parts.extensions.get::<Self>() {
            Some(params) => Ok(params.clone()),
            None => Self::of_query(parts.uri.query().unwrap_or_default()),
        }
    }
}

/// The one id in the address, a positive number. What is none names nothing.
pub(crate) struct Id(pub(crate) i64);

impl FromRequestParts<WebApi> for Id {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, api: &WebApi) -> Result<Self, WebError> {
        let path = RawPathParams::from_request_parts(parts, api).await;
        let text = path.ok().and_then(|path| path.iter().next().map(|(_, text)| text.to_owned())).unwrap_or_default();
        let digits = Some(text.as_str()).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let id = digits.and_then(|text| text.parse().ok()).filter(|id| *id > 0);
        id.map(Self).ok_or_else(|| WebError::NotFound(format!("{text} does not exist")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn both(query: &str, form: &str) -> Params {
        let mut params = Params::of_query(query).ok().unwrap();
        params.add_form(form.as_bytes()).unwrap();
        params
    }

    #[test]
    fn the_query_wins_over_the_form_and_an_empty_value_is_none() {
        let params = both("a=1&b=&c=%E5%8D%81+x", "a=2&b=3&d=4\r\n");
        let found = ["a", "b", "c", "d", "e"].map(|name| params.optional(name));
        assert_eq!(found, [Some("1"), Some("3"), Some("十 x"), Some("4"), None]);
        assert!(params.was_sent("b") && !params.was_sent("e"));
        assert!(params.required("e").is_err());
    }

    #[test]
    fn ambiguous_parameters_are_refused_and_named() {
        for (query, named) in
            [("id=1&id=1", "id"), ("id=%ff", "id"), ("id=a%00b", "id"), ("=x", "query"), ("a%0A=x", "query")]
        {
            let text = Params::of_query(query).err().unwrap().to_string();
            assert!(text.starts_with(&format!("{named}: ")), "{query} {text}");
        }
        let many: Vec<String> = (0..=MAX_PARAMETERS).map(|n| format!("p{n}=")).collect();
        assert!(Params::of_query(&many.join("&")).is_err());
    }

    #[test]
    fn values_are_read_by_type() {
        let params = both("n=5&neg=-1&big=99999999999999999999&word=x&yes=true&no=0", "");
        assert_eq!((params.number::<u32>("n").unwrap(), params.number::<u32>("absent").unwrap()), (Some(5), None));
        assert!(params.number::<u32>("neg").is_err() && params.number::<i64>("big").is_err());
        assert_eq!((params.boolean("yes").unwrap(), params.boolean("no").unwrap()), (Some(true), Some(false)));
        assert!(params.boolean("word").is_err() && params.text("word", 0).is_err());
    }

    proptest! {
        #[test]
        fn any_query_is_read_or_refused(query in "\\PC{0,40}|[a-c%=&+0-9]{0,20}", form in "[a-c%=&+0-9]{0,20}") {
            if let Ok(mut params) = Params::of_query(&query) {
                let before = params.0.len();
                let added = params.add_form(form.as_bytes());
                prop_assert!(added.is_ok() || params.0.len() == before, "all of a form or nothing");
                prop_assert!(params.0.iter().all(|(name, _)| !name.contains('\n')));
            }
        }
    }
}
