//! What a person reads before they say yes: who signed it, what it may do, and what is new about that. artifacts.md §10.

use aileron_verifier::artifact::archive::Files;
use aileron_verifier::artifact::permission::{Permission, PermissionChanges, PermissionKind, Permissions};
use aileron_verifier::artifact::verify::{Payload, Verified};
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::problem::Waiver;
use aileron_verifier::text::printable::LISTED;
use aileron_verifier::text::{Untrusted, printable};
use serde_json::{Value, json};

use super::sheet::{self, Sheet};
use super::table::grouped;
use crate::consumer::install::plan::{InstallPlan, NewAction, NewConnector, ReleaseIndex, SuiteList};
use crate::event::counted;

/// The whole of what is about to be installed, for a person: the screen that a question follows.
pub(crate) fn consent(plan: &InstallPlan) -> String {
    render(plan, sheet::width())
}

fn render(plan: &InstallPlan, width: usize) -> String {
    let mut sheet = Sheet::new(width);
    if let Some(suite) = &plan.suite {
        sheet.blank();
        sheet.heading(&format!("Suite {}: {}", Untrusted(&suite.name), Untrusted(&suite.description)));
        match suite.list {
            SuiteList::SignedIndex => sheet.field("listed by", "the signed index of its release"),
            SuiteList::Unsigned => {
                sheet.field("listed by", "an unsigned list: only each action's own signature was checked");
            }
        }
    }
    for new in plan.connectors.iter() {
        sheet.blank();
        connector(&mut sheet, new);
    }
    if let ([new], true) = (plan.actions.as_slice(), plan.suite.is_none()) {
        sheet.blank();
        action(&mut sheet, new);
    } else if !plan.actions.is_empty() {
        sheet.blank();
        sheet.heading(&heading(plan));
        actions(&mut sheet, &plan.actions);
    }
    if !plan.waived.is_empty() {
        sheet.blank();
        sheet.heading(&format!("The publisher released this although it breaks: {}", waivers(&plan.waived)));
    }
    if plan.dirty {
        sheet.blank();
        sheet.heading("The publisher released this from files that differ from its commit.");
    }
    if !plan.present.is_empty() {
        sheet.blank();
        sheet.heading(&format!("Installed already and unchanged: {}", plan.present.len()));
    }
    sheet.blank();
    sheet.into_text()
}

fn heading(plan: &InstallPlan) -> String {
    let signer = |new: &NewAction| {
        format!("{} ({})", Untrusted(new.verified.reference().name.owner_authority().as_str()), new.verified.signer())
    };
    let signers = unique(plan.actions.iter().map(signer).collect());
    format!("{}, signed by {}", counted(plan.actions.len(), "action"), joined(&signers))
}

fn connector(sheet: &mut Sheet, new: &NewConnector) {
    let verified = &new.verified;
    sheet.heading(&format!("Connector {}", printable(&verified.reference().to_string())));
    if let Payload::Connector { manifest, content, .. } = verified.payload() {
        let owner = verified.reference().name.owner_authority();
        match manifest.publisher.as_deref().filter(|name| !name.trim().is_empty()) {
            Some(name) => sheet.field("publisher", &format!("{owner} (calls itself {})", Untrusted(name))),
            None => sheet.field("publisher", owner.as_str()),
        }
        sheet.field("signed by", &verified.signer().to_string());
        // On a line of its own it fits whole, and can be copied.
        sheet.field("content hash", "");
        sheet.entry(&content.to_string());
        sheet.field("size", &size(verified));
    }
    match &new.index {
        ReleaseIndex::NotAsked | ReleaseIndex::Signed { .. } => {}
        ReleaseIndex::Absent => sheet.field(
            "release",
            "no signed index: whether rules were waived, or files differ from the commit, is not known",
        ),
        ReleaseIndex::Unusable(why) => sheet.field(
            "release",
            &format!(
                "its index does not count, so waived rules and uncommitted files are not known: {}",
                Untrusted(why)
            ),
        ),
    }
    let permissions = new.permissions();
    if let (Some(before), Some(changes)) = (&new.before, new.changes()) {
        // What is new comes first: a long list below must not push it away.
        difference(sheet, &before.reference.to_string(), &changes);
    }
    may_do(sheet, &permissions);
}

