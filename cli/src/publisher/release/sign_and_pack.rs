//! Sign and pack: from exact bytes to archives and the index over them. The private key exists only here.

use aileron_verifier::artifact::action::Action;
use aileron_verifier::artifact::archive::{Files, Packer};
use aileron_verifier::artifact::suite::InstallSuite;
use aileron_verifier::layout;
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::name::version::Tag;
use aileron_verifier::statement::Document as _;
use aileron_verifier::statement::cohort::{self, ActionEntry, Archive, Cohort, ConnectorEntry, SuiteEntry, Tool};
use aileron_verifier::trust::key::{Fingerprint, PublicKey};
use aileron_verifier::trust::keyring::Keyring;
use rayon::prelude::*;

use super::bind_and_build::{Change, PinnedCohort};
use super::{Ready, ReleaseError, ReleaseRequest, World, notes};
use crate::publisher::forge::AssetFile;
use crate::publisher::project::KeyFile;
use crate::publisher::sign::{KeyError, KeyOrigin, SigningKey, load_signing_key, may_sign};

/// Signed files, not yet archives.
pub struct Signed {
    pinned: PinnedCohort,
    key: SigningKey,
    public: PublicKey,
    connector: (Ref, Files),
    actions: Vec<(Ref, Files)>,
}

/// The private half of the committed public key, and nothing else it could be.
pub struct Unlocked {
    key: SigningKey,
    public: PublicKey,
}

/// Finds the signing key before anything is built: a wrong key or passphrase costs no waiting.
///
/// # Errors
/// [`ReleaseError::Key`], [`ReleaseError::NoPublisherKey`] or [`ReleaseError::WrongKey`].
pub fn unlock(ready: &Ready, request: &ReleaseRequest, world: &World<'_>) -> Result<Unlocked, ReleaseError> {
    may_sign(world.environment)?;
    let public = ready.checked.publisher_key.ok_or(ReleaseError::NoPublisherKey)?;
    let account = ready.release.name.repo_authority();
    let variable = |name: &str| world.environment.secret(name);
    let prompt = |_: &KeyOrigin| (world.passphrase)().ok_or(KeyError::PassphraseMissing);
    let key = load_signing_key(request.key.as_deref(), &variable, world.keychain, account.as_str(), prompt)?.key;
    if key.public() != public {
        return Err(ReleaseError::WrongKey { signing: key.public().fingerprint(), committed: public.fingerprint() });
    }
    Ok(Unlocked { key, public })
}

/// Signs the connector and every action.
///
/// # Errors
/// [`ReleaseError::Interrupted`].
pub fn sign(mut pinned: PinnedCohort, key: Unlocked, world: &World<'_>) -> Result<Signed, ReleaseError> {
    let Unlocked { key, public } = key;
    let (wasm, actions) = (std::mem::take(&mut pinned.wasm), std::mem::take(&mut pinned.actions));
    world.begin("signing", actions.len() + 1);
    let manifest = pinned.manifest.as_bytes().to_vec();
    let signature = key.sign(&[&wasm, &manifest]).to_vec();
    world.advance();
    let connector = (pinned.ready.release.clone(), Files::Connector { wasm, manifest, signature });
    let signed = actions.into_par_iter().map(|(reference, text)| {
        world.check_interrupted()?;
        let document = text.into_bytes();
        let signature = key.sign(&[&document]).to_vec();
        world.advance();
        Ok((reference, Files::Action { document, signature }))
    });
    let actions: Vec<_> = signed.collect::<Result<_, ReleaseError>>()?;
    world.end(format!("{} artifacts with {}", actions.len() + 1, public.fingerprint()));
    Ok(Signed { pinned, key, public, connector, actions })
}

/// One archive, ready to publish.
#[derive(Clone)]
pub struct Artifact {
    /// Name and version.
    pub reference: Ref,
    /// Its release tag.
    pub tag: Tag,
    /// The connector's identity; none for an action.
    pub content: Option<ContentHash>,
    /// `aileron.tar.gz`.
    pub archive: AssetFile,
}

/// At least so many archives come out of one packer: making its tables costs as much as packing a dozen actions.
const PACKED_BY_ONE: usize = 32;

/// A cohort whose every file is made, and not yet proven.
#[derive(Clone)]
pub struct Packed {
    /// The connector at this version.
    pub release: Ref,
    /// Every tag of the cohort, the connector's first.
    pub tags: Vec<Tag>,
    /// The connector's identity.
    pub content: ContentHash,
    /// The publisher's key.
    pub public: PublicKey,
    /// The connector's archive.
    pub connector: Artifact,
    /// The actions' archives, sorted by name.
    pub actions: Vec<Artifact>,
    /// `cohort.json`.
    pub index: AssetFile,
    /// Its signature.
    pub signature: AssetFile,
    /// `suite.toml`, if there is one.
    pub suite: Option<AssetFile>,
    /// What the repository says of its keys.
    pub key_statements: Vec<KeyFile>,
    /// Other statements on this release, each followed by its signature.
    pub statements: Vec<AssetFile>,
    /// The index as a value.
    pub cohort: Cohort,
    /// What binding changed, line by line.
    pub changes: Vec<Change>,
    /// What the changelog says of this version, if anything.
    pub changelog: Option<String>,
}

impl Packed {
    /// Every archive, the connector's first.
    pub fn artifacts(&self) -> impl Iterator<Item = &Artifact> {
        std::iter::once(&self.connector).chain(&self.actions)
    }

