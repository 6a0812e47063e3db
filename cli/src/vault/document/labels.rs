//! An entry's labels: a few short texts, sorted by name. A vault of a thousand entries has thousands of them, so they stand in
//! one list each rather than in a tree, and names that are known here are not copied.

use std::borrow::Cow;

/// The label that each entry has, always with the same text. vault.md §2.3.
pub(super) const ENCRYPTED: &str = "encrypted";

/// Names of labels that we write. vault.md §2.3.
const KNOWN: [&str; 12] = [
    "access_key_id",
    "account",
    "connector_fqn",
    "created_at",
    "granted_scopes",
    "identity",
    "missing_scopes",
    "region",
    "scope",
    "service",
    "stale_reason",
    "status",
];

/// Labels by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels(Vec<(Cow<'static, str>, String)>);

/// The text without a copy of it, where it is one of these.
pub(super) fn shared(text: Cow<'_, str>, known: &[&'static str]) -> Cow<'static, str> {
    match known.iter().find(|known| **known == text) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(text.into_owned()),
    }
}

impl Labels {
    /// None yet, with room for so many.
    pub(super) fn with_room(count: usize) -> Labels {
        Labels(Vec::with_capacity(count))
    }

    /// Adds one whose name comes behind those of the others.
    pub(super) fn push(&mut self, name: &str, text: &str) {
        self.0.push((shared(Cow::Borrowed(name), &KNOWN), text.to_owned()));
    }

    /// A label's text.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.place(name).ok().map(|at| self.0[at].1.as_str())
    }

    /// Sets a label, over one that is there.
    pub(super) fn insert(&mut self, name: &str, text: String) {
        match self.place(name) {
            Ok(at) => self.0[at].1 = text,
            Err(at) => self.0.insert(at, (shared(Cow::Borrowed(name), &KNOWN), text)),
        }
    }

    /// Takes a label away, if it is there.
    pub(super) fn remove(&mut self, name: &str) {
        if let Ok(at) = self.place(name) {
            self.0.remove(at);
        }
    }

    /// All labels, sorted by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_ref(), text.as_str()))
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(found, _)| found.as_ref().cmp(name))
    }
}

impl Labels {
    /// Labels whose names differ, `count` of them or fewer.
    pub(super) fn of<'a, E>(
        count: usize,
        labels: impl Iterator<Item = Result<(Cow<'a, str>, String), E>>,
    ) -> Result<Labels, E> {
        let mut found = Vec::with_capacity(count);
        for label in labels {
            let (name, text) = label?;
            found.push((shared(name, &KNOWN), text));
        }
        found.sort_unstable();
        Ok(Labels(found))
    }
}
