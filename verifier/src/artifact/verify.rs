//! The one home of the verdict: [`Unverified`] goes in, [`Verified`] or the reason comes out.
//!
//! Publishing proves its archives here before anyone sees them; `verify`, install and run call the same function. The
//! steps are numbered because their order is part of the contract: a connector's names are judged before its signature,
//! an action's signature before its text, as the existing runtime does (artifacts.md §6).
//!
//! Nothing else makes a [`Verified`]:
//!
//! ```compile_fail
//! use aileron_verifier::artifact::verify::Verified;
//! let forged = Verified { ..todo!() };
//! ```

use std::borrow::Cow;

use crate::artifact::action::Action;
use crate::artifact::archive::{self, ArtifactKind, Files, Malformed};
use crate::artifact::capability::Capabilities;
use crate::artifact::manifest::ConnectorManifest;
use crate::artifact::module::{Module, NotAModule};
use crate::artifact::permission::Permissions;
use crate::layout::member;
use crate::name::digest::{ArchiveDigest, ContentHash};
use crate::name::fqn::Ref;
use crate::problem::{self, Class, Parsed, Problem, Severity, Source, contained};
use crate::text::toml::Stage;
use crate::trust::key::Fingerprint;
use crate::trust::keyring::{Keyring, SignatureRefused};

/// Bytes as they arrived, or as a store holds them. They can be verified, and nothing else.
pub struct Unverified<'a>(Bytes<'a>);

enum Bytes<'a> {
    Archive(Cow<'a, [u8]>),
    Files(Files),
}

/// What an archive must turn out to be. Every `None` is a question the verdict answers instead.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Name and version it was asked for under.
    pub reference: Option<Ref>,
    /// Connector or action; `None` leaves it to the members.
    pub kind: Option<ArtifactKind>,
    /// The content hash a connector must have.
    pub content: Option<ContentHash>,
}

impl Wanted {
    /// Whatever was asked for under this name.
    pub fn of(reference: Ref) -> Wanted {
        Wanted { reference: Some(reference), ..Wanted::default() }
    }
}

/// artifacts.md §6 and §7 and keyring.md §2.5 held for exactly these files. Private fields; [`Unverified::verify`] is the
/// only maker.
#[derive(Debug)]
pub struct Verified {
    reference: Ref,
    archive: Option<(ArchiveDigest, u64)>,
    signer: Fingerprint,
    payload: Payload,
    files: Files,
    warnings: Vec<Problem>,
}

/// The documents of a verified artifact, parsed.
#[derive(Debug)]
pub enum Payload {
    /// A connector.
    Connector {
        /// Its identity: what actions pin.
        content: ContentHash,
        /// The bound manifest.
        manifest: Box<ConnectorManifest>,
        /// Imports and exports.
        module: Module,
    },
    /// An action.
    Action(Box<Action>),
}

