//! Names, rings, key files and signatures against the recorded verdicts of the existing runtime, row by row.
//!
//! `spec` is our rule; `oracle` is what the runtime answers. Where they differ the row says why, and `spec` wins.

#![expect(clippy::print_stderr, reason = "a skipped test says so")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use aileron_verifier::fqn::{Authority, Fqn, Ref};
use aileron_verifier::key::PublicKey;
use aileron_verifier::keyring::Keyring;
use aileron_verifier::version::Version;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::Value;

/// The rows of one kind, or nothing with a loud word when the vectors are not there.
fn rows(kind: &str) -> Vec<Value> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let places = ["../tests/vectors/archives/index.jsonl", "../../shared/vectors/archives/index.jsonl"];
    let Some(text) = places.iter().find_map(|place| std::fs::read_to_string(here.join(place)).ok()) else {
        eprintln!("SKIPPED: no vectors for `{kind}`: none of {places:?} exists below {}", here.display());
        return Vec::new();
    };
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a row is JSON"));
    let rows: Vec<Value> = all.filter(|row| row["kind"] == kind).collect();
    assert!(rows.len() > 15, "only {} rows of kind {kind}", rows.len());
    rows
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn bytes(value: &Value) -> Vec<u8> {
    match value["base64"].as_str() {
        Some(base64) => STANDARD.decode(base64).expect("base64"),
        None => text(&value["text"]).into(),
    }
}

/// Compares verdict and, where the row pins it, class.
fn judge(row: &Value, class: Option<String>) {
    let verdict = if class.is_none() { "accept" } else { "refuse" };
    assert_eq!(verdict, text(&row["spec"]), "{}: {}", row["id"], row["why"]);
    if row["spec_class_pinned"] == true {
        assert_eq!(class.as_deref(), row["spec_class"].as_str(), "{}", row["id"]);
    }
}

fn ring(row: &Value) -> Keyring {
    let mut ring = Keyring::new();
    for grant in row["trust"].as_array().expect("grants") {
        ring.grant(
            Authority::new(text(&grant["authority"])),
            PublicKey::from_base64(text(&grant["key"])).expect("a key"),
        );
    }
    ring
}

