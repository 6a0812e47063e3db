//! One object of a manifest: its names, and members of a type.

use std::borrow::Cow;

use super::Findings;
use crate::aegis::manifest::decode::is_folded;
use crate::aegis::rules::{JSON_MEMBER_CASE, MEMBER_UNKNOWN, SCHEMA_TYPE, TEXT_BLANK, TEXT_PADDING};
use crate::text::json::tape::{self, Member, Value};
use crate::text::quote::Quoted;

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
                Some(meant) => {
                    self.findings.of(JSON_MEMBER_CASE, value, format!("{} is read as {}", Quoted(&name), Quoted(meant)))
                }
                None => {
                    self.findings.of(MEMBER_UNKNOWN, value, format!("{} is not a member of this object", Quoted(&name)))
                }
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
