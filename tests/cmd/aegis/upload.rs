//! `aegis upload` against a model host: every answer of aegis-bundle.md §11, and the token in no output.

use aileron_testkit::aegis::bundle::{Bundle, host, trusted_line};
use aileron_testkit::aegis::model::{HostModel, Starts};
use aileron_testkit::aegis::{FakeHost, TOKEN, USER_TOKEN};
use aileron_testkit::home::{Ran, TestHome};
use aileron_testkit::scripted::{Answer, Scripted};
use aileron_verifier::aegis::Kind::{Connector, Plugin};
use aileron_verifier::aegis::upload::Host;
use serde_json::json;

const ID: &str = "org.example.plugins.toy";

/// A person with a bundle and a token.
struct Uploader {
    home: TestHome,
}

impl Uploader {
    fn new(bundle: &Bundle) -> Uploader {
        let home = TestHome::new();
        home.write("token", TOKEN);
        home.write("toy.zip", bundle.zip());
        Uploader { home }
    }

    /// Runs an upload, and asserts what is true of every one: nothing is written, and nobody sees the token.
    fn run(&self, base: &str, flags: &str) -> Ran {
        let before = self.home.files();
        let ran = self.home.run(&format!("aileron-pub aegis upload toy.zip --to {base} --token-file token {flags}"));
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(TOKEN) && !text.contains("5ession"), "the token is shown: {ran}");
        }
        assert_eq!(self.home.files(), before, "{ran}");
        ran
    }

    /// The same, with its document.
    fn document(&self, base: &str, flags: &str) -> (i32, serde_json::Value) {
        let ran = self.run(base, &format!("{flags} --json"));
        (ran.code, ran.json())
    }
}

fn running() -> FakeHost {
    FakeHost::start(HostModel::new(host()))
}

