//! Foreign text on the screen: every field that holds one, through every verb that reaches it, as text, as JSON, and in a
//! job of GitHub Actions. The fields are found by walking a document of each kind, so that a new one is tried as well.

use aileron_testkit::home::{Ran, TestHome};
use aileron_testkit::scripted::{Answer, Scripted};
use aileron_testkit::{Toy, module, pack};
use aileron_verifier::problem::Source;
use aileron_verifier::text::is_shown;
use aileron_verifier::text::toml::string_values;
use serde_json::{Value, json};

use crate::transcripts::on_a_repository;

/// One text of each kind that steers a terminal or a runner, hides, or pretends.
const HOSTILE: [&str; 17] = [
    "\u{1b}[2J\u{1b}[Hverified github://planted/x@1.0.0",
    "\u{9b}2Jplanted",
    "bell\u{7}\u{8}\u{8}",
    "x\rPLANTED line",
    "x\nPLANTED line\n\nPLANTED line",
    "nul\0del\u{7f}",
    "evil\u{202e}\u{2066}live",
    "zero\u{200b}\u{200d}\u{feff}width",
    "soft\u{ad}\u{34f}\u{115f}\u{3164}\u{2800}",
    "tag\u{e0041}\u{e0001}\u{fe0f}",
    "flood\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}",
    "line\u{2028}PLANTED line\u{2029}PLANTED\u{85}PLANTED",
    "x\n::error::planted",
    "x\r::stop-commands::planted",
    "\u{85}::add-mask::planted",
    "##[error]planted ##[group]planted",
    "\u{e000}\u{378}\u{1d173}\u{fff9}",
];

/// All of them as one value.
fn all() -> String {
    HOSTILE.join(" ")
}

const MODES: [&str; 3] = ["", "--json", "GITHUB_ACTIONS=true"];

/// Runs a line in each mode, and holds what is true of whatever it says.
fn tried(home: &TestHome, line: &str) -> Vec<Ran> {
    MODES
        .iter()
        .map(|mode| {
            let (variable, flag) = if mode.contains('=') { (*mode, "") } else { ("", *mode) };
            let line = format!("{variable} {line} {flag}");
            let ran = home.run(line.trim());
            harmless(&ran, mode, &line);
            ran
        })
        .collect()
}

fn harmless(ran: &Ran, mode: &str, line: &str) {
    // Our own colours, as keyring.md §8.2 has them.
    let own = ["\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m"];
    let plain = |text: &str| match line.contains("hub show") {
        true => own.iter().fold(text.to_owned(), |text, colour| text.replace(colour, "")),
        false => text.to_owned(),
    };
    for text in [plain(&ran.stdout), plain(&ran.stderr)] {
        let steers = text.chars().find(|char| !is_shown(*char) && *char != '\n');
        assert_eq!(steers, None, "{line}\n{text}");
        for shown in text.lines() {
            assert!(!shown.starts_with("PLANTED"), "{line}\n{text}");
            if mode.contains("GITHUB_ACTIONS") {
                let command = shown.trim_start();
                let planted = ["::error::planted", "::stop-commands", "::add-mask"];
                assert!(!planted.iter().any(|planted| command.starts_with(planted)), "{line}\n{text}");
                assert!(!shown.contains("##["), "{line}\n{text}");
            }
            // What an op gave is data, and is not cut.
            let is_document = || serde_json::from_str::<Value>(shown).is_ok();
            let length = shown.chars().count();
            assert!(length < 6_000 || mode == "--json" || is_document(), "{line}: a line of {length}");
        }
    }
    if mode == "--json" {
        ran.json();
    }
}

/// A TOML document with one text exchanged.
fn planted(text: &str, at: &std::ops::Range<usize>, value: &str) -> String {
    let quoted: String = value.chars().map(|char| format!("\\U{:08X}", u32::from(char))).collect();
    format!("{}\"{quoted}\"{}", &text[..at.start], &text[at.end..])
}

/// Where the texts of a document are; of an action, those of its front matter.
fn leaves(path: &str, text: &str) -> Vec<std::ops::Range<usize>> {
    let source = Source::read(path, text.as_bytes().to_vec()).unwrap();
    let within = match text.strip_prefix("+++\n") {
        Some(rest) => 4..4 + rest.find("\n+++\n").unwrap() + 1,
        None => 0..text.len(),
    };
    let leaves: Vec<_> = string_values(&source, within).into_iter().map(|value| value.at).collect();
    assert!(!leaves.is_empty(), "{path}");
    leaves
}

/// How one verb is run on the repository `tea`.
fn line_of(verb: &str) -> String {
    let line = on_a_repository().into_iter().find(|(name, _)| name == verb);
    line.unwrap_or_else(|| panic!("the transcript of {verb} runs nothing on `tea`")).1
}

