//! Compiled code on disk. artifacts.md §9.
//!
//! What lies here is mapped and run, so three things are made sure of: nobody else can write here (directory 0700, ours,
//! no link; files ours, writable by nobody else), the bytes are the ones we wrote (a digest of our own, or the stamp of
//! a file whose digest was checked), and they were made by this engine with these settings (the name). Whatever does not
//! hold makes the entry absent: it is compiled again and replaced.
//!
//! ```text
//! <content hash>-<engine and settings>.cwasm    what the engine wrote
//! <content hash>-<engine and settings>.seal     its digest, and the stamp under which that was last checked
//! ```

use std::fs::{self, File, OpenOptions};
use std::hash::{Hash as _, Hasher};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aileron_verifier::digest::ContentHash;
use sha2::{Digest as _, Sha256};
use wasmtime::{Engine, Module};

/// A directory of compiled code that is ours alone.
#[derive(Clone, Debug)]
pub struct Cache {
    dir: PathBuf,
}

/// Why there is no cache, or why something is not in it. Never a reason not to run.
#[derive(Debug, thiserror::Error)]
pub enum CacheFault {
    /// Somebody else could plant code there.
    #[error("compiled code is not kept: {} {reason}", .dir.display())]
    NotPrivate {
        /// The directory.
        dir: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Disk full, and the like.
    #[error("compiled code is not kept: cannot {doing} {}: {cause}", .path.display())]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's reason.
        cause: io::Error,
    },
    /// The engine cannot write its code.
    #[error("compiled code is not kept: {0}")]
    Engine(String),
}

/// A version of what is written here and of what a module is checked for before it is: an entry is not judged again, so
/// stricter rules need another name.
const FORMAT: &str = "aileron compiled code 1";

impl Cache {
    /// Takes the directory, making it when it is not there; its parents too.
    ///
    /// # Errors
    /// [`CacheFault`]: it is a link, another user's, or others may enter it. It is then left as it is.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Cache, CacheFault> {
        let dir = dir.into();
        if let Some(parent) = dir.parent() {
            fs::create_dir_all(parent).map_err(fault("create", parent))?;
        }
        match private::create(&dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(fault("create", &dir)(error)),
            Ok(()) => {}
        }
        let found = fs::symlink_metadata(&dir).map_err(fault("read", &dir))?;
        match private::flaw_of_dir(&found) {
            Some(reason) => Err(CacheFault::NotPrivate { dir, reason }),
            None => Ok(Cache { dir }),
        }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The code of this content for this engine; `None` where there is none that may be run.
    pub(super) fn load(&self, engine: &Engine, content: ContentHash) -> Option<Module> {
        let name = name(engine, content);
        let (code, seal) = (self.dir.join(format!("{name}.cwasm")), self.dir.join(format!("{name}.seal")));
        let mut file = private::open(&code).ok()?;
        let found = file.metadata().ok()?;
        if private::flaw_of_file(&found).is_some() {
            return None;
        }
        let stamp = private::stamp(&found);
        let known = Seal::read(&seal)?;
        if stamp.is_none() || known.stamp != stamp {
            if digest_of(&mut file).ok()? != known.digest {
                return None;
            }
            // The next run need not look again. Where that cannot be written down, it will.
            let _ = Seal { stamp, ..known }.write(&self.dir, &seal);
        }
        map(engine, file)
    }

    /// Writes the code down for the next run, in the place of what other engines left for this content.
    pub(super) fn store(&self, engine: &Engine, content: ContentHash, module: &Module) -> Result<(), CacheFault> {
        let bytes = module.serialize().map_err(|error| CacheFault::Engine(error.to_string()))?;
        let name = name(engine, content);
        let code = self.dir.join(format!("{name}.cwasm"));
        // On disk before its seal says so: a stamp survives a power cut that the bytes did not.
        let written = place(&self.dir, &code, &bytes, true)?;
        let written = written.metadata().map_err(fault("read", &code))?;
        let stamp = private::stamp(&written);
        let digest = Sha256::digest(&bytes).into();
        Seal { digest, stamp }.write(&self.dir, &self.dir.join(format!("{name}.seal")))?;
        self.sweep(content, &name, written.modified().ok());
        Ok(())
    }

