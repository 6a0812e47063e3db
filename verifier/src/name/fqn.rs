//! Names: who ships a thing, and where it is found.
//!
//! A name is text that became a type at the border. Comparison is exact: nothing here changes case, trims or decodes.
//! Trust is decided on [`Authority`] strings derived from names; a malformed name derives none.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::version::{NotSemVer, Tag, Version};
use crate::problem::Class;
use crate::text::printable;

/// Where a name lives. `Local` stands only inside documents of locally written actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// github.com or an Enterprise server standing in for it.
    Github,
    /// gitlab.com.
    Gitlab,
    /// The Aileron Hub.
    Hub,
    /// This machine only; never in an archive.
    Local,
}

impl Scheme {
    /// The scheme as written before `://`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Github => "github",
            Scheme::Gitlab => "gitlab",
            Scheme::Hub => "hub",
            Scheme::Local => "local",
        }
    }
}

/// Name of a connector or action: `github://acme/slack/actions/send`. Never a version. artifacts.md §1, keyring.md §2.2.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fqn {
    scheme: Scheme,
    owner: String,
    repo: String,
    subpath: Option<String>,
}

/// Longest name in bytes, version excepted. No forge could make a tag of a longer one, and every answer about an artifact
/// repeats its name: artifacts.md §10, bounds before the signature.
pub const MAX_NAME: usize = 1024;

/// Why a text is not a name or Ref. The messages are keyring.md §2.2's where it has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("empty FQN")]
    Empty,
    /// A version stands where a bare name belongs.
    #[error("FQN must not contain @<version> suffix; use ParseRef")]
    HasVersion,
    /// The scheme is not one of the list.
    #[error("scheme \"{0}\" is not recognized (expected one of github://, gitlab://, hub://)")]
    Scheme(String),
    /// Nothing between `//` and the next `/`.
    #[error("missing owner segment")]
    NoOwner,
    /// Nothing after the owner.
    #[error("missing repo segment")]
    NoRepo,
    /// Over [`MAX_NAME`].
    #[error("a name of {found} bytes; at most {MAX_NAME} are read")]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// A segment is empty, `.`, `..`, or has a character outside `A-Z a-z 0-9 . _ -`.
    #[error("invalid URI: segment \"{}\" {}", printable(.segment), .reason)]
    Segment {
        /// The offending segment.
        segment: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A Ref without `@`.
    #[error("\"{}\" has no @<version>", printable(.0))]
    NoVersion(String),
    /// The part after the last `@` is not a version.
    #[error(transparent)]
    Version(#[from] NotSemVer),
}

impl NameError {
    /// `unknown_scheme` for a well-formed URI of a foreign scheme given from outside, else `validation_error`.
    /// Inside a document every bad name is `validation_error`; documents do not ask. artifacts.md §1.
    pub fn class(&self) -> Class {
        match self {
            NameError::Scheme(scheme) if !scheme.is_empty() && !Scheme::is_known_in_other_case(scheme) => {
                Class::UnknownScheme
            }
            NameError::Empty
            | NameError::HasVersion
            | NameError::Scheme(_)
            | NameError::NoOwner
            | NameError::NoRepo
            | NameError::TooLong { .. }
            | NameError::Segment { .. }
            | NameError::NoVersion(_)
            | NameError::Version(_) => Class::ValidationError,
        }
    }
}

impl Scheme {
    const PUBLISHED: [Scheme; 3] = [Scheme::Github, Scheme::Gitlab, Scheme::Hub];

    fn is_known_in_other_case(text: &str) -> bool {
        Scheme::PUBLISHED.iter().any(|scheme| scheme.as_str().eq_ignore_ascii_case(text))
    }
}

impl Fqn {
    /// Parses a name as documents of actions may hold it: `local://` is allowed too.
    ///
    /// # Errors
    /// [`NameError`], as [`FromStr`], but for the scheme.
    pub fn parse_local(text: &str) -> Result<Fqn, NameError> {
        match text.strip_prefix("local://") {
            Some(rest) => parse_path(Scheme::Local, rest, text),
            None => text.parse(),
        }
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// First path segment: who ships it.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Second path segment.
    pub fn repo(&self) -> &str {
        &self.repo
    }

    /// Everything after the repository, without a leading slash.
    pub fn subpath(&self) -> Option<&str> {
        self.subpath.as_deref()
    }

    /// The name of one action of this connector's repository: `<repo>/actions/<name>`.
    ///
    /// # Errors
    /// [`NameError::Segment`] when `action` cannot be a path segment.
    pub fn action(&self, action: &str) -> Result<Fqn, NameError> {
        segment(action)?;
        let base = self.subpath.as_deref().map(|base| format!("{base}/")).unwrap_or_default();
        Ok(Fqn { subpath: Some(format!("{base}actions/{action}")), ..self.clone() })
    }

    /// The short name of the action it names: what follows `actions/` at its end. `None` for what is no action.
    pub fn action_name(&self) -> Option<&str> {
        let path = self.subpath()?;
        let (above, name) = path.rsplit_once('/')?;
        let is_action = above.rsplit('/').next() == Some("actions");
        is_action.then_some(name)
    }

    /// The tag a version of it is released under.
    pub fn tag(&self, version: &Version) -> Tag {
        Tag::of(self.subpath(), version)
    }

    /// The version of it that this tag of its repository releases; `None` for a tag of something else.
    pub fn version_at(&self, tag: &str) -> Option<Version> {
        Tag::read(self.subpath(), tag)
    }

    /// The repository's own name: the subpath dropped.
    pub fn repository(&self) -> Fqn {
        Fqn { subpath: None, ..self.clone() }
    }

    /// `<scheme>://<owner>/<repo>`: what a repo grant names. keyring.md §2.3.
    pub fn repo_authority(&self) -> Authority {
        Authority(format!("{}://{}/{}", self.scheme.as_str(), self.owner, self.repo))
    }

    /// `<scheme>://<owner>`: what an owner grant names. keyring.md §2.3.
    pub fn owner_authority(&self) -> Authority {
        Authority(format!("{}://{}", self.scheme.as_str(), self.owner))
    }
}

impl FromStr for Fqn {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Fqn, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.contains('@') {
            return Err(NameError::HasVersion);
        }
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(NameError::Scheme(String::new()));
        };
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let Some(known) = Scheme::PUBLISHED.into_iter().find(|known| known.as_str() == scheme) else {
            return Err(NameError::Scheme(if is_scheme { scheme.to_owned() } else { String::new() }));
        };
        parse_path(known, rest.strip_prefix("//").ok_or(NameError::NoOwner)?, text)
    }
}