#[test] // artifacts.md §10
fn no_field_of_a_repositorys_documents_acts() {
    let home = TestHome::with_tea();
    let actions = std::fs::read_dir(home.path("tea/actions")).unwrap();
    let action = actions.map(|entry| entry.unwrap().file_name().into_string().unwrap()).min().unwrap();
    for file in ["connector/manifest.toml".to_owned(), format!("actions/{action}/action.md"), "suite.toml".to_owned()] {
        let path = format!("tea/{file}");
        let text = home.read(&path);
        let mut whole = text.clone();
        for at in leaves(&file, &text).into_iter().rev() {
            home.write(&path, planted(&text, &at, &all()));
            // What is no fault goes further, together.
            if tried(&home, &line_of("check"))[0].code == 0 {
                whole = planted(&whole, &at, &all());
            }
        }
        home.write(&path, &whole);
        home.commit();
        for (_, line) in on_a_repository() {
            tried(&home, &line);
        }
        let first = &leaves(&file, &text)[0];
        for value in if file.starts_with("connector") { &HOSTILE[..] } else { &HOSTILE[4..5] } {
            home.write(&path, planted(&text, first, value));
            tried(&home, &line_of("check"));
            // As it is, not escaped: what breaks the syntax is shown in the source line.
            home.write(&path, format!("{}\"{value}\" = 1\n{}", &text[..first.start], &text[first.start..]));
            tried(&home, &line_of("check"));
        }
        home.write(&path, planted(&text, first, &"x".repeat(10_000)));
        tried(&home, &line_of("check"));
        home.write(&path, &text);
        home.commit();
    }
}

#[test]
fn no_name_of_a_file_and_no_remote_acts() {
    let home = TestHome::with_tea();
    for text in [HOSTILE[0], HOSTILE[3], HOSTILE[4], HOSTILE[6], HOSTILE[9], HOSTILE[11], HOSTILE[12], HOSTILE[15]] {
        let name = text.replace('/', "_");
        let action = format!("tea/actions/{name}/action.md");
        home.write(&action, "no action");
        home.write(&format!("tea/{name}"), "untracked");
        for line in ["check", "plan", "release"].map(line_of) {
            tried(&home, &line);
        }
        std::fs::remove_dir_all(home.path(&format!("tea/actions/{name}"))).unwrap();
        std::fs::remove_file(home.path(&format!("tea/{name}"))).unwrap();
        home.git(&["config", "remote.origin.url", &format!("https://robert:hunter2@example.com/{text}/{text}")]);
        tried(&home, &line_of("check"));
        home.git(&["config", "--unset", "remote.origin.url"]);
    }
}

#[test]
fn no_field_of_an_archive_acts_signed_or_not() {
    let home = TestHome::new();
    let toy = Toy::default();
    home.write("toy.pub", toy.publisher.key().to_pem());
    let manifest = toy.manifest();
    let action = toy.action_document("say");
    let lines = [
        "aileron verify x.tgz --key toy.pub",
        "aileron-pub verify x.tgz --key toy.pub",
        "aileron verify archives --key toy.pub",
    ];
    let mut archives = Vec::new();
    for at in leaves("manifest.toml", &manifest) {
        archives.push(pack(&toy.sign_connector(module(), planted(&manifest, &at, &all()).into_bytes())));
    }
    for at in leaves("action.md", &action) {
        archives.push(pack(&toy.sign_action(planted(&action, &at, &all()).into_bytes())));
    }
    for value in HOSTILE {
        archives.push(pack(&toy.sign_connector(module(), format!("{value}\n{manifest}").into_bytes())));
        let at = &leaves("manifest.toml", &manifest)[0];
        archives.push(pack(&toy.sign_connector(module(), planted(&manifest, at, value).into_bytes())));
    }
    archives.push(pack(&toy.sign_connector(module(), format!("{}\n", "x".repeat(10_000)).into_bytes())));
    archives.push(pack(&toy.sign_connector(module(), b"name = \"\x80\xff\"".to_vec())));
    for (number, archive) in archives.iter().enumerate() {
        home.write("x.tgz", archive);
        home.write(&format!("archives/{number}.tar.gz"), archive);
        home.write("mirror/acme/echo/releases/download/v1.2.3/aileron.tar.gz", archive);
        home.write("mirror/acme/echo/keys/publisher.pub", toy.publisher.key().to_pem());
        tried(&home, lines[0]);
        tried(&home, "aileron connector install github://acme/echo@1.2.3 --from mirror");
    }
    lines.iter().for_each(|line| drop(tried(&home, line)));
}

