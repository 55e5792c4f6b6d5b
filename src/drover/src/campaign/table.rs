//! A table of text: the first column is words, the others are numbers.

use std::fmt::Write;

/// Draws rows under a header; every row has as many cells as the header.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = header.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; N]| {
        let mut text = String::new();
        for (at, (cell, width)) in cells.into_iter().zip(widths).enumerate() {
            // Writing to a String cannot fail.
            let _ = if at == 0 { write!(text, "  {cell:<width$}") } else { write!(text, "  {cell:>width$}") };
        }
        text.trim_end().to_owned()
    };
    let rule = widths.map(|width| "─".repeat(width));
    let mut lines = vec![line(header), line(rule.each_ref().map(String::as_str))];
    lines.extend(rows.iter().map(|row| line(row.each_ref().map(String::as_str))));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["succeeded", "950", "95.0 %"], ["失败", "50", "5.0 %"]].map(|row| row.map(str::to_owned));
        let expected = "
  outcome    devices   share
  ─────────  ───────  ──────
  succeeded      950  95.0 %
  失败              50   5.0 %";
        assert_eq!(table(["outcome", "devices", "share"], &rows), expected.trim_start_matches('\n'));
        assert_eq!(table(["a", "b"], &[]), "  a  b\n  ─  ─");
    }
}
