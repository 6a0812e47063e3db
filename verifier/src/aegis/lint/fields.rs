//! Members of a manifest. aegis-bundle.md §3.2 to §3.5.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use super::object::Object;
use super::{CheckedTarget, Checksums, Findings, target};
use crate::aegis::manifest::{AUTHOR_MEMBERS, CONNECTOR_MEMBERS, MEMBERS};
use crate::aegis::rules::{
    CONNECTOR_ALIAS, CONNECTOR_ALIAS_KEY, ID_CHARSET, ID_RESERVED, ID_REVERSE_DNS, OFFICIAL_IGNORED, SCHEMA_TYPE,
    TARGETS_EMPTY, TEXT_BLANK, TEXT_PADDING, VERSION_CHARSET, VERSION_SEMVER,
};
use crate::aegis::upload::reserved_ids;
use crate::aegis::{Kind, path};
use crate::text::json::tape::{self, Value};
use crate::text::quote::Quoted;

/// What the rest of the checks asks for.
pub(super) struct Fields {
    pub(super) kind: Kind,
    pub(super) id: (String, Range<usize>),
    pub(super) version: (String, Range<usize>),
    pub(super) targets: Vec<CheckedTarget>,
}

impl Fields {
    /// Those of what is no manifest.
    pub(super) fn none(kind: Kind) -> Fields {
        let nothing = || (String::new(), 0..0);
        Fields { kind, id: nothing(), version: nothing(), targets: Vec::new() }
    }
}

pub(super) fn check(root: Value<'_>, kind: Option<Kind>, checksums: Checksums, findings: &mut Findings) -> Fields {
    let has = |kind: Kind| root.member(kind.id_member()).is_some();
    let kind = kind.unwrap_or(if has(Kind::Connector) && !has(Kind::Plugin) { Kind::Connector } else { Kind::Plugin });
    if root.kind() != tape::Kind::Object {
        findings.of(SCHEMA_TYPE, root, "a manifest is an object");
        return Fields::none(kind);
    }
    let mut object = Object { value: root, findings };
    let other = if kind == Kind::Plugin { Kind::Connector } else { Kind::Plugin };
    let mut known = vec![kind.id_member()];
    known.extend(MEMBERS);
    if kind == Kind::Connector {
        known.extend(CONNECTOR_MEMBERS);
    }
    if let Some(value) = object.member(other.id_member()) {
        let message = format!("a manifest is of one kind: {} belongs into a {other}'s", Quoted(other.id_member()));
        object.findings.of(SCHEMA_TYPE, value, message);
        known.push(other.id_member());
    }
    object.names(&known);
    let id = id(&mut object, kind);
    let version = version(&mut object);
    if let Some((name, value)) = object.required_text("name")
        && name.trim().is_empty()
    {
        object.findings.of(TEXT_BLANK, value, "the name is blank");
    }
    for name in ["description", "license", "repository", "docs_url"] {
        object.optional_text(name);
    }
    authors(&mut object);
    official(&mut object);
    if kind == Kind::Connector {
        aliases(&mut object, &id.0);
    }
    Fields { kind, id, version, targets: targets(&mut object, kind, checksums) }
}

fn id(object: &mut Object<'_, '_>, kind: Kind) -> (String, Range<usize>) {
    let Some((id, value)) = object.required_text(kind.id_member()) else { return (String::new(), 0..0) };
    if object.plain(&id, value) {
        if path::sanitized(&id) != *id {
            object.findings.of(ID_CHARSET, value, format!("{} is not an id", Quoted(&id)));
        } else if reserved_ids(kind).contains(&&*id) {
            object.findings.of(ID_RESERVED, value, format!("{} is a built-in {kind}", Quoted(&id)));
        } else if id.split('.').filter(|label| !label.is_empty()).count() < 3 {
            object.findings.of(ID_REVERSE_DNS, value, format!("{} is not in reverse-DNS form", Quoted(&id)));
        }
    }
    (id.into_owned(), object.findings.place(value.at()))
}

