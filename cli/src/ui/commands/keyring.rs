//! `keyring`: whom this machine trusts. Texts, exit codes and flag syntax are keyring.md §6's, word for word; `--json` and
//! the narrower flags of `trust` are ours.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aileron_verifier::name::fqn::{Authority, Fqn, NameError};
use aileron_verifier::problem::Class;
use aileron_verifier::text::quote::Quoted;
use aileron_verifier::trust::key::{Fingerprint, PublicKey};
use aileron_verifier::trust::keyring::Keyring;
use serde_json::json;

use super::flags::{Flags, Order, error, usage};
use super::{Answer, Context};
use crate::consumer::fetch::origin::Origin;
use crate::consumer::hub;
use crate::consumer::trust::grant::TrustError;
use crate::consumer::trust::publisher_key::{self, Fetched, KeyFetchError};
use crate::consumer::trust::ring::{RingError, RingFile};
use crate::event::Event;
use crate::sys::address::Address;
use crate::sys::lock::LockError;
use crate::sys::private::Flaw;
use crate::ui::args::duration;
use crate::ui::report::{Exit, Failure, Outcome, private};

const USAGE: &str = "usage: aileron keyring <trust|list|revoke> [args...]";
const LIST_USAGE: &str = "usage: aileron keyring list";
const REVOKE_USAGE: &str = "usage: aileron keyring revoke <authority>  OR  aileron keyring revoke --key <fingerprint>";
const REVOKE_FLAGS: &str =
    "Usage of keyring revoke:\n  -key string\n    \tRevoke a single key everywhere by its fingerprint (sha256:...)";
const TRUST_USAGE: &str = "\
usage: aileron keyring trust [--key-file <path>] [--repo-only] [--fingerprint <fp>] [--yes] [--from <dir|url>] [--catalog <dir|url>] <authority>
  authority: github://owner            (trust the whole publisher, key resolved via the Hub)
             github://owner/connector  (trust the whole publisher, key from the connector repo)
  --key-file <path>   read the publisher key from a local file with no network fetch
                      (for private repos or air-gapped hosts); the authority is still required.
  --repo-only         trust this repository alone, not everything its owner ships.
  --fingerprint <fp>  trust the key only if it has this fingerprint.
  --yes               nobody is looking: needs --fingerprint.
  --from <dir|url>    fetch the key from a mirror.
  --catalog <dir|url> the Hub's catalog [default: hub.url in config.yaml].
  Trusting an owner covers every connector that publisher ships.
  Set GH_TOKEN or GITHUB_TOKEN to fetch the key from a private repo over the GitHub API.";

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

