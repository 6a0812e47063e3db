//! A tree to the members of a unit, by the rules of a strict Go decoder. cli-unit.md §2.2.
//!
//! All problems of one document are collected; the first of them gives it its rule. Nothing is validated here.

mod raw;

use std::collections::BTreeSet;
use std::ops::Range;

pub(super) use self::raw::{
    RawAcquisition, RawBindings, RawCapture, RawSealing, RawSentinel, RawUnit, Slot, State, Texts,
};
use super::rules;
use super::tree::{Content, FEW, Fault, Node, ScalarKind};

const UNIT: &[&str] =
    &["name", "key", "presence", "acquisition", "sealing", "state", "store_at", "credential_ref", "kind"];
const ACQUISITION: &[&str] =
    &["mode", "container_name", "login_cmd", "token_cmd", "browser_shim", "config_dir", "image"];
const SEALING: &[&str] = &[
    "host",
    "scheme",
    "emit_mechanism",
    "sentinel",
    "username",
    "header",
    "template",
    "query_param",
    "credential_ref",
];
const ENTRY: &[&str] = &[
    "host",
    "scheme",
    "emit_mechanism",
    "sentinel",
    "username",
    "header",
    "template",
    "query_param",
    "credential_ref",
    "kind",
    "identity_label",
    "access_key_id",
    "allowed_hosts",
    "effect",
];
const CAPTURE: &[&str] = &[
    "version",
    "name",
    "image",
    "container_name",
    "login_cmd",
    "token_cmd",
    "browser_shim",
    "config_dir",
    "store_at",
    "kind",
];

/// Decodes a unit. A null document is one without members. D3.
///
/// # Errors
/// Every problem of the document.
pub(super) fn unit(node: &Node) -> Result<RawUnit, Vec<Fault>> {
    let mut decoder = Decoder::default();
    let fields = decoder.fields(node, UNIT, "a unit");
    let presence = fields.node("presence").map(|node| decoder.fields(node, &["builtin"], "presence"));
    let entries = decoder.list(&fields, "sealing");
    let sealing_at = fields.node("sealing").map_or(fields.at.start..fields.at.start, |node| node.at.clone());
    let unit = RawUnit {
        name: decoder.text(&fields, "name"),
        key: decoder.text(&fields, "key"),
        presence: presence.map(|fields| decoder.text(&fields, "builtin")),
        acquisition: {
            let block = fields.node("acquisition").map(|node| decoder.fields(node, ACQUISITION, "acquisition"));
            let block = block.unwrap_or_else(|| Fields::none(&fields.at));
            decoder.acquisition(&block)
        },
        sealing: entries.0.iter().map(|entry| decoder.entry(entry, SEALING, "a sealing entry")).collect(),
        sealing_at,
        sealing_nulls: entries.1,
        state: decoder.state(&fields),
        store_at: decoder.text(&fields, "store_at"),
        credential_ref: decoder.text(&fields, "credential_ref"),
        kind: decoder.text(&fields, "kind"),
    };
    decoder.end(unit)
}

/// Decodes a capture document. cli-unit.md §9.3.
///
/// # Errors
/// Every problem of the document.
pub(super) fn capture(node: &Node) -> Result<RawCapture, Vec<Fault>> {
    let mut decoder = Decoder::default();
    let fields = decoder.fields(node, CAPTURE, "a capture descriptor");
    let capture = RawCapture {
        version: decoder.text(&fields, "version"),
        name: decoder.text(&fields, "name"),
        acquisition: decoder.acquisition(&fields),
        store_at: decoder.text(&fields, "store_at"),
        kind: decoder.text(&fields, "kind"),
    };
    decoder.end(capture)
}

