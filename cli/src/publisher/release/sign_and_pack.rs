//! Sign and pack: from exact bytes to archives and the index over them. The private key exists only here.

use aileron_verifier::artifact::action::Action;
use aileron_verifier::artifact::archive::{Files, Packer, read};
use aileron_verifier::artifact::suite::InstallSuite;
use aileron_verifier::layout;
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::name::version::Tag;
use aileron_verifier::proposal::Approval;
use aileron_verifier::statement::Document as _;
use aileron_verifier::statement::cohort::{self, ActionEntry, Archive, Cohort, ConnectorEntry, SuiteEntry};
use aileron_verifier::text::Untrusted;
use aileron_verifier::trust::key::{Fingerprint, PublicKey};
use aileron_verifier::trust::keyring::Keyring;
use rayon::prelude::*;

use super::approval_error::ApprovalError;
use super::bind_and_build::{Change, PinnedCohort};
use super::{Ready, ReleaseError, ReleaseRequest, World, notes, this_tool};
use crate::publisher::forge::{AssetFile, Scope};
use crate::publisher::project::KeyFile;
use crate::publisher::sign::{KeyError, KeyOrigin, SigningKey, load_signing_key, may_sign};

/// Signed files, not yet archives.
pub struct Signed {
    pinned: PinnedCohort,
    by: SignedBy,
    public: PublicKey,
    connector: (Ref, Files),
    actions: Vec<(Ref, Files)>,
}

/// The private half of the committed public key, and nothing else it could be.
pub struct Unlocked {
    key: SigningKey,
    public: PublicKey,
}

impl Unlocked {
    /// The key's fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        self.public.fingerprint()
    }
}

/// Where signatures come from.
pub enum SignedBy {
    /// They are made here.
    Key(Unlocked),
    /// They were made where the key is. Whether they verify is for `prove` to say.
    Approval {
        /// The committed key.
        public: PublicKey,
        /// The answer to a proposal.
        approval: Box<Approval>,
    },
}

impl SignedBy {
    /// The signatures of an approval, which has one for each artifact of this cohort.
    ///
    /// # Errors
    /// [`ApprovalError::Unfit`], [`ReleaseError::NoPublisherKey`].
    pub(super) fn approval(pinned: &PinnedCohort, approval: Approval) -> Result<SignedBy, ReleaseError> {
        let public = pinned.ready.checked.publisher_key.ok_or(ReleaseError::NoPublisherKey)?;
        let signed = approval.actions.iter().map(|action| &action.reference);
        if !signed.eq(pinned.actions.iter().map(|(reference, _)| reference)) {
            let why = "it has signatures for other actions than this commit has".to_owned();
            return Err(ApprovalError::Unfit { why }.into());
        }
        Ok(SignedBy::Approval { public, approval: Box::new(approval) })
    }

    fn public(&self) -> PublicKey {
        match self {
            SignedBy::Key(unlocked) => unlocked.public,
            SignedBy::Approval { public, .. } => *public,
        }
    }

    fn connector(&self, parts: &[&[u8]]) -> [u8; 64] {
        match self {
            SignedBy::Key(unlocked) => unlocked.key.sign(parts),
            SignedBy::Approval { approval, .. } => *approval.connector.bytes(),
        }
    }

    /// The signature over the action with this number in the order of names.
    fn action(&self, number: usize, document: &[u8]) -> [u8; 64] {
        match self {
            SignedBy::Key(unlocked) => unlocked.key.sign(&[document]),
            SignedBy::Approval { approval, .. } => *approval.actions[number].signature.bytes(),
        }
    }

