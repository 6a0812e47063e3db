//! An install from its plan to its report, and what it leaves to do: credentials that are missing, bindings that are not
//! enough any more.

use aileron_verifier::artifact::verify::Payload;
use aileron_verifier::problem::Waiver;
use aileron_verifier::text::printable;
use serde_json::{Value, json};

use super::binding::offer::{can_ask, listed, need_json, offer_all, unbound};
use super::installing::home;
use super::unlocking::{tell, vault};
use super::{Answer, Context};
use crate::consumer::fetch::origin::Origin;
use crate::consumer::home::Home;
use crate::consumer::install::Installer;
use crate::consumer::install::consent::{Consent, Installation};
use crate::consumer::install::error::InstallError;
use crate::consumer::install::plan::{InstallPlan, InstallReceipt};
use crate::event::Event;
use crate::runtime::runner::Installed;
use crate::runtime::session::compile_ahead;
use crate::store::Store;
use crate::ui::args::InstallFlags;
use crate::ui::report::console::Terminal;
use crate::ui::report::{Failure, Outcome, consent, plan_json};
use crate::vault::drift::{Drift, drifted, mark};

/// How an install was asked for.
pub(super) struct InstallOptions<'a> {
    pub(super) flags: &'a InstallFlags,
    pub(super) allow: &'a [Waiver],
    pub(super) force: bool,
    /// Whether missing credentials are offered to be set up, once it is installed.
    pub(super) offer: Offer,
}

/// What is said about credentials that are missing. vault.md §10.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// Nothing.
    None,
    /// A list of them.
    List,
    /// Each is offered to be set up, where the user can be asked.
    Ask,
}

impl Offer {
    /// For a verb that installs actions: `--yes` answers no question that opens a browser.
    pub(super) fn of(flags: &InstallFlags, no_bind: bool) -> Offer {
        if no_bind || flags.yes || !can_ask() { Offer::List } else { Offer::Ask }
    }
}

