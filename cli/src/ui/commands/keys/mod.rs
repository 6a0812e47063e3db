//! `keys`: make the publisher's key, show its public half, go from one key to the next, hand it to CI.

mod generate;
mod github_secret;
mod revoke;
mod rotate;
mod show;

use std::path::Path;

use aileron_verifier::name::fqn::Fqn;

use super::Context;
use super::verb::verbs;
use crate::publisher::lint;
use crate::publisher::project::{Project, Reading};
use crate::publisher::sign::{KeyError, KeyOrigin, OsKeychain, SigningKey, load_signing_key};
use crate::secret::Secret;
use crate::ui::args::examples;
use crate::ui::report::Failure;

verbs! {
    /// Make, show, rotate and revoke the publisher's signing key.
    #[command(after_help = examples!(
        "aileron-pub keys generate --out ../publisher.key",
        "aileron-pub keys show",
        "aileron-pub keys rotate v0.2.0 --key ../publisher.key --out ../new.key"
    ))]
    Keys {
        Generate(generate::Generate),
        Show(show::Show),
        Rotate(rotate::Rotate),
        Revoke(revoke::Revoke),
        GithubSecret(github_secret::GithubSecret),
    }
}

/// The repository and the connector's name; the manifest must be readable for that.
fn connector(context: &Context) -> Result<(Project, Fqn), Failure> {
    let project = context.project(Reading::WorkTree)?;
    match lint::name(&project) {
        Some(name) => Ok((project, name)),
        None => Err(Failure::from(lint::check(project, None, &[]))),
    }
}

/// The signing key, from where a release takes it.
fn signing_key(context: &Context, name: &Fqn, flag: Option<&Path>) -> Result<SigningKey, Failure> {
    let variable = |name: &str| context.environment.secret(name);
    let prompt =
        |_: &KeyOrigin| context.passphrase("Passphrase of the signing key:").ok_or(KeyError::PassphraseMissing);
    let account = name.repo_authority();
    let loaded = load_signing_key(flag, &variable, &OsKeychain, account.as_str(), prompt);
    Ok(loaded.map_err(|error| Failure::from(&error))?.key)
}

/// The passphrase of a key file that is to be written.
fn new_passphrase(context: &Context) -> Result<Secret, Failure> {
    context.passphrase("New passphrase for the private key:").ok_or_else(|| {
        Failure::usage("the file is to be encrypted and there is no passphrase").next("set AILERON_KEY_PASSPHRASE")
    })
}
