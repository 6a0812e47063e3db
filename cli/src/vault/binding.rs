//! Bindings: entries that say which connector may use them. What is known of one without a key. vault.md §2.3, §8.

use aileron_verifier::name::fqn::Fqn;

use super::document::{Document, Entry};
use super::name::{BindingName, Namespace};

/// What an entry says about itself. All of it is plain text in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The entry's name.
    pub name: String,
    /// Which kind of credential.
    pub kind: String,
    /// The service, as the user or the connector calls it.
    pub service: String,
    /// Whose: `work`, `personal`.
    pub identity: String,
    /// The connector it is for, as it is written; a binding without one is never used.
    pub connector: Option<String>,
    /// `oauth2`: the scopes that were asked for, separated by spaces; else the manifest's text.
    pub scope: Option<String>,
    /// Free text of the user.
    pub account: Option<String>,
    /// `aws_sigv4`.
    pub region: Option<String>,
    /// `aws_sigv4`.
    pub access_key_id: Option<String>,
    /// Seconds since 1970.
    pub created_at: Option<u64>,
    /// `active`, `stale` or `revoked`.
    pub status: String,
    /// Why it is stale.
    pub stale_reason: Option<String>,
    /// `oauth2`: what the provider granted.
    pub granted_scopes: Vec<String>,
    /// `oauth2`: what the connector wants besides.
    pub missing_scopes: Vec<String>,
}

impl Binding {
    /// The binding that this entry is, if it is one.
    pub fn of(name: &str, entry: &Entry) -> Option<Binding> {
        if Namespace::of(name) != Namespace::Binding {
            return None;
        }
        let [_, service, identity] = BindingName::parts(name)?;
        let label = |label: &str| entry.label(label).map(str::to_owned);
        let words = |name: &str| entry.label(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        Some(Binding {
            name: name.to_owned(),
            kind: entry.kind().to_owned(),
            service: label("service").unwrap_or_else(|| service.to_owned()),
            identity: label("identity").unwrap_or_else(|| identity.to_owned()),
            connector: label("connector_fqn"),
            scope: label("scope"),
            account: label("account"),
            region: label("region"),
            access_key_id: label("access_key_id"),
            created_at: entry.label("created_at").and_then(|seconds| seconds.parse().ok()),
            status: label("status").unwrap_or_else(|| "active".to_owned()),
            stale_reason: label("stale_reason"),
            granted_scopes: words("granted_scopes"),
            missing_scopes: words("missing_scopes"),
        })
    }

    /// The status, with its reason where it is stale.
    pub fn standing(&self) -> String {
        match (&self.stale_reason, self.status.as_str()) {
            (Some(reason), "stale") => format!("stale ({reason})"),
            (_, status) => status.to_owned(),
        }
    }
}

/// All bindings, sorted by name.
pub fn bindings(document: &Document) -> impl Iterator<Item = Binding> {
    document.entries().filter_map(|(name, entry)| Binding::of(name, entry))
}

/// The bindings of a connector that are of this kind: nothing else takes part in the choice, and no one chooses among
/// several but the user. vault.md §8.2.
pub fn candidates(document: &Document, connector: &Fqn, kind: &str) -> Vec<Binding> {
    let connector = connector.to_string();
    let is_meant = |binding: &Binding| binding.kind == kind && binding.connector.as_deref() == Some(&connector);
    bindings(document).filter(is_meant).collect()
}

/// The service of a connector's bindings when none is named: its repository, lower-cased, without the prefix that
/// repositories of connectors have.
pub fn default_service(connector: &Fqn) -> String {
    let repository = connector.repo().to_lowercase();
    repository.strip_prefix("aileron-connector-").map(str::to_owned).unwrap_or(repository)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, kind, labels.
    type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

    fn document(rows: &[Row<'_>]) -> Document {
        let mut document = Document::default();
        for (name, kind, labels) in rows {
            let entry = Entry::new(*kind, vec![0; 28].into());
            document.put(*name, labels.iter().fold(entry, |entry, (label, text)| entry.with_label(label, text)));
        }
        document
    }

    fn fqn(text: &str) -> Fqn {
        text.parse().expect("a name")
    }

    #[test] // vault.md §2.2, §2.3; B5
    fn an_entry_says_what_it_is_a_binding_for() {
        let document = document(&[
            (
                "oauth2/tea/home",
                "oauth2",
                &[
                    ("service", "tea-shop"),
                    ("connector_fqn", "github://acme/tea"),
                    ("created_at", "1777636800"),
                    ("scope", "read write"),
                    ("granted_scopes", "read  write"),
                    ("status", "stale"),
                    ("stale_reason", "scope_drift"),
                    ("missing_scopes", "admin"),
                ],
            ),
            ("api_key/tea/home", "api_key", &[("created_at", "soon"), ("status", "")]),
            ("agents/claude/oauth", "agent", &[]),
            ("user/tea", "user", &[]),
            ("secret/a/b", "secret", &[]),
            ("llm-config/a/b", "x", &[]),
            ("tea", "secret", &[]),
        ]);
        let found: Vec<Binding> = bindings(&document).collect();
        assert_eq!(
            found.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
            ["api_key/tea/home", "oauth2/tea/home"]
        );
        let [plain, full] = found.as_slice() else { panic!("two") };
        assert_eq!((plain.standing().as_str(), plain.created_at, &plain.connector), ("active", None, &None));
        assert_eq!((full.service.as_str(), full.identity.as_str()), ("tea-shop", "home"));
        assert_eq!((full.standing().as_str(), full.created_at), ("stale (scope_drift)", Some(1_777_636_800)));
        assert_eq!((full.granted_scopes.len(), full.missing_scopes.as_slice()), (2, &["admin".to_owned()][..]));
    }

    #[test] // vault.md §8.2; B6, B7
    fn a_binding_is_found_by_connector_and_kind_alone() {
        let tea = [("connector_fqn", "github://acme/tea")];
        let document = document(&[
            ("oauth2/tea/home", "oauth2", &tea),
            ("oauth2/tea/work", "oauth2", &[("connector_fqn", "github://acme/tea"), ("status", "stale")]),
            ("api_key/tea/home", "api_key", &tea),
            ("oauth2/tea/other", "oauth2", &[("connector_fqn", "github://acme/tea-shop")]),
            ("oauth2/tea/none", "oauth2", &[]),
            ("oauth2/tea/odd", "api_key", &tea),
        ]);
        let names = |connector: &str, kind: &str| -> Vec<String> {
            candidates(&document, &fqn(connector), kind).into_iter().map(|one| one.name).collect()
        };
        assert_eq!(names("github://acme/tea", "oauth2"), ["oauth2/tea/home", "oauth2/tea/work"]);
        assert_eq!(names("github://acme/tea", "api_key"), ["api_key/tea/home", "oauth2/tea/odd"]);
        assert_eq!(names("github://acme/tea-shop", "oauth2"), ["oauth2/tea/other"]);
        assert!(names("github://acme/coffee", "oauth2").is_empty());
        assert!(names("github://acme/tea", "aws_sigv4").is_empty());
    }
    #[test] // vault.md §8.1
    fn a_service_is_the_repository_without_its_prefix() {
        for (connector, service) in [
            ("github://acme/aileron-connector-slack", "slack"),
            ("github://acme/Aileron-Connector-Slack", "slack"),
            ("github://acme/slack", "slack"),
            ("github://acme/Linear", "linear"),
        ] {
            assert_eq!(default_service(&fqn(connector)), service, "{connector}");
        }
    }
}
