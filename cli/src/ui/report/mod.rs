//! Results and failures, drawn for a person or written as one JSON document. artifacts.md §8.

mod consent;
pub mod console;

mod diagnostics;
pub(crate) mod door;
mod excerpt;
mod failure;
pub(crate) mod hidden;
mod mask;
pub mod progress;
pub(crate) mod sheet;
pub mod table;
pub mod workflow;

use std::io;

use aileron_verifier::problem::Class;
use aileron_verifier::text::Json;
use serde_json::{Map, Value, json};

pub(crate) use self::consent::{consent, plan_json};
pub use self::diagnostics::problem_json;
use self::door::{Paint, Stream};
pub use self::failure::{Exit, Failure, with_published_key};
pub(crate) use self::failure::{
    bundle_drawing, drawing, of_bundle, of_feature, of_gate, of_judge, problems_drawn, shown,
};
use self::workflow::Workflow;

/// What the text of an [`Outcome`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Lines for a person.
    #[default]
    Lines,
    /// JSON: also without `--json`, as what an op gave. sandbox.md 15a.
    Document,
}

/// What a command has to say.
#[derive(Default)]
pub struct Outcome {
    /// For a person, on standard output.
    pub text: String,
    /// What the text is.
    pub form: Form,
    /// Its coloured parts, in order.
    pub paints: Vec<Paint>,
    /// The verb's fields, for `--json`.
    pub fields: Map<String, Value>,
    /// Further fields for `--json`, whose numbers keep every digit.
    pub exact: Vec<(&'static str, Json)>,
    /// Called when the result has been written out whole; dropped when it could not be. For a result that exists nowhere else.
    pub when_written: Option<Box<dyn FnOnce()>>,
    /// The exit code of the user's program that the verb ran: it counts instead of our own.
    pub exit_code: Option<u8>,
    /// Set when the verb did its work and the answer is no: findings, refusals.
    pub failure: Option<Failure>,
}

impl Outcome {
    /// A result.
    pub fn new(text: impl Into<String>, fields: Value) -> Outcome {
        let fields = match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        Outcome { text: text.into(), fields, ..Outcome::default() }
    }

    /// A result whose text is JSON itself.
    pub fn document(text: impl Into<String>) -> Outcome {
        Outcome { text: text.into(), form: Form::Document, ..Outcome::default() }
    }

    /// The same result, with coloured parts.
    pub fn with_paints(self, paints: Vec<Paint>) -> Outcome {
        Outcome { paints, ..self }
    }

    /// The same result with one more field, digit for digit.
    pub fn with_exact(mut self, name: &'static str, value: Json) -> Outcome {
        self.exact.push((name, value));
        self
    }

    /// The same result, and what is done once it has been written out.
    pub fn when_written(self, done: impl FnOnce() + 'static) -> Outcome {
        Outcome { when_written: Some(Box::new(done)), ..self }
    }

    /// The same result, with a no.
    pub fn with_failure(self, failure: Option<Failure>) -> Outcome {
        Outcome { failure, ..self }
    }
}

/// Prints the result of a command, and returns its exit code.
///
/// With `json`, standard output holds exactly one JSON document, success or not. Everything about a failure that a person
/// reads goes to standard error, and the `workflow` gets its own form of it.
pub fn finish(command: &str, json: bool, workflow: Option<&Workflow>, result: Result<Outcome, Failure>) -> Exit {
    let mut outcome = result.unwrap_or_else(|failure| Outcome::default().with_failure(Some(failure)));
    let when_written = outcome.when_written.take();
    let exit = outcome.failure.as_ref().map_or(Exit::Ok, |failure| failure.exit);
    // The failure's first line comes first on standard error; a long result precedes it on standard output.
    let document = document(command, std::mem::take(&mut outcome.fields), outcome.failure.as_ref());
    let written = match (json, outcome.form) {
        (true, _) => door::write_json(Stream::Out, &(with_exact(&document, &outcome.exact) + "\n")),
        (false, Form::Document) => door::write_json(Stream::Out, &outcome.text),
        (false, Form::Lines) => door::write_painted(Stream::Out, &outcome.text, &outcome.paints),
    };
    if let Some(failure) = outcome.failure.as_ref().filter(|_| !json) {
        let _ = door::write_text(Stream::Err, &failure.text()); // standard error may be closed: no other place is left
    }
    if let Some(workflow) = workflow {
        let _ = door::write_commands(&workflow.tell(&document, exit));
    }
    let must_arrive = when_written.is_some();
    if let (Ok(()), Some(done)) = (&written, when_written) {
        done();
    }
    match written {
        // A reader that has seen enough is no failure, but for a result that exists nowhere else.
        Err(error) if must_arrive || error.kind() != io::ErrorKind::BrokenPipe => {
            let told = Failure::new(
                Class::StoreUnwritable,
                Exit::Failure,
                format!("cannot write the result to standard output: {error}"),
            );
            let _ = door::write_text(Stream::Err, &told.text());
            if exit == Exit::Ok { Exit::Failure } else { exit }
        }
        _ => exit,
    }
}

/// The document as text, with the fields that [`Value`] would change.
fn with_exact(document: &Value, exact: &[(&'static str, Json)]) -> String {
    let mut text = document.to_string();
    for (name, value) in exact {
        text.pop(); // the closing brace; the document always has fields before it
        text.push_str(&format!(",\"{name}\":{value}}}"));
    }
    text
}

fn document(command: &str, fields: Map<String, Value>, failure: Option<&Failure>) -> Value {
    let mut document = Map::new();
    document.insert("schema".into(), json!(1));
    document.insert("command".into(), json!(command));
    document.insert("ok".into(), json!(failure.is_none()));
    document.extend(fields);
    if let Some(failure) = failure {
        document.insert("error".into(), failure.json());
    }
    Value::Object(document)
}