/// Everything a connector may do, a line for each leaf. What it may not is said too.
fn may_do(sheet: &mut Sheet, permissions: &Permissions) {
    for kind in PermissionKind::ALL {
        let values: Vec<String> =
            permissions.of_kind(*kind).map(|permission| printable(&permission.to_string()).into_owned()).collect();
        let none = match kind {
            PermissionKind::Host => "nothing",
            PermissionKind::CredentialKind => "no credential",
            PermissionKind::Import => "no host function",
            PermissionKind::Program => "no program",
            _ if values.is_empty() => continue,
            _ => "",
        };
        match kind {
            PermissionKind::Import if values.len() <= LISTED && !values.is_empty() => {
                sheet.field(kind.label(), &values.join(", "));
            }
            _ => sheet.list(kind.label(), &values, none),
        }
    }
}

fn difference(sheet: &mut Sheet, older: &str, changes: &PermissionChanges) {
    let line = |one: &Permission| format!("{} {}", one.kind.label(), Untrusted(&one.to_string()));
    let older = Untrusted(older);
    sheet.field("compared with", &format!("{older}, which is installed"));
    if !changes.is_growth() {
        sheet.field("may do", "what that may, and nothing more");
    }
    // The word comes first, and what was there stands on a line of its own: a value cannot end in them.
    for added in changes.added.iter().take(LISTED) {
        sheet.entry(&format!("+ NEW: {}", line(added)));
    }
    sheet.rest(changes.added.len());
    for changed in changes.changed.iter().take(LISTED) {
        sheet.entry(&format!("~ CHANGED: {}", line(&changed.after)));
        sheet.entry_line(&format!("before: {}", Untrusted(&changed.before.to_string())));
    }
    sheet.rest(changes.changed.len());
    sheet.entries(&changes.removed.iter().map(|one| format!("- no longer: {}", line(one))).collect::<Vec<_>>());
}

fn action(sheet: &mut Sheet, new: &NewAction) {
    let verified = &new.verified;
    sheet.heading(&format!("Action {}", printable(&verified.reference().to_string())));
    let Payload::Action(action) = verified.payload() else { return };
    sheet.field("publisher", verified.reference().name.owner_authority().as_str());
    sheet.field("signed by", &verified.signer().to_string());
    if let Some(before) = &new.before {
        sheet.field("replaces", &replaced(before, verified));
    }
    let growth: Vec<String> = new.growth().iter().map(|gained| format!("NEW: {}", Untrusted(gained))).collect();
    if !growth.is_empty() {
        sheet.list("may now also", &growth, "");
    }
    sheet.field("does", &printable(&action.intent.value));
    for requirement in action.requires.iter().take(LISTED) {
        let operations = requirement.capabilities.iter().map(|one| one.value.clone()).collect::<Vec<_>>();
        let name = format!("{}@{}", requirement.name.value, requirement.version.value);
        sheet.field("uses", &format!("{}: {}", Untrusted(&name), joined(&operations)));
    }
    if action.requires.len() > LISTED {
        let more = action.requires.len() - LISTED;
        sheet.field("", &format!("… and {more} more connectors (--json lists them all)"));
    }
    sheet.field("asks you first", if action.needs_approval() { "yes, before every run" } else { "no" });
    if !verified.warnings().is_empty() {
        let rules: Vec<String> = verified.warnings().iter().map(|problem| problem.rule.to_string()).collect();
        sheet.field("breaks", &unique(rules).join(", "));
    }
}

fn replaced(before: &Ref, verified: &Verified) -> String {
    let text = before.to_string();
    let before_text = Untrusted(&text);
    match before.version.precedence(&verified.reference().version) {
        std::cmp::Ordering::Greater if before.name == verified.reference().name => {
            format!("{before_text}, WHICH IS NEWER")
        }
        _ if before.name != verified.reference().name => format!("{before_text}, ANOTHER ACTION"),
        _ => before_text.to_string(),
    }
}

/// What one action of many changes: the more a person should look at it, the further up it stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    Replaces,
    Grows,
    New,
    Newer,
}

