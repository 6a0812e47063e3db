//! All paths of a tree at once, as git lists them.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::SourceError;
use super::path::TreePath;
use super::resolve::{Node, Nodes};

/// What a list says of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ListedEntry {
    /// A file. In a commit: the name of its object.
    File(Option<String>),
    /// A link and its target.
    Link(Vec<u8>),
    /// A submodule, or a repository inside the repository.
    Submodule,
    /// Tracked as a file, and now something else.
    Other(&'static str),
}

/// Paths and what stands there. Directories are not listed: they are there when something below them is.
#[derive(Clone, Debug, Default)]
pub(super) struct TreeListing(BTreeMap<TreePath, ListedEntry>);

impl TreeListing {
    pub(super) fn get(&self, path: &TreePath) -> Option<&ListedEntry> {
        self.0.get(path)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&TreePath, &ListedEntry)> {
        self.0.iter()
    }

    /// What lies below a directory, at any depth, and its path from there; `None` is the root.
    pub(super) fn below<'a>(
        &'a self,
        directory: Option<&TreePath>,
    ) -> impl Iterator<Item = (&'a [u8], &'a ListedEntry)> {
        // Paths below `a` begin with `a/`, and `0` is the byte after `/`.
        let bound = |last: &[u8]| directory.map(|at| [at.as_bytes(), last].concat());
        let (from, to) = (bound(b"/"), bound(b"0"));
        let from_bound = from.as_deref().map_or(Bound::Unbounded, Bound::Included);
        let to_bound = to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let start = from.as_ref().map_or(0, Vec::len);
        let range = self.0.range::<[u8], _>((from_bound, to_bound));
        range.map(move |(path, entry)| (&path.as_bytes()[start..], entry))
    }
}

impl FromIterator<(TreePath, ListedEntry)> for TreeListing {
    fn from_iter<I: IntoIterator<Item = (TreePath, ListedEntry)>>(entries: I) -> TreeListing {
        TreeListing(entries.into_iter().collect())
    }
}

impl Nodes for TreeListing {
    fn node(&self, path: &TreePath) -> Result<Node, SourceError> {
        Ok(match self.0.get(path) {
            Some(ListedEntry::File(_)) => Node::File,
            Some(ListedEntry::Link(target)) => Node::Link(target.clone()),
            Some(ListedEntry::Submodule) => Node::Submodule,
            Some(ListedEntry::Other(kind)) => Node::Other(kind),
            None if self.below(Some(path)).next().is_some() => Node::Directory,
            None => Node::Absent,
        })
    }
}
