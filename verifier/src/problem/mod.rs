//! What can be wrong: failure classes, rules, and one broken rule at one place.
//!
//! A room that judges a document reports [`Problem`]s: a rule and a byte range. Drawing them, choosing an exit code and
//! naming the next command is the binary's work. The rules themselves are rows of their families' tables, each beside the
//! readers that report it; here is only what a row is. Nothing of a family may come in, nor a reader.

mod class;
mod collect;
mod contained;
mod rule;
mod shorten;
mod source;
mod waiver;

use std::ops::Range;
use std::sync::Arc;

pub use class::Class;
pub use collect::{MOST_PROBLEMS, MOST_PROBLEMS_OF_SOURCE, Problems};
pub(crate) use contained::contained;
pub(crate) use rule::{Effect, rules};
pub use rule::{Rule, Severity};
pub use shorten::shorten;
pub use source::Source;
pub(crate) use source::on_characters;
pub use waiver::{NotWaivable, Waiver};

/// One broken rule at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The rule that is broken.
    pub rule: &'static Rule,
    /// The file, as [`Source::path`] names it.
    pub file: Arc<str>,
    /// Byte range into the file as it was read; empty at a place where something is missing. Made by [`Source::problem`],
    /// it lies inside the text, on whole characters; a file without text has `0..0`.
    pub at: Range<usize>,
    /// What is wrong here, with the offending value where it is not a secret.
    pub message: String,
}

/// A value and the bytes it was written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The parsed value.
    pub value: T,
    /// Byte range of the whole value in the file, quotes included.
    pub at: Range<usize>,
}

/// A document that was read: the value if it is usable, and everything that is wrong with it.
#[derive(Clone, Debug)]
pub struct Parsed<T> {
    /// Present when nothing but waivable rules, warnings and notes stands against it.
    pub document: Option<T>,
    /// Its problems, in file order: at most [`MOST_PROBLEMS`], of a committed document [`MOST_PROBLEMS_OF_SOURCE`]; at least
    /// one of every rule that is broken.
    pub problems: Vec<Problem>,
    /// How many more problems there are.
    pub more: usize,
}

impl<T> Parsed<T> {
    /// What was read, unless something stands against it: only waivable rules, warnings and notes may.
    pub fn new(document: Option<T>, problems: Problems) -> Parsed<T> {
        let (problems, more) = problems.sorted();
        Parsed { document: document.filter(|_| usable(&problems)), problems, more }
    }
}

fn usable(problems: &[Problem]) -> bool {
    problems.iter().all(|problem| problem.rule.is_waivable() || problem.rule.severity() != Severity::Error)
}

/// The class of a document with these problems: one that cannot be read is `parse_error`, whatever else is wrong with it.
/// artifacts.md §2, §8.
pub fn class_of(problems: &[Problem]) -> Class {
    let unreadable = problems.iter().any(|problem| problem.rule.class() == Class::ParseError);
    if unreadable { Class::ParseError } else { Class::ValidationError }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test] // artifacts.md §8
    fn every_class_has_its_own_identifier() {
        assert_eq!(Class::ALL.iter().map(|c| c.as_str()).collect::<BTreeSet<_>>().len(), Class::ALL.len());
    }
}
