//! `verify`: bytes from somewhere, one verdict each. All of the judging is the verifier's; here is what to judge.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use aileron_verifier::artifact::archive::{ArtifactKind, MAX_ARCHIVE, Malformed};
use aileron_verifier::artifact::verify::{Unverified, Verified, VerifyError, Wanted};
use aileron_verifier::layout::{ARCHIVE, ARCHIVE_LIMIT};
use aileron_verifier::name::digest::{ArchiveDigest, ContentHash};
use aileron_verifier::name::fqn::{Ref, Scheme};
use aileron_verifier::problem::Class;
use aileron_verifier::statement::cohort::{ActionEntry, Archive, Cohort};
use aileron_verifier::statement::{Signed, StatementError};
use aileron_verifier::trust::keyring::Keyring;
use rayon::prelude::*;

use crate::consumer::fetch::origin::{FetchError, Origin};
use crate::event::{Event, Listener};
use crate::sys::address::Address;
use crate::sys::disk::{self, DiskError, Operation};

/// What to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One archive file, which may have to be a certain artifact.
    File {
        /// Its path.
        path: PathBuf,
        /// What it must be.
        reference: Option<Ref>,
    },
    /// Every archive below a directory.
    Directory(PathBuf),
    /// A Ref, fetched, judged and discarded.
    Reference(Ref),
}

/// The verdict on one archive.
pub struct Verification {
    /// A path, or the Ref that was fetched.
    pub subject: String,
    /// Verified, or why not.
    pub verdict: Result<Verified, VerificationError>,
}

/// Why there is no positive verdict.
#[derive(Debug, thiserror::Error)]
pub enum VerificationError {
    /// The artifact was refused.
    #[error(transparent)]
    Refused(#[from] VerifyError),
    /// The release's index was refused.
    #[error(transparent)]
    Index(#[from] StatementError),
    /// There was nothing to judge.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A file could not be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A directory without archives.
    #[error("there is no {ARCHIVE} below {}", .0.display())]
    Nothing(PathBuf),
    /// A release without an index.
    #[error("the release of {0} has no cohort.json")]
    NoCohort(Ref),
    /// The index of the release names it, and it is not there yet. artifacts.md §11.
    #[error("{reference} is not public yet: its release is still being published")]
    NotYet {
        /// The artifact.
        reference: Ref,
        /// Where it was looked for.
        at: Address,
    },
    /// The archive is not the one the release's signed index lists.
    #[error("{reference}: the archive is {found}, the release's signed index lists {listed}")]
    NotListed {
        /// The artifact.
        reference: Ref,
        /// What was fetched.
        found: ArchiveDigest,
        /// What the index says.
        listed: ArchiveDigest,
    },
}

impl VerificationError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            VerificationError::Refused(error) => error.class(),
            VerificationError::Index(error) => error.class(),
            VerificationError::Fetch(error) => error.class(),
            VerificationError::Disk(error) => error.class(),
            VerificationError::Nothing(_) | VerificationError::NoCohort(_) | VerificationError::NotYet { .. } => {
                Class::FetchFailed
            }
            VerificationError::NotListed { .. } => Class::HashMismatch,
        }
    }

    /// Whether asking again later may help.
    pub fn is_retriable(&self) -> bool {
        match self {
            VerificationError::Fetch(error) => error.is_retriable(),
            VerificationError::Disk(error) => error.is_retriable(),
            VerificationError::NotYet { .. } => true,
            VerificationError::Refused(_)
            | VerificationError::Index(_)
            | VerificationError::Nothing(_)
            | VerificationError::NoCohort(_)
            | VerificationError::NotListed { .. } => false,
        }
    }
}

/// Fetches and judges one artifact, which must be the one that `listed`, an entry of its release's signed index, names.
///
/// # Errors
/// [`VerificationError`]; what is listed and not there is [`VerificationError::NotYet`].
pub fn fetched(
    origin: &Origin,
    wanted: &Wanted,
    listed: Option<&Archive>,
    ring: &Keyring,
) -> Result<Verified, VerificationError> {
    let Some(reference) = &wanted.reference else { return Err(VerificationError::Nothing(PathBuf::new())) };
    let bytes = origin.fetch(reference).map_err(|error| match error {
        FetchError::Absent { at, .. } if listed.is_some() => {
            VerificationError::NotYet { reference: reference.clone(), at }
        }
        error => error.into(),
    })?;
    let verified = Unverified::new(bytes).verify(wanted, ring)?;
    match (listed, verified.digest()) {
        (Some(listed), Some(found)) if listed.sha256 != found => {
            Err(VerificationError::NotListed { reference: reference.clone(), found, listed: listed.sha256 })
        }
        _ => Ok(verified),
    }
}

