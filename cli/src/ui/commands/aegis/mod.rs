//! `aegis`: extensions of Squad Aegis, from a skeleton to a host.

mod build;
mod check;
mod crl;
mod init;
mod keys;
mod pack;
mod trial;
mod upload;
mod verify;

use std::path::Path;

use aileron_verifier::aegis::key_file;
use aileron_verifier::aegis::rules::SIGN_KEY;
use aileron_verifier::aegis::time::Instant;
use aileron_verifier::text::printable;
use aileron_verifier::trust::key::PublicKey;
use serde_json::json;

use super::Context;
use super::verb::verbs;
use crate::publisher::aegis::KEYCHAIN_ACCOUNT;
use crate::publisher::sign::{KeyError, KeyOrigin, OsKeychain, SigningKey, load_pair_or_pem};
use crate::sys::disk;
use crate::ui::args::examples;
use crate::ui::report::Failure;

verbs! {
    /// Make, build, check, pack, sign, verify, try and upload Squad Aegis plugins and connectors.
    #[command(after_help = examples!(
        "aileron-pub aegis init plugin chat-watch --id com.yourorg.plugins.chat-watch --yes",
        "aileron-pub aegis check dist",
        "aileron-pub aegis pack dist --out hello.zip --sign --key-id ops-key-2026-q1 --key ~/aegis.key",
        "aileron-pub aegis verify hello.zip --trust dist/manifest.pub",
        "aileron-pub aegis try hello.zip",
        "aileron-pub aegis upload hello.zip --to https://aegis.example.com --token-file ~/aegis.token"
    ))]
    Aegis {
        Init(init::Init),
        Build(build::Build),
        Check(check::Check),
        Pack(pack::Pack),
        Verify(verify::Verify),
        Try(trial::Try),
        Upload(upload::Upload),
        Crl(crl::Crl),
        #[command(subcommand)]
        Keys(keys::Keys),
    }
}

/// Longest key file, trust line or revocation file.
const LONGEST: u64 = 1 << 20;

/// A public key: 44 characters of base64, or a file that holds them.
fn public_key(text: &str) -> Result<PublicKey, Failure> {
    let read = |bytes: &[u8]| key_file::public_key(bytes).map_err(|error| error.to_string());
    let path = Path::new(text);
    let key = if path.is_file() { read(&disk::read(path, LONGEST)?) } else { read(text.as_bytes()) };
    key.map_err(|why| {
        Failure::usage(format!("{} is no public key: {why}", printable(text)))
            .next("give the 44 characters of manifest.pub, or that file; `aileron-pub aegis keys show` prints them")
    })
}

/// The signing key, from `--key`, `AILERON_SIGNING_KEY` or the keychain.
fn signing_key(context: &Context, flag: Option<&Path>) -> Result<SigningKey, Failure> {
    let variable = |name: &str| context.environment.secret(name);
    let prompt =
        |_: &KeyOrigin| context.passphrase("Passphrase of the signing key:").ok_or(KeyError::PassphraseMissing);
    let loaded = load_pair_or_pem(flag, &variable, &OsKeychain, KEYCHAIN_ACCOUNT, prompt);
    let loaded = loaded.map_err(|error| {
        let failure = Failure::from(&error).details(json!({"rule": SIGN_KEY.id()}));
        // A key for bundles is made by another verb than that of a connector.
        const NEXT: &str =
            "pass --key FILE, set AILERON_SIGNING_KEY, or run `aileron-pub aegis keys generate --out FILE`";
        if error.is_absent() { failure.next(NEXT) } else { failure }
    })?;
    Ok(loaded.key)
}

/// This machine's clock.
fn now(context: &Context) -> Instant {
    let since = context.clock.now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Instant::new(i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos())
}

/// `--now`: an instant in RFC 3339.
fn instant(text: &str) -> Result<Instant, String> {
    Instant::read(text).map_err(|error| format!("{error}; as in 2026-06-01T00:00:00Z"))
}

/// The lines a host's configuration needs, in both spellings of the settings. aegis-bundle.md §9.1.
fn crl_settings() -> &'static str {
    "settings of the host\n  plugins.revoked_key_i_ds_path, PLUGINS_REVOKED_KEY_I_DS_PATH: the names the host reads\n  plugins.revoked_key_ids_path: the documented name, which the host does not know (as a YAML key it stops the host at start)\n"
}