fn parse_path(scheme: Scheme, path: &str, whole: &str) -> Result<Fqn, NameError> {
    if whole.len() > MAX_NAME {
        return Err(NameError::TooLong { found: whole.len() });
    }
    if whole.contains('@') {
        return Err(NameError::HasVersion);
    }
    let (owner, rest) = path.split_once('/').map_or((path, None), |(owner, rest)| (owner, Some(rest)));
    if owner.is_empty() {
        return Err(NameError::NoOwner);
    }
    segment(owner)?;
    let rest = rest.filter(|rest| !rest.is_empty()).ok_or(NameError::NoRepo)?;
    let (repo, subpath) = rest.split_once('/').map_or((rest, None), |(repo, subpath)| (repo, Some(subpath)));
    segment(repo)?;
    subpath.into_iter().flat_map(|subpath| subpath.split('/')).try_for_each(segment)?;
    Ok(Fqn { scheme, owner: owner.into(), repo: repo.into(), subpath: subpath.map(Into::into) })
}

fn segment(text: &str) -> Result<(), NameError> {
    let reason = if text.is_empty() {
        "is empty"
    } else if text == "." || text == ".." {
        "would walk the path"
    } else if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        "has a character other than A-Z a-z 0-9 . _ -"
    } else {
        return Ok(());
    };
    Err(NameError::Segment { segment: text.to_owned(), reason })
}

impl TryFrom<String> for Fqn {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Fqn> for String {
    fn from(name: Fqn) -> String {
        name.to_string()
    }
}

impl fmt::Display for Fqn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/{}", self.scheme.as_str(), self.owner, self.repo)?;
        self.subpath.iter().try_for_each(|subpath| write!(f, "/{subpath}"))
    }
}

/// A name at a version: `<FQN>@<version>`, split at the last `@`. artifacts.md §1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ref {
    /// What.
    pub name: Fqn,
    /// Which version of it.
    pub version: Version,
}

impl Ref {
    /// Parses a Ref as an action's `source` may hold it: `local://` is allowed too.
    ///
    /// # Errors
    /// [`NameError`], as [`FromStr`], but for the scheme.
    pub fn parse_local(text: &str) -> Result<Ref, NameError> {
        let (name, version) = split_ref(text)?;
        Ok(Ref { name: Fqn::parse_local(name)?, version: version.parse()? })
    }

