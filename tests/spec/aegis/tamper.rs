//! Bundles that are changed in one way after they were made: refused with the class the norm names, or the same verdict.

use aileron_verifier::aegis::Kind;
use aileron_verifier::aegis::trust_store::Revocations;
use aileron_verifier::aegis::upload::{Host, examine};
use aileron_verifier::aegis::zip::write::write;
use aileron_verifier::aegis::{MANIFEST, SIGNATURE, WRAPPER};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use serde_json::json;

use super::toy::{self, EXPIRES_AT, KEY_ID, SIGNED_AT, Toy, at, host, key, public, unsafe_host};

type Change = fn(Toy) -> Toy;

/// What is changed after signing, and the class of §8.2; hard errors stop an upload whatever the gate says.
const CHANGES: &[(&str, Change, &str, bool)] = &[
    ("nothing", |toy| toy, "verified", false),
    ("signed by another key", |toy| toy.signed(&key(2)), "untrusted_key", false),
    ("another public key", |toy| toy.file("manifest.pub", public(&key(2)).as_bytes()), "untrusted_key", false),
    ("no public key", |toy| toy.file("manifest.pub", b"???"), "untrusted_key", false),
    (
        "halves of two keys",
        |toy| {
            let signature = STANDARD.encode(key(2).sign(&toy.files[WRAPPER]).to_bytes());
            toy.file(SIGNATURE, signature.as_bytes())
        },
        "bad_signature",
        false,
    ),
    (
        "wrapper says more time",
        |toy| {
            let wrapper = String::from_utf8(toy.files[WRAPPER].clone()).expect("UTF-8").replace("2027", "2099");
            toy.file(WRAPPER, wrapper.as_bytes())
        },
        "bad_signature",
        false,
    ),
    ("signature is no base64", |toy| toy.file(SIGNATURE, b"????"), "signature_file_malformed", true),
    ("signature is short", |toy| toy.file(SIGNATURE, b"AAAA"), "signature_file_malformed", true),
    ("wrapper is no JSON", |toy| toy.file(WRAPPER, b"nope"), "wrapper_malformed", true),
    ("manifest renamed", |toy| toy.with(|manifest| manifest["name"] = json!("Other")), "manifest_mismatch", true),
    (
        "manifest renumbered",
        |toy| {
            let manifest = String::from_utf8(toy.files[MANIFEST].clone()).expect("UTF-8");
            toy.file(MANIFEST, manifest.replacen("{", "{ \"x\": 1.0,", 1).as_bytes())
        },
        "manifest_mismatch",
        true,
    ),
    (
        "targets reordered",
        |toy| toy.with(|manifest| manifest["targets"].as_array_mut().expect("targets").reverse()),
        "manifest_mismatch",
        true,
    ),
    (
        "official left out",
        |toy| toy.with(|manifest| drop(manifest.as_object_mut().expect("an object").remove("official"))),
        "manifest_mismatch",
        true,
    ),
    (
        "members reordered and written again",
        |toy| {
            let manifest = String::from_utf8(toy.files[MANIFEST].clone()).expect("UTF-8");
            toy.file(MANIFEST, manifest.replacen("{", "{ \"official\": true, ", 1).as_bytes())
        },
        "verified",
        false,
    ),
    (
        "wrapper with a line end",
        |toy| {
            let wrapper = [&toy.files[WRAPPER][..], b"\n"].concat();
            toy.file(WRAPPER, &wrapper)
        },
        "verified",
        false,
    ),
];

#[test] // aegis-bundle.md §8.2, §8.4
fn each_change_has_its_class_and_the_unsafe_gate_lifts_no_hard_error() {
    for (name, change, class, is_hard) in CHANGES {
        let zip = change(Toy::new().signed(&key(1))).zip();
        assert_eq!(toy::class(&zip, &host()), *class, "{name}");
        assert_eq!(toy::refusal(&zip, &host()).is_none(), *class == "verified", "{name}");
        assert_eq!(toy::refusal(&zip, &unsafe_host()).is_some(), *is_hard, "{name}");
    }
}

