//! `hub`: the catalog as the program shows it, rows H5 and H11 to H23 of keyring.md §13.

use std::process::Command;

use aileron_cli::consumer::hub::Catalog;
use aileron_testkit::scripted::{Answer, Identity, Scripted};
use serde_json::Value;

use crate::keyring::home::{Home, KR, KR_FINGERPRINT, OTHER, Said, pem};

impl Home {
    fn hub(&self, args: &[&str]) -> Said {
        self.aileron(&[&["hub"], args].concat(), &[])
    }
}

/// A catalog with a bit of everything.
fn listed() -> Home {
    let home = Home::new();
    home.configure(home.catalog().to_str().unwrap());
    let key = "https://localhost:1/keys/publisher.pub";
    home.list_connector("github://zeta/slack", "zeta", key);
    home.list_connector("github://acme/google", "acme", key);
    home.list_connector("github://acme/tea", "acme", key);
    home.list(
        "actions/send.yml",
        "fqn: github://acme/google/actions/send\ndescription: Sends mail; and a good deal more than fits into sixty bytes of a table\npublisher_github: acme\nconnector_fqn: github://acme/google\nintents:\n  - send an email\n  - write to somebody\ncategory: mail\nunknown: field\n",
    );
    home.list(
        "suites/all.yaml",
        "fqn: github://acme/google/suite\ndescription: Everything\npublisher_github: acme\nmember_actions:\n  - github://acme/google/actions/send\n",
    );
    home.list("connectors/README.md", "no entry");
    home.list("connectors/deeper.yaml/inside.yaml", "no: [entry");
    home
}

#[test] // H17
fn everything_is_listed_in_three_sections() {
    let said = listed().hub(&["list"]);
    let expected = "\
── SUITES ──
FQN                                                 PUBLISHER             ACTIONS   DESCRIPTION
github://acme/google/suite                          acme                  1         Everything

── ACTIONS ──
FQN                                                           PUBLISHER             DESCRIPTION
github://acme/google/actions/send                             acme                  Sends mail; and a good deal more than fits into sixty bytes…

── PROVIDERS ──
FQN                                                 PUBLISHER             DESCRIPTION
github://acme/google                                acme                  Connector of acme
github://acme/tea                                   acme                  Connector of acme
github://zeta/slack                                 zeta                  Connector of zeta
";
    assert_eq!((said.exit, said.out.as_str(), said.err.as_str()), (0, expected, ""));
    let one = listed().hub(&["list", "suites"]);
    assert!(one.out.starts_with("FQN  ") && !one.out.contains("──"), "{}", one.out);
    let json: Value = serde_json::from_str(&listed().hub(&["list", "--json"]).out).unwrap();
    let counts = ["suites", "actions", "connectors"].map(|part| json[part].as_array().unwrap().len());
    assert_eq!((counts, &json["ok"]), ([1, 1, 3], &Value::Bool(true)));
}

