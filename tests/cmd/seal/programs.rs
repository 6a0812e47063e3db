//! Real programs behind `aileron seal`: each gets in with the credential, and none of them ever has it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aileron_testkit::home::{Ran, TestHome, ended, ends, ok, run};
use aileron_testkit::tls::{Asked, Authority, Reply, TlsServer};
use aileron_testkit::{Requirement, peers};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustix::process::Signal;

use super::{SENTINEL, TOKEN, home, seal};
use crate::release::directory::signal;

/// A home, GitHub's two hosts on this machine, and the authority that signed for them.
struct GitHub {
    home: TestHome,
    authority: Authority,
    api: TlsServer,
    git: TlsServer,
    other: TlsServer,
}

impl GitHub {
    fn new() -> GitHub {
        let (home, authority) = (home(), Authority::new());
        let api = TlsServer::start(&authority, &["api.github.com"], answer);
        let repositories = home.path("repositories");
        let git = TlsServer::start(&authority, &["github.com"], move |asked| backend(&repositories, asked));
        let other = TlsServer::start(&authority, &["other.example"], |_| Reply::ok("other"));
        GitHub { home, authority, api, git, other }
    }

    /// `aileron seal`, up to the command it runs.
    fn seal(&self) -> Command {
        let hosts = [("api.github.com", &self.api), ("github.com", &self.git), ("other.example", &self.other)];
        seal(&self.home, &self.authority, &hosts)
    }

    fn run(&self, command: &[&str]) -> Ran {
        let ran = run(self.seal().arg("--").args(command));
        assert!(!ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN), "{ran}");
        ran
    }

    /// What the last request to the API showed; the placeholder never came there.
    fn shown(&self) -> Option<String> {
        assert!(!self.api.has_seen(SENTINEL) && !self.git.has_seen(SENTINEL), "the placeholder left this machine");
        self.api.seen().pop()?.header("authorization").map(str::to_owned)
    }
}

fn bearer() -> Option<String> {
    Some(format!("Bearer {TOKEN}"))
}

