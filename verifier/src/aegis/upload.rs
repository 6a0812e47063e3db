//! The whole way of an upload on a host, in its order and with its texts, up to where the binary would be started.
//! aegis-bundle.md §2.2.

use super::manifest::{Invalid, Manifest, NoTarget, NotAManifest, Target, select};
use super::troubleshooting::Row;
use super::verify::{Gate, HostTrust, Material, Verdict, verify};
use super::zip::{Archive, Entry, NotAZip, ReadError};
use super::{DEFAULT_UPLOAD_LIMIT, Kind, METADATA, MOST_ENTRIES, READ_ALLOWANCE, path, trim};
use crate::problem::Class;

/// A host, as far as an upload meets it.
#[derive(Clone, Debug)]
pub struct Host {
    /// Whom it trusts, and when.
    pub trust: HostTrust,
    /// Its system, in Go's name.
    pub os: String,
    /// Its architecture, in Go's name.
    pub arch: String,
    /// `plugins.max_upload_size`; zero or less means the default.
    pub max_upload_size: i64,
    /// `plugins.allow_unsafe_sideload`.
    pub allow_unsafe: bool,
    /// `confirm_unsafe=true` of the request.
    pub confirm_unsafe: bool,
}

/// Why a host refuses an upload. The texts are the host's; what follows a library's colon is ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UploadError {
    /// Step 2.
    #[error("invalid {kind} archive: {why}")]
    NotAZip {
        /// The endpoint's kind.
        kind: Kind,
        /// Why.
        why: NotAZip,
    },
    /// Step 3.
    #[error("{kind} archive has {count} entries, exceeding limit of 256")]
    TooManyEntries {
        /// The endpoint's kind.
        kind: Kind,
        /// How many.
        count: usize,
    },
    /// Step 4a.
    #[error("{kind} archive contains an unsafe path: {name}")]
    UnsafePath {
        /// The endpoint's kind.
        kind: Kind,
        /// The entry, as written.
        name: String,
    },
    /// Step 4b.
    #[error("{kind} archive contains an unsupported symlink: {name}")]
    Link {
        /// The endpoint's kind.
        kind: Kind,
        /// The entry, as written.
        name: String,
    },
    /// Step 4c: a metadata file twice.
    #[error("{kind} archive contains multiple {name} entries")]
    Repeated {
        /// The endpoint's kind.
        kind: Kind,
        /// The metadata file.
        name: &'static str,
    },
    /// Step 4c: a metadata file in a directory.
    #[error("{kind} archive must place {metadata} at the archive root, found {name}")]
    Misplaced {
        /// The endpoint's kind.
        kind: Kind,
        /// The metadata file.
        metadata: &'static str,
        /// The entry, as written.
        name: String,
    },
    /// Step 5.
    #[error("{0} archive is missing manifest.json")]
    NoManifest(Kind),
    /// An entry over the limit.
    #[error("plugin archive entry {name} exceeds uncompressed size limit of {limit} bytes")]
    EntrySize {
        /// The entry, as written.
        name: String,
        /// The limit.
        limit: u64,
    },
    /// All entries together over the budget.
    #[error("plugin archive exceeds total uncompressed size limit of {0} bytes")]
    TotalSize(u64),
    /// An entry that cannot be opened.
    #[error("failed to open archive entry {name}: {why}")]
    Open {
        /// The entry, as written.
        name: String,
        /// Why.
        why: ReadError,
    },
    /// An entry that cannot be read to its end.
    #[error("failed to read archive entry {name}: {why}")]
    Read {
        /// The entry, as written.
        name: String,
        /// Why.
        why: ReadError,
    },
    /// Step 7.
    #[error(transparent)]
    NotAManifest(#[from] NotAManifest),
    /// Step 8.
    #[error(transparent)]
    NoTarget(#[from] NoTarget),
    /// Step 10.
    #[error("{0} archive must include manifest.signed.json, manifest.sig, and manifest.pub together")]
    PartlySigned(Kind),
    /// Step 11.
    #[error("plugin archive is missing declared library {0}")]
    NoLibrary(String),
    /// Step 11, without a path, where there is no file either.
    #[error("plugin archive is missing a plugin binary")]
    NoBinary,
    /// Step 11, without a path, where there are several files.
    #[error("plugin manifest target {}/{} with min_host_api_version {} is missing library_path", .0.target_os, .0.target_arch, .0.min_host_api_version)]
    NoLibraryPath(Target),
    /// Step 13.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Step 14.
    #[error("native {0}s are only supported on Linux")]
    NotLinux(Kind),
    /// Step 15.
    #[error("{kind} {id} conflicts with a bundled {kind}")]
    Reserved {
        /// The endpoint's kind.
        kind: Kind,
        /// The id.
        id: String,
    },
    /// Step 16.
    #[error("{kind} library bytes do not match manifest target sha256 (manifest={manifest}, library={library})")]
    Checksum {
        /// The endpoint's kind.
        kind: Kind,
        /// As the manifest has it.
        manifest: String,
        /// What the bytes have.
        library: String,
    },
}

impl UploadError {
    /// The class of our own commands.
    pub fn class(&self) -> Class {
        match self {
            UploadError::NotAZip { .. }
            | UploadError::TooManyEntries { .. }
            | UploadError::UnsafePath { .. }
            | UploadError::Link { .. }
            | UploadError::Repeated { .. }
            | UploadError::Misplaced { .. }
            | UploadError::NoManifest(_)
            | UploadError::EntrySize { .. }
            | UploadError::TotalSize(_)
            | UploadError::Open { .. }
            | UploadError::Read { .. }
            | UploadError::PartlySigned(_)
            | UploadError::NoLibrary(_)
            | UploadError::NoBinary => Class::MalformedTarball,
            UploadError::NotAManifest(_) => Class::ParseError,
            UploadError::NoTarget(_)
            | UploadError::NoLibraryPath(_)
            | UploadError::Invalid(_)
            | UploadError::NotLinux(_)
            | UploadError::Reserved { .. } => Class::ValidationError,
            UploadError::Checksum { .. } => Class::HashMismatch,
        }
    }

    /// The row of the troubleshooting table that tells of it.
    pub fn row(&self) -> Option<Row> {
        match self {
            UploadError::Checksum { .. } => Some(Row::Checksum),
            UploadError::NoTarget(NoTarget::Capabilities(_)) => Some(Row::Capabilities),
            UploadError::NoTarget(_) => Some(Row::NoTarget),
            _ => None,
        }
    }

    /// Never: the same bytes are refused again.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

/// An upload that got as far as the signature: what the host knows, and what its gate says.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The manifest.
    pub manifest: Manifest,
    /// The target it took.
    pub target: Target,
    /// The cleaned name of the file that would be started.
    pub library: String,
    /// Size of that file.
    pub library_size: u64,
    /// The verdict on the signature.
    pub verdict: Verdict,
    /// The gate. Only the two that install let the upload through.
    pub gate: Gate,
    /// `manifest.json` as it is in the bundle.
    pub raw_manifest: Vec<u8>,
    /// `manifest.signed.json`, or nothing.
    pub wrapper: Vec<u8>,
    /// `manifest.sig`, or nothing.
    pub signature: Vec<u8>,
    /// `manifest.pub`, or nothing.
    pub public_key: Vec<u8>,
}

impl Examined {
    /// The signing material.
    pub fn material(&self) -> Material<'_> {
        let Examined { raw_manifest, wrapper, signature, public_key, .. } = self;
        Material { manifest: raw_manifest, wrapper, signature, public_key }
    }
}

