//! The Hub: a catalog of pointers to connectors, actions and suites, read where one is configured.
//!
//! Being listed vouches for nothing: neither the name nor the publisher of an entry is verified by anyone. What counts is
//! the key an entry points to, and what the ring says about it ([`decide`]). keyring.md §8 and §9. Not here: tables, panels.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use aileron_verifier::artifact::catalog::{CatalogAction, CatalogConnector, CatalogSuite, Entry, Part};
use aileron_verifier::layout::ENTRY_LIMIT;
use aileron_verifier::name::fqn::{Authority, Fqn};
use aileron_verifier::problem::Class;
use aileron_verifier::text::printable_within;
use aileron_verifier::trust::key::Fingerprint;
use aileron_verifier::trust::keyring::Keyring;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::consumer::fetch::origin::{Origin, OriginPlace};
use crate::consumer::trust::publisher_key::{self, Fetched, KeyFetchError};
use crate::sys::address::{Address, redacted};
use crate::sys::disk::{self, DiskError};
use crate::sys::environment::Environment;
use crate::sys::git::{self, GitAccess};
use crate::sys::private::{NotPrivate, PrivateError, PrivateFile};
use crate::sys::process::Spawner;
use aileron_verifier::text::yaml;

/// How long a clone may take. keyring.md §9.4.
pub const CLONE_TIME: Duration = Duration::from_secs(30);

/// Where the catalog is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogSource {
    /// A directory with `connectors/`, `actions/` and `suites/`.
    Directory(PathBuf),
    /// A git repository with the same at its root: https, ssh or file.
    Repository(Address),
}

/// Characters of a path that are shown: these texts are pinned, so they are printed as they are.
const PATH: usize = 400;

/// Why there is no catalog to look at. The texts are keyring.md §9.4's where it has one.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// No catalog is configured.
    #[error("hub: no catalog is configured; set hub.url in {config}, or pass --catalog DIR|URL")]
    NotConfigured {
        /// Where it would be configured.
        config: String,
    },
    /// The configuration cannot be read.
    #[error("hub: parse {}: {why}", printable_within(.path, PATH))]
    Config {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// Others could have written the configuration.
    #[error("hub: {0}")]
    NotPrivate(NotPrivate),
    /// git could not fetch it.
    #[error("hub: clone {url}: {why}")]
    Clone {
        /// The address.
        url: Address,
        /// The reason, with git's message.
        why: String,
    },
    /// A file or directory could not be read.
    #[error("hub: read {}: {cause}", printable_within(.file, PATH))]
    Read {
        /// Its path, or name.
        file: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// An entry that is no YAML. One is enough to refuse the catalog.
    #[error("hub: parse {}: {why}", printable_within(.file, PATH))]
    Parse {
        /// The file's name.
        file: String,
        /// What is wrong, and where.
        why: String,
    },
}

impl HubError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            HubError::NotConfigured { .. } => Class::UsageError,
            HubError::NotPrivate(_) => Class::ValidationError,
            HubError::Clone { .. } | HubError::Read { .. } => Class::FetchFailed,
            HubError::Config { .. } | HubError::Parse { .. } => Class::ParseError,
        }
    }

    /// Never: git does not tell a server that is away from one that has no such repository.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

impl CatalogSource {
    /// `--catalog`, else `hub.url` of `config.yaml`. There is no default: the Hub is asked only where it is configured.
    ///
    /// # Errors
    /// [`HubError::NotConfigured`], [`HubError::Config`], [`HubError::Read`].
    pub fn choose(flag: Option<&str>, environment: &Environment) -> Result<CatalogSource, HubError> {
        let config = environment.aileron_home().map(|home| home.join("config.yaml"));
        let configured = || match &config {
            Some(config) => configured(config),
            None => Ok(None),
        };
        let place = match flag {
            Some(flag) => Some(flag.to_owned()),
            None => configured()?,
        };
        let shown = || config.as_deref().unwrap_or(Path::new("~/.aileron/config.yaml")).display().to_string();
        match place.filter(|place| !place.trim().is_empty()) {
            None => Err(HubError::NotConfigured { config: shown() }),
            Some(place) if is_repository(&place) => Ok(CatalogSource::Repository(Address::of(place))),
            Some(place) => Ok(CatalogSource::Directory(PathBuf::from(place))),
        }
    }

