//! One transcript per verb. `SNAPSHOTS=overwrite` writes them anew.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;

use super::{PASSPHRASE, file, vector, with_vault, without_terminal};
use crate::house::House;

struct Session {
    house: House,
    text: String,
}

impl Session {
    fn new(house: House) -> Session {
        Session { house, text: String::new() }
    }

    fn note(&mut self, words: &str) -> &mut Session {
        write!(self.text, "{}# {words}\n\n", if self.text.is_empty() { "" } else { "\n" }).unwrap();
        self
    }

    fn run(&mut self, line: &str) -> &mut Session {
        self.answer("", line)
    }

    /// With this on standard input.
    fn answer(&mut self, input: &str, line: &str) -> &mut Session {
        let mut command = without_terminal(&self.house, line.strip_prefix("aileron ").unwrap());
        self.house.write("input", input);
        command.stdin(Stdio::from(std::fs::File::open(self.house.path("input")).unwrap()));
        let ran = self.house.finish(command, line);
        let errors: String = ran.stderr.lines().map(|line| format!("! {line}").trim_end().to_owned() + "\n").collect();
        let end = if ran.stdout.is_empty() || ran.stdout.ends_with('\n') { "" } else { "\n" };
        self.text.push_str(&self.house.redacted(&format!("$ {line}\n{}{end}{errors}? {}\n", ran.stdout, ran.code)));
        self
    }

    fn is(&self, name: &str) {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cmd/vault/transcripts").join(format!("{name}.txt"));
        let expected = snapbox::Data::read_from(&file, Some(snapbox::data::DataFormat::Text));
        snapbox::Assert::new().action_env(snapbox::assert::DEFAULT_ACTION_ENV).eq(self.text.clone(), expected);
    }
}

#[test] // vault.md §6.3; V1, V2, V6
fn a_vault_from_its_making_to_its_end() {
    let mut session = Session::new(House::empty());
    session.note("nothing yet: listing needs no vault");
    for line in ["vault list", "secret list", "binding list", "status vault", "binding inspect oauth2/tea/home"] {
        session.run(&format!("aileron {line}"));
    }
    session.run("aileron vault delete user/tea --yes").run("aileron vault reset").run("aileron vault rekey");
    session.house.write("passphrase.txt", format!("{PASSPHRASE}\n"));
    session.house.write("short.txt", "tea");
    session.house.write("empty.txt", "\r\n");
    session.note("made").run("aileron vault init --passphrase-file empty.txt");
    session.run("aileron vault init --passphrase-file short.txt");
    session.run("aileron vault init --passphrase-file passphrase.txt");
    session.note("values").house.write("token.txt", "hunter2-token");
    session.run("aileron vault put user/tea --from-file token.txt --passphrase-file short.txt");
    session.run("aileron vault put agents/claude/oauth --from-file token.txt --passphrase-file short.txt");
    session.answer("hunter2-bot\n", "aileron secret set bot-token --passphrase-file short.txt");
    session.answer("", "aileron secret set bot-token --passphrase-file short.txt");
    session.answer("tea\n", "aileron vault put user/coffee --from-file token.txt --passphrase-file -");
    session.run("aileron vault put user/tea --from-file token.txt --passphrase-file passphrase.txt");
    session.run("aileron vault put oauth2/tea/home --from-file token.txt --passphrase-file short.txt");
    session.run("aileron vault put agents/claude/oauth --passphrase-file short.txt");
    session.run("aileron vault list").run("aileron vault list --scope user --prefix user/c").run("aileron secret list");
    session.run("aileron status vault");
    session.note("another passphrase");
    session.run("aileron vault rekey --passphrase-file short.txt --new-passphrase-file passphrase.txt");
    session.run("aileron vault put user/tea --from-file token.txt --passphrase-file short.txt");
    session
        .note("removed")
        .answer("n\n", "aileron vault delete user/tea")
        .answer("y\n", "aileron vault delete user/tea");
    session.run("aileron vault delete user/tea --yes").run("aileron vault delete llm-config/a --yes");
    session.note("given up").answer("yes\n", "aileron vault reset").answer("delete\n", "aileron vault reset");
    session.run("aileron status vault");
    assert!(!file(&session.house).exists());
    session.is("vault");
}

