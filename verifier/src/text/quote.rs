//! Go's `%q`, which the pinned messages of keyring.md are written in.

use std::fmt::{self, Write as _};

use crate::text::is_shown;

/// Characters that are shown of one text: more than a path has.
const LONGEST: usize = 1_000;

/// Shows a text in double quotes with everything that is not printable escaped, so that a path or an authority from a
/// file can never move the cursor, end the line, or pass for another text.
///
/// Ordinary text reads as in Go. Marks that combine with the character before them and letters that are blank are escaped
/// too, and a text of more than 1,000 characters is cut.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for (number, char) in self.0.chars().enumerate() {
            match char {
                _ if number == LONGEST => {
                    f.write_char('…')?;
                    break;
                }
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\'' => f.write_char('\'')?,
                '\u{7}' => f.write_str("\\a")?,
                '\u{8}' => f.write_str("\\b")?,
                '\u{c}' => f.write_str("\\f")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '\u{b}' => f.write_str("\\v")?,
                char if char.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(char))?,
                char if is_shown(char) && char.escape_debug().len() == 1 => f.write_char(char)?,
                char if u32::from(char) < 0x1_0000 => write!(f, "\\u{:04x}", u32::from(char))?,
                char => write!(f, "\\U{:08x}", u32::from(char))?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // keyring.md, the meaning of %q; the expected texts are Go's strconv.Quote
    fn quoting_is_gos() {
        for (text, quoted) in [
            ("/home/ä/.aileron/keyring.json", r#""/home/ä/.aileron/keyring.json""#),
            ("", r#""""#),
            ("a'b\"c\\d", r#""a'b\"c\\d""#),
            ("\u{7}\u{8}\u{c}\n\r\t\u{b}", r#""\a\b\f\n\r\t\v""#),
            ("\0\u{1b}\u{7f}", r#""\x00\x1b\x7f""#),
            ("\u{202e}\u{2028}\u{85}", r#""\u202e\u2028\u0085""#),
            ("\u{e0001}", r#""\U000e0001""#),
            ("a\u{3164}\u{115f}\u{2800}\u{ad}\u{fe0f}", r#""a\u3164\u115f\u2800\u00ad\ufe0f""#),
        ] {
            assert_eq!(Quoted(text).to_string(), quoted, "{text:?}");
        }
    }
}
