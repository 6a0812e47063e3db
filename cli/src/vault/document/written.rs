//! Files exactly as [`write`](super::write) makes them, read from line to line: a vault of a thousand entries in less than
//! half of the time that JSON takes.
//!
//! Nothing is decided here. What stands in any other place, order or spelling than we write it, has an escape or is not
//! right is left to [`read`](super::read), whole. Of every file that is read here, that one says the same, and it would be
//! written as it stands.

use std::borrow::Cow;

use super::labels::{ENCRYPTED, Labels, shared};
use super::read::KINDS;
use super::write::{is_plain, scope_member};
use super::{Document, Entry, Header, Slot, Stored, Unknown};
use crate::vault::blob::Blob;

/// The document; the text again where it is not as we write it.
pub(super) fn document(text: String) -> Result<Document, String> {
    match read(&text) {
        Some((header, entries)) => Ok(Document { header, entries, unknown: Unknown::new(), text }),
        None => Err(text),
    }
}

fn read(text: &str) -> Option<(Header, Vec<Slot>)> {
    /// An entry has more bytes.
    const SHORTEST: usize = 400;
    let mut from = Lines { rest: text };
    from.passes("{\n  \"version\": 1,\n  \"salt\": ")?;
    let salt = from.blob()?.as_bytes().to_vec();
    let verification = match from.passes(",\n  \"verification\": ") {
        Some(()) => Some(from.blob()?),
        None => None,
    };
    from.passes(",\n  \"secrets\": {")?;
    let mut entries: Vec<Slot> = Vec::with_capacity(text.len() / SHORTEST + 1);
    loop {
        from.passes("\n    ")?;
        let begin = text.len() - from.rest.len();
        let name = from.string()?;
        if entries.last().is_some_and(|before| before.name.as_str() >= name) {
            return None;
        }
        let entry = entry(&mut from)?;
        entries.push(Slot { name: name.to_owned(), entry, written: begin..text.len() - from.rest.len() });
        if from.passes(",").is_none() {
            break;
        }
    }
    from.passes("\n  }\n}")?;
    let header = Header { salt, verification };
    from.rest.is_empty().then_some((header, entries))
}

/// What follows an entry's name.
fn entry(from: &mut Lines<'_>) -> Option<Entry> {
    from.passes(": {\n      \"value\": ")?;
    let value = from.base64()?;
    from.passes(",\n      \"metadata\": {\n        \"Type\": ")?;
    let kind = from.string().filter(|kind| !kind.is_empty())?;
    from.passes(",\n        \"Environment\": ")?;
    let environment = from.string()?;
    from.passes(",\n        \"Labels\": {")?;
    let labels = labels(from)?;
    from.passes("\n        },\n        \"kind\": ")?;
    from.again(kind)?;
    if let Some(scope) = labels.get("scope").filter(|scope| !scope.is_empty()) {
        from.passes(",\n        \"scope\": ")?;
        from.again(&scope_member(kind, scope))?;
    }
    from.passes(",\n        \"encrypted\": \"true\"\n      },\n      \"ciphertext\": ")?;
    from.again(value)?;
    from.passes("\n    }")?;
    Some(Entry {
        kind: shared(Cow::Borrowed(kind), &KINDS),
        environment: environment.to_owned(),
        labels,
        stored: Stored::Blob(Blob::from_base64(value)?),
        unknown: Unknown::new(),
        unknown_metadata: Unknown::new(),
    })
}

/// All labels, up to their closing brace. One of them is said of every entry, and not kept.
fn labels(from: &mut Lines<'_>) -> Option<Labels> {
    const USUAL: usize = 4;
    let mut labels = Labels::with_room(USUAL);
    let (mut before, mut is_encrypted) = ("", false);
    loop {
        from.passes("\n          ")?;
        let name = from.string().filter(|name| before < *name)?;
        from.passes(": ")?;
        let text = from.string()?;
        match name {
            ENCRYPTED if text == "true" => is_encrypted = true,
            ENCRYPTED => return None,
            name => labels.push(name, text),
        }
        before = name;
        if from.passes(",").is_none() {
            return is_encrypted.then_some(labels);
        }
    }
}

/// What of the text is still to be read.
struct Lines<'a> {
    rest: &'a str,
}

impl<'a> Lines<'a> {
    /// Exactly this comes next.
    #[inline]
    fn passes(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    /// A string in which every character stands for itself.
    fn string(&mut self) -> Option<&'a str> {
        self.base64().filter(|text| is_plain(text))
    }