#[test] // aegis-bundle.md §11.1, §11.2
fn a_bundle_is_sent_once_to_its_kinds_address_and_the_host_has_it_ready() {
    for (kind, path, member) in
        [(Plugin, "/api/plugins/upload", "plugin"), (Connector, "/api/connectors/packages/upload", "connector")]
    {
        let uploader = Uploader::new(&Bundle { kind, ..Bundle::signed() });
        let host = running();
        let ran = uploader.run(&host.base(), "");
        assert_eq!(ran.code, 0, "{ran}");
        for says in [&format!("uploaded toy.zip to {}", host.base()), "ready", "verified by the host", "next: "] {
            assert!(ran.stdout.contains(says), "{says}: {ran}");
        }
        let seen = host.seen();
        let request = &seen[0];
        assert_eq!((seen.len(), request.method.as_str(), request.target.as_str()), (1, "POST", path));
        assert_eq!(request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
        assert_eq!(host.model().package(kind, ID).map(|package| package.state), Some("ready"));
        // The same again is no second installation.
        let (code, document) = uploader.document(&host.base(), "");
        assert_eq!((code, &document["kind"], &document["state"]), (0, &json!(member), &json!("ready")));
        assert_eq!(host.model().started, 1);
    }
}

#[test] // aegis-bundle.md §11.3
fn a_package_that_waits_and_one_that_does_not_run_are_told_apart_with_what_to_do() {
    let uploader = Uploader::new(&Bundle::signed());
    let host = running();
    assert_eq!(uploader.run(&host.base(), "").code, 0);
    host.model().use_it(Plugin, ID);
    uploader.home.write("toy.zip", Bundle { version: "1.1.0", library: b"newer".to_vec(), ..Bundle::signed() }.zip());
    let waits = uploader.run(&host.base(), "");
    assert_eq!(waits.code, 5, "{waits}");
    for says in ["runs the old one until it is restarted", "Restart Aegis to activate", "next: restart Squad Aegis"] {
        assert!(waits.stderr.contains(says), "{waits}");
    }
    host.model().restart();
    assert_eq!(uploader.run(&host.base(), "").code, 0, "after the restart the same command says that it is ready");

    for (starts, says, cure) in [
        (Starts::As("other".to_owned()), "reported id \\\"other\\\"", "GetDefinition return exactly the manifest's id"),
        (Starts::Not("handshake failed".to_owned()), "handshake failed", "aegis try"),
    ] {
        let host = running();
        host.model().starts = starts;
        let (code, document) = uploader.document(&host.base(), "");
        assert_eq!(
            (code, &document["state"], &document["error"]["class"]),
            (1, &json!("error"), &json!("publish_failed"))
        );
        let error = document["error"].to_string();
        assert!(error.contains(says) && error.contains(cure), "{error}");
    }
}

#[test] // aegis-bundle.md §15, item 9
fn a_host_that_kept_the_old_signature_is_told() {
    let uploader = Uploader::new(&Bundle::signed());
    let host = running();
    assert_eq!(uploader.run(&host.base(), "").code, 0);
    uploader.home.write("toy.zip", Bundle { key_id: Some("ops-key-2"), ..Bundle::signed() }.zip());
    let ran = uploader.run(&host.base(), "");
    assert!(
        ran.code == 0 && ran.stdout.contains("warning: the host kept the package it had, signed with key ops-key-1"),
        "{ran}"
    );
}

#[test] // aegis-bundle.md §2.5, §11.1: to the byte
fn a_bundle_at_the_limit_is_taken_with_its_framing_and_one_byte_more_is_refused_here() {
    let uploader = Uploader::new(&Bundle::signed());
    let size = uploader.home.path("toy.zip").metadata().unwrap().len() as i64;
    let limited = |max_upload_size: i64| FakeHost::start(HostModel::new(Host { max_upload_size, ..host() }));
    let host = limited(size);
    let ran = uploader.run(&host.base(), &format!("--max-upload-size {size}"));
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(host.seen()[0].body.len() as i64, size + 195, "within the 1024 bytes that are allowed for it");
    let host = limited(size - 1);
    let refused = uploader.run(&host.base(), &format!("--max-upload-size {}", size - 1));
    assert!(refused.code == 3 && refused.stderr.contains("nothing was sent") && host.seen().is_empty(), "{refused}");
    // A host that takes less than it was told to take says so, by its answer or by not seeing the form.
    for (less, says) in
        [(1, "its limit is"), (1024 - 195, "its limit is"), (1024 - 195 + 1, "No plugin bundle provided")]
    {
        let host = limited(size - less);
        let refused = uploader.run(&host.base(), "");
        assert!(refused.code == 3 && refused.stderr.contains(says), "{less}: {refused}");
        assert!(refused.stderr.contains("max_upload_size"), "{refused}");
    }
}

#[test] // aegis-bundle.md §2.2, §8.4
fn what_the_host_would_refuse_is_refused_before_anything_is_sent() {
    let good = Bundle::signed();
    let expired = Bundle { valid: ["2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z"], ..good.clone() };
    for (bundle, flags, class, says) in [
        (Bundle { id: "fog_of_war", ..good.clone() }, "", "validation_error", "conflicts with a bundled plugin"),
        (Bundle { version: "v1", ..good.clone() }, "", "validation_error", "is ambiguous after runtime sanitization"),
        (Bundle { key_id: None, ..good.clone() }, "", "signature_failure", "unsigned sideloads are disabled"),
        (expired, "", "signature_failure", "plugin signature expired at 2020-02-01T00:00:00Z"),
        (good.clone(), "--trust none", "signature_failure", "unsigned sideloads are disabled"),
        (good.clone(), "--as connector", "validation_error", "connector manifest is missing connector_id"),
        (good.clone(), "--host linux/riscv64", "validation_error", "host architecture riscv64"),
    ] {
        let host = running();
        let uploader = Uploader::new(&bundle);
        let (code, document) = uploader.document(&host.base(), flags);
        let error = &document["error"];
        assert_eq!((code, error["class"].as_str()), (3, Some(class)), "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(says) && message.ends_with("nothing was sent"), "{message}");
        assert!(host.seen().is_empty());
    }
    let uploader = Uploader::new(&good);
    uploader.home.write("toy.zip", "no zip");
    assert_eq!(uploader.run("https://a.example", "").code, 3);
}

#[test] // aegis-bundle.md §8.4
fn an_unsigned_bundle_needs_its_flag_and_a_host_that_allows_it() {
    let unsigned = Uploader::new(&Bundle { key_id: None, ..Bundle::signed() });
    let host = running();
    let refused = unsigned.run(&host.base(), "--confirm-unsafe");
    assert!(refused.code == 3 && refused.stderr.contains("unsigned sideloads are disabled"), "{refused}");
    assert_eq!(host.seen()[0].target, "/api/plugins/upload?confirm_unsafe=true");
    host.model().host.allow_unsafe = true;
    let taken = unsigned.run(&host.base(), "--confirm-unsafe");
    assert!(taken.code == 0 && taken.stdout.contains("installed as unsafe"), "{taken}");
    // A key that this host does not trust: only the host knows.
    let signed = Uploader::new(&Bundle::signed());
    let host = running();
    host.model().host.trust.trusted = aileron_verifier::aegis::trust_store::TrustStore::read("");
    let refused = signed.run(&host.base(), "");
    assert!(refused.code == 3 && refused.stderr.contains("trusted_signing_keys"), "{refused}");
    host.model().host.allow_unsafe = true;
    let asks = signed.run(&host.base(), "");
    assert!(asks.code == 3 && asks.stderr.contains("--confirm-unsafe"), "{asks}");
}

#[test] // aegis-bundle.md §11.1, §11.2
fn a_token_that_is_no_good_and_a_limit_are_told_with_what_to_do() {
    let uploader = Uploader::new(&Bundle::signed());
    let host = running();
    host.model().expired.insert(TOKEN);
    let (code, document) = uploader.document(&host.base(), "");
    assert_eq!((code, &document["error"]["retriable"]), (1, &json!(false)));
    assert!(document["error"]["message"].as_str().unwrap().contains("401: invalid or expired"), "{document}");
    host.model().expired.clear();
    uploader.home.write("token", USER_TOKEN);
    let (code, document) = uploader.document(&host.base(), "");
    assert!(code == 1 && document["error"]["next"].as_str().unwrap().contains("super admin"), "{document}");
    uploader.home.write("token", format!("{TOKEN}\n"));
    for _ in 0..3 {
        assert_eq!(uploader.run(&host.base(), "").code, 0);
    }
    let (code, document) = uploader.document(&host.base(), "");
    let error = &document["error"];
    assert_eq!((code, &error["class"], &error["retriable"]), (5, &json!("rate_limited"), &json!(true)), "{error}");
    host.model().passes(6);
    assert_eq!(uploader.run(&host.base(), "").code, 0);
}

#[test]
fn whatever_else_answers_is_told_and_the_token_it_repeats_is_not() {
    let html =
        |status: &str| Answer::with(status, "Content-Type: text/html\r\n", "<html><h1>5ession-t0ken-of-a-super-admin");
    let cut = || Answer::with("200 OK", "Content-Length: 1000\r\n", "{\"message\"");
    let echo = format!(r#"{{"message":"bad {TOKEN}","data":{{"error":"no session {TOKEN}"}}}}"#);
    for (answer, code, says) in [
        (html("200 OK"), 1, "a page of HTML"),
        (html("404 Not Found"), 4, "no upload of bundles"),
        (html("413 Payload Too Large"), 3, "client_max_body_size"),
        (html("502 Bad Gateway"), 5, "HTTP 502"),
        (Answer::ok("{\"message\":"), 1, "not the JSON"),
        (Answer::ok(r#"{"message":"ok","data":{"plugin":{"install_state":"melted"}}}"#), 1, "state melted"),
        (cut(), 5, "no answer"),
        (Answer::Bytes(Vec::new()), 5, "whether this one arrived is not known"),
        (Answer::with("400 Bad Request", "", echo), 3, "no session ***"),
        (Answer::redirect(&format!("https://b.example/{TOKEN}?t={TOKEN}")), 1, "https://b.example/***"),
        (Answer::with("307 Temporary Redirect", "Location: /again\r\nContent-Length: 0\r\n", ""), 1, "HTTP 307"),
    ] {
        let server = Scripted::start(move |_| answer.clone());
        let uploader = Uploader::new(&Bundle::signed());
        for flags in ["", "--json"] {
            let ran = uploader.run(&server.base(), flags);
            assert!(ran.code == code && format!("{}{}", ran.stdout, ran.stderr).contains(says), "{says}: {ran}");
        }
        assert_eq!(server.seen().len(), 2, "a redirect is not followed, and nothing is sent twice");
    }
    let uploader = Uploader::new(&Bundle::signed());
    assert_eq!(uploader.run("http://127.0.0.1:1", "").code, 5);
}

#[test]
fn what_is_for_this_machine_goes_through_no_proxy() {
    let uploader = Uploader::new(&Bundle::signed());
    let (host, proxy) = (running(), Scripted::start(|_| Answer::status("502 Bad Gateway")));
    let line = format!(
        "HTTP_PROXY={0} ALL_PROXY={0} aileron-pub aegis upload toy.zip --to {1} --token-file token",
        proxy.base(),
        host.base()
    );
    uploader.home.ok(&line);
    assert_eq!((host.seen().len(), proxy.seen().len()), (1, 0));
}

#[test]
fn an_address_and_a_token_are_refused_before_anything_is_sent() {
    let uploader = Uploader::new(&Bundle::signed());
    for (base, says) in [
        ("http://a.example", "https://"),
        ("https://bob:hunter2@a.example", "--token-file"),
        ("https://a.example?x", "base address"),
        ("ftp://a.example", "https://"),
    ] {
        let refused = uploader.run(base, "");
        assert!(refused.code == 2 && refused.stderr.contains(says), "{refused}");
    }
    let host = running();
    for (token, says) in [("", "it is empty"), ("two 5ession words", "one word"), ("a\nb", "one word")] {
        uploader.home.write("token", token);
        let refused = uploader.run(&host.base(), "");
        assert!(refused.code == 2 && refused.stderr.contains(says), "{refused}");
    }
    assert!(host.seen().is_empty());
    std::fs::remove_file(uploader.home.path("token")).unwrap();
    assert_eq!(uploader.run(&host.base(), "").code, 1);
    let missing = uploader.home.run("aileron-pub aegis upload toy.zip --to https://a.example");
    assert!(missing.code == 2 && missing.stderr.contains("--token-file"), "{missing}");
    // Standard input, as a password manager writes it.
    let line =
        format!("aileron-pub aegis upload toy.zip --to {} --token-file - --trust {}", host.base(), trusted_line());
    let taken = uploader.home.answered(&format!("{TOKEN}\n"), &line);
    assert!(taken.code == 0 && !taken.stdout.contains(TOKEN), "{taken}");
}