    /// What the connector's release holds beside its archive.
    pub fn beside_connector(&self) -> impl Iterator<Item = &AssetFile> {
        [&self.index, &self.signature].into_iter().chain(&self.suite).chain(&self.statements)
    }

    /// Fingerprint of the key that signed.
    pub fn signer(&self) -> Fingerprint {
        self.public.fingerprint()
    }

    /// A ring that trusts the committed key for this repository and nothing else.
    pub fn ring(&self) -> Keyring {
        let mut ring = Keyring::default();
        ring.grant(self.release.name.repo_authority(), self.public);
        ring
    }
}

/// Packs every artifact, and signs the index over all of them.
///
/// # Errors
/// [`ReleaseError::Interrupted`].
pub fn pack(signed: Signed, world: &World<'_>) -> Result<Packed, ReleaseError> {
    let Signed { pinned, key, public, connector, actions } = signed;
    world.begin("packing", actions.len() + 1);
    let artifact = |packer: &mut Packer, (reference, files): (Ref, Files)| {
        world.check_interrupted()?;
        let content = match &files {
            Files::Connector { .. } => Some(pinned.content),
            Files::Action { .. } => None,
        };
        let archive = AssetFile::new(layout::ARCHIVE, packer.pack(&files));
        world.advance();
        Ok(Artifact { tag: reference.tag(), reference, content, archive })
    };
    let actions = actions.into_par_iter().with_min_len(PACKED_BY_ONE);
    let (connector, actions) = rayon::join(
        || artifact(&mut Packer::new(), connector),
        || actions.map_init(Packer::new, &artifact).collect::<Result<Vec<Artifact>, ReleaseError>>(),
    );
    let (connector, actions) = (connector?, actions?);
    let archives = || std::iter::once(&connector).chain(&actions);
    let bytes: usize = archives().map(|artifact| artifact.archive.bytes.len()).sum();
    world.end(format!("{} archives, {bytes} bytes", archives().count()));

    let cohort = index(&pinned, &public, &connector, &actions);
    let text = cohort.render();
    let signature = AssetFile::new(cohort::SIGNATURE_ASSET, key.sign(&[&text]).to_vec());
    let suite = suite(&pinned).map(|text| AssetFile::new(layout::SUITE, text.into_bytes()));
    let PinnedCohort { ready, content, changes, .. } = pinned;
    let changelog = ready.checked.project.changelog.as_ref().and_then(|text| text.as_deref().ok());
    let changelog = changelog.and_then(|text| notes::section(text, &ready.release.version));
    Ok(Packed {
        release: ready.release,
        tags: ready.tags,
        content,
        public,
        connector,
        actions,
        index: AssetFile::new(cohort::ASSET, text),
        signature,
        suite,
        key_statements: ready.checked.project.key_statements,
        statements: Vec::new(),
        cohort,
        changes,
        changelog,
    })
}

fn index(pinned: &PinnedCohort, key: &PublicKey, connector: &Artifact, actions: &[Artifact]) -> Cohort {
    let checked = &pinned.ready.checked;
    let archive =
        |artifact: &Artifact| Archive { sha256: artifact.archive.digest, size: artifact.archive.bytes.len() as u64 };
    let entry = |(artifact, action): (&Artifact, &Action)| ActionEntry {
        name: action.name.value.clone(),
        fqn: artifact.reference.name.clone(),
        tag: artifact.tag.to_string(),
        archive: archive(artifact),
        capabilities: capabilities(action),
        approval: action.approval.as_ref().is_some_and(|approval| approval.required),
    };
    let release = &pinned.ready.release;
    Cohort {
        schema: cohort::SCHEMA,
        repository: release.name.repository(),
        version: release.version.clone(),
        commit: pinned.ready.commit.clone(),
        dirty: pinned.ready.dirty,
        tool: Tool { name: "aileron-pub".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        toolchain: pinned.toolchain.clone(),
        key: key.fingerprint(),
        connector: ConnectorEntry {
            fqn: release.name.clone(),
            tag: release.tag().to_string(),
            content_hash: pinned.content,
            archive: archive(connector),
        },
        actions: actions.iter().zip(&checked.actions).map(entry).collect(),
        suite: checked
            .suite
            .as_ref()
            .map(|suite| SuiteEntry { name: suite.name.value.clone(), description: suite.description.value.clone() }),
        capabilities: pinned.capabilities.clone(),
        allowed: waived(&checked.waived),
    }
}

fn capabilities(action: &Action) -> Vec<String> {
    let listed = action.requires.iter().flat_map(|requirement| &requirement.capabilities);
    let set: std::collections::BTreeSet<String> = listed.map(|capability| capability.value.clone()).collect();
    set.into_iter().collect()
}

fn waived(waivers: &[aileron_verifier::problem::Waiver]) -> Vec<aileron_verifier::problem::Waiver> {
    let set: std::collections::BTreeSet<_> = waivers.iter().copied().collect();
    set.into_iter().collect()
}

/// The install suite: the repository suite with every member pinned to this version. artifacts.md §4.
fn suite(pinned: &PinnedCohort) -> Option<String> {
    let checked = &pinned.ready.checked;
    let suite = checked.suite.as_ref()?;
    let member = |name: &str| {
        let at = checked.actions.binary_search_by(|action| action.name.value.as_str().cmp(name)).ok()?;
        let name = checked.actions[at].reference.value.name.clone();
        Some(Ref { name, version: pinned.ready.release.version.clone() })
    };
    let members = suite.names().filter_map(member).collect();
    Some(
        InstallSuite { name: suite.name.value.clone(), description: suite.description.value.clone(), actions: members }
            .render(),
    )
}
