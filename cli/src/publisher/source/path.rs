//! A path inside the repository.

use std::borrow::Borrow;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::sys::bytes;

/// A path inside the repository, relative to its root: names separated by `/`, any bytes but NUL. No name is empty, `.`,
/// `..` or `.git`, so it never leads out, and never into git's own files (they hold credentials).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TreePath(Vec<u8>);

impl TreePath {
    /// The path, if it is one.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Option<TreePath> {
        let bytes = bytes.into();
        bytes.split(|byte| *byte == b'/').all(is_name).then_some(TreePath(bytes))
    }

    /// A path of these names.
    pub(super) fn of(names: &[Vec<u8>]) -> Option<TreePath> {
        TreePath::new(names.join(&b'/'))
    }

    /// The names, from the root on.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/')
    }

    /// Its bytes, as git has them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What is left below `directory`; `None` for the directory itself and for what lies elsewhere.
    pub fn below(&self, directory: &TreePath) -> Option<&[u8]> {
        self.0.strip_prefix(&*directory.0)?.strip_prefix(b"/")
    }

    /// Whether it is `directory` or lies below it.
    pub fn is_within(&self, directory: &TreePath) -> bool {
        self == directory || self.below(directory).is_some()
    }

    /// The path `rest` below this one.
    pub(super) fn join(&self, rest: &[u8]) -> Option<TreePath> {
        TreePath::new([&*self.0, b"/", rest].concat())
    }

    /// Where it is below `root`; `None` where the system has no such name.
    pub fn on_disk(&self, root: &Path) -> Option<PathBuf> {
        let mut path = root.to_owned();
        for name in self.names() {
            let name = bytes::to_os(name)?;
            // On Windows a name may hold a separator or a drive.
            let is_one = Path::new(&name).components().count() == 1 && Path::new(&name).is_relative();
            path.push(Some(name).filter(|_| is_one)?);
        }
        Some(path)
    }
}

/// A path sorts as its bytes do.
impl Borrow<[u8]> for TreePath {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.eq_ignore_ascii_case(b".git") && !name.contains(&0)
}

/// Lossy where a name is not UTF-8; untrusted text.
impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leads_out_and_never_into_gits_own_files() {
        for good in
            [&b"a"[..], b"a/b", b"actions/ x/action.md", b"a\xff/b", b"...", b".gitignore", b"a/.github/w", b"-n"]
        {
            assert_eq!(TreePath::new(good).unwrap().as_bytes(), good);
        }
        for bad in [
            &b""[..],
            b"/",
            b"/etc/passwd",
            b"a//b",
            b"a/",
            b".",
            b"./a",
            b"..",
            b"../a",
            b"a/../b",
            b"a/..",
            b".git",
            b".git/config",
            b"a/.GIT/config",
            b"a\0b",
        ] {
            assert_eq!(TreePath::new(bad), None, "{}", String::from_utf8_lossy(bad));
        }
    }
}
