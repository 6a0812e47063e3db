//! Entries of the Hub's catalog, and the schema they keep. keyring.md §9.2.
//!
//! An entry points to an artifact; it holds no binary, no key and no version, and vouches for nothing. A client reads it
//! leniently, so every field is text and may be missing; who publishes one checks it here first. Not here: YAML, files.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize};

/// Which part of the catalog an entry is in. Also the name of its directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// `connectors/`
    Connectors,
    /// `actions/`
    Actions,
    /// `suites/`
    Suites,
}

impl Part {
    /// All of them, as they are tried by a look-up.
    pub const ALL: [Part; 3] = [Part::Connectors, Part::Actions, Part::Suites];

    /// Directory, and word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Part::Connectors => "connectors",
            Part::Actions => "actions",
            Part::Suites => "suites",
        }
    }

    /// One entry of it.
    pub fn singular(self) -> &'static str {
        self.as_str().trim_end_matches('s')
    }
}

/// `connectors/*.yaml`. Fields in schema order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CatalogConnector {
    /// `github://OWNER/NAME`.
    #[serde(deserialize_with = "or_default")]
    pub fqn: String,
    /// One line for listings.
    #[serde(deserialize_with = "or_default")]
    pub description: String,
    /// GitHub user or organisation. A claim: the Hub does not check it.
    #[serde(deserialize_with = "or_default")]
    pub publisher_github: String,
    /// Where the PEM public key is served.
    #[serde(deserialize_with = "or_default")]
    pub key_url: String,
    /// Glob of release tags, for people.
    #[serde(deserialize_with = "or_default")]
    pub release_pattern: String,
}

/// `actions/*.yaml`. Fields in schema order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CatalogAction {
    /// `github://OWNER/NAME/actions/NAME`.
    #[serde(deserialize_with = "or_default")]
    pub fqn: String,
    /// One line for listings.
    #[serde(deserialize_with = "or_default")]
    pub description: String,
    /// GitHub user or organisation.
    #[serde(deserialize_with = "or_default")]
    pub publisher_github: String,
    /// The connector it runs on.
    #[serde(deserialize_with = "or_default")]
    pub connector_fqn: String,
    /// What a person may want when they need it.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub intents: Vec<String>,
    /// A word to group by.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub category: String,
}

/// `suites/*.yaml`. Fields in schema order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CatalogSuite {
    /// `github://OWNER/NAME/suite` or `…/suites/NAME`.
    #[serde(deserialize_with = "or_default")]
    pub fqn: String,
    /// One line for listings.
    #[serde(deserialize_with = "or_default")]
    pub description: String,
    /// GitHub user or organisation.
    #[serde(deserialize_with = "or_default")]
    pub publisher_github: String,
    /// Names of actions, each with an entry of its own.
    #[serde(deserialize_with = "or_default")]
    pub member_actions: Vec<String>,
    /// Names of connectors; derived from the members when absent.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub connectors_required: Vec<String>,
    /// A word to group by.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub category: String,
}

/// A field that breaks the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
}

/// What all three kinds have. The name orders and finds an entry.
pub trait Entry: Serialize {
    /// Where it lies.
    const PART: Part;
    /// Its name.
    fn fqn(&self) -> &str;
    /// Its line for listings.
    fn description(&self) -> &str;
    /// Who says to publish it.
    fn publisher(&self) -> &str;
    /// Every field that breaks the schema.
    fn faults(&self) -> Vec<Fault>;

    /// The file it is kept in, below the catalog's root. A convention: readers go by the content. keyring.md §9.3.
    fn file_name(&self) -> String {
        let name = self.fqn().replacen("://", "_", 1).replace('/', "_").to_lowercase();
        format!("{}/{name}.yaml", Self::PART.as_str())
    }

    /// Whether a keyword, trimmed and in lower case, occurs in name or description. keyring.md §9.4.
    fn mentions(&self, keyword: &str) -> bool {
        let keyword = keyword.trim().to_lowercase();
        [self.fqn(), self.description()].iter().any(|text| text.to_lowercase().contains(&keyword))
    }
}

impl Entry for CatalogConnector {
    const PART: Part = Part::Connectors;
    fn fqn(&self) -> &str {
        &self.fqn
    }
    fn description(&self) -> &str {
        &self.description
    }
    fn publisher(&self) -> &str {
        &self.publisher_github
    }
    fn faults(&self) -> Vec<Fault> {
        let mut faults = common(self, is_connector(&self.fqn), "github://OWNER/NAME");
        if !is_https(&self.key_url) {
            faults.push(fault("key_url", format!("{:?} is not an https:// address", self.key_url)));
        }
        if self.release_pattern.is_empty() {
            faults.push(fault("release_pattern", "is empty"));
        }
        faults
    }
}

