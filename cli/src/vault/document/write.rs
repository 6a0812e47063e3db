//! Entries to bytes: the existing runtime's form with the product document's members in it. vault.md §2.6, §2.8.

use std::fmt::Write as _;

use super::{Document, Entry, Stored};

/// Member by member, at two spaces a level.
struct Writer {
    text: String,
    depth: usize,
}

pub(super) fn document(document: &Document) -> String {
    let mut to = Writer { text: String::new(), depth: 0 };
    to.object(|to| {
        to.member("version", "1");
        let header = document.header();
        to.member("salt", &quoted(&super::Blob::from(header.salt.clone()).to_base64()));
        if let Some(verification) = &header.verification {
            to.member("verification", &quoted(&verification.to_base64()));
        }
        to.nested("secrets", |to| {
            for (name, found) in document.entries() {
                to.nested(name, |to| entry(found, to));
            }
        });
        document.unknown.iter().for_each(|(name, value)| to.member(name, value.get()));
    });
    to.text
}

fn entry(entry: &Entry, to: &mut Writer) {
    let value = match &entry.stored {
        Stored::Blob(blob) => Some(quoted(&blob.to_base64())),
        Stored::Unreadable { members, .. } => {
            members.iter().for_each(|(name, value)| to.member(name, value.get()));
            None
        }
    };
    value.iter().for_each(|value| to.member("value", value));
    to.nested("metadata", |to| {
        to.member("Type", &quoted(&entry.kind));
        to.member("Environment", &quoted(&entry.environment));
        to.nested("Labels", |to| {
            let mut labels = entry.labels.clone();
            labels.insert("encrypted".to_owned(), "true".to_owned());
            labels.iter().for_each(|(name, text)| to.member(name, &quoted(text)));
        });
        to.member("kind", &quoted(&entry.kind));
        if let Some(scope) = entry.label("scope") {
            let with_commas = || scope.split_whitespace().collect::<Vec<_>>().join(",");
            let scope = if entry.kind == "oauth2" { with_commas() } else { scope.to_owned() };
            to.member("scope", &quoted(&scope));
        }
        to.member("encrypted", &quoted("true"));
        entry.unknown_metadata.iter().for_each(|(name, value)| to.member(name, value.get()));
    });
    value.iter().for_each(|value| to.member("ciphertext", value));
    entry.unknown.iter().for_each(|(name, value)| to.member(name, value.get()));
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

    /// After an opening brace the first, else the next.
    fn name(&mut self, name: &str) {
        if !self.text.ends_with('{') {
            self.text.push(',');
        }
        self.line();
        self.text.push_str(&quoted(name));
        self.text.push_str(": ");
    }

    fn line(&mut self) {
        let _ = write!(self.text, "\n{:1$}", "", self.depth * 2); // a String takes all
    }
}

/// A JSON string as Go writes it: without the characters that mean something in HTML and in scripts.
fn quoted(text: &str) -> String {
    let plain = serde_json::Value::from(text).to_string();
    if !plain.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return plain;
    }
    let mut quoted = String::with_capacity(plain.len() + 16);
    for char in plain.chars() {
        match char {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(char)); // a String takes all
            }
            char => quoted.push(char),
        }
    }
    quoted
}
