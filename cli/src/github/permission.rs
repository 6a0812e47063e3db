//! What a token lacks where GitHub answers 403, as far as GitHub says so.
//!
//! GitHub tells the rights that would have been enough in `x-accepted-github-permissions` (fine-grained tokens and the tokens
//! of apps and workflows) or `x-accepted-oauth-scopes` beside `x-oauth-scopes` (classic tokens), and in `x-github-sso` where
//! an organization wants its single sign-on. GitHub Docs, "Troubleshooting the REST API". Nothing is guessed from a message
//! but that it is about the token's rights at all.

use std::fmt;

use aileron_verifier::text::printable;
use serde_json::Value;

use crate::sys::address::Address;

/// The headers about a token's rights, as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// `x-accepted-github-permissions`: `contents=write; contents=write,workflows=write`. Any one alternative is enough.
    pub accepted_permissions: Option<String>,
    /// `x-accepted-oauth-scopes`: any one is enough.
    pub accepted_scopes: Option<String>,
    /// `x-oauth-scopes`: what a classic token has. Absent for every other token.
    pub scopes: Option<String>,
    /// `x-github-sso`: `required; url=https://github.com/orgs/…`.
    pub sso: Option<String>,
}

/// What a token lacks. Displayed, it follows "the token lacks".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The organization's single sign-on; where to give it, without the query of that address.
    SingleSignOn(Option<String>),
    /// One of these scopes of a classic token.
    Scopes(Vec<String>),
    /// One of these sets of permissions: `contents=write`, `workflows=write`.
    Permissions(Vec<Vec<String>>),
    /// Some right that GitHub does not name.
    Unnamed,
}

impl Lack {
    /// Whether a set of permissions with `workflows` would do as well: GitHub asks for it where a commit changes workflow
    /// files, and lists it beside the set without it (GitHub Docs, "Create a release").
    pub fn may_be_workflows(&self) -> bool {
        matches!(self, Lack::Permissions(sets) if sets.iter().any(|set| names_workflows(set)))
    }

    /// The same, where it is known that no workflow file differs: then those sets are not the cause.
    #[must_use]
    pub fn without_workflows(self) -> Lack {
        match self {
            Lack::Permissions(sets) if sets.iter().any(|set| !names_workflows(set)) => {
                Lack::Permissions(sets.into_iter().filter(|set| !names_workflows(set)).collect())
            }
            lack => lack,
        }
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lack::SingleSignOn(None) => f.write_str("the single sign-on of the organization"),
            Lack::SingleSignOn(Some(at)) => write!(f, "the single sign-on of the organization, at {at}"),
            Lack::Scopes(any) => write!(f, "the scope {}", any.join(" or ")),
            Lack::Permissions(any) => {
                let sets: Vec<String> = any.iter().map(|set| set.join(" and ")).collect();
                write!(f, "the permission {}", sets.join(", or "))
            }
            Lack::Unnamed => f.write_str("a right to do this, and GitHub does not say which"),
        }
    }
}

/// What the token lacks for certain: GitHub says so in words or headers that it uses for nothing else. Asking again does not
/// help, whatever else the answer says.
pub(super) fn certainly_lacking(status: u16, offer: &Offer, document: &Value) -> Option<Lack> {
    if status != 403 {
        return None;
    }
    if let Some(sso) = offer.sso.as_deref().filter(|sso| sso.trim_start().starts_with("required")) {
        let place = sso.split_once("url=").map(|(_, url)| Address::of(url.trim()).to_string());
        return Some(Lack::SingleSignOn(place.map(|place| printable(&place).into_owned())));
    }
    message(document).contains("resource not accessible by").then(|| named(offer))
}

/// What the token lacks, where nothing says that the answer is about a limit.
pub(super) fn lacking(status: u16, offer: &Offer, document: &Value) -> Option<Lack> {
    if status != 403 || document.is_null() {
        return None;
    }
    if let Some(lack) = scopes(offer) {
        return Some(lack);
    }
    const ABOUT_THE_TOKEN: [&str; 7] =
        ["not accessible by", "must have", "must grant", "insufficient", "scope", "write access", "permission"];
    let message = message(document);
    ABOUT_THE_TOKEN.iter().any(|words| message.contains(words)).then(|| named(offer))
}

fn message(document: &Value) -> String {
    document["message"].as_str().unwrap_or_default().to_ascii_lowercase()
}

/// As precisely as the headers name it.
fn named(offer: &Offer) -> Lack {
    if let Some(lack) = scopes(offer) {
        return lack;
    }
    let sets = offer.accepted_permissions.as_deref().unwrap_or_default().split(';').map(|set| words(set, ','));
    let sets: Vec<Vec<String>> = sets.filter(|set| !set.is_empty()).take(MOST).collect();
    if sets.is_empty() { Lack::Unnamed } else { Lack::Permissions(sets) }
}

/// The scopes a classic token lacks: it has scopes, and none of those that are enough.
fn scopes(offer: &Offer) -> Option<Lack> {
    let has = words(offer.scopes.as_deref()?, ',');
    let enough = words(offer.accepted_scopes.as_deref()?, ',');
    (!enough.is_empty() && !enough.iter().any(|scope| has.contains(scope))).then_some(Lack::Scopes(enough))
}

/// Alternatives of a header that are kept: a longer list does not help a reader.
const MOST: usize = 8;

fn words(text: &str, separator: char) -> Vec<String> {
    let words = text.split(separator).map(str::trim).filter(|word| !word.is_empty());
    words.take(MOST).map(|word| printable(word).into_owned()).collect()
}

fn names_workflows(set: &[String]) -> bool {
    set.iter().any(|one| one.starts_with("workflows"))
}

#[cfg(test)]
#[path = "permission/tests.rs"]
mod tests;
