//! `keyring`, row by row of the conformance list of keyring.md §13 (C1 to C25), as processes with a home of their own.
//!
//! Keys come from a mirror directory, a catalog's addresses, or a server that answers one status.

mod file;

use std::path::Path;
use std::process::Command;

use aileron_testkit::scripted::{Answer, Identity, Scripted};

use crate::keyring::home::{EXAMPLE, Home, KR, KR_FINGERPRINT, OTHER, pem};

fn answering(status: &'static str) -> Scripted {
    Scripted::start(move |_| Answer::status(status))
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
    let said_before = format!(
        "granting github://example: key {KR_FINGERPRINT} from HOME/mirror/example/repo/HEAD/keys/publisher.pub will verify every connector this publisher ships\n"
    );
    assert_eq!((first.exit, first.out, first.err), (0, expected, said_before));
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
        let said = home.run_from(&answering(status).base(), &["trust", "github://example/repo"]);
        assert_eq!(said.exit, 1);
        assert!(words.iter().all(|word| said.err.contains(word)), "{}", said.err);
        assert!(said.err.starts_with("error: fetch publisher key for github://example/repo: GET http"), "{}", said.err);
    }
    for (file, words) in [("not a key", "decoded 5 bytes"), ("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "small")] {
        home.serve(file);
        let said = home.run(&["trust", "github://example/repo"]);
        assert!(said.exit == 1 && said.err.contains(words), "{}", said.err);
    }
    let file = home.0.home().join("publisher.pub");
    std::fs::write(&file, pem(KR)).unwrap();
    let file = file.to_str().unwrap();
    let none = home.run(&["trust", "--key-file", "/nonexistent", "github://example"]);
    assert_eq!(none.err, "error: read key file /nonexistent: there is no such file\n");
    let no_pub = home.0.home().join("no.pub");
    std::fs::write(&no_pub, "not a key").unwrap();
    let no_key = home.run(&["trust", "--key-file", path(&no_pub), "github://example"]);
    assert!(no_key.err.starts_with("error: parse key file HOME/no.pub: decoded 5 bytes;"), "{}", no_key.err);
    let pinned = home.run(&["trust", "--key-file", file, "--fingerprint", "sha256:other", "github://example"]);
    assert!(pinned.exit == 1 && pinned.err.contains(KR_FINGERPRINT), "{}", pinned.err);
    assert!(!home.ring().exists(), "nothing was trusted so far");

    let owner = home.run(&["trust", "-key-file", file, "-fingerprint", KR_FINGERPRINT, "github://example/"]);
    assert_eq!(owner.exit, 0, "{}", owner.err);
    assert!(home.saved().contains("\"github://example\": ["), "{}", home.saved());
    let narrow = home.run(&["trust", "--repo-only", "--key-file", file, "github://zeta/widget"]);
    assert!(
        narrow.out.contains("Trusted publisher github://zeta/widget\n  This covers this repository only."),
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
    let homeless = |args: &[&str]| {
        let ran = Command::new(env!("CARGO_BIN_EXE_aileron")).arg("keyring").args(args).env_clear().output().unwrap();
        (ran.status.code(), String::from_utf8(ran.stderr).unwrap())
    };
    let key = home.0.home().join("key");
    std::fs::write(&key, KR).unwrap();
    let unknown = "error: cannot determine home directory";
    assert_eq!(homeless(&["list"]), (Some(1), format!("{unknown}\n")));
    assert_eq!(homeless(&["revoke", "github://x"]), (Some(1), format!("{unknown}\n")));
    assert_eq!(
        homeless(&["trust", "--key-file", path(&key), "github://x"]),
        (Some(1), format!("{unknown}; set $HOME or write ~/.aileron/keyring.json by hand\n"))
    );
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
    let archive = home.0.home().join("aileron.tar.gz");
    let toy = aileron_testkit::Toy::default();
    std::fs::write(&archive, aileron_testkit::pack(&toy.connector())).unwrap();
    let key = home.0.home().join("publisher.pub");
    std::fs::write(&key, toy.publisher.key().to_pem()).unwrap();
    let verify = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aileron"));
        command.arg("verify").arg(&archive).env_clear().env("HOME", home.0.home()).output().unwrap().status.code()
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

#[test] // C11, C12
fn a_bare_owner_is_looked_up_in_the_catalog() {
    let home = Home::new();
    let trust =
        |home: &Home, variables: &[(&str, &str)]| home.aileron(&["keyring", "trust", "github://example"], variables);
    let unanswered = "query Hub for publisher github://example; trust via a specific connector, e.g. keyring trust github://example/<repo>";
    let none = trust(&home, &[]);
    let expected = format!(
        "error: hub: no catalog is configured; set hub.url in HOME/.aileron/config.yaml, or pass --catalog DIR|URL\nerror: {unanswered}\n"
    );
    assert_eq!((none.exit, none.err), (1, expected));
    home.configure(path(&home.catalog()));
    let gone = trust(&home, &[]);
    assert_eq!(gone.exit, 1);
    assert!(gone.err.starts_with("error: hub: read HOME/catalog: ") && gone.err.contains(unanswered), "{}", gone.err);

    let identity = Identity::new();
    let server = Scripted::with_tls(&identity, |request| match request.target.as_str() {
        "/good" => Answer::ok(pem(KR)),
        "/evil" => Answer::ok(pem(OTHER)),
        _ => Answer::status("404 Not Found"),
    });
    let at = |path: &str| format!("{}{path}", server.base());
    // Lower names come first, and claim to be the same publisher; a scheme is a domain of its own.
    home.list_connector("github://aaa/claims", "example", &at("/evil"));
    home.list_connector("gitlab://example/other", "example", &at("/evil"));
    home.list_connector("github://example/a-keyless", "example", "");
    let roots = identity.authority();
    let roots = [("SSL_CERT_FILE", path(&roots))];
    let no_entry = trust(&home, &roots);
    let expected = "error: no Hub entry with a publisher key for github://example; trust via a specific connector, e.g. keyring trust github://example/<repo>\n";
    assert_eq!((no_entry.exit, no_entry.err.as_str()), (1, expected));
    home.list_connector("github://example/b", "example", &at("/good"));
    home.list_connector("github://example/c", "example", &at("/evil"));
    let trusted = trust(&home, &roots);
    assert_eq!(trusted.exit, 0, "{}", trusted.err);
    assert!(
        trusted.out.contains(KR_FINGERPRINT) && home.saved().contains("\"github://example\": ["),
        "{}",
        home.saved()
    );
    assert!(server.seen().iter().all(|request| request.header("authorization").is_none()));

    // The first match decides: what it cannot serve, no other entry supplies.
    home.list_connector("github://example/b", "example", &at("/gone"));
    let failed = trust(&home, &roots);
    let start = format!(
        "error: fetch publisher key from {0} (Hub key_url for github://example): GET {0}: HTTP 404",
        at("/gone")
    );
    assert!(failed.exit == 1 && failed.err.starts_with(&start), "{}", failed.err);
    home.list_connector("github://example/b", "example", "http://example.com/key");
    let plain = trust(&home, &roots);
    assert!(plain.exit == 1 && plain.err.contains("is not an https:// URL"), "{}", plain.err);
    // Without the private authority there is no key either.
    home.list_connector("github://example/b", "example", &at("/good"));
    let unknown = trust(&home, &[]);
    assert!(unknown.exit == 1 && unknown.err.contains("SSL_CERT_FILE"), "{}", unknown.err);
    // A mirror stands in for the entry's address.
    home.list_connector("github://example/a-keyless", "example", "https://localhost:1/nobody");
    std::fs::create_dir_all(home.mirror().join("example/a-keyless/HEAD/keys")).unwrap();
    std::fs::write(home.mirror().join("example/a-keyless/HEAD/keys/publisher.pub"), pem(OTHER)).unwrap();
    let mirrored = trust(&home, &[("AILERON_MIRROR", path(&home.mirror()))]);
    assert!(mirrored.exit == 0 && home.saved().contains(OTHER), "{}", mirrored.err);
}

#[test] // C24: Flight Plans are not kept here, and what contradicts itself is refused in the words of the specification
fn trusting_a_plan_is_refused_with_the_reason() {
    let home = Home::new();
    for (args, words) in [
        (&["--plan", "p", "--key-file", "f"][..], "error: --plan and --key-file are mutually exclusive"),
        (&["--plan", "p", "github://a/b"], "error: --plan takes no authority argument"),
        (
            &["--plan", "p"],
            "error: there is no frozen plan \"p\": this program keeps no Flight Plans\nnext: aileron keyring",
        ),
    ] {
        let said = home.run(&[&["trust"], args].concat());
        assert!(said.exit == 1 && said.err.starts_with(words), "{args:?}: {}", said.err);
    }
    assert!(!home.ring().exists());
}

#[test] // C25
fn a_repository_with_another_key_is_mentioned_when_the_owner_is_trusted_already() {
    let ring = |key: &str| {
        format!(
            r#"{{"version": 2, "owners": {{"github://example": ["{KR}"]}}, "publishers": {{"github://example/x": ["{key}"], "github://else/y": ["{OTHER}"]}}}}"#
        )
    };
    let home = Home::with_ring(&ring(OTHER));
    home.serve(&pem(KR));
    let said = home.run(&["trust", "github://example/repo"]);
    let expected = format!(
        "Publisher already trusted: github://example\n  Fingerprint: {KR_FINGERPRINT}\n  Keyring: RING\n  Note: github://example already has per-repo grant(s) with a DIFFERENT key: github://example/x\n        If a plan you froze/published still refuses to launch, trust its own\n        signing key with `aileron keyring trust --plan <name>`.\n"
    );
    assert_eq!((said.exit, said.out), (0, expected));
    let home = Home::with_ring(&ring(KR));
    home.serve(&pem(KR));
    assert!(!home.run(&["trust", "github://example/repo"]).out.contains("Note:"));
}
