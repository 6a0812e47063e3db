//! What the program makes of the network, as a person meets it: answers, roots and proxies from the environment.

use aileron_testkit::home::TestHome;
use aileron_testkit::scripted::{Answer, Identity, Scripted};
use aileron_testkit::{Toy, pack};

/// A home that trusts the toy's publisher, and the line that fetches its connector.
fn home(server: &Scripted) -> (TestHome, String) {
    let home = TestHome::new();
    let toy = Toy::default();
    home.write("toy.pub", toy.publisher.key().to_pem());
    (home, format!("aileron verify {} --key toy.pub --json --quiet --from {}", toy.reference(), server.base()))
}

#[test] // artifacts.md §8 and §10: 404, 403 and 500 are three answers, and a page is no archive
fn each_answer_has_its_class_its_exit_and_a_next_step() {
    for (answer, exit, class, retriable, next) in [
        (Answer::status("404 Not Found"), 4, "fetch_failed", false, "check the name and the version"),
        (Answer::status("403 Forbidden"), 4, "fetch_failed", false, "the server wants to know who asks"),
        (Answer::status("500 Oops"), 4, "fetch_failed", true, "run the same command again"),
        (Answer::Bytes(Vec::new()), 4, "fetch_failed", true, "run the same command again"),
        (Answer::redirect("file:///etc/passwd"), 4, "fetch_failed", false, "name another mirror"),
        (Answer::ok("<!doctype html>"), 3, "malformed_tarball", false, "sign in"),
        (Answer::ok("no archive"), 3, "malformed_tarball", false, "fetch the archive again"),
    ] {
        let server = Scripted::start(move |_| answer.clone());
        let (home, line) = home(&server);
        let ran = home.run(&line);
        let error = &ran.json()["error"];
        assert_eq!(
            (ran.code, error["class"].as_str(), error["retriable"].as_bool()),
            (exit, Some(class), Some(retriable))
        );
        assert!(error["next"].as_str().unwrap().contains(next), "{error}");
        assert_eq!(error["boundary"], if class == "fetch_failed" { "external" } else { "runtime" }, "{error}");
    }
}

#[test] // artifacts.md §10
fn a_private_authority_is_named_by_ssl_cert_file() {
    let identity = Identity::new();
    let archive = pack(&Toy::default().connector());
    let server = Scripted::with_tls(&identity, move |_| Answer::ok(&archive));
    let (home, line) = home(&server);
    let unknown = home.run(&line);
    let message = unknown.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(unknown.code == 4 && message.contains("SSL_CERT_FILE"), "{message}");
    let known = home.ok(&format!("SSL_CERT_FILE={} {line}", identity.authority().display()));
    assert_eq!(known.json()["verdict"], "verified");
}

#[test]
fn proxies_are_those_of_the_environment() {
    let proxy = Scripted::start(|_| Answer::status("502 Bad Gateway"));
    let home = TestHome::new();
    home.write("toy.pub", Toy::default().publisher.key().to_pem());
    let line = format!("aileron verify {} --key toy.pub --json --quiet", Toy::default().reference());
    let ran = home.run(&format!("HTTPS_PROXY={} GITHUB_TOKEN=t0ken {line}", proxy.base()));
    assert_eq!((ran.code, ran.json()["error"]["retriable"].as_bool()), (4, Some(true)), "{}", ran.stdout);
    let [asked] = &proxy.seen()[..] else { panic!("one question, {:?}", proxy.seen()) };
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("CONNECT", "github.com:443"));
    assert_eq!(asked.header("authorization"), None);

    let mirror = Scripted::start(|_| Answer::ok("no archive"));
    let past = format!("HTTP_PROXY={} NO_PROXY=127.0.0.1 {line} --from {}", proxy.base(), mirror.base());
    assert_eq!(home.run(&past).code, 3);
    assert_eq!((proxy.seen().len(), mirror.seen().len()), (1, 1), "NO_PROXY goes past the proxy");
}
