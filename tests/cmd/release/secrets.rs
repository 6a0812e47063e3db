//! Where a client secret and a signing key go: one field of one file, and nowhere else, whatever fails on the way.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use aileron_testkit::Requirement;
use aileron_testkit::home::tree::{contents, hex, unpack};
use aileron_testkit::home::{Ran, Repository, TestHome, directory, ok, run};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Survives every escaping, so that finding it finds the secret however it was written down.
const CORE: &str = "kT9vQ2xWcoreZ7mR4p";

fn client_secret() -> String {
    format!("p'a\"ss & | \\ \\n $HOME `id`  ünï 🔑 {CORE} \"\"\" #end = \"x\"")
}

/// A secret in every spelling it could leak in.
struct SecretPatterns(Vec<Vec<u8>>);

impl SecretPatterns {
    fn of(parts: &[&[u8]]) -> SecretPatterns {
        let spellings = |part: &&[u8]| {
            let lower = hex(part);
            let mut list = vec![part.to_vec(), lower.to_uppercase().into_bytes(), lower.into_bytes()];
            // Base64 depends on where in a longer text the bytes stand; the ends depend on the neighbours.
            for before in 0..3 {
                let encoded = STANDARD.encode([vec![0; before], part.to_vec()].concat());
                list.push(encoded.as_bytes()[4.min(before * 4)..encoded.len() - 4].to_vec());
            }
            list
        };
        SecretPatterns(parts.iter().flat_map(spellings).collect())
    }

    fn count(&self, text: &[u8]) -> usize {
        self.0.iter().map(|needle| memchr::memmem::find_iter(text, needle).count()).sum()
    }

    /// Files below `root` that hold a spelling, archives looked into: `(path, entry, times)`.
    fn below(&self, root: &Path) -> BTreeSet<(String, String, usize)> {
        let mut found = BTreeSet::new();
        for (path, bytes) in contents(root) {
            let entries = if path.ends_with(".tar.gz") { unpack(&bytes) } else { Default::default() };
            found.insert((path.clone(), String::new(), self.count(&bytes)));
            for (entry, bytes) in entries {
                found.insert((path.clone(), entry, self.count(&bytes)));
            }
        }
        found.retain(|(_, _, times)| *times > 0);
        found
    }

    fn absent(&self, said: &Ran, what: &str) {
        let times = self.count(said.stdout.as_bytes()) + self.count(said.stderr.as_bytes());
        assert_eq!(times, 0, "{what} prints it");
    }
}

/// `go` and `git` that write down their arguments and environment before they do their work.
struct Children {
    path: std::ffi::OsString,
    log: PathBuf,
}

impl Children {
    fn watched(home: &TestHome, outside: &Path) -> Children {
        let (directory, log) = (outside.join("bin"), outside.join("children.log"));
        fs::create_dir_all(&directory).unwrap();
        for program in ["go", "git"] {
            let Some(real) = which(program) else { continue };
            let script = format!(
                "#!/bin/sh\n{{ echo \"ran {program}\"; printf '%s\\n' \"$@\"; env; }} >> '{}'\nexec '{}' \"$@\"\n",
                log.display(),
                real.display()
            );
            fs::write(directory.join(program), script).unwrap();
            fs::set_permissions(directory.join(program), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(directory).chain(std::env::split_paths(&inherited))).unwrap();
        assert!(!log.starts_with(home.all()), "the log is not among what is searched");
        Children { path, log }
    }
}

fn which(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|entry| entry.join(program)).find(|path| path.is_file())
}

const OAUTH: &str = r#"kind = "oauth2"
scope = "Read"

[capabilities.credential.oauth2]
authorize_url = "https://auth.example.com/a"
token_url = "https://auth.example.com/t"
client_id = "id-1"
client_secret = "bound-at-release" # not "bound-at-release" but what is bound
scopes = ["read"]
"#;

