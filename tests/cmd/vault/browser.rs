//! `binding setup` where the manifest says oauth2: the browser, the listener it comes back to, the token endpoint.
//! vault.md §10.4, §11.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, ChildStderr, Command, Stdio};

use aileron_testkit::home::tree::contents;
use aileron_testkit::home::{Ran, TestHome, ended, ok};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::running::{CONNECTOR, run};
use super::{PASSPHRASE, file};
use crate::run::running::{asking, installed};
use crate::run::server::{self, Request, Server, answer};

const ACCESS: &str = "tea-access-0123456789";
const REFRESH: &str = "tea-refresh-0123456789";
const NAME: &str = "oauth2/tea/home";

fn form(request: &Request) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(&request.body).into_owned().collect()
}

/// A provider whose code is `good`, and the service whose tokens it gives.
pub(super) fn provider() -> Server {
    server::http(|request| {
        let code = form(request).get("code").cloned().unwrap_or_default();
        let json = |status: &str, body: serde_json::Value| {
            answer(&format!("{status}\r\nContent-Type: application/json"), body.to_string())
        };
        match (request.target.as_str(), code.as_str()) {
            ("/token", "good") => {
                let tokens = json!({"access_token": ACCESS, "refresh_token": REFRESH, "expires_in": "3600",
                    "token_type": "bearer", "scope": "read"});
                json("200 OK", tokens)
            }
            ("/token", "elsewhere") => answer("307 Temporary Redirect\r\nLocation: /token2", ""),
            ("/token", "under-200") => json("200 OK", json!({"error": "bad_verification_code"})),
            ("/token", code) => {
                let refused = json!({"error": "invalid_grant", "error_description": format!("{code} was used")});
                json("400 Bad Request", refused)
            }
            _ => json("200 OK", json!({"sent": request.headers})),
        }
    })
}

/// A connector that wants tokens of this provider, installed.
pub(super) fn home(provider: &Server) -> TestHome {
    let host = format!("127.0.0.1:{}", provider.port());
    connector(&host, "/authorize?tenant=t", "tea client", &["read", "write"])
}

/// A connector that asks the service at this host, with tokens of the provider there, installed.
pub(super) fn connector(host: &str, authorize: &str, client_id: &str, scopes: &[&str]) -> TestHome {
    let home = TestHome::new();
    {
        let repository = home.scaffold("tea", "wat");
        let capabilities = format!(
            "[capabilities.network]\nhosts = [\"{host}\"]\n[capabilities.credential]\nkind = \"oauth2\"\nscope = \"read\"\n\
             [capabilities.credential.oauth2]\nauthorize_url = \"http://{host}{authorize}\"\n\
             token_url = \"http://{host}/token\"\nclient_id = \"{client_id}\"\nscopes = {scopes:?}\n\
             [capabilities.runtime]\nimports = [\"log\", \"http_request\", \"http_response_size\", \"http_response_read\"]\n"
        );
        asking(&repository, &format!("http://{host}/me"), "oauth2", &capabilities);
        installed(&repository, &home.path("registry"));
    }
    home.write("passphrase.txt", PASSPHRASE);
    home
}

/// A binding of this identity, set up through the browser.
pub(super) fn bound(home: &TestHome, identity: &str) {
    let waiting = Waiting::start(home, &["setup", CONNECTOR, "--identity", identity]);
    visit(&waiting.back("code=good"));
    assert_eq!(waiting.end().code, 0);
}

/// A binding that is authorized again.
pub(super) fn reauthorized(home: &TestHome, name: &str) {
    let waiting = Waiting::start(home, &["reauthorize", name]);
    visit(&waiting.back("code=good"));
    assert_eq!(waiting.end().code, 0);
}

/// A setup that waits for its browser.
struct Waiting {
    child: Child,
    errors: BufReader<ChildStderr>,
    /// What it said before the address.
    before: String,
    /// Where the user is sent.
    url: Url,
}

impl Waiting {
    fn setup(home: &TestHome) -> Waiting {
        Waiting::start(home, &["setup", CONNECTOR, "--identity", "home"])
    }

