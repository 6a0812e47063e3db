//! The Go source of an extension against its manifest: what a host would drop in silence, or find when it starts the binary.
//! aegis-bundle.md §4.2, §13, §14.3, §19.4.
//!
//! A reader of tokens, not a compiler. It follows constants, lists in variables, and the calls of `main`. It cannot see what is
//! computed at run time, made by other modules, handed on under another name (`api := apis.RconAPI` counts as a use of it),
//! reached by dot imports, or left out by build constraints; where it cannot see all of a list, it says nothing about it.
//!
//! | file | |
//! |---|---|
//! | `tokens` | names, strings and signs |
//! | `program` | imports, constants, functions, composite literals |
//! | `stdout` | printing before the handshake |
//! | `schema` | fields of the configuration |

mod program;
mod schema;
mod stdout;
#[cfg(test)]
mod tests;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use self::program::{List, Program};
use self::tokens::Kind as TokenKind;
use super::Checked;
use crate::aegis::Kind;
use crate::aegis::definition::capability_of;
use crate::aegis::rules::{
    CAPABILITY_UNDECLARED, CAPABILITY_UNUSED, DEFINITION_CONNECTORS, DEFINITION_EVENTS, DEFINITION_ID, SOURCE_IMPORT,
    SOURCE_IMPORT_OTHER,
};
use crate::problem::{Problem, Rule, Source};
use crate::text::quote::Quoted;

/// The module that the SDK is part of.
pub const SDK: &str = "go.codycody31.dev/squad-aegis";
const PLUGIN_SDK: &str = "go.codycody31.dev/squad-aegis/pkg/pluginrpc";
const CONNECTOR_SDK: &str = "go.codycody31.dev/squad-aegis/pkg/connectorrpc";

/// The host's handles, as fields of the SDK, and what exposes each. aegis-bundle.md §4.2.
const HANDLES: [(&str, &str); 9] = [
    ("RconAPI", "api.rcon"),
    ("ServerAPI", "api.server"),
    ("DatabaseAPI", "api.database"),
    ("RuleAPI", "api.rule"),
    ("AdminAPI", "api.admin"),
    ("DiscordAPI", "api.discord"),
    ("ConnectorAPI", "api.connector"),
    ("EventAPI", "api.event"),
    ("LogAPI", "api.log"),
];

/// Types of events that are known. aegis-bundle.md §4.2.
const EVENTS: [&str; 31] = [
    "RCON_CHAT_MESSAGE",
    "RCON_PLAYER_WARNED",
    "RCON_PLAYER_KICKED",
    "RCON_PLAYER_BANNED",
    "RCON_POSSESSED_ADMIN_CAMERA",
    "RCON_UNPOSSESSED_ADMIN_CAMERA",
    "RCON_SQUAD_CREATED",
    "RCON_SERVER_INFO",
    "LOG_ADMIN_BROADCAST",
    "LOG_DEPLOYABLE_DAMAGED",
    "LOG_PLAYER_CONNECTED",
    "LOG_PLAYER_DAMAGED",
    "LOG_PLAYER_DIED",
    "LOG_PLAYER_WOUNDED",
    "LOG_PLAYER_REVIVED",
    "LOG_PLAYER_POSSESS",
    "LOG_PLAYER_DISCONNECTED",
    "LOG_JOIN_SUCCEEDED",
    "LOG_TICK_RATE",
    "LOG_GAME_EVENT_UNIFIED",
    "PLAYER_LIST_UPDATED",
    "PLAYER_TEAM_CHANGED",
    "PLAYER_SQUAD_CHANGED",
    "PLAYER_CONNECTED",
    "PLAYER_DISCONNECTED",
    "PLAYER_STATS_UPDATED",
    "SQUAD_CREATED",
    "SQUAD_DISBANDED",
    "ENHANCED_TEAMKILL",
    "PLUGIN_CUSTOM",
    "PLUGIN_LOG",
];

/// Everything the sources say that does not fit their manifest, in the order of the files. Tests among them are passed over.
pub fn check(sources: &[Source], manifest: &Checked) -> Vec<Problem> {
    let program = Program::read(sources);
    let mut found = Vec::new();
    imports(&program, manifest.kind, &mut found);
    stdout::check(&program, &mut found);
    schema::check(&program, &mut found);
    let mut lint = Lint { program: &program, manifest, found };
    let definition = lint.definition();
    lint.id(&definition);
    if manifest.kind == Kind::Plugin {
        lint.capabilities(&definition);
        lint.connectors(&definition);
    }
    let mut found = lint.found;
    // A sort that is stable: what is found at one place stays in the order of the checks.
    let order: BTreeMap<&str, usize> = sources.iter().enumerate().map(|(at, source)| (&*source.path, at)).collect();
    found.sort_by_key(|problem| (order.get(&*problem.file).copied(), problem.at.start));
    found
}

