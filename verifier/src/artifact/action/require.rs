//! `[[requires.connectors]]`: which connector, at which bytes, for which ops. artifacts.md §3.

use crate::artifact::rules;
use crate::name;
use crate::name::digest::{self, ContentHash};
use crate::name::fqn::{Fqn, Scheme};
use crate::name::version::Version;
use crate::problem::Spanned;
use crate::text::toml::{Stage, Table};

/// One required connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Which connector; `local://` in source only.
    pub name: Spanned<Fqn>,
    /// At which version.
    pub version: Spanned<Version>,
    /// With exactly which content.
    pub hash: Spanned<Pin>,
    /// What it is used for; at least one, none blank.
    pub capabilities: Vec<Spanned<String>>,
}

/// The `hash` of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pin {
    /// `sha256:bound-at-release`, in source only.
    Placeholder,
    /// The connector's content hash.
    Hash(ContentHash),
}

/// What was read, and every connector name as written, so that a bad name is reported once and not at each step.
#[derive(Default)]
pub(super) struct Requirements {
    pub(super) read: Vec<Requirement>,
    pub(super) names: Vec<String>,
}

pub(super) fn read(root: &Table<'_>, stage: Stage) -> Requirements {
    let mut requirements = Requirements::default();
    let Some(table) = root.table("requires") else {
        if !root.has("requires") {
            root.report(rules::REQUIRES, root.end(), "`requires.connectors` is missing");
        }
        return requirements;
    };
    match table.tables("connectors") {
        None if !table.has("connectors") => {
            table.report(rules::REQUIRES, table.end(), "`requires.connectors` is missing");
        }
        Some(connectors) if connectors.value.is_empty() => {
            table.report(rules::REQUIRES, connectors.at, "`requires.connectors` is empty");
        }
        connectors => {
            for connector in connectors.into_iter().flat_map(|connectors| connectors.value) {
                requirements.read.extend(requirement(&connector, stage, &mut requirements.names));
            }
        }
    }
    table.finish();
    requirements
}

fn requirement(table: &Table<'_>, stage: Stage, names: &mut Vec<String>) -> Option<Requirement> {
    let name = table.required("name");
    names.extend(name.iter().map(|name| name.value.clone()));
    let name = name.and_then(|text| table.parsed(name::rules::NAME, text, Fqn::parse_local));
    if let (Stage::Artifact, Some(name)) = (stage, &name)
        && name.value.scheme() == Scheme::Local
    {
        table.report(name::rules::NAME, name.at.clone(), format!("{} is on the author's machine only", name.value));
    }
    let version = table.required("version").and_then(|text| table.parsed(name::rules::VERSION_FORM, text, str::parse));
    let hash = table.required("hash").and_then(|text| {
        if stage == Stage::Source && text.value == digest::PLACEHOLDER {
            return Some(Spanned { value: Pin::Placeholder, at: text.at });
        }
        table.parsed(name::rules::HASH_FORM, text, |text| text.parse().map(Pin::Hash))
    });
    let capabilities = table.strings("capabilities");
    match &capabilities {
        None if !table.has("capabilities") => {
            table.report(rules::CAPABILITIES, table.end(), "`capabilities` is missing");
        }
        Some(list) if list.value.is_empty() => {
            table.report(rules::CAPABILITIES, list.at.clone(), "`capabilities` is empty");
        }
        _ => {}
    }
    let capabilities = capabilities.map(|list| list.value);
    for blank in capabilities.iter().flatten().filter(|capability| capability.value.trim().is_empty()) {
        table.report(rules::CAPABILITIES, blank.at.clone(), "a blank capability");
    }
    table.finish();
    Some(Requirement { name: name?, version: version?, hash: hash?, capabilities: capabilities? })
}