/// A connector that writes bytes to standard output and standard error, logs them, and ends with a code.
fn guest(out: &[u8], err: &[u8], code: u8) -> String {
    let bytes = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\{byte:02x}")).collect::<String>();
    let (out_at, err_at) = (1_024, 1_024 + out.len());
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 4)
  (data (i32.const {out_at}) "{}") (data (i32.const {err_at}) "{}")
  (func $put (param i32 i32 i32)
    (i32.store (i32.const 0) (local.get 1)) (i32.store (i32.const 4) (local.get 2))
    (drop (call $write (local.get 0) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func (export "_start")
    (call $put (i32.const 2) (i32.const {err_at}) (i32.const {}))
    (call $put (i32.const 1) (i32.const {out_at}) (i32.const {}))
    (call $exit (i32.const {code}))))
"#,
        bytes(out),
        bytes(err),
        err.len(),
        out.len(),
    )
}

#[test]
fn nothing_a_guest_says_acts_and_what_it_gives_stays_the_same_value() {
    let home = TestHome::with_tea();
    let mut texts: Vec<String> = HOSTILE.iter().map(|text| (*text).to_owned()).collect();
    texts.push("x".repeat(3_000));
    for text in &texts {
        let value = json!({"x": text, text.as_str(): [text]});
        // As a library would write it, but for what JSON does not ask to escape: that stands raw.
        home.write(
            "tea/connector/connector.wat",
            guest(json!({"output": value}).to_string().as_bytes(), text.as_bytes(), 0),
        );
        let ran = tried(&home, &line_of("run"));
        for ran in ran.iter().filter(|ran| ran.code == 0) {
            let found: Value = serde_json::from_str(&ran.stdout).unwrap();
            assert_eq!(found["output"], value, "{}", ran.stdout);
        }
        assert_eq!(ran[0].code, 0, "{}{}", ran[0].stdout, ran[0].stderr);
        let error =
            json!({"error": {"class": text, "message": text, "boundary": text, "details": {text.as_str(): text}}});
        home.write("tea/connector/connector.wat", guest(error.to_string().as_bytes(), b"", 0));
        tried(&home, &line_of("run"));
        home.write("tea/connector/connector.wat", guest(b"", text.as_bytes(), 1));
        tried(&home, &line_of("run"));
        let names: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        let odd = format!(
            r#"(module (import "{names}" "{names}" (func)) (memory (export "{names}") 1) (func (export "_start")))"#
        );
        home.write("tea/connector/connector.wat", odd);
        tried(&home, &line_of("inspect"));
        tried(&home, &line_of("run"));
    }
    for bytes in [&b"\x80\xff\xfe"[..], b"{\"output\":\"\x9b2J\"}", b"\xc2", b"\xed\xa0\x80\r::error::planted"] {
        home.write("tea/connector/connector.wat", guest(bytes, bytes, 1));
        tried(&home, &line_of("run"));
    }
}

#[test]
fn no_field_of_a_catalog_or_a_ring_acts() {
    let home = TestHome::new();
    let text = |value: &str| serde_json::to_string(value).unwrap(); // JSON's strings are YAML's
    let entry = |value: &str| {
        format!(
            "fqn: github://acme/tea\npublisher_github: {0}\ndescription: {0}\nkey_url: {0}\nrelease_pattern: {0}\n\
             category: {0}\nintents: [{0}]\nconnector_fqn: {0}\nmember_actions: [{0}]\nconnectors_required: [{0}]\n",
            text(value)
        )
    };
    for value in HOSTILE {
        for part in ["connectors", "actions", "suites"] {
            home.write(&format!("catalog/{part}/tea.yaml"), entry(value));
        }
        tried(&home, "aileron hub list --catalog catalog");
        tried(&home, "aileron hub search tea --catalog catalog");
        for part in ["connectors", "actions", "suites"] {
            tried(&home, &format!("aileron hub show github://acme/tea --type {part} --catalog catalog --from nowhere"));
        }
        home.write("catalog/connectors/tea.yaml", format!("fqn: \"{value}\n"));
        tried(&home, "aileron hub list --catalog catalog");
        std::fs::remove_dir_all(home.path("catalog")).unwrap();
        for ring in [
            json!({"version": 1, "keys": {value: ["x"]}}),
            json!({"version": value, "keys": {}}),
            json!({"version": 2, "keys": {"github://acme/x": [value]}, "owners": {value: [value]}}),
        ] {
            home.write("ring.json", ring.to_string());
            tried(&home, "aileron verify github://acme/x@1.0.0 --keyring ring.json --from nowhere");
        }
        home.write("ring.json", format!("{{\"{value}"));
        tried(&home, "aileron verify github://acme/x@1.0.0 --keyring ring.json --from nowhere");
    }
}