    fn start(home: &TestHome, verb: &[&str]) -> Waiting {
        let mut command = home.command("setsid");
        command.args(["--wait", env!("CARGO_BIN_EXE_aileron"), "binding"]).args(verb);
        command.args(["--passphrase-file", "passphrase.txt"]);
        Waiting::of(command)
    }

    fn of(mut command: Command) -> Waiting {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let (mut before, mut line) = (String::new(), String::new());
        while !line.starts_with("  http") {
            before.push_str(&std::mem::take(&mut line));
            assert_ne!(errors.read_line(&mut line).unwrap(), 0, "it ended before it showed an address: {before}");
        }
        Waiting { child, errors, before, url: line.trim().parse().unwrap() }
    }

    fn sent(&self, name: &str) -> String {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    /// Where the provider would send the browser, with these fields and the state.
    fn back(&self, fields: &str) -> String {
        format!("{}?state={}&{fields}", self.sent("redirect_uri"), self.sent("state"))
    }

    fn end(mut self) -> Ran {
        let mut stderr = String::new();
        drop(self.child.stdin.take());
        let ran = ended(self.child);
        self.errors.read_to_string(&mut stderr).unwrap();
        Ran { stderr, ..ran }
    }
}

/// What a browser gets there.
fn visit(address: &str) -> String {
    let url: Url = address.parse().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", url.port().unwrap())).unwrap();
    let target = &address[address.find("/callback").unwrap()..];
    write!(stream, "GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

#[test]
fn tokens_come_through_the_browser_into_the_vault_and_from_there_to_the_service() {
    let provider = provider();
    let home = home(&provider);
    let waiting = Waiting::setup(&home);
    assert!(waiting.url.as_str().starts_with(&format!("http://127.0.0.1:{}/authorize?tenant=t&", provider.port())));
    for (name, value) in [
        ("access_type", "offline"),
        ("client_id", "tea client"),
        ("code_challenge_method", "S256"),
        ("response_type", "code"),
        ("scope", "read write"),
        ("prompt", ""),
    ] {
        assert_eq!(waiting.sent(name), value, "{name}");
    }
    let (challenge, redirect_uri) = (waiting.sent("code_challenge"), waiting.sent("redirect_uri"));
    // Another page of this machine does not end the wait.
    let stranger = visit(&format!("{redirect_uri}?state=theirs&code=stolen"));
    assert!(stranger.starts_with("HTTP/1.1 404 "), "{stranger}");
    let page = visit(&waiting.back("code=good"));
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("cache-control: no-store"), "{page}");
    let bound = waiting.end();
    assert_eq!((bound.code, bound.stdout.as_str()), (0, format!("Bound: {NAME}\n").as_str()), "{bound}");
    assert!(bound.stderr.contains("the provider granted less than was asked for; missing: write"), "{bound}");

    let asked = provider.only();
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!((asked.header("accept"), asked.header("authorization")), (Some("application/json"), None));
    let sent = form(&asked);
    let verifier = &sent["code_verifier"];
    assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)), challenge);
    assert_eq!((&sent["grant_type"], &sent["redirect_uri"]), (&"authorization_code".to_owned(), &redirect_uri));
    assert!(!sent.contains_key("client_secret"));

    let inspected = home.ok(&format!("aileron binding inspect {NAME} --json")).json();
    assert_eq!(inspected["binding"]["scope"], "read write", "{inspected}");
    assert_eq!(inspected["binding"]["granted_scopes"], json!(["read"]), "{inspected}");
    ok(&mut run(&home, &["--passphrase-file", "passphrase.txt"]));
    assert_eq!(provider.seen()[1].header("authorization"), Some(format!("Bearer {ACCESS}").as_str()));
    for (name, bytes) in contents(home.all()) {
        for secret in [ACCESS, REFRESH, verifier.as_str()] {
            assert!(memchr::memmem::find(&bytes, secret.as_bytes()).is_none(), "{name} holds {secret}");
        }
    }
}

