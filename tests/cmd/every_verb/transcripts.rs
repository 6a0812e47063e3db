//! One transcript per verb: `$` is what was typed, `!` starts a line of standard error, `?` is the exit code.
//! `SNAPSHOTS=overwrite` writes them anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::house::{House, PRIVATE_KEY};

struct Session {
    house: House,
    text: String,
}

impl Session {
    fn new(house: House) -> Session {
        Session { house, text: String::new() }
    }

    /// A heading.
    fn note(&mut self, words: &str) -> &mut Session {
        write!(self.text, "{}# {words}\n\n", if self.text.is_empty() { "" } else { "\n" }).unwrap();
        self
    }

    fn run(&mut self, line: &str) -> &mut Session {
        let ran = self.house.run(line);
        let errors: String = ran.stderr.lines().map(|line| format!("! {line}").trim_end().to_owned() + "\n").collect();
        let shown = self.house.redacted(&format!("$ {line}\n{}{errors}? {}\n", ran.stdout, ran.code));
        self.text.push_str(&shown);
        self
    }

    fn is(&self, name: &str) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../tests/cmd/every_verb/transcripts")
            .join(format!("{name}.txt"));
        let expected = snapbox::Data::read_from(&file, Some(snapbox::data::DataFormat::Text));
        snapbox::Assert::new().action_env(snapbox::assert::DEFAULT_ACTION_ENV).eq(self.text.clone(), expected);
    }
}

const ZEROS: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn init_makes_a_repository_or_nothing() {
    let mut session = Session::new(House::empty());
    session.note("a new repository").run("aileron-pub init aileron-connector-tea --owner acme --language wat --yes");
    session.run("aileron-pub -C aileron-connector-tea check");
    session.note("not twice").run("aileron-pub init aileron-connector-tea --owner acme --language wat --yes");
    session.note("what is not said is asked for on a terminal only");
    session.run("aileron-pub init coffee --language wat --yes").run("aileron-pub init coffee --owner acme --yes");
    session.note("a name that cannot be one").run("aileron-pub init coffee --owner -acme --language wat --yes");
    session.run("aileron-pub init coffee --owner acme --language cobol --yes");
    assert!(!session.house.path("coffee").exists());
    session.is("init");
}

#[test]
fn check_draws_every_problem_with_its_line() {
    let mut session = Session::new(House::new());
    session.note("clean").run("aileron-pub -C tea check").run("aileron-pub -C tea check v0.1.0");
    session.note("from inside the repository").run("aileron-pub -C tea/actions check");
    session.note("findings");
    session.house.replace("tea/connector/manifest.toml", "publisher = ", "publsher = ");
    session.house.replace("tea/actions/tea-ping/action.md", "0.0.0-dev\"\n\n", "0.3.0\"\n\n");
    session.house.write("tea/actions/tea-about/notes.txt", "");
    session.run("aileron-pub -C tea check");
    session.house.git(&["checkout", "-q", "."]);
    session.note("a rule that may be waived");
    let action = session.house.read("tea/actions/tea-ping/action.md");
    let intent = action.lines().find(|line| line.starts_with("intent")).unwrap().to_owned();
    session.house.replace("tea/actions/tea-ping/action.md", &intent, "intent = \"\"");
    session.run("aileron-pub -C tea check").run("aileron-pub -C tea check --allow intent-empty");
    session.note("a secret in the manifest is not shown");
    session.house.git(&["checkout", "-q", "."]);
    let oauth = "\n[capabilities.credential]\nkind = \"oauth2\"\n[capabilities.credential.oauth2]\nauthorize_url = \"https://example.com/a\"\ntoken_url = \"https://example.com/t\"\nclient_id = \"tea\"\nclient_secret = \"client-5ecret\"\nscopes = [\"read\"]\n";
    let manifest = session.house.read("tea/connector/manifest.toml");
    session.house.write("tea/connector/manifest.toml", manifest + oauth);
    session.run("aileron-pub -C tea check").is("check");
}

