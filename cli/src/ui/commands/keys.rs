//! `keys`: make the publisher's key, show its public half.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use aileron_verifier::name::fqn::Fqn;
use base64::Engine as _;
use serde_json::json;

use super::{Answer, Context};
use crate::publisher::catalog::CatalogError;
use crate::publisher::keys::{self, Destination, Place};
use crate::publisher::lint;
use crate::publisher::project::{Project, Reading};
use crate::publisher::sign::OsKeychain;
use crate::ui::args::Generate;
use crate::ui::report::{Failure, Outcome, door};

pub(super) fn generate(args: &Generate, repository: &Path, context: &Context) -> Answer {
    let (Project { root, .. }, name) = connector(repository, context)?;
    let destination = destination(args, context)?;
    let made = keys::generate(&root, &name, destination, &OsKeychain, context.spawner())?;
    let place = match &made.where_it_went {
        Place::Keychain(account) => format!("the OS keychain, as {account}"),
        Place::File { path, encrypted: true } => format!("{}, encrypted", path.display()),
        Place::File { path, encrypted: false } => path.display().to_string(),
        Place::Printed => "printed once, below: store it now, it is nowhere else".to_owned(),
    };
    let readme = if made.wrote_readme { format!(" and {}", keys::README) } else { String::new() };
    let mut text = format!(
        "made a key pair\n  public key   {}{readme}\n  fingerprint  {}\n  private key  {place}\nnext: commit keys/, and keep a copy of the private key where you keep passwords\n",
        keys::PUBLIC_KEY,
        made.fingerprint,
    );
    let mut fields = json!({
        "public_key": keys::PUBLIC_KEY,
        "readme": made.wrote_readme.then_some(keys::README),
        "fingerprint": made.fingerprint,
        "private_key": place,
    });
    // The one place a private key is printed: on request, once, to standard output only.
    if let Some(secret) = made.printed {
        let encoded = base64::engine::general_purpose::STANDARD.encode(secret.expose());
        text.push_str(&format!("\n{encoded}\n"));
        fields["secret"] = json!(encoded);
    }
    let outcome = Outcome::new(text, fields);
    Ok(match made.unprinted {
        Some(unprinted) => outcome.when_written(move || unprinted.arrived()),
        None => outcome,
    })
}

/// Where the private key goes: a flag, else a question on a terminal, else a usage error. artifacts.md §12.
fn destination(args: &Generate, context: &Context) -> Result<Destination, Failure> {
    const CHOICES: &str = "pass one of --keychain, --out FILE and --print-secret";
    if args.keychain {
        return Ok(Destination::Keychain);
    }
    if args.print_secret {
        return print();
    }
    if let Some(path) = &args.out {
        return file(path.clone(), args.encrypt, context);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("where the private key goes is not said").next(CHOICES));
    }
    const KEYCHAIN: &str = "the OS keychain";
    const FILE: &str = "a passphrase-protected file";
    const PRINT: &str = "print it once, for a CI secret";
    let answer = inquire::Select::new("Where does the private key go?", vec![KEYCHAIN, FILE, PRINT]).prompt();
    match answer.map_err(|_| Failure::usage("nothing was answered").next(CHOICES))? {
        KEYCHAIN => Ok(Destination::Keychain),
        PRINT => print(),
        _ => {
            let path = inquire::Text::new("File, outside the repository:").prompt();
            file(PathBuf::from(path.map_err(|_| Failure::usage("nothing was answered").next(CHOICES))?), true, context)
        }
    }
}

/// The private key is to be printed: never to where it would be lost without an error.
fn print() -> Result<Destination, Failure> {
    if door::output_is_discarded() {
        let message = "standard output is closed or /dev/null: the printed private key would be lost";
        return Err(Failure::usage(message).next("leave standard output open, or pass --out FILE or --keychain"));
    }
    Ok(Destination::Print)
}

fn file(path: PathBuf, encrypt: bool, context: &Context) -> Result<Destination, Failure> {
    if !encrypt {
        return Ok(Destination::File { path, passphrase: None });
    }
    let passphrase = context.passphrase("New passphrase for the private key:").ok_or_else(|| {
        Failure::usage("the file is to be encrypted and there is no passphrase").next("set AILERON_KEY_PASSPHRASE")
    })?;
    Ok(Destination::File { path, passphrase: Some(passphrase) })
}

pub(super) fn show(repository: &Path, context: &Context) -> Answer {
    let (project, name) = connector(repository, context)?;
    let key = match &project.publisher_key {
        Some(Err(problem)) => return Err(CatalogError::Document(problem.clone(), None).into()),
        Some(Ok(source)) => Some(&*source.text),
        None => None,
    };
    let shown = keys::show(&project.root, key, &name)?;
    let text = format!(
        "{}fingerprint  {}\nraw base64   {}\ntrust        {}\nkeyring.json that trusts this repository only:\n{}",
        shown.pem, shown.fingerprint, shown.base64, shown.trust, shown.ring_entry,
    );
    let ring: serde_json::Value = serde_json::from_str(&shown.ring_entry).unwrap_or_default();
    Ok(Outcome::new(
        text,
        json!({
            "pem": shown.pem,
            "base64": shown.base64,
            "fingerprint": shown.fingerprint,
            "ring_entry": ring,
            "trust": shown.trust,
        }),
    ))
}

/// The repository and the connector's name; the manifest must be readable for that.
fn connector(repository: &Path, context: &Context) -> Result<(Project, Fqn), Failure> {
    let project = Project::load(repository, Reading::WorkTree, context.spawner());
    let project = project.map_err(|error| Failure::from(&error))?;
    match lint::name(&project) {
        Some(name) => Ok((project, name)),
        None => Err(Failure::from(lint::check(project, None, &[]))),
    }
}
