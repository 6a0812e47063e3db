//! Our vault's file in the hands of others (argon2-cffi and cryptography, of Python; encoding/json, of Go), and theirs in ours.
//! vault.md §2, §3.

use std::path::Path;
use std::process::Command;

use aileron_cli::secret::Secret;
use aileron_cli::vault::document::Entry;
use aileron_cli::vault::file::{VaultFile, value};
use aileron_testkit::peers::program;
use aileron_testkit::{Requirement, skip};
use serde_json::json;

/// A vault with values of several kinds, and what opens it.
fn vault(directory: &Path, passphrase: &str, values: &[(&str, &str)]) -> VaultFile {
    let vault = VaultFile::at(directory.join("secrets.json"));
    let custodian = vault.create(&Secret::from(passphrase.to_owned())).unwrap();
    let put = |document: &mut aileron_cli::vault::document::Document| {
        for (name, value) in values {
            let entry = Entry::new("user", custodian.seal(&Secret::from((*value).to_owned()))?);
            document.put(*name, entry.with_label("connector_fqn", "github://acme/<tea> & more"));
        }
        Ok(())
    };
    vault.change(Some(&custodian), put).unwrap();
    vault
}

#[test] // V23: the writer of the existing runtime
fn a_program_in_go_that_knows_its_own_members_alone_loses_nothing_of_ours() {
    if !Requirement::Go.is_met() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(directory.path(), "tea", &VALUES);
    let ours = vault.read().unwrap().unwrap().render();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/peers/vault.go");
    let mut go = Command::new("go");
    let ran =
        go.args(["run", script]).arg(vault.path()).env("GOFLAGS", "-mod=mod").env("GOTOOLCHAIN", "local").output();
    let ran = ran.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let theirs = std::fs::read_to_string(vault.path()).unwrap();
    assert!(theirs != ours && !theirs.contains("ciphertext"), "{theirs}");
    let custodian = vault.unlock(&Secret::from("tea".to_owned())).unwrap();
    let document = vault.read().unwrap().unwrap();
    for (name, expected) in VALUES {
        let found = value(name, document.entry(name).unwrap(), &custodian).unwrap();
        assert_eq!(found.expose(), expected.as_bytes(), "{name}");
    }
    assert_eq!(document.render(), ours, "the next change writes it as it was");
}

const VALUES: [(&str, &str); 3] =
    [("oauth2/tea/home", "{\"access_token\":\"t\"}"), ("user/tea", "tea-token"), ("secret/none", "")];

#[test]
fn a_vault_goes_to_others_and_comes_back_whole() {
    let Some(python) = program("python") else { return };
    let has_both = Command::new(&python).args(["-c", "import argon2, cryptography"]).output().unwrap();
    if !has_both.status.success() {
        let python = python.display();
        skip(Requirement::Peers, format_args!("{python} has no argon2-cffi and cryptography; run .ci/peers"));
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let passphrase = "caf\u{e9} au lait";
    let vault = vault(directory.path(), passphrase, &VALUES);
    let ours = vault.read().unwrap().unwrap().render();

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/peers/vault.py");
    let ran = Command::new(&python).arg(script).arg(vault.path()).args([passphrase, "theirs", "their value"]).output();
    let ran = ran.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let seen: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let expected: serde_json::Map<String, serde_json::Value> =
        VALUES.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    assert_eq!(seen, serde_json::Value::Object(expected));

    // V23: no entry, label or value of ours was lost, and theirs opens.
    let custodian = vault.unlock(&Secret::from(passphrase.to_owned())).unwrap();
    let document = vault.read().unwrap().unwrap();
    let theirs = value("theirs", document.entry("theirs").unwrap(), &custodian).unwrap();
    assert_eq!(theirs.expose(), b"their value");
    assert!(vault.change(Some(&custodian), |document| Ok(document.remove("theirs"))).unwrap());
    assert_eq!(std::fs::read_to_string(vault.path()).unwrap(), ours);
}
