//! Judged by the recorded verdicts of the existing runtime, row by row.
//!
//! `spec` is our rule; `oracle` is what the runtime answers. Where they differ the row says why, and `spec` wins. The
//! vectors may lie beside the workspace; where they do not, these tests say so and have nothing to judge.

mod archives;
mod documents;
mod keys;

use aileron_verifier::name::fqn::Authority;
use aileron_verifier::problem::Class;
use aileron_verifier::trust::key::PublicKey;
use aileron_verifier::trust::keyring::Keyring;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn bytes(value: &Value) -> Vec<u8> {
    value["base64"].as_str().map_or_else(|| text(&value["text"]).into(), |text| STANDARD.decode(text).expect("base64"))
}

fn ring(row: &Value) -> Keyring {
    let mut ring = Keyring::new();
    for grant in row["trust"].as_array().expect("grants") {
        let key = PublicKey::from_base64(text(&grant["key"])).expect("a key");
        ring.grant(Authority::new(text(&grant["authority"])), key);
    }
    ring
}

/// Compares verdict and, where the row pins it, class.
fn compare(row: &Value, refused: Option<Class>) {
    let verdict = if refused.is_none() { "accept" } else { "refuse" };
    assert_eq!(verdict, text(&row["spec"]), "{}: {} ({refused:?})", row["id"], row["why"]);
    if row["spec_class_pinned"] == true {
        assert_eq!(refused.map(Class::as_str), row["spec_class"].as_str(), "{}: {}", row["id"], row["why"]);
    }
}
