//! The whole verdict, archive by archive, against the recorded verdicts of the existing runtime.
//!
//! `spec` is our rule; where it is stricter than the runtime the row says why.

#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::path::PathBuf;

use aileron_verifier::action::Pin;
use aileron_verifier::archive::Kind;
use aileron_verifier::digest::ContentHash;
use aileron_verifier::fqn::{Authority, Ref};
use aileron_verifier::key::PublicKey;
use aileron_verifier::keyring::Keyring;
use aileron_verifier::problem::Class;
use aileron_verifier::verify::{Payload, Unverified, Verified, Wanted};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

fn rows(kind: &str) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors/archives/index.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: no vectors for `{kind}`: {} does not exist", path.display());
        return Vec::new();
    };
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a row is JSON"));
    let rows: Vec<Value> = all.filter(|row| row["kind"] == kind).collect();
    assert!(rows.len() > 40, "only {} rows of kind {kind}", rows.len());
    rows
}

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

fn judge(row: &Value, kind: Kind) -> Result<Verified, Class> {
    let reference: Ref = text(&row["ref"]).parse().map_err(|error: aileron_verifier::fqn::NameError| error.class())?;
    let content = row["expected_hash"].as_str().map(str::parse::<ContentHash>).transpose();
    let content = content.map_err(|_| Class::ValidationError)?;
    let wanted = Wanted { reference: Some(reference), kind: Some(kind), content };
    Unverified::new(bytes(&row["input"])).verify(&wanted, &ring(row)).map_err(|error| error.class())
}

/// Exactly the pinned name, version and hash must be installed together. artifacts.md §10.
fn connectors_are_there(row: &Value, action: &Verified) -> bool {
    let Some(installed) = row["installed"].as_array() else { return true };
    let installed: Vec<(String, Option<ContentHash>)> = installed
        .iter()
        .map(|entry| {
            let reference: Ref = text(&entry["ref"]).parse().expect("ref");
            let wanted = Wanted::of(reference.clone());
            let connector = Unverified::new(bytes(&entry["input"])).verify(&wanted, &ring(row)).expect("installed");
            (reference.to_string(), connector.content())
        })
        .collect();
    let Payload::Action(action) = action.payload() else { return false };
    action.requires.iter().all(|requirement| {
        let wanted = format!("{}@{}", requirement.name.value, requirement.version.value);
        let Pin::Hash(pinned) = requirement.hash.value else { return false };
        installed.iter().any(|(reference, content)| *reference == wanted && *content == Some(pinned))
    })
}

fn compare(row: &Value, found: Result<(), Class>) {
    let verdict = if found.is_ok() { "accept" } else { "refuse" };
    assert_eq!(verdict, text(&row["spec"]), "{}: {} ({:?})", row["id"], row["why"], found);
    if row["spec_class_pinned"] == true {
        let class = found.err().map(|class| class.as_str().to_owned());
        assert_eq!(class.as_deref(), row["spec_class"].as_str(), "{}: {}", row["id"], row["why"]);
    }
}

#[test]
fn every_connector_archive_gets_the_recorded_verdict() {
    for row in rows("connector") {
        let found = judge(&row, Kind::Connector);
        if let (Ok(verified), Some(hash)) = (&found, row["oracle"]["contentHash"].as_str()) {
            assert_eq!(verified.content().expect("a connector").to_string(), hash, "{}", row["id"]);
            assert_eq!(verified.digest().hex(), text(&row["oracle"]["archiveSha256"]), "{}", row["id"]);
        }
        compare(&row, found.map(|_| ()));
    }
}

#[test]
fn every_action_archive_gets_the_recorded_verdict() {
    for row in rows("action") {
        let found = judge(&row, Kind::Action).and_then(|verified| {
            // An installer refuses what `verify` only warns about, and looks for the pinned connectors.
            let refused = verified.warnings().first().map(|problem| problem.rule.class());
            let missing = (!connectors_are_there(&row, &verified)).then_some(Class::ConnectorsMissing);
            refused.or(missing).map_or(Ok(()), Err)
        });
        compare(&row, found);
    }
}
