//! What is tried: the file that a host of this machine's architecture would start, and what its manifest says.

use std::collections::BTreeMap;
use std::path::Path;

use aileron_verifier::aegis::lint::PLACEHOLDER;
use aileron_verifier::aegis::manifest::{Manifest, Target, select};
use aileron_verifier::aegis::time::Instant;
use aileron_verifier::aegis::trust_store::{Revocations, TrustStore};
use aileron_verifier::aegis::upload::{Host, UploadError, examine};
use aileron_verifier::aegis::verify::HostTrust;
use aileron_verifier::aegis::zip::Archive;
use aileron_verifier::aegis::{DEFAULT_SKEW, DEFAULT_UPLOAD_LIMIT, Kind, MANIFEST, path};
use sha2::{Digest as _, Sha256};

use super::TryError;
use crate::event::Listener;
use crate::publisher::aegis::build::{self, BuildRequest};
use crate::publisher::aegis::{AegisError, check, staging};
use crate::sys::disk;
use crate::sys::process::Spawner;

/// An extension that can be tried here.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Where it came from, as it was named.
    pub name: String,
    /// Plugin or connector.
    pub kind: Kind,
    /// The manifest's id.
    pub id: String,
    /// The manifest's version.
    pub version: String,
    /// The target that a host here takes.
    pub target: Target,
    /// The file it starts, as the bundle names it.
    pub library: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// This machine's architecture in Go's name.
///
/// # Errors
/// [`TryError::NotHere`]: nothing is published for it.
pub fn architecture() -> Result<&'static str, TryError> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Ok("amd64"),
        ("linux", "aarch64") => Ok("arm64"),
        ("linux", "riscv64") => Ok("riscv64"),
        (os, arch) => Err(TryError::NotHere { os, arch }),
    }
}

impl Subject {
    /// A bundle, or a staging directory.
    ///
    /// # Errors
    /// [`TryError`]: what a host would refuse is not started.
    pub fn load(path: &Path, arch: &str) -> Result<Subject, TryError> {
        if !path.is_dir() {
            let zip = disk::read(path, check::LONGEST_ZIP).map_err(AegisError::from)?;
            return Subject::of_zip(&path.display().to_string(), &zip, arch);
        }
        let entries = disk::list(path).map_err(AegisError::from)?.unwrap_or_default();
        if !entries.contains_key(std::ffi::OsStr::new(MANIFEST)) {
            return Err(AegisError::NoManifest(path.to_owned()).into());
        }
        Subject::of_files(&path.display().to_string(), staging::read(path)?, arch)
    }

    /// A repository: built first, for this machine alone. Nothing is written there.
    ///
    /// # Errors
    /// [`TryError`]: what cannot be built, and what a host would refuse.
    pub fn build(
        repository: &Path,
        package: Option<&str>,
        arch: &str,
        spawner: Spawner<'_>,
        listener: Listener<'_>,
    ) -> Result<Subject, TryError> {
        let targets = [format!("linux/{arch}")];
        let limit = DEFAULT_UPLOAD_LIMIT;
        let request = BuildRequest { repository, targets: &targets, package, keep_symbols: false, limit, out: None };
        let built = build::build(&request, spawner, listener)?;
        Subject::of_files(&repository.display().to_string(), built.files, arch)
    }

    /// A bundle, as far as a host that takes unsigned ones would come with it.
    fn of_zip(name: &str, zip: &[u8], arch: &str) -> Result<Subject, TryError> {
        let kind = kind(zip);
        let trust = HostTrust {
            trusted: TrustStore::read(""),
            revoked: Revocations::default(),
            now: Instant::ZERO,
            skew: DEFAULT_SKEW,
        };
        let (os, arch) = ("linux".to_owned(), arch.to_owned());
        let host = Host { trust, os, arch, max_upload_size: 0, allow_unsafe: true, confirm_unsafe: true };
        let examined = examine(zip, kind, &host)?;
        let archive = Archive::read(zip).map_err(|why| UploadError::NotAZip { kind, why })?;
        let entry = archive.entries().iter().rev().find(|entry| path::clean(entry.name) == examined.library.as_bytes());
        let entry = entry.ok_or_else(|| UploadError::NoLibrary(examined.library.clone()))?;
        let bytes = archive
            .unpack(entry, check::LONGEST_ZIP)
            .map_err(|why| UploadError::Read { name: examined.library.clone(), why })?;
        let (id, version) = (examined.manifest.id, examined.manifest.version);
        let (target, library) = (examined.target, examined.library);
        Ok(Subject { name: name.to_owned(), kind, id, version, target, library, bytes })
    }

    /// Files that are to become a bundle; their checksums may still be open.
    ///
    /// # Errors
    /// [`TryError::Upload`].
    pub fn of_files(name: &str, mut files: BTreeMap<String, Vec<u8>>, arch: &str) -> Result<Subject, TryError> {
        let raw = files.get(MANIFEST).map_or(&b""[..], |raw| raw);
        let kind = Manifest::kind_of(raw);
        let mut manifest = Manifest::decode(raw, kind).map_err(UploadError::from)?;
        let target = select(&manifest.targets, "linux", arch).map_err(UploadError::from)?.clone();
        // They are filled in when it is packed; until then any text counts as a checksum, as it does for a host.
        let is_open = |target: &Target| target.sha256 == PLACEHOLDER;
        manifest.targets.iter_mut().filter(|target| is_open(target)).for_each(|target| target.sha256 = "0".repeat(64));
        manifest.validate().map_err(UploadError::from)?;
        let library = String::from_utf8_lossy(&path::clean(target.library_path.trim().as_bytes())).into_owned();
        let missing = || UploadError::NoLibrary(target.library_path.trim().to_owned());
        let bytes = files.remove(&library).ok_or_else(missing)?;
        let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if !is_open(&target) && !target.sha256.eq_ignore_ascii_case(&found) {
            return Err(UploadError::Checksum { kind, manifest: target.sha256, library: found }.into());
        }
        let (id, version) = (manifest.id, manifest.version);
        Ok(Subject { name: name.to_owned(), kind, id, version, target, library, bytes })
    }
}

/// The kind that a bundle's manifest is of, as far as there is one.
pub fn kind(zip: &[u8]) -> Kind {
    const LONGEST: u64 = 1 << 20;
    let manifest = Archive::read(zip).ok().and_then(|archive| {
        let is_manifest = |name: &[u8]| path::clean(name) == MANIFEST.as_bytes();
        let entry = archive.entries().iter().find(|entry| is_manifest(entry.name) && entry.unpacked <= LONGEST)?;
        archive.unpack(entry, LONGEST).ok()
    });
    manifest.map_or(Kind::Plugin, |bytes| Manifest::kind_of(&bytes))
}