fn trust(args: &[String], context: &Context) -> Answer {
    let known = [
        ("key-file", true),
        ("repo-only", false),
        ("fingerprint", true),
        ("yes", false),
        ("from", true),
        ("catalog", true),
        ("plan", true),
        ("wait-lock", true),
    ];
    let flags = Flags::parse(args, &known, TRUST_USAGE, Order::First)?;
    if let Some(plan) = flags.value("plan") {
        return Err(no_plan(plan, &flags));
    }
    let [authority] = flags.positional.as_slice() else { return Err(usage(TRUST_USAGE)) };
    if authority.is_empty() {
        return Err(error(Class::ValidationError, "authority cannot be empty"));
    }
    if flags.has("yes") && flags.value("fingerprint").is_none() {
        let message = "--yes needs --fingerprint <fp>: where nobody looks at the key, it has to be named";
        return Err(error(Class::UsageError, message));
    }
    let (granted, Fetched { key, at }) = resolve(authority, &flags, context)?;
    let fingerprint = key.fingerprint();
    if let Some(wanted) = flags.value("fingerprint").filter(|wanted| *wanted != fingerprint.to_string()) {
        let message = format!("the key has fingerprint {fingerprint}, not {wanted}; nothing was trusted");
        return Err(error(Class::SignatureFailure, message));
    }
    let no_home = "cannot determine home directory; set $HOME or write ~/.aileron/keyring.json by hand";
    let file = ring_file(context, no_home, &flags)?;
    let (reach, covers) = match flags.has("repo-only") {
        true => ("this repository alone", "  This covers this repository alone.\n"),
        false => ("every connector this publisher ships", "  This covers every connector this publisher ships.\n"),
    };
    let edited = file.edit(|ring| {
        if ring.exact(&granted).contains(&key) {
            return (false, others(ring, &granted, &key));
        }
        // Said before it is written, key and reach: there is no question, running the command is the consent.
        let before = format!("granting {granted}: key {fingerprint} from {at} will verify {reach}");
        context.progress.take(Event::Note(before));
        (ring.grant(granted.clone(), key), Vec::new())
    });
    let (changed, others) = edited.map_err(|failure| refused(&failure))?;
    let headline = if changed { "✓ Trusted publisher " } else { "Publisher already trusted: " };
    let covers = if changed { covers } else { "" };
    let path = file.path().display();
    let mut text = format!("{headline}{granted}\n{covers}  Fingerprint: {fingerprint}\n  Keyring: {path}\n");
    if !others.is_empty() {
        let listed: Vec<&str> = others.iter().map(Authority::as_str).collect();
        text.push_str(&format!(
            "  Note: {granted} already has per-repo grant(s) with a DIFFERENT key: {}\n        \
                     If a plan you froze/published still refuses to launch, trust its own\n        \
                     signing key with `aileron keyring trust --plan <name>`.\n",
            listed.join(", ")
        ));
    }
    let fields = json!({
        "authority": granted,
        "fingerprint": fingerprint,
        "from": at,
        "keyring": path.to_string(),
        "changed": changed,
        "differing_grants": others,
    });
    Ok(Outcome::new(text, fields))
}

/// `--plan` names the signing key of a frozen Flight Plan, and this program keeps none. keyring.md §6.1.
fn no_plan(plan: &str, flags: &Flags) -> Failure {
    if flags.value("key-file").is_some() {
        let message =
            "--plan and --key-file are mutually exclusive (the plan's signing key is read from the frozen store)";
        return error(Class::UsageError, message);
    }
    if !flags.positional.is_empty() {
        let message = "--plan takes no authority argument; the publisher authority is read from the plan's signed lock";
        let failure = error(Class::UsageError, message);
        let text = format!("{}\n{TRUST_USAGE}", failure.pinned.unwrap_or_default());
        return Failure { pinned: Some(text), ..Failure::new(Class::UsageError, Exit::Failure, message) };
    }
    error(Class::UsageError, format!("there is no frozen plan {}: this program keeps no Flight Plans", Quoted(plan)))
        .next("aileron keyring trust --repo-only --key-file <path> <repo-authority>, with the plan's signing key")
}

/// Repositories of an owner that are trusted with another key than the owner's.
fn others(ring: &Keyring, owner: &Authority, key: &PublicKey) -> Vec<Authority> {
    let of_owner = |authority: &&Authority| *authority != owner && authority.owner().as_ref() == Some(owner);
    let differs = |authority: &&Authority| ring.exact(authority).iter().any(|other| other != key);
    ring.authorities().filter(of_owner).filter(differs).cloned().collect()
}

/// The authority a grant goes under, and its key. keyring.md §6.1.
fn resolve(authority: &str, flags: &Flags, context: &Context) -> Result<(Authority, Fetched), Failure> {
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
        let key = publisher_key::from_file(&PathBuf::from(path)).map_err(|why| error(why.class(), why.to_string()))?;
        return Ok((granted, Fetched { key, at: Address::of_path(path.as_ref()) }));
    }
    let origin = Origin::choose(flags.value("from"), &context.environment);
    let Some(name) = name else {
        let fetched = through_hub(&granted, flags, &origin, context)?;
        return Ok((granted, fetched));
    };
    let failed = |why: KeyFetchError| {
        let message = format!("fetch publisher key for {}: {why}", name.repo_authority());
        unfetched(&why, message, &granted)
    };
    let fetched = publisher_key::fetch(&name, &origin).map_err(failed)?;
    Ok((granted, fetched))
}