#[test] // vault.md §8.4, §10.5
fn reauthorizing_asks_the_provider_again_and_keeps_what_the_user_said() {
    let provider = provider();
    let home = home(&provider);
    let waiting = Waiting::start(&home, &["setup", CONNECTOR, "--identity", "home", "--account", "me@example.com"]);
    visit(&waiting.back("code=good"));
    assert_eq!(waiting.end().code, 0);
    let before = home.ok(&format!("aileron binding inspect {NAME} --json")).json();
    let waiting = Waiting::start(&home, &["reauthorize", NAME]);
    assert_eq!(waiting.sent("prompt"), "consent");
    visit(&waiting.back("code=good"));
    let again = waiting.end();
    assert_eq!((again.code, again.stdout.as_str()), (0, format!("Reauthorized: {NAME}\n").as_str()), "{again}");
    assert_eq!(home.ok(&format!("aileron binding inspect {NAME} --json")).json(), before);
    assert_eq!(before["binding"]["account"], "me@example.com");
    let gone = home.run("aileron binding reauthorize oauth2/tea/gone");
    assert!(gone.code == 4 && gone.stderr.starts_with("binding not found: oauth2/tea/gone\n"), "{gone}");
}

#[test] // google-gemini/gemini-cli#1437: no way to paste
fn an_address_that_is_pasted_counts_as_the_browsers_return() {
    let provider = provider();
    let home = home(&provider);
    let mut waiting = Waiting::setup(&home);
    let address = waiting.back("code=good");
    let (first, rest) = address.split_at(address.len() / 2);
    let mut input = waiting.child.stdin.take().unwrap();
    write!(input, "https://elsewhere.example/\n{first} {rest}\n").unwrap();
    let bound = waiting.end();
    assert_eq!((bound.code, bound.stdout.as_str()), (0, format!("Bound: {NAME}\n").as_str()), "{bound}");
    assert!(bound.stderr.contains("this is not the address that the browser was sent back to"), "{bound}");
}

#[test]
fn a_provider_that_refuses_is_told_by_its_code_and_nothing_is_stored() {
    let provider = provider();
    let home = home(&provider);
    for (back, class, text) in [
        ("error=access_denied&error_description=no", "oauth_error", "provider returned error \"access_denied\": no"),
        ("scope=read", "oauth_error", "callback missing code parameter"),
        ("code=s3cret-code", "oauth_error", "token exchange failed: provider returned 400: invalid_grant"),
        ("code=under-200", "oauth_error", "token exchange failed: provider returned 200: bad_verification_code"),
        ("code=elsewhere", "oauth_error", "token exchange failed: provider returned 307: no standard error code"),
    ] {
        let waiting = Waiting::setup(&home);
        visit(&waiting.back(back));
        let refused = waiting.end();
        let expected = format!("{class}: ");
        assert!(refused.code == 1 && refused.stderr.contains(&expected) && refused.stderr.contains(text), "{refused}");
        assert!(!refused.stderr.contains("s3cret-code"), "{refused}");
        assert!(!std::fs::read_to_string(file(&home)).unwrap().contains(NAME), "{refused}");
    }
    assert!(provider.seen().iter().all(|request| request.target == "/token"), "a redirect is not followed");
}

