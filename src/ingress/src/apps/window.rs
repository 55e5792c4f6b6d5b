//! Lists by `offset` and `limit`.

use drover_service::{InvalidPage, Window};
use utoipa::IntoParams;

use crate::web::{errors::WebError, params::Params};

/// The rows of a list when the caller does not say how many.
const DEFAULT_LIMIT: u32 = 50;

/// Which part of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // read by name; this is what the document says of it
pub(super) struct Paging {
    /// How many rows come before the first one, 0 unless given.
    #[param(minimum = 0, maximum = 99_000)]
    offset: Option<u32>,
    /// 1 to 1000, 50 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

impl Params {
    /// `offset`, 0 unless given, and `limit`, 50 unless given.
    pub(super) fn window(&self) -> Result<Window, WebError> {
        // What is below 0 is no limit either, as 0 is none; an offset below 0 is beyond every list.
        let offset = self.number::<i64>("offset")?.map_or(0, |offset| u32::try_from(offset).unwrap_or(u32::MAX));
        let limit = self.number::<i64>("limit")?.map_or(DEFAULT_LIMIT, |limit| u32::try_from(limit).unwrap_or(0));
        Window::new(offset, limit).map_err(|error| match error {
            InvalidPage::Size => WebError::invalid("limit", "is from 1 to 1000"),
            InvalidPage::Number => {
                WebError::invalid("offset", "is from 0 and reaches 100,000 rows deep with its limit")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_begins_at_its_first_row_when_nobody_says_so() {
        let window =
            |query: &str| Params::of_query(query).and_then(|params| params.window()).map_err(|error| error.to_string());
        assert_eq!(window(""), Ok(Window::new(0, 50).unwrap()));
        assert_eq!(window("offset=20&limit=10"), Ok(Window::new(20, 10).unwrap()));
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=-1", "limit"),
            ("offset=-1", "offset"),
            ("offset=99999", "offset"),
            ("offset=x", "offset"),
        ] {
            assert!(window(query).unwrap_err().starts_with(&format!("{field}: ")), "{query}");
        }
    }
}
