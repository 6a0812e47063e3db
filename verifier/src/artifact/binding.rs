//! Fills placeholder fields of signed documents, and proves every other byte untouched.
//!
//! A release knows four things a committed document cannot: the version, the connector's content hash, the client secret,
//! and nothing else. Each goes into exactly the fields of artifacts.md §5, found by parsing; the value's own byte range is
//! replaced and no printer ever sees the rest. Comments that quote a placeholder keep it.

use std::ops::Range;

use crate::artifact::action::{Action, Pin};
use crate::artifact::manifest::{ConnectorManifest, SECRET_PLACEHOLDER};
use crate::artifact::rules;
use crate::name::digest::ContentHash;
use crate::name::fqn::{Fqn, Ref};
use crate::name::version::{self, Version};
use crate::problem::{MOST_PROBLEMS_OF_SOURCE, Problem, Problems, Source, Spanned};
use crate::text::toml;

/// The closed list of fields a release fills. artifacts.md §5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Manifest `connector.version`.
    ConnectorVersion,
    /// Manifest `capabilities.credential.oauth2.client_secret`.
    ClientSecret,
    /// Action `version`.
    ActionVersion,
    /// The version part of an action's `source`.
    ActionSource,
    /// `version` of the requirement that names this connector.
    RequiredVersion,
    /// `hash` of that requirement.
    RequiredHash,
}

/// One field to fill: its value's byte range and the TOML text that goes there. Holds a secret when the field is one, so
/// it has no `Debug`.
pub struct Edit {
    /// Which field.
    pub field: Field,
    /// Byte range of the committed value, quotes included.
    pub at: Range<usize>,
    /// The new value as TOML, quotes included.
    pub text: String,
}

/// The edits of a manifest. `secret` fills a client secret; `None` leaves its placeholder standing, so that
/// [`leftovers`] reports it.
///
/// # Errors
/// A [`rules::PLACEHOLDER`] problem when the version is neither the placeholder nor `version`.
pub fn manifest(
    manifest: &ConnectorManifest,
    version: &Version,
    secret: Option<&str>,
) -> Result<Vec<Edit>, Vec<Problem>> {
    let mut edits = Edits::new(&manifest.source);
    edits.version(Field::ConnectorVersion, &manifest.version, version);
    if let (Some(field), Some(secret)) = (client_secret(manifest), secret) {
        edits.list.push(Edit { field: Field::ClientSecret, at: field.at.clone(), text: toml::quote(secret) });
    }
    edits.finish()
}

/// The manifest's client secret field, when it holds the placeholder.
pub fn client_secret(manifest: &ConnectorManifest) -> Option<&Spanned<String>> {
    let field = manifest.credential.as_ref()?.oauth2.as_ref()?.client_secret.as_ref()?;
    (field.value == SECRET_PLACEHOLDER).then_some(field)
}

/// The edits of an action of `connector`. `content` fills the pin; `None` (the module is not built yet) leaves it out.
///
/// # Errors
/// A [`rules::PLACEHOLDER`] problem for each field that holds neither its placeholder nor the release's value.
pub fn action(
    action: &Action,
    connector: &Fqn,
    version: &Version,
    content: Option<&ContentHash>,
) -> Result<Vec<Edit>, Vec<Problem>> {
    let mut edits = Edits::new(&action.source);
    edits.version(Field::ActionVersion, &action.version, version);
    let reference = &action.reference;
    let source_version = Spanned { value: reference.value.version.clone(), at: reference.at.clone() };
    if edits.wants(&source_version, version) {
        let bound = Ref { name: reference.value.name.clone(), version: version.clone() };
        let text = toml::quote(&bound.to_string());
        edits.list.push(Edit { field: Field::ActionSource, at: reference.at.clone(), text });
    }
    for requirement in action.requires.iter().filter(|requirement| requirement.name.value == *connector) {
        edits.version(Field::RequiredVersion, &requirement.version, version);
        match (&requirement.hash.value, content) {
            (Pin::Placeholder, Some(content)) => {
                let text = toml::quote(&content.to_string());
                edits.list.push(Edit { field: Field::RequiredHash, at: requirement.hash.at.clone(), text });
            }
            (Pin::Hash(pinned), Some(content)) if pinned != content => {
                let message = format!("hash is {pinned}; this release's connector is {content}");
                edits.problems.push(action.source.problem(rules::PLACEHOLDER, requirement.hash.at.clone(), message));
            }
            _ => {}
        }
    }
    edits.finish()
}

struct Edits<'a> {
    source: &'a Source,
    list: Vec<Edit>,
    problems: Problems,
}

