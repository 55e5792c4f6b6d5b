//! The parameters of a query: each name once, decoded, and read by type. An empty value is an absent one everywhere, so
//! that the forms in which a call may be signed all mean the same.

use std::str::FromStr;

use super::{errors::AepError, text};
use crate::form::decoded;

/// The most parameters in a query; no endpoint declares half as many.
const MAX_PARAMETERS: usize = 64;

/// A decoded query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Decodes a query. `&&` and a trailing `&` are nothing; a repeated name, a line end or a colon in a name would make
    /// two different calls sign alike, and are refused.
    pub(super) fn parse(query: &str) -> Result<Self, AepError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = decoded(name).ok_or_else(|| AepError::bad("query", "a name is not UTF-8"))?;
            // The name goes into the answer, so it must be harmless before it is quoted.
            if name.is_empty() || name.contains([':', '\0']) || name.contains(char::is_control) {
                return Err(AepError::bad("query", "a name is empty or holds a colon or a control character"));
            }
            let value = decoded(value).ok_or_else(|| AepError::bad(&name, "is not UTF-8"))?;
            if value.contains(char::is_control) {
                return Err(AepError::bad(&name, "holds a control character"));
            }
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(AepError::bad(&name, "is given twice"));
            }
            if pairs.len() == MAX_PARAMETERS {
                return Err(AepError::bad("query", format!("has more than {MAX_PARAMETERS} parameters")));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// Every parameter, empty ones too.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// Removes a parameter, and returns its value, be it empty.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// A text of at most `max_chars`, or `None` when absent or empty.
    pub(super) fn text(&self, name: &str, max_chars: usize) -> Result<Option<&str>, AepError> {
        let value = self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
        text::check(name, value, max_chars)?;
        Ok((!value.is_empty()).then_some(value))
    }

    /// A number, or `None` when absent or empty.
    pub(super) fn number<N: FromStr>(&self, name: &str) -> Result<Option<N>, AepError> {
        let Some(value) = self.text(name, 32)? else { return Ok(None) };
        value.trim().parse().map(Some).map_err(|_| AepError::bad(name, "is not a number in range"))
    }

    /// A number that must be there.
    pub(super) fn required_number<N: FromStr>(&self, name: &str) -> Result<N, AepError> {
        self.number(name)?.ok_or_else(|| AepError::bad(name, "is missing"))
    }

    /// An id that must be there: a positive number.
    pub(super) fn id(&self, name: &str) -> Result<i64, AepError> {
        let id = self.required_number(name)?;
        if id > 0 { Ok(id) } else { Err(AepError::bad(name, "is not a positive number")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(query: &str) -> Vec<(String, String)> {
        Params::parse(query).unwrap().0
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn clients_spell_queries_in_many_ways() {
        let expected = [pair("deviceNameSearch", "十大 城市"), pair("id", "")];
        for query in [
            "deviceNameSearch=%E5%8D%81%E5%A4%A7+%E5%9F%8E%E5%B8%82&id=",
            "deviceNameSearch=%E5%8D%81%E5%A4%A7%20%E5%9F%8E%E5%B8%82&id=&",
            "&deviceNameSearch=十大+城市&&id",
        ] {
            assert_eq!(parsed(query), expected, "{query}");
        }
        assert_eq!(parsed("a=b=c"), [pair("a", "b=c")]);
        assert_eq!(parsed(""), []);
    }

    #[test]
    fn ambiguous_queries_are_refused_and_name_the_parameter() {
        for (query, named) in [
            ("id=1&id=1", "id"),
            ("id=1%0AproductId:2", "id"),
            ("id=%ff", "id"),
            ("id=a%00b", "id"),
            ("a:b=c", "query"),
            ("=x", "query"),
            ("%ff=x", "query"),
            ("a%0A=x", "query"),
        ] {
            let error = Params::parse(query).unwrap_err();
            assert!(error.desc().starts_with(&format!("{named}: ")), "{query} {error:?}");
        }
        let many: Vec<String> = (0..=MAX_PARAMETERS).map(|n| format!("p{n}=")).collect();
        assert!(Params::parse(&many.join("&")).is_err());
    }

    #[test]
    fn values_are_read_by_type() {
        let params = Params::parse("n=5&neg=-1&big=99999999999999999999&word=x&empty=").unwrap();
        assert_eq!(params.number::<u32>("n").unwrap(), Some(5));
        assert_eq!((params.number::<u32>("empty").unwrap(), params.number::<u32>("absent").unwrap()), (None, None));
        assert!(params.id("neg").is_err() && params.id("empty").is_err());
        assert!(params.number::<i64>("big").is_err() && params.number::<i64>("word").is_err());
        assert!(params.text("word", 0).is_err());
    }

    proptest! {
        #[test]
        fn any_query_is_parsed_or_refused(query in "\\PC{0,40}|[a-c%=&+0-9]{0,20}") {
            if let Ok(params) = Params::parse(&query) {
                for (name, value) in params.pairs() {
                    prop_assert!(!name.contains('\n') && !value.contains('\n'));
                }
            }
        }
    }
}
