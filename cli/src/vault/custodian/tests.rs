//! The vectors: keys, blobs, whole files. Ours were made with other people's Argon2 and AES (Python); those that may lie
//! beside the workspace have the same form.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use serde_json::Value;

use super::*;
use crate::vault::document::Malformed;
use crate::vault::file;
use crate::vault::name::BindingName;

fn vectors() -> Vec<Value> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/vault.json");
    let read = |path: &Path| serde_json::from_str(&std::fs::read_to_string(path).expect("vectors")).expect("JSON");
    std::iter::once(ours).chain(aileron_testkit::shared("vectors/vault.json")).map(|path| read(&path)).collect()
}

/// The rows of one kind, of every file.
fn rows(kind: &str) -> Vec<Value> {
    let rows: Vec<Value> =
        vectors().iter().flat_map(|vectors| vectors[kind].as_array().expect("rows").clone()).collect();
    assert!(!rows.is_empty());
    rows
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or_else(|| panic!("{field} of {row}"))
}

fn bytes(row: &Value, field: &str) -> Vec<u8> {
    let hex = text(row, field);
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

fn key(row: &Value, field: &str) -> [u8; KEY] {
    bytes(row, field).try_into().expect("32 bytes")
}

fn secret(bytes: &[u8]) -> Secret {
    Secret::from(bytes.to_vec())
}

#[test] // vault.md §3.1, §17: K1 to K4, and ours
fn keys_are_those_of_other_implementations() {
    for row in rows("kdf") {
        let number = |name: &str| row["argon2"][name].as_u64().and_then(|n| u32::try_from(n).ok()).expect("a number");
        let cost = Cost { passes: number("time"), kibibytes: number("memory_kib"), lanes: number("lanes") };
        let found = derive(&secret(&bytes(&row, "passphrase_hex")), &bytes(&row, "salt"), cost).expect("a key");
        assert_eq!(*found, key(&row, "kek"), "{}", row["name"]);
    }
    assert!(matches!(derive(&secret(b""), &[0; 16], Cost::CHEAP), Err(VaultError::EmptyPassphrase)), "V3");
}

#[test] // vault.md §3.2, §17: A1 to A7, X1 to X6, and ours
fn blobs_are_those_of_other_implementations() {
    for row in rows("aead") {
        let cipher = cipher(&key(&row, "key"));
        let opened = open(&cipher, &Blob::from(bytes(&row, "blob"))).expect("opens");
        assert_eq!(opened.expose(), bytes(&row, "plaintext"), "{}", row["name"]);
        // V16, V21: sealed twice it is two blobs, of this length, and both open.
        let [one, other] = [(); 2].map(|()| seal(&cipher, opened.expose()).expect("seals"));
        assert_ne!(one, other);
        assert_eq!(one.as_bytes().len(), bytes(&row, "blob").len());
        assert_eq!(open(&cipher, &other).expect("opens").expose(), opened.expose());
        let holds = one.as_bytes().windows(opened.expose().len().max(1)).any(|part| part == opened.expose());
        assert!(!holds, "{}", row["name"]);
    }
    for row in rows("aead_negative") {
        let refused = open(&cipher(&key(&row, "key")), &Blob::from(bytes(&row, "blob"))).err();
        assert_eq!(refused.map(|why| why.to_string()).as_deref(), Some(text(&row, "expect")), "{}", row["name"]);
    }
}

/// Keys that were derived before: the same passphrase and salt come often.
#[derive(Default)]
struct Derived(BTreeMap<(Vec<u8>, Vec<u8>), [u8; KEY]>);

impl Derived {
    /// What [`Custodian::unlock`] would do.
    fn unlock(&mut self, document: &Document, passphrase: &str) -> Result<Custodian, VaultError> {
        let salt = document.header().salt.clone();
        let derive = || *derive(&secret(passphrase.as_bytes()), &salt, Cost::VERSION_1).expect("a key");
        let key = self.0.entry((passphrase.as_bytes().to_vec(), salt.clone())).or_insert_with(derive);
        Custodian::prove(document, key)
    }
}

#[test] // vault.md §2, §17: F1 to F8, G1 to G13, and ours; V4, V5, V7, V14, V22
fn whole_files_are_read_as_they_are_meant() {
    let mut derived = Derived::default();
    for row in rows("files") {
        let name = text(&row, "name");
        let read = Document::read(text(&row, "text").as_bytes());
        match (text(&row, "list"), &read) {
            ("ok", read) => assert!(read.is_ok(), "{name}: {:?}", read.as_ref().err()),
            ("error", read) => assert!(read.is_err(), "{name}"),
            _ => {}
        }
        let state = read.as_ref().map(Document::state);
        let told = match state {
            Ok(State::Ready) => "ready",
            Ok(State::Legacy) => "legacy",
            Ok(State::Uninitialised) => "uninitialised",
            Ok(State::Broken(_)) | Err(_) => "error",
        };
        assert_eq!(told, text(&row, "state"), "{name}");
        let unlocked = match (&read, state) {
            (Err(Malformed::Version(_)), _) => Err("unsupported_version"),
            (Err(_), _) | (_, Ok(State::Broken(_))) => Err("corrupt"),
            (_, Ok(State::Uninitialised)) => Err("missing"),
            (Ok(document), _) => derived.unlock(document, text(&row, "passphrase")).map_err(|why| match why {
                VaultError::Rejected => "passphrase_rejected",
                VaultError::Tampered => "tampered",
                other => panic!("{name}: {other}"),
            }),
        };
        assert_eq!(unlocked.as_ref().map_or_else(|why| *why, |_| "ok"), text(&row, "unlock"), "{name}");
        if let (Ok(document), Ok(custodian)) = (&read, &unlocked) {
            holds(document, custodian, &row);
            rewritten(document, custodian, &row);
        }
    }
}

/// The entries are these, with these values.
fn holds(document: &Document, custodian: &Custodian, row: &Value) {
    let name = text(row, "name");
    for (path, _) in row["get"].as_object().into_iter().flatten() {
        let entry = document.entry(path).expect("listed");
        assert!(file::value(path, entry, custodian).is_err(), "{name}: {path}");
        let others = document.entries().filter(|(other, _)| other != path);
        others.for_each(|(other, entry)| drop(file::value(other, entry, custodian).expect("the others open")));
    }
    let Some(expected) = row["entries"].as_array() else { return };
    assert_eq!(document.entries().count(), expected.len(), "{name}");
    for expected in expected {
        let path = text(expected, "name");
        let entry = document.entry(path).unwrap_or_else(|| panic!("{name}: {path}"));
        let value = file::value(path, entry, custodian).expect("opens");
        assert_eq!(value.expose(), text(expected, "plaintext_utf8").as_bytes(), "{name}: {path}");
        assert_eq!(entry.kind(), text(expected, "kind"), "{name}: {path}");
        let scopes = expected["scopes"]
            .as_array()
            .map(|scopes| scopes.iter().map(|scope| scope.as_str().expect("a scope")).collect::<Vec<_>>().join(" "));
        let scope = expected["scope"].as_str().map(str::to_owned).or(scopes);
        assert_eq!(entry.label("scope").map(str::to_owned), scope, "{name}: {path}");
        for label in ["connector_fqn", "region", "access_key_id"] {
            assert_eq!(entry.label(label), expected[label].as_str(), "{name}: {path}: {label}");
        }
        let is_binding = expected["is_binding"].as_bool().unwrap_or_else(|| BindingName::parse(path).is_some());
        assert_eq!(is_binding, BindingName::parse(path).is_some(), "{name}: {path}");
    }
}

/// Written in our shape it is the same vault, once and again; and where the row says so, these very bytes.
fn rewritten(document: &Document, custodian: &Custodian, row: &Value) {
    let written = document.render();
    if let Some(expected) = row["written"].as_str() {
        assert_eq!(written, expected, "{}", row["name"]);
    }
    let again = Document::read(written.as_bytes()).expect("what was written can be read");
    assert_eq!(again.render(), written, "{}", row["name"]);
    assert!(custodian.is_of(&again), "{}", row["name"]);
    holds(&again, custodian, row);
}

#[test] // vault.md §2.6, §17: F1 written in our shape is F2
fn the_upstream_file_becomes_the_superset_byte_for_byte() {
    for vectors in vectors() {
        let file = |name: &str| {
            let rows = vectors["files"].as_array().expect("rows").iter();
            let found = rows.filter(|row| text(row, "name").ends_with(name)).map(|row| text(row, "text")).next();
            found.unwrap_or_else(|| panic!("no {name}"))
        };
        let document = Document::read(file("upstream").as_bytes()).expect("reads");
        assert_eq!(document.render(), file("superset"));
    }
}

#[test] // vault.md §2.7: members that are not known here are kept, digit for digit
fn unknown_members_stay() {
    let row = rows("files").into_iter().find(|row| row["name"] == "unknown-members").expect("ours");
    let written = Document::read(text(&row, "text").as_bytes()).expect("reads").render();
    for kept in ["\"More\": \"x\"", "2.50", "\"Zed\": 10000000000000000000000.1", "\"later\": {"] {
        assert!(written.contains(kept), "{kept} in {written}");
    }
}

#[test] // vault.md §8.1, B1
fn names_of_bindings_have_three_parts() {
    for vectors in vectors() {
        let names = |kind: &str| vectors["binding_names"][kind].as_array().expect("names").clone();
        for name in names("valid") {
            let name = name.as_str().expect("a name");
            assert_eq!(BindingName::parse(name).map(|name| name.to_string()).as_deref(), Some(name));
        }
        for name in names("invalid") {
            assert_eq!(BindingName::parse(name.as_str().expect("a name")), None, "{name}");
        }
    }
}

#[test] // vault.md §2.6: what a program with §2.1's struct makes of our file, and we of its file; V23
fn a_writer_of_the_upstream_shape_loses_nothing_of_ours() {
    let salt = vec![7; 16];
    let custodian = Custodian::create_with(salt, &secret(b"tea"), Cost::CHEAP).expect("a key");
    let mut document = Document::default();
    document.set_header(custodian.header().clone());
    for (name, kind) in [("oauth2/tea/home", "oauth2"), ("secret/a", "secret"), ("user/b", "user"), ("odd", "odd")] {
        let entry = crate::vault::document::Entry::new(kind, custodian.seal(&secret(name.as_bytes())).expect("seals"));
        let entry = entry.with_label("scope", "read write").with_label("connector_fqn", "github://acme/<tea>");
        document.put(name, entry);
    }
    let ours: Value = serde_json::from_str(&document.render()).expect("JSON");
    let mut theirs = serde_json::json!({"version": 1, "salt": ours["salt"], "verification": ours["verification"]});
    for (name, entry) in ours["secrets"].as_object().expect("entries") {
        assert_eq!(entry["value"], entry["ciphertext"]);
        let metadata = &entry["metadata"];
        let only = ["Type", "Environment", "Labels"].map(|member| (member.to_owned(), metadata[member].clone()));
        theirs["secrets"][name] = serde_json::json!({
            "value": entry["value"],
            "metadata": only.into_iter().collect::<serde_json::Map<String, Value>>(),
        });
    }
    let back = Document::read(theirs.to_string().as_bytes()).expect("reads");
    assert_eq!(back.render(), document.render());
    let salt = base64::engine::general_purpose::STANDARD.encode([7; 16]);
    assert_eq!(ours["salt"], salt.as_str());
}
