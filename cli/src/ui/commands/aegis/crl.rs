//! `aegis crl`: the revocation file of hosts.

use std::path::PathBuf;

use aileron_verifier::aegis::trust_store::Revocations;
use aileron_verifier::problem::Class;
use aileron_verifier::text::printable;
use clap::Args;
use serde_json::json;

use crate::sys::disk;
use crate::ui::args::examples;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::{Exit, Failure, Outcome};

/// Make, extend or check the revocation file of Squad Aegis hosts.
///
/// With --key or --key-id the file is made or extended; without, it is checked. Revoke a key rather than a label: the
/// holder of a key can sign under another label.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub aegis crl revoked-key-ids.json",
    "aileron-pub aegis crl revoked-key-ids.json --key leaked/manifest.pub",
    "aileron-pub aegis crl revoked-key-ids.json --key-id ops-key-2025-q4"
))]
pub(crate) struct Crl {
    /// The revocation file.
    file: PathBuf,
    /// Revoke this key: a public key, a file that holds one, or the 64 hex digits of its fingerprint. Repeatable.
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// Revoke this label. Repeatable.
    #[arg(long, value_name = "ID")]
    key_id: Vec<String>,
}

impl Verb for Crl {
    fn run(self, _: &Context) -> Answer {
        let there = disk::read_if_there(&self.file, super::LONGEST)?;
        let before = there.as_deref().map(Revocations::read).transpose().map_err(|error| {
            let message = format!("{}: {error}", self.file.display());
            Failure::new(Class::ParseError, Exit::Policy, message)
                .next("correct it: a host keeps the list it had, which at its start is empty, so nothing is revoked")
        })?;
        let fingerprints = self.key.iter().map(|text| fingerprint(text)).collect::<Result<Vec<_>, Failure>>()?;
        if let Some(blank) = self.key_id.iter().find(|id| id.trim().is_empty()) {
            return Err(Failure::usage(format!("\"{blank}\" is no label: a host drops blank ones")));
        }
        let is_change = !fingerprints.is_empty() || !self.key_id.is_empty();
        let (Some(before), false) = (&before, is_change) else {
            if !is_change {
                let message = format!("there is no {}", self.file.display());
                return Err(Failure::new(Class::FetchFailed, Exit::NotFound, message)
                    .next("pass --key KEY or --key-id ID to make it"));
            }
            let more =
                Revocations::new(self.key_id.iter().map(String::as_str), fingerprints.iter().map(String::as_str));
            let all = before.unwrap_or_default().and(more);
            disk::write_beside(&self.file, all.write().as_bytes())?;
            return Ok(outcome(&self, &all, true));
        };
        Ok(outcome(&self, before, false))
    }
}

fn outcome(args: &Crl, list: &Revocations, written: bool) -> Outcome {
    let (keys, ids): (Vec<&str>, Vec<&str>) = (list.fingerprints().collect(), list.key_ids().collect());
    let mut text = format!("{} {}\n", if written { "wrote" } else { "ok:" }, args.file.display());
    for key in &keys {
        text.push_str(&format!("  key    {}\n", printable(key)));
    }
    for id in &ids {
        text.push_str(&format!("  label  {}\n", printable(id)));
    }
    if keys.is_empty() && ids.is_empty() {
        text.push_str("  nothing is revoked\n");
    }
    let odd: Vec<&&str> = keys.iter().filter(|key| !is_fingerprint(key)).collect();
    for key in &odd {
        text.push_str(&format!("warning: {} is no fingerprint: 64 hex digits; it revokes nothing\n", printable(key)));
    }
    text.push_str(super::crl_settings());
    text.push_str(
        "new uploads are judged by it within the refresh time; what is installed, at the host's next start\n",
    );
    let fields = json!({
        "file": args.file.display().to_string(),
        "written": written,
        "revoked_public_key_fingerprints": keys,
        "revoked_key_ids": ids,
        "not_fingerprints": odd,
        "settings": ["plugins.revoked_key_i_ds_path", "PLUGINS_REVOKED_KEY_I_DS_PATH"],
        "documented_setting": "plugins.revoked_key_ids_path",
    });
    Outcome::new(text, fields)
}

fn is_fingerprint(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn fingerprint(text: &str) -> Result<String, Failure> {
    if is_fingerprint(text.trim()) {
        return Ok(text.trim().to_lowercase());
    }
    Ok(super::public_key(text)?.hex_fingerprint())
}
