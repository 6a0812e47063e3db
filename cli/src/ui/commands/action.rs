//! `action`: add, add-suite, upgrade, list, remove.

use aileron_verifier::text::printable;
use aileron_verifier::text::printable::LISTED;
use serde_json::json;

use super::connector::asked;
use super::install::{Home, How, install, reference, target};
use super::{Answer, Context};
use crate::store::ActionFile;
use crate::ui::args::{Action, ActionAdd, AddSuite, Remove, Upgrade};
use crate::ui::report::table::table;
use crate::ui::report::{Failure, Outcome};

pub(super) fn run(verb: Action, context: &Context) -> (&'static str, Answer) {
    match verb {
        Action::Add(args) => ("action add", add(&args, context)),
        Action::AddSuite(args) => ("action add-suite", add_suite(&args, context)),
        Action::Upgrade(args) => ("action upgrade", upgrade(&args, context)),
        Action::Run(args) => ("action run", super::invoke::action(&args, context)),
        Action::List => ("action list", list(context)),
        Action::Remove(args) => ("action remove", remove(&args, context)),
    }
}

fn add(args: &ActionAdd, context: &Context) -> Answer {
    let target = target(&args.target, None)?;
    let how = How { installing: &args.installing, allow: &args.allow, force: args.force };
    install(&how, context, |installer| installer.action(&target))
}

fn add_suite(args: &AddSuite, context: &Context) -> Answer {
    let how = How { installing: &args.installing, allow: &args.allow, force: args.force };
    match (&args.release, &args.file) {
        (Some(release), _) => {
            let release = reference(release)?;
            install(&how, context, |installer| installer.suite_of(&release))
        }
        (None, Some(file)) => install(&how, context, |installer| installer.suite_file(file)),
        (None, None) => Err(Failure::usage("name a release, or a suite file with -f")),
    }
}

fn upgrade(args: &Upgrade, context: &Context) -> Answer {
    let store = Home::of(context)?.store;
    let files = match args.names.as_slice() {
        [] => store.actions()?,
        names => names.iter().map(|name| store.action(name)).collect::<Result<Vec<_>, _>>()?,
    };
    let how = How { installing: &args.installing, allow: &args.allow, force: false };
    install(&how, context, |installer| installer.upgrades(&files))
}

fn list(context: &Context) -> Answer {
    let files = Home::of(context)?.store.actions()?;
    let row = |file: &ActionFile| {
        let (version, source) = match &file.reference {
            Some(reference) => (reference.version.to_string(), reference.name.to_string()),
            None => ("-".to_owned(), "(cannot be read)".to_owned()),
        };
        vec![file.name.clone(), version, source, if file.signed { "yes" } else { "NO" }.to_owned()]
    };
    let text = match files.is_empty() {
        true => "No actions are installed.\n  Install one with `aileron action add <name>`.\n".to_owned(),
        false => {
            let table = table(&["action", "version", "source", "signed"], &files.iter().map(row).collect::<Vec<_>>());
            format!("{table}{}", unsigned(&files))
        }
    };
    let document = |file: &ActionFile| {
        let needs = |needs: &crate::store::Pinned| json!({"reference": needs.reference, "content_hash": needs.content});
        json!({
            "name": file.name,
            "reference": file.reference,
            "signed": file.signed,
            "requires": file.needs.iter().map(needs).collect::<Vec<_>>(),
        })
    };
    Ok(Outcome::new(text, json!({"actions": files.iter().map(document).collect::<Vec<_>>()})))
}

/// What to do about actions without a signature, where there are any.
fn unsigned(files: &[ActionFile]) -> String {
    let without: Vec<&ActionFile> = files.iter().filter(|file| !file.signed).collect();
    if without.is_empty() {
        return String::new();
    }
    let mut text =
        "\nInstalled without a signature (by the existing runtime); none of these runs until it is added again:\n"
            .to_owned();
    for file in without.iter().take(LISTED) {
        match &file.reference {
            Some(reference) => text.push_str(&format!("  aileron action add {reference}\n")),
            None => text.push_str(&format!("  {}: its text cannot be read\n", printable(&file.name))),
        }
    }
    if without.len() > LISTED {
        text.push_str(&format!("  … and {} more (--json lists them all)\n", without.len() - LISTED));
    }
    text
}

fn remove(args: &Remove, context: &Context) -> Answer {
    let store = Home::waiting(context, args.wait_lock)?.store;
    let files = args.names.iter().map(|name| store.action(name)).collect::<Result<Vec<_>, _>>()?;
    let shown = |file: &ActionFile| match &file.reference {
        Some(reference) => reference.to_string(),
        None => file.name.clone(),
    };
    let listed: String = files.iter().map(|file| format!("  {}\n", shown(file))).collect();
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let fields = |outcome: &str| json!({"outcome": outcome, "actions": names});
    if args.dry_run {
        return Ok(Outcome::new(format!("Would remove:\n{listed}"), fields("dry-run")));
    }
    if !args.yes && !asked(context, &format!("Remove:\n{listed}"))? {
        return Ok(Outcome::new("Cancelled.\n", fields("cancelled")));
    }
    for file in &files {
        store.remove_action(&file.name)?;
    }
    Ok(Outcome::new(
        files.iter().map(|file| format!("Removed: {}\n", shown(file))).collect::<String>(),
        fields("removed"),
    ))
}