/// Ids of the extensions that a host brings along. aegis-bundle.md §3.4.
pub fn reserved_ids(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Plugin => &PLUGINS,
        Kind::Connector => &["com.squad-aegis.connectors.discord", "discord"],
    }
}

const PLUGINS: [&str; 28] = [
    "auto_kick_unassigned",
    "auto_tk_warn",
    "auto_warn_sl_wrong_kit",
    "cbl",
    "chat_automod",
    "chat_commands",
    "command_scheduler",
    "discord_admin_broadcast",
    "discord_admin_cam_logs",
    "discord_admin_request",
    "discord_chat",
    "discord_fob_hab_explosion_damage",
    "discord_kill_feed",
    "discord_round_ended",
    "discord_round_winner",
    "discord_squad_created",
    "discord_teamkill",
    "fog_of_war",
    "intervalled_broadcasts",
    "kill_broadcast",
    "rule_lookup",
    "seeding_mode",
    "server_seeder_whitelist",
    "squad_creation_blocker",
    "squad_leader_whitelist",
    "switch_teams",
    "team_balancer",
    "team_randomizer",
];

/// Takes a bundle through a host's upload. aegis-bundle.md §2.2, steps 2 to 18.
///
/// # Errors
/// [`UploadError`]: the first check that fails.
pub fn examine(zip: &[u8], kind: Kind, host: &Host) -> Result<Examined, UploadError> {
    let archive = Archive::read(zip).map_err(|why| UploadError::NotAZip { kind, why })?;
    let placed = Placed::of(&archive, kind)?;
    let limit = u64::try_from(host.max_upload_size).ok().filter(|limit| *limit > 0).unwrap_or(DEFAULT_UPLOAD_LIMIT);
    let total = limit.saturating_add(READ_ALLOWANCE).min(i64::MAX.cast_unsigned());
    let mut reader = Reader { archive: &archive, limit, total, left: total };
    let raw_manifest = reader.read(placed.metadata[0].ok_or(UploadError::NoManifest(kind))?)?;
    let manifest = Manifest::decode(&raw_manifest, kind)?;
    let target = select(&manifest.targets, &host.os, &host.arch)?.clone();
    let mut signing = [Vec::new(), Vec::new(), Vec::new()];
    for (file, entry) in signing.iter_mut().zip(&placed.metadata[1..]) {
        if let Some(entry) = entry {
            *file = reader.read(entry)?;
        }
        if trim(file).is_empty() {
            file.clear();
        }
    }
    if !matches!(signing.iter().filter(|file| !file.is_empty()).count(), 0 | 3) {
        return Err(UploadError::PartlySigned(kind));
    }
    let (library, entry) = placed.library(&target)?;
    let (library_size, digest) = reader.digest(entry)?;
    manifest.validate()?;
    if host.os != "linux" {
        return Err(UploadError::NotLinux(kind));
    }
    if reserved_ids(kind).contains(&manifest.id.as_str()) {
        return Err(UploadError::Reserved { kind, id: manifest.id });
    }
    compare(kind, &target, &digest)?;
    let [wrapper, signature, public_key] = signing;
    let material =
        Material { manifest: &raw_manifest, wrapper: &wrapper, signature: &signature, public_key: &public_key };
    let verdict = verify(&material, &host.trust);
    let gate = verdict.gate(kind, host.allow_unsafe, host.confirm_unsafe);
    Ok(Examined {
        manifest,
        target,
        library,
        library_size,
        verdict,
        gate,
        raw_manifest,
        wrapper,
        signature,
        public_key,
    })
}