impl<'a> Edits<'a> {
    fn new(source: &'a Source) -> Edits<'a> {
        Edits { source, list: Vec::new(), problems: Problems::up_to(MOST_PROBLEMS_OF_SOURCE) }
    }

    /// Whether the field holds the placeholder; a third value is a problem.
    fn wants(&mut self, found: &Spanned<Version>, release: &Version) -> bool {
        if found.value == *release {
            return false;
        }
        if found.value.is_placeholder() {
            return true;
        }
        let release = if release.is_placeholder() { String::new() } else { format!(" nor the release's {release}") };
        let placeholder = version::PLACEHOLDER;
        let neither = if release.is_empty() { "not" } else { "neither" };
        let message = format!("version is {}, which is {neither} the placeholder {placeholder}{release}", found.value);
        self.problems.push(self.source.problem(rules::PLACEHOLDER, found.at.clone(), message));
        false
    }

    fn version(&mut self, field: Field, found: &Spanned<Version>, release: &Version) {
        if self.wants(found, release) {
            self.list.push(Edit { field, at: found.at.clone(), text: toml::quote(release.as_str()) });
        }
    }

    fn finish(mut self) -> Result<Vec<Edit>, Vec<Problem>> {
        self.list.sort_by_key(|edit| edit.at.start);
        match self.problems.sorted() {
            (problems, _) if problems.is_empty() => Ok(self.list),
            (problems, _) => Err(problems),
        }
    }
}

/// Writes the edits into a copy of the text. Edits are in file order and do not overlap, as [`manifest`] and [`action`]
/// make them.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let grown: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut bound = String::with_capacity(text.len() + grown); // one allocation: a secret is not left behind by growth
    let mut rest = 0;
    for edit in edits {
        bound.push_str(&text[rest..edit.at.start]);
        bound.push_str(&edit.text);
        rest = edit.at.end;
    }
    bound.push_str(&text[rest..]);
    bound
}

/// Does `bound` differ from `text` in the edited ranges and nowhere else? An independent reading of what [`apply`] did.
pub fn differs_only_there(text: &str, bound: &str, edits: &[Edit]) -> bool {
    let (mut old, mut new) = (text.as_bytes(), bound.as_bytes());
    let mut consumed = 0;
    for edit in edits {
        let Some(kept) = edit.at.start.checked_sub(consumed) else { return false };
        if old.get(..kept).is_none() || old.get(..kept) != new.get(..kept) {
            return false;
        }
        let Some(rest) = new[kept..].strip_prefix(edit.text.as_bytes()) else { return false };
        let Some(after) = old.get(edit.at.end - consumed..) else { return false };
        (old, new, consumed) = (after, rest, edit.at.end);
    }
    old == new
}

/// Placeholders that would be published: string values that hold one and are not among the edits. Comments and prose do
/// not count; ranges point into `source`.
pub fn leftovers(source: &Source, within: Range<usize>, edits: &[Edit]) -> Vec<Problem> {
    // Edits are in file order and apart from each other: the last one that begins before a place is the only one over it.
    let is_bound = |at: &Range<usize>| {
        let after = edits.partition_point(|edit| edit.at.start <= at.start);
        edits[..after].last().is_some_and(|edit| at.end <= edit.at.end)
    };
    let text = &source.text[within.clone()];
    let mentions = [version::PLACEHOLDER, SECRET_PLACEHOLDER].into_iter().flat_map(|word| text.match_indices(word));
    let suspicious = |(at, word): (usize, &str)| !is_bound(&(within.start + at..within.start + at + word.len()));
    if !mentions.into_iter().any(suspicious) && !text.contains('\\') {
        return Vec::new(); // nothing outside the edits, not even in an escape: the common case needs no second parse
    }
    let left = |value: &Spanned<String>| !is_bound(&value.at) && holds_placeholder(&value.value);
    let problem = |value: Spanned<String>| {
        let message = format!("\"{}\" still holds a placeholder, and a release does not bind this field", value.value);
        source.problem(rules::PLACEHOLDER_LEFT, value.at, message)
    };
    let mut problems = Problems::up_to(MOST_PROBLEMS_OF_SOURCE);
    toml::string_values(source, within).into_iter().filter(left).map(problem).for_each(|left| problems.push(left));
    problems.sorted().0
}

/// The secret's placeholder anywhere, or the version's as a version of its own, `v` before it and a full stop after it
/// allowed (`10.0.0-dev` and `0.0.0-dev.1` are others).
fn holds_placeholder(value: &str) -> bool {
    let part_of_a_version = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '+';
    let alone = |(at, word): (usize, &str)| {
        let (before, after) = (&value[..at], &value[at + word.len()..]);
        let after = after.trim_start_matches(['.', '-', '+']);
        !before.strip_suffix('v').unwrap_or(before).ends_with(part_of_a_version)
            && !after.starts_with(|c: char| c.is_ascii_alphanumeric())
    };
    value.contains(SECRET_PLACEHOLDER) || value.match_indices(version::PLACEHOLDER).any(alone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // artifacts.md §5: no placeholder is left in any value
    fn a_placeholder_is_known_from_another_version() {
        for value in
            ["0.0.0-dev", "v0.0.0-dev", "at 0.0.0-dev.", "x@0.0.0-dev", "(0.0.0-dev)", "a/v0.0.0-dev/b", "0.0.0-dev..."]
        {
            assert!(holds_placeholder(value), "{value}");
        }
        for value in ["10.0.0-dev", "0.0.0-dev.1", "0.0.0-dev-2", "0.0.0-dev+build", "0.0.0-devel", "1.0.0-v0.0.0-dev"]
        {
            assert!(!holds_placeholder(value), "{value}");
        }
    }
}
