//! Who may sign for whom: rows A1, A2 and V1 to V14 of keyring.md §13.

use aileron_cli::consumer::trust::ring::RingFile;
use aileron_testkit::Publisher;
use aileron_verifier::name::fqn::{Authority, Fqn};
use aileron_verifier::problem::Class;
use aileron_verifier::trust::keyring::Keyring;

const PAYLOAD: [&[u8]; 2] = [b"BIN", b"MAN"];

fn publisher(seed: u8) -> Publisher {
    Publisher::from_seed(seed)
}

fn ring(grants: &[(&str, u8)]) -> Keyring {
    let mut ring = Keyring::new();
    for (authority, seed) in grants {
        ring.grant(Authority::new(*authority), publisher(*seed).key());
    }
    ring
}

/// Whether a signature of `seed` counts for `authority`; a refusal must be the one class.
fn verifies(ring: &Keyring, authority: &str, seed: u8) -> bool {
    let signature = publisher(seed).sign(&PAYLOAD);
    match ring.verify(&Authority::new(authority), &PAYLOAD, &signature) {
        Ok(signer) => signer == publisher(seed).fingerprint(),
        Err(refused) => {
            assert_eq!(refused.class(), Class::SignatureFailure);
            false
        }
    }
}

#[test] // A1, A2
fn a_name_has_two_authorities_or_is_none() {
    for (name, repo, owner) in [
        ("github://acme/connector", "github://acme/connector", "github://acme"),
        ("github://acme/connector/actions/send", "github://acme/connector", "github://acme"),
        ("gitlab://acme/connector", "gitlab://acme/connector", "gitlab://acme"),
        ("hub://acme/namespace/nested", "hub://acme/namespace", "hub://acme"),
        ("gitlab://team/linear", "gitlab://team/linear", "gitlab://team"),
        ("hub://aileron/slack", "hub://aileron/slack", "hub://aileron"),
    ] {
        let parsed: Fqn = name.parse().unwrap();
        assert_eq!((parsed.repo_authority().as_str(), parsed.owner_authority().as_str()), (repo, owner));
    }
    for text in ["ftp://owner/repo", "github://owner", "github://", "", "github://owner@1.0.0"] {
        assert!(text.parse::<Fqn>().is_err(), "{text}");
    }
}

#[test] // V1 to V10, V14: one line per row
fn trust_reaches_exactly_as_far_as_its_grant() {
    for (row, grants, authority, seed, expected) in [
        ("V1", &[("github://aileron/slack", 1)][..], "github://aileron/slack", 1, true),
        ("V3", &[("github://aileron/slack", 2)], "github://aileron/slack", 1, false),
        ("V4 old", &[("github://aileron/slack", 1), ("github://aileron/slack", 2)], "github://aileron/slack", 1, true),
        ("V4 new", &[("github://aileron/slack", 1), ("github://aileron/slack", 2)], "github://aileron/slack", 2, true),
        ("V5", &[("github://aileron/slack", 1)], "github://acme/slack", 1, false),
        ("V6 A", &[("github://aileron", 1)], "github://aileron/repoA", 1, true),
        ("V6 B", &[("github://aileron", 1)], "github://aileron/repoB", 1, true),
        ("V7 owner", &[("github://aileron", 1), ("github://aileron/slack", 2)], "github://aileron/slack", 1, true),
        ("V7 repo", &[("github://aileron", 1), ("github://aileron/slack", 2)], "github://aileron/slack", 2, true),
        ("V8", &[("gitlab://acme", 1)], "gitlab://acme/widgets", 1, true),
        ("V9 owner", &[("github://aileron", 1)], "github://acme/slack", 1, false),
        ("V9 scheme", &[("github://aileron", 1)], "gitlab://aileron/widgets", 1, false),
        ("V10 no name", &[("github://aileron", 1), ("github://aileron/slack", 1)], "not-a-valid-fqn", 1, false),
        ("V10 scheme", &[("github://aileron", 1), ("github://aileron/slack", 1)], "ftp://aileron/slack", 1, false),
        ("V10 owner", &[("github://aileron", 1), ("github://aileron/slack", 1)], "github://other-owner", 1, false),
        ("V14", &[("github://acme", 1)], "github://Acme/x", 1, false),
    ] {
        assert_eq!(verifies(&ring(grants), authority, seed), expected, "{row}");
    }
    let no_key = Keyring::new().verify(&Authority::new("github://a/b"), &PAYLOAD, &publisher(1).sign(&PAYLOAD)); // V2
    assert!(no_key.unwrap_err().to_string().contains("no signing key"));
}

#[test] // V11, V12: the file is read for every verdict
fn a_change_of_the_file_counts_for_the_next_verdict() {
    let directory = tempfile::tempdir().unwrap();
    let file = RingFile::at(directory.path().join("keyring.json"));
    let now = || verifies(&file.load().unwrap(), "github://acme/x", 1);
    assert!(!now());
    file.edit(|ring| ring.grant(Authority::new("github://acme"), publisher(1).key())).unwrap();
    assert!(now());
    file.edit(|ring| ring.revoke(&Authority::new("github://acme"))).unwrap();
    assert!(!now());
    std::fs::write(file.path(), "{").unwrap();
    assert_eq!(file.load().unwrap_err().class(), Class::ValidationError, "never \"no signing key\"");
}