#[test] // H19: one document instead of one object per line, artifacts.md §8
fn one_part_as_json_is_one_document() {
    let said = listed().hub(&["list", "connectors", "--json"]);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&json["command"], json["suites"].is_null()), (&Value::from("hub list"), true));
    let first = serde_json::to_string(&json["connectors"][0]).unwrap();
    assert!(first.starts_with(r#"{"fqn":"github://acme/google","description":"Connector of acme","publisher_github""#));
    let action = listed().hub(&["show", "--json", "github://acme/google/actions/send"]);
    let json: Value = serde_json::from_str(&action.out).unwrap();
    assert_eq!((&json["kind"], &json["entry"]["category"]), (&Value::from("action"), &Value::from("mail")));
    assert_eq!(json["authorities"][0]["trust_state"], "unknown");
}

#[test] // H15, H18
fn a_search_finds_words_and_says_when_there_are_none() {
    let home = listed();
    for (query, part, found) in [
        ("google", None, &["github://acme/google", "actions/send", "suite"][..]),
        ("SLACK", None, &["github://zeta/slack"]),
        ("mail", Some("actions"), &["actions/send"]),
    ] {
        let mut args = vec!["search", query];
        args.extend(part.iter().flat_map(|part| ["--type", part]));
        let said = home.hub(&args);
        assert!(said.exit == 0 && found.iter().all(|name| said.out.contains(name)), "{args:?}: {}", said.out);
        assert!(!said.out.contains("github://acme/tea"), "{args:?}: {}", said.out);
    }
    let empty = Home::new();
    std::fs::create_dir(empty.catalog()).unwrap();
    empty.configure(empty.catalog().to_str().unwrap());
    for (args, expected) in [
        (&["list"][..], "Hub catalog is empty.\n"),
        (&["list", "connectors"], "No connectors published to the Hub.\n"),
        (&["list", "actions"], "No actions published to the Hub.\n"),
        (&["list", "suites"], "No suites published to the Hub.\n"),
        (&["search", "tea"], "No Hub entries match \"tea\".\n"),
        (&["search", "--type", "suites", "tea"], "No Hub suites match \"tea\".\n"),
    ] {
        let said = empty.hub(args);
        assert_eq!((said.exit, said.out.as_str()), (0, expected), "{args:?}");
    }
}

#[test] // H20
fn what_is_no_command_is_answered_with_its_usage_and_exit_1() {
    let home = listed();
    let list = "usage: aileron hub list [connectors|actions|suites] [--json]";
    for (args, expected) in [
        (&[][..], "usage: aileron hub <list|search|show> [args...]\n"),
        (&["lst"], "unknown hub subcommand: \"lst\"\nusage: aileron hub <list|search|show> [args...]\n"),
        (
            &["list", "calendar"],
            "unknown catalog: \"calendar\"\nusage: aileron hub list [connectors|actions|suites] [--json]",
        ),
        (&["list", "actions", "suites"], list),
        (&["list", "--nope"], "flag provided but not defined: -nope\n"),
        (&["search"], "usage: aileron hub search <query> [--type connectors|actions|suites] [--json]"),
        (&["search", " "], "error: query cannot be empty\n"),
        (&["search", "x", "--type", "y"], "unknown --type value: \"y\"\nvalid values: connectors, actions, suites\n"),
        (&["show", "a", "b"], "usage: aileron hub show <fqn> [--type connectors|actions|suites] [--json]"),
        (&["show", ""], "error: fqn cannot be empty\n"),
        (&["show", "github://no/body"], "error: no Hub entry for github://no/body in any catalog\n"),
        (&["show", "github://acme/tea", "--type", "suites"], "error: no Hub suite entry for github://acme/tea\n"),
        (&["show", "github://acme/tea", "--catalog"], "flag needs an argument: -catalog\n"),
    ] {
        let said = home.hub(args);
        assert_eq!((said.exit, said.out.as_str()), (1, ""), "{args:?}: {}", said.err);
        assert!(said.err.starts_with(expected), "{args:?}: {}", said.err);
    }
}

#[test] // H12, H13, H14, H21: what cannot be read is never an empty catalog
fn a_catalog_that_cannot_be_read_is_an_error() {
    let home = Home::new();
    let none = home.hub(&["list"]);
    let expected =
        "error: hub: no catalog is configured; set hub.url in HOME/.aileron/config.yaml, or pass --catalog DIR|URL\n";
    assert_eq!((none.exit, none.err.as_str()), (1, expected));
    let missing = home.hub(&["list", "--catalog", "/nonexistent"]);
    assert_eq!(
        (missing.exit, missing.err.as_str()),
        (1, "error: hub: read /nonexistent: there is no such directory\n")
    );
    let address = format!("file://{}", home.0.home().join("nobody").display());
    for words in [&["list"][..], &["show", "github://a/b"], &["search", "a"]] {
        let gone = home.hub(&[words, &["--catalog", &address]].concat());
        assert!(gone.exit == 1 && gone.err.starts_with("error: hub: clone file://HOME/nobody: "), "{}", gone.err);
    }
    for address in ["ext::sh -c touch% pwned", "http://127.0.0.1:1/hub.git", "git://127.0.0.1:1/hub.git"] {
        let refused = home.hub(&["list", "--catalog", address]);
        assert!(refused.exit == 1, "{address}: {}", refused.err);
        assert!(refused.err.contains("not allowed") || refused.err.contains("no such directory"), "{}", refused.err);
    }
    let broken = listed();
    broken.list("actions/broken.yaml", "fqn: [");
    let said = broken.hub(&["list", "connectors"]);
    assert_eq!(said.exit, 1);
    assert!(said.err.starts_with("error: hub: parse broken.yaml: ") && said.err.contains("line 1"), "{}", said.err);
    let odd = Home::new();
    odd.configure("[");
    let said = odd.hub(&["list"]);
    assert!(said.exit == 1 && said.err.starts_with("error: hub: parse HOME/.aileron/config.yaml: "), "{}", said.err);
}

#[test] // H11, and keyring.md §9.1: any repository git can clone
fn a_catalog_is_cloned_for_each_question_and_nothing_stays() {
    let home = listed();
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(home.catalog()).env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", home.0.home());
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Acme").env(format!("GIT_{role}_EMAIL"), "acme@example.com");
        }
        let ran = command.args(args).output().unwrap();
        assert!(ran.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    git(&["init", "-q"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "catalog"]);
    let url = format!("file://{}", home.catalog().display());
    home.configure(&url);
    let temporary = home.0.home().join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let said = home.aileron(&["hub", "list", "connectors"], &[("TMPDIR", temporary.to_str().unwrap())]);
    assert_eq!(said.exit, 0, "{}", said.err);
    assert_eq!(said.out.lines().count(), 4, "{}", said.out);
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}

/// A home with a catalog whose entry of google has its key at this server.
struct Shown {
    home: Home,
    identity: Identity,
    server: Scripted,
}

impl Shown {
    fn new() -> Shown {
        let identity = Identity::new();
        let server = Scripted::with_tls(&identity, |_| Answer::ok(pem(KR)));
        let shown = Shown { home: listed(), identity, server };
        shown.home.list_connector("github://acme/google", "acme", &shown.key_url());
        shown
    }

    fn key_url(&self) -> String {
        format!("{}/keys/publisher.pub", self.server.base())
    }

    fn show(&self, fqn: &str) -> Said {
        let roots = self.identity.authority();
        self.home.aileron(&["hub", "show", fqn], &[("SSL_CERT_FILE", roots.to_str().unwrap())])
    }
}

#[test] // H5, H16; keyring.md §8.1: owner grants decide, and the panel says what they say
fn a_connectors_entry_is_shown_with_its_key_and_what_the_ring_says() {
    let shown = Shown::new();
    let (home, key_url) = (&shown.home, shown.key_url());
    let said = shown.show("github://acme/google");
    let expected = format!(
        "Kind:            connector
FQN:             github://acme/google
Description:     Connector of acme
Publisher:       acme
Key URL:         {key_url}
Release pattern: v*

  ● \x1b[1mgithub://acme/google\x1b[0m
      Publisher:   acme
      Fingerprint: {KR_FINGERPRINT}
      Trust:       \x1b[33munknown (first install)\x1b[0m
      Risk:        \x1b[33m• First connector by this publisher you've installed\x1b[0m
      Other connectors by this publisher:
        - github://acme/tea
"
    );
    assert_eq!((said.exit, said.out, said.err.as_str()), (0, expected, ""));
    for (grant, text) in [
        (format!(r#"{{"version":2,"owners":{{"github://acme":["{KR}"]}}}}"#), "\x1b[32malready trusted\x1b[0m"),
        (
            format!(r#"{{"version":2,"owners":{{"github://acme":["{OTHER}"]}}}}"#),
            "\x1b[31mconflict — key differs from the publisher's trusted key\x1b[0m",
        ),
        (format!(r#"{{"version":1,"publishers":{{"github://acme/google":["{KR}"]}}}}"#), "unknown (first install)"),
        ("{".to_owned(), "unknown (first install)"),
    ] {
        std::fs::write(home.ring(), &grant).unwrap();
        let said = shown.show("github://acme/google");
        assert!(said.exit == 0 && said.out.contains(text), "{grant}: {}", said.out);
        assert_eq!(home.saved(), grant, "looking grants nothing");
    }
}

#[test] // H5, H16
fn entries_of_a_suite_of_an_action_and_without_a_reachable_key_are_shown() {
    let shown = Shown::new();
    let suite = shown.show("github://acme/google/suite");
    let expected = format!(
        "Kind:                suite
FQN:                 github://acme/google/suite
Description:         Everything
Publisher:           acme
Member actions (1):
  - github://acme/google/actions/send

  ● \x1b[1mgithub://acme/google\x1b[0m
      Publisher:   acme
      Fingerprint: {KR_FINGERPRINT}
"
    );
    assert!(suite.out.starts_with(&expected), "{}", suite.out);
    let action = shown.show("github://acme/google/actions/send");
    for line in
        ["Kind:           action\n", "Intents:        send an email, write to somebody\n", "Category:       mail\n"]
    {
        assert!(action.out.contains(line), "{}", action.out);
    }
    // A key that cannot be fetched is said to be unknown; the entry is shown all the same.
    let unknown = shown.show("github://zeta/slack");
    assert!(
        unknown.exit == 0 && unknown.out.contains("Fingerprint: not known: GET https://localhost:1/"),
        "{}",
        unknown.out
    );
}

#[test] // H11, H16
fn a_catalog_is_sorted_and_knows_a_publishers_other_connectors() {
    let catalog = Catalog::read(&listed().catalog()).unwrap();
    let names: Vec<&str> = catalog.connectors.iter().map(|entry| entry.fqn.as_str()).collect();
    assert_eq!(names, ["github://acme/google", "github://acme/tea", "github://zeta/slack"]);
    assert_eq!(catalog.connectors[2].publisher_github, "zeta");
    assert_eq!(catalog.footprint(&catalog.connectors[0]), ["github://acme/tea"]);
    assert!(catalog.footprint(&catalog.connectors[2]).is_empty());
}

#[test]
fn a_strangers_text_moves_no_cursor() {
    let home = listed();
    home.list(
        "connectors/evil.yaml",
        "fqn: \"github://evil/x\"\ndescription: \"a\\e[2Jb\\nsecond line\"\npublisher_github: evil\nkey_url: https://localhost:1/k\nrelease_pattern: v*\n",
    );
    for args in [&["list", "connectors"][..], &["show", "github://evil/x"]] {
        let said = home.hub(args);
        assert!(!said.out.contains("\x1b[2J") && !said.out.contains("\nsecond"), "{}", said.out);
    }
}