fn unfetched(why: &KeyFetchError, message: String, owner: &Authority) -> Failure {
    let key_file = format!("aileron keyring trust --key-file <path> {owner}, with the key from its publisher");
    let failure = Failure { retriable: why.is_retriable(), ..error(why.class(), message) };
    match why {
        KeyFetchError::Absent(_) => failure.next(format!("for a private repository set GH_TOKEN; or {key_file}")),
        _ => failure.next(key_file),
    }
}

/// A bare owner's key: that of the first connector the Hub lists for exactly this owner. keyring.md §5.3.
fn through_hub(owner: &Authority, flags: &Flags, origin: &Origin, context: &Context) -> Result<Fetched, Failure> {
    let instead = format!("trust via a specific connector, e.g. keyring trust {owner}/<repo>");
    let source = hub::Source::choose(flags.value("catalog"), &context.environment);
    let catalog = source.and_then(|source| source.read(context.spawner())).map_err(|why| {
        let failure = error(why.class(), format!("query Hub for publisher {owner}; {instead}"));
        Failure { pinned: failure.pinned.map(|text| format!("error: {why}\n{text}")), ..failure }
    })?;
    let Some((entry, name)) = catalog.with_key_of(owner) else {
        let message = format!("no Hub entry with a publisher key for {owner}; {instead}");
        return Err(error(Class::FetchFailed, message));
    };
    hub::key_of(entry, Some(&name), origin).map_err(|why| {
        let message =
            format!("fetch publisher key from {} (Hub key_url for {owner}): {why}", Address::of(&*entry.key_url));
        unfetched(&why, message, owner)
    })
}

/// `github://owner`, with or without slashes behind it. keyring.md §2.4.
fn bare_owner(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let owner = rest.trim_end_matches('/');
    (!owner.is_empty() && !owner.contains('/')).then(|| text.trim_end_matches('/'))
}

fn list(context: &Context) -> Answer {
    let file = at_home(context, "cannot determine home directory")?;
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

fn ring_file(context: &Context, no_home: &str, flags: &Flags) -> Result<RingFile, Failure> {
    let wait = flags.value("wait-lock").map(duration).transpose();
    let wait = wait.map_err(|why| error(Class::UsageError, format!("--wait-lock: {why}")))?;
    Ok(at_home(context, no_home)?.waiting(context.waiting(wait)))
}

fn at_home(context: &Context, no_home: &str) -> Result<RingFile, Failure> {
    RingFile::at_home(&context.environment).ok_or_else(|| error(Class::ValidationError, no_home))
}

fn refused(failure: &RingError) -> Failure {
    let told = error(failure.class(), failure.to_string());
    match failure {
        RingError::Load { why: TrustError::NotPrivate(why), .. } if why.flaw == Flaw::WritableByOthers => {
            told.next(format!("look through it, then chmod go-w {}", why.at.display()))
        }
        RingError::Load { why: TrustError::NotPrivate(why), .. } | RingError::NotPrivate(why) => {
            told.next(private::next(why))
        }
        RingError::Locked(LockError::Busy { .. }) => Failure { retriable: true, ..told }
            .next("run the same command again when the other one is done; --wait-lock TIME waits longer"),
        RingError::Locked(LockError::Interrupted(_)) => Failure { exit: Exit::Interrupted, ..told },
        RingError::Locked(LockError::Disk(_)) => told,
        RingError::Load { why: TrustError::Ring(why), path } => {
            Failure { place: why.line().map(|line| (path.clone(), line)), ..told }
        }
        RingError::Load { .. } | RingError::Save(_) => told,
    }
}
