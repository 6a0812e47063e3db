//! Rings on disk: rows L1 to L14, S1 to S9, P1 and P2 of keyring.md §13, through the file as the program reads it.

use std::ffi::OsString;
use std::path::Path;

use aileron_cli::consumer::trust::ring::RingFile;
use aileron_cli::sys::environment::Environment;
use aileron_verifier::name::fqn::Authority;
use aileron_verifier::problem::Class;
use aileron_verifier::trust::key::PublicKey;
use aileron_verifier::trust::keyring::Keyring;

use crate::keyring::home::{EXAMPLE, KR};

const K0: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const K1: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn key(text: &str) -> PublicKey {
    PublicKey::from_base64(text).unwrap()
}

/// A file with this text, as the program reads it.
fn load(text: &str) -> Result<Keyring, (Class, String)> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyring.json");
    std::fs::write(&path, text).unwrap();
    RingFile::at(path).load().map_err(|error| (error.class(), error.to_string()))
}

fn keys(ring: &Keyring, authority: &str) -> Vec<String> {
    ring.keys(&Authority::new(authority)).iter().map(PublicKey::to_base64).collect()
}

#[test] // L1, L12
fn what_is_not_there_is_empty_and_what_cannot_be_read_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let missing = RingFile::at(directory.path().join("keyring.json")).load().unwrap();
    assert!(missing.is_empty());
    let refused = RingFile::at(directory.path().to_owned()).load().unwrap_err();
    assert_eq!(refused.class(), Class::FetchFailed, "{refused}");
}

