//! The block `customizations.aileron.credential` beside a unit. cli-unit.md §11.1.

use std::ops::Range;

use crate::text::json::tape::{Kind, Value};
use crate::text::quote::Quoted;
use crate::unit::document::Scheme;

/// The block, valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credential {
    pub(super) scheme: Scheme,
    /// Variables and their values, with where the value stands.
    pub(super) placeholders: Vec<(String, String, Range<usize>)>,
}

/// What every failure begins with.
const PREFIX: &str = "composition: invalid credential convention: ";

/// Reads the block.
///
/// # Errors
/// The place and the whole text of what is wrong.
pub(super) fn read(block: Value<'_>) -> Result<Credential, (Range<usize>, String)> {
    let refuse = |at: Range<usize>, text: String| Err((at, format!("{PREFIX}{text}")));
    known(block, &["scheme", "placeholders"], "the block")?;
    let scheme = text(block, "scheme")?;
    if scheme.is_empty() {
        return refuse(block.at(), "scheme is required".to_owned());
    }
    let Some(scheme) = Scheme::from_text(&scheme) else {
        let at = block.member("scheme").map_or(block.at(), |value| value.at());
        return refuse(at, format!("unknown scheme {}", Quoted(&scheme)));
    };
    let list = block.member("placeholders").filter(|list| !list.is_null());
    if let Some(list) = list.filter(|list| list.kind() != Kind::List) {
        return refuse(list.at(), "placeholders is not an array".to_owned());
    }
    let mut placeholders: Vec<(String, String, Range<usize>)> = Vec::new();
    for (index, item) in list.iter().flat_map(|list| list.items()).enumerate() {
        known(item, &["env", "value"], "a placeholder")?;
        let (env, value) = (text(item, "env")?, text(item, "value")?);
        if env.is_empty() {
            return refuse(item.at(), format!("placeholder {index} missing env"));
        }
        if value.is_empty() {
            return refuse(item.at(), format!("placeholder {} missing value", Quoted(&env)));
        }
        if placeholders.iter().any(|(before, ..)| *before == env) {
            return refuse(item.at(), format!("duplicate placeholder env {}", Quoted(&env)));
        }
        placeholders.push((env, value, item.at()));
    }
    if placeholders.is_empty() {
        return refuse(list.map_or(block.at(), |list| list.at()), "at least one placeholder is required".to_owned());
    }
    Ok(Credential { scheme, placeholders })
}

fn known(value: Value<'_>, names: &[&str], what: &str) -> Result<(), (Range<usize>, String)> {
    if value.kind() != Kind::Object {
        return Err((value.at(), format!("{PREFIX}{what} is not an object")));
    }
    match value.members().find(|member| !names.iter().any(|name| member.is_named(name))) {
        None => Ok(()),
        Some(member) => {
            let name = member.name.text().unwrap_or_default();
            Err((member.name.at(), format!("{PREFIX}unknown field {}", Quoted(&name))))
        }
    }
}

/// A member's text; empty where it is absent or null.
fn text(value: Value<'_>, name: &str) -> Result<String, (Range<usize>, String)> {
    match value.member(name).filter(|member| !member.is_null()) {
        None => Ok(String::new()),
        Some(member) => match member.text() {
            Some(text) => Ok(text.into_owned()),
            None => Err((member.at(), format!("{PREFIX}{name} is not a string"))),
        },
    }
}
