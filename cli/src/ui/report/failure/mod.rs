//! A failure as a person and a script see it: class, evidence, the next command, the exit code. artifacts.md §8.
//!
//! The wings' errors say what happened, of which class it is and whether trying again may help. Here, one file per wing, is
//! only what they cannot know: the exit code, the evidence that is shown, and what to try next.

mod aegis;
mod consumer;
mod install;
pub(crate) mod private;
mod publisher;
mod runtime;
mod store;
mod sys;
#[cfg(test)]
mod tests;
mod unit;
mod vault;

use std::fmt;
use std::path::Path;

use aileron_verifier::problem::{Class, Problem, Source};
use aileron_verifier::text::{printable, printable_within, shorten};
use serde_json::{Value, json};

use super::diagnostics::Drawing;

pub(crate) use self::aegis::{bundle_drawing, of_bundle, of_gate};
pub(crate) use self::consumer::of_judge;
pub use self::consumer::with_published_key;
pub(crate) use self::publisher::drawing;
pub(crate) use self::unit::of_feature;

/// Most characters of a message: a name of a megabyte is cut in its middle. artifacts.md §10.
const LONGEST_MESSAGE: usize = 2_000;

/// How a process ends. artifacts.md §8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Failed.
    Failure = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// Verification refused.
    Refused = 3,
    /// Not found, or not to be fetched.
    NotFound = 4,
    /// Not finished; the same command continues.
    Incomplete = 5,
    /// Policy: findings in the publisher's own repository.
    Policy = 6,
    /// Interrupted.
    Interrupted = 130,
}

/// What every error of the wings says about itself.
pub(crate) trait Classified: fmt::Display {
    /// The failure class.
    fn class(&self) -> Class;
    /// Whether the same command may succeed later, with nothing changed by the user.
    fn is_retriable(&self) -> bool;
}

/// Says it with the error's own methods.
macro_rules! classified {
    ($($error:ty),* $(,)?) => {
        $(impl super::Classified for $error {
            fn class(&self) -> aileron_verifier::problem::Class {
                <$error>::class(self)
            }

            fn is_retriable(&self) -> bool {
                <$error>::is_retriable(self)
            }
        })*
    };
}
use classified;

/// Why a command's answer is no.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The class.
    pub class: Class,
    /// The exit code.
    pub exit: Exit,
    /// One line.
    pub message: String,
    /// File and line, where there is one place.
    pub place: Option<(String, usize)>,
    /// Broken rules of documents, drawn before the rest of the evidence when a person reads it.
    pub(crate) drawn: Drawing,
    /// What a person may want to see before the next step.
    pub evidence: Vec<String>,
    /// What to try next.
    pub next: Option<String>,
    /// The evidence for scripts.
    pub details: Value,
    /// Whether the same command may succeed later.
    pub retriable: bool,
    /// Whose side it lies on, where that is not what its class says.
    pub boundary: Option<&'static str>,
    /// What is printed instead of class and message, where keyring.md pins the text. artifacts.md §8.
    pub pinned: Option<String>,
}

impl Failure {
    /// A failure of a wing, with nothing but its first line.
    pub(crate) fn of(error: &impl Classified, exit: Exit) -> Failure {
        Failure { retriable: error.is_retriable(), ..Failure::new(error.class(), exit, error.to_string()) }
    }

    /// [`Failure::of`] an error whose text keyring.md pins: printed as `error: <text>`.
    pub(crate) fn pinned(error: &impl Classified, exit: Exit) -> Failure {
        Failure { pinned: Some(format!("error: {error}")), ..Failure::of(error, exit) }
    }

    /// A failure with nothing but its first line.
    pub fn new(class: Class, exit: Exit, message: impl Into<String>) -> Failure {
        Failure {
            class,
            exit,
            message: shorten(&message.into(), LONGEST_MESSAGE).into_owned(),
            place: None,
            drawn: Drawing::default(),
            evidence: Vec::new(),
            next: None,
            details: json!({}),
            retriable: matches!(exit, Exit::Incomplete | Exit::Interrupted),
            boundary: None,
            pinned: None,
        }
    }

    /// A command line that makes no sense.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Class::UsageError, Exit::Usage, message)
    }

    /// Adds what to try next.
    pub fn next(self, next: impl Into<String>) -> Failure {
        Failure { next: Some(next.into()), ..self }
    }

    /// Says it with this first line instead.
    pub(crate) fn saying(self, message: impl Into<String>) -> Failure {
        Failure { message: shorten(&message.into(), LONGEST_MESSAGE).into_owned(), ..self }
    }

    /// The first line of the message stays one; the lines below it become evidence: a compiler's or git's own words.
    fn with_lines_as_evidence(self, text: &str) -> Failure {
        let mut lines = text.lines();
        let failure = self.saying(lines.next().unwrap_or_default());
        lines.fold(failure, |failure, line| failure.evidence(format!("  {line}")))
    }

    /// Adds a line of evidence.
    pub fn evidence(mut self, line: impl Into<String>) -> Failure {
        self.evidence.push(line.into());
        self
    }

    /// Adds broken rules, to be drawn.
    pub(crate) fn drawing(self, drawn: Drawing) -> Failure {
        Failure { drawn, ..self }
    }

    /// Adds evidence for scripts to what there is; a field that is there already is replaced.
    pub fn details(mut self, details: Value) -> Failure {
        match (&mut self.details, details) {
            (Value::Object(there), Value::Object(more)) => there.extend(more),
            (there, other) => *there = other,
        }
        self
    }

    /// Says where: the file and line of a problem.
    pub(crate) fn at(self, problem: &Problem, source: Option<&Source>) -> Failure {
        let line = source.map_or(1, |source| source.position(problem.at.start).0);
        Failure { place: Some((problem.file.to_string(), line)), ..self }
    }

    /// First line, evidence, next command. Message and next command are one line each, whatever they hold.
    pub fn text(&self) -> String {
        let place =
            self.place.as_ref().map(|(file, line)| format!(" ({}:{line})", printable(file))).unwrap_or_default();
        let mut text = match &self.pinned {
            Some(pinned) => format!("{pinned}\n"),
            None => format!("{}: {}{place}\n", self.class, printable_within(&self.message, LONGEST_MESSAGE)),
        };
        for line in [&self.drawn.text()].into_iter().filter(|drawn| !drawn.is_empty()).chain(&self.evidence) {
            text.push_str(line);
            text.push('\n');
        }
        if let Some(next) = &self.next {
            text.push_str(&format!("next: {}\n", printable_within(next, LONGEST_MESSAGE)));
        }
        text
    }

    /// The `error` object of a JSON document.
    pub fn json(&self) -> Value {
        let (file, line) = self.place.clone().map_or((None, None), |(file, line)| (Some(file), Some(line)));
        json!({
            "class": self.class.as_str(),
            "boundary": self.boundary.unwrap_or(self.class.boundary()),
            "retriable": self.retriable,
            "message": self.message,
            "file": file,
            "line": line,
            "details": self.details,
            "next": self.next,
        })
    }
}

/// Problems of one document, to be drawn.
pub(crate) fn problems_drawn(problems: &[Problem], source: &Source) -> Drawing {
    Drawing::new(problems.iter().map(|problem| (problem, Some(source))), &[])
}

/// The directory a user would name to get here again.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
