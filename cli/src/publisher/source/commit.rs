//! HEAD's tree, read through git's object store: one list of its paths, and one child for the blobs that are wanted.

use std::path::{Path, PathBuf};

use super::listing::{ListedEntry, TreeListing};
use super::parts::{BytesOrigin, Piece};
use super::path::TreePath;
use super::resolve::{Node, Nodes, Refusal, TreePlace, resolve};
use super::{Child, ChildKind, Found, SourceError, Wanted};
use crate::sys::git::{self, GitError, Head, ObjectKind};
use crate::sys::process::Spawner;

/// No link's target is longer: `PATH_MAX` of Linux.
const TARGET_LIMIT: u64 = 4096;
/// No file a build may use is longer.
const FILE_LIMIT: u64 = super::parts::FILE_LIMIT;

/// At least so many objects are worth a second child.
const TOGETHER: usize = 64;

/// The tree of one commit, below the project's root.
pub struct Commit {
    root: PathBuf,
    listing: TreeListing,
}

impl Commit {
    /// Lists the tree of HEAD's commit below `root`, a directory of the work tree. `head` is what [`git::head`] says there.
    ///
    /// # Errors
    /// [`SourceError::Git`].
    pub fn open(root: &Path, head: &Head, spawner: Spawner<'_>) -> Result<Commit, SourceError> {
        let Head { commit, prefix } = head;
        let mut entries = Vec::new();
        let mut links: Vec<(TreePath, String)> = Vec::new();
        for entry in git::tree(root, commit, prefix, spawner)? {
            // git itself checks out no such path.
            let Some(path) = TreePath::new(entry.path) else { continue };
            match entry.kind {
                ObjectKind::File => entries.push((path, ListedEntry::File(Some(entry.object)))),
                ObjectKind::Link => links.push((path, entry.object)),
                ObjectKind::Submodule => entries.push((path, ListedEntry::Submodule)),
            }
        }
        let wanted: Vec<(&str, u64)> = links.iter().map(|(_, object)| (object.as_str(), TARGET_LIMIT)).collect();
        git::objects(root, &wanted, spawner, |number, found| {
            let (path, object) = &links[number];
            let target = match found {
                git::FoundObject::Bytes(target) => target,
                git::FoundObject::TooLong(_) => Vec::new(), // it leads nowhere on any system
                git::FoundObject::Missing => return Err(missing(path, object)),
            };
            entries.push((path.clone(), ListedEntry::Link(target)));
            Ok::<_, GitError>(())
        })?;
        Ok(Commit { root: root.to_owned(), listing: entries.into_iter().collect() })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn listing(&self) -> &TreeListing {
        &self.listing
    }

    /// What is in a directory.
    pub(super) fn children(&self, at: Option<&TreePath>) -> Vec<Child> {
        let mut children: Vec<Child> = Vec::new();
        for (path, entry) in self.listing.below(at) {
            let mut names = path.splitn(2, |byte| *byte == b'/');
            let name = names.next().unwrap_or_default();
            let kind = match (names.next(), entry) {
                (Some(_), _) => ChildKind::Directory,
                (None, ListedEntry::File(_)) => ChildKind::File,
                (None, _) => ChildKind::Unknown,
            };
            if children.last().is_none_or(|last| last.name != name) {
                children.push(Child { name: name.to_vec(), kind });
            }
        }
        children
    }

    pub(super) fn read(&self, wanted: &[Wanted<'_>], spawner: Spawner<'_>) -> Result<Vec<Found>, SourceError> {
        let mut found = Vec::with_capacity(wanted.len());
        let mut asked: Vec<(usize, &str, u64)> = Vec::new();
        for (number, Wanted { path, limit }) in wanted.iter().enumerate() {
            let place = match TreePath::new(*path) {
                Some(path) => resolve(self, &path)?,
                None => TreePlace::Refused(Refusal::Name),
            };
            found.push(match place {
                TreePlace::Absent => Found::Absent,
                TreePlace::Refused(refusal) => Found::Refused(refusal),
                TreePlace::Directory(_) => Found::Refused(Refusal::NotAFile("a directory")),
                TreePlace::File(real) => {
                    asked.extend(self.object(&real).map(|object| (number, object, *limit)));
                    Found::Absent
                }
            });
        }
        // Two children read them side by side: git opens each object that is not packed, one after the other.
        let (first, second) = asked.split_at(if asked.len() < TOGETHER { asked.len() } else { asked.len() / 2 });
        let some = |asked: &[(usize, &str, u64)]| {
            let objects: Vec<(&str, u64)> = asked.iter().map(|(_, object, limit)| (*object, *limit)).collect();
            let mut answers = Vec::with_capacity(asked.len());
            git::objects(&self.root, &objects, spawner, |at, answer| {
                let (number, object, limit) = asked[at];
                answers.push((number, Commit::found(wanted[number].path, object, limit, answer)?));
                Ok::<_, GitError>(())
            })?;
            Ok::<_, GitError>(answers)
        };
        let (first, second) = rayon::join(|| some(first), || some(second));
        for (number, answer) in first?.into_iter().chain(second?) {
            found[number] = answer;
        }
        Ok(found)
    }

    fn found(path: &str, object: &str, limit: u64, answer: git::FoundObject) -> Result<Found, GitError> {
        match answer {
            git::FoundObject::Bytes(bytes) => Ok(Found::Bytes(bytes)),
            git::FoundObject::TooLong(_) => Ok(Found::Refused(Refusal::TooLong(limit))),
            git::FoundObject::Missing => Err(GitError::NoObject { path: path.to_owned(), object: object.to_owned() }),
        }
    }

    pub(super) fn fetch<E: From<SourceError>>(
        &self,
        pieces: &[&Piece],
        spawner: Spawner<'_>,
        mut take: impl FnMut(&TreePath, Result<Vec<u8>, Refusal>) -> Result<(), E>,
    ) -> Result<(), E> {
        let object = |piece: &Piece| match &piece.from {
            BytesOrigin::Object(object) => Some(object.clone()),
            BytesOrigin::File(path) => self.object(path).map(str::to_owned),
        };
        let objects: Vec<String> = pieces.iter().map(|piece| object(piece).unwrap_or_default()).collect();
        let asked: Vec<(&str, u64)> = objects.iter().map(|object| (object.as_str(), FILE_LIMIT)).collect();
        let taken = git::objects(&self.root, &asked, spawner, |number, found| {
            let to = &pieces[number].to;
            let taken = match found {
                git::FoundObject::Bytes(bytes) => take(to, Ok(bytes)),
                git::FoundObject::TooLong(_) => take(to, Err(Refusal::TooLong(FILE_LIMIT))),
                git::FoundObject::Missing => return Err(Stop(SourceError::from(missing(to, &objects[number])).into())),
            };
            taken.map_err(Stop)
        });
        taken.map_err(|Stop(error)| error)
    }

    fn object(&self, path: &TreePath) -> Option<&str> {
        match self.listing.get(path) {
            Some(ListedEntry::File(object)) => object.as_deref(),
            _ => None,
        }
    }
}

impl Nodes for Commit {
    fn node(&self, path: &TreePath) -> Result<Node, SourceError> {
        self.listing.node(path)
    }
}

/// An error on its way out of [`git::objects`].
struct Stop<E>(E);

impl<E: From<SourceError>> From<GitError> for Stop<E> {
    fn from(error: GitError) -> Stop<E> {
        Stop(SourceError::from(error).into())
    }
}

fn missing(path: &TreePath, object: &str) -> GitError {
    GitError::NoObject { path: path.to_string(), object: object.to_owned() }
}
