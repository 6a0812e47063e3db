//! aegis-bundle.md as tests: the vectors of the running host, the rows of its own tests, and bundles made here.
//!
//! The vectors may lie beside the workspace; without them the rest still says what must hold.

mod any_bytes;
mod bundles;
mod checklist;
mod every_rule;
mod model;
mod own;
mod strict;
mod tables;
mod tamper;
mod tool;
mod toy;

use aileron_testkit::shared;
use aileron_verifier::aegis::Kind;
use aileron_verifier::aegis::time::Instant;
use aileron_verifier::aegis::trust_store::{Revocations, TrustStore};
use aileron_verifier::aegis::upload::Host;
use aileron_verifier::aegis::verify::HostTrust;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The rows of a table; none, loudly, where the vectors are not there.
fn rows(file: &str, list: &str) -> Vec<Value> {
    let Some(path) = shared(&format!("vectors/aegis/{file}")) else { return Vec::new() };
    let text = std::fs::read_to_string(&path).expect("the vectors are readable");
    let table: Value = serde_json::from_str(&text).expect("a table is JSON");
    let rows = table[list].as_array().expect("a list").clone();
    assert!(!rows.is_empty(), "{file} has no {list}");
    rows
}

/// A byte string: `{"text": …}` or `{"base64": …}`; nothing is no bytes.
fn bytes(value: &Value) -> Vec<u8> {
    match (value["text"].as_str(), value["base64"].as_str()) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (_, Some(text)) => STANDARD.decode(text).expect("base64"),
        _ => Vec::new(),
    }
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_default()
}

/// Compares a failure with what a row wants: the whole text, or the part that does not hang on Go's library.
fn assert_error(row: &Value, member: &str, found: Option<String>) {
    let name = text(row, "name");
    let prefix = row[format!("{member}_stable_prefix")].as_str();
    match (row[member].as_str(), prefix, found) {
        (None, _, None) => {}
        (Some(_), Some(prefix), Some(found)) => assert!(found.starts_with(prefix), "{name}: {found}"),
        (Some(wanted), None, Some(found)) => assert_eq!(found, wanted, "{name}"),
        (wanted, _, found) => panic!("{name}: wanted {wanted:?}, found {found:?}"),
    }
}

fn kind(text: &str) -> Kind {
    if text == "connector" { Kind::Connector } else { Kind::Plugin }
}

/// A `host` block.
fn host(block: &Value) -> Host {
    let list = |member: &str| -> Vec<String> {
        block[member].as_array().into_iter().flatten().map(|value| value.as_str().expect("a text").to_owned()).collect()
    };
    let (ids, fingerprints) = (list("revoked_key_ids"), list("revoked_public_key_fingerprints"));
    Host {
        trust: HostTrust {
            trusted: TrustStore::read(text(block, "trusted_signing_keys")),
            revoked: Revocations::new(ids.iter().map(String::as_str), fingerprints.iter().map(String::as_str)),
            now: Instant::read(text(block, "now")).expect("an instant"),
            skew: block["signature_clock_skew_seconds"].as_i64().expect("a number"),
        },
        os: text(block, "host_os").to_owned(),
        arch: text(block, "host_arch").to_owned(),
        max_upload_size: block["max_upload_size"].as_i64().expect("a number"),
        allow_unsafe: block["allow_unsafe_sideload"].as_bool().expect("a boolean"),
        confirm_unsafe: block["confirm_unsafe"].as_bool().expect("a boolean"),
    }
}
