//! The store: whole or unchanged after a crash at any step, and never trusted without a check.

mod crash;
mod rules;
mod tampered;

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use aileron_cli::store::{CheckedWhen, Pinned, Store, StoreError};
use aileron_cli::sys::clock::Clock;
use aileron_cli::sys::disk::crash::Crashing;
use aileron_testkit::{Publisher, Toy, pack};
use aileron_verifier::artifact::verify::{Unverified, Verified, Wanted};
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::problem::Class;
use aileron_verifier::trust::keyring::Keyring;

/// A clock that is an hour ahead, so that what was just written counts as old.
struct Later;

impl Clock for Later {
    fn now(&self) -> SystemTime {
        SystemTime::now() + Duration::from_secs(3600)
    }

    fn sleep_until(&self, _: SystemTime, _: &AtomicBool) {}
}

/// A store on a disk that is not flushed, by a clock that is an hour ahead.
pub(crate) fn later(home: &Path) -> Store {
    healthy(home)
}

fn healthy(home: &Path) -> Store {
    Store::with(home.to_owned(), Arc::new(Crashing::never()), Arc::new(Later))
}

/// A store whose disk crashes at step `number`, from 1.
fn crashing(home: &Path, number: usize) -> Store {
    Store::with(home.to_owned(), Arc::new(Crashing::at(number)), Arc::new(Later))
}

pub(crate) fn connector(toy: &Toy) -> Verified {
    Unverified::new(pack(&toy.connector())).verify(&Wanted::of(toy.reference()), &toy.ring()).unwrap()
}

pub(crate) fn action(toy: &Toy, name: &str) -> Verified {
    Unverified::new(pack(&toy.action(name))).verify(&Wanted::of(toy.action_reference(name)), &toy.ring()).unwrap()
}

pub(crate) fn pinned(toy: &Toy) -> Pinned {
    Pinned { reference: toy.reference(), content: toy.content() }
}

fn old() -> Toy {
    Toy::default().at("1.0.0")
}

fn new() -> Toy {
    Toy::default().at("1.1.0")
}

/// Everything below a directory that is no cache: paths and bytes.
fn tree(home: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![home.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let inside = path.strip_prefix(home).unwrap().to_owned();
            match path.is_dir() {
                true if inside == Path::new("cache") => {}
                true => folders.push(path),
                false => files.push((inside, fs::read(&path).unwrap())),
            }
        }
    }
    files.sort();
    files
}

/// What must be true of a store whatever happened to it: what is listed verifies, the index file agrees or is made again,
/// and no action is there without its connector.
fn assert_sound(home: &Path, ring: &Keyring) {
    let store = healthy(home);
    let installed = store.installed().unwrap();
    for pinned in &installed {
        store.verify(pinned, ring).unwrap();
        store.open(pinned, ring).unwrap();
    }
    for file in store.actions().unwrap() {
        store.verify_action(&file.name, ring).unwrap();
        for needs in &file.needs {
            assert!(installed.contains(needs), "{} without its connector", file.name);
        }
    }
    store.rebuild_index().unwrap();
    assert_eq!(store.installed().unwrap(), installed);
    assert!(!store.rebuild_index().unwrap(), "rebuilding twice changes nothing");
}

/// Runs `work` with a disk that crashes at each step in turn, on a copy of what `before` makes. Afterwards the store is sound,
/// and doing the work again gives exactly what it gives when nothing goes wrong. Returns the number of steps.
fn at_every_step(before: impl Fn(&Store), work: impl Fn(&Store) -> Result<(), StoreError>, ring: &Keyring) -> usize {
    let whole = tempfile::tempdir().unwrap();
    before(&healthy(whole.path()));
    work(&healthy(whole.path())).unwrap();
    let whole = tree(whole.path());
    for number in 1.. {
        let home = tempfile::tempdir().unwrap();
        before(&healthy(home.path()));
        let done = work(&crashing(home.path(), number));
        assert_sound(home.path(), ring);
        if done.is_ok() {
            assert_eq!(tree(home.path()), whole);
            return number - 1;
        }
        work(&healthy(home.path())).unwrap_or_else(|error| panic!("after a crash at step {number}: {error}"));
        assert_eq!(tree(home.path()), whole, "after a crash at step {number}");
    }
    unreachable!()
}