#[test]
fn build_shows_the_content_hash_and_pack_writes_archives() {
    let mut session = Session::new(House::new());
    session.note("the module, without a key").run("aileron-pub -C tea build v0.1.0");
    session.run("aileron-pub -C tea build 0.1.0 --out tea.wasm --quiet");
    session.note("work in progress may be built").house.write("tea/NOTES.md", "soon\n");
    session.run("aileron-pub -C tea build v0.1.0 --quiet");
    session.note("the placeholder is no version").run("aileron-pub -C tea build v0.0.0-dev").is("build");

    let mut session = Session::new(House::new());
    session.note("signed archives in a directory").run("aileron-pub -C tea pack v0.1.0 --key publisher.key");
    session.run("aileron-pub -C tea pack v0.1.0 --key publisher.key --out archives --quiet");
    session.run("aileron verify archives --key tea/keys/publisher.pub --quiet");
    session.note("not from a changed work tree").house.write("tea/NOTES.md", "soon\n");
    session.run("aileron-pub -C tea pack v0.1.0 --key publisher.key");
    session.note("no key").house.git(&["clean", "-qfd"]);
    session.run("aileron-pub -C tea pack v0.1.0 --quiet").is("pack");
}

/// A connector that wants a client secret at release.
pub(crate) fn with_client_secret(house: &House) {
    let oauth = "\n[capabilities.network]\nhosts = [\"example.com:443\"]\n\n[capabilities.credential]\nkind = \"oauth2\"\nscope = \"Read tea\"\n\n[capabilities.credential.oauth2]\nauthorize_url = \"https://example.com/a\"\ntoken_url = \"https://example.com/t\"\nclient_id = \"tea\"\nclient_secret = \"bound-at-release\"\nscopes = [\"read\"]\n";
    let manifest = house.read("tea/connector/manifest.toml");
    let (head, _) = manifest.split_once("[capabilities").unwrap_or((&manifest, ""));
    house.write("tea/connector/manifest.toml", head.trim_end().to_owned() + "\n" + oauth);
    house.commit();
}

#[test]
fn plan_writes_nothing_and_masks_the_secret() {
    let mut session = Session::new(House::new());
    let before = session.house.files();
    session.note("without a key: hashes").run("aileron-pub -C tea plan v0.1.0 --to dir:registry");
    session.note("with a key: writes").run("aileron-pub -C tea plan v0.1.0 --to dir:registry --key publisher.key");
    assert_eq!(session.house.files(), before);
    session.note("every line a release changes");
    with_client_secret(&session.house);
    session.run(
        "AILERON_CLIENT_SECRET=client-5ecret aileron-pub -C tea plan v0.1.0 --to dir:registry --key publisher.key --diff -q",
    );
    session.note("a registry is a directory").run("aileron-pub -C tea plan v0.1.0 --to registry");
    session.run("aileron-pub -C tea plan v0.1.0 --to dir:").is("plan");
}

#[test]
fn release_publishes_once_and_status_says_how_far_it_is() {
    let mut session = Session::new(House::new());
    session.note("nothing yet").run("aileron-pub -C tea status v0.1.0 --to dir:registry");
    session.note("published").run("aileron-pub -C tea release v0.1.0 --key publisher.key --to dir:registry");
    session.run("aileron-pub -C tea status v0.1.0 --to dir:registry");
    session.note("again: nothing is written");
    let before = session.house.files();
    session.run("aileron-pub -C tea release v0.1.0 --key publisher.key --to dir:registry --quiet");
    session.run("aileron-pub -C tea plan v0.1.0 --key publisher.key --to dir:registry --quiet");
    assert_eq!(session.house.files(), before);
    session.note("published versions never change");
    session.house.write("tea/actions/tea-ping/extra.md", "");
    session.house.replace("tea/actions/tea-ping/action.md", "ping", "PING");
    session.house.git(&["checkout", "-q", "."]);
    session.house.replace("tea/connector/manifest.toml", "publisher = \"", "publisher = \"New ");
    session.house.commit();
    session.run("aileron-pub -C tea release v0.1.0 --key publisher.key --to dir:registry --quiet");
    session
        .note("a version that is none")
        .run("aileron-pub -C tea release v0.0.0-dev --key publisher.key --to dir:registry");
    session.run("aileron-pub -C tea status v0.0.0-dev --to dir:registry").is("release");
}

