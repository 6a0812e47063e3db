//! Entries to bytes: the existing runtime's form with the product document's members in it. vault.md §2.6, §2.8.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::labels::ENCRYPTED;
use super::{Document, Entry, Slot, Stored};

/// Member by member, at two spaces a level.
struct Writer {
    text: String,
    depth: usize,
}

pub(super) fn document(document: &Document) -> String {
    /// Bytes of an entry with a token and a few labels.
    const USUAL: usize = 640;
    let usual = USUAL * (document.entries.iter().filter(|slot| slot.written.is_empty()).count() + 1);
    let mut to = Writer { text: String::with_capacity(document.text.len() + usual), depth: 0 };
    to.object(|to| {
        to.member("version", "1");
        let header = document.header();
        to.string("salt", &super::Blob::from(header.salt.clone()).to_base64());
        if let Some(verification) = &header.verification {
            to.string("verification", &verification.to_base64());
        }
        to.nested("secrets", |to| {
            for Slot { name, entry: found, written } in &document.entries {
                match &document.text[written.clone()] {
                    "" => to.nested(name, |to| entry(found, to)),
                    text => to.as_it_stands(text),
                }
            }
        });
        document.unknown.iter().for_each(|(name, value)| to.member(name, value.get()));
    });
    to.text
}

fn entry(entry: &Entry, to: &mut Writer) {
    let value = match &entry.stored {
        Stored::Blob(blob) => Some(blob.to_base64()),
        Stored::Unreadable { members, .. } => {
            members.iter().for_each(|(name, value)| to.member(name, value.get()));
            None
        }
    };
    value.iter().for_each(|value| to.string("value", value));
    to.nested("metadata", |to| {
        to.string("Type", &entry.kind);
        to.string("Environment", &entry.environment);
        to.nested("Labels", |to| {
            let before = entry.labels.iter().take_while(|(name, _)| *name < ENCRYPTED);
            let after = entry.labels.iter().skip_while(|(name, _)| *name < ENCRYPTED);
            before.chain([(ENCRYPTED, "true")]).chain(after).for_each(|(name, text)| to.string(name, text));
        });
        to.string("kind", &entry.kind);
        if let Some(scope) = entry.label("scope") {
            to.string("scope", &scope_member(&entry.kind, scope));
        }
        to.string("encrypted", "true");
        entry.unknown_metadata.iter().for_each(|(name, value)| to.member(name, value.get()));
    });
    value.iter().for_each(|value| to.string("ciphertext", value));
    entry.unknown.iter().for_each(|(name, value)| to.member(name, value.get()));
}

/// The label `scope`, as the product document has it: with commas where it is a list.
pub(super) fn scope_member<'a>(kind: &str, scope: &'a str) -> Cow<'a, str> {
    match kind {
        "oauth2" => Cow::Owned(scope.split_whitespace().collect::<Vec<_>>().join(",")),
        _ => Cow::Borrowed(scope),
    }
}

impl Writer {
    fn object(&mut self, members: impl FnOnce(&mut Writer)) {
        self.text.push('{');
        self.depth += 1;
        let before = self.text.len();
        members(self);
        self.depth -= 1;
        if self.text.len() > before {
            self.line();
        }
        self.text.push('}');
    }

    fn nested(&mut self, name: &str, members: impl FnOnce(&mut Writer)) {
        self.name(name);
        self.object(members);
    }

    fn member(&mut self, name: &str, value: &str) {
        self.name(name);
        self.text.push_str(value);
    }

    fn string(&mut self, name: &str, text: &str) {
        self.name(name);
        quote(text, &mut self.text);
    }

    /// A member that was written before.
    fn as_it_stands(&mut self, text: &str) {
        self.next();
        self.text.push_str(text);
    }

    /// After an opening brace the first, else the next.
    fn next(&mut self) {
        if !self.text.ends_with('{') {
            self.text.push(',');
        }
        self.line();
    }

    fn name(&mut self, name: &str) {
        self.next();
        quote(name, &mut self.text);
        self.text.push_str(": ");
    }

    fn line(&mut self) {
        const SPACES: &str = "                ";
        self.text.push('\n');
        self.text.push_str(&SPACES[..(self.depth * 2).min(SPACES.len())]);
    }
}

/// Whether a text stands in a JSON string of Go's as it is. Every byte is looked at, so that many are looked at together.
pub(super) fn is_plain(text: &str) -> bool {
    let is_plain = |byte: u8| (0x20..0x80).contains(&byte) & !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&');
    text.bytes().fold(true, |plain, byte| plain & is_plain(byte))
}

/// A JSON string as Go writes it: without the characters that mean something in HTML and in scripts.
fn quote(text: &str, to: &mut String) {
    if is_plain(text) {
        to.push('"');
        to.push_str(text);
        to.push('"');
        return;
    }
    for char in serde_json::Value::from(text).to_string().chars() {
        match char {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(to, "\\u{:04x}", u32::from(char)); // a String takes all
            }
            char => to.push(char),
        }
    }
}
