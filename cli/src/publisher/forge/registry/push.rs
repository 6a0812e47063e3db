//! Pushing: look, plan, write, read back. cli-unit.md §12.4.

use aileron_verifier::name::version::Version;

use super::document::{Artifact, Manifest};
use super::error::RegistryError;
use super::plan::{TagPlan, TagStep, plan};
use super::reference::{At, Tag};
use super::target::{Contents, Target, observe};
use crate::event::{Event, Listener, counted};

/// Who can read what was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody.
    Public,
    /// Only who has a credential.
    Private,
}

/// What would be done: one look, no write.
///
/// # Errors
/// [`RegistryError::Taken`], or when it could not be asked.
pub fn plan_push(
    target: &dyn Target,
    artifact: &Artifact,
    version: &Version,
    tags: &[Tag],
) -> Result<TagPlan, RegistryError> {
    let observed = observe(target, tags)?;
    Ok(plan(version, tags, artifact.digest, &observed)?)
}

/// Does what a plan says: the blobs that are missing, then the tags in their order. Nothing where there is nothing to write.
/// Gives the number of blobs that were sent.
///
/// # Errors
/// [`RegistryError`] of the first write that failed; a second run goes on from there.
pub fn apply(
    target: &dyn Target,
    artifact: &Artifact,
    plan: &TagPlan,
    listener: Listener<'_>,
) -> Result<usize, RegistryError> {
    let tags: Vec<_> = plan.writes().collect();
    if tags.is_empty() {
        return Ok(0);
    }
    listener(Event::Begin { step: "pushing".to_owned(), total: artifact.blobs.len() + tags.len() });
    let mut sent = 0;
    for blob in &artifact.blobs {
        sent += usize::from(target.put_blob(blob)?);
        listener(Event::Advance);
    }
    for (tag, step) in &tags {
        let before = match step {
            TagStep::Move(before) => Some(*before),
            _ => None,
        };
        target.put_tag(tag, before, artifact)?;
        listener(Event::Advance);
    }
    listener(Event::End { outcome: format!("{} sent, {} written", counted(sent, "blob"), counted(tags.len(), "tag")) });
    Ok(sent)
}

/// Reads everything back and compares it with what was pushed: each tag's manifest, and each blob once.
///
/// # Errors
/// [`RegistryError::Moved`] where a tag names something else, [`RegistryError::Differs`], or when it could not be asked.
pub fn read_back(contents: &dyn Contents, artifact: &Artifact, tags: &[&Tag]) -> Result<(), RegistryError> {
    for tag in tags {
        let there = contents.manifest(&At::Tag((*tag).clone()))?;
        if there != artifact.manifest {
            let found = aileron_verifier::name::digest::BlobDigest::of(&[&there]);
            let expected = artifact.digest.to_string();
            return Err(RegistryError::Moved { tag: tag.to_string(), there: found.to_string(), expected });
        }
    }
    let unfit = |why| RegistryError::Unexpected { asked: artifact.digest.to_string(), why };
    let listed = Manifest::read(&artifact.manifest).map_err(unfit)?;
    for descriptor in std::iter::once(&listed.config).chain(&listed.layers) {
        contents.blob(descriptor, descriptor.size)?;
    }
    Ok(())
}

/// Reads everything back as anybody may, and where that is refused, with the credential it was pushed with.
///
/// # Errors
/// As [`read_back`].
pub fn confirm(
    anybody: &dyn Contents,
    publisher: &dyn Contents,
    artifact: &Artifact,
    plan: &TagPlan,
    listener: Listener<'_>,
) -> Result<Visibility, RegistryError> {
    let tags: Vec<&Tag> = plan.ours().collect();
    listener(Event::Begin { step: "reading it back".to_owned(), total: 0 });
    let visibility = match read_back(anybody, artifact, &tags) {
        Ok(()) => Visibility::Public,
        // To somebody without a credential, a registry may also say that there is no such thing.
        Err(RegistryError::Login { .. } | RegistryError::Absent { .. }) => {
            read_back(publisher, artifact, &tags)?;
            Visibility::Private
        }
        Err(error) => return Err(error),
    };
    let by = match visibility {
        Visibility::Public => "everybody can read it, and it is what was pushed",
        Visibility::Private => "it is what was pushed, and only a login can read it",
    };
    listener(Event::End { outcome: by.to_owned() });
    Ok(visibility)
}