/// Fetches and judges the signed index of a connector's release, and then everything it lists.
///
/// # Errors
/// [`VerificationError`] when there is no index that a trusted key signed; a refusal of what it lists is part of its
/// [`Verification`].
pub fn cohort(
    connector: &Ref,
    origin: &Origin,
    ring: &Keyring,
    listener: Listener<'_>,
) -> Result<(Signed<Cohort>, Vec<Verification>), VerificationError> {
    let index = origin.statement::<Cohort>(connector)?;
    let index = index.ok_or_else(|| VerificationError::NoCohort(connector.clone()))?;
    let cohort = index.verify(connector, ring)?;
    let content = Some(cohort.connector.content_hash);
    let first = Wanted { reference: Some(connector.clone()), kind: Some(ArtifactKind::Connector), content };
    let action = |entry: &ActionEntry| {
        let reference = Ref { name: entry.fqn.clone(), version: cohort.version.clone() };
        let wanted = Wanted { kind: Some(ArtifactKind::Action), ..Wanted::of(reference) };
        (wanted, entry.archive.clone())
    };
    let all: Vec<(Wanted, Archive)> =
        std::iter::once((first, cohort.connector.archive.clone())).chain(cohort.actions.iter().map(action)).collect();
    listener(Event::Begin { step: "fetching and verifying".to_owned(), total: all.len() });
    let judged = side_by_side(&all, |(wanted, archive)| {
        let verdict = fetched(origin, wanted, Some(archive), ring);
        listener(Event::Advance);
        Verification { subject: wanted.reference.as_ref().map(ToString::to_string).unwrap_or_default(), verdict }
    });
    let refused = judged.iter().filter(|verification| verification.verdict.is_err()).count();
    listener(Event::End { outcome: format!("{} verified, {refused} refused", judged.len() - refused) });
    Ok((cohort, judged))
}

/// Downloads run side by side, in the order's results.
pub(in crate::consumer) fn side_by_side<T: Sync, R: Send>(all: &[T], one: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    const DOWNLOADS: usize = 8;
    match rayon::ThreadPoolBuilder::new().num_threads(DOWNLOADS.min(all.len().max(1))).build() {
        Ok(pool) => pool.install(|| all.par_iter().map(one).collect()),
        Err(_) => all.iter().map(one).collect(),
    }
}

/// Judges everything `subject` names, in a stable order.
///
/// # Errors
/// [`VerificationError`] when there is nothing to judge; a refusal is part of its [`Verification`].
pub fn verify(
    subject: &Subject,
    content: Option<ContentHash>,
    origin: &Origin,
    ring: &Keyring,
    listener: Listener<'_>,
) -> Result<Vec<Verification>, VerificationError> {
    match subject {
        Subject::File { path, reference } => {
            let wanted = Wanted { reference: reference.clone(), content, ..Wanted::default() };
            Ok(vec![file(path, &wanted, ring)])
        }
        Subject::Reference(reference) => {
            let wanted = Wanted { reference: Some(reference.clone()), content, ..Wanted::default() };
            let verdict = Unverified::new(origin.fetch(reference)?).verify(&wanted, ring);
            Ok(vec![Verification { subject: reference.to_string(), verdict: verdict.map_err(VerificationError::from) }])
        }
        Subject::Directory(directory) => below(directory, ring, listener),
    }
}

fn file(path: &Path, wanted: &Wanted, ring: &Keyring) -> Verification {
    let judged = || Ok(Unverified::new(archive(path)?).verify(wanted, ring)?);
    Verification { subject: path.display().to_string(), verdict: judged() }
}

