//! What a person reads before they say yes: who signed it, what it may do, and what is new about that. artifacts.md §10.

use aileron_verifier::archive::Files;
use aileron_verifier::capability::{Capabilities, Difference};
use aileron_verifier::fqn::Ref;
use aileron_verifier::problem::Waiver;
use aileron_verifier::verify::{Payload, Verified};
use serde_json::{Value, json};

use super::table::{grouped, table};
use crate::consumer::plan::{NewAction, NewConnector, Plan};
use crate::event::counted;

/// The whole of what is about to be installed, for a person.
pub(crate) fn consent(plan: &Plan) -> String {
    let mut text = String::new();
    if let Some((name, description)) = &plan.suite {
        text.push_str(&format!("\nSuite {}: {}\n", shown(name), shown(description)));
    }
    for new in &plan.connectors {
        text.push('\n');
        text.push_str(&connector(new));
    }
    if let ([new], true) = (plan.actions.as_slice(), plan.suite.is_none()) {
        text.push('\n');
        text.push_str(&action(new));
    } else if !plan.actions.is_empty() {
        text.push_str(&format!("\n{}\n", heading(plan)));
        text.push_str(&actions(&plan.actions));
    }
    if !plan.waived.is_empty() {
        text.push_str(&format!("\nThe publisher released this although it breaks: {}\n", waivers(&plan.waived)));
    }
    if plan.dirty {
        text.push_str("\nThe publisher released this from files that differ from its commit.\n");
    }
    if !plan.present.is_empty() {
        text.push_str(&format!("\nInstalled already and unchanged: {}\n", plan.present.len()));
    }
    text.push('\n');
    text
}

fn heading(plan: &Plan) -> String {
    let mut signers: Vec<String> = Vec::new();
    for new in &plan.actions {
        let signer = format!("{} ({})", new.verified.reference().name.owner_authority(), new.verified.signer());
        if !signers.contains(&signer) {
            signers.push(signer);
        }
    }
    format!("{}, signed by {}", counted(plan.actions.len(), "action"), signers.join(", "))
}

fn connector(new: &NewConnector) -> String {
    let verified = &new.verified;
    let mut text = format!("Connector {}\n", verified.reference());
    let mut line = |label: &str, value: &str| text.push_str(&format!("  {label:<16}{value}\n"));
    if let Payload::Connector { manifest, content, .. } = verified.payload() {
        let owner = verified.reference().name.owner_authority();
        match manifest.publisher.as_deref().filter(|name| !name.trim().is_empty()) {
            Some(name) => line("publisher", &format!("{owner} (calls itself {})", shown(name))),
            None => line("publisher", owner.as_str()),
        }
        line("signed by", &verified.signer().to_string());
        line("content hash", &content.to_string());
        line("size", &size(verified));
    }
    let may = verified.capabilities().unwrap_or_default();
    let before = new.before.as_ref().map(|(_, before)| before);
    for (label, value) in may_do(&may) {
        line(label, &value);
    }
    if let (Some((older, _)), Some(before)) = (&new.before, before) {
        text.push_str(&difference(&older.to_string(), &may.since(before)));
    }
    text
}

/// What a connector may do, in full: what it may not is said too.
fn may_do(may: &Capabilities) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let mut list = |label: &'static str, values: &[String], none: &str| match values {
        [] => lines.push((label, none.to_owned())),
        [first, rest @ ..] => {
            lines.push((label, shown(first)));
            lines.extend(rest.iter().map(|value| ("", shown(value))));
        }
    };
    list("may connect to", &may.hosts, "nothing");
    let credential = may.credential.iter().map(|credential| match &credential.scope {
        Some(scope) => format!("{}: {}", credential.kind, shown(scope)),
        None => format!("{}, for a purpose it does not name", credential.kind),
    });
    list("uses your", &credential.collect::<Vec<_>>(), "no credential");
    list(
        "may call",
        &[may.imports.join(", ")].into_iter().filter(|all| !all.is_empty()).collect::<Vec<_>>(),
        "no host function",
    );
    list("may start", &may.spawn, "no program");
    lines
}

fn difference(older: &str, difference: &Difference) -> String {
    if difference.is_empty() {
        return format!("  It may do what {older} may, and nothing more.\n");
    }
    let mut text = format!("  Compared with {older}, which is installed:\n");
    for gained in &difference.gained {
        text.push_str(&format!("    + {}    NEW\n", shown(gained)));
    }
    for lost in &difference.lost {
        text.push_str(&format!("    - {}\n", shown(lost)));
    }
    text
}

