//! Whole verdicts: the signature alone, and complete archives through a host's upload.

use aileron_testkit::shared;
use aileron_verifier::aegis::upload::{Host, examine};
use aileron_verifier::aegis::verify::{Material, Outcome, verify};
use aileron_verifier::aegis::zip::Archive;
use aileron_verifier::aegis::zip::strict::Strict;
use aileron_verifier::aegis::{DEFAULT_UPLOAD_LIMIT, Kind};
use serde_json::{Value, json};

use super::{assert_error, bytes, host, kind, rows, text};

#[test] // aegis-bundle.md §8
fn a_signature_has_the_hosts_verdict_its_class_and_its_gate() {
    for row in rows("verify.json", "cases") {
        let name = text(&row, "name");
        let files =
            ["manifest_json", "manifest_signed_json", "manifest_sig", "manifest_pub"].map(|file| bytes(&row[file]));
        let [manifest, wrapper, signature, public_key] = &files;
        let Host { trust, allow_unsafe, confirm_unsafe, .. } = host(&row["host"]);
        let verdict = verify(&Material { manifest, wrapper, signature, public_key }, &trust);
        let mut expect = row["expect"].clone();
        expect["name"] = json!(name);
        assert_eq!(verdict.outcome().name(), text(&expect, "class"), "{name}");
        assert_eq!(json!(verdict.is_verified()), expect["signature_verified"], "{name}");
        let error = match verdict.outcome() {
            Outcome::Error(why) => Some(why.to_string()),
            Outcome::Verified | Outcome::Unverified(_) => None,
        };
        assert_error(&expect, "verification_error", error);
        let claims = verdict.claims();
        assert_eq!(claims.map_or("", |claims| &claims.key_id), text(&expect, "reported_key_id"), "{name}");
        for (member, instant) in [
            ("reported_signed_at", claims.map(|claims| claims.signed_at)),
            ("reported_expires_at", claims.map(|claims| claims.expires_at)),
        ] {
            assert_eq!(instant.map(|instant| instant.to_string()).as_deref(), expect[member].as_str(), "{name}");
        }
        let gate = verdict.gate(Kind::Plugin, allow_unsafe, confirm_unsafe);
        assert_eq!(gate.name(), text(&expect, "sideload_gate"), "{name}");
        assert_error(&expect, "sideload_gate_error", gate.refusal());
    }
}

/// What a bundle's row wants, from a host of ours.
fn upload(row: &Value, zip: &[u8]) -> Value {
    match examine(zip, kind(text(row, "endpoint")), &host(&row["host"])) {
        Err(why) => json!({ "accepted": false, "error": why.to_string(), "signature_verified": false }),
        Ok(examined) => {
            let refusal = examined.gate.refusal();
            let mut found = json!({
                "accepted": refusal.is_none(),
                "error": refusal,
                "signature_verified": examined.verdict.is_verified(),
            });
            if examined.gate.name() == "needs_confirm" {
                found["needs_confirm_unsafe"] = json!(true);
            }
            if found["accepted"] == true {
                if let Some(claims) = examined.verdict.claims() {
                    found["signature_key_id"] = json!(claims.key_id);
                }
                found["target_arch"] = json!(examined.target.target_arch);
                found["library_entry"] = json!(examined.library);
                found["id_segment"] = json!(examined.manifest.id_segment());
                found["version_segment"] = json!(examined.manifest.version_segment());
            }
            found
        }
    }
}

#[test] // aegis-bundle.md §2.2
fn a_bundle_has_the_hosts_verdict_and_its_text() {
    let Some(directory) = shared("vectors/aegis") else { return };
    for row in rows("bundles.json", "cases") {
        let name = text(&row, "name");
        let zip = std::fs::read(directory.join(text(&row, "file"))).expect("a bundle");
        let found = upload(&row, &zip);
        let mut expect = row["expect"].clone();
        expect["name"] = json!(name);
        assert_error(&expect, "error", found["error"].as_str().map(str::to_owned));
        for member in found.as_object().expect("an object").keys().filter(|member| *member != "error") {
            assert_eq!(found[member], expect[member], "{name}: {member}");
        }
        let members = |value: &Value| value.as_object().map(|object| object.len()).unwrap_or_default();
        let extra = 1 + usize::from(expect.get("error_stable_prefix").is_some());
        assert_eq!(members(&found), members(&expect) - extra, "{name}: {found} {expect}");
    }
}

#[test] // aegis-bundle.md §2.6: what is published is a part of what a host reads
fn whatever_strict_mode_takes_a_host_reads_the_same() {
    let Some(directory) = shared("vectors/aegis") else { return };
    let mut regular = 0;
    for row in rows("bundles.json", "cases") {
        let zip = std::fs::read(directory.join(text(&row, "file"))).expect("a bundle");
        let Ok(strict) = Strict::read(&zip, DEFAULT_UPLOAD_LIMIT) else { continue };
        regular += 1;
        let archive = Archive::read(&zip).expect("strict mode took it");
        for entry in archive.entries() {
            let unpacked = archive.unpack(entry, DEFAULT_UPLOAD_LIMIT).expect("strict mode took it");
            assert_eq!(strict.files().get(&entry.shown_name()), Some(&unpacked), "{row}");
        }
    }
    assert!(regular > 0, "strict mode takes none of the bundles");
}

#[test] // aegis-bundle.md §6.1, §7.1
fn the_staged_files_of_the_host_verify() {
    let Some(directory) = shared("vectors/aegis/staged") else { return };
    for name in ["signed-plugin", "signed-connector"] {
        let read = |file: &str| std::fs::read(directory.join(name).join(file)).expect("a staged file");
        let files = ["manifest.json", "manifest.signed.json", "manifest.sig", "manifest.pub"].map(read);
        let [manifest, wrapper, signature, public_key] = &files;
        let mut trust = super::toy::trust("2026-06-01T00:00:00Z");
        trust.trusted = aileron_verifier::aegis::trust_store::TrustStore::read(&String::from_utf8_lossy(public_key));
        let verdict = verify(&Material { manifest, wrapper, signature, public_key }, &trust);
        assert!(verdict.is_verified() && verdict.is_wrapper_canonical(), "{name}: {verdict:?}");
    }
}
