//! A home for one test: a temporary directory in which both programs are run as a person would start them.
//!
//! Nothing of the real machine shows through but `PATH` and Go's caches, so that no keychain, keyring, git identity or
//! variable of the person who runs the tests can change what they prove.
#![expect(clippy::unwrap_used, reason = "a home that cannot be made is a bug of the test")]

mod asking;
mod ran;
mod redact;
mod repository;
pub mod terminal;
pub mod tree;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

pub use asking::{api_key, asking, installed};
pub use ran::{Ran, ended, ends, ok, run, strings, writes};
pub use repository::{ALLOW, OWNER, Repository, directory, module};

/// The key pair of RFC 8032's first test vector, so that what is signed is the same in every run.
pub const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
/// Its public half.
pub const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
/// Texts no output may ever hold: the private key, and what tests use as passphrase and as client secret.
pub const SECRETS: [&str; 3] = ["MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v", "hunter2", "client-5ecret"];

/// One person's machine: a directory to work in, and beside it a home and a place for temporaries.
pub struct TestHome {
    temp: TempDir,
    root: PathBuf,
    variables: BTreeMap<String, String>,
}

impl Default for TestHome {
    fn default() -> TestHome {
        TestHome::new()
    }
}

impl TestHome {
    /// An empty one.
    pub fn new() -> TestHome {
        let temp = tempfile::tempdir().unwrap();
        let all = temp.path().canonicalize().unwrap();
        for directory in ["work", "home", "tmp"] {
            fs::create_dir(all.join(directory)).unwrap();
        }
        let path = |name: &str| all.join(name).display().to_string();
        let mut variables: BTreeMap<String, String> = go_caches().iter().cloned().collect();
        let mut set = |name: &str, value: &str| variables.insert(name.to_owned(), value.to_owned());
        set("PATH", &std::env::var("PATH").unwrap());
        set("HOME", &path("home"));
        set("AILERON_HOME", &path("home/.aileron"));
        set("TMPDIR", &path("tmp"));
        set("COLUMNS", "100");
        set("LC_ALL", "C");
        set("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            set(&format!("GIT_{role}_NAME"), "Publisher");
            set(&format!("GIT_{role}_EMAIL"), "publisher@example.com");
            set(&format!("GIT_{role}_DATE"), "2025-01-02T03:04:05Z");
        }
        // No bus, so that no keychain of this machine is found.
        set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
        set("XDG_RUNTIME_DIR", "/nonexistent");
        TestHome { root: all.join("work"), temp, variables }
    }

    /// One with the repository `tea`: a connector that needs no toolchain, two actions, a committed key. The private half
    /// is in `publisher.key`.
    pub fn with_tea() -> TestHome {
        let home = TestHome::new();
        home.ok("aileron-pub init tea --owner acme --language wat --signing ci --yes");
        home.write("tea/keys/publisher.pub", PUBLIC_KEY);
        // What `keys generate` would have done for a key that differs each time.
        let shown = home.ok("aileron-pub -C tea keys show --json").json();
        let fingerprint = format!("`{}`", shown["fingerprint"].as_str().expect("a fingerprint"));
        home.replace("tea/README.md", "not made yet: `aileron-pub keys generate` writes it here", &fingerprint);
        home.write("publisher.key", PRIVATE_KEY);
        home.commit();
        home
    }

    /// As [`TestHome::with_tea`], with version 0.1.0 in `registry`.
    pub fn released() -> TestHome {
        let home = TestHome::with_tea();
        home.ok("aileron-pub -C tea release v0.1.0 --key publisher.key --to dir:registry");
        home
    }

    /// Where commands run.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What `HOME` names.
    pub fn home(&self) -> PathBuf {
        self.root.with_file_name("home")
    }

    /// What `TMPDIR` names.
    pub fn tmp(&self) -> PathBuf {
        self.root.with_file_name("tmp")
    }

    /// The directory around all of it: what this person has on disk.
    pub fn all(&self) -> &Path {
        self.root.parent().unwrap()
    }

