//! What installing verbs share: what a name on the command line means, and an install from its plan to its report.

use std::path::PathBuf;
use std::time::Duration;

use aileron_verifier::name::digest::{ContentHash, NotAHash};
use aileron_verifier::name::fqn::{Fqn, NameError, Ref};
use aileron_verifier::problem::{Class, Waiver};
use serde_json::{Value, json};

use super::{Answer, Context};
use crate::consumer::fetch::origin::Origin;
use crate::consumer::home::Home;
use crate::consumer::install::consent::{Consent, Installation};
use crate::consumer::install::error::InstallError;
use crate::consumer::install::installed::InstalledName;
use crate::consumer::install::plan::{InstallPlan, InstallReceipt};
use crate::consumer::install::{InstallTarget, Installer};
use crate::consumer::trust::prompt::{Console as _, consents};
use crate::runtime::session::compile_ahead;
use crate::store::Store;
use crate::ui::args::InstallFlags;
use crate::ui::report::console::Terminal;
use crate::ui::report::{Exit, Failure, Outcome, consent, plan_json};

/// The store and the ring, for a verb that takes `--wait-lock` or waits as long as usual.
pub(super) fn home(context: &Context, wait: Option<Duration>) -> Result<Home, Failure> {
    Ok(Home::open(&context.environment, context.waiting(wait))?)
}

/// How an install was asked for.
pub(super) struct InstallOptions<'a> {
    pub(super) flags: &'a InstallFlags,
    pub(super) allow: &'a [Waiver],
    pub(super) force: bool,
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
            let mut fields = fields("installed");
            fields["installed"] = receipt_json(&receipt);
            Outcome::new(receipt_text(&receipt, &home.store), fields)
        }
    })
}

/// Shows what would be removed, and asks.
pub(super) fn confirms_removal(context: &Context, text: &str) -> Result<bool, Failure> {
    let mut console = Terminal { json: context.output.json };
    let lost = |error: std::io::Error| {
        Failure::new(Class::StoreUnwritable, Exit::Failure, format!("cannot ask whether to remove: {error}"))
    };
    console.say(text).map_err(lost)?;
    consents(&mut console, "Remove it? [y/N]: ").map_err(lost)
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

/// A Ref and a name have `://`; everything else is a path. A Ref has a version besides.
pub(super) fn target(text: &str, version: Option<&str>) -> Result<InstallTarget, Failure> {
    if !text.contains("://") {
        return match version {
            Some(_) => Err(Failure::usage("--version belongs to a name; an archive has a version of its own")),
            None => Ok(InstallTarget::File(PathBuf::from(text))),
        };
    }
    match (text.contains('@'), version) {
        (true, Some(_)) => Err(Failure::usage(format!("{text} has a version already; leave out --version"))),
        (true, None) => Ok(InstallTarget::Version(reference(text)?)),
        (false, Some(version)) => Ok(InstallTarget::Version(reference(&format!("{text}@{version}"))?)),
        (false, None) => Ok(InstallTarget::Newest(name(text)?)),
    }
}

/// A Ref given from outside: a bad one has a class of its own. artifacts.md §1.
pub(super) fn reference(text: &str) -> Result<Ref, Failure> {
    text.parse().map_err(|error: NameError| {
        badly_named(&error).next("write a Ref as <scheme>://<owner>/<repo>[/<subpath>]@<version>")
    })
}

/// A name given from outside.
pub(super) fn name(text: &str) -> Result<Fqn, Failure> {
    text.parse()
        .map_err(|error: NameError| badly_named(&error).next("write a name as <scheme>://<owner>/<repo>[/<subpath>]"))
}

fn badly_named(error: &NameError) -> Failure {
    Failure { class: error.class(), ..Failure::usage(error.to_string()) }
}

/// `--hash`. A malformed one is `validation_error`, as wherever a hash is given. artifacts.md §1.
pub(super) fn content(text: Option<&String>) -> Result<Option<ContentHash>, Failure> {
    let parse = |text: &String| {
        text.parse().map_err(|error: NotAHash| {
            Failure { class: Class::ValidationError, ..Failure::usage(format!("--hash {error}")) }
                .next("copy the whole content hash, `sha256:` included")
        })
    };
    text.map(parse).transpose()
}

/// An installed connector: a Ref, or a name for every version that is installed.
pub(super) fn installed_name(text: &str) -> Result<InstalledName, Failure> {
    Ok(match text.contains('@') {
        true => InstalledName::Version(reference(text)?),
        false => InstalledName::Connector(name(text)?),
    })
}
