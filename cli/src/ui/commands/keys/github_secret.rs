//! `keys github-secret`.

use aileron_verifier::name::fqn::{Fqn, Scheme};
use aileron_verifier::text::printable;
use clap::Args;
use serde_json::json;

use super::{connector, signing_key};
use crate::consumer::trust::prompt::{Console as _, consents};
use crate::github::{Client, RepositorySettings};
use crate::publisher::forge::ForgeError;
use crate::publisher::keys::github_secret::seal;
use crate::publisher::keys::{self, KeysError};
use crate::publisher::lint;
use crate::publisher::sign::load::KEY_VARIABLE;
use crate::ui::args::{GitHubFlags, SigningFlags, examples};
use crate::ui::commands::registry::{token_of, with_client};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::console::Terminal;
use crate::ui::report::{Failure, Outcome};

/// Put the signing key where workflows sign with it: the secret AILERON_SIGNING_KEY of the repository on GitHub.
///
/// The key is sealed here for the repository's own key, so that only GitHub opens it. Whoever may change a workflow can then
/// sign: with `signing = "approve"` no key belongs there.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub keys github-secret --key ../publisher.key",
    "aileron-pub keys github-secret --key ../publisher.key --yes"
))]
pub(crate) struct GithubSecret {
    /// The key.
    #[command(flatten)]
    signing: SigningFlags,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
    /// Do it although aileron-pub.toml says that a person signs.
    #[arg(long)]
    force: bool,
    /// Which GitHub, as whom.
    #[command(flatten)]
    github: GitHubFlags,
}

impl Verb for GithubSecret {
    fn run(self, context: &Context) -> Answer {
        context.may_sign()?;
        let (project, name) = connector(context)?;
        if name.scheme() != Scheme::Github {
            return Err(Failure::usage(format!("{name} is not on GitHub")));
        }
        if lint::config(&project).is_some_and(|config| config.wants_approval()) && !self.force {
            let message = "aileron-pub.toml says signing = \"approve\": a person signs, and no key belongs to CI";
            return Err(Failure::usage(message)
                .next("sign with `aileron-pub approve VERSION`; to let CI sign instead, write signing = \"ci\""));
        }
        let key = signing_key(context, &name, self.signing.key.as_deref())?;
        let committed = keys::committed(&project.root)?;
        if key.public() != committed {
            let (signing, committed) = (key.public().fingerprint(), committed.fingerprint());
            return Err(KeysError::OtherKey { signing, committed }.into());
        }
        let token = token_of(&self.github, context)?.ok_or_else(|| Failure::from(&ForgeError::NoToken))?;
        let on = |error: ForgeError| Failure::from(&error);
        let ask = |client: &Client<'_>| RepositorySettings::new(client, &name).sealing_key();
        let sealing = with_client(&self.github, &token, context, ask).map_err(on)?;
        if !self.yes {
            confirm(&name, &committed.fingerprint().to_string(), context)?;
        }
        let sealed = seal(&key.to_base64_of_pem(), &sealing.key)?;
        let put = |client: &Client<'_>| {
            RepositorySettings::new(client, &name).put_secret(KEY_VARIABLE, &sealed, &sealing.key_id)
        };
        let is_new = with_client(&self.github, &token, context, put).map_err(on)?;
        let repository = format!("{}/{}", name.owner(), name.repo());
        let done = if is_new { "set" } else { "replaced" };
        let text = format!(
            "{done} the secret {KEY_VARIABLE} of {repository}\n  key         {}\n  sealed for  {}\n",
            committed.fingerprint(),
            printable(&sealing.key_id),
        );
        let fields = json!({
            "secret": KEY_VARIABLE,
            "repository": repository,
            "fingerprint": committed.fingerprint(),
            "sealed_for": sealing.key_id,
            "new": is_new,
        });
        Ok(Outcome::new(text, fields))
    }
}

/// Says what is about to happen, and asks.
fn confirm(name: &Fqn, fingerprint: &str, context: &Context) -> Result<(), Failure> {
    let mut console = Terminal { json: context.output.json };
    let notice = format!(
        "The private key of {fingerprint} becomes the secret {KEY_VARIABLE} of {}/{}.\n  Every workflow of that repository can read it, and everyone who may change a workflow can sign with it.\n",
        name.owner(),
        name.repo()
    );
    let answer = console.say(&notice).and_then(|()| consents(&mut console, "Set it? [y/N]: "));
    match answer {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(Failure::usage("not confirmed; nothing was set").next("answer yes, or pass --yes")),
    }
}
