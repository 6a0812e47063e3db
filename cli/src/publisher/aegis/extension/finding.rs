//! What a trial found: which step, which rule, and which row of the document's table.

use aileron_verifier::aegis::definition::Mismatch;
use aileron_verifier::aegis::troubleshooting::Row;
use aileron_verifier::problem::{Rule, Severity, shorten};

/// Most characters of a message: an extension may name things at any length.
const LONGEST: usize = 600;

/// One thing that is wrong, or worth knowing.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The step in which it was found, as the report names it.
    pub step: String,
    /// How bad it is.
    pub severity: Severity,
    /// The row of the troubleshooting table, where there is one.
    pub row: Option<Row>,
    /// The rule of `aegis check`, where there is one.
    pub rule: Option<&'static Rule>,
    /// What is wrong. Texts of the extension in it are not yet made printable.
    pub message: String,
    /// How to correct it.
    pub help: &'static str,
}

impl Finding {
    /// Something a host, or a game server, does not get along with.
    pub fn error(step: &str, row: Option<Row>, message: impl Into<String>, help: &'static str) -> Finding {
        let message = shorten(&message.into(), LONGEST).into_owned();
        Finding { step: step.to_owned(), severity: Severity::Error, row, rule: None, message, help }
    }

    /// The same, less bad.
    pub fn warning(step: &str, row: Option<Row>, message: impl Into<String>, help: &'static str) -> Finding {
        Finding { severity: Severity::Warning, ..Finding::error(step, row, message, help) }
    }

    /// A definition that does not go with its manifest.
    pub fn of(step: &str, mismatch: Mismatch) -> Finding {
        let Mismatch { rule, row, message } = mismatch;
        Finding { severity: rule.severity(), rule: Some(rule), ..Finding::error(step, row, message, rule.help()) }
    }
}
