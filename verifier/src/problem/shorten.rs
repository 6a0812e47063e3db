//! Text cut in its middle.

use std::borrow::Cow;

/// At most `most` characters of a text and a mark where the rest was: the beginning and the end stay, because a sentence
/// about a long value begins with the value and ends with what is wrong with it.
///
/// The cost follows `most`, not the text.
pub fn shorten(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most || text.char_indices().nth(most).is_none() {
        return Cow::Borrowed(text);
    }
    let head = text.char_indices().nth(most.div_ceil(2)).map_or(text.len(), |(at, _)| at);
    let tail = match most / 2 {
        0 => text.len(),
        tail => text.char_indices().nth_back(tail - 1).map_or(0, |(at, _)| at),
    };
    Cow::Owned(format!("{}…{}", &text[..head], &text[tail..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_a_long_text_stay() {
        for (text, most, short) in [
            ("", 0, ""),
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…d"),
            ("abcdef", 4, "ab…ef"),
            ("abc", 1, "a…"),
            ("abc", 0, "…"),
            ("ééé", 3, "ééé"),
            ("éééé", 2, "é…é"),
            ("🍵茶茶🍵x", 2, "🍵…x"),
            ("aaaaaaaaaa is wrong", 12, "aaaaaa… wrong"),
        ] {
            assert_eq!(shorten(text, most), short, "{text} {most}");
        }
        assert_eq!(shorten(&"x".repeat(1 << 20), 400).chars().count(), 401);
    }
}