#[test]
fn keys_never_lie_in_the_work_tree_and_are_never_overwritten() {
    let mut session = Session::new(House::empty());
    session.house.ok("aileron-pub init tea --owner acme --language wat --yes");
    session.note("somewhere has to be said").run("aileron-pub -C tea keys generate");
    session.note("none yet").run("aileron-pub -C tea keys show");
    session.note("not where a commit would take it").run("aileron-pub -C tea keys generate --out tea/publisher.txt");
    session.run("aileron-pub -C tea keys generate --keychain");
    assert!(!session.house.path("tea/keys").exists());
    session.note("a file").run("aileron-pub -C tea keys generate --out publisher.key");
    session.note("never twice").run("aileron-pub -C tea keys generate --out other.key");
    assert!(!session.house.path("other.key").exists());
    session.house.git(&["clean", "-qfd"]);
    session.run("aileron-pub -C tea keys generate --out publisher.key");
    session.note("an encrypted file").run("aileron-pub -C tea keys generate --out sealed.key --encrypt");
    session.run("AILERON_KEY_PASSPHRASE=hunter2 aileron-pub -C tea keys generate --out sealed.key --encrypt");
    session.house.git(&["clean", "-qfd"]);
    session.note("for a CI secret").run("aileron-pub -C tea keys generate --print-secret");
    session.note("one place only").run("aileron-pub -C tea keys generate --print-secret --keychain");
    session.note("the public half, in every form").house.write("tea/keys/publisher.pub", crate::house::PUBLIC_KEY);
    session.run("aileron-pub -C tea keys show");
    session.house.write("tea/keys/publisher.pub", "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n");
    session.run("aileron-pub -C tea keys show").is("keys");
}

#[test]
fn verify_gives_one_verdict_and_says_why() {
    let mut session = Session::new(House::released());
    let house = &session.house;
    let archive = house.path("registry/acme/aileron-connector-tea/releases/download/v0.1.0/aileron.tar.gz");
    let bytes = fs::read(archive).unwrap();
    house.write("tea.tar.gz", &bytes);
    house.write("cut.tar.gz", &bytes[..bytes.len() / 2]);
    house.write("some/tea.tar.gz", &bytes);
    house.write("some/cut.tar.gz", &bytes[..bytes.len() / 2]);
    house.write("other.pub", "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n-----END PUBLIC KEY-----\n");
    let mut run = |line: &str| {
        session.run(&line.replace("--ours", "--key tea/keys/publisher.pub"));
    };
    run("aileron verify tea.tar.gz --ours");
    run("aileron verify registry --ours");
    run("aileron verify github://acme/aileron-connector-tea/actions/tea-ping@0.1.0 --from registry --ours");
    run("aileron-pub verify tea.tar.gz --ours --as github://acme/aileron-connector-tea@0.1.0 --quiet");
    session.note("refused: 3");
    let mut run = |line: &str| {
        session.run(&line.replace("--ours", "--key tea/keys/publisher.pub"));
    };
    run("aileron verify tea.tar.gz --ours --as github://acme/aileron-connector-tea@0.2.0");
    run("aileron verify tea.tar.gz --ours --as github://acme/aileron-connector-coffee@0.1.0");
    run(&format!("aileron verify tea.tar.gz --ours --hash {ZEROS}"));
    run("aileron verify tea.tar.gz");
    run("aileron verify tea.tar.gz --key other.pub");
    run("aileron verify cut.tar.gz --ours");
    run("aileron verify some --ours");
    session.note("not found: 4");
    let mut run = |line: &str| {
        session.run(&line.replace("--ours", "--key tea/keys/publisher.pub"));
    };
    run("aileron verify github://acme/aileron-connector-tea@0.9.0 --from registry --ours");
    run("aileron verify github://acme/aileron-connector-tea@0.1.0 --from elsewhere --ours");
    run("aileron verify gone.tar.gz --ours");
    run("aileron verify tea --ours");
    run("aileron verify tea.tar.gz --key gone.pub");
    session.note("usage: 2");
    let mut run = |line: &str| {
        session.run(&line.replace("--ours", "--key tea/keys/publisher.pub"));
    };
    run("aileron verify gopher://acme/aileron-connector-tea@0.1.0 --from registry --ours");
    run("aileron verify github://acme/aileron-connector-tea --from registry --ours");
    run("HTTPS_PROXY=http://127.0.0.1:1 aileron verify github://acme/aileron-connector-tea@0.1.0 --ours");
    run("aileron verify tea.tar.gz --ours --hash sha256:00");
    run("aileron verify tea.tar.gz --ours --as tea");
    run(&format!("aileron verify some --ours --hash {ZEROS}"));
    run("aileron verify");
    session.is("verify");
}

#[test]
fn a_waived_rule_is_a_warning_to_verify() {
    let mut session = Session::new(House::new());
    let action = session.house.read("tea/actions/tea-ping/action.md");
    let intent = action.lines().find(|line| line.starts_with("intent")).unwrap().to_owned();
    session.house.replace("tea/actions/tea-ping/action.md", &intent, "intent = \"\"");
    session.house.commit();
    session.run("aileron-pub -C tea release v0.1.0 --key publisher.key --to dir:registry --quiet");
    session.run("aileron-pub -C tea release v0.1.0 --key publisher.key --to dir:registry --quiet --allow intent-empty");
    session.run("aileron verify registry --key tea/keys/publisher.pub --quiet");
    session.run(
        "aileron verify github://acme/aileron-connector-tea/actions/tea-ping@0.1.0 --from registry --key tea/keys/publisher.pub",
    );
    session.note("rules that stand").run("aileron-pub -C tea check --allow toml-syntax");
    session.run("aileron-pub -C tea check --allow no-such-rule").is("allow");
}