    /// The index over these archives, its text and its signature.
    fn index(&self, made: Cohort) -> Result<(Cohort, Vec<u8>, [u8; 64]), ReleaseError> {
        let approval = match self {
            SignedBy::Key(unlocked) => {
                let text = made.render();
                let signature = unlocked.key.sign(&[&text]);
                return Ok((made, text, signature));
            }
            SignedBy::Approval { approval, .. } => approval,
        };
        let unfit = |why: String| ReleaseError::from(ApprovalError::Unfit { why });
        let text = approval.cohort.clone().into_bytes();
        let signed = Cohort::read_unverified(&text).map_err(|error| unfit(error.to_string()))?;
        // Other bytes, or a tool that packs otherwise: consumers would refuse what does not fit the signed index.
        let theirs: Vec<_> = signed.archives().collect();
        let other = made.archives().find(|one| !theirs.contains(one));
        match other.map(|(tag, _)| tag.to_owned()) {
            None if theirs.len() == made.archives().count() => Ok((signed, text, *approval.cohort_signature.bytes())),
            other => {
                let what = other.unwrap_or_else(|| "another artifact".to_owned());
                let tool = Untrusted(&approval.tool.version).to_string();
                Err(unfit(format!(
                    "its index lists another archive for {what} (it was made by version {tool}, this is {})",
                    env!("CARGO_PKG_VERSION")
                )))
            }
        }
    }
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

/// Signs the connector and every action, or takes the signatures of an approval.
///
/// # Errors
/// [`ReleaseError::Interrupted`].
pub fn sign(mut pinned: PinnedCohort, by: SignedBy, world: &World<'_>) -> Result<Signed, ReleaseError> {
    let public = by.public();
    let (wasm, actions) = (std::mem::take(&mut pinned.wasm), std::mem::take(&mut pinned.actions));
    world.begin("signing", actions.len() + 1);
    let manifest = pinned.manifest.as_bytes().to_vec();
    let signature = by.connector(&[&wasm, &manifest]).to_vec();
    world.advance();
    let connector = (pinned.ready.release.clone(), Files::Connector { wasm, manifest, signature });
    let signed = actions.into_par_iter().enumerate().map(|(number, (reference, text))| {
        world.check_interrupted()?;
        let document = text.into_bytes();
        let signature = by.action(number, &document).to_vec();
        world.advance();
        Ok((reference, Files::Action { document, signature }))
    });
    let actions: Vec<_> = signed.collect::<Result<_, ReleaseError>>()?;
    world.end(format!("{} artifacts with {}", actions.len() + 1, public.fingerprint()));
    Ok(Signed { pinned, by, public, connector, actions })
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
    /// The signature inside it.
    pub signature: [u8; 64],
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

    /// What the forge is asked about.
    pub(super) fn scope(&self) -> Scope<'_> {
        let Packed { release, tags, cohort, .. } = self;
        Scope { connector: &release.name, release, tags, commit: cohort.commit.as_str() }
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
    let Signed { pinned, by, public, connector, actions } = signed;
    world.begin("packing", actions.len() + 1);
    let artifact = |packer: &mut Packer, (reference, files): (Ref, Files)| {
        world.check_interrupted()?;
        let (content, signature) = match &files {
            Files::Connector { signature, .. } => (Some(pinned.content), signature),
            Files::Action { signature, .. } => (None, signature),
        };
        let signature = <[u8; 64]>::try_from(signature.as_slice()).unwrap_or([0; 64]);
        let archive = AssetFile::new(layout::ARCHIVE, packer.pack(&files));
        world.advance();
        Ok(Artifact { tag: reference.tag(), reference, content, archive, signature })
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

    let (cohort, text, index_signature) = by.index(index(&pinned, &public, &connector, &actions))?;
    let signature = AssetFile::new(cohort::SIGNATURE_ASSET, index_signature.to_vec());
    let suite = suite(&pinned.ready).map(|text| AssetFile::new(layout::SUITE, text.into_bytes()));
    let PinnedCohort { ready, content, changes, .. } = pinned;
    Ok(Packed {
        changelog: changelog(&ready),
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
    })
}

/// A cohort whose archives, index and signature were fetched back: connector first, actions in name order.
///
/// # Errors
/// [`ApprovalError::Unfit`] where an archive is not one that could have been signed.
pub(super) fn restored_cohort(
    ready: &Ready,
    public: PublicKey,
    archives: Vec<AssetFile>,
    (index, signature, cohort): (AssetFile, AssetFile, Cohort),
) -> Result<Packed, ReleaseError> {
    let unfit = |why: &str| ReleaseError::from(ApprovalError::Unfit { why: why.to_owned() });
    let version = &ready.release.version;
    let actions = ready.checked.actions.iter().map(|action| action.reference.value.name.clone());
    let names = std::iter::once(ready.release.name.clone()).chain(actions);
    let mut artifacts = Vec::with_capacity(archives.len());
    for (name, archive) in names.zip(archives) {
        let reference = Ref { name, version: version.clone() };
        let files = read(&archive.bytes, None).map_err(|error| unfit(&format!("{}: {error}", reference.tag())))?;
        let (content, signature) = match files {
            Files::Connector { wasm, manifest, signature } => (Some(ContentHash::of(&[&wasm, &manifest])), signature),
            Files::Action { signature, .. } => (None, signature),
        };
        let signature = signature.try_into().map_err(|_| unfit("a signature has not 64 bytes"))?;
        artifacts.push(Artifact { tag: reference.tag(), reference, content, archive, signature });
    }
    let mut artifacts = artifacts.into_iter();
    let connector = artifacts.next().ok_or_else(|| unfit("no archive is there"))?;
    Ok(Packed {
        release: ready.release.clone(),
        tags: ready.tags.clone(),
        content: cohort.connector.content_hash,
        public,
        connector,
        actions: artifacts.collect(),
        index,
        signature,
        suite: suite(ready).map(|text| AssetFile::new(layout::SUITE, text.into_bytes())),
        key_statements: ready.checked.project.key_statements.clone(),
        statements: Vec::new(),
        cohort,
        changes: Vec::new(),
        changelog: changelog(ready),
    })
}

/// What the changelog says of this version.
fn changelog(ready: &Ready) -> Option<String> {
    let text = ready.checked.project.changelog.as_ref().and_then(|text| text.as_deref().ok())?;
    notes::section(text, &ready.release.version)
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
        tool: this_tool(),
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
fn suite(ready: &Ready) -> Option<String> {
    let checked = &ready.checked;
    let suite = checked.suite.as_ref()?;
    let member = |name: &str| {
        let at = checked.actions.binary_search_by(|action| action.name.value.as_str().cmp(name)).ok()?;
        let name = checked.actions[at].reference.value.name.clone();
        Some(Ref { name, version: ready.release.version.clone() })
    };
    let members = suite.names().filter_map(member).collect();
    Some(
        InstallSuite { name: suite.name.value.clone(), description: suite.description.value.clone(), actions: members }
            .render(),
    )
}