#[test] // keyring.md §1, §2
fn rings_read_save_and_trust_as_the_runtime_does() {
    for row in rows("keyring") {
        let read = Keyring::parse(&bytes(&row["input"]), "keyring.json");
        judge(&row, read.as_ref().err().map(|error| error.class().to_string()));
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
    for row in rows("pem") {
        let read = PublicKey::from_pem(&bytes(&row["input"]));
        judge(&row, read.as_ref().err().map(|error| error.class().to_string()));
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
    for row in rows("verify") {
        let payload = [bytes(&row["binary"]), bytes(&row["manifest"])];
        let authority = Authority::new(text(&row["authority"]));
        let signature = bytes(&row["signature"]);
        let verdict = ring(&row).verify(&authority, &[&payload[0], &payload[1]], &signature);
        judge(&row, verdict.as_ref().err().map(|refused| refused.class().to_string()));
        let same_words = row["oracle"]["verdict"] == row["spec"] && signature.len() == 64;
        if let (Err(refused), true) = (verdict, same_words) {
            assert_eq!(format!("signature_failure: {refused}"), text(&row["oracle"]["error"]), "{}", row["id"]);
        }
    }
}

/// The flat regular files of a well-formed gzipped tar; enough for vectors whose subject is the signature.
fn members(archive: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut tar = Vec::new();
    flate2::read::GzDecoder::new(archive).read_to_end(&mut tar).ok()?;
    let field = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\0').trim().to_owned();
    let (mut at, mut files) = (0, BTreeMap::new());
    while tar.get(at).is_some_and(|first| *first != 0) {
        let size = usize::from_str_radix(&field(tar.get(at + 124..at + 135)?), 8).ok()?;
        files.insert(field(tar.get(at..at + 100)?), tar.get(at + 512..at + 512 + size)?.to_vec());
        at += 512 + size.div_ceil(512) * 512;
    }
    Some(files)
}

#[test] // artifacts.md §6, with the forgeries under small-order keys
fn a_key_accepts_exactly_what_the_runtime_accepts_but_for_small_orders() {
    let mut judged = 0;
    for row in rows("connector") {
        let reached = ["signature", "done"].map(Value::from).contains(&row["oracle"]["stage"]);
        if row["category"] != "signature" || !reached {
            continue;
        }
        let files = members(&bytes(&row["input"])).expect("an archive");
        let file = |name: &str| files.get(name).map(Vec::as_slice).unwrap_or_default();
        let name: Ref = text(&row["ref"]).parse().expect("a Ref");
        let ring = ring(&row);
        let payload = [file("connector.wasm"), file("manifest.toml")];
        let verdict = ring.verify(&name.name.repo_authority(), &payload, file("signature.sig"));
        judge(&row, verdict.err().map(|refused| refused.class().to_string()));
        if text(&row["why"]).contains("small-order key") {
            assert!(!ring.weak().is_empty(), "{}", row["id"]);
        }
        judged += 1;
    }
    eprintln!("{judged} signatures of connectors judged");
}

#[test] // artifacts.md §1
fn names_and_refs_parse_as_the_vectors_say() {
    for row in rows("fqn") {
        let read: Result<Fqn, _> = text(&row["input"]["text"]).parse();
        judge(&row, read.as_ref().err().map(|error| error.class().to_string()));
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
    for row in rows("ref") {
        let read: Result<Ref, _> = text(&row["input"]["text"]).parse();
        judge(&row, read.as_ref().err().map(|error| error.class().to_string()));
        if let Ok(reference) = read {
            let parsed = &row["oracle"]["parsed"];
            assert_eq!(reference.version.as_str(), text(&parsed["version"]));
            assert_eq!(reference.name.subpath().unwrap_or_default(), text(&parsed["subpath"]));
            assert_eq!(reference.name.repo_authority().as_str(), text(&parsed["authority"]));
            assert_eq!(reference.to_string(), text(&row["input"]["text"]));
        }
    }
}

const SEGMENT: &str = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,6}";

fn names() -> impl Strategy<Value = String> {
    (prop_oneof!["github", "gitlab", "hub"], SEGMENT, SEGMENT, proptest::collection::vec(SEGMENT, 0..3))
        .prop_map(|(scheme, owner, repo, rest)| format!("{scheme}://{}", [vec![owner, repo], rest].concat().join("/")))
}

const VERSION: &str = "(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,21})\\.(0|[1-9])(-(0|[1-9a-z][a-z-]{0,3})(\\.a){0,2})?(\\+[0-9A-Za-z-]{1,4}(\\.01)?)?";

proptest! {
    #[test]
    fn what_parses_prints_as_it_was_written(name in names(), version in VERSION) {
        let reference = format!("{name}@{version}");
        let parsed: Ref = reference.parse().expect("a Ref");
        prop_assert_eq!(parsed.to_string(), reference);
        prop_assert_eq!(name.parse::<Fqn>().expect("a name").to_string(), name);
        prop_assert_eq!(version.parse::<Version>().expect("a version").to_string(), version);
    }

    #[test]
    fn any_text_either_fails_or_prints_as_it_was_written(text in "[a-z:/@.+0-9A-Z%~ -]{0,24}|\\PC{0,12}") {
        if let Ok(name) = text.parse::<Fqn>() { prop_assert_eq!(name.to_string(), text.clone()); }
        if let Ok(reference) = text.parse::<Ref>() { prop_assert_eq!(reference.to_string(), text.clone()); }
        if let Ok(version) = text.parse::<Version>() { prop_assert_eq!(version.to_string(), text); }
    }
}
