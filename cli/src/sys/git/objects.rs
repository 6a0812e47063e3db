//! Trees, blobs and tags from the object store: bytes as they were committed, whatever lies in the work tree.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read as _};
use std::path::Path;

use aileron_verifier::statement::cohort::CommitId;

use super::{GitAccess, GitError, answer, command, refused, unexpected};
use crate::sys::bytes;
use crate::sys::process::{Command, Spawner};

/// What a tree says of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A file, executable or not.
    File,
    /// A symbolic link: its blob is the target.
    Link,
    /// A commit of another repository.
    Submodule,
}

/// One path of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// Relative to the prefix that was asked for. Bytes without NUL; nothing else is promised of them.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: ObjectKind,
    /// Name of its object.
    pub object: String,
}

/// Every path of `commit` below `prefix` (as [`super::prefix`] gives it), at any depth.
///
/// # Errors
/// [`GitError`].
pub fn tree(root: &Path, commit: &CommitId, prefix: &[u8], spawner: Spawner<'_>) -> Result<Vec<TreeEntry>, GitError> {
    let asked = command(spawner, GitAccess::Local).args(["ls-tree", "-r", "-z", "--full-tree", commit.as_str()]);
    // The prefix is a path, whatever characters it has.
    let asked = asked.env("GIT_LITERAL_PATHSPECS", "1").args(bytes::to_os(prefix).filter(|prefix| !prefix.is_empty()));
    let listed = answer(root, "ls-tree", asked).map_err(|error| match left_out(&error) {
        Some(object) => {
            GitError::NoObject { path: format!("a directory of commit {commit}"), object: object.to_owned() }
        }
        None => error,
    })?;
    let entry = |record: &[u8]| {
        let tab = record.iter().position(|byte| *byte == b'\t')?;
        let mut head = std::str::from_utf8(&record[..tab]).ok()?.split(' ');
        let kind = match (head.next()?, head.next()?) {
            ("120000", "blob") => ObjectKind::Link,
            (_, "blob") => ObjectKind::File,
            (_, "commit") => ObjectKind::Submodule,
            _ => return None,
        };
        let path = record[tab + 1..].strip_prefix(prefix)?.to_vec();
        Some(TreeEntry { path, kind, object: head.next()?.to_owned() })
    };
    let bad = |record: &[u8]| unexpected("ls-tree", &String::from_utf8_lossy(record));
    super::records(&listed).map(|record| entry(record).ok_or_else(|| bad(record))).collect()
}

/// An object, as [`objects`] hands it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundObject {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// It has more bytes than were asked for: so many.
    TooLong(u64),
    /// It is not in this clone.
    Missing,
}

/// Reads objects with one child, and hands each to `take` in the order asked: its number, and what was found. Each of
/// `wanted` is the object's name and the most bytes it may have.
///
/// # Errors
/// [`GitError`], or what `take` gives.
pub fn objects<E: From<GitError>>(
    root: &Path,
    wanted: &[(&str, u64)],
    spawner: Spawner<'_>,
    mut take: impl FnMut(usize, FoundObject) -> Result<(), E>,
) -> Result<(), E> {
    if wanted.is_empty() {
        return Ok(());
    }
    let batch = command(spawner, GitAccess::Local).args(["cat-file", "--batch", "--buffer"]);
    let mut refusal = None;
    let names = wanted.iter().map(|(object, _)| *object);
    let done = batched(root, batch, names, |pipe| {
        for (number, (_, limit)) in wanted.iter().enumerate() {
            let found = object(pipe, *limit)?;
            if let Err(error) = take(number, found) {
                refusal = Some(error);
                return Ok(());
            }
        }
        Ok(())
    });
    match (refusal, done) {
        (Some(error), _) => Err(error),
        (None, Ok(())) => Ok(()),
        (None, Err(error)) => {
            match left_out(&error).and_then(|object| wanted.iter().position(|(name, _)| *name == object)) {
                Some(number) => take(number, FoundObject::Missing).and(Err(error.into())),
                None => Err(error.into()),
            }
        }
    }
}

/// The object of a partial clone that git would have fetched.
fn left_out(error: &GitError) -> Option<&str> {
    let GitError::Failed { said, .. } = error else { return None };
    said.split_once("could not fetch ")?.1.split_once(" from promisor remote").map(|(object, _)| object)
}

