//! Both halves of an approved release into a directory: a process that ends at any write, before it or after it, and the
//! same command run again.

use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use aileron_cli::publisher::forge::directory::DirectoryForge;
use aileron_cli::publisher::forge::{Estimate, Forge, ForgeError, Remote, Scope, Write, WriteProgress};
use aileron_cli::publisher::release::{self, DirtyTree, ReleaseError, ReleaseRequest, SecretSource, World};
use aileron_cli::publisher::sign::OsKeychain;
use aileron_cli::sys::environment::Environment;
use aileron_testkit::home::tree::listing;
use aileron_testkit::home::{Repository, TestHome, ok};
use aileron_verifier::name::version::Tag;

/// A directory whose process ends at one write.
struct Dying {
    inner: DirectoryForge,
    /// Writes until then.
    left: Cell<usize>,
    after: bool,
}

impl Forge for Dying {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn observe(&self, scope: &Scope<'_>) -> Result<Remote, ForgeError> {
        self.inner.observe(scope)
    }

    fn lock(&self, scope: &Scope<'_>) -> Result<Box<dyn Send>, ForgeError> {
        self.inner.lock(scope)
    }

    fn perform(&self, scope: &Scope<'_>, write: &Write) -> Result<(), ForgeError> {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None if self.after => {
                self.inner.perform(scope, write)?;
                return Err(ForgeError::Interrupted);
            }
            None => return Err(ForgeError::Interrupted),
        }
        self.inner.perform(scope, write)
    }

    fn perform_all(&self, scope: &Scope<'_>, writes: &[Write], progress: &WriteProgress<'_>) -> Result<(), ForgeError> {
        writes.iter().try_for_each(|write| progress.step(|| self.perform(scope, write)))
    }

    fn sync(&self) -> Result<(), ForgeError> {
        self.inner.sync()
    }

    fn fetch(&self, scope: &Scope<'_>, tag: &Tag, asset: &str) -> Result<Option<Vec<u8>>, ForgeError> {
        self.inner.fetch(scope, tag, asset)
    }

    fn fetch_staged(&self, scope: &Scope<'_>, tag: &Tag, asset: &str) -> Result<Option<Vec<u8>>, ForgeError> {
        self.inner.fetch_staged(scope, tag, asset)
    }

    fn estimate(&self, stage: &[Write], flip: &[Write]) -> Option<Estimate> {
        self.inner.estimate(stage, flip)
    }
}

fn request(repository: &Repository<'_>, has_key: bool) -> ReleaseRequest {
    ReleaseRequest {
        repository: repository.root.clone(),
        version: "0.1.0".parse().unwrap(),
        waived: Vec::new(),
        dirty: DirtyTree::Refused,
        wasm: None,
        key: has_key.then(|| repository.key.clone()),
        client_secret: SecretSource::Default,
        replace_key: false,
    }
}

/// Propose, approve, publish: each until it comes to its end. Processes that ended on the way, and writes that are left.
fn through(repository: &Repository<'_>, registry: &Path, left: usize, after: bool) -> (usize, usize) {
    let environment: Environment =
        ["PATH", "HOME"].map(|name| (name.into(), std::env::var_os(name).unwrap_or_default())).into_iter().collect();
    let stop = AtomicBool::new(false);
    let world = World {
        environment: &environment,
        stop: &stop,
        listener: &|_| {},
        keychain: &OsKeychain,
        passphrase: &|| None,
    };
    let forge = |left| Dying { inner: DirectoryForge::new(registry.to_owned()), left: Cell::new(left), after };
    let (mut dying, mut deaths) = (forge(left), 0);
    let mut halves = vec!["publish", "approve", "propose"];
    while let Some(half) = halves.last() {
        let ended = match *half {
            "approve" => release::approve(&request(repository, true), false, &|_| true, &dying, &world).map(drop),
            _ => release::propose(&request(repository, false), &dying, &world).map(drop),
        };
        match ended {
            Ok(()) => drop(halves.pop()),
            Err(ReleaseError::Forge { cause: ForgeError::Interrupted, .. }) if deaths == 0 => {
                deaths += 1;
                dying = forge(usize::MAX);
            }
            Err(error) => panic!("{half}: {error}"),
        }
    }
    (deaths, dying.left.get())
}

#[test]
fn dying_at_any_write_of_any_half_converges() {
    let home = TestHome::new();
    let repository = home.scaffold("tea", "wat");
    let undisturbed = home.path("undisturbed");
    let plenty = 1000;
    let (deaths, left) = through(&repository, &undisturbed, plenty, false);
    assert_eq!(deaths, 0);
    let expected = listing(&undisturbed);
    assert!(!expected.iter().any(|path| path.contains("proposal") || path.contains("approval")), "{expected:?}");
    for number in 0..plenty - left {
        for after in [false, true] {
            let registry = home.path(&format!("registry-{number}-{after}"));
            let (deaths, _) = through(&repository, &registry, number, after);
            assert_eq!((deaths, listing(&registry)), (1, expected.clone()), "write {number}, after: {after}");
            ok(&mut home.publisher(&[
                "verify",
                registry.to_str().unwrap(),
                "--key",
                repository.root.join("keys/publisher.pub").to_str().unwrap(),
            ]));
        }
    }
}
