//! A fresh machine: from nothing to a released connector that a consumer runs, in every language and with every credential
//! kind, without a file edited by hand.

use std::process::Command;

use aileron_testkit::home::tree::contents;
use aileron_testkit::home::{TestHome, ok};
use aileron_testkit::languages::{self, Variables};
use serde_json::{Value, json};

/// A person with a toolchain.
struct Machine {
    home: TestHome,
    variables: Variables,
    repository: String,
}

impl Machine {
    fn run(&self, program: &str, words: &[&str]) -> Command {
        let mut command = self.home.command(program);
        command.args(words).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn publisher(&self, words: &[&str]) -> Command {
        self.run("aileron-pub", &[&["-C", self.repository.as_str()], words].concat())
    }
}

/// The whole way, for one language and credential kind.
fn from_nothing_to_a_run(language: &str, credential: &str) {
    let Some(variables) = languages::elsewhere(language) else { return };
    let service = format!("tea-{language}");
    let machine = Machine { home: TestHome::new(), variables, repository: format!("aileron-connector-{service}") };
    let client: &[&str] = if credential == "oauth2" { &["--client-id", "1234.apps.example.com"] } else { &[] };
    let operations = ["--op", "about", "--op", "get_item", "--op", "send_item:gated"];
    let told = ["--owner", "acme", "--language", language, "--credential", credential, "--signing", "approve"];
    let init = [&["init", machine.repository.as_str()], &told[..], &operations, client].concat();
    ok(&mut machine.run("aileron-pub", &init));

    let key = machine.home.path("publisher.key").to_str().unwrap().to_owned();
    let made = ok(&mut machine.publisher(&["keys", "generate", "--out", &key, "--json"])).json();
    assert_eq!(made["fingerprint_in_readme"], true);
    let fingerprint = made["fingerprint"].as_str().unwrap();
    let git = |words: &[&str]| ok(&mut machine.run("git", &[&["-C", machine.repository.as_str()], words].concat()));
    git(&["add", "keys", "README.md"]);
    git(&["commit", "--quiet", "-m", "publisher key"]);
    assert_eq!(git(&["status", "--porcelain"]).stdout, "");

    let checked = ok(&mut machine.publisher(&["check", "v0.1.0", "--json"])).json();
    assert_eq!(checked["problems"], json!([]), "{language} {credential}");
    // One for each operation and one for none of them; where there is an API, one for what it refuses too.
    let recordings = if credential == "none" { 4 } else { 6 };
    let tested = |words: &[&str]| {
        let tested = ok(&mut machine.publisher(words)).stdout;
        assert!(tested.contains(&format!("{recordings} recordings: 0 failed")), "{language} {credential}: {tested}");
    };
    // Built as a person does it for one kind of a language; the module of the others is the released one.
    if credential == CREDENTIALS[0] {
        tested(&["test"]);
    }
    let release = ["release", "v0.1.0", "--key", &key, "--to", "dir:registry", "--json"];
    let released = ok(&mut machine.publisher(&release)).json();
    assert_eq!(released["toolchain"]["language"], language);

    let name = format!("github://acme/{}", machine.repository);
    let trust = ["keyring", "trust", "--yes", "--fingerprint", fingerprint, "--from", "registry", &name];
    ok(&mut machine.run("aileron", &trust));
    let action = format!("{name}/actions/{service}-about@0.1.0");
    ok(&mut machine.run("aileron", &["action", "add", &action, "--from", "registry", "--yes", "--no-bind"]));
    if credential != CREDENTIALS[0] {
        let module = contents(machine.home.all()).into_iter().find(|(name, _)| name.ends_with("connector.wasm"));
        machine.home.write("released.wasm", module.expect("an installed module").1);
        tested(&["test", "--wasm", machine.home.path("released.wasm").to_str().unwrap()]);
    }
    let by_hand: &[&str] = match credential {
        "none" => &[],
        "aws_sigv4" => &["--credential-env", "KEY", "--access-key-id", "AKIDEXAMPLE", "--region", "us-east-1"],
        _ => &["--credential-env", "KEY"],
    };
    let short = format!("{service}-about");
    let run = [&["action", "run", short.as_str()], by_hand].concat();
    let ran = ok(machine.run("aileron", &run).env("KEY", "a-key-0123456789"));
    let ran: Value = serde_json::from_str(&ran.stdout).unwrap();
    let expected = json!({"connector": name, "operations": ["about", "get_item", "send_item"]});
    assert_eq!(ran["output"], expected, "{language} {credential}: {ran}");
}

const CREDENTIALS: [&str; 4] = ["none", "api_key", "oauth2", "aws_sigv4"];

#[test]
fn a_fresh_machine_releases_and_runs_a_connector_in_webassembly_text() {
    CREDENTIALS.iter().for_each(|credential| from_nothing_to_a_run("wat", credential));
}

#[test]
fn a_fresh_machine_releases_and_runs_a_connector_in_go() {
    CREDENTIALS.iter().for_each(|credential| from_nothing_to_a_run("go", credential));
}

#[test]
fn a_fresh_machine_releases_and_runs_a_connector_in_rust() {
    CREDENTIALS.iter().for_each(|credential| from_nothing_to_a_run("rust", credential));
}

#[test]
fn a_fresh_machine_releases_and_runs_a_connector_in_zig() {
    CREDENTIALS.iter().for_each(|credential| from_nothing_to_a_run("zig", credential));
}

#[test]
fn the_tests_of_a_new_connector_pass_in_its_own_language() {
    for (language, words) in [
        ("go", &["go", "test", "./..."][..]),
        ("rust", &["cargo", "test", "--quiet", "--locked"]),
        ("zig", &["zig", "build", "test"]),
    ] {
        let Some(variables) = languages::elsewhere(language) else { continue };
        for credential in ["none", "api_key"] {
            let machine = Machine { home: TestHome::new(), variables: variables.clone(), repository: "tea".into() };
            let told = ["--owner", "acme", "--language", language, "--credential", credential, "--yes"];
            ok(&mut machine.run("aileron-pub", &[&["init", "tea"], &told[..]].concat()));
            // The program is looked up in the machine's PATH.
            let mut test = machine.run("sh", &["-c", &words.join(" ")]);
            ok(test.current_dir(machine.home.path("tea/connector")));
        }
    }
}

#[test]
fn a_new_connector_is_formatted_as_its_language_formats_it() {
    for (language, words) in [
        ("go", "! gofmt -l . | grep ."),
        ("rust", "rustfmt --edition 2024 --check src/main.rs"),
        ("zig", "zig fmt --check ."),
    ] {
        let Some(variables) = languages::elsewhere(language) else { continue };
        let operations = ["--op", "get_item", "--op", "comment_on_item:gated", "--op", "list_all_of_the_items"];
        let mut kinds: Vec<Vec<&str>> = Vec::new();
        for credential in CREDENTIALS {
            let kind = ["--credential", credential, "--client-id", "id-1"];
            let kind = if credential == "oauth2" { &kind[..] } else { &kind[..2] };
            kinds.extend([[kind, &["--op", "ping"]].concat(), [kind, &operations].concat()]);
        }
        for preset in ["github", "linear", "notion"] {
            kinds.push(vec!["--credential", "api_key", "--preset", preset]);
        }
        for kind in kinds {
            let machine = Machine { home: TestHome::new(), variables: variables.clone(), repository: "tea".into() };
            let told = ["init", "tea", "--owner", "acme", "--language", language, "--yes", "--no-git"];
            ok(&mut machine.run("aileron-pub", &[&told[..], &kind].concat()));
            ok(machine.run("sh", &["-c", words]).current_dir(machine.home.path("tea/connector")));
        }
    }
}

#[test]
fn every_preset_checks_clean_and_says_what_to_register() {
    for (preset, credential, says) in [
        ("github", "api_key", "fine-grained token"),
        ("github", "oauth2", "bound at release"),
        ("google", "oauth2", "The client secret is the value of `AILERON_CLIENT_SECRET`"),
        ("linear", "api_key", "personal API key"),
        ("notion", "api_key", "HTTP Basic"),
        ("slack", "oauth2", "Add no bot scopes"),
    ] {
        let home = TestHome::new();
        let client = if credential == "oauth2" { " --client-id id-1" } else { "" };
        home.ok(&format!(
            "aileron-pub init x --owner acme --service {preset} --language wat --preset {preset} --credential {credential}{client} --yes"
        ));
        home.ok("aileron-pub -C x keys generate --out publisher.key");
        let checked = home.ok("aileron-pub -C x check --json").json();
        assert_eq!(checked["problems"], json!([]), "{preset} {credential}");
        home.ok("aileron-pub -C x test");
        let readme = home.read("x/README.md");
        assert!(readme.contains(says) && readme.contains("documentation](https://"), "{preset}: {readme}");
    }
    for (preset, why) in [("notion", "HTTP Basic"), ("linear", "with its port")] {
        let home = TestHome::new();
        let refused = home.run(&format!(
            "aileron-pub init x --owner acme --language wat --preset {preset} --credential oauth2 --client-id i --yes"
        ));
        assert_eq!(refused.code, 2);
        assert!(refused.stderr.contains(why) && !home.path("x").exists(), "{refused}");
    }
}

#[test]
fn a_dry_run_lists_the_files_and_writes_none() {
    let home = TestHome::new();
    let line = "aileron-pub init tea --owner acme --language go --yes";
    let listed = home.ok(&format!("{line} --dry-run --json")).json();
    assert!(home.files().is_empty() && !home.path("tea").exists());
    let made = home.ok(&format!("{line} --json")).json();
    assert_eq!(listed["files"], made["files"]);
    assert_eq!((&listed["dry_run"], &made["dry_run"]), (&json!(true), &json!(false)));
    let again = home.run(&format!("{line} --dry-run"));
    assert_eq!(again.code, 2, "{again}");
}