#[test] // vault.md §2: names and metadata are plain text, and a user who can write the file can write anything into them
fn no_name_and_no_label_of_a_vault_acts() {
    let home = TestHome::new();
    let write = |text: &str| {
        let entry = |kind: &str| {
            let labels = ["service", "identity", "connector_fqn", "status", "scope", "account", "missing_scopes"];
            let labels = labels.map(|label| (label.to_owned(), json!(text)));
            let labels: serde_json::Map<String, Value> = labels.into_iter().collect();
            json!({"value": "", "metadata": {"Type": kind, "Labels": labels}})
        };
        let mut stale = entry(text);
        stale["metadata"]["Labels"]["status"] = json!("stale");
        stale["metadata"]["Labels"]["stale_reason"] = json!(text);
        let entries = [
            ("oauth2/tea/home".to_owned(), entry(text)),
            ("oauth2/tea/work".to_owned(), stale),
            (format!("secret/{text}"), entry(text)),
            (text.to_owned(), entry("secret")),
        ];
        let entries: serde_json::Map<String, Value> = entries.into_iter().collect();
        let vault = json!({"salt": "AAECAwQFBgcICQoLDA0ODw==", "secrets": entries, text: text});
        let path = home.home().join(".aileron/secrets.json");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, vault.to_string()).unwrap();
    };
    for text in HOSTILE.iter().map(|text| (*text).to_owned()).chain([all(), "x".repeat(10_000)]) {
        write(&text);
        for line in ["vault list", "status vault", "secret list", "binding list", "vault reset"] {
            assert_eq!(tried(&home, &format!("aileron {line}"))[0].code, 0, "{line}");
        }
        for name in ["home", "work"] {
            tried(&home, &format!("aileron binding inspect oauth2/tea/{name}"));
        }
    }
}

#[test]
fn nothing_a_server_says_acts() {
    let home = TestHome::with_tea();
    home.git(&["remote", "add", "origin", "https://github.com/acme/aileron-connector-tea.git"]);
    let all = all();
    for text in [HOSTILE[4], HOSTILE[12], &all] {
        let document = json!({
            "message": text, "full_name": text, "default_branch": text, "documentation_url": text,
            "errors": [{"message": text, "code": text, "field": text}, text],
            "permissions": {"push": true}, "object": {"sha": text, "type": text}, "name": text, "tag_name": text,
        });
        for status in ["200 OK", "401 Unauthorized", "403 Forbidden", "409 Conflict", "422 Unprocessable"] {
            let (status, body) = (status.to_owned(), document.to_string());
            let server = Scripted::start(move |_| Answer::with(&status, "Content-Type: application/json\r\n", &body));
            let base = server.base();
            let at = format!("GITHUB_TOKEN=t0ken GITHUB_API_URL={base} GITHUB_SERVER_URL={base}");
            tried_at(&home, &at, "aileron-pub -C tea status v0.1.0");
            tried_at(&home, &at, "aileron action add github://acme/tea/actions/x");
        }
        let body = json!({"versions": [text]}).to_string();
        let server = Scripted::start(move |_| Answer::ok(&body));
        tried(&home, &format!("aileron action add github://acme/tea/actions/x --from {}", server.base()));
    }
}

fn tried_at(home: &TestHome, variables: &str, line: &str) {
    for mode in MODES {
        let (variable, flag) = if mode.contains('=') { (mode, "") } else { ("", mode) };
        let line = format!("{variable} {variables} {line} {flag}");
        harmless(&home.run(line.trim()), mode, &line);
    }
}

#[test]
fn nothing_that_was_typed_acts() {
    let home = TestHome::new();
    for text in HOSTILE.iter().filter(|text| !text.contains('\0')) {
        for words in [
            vec!["aileron-pub", text],
            vec!["aileron-pub", "check", "--allow", text],
            vec!["aileron-pub", "release", text],
            vec!["aileron", "verify", text],
            vec!["aileron", "connector", "install", text],
            vec!["aileron", "action", "run", text],
            vec!["aileron", "hub", text],
            vec!["aileron", "hub", "show", text, "--catalog", text],
            vec!["aileron", "vault", "init", "--passphrase-file", text],
            vec!["aileron", "vault", "put", text],
            vec!["aileron", "vault", "delete", text, "--yes"],
            vec!["aileron", "secret", "set", text],
            vec!["aileron", "binding", "inspect", text],
            vec!["aileron", "keyring", text],
            vec!["aileron", "keyring", "trust", text, "--from", text],
        ] {
            for mode in MODES {
                let mut command = home.command(words[0]);
                command.args(&words[1..]);
                match mode {
                    "--json" => drop(command.arg(mode)),
                    mode if mode.contains('=') => drop(command.env("GITHUB_ACTIONS", "true")),
                    _ => {}
                }
                let line = words.join(" ");
                harmless(&home.finish(command, &line), mode, &line);
            }
        }
    }
}
