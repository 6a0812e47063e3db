//! `keyring list`.

use std::collections::BTreeMap;

use aileron_verifier::name::fqn::Authority;
use aileron_verifier::trust::key::{Fingerprint, PublicKey};
use aileron_verifier::trust::keyring::Keyring;
use serde_json::json;

use super::at_home;
use crate::consumer::trust::change::by_owner;
use crate::ui::commands::go_flags::usage;
use crate::ui::commands::{Answer, Context};
use crate::ui::report::Outcome;

const LIST_USAGE: &str = "usage: aileron keyring list";

pub(super) fn run(args: &[String], context: &Context) -> Answer {
    if !args.is_empty() {
        return Err(usage(LIST_USAGE));
    }
    let file = at_home(context, "cannot determine home directory")?;
    let ring = file.load_or_refuse()?;
    let path = file.path().display();
    let groups = by_owner(&ring);
    let text = if groups.is_empty() {
        format!("No trusted publishers.\n  Keyring: {path}\n  Add one with `aileron keyring trust <authority>`.\n")
    } else {
        format!("Trusted publishers ({}):\n{}\nKeyring: {path}\n", groups.len(), listing(&ring, &groups))
    };
    let grants: Vec<_> = ring
        .authorities()
        .map(|authority| json!({"authority": authority, "fingerprints": fingerprints(&ring, authority)}))
        .collect();
    Ok(Outcome::new(text, json!({"keyring": path.to_string(), "grants": grants})))
}

fn listing(ring: &Keyring, groups: &BTreeMap<Authority, Vec<Authority>>) -> String {
    let plural = |count: usize| if count == 1 { "key" } else { "keys" };
    let mut text = String::new();
    for (owner, repositories) in groups {
        let keys = fingerprints(ring, owner);
        text.push_str(&format!("  {owner}  ({} owner {})\n", keys.len(), plural(keys.len())));
        keys.iter().for_each(|key| text.push_str(&format!("    {key}\n")));
        for repository in repositories {
            let keys = fingerprints(ring, repository);
            text.push_str(&format!("    {repository}  ({} {})\n", keys.len(), plural(keys.len())));
            keys.iter().for_each(|key| text.push_str(&format!("      {key}\n")));
        }
    }
    text
}

fn fingerprints(ring: &Keyring, authority: &Authority) -> Vec<Fingerprint> {
    ring.exact(authority).iter().map(PublicKey::fingerprint).collect()
}
