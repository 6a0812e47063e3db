//! Grants to the text of a saved ring. keyring.md §1.6.

use std::fmt;

use super::Keyring;
use crate::name::fqn::Authority;
use crate::trust::key::PublicKey;

impl Keyring {
    /// The text of a saved ring: always version 2, always the same bytes for the same grants. keyring.md §1.6.
    pub fn render(&self) -> String {
        let (owners, publishers): (Vec<_>, Vec<_>) =
            self.grants.iter().partition(|(authority, _)| authority.is_owner_shaped());
        let mut text = "{\n  \"version\": 2,\n".to_owned();
        if !owners.is_empty() {
            text += &format!("  \"owners\": {},\n", Members(&owners));
        }
        text + &format!("  \"publishers\": {}\n}}\n", Members(&publishers))
    }
}

/// One of the two maps, written as a save writes it.
struct Members<'a>(&'a [(&'a Authority, &'a Vec<PublicKey>)]);

impl fmt::Display for Members<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("{}");
        }
        f.write_str("{\n")?;
        for (at, (authority, keys)) in self.0.iter().enumerate() {
            writeln!(f, "    {}: [", JsonText(authority.as_str()))?;
            for (at, key) in keys.iter().enumerate() {
                writeln!(f, "      \"{}\"{}", key.to_base64(), if at + 1 < keys.len() { "," } else { "" })?;
            }
            writeln!(f, "    ]{}", if at + 1 < self.0.len() { "," } else { "" })?;
        }
        f.write_str("  }")
    }
}

/// A JSON string as Go's encoder writes it: like serde_json's, but safe inside HTML and JavaScript too.
struct JsonText<'a>(&'a str);

impl fmt::Display for JsonText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for char in self.0.chars() {
            match char {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\u{8}' => f.write_str("\\b")?,
                '\u{c}' => f.write_str("\\f")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => write!(f, "\\u{:04x}", u32::from(char))?,
                char if char < ' ' => write!(f, "\\u{:04x}", u32::from(char))?,
                char => fmt::Write::write_char(f, char)?,
            }
        }
        f.write_str("\"")
    }
}
