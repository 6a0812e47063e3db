//! Findings of an image's label: `CL151` to `CL154`, and those of its units.

use std::collections::BTreeMap;

use super::{Checked, credential, duplicates, label_bytes, near_misses, too_long, unit};
use crate::problem::{Problem, Source};
use crate::text::quote::Quoted;
use crate::unit::document::{Sealing, Unit};
use crate::unit::label::{aileron_block, readings, shift, tape, trimmed};
use crate::unit::{LabelUnit, host, rules, units_from_label};

/// Checks the value of a label.
pub fn check_label(source: &Source) -> Checked {
    let units = units_from_label(source);
    let (text, skipped) = trimmed(source);
    let mut findings = Vec::new();
    if let Ok(Some(tape)) = tape(&text) {
        findings.extend(duplicates(&text, &tape));
        let mut planted = BTreeMap::new();
        for element in tape.root().items() {
            findings.extend(near_misses(&text, element));
            findings.extend(too_long(&text, element.at(), label_bytes(element.raw())));
            let block = aileron_block(element).ok().flatten().and_then(|aileron| aileron.member("credential"));
            if let Some(Ok(credential)) = block.map(credential::read) {
                for (env, value, at) in credential.placeholders {
                    findings.extend(conflict(&text, &mut planted, env, value, at));
                }
            }
        }
        for (_, _, reading) in readings(&text, &tape) {
            findings.extend(reading.raw.iter().flat_map(|raw| unit::findings(&text, raw)));
        }
    }
    shift(&mut findings, skipped);
    if let Ok(units) = &units {
        findings.extend(among(source, units));
    }
    Checked::new(units.map(|units| units.into_iter().map(|found| found.unit).collect()), findings)
}

/// One variable with two values, across the credential blocks of a label. cli-unit.md §11.1.
fn conflict(
    source: &Source,
    planted: &mut BTreeMap<String, String>,
    env: String,
    value: String,
    at: std::ops::Range<usize>,
) -> Option<Problem> {
    let before = planted.entry(env.clone()).or_insert_with(|| value.clone());
    let text = format!(
        "composition: conflicting placeholder values for env {}: {} vs {}",
        Quoted(&env),
        Quoted(before),
        Quoted(&value)
    );
    (*before != value).then(|| source.problem(rules::CL140, at, text))
}

/// What several units of one label say about each other.
fn among(source: &Source, units: &[LabelUnit]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut names: BTreeMap<&str, &Unit> = BTreeMap::new();
    let mut hosts: BTreeMap<String, (&Unit, &Sealing)> = BTreeMap::new();
    for LabelUnit { unit, at, .. } in units {
        let mut say = |rule, message: String| problems.push(source.problem(rule, at.clone(), message));
        match names.insert(&unit.name, unit) {
            None => {}
            Some(before) if before == unit => {
                say(rules::CL151, format!("unit {} is there already, with equal content", Quoted(&unit.name)));
                continue;
            }
            Some(_) => {
                say(rules::CL152, format!("unit {} is there already, with other content", Quoted(&unit.name)));
                continue;
            }
        }
        for entry in &unit.sealing {
            let normal = host::normal(&entry.host);
            let same = |(other, before): &(&Unit, &Sealing)| {
                other.key == unit.key && Sealing { host: entry.host.clone(), ..(*before).clone() } == *entry
            };
            match hosts.get(&normal) {
                // Two entries of one unit are the unit's own business.
                Some((other, _)) if std::ptr::eq(*other, unit) => {}
                Some(claim) if !same(claim) => {
                    let message = format!(
                        "host {} is sealed by unit {} and, otherwise, by unit {}",
                        Quoted(&normal),
                        Quoted(&claim.0.name),
                        Quoted(&unit.name)
                    );
                    say(rules::CL153, message);
                }
                Some(_) => {}
                None => drop(hosts.insert(normal, (unit, entry))),
            }
        }
    }
    problems
}