#[test] // vault.md §10.2, §10.3; V24
fn bindings_are_listed_without_a_passphrase() {
    let mut session = Session::new(with_vault());
    let (text, _) = vector("upstream");
    std::fs::write(file(&session.house), text).unwrap();
    session.run("aileron binding list").run("aileron binding list --kind api_key");
    session.run("aileron binding list --connector github://acme/linear --quiet");
    session.run("aileron binding list --connector github://acme/coffee");
    session.run("aileron binding inspect oauth2/tea/home").run("aileron binding inspect aws_sigv4/athena/prod-east");
    session.run("aileron binding inspect agents/claude/oauth").run("aileron vault list");
    session.note("what to do when the passphrase is forgotten").answer("", "aileron vault reset");
    session.is("binding");
}

#[test]
fn help_of_every_verb() {
    let mut session = Session::new(House::empty());
    for verb in [
        "vault",
        "vault init",
        "vault list",
        "vault put",
        "vault delete",
        "vault rekey",
        "vault reset",
        "secret",
        "secret set",
        "secret list",
        "binding",
        "binding list",
        "binding inspect",
        "binding setup",
        "binding rebind",
        "binding revoke",
        "status",
        "status vault",
    ] {
        session.run(&format!("aileron {verb} --help"));
    }
    session.is("help");
}

#[test] // artifacts.md §8
fn every_verb_writes_one_document() {
    let house = with_vault();
    let with = "--passphrase-file passphrase.txt";
    house.write("token.txt", "hunter2-token");
    for (line, command, code, class) in [
        (format!("vault init {with}"), "vault init", 1, "validation_error"),
        (format!("vault put user/tea --from-file token.txt {with}"), "vault put", 0, ""),
        (
            "vault put user/tea --from-file token.txt --passphrase-file token.txt".to_owned(),
            "vault put",
            1,
            "wrong_passphrase",
        ),
        (format!("vault put tea --from-file token.txt {with}"), "vault put", 1, "validation_error"),
        (format!("secret set tea {with}"), "secret set", 1, "validation_error"),
        (format!("secret set te/a {with}"), "secret set", 2, "usage_error"),
        ("vault list".to_owned(), "vault list", 0, ""),
        ("secret list".to_owned(), "secret list", 0, ""),
        ("binding list".to_owned(), "binding list", 0, ""),
        ("binding inspect oauth2/tea/home".to_owned(), "binding inspect", 4, "fetch_failed"),
        ("status vault".to_owned(), "status vault", 0, ""),
        ("vault rekey".to_owned(), "vault rekey", 1, "vault_locked"),
        (format!("vault rekey {with} --new-passphrase-file token.txt"), "vault rekey", 0, ""),
        ("vault delete user/coffee --yes".to_owned(), "vault delete", 4, "fetch_failed"),
        ("vault delete user/tea --yes".to_owned(), "vault delete", 0, ""),
        ("vault reset".to_owned(), "vault reset", 0, ""),
        ("vault".to_owned(), "vault", 2, "usage_error"),
    ] {
        // Nobody can type: there is no controlling terminal.
        let ran = house.finish(without_terminal(&house, &format!("{line} --json")), &line);
        let document = ran.json();
        assert_eq!((ran.code, document["command"].as_str()), (code, Some(command)), "{line}: {document}");
        assert_eq!(document["error"]["class"].as_str().unwrap_or_default(), class, "{line}: {document}");
    }
    std::fs::remove_file(file(&house)).unwrap();
    assert_eq!(house.run("aileron vault rekey --json").json()["error"]["class"], "no_local_vault_file");
    let listed = house.ok("aileron vault list --json").json();
    assert_eq!(listed["entries"], serde_json::json!([]));
}
