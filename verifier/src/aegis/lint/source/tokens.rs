//! Go source as tokens, for what [`super`] asks: names, texts with their values, signs. Comments are gone, and so is what no
//! compiler takes: a file that is broken ends where it breaks, and go says the rest.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier or a keyword.
    Name,
    /// A string literal; the token's text is its value.
    Text,
    /// A number or a character: never looked into.
    Other,
    /// One character of punctuation, or `:=`.
    Sign,
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// As written; of a string, what it means.
    pub(super) text: String,
    /// Where it stands, quotes included.
    pub(super) at: Range<usize>,
    /// Whether it is the first of its line.
    pub(super) starts_line: bool,
}

impl Token {
    pub(super) fn is(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    pub(super) fn is_name(&self, name: &str) -> bool {
        self.kind == Kind::Name && self.text == name
    }
}

/// The tokens of a file.
pub(super) fn tokens(source: &str) -> Vec<Token> {
    let mut reader = Reader { source, at: 0, starts_line: true };
    let mut tokens = Vec::new();
    while let Some(token) = reader.next() {
        tokens.push(token);
    }
    tokens
}

struct Reader<'s> {
    source: &'s str,
    at: usize,
    starts_line: bool,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn next(&mut self) -> Option<Token> {
        self.skip();
        let first = self.rest().chars().next()?;
        let start = self.at;
        let (kind, text) = match first {
            '"' => (Kind::Text, self.quoted()?),
            '`' => {
                let inner = self.rest()[1..].split_once('`')?.0;
                // Go leaves carriage returns out of raw strings.
                let (text, size) = (inner.replace('\r', ""), inner.len() + 2);
                self.at += size;
                (Kind::Text, text)
            }
            '\'' => {
                self.at += rune(self.rest())?;
                (Kind::Other, String::new())
            }
            '0'..='9' => {
                let size = self.rest().find(|char: char| !char.is_alphanumeric() && !"._".contains(char));
                self.at += size.unwrap_or(self.rest().len());
                (Kind::Other, String::new())
            }
            _ if first == '_' || first.is_alphabetic() => {
                let size = self.rest().find(|char: char| char != '_' && !char.is_alphanumeric());
                self.at += size.unwrap_or(self.rest().len());
                (Kind::Name, self.source[start..self.at].to_owned())
            }
            _ => {
                self.at += if self.rest().starts_with(":=") { 2 } else { first.len_utf8() };
                (Kind::Sign, self.source[start..self.at].to_owned())
            }
        };
        let starts_line = std::mem::take(&mut self.starts_line);
        Some(Token { kind, text, at: start..self.at, starts_line })
    }

    /// White space and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let size = if rest.starts_with("//") {
                rest.find('\n').unwrap_or(rest.len())
            } else if let Some(comment) = rest.strip_prefix("/*") {
                comment.find("*/").map_or(rest.len(), |at| at + 4)
            } else {
                rest.find(|char: char| !char.is_whitespace()).unwrap_or(rest.len())
            };
            self.starts_line |= rest[..size].contains('\n');
            self.at += size;
            if size == 0 {
                return;
            }
        }
    }

    /// The value of a string between double quotes; `None` where the line ends first.
    fn quoted(&mut self) -> Option<String> {
        let (mut value, mut bytes) = (String::new(), Vec::new());
        let rest = self.source[self.at + 1..].to_owned();
        let mut chars = rest.char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.at += at + 2;
                    flush(&mut bytes, &mut value);
                    return Some(value);
                }
                '\n' => return None,
                '\\' => {
                    let (size, meant) = escape(&rest[at + 1..])?;
                    match meant {
                        Meant::Char(char) => {
                            flush(&mut bytes, &mut value);
                            value.push(char);
                        }
                        Meant::Byte(byte) => bytes.push(byte),
                    }
                    chars.by_ref().take(size).for_each(drop);
                }
                _ => {
                    flush(&mut bytes, &mut value);
                    value.push(char);
                }
            }
        }
        None
    }
}

/// Bytes that were written as escapes, as text.
fn flush(bytes: &mut Vec<u8>, value: &mut String) {
    value.push_str(&String::from_utf8_lossy(bytes));
    bytes.clear();
}

enum Meant {
    Char(char),
    Byte(u8),
}

/// What follows a backslash: how many characters it takes, and what they mean.
fn escape(rest: &str) -> Option<(usize, Meant)> {
    let first = rest.chars().next()?;
    let digits = |start: usize, count: usize, radix: u32| {
        u32::from_str_radix(rest.get(start..start + count)?, radix).ok().map(|value| (start + count, value))
    };
    let simple = |char| Some((1, Meant::Char(char)));
    match first {
        'n' => simple('\n'),
        't' => simple('\t'),
        'r' => simple('\r'),
        'a' => simple('\u{7}'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{c}'),
        'v' => simple('\u{b}'),
        '\\' | '"' | '\'' => simple(first),
        'x' => digits(1, 2, 16).map(|(size, value)| (size, Meant::Byte(value as u8))),
        'u' | 'U' => {
            let (size, value) = digits(1, if first == 'u' { 4 } else { 8 }, 16)?;
            Some((size, Meant::Char(char::from_u32(value)?)))
        }
        '0'..='7' => digits(0, 3, 8).map(|(size, value)| (size, Meant::Byte(value as u8))),
        _ => None,
    }
}

/// How many bytes a character literal has.
fn rune(rest: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, char) in rest.char_indices().skip(1) {
        match char {
            '\n' => return None,
            '\'' if !is_escaped => return Some(at + 1),
            _ => is_escaped = char == '\\' && !is_escaped,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_strings_are_what_they_mean() {
        let shown = |source: &str| {
            let shown = |token: &Token| match token.kind {
                Kind::Text => format!("<{}>", token.text),
                Kind::Other => "#".to_owned(),
                Kind::Name | Kind::Sign => token.text.clone(),
            };
            tokens(source).iter().map(shown).collect::<Vec<_>>().join(" ")
        };
        for (source, expected) in [
            ("a := \"b\" // \"c\"\nd", "a := <b> d"),
            ("/* \"x\" \n */ fmt.Println(`a\\n\r\"b\"`)", "fmt . Println ( <a\\n\"b\"> )"),
            (r#""\"\\\n\t\x41\101\u00e9\U0001F600""#, "<\"\\\n\tAAé😀>"),
            (r#""\xc3\xa9""#, "<é>"),
            (r"'\'' '\\' 'a' '世'", "# # # #"),
            ("0x1F + 1_000.5e3", "# + #"),
            ("größe.Größe{Enum: 1}", "größe . Größe { Enum : # }"),
            ("x = \"never closed\ny", "x ="),
            ("x = `never closed", "x ="),
            ("'\n", ""),
            ("/* open", ""),
            ("", ""),
        ] {
            assert_eq!(shown(source), expected, "{source}");
        }
        let lines: Vec<bool> = tokens("a b\n/*\n*/ c").iter().map(|token| token.starts_line).collect();
        assert_eq!(lines, [true, false, true]);
        let source = "  x(\"é\")";
        let places: Vec<&str> = tokens(source).iter().map(|token| &source[token.at.clone()]).collect();
        assert_eq!(places, ["x", "(", "\"é\"", ")"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_to_its_end_or_where_it_breaks(text in "[ -~\\n`\"'\\\\/*é]{0,60}") {
            for token in tokens(&text) {
                proptest::prop_assert!(text.get(token.at).is_some());
            }
        }
    }
}
