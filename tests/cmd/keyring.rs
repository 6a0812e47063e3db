//! `aileron keyring`, row by row of the conformance list of keyring.md §13, as processes with a home of their own.
//!
//! Keys come from a mirror directory or a server that answers one status. Rows C11 and C12 (a bare owner through the Hub)
//! and C24 and C25 (Flight Plans) have no counterpart here: there is no Hub client and there are no plans.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

/// RFC 8032 test 1, and 32 zero bytes' neighbour: 32 × 01.
const KR: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const KR_FINGERPRINT: &str = "sha256:If4x36FUomFia/hUBG/SJx";
const OTHER: &str = "zQ+XqDem9XdybaOJylROIREFydn3+R52NFDRauN6M4w=";

/// keyring.md §1.2, the v2 example.
const EXAMPLE: &str = r#"{
  "version": 2,
  "owners": {
    "github://acme": [
      "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    ]
  },
  "publishers": {
    "github://zeta/widget": [
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
      "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
    ]
  }
}
"#;

struct Home(tempfile::TempDir);

struct Said {
    exit: i32,
    out: String,
    err: String,
}

impl Home {
    fn new() -> Home {
        Home(tempfile::tempdir().unwrap())
    }

    fn with_ring(text: &str) -> Home {
        let home = Home::new();
        std::fs::create_dir(home.0.path().join(".aileron")).unwrap();
        std::fs::write(home.ring(), text).unwrap();
        home
    }

    fn ring(&self) -> PathBuf {
        self.0.path().join(".aileron/keyring.json")
    }

    fn saved(&self) -> String {
        std::fs::read_to_string(self.ring()).unwrap_or_default()
    }

    fn mirror(&self) -> PathBuf {
        self.0.path().join("mirror")
    }

    /// Publishes a key where a mirror of `example/repo` serves it.
    fn serve(&self, text: &str) {
        let path = self.mirror().join("example/repo/HEAD/keys/publisher.pub");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn run(&self, args: &[&str]) -> Said {
        self.run_from(&self.mirror().display().to_string(), args)
    }

    fn run_from(&self, mirror: &str, args: &[&str]) -> Said {
        let ran = Command::new(env!("CARGO_BIN_EXE_aileron"))
            .arg("keyring")
            .args(args)
            .env_clear()
            .env("HOME", self.0.path())
            .env("AILERON_MIRROR", mirror)
            .output()
            .unwrap();
        let shown =
            |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().replace(self.ring().to_str().unwrap(), "RING");
        Said { exit: ran.status.code().unwrap(), out: shown(&ran.stdout), err: shown(&ran.stderr) }
    }
}

fn pem(base64_key: &str) -> String {
    aileron_verifier::key::PublicKey::from_base64(base64_key).unwrap().to_pem()
}

/// A server that answers one request with this status.
fn answering(status: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(answer.as_bytes());
    });
    base
}

#[test] // C1, C2, C3, C7, C8, C17, C22
fn what_is_no_command_is_answered_with_its_usage_and_exit_1() {
    let home = Home::new();
    for (args, expected) in [
        (&[][..], "usage: aileron keyring <trust|list|revoke> [args...]\n"),
        (&["sniff"], "unknown keyring subcommand: \"sniff\"\nusage: aileron keyring <trust|list|revoke> [args...]\n"),
        (&["trust"], "usage: aileron keyring trust "),
        (&["trust", "a", "b"], "usage: aileron keyring trust "),
        (&["trust", ""], "error: authority cannot be empty\n"),
        (&["trust", "--nope", "github://a/b"], "flag provided but not defined: -nope\n"),
        (&["trust", "--key-file"], "flag needs an argument: -key-file\n"),
        (
            &["trust", "not-a-uri"],
            "error: parse authority not-a-uri: scheme \"\" is not recognized (expected one of github://, gitlab://, hub://)\n",
        ),
        (&["trust", "github://"], "error: parse authority github://: missing owner segment\n"),
        (&["list", "x"], "usage: aileron keyring list\n"),
        (&["revoke"], "usage: aileron keyring revoke <authority>  OR  aileron keyring revoke --key <fingerprint>\n"),
        (
            &["revoke", "a", "--key", "f"],
            "usage: aileron keyring revoke <authority>  OR  aileron keyring revoke --key <fingerprint>\n",
        ),
        (
            &["revoke", "--key", "f", "a"],
            "usage: aileron keyring revoke <authority>  OR  aileron keyring revoke --key <fingerprint>\n  (supply exactly one of an authority or --key, not both)\n",
        ),
        (
            &["revoke", "-h"],
            "Usage of keyring revoke:\n  -key string\n    \tRevoke a single key everywhere by its fingerprint (sha256:...)\n",
        ),
    ] {
        let said = home.run(args);
        assert_eq!((said.exit, said.out.as_str()), (1, ""), "{args:?}: {}", said.err);
        let whole = expected.ends_with('\n') && !expected.starts_with("flag");
        assert!(if whole { said.err == expected } else { said.err.starts_with(expected) }, "{args:?}: {}", said.err);
    }
    let said = home.run_from("", &["trust", "gitlab://example/repo"]); // C7
    assert_eq!(said.exit, 1);
    assert!(said.err.contains("auto-fetch supports github:// authorities only (got gitlab://)"), "{}", said.err);
    assert!(!home.ring().exists(), "nothing was written");
}