/// Reads an archive file. One that is over the cap is read no further and is no archive. artifacts.md §7.
///
/// # Errors
/// [`VerificationError::Disk`], or [`VerificationError::Refused`] with its size.
pub(in crate::consumer) fn archive(path: &Path) -> Result<Vec<u8>, VerificationError> {
    disk::read(path, ARCHIVE_LIMIT).map_err(|error| match error.cause.kind() {
        ErrorKind::FileTooLarge => {
            #[expect(clippy::disallowed_methods, reason = "for the message alone")]
            let size = std::fs::metadata(path).map_or(0, |data| data.len());
            VerifyError::from(Malformed::ArchiveTooLarge { found: size.max(MAX_ARCHIVE + 1) }).into()
        }
        _ => error.into(),
    })
}

fn below(directory: &Path, ring: &Keyring, listener: Listener<'_>) -> Result<Vec<Verification>, VerificationError> {
    let mut archives = Vec::new();
    for entry in walkdir::WalkDir::new(directory).sort_by_file_name() {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(directory).to_owned();
            DiskError::at(Operation::List, &path)(error.into())
        })?;
        let hidden = entry
            .path()
            .strip_prefix(directory)
            .is_ok_and(|path| path.components().any(|part| part.as_os_str().as_encoded_bytes().starts_with(b".")));
        if entry.file_type().is_file() && !hidden && entry.path().extension().is_some_and(|ending| ending == "gz") {
            archives.push(entry.into_path());
        }
    }
    if archives.is_empty() {
        return Err(VerificationError::Nothing(directory.to_owned()));
    }
    listener(Event::Begin { step: "verifying".to_owned(), total: archives.len() });
    let judged = archives.par_iter().map(|path| {
        let verification = file(path, &Wanted::default(), ring);
        listener(Event::Advance);
        listed(placed(directory, path, verification))
    });
    let mut judged: Vec<Verification> = judged.collect();
    // The first refusal is reported in full: its archive is verified once more, now that it is known which one that is.
    if let Some(first) = judged.iter().position(|verification| verification.verdict.is_err()) {
        judged[first] = placed(directory, &archives[first], file(&archives[first], &Wanted::default(), ring));
    }
    let refused = judged.iter().filter(|verification| verification.verdict.is_err()).count();
    listener(Event::End { outcome: format!("{} verified, {refused} refused", judged.len() - refused) });
    Ok(judged)
}

/// A refusal as it waits for the others of its directory: without the document that was refused.
fn listed(verification: Verification) -> Verification {
    let verdict = verification.verdict.map_err(|error| match error {
        VerificationError::Refused(error) => VerificationError::Refused(error.without_text()),
        other => other,
    });
    Verification { verdict, ..verification }
}

/// An archive that is where a mirror would serve another name or version is refused: its place is its name.
fn placed(directory: &Path, path: &Path, verification: Verification) -> Verification {
    let Ok(verified) = &verification.verdict else { return verification };
    let Some(wanted) = mirror_name(directory, path, verified.reference().name.scheme()) else { return verification };
    if wanted == *verified.reference() {
        return verification;
    }
    let found = verified.reference().clone();
    Verification { verdict: Err(VerifyError::Name { wanted, found }.into()), ..verification }
}

/// The Ref a mirror's path stands for. The directory may be one of the mirror's own, below its base.
fn mirror_name(directory: &Path, path: &Path, scheme: Scheme) -> Option<Ref> {
    let relative = path.strip_prefix(directory).ok()?;
    let whole = directory.file_name().map(PathBuf::from).unwrap_or_default().join(relative);
    let parts: Vec<&str> = whole.iter().map(|part| part.to_str()).collect::<Option<_>>()?;
    Ref::at_mirror_path(scheme, &parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // artifacts.md §1
    fn a_place_in_a_mirror_is_a_name() {
        let name =
            |path: &str| mirror_name(Path::new("/m"), Path::new(path), Scheme::Github).map(|name| name.to_string());
        let expected = Some("github://acme/x/actions/post@1.2.3".to_owned());
        assert_eq!(name("/m/acme/x/releases/download/actions/post/v1.2.3/aileron.tar.gz"), expected);
        assert_eq!(name("/m/acme/x/releases/download/v1.2.3/aileron.tar.gz").as_deref(), Some("github://acme/x@1.2.3"));
        assert_eq!(name("/m/dist/0.1.0/aileron.tar.gz"), None);
    }
}