/// Decodes a binding document. cli-unit.md §9.3.
///
/// # Errors
/// Every problem of the document.
pub(super) fn bindings(node: &Node) -> Result<RawBindings, Vec<Fault>> {
    let mut decoder = Decoder::default();
    let fields = decoder.fields(node, &["version", "bindings"], "a binding document");
    let entries = decoder.list(&fields, "bindings").0;
    let bindings = RawBindings {
        version: decoder.text(&fields, "version"),
        bindings: entries.iter().map(|entry| decoder.entry(entry, ENTRY, "a binding entry")).collect(),
    };
    decoder.end(bindings)
}

/// The known members of one mapping, merged ones included.
struct Fields<'n> {
    at: Range<usize>,
    /// At most one of each name, and few: searched one by one.
    found: Vec<(&'static str, &'n Node)>,
}

impl<'n> Fields<'n> {
    fn none(at: &Range<usize>) -> Fields<'n> {
        Fields { at: at.start..at.start, found: Vec::new() }
    }

    fn get(&self, name: &str) -> Option<&'n Node> {
        self.found.iter().find(|(found, _)| *found == name).map(|(_, node)| *node)
    }

    /// A later mapping's member takes the place of an earlier one.
    fn set(&mut self, name: &'static str, node: &'n Node) {
        match self.found.iter_mut().find(|(found, _)| *found == name) {
            Some(found) => found.1 = node,
            None => self.found.push((name, node)),
        }
    }

    /// A member that is there and not null. D7.
    fn node(&self, name: &str) -> Option<&'n Node> {
        self.get(name).filter(|node| !node.is_null())
    }
}

#[derive(Default)]
struct Decoder {
    faults: Vec<Fault>,
}

impl Decoder {
    fn end<T>(self, value: T) -> Result<T, Vec<Fault>> {
        if self.faults.is_empty() { Ok(value) } else { Err(self.faults) }
    }

    fn wrong_type(&mut self, node: &Node, what: &str, wanted: &str) {
        let text = format!("cannot unmarshal {} into {what}: want {wanted}", node.described());
        self.faults.push(Fault { rule: rules::CU003, at: node.at.clone(), text });
    }

