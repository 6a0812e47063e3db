//! `keys rotate`.

use std::path::PathBuf;

use aileron_verifier::layout::ROTATION;
use aileron_verifier::name::version::Version;
use clap::Args;
use serde_json::json;

use super::{connector, new_passphrase, signing_key};
use crate::publisher::fingerprint_mark;
use crate::publisher::keys::succession::{RotationRequest, rotate};
use crate::publisher::keys::{self, PUBLIC_KEY, README};
use crate::ui::args::{SigningFlags, examples, version};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;

/// Make a new key and put it in the old one's place: keys/rotation.json, signed by both, says so to consumers.
///
/// Who trusts the old key is shown that it names the new one, and asked. Keep the old private key until nobody is left who
/// trusts only that one; if it was stolen, `keys revoke` it.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub keys rotate v0.2.0 --key ../old.key --out ../new.key",
    "aileron-pub keys rotate v0.2.0 --out ../new.key --encrypt"
))]
pub(crate) struct Rotate {
    /// The first version that the new key signs.
    #[arg(value_parser = version)]
    version: Version,
    /// Write the new private key to this new file, mode 0600, outside the repository.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Encrypt the file with a passphrase, from AILERON_KEY_PASSPHRASE or asked for.
    #[arg(long)]
    encrypt: bool,
    /// The old key.
    #[command(flatten)]
    signing: SigningFlags,
}

impl Verb for Rotate {
    fn run(self, context: &Context) -> Answer {
        context.may_sign()?;
        let (project, name) = connector(context)?;
        let old = signing_key(context, &name, self.signing.key.as_deref())?;
        let passphrase = if self.encrypt { Some(new_passphrase(context)?) } else { None };
        let request = RotationRequest { first_version: self.version, private: self.out, passphrase };
        let made = rotate(&project.root, &name, &old, &request, context.spawner())?;
        let key = keys::committed(&project.root)?;
        let marked = fingerprint_mark::fill(&project.root, &key.fingerprint())?;
        let encrypted = if request.passphrase.is_some() { ", encrypted" } else { "" };
        let private = format!("{}{encrypted}", request.private.display());
        let mut text = format!(
            "made a key pair that follows {}\n  public key   {PUBLIC_KEY}\n  fingerprint  {}\n  private key  {private}\n  statement    {ROTATION}, signed by both keys: the new one signs from version {} on\n",
            made.old, made.new, request.first_version,
        );
        if made.stale_readme {
            text.push_str(&format!("  {README} is your own text: put the new fingerprint in it\n"));
        }
        text.push_str(&format!(
            "next: commit keys/{}, release {} with --key {}, and keep a copy of the private key where you keep passwords\n",
            if marked { " and README.md, which has the fingerprint now" } else { "" },
            request.first_version,
            request.private.display()
        ));
        Ok(Outcome::new(
            text,
            json!({
                "old": made.old,
                "fingerprint": made.new,
                "first_version": request.first_version,
                "private_key": private,
                "files": made.files,
                "stale_readme": made.stale_readme,
            }),
        ))
    }
}
