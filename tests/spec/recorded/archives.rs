//! Whole archives: connectors and actions as installers meet them.

use aileron_testkit::vectors;
use aileron_verifier::artifact::action::Pin;
use aileron_verifier::artifact::archive::ArtifactKind;
use aileron_verifier::artifact::verify::{Payload, Unverified, Verified, Wanted};
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::fqn::{NameError, Ref};
use aileron_verifier::problem::Class;
use serde_json::Value;

use super::{bytes, compare, ring, text};

fn judge(row: &Value, kind: ArtifactKind) -> Result<Verified, Class> {
    let reference: Ref = text(&row["ref"]).parse().map_err(|error: NameError| error.class())?;
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

#[test]
fn every_connector_archive_gets_the_recorded_verdict() {
    for row in vectors("connector") {
        let found = judge(&row, ArtifactKind::Connector);
        if let (Ok(verified), Some(hash)) = (&found, row["oracle"]["contentHash"].as_str()) {
            assert_eq!(verified.content().expect("a connector").to_string(), hash, "{}", row["id"]);
            assert_eq!(
                verified.digest().expect("of an archive").hex(),
                text(&row["oracle"]["archiveSha256"]),
                "{}",
                row["id"]
            );
        }
        compare(&row, found.err());
    }
}

#[test]
fn every_action_archive_gets_the_recorded_verdict() {
    for row in vectors("action") {
        let found = judge(&row, ArtifactKind::Action).and_then(|verified| {
            // An installer refuses what `verify` only warns about, and looks for the pinned connectors.
            let refused = verified.warnings().first().map(|problem| problem.rule.class());
            let missing = (!connectors_are_there(&row, &verified)).then_some(Class::ConnectorsMissing);
            refused.or(missing).map_or(Ok(()), Err)
        });
        compare(&row, found.err());
    }
}
