//! `binding`: which credential a connector gets. vault.md §10.

mod inspect;
mod list;

use serde_json::{Value, json};

use super::verb::verbs;
use crate::sys::clock::date_and_time;
use crate::vault::binding::Binding as Bound;

verbs! {
    /// Look at bindings: which credential of the vault is for which connector.
    Binding, on_interrupt: Exit {
        List(list::List),
        Inspect(inspect::Inspect),
    }
}

/// A binding for scripts. vault.md §10.2.
fn binding_json(binding: &Bound) -> Value {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let created = binding.created_at.and_then(date_and_time).map(|(day, time)| format!("{day}T{time}Z"));
    let mut fields = json!({
        "name": binding.name,
        "kind": binding.kind,
        "service": binding.service,
        "identity": binding.identity,
        "scope": text(&binding.scope),
        "connector_fqn": text(&binding.connector),
        "account": text(&binding.account),
        "created_at": created,
        "status": binding.status,
    });
    if !binding.granted_scopes.is_empty() {
        fields["granted_scopes"] = json!(binding.granted_scopes);
    }
    if let Some(reason) = &binding.stale_reason {
        fields["stale_reason"] = json!(reason);
    }
    if !binding.missing_scopes.is_empty() {
        fields["missing_scopes"] = json!(binding.missing_scopes);
    }
    fields
}
