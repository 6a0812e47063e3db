//! `keyring`: whom this machine trusts. Texts, exit codes and flag syntax are keyring.md §6's, word for word; `--json` and
//! the narrower flags of `trust` are ours.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aileron_verifier::fqn::{Authority, Fqn, NameError};
use aileron_verifier::key::{Fingerprint, PublicKey};
use aileron_verifier::keyring::Keyring;
use aileron_verifier::problem::Class;
use aileron_verifier::quote::Quoted;
use serde_json::json;

use super::{Answer, Context};
use crate::consumer::fetch::Origin;
use crate::consumer::publisher_key;
use crate::consumer::ring::{RingError, RingFile};
use crate::ui::report::{Exit, Failure, Outcome};

const USAGE: &str = "usage: aileron keyring <trust|list|revoke> [args...]";
const LIST_USAGE: &str = "usage: aileron keyring list";
const REVOKE_USAGE: &str = "usage: aileron keyring revoke <authority>  OR  aileron keyring revoke --key <fingerprint>";
const REVOKE_FLAGS: &str =
    "Usage of keyring revoke:\n  -key string\n    \tRevoke a single key everywhere by its fingerprint (sha256:...)";
const TRUST_USAGE: &str = "\
usage: aileron keyring trust [--key-file <path>] [--repo-only] [--fingerprint <fp>] [--from <dir|url>] <authority>
  authority: github://owner            (trust the whole publisher; needs --key-file)
             github://owner/connector  (trust the whole publisher, key from the connector repo)
  --key-file <path>   read the publisher key from a local file with no network fetch
                      (for private repos or air-gapped hosts); the authority is still required.
  --repo-only         trust this repository alone, not everything its owner ships.
  --fingerprint <fp>  trust the key only if it has this fingerprint.
  --from <dir|url>    fetch the key from a mirror.
  Trusting an owner covers every connector that publisher ships.";

pub(super) fn run(args: &[String], context: &Context) -> Answer {
    match args.split_first().map(|(verb, rest)| (verb.as_str(), rest)) {
        None => Err(usage(USAGE)),
        Some(("trust", rest)) => trust(rest, context),
        Some(("list", [])) => list(context),
        Some(("list", _)) => Err(usage(LIST_USAGE)),
        Some(("revoke", rest)) => revoke(rest, context),
        Some((other, _)) => Err(usage(&format!("unknown keyring subcommand: {}\n{USAGE}", Quoted(other)))),
    }
}

/// A text that is printed as it stands; exit 1, as every refusal of `keyring`.
fn usage(text: &str) -> Failure {
    let message = text.lines().next().unwrap_or_default();
    Failure { pinned: Some(text.to_owned()), ..Failure::new(Class::UsageError, Exit::Failure, message) }
}

fn error(class: Class, message: impl Into<String>) -> Failure {
    let message = message.into();
    Failure { pinned: Some(format!("error: {message}")), ..Failure::new(class, Exit::Failure, message) }
}

/// Flags as Go parses them: one or two dashes, a value after `=` or as the next argument, `--` ends them, and so does the
/// first argument that is none.
struct Flags {
    given: BTreeMap<&'static str, String>,
    positional: Vec<String>,
}

impl Flags {
    /// `known` are the flags' names and whether they take a value.
    fn parse(args: &[String], known: &[(&'static str, bool)], help: &str) -> Result<Flags, Failure> {
        let mut flags = Flags { given: BTreeMap::new(), positional: Vec::new() };
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            let name = match arg.strip_prefix('-') {
                Some("-") => break,
                Some(name) if !name.is_empty() => name.strip_prefix('-').unwrap_or(name),
                _ => {
                    flags.positional.push(arg.clone());
                    break;
                }
            };
            let (name, value) =
                name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value.to_owned())));
            if name == "h" || name == "help" {
                return Err(usage(help));
            }
            let Some((known, takes_value)) = known.iter().find(|(known, _)| *known == name) else {
                return Err(usage(&format!("flag provided but not defined: -{name}\n{help}")));
            };
            let value = match (takes_value, value) {
                (true, None) => {
                    rest.next().cloned().ok_or_else(|| usage(&format!("flag needs an argument: -{name}\n{help}")))?
                }
                (_, value) => value.unwrap_or_default(),
            };
            flags.given.insert(known, value);
        }
        flags.positional.extend(rest.cloned());
        Ok(flags)
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }
}

fn trust(args: &[String], context: &Context) -> Answer {
    let known = [("key-file", true), ("repo-only", false), ("fingerprint", true), ("from", true)];
    let flags = Flags::parse(args, &known, TRUST_USAGE)?;
    let [authority] = flags.positional.as_slice() else { return Err(usage(TRUST_USAGE)) };
    if authority.is_empty() {
        return Err(error(Class::ValidationError, "authority cannot be empty"));
    }
    let (granted, key) = resolve(authority, &flags, context)?;
    let fingerprint = key.fingerprint();
    if let Some(wanted) = flags.value("fingerprint").filter(|wanted| *wanted != fingerprint.to_string()) {
        let message = format!("the key has fingerprint {fingerprint}, not {wanted}; nothing was trusted");
        return Err(error(Class::SignatureFailure, message));
    }
    let no_home = "cannot determine home directory; set $HOME or write ~/.aileron/keyring.json by hand";
    let file = ring_file(context, no_home)?;
    let is_new = |ring: &mut Keyring| !ring.exact(&granted).contains(&key) && ring.grant(granted.clone(), key);
    let changed = file.edit(is_new).map_err(|failure| refused(&failure))?;
    let reach = match (changed, flags.has("repo-only")) {
        (false, _) => String::new(),
        (true, true) => "  This covers this repository alone.\n".to_owned(),
        (true, false) => "  This covers every connector this publisher ships.\n".to_owned(),
    };
    let headline = if changed { "✓ Trusted publisher " } else { "Publisher already trusted: " };
    let path = file.path().display();
    let text = format!("{headline}{granted}\n{reach}  Fingerprint: {fingerprint}\n  Keyring: {path}\n");
    let fields = json!({
        "authority": granted,
        "fingerprint": fingerprint,
        "keyring": path.to_string(),
        "changed": changed,
    });
    Ok(Outcome::new(text, fields))
}