    /// Reads the whole catalog. A repository is cloned for this one time and removed again.
    ///
    /// # Errors
    /// [`HubError`]. What cannot be fetched is never an empty catalog.
    pub fn read(&self, spawner: Spawner<'_>) -> Result<Catalog, HubError> {
        match self {
            CatalogSource::Directory(root) => Catalog::read(root),
            CatalogSource::Repository(url) => {
                let failed = |why: String| HubError::Clone { url: url.clone(), why };
                let directory = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
                let root = directory.path().join("catalog");
                clone(url.raw(), &root, CLONE_TIME, spawner).map_err(failed)?;
                Catalog::read(&root)
            }
        }
    }
}

/// `scheme://…`, or ssh's `user@host:path`.
fn is_repository(place: &str) -> bool {
    // `user@host:path`; ssh takes no password there, and git says so.
    let ssh = || {
        let host = place.split('/').next().and_then(|start| start.rsplit_once('@'));
        host.is_some_and(|(_, host)| host.contains(':'))
    };
    place.contains("://") || ssh()
}

fn configured(path: &Path) -> Result<Option<String>, HubError> {
    #[derive(Default, Deserialize)]
    struct Config {
        hub: Option<Hub>,
    }
    #[derive(Deserialize)]
    struct Hub {
        url: Option<String>,
    }
    // It names where keys are looked up, so another user must not have written it.
    let read = || PrivateFile::open(path)?.map(|mut file| file.read(ENTRY_LIMIT)).transpose();
    let read = read().map_err(|error| match error {
        PrivateError::NotPrivate(why) => HubError::NotPrivate(why),
        PrivateError::Io { path, cause } => HubError::Read { file: path.display().to_string(), cause },
    });
    let Some(bytes) = read? else { return Ok(None) };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let config: Option<Config> =
        yaml::read(&bytes).map_err(|why| HubError::Config { path: path.display().to_string(), why })?;
    Ok(config.unwrap_or_default().hub.and_then(|hub| hub.url))
}

/// `git clone`, without questions, without transports that run programs, and not for longer than `time`.
#[expect(clippy::disallowed_methods, reason = "how long a clone takes is measured")]
fn clone(url: &str, into: &Path, time: Duration, spawner: Spawner<'_>) -> Result<(), String> {
    let end = AtomicBool::new(false);
    let (done, over) = channel::<()>();
    let (began, interrupted) = (Instant::now(), spawner.stop);
    let ran = std::thread::scope(|scope| {
        let end = &end;
        scope.spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = over.recv_timeout(Duration::from_millis(50)) {
                if began.elapsed() > time || interrupted.load(Ordering::SeqCst) {
                    end.store(true, Ordering::SeqCst);
                }
            }
        });
        let spawner = Spawner { environment: spawner.environment, stop: end };
        // Begun where no repository is, whose configuration would be read.
        let beside = into.parent().unwrap_or(into);
        let ran = git::filters_off(beside, GitAccess::Network, spawner).and_then(|git| {
            let git = git.args(["-c", "core.symlinks=false", "clone", "--quiet", "--depth", "1", "--single-branch"]);
            Ok(git.args(["--no-recurse-submodules", "--template=", "--", url]).args([into]).within(beside).run()?)
        });
        drop(done);
        ran
    });
    match ran {
        Ok(finished) if finished.status.success() => Ok(()),
        Ok(finished) => {
            let said = redacted(&String::from_utf8_lossy(&finished.stderr).trim().replace('\n', "; "), &[url]);
            Err(format!("{}: {said}", finished.status))
        }
        Err(_) if end.load(Ordering::SeqCst) && !interrupted.load(Ordering::SeqCst) => {
            Err(format!("not done after {} seconds", time.as_secs_f32()))
        }
        Err(error) => Err(redacted(&error.to_string(), &[url])),
    }
}

/// Everything the Hub lists, each part in ascending order of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    /// `connectors/`
    pub connectors: Vec<CatalogConnector>,
    /// `actions/`
    pub actions: Vec<CatalogAction>,
    /// `suites/`
    pub suites: Vec<CatalogSuite>,
}

