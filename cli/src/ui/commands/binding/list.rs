//! `binding list`.

use std::fmt::Write as _;

use aileron_verifier::text::printable;
use clap::Args;
use serde_json::{Value, json};

use super::binding_json;
use crate::ui::args::examples;
use crate::ui::commands::unlocking::{listed, vault};
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;
use crate::vault::binding::{Binding, bindings};

/// List the bindings: which credential is for which connector. Needs no passphrase.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron binding list", "aileron binding list --kind oauth2 --json"))]
pub(crate) struct List {
    /// Bindings of this connector only: its name, without a version.
    #[arg(long, value_name = "FQN")]
    connector: Option<String>,
    /// Bindings of this kind only.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
}

impl Verb for List {
    fn run(self, context: &Context) -> Answer {
        let document = listed(&vault(context)?)?;
        let wanted = |binding: &Binding<'_>| {
            self.kind.as_ref().is_none_or(|kind| *kind == binding.kind)
                && self.connector.as_ref().is_none_or(|name| Some(name.as_str()) == binding.connector)
        };
        let found = bindings(&document).filter(wanted);
        // A thousand bindings twice, as lines and as JSON, take longer than reading them.
        if context.output.json {
            let fields: Vec<Value> = found.map(|binding| binding_json(&binding)).collect();
            return Ok(Outcome::new(String::new(), json!({"bindings": fields})));
        }
        let text = table(found).unwrap_or_else(|| {
            "No bindings configured.\n  Set one up with `aileron binding setup <connector-FQN>`.\n".to_owned()
        });
        Ok(Outcome::new(text, json!({})))
    }
}

/// vault.md §10.2: columns of these widths, whatever is in them. `None` without bindings.
fn table<'a>(bindings: impl Iterator<Item = Binding<'a>>) -> Option<String> {
    let mut text = String::new();
    let mut row = |name: &str, kind: &str, connector: &str, status: &str| {
        let [name, kind, connector, status] = [name, kind, connector, status].map(printable);
        let _ = writeln!(text, "{name:<40}  {kind:<10}  {connector:<30}  {status}"); // a String takes all
    };
    let mut bindings = bindings.peekable();
    bindings.peek()?;
    row("NAME", "KIND", "CONNECTOR", "STATUS");
    for binding in bindings {
        row(binding.name, binding.kind, binding.connector.unwrap_or_default(), &binding.standing());
    }
    Some(text)
}