#[test]
fn a_workflow_is_told_by_annotations_and_a_summary_and_signs_no_pull_request() {
    let mut session = Session::new(House::new());
    let job = "GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY=summary.md GITHUB_OUTPUT=output.txt";
    session.note("problems stand beside their lines");
    session.house.replace("tea/connector/manifest.toml", "publisher = ", "publsher = ");
    session.run(&format!("{job} aileron-pub -C tea check --quiet")).run("cat summary.md");
    session.house.git(&["checkout", "-q", "."]);
    session.note("a release");
    let release = "aileron-pub -C tea release v0.1.0 --key publisher.key --to dir:registry --quiet";
    session.run(&format!("{job} GITHUB_STEP_SUMMARY=released.md GITHUB_EVENT_NAME=push {release}"));
    session.run("cat released.md");
    session.note("standard output stays one document, whatever is annotated");
    session.run(&format!("{job} aileron-pub -C tea release v0.1 --json"));
    session.note("a pull request is checked, and never signed: no key is looked for, and nothing is asked or written");
    let proposed = format!("{job} GITHUB_EVENT_NAME=pull_request_target");
    session.run(&format!("{proposed} aileron-pub -C tea check --quiet"));
    let before = session.house.files();
    session.run(&format!("{proposed} {}", release.replace("v0.1.0", "v0.2.0")));
    session.run(&format!("{proposed} aileron-pub -C tea pack v0.2.0 --key publisher.key --quiet"));
    session.run(&format!("{proposed} aileron-pub -C tea plan v0.2.0 --key publisher.key --to dir:registry --quiet"));
    let written = |files: &BTreeMap<PathBuf, Vec<u8>>| -> Vec<PathBuf> {
        files.keys().filter(|path| !path.ends_with("summary.md") && !path.ends_with("output.txt")).cloned().collect()
    };
    assert_eq!(written(&session.house.files()), written(&before));
    let outputs = session.house.read("output.txt");
    for output in ["connector-hash<<", "tag<<", "status<<"] {
        assert!(outputs.contains(output), "{outputs}");
    }
    session.is("workflow");
}

#[test]
fn demo_tells_the_whole_story() {
    let mut session = Session::new(House::empty());
    session
        .run("aileron-pub demo story")
        .note("not over somebody's directory")
        .run("aileron-pub demo story")
        .is("demo");
}

#[test]
fn keyring_says_whom_this_machine_trusts() {
    let mut session = Session::new(House::released());
    let name = "github://acme/aileron-connector-tea";
    session.note("nobody yet").run("aileron keyring list");
    session.note("from a mirror: key and reach are said before anything is written");
    session.run(&format!("aileron keyring trust --from registry {name}"));
    session.run(&format!("aileron keyring trust --from registry {name}/actions/tea-ping"));
    session.run("aileron keyring list");
    session.run(&format!("aileron verify {name}@0.1.0 --from registry"));
    session.note("narrower").run("aileron keyring revoke github://acme");
    session.run(&format!("aileron keyring trust --repo-only --key-file tea/keys/publisher.pub {name}"));
    session.run("aileron keyring list").run("aileron keyring list --json");
    session.note("nobody is looking").run(&format!("aileron keyring trust --yes --from registry {name}"));
    session.note("not from there").run(&format!("aileron keyring trust --from elsewhere {name}"));
    session.run("aileron keyring trust gitlab://acme/aileron-connector-tea");
    session.note("an owner alone, through a catalog").run("aileron keyring trust github://acme");
    session.house.ok("aileron-pub -C tea hub entry --out catalog --description Tea");
    session.run("aileron keyring trust --catalog catalog --from registry github://acme");
    session.run("aileron keyring trust --catalog catalog github://nobody");
    session.note("one key, everywhere").run("aileron keyring revoke --key sha256:If4x36FUomFia/hUBG/SJx");
    session.run("aileron keyring revoke --key sha256:If4x36FUomFia/hUBG/SJx");
    session.run("aileron keyring revoke github://acme");
    session.run(&format!("aileron verify {name}@0.1.0 --from registry"));
    session.note("a ring that is none").house.write("../home/.aileron/keyring.json", "{\n  \"version\": 1,\n}\n");
    session.run("aileron keyring list").run("aileron keyring list --json");
    session.note("no command").run("aileron keyring").run("aileron keyring sniff").is("keyring");
}