fn actions(sheet: &mut Sheet, actions: &[NewAction]) {
    let row = |new: &NewAction| {
        let Payload::Action(action) = new.verified.payload() else { return (Urgency::New, String::new()) };
        let operations = action.requires.iter().flat_map(|needs| &needs.capabilities).map(|one| one.value.clone());
        let asks = if action.needs_approval() { "asks first" } else { "does not ask" };
        let growth = new.growth();
        let (urgency, change) = match &new.before {
            None => (Urgency::New, "new".to_owned()),
            Some(before) if before == new.verified.reference() => (Urgency::Newer, "installed again".to_owned()),
            Some(before) if before.name == new.verified.reference().name => match growth.is_empty() {
                true => (Urgency::Newer, format!("from {}", Untrusted(before.version.as_str()))),
                false => {
                    (Urgency::Grows, format!("from {}, NEW: {}", Untrusted(before.version.as_str()), joined(&growth)))
                }
            },
            Some(before) => (Urgency::Replaces, format!("REPLACES {}", Untrusted(&before.to_string()))),
        };
        let version = new.verified.reference().version.to_string();
        let (name, version) = (Untrusted(&action.name.value), Untrusted(&version));
        (urgency, format!("{name} {version}: {change}; {asks}; uses {}", joined(&unique(operations.collect()))))
    };
    let mut rows: Vec<(Urgency, String)> = actions.iter().map(row).collect();
    rows.sort_by_key(|(urgency, _)| *urgency);
    sheet.entries(&rows.into_iter().map(|(_, text)| text).collect::<Vec<_>>());
    let broken = actions.iter().flat_map(|new| new.verified.warnings()).map(|problem| problem.rule);
    let broken: std::collections::BTreeSet<_> = broken.collect();
    if !broken.is_empty() {
        sheet.blank();
        let rules: Vec<String> = broken.iter().map(ToString::to_string).collect();
        sheet.heading(&format!("Some of them break rules you allow: {}", rules.join(", ")));
    }
}

/// Values side by side, each harmless, at most [`LISTED`] of them.
fn joined(values: &[String]) -> String {
    let mut text = values.iter().take(LISTED).map(|value| printable(value)).collect::<Vec<_>>().join(", ");
    if values.len() > LISTED {
        text.push_str(&format!(", … and {} more", values.len() - LISTED));
    }
    text
}

fn unique(values: Vec<String>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    for value in values {
        if !unique.contains(&value) {
            unique.push(value);
        }
    }
    unique
}

fn size(verified: &Verified) -> String {
    let module = match verified.files() {
        Files::Connector { wasm, .. } => grouped(wasm.len() as u64),
        Files::Action { .. } => return String::new(),
    };
    match verified.size() {
        Some(archive) => format!("{module} bytes of code, in an archive of {} bytes", grouped(archive)),
        None => format!("{module} bytes of code"),
    }
}

fn waivers(waived: &[Waiver]) -> String {
    waived.iter().map(|waiver| waiver.rule().to_string()).collect::<Vec<_>>().join(", ")
}

/// The same for scripts.
pub(crate) fn plan_json(plan: &InstallPlan) -> Value {
    let connector = |new: &NewConnector| {
        let may = new.verified.capabilities().unwrap_or_default();
        let growth = new.before.as_ref().map(|before| may.since(&before.capabilities));
        json!({
            "reference": new.verified.reference(),
            "content_hash": new.verified.content(),
            "signer": new.verified.signer(),
            "archive": new.verified.digest().map(|sha256| json!({"sha256": sha256, "size": new.verified.size()})),
            "capabilities": may,
            "upgrades": new.before.as_ref().map(|before| &before.reference),
            "difference": growth,
            "authority": new.permissions(),
            "authority_difference": new.changes(),
            "index": index_json(&new.index),
            "needed_by": new.needed_by,
        })
    };
    let action = |new: &NewAction| {
        let Payload::Action(action) = new.verified.payload() else { return Value::Null };
        let operations = action.requires.iter().flat_map(|needs| &needs.capabilities).map(|one| one.value.clone());
        json!({
            "reference": new.verified.reference(),
            "signer": new.verified.signer(),
            "capabilities": unique(operations.collect()),
            "approval": action.needs_approval(),
            "replaces": new.before,
            "growth": new.growth(),
            "warnings": unique(new.verified.warnings().iter().map(|problem| problem.rule.to_string()).collect()),
        })
    };
    json!({
        "suite": plan.suite.as_ref().map(|suite| {
            json!({"name": suite.name, "description": suite.description, "list": suite.list.as_str()})
        }),
        "connectors": plan.connectors.iter().map(connector).collect::<Vec<_>>(),
        "actions": plan.actions.iter().map(action).collect::<Vec<_>>(),
        "present": plan.present,
        "allowed": plan.waived,
        "dirty": plan.dirty,
    })
}

fn index_json(index: &ReleaseIndex) -> Value {
    match index {
        ReleaseIndex::NotAsked => Value::Null,
        ReleaseIndex::Signed { .. } => json!({"state": "signed"}),
        ReleaseIndex::Absent => json!({"state": "absent"}),
        ReleaseIndex::Unusable(why) => json!({"state": "unusable", "why": why}),
    }
}

#[cfg(test)]
mod tests;
