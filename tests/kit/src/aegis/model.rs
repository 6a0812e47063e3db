//! What a host keeps, and how uploads, deletions and restarts change it. Pure: its clock is a value. aegis-bundle.md §2.2, §8.5,
//! §11.3, §16.

use std::collections::{BTreeMap, BTreeSet};

use aileron_verifier::aegis::envelope::Claims;
use aileron_verifier::aegis::start::{AtStart, Stored, at_start};
use aileron_verifier::aegis::upload::{Examined, Host, examine};
use aileron_verifier::aegis::{DEFAULT_UPLOAD_LIMIT, Kind};
use serde_json::{Value, json};

use super::{TOKEN, USER_TOKEN};

/// Uploads that may come at once. aegis-bundle.md §11.1.
const BURST: f64 = 3.0;
/// Uploads that are allowed in a second: ten a minute.
const RATE: f64 = 10.0 / 60.0;

/// Whose a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// Nobody's: missing, wrong or expired.
    None,
    /// A user's who may not upload.
    User,
    /// A super admin's.
    SuperAdmin,
}

/// What a started binary does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Starts {
    /// It reports the manifest's id.
    Well,
    /// It reports this id.
    As(String),
    /// It does not start, for this reason.
    Not(String),
}

/// Why an upload is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// In the host's words.
    pub text: String,
    /// Whether it would be taken with `confirm_unsafe=true`.
    pub needs_confirm: bool,
}

/// A package that the host has.
#[derive(Clone, Debug)]
pub struct Package {
    /// The version that runs, or would.
    pub version: String,
    /// The install state.
    pub state: &'static str,
    /// Why it is in it.
    pub last_error: Option<String>,
    /// The digest of the file that runs, or would.
    pub running: String,
    /// The digest of a file that waits beside it.
    pub waiting: Option<String>,
    examined: Examined,
    verified: bool,
}

impl Package {
    fn claims(&self) -> Option<&Claims> {
        self.examined.verdict.claims()
    }

    /// As an answer shows it. aegis-bundle.md §11.2.
    pub fn record(&self, kind: Kind) -> Value {
        let claims = self.claims();
        json!({
            kind.id_member(): self.examined.manifest.id,
            "version": self.examined.manifest.version,
            "install_state": self.state,
            "last_error": self.last_error,
            "signature_verified": self.verified,
            "unsafe": !self.verified,
            "signature_key_id": claims.map(|claims| &claims.key_id),
            "signature_signed_at": claims.map(|claims| claims.signed_at.to_string()),
            "signature_expires_at": claims.map(|claims| claims.expires_at.to_string()),
            "target_os": self.examined.target.target_os,
            "target_arch": self.examined.target.target_arch,
        })
    }
}

/// A host.
pub struct HostModel {
    /// Its settings and its clock. `confirm_unsafe` is the request's.
    pub host: Host,
    /// Tokens that are no longer good.
    pub expired: BTreeSet<&'static str>,
    /// What a binary does when it is started.
    pub starts: Starts,
    /// How often one was started.
    pub started: usize,
    packages: BTreeMap<(Kind, String), Package>,
    /// Extensions with an instance.
    live: BTreeSet<(Kind, String)>,
    turns: f64,
}

impl HostModel {
    /// A host without packages.
    pub fn new(host: Host) -> HostModel {
        HostModel {
            host,
            expired: BTreeSet::new(),
            starts: Starts::Well,
            started: 0,
            packages: BTreeMap::new(),
            live: BTreeSet::new(),
            turns: BURST,
        }
    }

    /// Whose a token is.
    pub fn login(&self, token: Option<&str>) -> Login {
        match token {
            Some(token) if self.expired.contains(token) => Login::None,
            Some(TOKEN) => Login::SuperAdmin,
            Some(USER_TOKEN) => Login::User,
            _ => Login::None,
        }
    }

    /// Takes a turn of the limit, where there is one.
    pub fn has_a_turn(&mut self) -> bool {
        let has = self.turns >= 1.0;
        if has {
            self.turns -= 1.0;
        }
        has
    }

    /// Lets time pass for the limit.
    pub fn passes(&mut self, seconds: u32) {
        self.turns = BURST.min(self.turns + f64::from(seconds) * RATE);
    }

    /// Most bytes of a bundle.
    pub fn upload_limit(&self) -> u64 {
        u64::try_from(self.host.max_upload_size).ok().filter(|limit| *limit > 0).unwrap_or(DEFAULT_UPLOAD_LIMIT)
    }

