//! The tables of single rules: canonical bytes, instants, durations, keys, lists, identifiers, manifests, targets.

use aileron_verifier::aegis::Kind;
use aileron_verifier::aegis::canonical::canonical;
use aileron_verifier::aegis::envelope::{self, Claims};
use aileron_verifier::aegis::key_file;
use aileron_verifier::aegis::manifest::{Manifest, Target, select};
use aileron_verifier::aegis::path;
use aileron_verifier::aegis::time::{GoDuration, Instant};
use aileron_verifier::aegis::trust_store::{Revocations, TrustStore};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

use super::{assert_error, bytes, kind, rows, text};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test] // aegis-bundle.md §5
fn the_canonical_form_is_the_hosts_byte_for_byte() {
    for row in rows("canonical.json", "cases") {
        let found = canonical(&bytes(&row["input"]));
        assert_error(&row, "error", found.as_ref().err().map(ToString::to_string));
        if let Ok(found) = found {
            assert_eq!(String::from_utf8_lossy(&found), String::from_utf8_lossy(&bytes(&row["output"])), "{row}");
        }
    }
}

/// The test keys of the vectors: 32 consecutive bytes each.
pub(super) fn seed(name: &str) -> SigningKey {
    let first = match name {
        "alpha" => 0x00,
        "beta" => 0x20,
        _ => 0x40,
    };
    SigningKey::from_bytes(&std::array::from_fn(|at| first + at as u8))
}

#[test] // aegis-bundle.md §6.1, §7.1
fn a_manifest_is_signed_as_the_host_signs_it() {
    for row in rows("signing.json", "cases") {
        let instant = |member: &str| Instant::read(text(&row, member)).unwrap_or(Instant::ZERO);
        let claims = Claims {
            key_id: text(&row, "key_id_argument").to_owned(),
            signed_at: instant("signed_at"),
            expires_at: instant("expires_at"),
        };
        let built = envelope::build(text(&row, "manifest_json").as_bytes(), &claims);
        assert_error(&row, "error", built.as_ref().err().map(ToString::to_string));
        let Ok(wrapper) = built else { continue };
        let key = seed(text(&row, "key"));
        assert_eq!(String::from_utf8_lossy(&wrapper), text(&row, "manifest_signed_json"));
        assert_eq!(STANDARD.encode(key.sign(&wrapper).to_bytes()), text(&row, "manifest_sig"));
        assert_eq!(STANDARD.encode(key.verifying_key().to_bytes()), text(&row, "manifest_pub"));
    }
}

#[test] // aegis-bundle.md §6.2
fn instants_are_written_and_read_as_the_host_does() {
    for row in rows("timestamps.json", "format") {
        let nanoseconds = u32::try_from(row["nanoseconds"].as_u64().expect("a number")).expect("small");
        let instant = Instant::new(row["unix_seconds"].as_i64().expect("a number"), nanoseconds);
        assert_eq!(instant.to_string(), text(&row, "wrapper_text"));
    }
    for row in rows("timestamps.json", "parse_signed_at") {
        let wrapper =
            json!({ "signed_at": row["text"], "expires_at": "9999-01-01T00:00:00Z", "key_id": "k", "manifest": {} });
        let read = envelope::parse(wrapper.to_string().as_bytes());
        assert_eq!(read.is_ok(), row["accepted"] == true, "{row}");
        assert_error(&row, "error", read.as_ref().err().map(ToString::to_string));
        if let Ok(read) = read {
            let at = read.claims.signed_at;
            assert_eq!(
                (json!(at.seconds()), json!(at.nanoseconds())),
                (row["unix_seconds"].clone(), row["nanoseconds"].clone())
            );
        }
    }
}

#[test] // aegis-bundle.md §7.3
fn durations_have_the_grammar_of_go() {
    for row in rows("durations.json", "cases") {
        let read = text(&row, "text").parse::<GoDuration>();
        assert_error(&row, "error", read.as_ref().err().map(ToString::to_string));
        assert_eq!(read.is_ok(), row["accepted"] == true, "{row}");
        if let Ok(read) = read {
            assert_eq!(
                (json!(read.nanoseconds()), json!(read.is_positive())),
                (row["nanoseconds"].clone(), row["positive"].clone())
            );
        }
    }
}

