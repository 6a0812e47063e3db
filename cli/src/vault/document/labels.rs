//! An entry's labels: a few short texts, sorted by name. A vault of a thousand entries has thousands of them, so they stand in
//! one list each rather than in a tree.

/// Labels by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels(Vec<(String, String)>);

impl Labels {
    /// A label's text.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.place(name).ok().map(|at| self.0[at].1.as_str())
    }

    /// Sets a label, over one that is there.
    pub(super) fn insert(&mut self, name: &str, text: String) {
        match self.place(name) {
            Ok(at) => self.0[at].1 = text,
            Err(at) => self.0.insert(at, (name.to_owned(), text)),
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
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(found, _)| found.as_str().cmp(name))
    }
}

/// Of labels whose names differ.
impl FromIterator<(String, String)> for Labels {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(labels: I) -> Labels {
        let mut labels: Vec<_> = labels.into_iter().collect();
        labels.sort();
        Labels(labels)
    }
}