/// One answer of `cat-file --batch`.
fn object(pipe: &mut dyn BufRead, limit: u64) -> io::Result<FoundObject> {
    let head = head(pipe)?;
    let mut words = head.rsplit(' ');
    let last = words.next().unwrap_or_default();
    if last == "missing" {
        return Ok(FoundObject::Missing);
    }
    let size: u64 = last.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, head.clone()))?;
    let mut body = pipe.take(size + 1);
    if size > limit {
        io::copy(&mut body, &mut io::sink())?;
        return Ok(FoundObject::TooLong(size));
    }
    let mut bytes = Vec::with_capacity(size as usize + 1);
    body.read_to_end(&mut bytes)?;
    if bytes.len() as u64 != size + 1 || bytes.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(FoundObject::Bytes(bytes))
}

fn head(pipe: &mut dyn BufRead) -> io::Result<String> {
    /// A header is a name, a kind and a size.
    const LONGEST: u64 = 4096;
    let mut head = String::new();
    pipe.take(LONGEST).read_line(&mut head)?;
    if head.pop() != Some('\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(head)
}

/// The commits that local tags peel to, through however many tags; those of `names` that do not exist are left out. A tag
/// of something else than a commit has that object's name. No tag that was not asked about is opened.
///
/// # Errors
/// [`GitError`].
pub fn peeled(root: &Path, names: &[&str], spawner: Spawner<'_>) -> Result<BTreeMap<String, String>, GitError> {
    let objects = named(root, names, spawner)?;
    if objects.is_empty() {
        return Ok(objects);
    }
    let check = command(spawner, GitAccess::Local).args(["cat-file", "--batch-check=%(objectname)", "--buffer"]);
    let asked: Vec<String> = objects.keys().map(|name| format!("{TAGS}{name}^{{commit}}")).collect();
    let mut commits = BTreeMap::new();
    batched(root, check, asked.iter().map(String::as_str), |pipe| {
        for name in objects.keys() {
            let object = head(pipe)?;
            if !object.ends_with(" missing") {
                commits.insert(name.clone(), object);
            }
        }
        Ok(())
    })?;
    Ok(objects.into_iter().chain(commits).collect())
}

/// How git begins the name of a tag.
const TAGS: &str = "refs/tags/";

/// The objects that local tags name; what does not exist is left out.
///
/// Most names of a release do not, and git looks in six places for each name that is missing: so the tags that begin as
/// these do are listed, which is one pass.
fn named(root: &Path, names: &[&str], spawner: Spawner<'_>) -> Result<BTreeMap<String, String>, GitError> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let wanted: BTreeSet<&str> = names.iter().copied().collect();
    let starts: BTreeSet<&str> = names.iter().map(|name| name.split('/').next().unwrap_or(name)).collect();
    let asked = command(spawner, GitAccess::Local).args(["for-each-ref", "--format=%(objectname) %(refname)"]);
    let listed = answer(root, "for-each-ref", asked.args(starts.iter().map(|start| format!("{TAGS}{start}"))))?;
    let listed = String::from_utf8_lossy(&listed);
    let tags = listed.lines().filter_map(|line| line.split_once(' '));
    let tags = tags.filter_map(|(object, name)| Some((name.strip_prefix(TAGS)?, object)));
    Ok(tags
        .filter(|(name, _)| wanted.contains(name))
        .map(|(name, object)| (name.to_owned(), object.to_owned()))
        .collect())
}

/// Feeds lines to a `cat-file` and reads its answers.
fn batched<'n>(
    root: &Path,
    command: Command<'_>,
    lines: impl Iterator<Item = &'n str> + Send,
    read: impl FnOnce(&mut dyn BufRead) -> io::Result<()>,
) -> Result<(), GitError> {
    let mut lines = lines;
    let streamed = command.within(root).stream(|pipe| lines.try_for_each(|line| writeln!(pipe, "{line}")), read)?;
    match streamed.value {
        Ok(()) => Ok(()),
        Err(_) if !streamed.stderr.is_empty() => Err(refused("cat-file", &streamed.stderr)),
        Err(error) => Err(unexpected("cat-file", &error)),
    }
}
