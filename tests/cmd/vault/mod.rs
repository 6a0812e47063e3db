//! `vault`, `secret`, `binding` and `status vault`, and runs whose credential is in the vault.

mod at_once;
mod bad_input;
mod binding;
mod browser;
mod first_use;
mod json;
mod others;
pub(crate) mod refresh;
mod rows;
pub(crate) mod running;
pub(crate) mod terminal;

use std::path::PathBuf;
use std::process::Command;

use aileron_testkit::home::TestHome;

/// What opens the vaults of these tests. No output may ever hold it.
pub(crate) const PASSPHRASE: &str = "hunter2 and some milk";

/// A home with a passphrase in `passphrase.txt` and a vault that it opens.
pub(crate) fn with_vault() -> TestHome {
    let home = TestHome::new();
    home.write("passphrase.txt", format!("{PASSPHRASE}\n"));
    home.ok("aileron vault init --passphrase-file passphrase.txt --quiet");
    home
}

/// The same with a vault that others made, which has bindings in it.
pub(crate) fn with_bindings() -> TestHome {
    let home = with_vault();
    std::fs::write(file(&home), vector("upstream").0).unwrap();
    home
}

/// `aileron` without a controlling terminal: nothing can be typed.
fn without_terminal(home: &TestHome, line: &str) -> Command {
    let mut command = home.command("setsid");
    command.arg("--wait").arg(env!("CARGO_BIN_EXE_aileron")).args(line.split(' '));
    command
}

/// The vault's file.
pub(crate) fn file(home: &TestHome) -> PathBuf {
    home.home().join(".aileron/secrets.json")
}

/// A vault that others made (tests/vectors): its text, and the passphrase that opens it.
fn vector(name: &str) -> (String, String) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/vault.json");
    let vectors: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let row = vectors["files"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
    let text = |field: &str| row[field].as_str().unwrap().to_owned();
    (text("text"), text("passphrase"))
}