/// Plans, shows, asks, commits, and compiles what was installed.
pub(super) fn install(
    options: &InstallOptions<'_>,
    context: &Context,
    plan: impl FnOnce(&mut Installer<'_>) -> Result<InstallPlan, InstallError>,
) -> Answer {
    let home = home(context, options.flags.wait_lock)?;
    let listener = |event| context.progress.take(event);
    let origin = Origin::choose(options.flags.from.as_deref(), &context.environment);
    let mut console = Terminal { json: context.output.json };
    let plan = {
        let mut installer = Installer::new(&home.store, &origin, &home.ring, &mut console, &listener);
        installer.yes = options.flags.yes;
        installer.allow = options.allow.to_vec();
        installer.force = options.force;
        plan(&mut installer)?
    };
    let (yes, dry_run) = (options.flags.yes, options.flags.dry_run);
    let consent = Consent { shown: &consent, yes, dry_run, force: options.force };
    let installation = plan.carry_out(&home.store, &mut console, &consent)?;
    let fields = |done: &str| json!({"outcome": done, "plan": plan_json(&plan)});
    Ok(match installation {
        Installation::Unchanged => Outcome::new(present(&plan), fields("unchanged")),
        Installation::DryRun => Outcome::new("Nothing was installed (--dry-run).\n", fields("dry-run")),
        Installation::Cancelled => Outcome::new("Cancelled.\n", fields("cancelled")),
        Installation::Installed(receipt) => {
            let directory = context.environment.aileron_home();
            let connectors = plan.connectors.iter().map(|new| &new.verified);
            compile_ahead(connectors, directory.as_deref(), &listener, context.stop);
            mark_stale(&plan, context);
            let mut fields = fields("installed");
            fields["installed"] = receipt_json(&receipt);
            let text = receipt_text(&receipt, &home.store);
            let (text, unbound) = missing_credentials(&plan, text, &home, options.offer, context)?;
            if options.offer != Offer::None {
                fields["unbound_capabilities"] = unbound;
            }
            Outcome::new(text, fields)
        }
    })
}

/// What the installed actions need and no binding has: offered, or listed after `text`. The text that is still to be shown,
/// and the same for scripts.
fn missing_credentials(
    plan: &InstallPlan,
    text: String,
    home: &Home,
    offer: Offer,
    context: &Context,
) -> Result<(String, Value), Failure> {
    if offer == Offer::None {
        return Ok((text, Value::Null));
    }
    let ring = home.ring.load()?;
    let actions = plan.actions.iter().filter_map(|new| match new.verified.payload() {
        Payload::Action(action) => Some(&**action),
        _ => None,
    });
    let manifests = Installed { store: &home.store, ring: &ring }.manifests(actions);
    // A vault that cannot be read is told by the command that needs it; what was installed is installed.
    let document = vault(context)?.read().ok().flatten().unwrap_or_default();
    let unbound = unbound(&manifests, &document);
    let fields = unbound.iter().map(|manifest| need_json(manifest)).collect();
    Ok(match offer {
        Offer::Ask if !unbound.is_empty() => {
            tell(&text, context)?;
            (offer_all(&unbound, context)?, fields)
        }
        Offer::None | Offer::List | Offer::Ask => (text + &listed(&unbound), fields),
    })
}

/// Bindings that are not enough for what was just installed become stale, which needs no key. It is said, and stops nothing.
fn mark_stale(plan: &InstallPlan, context: &Context) {
    let note = |line: String| context.progress.take(Event::Note(line));
    let Ok(vault) = vault(context) else { return };
    let Ok(Some(document)) = vault.read() else { return };
    for new in &plan.connectors {
        let Payload::Connector { manifest, .. } = new.verified.payload() else { continue };
        let Some(oauth2) = manifest.credential.as_ref().and_then(|credential| credential.oauth2.as_ref()) else {
            continue;
        };
        let required: Vec<String> = oauth2.scopes.iter().map(|scope| scope.value.clone()).collect();
        let connector = &manifest.name.value;
        if drifted(&document, connector, &required).is_empty() {
            continue;
        }
        // Found again under the lock: a binding may have been authorized again meanwhile.
        let marked = vault.change(None, |document| {
            let drifts = drifted(document, connector, &required);
            mark(document, &drifts);
            Ok(drifts)
        });
        let drifts = marked.unwrap_or_else(|error| {
            note(format!("warning: the bindings of {connector} could not be marked as stale: {error}"));
            drifted(&document, connector, &required)
        });
        for Drift { name, missing } in drifts {
            let missing = match missing.is_empty() {
                true => "what was granted is not known".to_owned(),
                false => format!("not granted yet: {}", printable(&missing.join(" "))),
            };
            let reference = new.verified.reference();
            note(format!(
                "{reference} wants more than {name} gives ({missing}); run aileron binding reauthorize {name}"
            ));
        }
    }
}

fn present(plan: &InstallPlan) -> String {
    match plan.present.as_slice() {
        [] => "There is nothing to install.\n".to_owned(),
        present if present.len() > 5 => format!("Already installed: all {} of them\n", present.len()),
        present => present.iter().map(|reference| format!("Already installed: {reference}\n")).collect(),
    }
}

fn receipt_text(receipt: &InstallReceipt, store: &Store) -> String {
    let mut text = String::new();
    for entry in &receipt.connectors {
        let done = if entry.was_there { "Already installed" } else { "Installed" };
        let (pinned, directory) = (&entry.pinned, entry.directory.display());
        text.push_str(&format!("{done}: {}\n  hash: {}\n  path: {directory}\n", pinned.reference, pinned.content));
    }
    let actions = store.home().join("actions");
    match receipt.actions.as_slice() {
        [] => {}
        [action] => {
            let done = if action.was_there { "Already installed" } else { "Installed" };
            let name = action.reference.name.action_name().unwrap_or_default();
            let path = actions.join(format!("{name}.md"));
            text.push_str(&format!("{done}: {}\n  path: {}\n", action.reference, path.display()));
        }
        many => text.push_str(&format!("Installed: {} actions\n  path: {}\n", many.len(), actions.display())),
    }
    text
}

fn receipt_json(receipt: &InstallReceipt) -> Value {
    let connectors = receipt.connectors.iter().map(|entry| {
        json!({
            "kind": "connector",
            "reference": entry.pinned.reference,
            "content_hash": entry.pinned.content,
            "path": entry.directory.display().to_string(),
            "already_installed": entry.was_there,
        })
    });
    let actions = receipt.actions.iter().map(|action| {
        json!({
            "kind": "action",
            "reference": action.reference,
            "replaced": action.before,
            "already_installed": action.was_there,
        })
    });
    connectors.chain(actions).collect()
}