fn action(new: &NewAction) -> String {
    let verified = &new.verified;
    let mut text = format!("Action {}\n", verified.reference());
    let Payload::Action(action) = verified.payload() else { return text };
    let mut line = |label: &str, value: &str| text.push_str(&format!("  {label:<16}{value}\n"));
    line("publisher", verified.reference().name.owner_authority().as_str());
    line("signed by", &verified.signer().to_string());
    line("does", &shown(&action.intent.value));
    for requirement in &action.requires {
        let operations: Vec<String> = requirement.capabilities.iter().map(|one| shown(&one.value)).collect();
        line("uses", &format!("{}@{}: {}", requirement.name.value, requirement.version.value, operations.join(", ")));
    }
    line("asks you first", if action.needs_approval() { "yes, before every run" } else { "no" });
    if let Some(before) = &new.before {
        line("replaces", &replaced(before, verified));
    }
    for gained in new.growth() {
        line("may now also", &format!("{}    NEW", shown(&gained)));
    }
    if !verified.warnings().is_empty() {
        let rules: Vec<String> = verified.warnings().iter().map(|problem| problem.rule.to_string()).collect();
        line("breaks", &unique(rules).join(", "));
    }
    text
}

fn replaced(before: &Ref, verified: &Verified) -> String {
    match before.version.precedence(&verified.reference().version) {
        std::cmp::Ordering::Greater if before.name == verified.reference().name => format!("{before}, WHICH IS NEWER"),
        _ if before.name != verified.reference().name => format!("{before}, ANOTHER ACTION"),
        _ => before.to_string(),
    }
}

fn actions(actions: &[NewAction]) -> String {
    let row = |new: &NewAction| {
        let Payload::Action(action) = new.verified.payload() else { return Vec::new() };
        let operations = action.requires.iter().flat_map(|needs| &needs.capabilities).map(|one| shown(&one.value));
        let asks = if action.needs_approval() { "yes" } else { "no" };
        let change = match &new.before {
            None => "new".to_owned(),
            Some(before) if before == new.verified.reference() => "mended".to_owned(),
            Some(before) if before.name == new.verified.reference().name => {
                let growth: String = new.growth().iter().map(|gained| format!(", NEW: {}", shown(gained))).collect();
                format!("from {}{growth}", before.version)
            }
            Some(before) => format!("REPLACES {before}"),
        };
        let version = new.verified.reference().version.to_string();
        vec![action.name.value.clone(), version, unique(operations.collect()).join(", "), asks.to_owned(), change]
    };
    let rows: Vec<Vec<String>> = actions.iter().map(row).collect();
    let table = table(&["action", "version", "uses", "asks first", ""], &rows);
    let indented: String = table.lines().map(|line| format!("  {line}").trim_end().to_owned() + "\n").collect();
    let mut broken: Vec<String> =
        actions.iter().flat_map(|new| new.verified.warnings()).map(|problem| problem.rule.to_string()).collect();
    broken.sort_unstable();
    broken.dedup();
    match broken.is_empty() {
        true => indented,
        false => format!("{indented}\nSome of them break rules you allow: {}\n", broken.join(", ")),
    }
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

/// Somebody else's text on this screen: no line breaks, no terminal codes, and nothing that is invisible or turns the
/// reading direction, so that it cannot draw a screen of its own.
fn shown(text: &str) -> String {
    let unseen = |char: char| {
        char.is_control()
            || matches!(char, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(char, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    text.chars().flat_map(|char| if unseen(char) { char.escape_unicode().collect() } else { vec![char] }).collect()
}

/// The same for scripts.
pub(crate) fn plan_json(plan: &Plan) -> Value {
    let connector = |new: &NewConnector| {
        let may = new.verified.capabilities().unwrap_or_default();
        let growth = new.before.as_ref().map(|(_, before)| may.since(before));
        json!({
            "reference": new.verified.reference(),
            "content_hash": new.verified.content(),
            "signer": new.verified.signer(),
            "archive": new.verified.digest().map(|sha256| json!({"sha256": sha256, "size": new.verified.size()})),
            "capabilities": may,
            "upgrades": new.before.as_ref().map(|(before, _)| before),
            "difference": growth,
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
        "suite": plan.suite.as_ref().map(|(name, description)| json!({"name": name, "description": description})),
        "connectors": plan.connectors.iter().map(connector).collect::<Vec<_>>(),
        "actions": plan.actions.iter().map(action).collect::<Vec<_>>(),
        "present": plan.present,
        "allowed": plan.waived,
        "dirty": plan.dirty,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publishers_words_cannot_draw_on_the_screen() {
        assert_eq!(shown("Read your teas, größer — 茶"), "Read your teas, größer — 茶");
        for (text, safe) in [
            ("a\nConnector github://x/y", r"a\u{a}Connector github://x/y"),
            ("\u{1b}[2Jgone", r"\u{1b}[2Jgone"),
            ("no\r  yes", r"no\u{d}  yes"),
            ("evil\u{202e}live", r"evil\u{202e}live"),
            ("a\u{200b}b", r"a\u{200b}b"),
        ] {
            assert_eq!(shown(text), safe);
        }
    }
}
