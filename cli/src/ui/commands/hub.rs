//! `hub`: what the catalog lists, and what the ring says about who publishes it. Texts and exit codes are keyring.md §10's
//! and §8.3's; with `--json` there is one document, as everywhere (artifacts.md §8).

use std::borrow::Cow;

use aileron_verifier::artifact::catalog::{Entry, Part};
use aileron_verifier::problem::Class;
use aileron_verifier::text::quote::Quoted;
use aileron_verifier::text::{LISTED, listed, printable};
use aileron_verifier::trust::keyring::Keyring;
use serde_json::{Value, json};

use super::flags::{Flags, Order, error, usage};
use super::{Answer, Context};
use crate::consumer::fetch::origin::Origin;
use crate::consumer::hub::{Catalog, Decision, Found, Source, TrustState, decide};
use crate::consumer::trust::ring::RingFile;
use crate::sys::address::Address;
use crate::ui::report::door::{Colour, Paint, one_line};
use crate::ui::report::{Failure, Outcome};

const USAGE: &str = "usage: aileron hub <list|search|show> [args...]";
const LIST_USAGE: &str = "usage: aileron hub list [connectors|actions|suites] [--json] [--catalog <dir|url>]";
const SEARCH_USAGE: &str =
    "usage: aileron hub search <query> [--type connectors|actions|suites] [--json] [--catalog <dir|url>]";
const SHOW_USAGE: &str = "usage: aileron hub show <fqn> [--type connectors|actions|suites] [--json] [--catalog <dir|url>] [--from <dir|url>]";

pub(super) fn run(args: &[String], context: &Context) -> Answer {
    match args.split_first().map(|(verb, rest)| (verb.as_str(), rest)) {
        None => Err(usage(USAGE)),
        Some(("list", rest)) => list(rest, context),
        Some(("search", rest)) => search(rest, context),
        Some(("show", rest)) => show(rest, context),
        Some((other, _)) => Err(usage(&format!("unknown hub subcommand: {}\n{USAGE}", Quoted(other)))),
    }
}

fn list(args: &[String], context: &Context) -> Answer {
    let flags = Flags::parse(args, &[("catalog", true)], LIST_USAGE, Order::Any)?;
    let part = match flags.positional.as_slice() {
        [] => None,
        [word] => {
            let unknown = || usage(&format!("unknown catalog: {}\n{LIST_USAGE}", Quoted(word)));
            Some(part(word).ok_or_else(unknown)?)
        }
        _ => return Err(usage(LIST_USAGE)),
    };
    let none = match part {
        None => "Hub catalog is empty.".to_owned(),
        Some(part) => format!("No {} published to the Hub.", part.as_str()),
    };
    Ok(answer(&catalog(&flags, context)?, part, &none))
}

fn search(args: &[String], context: &Context) -> Answer {
    let flags = Flags::parse(args, &[("type", true), ("catalog", true)], SEARCH_USAGE, Order::Any)?;
    let [query] = flags.positional.as_slice() else { return Err(usage(SEARCH_USAGE)) };
    if query.trim().is_empty() {
        return Err(error(Class::UsageError, "query cannot be empty"));
    }
    let part = wanted(&flags)?;
    let what = part.map_or("entries", Part::as_str);
    let none = format!("No Hub {what} match {}.", Quoted(query));
    Ok(answer(&catalog(&flags, context)?.matching(query), part, &none))
}

fn show(args: &[String], context: &Context) -> Answer {
    let known = [("type", true), ("catalog", true), ("from", true)];
    let flags = Flags::parse(args, &known, SHOW_USAGE, Order::Any)?;
    let [fqn] = flags.positional.as_slice() else { return Err(usage(SHOW_USAGE)) };
    if fqn.trim().is_empty() {
        return Err(error(Class::UsageError, "fqn cannot be empty"));
    }
    let part = wanted(&flags)?;
    let catalog = catalog(&flags, context)?;
    let absent = || {
        let message = match part {
            None => format!("no Hub entry for {fqn} in any catalog"),
            Some(part) => format!("no Hub {} entry for {fqn}", part.singular()),
        };
        error(Class::FetchFailed, message)
    };
    let found = catalog.find(fqn, part).ok_or_else(absent)?;
    // Only shown: a ring that cannot be read trusts nobody here, and is refused where it is about to count.
    let ring = RingFile::at_home(&context.environment).and_then(|ring| ring.load().ok()).unwrap_or_default();
    let origin = Origin::choose(flags.value("from"), &context.environment);
    let decisions = decisions(&catalog, &found, &ring, &origin);
    let mut canvas = Canvas { text: block(&found), paints: Vec::new() };
    decisions.iter().for_each(|decision| panel(&mut canvas, decision));
    let fields = json!({
        "kind": kind(&found),
        "entry": entry(&found),
        "authorities": decisions.iter().map(decision_json).collect::<Vec<_>>(),
    });
    Ok(Outcome::new(canvas.text, fields).with_paints(canvas.paints))
}

