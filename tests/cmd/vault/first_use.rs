//! Credentials that are missing: offered on the first use and after actions were installed; chosen among several; not enough
//! any more. vault.md §8.2, §8.3, §8.4, §10.6.

use aileron_testkit::home::{Repository, TestHome, ok};
use serde_json::json;

use super::PASSPHRASE;
use super::browser::{bound, home as with_oauth2, provider, reauthorized};
use super::running::{CONNECTOR, bind, home as with_api_key};
use super::terminal::Terminal;
use crate::run::running::{SECRET, echo};

const RUN: &str = "\"$AILERON\" connector run github://acme/aileron-connector-tea me --passphrase-file passphrase.txt";

#[test] // vault.md §8.3: interactive
fn the_first_run_offers_to_set_up_what_it_needs_and_goes_on() {
    let service = echo();
    let home = with_api_key(&service);
    let mut terminal = Terminal::start(&home, RUN);
    terminal
        .sees(&format!("This run needs api_key — read access for {CONNECTOR}.\r\nSet up now? [y/N]: "))
        .types("y\n");
    terminal.sees("Identity (e.g. work, personal): ").types("home\n");
    terminal.sees("API key value: ").types(format!("{SECRET}\n"));
    terminal.sees("Created: api_key/tea/home");
    terminal.sees(&format!("using api_key/tea/home of the vault for {CONNECTOR}"));
    terminal.ends(&home, 0);
    assert_eq!(service.only().header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
    // From now on it is there.
    let mut terminal = Terminal::start(&home, RUN);
    terminal.sees("using api_key/tea/home of the vault");
    terminal.ends(&home, 0);
    assert_eq!(service.seen().len(), 2);
}

#[test]
fn a_declined_offer_sends_nothing_and_says_how_to_go_on() {
    let service = echo();
    let home = with_api_key(&service);
    for answer in ["n\n", "\n", "maybe\n"] {
        let mut terminal = Terminal::start(&home, RUN);
        terminal.sees("Set up now? [y/N]: ").types(answer);
        terminal.sees(&format!("Skipped. Run `aileron binding setup {CONNECTOR}` later."));
        terminal.sees("binding_required");
        terminal.ends(&home, 1);
    }
    assert!(service.seen().is_empty());
    assert!(!super::file(&home).exists(), "no vault was made");
}

#[test] // vault.md §8.2; googleworkspace/cli#293: the wrong account
fn of_several_bindings_the_user_chooses_by_number_and_sees_whose_each_is() {
    let service = echo();
    let home = with_api_key(&service);
    bind(&home, &[("api_key/tea/home", CONNECTOR, SECRET), ("api_key/tea/work", CONNECTOR, "work-key-0123456789")]);
    home.ok(&format!("aileron binding list --connector {CONNECTOR}"));
    for (answer, bearer) in [("2\n", Some("Bearer work-key-0123456789")), ("3\n", None), ("\n", None), ("0\n", None)] {
        let before = service.seen().len();
        let mut terminal = Terminal::start(&home, RUN);
        terminal.sees(&format!("Several credentials are for {CONNECTOR}:\r\n  1  api_key/tea/home"));
        terminal.sees("  2  api_key/tea/work").sees("Which one? [1-2]: ").types(answer);
        if bearer.is_none() {
            terminal.sees("binding_required");
        }
        terminal.ends(&home, i32::from(bearer.is_none()));
        let sent = service.seen().into_iter().nth(before);
        assert_eq!(sent.as_ref().and_then(|request| request.header("authorization")), bearer, "{answer:?}");
    }
}

/// What `action add-suite` of the home's registry is typed as.
const ADD: &str = "action add-suite github://acme/aileron-connector-tea@0.1.0 --from registry";

fn without_actions(home: &TestHome) {
    home.ok("aileron action remove tea-ping tea-about --yes");
}

#[test] // vault.md §10.6; B18
fn what_installed_actions_need_is_offered_once_after_the_last_of_them() {
    let service = echo();
    let home = with_api_key(&service);
    without_actions(&home);
    let line = format!("AILERON_VAULT_PASSPHRASE='{PASSPHRASE}' \"$AILERON\" {ADD}");
    let mut terminal = Terminal::start(&home, &line);
    terminal.sees("[y/N]").types("y\n");
    terminal.sees("Installed: ");
    terminal.sees(&format!("It needs api_key — read access for {CONNECTOR}.\r\nSet up now? [y/N]: ")).types("y\n");
    terminal.sees("Identity (e.g. work, personal): ").types("home\n");
    terminal.sees("API key value: ").types(format!("{SECRET}\n"));
    terminal.sees("Created: api_key/tea/home");
    terminal.ends(&home, 0);
    // Bound now: nothing more is offered.
    without_actions(&home);
    let again = home.ok(&format!("aileron {ADD} --yes --json")).json();
    assert_eq!(again["unbound_capabilities"], json!([]));
}

#[test] // vault.md §10.6: one list, no prompt; the exit code does not depend on it
fn without_an_answer_the_needs_are_a_list() {
    let service = echo();
    let home = with_api_key(&service);
    let list = format!("Action has unbound credential capabilities:\n- {CONNECTOR} (api_key)\n");
    for flags in ["--yes", "--yes --no-bind"] {
        without_actions(&home);
        let added = home.ok(&format!("aileron {ADD} {flags}"));
        assert!(added.stdout.ends_with(&format!("{list}Set one up with `aileron binding setup <name>`.\n")), "{added}");
    }
    without_actions(&home);
    let added = home.ok(&format!("aileron {ADD} --yes --json")).json();
    assert_eq!(
        added["unbound_capabilities"],
        json!([{"connector_fqn": CONNECTOR, "kind": "api_key", "scope": "read"}])
    );
    without_actions(&home);
    let mut terminal = Terminal::start(&home, &format!("\"$AILERON\" {ADD} --no-bind"));
    terminal.sees("[y/N]").types("y\n");
    terminal.sees("Action has unbound credential capabilities:\r\n");
    terminal.ends(&home, 0);
}

#[test] // vault.md §8.4; B17
fn a_binding_that_is_not_enough_after_an_upgrade_is_stale_until_it_is_reauthorized() {
    let provider = provider();
    let home = with_oauth2(&provider);
    bound(&home, "home");
    let inspect = || home.ok("aileron binding inspect oauth2/tea/home --json").json()["binding"].clone();
    assert_eq!(inspect()["status"], "active");
    // The provider granted `read` alone; version 0.2.0 wants `read` and `admin`.
    let root = home.path("aileron-connector-tea");
    let repository = Repository { home: &home, root, key: home.path("tea.key") };
    let manifest = repository.read("connector/manifest.toml");
    repository.write("connector/manifest.toml", &manifest.replace("[\"read\", \"write\"]", "[\"read\", \"admin\"]"));
    repository.commit("more");
    ok(&mut repository.release("v0.2.0", &home.path("registry")));
    let upgraded = home.ok(&format!("aileron connector upgrade {CONNECTOR} --from registry --yes"));
    let expected = format!(
        "{CONNECTOR}@0.2.0 wants more than oauth2/tea/home gives (not granted yet: admin); run aileron binding reauthorize \
         oauth2/tea/home"
    );
    assert!(upgraded.stderr.contains(&expected), "{upgraded}");
    let stale = inspect();
    assert_eq!(
        (&stale["status"], &stale["stale_reason"], &stale["missing_scopes"]),
        (&json!("stale"), &json!("scope_drift"), &json!(["admin"]))
    );
    // A stale binding still gives its token. vault.md §8.2.
    ok(&mut home.consumer(&["action", "run", "tea-ping", "--passphrase-file", "passphrase.txt"]));
    // The newest installed version says what is asked for.
    reauthorized(&home, "oauth2/tea/home");
    let fresh = inspect();
    assert_eq!((&fresh["status"], &fresh["scope"]), (&json!("active"), &json!("read admin")));
    assert_eq!((fresh.get("stale_reason"), fresh.get("missing_scopes")), (None, None));
}
