//! `aegis keys`: the signing key of bundles.

use std::path::PathBuf;

use aileron_verifier::trust::key::PublicKey;
use clap::Args;
use serde_json::{Value, json};

use crate::publisher::sign::{SigningKey, load_seed, write_private_key_file};
use crate::ui::args::examples;
use crate::ui::commands::verb::verbs;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::{Failure, Outcome};

verbs! {
    /// Make and show the key that bundles are signed with.
    #[command(after_help = examples!(
        "aileron-pub aegis keys generate --out ~/aegis.key",
        "aileron-pub aegis keys show --key ~/aegis.key"
    ))]
    Keys {
        Generate(Generate),
        Show(Show),
    }
}

/// Make a key: 88 characters of base64, as the host's own signing tool reads them, in a new file of mode 0600.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub aegis keys generate --out ~/aegis.key",
    "aileron-pub aegis keys generate --from-seed seed.b64 --out ~/aegis.key"
))]
pub(crate) struct Generate {
    /// Write the private key to this new file, outside the repository.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Make the key of this seed: a secret file with 44 characters of base64. Never a public key, which has as many.
    #[arg(long, value_name = "FILE")]
    from_seed: Option<PathBuf>,
}

impl Verb for Generate {
    fn run(self, context: &Context) -> Answer {
        let key = match &self.from_seed {
            Some(file) => load_seed(file),
            None => SigningKey::generate(),
        };
        let key = key.map_err(|error| Failure::from(&error))?;
        let written = write_private_key_file(&self.out, &key.to_pair(), context.spawner());
        written.map_err(|error| Failure::from(&error))?;
        let (shown, mut fields) = shown(&key.public());
        fields["private_key"] = json!(self.out.display().to_string());
        let text = format!(
            "made a key pair\n  private key     {}\n{shown}next: keep a copy of the private key where you keep passwords, and give the line to those who run hosts\n",
            self.out.display()
        );
        Ok(Outcome::new(text, fields))
    }
}

/// Show a public key: the line for trusted_signing_keys, and both fingerprints.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub aegis keys show --key ~/aegis.key",
    "aileron-pub aegis keys show dist/manifest.pub"
))]
pub(crate) struct Show {
    /// A public key, or a file that holds one, such as manifest.pub.
    #[arg(conflicts_with = "key")]
    public_key: Option<String>,
    /// A private key, of which the public half is shown [default: AILERON_SIGNING_KEY, then the keychain].
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl Verb for Show {
    fn run(self, context: &Context) -> Answer {
        let key = match &self.public_key {
            Some(text) => super::public_key(text)?,
            None => super::signing_key(context, self.key.as_deref())?.public(),
        };
        let (text, fields) = shown(&key);
        Ok(Outcome::new(text, fields))
    }
}

fn shown(key: &PublicKey) -> (String, Value) {
    let (line, hex, short) = (key.to_base64(), key.hex_fingerprint(), key.fingerprint());
    let text = format!(
        "  public key      {line}\n  fingerprint     {hex}\n  short form      {short}\nline for the host's configuration (separate several keys with commas)\n  plugins:\n    trusted_signing_keys: \"{line}\"\n",
    );
    let fields = json!({
        "public_key": line,
        "fingerprint": hex,
        "short_fingerprint": short,
        "trusted_signing_keys": line,
    });
    (text, fields)
}
