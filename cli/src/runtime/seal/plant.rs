//! What a sealed program is given: the proxy, certificates, placeholders; and what is kept from it. sealing.md §6.
//!
//! What is set follows from values; only the two certificate files are written, into a directory that goes with the run.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use aileron_verifier::unit::host::normal;
use aileron_verifier::unit::{BindingEntry, Effective, Mechanism, Scheme};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::error::SessionError;
use crate::sys::disk;
use crate::sys::environment::Environment;

/// Where a program looks for its proxy.
const PROXY: [&str; 4] = ["HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"];
/// Where it looks for what is not asked for through it.
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// Variables that name a file of roots, which replaces the program's own.
const BUNDLE: [&str; 7] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "REQUESTS_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "DENO_CERT",
];
/// The variable that names certificates which are believed besides the program's own.
const EXTRA: &str = "NODE_EXTRA_CA_CERTS";
/// Characters of a line of PEM.
const PEM_LINE: usize = 64;
/// Longest file of certificates that a user names.
const LONGEST: u64 = 4 << 20;

/// Two files of certificates, which go when this is dropped.
pub struct Certificates {
    directory: tempfile::TempDir,
}

impl Certificates {
    /// Writes them: the roots of this system with the authority of the run, and the authority alone, with what the user had
    /// for the same variable.
    ///
    /// # Errors
    /// [`SessionError::Disk`], [`SessionError::Roots`].
    pub fn write(authority: &[u8], environment: &Environment) -> Result<Certificates, SessionError> {
        let directory = disk::private_temporary_directory()?;
        let ours = pem(authority);
        let found = rustls_native_certs::load_native_certs();
        if let (true, Some(error)) = (found.certs.is_empty(), found.errors.first()) {
            return Err(SessionError::Roots(error.to_string()));
        }
        let roots: String = found.certs.iter().map(|root| pem(root)).collect();
        let extra = environment.var(EXTRA).and_then(|path| disk::read(Path::new(path), LONGEST).ok());
        let extra = extra.map(|extra| String::from_utf8_lossy(&extra).into_owned() + "\n").unwrap_or_default();
        disk::write_beside(&directory.path().join("bundle.pem"), (roots + &ours).as_bytes())?;
        disk::write_beside(&directory.path().join("authority.pem"), (extra + &ours).as_bytes())?;
        Ok(Certificates { directory })
    }

    fn bundle(&self) -> OsString {
        self.directory.path().join("bundle.pem").into()
    }

    fn authority(&self) -> OsString {
        self.directory.path().join("authority.pem").into()
    }
}

fn pem(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(PEM_LINE).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// What the vault says about one entry's credential, before the program starts.
pub struct Surroundings<'a> {
    /// What the program would have without us.
    pub environment: &'a Environment,
    /// Which hosts are sealed.
    pub table: &'a Effective,
    /// Whether the vault holds this credential.
    pub is_held: &'a dyn Fn(&str) -> bool,
    /// Whether this is the value of one of them.
    pub is_credential: &'a dyn Fn(&OsStr) -> bool,
    /// The command that acquires it.
    pub acquire: &'a dyn Fn(&str) -> String,
}

/// Changes of a program's environment, and what a person is told about them.
#[derive(Default)]
pub struct Plant {
    /// Variables that are set.
    pub set: Vec<(String, OsString)>,
    /// Variables that are taken away.
    pub dropped: Vec<String>,
    /// Lines for a person.
    pub notes: Vec<String>,
}

impl Plant {
    /// All of it. `proxy` is the proxy's URL.
    pub fn new(surroundings: &Surroundings<'_>, certificates: &Certificates, proxy: &OsStr) -> Plant {
        let mut plant = Plant::default();
        plant.keep_credentials(surroundings);
        if let Some(name) = PROXY.iter().find(|name| surroundings.environment.var(name).is_some()) {
            plant.notes.push(format!("{name} of the environment is not used: requests leave this machine directly"));
        }
        for name in PROXY {
            plant.set(name, proxy.to_owned());
        }
        for name in NO_PROXY {
            plant.no_proxy(name, surroundings);
        }
        for name in BUNDLE {
            plant.set(name, certificates.bundle());
        }
        plant.set(EXTRA, certificates.authority());
        plant.sentinels(surroundings);
        plant.git(surroundings);
        plant
    }

    fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.set.push((name.to_owned(), value.into()));
    }

    /// A credential that is in the environment already would be with the program without the proxy.
    fn keep_credentials(&mut self, surroundings: &Surroundings<'_>) {
        for (name, value) in surroundings.environment.iter() {
            if (surroundings.is_credential)(value) {
                let name = name.to_string_lossy().into_owned();
                self.notes.push(format!("{name} holds a credential of the vault; the program does not get it"));
                self.dropped.push(name);
            }
        }
    }

    /// Takes out what would lead a request to a sealed host past the proxy.
    fn no_proxy(&mut self, name: &str, surroundings: &Surroundings<'_>) {
        let Some(value) = surroundings.environment.var(name).and_then(OsStr::to_str) else { return };
        let hosts: Vec<String> = hosts(surroundings.table).map(|entry| normal(&entry.host)).collect();
        let is_item = |char: char| char == ',' || char.is_whitespace();
        let items = value.split(is_item).filter(|item| !item.is_empty());
        let (bypassing, kept): (Vec<&str>, Vec<&str>) =
            items.partition(|item| hosts.iter().any(|host| bypasses(item, host)));
        if bypassing.is_empty() {
            return;
        }
        self.notes.push(format!("{name}: without {}, which would lead past the proxy", bypassing.join(", ")));
        self.set(name, kept.join(","));
    }

    /// A placeholder for each credential that a tool wants to see, where there is one to put in its place.
    fn sentinels(&mut self, surroundings: &Surroundings<'_>) {
        let mut missing: Vec<&str> = Vec::new();
        for entry in hosts(surroundings.table) {
            let reference = entry.credential_ref.as_str();
            if !(surroundings.is_held)(reference) {
                if !missing.contains(&reference) {
                    missing.push(reference);
                }
                continue;
            }
            let Some(sentinel) = &entry.sentinel else { continue };
            let is_there = surroundings.environment.var(&sentinel.env).is_some();
            let (is_kept, is_set) = (!self.dropped.contains(&sentinel.env), self.is_set(&sentinel.env));
            if is_there && is_kept && !is_set {
                self.notes.push(format!("{} is replaced by a placeholder", sentinel.env));
            }
            self.dropped.retain(|name| *name != sentinel.env);
            self.set(&sentinel.env, &sentinel.value);
        }
        for reference in missing {
            let command = (surroundings.acquire)(reference);
            let line = format!("warning: {reference} is not in the vault, so requests for it are refused; {command}");
            self.notes.push(line);
        }
    }

    fn is_set(&self, wanted: &str) -> bool {
        self.set.iter().any(|(name, _)| name == wanted)
    }

    /// git sends nothing of its own to hosts whose requests get a user and a password, and never waits for an answer.
    fn git(&mut self, surroundings: &Surroundings<'_>) {
        let is_gits = |entry: &BindingEntry| entry.mechanism() == Mechanism::Inject && entry.scheme == Scheme::Basic;
        if !hosts(surroundings.table).any(is_gits) {
            return;
        }
        let count = surroundings.environment.var("GIT_CONFIG_COUNT").and_then(OsStr::to_str);
        let count: usize = count.and_then(|count| count.parse().ok()).unwrap_or_default();
        self.set("GIT_CONFIG_COUNT", (count + 1).to_string());
        self.set(&format!("GIT_CONFIG_KEY_{count}"), "credential.helper");
        self.set(&format!("GIT_CONFIG_VALUE_{count}"), "");
        self.set("GIT_TERMINAL_PROMPT", "0");
        self.set("GIT_ASKPASS", ""); // an editor's window is a person that would be waited for
    }
}

/// Entries that are for a host.
fn hosts(table: &Effective) -> impl Iterator<Item = &BindingEntry> {
    table.bindings().map(|placed| &placed.record).filter(|entry| !normal(&entry.host).is_empty())
}

/// Whether an item of `NO_PROXY` leads requests for a host, or for one of a pattern, past the proxy.
fn bypasses(item: &str, host: &str) -> bool {
    let item = item.to_lowercase();
    let name = item.split_once(':').map_or(item.as_str(), |(name, _)| name);
    let name = name.trim_start_matches('*').trim_start_matches('.').trim_end_matches('.');
    let is_below =
        |below: &str, above: &str| below == above || below.strip_suffix(above).is_some_and(|rest| rest.ends_with('.'));
    match host.strip_prefix("*.") {
        _ if item == "*" => true,
        _ if name.is_empty() => false,
        Some(domain) => is_below(domain, name) || is_below(name, domain),
        None => is_below(host, name),
    }
}

#[cfg(test)]
mod tests;
