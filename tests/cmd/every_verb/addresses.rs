//! An address may hold a user's name, a password or a token: no verb shows them, on the screen or in JSON. artifacts.md §8.

use aileron_testkit::home::{Ran, TestHome};
use aileron_testkit::scripted::{Answer, Scripted};
use aileron_testkit::{Toy, pack};

/// Addresses with a secret in them, and a word that must be left.
const ADDRESSES: [(&str, &str); 10] = [
    ("http://robert:5ecret-part@127.0.0.1:9", "127.0.0.1:9"),
    ("http://5ecret-part@127.0.0.1:9/m", "127.0.0.1:9/m"),
    ("http://127.0.0.1:9/m?token=5ecret-part", "127.0.0.1:9/m"),
    ("http://127.0.0.1:9/m#5ecret-part", "127.0.0.1:9/m"),
    ("https://robert:5ecret-part@127.0.0.1:9/x.git", "127.0.0.1:9"),
    ("https://robert:5ecret-part@[bad/x", "[bad"),
    ("https://robert:5ecret-part@ho%20st:x/y", "ho%20st"),
    ("http://robert:5ecret-part@192.0.2.1/", "192.0.2.1"),
    ("http://robert:5ecret%2Dpart@127.0.0.1:9", "127.0.0.1:9"),
    ("HTTP://robert:5ecret-part@127.0.0.1:9", "127.0.0.1:9"),
];

#[test] // artifacts.md §8
fn no_verb_shows_a_password_or_a_query_of_an_address() {
    let home = TestHome::with_tea();
    home.write("toy.pub", Toy::default().publisher.key().to_pem());
    for (address, _) in ADDRESSES {
        for line in [
            format!("aileron verify github://acme/echo@1.2.3 --key toy.pub --from {address}"),
            format!("aileron action add github://acme/echo/actions/say --from {address}"),
            format!("aileron connector install github://acme/echo@1.2.3 --from {address}"),
            format!("AILERON_MIRROR={address} aileron keyring trust github://acme/echo"),
            format!("aileron hub search tea --catalog {address}"),
            format!("aileron keyring trust github://acme --catalog {address}"),
            format!("GITHUB_TOKEN=x aileron-pub -C tea status v0.1.0 --api-url {address} --max-wait 1s"),
            format!(
                "GITHUB_TOKEN=x GITHUB_API_URL={address} GITHUB_SERVER_URL={address} aileron-pub -C tea status v0.1.0 --max-wait 1s"
            ),
            format!(
                "GITHUB_API_URL={address} GITHUB_SERVER_URL={address} aileron verify github://acme/echo@1.2.3 --key toy.pub"
            ),
            format!("HTTPS_PROXY={address} aileron verify github://acme/echo@1.2.3 --key toy.pub"),
        ] {
            for flag in ["", " --json"] {
                clean(&home.run(&format!("{line}{flag}")), &line);
            }
        }
        home.git(&["config", "remote.origin.url", address]);
        clean(&home.run("aileron-pub -C tea check"), address);
        clean(&home.run("aileron-pub -C tea check --json"), address);
    }
}

#[test]
fn a_mirror_that_answers_is_named_without_its_password() {
    let toy = Toy::default();
    let (connector, key) = (pack(&toy.connector()), toy.publisher.key().to_pem());
    let server = Scripted::start(move |asked| match asked.target.split('?').next().unwrap_or_default() {
        target if target.ends_with("publisher.pub") => Answer::ok(&key),
        target if target.contains("releases/download/v1.2.3/aileron.tar.gz") => Answer::ok(&connector),
        _ => Answer::status("404 Not Found"),
    });
    let home = TestHome::new();
    home.write("toy.pub", toy.publisher.key().to_pem());
    let at = server.base().replace("http://", "http://robert:5ecret-part@");
    for (line, shows) in [
        (format!("aileron connector install github://acme/echo@1.2.3 --from {at}"), true),
        (format!("aileron keyring trust --from {at} github://acme/echo"), true),
        (format!("aileron keyring trust --json --from {at} github://acme/echo"), true),
        (format!("aileron verify github://acme/echo@1.2.3 --key toy.pub --from {at}"), false),
        (format!("aileron action add github://acme/echo/actions/no --yes --from {at}"), true),
    ] {
        let ran = home.run(&line);
        clean(&ran, &line);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!shows || said.contains(&server.address().to_string()), "{line}\n{said}");
    }
}

fn clean(ran: &Ran, line: &str) {
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains("5ecret") && !text.contains("robert"), "{line}\n{text}");
    }
}