/// The API: who is asked for by the credential, and a way to somewhere else.
fn answer(asked: &Asked) -> Reply {
    let is_known = asked.header("authorization") == Some(&format!("Bearer {TOKEN}"));
    match asked.target.as_str() {
        "/away" => Reply::default().status(302).with("location", "https://other.example/").with("content-length", "0"),
        "/user" if is_known => Reply::ok(r#"{"login":"octocat"}"#).with("content-type", "application/json"),
        _ => Reply::ok(r#"{"message":"Bad credentials"}"#).with("content-type", "application/json").status(401),
    }
}

/// git's own server side, for whoever shows the credential as git does.
fn backend(repositories: &Path, asked: &Asked) -> Reply {
    let expected = format!("Basic {}", BASE64_STANDARD.encode(format!("x-access-token:{TOKEN}")));
    if asked.header("authorization") != Some(&expected) {
        return Reply::ok("who?").status(401).with("www-authenticate", "Basic realm=\"GitHub\"");
    }
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    let header = |name: &str| asked.header(name).unwrap_or_default().to_owned();
    let mut command = Command::new("git");
    command.arg("http-backend").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.env("GIT_PROJECT_ROOT", repositories).env("GIT_HTTP_EXPORT_ALL", "1").env("REMOTE_USER", "octocat");
    command.env("PATH_INFO", path).env("QUERY_STRING", query).env("REQUEST_METHOD", &asked.method);
    command.env("CONTENT_TYPE", header("content-type")).env("HTTP_CONTENT_ENCODING", header("content-encoding"));
    command.env("GIT_PROTOCOL", header("git-protocol")).env("CONTENT_LENGTH", asked.body.len().to_string());
    let mut child = command.spawn().unwrap();
    let (mut stdin, body) = (child.stdin.take().unwrap(), asked.body.clone());
    let writer = std::thread::spawn(move || drop(stdin.write_all(&body)));
    let output = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    let end = memchr::memmem::find(&output, b"\r\n\r\n").unwrap();
    let head = String::from_utf8(output[..end].to_vec()).unwrap();
    head.lines().filter_map(|line| line.split_once(": ")).fold(Reply::ok(output[end + 4..].to_vec()), |reply, line| {
        match line {
            ("Status", status) => reply.status(status[..3].parse().unwrap()),
            (name, value) => reply.with(name, value),
        }
    })
}

/// A program of this machine; `None` after a skip.
fn program(name: &str) -> Option<PathBuf> {
    peers::program(name)
}

#[test]
fn curl_gets_in_with_nothing_with_the_placeholder_and_with_its_own_token_unchanged() {
    if !Requirement::Curl.is_met() {
        return;
    }
    let github = GitHub::new();
    let ran = github.run(&["curl", "-sS", "https://api.github.com/user"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, r#"{"login":"octocat"}"#), "{ran}");
    assert_eq!(github.shown(), bearer());
    let ran = github.run(&["sh", "-c", "curl -sS -H \"Authorization: token $GH_TOKEN\" https://api.github.com/user"]);
    assert_eq!((ran.code, github.shown()), (0, bearer()), "{ran}");
    // A token of somebody else is passed on as it is.
    let ran = github.run(&["curl", "-sS", "-H", "Authorization: Bearer ghp_mine", "https://api.github.com/user"]);
    assert_eq!(github.shown().as_deref(), Some("Bearer ghp_mine"), "{ran}");
    // A redirect to another host carries nothing there, which shows its own certificate.
    let ran = github.run(&["curl", "-sSLv", "https://api.github.com/away"]);
    assert!(ran.stdout == "other" && ran.stderr.contains("CN=Test authority"), "{ran}");
    assert_eq!(github.other.seen().pop().unwrap().header("authorization"), None);
    let ran = github.run(&["curl", "-sSv", "https://api.github.com/user"]);
    assert!(ran.stderr.contains("CN=aileron sandbox proxy"), "{ran}");
}

#[test]
fn what_must_not_leave_does_not_leave() {
    if !Requirement::Curl.is_met() {
        return;
    }
    let github = GitHub::new();
    for (url, expected) in [
        ("http://api.github.com/user", "403"),
        ("https://api.github.com:22/user", "400"),
        ("https://127.0.0.1/", "403"),
        ("https://localhost/", "403"),
    ] {
        let ran = github.run(&["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{http_connect}", url]);
        assert!(ran.stdout.split(' ').any(|code| code == expected), "{url}: {ran}");
    }
    // Without the token of the run, from the same program.
    let nobody = "curl -sS -o /dev/null -w %{http_connect} -x \"http://127.0.0.1:${HTTPS_PROXY##*:}\" https://api.github.com/user";
    assert_eq!(github.run(&["sh", "-c", nobody]).stdout, "407");
    assert!(github.api.seen().is_empty() && github.other.seen().is_empty());
}

#[test]
fn python_gets_in() {
    let Some(python) = program("python3") else { return };
    let github = GitHub::new();
    let script = "import os, urllib.request as u\n\
        r = u.Request('https://api.github.com/user', headers={'Authorization': 'token ' + os.environ['GH_TOKEN']})\n\
        print(u.urlopen(r).read().decode())";
    let ran = github.run(&[python.to_str().unwrap(), "-c", script]);
    assert_eq!((ran.code, ran.stdout.trim(), github.shown()), (0, r#"{"login":"octocat"}"#, bearer()), "{ran}");
}

/// What a Node program does that honours the proxy's variable: node 20 itself does not.
const NODE: &str = r#"
const http = require("http"), tls = require("tls"), proxy = new URL(process.env.HTTPS_PROXY);
const authorization = "Basic " + Buffer.from(proxy.username + ":" + proxy.password).toString("base64");
http.request({ host: proxy.hostname, port: proxy.port, method: "CONNECT", path: "api.github.com:443",
  headers: { "Proxy-Authorization": authorization } }).on("connect", (_, socket) => {
  const secured = tls.connect({ socket, servername: "api.github.com" }, () =>
    secured.write("GET /user HTTP/1.1\r\nHost: api.github.com\r\nConnection: close\r\nAuthorization: Bearer " +
      process.env.GH_TOKEN + "\r\n\r\n"));
  secured.on("error", (error) => { console.log(error.code); process.exit(1); });
  let text = "";
  secured.on("data", (data) => (text += data)).on("end", () => console.log(text.split("\r\n\r\n")[1].trim()));
}).end();
"#;

#[test] // mindroom-ai/mindroom#1212: git and node past the CA
fn node_believes_the_run_besides_its_own_roots() {
    let Some(node) = program("node") else { return };
    let github = GitHub::new();
    let ran = github.run(&[node.to_str().unwrap(), "-e", NODE]);
    assert_eq!((ran.code, ran.stdout.trim(), github.shown()), (0, r#"{"login":"octocat"}"#, bearer()), "{ran}");
    // It adds to node's own roots and does not replace them: without the variable the run's authority is not believed.
    let script = format!("delete process.env.NODE_EXTRA_CA_CERTS; {NODE}");
    let ran = github.run(&["env", "-u", "NODE_EXTRA_CA_CERTS", node.to_str().unwrap(), "-e", &script]);
    assert_eq!(ran.code, 1, "{ran}");
}

#[test]
fn gh_asks_with_the_placeholder_that_it_was_given() {
    let Some(gh) = program("gh") else { return };
    let github = GitHub::new();
    let ran = github.run(&[gh.to_str().unwrap(), "api", "user"]);
    assert_eq!((ran.code, ran.stdout.trim(), github.shown()), (0, r#"{"login":"octocat"}"#, bearer()), "{ran}");
}

#[test] // mindroom-ai/mindroom#1212; the public project's caps (1 MiB in, 4 MiB out) break this
fn git_clones_and_pushes_20_mb_without_a_credential_of_its_own() {
    let github = GitHub::new();
    let home = &github.home;
    let git = |line: &str| ok(home.command("git").args(line.split(' ')));
    git("init --quiet --bare -b main repositories/acme/private.git");
    git("-C repositories/acme/private.git config http.receivepack true");
    git("clone --quiet repositories/acme/private.git first");
    // Bytes that do not compress.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let noise = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let bytes: Vec<u8> = (0..(20 << 20) / 8).flat_map(noise).collect();
    home.write("first/large.bin", &bytes);
    git("-C first add -A");
    git("-C first commit --quiet -m large");
    git("-C first remote set-url origin https://github.com/acme/private.git");
    let pushed = github.run(&["git", "-C", "first", "push", "--quiet", "origin", "HEAD:main"]);
    assert_eq!(pushed.code, 0, "{pushed}");
    let cloned = github.run(&["git", "clone", "--quiet", "https://github.com/acme/private.git", "second"]);
    assert_eq!(cloned.code, 0, "{cloned}");
    assert!(std::fs::read(home.path("second/large.bin")).unwrap() == bytes);
    let seen = github.git.seen();
    assert!(seen.iter().any(|asked| asked.body.len() > 20 << 20), "20 MB in one request");
    assert!(seen.iter().all(|asked| asked.header("authorization").is_some_and(|value| value.starts_with("Basic "))));
    assert!(super::holders(home.all(), TOKEN).is_empty());
    // A repository that is not there is said at once; nobody is asked for a password.
    let absent = github.run(&["git", "clone", "--quiet", "https://github.com/acme/absent.git", "third"]);
    assert!(absent.code == 128 && absent.stderr.contains("not found"), "{absent}");
}

#[test] // sealing.md §6
fn the_environment_is_the_users_with_what_the_run_needs_and_without_the_credential() {
    let github = GitHub::new();
    let mut command = github.seal();
    command.args(["--", "env"]).env("MY_TOKEN", TOKEN).env("GH_TOKEN", "ghp_mine").env("KEPT", "1");
    command.env("NO_PROXY", "localhost,.github.com,example.org").env("AILERON_VAULT_PASSPHRASE", "hunter2");
    command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "a.b").env("GIT_CONFIG_VALUE_0", "c");
    let ran = ok(&mut command);
    let value =
        |name: &str| ran.stdout.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned);
    let proxy = value("HTTPS_PROXY").unwrap();
    assert!(proxy.starts_with("http://") && proxy.contains("@127.0.0.1:"), "{proxy}");
    for name in ["HTTP_PROXY", "https_proxy", "http_proxy"] {
        assert_eq!(value(name).as_ref(), Some(&proxy));
    }
    let bundle = value("SSL_CERT_FILE").unwrap();
    for name in
        ["CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "CARGO_HTTP_CAINFO", "DENO_CERT"]
    {
        assert_eq!(value(name).as_ref(), Some(&bundle), "{name}");
    }
    assert_ne!(value("NODE_EXTRA_CA_CERTS").unwrap(), bundle);
    assert_eq!(value("GH_TOKEN").as_deref(), Some(SENTINEL));
    assert_eq!((value("MY_TOKEN"), value("AILERON_VAULT_PASSPHRASE")), (None, None));
    assert_eq!((value("KEPT").as_deref(), value("NO_PROXY").as_deref()), (Some("1"), Some("localhost,example.org")));
    assert_eq!(value("GIT_TERMINAL_PROMPT").as_deref(), Some("0"));
    assert_eq!(
        (value("GIT_CONFIG_COUNT").as_deref(), value("GIT_CONFIG_KEY_1").as_deref()),
        (Some("2"), Some("credential.helper"))
    );
    assert_eq!((value("GIT_CONFIG_KEY_0").as_deref(), value("GIT_CONFIG_VALUE_1").as_deref()), (Some("a.b"), Some("")));
    for said in [
        "MY_TOKEN holds a credential of the vault; the program does not get it",
        "GH_TOKEN is replaced by a placeholder",
        "NO_PROXY: without .github.com, which would lead past the proxy",
        "warning: user/absent is not in the vault, so requests for it are refused; aileron vault put user/absent",
    ] {
        assert!(ran.stderr.contains(said), "{said}: {ran}");
    }
    // The certificates went with the run.
    assert!(!Path::new(&bundle).exists());
}

#[test] // sealing.md §6: a placeholder only where the vault has what takes its place
fn a_tool_without_a_credential_gets_no_placeholder_and_a_person_the_command() {
    let github = GitHub::new();
    ok(&mut github.home.consumer(&["vault", "delete", "user/github", "--yes"]));
    let ran = github.run(&["sh", "-c", "echo ${GH_TOKEN-none}"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "none\n"), "{ran}");
    assert!(ran.stderr.contains("warning: user/github is not in the vault"), "{ran}");
    std::fs::write(github.home.home().join(".aileron/capture-descriptors.yaml"), crate::auth::CAPTURE).unwrap();
    assert!(github.run(&["true"]).stderr.contains("aileron auth gh"), "the unit's own login");
}

#[test] // vault.md §12
fn a_token_that_has_ended_is_renewed_by_the_connector_it_belongs_to_and_then_put_in() {
    if !Requirement::Curl.is_met() {
        return;
    }
    let provider = crate::vault::refresh::provider(|| ());
    let (home, authority) = (crate::vault::refresh::expired(&provider), Authority::new());
    let bindings =
        "version: v1\nbindings:\n  - {host: api.github.com, credential_ref: oauth2/tea/home, scheme: bearer}\n";
    std::fs::write(home.home().join(".aileron/binding-descriptors.yaml"), bindings).unwrap();
    home.write("passphrase.txt", crate::vault::PASSPHRASE);
    let api = TlsServer::start(&authority, &["api.github.com"], |_| Reply::ok("fine"));
    for _ in 0..2 {
        let mut command = seal(&home, &authority, &[("api.github.com", &api)]);
        let twice = "curl -sS https://api.github.com/ && curl -sS https://api.github.com/";
        let ran = ok(command.args(["--", "sh", "-c", twice]));
        assert!(ran.stdout == "finefine" && !ran.stderr.contains("warning"), "{ran}");
    }
    let shown: Vec<Option<String>> =
        api.seen().iter().map(|asked| asked.header("authorization").map(str::to_owned)).collect();
    assert_eq!(shown, vec![Some("Bearer access-2-0123456789".to_owned()); 4]);
    assert_eq!(crate::vault::refresh::refreshes(&provider), 1, "once");
    assert_eq!(crate::vault::refresh::stored(&home)["refresh_token"], "refresh-2-0123456789");
}

#[test] // vault.md §12
fn a_token_that_will_end_and_cannot_be_renewed_here_is_said_before_and_when_it_has_ended() {
    if !Requirement::Curl.is_met() {
        return;
    }
    let github = GitHub::new();
    let bindings =
        "version: v1\nbindings:\n  - {host: api.github.com, credential_ref: oauth2/tea/home, scheme: bearer}\n";
    std::fs::write(github.home.home().join(".aileron/binding-descriptors.yaml"), bindings).unwrap();
    for (ends, stated, answer) in [("2999-01-01T00:00:00Z", 1, "200"), ("2001-01-01T00:00:00Z", 2, "500")] {
        let tokens = format!(
            r#"{{"access_token":"{TOKEN}","refresh_token":"r","expires_at":"{ends}","client_id":"c","token_url":"https://x.example/"}}"#
        );
        crate::vault::running::bind(&github.home, &[("oauth2/tea/home", crate::vault::running::CONNECTOR, &tokens)]);
        let ran = github.run(&["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "https://api.github.com/user"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, answer), "{ran}");
        assert!(
            ran.stderr.contains("warning: oauth2/tea/home is used until its token ends, and then refused"),
            "{ran}"
        );
        assert!(ran.stderr.contains("is not installed"), "{ran}");
        assert_eq!(ran.stderr.matches("warning: ").count(), stated, "{ran}");
        if stated == 2 {
            assert!(
                ran.stderr.contains("has ended and cannot be renewed")
                    && ran.stderr.contains("aileron binding reauthorize"),
                "{ran}"
            );
        }
    }
}

#[test]
fn its_exit_code_is_ours_and_signals_reach_it() {
    let github = GitHub::new();
    for (program, code) in [("exit 0", 0), ("exit 42", 42), ("kill -TERM $$", 143)] {
        assert_eq!(github.run(&["sh", "-c", program]).code, code, "{program}");
    }
    let tells =
        "trap 'echo got INT; exit 7' INT; echo ready; while :; do read -r -t 1 line || [ $? -gt 128 ] || exit 3; done";
    let mut command = github.seal();
    command.args(["--", "bash", "-c", tells]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    let stdin = child.stdin.take();
    signal(&child, Signal::INT);
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    let ran = ended(child);
    drop(stdin);
    assert_eq!((ran.code, line.as_str()), (7, "ready\ngot INT\n"), "{ran}");
    assert_eq!(std::fs::read_dir(github.home.tmp()).unwrap().count(), 0, "nothing stays in the temporary directory");
}

#[test]
fn what_makes_no_sense_is_said_before_a_passphrase_is_asked_for() {
    let home = home();
    for (args, code, said) in [
        (&["seal"][..], 2, "required arguments"),
        (&["seal", "--", "no-such-program"], 2, "no-such-program was not found in PATH"),
        (&["seal", "--unit", "nope", "--", "true"], 4, "no accepted unit is named nope"),
        (&["seal", "--resolve", "x:22:127.0.0.1:1", "--", "true"], 2, "write HOST:443:ADDR:PORT"),
        (&["seal", "--resolve", "x:443:name:1", "--", "true"], 2, "write HOST:443:ADDR:PORT"),
    ] {
        let ran = ends(&mut home.consumer(args), code);
        assert!(ran.stderr.contains(said), "{args:?}: {ran}");
    }
    let ran = ends(&mut home.consumer(&["seal", "--json", "--", "true"]), 2);
    assert_eq!(ran.json()["error"]["message"], "--json: standard output is COMMAND's");
    // A log that cannot be written is said before the command runs.
    let ran = ends(
        &mut home.consumer(&[
            "seal",
            "--passphrase-file",
            "passphrase.txt",
            "--log",
            "absent/log",
            "--",
            "touch",
            "ran",
        ]),
        1,
    );
    assert!(ran.stderr.contains("absent/log") && !home.path("ran").exists(), "{ran}");
}

#[test]
fn launch_gives_its_program_the_same() {
    let github = GitHub::new();
    let unit = "name: gh\nkey: user/github\nacquisition: {mode: device-flow, container_name: c, login_cmd: [gh], token_cmd: [gh]}\n\
        sealing:\n  - {host: api.github.com, scheme: bearer, emit_mechanism: sentinel-swap, sentinel: {value: ghp_AILERONSENTINELAAAAAAAAAAAAAAAAAAAAA, env: GH_TOKEN}}\n";
    github.home.write("unit.yaml", unit);
    ok(&mut github.home.consumer(&["unit", "accept", "unit.yaml", "--yes"]));
    let program = "echo $GH_TOKEN; echo ${HTTPS_PROXY%%:*}; echo ${AILERON_API_URL%%:*}; test -s $SSL_CERT_FILE";
    let mut command = crate::launch::launch(&github.home, &["--seal", "gh", "sh", "-c", program]);
    let ran = ok(command.env("SSL_CERT_FILE", github.authority.write(&github.home.path("roots.pem"))));
    assert_eq!(ran.stdout, format!("{SENTINEL}\nhttp\nhttp\n"), "{ran}");
    let ran = ends(&mut github.home.consumer(&["launch", "--seal", "gh"]), 2);
    assert!(ran.stderr.contains("PROGRAM"), "{ran}");
}
