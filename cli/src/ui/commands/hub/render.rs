//! The catalog as tables, one entry as a block, and what the ring says about its publishers.

use std::borrow::Cow;

use aileron_verifier::artifact::catalog::{Entry, Part};
use aileron_verifier::text::{LISTED, listed, printable};
use serde_json::{Value, json};

use crate::consumer::hub::{Catalog, FoundEntry, KeyDecision, TrustState};
use crate::sys::address::Address;
use crate::ui::report::Outcome;
use crate::ui::report::door::{Colour, Paint, one_line};

/// Tables of one part or of all, as keyring.md §10.1 lays them out.
pub(super) fn tables(catalog: &Catalog, part: Option<Part>, none: &str) -> Outcome {
    let Catalog { connectors, actions, suites } = catalog;
    let sections = [
        (Part::Suites, "── SUITES ──", suite_table(catalog), json!(suites)),
        (Part::Actions, "── ACTIONS ──", plain_table(60, actions), json!(actions)),
        (Part::Connectors, "── PROVIDERS ──", plain_table(50, connectors), json!(connectors)),
    ];
    let mut text = String::new();
    let mut fields = json!({});
    for (this, heading, table, entries) in sections {
        let asked = part.is_none_or(|part| part == this);
        let is_empty = entries.as_array().is_none_or(Vec::is_empty);
        if asked {
            fields[this.as_str()] = entries;
        }
        if !asked || is_empty {
            continue;
        }
        if part.is_none() {
            text.push_str(&format!("{heading}\n"));
        }
        text.push_str(&table);
        if part.is_none() && this != Part::Connectors {
            text.push('\n');
        }
    }
    if text.is_empty() {
        text = format!("{none}\n");
    }
    Outcome::new(text, fields)
}

fn plain_table(width: usize, entries: &[impl Entry]) -> String {
    let row = |fqn: &str, publisher: &str, description: &str| {
        format!("{fqn:width$}  {publisher:20}  {description}").trim_end().to_owned() + "\n"
    };
    let rows = entries.iter().map(|entry| {
        row(&printable(entry.fqn()), &printable(entry.publisher()), &shortened(&printable(entry.description())))
    });
    row("FQN", "PUBLISHER", "DESCRIPTION") + &rows.collect::<String>()
}

fn suite_table(catalog: &Catalog) -> String {
    let row = |fqn: &str, publisher: &str, actions: &str, description: &str| {
        format!("{fqn:50}  {publisher:20}  {actions:8}  {description}").trim_end().to_owned() + "\n"
    };
    let rows = catalog.suites.iter().map(|entry| {
        let (count, description) = (entry.member_actions.len().to_string(), printable(&entry.description));
        row(&printable(&entry.fqn), &printable(&entry.publisher_github), &count, &shortened(&description))
    });
    row("FQN", "PUBLISHER", "ACTIONS", "DESCRIPTION") + &rows.collect::<String>()
}

/// At most 60 bytes: of more, the characters within the first 59, and an ellipsis.
fn shortened(text: &str) -> String {
    if text.len() <= 60 {
        return text.to_owned();
    }
    let end = (0..=59).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..end])
}

