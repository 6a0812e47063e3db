//! `binding inspect`.

use aileron_verifier::text::printable;
use clap::Args;
use serde_json::json;

use super::{binding_json, found};
use crate::sys::calendar::date_and_time;
use crate::ui::args::examples;
use crate::ui::commands::unlocking::vault;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;
use crate::vault::binding::Binding;

/// Show one binding. Needs no passphrase.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron binding inspect oauth2/slack/work"))]
pub(crate) struct Inspect {
    /// The binding, as `binding list` names it.
    name: String,
}

impl Verb for Inspect {
    fn run(self, context: &Context) -> Answer {
        let document = vault(context)?.read()?.unwrap_or_default();
        let binding = found(&document, &self.name)?;
        Ok(Outcome::new(text(&binding), json!({"binding": binding_json(&binding)})))
    }
}

/// vault.md §10.3.
fn text(binding: &Binding<'_>) -> String {
    let created = binding.created_at.and_then(date_and_time).map(|(day, time)| format!("{day} {time} UTC"));
    let stale = binding.stale_reason.filter(|_| binding.status == "stale");
    let missing = stale.as_ref().and(Some(binding.missing_scopes.join(" "))).filter(|missing| !missing.is_empty());
    let resolve = stale.as_ref().map(|_| format!("aileron binding reauthorize {}", binding.name));
    let rows = [
        ("Name:", Some(binding.name.to_owned())),
        ("Kind:", Some(binding.kind.to_owned())),
        ("Service:", Some(binding.service.to_owned())),
        ("Identity:", Some(binding.identity.to_owned())),
        ("Connector:", Some(binding.connector.unwrap_or_default().to_owned())),
        ("Account:", binding.account.map(str::to_owned)),
        ("Scope:", binding.scope.map(str::to_owned)),
        ("Created:", created),
        ("Stale:", stale.map(str::to_owned)),
        ("Missing:", missing),
        ("Resolve:", resolve),
    ];
    let line = |(label, value): (&str, Option<String>)| {
        value.map(|value| format!("{label:<12}{}", printable(&value)).trim_end().to_owned() + "\n")
    };
    rows.into_iter().filter_map(line).collect()
}
