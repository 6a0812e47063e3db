//! What this machine says: git, the remote, the toolchain, the key.

use std::path::Path;

use aileron_verifier::layout::PUBLISHER_KEY;
use aileron_verifier::name::fqn::Fqn;
use aileron_verifier::text::printable;

use super::Finding;
use crate::event::counted;
use crate::publisher::build::{self, BuildError};
use crate::publisher::config::Config;
use crate::publisher::keys::{self, succession};
use crate::publisher::lint;
use crate::publisher::project::Project;
use crate::publisher::sign::{KeyError, Keychain, load_signing_key};
use crate::secret::Secret;
use crate::sys::process::Spawner;

/// The commit, and whether the work tree is it.
pub fn git(project: &Project) -> Finding {
    match &project.history {
        Err(error) => Finding::problem(
            "git",
            first_line(&error.to_string()),
            "git init && git add -A && git commit -m \"first commit\", in the repository's root",
        ),
        Ok(history) if history.is_dirty() => Finding::note(
            "git",
            format!("commit {}; {} not committed", history.commit, counted(history.changes.len(), "change")),
            "git status",
        ),
        Ok(history) => Finding::ok("git", format!("commit {}, everything committed", history.commit)),
    }
}

/// The remote against the connector's name. GitHub does not mind case, trust does.
pub fn remote(project: &Project, name: &Fqn) -> Finding {
    let declared = format!("{}/{}", name.owner(), name.repo());
    let url = format!("https://github.com/{declared}.git");
    let Some(remote) = project.history.as_ref().ok().and_then(|history| history.remote.as_deref()) else {
        return Finding::problem("remote", "there is no remote \"origin\"", format!("git remote add origin {url}"));
    };
    match lint::owner_and_repo(remote) {
        Some((owner, repo)) if format!("{owner}/{repo}") == declared => Finding::ok("remote", declared),
        Some((owner, repo)) => Finding::problem(
            "remote",
            format!(
                "the connector is named after {declared}, the remote is {}/{}",
                printable(&owner),
                printable(&repo)
            ),
            format!("git remote set-url origin {url}, or correct `name` in connector/manifest.toml"),
        ),
        None => {
            Finding::note("remote", "\"origin\" is a path on this machine", format!("git remote set-url origin {url}"))
        }
    }
}

/// Whether every rule holds, so far as it is known before a version is.
pub fn rules(project: Project) -> Finding {
    let findings = lint::check(project, None, &[]);
    match findings.errors().count() {
        0 => Finding::ok("rules", "every rule holds"),
        errors => {
            Finding::problem("rules", format!("{} in the documents", counted(errors, "error")), "aileron-pub check")
        }
    }
}

/// The language, and whether its toolchain is there and can compile for a connector's target: known before anything is
/// compiled.
pub fn toolchain(project: &Project, config: &Config, spawner: Spawner<'_>) -> Finding {
    const CHECK: &str = "toolchain";
    let examined = build::detect(&project.files, config.language)
        .and_then(|toolchain| Ok((toolchain.title(), toolchain.examine(&project.root, spawner)?)));
    match examined {
        Ok((title, version)) => Finding::ok(CHECK, format!("{title}: {}", printable(&version))),
        Err(error) => {
            let command = match &error {
                BuildError::NoTarget { command, .. } => command.clone(),
                BuildError::NoToolchain { advice, .. } => (*advice).to_owned(),
                _ => "aileron-pub build".to_owned(),
            };
            Finding::problem(CHECK, first_line(&error.to_string()), command)
        }
    }
}

/// The public key and what is said of older ones, and the private key where a release would take it from.
pub struct KeyLooks<'a> {
    /// `--key`.
    pub flag: Option<&'a Path>,
    /// One variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<Secret>,
    /// The system's keychain.
    pub keychain: &'a dyn Keychain,
}

impl KeyLooks<'_> {
    /// The committed key, then the one that signs.
    pub fn look(&self, project: &Project, name: &Fqn, config: &Config) -> Vec<Finding> {
        let committed = match keys::committed(&project.root) {
            Ok(key) => key,
            Err(error) => {
                let generate = "aileron-pub keys generate --out FILE, then commit keys/";
                return vec![Finding::problem("public key", error.to_string(), generate)];
            }
        };
        let public = match succession::line(&project.key_statements, &committed, name) {
            Ok(line) if line.len() > 1 => {
                let message =
                    format!("{}; it follows {}", committed.fingerprint(), counted(line.len() - 1, "older key"));
                Finding::ok("public key", message)
            }
            Ok(_) => Finding::ok("public key", committed.fingerprint().to_string()),
            Err(error) => Finding::problem("public key", error.to_string(), "git checkout keys"),
        };
        let account = name.repo_authority();
        // A look asks for no passphrase.
        let closed = |_: &_| Err(KeyError::PassphraseMissing);
        let loaded = load_signing_key(self.flag, self.variable, self.keychain, account.as_str(), closed);
        let private = match loaded {
            Ok(loaded) if loaded.key.public() == committed => {
                Finding::ok("private key", format!("{}: the private half of {PUBLISHER_KEY}", loaded.from))
            }
            Ok(loaded) => Finding::problem(
                "private key",
                format!(
                    "{}: {}, but {PUBLISHER_KEY} is {}",
                    loaded.from,
                    loaded.key.public().fingerprint(),
                    committed.fingerprint()
                ),
                "pass the right one with --key FILE, or commit its public half",
            ),
            Err(error) if error.is_absent() && !config.wants_approval() => Finding::note(
                "private key",
                "none on this machine; a release from here needs it",
                "aileron-pub doctor --key FILE",
            ),
            Err(error) if error.is_absent() => Finding::problem(
                "private key",
                "none on this machine, and here is where releases are approved",
                "aileron-pub doctor --key FILE, or set AILERON_SIGNING_KEY",
            ),
            Err(error) if is_closed(&error) => Finding::note(
                "private key",
                "it is encrypted, and was not opened",
                "set AILERON_KEY_PASSPHRASE, and run this again",
            ),
            Err(error) => Finding::problem("private key", error.to_string(), "aileron-pub doctor --key FILE"),
        };
        vec![public, private]
    }
}

fn is_closed(error: &KeyError) -> bool {
    match error {
        KeyError::At { source, .. } => is_closed(source),
        error => matches!(error, KeyError::PassphraseMissing),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