    /// What it has under an id.
    pub fn package(&self, kind: Kind, id: &str) -> Option<&Package> {
        self.packages.get(&(kind, id.to_owned()))
    }

    /// An instance of an extension is made; from now on its bytes are in use.
    pub fn use_it(&mut self, kind: Kind, id: &str) {
        self.live.insert((kind, id.to_owned()));
    }

    /// Its last instance is removed.
    pub fn stop_using(&mut self, kind: Kind, id: &str) {
        self.live.remove(&(kind, id.to_owned()));
    }

    /// Takes a bundle, or refuses it. aegis-bundle.md §2.2.
    ///
    /// # Errors
    /// [`Refused`]; nothing has changed.
    pub fn upload(&mut self, zip: &[u8], kind: Kind, confirm_unsafe: bool) -> Result<&Package, Refused> {
        let host = Host { confirm_unsafe, ..self.host.clone() };
        let refused = |text: String| Refused { text, needs_confirm: false };
        let examined = examine(zip, kind, &host).map_err(|error| refused(error.to_string()))?;
        if let Some(text) = examined.gate.refusal() {
            let needs_confirm = examined.gate == aileron_verifier::aegis::verify::Gate::NeedsConfirm;
            return Err(Refused { text, needs_confirm });
        }
        let key = (kind, examined.manifest.id.clone());
        let library = examined.target.sha256.to_ascii_lowercase();
        let there = self.packages.get(&key);
        // Step 19: the record stays, with its old signature. §15, item 9.
        let is_there = there.is_some_and(|package| {
            package.version == examined.manifest.version && package.running == library && package.state == "ready"
        });
        if is_there {
            return Ok(&self.packages[&key]);
        }
        let verified = examined.verdict.is_verified();
        let package = match there.filter(|_| self.live.contains(&key)) {
            // Row 36: nothing is started, and what runs is not touched.
            Some(old) => Package {
                state: "pending_restart",
                last_error: Some(format!("Restart Aegis to activate the updated native {kind} package")),
                version: old.version.clone(),
                running: old.running.clone(),
                waiting: Some(library),
                examined,
                verified,
            },
            None => self.installed(examined, library, verified),
        };
        self.packages.insert(key.clone(), package);
        Ok(&self.packages[&key])
    }

    /// Step 20: the binary is started once. What it does is no error of the upload.
    fn installed(&mut self, examined: Examined, library: String, verified: bool) -> Package {
        self.started += 1;
        let (kind, id) = (examined.manifest.kind, &examined.manifest.id);
        let last_error = match &self.starts {
            Starts::Well => None,
            Starts::As(other) if other == id => None,
            Starts::As(other) => {
                Some(format!("{kind} subprocess reported id \"{other}\" but manifest declares \"{id}\""))
            }
            Starts::Not(why) => Some(why.clone()),
        };
        let state = if last_error.is_some() { "error" } else { "ready" };
        let version = examined.manifest.version.clone();
        Package { version, state, last_error, running: library, waiting: None, examined, verified }
    }

    /// Deletes a package.
    ///
    /// # Errors
    /// While instances exist: row 37.
    pub fn delete(&mut self, kind: Kind, id: &str) -> Result<(), String> {
        let key = (kind, id.to_owned());
        if self.live.contains(&key) {
            return Err(format!("{kind} {id} still has configured instances"));
        }
        self.packages.remove(&key).map(drop).ok_or_else(|| format!("{kind} {id} is not installed"))
    }

    /// The host is started again: every signature is verified again, and what waits is activated. aegis-bundle.md §8.5.
    pub fn restart(&mut self) {
        for ((kind, _), package) in &mut self.packages {
            if !["ready", "pending_restart"].contains(&package.state) {
                continue;
            }
            let material = package.examined.material();
            let stored =
                Stored { kind: *kind, material, was_verified: package.verified, allow_unsafe: self.host.allow_unsafe };
            match at_start(&stored, &self.host.trust) {
                AtStart::Ready { verified } => {
                    package.verified = verified;
                    package.state = "ready";
                    package.last_error = None;
                    package.version = package.examined.manifest.version.clone();
                    if let Some(waiting) = package.waiting.take() {
                        package.running = waiting;
                    }
                }
                AtStart::Quarantined(reason) => {
                    package.verified = false;
                    package.state = "error";
                    package.last_error = Some(reason);
                }
                AtStart::NotKept(why) => {
                    package.state = "error";
                    package.last_error = Some(format!("failed to persist {kind} package state: {why}"));
                }
            }
        }
    }
}
