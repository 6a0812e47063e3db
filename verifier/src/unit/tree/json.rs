//! One JSON value to a tree, as Aileron's detour through a generic value and YAML leaves it. cli-unit.md §2.1.

use std::collections::BTreeMap;

use super::{BYTES, Content, DEPTH, FEW, Fault, NODES, Node, Scalar, ScalarKind, float_text};
use crate::text::json::tape::{Kind, Value};
use crate::unit::rules;

/// Takes a value. Of members with one name the last one counts, in the place of the first.
///
/// # Errors
/// A [`Fault`]: it is too deep, too large, or has a number that is none of 64 bits.
pub(in crate::unit) fn from_json(value: Value<'_>) -> Result<Node, Fault> {
    let at = value.at();
    if at.len() > BYTES {
        let text = format!("the block has {} bytes; at most {BYTES} are read", at.len());
        return Err(Fault { rule: rules::CU001, at: at.start..at.start + 1, text });
    }
    let mut nodes = 0;
    node(value, 0, &mut nodes)
}

fn node(value: Value<'_>, depth: u32, nodes: &mut usize) -> Result<Node, Fault> {
    let at = value.at();
    let fault = |text: String| Fault { rule: rules::CU001, at: at.clone(), text };
    *nodes += 1;
    if *nodes > NODES {
        return Err(fault(format!("the block has more than {NODES} values")));
    }
    if depth > DEPTH {
        return Err(fault(format!("more than {DEPTH} arrays and objects inside one another")));
    }
    let leaf = |text: String, kind| Ok(Node::leaf(at.clone(), Scalar { text, kind }));
    match value.kind() {
        Kind::Null => leaf("null".to_owned(), ScalarKind::Null),
        Kind::Boolean => leaf(value.boolean().unwrap_or_default().to_string(), ScalarKind::Typed),
        Kind::Number => match value.number().and_then(float_text) {
            Some(text) => leaf(text, ScalarKind::Typed),
            None => Err(fault("a number that is none of 64 bits".to_owned())),
        },
        Kind::Text => leaf(value.text().unwrap_or_default().into_owned(), ScalarKind::Text),
        Kind::List => {
            let items: Result<Vec<Node>, Fault> = value.items().map(|item| node(item, depth + 1, nodes)).collect();
            Ok(Node::inner(at, Content::List(items?)))
        }
        Kind::Object => {
            let mut pairs: Vec<(Node, Node)> = Vec::new();
            let mut index = BTreeMap::new();
            for member in value.members() {
                let name = member.name.text().unwrap_or_default();
                let place = match index.is_empty() {
                    true => pairs.iter().position(|(key, _)| is_named(key, &name)),
                    false => index.get(&*name).copied(),
                };
                let read = node(member.value, depth + 1, nodes)?;
                match place.and_then(|place| pairs.get_mut(place)) {
                    Some(pair) => pair.1 = read,
                    None => {
                        let key = Scalar { text: name.into_owned(), kind: ScalarKind::Text };
                        pairs.push((Node::leaf(member.name.at(), key), read));
                        if pairs.len() > FEW {
                            let new = if index.is_empty() { 0 } else { pairs.len() - 1 };
                            index.extend((new..pairs.len()).map(|place| (name_of(&pairs[place].0), place)));
                        }
                    }
                }
            }
            Ok(Node::inner(at, Content::Map(pairs)))
        }
    }
}

fn name_of(key: &Node) -> String {
    match &key.content {
        Content::Scalar(scalar) => scalar.text.clone(),
        Content::List(_) | Content::Map(_) => String::new(),
    }
}

fn is_named(key: &Node, name: &str) -> bool {
    matches!(&key.content, Content::Scalar(scalar) if scalar.text == name)
}
