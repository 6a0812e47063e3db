//! `status vault`.

use aileron_verifier::text::printable;
use clap::Args;
use serde_json::json;

use crate::ui::args::examples;
use crate::ui::commands::unlocking::vault;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;
use crate::vault::document::State;

/// Show where the vault is, whether it can be used, and the names in it. Needs no passphrase.
#[derive(Debug, Args)]
#[command(name = "vault", after_help = examples!("aileron status vault", "aileron status vault --json"))]
pub(crate) struct Status {}

impl Verb for Status {
    fn run(self, context: &Context) -> Answer {
        let vault = vault(context)?;
        let document = vault.read()?;
        let state = match document.as_ref().map(|document| document.state()) {
            None => "missing",
            Some(State::Ready) => "ready",
            Some(State::Legacy) => "legacy",
            Some(State::Uninitialised) => "uninitialised",
            Some(State::Broken(_)) => "error",
        };
        let document = document.unwrap_or_default();
        let names: Vec<&str> = document.entries().map(|(name, _)| name).collect();
        let why = match document.state() {
            State::Broken(why) => format!(" ({why})"),
            _ => String::new(),
        };
        let path = vault.path().display().to_string();
        let mut text = format!("Vault:    {path}\nState:    {state}{why}\nEntries:  {}\n", names.len());
        names.iter().for_each(|name| text.push_str(&format!("  {}\n", printable(name))));
        Ok(Outcome::new(text, json!({"path": path, "state": state, "count": names.len(), "names": names})))
    }
}
