//! A failure of the sandbox in the closed taxonomy that callers see. sandbox.md §9, §10.5.
//!
//! What a guest wrote is already kept apart by the sandbox (decision C5); here the classes that only a host knows collapse,
//! and each failure gets its public boundary.

use aileron_sandbox::failure::Failure;
use aileron_verifier::problem::Class;
use serde_json::{Value, json};

/// The public form. Message and details are kept; a class that collapses is kept in `details.connector_class`.
pub fn public(failure: Failure) -> Failure {
    match failure.class {
        Class::CapabilityDenied | Class::ResourceLimitExceeded | Class::ConnectorRuntimeError => failure,
        // The store's classes, which have its boundary already.
        Class::HashMismatch | Class::SignatureFailure => failure,
        Class::BindingRequired | Class::BindingFailed => Failure { boundary: "runtime", ..failure },
        Class::ExternalApiError => Failure { boundary: "external", ..failure },
        class => Failure { class: Class::ConnectorRuntimeError, ..failure }.with("connector_class", class.as_str()),
    }
}

/// A failure of the layer around the sandbox: the action, the store.
pub fn of_runtime(message: impl Into<String>) -> Failure {
    Failure { boundary: "runtime", ..Failure::new(Class::ConnectorRuntimeError, message) }
}

/// The `error` object on standard output. 15a.
pub fn error_object(failure: &Failure) -> Value {
    json!({
        "class": failure.class.as_str(),
        "message": failure.message,
        "boundary": failure.boundary,
        "retriable": failure.retriable,
        "details": failure.details,
    })
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test] // sandbox.md §10.5, §13 E8
    fn every_class_has_its_public_form() {
        for (class, then, boundary, kept) in [
            (Class::CapabilityDenied, Class::CapabilityDenied, "sandbox", None),
            (Class::ResourceLimitExceeded, Class::ResourceLimitExceeded, "sandbox", None),
            (Class::BindingRequired, Class::BindingRequired, "runtime", None),
            (Class::BindingFailed, Class::BindingFailed, "runtime", None),
            (Class::ConnectorRuntimeError, Class::ConnectorRuntimeError, "sandbox", None),
            (Class::ExternalApiError, Class::ExternalApiError, "external", None),
            (Class::ConnectorLoadFailed, Class::ConnectorRuntimeError, "sandbox", Some(Class::ConnectorLoadFailed)),
            (
                Class::SpawnSandboxUnavailable,
                Class::ConnectorRuntimeError,
                "sandbox",
                Some(Class::SpawnSandboxUnavailable),
            ),
        ] {
            let failure = public(Failure::new(class, "why").with("evidence", 1));
            assert_eq!((failure.class, failure.boundary, failure.message.as_str()), (then, boundary, "why"));
            assert_eq!(failure.details["evidence"], 1);
            assert_eq!(failure.details.get("connector_class").and_then(Value::as_str), kept.map(Class::as_str));
        }
    }
}