impl Entry for CatalogAction {
    const PART: Part = Part::Actions;
    fn fqn(&self) -> &str {
        &self.fqn
    }
    fn description(&self) -> &str {
        &self.description
    }
    fn publisher(&self) -> &str {
        &self.publisher_github
    }
    fn faults(&self) -> Vec<Fault> {
        let mut faults = common(self, is_action(&self.fqn), "github://OWNER/NAME/actions/NAME");
        if !is_connector(&self.connector_fqn) {
            faults.push(fault("connector_fqn", format!("{:?} is not github://OWNER/NAME", self.connector_fqn)));
        }
        if self.intents.iter().any(String::is_empty) {
            faults.push(fault("intents", "has an empty text"));
        }
        faults
    }
}

impl Entry for CatalogSuite {
    const PART: Part = Part::Suites;
    fn fqn(&self) -> &str {
        &self.fqn
    }
    fn description(&self) -> &str {
        &self.description
    }
    fn publisher(&self) -> &str {
        &self.publisher_github
    }
    fn faults(&self) -> Vec<Fault> {
        let form = "github://OWNER/NAME/suite, or …/suites/NAME";
        let mut faults = common(self, is_suite(&self.fqn), form);
        if self.member_actions.is_empty() {
            faults.push(fault("member_actions", "is empty"));
        }
        let lists = [
            ("member_actions", &self.member_actions, is_action as fn(&str) -> bool, "an action's name"),
            ("connectors_required", &self.connectors_required, is_connector, "a connector's name"),
        ];
        for (field, names, is_valid, what) in lists {
            let mut seen = BTreeSet::new();
            for name in names {
                if !is_valid(name) {
                    faults.push(fault(field, format!("{name:?} is not {what}")));
                } else if !seen.insert(name) {
                    faults.push(fault(field, format!("{name:?} is listed twice")));
                }
            }
        }
        faults
    }
}

impl CatalogSuite {
    /// What the catalog's own checks find between a suite and the actions' entries. keyring.md §9.2.
    pub fn closure(&self, actions: &[CatalogAction]) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut connectors = BTreeSet::new();
        for member in &self.member_actions {
            match actions.iter().find(|action| action.fqn == *member) {
                None => faults.push(fault("member_actions", format!("{member:?} has no entry below actions/"))),
                Some(action) => drop(connectors.insert(action.connector_fqn.as_str())),
            }
        }
        let required: BTreeSet<&str> = self.connectors_required.iter().map(String::as_str).collect();
        if !required.is_empty() && required != connectors {
            let message = format!("is not what the members need: {}", Vec::from_iter(connectors).join(", "));
            faults.push(fault("connectors_required", message));
        }
        faults
    }
}

/// Most characters of a description.
pub const DESCRIPTION: usize = 200;

fn fault(field: &'static str, message: impl Into<String>) -> Fault {
    Fault { field, message: message.into() }
}

fn common(entry: &impl Entry, is_name: bool, form: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !is_name {
        faults.push(fault("fqn", format!("{:?} is not {form}", entry.fqn())));
    }
    match entry.description().chars().count() {
        0 => faults.push(fault("description", "is empty")),
        length if length > DESCRIPTION => {
            faults.push(fault("description", format!("has {length} characters, at most {DESCRIPTION} are allowed")));
        }
        _ => {}
    }
    if !is_owner(entry.publisher()) {
        faults.push(fault("publisher_github", format!("{:?} is not a GitHub owner", entry.publisher())));
    }
    faults
}

/// `[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?`
fn is_owner(text: &str) -> bool {
    let inner = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    inner && !text.is_empty() && !text.starts_with('-') && !text.ends_with('-')
}

/// `[A-Za-z0-9._-]+`
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn segments(text: &str) -> Vec<&str> {
    text.strip_prefix("github://").map_or(Vec::new(), |rest| rest.split('/').collect())
}

fn is_connector(text: &str) -> bool {
    matches!(segments(text)[..], [owner, repo] if is_owner(owner) && is_name(repo))
}

fn is_action(text: &str) -> bool {
    matches!(segments(text)[..], [owner, repo, "actions", name] if is_owner(owner) && is_name(repo) && is_name(name))
}

fn is_suite(text: &str) -> bool {
    match segments(text)[..] {
        [owner, repo, "suite"] => is_owner(owner) && is_name(repo),
        [owner, repo, "suites", name] => is_owner(owner) && is_name(repo) && is_name(name),
        _ => false,
    }
}

/// An address with a host, of printable characters.
fn is_https(text: &str) -> bool {
    let rest = text.strip_prefix("https://").unwrap_or_default();
    let printable = rest.bytes().all(|byte| byte.is_ascii_graphic());
    printable && rest.split(['/', '?', '#']).next().is_some_and(|host| !host.is_empty())
}

