//! A publisher's machine in a temporary directory: a home, a place for temporaries, repositories, keys and registries.
//!
//! Nothing of the real machine shows through but `PATH` and Go's caches, so that no keychain, keyring, git identity or
//! variable of the person who runs the tests can change what they prove.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use aileron_testkit::Requirement;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

pub(crate) const OWNER: &str = "acme";

/// One person's machine.
pub(crate) struct Machine {
    temp: TempDir,
}

impl Machine {
    pub(crate) fn new() -> Machine {
        let machine = Machine { temp: tempfile::tempdir().unwrap() };
        for directory in ["home", "tmp"] {
            fs::create_dir(machine.path(directory)).unwrap();
        }
        machine
    }

    pub(crate) fn root(&self) -> &Path {
        self.temp.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// Any program, as this person would start it.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .current_dir(self.root())
            .stdin(Stdio::null())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("AILERON_HOME", self.path("home/.aileron"))
            .env("TMPDIR", self.path("tmp"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Publisher")
            .env("GIT_AUTHOR_EMAIL", "publisher@example.com")
            .env("GIT_COMMITTER_NAME", "Publisher")
            .env("GIT_COMMITTER_EMAIL", "publisher@example.com")
            .env("GIT_AUTHOR_DATE", "2025-01-02T03:04:05Z")
            .env("GIT_COMMITTER_DATE", "2025-01-02T03:04:05Z");
        for (name, value) in go_caches() {
            command.env(name, value);
        }
        command
    }

    pub(crate) fn publisher(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_aileron-pub"));
        command.args(args);
        command
    }

    pub(crate) fn consumer(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_aileron"));
        command.args(args);
        command
    }

    /// A repository scaffolded in a language, with a publisher's key and everything committed.
    pub(crate) fn scaffold(&self, service: &str, language: &str) -> Repository<'_> {
        let root = self.path(&format!("aileron-connector-{service}"));
        let dir = root.to_str().unwrap();
        ok(&mut self.publisher(&["init", dir, "--owner", OWNER, "--language", language, "--yes"]));
        Repository { machine: self, root, key: self.path(&format!("{service}.key")) }.with_key()
    }

    /// A repository that is a copy of a directory, without a key yet.
    pub(crate) fn copy(&self, from: &Path, name: &str) -> Repository<'_> {
        let root = self.path(name);
        copy_tree(from, &root);
        let repository = Repository { machine: self, root, key: self.path(&format!("{name}.key")) };
        repository.git(&["init", "--quiet"]);
        repository.commit("as it is");
        repository
    }
}

/// A connector repository and its signing key.
#[derive(Clone)]
pub(crate) struct Repository<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) root: PathBuf,
    pub(crate) key: PathBuf,
}

impl Repository<'_> {
    pub(crate) fn with_key(self) -> Self {
        ok(&mut self.publisher(&["keys", "generate", "--out", self.key.to_str().unwrap()]));
        self.commit("publisher key");
        self
    }

    pub(crate) fn publisher(&self, args: &[&str]) -> Command {
        let mut command = self.machine.publisher(args);
        command.current_dir(&self.root);
        command
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        let mut command = self.machine.command("git");
        ok(command.current_dir(&self.root).args(args)).stdout.trim_end().to_owned()
    }

    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }

    /// `release VERSION --to dir:REGISTRY --json` with this repository's key.
    pub(crate) fn release(&self, version: &str, registry: &Path) -> Command {
        let (to, key) = (to(registry), self.key.to_str().unwrap().to_owned());
        self.publisher(&["release", version, "--json", "--to", &to, "--key", &key])
    }

    pub(crate) fn public_key(&self) -> String {
        self.root.join("keys/publisher.pub").to_str().unwrap().to_owned()
    }

    /// `aileron verify REGISTRY --key …`, all of it.
    pub(crate) fn verify(&self, subject: &Path) -> Command {
        self.machine.consumer(&["verify", subject.to_str().unwrap(), "--json", "--key", &self.public_key()])
    }
}

pub(crate) fn to(registry: &Path) -> String {
    format!("dir:{}", registry.display())
}

/// What a program said, and how it ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// Standard output, which holds exactly one JSON document.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {:?}\nstdout: {}\nstderr: {}", self.code, self.stdout, self.stderr)
    }
}