/// A connector that wants a client secret; in Go, a compiler runs as a child besides git.
fn oauth<'a>(home: &'a TestHome, language: &str) -> Repository<'a> {
    let repository = home.scaffold("vault", language);
    let manifest = repository.read("connector/manifest.toml");
    let bound = match manifest.split_once("[capabilities.credential]\n") {
        Some((before, rest)) => {
            let after = &rest[rest.find("# The host functions").unwrap()..];
            format!("{before}[capabilities.credential]\n{OAUTH}\n{after}")
        }
        None => format!("{manifest}\n[capabilities.credential]\n{OAUTH}"),
    };
    repository.write("connector/manifest.toml", &bound);
    repository.commit("a client secret is wanted");
    repository
}

/// Runs a command as JSON and, with the language that builds fast, for people too, with every variable set that makes
/// programs talkative.
fn watched(language: &str, make: &dyn Fn() -> Command, code: i32, needles: &[&SecretPatterns]) {
    for json in if language == "go" { &[Some("--json")][..] } else { &[None, Some("--json")] } {
        let mut command = make();
        command.args(json).env("RUST_BACKTRACE", "full").env("RUST_LIB_BACKTRACE", "1").env("RUST_LOG", "trace");
        let said = run(&mut command);
        assert_eq!(said.code, code, "{json:?}: {said}");
        needles.iter().for_each(|needles| needles.absent(&said, &format!("{:?}", command.get_args())));
    }
}

/// Everything a publisher does, watched; the secret is handed over by `hand`.
fn a_publishers_day(home: &TestHome, language: &str, outside: &Path, hand: &dyn Fn(&mut Command)) {
    let repository = oauth(home, language);
    let children = Children::watched(home, outside);
    let pem = fs::read_to_string(&repository.key).unwrap();
    fs::remove_file(&repository.key).unwrap(); // from here on it is in a variable only
    let seed = seed(&pem);
    let body: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = SecretPatterns::of(&[&seed, body.concat().as_bytes(), body[0].as_bytes()]);
    let secret = client_secret();
    let client = SecretPatterns::of(&[CORE.as_bytes(), secret.as_bytes()]);
    let both = [&client, &key];
    let registry = home.path("registry");
    let to = directory(&registry);
    let with = |args: &[&str]| {
        let mut command = repository.publisher(args);
        command.env("PATH", &children.path).env("AILERON_SIGNING_KEY", &pem);
        hand(&mut command);
        command
    };
    watched(language, &|| with(&["plan", "v1.0.0", "--diff", "--to", &to]), 0, &both);
    watched(language, &|| with(&["build", "v1.0.0"]), 0, &both);
    watched(language, &|| with(&["pack", "v1.0.0"]), 0, &both);
    watched(language, &|| with(&["release", "v1.0.0", "--to", &to]), 0, &both);
    watched(language, &|| with(&["status", "v1.0.0", "--to", &to]), 0, &both);

    in_two_halves(home, language, &client, &key, &|args, has_key| {
        let mut command = repository.publisher(args);
        command.env("PATH", &children.path);
        if has_key {
            command.env("AILERON_SIGNING_KEY", &pem);
        } else {
            hand(&mut command);
        }
        command
    });

    // Failures on the way: another key, an unwritable registry, other content under a published version.
    let stranger = outside.join("stranger.key");
    let stranger_repository = Repository { key: stranger.clone(), ..home.scaffold("stranger", "wat") };
    fs::remove_dir_all(stranger_repository.root.join("keys")).unwrap();
    stranger_repository.with_key();
    let stranger = stranger.to_str().unwrap();
    watched(language, &|| with(&["release", "v1.0.1", "--to", &to, "--key", stranger]), 3, &both);
    let in_a_file = format!("dir:{}", repository.root.join("suite.toml").display());
    watched(language, &|| with(&["release", "v1.0.1", "--to", &in_a_file]), 1, &both);
    let key_that_is_none = format!("no key at all {}", STANDARD.encode(seed));
    watched(
        language,
        &|| {
            let mut command = with(&["release", "v1.0.1", "--to", &to]);
            command.env("AILERON_SIGNING_KEY", &key_that_is_none);
            command
        },
        1,
        &both,
    );
    repository.write("suite.toml", &repository.read("suite.toml").replace("description = \"", "description = \"New: "));
    let manifest = repository.read("connector/manifest.toml").replace("scope = \"Read\"", "scope = \"Read all\"");
    repository.write("connector/manifest.toml", &manifest);
    repository.commit("other content");
    watched(language, &|| with(&["release", "v1.0.0", "--to", &to]), 1, &both);

    let archive = |place: &str| (place.to_owned(), "manifest.toml".to_owned(), 1);
    let halves = "work/registry/acme/aileron-connector-vault/releases/download/v1.1.0/aileron.tar.gz";
    let dist = "work/aileron-connector-vault/dist/1.0.0/v1.0.0/aileron.tar.gz";
    let public = "work/registry/acme/aileron-connector-vault/releases/download/v1.0.0/aileron.tar.gz";
    let found = client.below(home.all());
    let found: BTreeSet<_> = found.into_iter().map(|(path, entry, times)| (path, entry, times.min(1))).collect();
    let archives = [dist, public, halves].map(archive);
    assert_eq!(found, BTreeSet::from(archives), "three archives, one file in each");
    assert_eq!(key.below(home.all()), BTreeSet::new());
    one_field(&repository, &home.all().join(public), &secret);

    let log = fs::read(&children.log).unwrap();
    assert_eq!((client.count(&log), key.count(&log)), (0, 0), "a child was told");
    let log = String::from_utf8_lossy(&log).into_owned();
    assert!(log.contains("ran git\n"));
    assert_eq!(log.contains("ran go\n"), language == "go");
}

