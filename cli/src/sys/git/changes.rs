//! How the work tree differs from HEAD, without running a filter.
//!
//! `git status` would run the `clean` program of every path with a `filter` attribute whose time or size changed. The
//! drivers are switched off, so git compares such a path as it lies there; what it then says of the content of that path
//! means nothing, and is not taken for a change.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use super::{Configuration, GitAccess, GitError, answer, configuration, configured, records, refused, unexpected};
use crate::sys::bytes;
use crate::sys::process::{Command, Spawner};

/// How a work tree differs from its commit. Paths are relative to the directory that was asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Paths that are changed, or untracked and not ignored.
    pub paths: Vec<Vec<u8>>,
    /// Paths whose content was not compared, because a filter of this clone's configuration would have to run.
    pub unjudged: Vec<Vec<u8>>,
}

/// The changes below `root`, which lies at `prefix` in its repository, as [`super::head`] says. Submodules count by their
/// commit; nothing inside them is looked at.
///
/// # Errors
/// [`GitError`].
pub fn changes(
    root: &Path,
    prefix: &[u8],
    Configuration { filters, .. }: &Configuration,
    spawner: Spawner<'_>,
) -> Result<Changes, GitError> {
    let args = [
        "status",
        "--porcelain=v1",
        "-z",
        "--untracked-files=all",
        "--no-renames",
        "--ignore-submodules=dirty",
        "--",
        ".",
    ];
    let listed = answer(root, "status", without(filters, GitAccess::Local, spawner)?.args(args))?;
    // Paths in `status` are relative to the repository.
    let below = |path: &[u8]| path.strip_prefix(prefix).unwrap_or(path).to_vec();
    let (mut paths, mut modified) = (Vec::new(), Vec::new());
    for entry in records(&listed) {
        match entry.split_at_checked(3) {
            Some((b" M ", path)) => modified.push(below(path)),
            Some((_, path)) => paths.push(below(path)),
            None => {}
        }
    }
    let unjudged = filtered(root, &modified, filters, spawner)?;
    let (unjudged, changed): (Vec<_>, Vec<_>) = modified.into_iter().partition(|path| unjudged.contains(path));
    paths.extend(changed);
    paths.sort();
    Ok(Changes { paths, unjudged })
}

/// A git child that runs none of the filters that the configuration of `directory`, or the user's, names: for what writes
/// or compares a work tree.
///
/// # Errors
/// [`GitError`].
pub fn filters_off<'a>(directory: &Path, access: GitAccess, spawner: Spawner<'a>) -> Result<Command<'a>, GitError> {
    without(&configuration(directory, spawner)?.filters, access, spawner)
}

fn without<'a>(drivers: &BTreeSet<Vec<u8>>, access: GitAccess, spawner: Spawner<'a>) -> Result<Command<'a>, GitError> {
    let mut off = Vec::new();
    for driver in drivers {
        off.extend(switched_off(driver)?);
    }
    Ok(configured(spawner, access, &off))
}

fn switched_off(driver: &[u8]) -> Result<Vec<(OsString, &'static str)>, GitError> {
    let setting = |(key, value): (&str, _)| {
        let name = bytes::to_os(&[b"filter.", driver, b".", key.as_bytes()].concat());
        name.map(|name| (name, value)).ok_or_else(|| unexpected("config", &"a filter whose name is no text"))
    };
    [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")].map(setting).into_iter().collect()
}

/// Those of `paths` whose `filter` attribute names one of `drivers`.
fn filtered(
    root: &Path,
    paths: &[Vec<u8>],
    drivers: &BTreeSet<Vec<u8>>,
    spawner: Spawner<'_>,
) -> Result<BTreeSet<Vec<u8>>, GitError> {
    if paths.is_empty() || drivers.is_empty() {
        return Ok(BTreeSet::new());
    }
    let asked = super::command(spawner, GitAccess::Local).args(["check-attr", "-z", "--stdin", "filter"]).within(root);
    let streamed = asked.stream(
        |pipe| paths.iter().try_for_each(|path| pipe.write_all(path).and_then(|()| pipe.write_all(b"\0"))),
        |pipe| {
            let mut answer = Vec::new();
            pipe.read_to_end(&mut answer).map(|_| answer)
        },
    )?;
    let answer = match streamed.value {
        Ok(answer) if streamed.status.success() => answer,
        _ => return Err(refused("check-attr", &streamed.stderr)),
    };
    // Three records for each path: path, attribute, value.
    let fields: Vec<&[u8]> = answer.split(|byte| *byte == 0).collect();
    let named = fields.chunks_exact(3).filter(|fields| drivers.contains(fields[2]));
    Ok(named.map(|fields| fields[0].to_vec()).collect())
}
