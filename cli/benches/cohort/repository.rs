//! The repository that is released: linear's documents where the reference files are at hand, else as many like them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use aileron_cli::publisher::release::{DirtyTree, ReleaseRequest, SecretSource, World};
use aileron_cli::publisher::sign::{MemoryKeychain, SigningKey};
use aileron_cli::sys::environment::Environment;
use aileron_verifier::rules;
use aileron_verifier::trust::key::PublicKey;

/// Reference files, beside the workspace.
const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/reference/linear");
/// Actions of linear, and of what stands in for it.
const ACTIONS: usize = 516;
/// The Go template, compiled with `net/http` besides: no smaller than connectors that are in use.
const GO_SIZE: usize = 4_800_000;

/// What stands for the connector.
pub(crate) enum Connector {
    /// A few bytes, so that the actions are what is measured.
    Text,
    /// A module of the size Go makes.
    Go,
}

/// A committed repository, its key, and a module for it.
pub(crate) struct Repository {
    pub(crate) root: PathBuf,
    /// "linear's" or "generated".
    pub(crate) origin: &'static str,
    pub(crate) actions: usize,
    pub(crate) key: PathBuf,
    pub(crate) public: PublicKey,
    pub(crate) wasm: PathBuf,
    pub(crate) wasm_size: usize,
    /// What the module was made with.
    pub(crate) module: &'static str,
}

impl Repository {
    pub(crate) fn make(folder: &Path, connector: Connector) -> Repository {
        let root = folder.join("repository");
        let origin = match Path::new(REFERENCE).is_dir() {
            true => copy(Path::new(REFERENCE), &root, "linear's"),
            false => generate(&root, "generated"),
        };
        let key = folder.join("key.pem");
        let signing = SigningKey::generate().expect("random numbers");
        fs::write(&key, signing.to_pem().expose()).expect("writes");
        write(&root.join("keys/publisher.pub"), signing.public().to_pem());
        git(&root, &["init", "--quiet"]);
        git(&root, &["add", "--all"]);
        git(&root, &["-c", "user.name=bench", "-c", "user.email=bench@example.org", "commit", "--quiet", "-m", "all"]);
        let (bytes, module) = match connector {
            Connector::Text => (text_module(), "WebAssembly text"),
            Connector::Go => go_module(folder).map_or_else(|| (padded_module(), "generated"), |bytes| (bytes, "Go")),
        };
        let wasm = folder.join("connector.wasm");
        fs::write(&wasm, &bytes).expect("writes");
        let actions = fs::read_dir(root.join("actions")).expect("actions").count();
        Repository { root, origin, actions, key, public: signing.public(), wasm, wasm_size: bytes.len(), module }
    }

    /// What `aileron-pub release v0.1.0` asks for.
    pub(crate) fn request(&self) -> ReleaseRequest {
        ReleaseRequest {
            repository: self.root.clone(),
            version: "0.1.0".parse().expect("a version"),
            waived: rules::waivers().collect(),
            dirty: DirtyTree::Refused,
            wasm: Some(self.wasm.clone()),
            key: Some(self.key.clone()),
            client_secret: SecretSource::Default,
            replace_key: false,
        }
    }

    /// The world around a release, without a person in it.
    pub(crate) fn with_world<T>(&self, work: impl FnOnce(&World<'_>) -> T) -> T {
        let (environment, stop) = (Environment::of_this_process(), AtomicBool::new(false));
        let keychain = MemoryKeychain::default();
        work(&World {
            environment: &environment,
            stop: &stop,
            listener: &|_| (),
            keychain: &keychain,
            passphrase: &|| None,
        })
    }
}

fn copy(from: &Path, to: &Path, origin: &'static str) -> &'static str {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.expect("lists");
        if entry.file_type().is_file() {
            let text = fs::read_to_string(entry.path()).expect("reads");
            write(&to.join(entry.path().strip_prefix(from).expect("below")), text);
        }
    }
    origin
}

/// As many actions as linear has, each with five inputs, as linear's have on average.
fn generate(root: &Path, origin: &'static str) -> &'static str {
    const CONNECTOR: &str = "github://acme/aileron-connector-bench";
    write(
        &root.join("connector/manifest.toml"),
        format!(
            "[connector]\nname = \"{CONNECTOR}\"\nversion = \"0.0.0-dev\"\n\n\
             [capabilities.network]\nhosts = [\"api.example.org:443\"]\n"
        ),
    );
    for number in 0..ACTIONS {
        let name = format!("action-{number:03}");
        let mut text = format!(
            "+++\nname = \"{name}\"\nversion = \"0.0.0-dev\"\nsource = \"{CONNECTOR}/actions/{name}@0.0.0-dev\"\n\n\
             [[requires.connectors]]\nname = \"{CONNECTOR}\"\nversion = \"0.0.0-dev\"\n\
             hash = \"sha256:bound-at-release\"\ncapabilities = [\"op_{number}\"]\n\n\
             [match]\nintent = \"Action number {number} of a service that has many of them\"\n\n\
             [[execute]]\nid = \"only\"\nconnector = \"{CONNECTOR}\"\nop = \"op_{number}\"\nidempotent = true\n"
        );
        for input in 0..5 {
            write!(
                text,
                "\n[[inputs]]\nname = \"input_{input}\"\ntype = \"string\"\n\
                 description = \"What input {input} of action {number} means, in a sentence.\"\nrequired = false\n"
            )
            .expect("a string takes it");
        }
        text.push_str("+++\n");
        write(&root.join(format!("actions/{name}/action.md")), text);
    }
    origin
}

fn write(path: &Path, text: String) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("makes a directory");
    fs::write(path, text).expect("writes");
}

fn git(root: &Path, arguments: &[&str]) {
    let status = Command::new("git").arg("-C").arg(root).args(arguments).status().expect("git runs");
    assert!(status.success(), "git {arguments:?}");
}

fn text_module() -> Vec<u8> {
    wat::parse_str("(module (memory (export \"memory\") 1) (func (export \"_start\")))").expect("compiles")
}

/// A module with as many bytes of data as make a Go one; half of them compress.
fn padded_module() -> Vec<u8> {
    let mut state = 1_u32;
    let mut data = String::with_capacity(GO_SIZE * 2);
    for at in 0..GO_SIZE {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let byte = if at % 64 < 32 { 0 } else { state >> 24 };
        write!(data, "\\{byte:02x}").expect("a string takes it");
    }
    let text =
        format!("(module (memory (export \"memory\") 80) (data (i32.const 0) \"{data}\") (func (export \"_start\")))");
    wat::parse_str(text).expect("compiles")
}

/// The Go template with `net/http` linked in; nothing where there is no Go.
fn go_module(folder: &Path) -> Option<Vec<u8>> {
    let project = folder.join("go");
    let made = Command::new(env!("CARGO_BIN_EXE_aileron-pub"))
        .args(["init", "--owner", "acme", "--language", "go", "--op", "about", "--yes", "--no-git", "--quiet"])
        .arg(&project)
        .output();
    assert!(made.expect("aileron-pub runs").status.success(), "the Go template");
    let directory = project.join("connector");
    write(&directory.join("padding.go"), "package main\n\nimport _ \"net/http\"\n".to_owned());
    let built = Command::new("go")
        .current_dir(&directory)
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm")
        .args(["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", "connector.wasm", "."])
        .status();
    built.ok().filter(std::process::ExitStatus::success)?;
    let bytes = fs::read(directory.join("connector.wasm")).expect("reads");
    assert!(bytes.len() >= GO_SIZE, "{} bytes", bytes.len());
    Some(bytes)
}
