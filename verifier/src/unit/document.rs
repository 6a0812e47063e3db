//! A unit that was read and validated. cli-unit.md §1.

use std::fmt;

use serde::Serialize;

use super::key::Key;

/// One tool's credential story, valid by cli-unit.md §7. Only this family's reader makes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unit {
    /// The tool; the name its capture descriptor goes by. Not empty.
    pub name: String,
    /// The vault key all references follow from.
    pub key: Key,
    /// Reserved: data, without behaviour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence: Option<Presence>,
    /// How the credential is acquired.
    pub acquisition: Acquisition,
    /// Where it is used, in the order of the document; may be empty.
    pub sealing: Vec<Sealing>,
}

/// The image tier a tool is present in. Nothing depends on it. cli-unit.md §1.2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Presence {
    /// `base`, or any other text; empty where it is absent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub builtin: String,
}

/// How a credential is acquired: two commands in one container. cli-unit.md §1.3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Acquisition {
    /// `device-flow`; a reader takes every text but `direct-token`, also none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mode: String,
    /// Name of the container both commands run in. Not empty.
    pub container_name: String,
    /// The interactive login: at least one argument, none empty.
    pub login_cmd: Vec<String>,
    /// Prints the token: at least one argument, none empty.
    pub token_cmd: Vec<String>,
    /// Value of `BROWSER` during the login; empty: not set.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub browser_shim: String,
    /// `NAME=value` for both commands; empty: not set.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub config_dir: String,
    /// Image the container is made from; empty: the caller chooses.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub image: String,
}

/// One host and how the credential gets into requests to it. cli-unit.md §1.4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Sealing {
    /// Host name or `*.` pattern, as written: case and blanks are kept.
    pub host: String,
    /// The form of the credential in a request.
    pub scheme: Scheme,
    /// When it is put in; absent counts as [`Mechanism::Inject`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emit_mechanism: Option<Mechanism>,
    /// What the tool is given instead of the credential: present iff the mechanism is [`Mechanism::SentinelSwap`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentinel: Option<Sentinel>,
    /// [`Scheme::Basic`]: the user name. May also be set where no scheme uses it, like the following.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// [`Scheme::HeaderTemplate`]: the header.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub header: String,
    /// [`Scheme::HeaderTemplate`]: its value, with `{token}` where the credential goes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template: String,
    /// [`Scheme::QueryParam`]: the parameter.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query_param: String,
}

/// A placeholder without authority that a tool sends in place of the credential, and the variable it gets it in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Sentinel {
    /// The placeholder.
    pub value: String,
    /// The environment variable it is planted in.
    pub env: String,
}

/// How a credential stands in a request: a closed list, in this order. cli-unit.md §6.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// `Authorization: Bearer <token>`.
    Bearer,
    /// `Authorization: Basic base64(<username>:<token>)`.
    Basic,
    /// `<header>: <template>`, every `{token}` replaced.
    HeaderTemplate,
    /// URL query parameter `<query_param>=<token>`.
    QueryParam,
    /// AWS Signature Version 4; a unit cannot express it.
    Sigv4Resign,
}

impl Scheme {
    /// Every scheme, in the order messages list them.
    pub const ALL: [Scheme; 5] =
        [Scheme::Bearer, Scheme::Basic, Scheme::HeaderTemplate, Scheme::QueryParam, Scheme::Sigv4Resign];

    /// The scheme a text names, compared exactly.
    pub fn from_text(text: &str) -> Option<Scheme> {
        Scheme::ALL.into_iter().find(|scheme| scheme.as_str() == text)
    }

    /// As documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Bearer => "bearer",
            Scheme::Basic => "basic",
            Scheme::HeaderTemplate => "header-template",
            Scheme::QueryParam => "query-param",
            Scheme::Sigv4Resign => "sigv4-resign",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When a credential is put into a request. cli-unit.md §6.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanism {
    /// In every request to the host, whatever the tool sent.
    Inject,
    /// Only where the tool sent the sentinel, or nothing.
    SentinelSwap,
}

impl Mechanism {
    /// The mechanism a text names, compared exactly.
    pub fn from_text(text: &str) -> Option<Mechanism> {
        [Mechanism::Inject, Mechanism::SentinelSwap].into_iter().find(|mechanism| mechanism.as_str() == text)
    }

    /// As documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Mechanism::Inject => "inject",
            Mechanism::SentinelSwap => "sentinel-swap",
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