impl Catalog {
    /// Reads a directory. A part that is not there is empty; a root that is not there is an error.
    ///
    /// # Errors
    /// [`HubError::Read`], [`HubError::Parse`].
    pub fn read(root: &Path) -> Result<Catalog, HubError> {
        if !root.is_dir() {
            let cause = std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such directory");
            return Err(HubError::Read { file: root.display().to_string(), cause });
        }
        Ok(Catalog { connectors: entries(root)?, actions: entries(root)?, suites: entries(root)? })
    }

    /// The same with only what a keyword finds. keyring.md §9.4.
    pub fn matching(mut self, keyword: &str) -> Catalog {
        self.connectors.retain(|entry| entry.mentions(keyword));
        self.actions.retain(|entry| entry.mentions(keyword));
        self.suites.retain(|entry| entry.mentions(keyword));
        self
    }

    /// The entry of exactly this name, in one part or in all of them.
    pub fn find(&self, fqn: &str, part: Option<Part>) -> Option<FoundEntry<'_>> {
        let asked = |this: Part| part.is_none_or(|part| part == this);
        let connector = || self.connectors.iter().find(|entry| entry.fqn == fqn).map(FoundEntry::Connector);
        let action = || self.actions.iter().find(|entry| entry.fqn == fqn).map(FoundEntry::Action);
        let suite = || self.suites.iter().find(|entry| entry.fqn == fqn).map(FoundEntry::Suite);
        asked(Part::Connectors)
            .then(connector)
            .flatten()
            .or_else(|| asked(Part::Actions).then(action).flatten())
            .or_else(|| asked(Part::Suites).then(suite).flatten())
    }

    /// The first connector of an owner with an address for a key. keyring.md §5.3.
    ///
    /// The entry's own name decides, its scheme included. An entry that only claims an owner in `publisher_github` does
    /// not supply that owner's key.
    pub fn with_key_of(&self, owner: &Authority) -> Option<(&CatalogConnector, Fqn)> {
        let named =
            |entry: &CatalogConnector| entry.fqn.parse::<Fqn>().ok().filter(|name| name.owner_authority() == *owner);
        let listed = self.connectors.iter().filter(|entry| !entry.key_url.is_empty());
        listed.filter_map(|entry| Some((entry, named(entry)?))).next()
    }

    /// The connectors an entry's trust is about: itself, the one it runs on, or those its members run on. keyring.md §8.1.
    pub fn connectors_of(&self, found: &FoundEntry<'_>) -> Vec<String> {
        match found {
            FoundEntry::Connector(entry) => vec![entry.fqn.clone()],
            FoundEntry::Action(entry) => vec![entry.connector_fqn.clone()],
            FoundEntry::Suite(entry) if !entry.connectors_required.is_empty() => entry.connectors_required.clone(),
            FoundEntry::Suite(entry) => {
                let mut names: Vec<String> = Vec::new();
                for member in &entry.member_actions {
                    let action = self.actions.iter().find(|action| action.fqn == *member);
                    let connector = action.map(|action| action.connector_fqn.clone());
                    names.extend(connector.filter(|connector| !names.contains(connector)));
                }
                names
            }
        }
    }

    /// What a person decides about an entry: one decision for each connector its trust is about. Keys are fetched; nothing is
    /// granted.
    pub fn decisions<'a>(&'a self, found: &FoundEntry<'_>, ring: &Keyring, origin: &Origin) -> Vec<KeyDecision<'a>> {
        let names = self.connectors_of(found);
        let listed = |name: &String| self.connectors.iter().find(|entry| entry.fqn == *name);
        names.iter().filter_map(listed).map(|entry| decide(entry, self, ring, origin)).collect()
    }

    /// The other connectors that claim the same publisher. keyring.md §8.1.
    pub fn footprint(&self, entry: &CatalogConnector) -> Vec<&str> {
        let same =
            |other: &&CatalogConnector| other.publisher_github == entry.publisher_github && other.fqn != entry.fqn;
        self.connectors.iter().filter(same).map(|other| other.fqn.as_str()).collect()
    }
}

