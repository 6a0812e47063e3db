//! Where a path leads, link by link, without leaving the repository. Pure: what stands under a path is asked of [`Nodes`].

use std::fmt;

use aileron_verifier::artifact::rules;
use aileron_verifier::problem::Problem;

use super::SourceError;
use super::path::TreePath;

/// Links followed on the way to one file: as many as Linux follows.
const LINKS: usize = 40;

/// What stands under one path; links are not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Absent,
    File,
    Directory,
    /// With its target.
    Link(Vec<u8>),
    Submodule,
    /// Something else, in a few words: `a FIFO`.
    Other(&'static str),
}

/// Answers [`resolve`]'s question.
pub(super) trait Nodes {
    fn node(&self, path: &TreePath) -> Result<Node, SourceError>;
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TreePlace {
    Absent,
    /// A file, and its path without links.
    File(TreePath),
    /// A directory, and its path without links; `None` is the root.
    Directory(Option<TreePath>),
    Refused(Refusal),
}

/// Why a file of the repository is not read. Whatever it is, nothing of it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A link (this one) leads out of the repository.
    LeadsOut(TreePath),
    /// A link leads to nothing.
    LeadsNowhere(TreePath),
    /// Links lead in a circle, or are too many.
    Circle(TreePath),
    /// A submodule stands there: its files are not part of the commit.
    Submodule(TreePath),
    /// An LFS pointer: the content is not part of the commit.
    LfsPointer,
    /// Not a regular file, but this.
    NotAFile(&'static str),
    /// Longer than so many bytes.
    TooLong(u64),
    /// A name that this system, or a document, cannot have.
    Name,
}

impl Refusal {
    /// The finding about the document at `path`.
    pub fn problem(&self, path: &str) -> Problem {
        Problem { rule: rules::SOURCE_FILE, file: path.into(), at: 0..0, message: self.to_string() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::LeadsOut(link) => write!(f, "{link} is a link that leads out of the repository"),
            Refusal::LeadsNowhere(link) => write!(f, "{link} is a link to a file that is not in the repository"),
            Refusal::Circle(link) => {
                write!(f, "{link} is a link in a circle, or in a chain of more than {LINKS} links")
            }
            Refusal::Submodule(at) => write!(f, "{at} is a submodule; its files are not part of this repository"),
            Refusal::LfsPointer => f.write_str("it is an LFS pointer; the content is not part of the repository"),
            Refusal::NotAFile(kind) => write!(f, "it is {kind}, not a regular file"),
            Refusal::TooLong(limit) => write!(f, "it is longer than {limit} bytes"),
            Refusal::Name => f.write_str("its name is not UTF-8"),
        }
    }
}

/// Follows `path` from the root.
pub(super) fn resolve(nodes: &impl Nodes, path: &TreePath) -> Result<TreePlace, SourceError> {
    // Names still to walk, the next one last.
    let mut ahead: Vec<Vec<u8>> = path.names().rev().map(<[u8]>::to_vec).collect();
    let mut at: Vec<Vec<u8>> = Vec::new();
    let mut links = 0;
    let mut last_link: Option<TreePath> = None;
    while let Some(name) = ahead.pop() {
        match &*name {
            b"" | b"." => continue,
            b".." => match at.pop() {
                Some(_) => continue,
                None => return Ok(out(last_link)),
            },
            _ => at.push(name),
        }
        // A name that is no name of a tree, such as `.git`, can only be a link's.
        let Some(here) = TreePath::of(&at) else { return Ok(out(last_link)) };
        match nodes.node(&here)? {
            Node::Directory => {}
            Node::File if ahead.iter().all(|name| matches!(&**name, b"" | b".")) => return Ok(TreePlace::File(here)),
            Node::Absent | Node::File => {
                return Ok(last_link.map_or(TreePlace::Absent, |link| TreePlace::Refused(Refusal::LeadsNowhere(link))));
            }
            Node::Link(target) => {
                links += 1;
                if links > LINKS {
                    return Ok(TreePlace::Refused(Refusal::Circle(here)));
                }
                if is_absolute(&target) {
                    return Ok(TreePlace::Refused(Refusal::LeadsOut(here)));
                }
                at.pop();
                ahead.extend(target.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec));
                last_link = Some(here);
            }
            Node::Submodule => return Ok(TreePlace::Refused(Refusal::Submodule(here))),
            Node::Other(kind) => return Ok(TreePlace::Refused(Refusal::NotAFile(kind))),
        }
    }
    Ok(TreePlace::Directory(TreePath::of(&at)))
}

