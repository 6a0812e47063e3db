//! What is answered about the vault and about actions, as JSON. vault.md §6.4, §9. No secret is in any of it.

use aileron_verifier::artifact::action::Action;
use serde_json::{Map, Value, json};

use crate::runtime::tool;
use crate::sys::calendar::date_and_time;
use crate::vault::binding::Binding;
use crate::vault::document::{Document, Entry};

/// How things stand with the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultState {
    /// Its key is here.
    Unlocked,
    /// There is one, and its key is not here.
    Locked,
    /// There is none.
    Missing,
}

/// The status object.
pub fn status(state: VaultState) -> Value {
    let word = match state {
        VaultState::Unlocked => "unlocked",
        VaultState::Locked => "locked",
        VaultState::Missing => "missing",
    };
    json!({"locked": state != VaultState::Unlocked, "state": word})
}

/// The bindings of this connector and this kind, or all of them; sorted by name.
pub fn bindings(document: &Document, connector: Option<&str>, kind: Option<&str>) -> Value {
    let is_wanted = |binding: &Binding<'_>| {
        connector.is_none_or(|name| binding.connector == Some(name)) && kind.is_none_or(|kind| binding.kind == kind)
    };
    let found = document.entries().filter_map(|(name, entry)| Some((entry, Binding::of(name, entry)?)));
    let items = found.filter(|(_, binding)| is_wanted(binding)).map(|(entry, found)| binding(entry, &found));
    json!({"items": items.collect::<Vec<Value>>()})
}

fn binding(entry: &Entry, binding: &Binding<'_>) -> Value {
    let time = |seconds: u64| date_and_time(seconds).map(|(day, time)| format!("{day}T{time}Z"));
    let labelled = |label: &str| entry.label(label)?.parse().ok().and_then(time);
    let mut object = Map::new();
    object.insert("name".to_owned(), json!(binding.name));
    object.insert("kind".to_owned(), json!(binding.kind));
    object.insert("service".to_owned(), json!(binding.service));
    object.insert("identity".to_owned(), json!(binding.identity));
    object.insert("connector_fqn".to_owned(), json!(binding.connector.unwrap_or_default()));
    object.insert("created_at".to_owned(), json!(binding.created_at.and_then(time)));
    let mut add = |name: &str, value: Option<Value>| value.map(|value| object.insert(name.to_owned(), value));
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(|text| json!(text));
    let words = |words: &[&str]| (!words.is_empty()).then(|| json!(words));
    add("scope", text(binding.scope));
    add("account", text(binding.account));
    add("access_key_id", text(binding.access_key_id));
    add("region", text(binding.region));
    add("last_used_at", labelled("last_used_at").map(Value::from));
    add("last_refreshed_at", labelled("last_refreshed_at").map(Value::from));
    add("refresh_token_present", (entry.label("refresh_token_present") == Some("true")).then(|| json!(true)));
    add("status", Some(json!(binding.status)));
    add("granted_scopes", words(&binding.granted_scopes));
    add("stale_reason", text(binding.stale_reason));
    add("missing_scopes", words(&binding.missing_scopes));
    Value::Object(object)
}

/// An action that can be run.
pub fn action(action: &Action) -> Value {
    json!({
        "name": action.name.value,
        "reference": action.reference.value,
        "intent": action.intent.value,
        "needs_approval": action.needs_approval(),
        "input_schema": tool::schema(&action.inputs),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // vault.md §6.4
    fn a_vault_is_unlocked_locked_or_missing() {
        for (state, expected) in [
            (VaultState::Unlocked, json!({"locked": false, "state": "unlocked"})),
            (VaultState::Locked, json!({"locked": true, "state": "locked"})),
            (VaultState::Missing, json!({"locked": true, "state": "missing"})),
        ] {
            assert_eq!(status(state), expected);
        }
    }

    #[test] // vault.md §9; B12
    fn a_binding_is_shown_with_everything_but_its_value() {
        let mut document = Document::default();
        let full = [
            ("connector_fqn", "github://acme/tea"),
            ("created_at", "1777636800"),
            ("scope", "read write"),
            ("granted_scopes", "read"),
            ("account", "me@example.com"),
            ("refresh_token_present", "true"),
            ("last_used_at", "1777636801"),
            ("status", "stale"),
            ("stale_reason", "scope_drift"),
            ("missing_scopes", "write"),
        ];
        let entry = |kind: &str| Entry::new(kind, vec![7; 28].into());
        document.put(
            "oauth2/tea/work",
            full.iter().fold(entry("oauth2"), |entry, (label, text)| entry.with_label(label, text)),
        );
        document.put("api_key/tea/home", entry("api_key").with_label("connector_fqn", "github://acme/tea"));
        document.put("user/tea", entry("user"));
        let names = |connector, kind| -> Vec<String> {
            let found = bindings(&document, connector, kind);
            found["items"].as_array().expect("a list").iter().map(|one| one["name"].to_string()).collect()
        };
        assert_eq!(names(None, None), ["\"api_key/tea/home\"", "\"oauth2/tea/work\""]);
        assert_eq!(names(Some("github://acme/tea"), Some("oauth2")), ["\"oauth2/tea/work\""]);
        assert!(names(Some("github://acme/coffee"), None).is_empty());
        let expected = json!({
            "name": "oauth2/tea/work", "kind": "oauth2", "service": "tea", "identity": "work",
            "connector_fqn": "github://acme/tea", "created_at": "2026-05-01T12:00:00Z", "scope": "read write",
            "account": "me@example.com", "last_used_at": "2026-05-01T12:00:01Z", "refresh_token_present": true,
            "status": "stale", "granted_scopes": ["read"], "stale_reason": "scope_drift", "missing_scopes": ["write"],
        });
        assert_eq!(bindings(&document, None, Some("oauth2"))["items"][0], expected);
    }
}