/// One entry of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundEntry<'a> {
    /// A connector.
    Connector(&'a CatalogConnector),
    /// An action.
    Action(&'a CatalogAction),
    /// A suite.
    Suite(&'a CatalogSuite),
}

fn unreadable(file: String, error: DiskError) -> HubError {
    HubError::Read { file, cause: error.cause }
}

/// The direct children that are files and end like YAML. Links are not followed: a catalog is another person's tree.
fn entries<E: Entry + DeserializeOwned>(root: &Path) -> Result<Vec<E>, HubError> {
    let directory = root.join(E::PART.as_str());
    let shown = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let failed = |error| unreadable(E::PART.as_str().to_owned(), error);
    // In the order of names: of several broken files always the same one is named.
    let listed = disk::list(&directory).map_err(failed)?.unwrap_or_default();
    let mut entries = Vec::new();
    for path in listed.into_iter().filter(|(_, kind)| kind.is_file()).map(|(name, _)| directory.join(name)) {
        if !path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
            continue;
        }
        let bytes = disk::read(&path, ENTRY_LIMIT).map_err(|error| unreadable(shown(&path), error))?;
        let entry: E = yaml::read(&bytes).map_err(|why| HubError::Parse { file: shown(&path), why })?;
        entries.push(entry);
    }
    entries.sort_by(|a, b| a.fqn().cmp(b.fqn()));
    Ok(entries)
}

/// What the ring says about a key that was fetched for an owner. Only owner grants count. keyring.md §8.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustState {
    /// The owner's grants hold it.
    AlreadyTrusted,
    /// The owner has none.
    Unknown,
    /// The owner has others.
    Conflict,
}

impl TrustState {
    /// As it is written in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            TrustState::AlreadyTrusted => "already_trusted",
            TrustState::Unknown => "unknown",
            TrustState::Conflict => "conflict",
        }
    }

    /// What a person should know about it. keyring.md §8.1.
    pub fn risk(self) -> Option<&'static str> {
        match self {
            TrustState::AlreadyTrusted => None,
            TrustState::Unknown => Some("First connector by this publisher you've installed"),
            TrustState::Conflict => {
                Some("Fetched signing key differs from the key you trust for this publisher (owner-level)")
            }
        }
    }
}

/// What a person decides about: a connector of the catalog, its key as it is now, and what the ring says.
pub struct KeyDecision<'a> {
    /// The connector.
    pub entry: &'a CatalogConnector,
    /// Its key, or why that is not known.
    pub key: Result<Fetched, KeyFetchError>,
    /// What the ring says; [`TrustState::Unknown`] without a key.
    pub state: TrustState,
    /// The other connectors that claim the same publisher.
    pub footprint: Vec<&'a str>,
}

/// Fetches an entry's key and compares it with the ring. Nothing is granted.
pub fn decide<'a>(
    entry: &'a CatalogConnector,
    catalog: &'a Catalog,
    ring: &Keyring,
    origin: &Origin,
) -> KeyDecision<'a> {
    let name = entry.fqn.parse::<Fqn>().ok();
    let key = key_of(entry, name.as_ref(), origin);
    let state = match (&name, &key) {
        (Some(name), Ok(fetched)) => state(ring, &name.owner_authority(), fetched.key.fingerprint()),
        _ => TrustState::Unknown,
    };
    KeyDecision { entry, key, state, footprint: catalog.footprint(entry) }
}

/// The key an entry points to; from a mirror, where one is named, the key of the entry's repository.
///
/// # Errors
/// [`KeyFetchError`].
pub fn key_of(entry: &CatalogConnector, name: Option<&Fqn>, origin: &Origin) -> Result<Fetched, KeyFetchError> {
    match name {
        Some(name) if origin.place != OriginPlace::Scheme => publisher_key::fetch(name, origin),
        _ => publisher_key::fetch_from(&entry.key_url, origin),
    }
}

fn state(ring: &Keyring, owner: &Authority, fetched: Fingerprint) -> TrustState {
    let keys = ring.exact(owner);
    if keys.is_empty() {
        TrustState::Unknown
    } else if keys.iter().any(|key| key.fingerprint() == fetched) {
        TrustState::AlreadyTrusted
    } else {
        TrustState::Conflict
    }
}