#[test] // L2, L3, L4, L11, L13, L14
fn grants_of_both_versions_are_read() {
    let v1 = load(&format!(r#"{{"version":1,"publishers":{{"github://acme/connector":["{KR}"]}}}}"#)).unwrap();
    assert_eq!(keys(&v1, "github://acme/connector"), [KR]);
    assert!(keys(&v1, "github://acme").is_empty() && keys(&v1, "github://acme/other").is_empty());
    let url = KR.replace('/', "_");
    for form in [KR, KR.trim_end_matches('='), &url, url.trim_end_matches('=')] {
        for text in [
            format!(r#"{{"version":1,"publishers":{{"github://acme/x":["{form}"]}}}}"#),
            format!(r#"{{"version":2,"owners":{{"github://acme":["{form}"]}}}}"#),
        ] {
            assert_eq!(keys(&load(&text).unwrap(), "github://acme/x"), [KR], "{text}");
        }
    }
    let two = load(&format!(r#"{{"version":1,"publishers":{{"github://acme/x":["{K0}","{KR}"]}}}}"#)).unwrap();
    assert_eq!(keys(&two, "github://acme/x"), [K0, KR]);
    assert!(load(r#"{"version":1,"owners":{}}"#).unwrap().is_empty());
    let both = load(&format!(
        r#"{{"version":2,"owners":{{"github://acme":["{K0}"]}},"publishers":{{"github://acme/connector":["{KR}"]}}}}"#
    ));
    let both = both.unwrap();
    assert_eq!(keys(&both, "github://acme"), [K0]);
    assert_eq!(keys(&both, "github://acme/connector"), [KR, K0], "the union rule");
    let unknown = load(&format!(r#"{{"version":1,"more":{{}},"publishers":{{"a":["{KR}"]}}}}"#)).unwrap();
    assert!(!unknown.render().contains("more"));
}

#[test] // L5 to L10
fn what_is_malformed_is_refused_and_named() {
    let mut rows = vec![
        ("{not json".to_owned(), "invalid JSON"),
        (r#"{"version":99}"#.to_owned(), "unsupported version 99 (expected 1 or 2)"),
        (r#"{"version":3}"#.to_owned(), "unsupported version 3 (expected 1 or 2)"),
        (r#"{"version":0}"#.to_owned(), "unsupported version 0 (expected 1 or 2)"),
        (
            format!(r#"{{"version":1,"owners":{{"github://acme":["{KR}"]}}}}"#),
            "owner-level grants require version 2 (found 1 owners under version 1)",
        ),
    ];
    for map in ["owners", "publishers"] {
        for (authority, key, message) in [
            ("github://a", "not-base64!!!", "authority \"github://a\" key[0]: not valid base64"),
            ("github://a", "b25seS1hLWZldy1ieXRlcw==", "authority \"github://a\" key[0]: decoded length 16, want 32"),
            ("", KR, "empty authority key"),
        ] {
            rows.push((format!(r#"{{"version":2,"{map}":{{"{authority}":["{key}"]}}}}"#), message));
        }
    }
    for (text, message) in rows {
        let (class, said) = load(&text).unwrap_err();
        assert_eq!(class, Class::ValidationError, "{text}");
        assert!(said.contains(message), "{text}: {said}");
    }
}

#[test] // S1, S4, S5, S6: exact bytes are the verifier's own test; here they are what lands on disk
fn a_saved_ring_is_the_text_of_the_specification() {
    let directory = tempfile::tempdir().unwrap();
    let file = RingFile::at(directory.path().join("keyring.json"));
    let grant =
        |authority: &str, text: &str| file.edit(|ring| ring.grant(Authority::new(authority), key(text))).unwrap();
    assert!(grant("github://zeta/widget", K0));
    let saved = std::fs::read_to_string(file.path()).unwrap();
    assert!(saved.contains("\"version\": 2") && !saved.contains("owners"), "{saved}");
    assert!(grant("github://zeta/widget", K1) && grant("github://acme", KR));
    assert_eq!(std::fs::read_to_string(file.path()).unwrap(), EXAMPLE);
    assert_eq!(file.load().unwrap(), load(EXAMPLE).unwrap());
}

#[test] // S2, S3
fn saving_makes_directories_and_keeps_others_out() {
    let directory = tempfile::tempdir().unwrap();
    let file = RingFile::at(directory.path().join("nested/.aileron/keyring.json"));
    file.edit(|ring| ring.grant(Authority::new("github://acme"), key(KR))).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(file.path()).unwrap().permissions().mode() & 0o077, 0);
    }
    assert_eq!(file.load().unwrap().authorities().count(), 1);
}

#[test] // S7, S8, S9
fn authorities_are_listed_once_in_order_and_are_matched_exactly() {
    let mut ring = Keyring::new();
    for (authority, text) in [("b/two", KR), ("a/one", KR), ("a/one", K0), ("a/one", K0)] {
        ring.grant(Authority::new(authority), key(text));
    }
    assert_eq!(ring.authorities().map(Authority::as_str).collect::<Vec<_>>(), ["a/one", "b/two"]);
    let holds = |authority: &str, text: &str| ring.exact(&Authority::new(authority)).contains(&key(text));
    assert!(holds("a/one", K0) && !holds("b/two", K0) && !holds("a/on", K0) && !holds("a/one/", K0));
    assert!(ring.revoke(&Authority::new("a/one")));
    assert!(!ring.revoke(&Authority::new("a/one")));
}

#[test] // P1, P2
fn the_ring_is_below_home_or_nowhere() {
    let place = |variables: &[(&str, &str)]| {
        let pair = |(name, value): &(&str, &str)| (OsString::from(name), OsString::from(value));
        let environment: Environment = variables.iter().map(pair).collect();
        RingFile::at_home(&environment).map(|ring| ring.path().to_owned())
    };
    let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    assert_eq!(place(&[(home, "/tmp/fake-home")]).as_deref(), Some(Path::new("/tmp/fake-home/.aileron/keyring.json")));
    assert_eq!(place(&[(home, "/h"), ("AILERON_HOME", "/a")]).as_deref(), Some(Path::new("/a/keyring.json")));
    assert_eq!((place(&[]), place(&[(home, "")])), (None, None));
}
