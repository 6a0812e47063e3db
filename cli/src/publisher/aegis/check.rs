//! Every rule at once: over a repository's manifest, a staging directory, or a zip file. aegis-bundle.md §14.3.

use std::collections::BTreeMap;
use std::path::Path;

use aileron_verifier::aegis::lint::{self, Bundle, Checked, Checksums};
use aileron_verifier::aegis::zip::Archive;
use aileron_verifier::aegis::zip::strict::Strict;
use aileron_verifier::aegis::{Kind, MANIFEST};
use aileron_verifier::problem::{self, Class, Problem, Severity, Source};

use super::{AegisError, go_sources, staging};
use crate::sys::disk;

/// Longest zip file that is read: more than any host takes, so that its size can be said.
pub const LONGEST_ZIP: u64 = 512 << 20;
/// The file that makes a directory a repository.
const MODULE: &str = "go.mod";
/// Longest manifest of a repository.
const LONGEST_MANIFEST: u64 = 16 << 20;

/// What was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// A repository: its manifest, whose checksums may still be open, and its Go source.
    Repository,
    /// A staging directory.
    Staging,
    /// A zip file.
    #[default]
    Zip,
}

/// Everything that is wrong.
#[derive(Clone, Debug, Default)]
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
    /// The texts that problems point into.
    sources: Vec<Source>,
}

impl Findings {
    /// Problems that stop publishing.
    pub fn errors(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.rule.severity() == Severity::Error)
    }

    /// The text a problem points into.
    pub fn source(&self, problem: &Problem) -> Option<&Source> {
        self.sources.iter().find(|source| source.path == problem.file)
    }

    /// The class of what is wrong.
    pub fn class(&self) -> Class {
        problem::class_of(&self.errors().cloned().collect::<Vec<_>>())
    }

    /// One more, which points into a text that is known here.
    pub(super) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// These and `later` ones about the same extension; what both say is said once.
    pub fn and(mut self, later: Findings) -> Findings {
        let is_later =
            |one: &Problem| later.problems.iter().any(|other| (other.rule, &other.message) == (one.rule, &one.message));
        self.problems.retain(|one| !is_later(one));
        self.problems.extend(later.problems);
        self.sources.extend(later.sources);
        Findings { problems: self.problems, sources: self.sources, more: self.more + later.more, ..later }
    }

    fn of(subject: Subject, checked: Option<Checked>, more_problems: Vec<Problem>) -> Findings {
        let mut findings = Findings { subject, ..Findings::default() };
        if let Some(checked) = checked {
            findings.kind = Some(checked.kind);
            findings.targets = checked.targets.len();
            findings.problems = checked.problems;
            findings.more = checked.more;
            findings.sources.push(checked.source);
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
    if entries.contains_key(std::ffi::OsStr::new(MODULE)) {
        return Ok(repository(path)?.1);
    }
    Ok(staged(&name, &staging::read(path)?, Checksums::MayBeOpen, limit))
}

/// Whether `path` is a repository that can be built.
pub fn is_repository(path: &Path) -> bool {
    path.join(MODULE).is_file()
}

/// Checks a repository: its manifest, and its Go source against it.
///
/// # Errors
/// [`AegisError::Disk`], [`AegisError::NoManifest`].
pub fn repository(path: &Path) -> Result<(Checked, Findings), AegisError> {
    let manifest = path.join(MANIFEST);
    let bytes = disk::read_if_there(&manifest, LONGEST_MANIFEST)?;
    let bytes = bytes.ok_or_else(|| AegisError::NoManifest(path.to_owned()))?;
    let shown = |path: &Path| path.strip_prefix(".").unwrap_or(path).to_owned();
    let checked = lint::manifest(&shown(&manifest).display().to_string(), &bytes, None, Checksums::MayBeOpen);
    let sources = go_sources::read(path, &shown(path))?;
    let problems = lint::source::check(&sources, &checked);
    let mut findings = Findings::of(Subject::Repository, Some(checked.clone()), problems);
    findings.sources.extend(sources);
    Ok((checked, findings))
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
