//! `vault list`.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::ui::args::examples;
use crate::ui::commands::unlocking::{listed, vault};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;
use crate::ui::report::table::table;
use crate::vault::document::Entry;
use crate::vault::name::Namespace;

/// List what is in the vault: names and kinds, never values. Needs no passphrase.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron vault list", "aileron vault list --scope user --json"))]
pub(crate) struct List {
    /// Which entries.
    #[arg(long, value_enum, default_value_t = Scope::All)]
    scope: Scope,
    /// Entries whose name begins like this.
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Entries of the hosted control plane too.
    #[arg(long)]
    include_control_plane: bool,
}

/// Which entries are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scope {
    /// Everything.
    All,
    /// `agents/…`.
    Agent,
    /// `user/…`.
    User,
    /// `<kind>/<service>/<identity>`.
    Binding,
    /// `secret/…`.
    Secret,
}

impl List {
    fn wants(&self, name: &str) -> bool {
        let namespace = Namespace::of(name);
        let in_scope = match self.scope {
            Scope::All => true,
            Scope::Agent => namespace == Namespace::Agent,
            Scope::User => namespace == Namespace::User,
            Scope::Binding => namespace == Namespace::Binding,
            Scope::Secret => namespace == Namespace::Secret,
        };
        let hidden = namespace == Namespace::ControlPlane && !self.include_control_plane;
        in_scope && !hidden && self.prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix))
    }
}

impl Verb for List {
    fn run(self, context: &Context) -> Answer {
        let vault = vault(context)?;
        let document = listed(&vault)?;
        let wanted: Vec<(&str, &Entry)> = document.entries().filter(|(name, _)| self.wants(name)).collect();
        let row = |(name, entry): &(&str, &Entry)| {
            vec![Namespace::of(name).as_str().to_owned(), (*name).to_owned(), entry.kind().to_owned()]
        };
        let text = match wanted.is_empty() {
            true => "No entries.\n".to_owned(),
            false => table(&["scope", "name", "kind"], &wanted.iter().map(row).collect::<Vec<_>>()),
        };
        let field = |(name, entry): &(&str, &Entry)| json!({"name": name, "scope": Namespace::of(name).as_str(), "kind": entry.kind()});
        let entries: Vec<Value> = wanted.iter().map(field).collect();
        Ok(Outcome::new(text, json!({"path": vault.path().display().to_string(), "entries": entries})))
    }
}
