//! Is a published connector what this commit builds? Built again, bound again, compared byte for byte.
//!
//! The client secret is not needed from the publisher: the archive holds the bound value, and it is taken
//! from there.

use aileron_verifier::artifact::archive::Files;
use aileron_verifier::artifact::binding;
use aileron_verifier::artifact::verify::{Payload, Verified};
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::statement::cohort::CommitId;
use zeroize::Zeroizing;

use super::bind_and_build::{Compiled, compile};
use super::{ReleaseError, ReleaseRequest, World, ready};

/// What building again came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Whether module and manifest are the same, byte for byte.
    pub identical: bool,
    /// Whether the modules are.
    pub same_module: bool,
    /// Identity of what was published.
    pub published: ContentHash,
    /// Identity of what this commit builds.
    pub built: ContentHash,
    /// The commit.
    pub commit: CommitId,
    /// What compiled it now.
    pub toolchain: String,
}

/// Builds the connector of `request`'s repository again and compares it with `published`; `None` for an action.
///
/// # Errors
/// [`ReleaseError`], as a release up to its build.
pub fn rebuild(
    published: &Verified,
    request: &ReleaseRequest,
    world: &World<'_>,
) -> Result<Option<Rebuilt>, ReleaseError> {
    let (Files::Connector { wasm, .. }, Payload::Connector { content, manifest, .. }) =
        (published.files(), published.payload())
    else {
        return Ok(None);
    };
    let ready = ready(request, world)?;
    let Compiled { wasm: built, toolchain, .. } = compile(&ready.checked, request.wasm.as_deref(), world)?;
    let secret = manifest.credential.as_ref().and_then(|credential| credential.oauth2.as_ref()?.client_secret.as_ref());
    let source = &ready.checked.manifest;
    let edits = binding::manifest(source, &request.version, secret.map(|secret| secret.value.as_str()));
    let edits = edits.unwrap_or_default(); // `ready` has checked the fields already
    let bound = Zeroizing::new(binding::apply(&source.source.text, &edits));
    let rebuilt = ContentHash::of(&[&built, bound.as_bytes()]);
    Ok(Some(Rebuilt {
        identical: rebuilt == *content,
        same_module: built == *wasm,
        published: *content,
        built: rebuilt,
        commit: ready.commit,
        toolchain: serde_json::to_string(&toolchain).unwrap_or_default(),
    }))
}