fn decisions<'a>(catalog: &'a Catalog, found: &Found<'_>, ring: &Keyring, origin: &Origin) -> Vec<Decision<'a>> {
    let names = catalog.connectors_of(found);
    let listed = |name: &String| catalog.connectors.iter().find(|entry| entry.fqn == *name);
    names.iter().filter_map(listed).map(|entry| decide(entry, catalog, ring, origin)).collect()
}

fn part(word: &str) -> Option<Part> {
    Part::ALL.into_iter().find(|part| part.as_str() == word)
}

fn wanted(flags: &Flags) -> Result<Option<Part>, Failure> {
    let unknown = |word: &str| {
        usage(&format!("unknown --type value: {}\nvalid values: connectors, actions, suites", Quoted(word)))
    };
    flags.value("type").map(|word| part(word).ok_or_else(|| unknown(word))).transpose()
}

fn catalog(flags: &Flags, context: &Context) -> Result<Catalog, Failure> {
    let source = Source::choose(flags.value("catalog"), &context.environment);
    let read = source.and_then(|source| source.read(context.spawner()));
    read.map_err(|why| error(why.class(), why.to_string()))
}

/// Tables of one part or of all, as keyring.md §10.1 lays them out.
fn answer(catalog: &Catalog, part: Option<Part>, none: &str) -> Outcome {
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

fn kind(found: &Found<'_>) -> &'static str {
    match found {
        Found::Connector(_) => Part::Connectors.singular(),
        Found::Action(_) => Part::Actions.singular(),
        Found::Suite(_) => Part::Suites.singular(),
    }
}

fn entry(found: &Found<'_>) -> Value {
    match found {
        Found::Connector(entry) => json!(entry),
        Found::Action(entry) => json!(entry),
        Found::Suite(entry) => json!(entry),
    }
}

/// keyring.md §10.3.
fn block(found: &Found<'_>) -> String {
    let (width, lines) = match found {
        Found::Connector(entry) => (
            17,
            vec![
                ("Description", printable(&entry.description)),
                ("Publisher", printable(&entry.publisher_github)),
                ("Key URL", Cow::Owned(Address::of(&*entry.key_url).to_string())),
                ("Release pattern", printable(&entry.release_pattern)),
            ],
        ),
        Found::Action(entry) => (
            16,
            vec![
                ("Description", printable(&entry.description)),
                ("Publisher", printable(&entry.publisher_github)),
                ("Connector", printable(&entry.connector_fqn)),
                ("Intents", Cow::Owned(listed(entry.intents.iter()).join(", "))),
                ("Category", printable(&entry.category)),
            ],
        ),
        Found::Suite(entry) => (
            21,
            vec![
                ("Description", printable(&entry.description)),
                ("Publisher", printable(&entry.publisher_github)),
                ("Category", printable(&entry.category)),
            ],
        ),
    };
    let fqn = match found {
        Found::Connector(entry) => entry.fqn(),
        Found::Action(entry) => entry.fqn(),
        Found::Suite(entry) => entry.fqn(),
    };
    let line = |name: &str, value: &str| format!("{:width$}{value}", format!("{name}:")).trim_end().to_owned() + "\n";
    let mut text = line("Kind", kind(found)) + &line("FQN", &printable(fqn));
    for (name, value) in lines {
        if !(value.is_empty() && matches!(name, "Intents" | "Category")) {
            text.push_str(&line(name, &value));
        }
    }
    if let Found::Suite(entry) = found {
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
#[derive(Default)]
struct Canvas {
    text: String,
    paints: Vec<Paint>,
}

impl Canvas {
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
fn panel(canvas: &mut Canvas, decision: &Decision<'_>) {
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
fn decision_json(decision: &Decision<'_>) -> Value {
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