/// A system whose browser is this shell script, and a display to show it on.
pub(super) fn with_browser(home: &TestHome, script: &str) -> Command {
    std::fs::create_dir_all(home.path("bin")).unwrap();
    home.write("bin/xdg-open", format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(home.path("bin/xdg-open"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = home.command("setsid");
    let path = format!("{}:{}", home.path("bin").display(), std::env::var("PATH").unwrap());
    command.args(["--wait", env!("CARGO_BIN_EXE_aileron"), "binding", "setup", CONNECTOR, "--identity", "home"]);
    command.env("PATH", path).env("DISPLAY", ":7").env("AILERON_VAULT_PASSPHRASE", PASSPHRASE);
    command
}

#[test] // vault.md §10.4
fn the_browser_is_started_with_the_page_and_without_a_secret() {
    let provider = provider();
    let home = home(&provider);
    let plays =
        "printf '%s' \"$1\" >\"$HOME/page\"; env >\"$HOME/environment\"; mv \"$HOME/environment\" \"$HOME/opened\"";
    let waiting = Waiting::of(with_browser(&home, plays));
    let opened = home.home().join("opened");
    while !opened.exists() {
        std::thread::yield_now();
    }
    assert_eq!(std::fs::read_to_string(home.home().join("page")).unwrap(), waiting.url.as_str());
    let environment = std::fs::read_to_string(opened).unwrap();
    assert!(environment.contains("DISPLAY=:7") && !environment.contains("PASSPHRASE"), "{environment}");
    visit(&waiting.back("code=good"));
    let bound = waiting.end();
    assert_eq!(bound.code, 0, "{bound}");
    assert!(bound.stderr.contains("paste the address that it ends at here"), "{bound}");
}

#[test] // vault.md §10.4; cli/cli#13445: no text browser over SSH
fn a_browser_that_fails_ends_nothing_and_none_is_started_where_it_cannot_be_seen() {
    let provider = provider();
    let home = home(&provider);
    let fails = with_browser(&home, "exit 3");
    let mut waiting = Waiting::of(fails);
    let mut line = String::new();
    while !line.starts_with("(browser open failed; paste the URL above): ") {
        line.clear();
        assert_ne!(waiting.errors.read_line(&mut line).unwrap(), 0);
    }
    visit(&waiting.back("code=bad"));
    assert_eq!(waiting.end().code, 1);
    let touches = "touch \"$HOME/started\"";
    for (name, value, reason) in [
        ("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22", "No browser is opened: this is an SSH session.\n"),
        ("DISPLAY", "", "No browser is opened: there is no display.\n"),
        ("BROWSER", "/usr/bin/w3m", "No browser is opened: BROWSER is w3m, which would take over this terminal.\n"),
        ("--no-browser", "", ""),
    ] {
        let mut command = with_browser(&home, touches);
        if name.starts_with("--") {
            command.arg(name)
        } else {
            command.env(name, value)
        };
        let mut waiting = Waiting::of(command);
        visit(&waiting.back("code=bad"));
        let shown = std::mem::take(&mut waiting.before);
        assert_eq!(waiting.end().code, 1);
        assert!(
            shown.ends_with(&format!(
                "{reason}Visit this page in a browser to authorize, or paste the address it ends at here:\n"
            )),
            "{shown}"
        );
        assert!(!home.home().join("started").exists(), "{name}");
    }
}

#[test] // entireio/cli#2088: consent that is lost because storing failed
fn nothing_is_asked_of_a_provider_that_could_not_be_stored() {
    let provider = provider();
    let home = home(&provider);
    // The vault's lock is a directory: whatever is written, it cannot be taken.
    home.ok("aileron vault init --passphrase-file passphrase.txt --quiet");
    std::fs::create_dir(home.home().join(".aileron/secrets.json.lock")).unwrap();
    let refused =
        home.run(&format!("aileron binding setup {CONNECTOR} --identity home --passphrase-file passphrase.txt"));
    assert!(refused.code != 0 && refused.stderr.contains("secrets.json.lock"), "{refused}");
    assert!(!refused.stderr.contains("/authorize"), "no page was shown: {refused}");
}

#[test] // pdobsan/oama#36: no refresh token the second time
fn a_provider_that_gives_no_refresh_token_is_told_with_the_way_on() {
    let provider = server::http(|_| {
        answer(
            "200 OK\r\nContent-Type: application/json",
            json!({"access_token": ACCESS, "expires_in": 60}).to_string(),
        )
    });
    let home = home(&provider);
    let waiting = Waiting::setup(&home);
    visit(&waiting.back("code=good"));
    let bound = waiting.end();
    let expected =
        "the provider gave no refresh token: when the access token ends, authorize again: aileron binding reauthorize";
    assert!(bound.code == 0 && bound.stderr.contains(expected), "{bound}");
    let inspected = home.ok("aileron binding list --json");
    assert!(inspected.stdout.contains(NAME), "{inspected}");
}

#[test]
fn a_port_that_is_taken_is_said_before_anything_is_shown() {
    let provider = provider();
    let home = home(&provider);
    let taken = provider.port();
    let line = format!(
        "aileron binding setup {CONNECTOR} --identity home --passphrase-file passphrase.txt --callback-port {taken}"
    );
    let refused = home.run(&line);
    let expected = format!("could not bind callback listener on port {taken}: ");
    assert!(refused.code == 1 && refused.stderr.contains(&expected), "{refused}");
}
