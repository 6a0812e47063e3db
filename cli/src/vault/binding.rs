//! Bindings: entries that say which connector may use them. What is known of one without a key. vault.md §2.3, §8.

use std::borrow::Cow;

use aileron_verifier::name::fqn::Fqn;

use super::document::{Document, Entry};
use super::name::{BindingName, Namespace};

/// What an entry says about itself. All of it is plain text in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The entry's name.
    pub name: &'a str,
    /// Which kind of credential.
    pub kind: &'a str,
    /// The service, as the user or the connector calls it.
    pub service: &'a str,
    /// Whose: `work`, `personal`.
    pub identity: &'a str,
    /// The connector it is for, as it is written; a binding without one is never used.
    pub connector: Option<&'a str>,
    /// `oauth2`: the scopes that were asked for, separated by spaces; else the manifest's text.
    pub scope: Option<&'a str>,
    /// Free text of the user.
    pub account: Option<&'a str>,
    /// `aws_sigv4`.
    pub region: Option<&'a str>,
    /// `aws_sigv4`.
    pub access_key_id: Option<&'a str>,
    /// Seconds since 1970.
    pub created_at: Option<u64>,
    /// `active`, `stale` or `revoked`.
    pub status: &'a str,
    /// Why it is stale.
    pub stale_reason: Option<&'a str>,
    /// `oauth2`: what the provider granted.
    pub granted_scopes: Vec<&'a str>,
    /// `oauth2`: what the connector wants besides.
    pub missing_scopes: Vec<&'a str>,
}

impl<'a> Binding<'a> {
    /// The binding that this entry is, if it is one.
    pub fn of(name: &'a str, entry: &'a Entry) -> Option<Binding<'a>> {
        if Namespace::of(name) != Namespace::Binding {
            return None;
        }
        let [_, service, identity] = BindingName::parts(name)?;
        let label = |name: &str| entry.label(name);
        let words = |name: &str| label(name).unwrap_or_default().split_whitespace().collect();
        Some(Binding {
            name,
            kind: entry.kind(),
            service: label("service").unwrap_or(service),
            identity: label("identity").unwrap_or(identity),
            connector: label("connector_fqn"),
            scope: label("scope"),
            account: label("account"),
            region: label("region"),
            access_key_id: label("access_key_id"),
            created_at: label("created_at").and_then(|seconds| seconds.parse().ok()),
            status: label("status").unwrap_or("active"),
            stale_reason: label("stale_reason"),
            granted_scopes: words("granted_scopes"),
            missing_scopes: words("missing_scopes"),
        })
    }

    /// The status, with its reason where it is stale.
    pub fn standing(&self) -> Cow<'a, str> {
        match (self.stale_reason, self.status) {
            (Some(reason), "stale") => Cow::Owned(format!("stale ({reason})")),
            (_, status) => Cow::Borrowed(status),
        }
    }
}

/// All bindings, sorted by name.
pub fn bindings(document: &Document) -> impl Iterator<Item = Binding<'_>> {
    document.entries().filter_map(|(name, entry)| Binding::of(name, entry))
}

/// The bindings of a connector that are of this kind: nothing else takes part in the choice, and no one chooses among
/// several but the user. vault.md §8.2.
pub fn candidates<'a>(document: &'a Document, connector: &Fqn, kind: &str) -> Vec<Binding<'a>> {
    let connector = connector.to_string();
    let is_meant = |binding: &Binding<'_>| binding.kind == kind && binding.connector == Some(connector.as_str());
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
        let found: Vec<Binding<'_>> = bindings(&document).collect();
        assert_eq!(found.iter().map(|one| one.name).collect::<Vec<_>>(), ["api_key/tea/home", "oauth2/tea/home"]);
        let [plain, full] = found.as_slice() else { panic!("two") };
        assert_eq!((&*plain.standing(), plain.created_at, plain.connector), ("active", None, None));
        assert_eq!((full.service, full.identity), ("tea-shop", "home"));
        assert_eq!((&*full.standing(), full.created_at), ("stale (scope_drift)", Some(1_777_636_800)));
        assert_eq!((full.granted_scopes.len(), full.missing_scopes.as_slice()), (2, &["admin"][..]));
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
            candidates(&document, &fqn(connector), kind).into_iter().map(|one| one.name.to_owned()).collect()
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
