//! The logs of a version: its publications, its distributions, and every device's upgrade. Nothing is kept for them: they are
//! read from jobs and commands.

mod distributions;
mod publications;
mod upgrades;

pub use distributions::{DistributeKey, DistributeLog, distributions};
pub use publications::{PublishKey, PublishLog, publications};
pub use upgrades::{UpgradeKey, UpgradeLog, upgrades};

use std::iter;

use crate::{Page, Paged};

/// Which rows of a log, and in which order.
#[derive(Debug, Clone)]
pub struct LogPage<'a, K> {
    /// What is sorted by.
    pub key: K,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// Which page; `None`: all rows, [`ALL_MAX`] at most.
    pub page: Option<Page>,
    /// What must be found in a name; empty: anything.
    pub search: &'a str,
}

/// What was cancelled comes before what was not, as 0 before 1.
const NOT_CANCELLED: &str = "(j.state NOT IN ('cancelled', 'aborted'))";

/// The most rows of a log without pages.
pub const ALL_MAX: i64 = 10_000;

impl<K> LogPage<'_, K> {
    fn bounds(&self) -> (i64, i64) {
        self.page.map_or((ALL_MAX, 0), |page| (page.limit(), page.offset()))
    }

    fn paged<T>(&self, total: i64, items: Vec<T>) -> Paged<T> {
        // What is not cut into pages is one page.
        Paged { page: self.page.unwrap_or(Page { number: 1, size: Page::MAX_SIZE }), total, items }
    }
}

/// Makes the statement of a list out of its parts; only constants go in. Rows that are equal in the chosen column are told
/// apart by their `id` columns, in the same direction.
fn list(name: &str, select: &str, order: &str, descending: bool, id: &[&str], parameters: (u8, u8)) -> String {
    let (order, (limit, offset)) = (ordered(order, descending, id), parameters);
    format!("/* {name} */ {select} ORDER BY {order} LIMIT ${limit} OFFSET ${offset}")
}

/// The columns that a list is sorted by.
fn ordered(order: &str, descending: bool, id: &[&str]) -> String {
    let direction = if descending { "DESC" } else { "ASC" };
    let columns: Vec<String> = iter::once(&order).chain(id).map(|column| format!("{column} {direction}")).collect();
    columns.join(", ")
}
