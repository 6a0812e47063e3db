//! Sign, pack, prove: from exact bytes to archives that every installer accepts. The private key exists only here.

use aileron_verifier::artifact::action::Action;
use aileron_verifier::artifact::archive::{Files, Packer};
use aileron_verifier::artifact::suite::InstallSuite;
use aileron_verifier::artifact::verify::{self, Unverified, Wanted};
use aileron_verifier::layout;
use aileron_verifier::name::digest::{ArchiveDigest, ContentHash};
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::name::version::Tag;
use aileron_verifier::statement::cohort::{self, ActionEntry, Archive, Cohort, ConnectorEntry, SuiteEntry, Tool};
use aileron_verifier::trust::key::{Fingerprint, PublicKey};
use aileron_verifier::trust::keyring::Keyring;
use rayon::prelude::*;

use super::bind_and_build::{Change, Pinned};
use super::{Ready, ReleaseError, Request, World, notes};
use crate::publisher::forge::Asset;
use crate::publisher::sign::{KeyError, KeyOrigin, SigningKey, load_signing_key, may_sign};

/// Signed files, not yet archives.
pub struct Signed {
    pinned: Pinned,
    key: SigningKey,
    public: PublicKey,
    files: Vec<(Ref, Files)>,
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
pub fn unlock(ready: &Ready, request: &Request, world: &World<'_>) -> Result<Unlocked, ReleaseError> {
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
pub fn sign(mut pinned: Pinned, key: Unlocked, world: &World<'_>) -> Result<Signed, ReleaseError> {
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
    let signed: Vec<_> = signed.collect::<Result<_, ReleaseError>>()?;
    world.end(format!("{} artifacts with {}", signed.len() + 1, public.fingerprint()));
    let files = std::iter::once(connector).chain(signed).collect();
    Ok(Signed { pinned, key, public, files })
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
    pub archive: Asset,
}

/// At least so many archives come out of one packer: making its tables costs as much as packing a dozen actions.
const PACKED_BY_ONE: usize = 32;

/// Archives and index, not yet proven.
pub struct Packed {
    proven: Proven,
}

/// Packs every artifact, and signs the index over all of them.
///
/// # Errors
/// [`ReleaseError::Interrupted`].
pub fn pack(signed: Signed, world: &World<'_>) -> Result<Packed, ReleaseError> {
    let Signed { pinned, key, public, files } = signed;
    world.begin("packing", files.len());
    let artifact = |packer: &mut Packer, (reference, files): (Ref, Files)| {
        world.check_interrupted()?;
        let content = match &files {
            Files::Connector { .. } => Some(pinned.content),
            Files::Action { .. } => None,
        };
        let archive = Asset::new(layout::ARCHIVE, packer.pack(&files));
        world.advance();
        Ok(Artifact { tag: reference.tag(), reference, content, archive })
    };
    let files = files.into_par_iter().with_min_len(PACKED_BY_ONE);
    let artifacts: Vec<Artifact> = files.map_init(Packer::new, artifact).collect::<Result<_, ReleaseError>>()?;
    let bytes: usize = artifacts.iter().map(|artifact| artifact.archive.bytes.len()).sum();
    world.end(format!("{} archives, {bytes} bytes", artifacts.len()));

    let index = index(&pinned, &public, &artifacts);
    let text = index.render();
    let signature = key.sign(&[&text]).to_vec();
    let mut extras = vec![Asset::new(cohort::ASSET, text), Asset::new(cohort::SIGNATURE_ASSET, signature)];
    extras.extend(suite(&pinned).map(|text| Asset::new("suite.toml", text.into_bytes())));
    let Pinned { ready, content, changes, .. } = pinned;
    let changelog = ready.checked.project.changelog.as_ref().and_then(|text| text.as_deref().ok());
    let changelog = changelog.and_then(|text| notes::section(text, &ready.release.version));
    let proven = Proven {
        release: ready.release,
        tags: ready.tags,
        content,
        public,
        artifacts,
        extras,
        index,
        changes,
        changelog,
    };
    Ok(Packed { proven })
}

fn index(pinned: &Pinned, key: &PublicKey, artifacts: &[Artifact]) -> Cohort {
    let checked = &pinned.ready.checked;
    let archive =
        |artifact: &Artifact| Archive { sha256: artifact.archive.digest, size: artifact.archive.bytes.len() as u64 };
    let (connector, actions) = artifacts.split_at(1);
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
            archive: connector.first().map(archive).unwrap_or(Archive { sha256: ArchiveDigest::of(&[]), size: 0 }),
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
fn suite(pinned: &Pinned) -> Option<String> {
    let checked = &pinned.ready.checked;
    let suite = checked.suite.as_ref()?;
    let member = |directory: &str| {
        let name = directory.strip_prefix("actions/")?;
        let at = checked.actions.binary_search_by(|action| action.name.value.as_str().cmp(name)).ok()?;
        let name = checked.actions[at].reference.value.name.clone();
        Some(Ref { name, version: pinned.ready.release.version.clone() })
    };
    let members = suite.actions.iter().filter_map(|directory| member(&directory.value)).collect();
    Some(
        InstallSuite { name: suite.name.value.clone(), description: suite.description.value.clone(), actions: members }
            .render(),
    )
}

/// A cohort every installer accepts: each archive went through the installer's own verdict, with nothing trusted but the
/// committed public key.
#[derive(Clone)]
pub struct Proven {
    /// The connector at this version.
    pub release: Ref,
    /// Every tag of the cohort, the connector's first.
    pub tags: Vec<Tag>,
    /// The connector's identity.
    pub content: ContentHash,
    /// The publisher's key.
    pub public: PublicKey,
    /// The archives, the connector's first.
    pub artifacts: Vec<Artifact>,
    /// `cohort.json`, its signature, and `suite.toml` if there is one.
    pub extras: Vec<Asset>,
    /// The index as a value.
    pub index: Cohort,
    /// What binding changed, line by line.
    pub changes: Vec<Change>,
    /// What the changelog says of this version, if anything.
    pub changelog: Option<String>,
}

impl Proven {
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

/// Runs every archive through the verdict an installer gives.
///
/// # Errors
/// [`ReleaseError::Refused`] with the verdict.
pub fn prove(packed: Packed, world: &World<'_>) -> Result<Proven, ReleaseError> {
    let proven = packed.proven;
    let ring = proven.ring();
    world.begin("verifying as an installer would", proven.artifacts.len());
    proven.artifacts.par_iter().try_for_each(|artifact| {
        world.check_interrupted()?;
        let wanted =
            Wanted { reference: Some(artifact.reference.clone()), content: artifact.content, ..Wanted::default() };
        let refused = |cause| ReleaseError::Refused { reference: artifact.reference.clone(), cause };
        Unverified::new(&artifact.archive.bytes[..]).verify(&wanted, &ring).map_err(refused)?;
        world.advance();
        Ok::<(), ReleaseError>(())
    })?;
    let (index, signature) = (&proven.extras[0].bytes, &proven.extras[1].bytes);
    let refused = |cause| ReleaseError::Refused { reference: proven.release.clone(), cause };
    verify::cohort(index, signature, &proven.release, &ring).map_err(refused)?;
    world.end(format!("all {} accepted", proven.artifacts.len()));
    Ok(proven)
}
