//! Every rule at once: over a repository's manifest, a staging directory, or a zip file. aegis-bundle.md §14.3.

use std::collections::BTreeMap;
use std::path::Path;

use aileron_verifier::aegis::lint::{self, Bundle, Checked, Checksums};
use aileron_verifier::aegis::zip::Archive;
use aileron_verifier::aegis::zip::strict::Strict;
use aileron_verifier::aegis::{Kind, MANIFEST};
use aileron_verifier::problem::{self, Class, Problem, Severity, Source};

use super::{AegisError, staging};
use crate::sys::disk;

/// Longest zip file that is read: more than any host takes, so that its size can be said.
pub const LONGEST_ZIP: u64 = 512 << 20;
/// Longest manifest of a repository.
const LONGEST_MANIFEST: u64 = 16 << 20;

/// What was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A repository: its manifest only; checksums may still be open.
    Repository,
    /// A staging directory.
    Staging,
    /// A zip file.
    Zip,
}

/// Everything that is wrong.
#[derive(Clone, Debug)]
pub struct Findings {
    /// What was checked.
    pub subject: Subject,
    /// The kind of the extension, as far as there is a manifest.
    pub kind: Option<Kind>,
    /// Usable targets.
    pub targets: usize,
    /// The problems, those of the manifest first.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub more: usize,
    manifest: Option<Source>,
}

impl Findings {
    /// Problems that stop publishing.
    pub fn errors(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.rule.severity() == Severity::Error)
    }

    /// The text a problem points into.
    pub fn source(&self, problem: &Problem) -> Option<&Source> {
        self.manifest.as_ref().filter(|source| source.path == problem.file)
    }

    /// The class of what is wrong.
    pub fn class(&self) -> Class {
        problem::class_of(&self.errors().cloned().collect::<Vec<_>>())
    }

    fn of(subject: Subject, checked: Option<Checked>, more_problems: Vec<Problem>) -> Findings {
        let mut findings = Findings { subject, kind: None, targets: 0, problems: Vec::new(), more: 0, manifest: None };
        if let Some(checked) = checked {
            findings.kind = Some(checked.kind);
            findings.targets = checked.targets.len();
            findings.problems = checked.problems;
            findings.more = checked.more;
            findings.manifest = Some(checked.source);
        }
        findings.problems.extend(more_problems);
        findings
    }
}

/// Checks what lies at `path`: a zip file; a directory with `go.mod` as a repository, any other as a staging directory.
///
/// # Errors
/// [`AegisError::Disk`], [`AegisError::NoManifest`] and what is no file of a bundle.
pub fn check(path: &Path, limit: u64) -> Result<Findings, AegisError> {
    let name = path.display().to_string();
    let Some(entries) = directory(path)? else {
        return Ok(zip(&name, &disk::read(path, LONGEST_ZIP)?, limit));
    };
    if !entries.contains_key(std::ffi::OsStr::new(MANIFEST)) {
        return Err(AegisError::NoManifest(path.to_owned()));
    }
    if entries.contains_key(std::ffi::OsStr::new("go.mod")) {
        let manifest = path.join(MANIFEST);
        let bytes = disk::read(&manifest, LONGEST_MANIFEST)?;
        let shown = manifest.strip_prefix(".").unwrap_or(&manifest).display().to_string();
        let checked = lint::manifest(&shown, &bytes, None, Checksums::MayBeOpen);
        return Ok(Findings::of(Subject::Repository, Some(checked), Vec::new()));
    }
    Ok(staged(&name, &staging::read(path)?, Checksums::MayBeOpen, limit))
}

/// What lies in a directory, or `None` for what is none.
fn directory(path: &Path) -> Result<Option<BTreeMap<std::ffi::OsString, std::fs::FileType>>, AegisError> {
    if path.is_dir() { Ok(disk::list(path)?) } else { Ok(None) }
}

/// Checks files that are to become a bundle.
pub fn staged(name: &str, files: &BTreeMap<String, Vec<u8>>, checksums: Checksums, limit: u64) -> Findings {
    let checked =
        files.get(MANIFEST).map(|bytes| lint::manifest(&format!("{name}/{MANIFEST}"), bytes, None, checksums));
    let problems = of_files(name, files, None, checked.as_ref(), limit);
    Findings::of(Subject::Staging, checked, problems)
}

/// Checks a zip file strictly.
pub fn zip(name: &str, bytes: &[u8], limit: u64) -> Findings {
    let manifest = |bytes: &[u8]| lint::manifest(&format!("{name}/{MANIFEST}"), bytes, None, Checksums::Filled);
    match Strict::read(bytes, limit) {
        Ok(strict) => {
            let checked = strict.files().get(MANIFEST).map(|bytes| manifest(bytes));
            let problems = of_files(name, strict.files(), Some(bytes.len() as u64), checked.as_ref(), limit);
            Findings::of(Subject::Zip, checked, problems)
        }
        Err(irregular) => {
            // The manifest as a host finds it: what is wrong with it is said all the same.
            let checked = Archive::read(bytes).ok().and_then(|archive| {
                let entry = archive.entries().iter().find(|entry| entry.name == MANIFEST.as_bytes())?;
                let is_small = entry.unpacked <= LONGEST_MANIFEST;
                Some(manifest(&archive.unpack(entry, LONGEST_MANIFEST).ok().filter(|_| is_small)?))
            });
            let problems = irregular.iter().map(|why| lint::irregular(name, why)).collect();
            Findings::of(Subject::Zip, checked, problems)
        }
    }
}

fn of_files(
    name: &str,
    files: &BTreeMap<String, Vec<u8>>,
    zip_size: Option<u64>,
    checked: Option<&Checked>,
    limit: u64,
) -> Vec<Problem> {
    let bundle = Bundle { name, files, zip_size, limit };
    match checked {
        Some(checked) => bundle.check(checked),
        None => bundle.check(&lint::manifest(name, b"{}", None, Checksums::Filled)),
    }
}