/// The same in two halves: CI has the client secret and no key, and who approves has the key and no client secret.
fn in_two_halves(
    home: &TestHome,
    language: &str,
    client: &SecretPatterns,
    key: &SecretPatterns,
    half: &dyn Fn(&[&str], bool) -> Command,
) {
    let (to, both) = (directory(&home.path("registry")), [client, key]);
    let propose = || half(&["release", "v1.1.0", "--propose", "--to", &to], false);
    watched(language, &propose, 0, &both);
    let approve = || half(&["approve", "v1.1.0", "--yes", "--to", &to], true);
    watched(language, &approve, 0, &both);
    let staged = "work/registry/acme/aileron-connector-vault/.staging/v1.1.0/proposal.tar.gz";
    let found = client.below(home.all());
    let proposed = found.iter().filter(|(path, ..)| path.contains("v1.1.0"));
    let proposed: Vec<_> = proposed.map(|(path, entry, _)| (path.as_str(), entry.as_str())).collect();
    assert_eq!(proposed, [(staged, "manifest.toml")], "the proposal has it, the approval has not");
    assert_eq!(key.below(home.all()), BTreeSet::new());
    watched(language, &propose, 0, &both);
}

/// The 32 bytes every ed25519 private key in PKCS#8 holds, behind their two headers.
fn seed(pem: &str) -> [u8; 32] {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(body).unwrap();
    let at = der.windows(4).position(|window| window == [0x04, 0x22, 0x04, 0x20]).unwrap() + 4;
    der[at..at + 32].try_into().unwrap()
}

/// Of the committed manifest, version and client secret changed; the latter, read as TOML, is the secret.
fn one_field(repository: &Repository<'_>, archive: &Path, secret: &str) {
    let bound = String::from_utf8(unpack(&fs::read(archive).unwrap())["manifest.toml"].clone()).unwrap();
    let committed = repository.git(&["show", "HEAD~1:connector/manifest.toml"]) + "\n";
    let (from, to): (Vec<&str>, Vec<&str>) = (committed.split('\n').collect(), bound.split('\n').collect());
    assert_eq!(from.len(), to.len(), "{bound}");
    let changed: Vec<_> = from.iter().zip(&to).filter(|(from, to)| from != to).map(|(_, to)| *to).collect();
    assert_eq!(changed.len(), 2);
    assert!(changed[0].starts_with("version = \"1.0.0\""));
    let value = changed[1].strip_prefix("client_secret = ").unwrap();
    let value = value.strip_suffix(" # not \"bound-at-release\" but what is bound").unwrap();
    assert_eq!(serde_json::from_str::<String>(value).unwrap(), secret, "TOML's escapes here are JSON's");
}

