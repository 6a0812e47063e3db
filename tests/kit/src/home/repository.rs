//! A publisher's repository in a test's home.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{TestHome, ok, tree};
use crate::Requirement;

/// Who owns what is scaffolded.
pub const OWNER: &str = "acme";

/// The waivers linear needs.
pub const ALLOW: [&str; 10] = [
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

/// A connector repository and its signing key.
#[derive(Clone)]
pub struct Repository<'a> {
    /// Whose it is.
    pub home: &'a TestHome,
    /// Where it is.
    pub root: PathBuf,
    /// Where its private key is.
    pub key: PathBuf,
}

impl TestHome {
    /// A repository scaffolded in a language, with a publisher's key and everything committed.
    pub fn scaffold(&self, service: &str, language: &str) -> Repository<'_> {
        self.scaffold_signing(service, language, "ci")
    }

    /// The same with `signing` as `init --signing` takes it.
    pub fn scaffold_signing(&self, service: &str, language: &str, signing: &str) -> Repository<'_> {
        let root = self.path(&format!("aileron-connector-{service}"));
        let dir = root.to_str().unwrap();
        ok(&mut self.publisher(&[
            "init",
            dir,
            "--owner",
            OWNER,
            "--language",
            language,
            "--signing",
            signing,
            "--yes",
        ]));
        Repository { home: self, root, key: self.path(&format!("{service}.key")) }.with_key()
    }

    /// A repository that is a copy of a directory, without a key yet.
    pub fn copy(&self, from: &Path, name: &str) -> Repository<'_> {
        let root = self.path(name);
        tree::copy(from, &root);
        let repository = Repository { home: self, root, key: self.path(&format!("{name}.key")) };
        repository.git(&["init", "--quiet"]);
        repository.commit("as it is");
        repository
    }
}

impl Repository<'_> {
    /// The same with a new key, committed.
    pub fn with_key(self) -> Self {
        ok(&mut self.publisher(&["keys", "generate", "--out", self.key.to_str().unwrap()]));
        self.commit("publisher key");
        self
    }

    /// The publisher's program, in the repository.
    pub fn publisher(&self, args: &[&str]) -> Command {
        let mut command = self.home.publisher(args);
        command.current_dir(&self.root);
        command
    }

    /// Runs git in the repository.
    pub fn git(&self, args: &[&str]) -> String {
        let mut command = self.home.command("git");
        ok(command.current_dir(&self.root).args(args)).stdout.trim_end().to_owned()
    }

    /// Commits everything, and gives the commit.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Writes a file, and the directories it needs.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a text file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }

    /// `release VERSION --to dir:REGISTRY --json` with this repository's key.
    pub fn release(&self, version: &str, registry: &Path) -> Command {
        let (to, key) = (directory(registry), self.key.to_str().unwrap().to_owned());
        self.publisher(&["release", version, "--json", "--to", &to, "--key", &key])
    }

    /// Where the committed public key is.
    pub fn public_key(&self) -> String {
        self.root.join("keys/publisher.pub").to_str().unwrap().to_owned()
    }

    /// `aileron verify REGISTRY --key …`, all of it.
    pub fn verify(&self, subject: &Path) -> Command {
        self.home.consumer(&["verify", subject.to_str().unwrap(), "--json", "--key", &self.public_key()])
    }
}

/// A directory as `--to` takes it.
pub fn directory(registry: &Path) -> String {
    format!("dir:{}", registry.display())
}

/// The Go template's module (where there is no Go, the one in WebAssembly text), built once for all tests.
pub fn module() -> &'static [u8] {
    static MODULE: OnceLock<Vec<u8>> = OnceLock::new();
    MODULE.get_or_init(|| {
        let home = TestHome::new();
        let language = if Requirement::Go.is_met() { "go" } else { "wat" };
        let repository = home.scaffold("template", language);
        ok(&mut repository.publisher(&["build", "v1.0.0", "--json"]));
        fs::read(repository.root.join("dist/connector.wasm")).unwrap()
    })
}
