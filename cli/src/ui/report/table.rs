//! Plain columns, as wide as their widest cell.

use std::fmt::Display;

/// Lays rows out under a header: two spaces between columns, none at the end of a line. Widths count characters.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let lines = || std::iter::once(&header).chain(rows);
    let widths: Vec<usize> = (0..header.len())
        .map(|column| lines().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in lines() {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A digest as far as a table has room: 12 hex digits. The whole one is in `--json`.
pub fn short(digest: impl Display) -> String {
    let text = digest.to_string();
    text.get(..19).map_or_else(|| text.clone(), |start| format!("{start}…"))
}

/// 1234567 as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_numbers_are_grouped() {
        let rows = vec![vec!["a".to_owned(), "1".to_owned()], vec!["long é".to_owned(), "22".to_owned()]];
        assert_eq!(table(&["name", "n"], &rows), "name    n\na       1\nlong é  22\n");
        assert_eq!((grouped(7), grouped(1234), grouped(1234567)), ("7".into(), "1,234".into(), "1,234,567".into()));
    }
}