    /// A path below [`TestHome::root`].
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Writes a file, and the directories it needs.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Reads a text file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Edits a text file; the text must be in it.
    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} has no {from:?}:\n{text}");
        self.write(path, text.replace(from, to));
    }

    /// Commits everything in `tea`.
    pub fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "change"]);
    }

    /// Runs git in `tea`.
    pub fn git(&self, args: &[&str]) -> String {
        ok(self.command("git").current_dir(self.path("tea")).args(args)).stdout
    }

    /// Any program, as this person would start it; `aileron` and `aileron-pub` are those under test.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let program = program.as_ref();
        let mut command = match program.to_str() {
            Some(ours @ ("aileron" | "aileron-pub")) => Command::new(program_of(ours)),
            _ => Command::new(program),
        };
        command.current_dir(&self.root).env_clear().envs(&self.variables).stdin(Stdio::null());
        command
    }

    /// The publisher's program.
    pub fn publisher(&self, args: &[&str]) -> Command {
        let mut command = self.command("aileron-pub");
        command.args(args);
        command
    }

    /// The consumer's program.
    pub fn consumer(&self, args: &[&str]) -> Command {
        let mut command = self.command("aileron");
        command.args(args);
        command
    }

    /// A line as it would be typed, `NAME=value` first; words are split at spaces.
    pub fn typed(&self, line: &str) -> Command {
        let mut words = line.split(' ').filter(|word| !word.is_empty()).peekable();
        let mut variables = Vec::new();
        let variable = |word: &str| word.split_once('=').is_some_and(|(name, _)| is_variable(name));
        while let Some(word) = words.next_if(|word| variable(word)) {
            variables.push(word.split_once('=').unwrap());
        }
        let mut command = self.command(words.next().unwrap());
        command.args(words).envs(variables);
        command
    }

    /// A line of a shell in which both programs are found by name, and which has no terminal to ask on.
    pub fn shell(&self, line: &str) -> Command {
        let mut command = self.command("setsid");
        let programs = program_of("aileron").parent().unwrap().display().to_string();
        command.args(["--wait", "sh", "-c", line]).env("PATH", format!("{programs}:{}", self.variables["PATH"]));
        command
    }

    /// Runs a line; see [`TestHome::typed`] and [`TestHome::finish`].
    pub fn run(&self, line: &str) -> Ran {
        self.finish(self.typed(line), line)
    }

    /// Runs a line whose standard input is this text.
    pub fn answered(&self, answers: &str, line: &str) -> Ran {
        let input = self.all().join("answers");
        fs::write(&input, answers).unwrap();
        let mut command = self.typed(line);
        command.stdin(File::open(&input).unwrap());
        self.finish(command, line)
    }

    /// Runs to the end, and asserts what is true of every run: no panic, no secret, no temporary file left.
    pub fn finish(&self, mut command: Command, line: &str) -> Ran {
        let ran = run(&mut command);
        assert!(ran.code >= 0, "{line}: {ran}");
        assert!(!ran.stderr.contains("panicked"), "{line}\n{}", ran.stderr);
        for secret in SECRETS {
            assert!(!ran.stderr.contains(secret) && !ran.stdout.contains(secret), "{line} shows {secret}");
        }
        let left: Vec<_> = fs::read_dir(self.tmp()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "{line} leaves {left:?}");
        ran
    }

    /// Runs something that must succeed.
    pub fn ok(&self, line: &str) -> Ran {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "{line}\n{}{}", ran.stdout, ran.stderr);
        ran
    }

    /// Every file below [`TestHome::root`] with its bytes, but git's own; to see that nothing was written.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let inside = path.strip_prefix(&self.root).unwrap().to_owned();
                match path.is_dir() {
                    true if path.ends_with(".git") => {}
                    true => {
                        files.insert(inside.join(""), Vec::new());
                        folders.push(path);
                    }
                    false => drop(files.insert(inside, fs::read(&path).unwrap_or_default())),
                }
            }
        }
        files
    }

    /// Text with what differs from run to run named instead.
    pub fn redacted(&self, text: &str) -> String {
        redact::redacted(text, &self.temp.path().canonicalize().unwrap())
    }
}

/// Where a program under test is: Cargo says so to the tests of its package, and puts it beside their directory.
pub fn program_of(name: &str) -> PathBuf {
    let beside = || std::env::current_exe().unwrap().parent().unwrap().with_file_name(name);
    std::env::var_os(format!("CARGO_BIN_EXE_{name}")).map_or_else(beside, PathBuf::from)
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// Go's caches of this machine: a build in an empty one compiles the standard library first.
fn go_caches() -> &'static [(String, String)] {
    static CACHES: OnceLock<Vec<(String, String)>> = OnceLock::new();
    CACHES.get_or_init(|| {
        let asked = Command::new("go").args(["env", "GOCACHE", "GOMODCACHE"]).output();
        let text = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let names = ["GOCACHE", "GOMODCACHE"].into_iter().map(str::to_owned);
        names.zip(text.lines().map(str::to_owned)).collect()
    })
}
