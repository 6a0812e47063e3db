//! A failure of the sandbox in the closed taxonomy that callers see. sandbox.md §9, §10.5.
//!
//! What a guest wrote is already kept apart by the sandbox (decision C5); here the classes that only a host knows collapse,
//! and each failure gets its public boundary.

use aileron_sandbox::failure::{
    BINDING_REQUIRED, CAPABILITY_DENIED, CONNECTOR_RUNTIME_ERROR, EXTERNAL_API_ERROR, Failure, RESOURCE_LIMIT_EXCEEDED,
};
use serde_json::{Value, json};

/// The public form. Message and details are kept; a class that collapses is kept in `details.connector_class`.
pub fn public(failure: Failure) -> Failure {
    match failure.class {
        CAPABILITY_DENIED | RESOURCE_LIMIT_EXCEEDED | CONNECTOR_RUNTIME_ERROR => failure,
        // The store's classes, which have its boundary already.
        "hash_mismatch" | "signature_failure" => failure,
        BINDING_REQUIRED => Failure { boundary: "runtime", ..failure },
        EXTERNAL_API_ERROR => Failure { boundary: "external", ..failure },
        class => Failure { class: CONNECTOR_RUNTIME_ERROR, ..failure }.with("connector_class", class),
    }
}

/// A failure of the layer around the sandbox: the action, the store.
pub fn of_runtime(message: impl Into<String>) -> Failure {
    Failure { boundary: "runtime", ..Failure::new(CONNECTOR_RUNTIME_ERROR, message) }
}

/// The `error` object on standard output. 15a.
pub fn error_object(failure: &Failure) -> Value {
    json!({
        "class": failure.class,
        "message": failure.message,
        "boundary": failure.boundary,
        "retriable": failure.retriable,
        "details": failure.details,
    })
}

#[cfg(test)]
mod tests {
    use aileron_sandbox::failure::{CONNECTOR_LOAD_FAILED, SPAWN_SANDBOX_UNAVAILABLE};

    use super::*;

    #[test] // sandbox.md §10.5, §13 E8
    fn every_class_has_its_public_form() {
        for (class, then, boundary, kept) in [
            (CAPABILITY_DENIED, CAPABILITY_DENIED, "sandbox", None),
            (RESOURCE_LIMIT_EXCEEDED, RESOURCE_LIMIT_EXCEEDED, "sandbox", None),
            (BINDING_REQUIRED, BINDING_REQUIRED, "runtime", None),
            (CONNECTOR_RUNTIME_ERROR, CONNECTOR_RUNTIME_ERROR, "sandbox", None),
            (EXTERNAL_API_ERROR, EXTERNAL_API_ERROR, "external", None),
            (CONNECTOR_LOAD_FAILED, CONNECTOR_RUNTIME_ERROR, "sandbox", Some(CONNECTOR_LOAD_FAILED)),
            (SPAWN_SANDBOX_UNAVAILABLE, CONNECTOR_RUNTIME_ERROR, "sandbox", Some(SPAWN_SANDBOX_UNAVAILABLE)),
        ] {
            let failure = public(Failure::new(class, "why").with("evidence", 1));
            assert_eq!((failure.class, failure.boundary, failure.message.as_str()), (then, boundary, "why"));
            assert_eq!(failure.details["evidence"], 1);
            assert_eq!(failure.details.get("connector_class").and_then(Value::as_str), kept);
        }
    }
}
