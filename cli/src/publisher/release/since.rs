//! What a connector may do that its newest older version could not, for `plan`, the receipt and the notes.
//!
//! The index of the older version holds the short form only. Its archive is fetched too, so that every leaf under
//! `[capabilities]` is compared, as users' installers will do (artifacts.md §10). A client secret is left out: its digest
//! belongs in no publisher's log, and in no notes.

use aileron_verifier::artifact::archive::{ArtifactKind, Files, read};
use aileron_verifier::artifact::capability::{Capabilities, Difference};
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::artifact::module::Module;
use aileron_verifier::artifact::permission::{Permission, PermissionChanges, PermissionKind, Permissions};
use aileron_verifier::layout;
use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::name::version::Version;
use aileron_verifier::problem::Source;
use aileron_verifier::text::Untrusted;
use aileron_verifier::text::printable::LISTED;
use aileron_verifier::text::toml::Stage;

use super::{PinnedCohort, Proven};
use crate::publisher::forge::{Forge, ForgeError, Remote, Scope};

/// Looks at the forge, and fetches the archive of the version before this one. That it cannot be had stops no release.
///
/// # Errors
/// As [`Forge::observe`].
pub(super) fn observe(forge: &dyn Forge, scope: &Scope<'_>) -> Result<Remote, ForgeError> {
    let mut remote = forge.observe(scope)?;
    if let Some(previous) = &remote.previous {
        let tag = previous.connector.fqn.tag(&previous.version);
        let archive = forge.fetch(scope, &tag, layout::ARCHIVE).ok().flatten();
        remote.previous_archive =
            archive.filter(|bytes| ArchiveDigest::of(&[bytes]) == previous.connector.archive.sha256);
    }
    Ok(remote)
}

/// The difference to the previous version.
pub struct Since {
    /// The previous version.
    pub version: Version,
    /// By the indexes.
    pub capabilities: Difference,
    /// By every leaf; `None` where the previous archive could not be had.
    pub permissions: Option<PermissionChanges>,
}

impl Since {
    /// Said where only the indexes could be compared.
    pub const UNREADABLE: &str = "the previous archive could not be read: only hosts, credential kind and purpose, imports and programs are compared";

    /// `None` where no older version is published.
    pub(super) fn of(proven: &Proven, remote: &Remote) -> Option<Since> {
        Since::between(&proven.cohort.capabilities, || permissions(&proven.connector.archive.bytes), remote)
    }

    /// The same before anything is signed.
    pub(super) fn of_pinned(pinned: &PinnedCohort, remote: &Remote) -> Option<Since> {
        let now = || permissions_of(&pinned.wasm, pinned.manifest.as_bytes().to_vec());
        Since::between(&pinned.capabilities, now, remote)
    }

    fn between(
        capabilities: &Capabilities,
        now: impl FnOnce() -> Option<Permissions>,
        remote: &Remote,
    ) -> Option<Since> {
        let previous = remote.previous.as_ref()?;
        let before = remote.previous_archive.as_deref().and_then(permissions);
        Some(Since {
            version: previous.version.clone(),
            capabilities: capabilities.since(&previous.capabilities),
            permissions: now().zip(before).map(|(now, before)| now.since(&before)),
        })
    }

    /// Whether nothing is known to have changed, and everything was compared.
    pub fn is_none(&self) -> bool {
        self.permissions.as_ref().is_some_and(PermissionChanges::is_empty)
    }

    /// What changed, a line each; at most 20 of one sort, and the count of the rest.
    pub fn lines(&self) -> SinceLines {
        let Some(changes) = &self.permissions else {
            let shown = |lines: &[String]| cut(lines.iter().map(|line| Untrusted(line).to_string()).collect());
            let (gained, lost) = (&self.capabilities.gained, &self.capabilities.lost);
            return SinceLines { gained: shown(gained), changed: Vec::new(), lost: shown(lost) };
        };
        let line = |one: &Permission| format!("{} {}", one.kind.label(), Untrusted(&one.to_string()));
        let changed = changes
            .changed
            .iter()
            .map(|one| format!("{} (it was {})", line(&one.after), Untrusted(&one.before.to_string())));
        SinceLines {
            gained: cut(changes.added.iter().map(line).collect()),
            changed: cut(changed.collect()),
            lost: cut(changes.removed.iter().map(line).collect()),
        }
    }
}

/// Lines for a person.
pub struct SinceLines {
    /// What it may do now.
    pub gained: Vec<String>,
    /// What has another value now.
    pub changed: Vec<String>,
    /// What it may do no longer.
    pub lost: Vec<String>,
}

fn cut(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > LISTED {
        let more = lines.len() - LISTED;
        lines.truncate(LISTED);
        lines.push(format!("… and {more} more"));
    }
    lines
}

fn permissions(archive: &[u8]) -> Option<Permissions> {
    let Files::Connector { wasm, manifest, .. } = read(archive, Some(ArtifactKind::Connector)).ok()? else {
        return None;
    };
    permissions_of(&wasm, manifest)
}

fn permissions_of(wasm: &[u8], manifest: Vec<u8>) -> Option<Permissions> {
    let source = Source::read(layout::member::MANIFEST, manifest).ok()?;
    let manifest = ConnectorManifest::parse(source, Stage::Artifact).document?;
    let permissions = Permissions::of(&manifest, &Module::parse(wasm).ok()?);
    Some(permissions.without(PermissionKind::ClientSecret))
}