#[test] // C4, C5, C6
fn trusting_a_repository_grants_its_owner_once_and_appends_a_new_key() {
    let home = Home::new();
    home.serve(&pem(KR));
    let first = home.run(&["trust", "github://example/repo"]);
    let expected = format!(
        "✓ Trusted publisher github://example\n  This covers every connector this publisher ships.\n  Fingerprint: {KR_FINGERPRINT}\n  Keyring: RING\n"
    );
    assert_eq!((first.exit, first.out, first.err), (0, expected, String::new()));
    let saved = home.saved();
    assert!(saved.contains("\"github://example\"") && !saved.contains("github://example/repo"), "{saved}");
    let again = home.run(&["trust", "github://example/repo/actions/x"]);
    let expected =
        format!("Publisher already trusted: github://example\n  Fingerprint: {KR_FINGERPRINT}\n  Keyring: RING\n");
    assert_eq!((again.exit, again.out, home.saved()), (0, expected, saved));
    home.serve(&pem(OTHER));
    assert_eq!(home.run(&["trust", "github://example/repo"]).exit, 0);
    let saved = home.saved();
    assert!(saved.find(KR) < saved.find(OTHER) && saved.contains(OTHER), "{saved}");
}

#[test] // C9, C10, C13; ours: --repo-only, --fingerprint, small-order keys
fn a_key_is_trusted_as_narrowly_as_was_asked_or_not_at_all() {
    let home = Home::new();
    for (status, words) in
        [("404 Not Found", ["HTTP 404", "keys/publisher.pub"]), ("500 Oops", ["HTTP 500", "keys/publisher.pub"])]
    {
        let said = home.run_from(&answering(status), &["trust", "github://example/repo"]);
        assert_eq!(said.exit, 1);
        assert!(words.iter().all(|word| said.err.contains(word)), "{}", said.err);
        assert!(said.err.starts_with("error: fetch publisher key for github://example/repo: GET http"), "{}", said.err);
    }
    for (file, words) in [("not a key", "decoded 5 bytes"), ("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "small")] {
        home.serve(file);
        let said = home.run(&["trust", "github://example/repo"]);
        assert!(said.exit == 1 && said.err.contains(words), "{}", said.err);
    }
    let file = home.0.path().join("publisher.pub");
    std::fs::write(&file, pem(KR)).unwrap();
    let file = file.to_str().unwrap();
    let pinned = home.run(&["trust", "--key-file", file, "--fingerprint", "sha256:other", "github://example"]);
    assert!(pinned.exit == 1 && pinned.err.contains(KR_FINGERPRINT), "{}", pinned.err);
    assert!(!home.ring().exists(), "nothing was trusted so far");

    let owner = home.run(&["trust", "-key-file", file, "-fingerprint", KR_FINGERPRINT, "github://example/"]);
    assert_eq!(owner.exit, 0, "{}", owner.err);
    assert!(home.saved().contains("\"github://example\": ["), "{}", home.saved());
    let narrow = home.run(&["trust", "--repo-only", "--key-file", file, "github://zeta/widget"]);
    assert!(
        narrow.out.contains("Trusted publisher github://zeta/widget\n  This covers this repository alone."),
        "{}",
        narrow.out
    );
}

#[test] // C14, C15, C16
fn list_groups_by_owner_in_byte_order() {
    let nothing = Home::new().run(&["list"]);
    let expected = "No trusted publishers.\n  Keyring: RING\n  Add one with `aileron keyring trust <authority>`.\n";
    assert_eq!((nothing.exit, nothing.out.as_str()), (0, expected));
    let listed = Home::with_ring(EXAMPLE).run(&["list"]);
    let expected = "Trusted publishers (2):
  github://acme  (1 owner key)
    sha256:If4x36FUomFia/hUBG/SJx
  github://zeta  (0 owner keys)
    github://zeta/widget  (2 keys)
      sha256:Zmh6rfhivXdsj8GLjp+OIA
      sha256:cs1uhCLEB/ttCYaQ8RMLfe

Keyring: RING
";
    assert_eq!((listed.exit, listed.out.as_str()), (0, expected));
}

#[test] // C18 to C21
fn revoking_removes_exactly_what_was_named() {
    let home = Home::with_ring(EXAMPLE);
    let said = home.run(&["revoke", "github://acme"]);
    assert_eq!((said.exit, said.out.as_str()), (0, "✓ Revoked publisher github://acme\n  Keyring: RING\n"));
    assert!(!home.saved().contains("acme"));
    let said = home.run(&["revoke", "github://nope/nope"]);
    assert_eq!((said.exit, said.out.as_str()), (0, "Not trusted: github://nope/nope (no change)\n"));
    let said = home.run(&["revoke", "--key", "sha256:none"]);
    assert_eq!((said.exit, said.out.as_str()), (0, "No key with fingerprint sha256:none (no change)\n"));

    let twice = format!(
        r#"{{"version": 2, "owners": {{"github://a": ["{KR}"]}}, "publishers": {{"github://b/c": ["{KR}", "{OTHER}"]}}}}"#
    );
    let home = Home::with_ring(&twice);
    let said = home.run(&["revoke", "--key", KR_FINGERPRINT]);
    let expected = format!("✓ Revoked key {KR_FINGERPRINT} from 2 authorities\n  Keyring: RING\n");
    assert_eq!((said.exit, said.out), (0, expected));
    let saved = home.saved();
    assert!(!saved.contains(KR) && saved.contains(OTHER) && !saved.contains("github://a\""), "{saved}");
}

#[test] // C23, and keyring.md §1.4: what is refused stays as it is
fn what_changes_nothing_leaves_the_file_byte_for_byte() {
    let v1 = format!(r#"{{"version":1,"publishers":{{"github://example":["{KR}"]}}}}"#);
    let home = Home::with_ring(&v1);
    home.serve(&pem(KR));
    for args in
        [&["list"][..], &["trust", "github://example/repo"], &["revoke", "github://x"], &["revoke", "--key", "f"]]
    {
        assert_eq!(home.run(args).exit, 0, "{args:?}");
        assert_eq!(home.saved(), v1, "{args:?}");
    }
    let home = Home::with_ring(r#"{"version":99}"#);
    home.serve(&pem(KR));
    let expected =
        "error: load keyring \"RING\": validation_error: keyring \"RING\": unsupported version 99 (expected 1 or 2)\n";
    for args in [&["list"][..], &["trust", "github://example/repo"], &["revoke", "github://x"]] {
        let said = home.run(args);
        assert_eq!(
            (said.exit, said.err.as_str(), home.saved().as_str()),
            (1, expected, r#"{"version":99}"#),
            "{args:?}"
        );
    }
    let homeless = Command::new(env!("CARGO_BIN_EXE_aileron")).args(["keyring", "list"]).env_clear().output().unwrap();
    assert_eq!(String::from_utf8(homeless.stderr).unwrap(), "error: cannot determine home directory\n");
}

#[test] // artifacts.md §8
fn json_is_one_document_on_every_verb() {
    let home = Home::with_ring(EXAMPLE);
    home.serve(&pem(OTHER));
    for (args, exit) in [
        (&["list", "--json"][..], 0),
        (&["trust", "github://example/repo", "--json"], 0),
        (&["revoke", "--json", "github://acme"], 0),
        (&["revoke", "--json"], 1),
    ] {
        let said = home.run(args);
        let document: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!((said.exit, document["ok"] == true), (exit, exit == 0), "{args:?}: {document}");
        assert!(said.out.starts_with("{\"schema\":1,\"command\":\"keyring "), "{}", said.out);
    }
}

#[test] // keyring.md §1.8: what the ring says counts for the next verdict
fn a_trusted_key_verifies_and_a_revoked_one_no_longer_does() {
    let home = Home::new();
    let archive = home.0.path().join("aileron.tar.gz");
    let toy = aileron_testkit::Toy::default();
    std::fs::write(&archive, aileron_testkit::pack(&toy.connector())).unwrap();
    let key = home.0.path().join("publisher.pub");
    std::fs::write(&key, toy.publisher.key().to_pem()).unwrap();
    let verify = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aileron"));
        command.arg("verify").arg(&archive).env_clear().env("HOME", home.0.path()).output().unwrap().status.code()
    };
    assert_eq!(verify(), Some(3));
    assert_eq!(home.run(&["trust", "--key-file", path(&key), "github://acme"]).exit, 0);
    assert_eq!(verify(), Some(0));
    assert_eq!(home.run(&["revoke", "github://acme"]).exit, 0);
    assert_eq!(verify(), Some(3));
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
