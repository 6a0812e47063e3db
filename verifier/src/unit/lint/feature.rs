//! Findings of the Feature that carries a unit: `CL130` to `CL141`. cli-unit.md §12.1.

use std::collections::BTreeMap;

use super::credential::Credential;
use super::{Checked, credential, duplicates, near_misses, too_long, unit};
use crate::problem::{Problem, Source};
use crate::text::json::tape::{Broken, Syntax, SyntaxError, Tape, Value};
use crate::text::quote::Quoted;
use crate::unit::document::{Mechanism, Unit};
use crate::unit::label::aileron_block;
use crate::unit::manifest::manifest_block;
use crate::unit::read::{self, UnitError};
use crate::unit::tree::Fault;
use crate::unit::{host, rules};

/// What lies around a manifest: the name of its folder and the files in it with the modes git would record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// The folder's own name.
    pub name: String,
    /// Paths relative to the folder, `/`-separated, and modes such as `0o100_644`.
    pub files: BTreeMap<String, u32>,
}

/// The script every Feature needs.
const INSTALL: &str = "install.sh";

/// The mode of a file that may be run.
const EXECUTABLE: u32 = 0o100;

/// Members of a manifest that a label's entry gets. cli-unit.md §10.3.
const IN_LABEL: [&str; 12] = [
    "init",
    "privileged",
    "capAdd",
    "securityOpt",
    "entrypoint",
    "mounts",
    "customizations",
    "onCreateCommand",
    "updateContentCommand",
    "postCreateCommand",
    "postStartCommand",
    "postAttachCommand",
];

/// Checks a manifest, and the folder it lies in where that is known.
pub fn check_feature(source: &Source, folder: Option<&Folder>) -> Checked {
    let mut findings = Vec::new();
    let bytes = source.text.as_bytes();
    let tape = match Tape::read(bytes, Syntax::STRICT) {
        Ok(tape) => tape,
        Err(strict) => match Tape::read(bytes, Syntax::WITH_COMMENTS) {
            Ok(tape) => {
                let at = tape.extensions().first().cloned().unwrap_or_default();
                let message = "a comment or a trailing comma: this is not strict JSON";
                findings.push(source.problem(rules::CL141, at, message));
                tape
            }
            Err(_) => return Checked::new(Err(unreadable(source, strict)), findings),
        },
    };
    let block = match manifest_block(source, tape.root()) {
        Ok(block) => block,
        Err(error) => return Checked::new(Err(error), findings),
    };
    findings.extend(duplicates(source, &tape));
    findings.extend(near_misses(source, tape.root()));
    manifest(source, tape.root(), folder, &mut findings);
    let reading = block.map(|block| (block, read::json(source, block)));
    if let Some(raw) = reading.as_ref().and_then(|(_, reading)| reading.raw.as_ref()) {
        findings.extend(unit::findings(source, raw));
    }
    let unit = match reading {
        None => Ok(None),
        Some((block, reading)) => reading.unit.map(|unit| Some((block, unit))),
    };
    aileron(source, tape.root(), unit.as_ref().ok().and_then(Option::as_ref), &mut findings);
    Checked::new(unit.map(|unit| unit.map(|(_, unit)| unit).into_iter().collect()), findings)
}

fn unreadable(source: &Source, error: SyntaxError) -> UnitError {
    let end = if error.why == Broken::End { error.at } else { error.at + 1 };
    let fault = Fault { rule: rules::CU001, at: error.at..end, text: error.to_string() };
    UnitError::several(source, "parse devcontainer-feature.json: ", vec![fault], true)
}

