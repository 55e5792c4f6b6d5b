//! How the operator's commands show lists.

/// Draws rows under a header, as wide as they need to be.
pub(super) fn columns<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = header.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; N]| {
        let padded: Vec<String> =
            cells.into_iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let lines = std::iter::once(line(header)).chain(rows.iter().map(|row| line(row.each_ref().map(String::as_str))));
    lines.collect::<Vec<String>>().join("\n")
}

/// A count, when it is known.
pub(super) fn count(count: Option<i64>) -> String {
    count.map_or_else(|| "-".to_owned(), |count| count.to_string())
}

/// A rate, when it is known.
pub(super) fn rate(rate: Option<f32>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"))
}

/// A text of a stranger's on one line: nothing in it moves the terminal's cursor.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["reports", "open"], ["jobs.firmware", "paused by 安"]].map(|row| row.map(str::to_owned));
        let expected = "queue          state\nreports        open\njobs.firmware  paused by 安";
        assert_eq!(columns(["queue", "state"], &rows), expected);
        assert_eq!((count(None), rate(Some(1.25))), ("-".to_owned(), "1.2".to_owned()));
        assert_eq!(plain("a\u{1b}[2Jb\nc"), "a\u{fffd}[2Jb\u{fffd}c");
    }
}