fn imports(program: &Program<'_>, kind: Kind, found: &mut Vec<Problem>) {
    let own = if kind == Kind::Plugin { PLUGIN_SDK } else { CONNECTOR_SDK };
    for file in &program.files {
        for (_, path, at) in &file.imports {
            let Some(below) = path.strip_prefix(SDK).filter(|below| below.is_empty() || below.starts_with('/')) else {
                continue;
            };
            let rule = match below.split('/').any(|segment| segment == "internal") {
                true => SOURCE_IMPORT,
                false if path == own => continue,
                false => SOURCE_IMPORT_OTHER,
            };
            found.push(file.source.problem(rule, at.clone(), format!("a {kind} cannot count on {}", Quoted(path))));
        }
    }
}

/// A place in the sources: the number of the file, and the bytes.
type Place = (usize, Range<usize>);

/// What `GetDefinition` returns, as far as it is written down.
struct Definition {
    ids: Vec<(String, Place)>,
    /// `None` where it cannot be seen.
    events: Option<List>,
    connectors: Option<Vec<String>>,
}

struct Lint<'p, 's> {
    program: &'p Program<'s>,
    manifest: &'p Checked,
    found: Vec<Problem>,
}

impl Lint<'_, '_> {
    fn report(&mut self, rule: &'static Rule, (file, at): Place, message: String) {
        self.found.push(self.program.files[file].source.problem(rule, at, message));
    }

    fn definition(&self) -> Definition {
        let (name, id) = match self.manifest.kind {
            Kind::Plugin => ("PluginDefinition", "PluginID"),
            Kind::Connector => ("ConnectorDefinition", "ConnectorID"),
        };
        let mut definition = Definition { ids: Vec::new(), events: None, connectors: None };
        for (number, file) in self.program.files.iter().enumerate() {
            for open in file.literals(&[name]) {
                let members = file.members(open);
                // The value of an empty literal is nobody's definition: `return pluginrpc.PluginDefinition{}, err`.
                if members.is_empty() {
                    continue;
                }
                let value = |name: &str| members.iter().find(|(member, _)| *member == name).map(|(_, at)| *at);
                if let Some(at) = value(id)
                    && let Some(text) = self.program.text(file, at)
                {
                    definition.ids.push((text, (number, file.tokens[at].at.clone())));
                }
                let nothing = || Some(List { items: Vec::new(), is_whole: true });
                let list = |name: &str| value(name).map_or_else(nothing, |at| self.program.list(number, at));
                definition.events = list("Events");
                let lists = list("RequiredConnectors").zip(list("OptionalConnectors"));
                definition.connectors =
                    lists.filter(|(one, other)| one.is_whole && other.is_whole).map(|(one, other)| {
                        one.items.into_iter().chain(other.items).filter_map(|(item, ..)| item).collect()
                    });
            }
        }
        definition
    }

    fn id(&mut self, definition: &Definition) {
        let manifest = self.manifest.id.0.clone();
        for (id, place) in definition.ids.iter().filter(|(id, _)| *id != manifest && !manifest.is_empty()) {
            let message = format!("the source says {}, manifest.json says {}", Quoted(id), Quoted(&manifest));
            self.report(DEFINITION_ID, place.clone(), message);
        }
    }

    /// The targets that lack a capability, for a message; `None` where all have it.
    fn lacking(&self, capability: &str) -> Option<String> {
        let targets = &self.manifest.targets;
        let has = |name: &str| name == capability;
        let lacks: Vec<String> = targets
            .iter()
            .filter(|target| !target.capabilities.iter().any(|(name, _)| has(name)))
            .map(|target| format!("{}/{}", target.os, target.arch))
            .collect();
        if lacks.is_empty() {
            return None;
        }
        Some(if lacks.len() == targets.len() { String::new() } else { format!(" by {}", lacks.join(", ")) })
    }