/// `CL130` to `CL134`, `CL154`.
fn manifest(source: &Source, root: Value<'_>, folder: Option<&Folder>, findings: &mut Vec<Problem>) {
    let member = |name: &str| root.member(name).and_then(|value| Some((value.text()?.into_owned(), value.at())));
    let start = root.at().start..root.at().start + 1;
    let mut say = |rule, at: std::ops::Range<usize>, message: String| findings.push(source.problem(rule, at, message));
    for name in ["id", "version", "name"] {
        if member(name).is_none_or(|(text, _)| text.is_empty()) {
            let at = root.member(name).map_or(start.clone(), |value| value.at());
            say(rules::CL130, at, format!("the manifest has no {name}"));
        }
    }
    if let Some((id, at)) = member("id").filter(|(id, _)| !id.is_empty()) {
        match folder {
            Some(folder) if folder.name != id => {
                let message = format!("id {} lies in a folder named {}", Quoted(&id), Quoted(&folder.name));
                say(rules::CL131, at, message);
            }
            _ if id.to_lowercase() != id => say(rules::CL131, at, format!("id {} is not lower case", Quoted(&id))),
            _ => {}
        }
    }
    if let Some((version, at)) = member("version").filter(|(text, _)| !text.is_empty() && !is_version(text)) {
        say(rules::CL132, at, format!("version {} is not MAJOR.MINOR.PATCH", Quoted(&version)));
    }
    match folder.map(|folder| folder.files.get(INSTALL)) {
        None => {}
        Some(None) => say(rules::CL133, start.clone(), format!("the folder has no {INSTALL}")),
        Some(Some(mode)) if mode & EXECUTABLE == 0 => {
            say(
                rules::CL133,
                start.clone(),
                format!("{INSTALL} is not executable: its mode is {mode:06o}, not 100755"),
            );
        }
        Some(Some(_)) => {}
    }
    if member("description").is_none_or(|(text, _)| text.trim().is_empty()) {
        let at = root.member("description").map_or(start, |value| value.at());
        say(rules::CL134, at, "the manifest has no description".to_owned());
    }
    let in_label = root.members().filter(|member| IN_LABEL.iter().any(|name| member.is_named(name)));
    let bytes: usize = in_label.map(|member| super::label_bytes(member.value.raw()) + 24).sum();
    findings.extend(too_long(source, root.at(), bytes));
}

fn is_version(text: &str) -> bool {
    let is_number = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    text.split('.').count() == 3 && text.split('.').all(is_number)
}

/// `CL135` to `CL137`, `CL140`.
fn aileron(source: &Source, root: Value<'_>, unit: Option<&(Value<'_>, Unit)>, findings: &mut Vec<Problem>) {
    let Ok(Some(aileron)) = aileron_block(root) else { return };
    for member in aileron.members().filter(|member| !member.is_named("cli") && !member.is_named("credential")) {
        let name = member.name.text().unwrap_or_default();
        if ["cli", "credential"].iter().any(|known| name.eq_ignore_ascii_case(known)) {
            // Said already, or below, by the rule for letter case.
            if name.eq_ignore_ascii_case("cli") {
                continue;
            }
        }
        let message = format!("member {} is neither \"cli\" nor \"credential\"", Quoted(&name));
        findings.push(source.problem(rules::CL137, member.name.at(), message));
    }
    let credential = aileron.member("credential").map(credential::read);
    if let Some(Err((at, text))) = &credential {
        findings.push(source.problem(rules::CL140, at.clone(), text.clone()));
    }
    let Some((block, unit)) = unit else { return };
    let id = root.member("id").and_then(|id| id.text()).unwrap_or_default();
    if !id.is_empty() && id != unit.name.as_str() {
        let at = block.member("name").map_or(block.at(), |name| name.at());
        let message = format!("the unit's name is {}, the Feature's id is {}", Quoted(&unit.name), Quoted(&id));
        findings.push(source.problem(rules::CL135, at, message));
    }
    if let Some(Ok(credential)) = credential {
        findings.extend(drift(source, *block, unit, &credential));
    }
}

/// Sentinels that the credential block does not repeat. `CL136`.
fn drift(source: &Source, block: Value<'_>, unit: &Unit, credential: &Credential) -> Vec<Problem> {
    let mut problems = Vec::new();
    for entry in unit.sealing.iter().filter(|entry| entry.emit_mechanism == Some(Mechanism::SentinelSwap)) {
        let Some(sentinel) = &entry.sentinel else { continue };
        let repeated = credential.scheme == entry.scheme
            && credential.placeholders.iter().any(|(env, value, _)| *env == sentinel.env && *value == sentinel.value);
        if repeated {
            continue;
        }
        let items = block.member("sealing");
        let written = items.iter().flat_map(|items| items.items()).find(|item| {
            let named = item.member("host").and_then(|host| host.text());
            named.is_some_and(|name| host::normal(&name) == host::normal(&entry.host))
        });
        let at = written.and_then(|item| item.member("sentinel")).map_or(block.at(), |sentinel| sentinel.at());
        let message = format!(
            "the sentinel of {} in {} is not that of the credential block, or its scheme is another",
            Quoted(&entry.host),
            Quoted(&sentinel.env)
        );
        problems.push(source.problem(rules::CL136, at, message));
    }
    problems
}