fn compare(kind: Kind, target: &Target, digest: &[u8]) -> Result<(), UploadError> {
    let library = hex(digest);
    if target.sha256.eq_ignore_ascii_case(&library) {
        return Ok(());
    }
    Err(UploadError::Checksum { kind, manifest: target.sha256.clone(), library })
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where the entries of an archive belong. aegis-bundle.md §2.3, §2.4.
struct Placed<'a> {
    /// In the order of [`METADATA`].
    metadata: [Option<&'a Entry<'a>>; 4],
    candidates: Vec<(Vec<u8>, &'a Entry<'a>)>,
}

impl<'a> Placed<'a> {
    fn of(archive: &'a Archive<'a>, kind: Kind) -> Result<Placed<'a>, UploadError> {
        let count = archive.entries().len();
        if count > MOST_ENTRIES {
            return Err(UploadError::TooManyEntries { kind, count });
        }
        let mut placed = Placed { metadata: [None; 4], candidates: Vec::new() };
        for entry in archive.entries() {
            let cleaned = path::clean(entry.name);
            let name = || entry.shown_name();
            if path::is_unsafe(&cleaned) {
                return Err(UploadError::UnsafePath { kind, name: name() });
            }
            if entry.is_link() {
                return Err(UploadError::Link { kind, name: name() });
            }
            let base = path::base(&cleaned);
            match METADATA.iter().position(|metadata| metadata.as_bytes() == base) {
                None => placed.candidates.push((cleaned, entry)),
                Some(at) if base.len() < cleaned.len() => {
                    return Err(UploadError::Misplaced { kind, metadata: METADATA[at], name: name() });
                }
                Some(at) if placed.metadata[at].is_some() => {
                    return Err(UploadError::Repeated { kind, name: METADATA[at] });
                }
                Some(at) => placed.metadata[at] = Some(entry),
            }
        }
        Ok(placed)
    }

    /// The entry a target names; of several with one name the last one. aegis-bundle.md §3.8.
    fn library(&self, target: &Target) -> Result<(String, &'a Entry<'a>), UploadError> {
        let wanted = target.library_path.trim();
        let found =
            |(cleaned, entry): &(Vec<u8>, &'a Entry<'a>)| (String::from_utf8_lossy(cleaned).into_owned(), *entry);
        if wanted.is_empty() {
            return match &self.candidates[..] {
                [] => Err(UploadError::NoBinary),
                [only] => Ok(found(only)),
                _ => Err(UploadError::NoLibraryPath(target.clone())),
            };
        }
        let cleaned = path::clean(wanted.as_bytes());
        let last = self.candidates.iter().rev().find(|(name, _)| *name == cleaned);
        last.map(found).ok_or_else(|| UploadError::NoLibrary(wanted.to_owned()))
    }
}

/// Unpacks entries under the limit of each and the budget of all. aegis-bundle.md §2.5.
struct Reader<'a> {
    archive: &'a Archive<'a>,
    limit: u64,
    total: u64,
    left: u64,
}

impl Reader<'_> {
    fn read(&mut self, entry: &Entry<'_>) -> Result<Vec<u8>, UploadError> {
        self.charge(entry)?;
        let bytes = self.archive.unpack(entry, self.limit).map_err(|why| unreadable(entry, why))?;
        self.left -= bytes.len() as u64;
        Ok(bytes)
    }

    fn digest(&mut self, entry: &Entry<'_>) -> Result<(u64, [u8; 32]), UploadError> {
        self.charge(entry)?;
        let (size, digest) = self.archive.digest(entry, self.limit).map_err(|why| unreadable(entry, why))?;
        self.left -= size;
        Ok((size, digest))
    }

    /// What an entry says it has must fit.
    fn charge(&self, entry: &Entry<'_>) -> Result<(), UploadError> {
        if entry.unpacked > self.limit {
            return Err(UploadError::EntrySize { name: entry.shown_name(), limit: self.limit });
        }
        if entry.unpacked > self.left {
            return Err(UploadError::TotalSize(self.total));
        }
        Ok(())
    }
}

fn unreadable(entry: &Entry<'_>, why: ReadError) -> UploadError {
    let name = entry.shown_name();
    if why.is_opening() { UploadError::Open { name, why } } else { UploadError::Read { name, why } }
}