#[test]
fn hub_entries_are_written_and_the_catalog_is_looked_through() {
    let mut session = Session::new(House::released());
    session.note("the publisher's half").run("aileron-pub -C tea hub entry --out catalog --dry-run");
    session.run("aileron-pub -C tea hub entry --out catalog");
    session.run("aileron-pub -C tea hub entry --out catalog");
    for file in
        ["connectors/github_acme_aileron-connector-tea.yaml", "suites/github_acme_aileron-connector-tea_suite.yaml"]
    {
        let text = session.house.read(&format!("catalog/{file}"));
        session.note(file).text.push_str(&text);
    }
    session.note("the consumer's half").run("aileron hub list").run("aileron hub list --catalog catalog");
    session.run("aileron hub search ping --catalog catalog");
    session.run("aileron hub search coffee --catalog catalog");
    session.run("aileron hub show github://acme/aileron-connector-tea --catalog catalog --from registry");
    session.run("aileron keyring trust --catalog catalog --from registry github://acme");
    session
        .run("aileron hub show github://acme/aileron-connector-tea/actions/tea-ping --catalog catalog --from registry");
    session.run("aileron hub show github://acme/aileron-connector-tea --catalog catalog --from registry --json");
    session.run("aileron hub show github://acme/coffee --catalog catalog");
    session.note("an action that is gone");
    fs::remove_dir_all(session.house.path("tea/actions/tea-ping")).unwrap();
    session.house.replace("tea/suite.toml", ", \"actions/tea-ping\"", "");
    session.run("aileron-pub -C tea hub entry --out catalog");
    session.note("what the schema does not take");
    session.house.replace("tea/connector/manifest.toml", "github://acme/", "github://acme_/");
    session.run("aileron-pub -C tea hub entry --out catalog");
    session.house.git(&["checkout", "-q", "."]);
    session.note("a key that clients of the Hub could not read");
    session.house.write("tea/keys/publisher.pub", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n");
    session.run("aileron-pub -C tea hub entry --out catalog").is("hub");
}

const VERBS: [&str; 15] = [
    "aileron-pub",
    "aileron-pub init",
    "aileron-pub demo",
    "aileron-pub check",
    "aileron-pub build",
    "aileron-pub pack",
    "aileron-pub plan",
    "aileron-pub release",
    "aileron-pub status",
    "aileron-pub keys",
    "aileron-pub keys generate",
    "aileron-pub keys show",
    "aileron-pub verify",
    "aileron-pub hub",
    "aileron-pub hub entry",
];

#[test]
fn help_has_examples_that_parse_and_a_table_of_exit_codes() {
    let mut session = Session::new(House::empty());
    for verb in VERBS.into_iter().chain(["aileron", "aileron verify"]) {
        let line = format!("{verb} --help");
        let help = session.house.ok(&line).stdout;
        let examples = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{line} has no examples")).1;
        let (examples, codes) = examples.split_once("\n\nExit codes:\n").unwrap();
        assert_eq!(
            codes.lines().filter_map(|line| line.split_whitespace().next()).collect::<Vec<_>>(),
            ["0", "1", "2", "3", "4", "5", "6", "130"]
        );
        for example in examples.lines() {
            let command = example.split("    ").next().unwrap().trim();
            // In a directory without a repository, an example fails for that reason and not for its words.
            if !command.contains(" demo") && !command.contains(" init") {
                let ran = session.house.run(command);
                assert!(!ran.stderr.contains("--help"), "{command}\n{}", ran.stderr);
            }
        }
        session.run(&line);
    }
    session.run("aileron-pub --version").run("aileron --version").is("help");
}

#[test]
fn a_signing_key_in_the_environment_may_be_pem_or_base64() {
    let house = House::new();
    let encoded = "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1DNENBUUF3QlFZREsyVndCQ0lFSUoxaHNaM3YvVnBndW9SSzlKTHNMTVJFU2NWcGV6SnBHWEE3ckFNY3JuOWcKLS0tLS1FTkQgUFJJVkFURSBLRVktLS0tLQo=";
    for key in [PRIVATE_KEY, encoded] {
        let mut command = house.typed("aileron-pub -C tea pack v0.1.0 --out archives");
        command.env("AILERON_SIGNING_KEY", key);
        assert_eq!(house.finish(command, "pack").code, 0);
    }
}
