//! Our vault's file in the hands of others (argon2-cffi and cryptography, of Python), and theirs in ours. vault.md §2, §3.

use std::process::Command;

use aileron_cli::secret::Secret;
use aileron_cli::vault::document::Entry;
use aileron_cli::vault::file::{VaultFile, value};
use aileron_testkit::peers::program;
use aileron_testkit::{Requirement, skip};
use serde_json::json;

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
    let vault = VaultFile::at(directory.path().join("secrets.json"));
    let passphrase = "caf\u{e9} au lait";
    let custodian = vault.create(&Secret::from(passphrase.to_owned())).unwrap();
    let values = [("oauth2/tea/home", "{\"access_token\":\"t\"}"), ("user/tea", "tea-token"), ("secret/none", "")];
    let put = |document: &mut aileron_cli::vault::document::Document| {
        for (name, value) in values {
            let entry = Entry::new("user", custodian.seal(&Secret::from(value.to_owned()))?);
            document.put(name, entry.with_label("connector_fqn", "github://acme/<tea> & more"));
        }
        Ok(())
    };
    vault.change(Some(&custodian), put).unwrap();
    let ours = vault.read().unwrap().unwrap().render();

    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/peers/vault.py");
    let ran = Command::new(&python).arg(script).arg(vault.path()).args([passphrase, "theirs", "their value"]).output();
    let ran = ran.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let seen: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let expected: serde_json::Map<String, serde_json::Value> =
        values.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    assert_eq!(seen, serde_json::Value::Object(expected));

    // V23: no entry, label or value of ours was lost, and theirs opens.
    let custodian = vault.unlock(&Secret::from(passphrase.to_owned())).unwrap();
    let document = vault.read().unwrap().unwrap();
    let theirs = value("theirs", document.entry("theirs").unwrap(), &custodian).unwrap();
    assert_eq!(theirs.expose(), b"their value");
    assert!(vault.change(Some(&custodian), |document| Ok(document.remove("theirs"))).unwrap());
    assert_eq!(std::fs::read_to_string(vault.path()).unwrap(), ours);
}
