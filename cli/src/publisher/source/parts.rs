//! The files of a build: every path of a list, with each link made into what it leads to.
//!
//! A copy has no links, so it is the same where a system has none, and nothing in it leads out. What cannot be copied is
//! left out and named: whether it matters is for the build to say.

use super::SourceError;
use super::listing::{ListedEntry, TreeListing};
use super::path::TreePath;
use super::resolve::{Refusal, TreePlace, resolve};

/// No file a build may use is longer, in bytes.
pub(super) const FILE_LIMIT: u64 = 256 << 20;

/// Most paths of a copy, and most links to directories on the way to one. Links to directories that hold links to
/// directories could ask for any number.
const MOST: usize = 100_000;
const DEEPEST: usize = 40;

/// Files of a copy, in order, and what is not among them.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    pub(super) pieces: Vec<Piece>,
    /// What could not be copied.
    pub left_out: Vec<LeftOut>,
}

/// One file of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) to: TreePath,
    pub(super) from: BytesOrigin,
}

/// Where a file's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BytesOrigin {
    /// In git's object store.
    Object(String),
    /// In the work tree, without a link on the way.
    File(TreePath),
}

/// A path that is not in a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The path in the copy.
    pub path: TreePath,
    /// Why.
    pub why: Refusal,
}

impl Parts {
    /// The paths of the copy.
    pub fn paths(&self) -> impl Iterator<Item = &TreePath> {
        self.pieces.iter().map(|piece| &piece.to)
    }

    fn len(&self) -> usize {
        self.pieces.len() + self.left_out.len()
    }
}

/// The parts of everything in a list.
pub(super) fn of(listing: &TreeListing) -> Result<Parts, SourceError> {
    let mut parts = Parts::default();
    for (path, entry) in listing.entries() {
        add(listing, path.clone(), path, entry, &mut Vec::new(), &mut parts)?;
    }
    parts.pieces.sort_by(|one, other| one.to.cmp(&other.to));
    Ok(parts)
}

/// Adds what stands at `real` under the name `to`. `within` are the directories that are being copied through links.
fn add(
    listing: &TreeListing,
    to: TreePath,
    real: &TreePath,
    entry: &ListedEntry,
    within: &mut Vec<Option<TreePath>>,
    parts: &mut Parts,
) -> Result<(), SourceError> {
    let refusal = match entry {
        ListedEntry::File(object) => {
            let from = object.clone().map_or_else(|| BytesOrigin::File(real.clone()), BytesOrigin::Object);
            parts.pieces.push(Piece { to, from });
            return Ok(());
        }
        ListedEntry::Submodule => Refusal::Submodule(to.clone()),
        ListedEntry::Other(kind) => Refusal::NotAFile(kind),
        ListedEntry::Link(_) => match resolve(listing, real)? {
            TreePlace::File(file) => match listing.get(&file) {
                Some(entry) => return add(listing, to, &file, entry, within, parts),
                None => return Ok(()),
            },
            TreePlace::Directory(directory) if holds(directory.as_ref(), real) || within.contains(&directory) => {
                Refusal::Circle(to.clone())
            }
            TreePlace::Directory(_) if within.len() >= DEEPEST || parts.len() >= MOST => Refusal::Circle(to.clone()),
            TreePlace::Directory(directory) => {
                within.push(directory.clone());
                for (rest, entry) in listing.below(directory.as_ref()) {
                    let real = directory.as_ref().map_or_else(|| TreePath::new(rest), |at| at.join(rest));
                    if let (Some(to), Some(real)) = (to.join(rest), real) {
                        add(listing, to, &real, entry, within, parts)?;
                    }
                }
                within.pop();
                return Ok(());
            }
            TreePlace::Refused(refusal) => refusal,
            TreePlace::Absent => return Ok(()),
        },
    };
    parts.left_out.push(LeftOut { path: to, why: refusal });
    Ok(())
}

/// Whether `path` lies in `directory`; everything lies in the root.
fn holds(directory: Option<&TreePath>, path: &TreePath) -> bool {
    directory.is_none_or(|directory| path.is_within(directory))
}