    /// The members of a mapping: unknown and repeated ones are problems, and a repeated one hides all others. D5, D6, D12.
    fn fields<'n>(&mut self, node: &'n Node, known: &'static [&'static str], what: &str) -> Fields<'n> {
        let mut fields = Fields { at: node.at.clone(), found: Vec::new() };
        if node.is_null() {
            return fields;
        }
        self.collect(node, known, what, &mut fields, None);
        fields
    }

    /// Takes the members of one mapping, then those it merges. `seen`: names that stand in a mapping this one is merged
    /// into; they win. D11.
    fn collect<'n>(
        &mut self,
        node: &'n Node,
        known: &'static [&'static str],
        what: &str,
        fields: &mut Fields<'n>,
        mut seen: Option<&mut BTreeSet<String>>,
    ) {
        let Content::Map(pairs) = &node.content else { return self.wrong_type(node, what, "a mapping") };
        if self.has_duplicates(pairs) {
            return;
        }
        let mut merged = None;
        // Known names of this mapping: as few as there are known ones.
        let mut done: Vec<&str> = Vec::new();
        for (key, value) in pairs {
            if is_merge(key) {
                merged = Some(value);
                continue;
            }
            let Content::Scalar(scalar) = &key.content else {
                self.wrong_type(key, "a field name", "a text");
                continue;
            };
            // The decoder passes over a null key and its value.
            if scalar.kind == ScalarKind::Null {
                continue;
            }
            let name = scalar.text.as_str();
            if seen.as_mut().is_some_and(|seen| !seen.insert(name.to_owned())) {
                continue;
            }
            match known.iter().find(|known| **known == name) {
                Some(_) if done.contains(&name) => {
                    let text = format!("field {name} already set in {what}");
                    self.faults.push(Fault { rule: rules::CU004, at: key.at.clone(), text });
                }
                Some(known) => {
                    done.push(name);
                    fields.set(known, value);
                }
                None => {
                    let text = format!("field {name} not found in {what}");
                    self.faults.push(Fault { rule: rules::CU002, at: key.at.clone(), text });
                }
            }
        }
        let Some(merged) = merged else { return };
        let mut own: BTreeSet<String> = pairs.iter().filter_map(|(key, _)| name_of(key)).collect();
        let seen = seen.unwrap_or(&mut own);
        match &merged.content {
            Content::Map(_) => self.collect(merged, known, what, fields, Some(seen)),
            Content::List(items) if merged.alias.is_none() && items.iter().all(Node::is_map) => {
                for item in items {
                    self.collect(item, known, what, fields, Some(seen));
                }
            }
            _ => {
                let text = "map merge requires map or sequence of maps as the value".to_owned();
                self.faults.push(Fault { rule: rules::CU003, at: merged.at.clone(), text });
            }
        }
    }

    /// Reports keys that are there twice; keys count as equal by their kind and their text.
    fn has_duplicates(&mut self, pairs: &[(Node, Node)]) -> bool {
        let mut seen = BTreeSet::new();
        let before = self.faults.len();
        for (place, (key, _)) in pairs.iter().enumerate() {
            let identity = identity(key);
            let is_new = match pairs.len() <= FEW {
                true => !pairs[..place].iter().any(|(earlier, _)| self::identity(earlier) == identity),
                false => seen.insert(identity),
            };
            if !is_new {
                let text = format!("mapping key \"{}\" already defined", identity.1);
                self.faults.push(Fault { rule: rules::CU004, at: key.at.clone(), text });
            }
        }
        self.faults.len() > before
    }

    fn text(&mut self, fields: &Fields<'_>, name: &'static str) -> Slot {
        match fields.get(name) {
            None => Slot::absent(&fields.at),
            Some(node) => self.slot(node, name),
        }
    }

    fn slot(&mut self, node: &Node, name: &str) -> Slot {
        let at = node.at.clone();
        match &node.content {
            Content::Scalar(scalar) => match scalar.kind {
                ScalarKind::Null => Slot { text: String::new(), at, state: State::Null },
                ScalarKind::Typed => Slot { text: scalar.text.clone(), at, state: State::Typed },
                ScalarKind::Text | ScalarKind::Merge => Slot { text: scalar.text.clone(), at, state: State::Text },
            },
            Content::List(_) | Content::Map(_) => {
                self.wrong_type(node, name, "a text");
                Slot { text: String::new(), at, state: State::Text }
            }
        }
    }

    /// The items of a list that are not null, and where the nulls stand. D9.
    fn list<'n>(&mut self, fields: &Fields<'n>, name: &str) -> (Vec<&'n Node>, Vec<Range<usize>>) {
        match fields.node(name).map(|node| (node, &node.content)) {
            None => (Vec::new(), Vec::new()),
            Some((_, Content::List(items))) => {
                let (nulls, items): (Vec<&Node>, Vec<&Node>) = items.iter().partition(|item| item.is_null());
                (items, nulls.into_iter().map(|null| null.at.clone()).collect())
            }
            Some((node, _)) => {
                self.wrong_type(node, name, "a list");
                (Vec::new(), Vec::new())
            }
        }
    }

    fn texts(&mut self, fields: &Fields<'_>, name: &'static str) -> Texts {
        let (items, nulls) = self.list(fields, name);
        let at = fields.get(name).map_or(fields.at.start..fields.at.start, |node| node.at.clone());
        Texts { at, items: items.into_iter().map(|item| self.slot(item, name)).collect(), nulls }
    }

    fn acquisition(&mut self, fields: &Fields<'_>) -> RawAcquisition {
        RawAcquisition {
            mode: self.text(fields, "mode"),
            container_name: self.text(fields, "container_name"),
            login_cmd: self.texts(fields, "login_cmd"),
            token_cmd: self.texts(fields, "token_cmd"),
            browser_shim: self.text(fields, "browser_shim"),
            config_dir: self.text(fields, "config_dir"),
            image: self.text(fields, "image"),
        }
    }

    fn entry(&mut self, node: &Node, known: &'static [&'static str], what: &str) -> RawSealing {
        let fields = self.fields(node, known, what);
        let sentinel =
            fields.node("sentinel").map(|node| (node.at.clone(), self.fields(node, &["value", "env"], "sentinel")));
        RawSealing {
            host: self.text(&fields, "host"),
            scheme: self.text(&fields, "scheme"),
            emit_mechanism: self.text(&fields, "emit_mechanism"),
            sentinel: sentinel.map(|(at, fields)| RawSentinel {
                at,
                value: self.text(&fields, "value"),
                env: self.text(&fields, "env"),
            }),
            username: self.text(&fields, "username"),
            header: self.text(&fields, "header"),
            template: self.text(&fields, "template"),
            query_param: self.text(&fields, "query_param"),
            credential_ref: self.text(&fields, "credential_ref"),
            kind: self.text(&fields, "kind"),
            identity_label: self.text(&fields, "identity_label"),
            access_key_id: self.text(&fields, "access_key_id"),
            allowed_hosts: self.texts(&fields, "allowed_hosts"),
            effect: self.text(&fields, "effect"),
        }
    }

    /// A `state` that has members; which of them is nobody's business, but keys have to be keys. cli-unit.md §4.
    fn state(&mut self, fields: &Fields<'_>) -> Option<Range<usize>> {
        let node = fields.node("state")?;
        let Content::Map(pairs) = &node.content else {
            self.wrong_type(node, "state", "a mapping");
            return None;
        };
        self.untyped(node);
        let has_members = |pairs: &[(Node, Node)]| {
            pairs.iter().any(|(key, value)| match (is_merge(key), &value.content) {
                (true, Content::Map(merged)) => !merged.is_empty(),
                (true, Content::List(maps)) => maps.iter().any(|map| map.is_map() && !is_empty(map)),
                _ => true,
            })
        };
        has_members(pairs).then(|| node.at.clone())
    }

    /// Looks at a value of any shape: repeated keys, and keys that are lists or mappings.
    fn untyped(&mut self, node: &Node) {
        match &node.content {
            Content::Scalar(_) => {}
            Content::List(items) => items.iter().for_each(|item| self.untyped(item)),
            Content::Map(pairs) => {
                if self.has_duplicates(pairs) {
                    return;
                }
                for (key, value) in pairs {
                    if !matches!(key.content, Content::Scalar(_)) {
                        self.wrong_type(key, "a key", "a text");
                    }
                    if is_merge(key) && !is_mergeable(value) {
                        let text = "map merge requires map or sequence of maps as the value".to_owned();
                        self.faults.push(Fault { rule: rules::CU003, at: value.at.clone(), text });
                    }
                    self.untyped(value);
                }
            }
        }
    }
}

/// What makes two keys equal.
fn identity(key: &Node) -> (u8, &str) {
    match (&key.alias, &key.content) {
        (Some(alias), _) => (0, alias.as_str()),
        (None, Content::Scalar(scalar)) => (1, scalar.text.as_str()),
        (None, Content::List(_)) => (2, ""),
        (None, Content::Map(_)) => (3, ""),
    }
}

fn is_mergeable(value: &Node) -> bool {
    match &value.content {
        Content::Map(_) => true,
        Content::List(items) => value.alias.is_none() && items.iter().all(Node::is_map),
        Content::Scalar(_) => false,
    }
}

fn is_empty(node: &Node) -> bool {
    matches!(&node.content, Content::Map(pairs) if pairs.is_empty())
}

fn is_merge(key: &Node) -> bool {
    key.alias.is_none() && matches!(&key.content, Content::Scalar(scalar) if scalar.kind == ScalarKind::Merge)
}

fn name_of(key: &Node) -> Option<String> {
    match &key.content {
        Content::Scalar(scalar) => Some(scalar.text.clone()),
        Content::List(_) | Content::Map(_) => None,
    }
}
