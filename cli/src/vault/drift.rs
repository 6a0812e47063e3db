//! Whether what a provider granted is still enough for a connector: after an upgrade it may want more. vault.md §8.4.

use aileron_verifier::name::fqn::Fqn;

use super::binding::candidates;
use super::document::Document;

/// The scopes that are required and were not granted, in the order of `required`. What was granted besides is no drift.
pub fn missing<'a>(required: &'a [String], granted: &[impl AsRef<str>]) -> Vec<&'a str> {
    let is_granted = |scope: &&str| granted.iter().any(|granted| granted.as_ref() == *scope);
    required.iter().map(String::as_str).filter(|scope| !is_granted(scope)).collect()
}

/// A binding that is not enough any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The binding.
    pub name: String,
    /// What is missing; empty where nothing says what was granted.
    pub missing: Vec<String>,
}

impl Drift {
    /// The label `stale_reason`.
    pub fn reason(&self) -> &'static str {
        if self.missing.is_empty() { "no_grant_record" } else { "scope_drift" }
    }
}

/// The oauth2 bindings of this connector that are not enough for these scopes.
pub fn drifted(document: &Document, connector: &Fqn, required: &[String]) -> Vec<Drift> {
    let found = candidates(document, connector, "oauth2").into_iter().filter_map(|binding| {
        let missing: Vec<String> = missing(required, &binding.granted_scopes).into_iter().map(str::to_owned).collect();
        match (missing.is_empty(), binding.granted_scopes.is_empty()) {
            (true, _) => None,
            (false, true) => Some(Drift { name: binding.name.to_owned(), missing: Vec::new() }),
            (false, false) => Some(Drift { name: binding.name.to_owned(), missing }),
        }
    });
    found.collect()
}

/// Writes down that they are stale. Labels are plain text: no key is needed, and no value is touched.
pub fn mark(document: &mut Document, drifts: &[Drift]) {
    for drift in drifts {
        let Some(entry) = document.entry(&drift.name).cloned() else { continue };
        let entry = entry.with_label("status", "stale").with_label("stale_reason", drift.reason());
        document.put(drift.name.clone(), entry.with_label("missing_scopes", &drift.missing.join(" ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::binding::Binding;
    use crate::vault::document::Entry;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test] // vault.md §17, `scope_drift`
    fn what_is_missing_is_what_was_required_and_not_granted() {
        for (required, granted, expected) in
            [("a b", "b a c", ""), ("a b c", "b", "a c"), ("", "x", ""), ("a", "", "a"), ("b a", "", "b a")]
        {
            assert_eq!(missing(&words(required), &words(granted)).join(" "), expected, "{required} / {granted}");
        }
    }

    #[test] // vault.md §8.4; B17
    fn a_binding_that_is_not_enough_becomes_stale_and_keeps_its_value() {
        let connector: Fqn = "github://acme/tea".parse().expect("a name");
        let mut document = Document::default();
        for (name, kind, granted, fqn) in [
            ("oauth2/tea/enough", "oauth2", "read write admin", "github://acme/tea"),
            ("oauth2/tea/less", "oauth2", "read", "github://acme/tea"),
            ("oauth2/tea/old", "oauth2", "", "github://acme/tea"),
            ("oauth2/coffee/less", "oauth2", "read", "github://acme/coffee"),
            ("api_key/tea/key", "api_key", "", "github://acme/tea"),
        ] {
            let entry = Entry::new(kind, vec![7; 28].into()).with_label("connector_fqn", fqn);
            document.put(name, entry.with_label("granted_scopes", granted).with_label("account", "me"));
        }
        let drifts = drifted(&document, &connector, &words("read write"));
        mark(&mut document, &drifts);
        let standings: Vec<(String, String)> = document
            .entries()
            .filter_map(|(name, entry)| Binding::of(name, entry))
            .map(|binding| (format!("{} {}", binding.name, binding.standing()), binding.missing_scopes.join(" ")))
            .collect();
        let expected = [
            ("api_key/tea/key active", ""),
            ("oauth2/coffee/less active", ""),
            ("oauth2/tea/enough active", ""),
            ("oauth2/tea/less stale (scope_drift)", "write"),
            ("oauth2/tea/old stale (no_grant_record)", ""),
        ];
        assert_eq!(standings, expected.map(|(one, other)| (one.to_owned(), other.to_owned())));
        let kept = document.entry("oauth2/tea/less").expect("there");
        assert!(kept.blob().is_ok_and(|blob| blob.as_bytes() == [7; 28]));
        assert_eq!(kept.label("account"), Some("me"));
        assert!(drifted(&document, &connector, &[]).is_empty());
    }
}