/// Why an artifact was refused. Nothing has reached disk when you hold one.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Class `malformed_tarball`.
    #[error(transparent)]
    Archive(#[from] Malformed),
    /// Class `malformed_tarball`: what is signed as a module is not exactly one module.
    #[error("{member}: {fault}")]
    Module {
        /// `connector.wasm` or `connector.bin`.
        member: &'static str,
        /// What the parser found.
        fault: NotAModule,
    },
    /// Class [`problem::class_of`] its problems: `parse_error` or `validation_error`.
    #[error("{}", .problems.first().map_or("", |problem| &problem.message))]
    Document {
        /// Problems of the document that stop it, of every broken rule at least one; never empty.
        problems: Vec<Problem>,
        /// How many problems there are beyond those that were kept.
        more: usize,
        /// The document; empty text where it is not UTF-8.
        text: Source,
    },
    /// Class `malformed_tarball`: judging it failed by an error of ours. What cannot be judged is refused, and takes no
    /// other verdict with it.
    #[error("this artifact cannot be judged, because of an error in this program: {0}")]
    Unjudged(String),
    /// Class `fqn_mismatch`.
    #[error("this is {found}, not {wanted}")]
    Name {
        /// What was asked for.
        wanted: Ref,
        /// What the signed text says.
        found: Ref,
    },
    /// Class `fqn_mismatch`: the signed text contradicts itself.
    #[error("{}", .0.message)]
    Identity(Problem),
    /// Class `signature_failure`.
    #[error(transparent)]
    Signature(#[from] SignatureRefused),
    /// Class `hash_mismatch`.
    #[error("content hash is {found}, expected {pinned}")]
    Hash {
        /// What was pinned.
        pinned: ContentHash,
        /// What the bytes hash to.
        found: ContentHash,
    },
    /// Class `hash_mismatch`: a content hash was pinned for an action, which has none.
    #[error("an action has no content hash to compare with {0}")]
    HashOfAction(ContentHash),
}

impl VerifyError {
    /// The failure class. artifacts.md §8.
    pub fn class(&self) -> Class {
        match self {
            VerifyError::Archive(_) | VerifyError::Module { .. } | VerifyError::Unjudged(_) => Class::MalformedTarball,
            VerifyError::Document { problems, .. } => problem::class_of(problems),
            VerifyError::Name { .. } | VerifyError::Identity(_) => Class::FqnMismatch,
            VerifyError::Signature(_) => Class::SignatureFailure,
            VerifyError::Hash { .. } | VerifyError::HashOfAction(_) => Class::HashMismatch,
        }
    }
}

impl VerifyError {
    /// What the ring said of the signature, where that is the reason.
    pub fn signature(&self) -> Option<&SignatureRefused> {
        match self {
            VerifyError::Signature(refused) => Some(refused),
            _ => None,
        }
    }
}

impl<'a> Unverified<'a> {
    /// Takes the bytes of an `aileron.tar.gz`, borrowed or owned.
    pub fn new(archive: impl Into<Cow<'a, [u8]>>) -> Unverified<'a> {
        Unverified(Bytes::Archive(archive.into()))
    }

    /// Takes files that left their archive behind: an entry of a store, to be judged again. artifacts.md §9.
    pub fn unpacked(files: Files) -> Unverified<'static> {
        Unverified(Bytes::Files(files))
    }

    /// Judges the archive or the files against what is wanted and who is trusted.
    ///
    /// # Errors
    /// [`VerifyError`], the first step that fails.
    pub fn verify(self, wanted: &Wanted, ring: &Keyring) -> Result<Verified, VerifyError> {
        contained(|| self.judged(wanted, ring), VerifyError::Unjudged)
    }

    fn judged(self, wanted: &Wanted, ring: &Keyring) -> Result<Verified, VerifyError> {
        let (archive, files) = match self.0 {
            Bytes::Archive(bytes) => {
                let received = (ArchiveDigest::of(&[&bytes]), bytes.len() as u64);
                (Some(received), archive::read(&bytes, wanted.kind)?) // 1. one flat, complete, unambiguous archive
            }
            Bytes::Files(files) => (None, of_kind(files, wanted.kind)?),
        };
        let judged = match &files {
            Files::Connector { wasm, manifest, signature } => connector(wasm, manifest, signature, wanted, ring)?,
            Files::Action { document, signature } => action(document, signature, wanted, ring)?,
        };
        let Judged { reference, signer, payload, warnings } = judged;
        Ok(Verified { reference, archive, signer, payload, files, warnings })
    }
}

/// Loose files are of the kind their holder says; asked for as another kind they are refused in the reader's words.
fn of_kind(files: Files, wanted: Option<ArtifactKind>) -> Result<Files, Malformed> {
    match (files.kind(), wanted) {
        (ArtifactKind::Connector, Some(ArtifactKind::Action)) => {
            Err(Malformed::UnknownName { name: member::MODULE.into(), kind: wanted })
        }
        (ArtifactKind::Action, Some(ArtifactKind::Connector)) => {
            Err(Malformed::UnknownName { name: member::DOCUMENT.into(), kind: wanted })
        }
        _ => Ok(files),
    }
}

struct Judged {
    reference: Ref,
    signer: Fingerprint,
    payload: Payload,
    warnings: Vec<Problem>,
}

fn connector(
    wasm: &[u8],
    text: &[u8],
    signature: &[u8],
    wanted: &Wanted,
    ring: &Keyring,
) -> Result<Judged, VerifyError> {
    // 2. the module ends where the manifest begins
    let module = Module::parse(wasm).map_err(|fault| VerifyError::Module { member: member::MODULE, fault })?;
    // 3. the manifest reads and keeps every rule
    let source = source(member::MANIFEST, text)?;
    let (manifest, warnings) = usable(ConnectorManifest::parse(source.clone(), Stage::Artifact), source)?;
    // 4. it is what was asked for
    let reference = Ref { name: manifest.name.value.clone(), version: manifest.version.value.clone() };
    same_name(wanted, &reference)?;
    // 5. a trusted key signed exactly these bytes
    let signer = ring.verify(&reference.name.repo_authority(), &[wasm, text], signature)?;
    // 6. they are the bytes that were pinned
    let content = ContentHash::of(&[wasm, text]);
    match wanted.content {
        Some(pinned) if pinned != content => return Err(VerifyError::Hash { pinned, found: content }),
        _ => {}
    }
    Ok(Judged {
        reference,
        signer,
        payload: Payload::Connector { content, manifest: Box::new(manifest), module },
        warnings,
    })
}

fn action(text: &[u8], signature: &[u8], wanted: &Wanted, ring: &Keyring) -> Result<Judged, VerifyError> {
    // 2. a trusted key signed exactly these bytes; where no name was asked for, the text says whose key that must be
    let signed = |reference: &Ref| ring.verify(&reference.name.repo_authority(), &[text], signature);
    let known_signer = wanted.reference.as_ref().map(signed).transpose()?;
    // 3. the document reads and keeps every rule
    let source = source(member::DOCUMENT, text)?;
    let (action, warnings) = usable(Action::parse(source.clone(), Stage::Artifact), source)?;
    let reference = action.reference.value.clone();
    let signer = match known_signer {
        Some(signer) => signer,
        None => signed(&reference)?,
    };
    // 4. it is what was asked for, and says so everywhere
    same_name(wanted, &reference)?;
    if let Some(fault) = action.identity_fault() {
        return Err(VerifyError::Identity(fault));
    }
    match wanted.content {
        Some(pinned) => Err(VerifyError::HashOfAction(pinned)),
        None => Ok(Judged { reference, signer, payload: Payload::Action(Box::new(action)), warnings }),
    }
}

fn source(member: &str, bytes: &[u8]) -> Result<Source, VerifyError> {
    Source::read(member, bytes.to_vec()).map_err(|problem| VerifyError::Document {
        problems: vec![problem],
        more: 0,
        text: Source::new(member, ""),
    })
}

/// Parts what stops a document from what is only said about it: waivable rules never stop a verdict. artifacts.md §3.
fn usable<T>(parsed: Parsed<T>, text: Source) -> Result<(T, Vec<Problem>), VerifyError> {
    let Parsed { document, problems, more } = parsed;
    let stops = |problem: &Problem| problem.rule.severity() == Severity::Error && !problem.rule.is_waivable();
    let (fatal, warnings): (Vec<_>, Vec<_>) = problems.into_iter().partition(stops);
    match document {
        Some(document) if fatal.is_empty() => Ok((document, warnings)),
        _ => Err(VerifyError::Document { problems: fatal, more, text }),
    }
}

fn same_name(wanted: &Wanted, found: &Ref) -> Result<(), VerifyError> {
    match &wanted.reference {
        Some(wanted) if wanted != found => Err(VerifyError::Name { wanted: wanted.clone(), found: found.clone() }),
        _ => Ok(()),
    }
}

impl VerifyError {
    /// The same refusal for a list of many: class and words stay, and the document that was refused is let go of.
    #[must_use]
    pub fn without_text(self) -> VerifyError {
        match self {
            VerifyError::Document { mut problems, more, text } => {
                let left = more + problems.len().saturating_sub(1);
                let class = problem::class_of(&problems);
                // The first problem speaks, and one that decides the class stays with it.
                let decides = problems.iter().position(|problem| problem.rule.class() == class).unwrap_or_default();
                let kept = [0, decides];
                let mut place = 0..problems.len();
                problems.retain(|_| place.next().is_some_and(|place| kept.contains(&place)));
                problems.iter_mut().for_each(|problem| problem.at = 0..0);
                VerifyError::Document { problems, more: left, text: Source::new(text.path, "") }
            }
            other => other,
        }
    }
}

impl Verified {
    /// Name and version, as the signed text says and as was asked for.
    pub fn reference(&self) -> &Ref {
        &self.reference
    }

    /// Digest of the archive it came in; none for files that were judged without one.
    pub fn digest(&self) -> Option<ArchiveDigest> {
        self.archive.map(|(digest, _)| digest)
    }

    /// Size in bytes of the archive it came in.
    pub fn size(&self) -> Option<u64> {
        self.archive.map(|(_, size)| size)
    }

    /// The trusted key that signed it.
    pub fn signer(&self) -> &Fingerprint {
        &self.signer
    }

    /// Connector or action.
    pub fn kind(&self) -> ArtifactKind {
        self.files.kind()
    }

    /// The parsed documents.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The exact signed files.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Broken rules that do not stop a verdict: the five an installer refuses unless they are waived. artifacts.md §3.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// The content hash, for a connector.
    pub fn content(&self) -> Option<ContentHash> {
        match &self.payload {
            Payload::Connector { content, .. } => Some(*content),
            Payload::Action(_) => None,
        }
    }

    /// What it may do, for a connector.
    pub fn capabilities(&self) -> Option<Capabilities> {
        match &self.payload {
            Payload::Connector { manifest, module, .. } => Some(Capabilities::of(manifest, module)),
            Payload::Action(_) => None,
        }
    }

    /// Everything it may do, leaf by leaf, for a connector. artifacts.md §10.
    pub fn permissions(&self) -> Option<Permissions> {
        match &self.payload {
            Payload::Connector { manifest, module, .. } => Some(Permissions::of(manifest, module)),
            Payload::Action(_) => None,
        }
    }
}
