//! Lists: which page a caller wants, in which order, and how it is answered.

use drover_service::{InvalidPage, Page, Paged};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{errors::WebError, params::Params};

/// The page when the caller names none.
const DEFAULT_PAGE: u32 = 1;
const DEFAULT_PAGE_SIZE: u32 = 10;
/// The order of a list by the numbers that the document gives it.
const ASCENDING: i32 = 54101;
const DESCENDING: i32 = 54102;
/// The column when the caller names none.
const DEFAULT_KEY: &str = "updateTime";
/// Page or size of a log that is wanted whole.
const ALL: i64 = -1;

/// Which part of a list is wanted, in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listing<K> {
    /// The page; `None`: all rows, as far as a log goes.
    pub(crate) page: Option<Page>,
    /// The column to sort by.
    pub(crate) key: K,
    /// Whether the largest come first.
    pub(crate) descending: bool,
}

impl Params {
    /// `pageNum` and `pageSize`.
    pub(crate) fn page(&self) -> Result<Page, WebError> {
        // What is below 0 is no page either, as 0 is none.
        let count = |name, unless_given| {
            let sent = self.number::<i64>(name)?;
            Ok::<_, WebError>(sent.map_or(unless_given, |sent| u32::try_from(sent).unwrap_or(0)))
        };
        let (number, size) = (count("pageNum", DEFAULT_PAGE)?, count("pageSize", DEFAULT_PAGE_SIZE)?);
        Page::new(number, size).map_err(|error| {
            let field = match error {
                InvalidPage::Size => "pageSize",
                InvalidPage::Number => "pageNum",
            };
            WebError::invalid(field, error.to_string())
        })
    }

    /// `sortKey`, one of `keys`, and whether `sortValue` wants the largest first.
    pub(crate) fn order<K: Copy>(&self, keys: &[(&str, K)]) -> Result<(K, bool), WebError> {
        let name = self.optional("sortKey").unwrap_or(DEFAULT_KEY);
        let known = keys.iter().find(|(known, _)| *known == name).map(|(_, key)| *key);
        let key = known.ok_or_else(|| {
            let names: Vec<&str> = keys.iter().map(|(name, _)| *name).collect();
            WebError::invalid("sortKey", format!("is one of {}", names.join(", ")))
        })?;
        match self.number("sortValue")? {
            None | Some(DESCENDING) => Ok((key, true)),
            Some(ASCENDING) => Ok((key, false)),
            Some(_) => Err(WebError::invalid("sortValue", "is 54101 (ascending) or 54102 (descending)")),
        }
    }

    /// Page and order of a log, of which `-1` as page or size wants all rows.
    pub(crate) fn log_listing<K: Copy>(&self, keys: &[(&str, K)]) -> Result<Listing<K>, WebError> {
        let (key, descending) = self.order(keys)?;
        let is_all = |name| Ok::<_, WebError>(self.number::<i64>(name)? == Some(ALL));
        let page = if is_all("pageNum")? || is_all("pageSize")? { None } else { Some(self.page()?) };
        Ok(Listing { page, key, descending })
    }
}

/// Which page of a list, and in which order.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[allow(dead_code)] // read by name; this is what the document says of it
pub(crate) struct Paging {
    /// From 1, which is the default.
    page_num: Option<i32>,
    /// 1 to 1000, 10 unless given.
    page_size: Option<i32>,
    /// A field of the rows, `updateTime` unless given.
    sort_key: Option<String>,
    /// 54102 descending, the default; 54101 ascending.
    sort_value: Option<i32>,
}

/// Which page of a log, and in which order.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[allow(dead_code)] // read by name; this is what the document says of it
pub(crate) struct LogPaging {
    /// From 1, which is the default; -1 wants all rows, 10,000 at most.
    page_num: Option<i64>,
    /// 1 to 1000, 10 unless given; -1 wants all rows.
    page_size: Option<i64>,
    /// A field of the rows, `updateTime` unless given.
    sort_key: Option<String>,
    /// 54102 descending, the default; 54101 ascending.
    sort_value: Option<i32>,
}

/// A page of a list as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageAnswer<T> {
    /// Rows in the whole list.
    pub(crate) total_count: i64,
    /// Pages in the whole list.
    pub(crate) page_count: i64,
    /// The rows of this page.
    pub(crate) content_list: Vec<T>,
}

impl<T> PageAnswer<T> {
    /// The page whose rows are shown by `show`.
    pub(crate) fn of<R>(paged: Paged<R>, show: impl FnMut(R) -> T) -> Self {
        let size = i64::from(paged.page.size);
        let page_count = (paged.total + size - 1) / size;
        Self { total_count: paged.total, page_count, content_list: paged.items.into_iter().map(show).collect() }
    }

    /// The same of a log; all rows are one page.
    pub(crate) fn of_log<R>(page: Option<Page>, paged: Paged<R>, show: impl FnMut(R) -> T) -> Self {
        let answer = Self::of(paged, show);
        if page.is_some() { answer } else { Self { page_count: answer.total_count.min(1), ..answer } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [(&str, u8); 2] = [("updateTime", 1), ("name", 2)];

    fn listing(query: &str) -> Result<Listing<u8>, String> {
        Params::of_query(query).and_then(|params| params.log_listing(&KEYS)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_has_a_page_and_an_order_when_nobody_says_so() {
        let page = Some(Page { number: 1, size: 10 });
        assert_eq!(listing(""), Ok(Listing { page, key: 1, descending: true }));
        let page = Some(Page { number: 3, size: 5 });
        assert_eq!(
            listing("pageNum=3&pageSize=5&sortKey=name&sortValue=54101"),
            Ok(Listing { page, key: 2, descending: false })
        );
        assert_eq!(listing("pageNum=-1&pageSize=-1").unwrap().page, None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, named) in [
            ("pageNum=0", "pageNum"),
            ("pageSize=1001", "pageSize"),
            ("pageSize=x", "pageSize"),
            ("sortKey=colour", "sortKey"),
            ("sortValue=1", "sortValue"),
        ] {
            assert!(listing(query).unwrap_err().starts_with(&format!("{named}: ")), "{query}");
        }
        let whole = Params::of_query("pageNum=-1").ok().unwrap().page().map_err(|error| error.to_string());
        assert!(whole.unwrap_err().starts_with("pageNum: pages count from 1"), "only a log is shown whole");
    }

    #[test]
    fn pages_are_counted_up() {
        let count = |total| {
            let paged = Paged { page: Page { number: 1, size: 10 }, total, items: vec![(); 3] };
            PageAnswer::of(paged, |()| 0).page_count
        };
        assert_eq!([0, 1, 10, 11].map(count), [0, 1, 1, 2]);
    }
}