pub(crate) fn run(command: &mut Command) -> Said {
    said(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

pub(crate) fn said(child: Child) -> Said {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// Runs what must succeed.
pub(crate) fn ok(command: &mut Command) -> Said {
    ends(command, 0)
}

/// Runs what must end with this exit code.
pub(crate) fn ends(command: &mut Command, code: i32) -> Said {
    let said = run(command);
    assert_eq!(said.code, Some(code), "{command:?}: {said}");
    said
}

/// `--to`'s writes.
pub(crate) fn writes(said: &Said) -> u64 {
    said.json()["writes"].as_u64().unwrap()
}

/// The waivers linear needs.
pub(crate) const ALLOW: [&str; 10] = [
    "--allow",
    "input-name",
    "--allow",
    "input-type",
    "--allow",
    "input-duplicate",
    "--allow",
    "input-description",
    "--allow",
    "intent-empty",
];

/// Published repositories as they are, where they are.
pub(crate) fn reference(name: &str) -> Option<PathBuf> {
    aileron_testkit::shared(&format!("reference/{name}"))
}

pub(crate) fn has_go() -> bool {
    Requirement::Go.is_met()
}

fn go_caches() -> &'static [(String, String)] {
    static CACHES: OnceLock<Vec<(String, String)>> = OnceLock::new();
    CACHES.get_or_init(|| {
        let asked = Command::new("go").args(["env", "GOCACHE", "GOMODCACHE"]).output();
        let text = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let names = ["GOCACHE", "GOMODCACHE"].into_iter().map(str::to_owned);
        names.zip(text.lines().map(str::to_owned)).collect()
    })
}

/// The Go template's module (where there is no Go, the one in WebAssembly text), built once for all tests.
pub(crate) fn module() -> &'static [u8] {
    static MODULE: OnceLock<Vec<u8>> = OnceLock::new();
    MODULE.get_or_init(|| {
        let machine = Machine::new();
        let language = if has_go() { "go" } else { "wat" };
        let repository = machine.scaffold("template", language);
        ok(&mut repository.publisher(&["build", "v1.0.0", "--json"]));
        fs::read(repository.root.join("dist/connector.wasm")).unwrap()
    })
}

pub(crate) fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::write(target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

/// Every file and directory below `root`, relative, directories with a slash at the end.
pub(crate) fn listing(root: &Path) -> BTreeSet<String> {
    stats(root).into_keys().collect()
}

/// Files below `root` and their bytes.
pub(crate) fn contents(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = listing(root).into_iter().filter(|path| !path.ends_with('/'));
    files.map(|path| (path.clone(), fs::read(root.join(path)).unwrap())).collect()
}

/// What the file system remembers of a file: whoever writes, renames or touches it changes this.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    inode: u64,
    mode: u32,
    links: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The stat of everything below `root`, and of `root` itself.
pub(crate) fn stats(root: &Path) -> BTreeMap<String, Stat> {
    let mut found = BTreeMap::new();
    if root.exists() {
        walk(root, "", &mut found);
    }
    found
}

fn walk(path: &Path, name: &str, found: &mut BTreeMap<String, Stat>) {
    let meta = fs::symlink_metadata(path).unwrap();
    let stat = Stat {
        inode: meta.ino(),
        mode: meta.mode(),
        links: meta.nlink(),
        size: meta.size(),
        modified: (meta.mtime(), meta.mtime_nsec()),
        changed: (meta.ctime(), meta.ctime_nsec()),
    };
    let name = if meta.is_dir() { format!("{name}/") } else { name.to_owned() };
    if meta.is_dir() {
        for entry in fs::read_dir(path).unwrap().map(Result::unwrap) {
            let child = format!("{name}{}", entry.file_name().to_string_lossy());
            walk(&entry.path(), child.trim_start_matches('/'), found);
        }
    }
    found.insert(name, stat);
}

/// The entries of an archive, read without any code of ours.
pub(crate) fn unpack(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let entry = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), bytes)
    };
    tar.entries().unwrap().map(entry).collect()
}

pub(crate) fn sha256(parts: &[&[u8]]) -> String {
    let digest = parts.iter().fold(Sha256::new(), |digest, part| digest.chain_update(part)).finalize();
    format!("sha256:{}", hex(&digest))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Strings of a JSON array.
pub(crate) fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect()
}
