//! The vault's file as a value: bytes to entries and back. Pure, and without a key: values are blobs here. vault.md §2.
//!
//! Four shapes and files of before there was a version are read ([`read`]); one is written ([`write`]), in which both the
//! existing runtime and the product document find what they know. Members that are not known here are kept.
//!
//! A file as it is written here is read by a shorter way ([`written`]), and an entry of it that is not changed is written as it
//! stands there: a change to one of a thousand entries costs no rendering of the others.

mod labels;
mod malformed;
mod members;
mod read;
mod write;
mod written;

use std::borrow::Cow;
use std::ops::Range;

use serde_json::value::RawValue;

use self::labels::Labels;
use super::blob::Blob;

pub use self::malformed::Malformed;

/// Bytes of a salt at least.
pub const SHORTEST_SALT: usize = 16;

/// Members that were not understood, as they were written.
type Unknown = Vec<(String, Box<RawValue>)>;

/// Salt and verifier: what a key is derived with and proven by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// One per file, never changed.
    pub salt: Vec<u8>,
    /// Absent in files older than it.
    pub verification: Option<Blob>,
}

/// What can be done with a document. vault.md §2.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Salt and verifier are there.
    Ready,
    /// There is a salt and no verifier: an older file.
    Legacy,
    /// Nothing is there yet; a vault may be made here.
    Uninitialised,
    /// Entries can be listed; no key can be derived, and nothing may be written. The reason.
    Broken(&'static str),
}

/// A vault's file, read.
#[derive(Clone, Debug, Default)]
pub struct Document {
    header: Header,
    /// Sorted by name, each name once.
    entries: Vec<Slot>,
    unknown: Unknown,
    /// The file, where entries stand in it as they are written; else empty.
    text: String,
}

/// An entry in its document.
#[derive(Clone, Debug)]
struct Slot {
    name: String,
    entry: Entry,
    /// Where the document's text has name and entry exactly as they are written; empty where it has not.
    written: Range<usize>,
}

impl Slot {
    fn new(name: String, entry: Entry) -> Slot {
        Slot { name, entry, written: 0..0 }
    }
}

/// One entry: a sealed value, and in plain text what it is.
#[derive(Clone, Debug)]
pub struct Entry {
    kind: Cow<'static, str>,
    environment: String,
    labels: Labels,
    stored: Stored,
    unknown: Unknown,
    unknown_metadata: Unknown,
}

/// The value as the file has it.
#[derive(Clone, Debug)]
enum Stored {
    Blob(Blob),
    Unreadable { why: Unreadable, members: Unknown },
}

/// Why an entry has no one blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// `value` and `ciphertext` are both there and differ.
    #[error("value and ciphertext differ")]
    Differing,
    /// Neither of them is a string.
    #[error("there is no value")]
    Absent,
}

impl Document {
    /// Reads a file. vault.md §2.7.
    ///
    /// # Errors
    /// [`Malformed`]: then nothing can be listed, and nothing may be written.
    pub fn read(bytes: impl Into<Vec<u8>>) -> Result<Document, Malformed> {
        let not_text = |error: std::string::FromUtf8Error| Malformed::NotUtf8(error.utf8_error().valid_up_to());
        let text = String::from_utf8(bytes.into()).map_err(not_text)?;
        written::document(text).or_else(|text| read::document(&text))
    }

    /// The file as it is written, whatever shape it was read from. vault.md §2.8.
    pub fn render(&self) -> String {
        write::document(self)
    }

    /// What can be done with it.
    pub fn state(&self) -> State {
        let Header { salt, verification } = &self.header;
        match (salt.len(), verification) {
            (0, None) if self.entries.is_empty() => State::Uninitialised,
            (0, _) => State::Broken("the salt is missing"),
            (1..SHORTEST_SALT, _) => State::Broken("the salt is shorter than 16 bytes"),
            (_, Some(_)) => State::Ready,
            (_, None) => State::Legacy,
        }
    }

    /// Salt and verifier.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Sets salt and verifier: for a new vault, a new passphrase, or an older file that gets its verifier.
    pub(super) fn set_header(&mut self, header: Header) {
        self.header = header;
    }

    /// All entries, sorted by name.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|slot| (slot.name.as_str(), &slot.entry))
    }

    /// One entry.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.place(name).ok().map(|at| &self.entries[at].entry)
    }

    /// Puts an entry in its place, over one that is there.
    pub fn put(&mut self, name: impl Into<String>, entry: Entry) {
        let slot = Slot::new(name.into(), entry);
        match self.place(&slot.name) {
            Ok(at) => self.entries[at] = slot,
            Err(at) => self.entries.insert(at, slot),
        }
    }

    /// Takes an entry away; `false` where there is none.
    pub fn remove(&mut self, name: &str) -> bool {
        self.place(name).is_ok_and(|at| self.entries.remove(at).name == name)
    }

    /// Where an entry is, or where it belongs.
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|slot| slot.name.as_str().cmp(name))
    }
}

impl Entry {
    /// A new entry.
    pub fn new(kind: impl Into<String>, blob: Blob) -> Entry {
        Entry {
            kind: Cow::Owned(kind.into()),
            environment: String::new(),
            labels: Labels::default(),
            stored: Stored::Blob(blob),
            unknown: Unknown::new(),
            unknown_metadata: Unknown::new(),
        }
    }

    /// The same entry with another value; labels and members that are not known stay.
    pub fn with_blob(self, blob: Blob) -> Entry {
        Entry { stored: Stored::Blob(blob), ..self }
    }

    /// The same entry with one more label, or with another text in it. An empty text takes the label away.
    pub fn with_label(mut self, name: &str, text: &str) -> Entry {
        match text {
            "" => self.labels.remove(name),
            text => self.labels.insert(name, text.to_owned()),
        }
        self
    }

    /// Which kind of credential: `oauth2`, `api_key`, `aws_sigv4`, `secret`, or one that is not known here.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// A label's text; an empty one is as none.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).filter(|text| !text.is_empty())
    }

    /// The sealed value.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn blob(&self) -> Result<&Blob, Unreadable> {
        match &self.stored {
            Stored::Blob(blob) => Ok(blob),
            Stored::Unreadable { why, .. } => Err(*why),
        }
    }
}
