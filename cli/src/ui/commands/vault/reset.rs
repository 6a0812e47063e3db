//! `vault reset`: what to do about a passphrase that is forgotten.

use std::collections::BTreeSet;

use aileron_verifier::problem::Class;
use aileron_verifier::text::printable;
use clap::Args;
use serde_json::{Value, json};

use crate::ui::args::examples;
use crate::ui::commands::unlocking::{Questions, ask, tell, vault};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::table::table;
use crate::ui::report::{Exit, Failure, Outcome};
use crate::vault::binding::Binding;
use crate::vault::document::Document;
use crate::vault::error::VaultError;

/// Give the vault up, when its passphrase is forgotten: lists what to revoke and where, then deletes the file.
///
/// The file is deleted after `delete` is typed, or comes from standard input. Nothing is revoked where it was issued: that
/// is yours to do.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron vault reset"))]
pub(crate) struct Reset {}

impl Verb for Reset {
    fn run(self, context: &Context) -> Answer {
        let vault = vault(context)?;
        let document = vault.read()?.ok_or_else(|| VaultError::Missing(vault.path().to_owned()))?;
        let path = vault.path().display().to_string();
        let (rows, again) = (rows(&document), setups(&document));
        let listed = match rows.is_empty() {
            true => "It holds nothing.\n".to_owned(),
            false => format!("Revoke these where they were issued:\n\n{}", table(&["name", "for", "account"], &rows)),
        };
        tell(&format!("This deletes {path}. What is in it cannot be recovered.\n{listed}\n"), context)?;
        let revoke: Vec<Value> =
            rows.iter().map(|row| json!({"name": row[0], "for": row[1], "account": row[2]})).collect();
        let fields = |outcome: &str| json!({"path": path, "outcome": outcome, "revoke": revoke, "set_up_again": again});
        if ask("Type delete to delete it: ", Questions::OnOutput, context)?.as_deref().map(str::trim) != Some("delete")
        {
            return Ok(Outcome::new("cancelled\n", fields("cancelled")));
        }
        vault.remove()?;
        if vault.path().exists() {
            let message = format!("{path} was made again by another program meanwhile");
            return Err(Failure::new(Class::StoreUnwritable, Exit::Failure, message));
        }
        let again: String = again.iter().map(|line| format!("  {}\n", printable(line))).collect();
        let next = if again.is_empty() { String::new() } else { format!("Set up again:\n{again}") };
        Ok(Outcome::new(format!("Deleted {path}\n{next}"), fields("deleted")))
    }
}

fn rows(document: &Document) -> Vec<Vec<String>> {
    let or_none = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let row = |(name, entry)| {
        let binding = Binding::of(name, entry);
        let (connector, account) = binding.map(|binding| (binding.connector, binding.account)).unwrap_or_default();
        vec![name.to_owned(), or_none(connector), or_none(account)]
    };
    document.entries().map(row).collect()
}

/// The commands that make the bindings again, each once.
fn setups(document: &Document) -> BTreeSet<String> {
    let connectors = document.entries().filter_map(|(name, entry)| Binding::of(name, entry)?.connector);
    connectors.map(|connector| format!("aileron binding setup {connector}")).collect()
}
