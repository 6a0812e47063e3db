//! What a new connector does: its credential and its operations, as `init` is told.

use std::fmt;
use std::str::FromStr;

/// The credential that the host adds to a connector's requests. artifacts.md §2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// None, and no network either.
    None,
    /// A key that the user pastes.
    ApiKey,
    /// The user agrees in the browser.
    Oauth2,
    /// Requests signed for AWS.
    AwsSigv4,
}

impl Credential {
    /// Every kind, as `--credential` lists them.
    pub const ALL: [Credential; 4] = [Credential::None, Credential::ApiKey, Credential::Oauth2, Credential::AwsSigv4];

    /// As the manifest and `--credential` spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Credential::None => "none",
            Credential::ApiKey => "api_key",
            Credential::Oauth2 => "oauth2",
            Credential::AwsSigv4 => "aws_sigv4",
        }
    }

    /// What it is, in a line of `--help`.
    pub fn summary(self) -> &'static str {
        match self {
            Credential::None => "No credential and no network",
            Credential::ApiKey => "A key that each user pastes once",
            Credential::Oauth2 => "Each user agrees in the browser; needs an OAuth app of yours",
            Credential::AwsSigv4 => "Requests signed with each user's AWS access key",
        }
    }
}

/// An operation of the connector, with an action of its own. `about` and `ping` are answered without the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// `get_item`.
    pub name: String,
    /// Whether the user is asked before each call.
    pub gated: bool,
}

/// Why a text is not an operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write NAME or NAME:gated, the name in lower-case letters, digits and single `_`, starting with a letter, at most 60 characters"
)]
pub struct NotAnOperation;

impl FromStr for Operation {
    type Err = NotAnOperation;

    fn from_str(text: &str) -> Result<Operation, NotAnOperation> {
        let (name, gated) = match text.split_once(':') {
            None => (text, false),
            Some((name, "gated")) => (name, true),
            Some(_) => return Err(NotAnOperation),
        };
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        let is_name = name.len() <= 60 && name.starts_with(|first: char| first.is_ascii_lowercase());
        if !is_name || !name.split('_').all(is_word) {
            return Err(NotAnOperation);
        }
        Ok(Operation { name: name.to_owned(), gated })
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, if self.gated { ":gated" } else { "" })
    }
}

impl Operation {
    /// Operations of a connector about which nothing is said.
    pub fn usual(credential: Credential) -> Vec<Operation> {
        let operation = |name: &str, gated| Operation { name: name.to_owned(), gated };
        match credential {
            Credential::None => vec![operation("about", false), operation("ping", false)],
            _ => vec![operation("get_item", false), operation("comment_on_item", true)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_a_name_and_whether_it_asks_first() {
        for text in ["ping", "get_item", "a1_2b", "send:gated"] {
            assert_eq!(text.parse::<Operation>().unwrap().to_string(), text);
        }
        for text in
            ["", ":gated", "Get", "1a", "a__b", "a_", "_a", "a-b", "a:asks", "a:gated:gated", "é", &"a".repeat(61)]
        {
            assert_eq!(text.parse::<Operation>(), Err(NotAnOperation), "{text}");
        }
    }
}