    fn capabilities(&mut self, definition: &Definition) {
        let mut used: BTreeSet<&str> = BTreeSet::new();
        for (field, capability) in HANDLES {
            let Some(place) = self.selected(field) else { continue };
            used.insert(capability);
            if let Some(by) = self.lacking(capability) {
                self.report(CAPABILITY_UNDECLARED, place, format!("{field} needs {capability}, not declared{by}"));
            }
        }
        let subscribed: BTreeSet<&str> =
            definition.events.iter().flat_map(|list| &list.items).filter_map(|(item, ..)| item.as_deref()).collect();
        for (item, file, at) in definition.events.iter().flat_map(|list| &list.items) {
            let Some(event) = item.as_deref() else { continue };
            if event.is_empty() || event == "*" {
                let message = format!("{} is no event type: nothing is delivered for it", Quoted(event));
                self.report(DEFINITION_EVENTS, (*file, at.clone()), message);
                continue;
            }
            used.insert(capability_of(event));
            if let Some(by) = self.lacking(capability_of(event)) {
                let message = format!("{} needs {}, not declared{by}", Quoted(event), capability_of(event));
                self.report(DEFINITION_EVENTS, (*file, at.clone()), message);
            }
        }
        for (event, place) in self.event_literals(&subscribed) {
            used.insert(capability_of(event));
            if let Some(by) = self.lacking(capability_of(event)) {
                let message = format!("{} needs {}, not declared{by}", Quoted(event), capability_of(event));
                self.report(CAPABILITY_UNDECLARED, place, message);
            }
        }
        self.unused(&used, definition.events.as_ref().is_some_and(|events| events.is_whole));
    }

    /// Where a field is selected first.
    fn selected(&self, field: &str) -> Option<Place> {
        let place = |(number, file): (usize, &program::File<'_>)| {
            let at = (1..file.tokens.len()).find(|at| file.is_name(*at, field) && file.is(at - 1, "."))?;
            Some((number, file.tokens[at].at.clone()))
        };
        self.program.files.iter().enumerate().find_map(place)
    }

    /// Known event types that stand in the source and are not subscribed to, each once.
    fn event_literals(&self, subscribed: &BTreeSet<&str>) -> BTreeMap<&'static str, Place> {
        let mut found = BTreeMap::new();
        for (number, file) in self.program.files.iter().enumerate() {
            for token in file.tokens.iter().filter(|token| token.kind == TokenKind::Text) {
                let known = EVENTS.iter().find(|event| **event == token.text && !subscribed.contains(*event));
                if let Some(event) = known {
                    found.entry(*event).or_insert_with(|| (number, token.at.clone()));
                }
            }
        }
        found
    }

    /// Capabilities that nothing in the source asks for; nothing is said where the extension is not seen.
    fn unused(&mut self, used: &BTreeSet<&str>, all_events_seen: bool) {
        let is_seen = self.program.files.iter().any(|file| file.imports.iter().any(|(_, path, _)| path == PLUGIN_SDK));
        let mut told = BTreeSet::new();
        for (name, at) in self.manifest.targets.iter().flat_map(|target| &target.capabilities) {
            let is_judged = match name.split_once('.') {
                Some(("api", _)) => is_seen,
                Some(("events", _)) => is_seen && all_events_seen,
                _ => false,
            };
            if is_judged && !used.contains(name.as_str()) && told.insert(name) {
                let message = format!("nothing in the source uses {name}");
                self.found.push(self.manifest.source.problem(CAPABILITY_UNUSED, at.clone(), message));
            }
        }
    }

    /// Calls of connectors that the definition does not list.
    fn connectors(&mut self, definition: &Definition) {
        let Some(listed) = &definition.connectors else { return };
        let mut told = BTreeSet::new();
        let mut problems = Vec::new();
        for (number, file) in self.program.files.iter().enumerate() {
            for at in 1..file.tokens.len() {
                if !(file.is_name(at, "ConnectorAPI") && file.is(at - 1, ".")) {
                    continue;
                }
                let called = (file.is(at + 1, ".") && file.is(at + 3, "(")).then(|| self.argument(number, at + 3));
                let (id, place) = match called.flatten() {
                    Some((id, at)) if !listed.contains(&id) => (Quoted(&id).to_string(), at),
                    None if listed.is_empty() => ("no connector".to_owned(), file.tokens[at].at.clone()),
                    _ => continue,
                };
                if told.insert(id.clone()) {
                    let message = match listed.is_empty() {
                        true => "a connector is called, and the definition lists none".to_owned(),
                        false => format!("{id} is called, and the definition does not list it"),
                    };
                    problems.push(((number, place), message));
                }
            }
        }
        for (place, message) in problems {
            self.report(DEFINITION_CONNECTORS, place, message);
        }
    }

    /// The first argument of a call that is a text.
    fn argument(&self, number: usize, open: usize) -> Option<(String, Range<usize>)> {
        let file = &self.program.files[number];
        let end = file.closing(open);
        let mut at = open + 1;
        while at < end {
            let starts = file.is(at - 1, "(") || file.is(at - 1, ",");
            if starts && let Some(text) = self.program.text(file, at) {
                return Some((text, file.tokens[at].at.clone()));
            }
            let opens = ["(", "[", "{"].iter().any(|sign| file.is(at, sign));
            at = if opens { file.closing(at) + 1 } else { at + 1 };
        }
        None
    }
}
