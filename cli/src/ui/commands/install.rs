//! What installing verbs share: the world, what a name on the command line means, and the walk from a plan to a receipt.

use std::path::PathBuf;
use std::time::Duration;

use aileron_verifier::name::digest::{ContentHash, NotAHash};
use aileron_verifier::name::fqn::{Fqn, NameError, Ref};
use aileron_verifier::problem::{Class, Waiver};
use serde_json::{Value, json};

use super::{Answer, Context};
use crate::consumer::fetch::origin::Origin;
use crate::consumer::install::error::InstallError;
use crate::consumer::install::plan::{Plan, Receipt};
use crate::consumer::install::{Installer, Target};
use crate::consumer::trust::grant::TrustError;
use crate::consumer::trust::prompt::{Console, consents};
use crate::consumer::trust::ring::RingFile;
use crate::store::Store;
use crate::ui::args::Installing;
use crate::ui::report::console::Terminal;
use crate::ui::report::{Failure, Outcome, consent, plan_json};

/// What is below the user's home.
pub(super) struct Home {
    pub(super) store: Store,
    pub(super) ring: RingFile,
}

impl Home {
    pub(super) fn of(context: &Context) -> Result<Home, Failure> {
        Home::waiting(context, None)
    }

    /// The same for a verb that takes `--wait-lock`.
    pub(super) fn waiting(context: &Context, wait: Option<Duration>) -> Result<Home, Failure> {
        let no_home = || Failure::from(TrustError::NoHome);
        let waiting = context.waiting(wait);
        Ok(Home {
            store: Store::at_home(&context.environment).ok_or_else(no_home)?.waiting(waiting.clone()),
            ring: RingFile::at_home(&context.environment).ok_or_else(no_home)?.waiting(waiting),
        })
    }
}

/// How an install was asked for.
pub(super) struct How<'a> {
    pub(super) installing: &'a Installing,
    pub(super) allow: &'a [Waiver],
    pub(super) force: bool,
}

/// Plans, shows, asks, commits: in this order, whatever is installed.
pub(super) fn install(
    how: &How<'_>,
    context: &Context,
    plan: impl FnOnce(&mut Installer<'_>) -> Result<Plan, InstallError>,
) -> Answer {
    let home = Home::waiting(context, how.installing.wait_lock)?;
    let listener = |event| context.progress.take(event);
    let origin = Origin::choose(how.installing.from.as_deref(), &context.environment);
    let mut console = Terminal { json: context.output.json };
    let plan = {
        let mut installer = Installer::new(&home.store, &origin, &home.ring, &mut console, &listener);
        installer.yes = how.installing.yes;
        installer.allow = how.allow.to_vec();
        installer.force = how.force;
        plan(&mut installer)?
    };
    let fields = |done: &str| json!({"outcome": done, "plan": plan_json(&plan)});
    if plan.is_empty() {
        return Ok(Outcome::new(present(&plan), fields("unchanged")));
    }
    let lost = |error: std::io::Error| {
        let message = format!("cannot ask whether to install: {error}");
        Failure::new(Class::StoreUnwritable, crate::ui::report::Exit::Failure, message)
    };
    console.say(&consent(&plan)).map_err(lost)?;
    if how.installing.dry_run {
        return Ok(Outcome::new("Nothing was installed (--dry-run).\n", fields("dry-run")));
    }
    if !how.installing.yes && !consents(&mut console, &question(&plan)).map_err(lost)? {
        return Ok(Outcome::new("Cancelled.\n", fields("cancelled")));
    }
    let receipt = plan.commit(&home.store, how.force)?;
    super::invoke::warm(plan.connectors.iter().map(|new| &new.verified), context);
    let mut fields = fields("installed");
    fields["installed"] = receipt_json(&receipt);
    Ok(Outcome::new(told(&receipt, &home.store), fields))
}

fn question(plan: &Plan) -> String {
    match plan.connectors.len() + plan.actions.len() {
        1 => "Install it? [y/N]: ".to_owned(),
        _ => "Install all of this? [y/N]: ".to_owned(),
    }
}

fn present(plan: &Plan) -> String {
    match plan.present.as_slice() {
        [] => "There is nothing to install.\n".to_owned(),
        present if present.len() > 5 => format!("Already installed: all {} of them\n", present.len()),
        present => present.iter().map(|reference| format!("Already installed: {reference}\n")).collect(),
    }
}

fn told(receipt: &Receipt, store: &Store) -> String {
    let mut text = String::new();
    for entry in &receipt.connectors {
        let done = if entry.was_there { "Already installed" } else { "Installed" };
        let (pinned, directory) = (&entry.pinned, entry.directory.display());
        text.push_str(&format!("{done}: {}\n  hash: {}\n  path: {directory}\n", pinned.reference, pinned.content));
    }
    let actions = store.home().join("actions");
    match receipt.actions.as_slice() {
        [] => {}
        [entered] => {
            let done = if entered.was_there { "Already installed" } else { "Installed" };
            let name = entered.reference.name.subpath().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
            let path = actions.join(format!("{name}.md"));
            text.push_str(&format!("{done}: {}\n  path: {}\n", entered.reference, path.display()));
        }
        many => text.push_str(&format!("Installed: {} actions\n  path: {}\n", many.len(), actions.display())),
    }
    text
}

fn receipt_json(receipt: &Receipt) -> Value {
    let connectors = receipt.connectors.iter().map(|entry| {
        json!({
            "kind": "connector",
            "reference": entry.pinned.reference,
            "content_hash": entry.pinned.content,
            "path": entry.directory.display().to_string(),
            "already_installed": entry.was_there,
        })
    });
    let actions = receipt.actions.iter().map(|entered| {
        json!({
            "kind": "action",
            "reference": entered.reference,
            "replaced": entered.before,
            "already_installed": entered.was_there,
        })
    });
    connectors.chain(actions).collect()
}

/// A Ref and a name have `://`; everything else is a path. A Ref has a version besides.
pub(super) fn target(text: &str, version: Option<&str>) -> Result<Target, Failure> {
    if !text.contains("://") {
        return match version {
            Some(_) => Err(Failure::usage("--version belongs to a name; an archive has a version of its own")),
            None => Ok(Target::File(PathBuf::from(text))),
        };
    }
    match (text.contains('@'), version) {
        (true, Some(_)) => Err(Failure::usage(format!("{text} has a version already; leave out --version"))),
        (true, None) => Ok(Target::Version(reference(text)?)),
        (false, Some(version)) => Ok(Target::Version(reference(&format!("{text}@{version}"))?)),
        (false, None) => Ok(Target::Newest(name(text)?)),
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