/// A field that is there without a value is as good as none. keyring.md §10.4.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connector(fqn: &str) -> CatalogConnector {
        CatalogConnector {
            fqn: fqn.into(),
            description: "Tea".into(),
            publisher_github: "a".into(),
            key_url: "https://raw.githubusercontent.com/a/b/main/keys/publisher.pub".into(),
            release_pattern: "v*".into(),
        }
    }

    fn fields(faults: &[Fault]) -> Vec<&str> {
        faults.iter().map(|fault| fault.field).collect()
    }

    #[test] // keyring.md §13, H22
    fn a_connectors_name_keeps_the_schemas_pattern() {
        for good in ["github://a/b", "github://a--b/c.d_e-f"] {
            assert!(connector(good).faults().is_empty(), "{good}");
        }
        for bad in [
            "github://a-/b",
            "github://a_b/c",
            "github://a/b/c",
            "gitlab://a/b",
            "github://a/b@1",
            "GitHub://a/b",
            "github://-a/b",
            "github:///b",
            "github://a/",
            "",
        ] {
            assert_eq!(fields(&connector(bad).faults()), ["fqn"], "{bad}");
        }
    }

    #[test] // keyring.md §9.2
    fn every_field_that_breaks_the_schema_is_named() {
        let nothing = CatalogConnector::default().faults();
        assert_eq!(fields(&nothing), ["fqn", "description", "publisher_github", "key_url", "release_pattern"]);
        let long = CatalogConnector { description: "ä".repeat(201), ..connector("github://a/b") };
        assert_eq!(long.faults()[0].message, "has 201 characters, at most 200 are allowed");
        for url in ["http://a/b", "https://", "https:///x", "https://a/ b"] {
            let entry = CatalogConnector { key_url: url.into(), ..connector("github://a/b") };
            assert_eq!(fields(&entry.faults()), ["key_url"], "{url}");
        }
        let action = CatalogAction { intents: vec![String::new()], ..CatalogAction::default() };
        assert_eq!(fields(&action.faults()), ["fqn", "description", "publisher_github", "connector_fqn", "intents"]);
    }

    #[test] // keyring.md §9.2
    fn a_suite_is_closed_over_the_actions_it_names() {
        let action = |name: &str, connector: &str| CatalogAction {
            fqn: format!("github://a/b/actions/{name}"),
            description: "d".into(),
            publisher_github: "a".into(),
            connector_fqn: connector.into(),
            ..CatalogAction::default()
        };
        let actions = [action("x", "github://a/b"), action("y", "github://a/c")];
        assert!(actions[0].faults().is_empty());
        let members: Vec<String> = actions.iter().map(|action| action.fqn.clone()).collect();
        let suite = CatalogSuite {
            fqn: "github://a/b/suite".into(),
            description: "d".into(),
            publisher_github: "a".into(),
            member_actions: members,
            ..CatalogSuite::default()
        };
        assert!(suite.faults().is_empty() && suite.closure(&actions).is_empty());
        assert_eq!(fields(&suite.closure(&actions[..1])), ["member_actions"]);
        let required = CatalogSuite { connectors_required: vec!["github://a/b".into()], ..suite.clone() };
        assert_eq!(fields(&required.closure(&actions)), ["connectors_required"]);
        let twice = CatalogSuite { member_actions: vec!["github://a/b/actions/x".into(); 2], ..suite.clone() };
        assert_eq!(fields(&twice.faults()), ["member_actions"]);
        for (fqn, good) in
            [("github://a/b/suites/all", true), ("github://a/b/suites/", false), ("github://a/b/actions/suite", false)]
        {
            assert_eq!(CatalogSuite { fqn: fqn.into(), ..suite.clone() }.faults().is_empty(), good, "{fqn}");
        }
    }

    #[test] // keyring.md §9.3
    fn an_entry_lies_where_the_catalog_expects_it() {
        let entry = connector("github://ALRubinger/aileron-connector-google");
        assert_eq!(entry.file_name(), "connectors/github_alrubinger_aileron-connector-google.yaml");
        let action = CatalogAction { fqn: "github://A/b.c/actions/send".into(), ..CatalogAction::default() };
        assert_eq!(action.file_name(), "actions/github_a_b.c_actions_send.yaml");
        let suite = CatalogSuite { fqn: "github://a/b/suites/x".into(), ..CatalogSuite::default() };
        assert_eq!(suite.file_name(), "suites/github_a_b_suites_x.yaml");
    }

    #[test] // keyring.md §13, H15
    fn a_keyword_is_looked_for_in_name_and_description() {
        let entry =
            CatalogConnector { description: "Google Workspace".into(), ..connector("github://a/aileron-slack") };
        for (keyword, found) in [("google", true), (" SLACK ", true), ("", true), ("calendar", false)] {
            assert_eq!(entry.mentions(keyword), found, "{keyword}");
        }
    }
}