fn out(link: Option<TreePath>) -> TreePlace {
    link.map_or(TreePlace::Absent, |link| TreePlace::Refused(Refusal::LeadsOut(link)))
}

/// An absolute target names a place on one machine, even where it lies below the root of this one.
fn is_absolute(target: &[u8]) -> bool {
    let has_drive = target.get(1) == Some(&b':') && target[0].is_ascii_alphabetic();
    target.is_empty() || matches!(target[0], b'/' | b'\\') || has_drive
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    struct Map(BTreeMap<TreePath, Node>);

    impl Nodes for Map {
        fn node(&self, path: &TreePath) -> Result<Node, SourceError> {
            Ok(self.0.get(path).cloned().unwrap_or(Node::Absent))
        }
    }

    fn path(text: &str) -> TreePath {
        TreePath::new(text).unwrap()
    }

    fn tree() -> Map {
        let link = |target: &str| Node::Link(target.into());
        let nodes = [
            ("a", Node::Directory),
            ("a/b", Node::Directory),
            ("a/b/c", Node::File),
            ("top", Node::File),
            ("to-file", link("a/b/c")),
            ("to-dir", link("a/b/")),
            ("a/up", link("../top")),
            ("a/b/up-two", link("../../a/./b//c")),
            ("chain", link("to-file")),
            ("a/b/home", link("../..")),
            ("out", link("../outside")),
            ("a/out", link("../../outside")),
            ("around", link("a/../../root/top")),
            ("absolute", link("/etc/passwd")),
            ("environ", link("/proc/self/environ")),
            ("drive", link("C:\\x")),
            ("share", link("\\\\server\\share")),
            ("config", link(".git/config")),
            ("config2", link("a/../.GIT/config")),
            ("nowhere", link("a/gone")),
            ("through", link("top/x")),
            ("one", link("two")),
            ("two", link("one")),
            ("self", link("self")),
            ("sub", Node::Submodule),
            ("to-sub", link("sub/file")),
            ("fifo", Node::Other("a FIFO")),
            ("to-fifo", link("fifo")),
            ("empty", link("")),
        ];
        Map(nodes.map(|(name, node)| (path(name), node)).into())
    }

    #[test]
    fn a_path_leads_to_a_file_of_the_tree_or_to_a_reason() {
        let (map, refused) = (tree(), TreePlace::Refused);
        for (from, to) in [
            ("a/b/c", TreePlace::File(path("a/b/c"))),
            ("to-file", TreePlace::File(path("a/b/c"))),
            ("to-dir/c", TreePlace::File(path("a/b/c"))),
            ("a/up", TreePlace::File(path("top"))),
            ("a/b/up-two", TreePlace::File(path("a/b/c"))),
            ("chain", TreePlace::File(path("a/b/c"))),
            ("to-dir/home/to-dir/c", TreePlace::File(path("a/b/c"))),
            ("a", TreePlace::Directory(Some(path("a")))),
            ("a/b/home", TreePlace::Directory(None)),
            ("gone", TreePlace::Absent),
            ("top/x", TreePlace::Absent),
            ("out", refused(Refusal::LeadsOut(path("out")))),
            ("a/out", refused(Refusal::LeadsOut(path("a/out")))),
            ("around", refused(Refusal::LeadsOut(path("around")))),
            ("absolute", refused(Refusal::LeadsOut(path("absolute")))),
            ("environ", refused(Refusal::LeadsOut(path("environ")))),
            ("drive", refused(Refusal::LeadsOut(path("drive")))),
            ("share", refused(Refusal::LeadsOut(path("share")))),
            ("config", refused(Refusal::LeadsOut(path("config")))),
            ("config2", refused(Refusal::LeadsOut(path("config2")))),
            ("empty", refused(Refusal::LeadsOut(path("empty")))),
            ("nowhere", refused(Refusal::LeadsNowhere(path("nowhere")))),
            ("through", refused(Refusal::LeadsNowhere(path("through")))),
            ("one", refused(Refusal::Circle(path("one")))),
            ("self", refused(Refusal::Circle(path("self")))),
            ("sub", refused(Refusal::Submodule(path("sub")))),
            ("sub/x", refused(Refusal::Submodule(path("sub")))),
            ("to-sub", refused(Refusal::Submodule(path("sub")))),
            ("fifo", refused(Refusal::NotAFile("a FIFO"))),
            ("to-fifo", refused(Refusal::NotAFile("a FIFO"))),
        ] {
            assert_eq!(resolve(&map, &path(from)).unwrap(), to, "{from}");
        }
    }
}
