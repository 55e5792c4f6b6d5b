//! The tables as the document has them.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
};

/// Both tables of docs/cancel.md, by row and column, and which of their cells were read.
pub(crate) struct Tables {
    cells: BTreeMap<(String, String), String>,
    read: RefCell<BTreeSet<(String, String)>>,
}

impl Tables {
    pub(crate) fn read() -> Self {
        let document = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cancel.md")).unwrap();
        let mut cells = BTreeMap::new();
        let mut columns: Vec<String> = Vec::new();
        for line in document.lines() {
            let Some(row) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
                columns.clear();
                continue;
            };
            let mut row = row.split('|').map(|cell| cell.replace('`', "").trim().to_owned());
            let name = row.next().unwrap();
            if columns.is_empty() {
                columns = row.collect();
            } else if !name.starts_with('-') {
                for (column, cell) in columns.iter().zip(row) {
                    assert!(cells.insert((name.clone(), column.clone()), cell).is_none(), "{name} twice");
                }
            }
        }
        Self { cells, read: RefCell::default() }
    }

    /// A cell, split at its `sign`.
    pub(crate) fn cell(&self, row: &str, column: &str, sign: char) -> (&str, &str) {
        let at = (row.to_owned(), column.to_owned());
        let cell = self.cells.get(&at).unwrap_or_else(|| panic!("no cell {row} / {column}"));
        self.read.borrow_mut().insert(at);
        let (first, second) = cell.split_once(sign).unwrap_or((cell, ""));
        (first.trim(), second.trim())
    }

    /// The cells that nobody has read, but for those that say that there is no such case.
    pub(crate) fn unread(&self) -> Vec<String> {
        let read = self.read.borrow();
        let unread = self.cells.iter().filter(|(at, cell)| !read.contains(*at) && *cell != "–");
        unread.map(|((row, column), _)| format!("{row} / {column}")).collect()
    }
}