#[test] // aegis-bundle.md §7.2
fn key_and_signature_files_are_decoded_with_the_hosts_tolerances() {
    for row in rows("base64.json", "public_key_file") {
        let read = key_file::public_key(&bytes(&row["input"]));
        assert_error(&row, "error", read.as_ref().err().map(ToString::to_string));
        if let Ok(key) = read {
            assert_eq!(hex(key.as_bytes()), text(&row, "decoded_hex"), "{row}");
        }
    }
    for row in rows("base64.json", "signature_file") {
        let read = key_file::signature(&bytes(&row["input"]));
        assert_error(&row, "error", read.as_ref().err().map(ToString::to_string));
        if let Ok(signature) = read {
            assert_eq!(hex(signature.as_bytes()), text(&row, "decoded_hex"), "{row}");
        }
    }
}

#[test] // aegis-bundle.md §9
fn a_trust_store_is_one_line_with_commas() {
    for row in rows("trust_store.json", "cases") {
        let store = TrustStore::read(text(&row, "trusted_signing_keys"));
        let key = key_file::public_key(text(&row, "manifest_pub").as_bytes());
        assert_eq!(key.is_ok_and(|key| store.has(&key)), row["trusted"] == true, "{row}");
    }
}

#[test] // aegis-bundle.md §10
fn a_revocation_file_is_read_whole_or_leaves_the_list_as_it_was() {
    for row in rows("crl.json", "cases") {
        match Revocations::read(&bytes(&row["file"])) {
            Err(_) => assert_eq!(row["previous_snapshot_kept"], true, "{row}"),
            Ok(read) => {
                assert_eq!(row["previous_snapshot_kept"], false, "{row}");
                assert_eq!(json!(read.key_ids().collect::<Vec<_>>()), row["revoked_key_ids"], "{row}");
                let fingerprints = json!(read.fingerprints().collect::<Vec<_>>());
                assert_eq!(fingerprints, row["revoked_public_key_fingerprints"], "{row}");
            }
        }
    }
}

#[test] // aegis-bundle.md §3.4, §3.5
fn ids_and_versions_must_survive_the_hosts_sanitizer() {
    for row in rows("identifiers.json", "id_and_version") {
        let target = json!({ "min_host_api_version": 1, "target_os": "linux", "target_arch": "amd64", "sha256": "x", "library_path": "x" });
        let manifest = json!({ "plugin_id": row["id"], "version": row["version"], "name": "n", "targets": [target] });
        let manifest = Manifest::decode(manifest.to_string().as_bytes(), Kind::Plugin).expect("a manifest");
        assert_error(&row, "error", manifest.validate().err().map(|why| why.to_string()));
    }
    for row in rows("identifiers.json", "stored_library_basename") {
        assert_eq!(path::sanitized(text(&row, "library_basename")), text(&row, "stored_basename"));
    }
}

#[test] // aegis-bundle.md §3.6, §3.7
fn a_manifest_is_validated_in_the_hosts_order_with_its_texts() {
    for row in rows("manifest_validation.json", "cases") {
        let decoded = Manifest::decode(&bytes(&row["manifest_json"]), kind(text(&row, "kind")));
        let found = match decoded {
            Err(why) => Some(why.to_string()),
            Ok(manifest) => manifest.validate().err().map(|why| why.to_string()),
        };
        assert_error(&row, "error", found);
    }
}

#[test] // aegis-bundle.md §4.3
fn the_host_takes_the_best_target_or_says_why_none() {
    for row in rows("target_selection.json", "cases") {
        let targets: Vec<Target> = row["targets"].as_array().into_iter().flatten().map(target).collect();
        let found = select(&targets, text(&row, "host_os"), text(&row, "host_arch"));
        assert_error(&row, "error", found.as_ref().err().map(ToString::to_string));
        assert_eq!(
            found.ok().map(|target| target.library_path.as_str()),
            row["selected_library_path"].as_str(),
            "{row}"
        );
    }
}

fn target(value: &Value) -> Target {
    let capabilities = value["required_capabilities"].as_array().into_iter().flatten();
    Target {
        min_host_api_version: value["min_host_api_version"].as_i64().unwrap_or_default(),
        required_capabilities: capabilities.map(|name| name.as_str().unwrap_or_default().to_owned()).collect(),
        target_os: text(value, "target_os").to_owned(),
        target_arch: text(value, "target_arch").to_owned(),
        sha256: text(value, "sha256").to_owned(),
        library_path: text(value, "library_path").to_owned(),
    }
}