#[test] // artifacts.md §5
fn a_client_secret_from_a_variable_is_in_one_field_of_one_file() {
    let (home, outside) = (TestHome::new(), tempfile::tempdir().unwrap());
    let language = if Requirement::Go.is_met() { "go" } else { "wat" };
    a_publishers_day(&home, language, outside.path(), &|command| {
        command.env("AILERON_CLIENT_SECRET", client_secret());
    });
}

#[test] // artifacts.md §5: one trailing newline dropped
fn a_client_secret_from_a_file_is_in_one_field_of_one_file() {
    let (home, outside) = (TestHome::new(), tempfile::tempdir().unwrap());
    let file = outside.path().join("client-secret");
    fs::write(&file, client_secret() + "\n").unwrap();
    a_publishers_day(&home, "wat", outside.path(), &|command| {
        if !command.get_args().any(|arg| arg == "status") {
            command.arg("--client-secret-file").arg(&file);
        }
    });
}

/// Ways to commit a real secret by mistake, some of them broken TOML besides. `HERE` is the secret.
const COMMITTED: [(&str, &str); 13] = [
    ("plain", "client_secret = \"HERE\"\n"),
    ("literal", "client_secret = 'HERE'\n"),
    ("no closing quote", "client_secret = \"HERE\n"),
    ("no quotes", "client_secret = HERE\n"),
    ("bad escape", "client_secret = \"\\qHERE\"\n"),
    ("text after the value", "client_secret = \"bound\" HERE\n"),
    ("array", "client_secret = [\"HERE\"]\n"),
    ("twice", "client_secret = \"bound-at-release\"\nclient_secret = \"HERE\"\n"),
    ("broken line before", "nonsense\nclient_secret = \"HERE\"\n"),
    ("broken line after", "client_secret = \"HERE\"\nnonsense\n"),
    ("quoted key", "\"client_secret\" = \"HERE\"\n"),
    ("many lines", "client_secret = \"\"\"\nHERE\n\"\"\"\n"),
    ("many lines, broken", "client_secret = \"\"\"\nHERE\n\"\n"),
];

#[test] // artifacts.md §2: `check` fails on anything else, without echoing it
fn a_client_secret_committed_by_mistake_is_never_echoed() {
    let home = TestHome::new();
    let repository = oauth(&home, "wat");
    let manifest = repository.read("connector/manifest.toml");
    let line = "client_secret = \"bound-at-release\" # not \"bound-at-release\" but what is bound\n";
    assert!(manifest.contains(line));
    let needles = SecretPatterns::of(&[CORE.as_bytes()]);
    let to = directory(&home.path("registry"));
    let key = repository.key.to_str().unwrap().to_owned();
    let mut leaks = Vec::new();
    for (what, wrong) in COMMITTED {
        repository.write("connector/manifest.toml", &manifest.replace(line, &wrong.replace("HERE", CORE)));
        repository.commit(what);
        for args in [
            &["check"][..],
            &["plan", "v1.0.0", "--diff", "--to", &to],
            &["release", "v1.0.0", "--to", &to, "--key", &key],
        ] {
            for json in [None, Some("--json")] {
                let mut command = repository.publisher(args);
                let said = run(command.args(json).env("AILERON_CLIENT_SECRET", "x").env("RUST_BACKTRACE", "full"));
                assert_eq!(said.code, 6, "{what}, {args:?}: {said}");
                if needles.count(said.stdout.as_bytes()) + needles.count(said.stderr.as_bytes()) > 0 {
                    leaks.push(format!("{what}: {} {json:?}\n{said}", args[0]));
                }
            }
        }
    }
    assert!(leaks.is_empty(), "{} leaks\n{}", leaks.len(), leaks.join("\n"));
    assert!(!home.path("registry").exists());
}

#[test]
fn needles_are_found_in_every_spelling() {
    let needles = SecretPatterns::of(&[CORE.as_bytes()]);
    for before in 0..4 {
        let text = [&b"xyz-"[..before], CORE.as_bytes(), b" and more"].concat();
        for spelled in [text.clone(), hex(&text).into_bytes(), STANDARD.encode(&text).into_bytes()] {
            assert!(needles.count(&spelled) > 0, "{before}: {}", String::from_utf8_lossy(&spelled));
        }
    }
    ok(&mut TestHome::new().publisher(&["--version"]));
}
