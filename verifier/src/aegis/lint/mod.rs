//! What stops publishing a bundle, all at once and with places. aegis-bundle.md §14.3, strict mode.
//!
//! | file | |
//! |---|---|
//! | `document` | the bytes of `manifest.json` as JSON that survives the host's database |
//! | `fields` | its members |
//! | `fill` | checksums in place of the placeholder |
//! | `object` | one object of it: names, and members of a type |
//! | `target` | one target |
//! | `files` | the files of a bundle against their manifest |
//! | [`source`] | the extension's Go source against its manifest |

mod document;
mod fields;
mod files;
mod fill;
mod object;
pub mod source;
mod target;

use std::ops::Range;

use super::Kind;
use crate::problem::{MOST_PROBLEMS_OF_SOURCE, Problem, Problems, Rule, Source};
use crate::text::json::tape::Value;

pub use files::{Bundle, irregular, staged};
pub use fill::{filled, only};

/// What an author may write in place of a checksum; it is filled in when packing. Seed of the product document.
pub const PLACEHOLDER: &str = "REPLACE_WITH_BINARY_SHA256";

/// Whether checksums may still be the placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksums {
    /// In a repository, before packing.
    MayBeOpen,
    /// In a bundle.
    Filled,
}

/// A manifest that was checked.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The text that ranges point into; bytes that are not UTF-8 are replaced in it.
    pub source: Source,
    /// What is wrong, in file order.
    pub problems: Vec<Problem>,
    /// How many more problems there are.
    pub more: usize,
    /// The kind the manifest is of, as far as it says.
    pub kind: Kind,
    /// The extension's id and where it stands; empty where there is none.
    pub id: (String, Range<usize>),
    /// The version and where it stands; empty where there is none.
    pub version: (String, Range<usize>),
    /// Every target that is usable: its place in the list, and what it says.
    pub targets: Vec<CheckedTarget>,
}

/// A target whose path and architecture can be used.
#[derive(Clone, Debug)]
pub struct CheckedTarget {
    /// `library_path`, and where it stands.
    pub library: (String, Range<usize>),
    /// `sha256`, and where it stands; `None` where it is the placeholder or no checksum.
    pub sha256: Option<(String, Range<usize>)>,
    /// Where the value of `sha256` stands, quotes included, when it is the placeholder.
    pub open: Option<Range<usize>>,
    /// `target_os`.
    pub os: String,
    /// `target_arch`.
    pub arch: String,
    /// `required_capabilities`, trimmed, each where it stands.
    pub capabilities: Vec<(String, Range<usize>)>,
    /// Where the target's object stands.
    pub at: Range<usize>,
}

/// Checks a manifest; `kind` where it is known from elsewhere. aegis-bundle.md §3, §14.3.
pub fn manifest(path: &str, bytes: &[u8], kind: Option<Kind>, checksums: Checksums) -> Checked {
    document::check(path, bytes, kind, checksums)
}

/// Collects problems of one file; places are shifted by what was cut off before reading.
struct Findings {
    source: Source,
    shift: usize,
    problems: Problems,
}

impl Findings {
    fn new(source: Source) -> Findings {
        Findings { source, shift: 0, problems: Problems::up_to(MOST_PROBLEMS_OF_SOURCE) }
    }

    fn at(&mut self, rule: &'static Rule, at: Range<usize>, message: impl Into<String>) {
        let at = self.place(at);
        self.problems.push(self.source.problem(rule, at, message));
    }

    fn of(&mut self, rule: &'static Rule, value: Value<'_>, message: impl Into<String>) {
        self.at(rule, value.at(), message);
    }

    /// A range of the bytes that were read, as a range of the file.
    fn place(&self, at: Range<usize>) -> Range<usize> {
        at.start + self.shift..at.end + self.shift
    }
}
