//! One transcript per verb, good and bad.

use super::session::{Session, TEA};
use crate::house::House;

/// Releases another version of `tea` after an edit of its manifest.
pub(crate) fn release(house: &House, version: &str, manifest: &str) {
    let text = house.read("tea/connector/manifest.toml");
    house.write("tea/connector/manifest.toml", text + manifest);
    house.commit();
    house.ok(&format!("aileron-pub -C tea release {version} --key publisher.key --to dir:registry"));
}

const HOST: &str = "\n[capabilities.network]\nhosts = [\"api.tea.example:443\"]\n\n[capabilities.credential]\nkind = \"api_key\"\nscope = \"Read your teas\"\n";

#[test]
fn connectors_are_shown_before_they_are_installed() {
    let mut session = Session::new(House::released());
    session.house.ok("aileron-pub -C tea status v0.1.0 --to dir:registry");
    session.note("nobody answers, so nobody is trusted").run("aileron connector install TEA --from registry");
    session.note("a stranger is not trusted").answer("no\n", "aileron connector install TEA --from registry");
    session
        .note("trusted, looked at, and not installed")
        .answer("y\nn\n", "aileron connector install TEA --from registry");
    assert!(!session.house.root.with_file_name("home").join(".aileron/store").exists());
    session.run("aileron connector install TEA@0.1.0 --from registry --dry-run --quiet");
    session.note("installed").answer("y\n", "aileron connector install TEA --from registry");
    session.note("again, and without a network").run("aileron connector install TEA@0.1.0 --from nowhere");
    session.note("what is installed").run("aileron connector list").run("aileron connector check --from registry");
    release(&session.house, "v0.2.0", HOST);
    session.note("a version that may do more");
    session.run("aileron connector check --from registry --quiet");
    session.run("aileron connector upgrade --from registry --dry-run --quiet");
    session.run("aileron connector upgrade TEA --from registry --yes --quiet");
    session.run("aileron connector upgrade TEA --from registry --quiet");
    session.note("versions live side by side").run("aileron connector list").run("aileron connector remove TEA --yes");
    session.answer("n\n", "aileron connector remove TEA@0.1.0").run("aileron connector remove TEA@0.1.0 --dry-run");
    session.answer("y\n", "aileron connector remove TEA@0.1.0").run("aileron connector list");
    session.note("from a file");
    session.run("aileron connector remove TEA --yes");
    let archive = "registry/acme/aileron-connector-tea/releases/download/v0.1.0/aileron.tar.gz";
    session.run(&format!("aileron connector install {archive} --yes --quiet"));
    session.is("connector");
}

#[test]
fn what_cannot_be_installed_says_why() {
    let mut session = Session::new(House::released());
    session.house.ok(&format!("aileron keyring trust --from registry {TEA}"));
    let archive = "registry/acme/aileron-connector-tea/releases/download/v0.1.0/aileron.tar.gz";
    let bytes = std::fs::read(session.house.path(archive)).unwrap();
    session.house.write("cut.tar.gz", &bytes[..bytes.len() / 2]);
    let zeros = "0".repeat(64);
    session.note("usage: 2");
    for line in [
        "aileron connector install".to_owned(),
        "aileron connector install TEA@0.1.0 --version 0.1.0".to_owned(),
        "aileron connector install TEA --hash sha256:00".to_owned(),
        "aileron connector install gopher://acme/x@0.1.0".to_owned(),
        "aileron connector install TEA@new".to_owned(),
        "aileron connector install tea.tar.gz --version 0.1.0".to_owned(),
        "aileron connector remove".to_owned(),
    ] {
        session.run(&line);
    }
    session.note("refused: 3");
    session.run(&format!("aileron connector install TEA@0.1.0 --hash sha256:{zeros} --from registry --yes --quiet"));
    session.run("aileron connector install TEA/actions/tea-ping@0.1.0 --from registry --yes --quiet");
    session.run("aileron connector install cut.tar.gz --yes --quiet");
    session.note("not found: 4");
    for line in [
        "aileron connector install TEA@0.9.0 --from registry --quiet",
        "aileron connector install github://acme/coffee --from registry --quiet",
        "aileron connector install TEA@0.1.0 --from elsewhere --quiet",
        "aileron connector install gone.tar.gz",
        "aileron connector remove TEA --yes",
        "aileron connector upgrade TEA",
        "aileron connector check TEA@0.1.0",
    ] {
        session.run(line);
    }
    session.note("nothing is there").run("aileron connector list").run("aileron connector check");
    session.run("aileron connector upgrade");
    session.is("connector-bad");
}