#[test] // aegis-bundle.md §8.2, 10 and 11
fn it_expires_at_the_nanosecond_and_is_revoked_by_label_and_by_key() {
    let zip = Toy::new().signed(&key(1)).zip();
    for (now, class) in [
        ("2027-01-02T03:09:05.678901233Z", "verified"),
        ("2027-01-02T03:09:05.678901234Z", "verified"),
        ("2027-01-02T03:09:05.678901235Z", "expired"),
    ] {
        let late = Host { trust: toy::trust(now), ..host() };
        assert_eq!(toy::class(&zip, &late), class, "{now}");
    }
    for (label, class) in [(KEY_ID, "revoked_key_id"), (" ops-key-1 ", "revoked_key_id"), ("Ops-Key-1", "verified")] {
        let mut revoking = host();
        revoking.trust.revoked = Revocations::new([label], []);
        assert_eq!(toy::class(&zip, &revoking), class, "{label}");
    }
}

#[test] // aegis-bundle.md §10.2: an unreadable list keeps the one before
fn a_malformed_revocation_list_is_refused_whole() {
    for list in [r#"["a"]"#, r#"{"revoked_key_ids":["a",1]}"#, r#"{"revoked_key_ids":["a"]} x"#, "", "\u{feff}{}"] {
        assert!(Revocations::read(list.as_bytes()).is_err(), "{list}");
    }
}

#[test] // aegis-bundle.md §2.2, step 4 and §2.3
fn names_that_leave_the_archive_or_hide_metadata_are_refused() {
    for (name, words) in [
        ("../evil", "unsafe path"),
        ("bin/../../evil", "unsafe path"),
        ("//etc/evil", "unsafe path"),
        ("...", "unsafe path"),
        ("sub/manifest.sig", "at the archive root"),
        ("./manifest.json", "multiple manifest.json entries"),
        ("/manifest.json", "multiple manifest.json entries"),
    ] {
        let refused = Toy::new().signed(&key(1)).file(name, b"x").refusal(&unsafe_host()).expect(name);
        assert!(refused.contains(words), "{name}: {refused}");
    }
}

#[test] // a thousand flipped bits: refused, or the same verdict about the same files
fn a_flipped_bit_is_refused_or_changes_nothing() {
    let signed = Toy::new().signed(&key(1));
    let zip = signed.zip();
    let step = zip.len() * 8 / 1_000;
    for bit in (0..zip.len() * 8).step_by(step.max(1)) {
        let mut changed = zip.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(examined) = examine(&changed, Kind::Plugin, &host()) else { continue };
        if !examined.verdict.is_verified() {
            continue;
        }
        assert_eq!(examined.library, "bin/linux-amd64/toy", "bit {bit}");
        assert_eq!(examined.manifest.id, toy::ID, "bit {bit}");
        let claims = examined.verdict.claims().expect("claims");
        assert_eq!((claims.signed_at, claims.expires_at), (at(SIGNED_AT), at(EXPIRES_AT)), "bit {bit}");
    }
}

#[test] // pain: javanthropus/archive-zip#11, times that change the hash; zip-rs/zip2#21, a link stored as a file
fn the_same_files_give_the_same_archive_and_nothing_in_it_is_a_link() {
    let signed = Toy::new().signed(&key(1));
    assert_eq!(signed.zip(), write(&signed.files.clone()).expect("small"));
    let archive = signed.zip();
    let archive = aileron_verifier::aegis::zip::Archive::read(&archive).expect("a zip");
    for entry in archive.entries() {
        assert_eq!(
            (entry.modified, entry.made_by >> 8, entry.attributes >> 28),
            (0x0021_0000, 3, 0x8),
            "{}",
            entry.shown_name()
        );
    }
}
