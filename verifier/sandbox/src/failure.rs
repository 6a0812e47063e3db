//! The one shape of every failure. sandbox.md §9.

use std::fmt;

use aileron_verifier::problem::Class;
use serde_json::{Map, Value};

/// Why an operation gave no output.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Failure class; a guest's own word is kept in `details.connector_class`, never here (decision C5).
    pub class: Class,
    /// Always [`BOUNDARY`] where the sandbox made it; the layers above name theirs.
    pub boundary: &'static str,
    /// Whether trying again may help. The sandbox never says so.
    pub retriable: bool,
    /// One line for people.
    pub message: String,
    /// Evidence, by name.
    pub details: Map<String, Value>,
}

/// The boundary of every failure made here.
pub const BOUNDARY: &str = "sandbox";

impl Failure {
    /// A failure of the sandbox, without details.
    pub fn new(class: Class, message: impl Into<String>) -> Failure {
        Failure { class, boundary: BOUNDARY, retriable: false, message: message.into(), details: Map::new() }
    }

    /// With one more detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Failure {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// The failure class.
    pub fn class(&self) -> Class {
        self.class
    }

    /// Whether a request could not be signed because neither host, binding nor manifest name all that goes into the
    /// signature. sandbox.md §7.4.
    pub fn lacks_signing_inputs(&self) -> bool {
        let is = |name: &str, value: &str| self.details.get(name).is_some_and(|found| found == value);
        self.class == Class::CapabilityDenied
            && is("capability_kind", "aws_sigv4")
            && is("boundary_detail", "connector_manifest")
    }

    /// Whether trying again may help.
    pub fn is_retriable(&self) -> bool {
        self.retriable
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(text, "{}: {} (boundary={})", self.class, self.message, self.boundary)
    }
}

impl std::error::Error for Failure {}
