//! Rings, key files, signatures, names and Refs.

use aileron_testkit::vectors;
use aileron_verifier::name::fqn::{Authority, Fqn, Ref};
use aileron_verifier::trust::key::PublicKey;
use aileron_verifier::trust::keyring::Keyring;
use serde_json::Value;

use super::{bytes, compare, ring, text};

#[test] // keyring.md §1, §2
fn rings_read_save_and_trust_as_the_runtime_does() {
    for row in vectors("keyring") {
        let read = Keyring::parse(&bytes(&row["input"]), "keyring.json");
        compare(&row, read.as_ref().err().map(|error| error.class()));
        let exact_names = row["id"] == "keyring-051"; // `OWNERS`: ours is an unknown field
        let oracle = &row["oracle"];
        match read {
            Err(error) => {
                let wanted = oracle["error"].as_str().unwrap_or_default();
                if !wanted.is_empty() && !wanted.contains("invalid JSON") {
                    assert_eq!(format!("{}: {error}", error.class()), wanted, "{}", row["id"]);
                } else {
                    assert!(error.to_string().contains("invalid JSON: "), "{}: {error}", row["id"]);
                }
            }
            Ok(ring) if exact_names => assert!(ring.is_empty()),
            Ok(ring) => {
                assert_eq!(ring.render(), text(&oracle["saved"]), "{}", row["id"]);
                for query in oracle["trusted"].as_array().into_iter().flatten() {
                    let key = PublicKey::from_base64(text(&query["key"])).expect("a key");
                    let trusted = ring.keys(&Authority::new(text(&query["authority"]))).contains(&key);
                    assert_eq!(Value::Bool(trusted), query["trusted"], "{}: {query}", row["id"]);
                }
            }
        }
    }
}

#[test] // keyring.md §4.1
fn key_files_read_as_the_runtime_reads_them() {
    for row in vectors("pem") {
        let read = PublicKey::from_pem(&bytes(&row["input"]));
        compare(&row, read.as_ref().err().map(|error| error.class()));
        let oracle = row["oracle"]["error"].as_str().unwrap_or_default();
        match read {
            Ok(key) => assert_eq!(key.to_base64(), text(&row["oracle"]["key"])),
            // Past this prefix the runtime's text is its standard library's.
            Err(error) if oracle.starts_with("parse PKIX public key: ") => {
                assert!(error.to_string().starts_with("parse PKIX public key: "), "{}: {error}", row["id"]);
            }
            Err(error) => assert_eq!(error.to_string(), oracle, "{}", row["id"]),
        }
    }
}

#[test] // keyring.md §2.5
fn signatures_are_trusted_as_the_runtime_trusts_them() {
    for row in vectors("verify") {
        let payload = [bytes(&row["binary"]), bytes(&row["manifest"])];
        let authority = Authority::new(text(&row["authority"]));
        let signature = bytes(&row["signature"]);
        let verdict = ring(&row).verify(&authority, &[&payload[0], &payload[1]], &signature);
        compare(&row, verdict.as_ref().err().map(|refused| refused.class()));
        let same_words = row["oracle"]["verdict"] == row["spec"] && signature.len() == 64;
        if let (Err(refused), true) = (verdict, same_words) {
            assert_eq!(format!("signature_failure: {refused}"), text(&row["oracle"]["error"]), "{}", row["id"]);
        }
    }
}

#[test] // artifacts.md §1
fn names_and_refs_parse_as_the_vectors_say() {
    for row in vectors("fqn") {
        let read: Result<Fqn, _> = text(&row["input"]["text"]).parse();
        compare(&row, read.as_ref().err().map(|error| error.class()));
        if let Ok(name) = read {
            let parsed = &row["oracle"]["parsed"];
            assert_eq!(name.to_string(), text(&row["input"]["text"]));
            assert_eq!(name.scheme().as_str(), text(&parsed["scheme"]));
            assert_eq!((name.owner(), name.repo()), (text(&parsed["owner"]), text(&parsed["repo"])));
            assert_eq!(name.subpath().unwrap_or_default(), text(&parsed["subpath"]));
            assert_eq!(name.repo_authority().as_str(), text(&parsed["authority"]));
            assert_eq!(name.owner_authority().as_str(), text(&parsed["ownerAuthority"]));
        }
    }
    for row in vectors("ref") {
        let read: Result<Ref, _> = text(&row["input"]["text"]).parse();
        compare(&row, read.as_ref().err().map(|error| error.class()));
        if let Ok(reference) = read {
            let parsed = &row["oracle"]["parsed"];
            assert_eq!(reference.version.as_str(), text(&parsed["version"]));
            assert_eq!(reference.name.subpath().unwrap_or_default(), text(&parsed["subpath"]));
            assert_eq!(reference.name.repo_authority().as_str(), text(&parsed["authority"]));
            assert_eq!(reference.to_string(), text(&row["input"]["text"]));
            assert_eq!(reference.url().as_deref(), row["oracle"]["url"].as_str(), "{}", row["id"]);
        }
    }
}