    /// Removes what other engines and settings compiled from the same content, and what a process that was killed while
    /// writing left behind: told from one that is still writing by an hour of the file system's own clock.
    fn sweep(&self, content: ContentHash, keep: &str, now: Option<SystemTime>) {
        let prefix = format!("{}-", content.hex());
        for entry in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let file = entry.file_name();
            let Some(name) = file.to_str() else { continue };
            let stem = name.strip_suffix(".cwasm").or_else(|| name.strip_suffix(".seal"));
            let is_old = || {
                let changed = entry.metadata().and_then(|found| found.modified()).ok();
                changed
                    .zip(now)
                    .is_some_and(|(changed, now)| now.duration_since(changed).is_ok_and(|age| age > ABANDONED))
            };
            let is_outdated = stem.is_some_and(|stem| stem.starts_with(&prefix) && stem != keep);
            if is_outdated || (name.starts_with(UNFINISHED) && is_old()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// How the name of a file begins that is not yet in its place.
const UNFINISHED: &str = ".new-";

/// Nobody writes for longer than this.
const ABANDONED: Duration = Duration::from_secs(3_600);

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
    // never written in place, only replaced by renaming, and it lies in a directory nobody else may enter, so the bytes
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

/// Writes a file beside its place and renames it there. The handle is of the new file.
fn place(dir: &Path, path: &Path, bytes: &[u8], durable: bool) -> Result<File, CacheFault> {
    let mut file =
        tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(dir).map_err(fault("create a file in", dir))?;
    file.write_all(bytes).map_err(fault("write", path))?;
    if durable {
        file.as_file().sync_all().map_err(fault("write", path))?;
    }
    file.persist(path).map_err(|error| fault("write", path)(error.error))
}

fn fault(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CacheFault {
    let path = path.to_owned();
    move |cause| CacheFault::Io { doing, path, cause }
}

/// The digest of an entry, and when it was last known to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seal {
    digest: [u8; 32],
    stamp: Option<Stamp>,
}

/// Device, inode, size, mtime and ctime of a file, the times in seconds and nanoseconds.
type Stamp = [i128; 7];

impl Seal {
    fn read(path: &Path) -> Option<Seal> {
        let mut file = private::open(path).ok()?;
        if private::flaw_of_file(&file.metadata().ok()?).is_some() {
            return None;
        }
        let mut text = String::new();
        (&mut file).take(1_024).read_to_string(&mut text).ok()?;
        Seal::parse(&text)
    }

    fn write(&self, dir: &Path, path: &Path) -> Result<(), CacheFault> {
        place(dir, path, self.text().as_bytes(), false).map(drop)
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
        let stamp = match numbers.ok()?.as_slice() {
            [] => None,
            numbers => Some(numbers.try_into().ok()?),
        };
        Some(Seal { digest: bytes, stamp })
    }
}

#[cfg(unix)]
mod private {
    //! Whose a file is, and who else may touch it.

    use std::fs::Metadata;
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};

    use rustix::fs::OFlags;

    use super::*;

    pub(super) fn create(dir: &Path) -> io::Result<()> {
        fs::DirBuilder::new().mode(0o700).create(dir)
    }

    /// A link is not followed; nothing that blocks is waited for.
    pub(super) fn open(path: &Path) -> io::Result<File> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)
    }

    pub(super) fn flaw_of_dir(found: &Metadata) -> Option<&'static str> {
        match () {
            () if !found.is_dir() => Some("is not a directory"),
            () if found.uid() != rustix::process::geteuid().as_raw() => Some("belongs to another user"),
            () if found.mode() & 0o077 != 0 => Some("can be entered by other users (chmod 700 it)"),
            () => None,
        }
    }

    pub(super) fn flaw_of_file(found: &Metadata) -> Option<&'static str> {
        match () {
            () if !found.is_file() => Some("is not a file"),
            () if found.uid() != rustix::process::geteuid().as_raw() => Some("belongs to another user"),
            () if found.mode() & 0o022 != 0 => Some("can be written by other users"),
            () => None,
        }
    }

    pub(super) fn stamp(found: &Metadata) -> Option<Stamp> {
        Some([
            found.dev().into(),
            found.ino().into(),
            found.size().into(),
            found.mtime().into(),
            found.mtime_nsec().into(),
            found.ctime().into(),
            found.ctime_nsec().into(),
        ])
    }
}

#[cfg(not(unix))]
mod private {
    //! Elsewhere a user's own directories are private by the system's default, and files carry no stamp worth trusting:
    //! the digest is checked at every load.

    use std::fs::Metadata;

    use super::*;

    pub(super) fn create(dir: &Path) -> io::Result<()> {
        fs::create_dir(dir)
    }

    pub(super) fn open(path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).open(path)
    }

    pub(super) fn flaw_of_dir(found: &Metadata) -> Option<&'static str> {
        (!found.is_dir()).then_some("is not a directory")
    }

    pub(super) fn flaw_of_file(found: &Metadata) -> Option<&'static str> {
        (!found.is_file()).then_some("is not a file")
    }

    pub(super) fn stamp(_: &Metadata) -> Option<Stamp> {
        None
    }
}
