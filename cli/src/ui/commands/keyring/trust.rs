//! `keyring trust`.

use std::path::PathBuf;

use aileron_verifier::name::fqn::Authority;
use aileron_verifier::problem::Class;
use aileron_verifier::text::quote::Quoted;
use serde_json::json;

use super::ring_file;
use crate::consumer::authority::{FoundKey, TrustRequest};
use crate::consumer::fetch::origin::Origin;
use crate::consumer::trust::change::{Granted, grant};
use crate::consumer::trust::prompt::{AskError, Console as _, consents};
use crate::consumer::trust::publisher_key::Fetched;
use crate::consumer::trust::succession::KeySayings;
use crate::event::Event;
use crate::ui::commands::go_flags::{Flags, Order, error, usage};
use crate::ui::commands::{Answer, Context};
use crate::ui::report::console::Terminal;
use crate::ui::report::{Exit, Failure, Outcome};

const TRUST_USAGE: &str = "\
usage: aileron keyring trust [--key-file <path>] [--repo-only] [--fingerprint <fp>] [--yes] [--from <dir|url>] [--catalog <dir|url>] <authority>
  authority: github://owner            (trust the whole publisher, key resolved via the Hub)
             github://owner/connector  (trust the whole publisher, key from the connector repo)
  --key-file <path>   read the publisher key from a local file with no network fetch
                      (for private repos or air-gapped hosts); the authority is still required.
  --repo-only         trust this repository only, not everything its owner ships.
  --fingerprint <fp>  trust the key only if it has this fingerprint.
  --yes               without a question: needs --fingerprint.
  --from <dir|url>    fetch the key from a mirror.
  --catalog <dir|url> the Hub's catalog [default: hub.url in config.yaml].
  Trusting an owner covers every connector that publisher ships.
  Set GH_TOKEN or GITHUB_TOKEN to fetch the key from a private repo over the GitHub API.";

const NO_HOME: &str = "cannot determine home directory; set $HOME or write ~/.aileron/keyring.json by hand";

pub(super) fn run(args: &[String], context: &Context) -> Answer {
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
        let message = "--yes needs --fingerprint <fp>: without a person to compare the key, name its fingerprint";
        return Err(error(Class::UsageError, message));
    }
    let origin = Origin::choose(flags.value("from"), &context.environment);
    let request = TrustRequest {
        authority,
        repo_only: flags.has("repo-only"),
        key_file: flags.value("key-file").map(PathBuf::from),
        catalog: flags.value("catalog"),
        origin: &origin,
    };
    let found = request.find(&context.environment, context.spawner())?;
    let fingerprint = found.fetched.key.fingerprint();
    if let Some(wanted) = flags.value("fingerprint").filter(|wanted| *wanted != fingerprint.to_string()) {
        let message = format!("the key has fingerprint {fingerprint}, not {wanted}; nothing was trusted");
        return Err(error(Class::SignatureFailure, message));
    }
    if flags.value("fingerprint").is_none() {
        confirm_other_key(&found, &origin, &flags, context)?;
    }
    trusted(found, request.repo_only, &flags, context)
}

/// Where another key of this publisher is trusted and the publisher says something of the two, that is shown and asked
/// about. Without a statement the command itself is the consent, as always: keyring.md §6.1. So it is with `--fingerprint`,
/// which says that a person compared.
fn confirm_other_key(found: &FoundKey, origin: &Origin, flags: &Flags, context: &Context) -> Result<(), Failure> {
    let (Some(repository), key) = (&found.repository, &found.fetched.key) else { return Ok(()) };
    let authority = repository.repo_authority();
    let known = ring_file(context, NO_HOME, flags)?.load_or_refuse()?.keys(&authority);
    if known.is_empty() || known.contains(key) {
        return Ok(());
    }
    let sayings = KeySayings::look(key, &known, repository, origin);
    if !sayings.is_said() {
        return Ok(());
    }
    let fingerprint = key.fingerprint();
    let mut notice = format!("\nAnother key is trusted for {authority}.\n");
    for known in known {
        notice.push_str(&format!("  trusted    {}\n", known.fingerprint()));
    }
    notice.push_str(&format!("  published  {fingerprint} at {}\n", found.fetched.at));
    for line in sayings.lines(&fingerprint) {
        notice.push_str(&format!("  {line}\n"));
    }
    for (key, _) in sayings.revoked() {
        notice.push_str(&format!("  end trust in the revoked key: aileron keyring revoke --key {key}\n"));
    }
    let mut console = Terminal { json: context.output.json };
    let question = format!("Trust {fingerprint} for {} too? [y/N]: ", found.authority);
    let answer = console.say(&notice).and_then(|()| consents(&mut console, &question));
    match answer {
        Ok(true) => Ok(()),
        Ok(false) => Err(AskError::Declined(authority).into()),
        Err(why) => Err(AskError::Console { authority, why }.into()),
    }
}

/// Grants the key, and reports it.
fn trusted(found: FoundKey, repo_only: bool, flags: &Flags, context: &Context) -> Answer {
    let FoundKey { authority: granted, fetched: Fetched { key, at }, .. } = found;
    let fingerprint = key.fingerprint();
    let file = ring_file(context, NO_HOME, flags)?;
    let (reach, covers) = match repo_only {
        true => ("this repository only", "  This covers this repository only.\n"),
        false => ("every connector this publisher ships", "  This covers every connector this publisher ships.\n"),
    };
    // Shown before it is written, key and reach: there is no question, running the command is the consent.
    let announce = || {
        let before = format!("granting {granted}: key {fingerprint} from {at} will verify {reach}");
        context.progress.take(Event::Note(before));
    };
    let Granted { changed, differing } = grant(&file, &granted, key, announce)?;
    let headline = if changed { "✓ Trusted publisher " } else { "Publisher already trusted: " };
    let covers = if changed { covers } else { "" };
    let path = file.path().display();
    let mut text = format!("{headline}{granted}\n{covers}  Fingerprint: {fingerprint}\n  Keyring: {path}\n");
    if !differing.is_empty() {
        let listed: Vec<&str> = differing.iter().map(Authority::as_str).collect();
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
        "differing_grants": differing,
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