#[test] // artifacts.md §10, keyring.md §7.5
fn a_publisher_with_another_key_is_shown_with_both_fingerprints() {
    let mut session = Session::new(House::released());
    session.house.ok(&format!("aileron connector install {TEA} --from registry --yes"));
    std::fs::remove_dir_all(session.house.path("tea/keys")).unwrap();
    session.house.ok("aileron-pub -C tea keys generate --out new.key");
    session.house.commit();
    session.house.ok("aileron-pub -C tea release v0.2.0 --key new.key --to dir:registry --replace-key");
    session.note("the new key is not trusted, whatever is said");
    session.run("aileron connector upgrade --from registry --yes --quiet");
    session.run("aileron action add-suite TEA@0.2.0 --from registry --yes --quiet");
    session.note("what the old key signed is untouched").run("aileron verify --installed --quiet");
    session.note("until the publisher is asked, and the new key trusted beside the old one");
    session.run("aileron keyring trust --from registry TEA");
    session.run("aileron connector upgrade --from registry --yes --quiet");
    session.is("rotation");
}

#[test]
fn actions_bring_the_connector_they_pin() {
    let mut session = Session::new(House::released());
    session.house.ok(&format!("aileron keyring trust --from registry {TEA}"));
    session.note("an action and its connector, one question");
    session.answer("n\n", "aileron action add TEA/actions/tea-ping --from registry --quiet");
    session.answer("y\n", "aileron action add TEA/actions/tea-ping --from registry --quiet");
    session.run("aileron action add TEA/actions/tea-ping@0.1.0 --from registry --quiet");
    session.run("aileron action list").run("aileron connector list");
    session.note("a connector that is pinned stays").run("aileron connector remove TEA --yes");
    release(&session.house, "v0.2.0", HOST);
    session.note("upgraded together");
    session.run("aileron action upgrade --from registry --yes --quiet").run("aileron action list");
    session.run("aileron action upgrade --from registry --quiet");
    session.note("a downgrade needs a word");
    session.run("aileron action add TEA/actions/tea-ping@0.1.0 --from registry --yes --quiet");
    session.run("aileron action add TEA/actions/tea-ping@0.1.0 --from registry --yes --quiet --force");
    session.note("removed").run("aileron action remove tea-ping tea-about --yes");
    session.answer("y\n", "aileron action remove tea-ping").run("aileron action list");
    session.run("aileron connector remove TEA@0.1.0 TEA@0.2.0 --yes");
    session.note("bad names");
    session.run("aileron action add TEA@0.1.0 --from registry --yes --quiet");
    session.run("aileron action add TEA/actions/tea-pong --from registry --yes --quiet");
    session.run("aileron action add TEA/actions/tea-pong@0.1.0 --from registry --yes --quiet");
    session.run("aileron action upgrade tea-pong").run("aileron action remove ../keyring.json --yes");
    session.is("action");
}

#[test]
fn an_action_that_breaks_input_rules_is_refused_unless_they_are_allowed() {
    let house = House::new();
    let action = house.read("tea/actions/tea-ping/action.md");
    let intent = action.lines().find(|line| line.starts_with("intent")).unwrap().to_owned();
    house.replace("tea/actions/tea-ping/action.md", &intent, "intent = \"\"");
    house.commit();
    house.ok("aileron-pub -C tea release v0.1.0 --key publisher.key --to dir:registry --allow intent-empty");
    house.ok(&format!("aileron keyring trust --from registry {TEA}"));
    let mut session = Session::new(house);
    session.run("aileron action add TEA/actions/tea-ping --from registry --yes --quiet");
    session.run("aileron action add-suite TEA@0.1.0 --from registry --yes --quiet");
    session.run("aileron action add TEA/actions/tea-ping --from registry --yes --quiet --allow toml-syntax");
    session.run("aileron action add-suite TEA@0.1.0 --from registry --yes --quiet --allow intent-empty");
    session.run("aileron verify --installed --quiet");
    session.is("allow");
}

#[test]
fn a_suite_is_one_question() {
    let mut session = Session::new(House::released());
    session.house.write(
        "mine.toml",
        format!("[suite]\nname = \"Mine\"\ndescription = \"What I use.\"\n\n[[actions]]\nfqn = \"{TEA}/actions/tea-ping@0.1.0\"\n"),
    );
    session.note("everything a release lists");
    session.answer("y\nn\n", "aileron action add-suite TEA@0.1.0 --from registry");
    session.answer("y\n", "aileron action add-suite TEA@0.1.0 --from registry --quiet");
    session.run("aileron action add-suite TEA@0.1.0 --from registry --quiet");
    session.note("a suite file").run("aileron action remove tea-ping --yes");
    session.run("aileron action add-suite -f mine.toml --from registry --yes --quiet");
    session
        .note("files that are no suite")
        .house
        .write("bad.toml", "[suite]\nname = \"Mine\"\n[[actions]]\nfqn = \"tea\"\n");
    session.run("aileron action add-suite -f bad.toml --quiet").run("aileron action add-suite -f gone.toml");
    session.run("aileron action add-suite -f tea/suite.toml --quiet");
    session.note("usage").run("aileron action add-suite").run("aileron action add-suite TEA -f mine.toml");
    session.run("aileron action add-suite TEA");
    session.note("while a release is being published");
    for name in ["tea-ping", "tea-about"] {
        session.house.ok(&format!("aileron action remove {name} --yes"));
    }
    std::fs::remove_dir_all(
        session.house.path("registry/acme/aileron-connector-tea/releases/download/actions/tea-about"),
    )
    .unwrap();
    session.run("aileron action add-suite TEA@0.1.0 --from registry --yes --quiet");
    session.run("aileron verify --cohort TEA@0.1.0 --from registry --quiet");
    session.note("no such release").run("aileron action add-suite TEA@0.3.0 --from registry --quiet");
    session.run("aileron verify --cohort TEA@0.3.0 --from registry");
    session.is("suite");
}