    /// A string that is looked at when it is decoded: what base64 has stands for itself.
    fn base64(&mut self) -> Option<&'a str> {
        let rest = self.rest.strip_prefix('"')?;
        let (text, rest) = rest.split_once('"')?;
        self.rest = rest;
        Some(text)
    }

    /// This string.
    fn again(&mut self, text: &str) -> Option<()> {
        self.passes("\"")?;
        self.passes(text)?;
        self.passes("\"")
    }

    /// A blob that is not empty, in base64.
    fn blob(&mut self) -> Option<Blob> {
        Blob::from_base64(self.base64()?).filter(|blob| !blob.as_bytes().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::document as any_form;
    use super::*;

    /// Three kinds, labels that no one else writes, and texts that mean something to JSON or HTML in other places.
    fn vault() -> Document {
        let mut document =
            any_form(r#"{"version":1,"salt":"AAAAAAAAAAAAAAAAAAAAAA==","verification":"AAAA"}"#).expect("reads");
        let entry = |kind: &str, byte: u8| Entry::new(kind, vec![byte; 30].into());
        let oauth2 =
            entry("oauth2", 1).with_label("scope", "read  write").with_label("connector_fqn", "github://acme/tea");
        document.put("oauth2/tea/home", oauth2.with_label("zebra", "{1}, [2]: 'x'"));
        document
            .put("aws_sigv4/tea/home", entry("aws_sigv4", 2).with_label("scope", "a b").with_label("region", "x-1"));
        document.put("user/tea", entry("user", 3));
        document
    }

    /// Of a text that is read here, the other reader says the same, and both would write it as it stands.
    fn is_read_as_any_form(text: &str) -> bool {
        let Ok(document) = super::document(text.to_owned()) else { return false };
        let other = any_form(text).unwrap_or_else(|why| panic!("{why}: {text}"));
        let said = |document: &Document| {
            let entries = document.entries().collect::<Vec<_>>();
            format!("{:?} {entries:?} {:?}", document.header, document.unknown)
        };
        assert_eq!(said(&document), said(&other), "{text}");
        assert_eq!((document.render().as_str(), other.render().as_str()), (text, text));
        true
    }

    #[test] // vault.md §2.6
    fn what_is_written_is_read_from_line_to_line() {
        let mut document = vault();
        assert!(is_read_as_any_form(&document.render()));
        document.set_header(Header { verification: None, ..document.header().clone() });
        assert!(is_read_as_any_form(&document.render()));
        for account in ["tea & milk", "M\u{fc}ller", "a \"quoted\" one", "back\\slash"] {
            let mut document = document.clone();
            document.put("secret/x", Entry::new("secret", vec![4; 30].into()).with_label("account", account));
            assert!(!is_read_as_any_form(&document.render()), "{account}");
            let again = Document::read(document.render().as_bytes()).expect("reads");
            assert_eq!(again.entry("secret/x").and_then(|entry| entry.label("account")), Some(account));
            assert_eq!(again.render(), document.render());
        }
    }

    #[test] // vault.md §2.8
    fn an_entry_that_is_not_changed_is_written_as_it_stands_and_a_changed_one_anew() {
        let mut document = super::document(vault().render()).expect("as it is written");
        let (changed, removed) = ("oauth2/tea/home", "user/tea");
        let stale = document.entry(changed).expect("there").clone().with_label("status", "stale");
        document.put(changed, stale);
        document.put("api_key/tea/home", Entry::new("api_key", vec![5; 30].into()));
        assert!(document.remove(removed));
        let text = document.render();
        assert!(is_read_as_any_form(&text));
        let mut expected = vault();
        expected.put(changed, expected.entry(changed).expect("there").clone().with_label("status", "stale"));
        expected.put("api_key/tea/home", Entry::new("api_key", vec![5; 30].into()));
        expected.remove(removed);
        assert_eq!(text, expected.render());
    }

    #[test]
    fn one_byte_or_line_more_less_or_other_is_read_as_the_other_reader_reads_it() {
        let text = vault().render();
        let places = || (0..text.len()).filter(|at| text.is_char_boundary(*at));
        let mut taken = 0;
        let mut look = |changed: String| taken += usize::from(is_read_as_any_form(&changed));
        for at in places() {
            let (before, after) = text.split_at(at);
            look(before.to_owned());
            look(format!("{before}{}", &after[1..]));
            for inserted in
                ["\n", " ", "\"", "\\", ",", ":", "{", "}", "a", "A", "=", "0", "&", "\t", "\u{7f}", "\u{2028}"]
            {
                look(format!("{before}{inserted}{after}"));
                look(format!("{before}{inserted}{}", &after[1..]));
            }
        }
        let lines: Vec<&str> = text.lines().collect();
        for (one, _) in lines.iter().enumerate() {
            for other in 0..lines.len() {
                let mut changed = lines.clone();
                let line = changed.remove(one);
                look(changed.join("\n"));
                changed.insert(other.min(changed.len()), line);
                look(changed.join("\n"));
                changed.insert(other, line);
                look(changed.join("\n"));
            }
        }
        assert!(taken > 1_000, "{taken}: texts of labels and names may change");
    }
}
