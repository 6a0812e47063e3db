//! Plain columns, as wide as their widest cell.

use std::fmt::Display;

use aileron_verifier::text::printable_within;

/// Characters of one cell. Longer than a line of ours, so that only foreign text is cut.
const CELL: usize = 400;

/// Lays rows out under a header: two spaces between columns, none at the end of a line. Widths count
/// characters. A cell is one line, and printable.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    let printed = |row: &Vec<String>| row.iter().map(|cell| printable_within(cell, CELL).into_owned()).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(printed).collect();
    let lines = || std::iter::once(&header).chain(&rows);
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
    fn a_cell_is_one_line_whatever_it_holds() {
        for (cell, shown) in [
            ("a\nb  c", "a b c"),
            ("a\rok", "a ok"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("a\u{200b}b", "a\\u{200b}b"),
            ("a\u{2028}b", "a b"),
            ("\0\u{7}", "\\u{0}\\u{7}"),
            ("a\u{300}\u{300}\u{300}", "a\u{300}\u{300}\\u{300}"),
            ("\u{e0041}", "\\u{e0041}"),
        ] {
            assert_eq!(table(&["n"], &[vec![cell.to_owned()]]), format!("n\n{shown}\n"), "{cell:?}");
        }
        assert!(table(&["n"], &[vec!["x".repeat(10_000)]]).contains("… 9,600 more"));
    }

    #[test]
    fn columns_line_up_and_numbers_are_grouped() {
        let rows = vec![vec!["a".to_owned(), "1".to_owned()], vec!["long é".to_owned(), "22".to_owned()]];
        assert_eq!(table(&["name", "n"], &rows), "name    n\na       1\nlong é  22\n");
        assert_eq!((grouped(7), grouped(1234), grouped(1234567)), ("7".into(), "1,234".into(), "1,234,567".into()));
    }
}
