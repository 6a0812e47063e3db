//! The walk from the root to a file, by handles.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{Flaw, NotPrivate, PrivateError, Stamp, stamp_of};

/// Links that are followed before a circle is suspected.
const LINKS: usize = 40;

/// Enough to open names in a directory; where the system can, without the right to list it.
const DIRECTORY: OFlags = {
    #[cfg(target_os = "linux")]
    let access = OFlags::PATH;
    #[cfg(not(target_os = "linux"))]
    let access = OFlags::RDONLY;
    access.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC)
};

/// Nothing that blocks is waited for, no link is followed, and no terminal becomes ours.
const FILE: OFlags =
    OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// An open directory, and what is wrong with it or above it.
#[derive(Debug)]
pub(super) struct Place {
    handle: File,
    found: Stat,
    path: PathBuf,
}

/// The first thing that is wrong on a way, if anything is. It is kept until the end, because a file that does not exist is
/// `None` wherever it would be.
#[derive(Default)]
struct FirstFlaw(Option<(PathBuf, Flaw)>);

impl FirstFlaw {
    fn note(&mut self, at: &Path, flaw: Option<Flaw>) {
        if let (None, Some(flaw)) = (&self.0, flaw) {
            self.0 = Some((at.to_owned(), flaw));
        }
    }

    fn refuse(&mut self, file: &Path) -> Result<(), PrivateError> {
        match self.0.take() {
            Some((at, flaw)) => Err(NotPrivate { file: file.to_owned(), at, flaw }.into()),
            None => Ok(()),
        }
    }
}