pub(super) fn kind(found: &FoundEntry<'_>) -> &'static str {
    match found {
        FoundEntry::Connector(_) => Part::Connectors.singular(),
        FoundEntry::Action(_) => Part::Actions.singular(),
        FoundEntry::Suite(_) => Part::Suites.singular(),
    }
}

pub(super) fn entry_json(found: &FoundEntry<'_>) -> Value {
    match found {
        FoundEntry::Connector(entry) => json!(entry),
        FoundEntry::Action(entry) => json!(entry),
        FoundEntry::Suite(entry) => json!(entry),
    }
}

/// keyring.md §10.3.
pub(super) fn entry_block(found: &FoundEntry<'_>) -> String {
    let (width, lines) = match found {
        FoundEntry::Connector(entry) => (
            17,
            vec![
                ("Description", printable(&entry.description)),
                ("Publisher", printable(&entry.publisher_github)),
                ("Key URL", Cow::Owned(Address::of(&*entry.key_url).to_string())),
                ("Release pattern", printable(&entry.release_pattern)),
            ],
        ),
        FoundEntry::Action(entry) => (
            16,
            vec![
                ("Description", printable(&entry.description)),
                ("Publisher", printable(&entry.publisher_github)),
                ("Connector", printable(&entry.connector_fqn)),
                ("Intents", Cow::Owned(listed(entry.intents.iter()).join(", "))),
                ("Category", printable(&entry.category)),
            ],
        ),
        FoundEntry::Suite(entry) => (
            21,
            vec![
                ("Description", printable(&entry.description)),
                ("Publisher", printable(&entry.publisher_github)),
                ("Category", printable(&entry.category)),
            ],
        ),
    };
    let fqn = match found {
        FoundEntry::Connector(entry) => entry.fqn(),
        FoundEntry::Action(entry) => entry.fqn(),
        FoundEntry::Suite(entry) => entry.fqn(),
    };
    let line = |name: &str, value: &str| format!("{:width$}{value}", format!("{name}:")).trim_end().to_owned() + "\n";
    let mut text = line("Kind", kind(found)) + &line("FQN", &printable(fqn));
    for (name, value) in lines {
        if !(value.is_empty() && matches!(name, "Intents" | "Category")) {
            text.push_str(&line(name, &value));
        }
    }
    if let FoundEntry::Suite(entry) = found {
        for (name, members) in
            [("Member actions", &entry.member_actions), ("Connectors required", &entry.connectors_required)]
        {
            if !members.is_empty() {
                text.push_str(&format!("{name} ({}):\n", members.len()));
                entries(members).iter().for_each(|line| text.push_str(&format!("  {line}\n")));
            }
        }
    }
    text
}

/// Text that grows, with the colours of its parts.
pub(super) struct Canvas {
    pub(super) text: String,
    pub(super) paints: Vec<Paint>,
}

impl Canvas {
    pub(super) fn new(text: String) -> Canvas {
        Canvas { text, paints: Vec::new() }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn paint(&mut self, colour: Colour, text: &str) {
        let from = self.text.len();
        self.text.push_str(text);
        self.paints.push(Paint { at: from..self.text.len(), colour });
    }
}

/// One authority, as keyring.md §8.3 shows it in full; colours as its §8.2.
pub(super) fn panel(canvas: &mut Canvas, decision: &KeyDecision<'_>) {
    let (colour, state) = match decision.state {
        TrustState::AlreadyTrusted => (Colour::Green, "already trusted"),
        TrustState::Unknown => (Colour::Yellow, "unknown (first install)"),
        TrustState::Conflict => (Colour::Red, "conflict — key differs from the publisher's trusted key"),
    };
    canvas.push("\n  ● ");
    canvas.paint(Colour::Bold, &printable(&decision.entry.fqn));
    canvas.push(&format!("\n      Publisher:   {}\n", printable(&decision.entry.publisher_github)));
    match &decision.key {
        Ok(fetched) => canvas.push(&format!("      Fingerprint: {}\n", fetched.key.fingerprint())),
        Err(why) => canvas.push(&format!("      Fingerprint: not known: {}\n", one_line(&why.to_string()))),
    }
    canvas.push("      Trust:       ");
    canvas.paint(colour, state);
    canvas.push("\n");
    if let Some(risk) = decision.state.risk() {
        let (colour, mark) =
            if decision.state == TrustState::Conflict { (Colour::Red, '✘') } else { (Colour::Yellow, '•') };
        canvas.push("      Risk:        ");
        canvas.paint(colour, &format!("{mark} {risk}"));
        canvas.push("\n");
    }
    if !decision.footprint.is_empty() {
        canvas.push("      Other connectors by this publisher:\n");
        for line in entries(&decision.footprint) {
            canvas.push(&format!("        {line}\n"));
        }
    }
}

/// One line for each, up to a count of the rest.
fn entries(entries: &[impl AsRef<str>]) -> Vec<String> {
    let mut lines = listed(entries.iter());
    lines.iter_mut().take(LISTED.min(entries.len())).for_each(|line| line.insert_str(0, "- "));
    lines
}

/// keyring.md §8.1.
pub(super) fn decision_json(decision: &KeyDecision<'_>) -> Value {
    json!({
        "fqn": decision.entry.fqn,
        "publisher_github": decision.entry.publisher_github,
        "fingerprint": decision.key.as_ref().ok().map(|fetched| fetched.key.fingerprint()),
        "key_error": decision.key.as_ref().err().map(ToString::to_string),
        "trust_state": decision.state.as_str(),
        "publisher_footprint": decision.footprint,
        "risk_indicators": decision.state.risk().into_iter().collect::<Vec<_>>(),
        "key_divergence": decision.state == TrustState::Conflict,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // keyring.md §10.1
    fn a_long_description_ends_on_a_character() {
        assert_eq!(shortened(&"x".repeat(60)), "x".repeat(60));
        assert_eq!(shortened(&"x".repeat(61)), "x".repeat(59) + "…");
        assert_eq!(shortened(&("x".repeat(58) + "äää")), "x".repeat(58) + "…");
    }
}