fn version(object: &mut Object<'_, '_>) -> (String, Range<usize>) {
    let Some((version, value)) = object.required_text("version") else { return (String::new(), 0..0) };
    if object.plain(&version, value) {
        if path::sanitized_version(&version) != *version {
            let message = format!("{} is not a version that a host takes", Quoted(&version));
            object.findings.of(VERSION_CHARSET, value, message);
        } else if !is_semantic(&version) {
            object.findings.of(VERSION_SEMVER, value, format!("{} is not MAJOR.MINOR.PATCH", Quoted(&version)));
        }
    }
    (version.into_owned(), object.findings.place(value.at()))
}

/// SemVer without build metadata, which a host refuses.
fn is_semantic(version: &str) -> bool {
    let (core, pre) = version.split_once('-').map_or((version, None), |(core, pre)| (core, Some(pre)));
    let is_number = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    let is_label = |part: &str| {
        let is_digits = part.bytes().all(|byte| byte.is_ascii_digit());
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && (!is_digits || is_number(part))
    };
    let parts: Vec<&str> = core.split('.').collect();
    parts.len() == 3 && parts.into_iter().all(is_number) && pre.is_none_or(|pre| pre.split('.').all(is_label))
}

fn authors(object: &mut Object<'_, '_>) {
    let Some(list) = object.list("authors") else { return };
    for value in list.items() {
        if value.kind() != tape::Kind::Object {
            object.findings.of(SCHEMA_TYPE, value, "an author is an object with a name, and perhaps a contact");
            continue;
        }
        let mut author = Object { value, findings: object.findings };
        author.names(&AUTHOR_MEMBERS);
        if let Some((name, value)) = author.required_text("name")
            && name.trim().is_empty()
        {
            author.findings.of(TEXT_BLANK, value, "the author's name is blank");
        }
        author.optional_text("contact");
    }
}

fn official(object: &mut Object<'_, '_>) {
    let Some(value) = object.member("official") else { return };
    match value.boolean() {
        Some(true) => object.findings.of(OFFICIAL_IGNORED, value, "a host stores every upload as not official"),
        Some(false) => {}
        None => object.findings.of(SCHEMA_TYPE, value, "\"official\" must be true or false"),
    }
}

/// The other names of a connector. aegis-bundle.md §3.3.
fn aliases(object: &mut Object<'_, '_>, id: &str) {
    let key = object.optional_text("instance_key").filter(|(key, _)| !key.is_empty());
    let mut seen = BTreeSet::from([id.to_owned()]);
    let has_key = key.is_some();
    let mut names: Vec<(Cow<'_, str>, Value<'_>)> = Vec::new();
    if let Some((key, value)) = key {
        // An instance key may be the id itself.
        if key == id {
            seen.clear();
        }
        names.push((key, value));
    }
    let list = object.list("legacy_ids");
    for value in list.into_iter().flat_map(Value::items) {
        match value.text() {
            Some(name) => names.push((name, value)),
            None => object.findings.of(SCHEMA_TYPE, value, "a legacy id must be a string"),
        }
    }
    for (name, value) in names {
        if name.trim().is_empty() {
            object.findings.of(CONNECTOR_ALIAS, value, "the alias is blank");
        } else if name.trim() != name {
            object.findings.of(TEXT_PADDING, value, format!("{} has blanks around it", Quoted(&name)));
        } else if reserved_ids(Kind::Connector).contains(&&*name) {
            let message = format!("{} belongs to the built-in Discord connector", Quoted(&name));
            object.findings.of(CONNECTOR_ALIAS, value, message);
        } else if !seen.insert(name.clone().into_owned()) {
            object.findings.of(CONNECTOR_ALIAS, value, format!("{} is there twice", Quoted(&name)));
        }
    }
    if let Some(list) = list.filter(|list| !has_key && list.items().next().is_some()) {
        let message = "without an instance_key, the first of these is the key that instances are stored under";
        object.findings.of(CONNECTOR_ALIAS_KEY, list, message);
    }
}

fn targets(object: &mut Object<'_, '_>, kind: Kind, checksums: Checksums) -> Vec<CheckedTarget> {
    if object.member("targets").is_none() {
        let start = object.value.at().start;
        object.findings.at(TARGETS_EMPTY, start..start + 1, "\"targets\" is missing");
        return Vec::new();
    }
    let Some(list) = object.list("targets") else { return Vec::new() };
    if list.items().next().is_none() {
        object.findings.of(TARGETS_EMPTY, list, "there is no target");
    }
    target::check(list, kind, checksums, object.findings)
}
