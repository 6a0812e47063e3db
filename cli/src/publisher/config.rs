//! What a repository's `aileron-pub.toml` settles, ready to act on. Reading it is the verifier's; here its words meet what
//! this tool can do. Flags win over it.

use aileron_verifier::artifact::config::{PublisherConfig, Signing};
use aileron_verifier::artifact::rules;
use aileron_verifier::problem::{Problem, Spanned, Waiver};
use aileron_verifier::text::printable;

use super::build::{self, TOOLCHAINS, Toolchain};

/// The settings of a repository; all defaults where it has no file.
#[derive(Default)]
pub struct Config {
    /// What builds the connector; the one file that decides where it is not said.
    pub language: Option<&'static dyn Toolchain>,
    /// Who signs.
    pub signing: Option<Signing>,
    /// The variable of the client secret, before the usual ones.
    pub client_secret_env: Option<String>,
    /// Rules waived for every release.
    pub waived: Vec<Waiver>,
}

impl Config {
    /// Settings out of a file that keeps every rule of its own.
    ///
    /// # Errors
    /// A language that this tool does not build.
    pub fn of(document: &PublisherConfig) -> Result<Config, Problem> {
        Ok(Config {
            language: document.language.as_ref().map(|name| language(document, name)).transpose()?,
            signing: document.signing,
            client_secret_env: document.client_secret_env.clone(),
            waived: document.allow.iter().map(|allowed| allowed.waiver).collect(),
        })
    }

    /// Whether CI proposes a release and a person signs it elsewhere.
    pub fn wants_approval(&self) -> bool {
        self.signing == Some(Signing::Approve)
    }
}

fn language(document: &PublisherConfig, name: &Spanned<String>) -> Result<&'static dyn Toolchain, Problem> {
    build::named(&name.value).ok_or_else(|| {
        let known: Vec<String> = TOOLCHAINS.iter().map(|toolchain| format!("\"{}\"", toolchain.name())).collect();
        let message = format!("`language` is \"{}\": write {}", printable(&name.value), known.join(" or "));
        document.source.problem(rules::CONFIG, name.at.clone(), message)
    })
}
