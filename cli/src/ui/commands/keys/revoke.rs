//! `keys revoke`.

use aileron_verifier::trust::key::Fingerprint;
use clap::Args;
use serde_json::json;

use super::{connector, signing_key};
use crate::publisher::keys::succession::revoke;
use crate::ui::args::{SigningFlags, examples};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;

/// Say that a key counts no more: keys/revoked-<id>.json, signed by that key or by one that follows it.
///
/// An install of what the revoked key signed is refused from then on, and a rotation that it signed is not believed. What
/// is installed keeps running until its owner removes the key from the keyring.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub keys revoke sha256:If4x36FUomFia/hUBG/SJx --key ../new.key"
))]
pub(crate) struct Revoke {
    /// Fingerprint of the key: that of keys/publisher.pub, or of one it follows.
    #[arg(value_name = "FINGERPRINT")]
    which: Fingerprint,
    /// The key that says so.
    #[command(flatten)]
    signing: SigningFlags,
}

impl Verb for Revoke {
    fn run(self, context: &Context) -> Answer {
        context.may_sign()?;
        let (project, name) = connector(context)?;
        let signing = signing_key(context, &name, self.signing.key.as_deref())?;
        let revoked = revoke(&project.root, &name, &project.key_statements, &signing, &self.which)?;
        let next = match revoked.is_current {
            true => {
                "commit and push keys/; no version that this key signs can be installed any more, so consumers need \
                 a new key from you: aileron-pub keys generate, in a clean keys/"
            }
            false => "commit and push keys/; in a directory registry the next release publishes it",
        };
        let text =
            format!("revoked {}\n  statement  {}, signed by {}\nnext: {next}\n", revoked.key, revoked.path, revoked.by);
        Ok(Outcome::new(text, json!({"revoked": revoked.key, "by": revoked.by, "statement": revoked.path})))
    }
}