    /// The tag it is released under.
    pub fn tag(&self) -> Tag {
        self.name.tag(&self.version)
    }
}

fn split_ref(text: &str) -> Result<(&str, &str), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    text.rsplit_once('@').ok_or_else(|| NameError::NoVersion(text.to_owned()))
}

impl FromStr for Ref {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Ref, NameError> {
        let (name, version) = split_ref(text)?;
        Ok(Ref { name: name.parse()?, version: version.parse()? })
    }
}

impl TryFrom<String> for Ref {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Ref> for String {
    fn from(reference: Ref) -> String {
        reference.to_string()
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

/// The text a grant is filed under: `<scheme>://<owner>` or `<scheme>://<owner>/<repo>`.
///
/// A ring may hold any non-empty text as an authority (keyring.md §1.4), so this type does not validate; only authorities
/// that parse as a name have an owner.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Authority(String);

impl Authority {
    /// Takes the text as it stands.
    pub fn new(text: impl Into<String>) -> Authority {
        Authority(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// No `/` after the first `://`, or no `://` at all. Decides which map a ring saves it in. keyring.md §1.6.
    pub fn is_owner_shaped(&self) -> bool {
        self.0.split_once("://").is_none_or(|(_, rest)| !rest.contains('/'))
    }

    /// The owner authority, when this text parses as a name. keyring.md §2.5.
    pub fn owner(&self) -> Option<Authority> {
        Fqn::parse_local(&self.0).ok().map(|name| name.owner_authority())
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // keyring.md §2.3
    fn a_name_has_a_repo_authority_and_an_owner_authority() {
        for (name, repo, owner) in [
            ("github://acme/connector", "github://acme/connector", "github://acme"),
            ("github://acme/connector/actions/send", "github://acme/connector", "github://acme"),
            ("gitlab://acme/connector", "gitlab://acme/connector", "gitlab://acme"),
            ("hub://acme/namespace/nested", "hub://acme/namespace", "hub://acme"),
        ] {
            let parsed: Fqn = name.parse().expect(name);
            assert_eq!((parsed.repo_authority().as_str(), parsed.owner_authority().as_str()), (repo, owner));
            assert_eq!(parsed.to_string(), name);
        }
    }

    #[test] // keyring.md §2.2, the messages of its table; the rest is artifacts.md §1 [H]
    fn a_bad_name_is_refused_with_the_reason() {
        for (text, message) in [
            ("", "empty FQN"),
            ("github://owner@1.0.0", "FQN must not contain @<version> suffix; use ParseRef"),
            ("owner/repo", "scheme \"\" is not recognized (expected one of github://, gitlab://, hub://)"),
            ("ftp://owner/repo", "scheme \"ftp\" is not recognized (expected one of github://, gitlab://, hub://)"),
            ("github:///x", "missing owner segment"),
            ("github://owner", "missing repo segment"),
            ("github://owner/", "missing repo segment"),
            ("github://a/b//c", "invalid URI: segment \"\" is empty"),
            ("github://a/../c", "invalid URI: segment \"..\" would walk the path"),
            ("github://a/b%2Fc", "invalid URI: segment \"b%2Fc\" has a character other than A-Z a-z 0-9 . _ -"),
        ] {
            assert_eq!(text.parse::<Fqn>().map_err(|e| e.to_string()), Err(message.to_owned()), "{text}");
        }
    }

    #[test] // artifacts.md §1
    fn only_a_foreign_scheme_is_an_unknown_scheme() {
        for (text, class) in [
            ("ftp://a/b", Class::UnknownScheme),
            ("local://a/b", Class::UnknownScheme),
            ("GitHub://a/b", Class::ValidationError),
            ("acme/x", Class::ValidationError),
            (" github://a/b", Class::ValidationError),
        ] {
            assert_eq!(text.parse::<Fqn>().expect_err(text).class(), class, "{text}");
        }
    }

    #[test] // artifacts.md §1
    fn a_ref_splits_at_the_last_at_sign() {
        let post: Ref = "github://acme/x/actions/post@1.2.3".parse().expect("ref");
        assert_eq!((post.name.to_string(), post.version.as_str()), ("github://acme/x/actions/post".into(), "1.2.3"));
        assert_eq!("github://acme/x@1.2.3@1.2.3".parse::<Ref>(), Err(NameError::HasVersion));
    }
}
