//! `keyring revoke`.

use aileron_verifier::name::fqn::Authority;
use serde_json::json;

use super::ring_file;
use crate::consumer::trust::change::Revocation;
use crate::ui::commands::go_flags::{Flags, Order, usage};
use crate::ui::commands::{Answer, Context};
use crate::ui::report::Outcome;

const REVOKE_USAGE: &str = "usage: aileron keyring revoke <authority>  OR  aileron keyring revoke --key <fingerprint>";
const REVOKE_FLAGS: &str =
    "Usage of keyring revoke:\n  -key string\n    \tRevoke a single key everywhere by its fingerprint (sha256:...)";

pub(super) fn run(args: &[String], context: &Context) -> Answer {
    let flags = Flags::parse(args, &[("key", true), ("wait-lock", true)], REVOKE_FLAGS, Order::First)?;
    let key = flags.value("key").filter(|key| !key.is_empty());
    let what = match (key, flags.positional.as_slice()) {
        (Some(_), [_, ..]) => {
            let text = format!("{REVOKE_USAGE}\n  (supply exactly one of an authority or --key, not both)");
            return Err(usage(&text));
        }
        (Some(key), []) => Revocation::Key(key.to_owned()),
        (None, [authority]) => Revocation::Authority(Authority::new(authority.clone())),
        (None, _) => return Err(usage(REVOKE_USAGE)),
    };
    let file = ring_file(context, "cannot determine home directory", &flags)?;
    let removed = what.revoke(&file)?;
    let path = file.path().display();
    let text = match &what {
        Revocation::Authority(authority) if removed == 0 => format!("Not trusted: {authority} (no change)\n"),
        Revocation::Key(key) if removed == 0 => format!("No key with fingerprint {key} (no change)\n"),
        Revocation::Authority(authority) => format!("✓ Revoked publisher {authority}\n  Keyring: {path}\n"),
        Revocation::Key(key) => {
            let from = if removed == 1 { "authority" } else { "authorities" };
            format!("✓ Revoked key {key} from {removed} {from}\n  Keyring: {path}\n")
        }
    };
    let fields =
        json!({"revoked": what.as_str(), "removed": removed, "keyring": path.to_string(), "changed": removed > 0});
    Ok(Outcome::new(text, fields))
}
