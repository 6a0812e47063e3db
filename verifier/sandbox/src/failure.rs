//! The one shape of every failure. sandbox.md §9.

use std::fmt;

use serde_json::{Map, Value};

/// Why an operation gave no output.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Failure class; a guest's own word is kept in `details.connector_class`, never here (decision C5).
    pub class: &'static str,
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

/// A gate said no.
pub const CAPABILITY_DENIED: &str = "capability_denied";
/// A credential is wanted and none is bound.
pub const BINDING_REQUIRED: &str = "binding_required";
/// Wall time or memory.
pub const RESOURCE_LIMIT_EXCEEDED: &str = "resource_limit_exceeded";
/// The guest failed, host I/O failed, a call or stdout was malformed.
pub const CONNECTOR_RUNTIME_ERROR: &str = "connector_runtime_error";
/// Compiling, linking or instantiating failed.
pub const CONNECTOR_LOAD_FAILED: &str = "connector_load_failed";
/// The platform cannot confine child processes.
pub const SPAWN_SANDBOX_UNAVAILABLE: &str = "spawn_sandbox_unavailable";
/// The service behind the connector said no; the one class a guest may claim.
pub const EXTERNAL_API_ERROR: &str = "external_api_error";

impl Failure {
    /// A failure of the sandbox, without details.
    pub fn new(class: &'static str, message: impl Into<String>) -> Failure {
        Failure { class, boundary: BOUNDARY, retriable: false, message: message.into(), details: Map::new() }
    }

    /// With one more detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Failure {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(text, "{}: {} (boundary={})", self.class, self.message, self.boundary)
    }
}

impl std::error::Error for Failure {}