#[test]
fn what_is_installed_is_judged_by_the_keyring_of_today() {
    let mut session = Session::new(House::released());
    session.note("nothing yet").run("aileron verify --installed");
    session.house.ok(&format!("aileron action add-suite {TEA}@0.1.0 --from registry --yes"));
    session.note("everything").run("aileron verify --installed").run("aileron verify --installed --full --quiet");
    session.run("aileron verify --cohort TEA@0.1.0 --from registry --quiet");
    session.note("a changed action");
    let action = session.house.root.with_file_name("home").join(".aileron/actions/tea-ping.md");
    let text = std::fs::read_to_string(&action).unwrap();
    std::fs::write(&action, format!("{text}And then some.\n")).unwrap();
    session.run("aileron verify --installed --quiet");
    std::fs::write(&action, text).unwrap();
    session.note("a publisher who is not trusted any more").house.ok("aileron keyring revoke github://acme");
    session.run("aileron verify --installed --quiet");
    session.run("aileron connector check --from registry --quiet");
    session.run("aileron verify --cohort TEA@0.1.0 --from registry --quiet");
    session.note("usage").run("aileron verify").run("aileron verify --installed TEA@0.1.0");
    session.run("aileron verify --cohort TEA");
    session.is("installed");
}

const VERBS: [&str; 12] = [
    "aileron connector",
    "aileron connector install",
    "aileron connector upgrade",
    "aileron connector list",
    "aileron connector remove",
    "aileron connector check",
    "aileron action",
    "aileron action add",
    "aileron action add-suite",
    "aileron action upgrade",
    "aileron action list",
    "aileron action remove",
];

#[test]
fn help_has_examples_that_parse() {
    let mut session = Session::new(House::empty());
    for verb in VERBS {
        let line = format!("{verb} --help");
        let help = session.house.ok(&line).stdout;
        if let Some((_, examples)) = help.split_once("Examples:\n") {
            for example in examples.split("\n\n").next().unwrap().lines() {
                // Nobody is trusted and nothing is there: an example fails for that reason and not for its words.
                let ran = session.house.run(&format!("AILERON_MIRROR=nowhere {}", example.trim()));
                assert!(!ran.stderr.contains("--help"), "{example}\n{}", ran.stderr);
            }
        }
        session.run(&line);
    }
    session.is("help");
}

#[test]
fn every_verb_answers_with_one_document() {
    let house = House::released();
    house.ok(&format!("aileron keyring trust --from registry {TEA}"));
    for (line, code, field) in [
        ("aileron connector list --json", 0, "connectors"),
        ("aileron action list --json", 0, "actions"),
        ("aileron verify --installed --json", 0, "artifacts"),
        ("aileron connector install TEA --from registry --json --dry-run", 0, "plan"),
        ("aileron connector install TEA --from registry --json", 0, "outcome"),
        ("aileron connector install TEA --from registry --json --yes", 0, "installed"),
        ("aileron connector install TEA --from registry --json", 0, "outcome"),
        ("aileron connector install TEA@0.9.0 --from registry --json", 4, "error"),
        ("aileron action add-suite TEA@0.1.0 --from registry --json --yes", 0, "installed"),
        ("aileron action upgrade --from registry --json", 0, "outcome"),
        ("aileron connector upgrade --from registry --json", 0, "outcome"),
        ("aileron connector check --from registry --json", 0, "index"),
        ("aileron verify --cohort TEA@0.1.0 --from registry --json", 0, "artifacts"),
        ("aileron connector remove TEA --json --yes", 1, "error"),
        ("aileron action remove tea-ping tea-about --json", 0, "outcome"),
        ("aileron action remove tea-ping tea-about --json --yes", 0, "outcome"),
        ("aileron connector remove TEA --json --yes", 0, "outcome"),
    ] {
        let line = line.replace("TEA", TEA);
        let ran = house.run(&line);
        assert_eq!(ran.code, code, "{line}\n{}{}", ran.stdout, ran.stderr);
        let document = ran.json();
        assert!(!document[field].is_null(), "{line}: {document}");
        let words: Vec<&str> =
            line.split(' ').skip(1).take_while(|word| !word.contains("://") && !word.starts_with('-')).collect();
        assert!(words.join(" ").starts_with(document["command"].as_str().unwrap()), "{line}: {document}");
    }
}