/// The authority a grant goes under, and its key. keyring.md §6.1.
fn resolve(authority: &str, flags: &Flags, context: &Context) -> Result<(Authority, PublicKey), Failure> {
    let invalid = |text: &str, why: NameError| error(Class::ValidationError, format!("parse {text}: {why}"));
    let (name, granted) = match bare_owner(authority) {
        Some(owner) => {
            let parsed = Fqn::parse_local(&format!("{owner}/_"));
            let name = parsed.map_err(|why| invalid(&format!("owner authority {owner}"), why))?;
            if flags.has("repo-only") {
                return Err(error(Class::UsageError, format!("--repo-only needs a repository, as in {owner}/<repo>")));
            }
            let granted = name.owner_authority();
            (None, granted)
        }
        None => {
            let name = Fqn::parse_local(authority).map_err(|why| invalid(&format!("authority {authority}"), why))?;
            let granted = if flags.has("repo-only") { name.repo_authority() } else { name.owner_authority() };
            (Some(name), granted)
        }
    };
    if let Some(path) = flags.value("key-file") {
        let key = publisher_key::from_file(&PathBuf::from(path));
        return key.map(|key| (granted, key)).map_err(|why| error(why.class(), why.to_string()));
    }
    let Some(name) = name else {
        let message = format!(
            "query Hub for publisher {granted}; trust via a specific connector, e.g. keyring trust {granted}/<repo>"
        );
        return Err(error(Class::FetchFailed, message));
    };
    let origin = Origin::choose(flags.value("from"), &context.environment);
    let fetched = publisher_key::fetch(&name, &origin);
    let failed = |why: publisher_key::KeyFetchError| {
        error(why.class(), format!("fetch publisher key for {}: {why}", name.repo_authority()))
    };
    Ok((granted, fetched.map_err(failed)?.key))
}

/// `github://owner`, with or without slashes behind it. keyring.md §2.4.
fn bare_owner(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let owner = rest.trim_end_matches('/');
    (!owner.is_empty() && !owner.contains('/')).then(|| text.trim_end_matches('/'))
}

fn list(context: &Context) -> Answer {
    let file = ring_file(context, "cannot determine home directory")?;
    let ring = file.load_or_refuse().map_err(|failure| refused(&failure))?;
    let path = file.path().display();
    let mut groups: BTreeMap<Authority, Vec<Authority>> = BTreeMap::new();
    for authority in ring.authorities() {
        match authority.owner() {
            Some(owner) => groups.entry(owner).or_default().push(authority.clone()),
            None => drop(groups.entry(authority.clone()).or_default()),
        }
    }
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

fn revoke(args: &[String], context: &Context) -> Answer {
    let flags = Flags::parse(args, &[("key", true)], REVOKE_FLAGS)?;
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
    let file = ring_file(context, "cannot determine home directory")?;
    let removed = file.edit(|ring| what.remove(ring)).map_err(|failure| refused(&failure))?;
    let path = file.path().display();
    let text = match &what {
        _ if removed == 0 => what.unchanged(),
        Revocation::Authority(authority) => format!("✓ Revoked publisher {authority}\n  Keyring: {path}\n"),
        Revocation::Key(key) => {
            let from = if removed == 1 { "authority" } else { "authorities" };
            format!("✓ Revoked key {key} from {removed} {from}\n  Keyring: {path}\n")
        }
    };
    let fields =
        json!({"revoked": what.name(), "removed": removed, "keyring": path.to_string(), "changed": removed > 0});
    Ok(Outcome::new(text, fields))
}

enum Revocation {
    Authority(Authority),
    Key(String),
}

impl Revocation {
    fn name(&self) -> &str {
        match self {
            Revocation::Authority(authority) => authority.as_str(),
            Revocation::Key(key) => key,
        }
    }

    /// Number of authorities it was removed from.
    fn remove(&self, ring: &mut Keyring) -> usize {
        match self {
            Revocation::Authority(authority) => usize::from(ring.revoke(authority)),
            // Not checked for its form: what is no fingerprint is nobody's.
            Revocation::Key(key) => key.parse().map_or(0, |fingerprint| ring.revoke_key(&fingerprint)),
        }
    }

    fn unchanged(&self) -> String {
        match self {
            Revocation::Authority(authority) => format!("Not trusted: {authority} (no change)\n"),
            Revocation::Key(key) => format!("No key with fingerprint {key} (no change)\n"),
        }
    }
}

fn ring_file(context: &Context, no_home: &str) -> Result<RingFile, Failure> {
    RingFile::at_home(&context.environment).ok_or_else(|| error(Class::ValidationError, no_home))
}

fn refused(failure: &RingError) -> Failure {
    error(failure.class(), failure.to_string())
}
