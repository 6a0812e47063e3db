//! Compiled code on disk. artifacts.md §9.
//!
//! What lies here is mapped and run, so three things are made sure of: no other user can write here ([`crate::private`], and
//! the directory 0700), the bytes are the ones we wrote (a digest of our own, or the stamp of
//! a file whose digest was checked), and they were made by this engine with these settings (the name). Whatever does not
//! hold makes the entry absent: it is compiled again and replaced.
//!
//! ```text
//! <content hash>-<engine and settings>.cwasm    what the engine wrote
//! <content hash>-<engine and settings>.seal     its digest, and the stamp under which that was last checked
//! ```

#![expect(clippy::disallowed_methods, reason = "compiled code is a directory of this user alone")]

use std::fmt;
use std::fs::{self, File};
use std::hash::{Hash as _, Hasher};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::problem::Class;
use sha2::{Digest as _, Sha256};
use wasmtime::{Engine, Module};

use crate::disk::{Disk, DiskError, Operation, Readers, Replace, Steps};
use crate::private::{self, Directory, Flaw, PrivateError, PrivateFile, Stamp};

/// A directory of compiled code that is ours alone.
#[derive(Clone)]
pub struct Cache {
    dir: PathBuf,
    handle: Arc<Directory>,
    steps: Arc<dyn Steps>,
}

impl fmt::Debug for Cache {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Cache").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// Why there is no cache, or why something is not in it. Never a reason not to run.
#[derive(Debug, thiserror::Error)]
pub enum CacheFault {
    /// Another user could plant code there.
    #[error("compiled code is not kept: {} {reason}", .at.display())]
    NotPrivate {
        /// The directory, or one above it.
        at: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Disk full, and the like.
    #[error("compiled code is not kept: {0}")]
    Disk(#[from] DiskError),
    /// The engine cannot write its code.
    #[error("compiled code is not kept: {0}")]
    Engine(String),
}

impl CacheFault {
    /// The failure class of a run that would need the cache. None does.
    pub fn class(&self) -> Class {
        match self {
            CacheFault::NotPrivate { .. } => Class::ValidationError,
            CacheFault::Disk(error) => error.class(),
            CacheFault::Engine(_) => Class::ConnectorLoadFailed,
        }
    }

    /// Never: the directory stays as it is.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

/// A version of what is written here and of what a module is checked for before it is: an entry is not judged again, so
/// stricter rules need another name.
const FORMAT: &str = "aileron compiled code 1";

impl Cache {
    /// Takes the directory, making it when it is not there; its parents too.
    ///
    /// # Errors
    /// [`CacheFault`]: it is a link, others may enter it, or it is not private. It is then left as it is.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Cache, CacheFault> {
        Cache::open_on(dir, Arc::new(Disk))
    }

    /// [`Cache::open`] on another disk.
    ///
    /// # Errors
    /// [`CacheFault`].
    pub fn open_on(dir: impl Into<PathBuf>, steps: Arc<dyn Steps>) -> Result<Cache, CacheFault> {
        let dir = dir.into();
        steps.make_directory(&dir).map_err(DiskError::at(Operation::CreateDirectory, &dir))?;
        match opened(&dir) {
            Ok(None) => Err(DiskError::at(Operation::Open, &dir)(io::ErrorKind::NotFound.into()).into()),
            Ok(Some(handle)) if handle.is_closed() => Ok(Cache { dir, handle: Arc::new(handle), steps }),
            Ok(Some(_)) => Err(not_closed(dir)),
            Err(PrivateError::NotPrivate(why)) if why.at == dir && why.flaw == Flaw::WritableByOthers => {
                Err(not_closed(dir))
            }
            Err(PrivateError::NotPrivate(why)) => {
                Err(CacheFault::NotPrivate { at: why.at, reason: why.flaw.to_string() })
            }
            Err(PrivateError::Io { path, cause }) => Err(DiskError::at(Operation::Open, &path)(cause).into()),
        }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The code of this content for this engine; `None` where there is none that may be run.
    pub(super) fn load(&self, engine: &Engine, content: ContentHash) -> Option<Module> {
        let name = name(engine, content);
        let file = self.handle.file(&format!("{name}.cwasm")).ok()??;
        let stamp = file.stamp().ok()?.as_ref().map(Stamp::numbers);
        let mut file = file.into_file();
        let known = Seal::read(&self.handle, &format!("{name}.seal"))?;
        if stamp.is_none() || known.stamp != stamp {
            if digest_of(&mut file).ok()? != known.digest {
                return None;
            }
            // The next run need not look again. Where that cannot be written down, it will.
            let _ = self.put(&format!("{name}.seal"), Seal { stamp, ..known }.text().as_bytes(), false);
        }
        map(engine, file)
    }

    /// Writes the code down for the next run, in the place of what other engines left for this content.
    pub(super) fn store(&self, engine: &Engine, content: ContentHash, module: &Module) -> Result<(), CacheFault> {
        let bytes = module.serialize().map_err(|error| CacheFault::Engine(error.to_string()))?;
        let name = name(engine, content);
        let code = format!("{name}.cwasm");
        // On disk before its seal says so: a stamp survives a power cut that the bytes did not.
        self.put(&code, &bytes, true)?;
        let path = self.dir.join(&code);
        let written = self.handle.file(&code).ok().flatten().map(PrivateFile::into_file);
        let found = written.map(|file| file.metadata()).transpose().map_err(DiskError::at(Operation::Read, &path))?;
        let stamp = found.as_ref().and_then(private::stamp_of).as_ref().map(Stamp::numbers);
        let seal = Seal { digest: Sha256::digest(&bytes).into(), stamp };
        self.put(&format!("{name}.seal"), seal.text().as_bytes(), false)?;
        self.sweep(content, &name, found.and_then(|found| found.modified().ok()));
        Ok(())
    }

    fn put(&self, name: &str, bytes: &[u8], durable: bool) -> Result<(), DiskError> {
        self.replace(durable).put(&self.dir.join(name), bytes)
    }

    fn replace(&self, durable: bool) -> Replace<'_> {
        Replace { steps: &*self.steps, temporary: UNFINISHED, readers: Readers::User, durable }
    }

    /// Removes what other engines and settings compiled from the same content, and what a process that was killed while
    /// writing left behind: told from one that is still writing by an hour of the file system's own clock.
    fn sweep(&self, content: ContentHash, keep: &str, now: Option<SystemTime>) {
        let prefix = format!("{}-", content.hex());
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let file = entry.file_name();
            let Some(name) = file.to_str() else { continue };
            let stem = name.strip_suffix(".cwasm").or_else(|| name.strip_suffix(".seal"));
            let is_outdated = stem.is_some_and(|stem| stem.starts_with(&prefix) && stem != keep);
            if is_outdated {
                let _ = self.steps.remove_file(&entry.path());
            }
        }
        if let Some(now) = now {
            self.replace(false).sweep_abandoned(&self.dir, now);
        }
    }
}

/// Opens the directory; its own name is not followed where it is a link.
fn opened(dir: &Path) -> Result<Option<Directory>, PrivateError> {
    match (dir.parent(), dir.file_name().and_then(|name| name.to_str())) {
        (Some(parent), Some(name)) => match Directory::open(parent)? {
            Some(parent) => parent.directory(name),
            None => Ok(None),
        },
        _ => Directory::open(dir),
    }
}

fn not_closed(at: PathBuf) -> CacheFault {
    CacheFault::NotPrivate { at, reason: "can be entered by other users (chmod 700 it)".to_owned() }
}

/// How the name of a file begins that is not yet in its place.
const UNFINISHED: &str = ".new-";

/// What names an entry: the content, and everything about engine and settings that code depends on.
fn name(engine: &Engine, content: ContentHash) -> String {
    let mut settings = Sha256Hasher(Sha256::new_with_prefix(FORMAT));
    engine.precompile_compatibility_hash().hash(&mut settings);
    let settings = settings.0.finalize();
    let short: String = settings[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{short}", content.hex())
}

/// Feeds what hashes itself to SHA-256: the standard hasher promises nothing across versions.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        u64::from_le_bytes(std::array::from_fn(|at| digest[at]))
    }
}

#[expect(unsafe_code, reason = "the engine cannot check code it did not just compile; see the paragraph inside")]
fn map(engine: &Engine, file: File) -> Option<Module> {
    // SAFETY: the file holds what `Module::serialize` of an engine with the same compatibility hash wrote (the hash is in
    // its name), unchanged: its digest was checked, now or under a stamp that still holds, on this very file handle. It is
    // never written in place, only replaced by renaming, and it lies in a directory that no other user may enter, so the bytes
    // under the mapping stay what they are.
    unsafe { Module::deserialize_open_file(engine, file) }.ok()
}

fn digest_of(file: &mut File) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; 1 << 18];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hasher.finalize().into()),
            count => hasher.update(&chunk[..count]),
        }
    }
}

