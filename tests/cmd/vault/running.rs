//! A run whose credential is in the vault: it reaches the service, and no file and no stream. vault.md §8.2, §13.

use std::process::Command;

use aileron_cli::secret::Secret;
use aileron_cli::vault::document::Entry;
use aileron_cli::vault::file::VaultFile;
use aileron_testkit::home::tree::contents;
use aileron_testkit::home::{TestHome, ends, ok};
use serde_json::{Value, json};

use super::PASSPHRASE;
use crate::run::running::{SECRET, api_key, asking, echo, installed};
use crate::run::server::Server;

pub(crate) const CONNECTOR: &str = "github://acme/aileron-connector-tea";

/// A connector that asks this service, installed.
pub(super) fn home(service: &Server) -> TestHome {
    let home = TestHome::new();
    {
        let repository = home.scaffold("tea", "wat");
        let host = format!("127.0.0.1:{}", service.port());
        asking(&repository, &format!("http://{host}/me"), "api_key", &api_key(&host));
        installed(&repository, &home.path("registry"));
    }
    std::fs::write(home.path("passphrase.txt"), PASSPHRASE).unwrap();
    home
}

/// Puts entries into the home's vault, and makes it where there is none.
pub(crate) fn bind(home: &TestHome, entries: &[(&str, &str, &str)]) {
    bind_as(PASSPHRASE, home, entries);
}

/// The same with another passphrase.
pub(crate) fn bind_as(passphrase: &str, home: &TestHome, entries: &[(&str, &str, &str)]) {
    let vault = VaultFile::at(home.home().join(".aileron/secrets.json"));
    let passphrase = Secret::from(passphrase.to_owned());
    let custodian = match vault.read().unwrap() {
        None => vault.create(&passphrase).unwrap(),
        Some(_) => vault.unlock(&passphrase).unwrap(),
    };
    let put = |document: &mut aileron_cli::vault::document::Document| {
        for (name, connector, value) in entries {
            let kind = name.split('/').next().unwrap_or_default();
            let entry = Entry::new(kind, custodian.seal(&Secret::from((*value).to_owned()))?);
            document.put(*name, entry.with_label("connector_fqn", connector));
        }
        Ok(())
    };
    vault.change(Some(&custodian), put).unwrap();
}

pub(super) fn run(home: &TestHome, more: &[&str]) -> Command {
    let mut command = home.command("setsid");
    command.args(["--wait", env!("CARGO_BIN_EXE_aileron"), "connector", "run", CONNECTOR, "me"]).args(more);
    command
}

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_bound_credential_reaches_the_service_and_no_file_or_stream() {
    let service = echo();
    let home = home(&service);
    let unbound = ends(&mut run(&home, &[]), 1);
    assert_eq!(document(&unbound.stdout)["error"]["class"], "binding_required");
    bind(&home, &[("api_key/tea/home", CONNECTOR, SECRET), ("api_key/tea/other", "github://acme/x", "other-key")]);
    let locked = ends(&mut run(&home, &[]), 1);
    assert!(
        locked.stderr.starts_with("Vault passphrase: cannot open terminal: ")
            || locked.stderr.starts_with("cannot open terminal: "),
        "{locked}"
    );
    std::fs::write(home.path("wrong.txt"), "coffee").unwrap();
    let wrong = ends(&mut run(&home, &["--passphrase-file", "wrong.txt"]), 1);
    assert!(wrong.stderr.starts_with("vault unlock rejected: wrong passphrase\n"), "{wrong}");
    assert!(service.seen().is_empty(), "nothing was sent");

    let bound = ok(&mut run(&home, &["--passphrase-file", "passphrase.txt"]));
    assert_eq!(service.only().header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
    assert!(bound.stderr.contains(&format!("using api_key/tea/home of the vault for {CONNECTOR}\n")), "{bound}");
    assert!(document(&bound.stdout)["output"]["sent"].to_string().contains("Bearer [REDACTED]"), "{bound}");
    let mut by_variable = run(&home, &["--json"]);
    let by_variable = ok(by_variable.env("AILERON_VAULT_PASSPHRASE", PASSPHRASE));
    assert_eq!(service.seen().len(), 2);
    for said in [&unbound, &locked, &wrong, &bound, &by_variable] {
        for secret in [SECRET, PASSPHRASE, "other-key"] {
            assert!(!said.stdout.contains(secret) && !said.stderr.contains(secret), "{said}");
        }
    }
    for (name, bytes) in contents(home.all()) {
        assert!(memchr::memmem::find(&bytes, SECRET.as_bytes()).is_none(), "{name} holds the credential");
    }
}

#[test] // vault.md §8.2: never picked silently; sandbox.md 15a: by hand wins
fn several_bindings_are_never_chosen_among_and_a_credential_by_hand_wins() {
    let service = echo();
    let home = home(&service);
    bind(&home, &[("api_key/tea/home", CONNECTOR, SECRET), ("api_key/tea/work", CONNECTOR, "work-key-0123456789")]);
    // No passphrase is needed to say so.
    let several = ends(&mut run(&home, &[]), 1);
    let error = &document(&several.stdout)["error"];
    assert_eq!(error["class"], "binding_required");
    assert_eq!(error["details"]["candidates"], json!(["api_key/tea/home", "api_key/tea/work"]));
    assert!(several.stderr.contains("next: name one of them with --binding NAME\n"), "{several}");
    let by_name = ["--binding", "api_key/tea/work", "--passphrase-file", "passphrase.txt"];
    ok(&mut run(&home, &by_name));
    assert_eq!(service.only().header("authorization"), Some("Bearer work-key-0123456789"));
    let unknown = ends(&mut run(&home, &["--binding", "api_key/tea/gone", "--passphrase-file", "passphrase.txt"]), 2);
    assert!(unknown.stderr.contains("--binding api_key/tea/gone: no binding of that name"), "{unknown}");
    let mut by_hand = run(&home, &["--credential-env", "KEY"]);
    ok(by_hand.env("KEY", "by-hand-0123456789"));
    assert_eq!(service.seen()[1].header("authorization"), Some("Bearer by-hand-0123456789"));
    ends(&mut run(&home, &["--credential-env", "KEY", "--binding", "api_key/tea/home"]), 2);
}

#[test] // vault.md §5: a vault that cannot be read stops only what needs it
fn a_vault_that_is_broken_is_named_by_a_run_that_needs_it() {
    let service = echo();
    let home = home(&service);
    std::fs::write(home.home().join(".aileron/secrets.json"), "not json").unwrap();
    let refused = ends(&mut run(&home, &["--passphrase-file", "passphrase.txt"]), 3);
    assert!(refused.stderr.starts_with("vault_unlock_failed: vault: parsing "), "{refused}");
    let mut by_hand = run(&home, &["--credential-env", "KEY"]);
    ok(by_hand.env("KEY", "by-hand-0123456789"));
    assert_eq!(service.seen().len(), 1);
}

#[test]
fn an_action_gets_its_credential_the_same_way() {
    let service = echo();
    let home = home(&service);
    bind(&home, &[("api_key/tea/home", CONNECTOR, SECRET)]);
    let mut command = home.consumer(&["action", "run", "tea-ping", "--passphrase-file", "passphrase.txt"]);
    ok(&mut command);
    assert_eq!(service.only().header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
}