/// What a name in a directory is, before it is opened.
enum Named {
    Link(Stat),
    Directory,
    Other(&'static str),
    File,
}

pub(super) fn directory(given: &Path) -> Result<Option<Place>, PrivateError> {
    let Some((place, mut flaws)) = walk(given, given)? else { return Ok(None) };
    flaws.refuse(given)?;
    Ok(Some(place))
}

pub(super) fn file(given: &Path) -> Result<Option<File>, PrivateError> {
    let mut path = std::path::absolute(given).map_err(PrivateError::io(given))?;
    let mut flaws = FirstFlaw::default();
    // A link in the file's own place is resolved here, and the rest of each way by `walk`.
    for turn in 0..=LINKS {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { break };
        let Some((place, way)) = walk(parent, given)? else { return Ok(None) };
        flaws.0 = flaws.0.take().or(way.0);
        let at = if turn == 0 { given.to_owned() } else { place.path.join(name) };
        match place.look(name, &at)? {
            None => return Ok(None),
            Some(Named::Link(found)) => {
                flaws.note(&at, of_owner(&found));
                path = place.path.join(place.target(name, &at)?);
            }
            Some(Named::Directory) => return Err(PrivateError::io(given)(Errno::ISDIR.into())),
            Some(Named::Other(kind)) => {
                flaws.note(&at, Some(Flaw::NotAFile(kind)));
                flaws.refuse(given)?;
            }
            Some(Named::File) => {
                let Some((file, flaw)) = place.open(name, &at)? else { return Ok(None) };
                flaws.note(&at, flaw);
                flaws.refuse(given)?;
                return Ok(Some(file));
            }
        }
    }
    Err(PrivateError::io(given)(Errno::LOOP.into()))
}

/// From the root to a directory, through every link; `None` where something on the way does not exist.
fn walk(to: &Path, given: &Path) -> Result<Option<(Place, FirstFlaw)>, PrivateError> {
    let absolute = std::path::absolute(to).map_err(PrivateError::io(given))?;
    let mut rest = parts(&absolute);
    let mut flaws = FirstFlaw::default();
    let root = Place::root().map_err(PrivateError::io(Path::new("/")))?;
    flaws.note(&root.path, of_directory(&root.found));
    let mut chain = Vec::new();
    let mut here = root;
    let mut links = 0;
    while let Some(name) = rest.pop() {
        if name == ".." {
            here = chain.pop().unwrap_or(here);
            continue;
        }
        let path = here.path.join(&name);
        match here.look(&name, &path)? {
            None => return Ok(None),
            Some(Named::Link(found)) => {
                links += 1;
                if links > LINKS {
                    return Err(PrivateError::io(&path)(Errno::LOOP.into()));
                }
                flaws.note(&path, of_owner(&found));
                let target = here.target(&name, &path)?;
                if target.is_absolute() && !chain.is_empty() {
                    here = chain.swap_remove(0);
                    chain.clear();
                }
                rest.extend(parts(&target));
            }
            Some(Named::Directory) => {
                let Some(next) = here.enter(&name, &path)? else { return Ok(None) };
                flaws.note(&next.path, of_directory(&next.found));
                chain.push(std::mem::replace(&mut here, next));
            }
            Some(Named::Other(_) | Named::File) => return Err(PrivateError::io(&path)(Errno::NOTDIR.into())),
        }
    }
    Ok(Some((here, flaws)))
}

/// Names of a path, last first. A step up stays one: after a link it leads elsewhere than the text says.
fn parts(path: &Path) -> Vec<OsString> {
    let name = |part: Component<'_>| match part {
        Component::Normal(_) | Component::ParentDir => Some(part.as_os_str().to_owned()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(name).collect()
}

impl Place {
    fn root() -> io::Result<Place> {
        let handle: OwnedFd = rustix::fs::open("/", DIRECTORY, Mode::empty())?;
        let found = rustix::fs::fstat(&handle)?;
        Ok(Place { handle: handle.into(), found, path: PathBuf::from("/") })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn stamp(&self) -> Option<Stamp> {
        stamp_of(&self.handle.metadata().ok()?)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.found.st_uid == rustix::process::geteuid().as_raw()
            && !Mode::from_raw_mode(self.found.st_mode).intersects(Mode::RWXG | Mode::RWXO)
    }

    pub(super) fn directory(&self, name: &str) -> Result<Option<Place>, PrivateError> {
        let path = self.path.join(name);
        let refused = |flaw| NotPrivate { file: path.clone(), at: path.clone(), flaw };
        match self.look(name.as_ref(), &path)? {
            None => Ok(None),
            Some(Named::Directory) => {
                let Some(place) = self.enter(name.as_ref(), &path)? else { return Ok(None) };
                match of_directory(&place.found) {
                    Some(flaw) => Err(refused(flaw).into()),
                    None => Ok(Some(place)),
                }
            }
            Some(_) => Err(refused(Flaw::NotADirectory).into()),
        }
    }

    pub(super) fn file(&self, name: &str) -> Result<Option<File>, PrivateError> {
        let path = self.path.join(name);
        let flaw = match self.look(name.as_ref(), &path)? {
            None => return Ok(None),
            Some(Named::File) => match self.open(name.as_ref(), &path)? {
                None => return Ok(None),
                Some((file, None)) => return Ok(Some(file)),
                Some((_, Some(flaw))) => flaw,
            },
            Some(Named::Link(_)) => Flaw::Link,
            Some(Named::Directory) => Flaw::NotAFile("a directory"),
            Some(Named::Other(kind)) => Flaw::NotAFile(kind),
        };
        Err(NotPrivate { file: path.clone(), at: path, flaw }.into())
    }

    fn look(&self, name: &std::ffi::OsStr, path: &Path) -> Result<Option<Named>, PrivateError> {
        match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(PrivateError::io(path)(errno.into())),
            Ok(found) => Ok(Some(match FileType::from_raw_mode(found.st_mode) {
                FileType::Symlink => Named::Link(found),
                FileType::Directory => Named::Directory,
                FileType::RegularFile => Named::File,
                other => Named::Other(kind(other)),
            })),
        }
    }

    fn target(&self, name: &std::ffi::OsStr, path: &Path) -> Result<PathBuf, PrivateError> {
        let target = rustix::fs::readlinkat(&self.handle, name, Vec::new())
            .map_err(|errno| PrivateError::io(path)(errno.into()))?;
        Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    fn enter(&self, name: &std::ffi::OsStr, path: &Path) -> Result<Option<Place>, PrivateError> {
        let Some(handle) = self.handle_of(name, DIRECTORY, path)? else { return Ok(None) };
        let found = rustix::fs::fstat(&handle).map_err(|errno| PrivateError::io(path)(errno.into()))?;
        Ok(Some(Place { handle: handle.into(), found, path: path.to_owned() }))
    }

    fn open(&self, name: &std::ffi::OsStr, path: &Path) -> Result<Option<(File, Option<Flaw>)>, PrivateError> {
        let Some(handle) = self.handle_of(name, FILE, path)? else { return Ok(None) };
        let found = rustix::fs::fstat(&handle).map_err(|errno| PrivateError::io(path)(errno.into()))?;
        Ok(Some((handle.into(), of_file(&found, &self.found))))
    }

    fn handle_of(&self, name: &std::ffi::OsStr, how: OFlags, path: &Path) -> Result<Option<OwnedFd>, PrivateError> {
        match rustix::fs::openat(&self.handle, name, how, Mode::empty()) {
            Ok(handle) => Ok(Some(handle)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(PrivateError::io(path)(errno.into())),
        }
    }
}

/// What is not opened at all: opening a device can already do something.
fn kind(found: FileType) -> &'static str {
    match found {
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "of an unknown kind",
    }
}

fn of_owner(found: &Stat) -> Option<Flaw> {
    let ours = found.st_uid == rustix::process::geteuid().as_raw() || found.st_uid == 0;
    (!ours).then_some(Flaw::OtherOwner(found.st_uid))
}

fn is_writable_by_others(found: &Stat) -> bool {
    Mode::from_raw_mode(found.st_mode).intersects(Mode::WGRP | Mode::WOTH)
}

fn of_directory(found: &Stat) -> Option<Flaw> {
    let sticky = Mode::from_raw_mode(found.st_mode).contains(Mode::SVTX);
    of_owner(found).or((is_writable_by_others(found) && !sticky).then_some(Flaw::WritableByOthers))
}

fn of_file(found: &Stat, directory: &Stat) -> Option<Flaw> {
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return Some(Flaw::NotAFile(kind(FileType::from_raw_mode(found.st_mode))));
    }
    of_owner(found)
        .or(is_writable_by_others(found).then_some(Flaw::WritableByOthers))
        .or((found.st_nlink > 1 && is_writable_by_others(directory)).then_some(Flaw::SecondName))
}