/// The digest of an entry, and when it was last known to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seal {
    digest: [u8; 32],
    stamp: Option<[i128; 8]>,
}

impl Seal {
    fn read(dir: &Directory, name: &str) -> Option<Seal> {
        let bytes = dir.file(name).ok()??.read(1_024).ok()?;
        Seal::parse(std::str::from_utf8(&bytes).ok()?)
    }

    /// Two lines: the digest; the stamp, or nothing.
    fn text(&self) -> String {
        let digest: String = self.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let stamp: Vec<String> = self.stamp.iter().flatten().map(i128::to_string).collect();
        format!("{digest}\n{}\n", stamp.join(" "))
    }

    fn parse(text: &str) -> Option<Seal> {
        let (digest, stamp) = text.strip_suffix('\n')?.split_once('\n').filter(|(_, stamp)| !stamp.contains('\n'))?;
        let hex: ContentHash = format!("sha256:{digest}").parse().ok()?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.hex().as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        let numbers: Result<Vec<i128>, _> = stamp.split_whitespace().map(str::parse).collect();
        // One of another length is another version's: the digest decides.
        let stamp = numbers.ok()?.as_slice().try_into().ok();
        Some(Seal { digest: bytes, stamp })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::disk::crash::Crashing;

    #[test]
    fn an_entry_is_whole_or_absent_wherever_it_crashes() {
        let engine = Engine::default();
        let bytes = wat::parse_str("(module (memory (export \"memory\") 1))").expect("a module");
        let module = Module::new(&engine, bytes).expect("compiles");
        let content = ContentHash::of(&[b"module"]);
        for number in 1.. {
            let home = tempfile::tempdir().expect("a directory");
            let steps = Arc::new(Crashing::at(number));
            let dir = home.path().join("compiled");
            let stored = Cache::open_on(&dir, steps.clone()).and_then(|cache| cache.store(&engine, content, &module));
            let cache = Cache::open(&dir).expect("a cache");
            let found = cache.load(&engine, content);
            assert!(found.is_some() || stored.is_err(), "{number}");
            assert!(found.is_none_or(|module| module.exports().count() == 1), "{number}");
            cache.store(&engine, content, &module).expect("nothing is in the way");
            assert!(cache.load(&engine, content).is_some(), "{number}");
            if steps.is_alive() {
                break;
            }
        }
    }
}
