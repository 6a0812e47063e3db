//! `unit list`: what holds once all layers are merged, and who says so.

use aileron_verifier::unit::{Origin, Placed};
use clap::Args;
use serde_json::{Value, json};

use crate::consumer::unit::{UnitsFile, effective_of};
use crate::ui::args::examples;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;
use crate::ui::report::table::table;

/// List how credentials are acquired and where they are used: built-in, by accepted units, by your own files.
///
/// Your files are capture-descriptors.yaml and binding-descriptors.yaml below AILERON_HOME; they replace whole records.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron unit list", "aileron unit list --json"))]
pub(crate) struct List {}

impl Verb for List {
    fn run(self, context: &Context) -> Answer {
        let file = UnitsFile::at_home(&context.environment)?;
        let accepted = file.load()?;
        let effective = effective_of(&accepted, &context.environment)?;
        let captures: Vec<Vec<String>> = effective
            .captures()
            .map(|placed| {
                let record = &placed.record;
                let image = if record.image.is_empty() { "-".to_owned() } else { record.image.clone() };
                row([record.name.clone(), record.store_at.clone(), image], &placed.origin)
            })
            .collect();
        let bindings: Vec<Vec<String>> = effective
            .bindings()
            .map(|placed| {
                let record = &placed.record;
                let host = match record.host.is_empty() {
                    true => format!("({} {})", record.kind, record.identity_label),
                    false => record.host.clone(),
                };
                let how = format!("{} {}", record.scheme, record.mechanism());
                row([host, record.credential_ref.clone(), how], &placed.origin)
            })
            .collect();
        let mut text = String::new();
        if captures.is_empty() {
            text.push_str(
                "No tool's credential can be acquired.\n  Accept a unit with `aileron unit accept SOURCE`.\n",
            );
        } else {
            text.push_str(&table(&["tool", "credential", "image", "layer", "from"], &captures));
        }
        if !bindings.is_empty() {
            text.push('\n');
            text.push_str(&table(&["host", "credential", "how", "layer", "from"], &bindings));
        }
        let units: Vec<Value> = accepted
            .iter()
            .map(|unit| json!({"name": unit.unit.name, "hash": unit.hash(), "source": unit.source}))
            .collect();
        let fields = json!({
            "file": file.path().display().to_string(),
            "accepted": units,
            "capture": effective.captures().map(placed_json).collect::<Vec<_>>(),
            "bindings": effective.bindings().map(placed_json).collect::<Vec<_>>(),
        });
        Ok(Outcome::new(text, fields))
    }
}

fn row(cells: [String; 3], origin: &Origin) -> Vec<String> {
    let from = match &origin.unit {
        Some(unit) => format!("unit {unit}, {}", origin.source),
        None => origin.source.to_string(),
    };
    cells.into_iter().chain([origin.layer.as_str().to_owned(), from]).collect()
}

fn placed_json<T: serde::Serialize>(placed: &Placed<T>) -> Value {
    json!({
        "record": placed.record,
        "layer": placed.origin.layer,
        "source": &*placed.origin.source,
        "unit": placed.origin.unit.as_deref(),
    })
}
