//! Members of a manifest. aegis-bundle.md §3.2 to §3.5.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{CheckedTarget, Checksums, Findings, target};
use crate::aegis::manifest::decode::is_folded;
use crate::aegis::manifest::{AUTHOR_MEMBERS, CONNECTOR_MEMBERS, MEMBERS};
use crate::aegis::rules::{
    CONNECTOR_ALIAS, CONNECTOR_ALIAS_KEY, ID_CHARSET, ID_RESERVED, ID_REVERSE_DNS, JSON_MEMBER_CASE, MEMBER_UNKNOWN,
    OFFICIAL_IGNORED, SCHEMA_TYPE, TARGETS_EMPTY, TEXT_BLANK, TEXT_PADDING, VERSION_CHARSET, VERSION_SEMVER,
};
use crate::aegis::upload::reserved_ids;
use crate::aegis::{Kind, path};
use crate::text::quote::Quoted;
use crate::text::json::tape::{self, Member, Value};

/// One object that is checked: where it stands, and what is found.
pub(super) struct Object<'d, 'f> {
    pub(super) value: Value<'d>,
    pub(super) findings: &'f mut Findings,
}

impl<'d> Object<'d, '_> {
    /// Names that are not among the known ones.
    pub(super) fn names(&mut self, known: &[&str]) {
        for Member { name: value, .. } in self.value.members() {
            let name = value.text().unwrap_or_default();
            if known.contains(&&*name) {
                continue;
            }
            match known.iter().find(|known| is_folded(&name, known)) {
                Some(meant) => self.findings.of(
                    JSON_MEMBER_CASE,
                    value,
                    format!("{} is read as {}", Quoted(&name), Quoted(meant)),
                ),
                None => self.findings.of(MEMBER_UNKNOWN, value, format!("{} is not a member of this object", Quoted(&name))),
            }
        }
    }

    /// A member, by its exact name.
    pub(super) fn member(&self, name: &str) -> Option<Value<'d>> {
        self.value.member(name)
    }

    /// A string that must be there, and its value.
    pub(super) fn required_text(&mut self, name: &str) -> Option<(Cow<'d, str>, Value<'d>)> {
        match self.member(name) {
            Some(value) => self.text(name, value),
            None => {
                self.missing(name);
                None
            }
        }
    }

    /// A string that may be left out.
    pub(super) fn optional_text(&mut self, name: &str) -> Option<(Cow<'d, str>, Value<'d>)> {
        self.text(name, self.member(name)?)
    }

    fn text(&mut self, name: &str, value: Value<'d>) -> Option<(Cow<'d, str>, Value<'d>)> {
        let text = value.text();
        if text.is_none() {
            self.findings.of(SCHEMA_TYPE, value, format!("{} must be a string", Quoted(name)));
        }
        Some((text?, value))
    }

    /// A member is not there: told at the object's opening brace.
    pub(super) fn missing(&mut self, name: &str) {
        let start = self.value.at().start;
        self.findings.at(SCHEMA_TYPE, start..start + 1, format!("{} is missing", Quoted(name)));
    }

    /// A text without blanks around it, and not blank.
    pub(super) fn plain(&mut self, text: &str, value: Value<'_>) -> bool {
        if text.trim().is_empty() {
            self.findings.of(TEXT_BLANK, value, "the text is blank");
            false
        } else if text.trim() != text {
            self.findings.of(TEXT_PADDING, value, format!("{} has blanks around it", Quoted(text)));
            false
        } else {
            true
        }
    }

    /// A list; `None` where it is not there. `null` is no list to publish.
    pub(super) fn list(&mut self, name: &str) -> Option<Value<'d>> {
        let value = self.member(name)?;
        if value.kind() != tape::Kind::List {
            self.findings.of(SCHEMA_TYPE, value, format!("{} must be an array", Quoted(name)));
            return None;
        }
        Some(value)
    }
}

pub(super) fn check(
    root: Value<'_>,
    kind: Option<Kind>,
    checksums: Checksums,
    findings: &mut Findings,
) -> (Kind, Vec<CheckedTarget>) {
    let has = |kind: Kind| root.member(kind.id_member()).is_some();
    let kind = kind.unwrap_or(if has(Kind::Connector) && !has(Kind::Plugin) { Kind::Connector } else { Kind::Plugin });
    if root.kind() != tape::Kind::Object {
        findings.of(SCHEMA_TYPE, root, "a manifest is an object");
        return (kind, Vec::new());
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
    version(&mut object);
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
        aliases(&mut object, &id);
    }
    (kind, targets(&mut object, kind, checksums, &id))
}

fn id(object: &mut Object<'_, '_>, kind: Kind) -> String {
    let Some((id, value)) = object.required_text(kind.id_member()) else { return String::new() };
    if object.plain(&id, value) {
        if path::sanitized(&id) != *id {
            object.findings.of(ID_CHARSET, value, format!("{} is not an id", Quoted(&id)));
        } else if reserved_ids(kind).contains(&&*id) {
            object.findings.of(ID_RESERVED, value, format!("{} is a built-in {kind}", Quoted(&id)));
        } else if id.split('.').filter(|label| !label.is_empty()).count() < 3 {
            object.findings.of(ID_REVERSE_DNS, value, format!("{} is not in reverse-DNS form", Quoted(&id)));
        }
    }
    id.into_owned()
}

fn version(object: &mut Object<'_, '_>) {
    let Some((version, value)) = object.required_text("version") else { return };
    if !object.plain(&version, value) {
        return;
    }
    if path::sanitized_version(&version) != *version {
        object.findings.of(VERSION_CHARSET, value, format!("{} is not a version that a host takes", Quoted(&version)));
    } else if !is_semantic(&version) {
        object.findings.of(VERSION_SEMVER, value, format!("{} is not MAJOR.MINOR.PATCH", Quoted(&version)));
    }
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

fn targets(object: &mut Object<'_, '_>, kind: Kind, checksums: Checksums, id: &str) -> Vec<CheckedTarget> {
    if object.member("targets").is_none() {
        let start = object.value.at().start;
        object.findings.at(TARGETS_EMPTY, start..start + 1, "\"targets\" is missing");
        return Vec::new();
    }
    let Some(list) = object.list("targets") else { return Vec::new() };
    if list.items().next().is_none() {
        object.findings.of(TARGETS_EMPTY, list, "there is no target");
    }
    target::check(list, kind, checksums, id, object.findings)
}
