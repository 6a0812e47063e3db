use std::fs;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::publisher::keys::{Destination, generate};
use crate::publisher::sign::{KeyError, MemoryKeychain};
use crate::sys::disk::crash::Crashing;
use crate::sys::environment::Environment;

fn name() -> Fqn {
    "github://acme/slack".parse().expect("a name")
}

/// A repository with a key, and a place outside of it.
struct Scene {
    root: tempfile::TempDir,
    outside: tempfile::TempDir,
    environment: Environment,
    stop: AtomicBool,
}

impl Scene {
    fn new() -> (Scene, SigningKey) {
        let scene = Scene {
            root: tempfile::tempdir().expect("a folder"),
            outside: tempfile::tempdir().expect("a folder"),
            environment: Environment::of_this_process(),
            stop: AtomicBool::new(false),
        };
        let made = generate(scene.root.path(), &name(), Destination::Print, &MemoryKeychain::new(), scene.spawner());
        let made = made.expect("generates");
        made.unprinted.expect("files").arrived();
        (scene, key(made.printed.expect("the private half")))
    }

    fn spawner(&self) -> Spawner<'_> {
        Spawner { environment: &self.environment, stop: &self.stop }
    }

    fn request(&self, file: &str) -> RotationRequest {
        let private = self.outside.path().join(file);
        RotationRequest { first_version: "0.2.0".parse().expect("a version"), private, passphrase: None }
    }

    fn rotated(&self, old: &SigningKey, file: &str) -> SigningKey {
        rotate(self.root.path(), &name(), old, &self.request(file), self.spawner()).expect("rotates");
        key(fs::read(self.outside.path().join(file)).expect("reads").into())
    }

    /// What lies in `keys/`.
    fn statements(&self) -> Vec<KeyFile> {
        let read = fs::read_dir(self.root.path().join("keys")).expect("lists").map(|entry| {
            let entry = entry.expect("an entry");
            let path = format!("keys/{}", entry.file_name().into_string().expect("text"));
            KeyFile { path, bytes: fs::read(entry.path()).expect("reads") }
        });
        read.collect()
    }

    fn in_force(&self) -> PublicKey {
        committed(self.root.path()).expect("a key")
    }
}

fn key(text: Secret) -> SigningKey {
    SigningKey::read(text, || Err(KeyError::PassphraseMissing)).expect("a key")
}

#[test]
fn every_rotation_leaves_a_way_from_each_older_key() {
    let (scene, first) = Scene::new();
    let second = scene.rotated(&first, "second.key");
    let third = scene.rotated(&second, "third.key");
    let keys = [&third, &second, &first].map(SigningKey::public);
    assert_eq!(scene.in_force(), keys[0]);
    assert_eq!(line(&scene.statements(), &keys[0], &name()).expect("a line"), keys);
    for (from, to, leads_there) in [(2, 0, true), (1, 0, true), (2, 1, true), (0, 2, false), (0, 0, false)] {
        assert_eq!(leads(&scene.statements(), &keys[from], &keys[to], &name()), leads_there, "{from} {to}");
    }
    let elsewhere = "github://acme/other".parse().expect("a name");
    assert!(!leads(&scene.statements(), &keys[2], &keys[0], &elsewhere), "of another repository");
    let readme_now = fs::read_to_string(scene.root.path().join(README)).expect("reads");
    assert!(readme_now.contains(&keys[0].fingerprint().to_string()));
    let mut cut = scene.statements();
    cut.iter_mut().filter(|file| file.path.ends_with(".sig")).for_each(|file| file.bytes.truncate(127));
    assert!(!leads(&cut, &keys[2], &keys[0], &name()) && line(&cut, &keys[0], &name()).is_err());
}

#[test]
fn a_rotation_that_crashes_at_any_step_leaves_one_key_in_force_and_can_be_done_again() {
    for number in 1.. {
        let (scene, first) = Scene::new();
        let second = scene.rotated(&first, "second.key");
        let crashing = Arc::new(Crashing::at(number));
        let steps: Arc<dyn Steps> = crashing.clone();
        let made = rotate_on(&steps, scene.root.path(), &name(), &second, &scene.request("third.key"), scene.spawner());
        let in_force = scene.in_force();
        let third = fs::read(scene.outside.path().join("third.key")).ok();
        let third = third.and_then(|text| SigningKey::read(text.into(), || Err(KeyError::PassphraseMissing)).ok());
        let signs_now = match &third {
            Some(third) if third.public() == in_force => third,
            _ => &second,
        };
        assert_eq!(signs_now.public(), in_force, "step {number}: the private half of the key in force is there");
        assert!(leads(&scene.statements(), &first.public(), &in_force, &name()), "step {number}");
        let again = scene.rotated(signs_now, "again.key");
        assert!(leads(&scene.statements(), &first.public(), &again.public(), &name()), "step {number}, again");
        if made.is_ok() {
            assert!(crashing.is_alive() && number > 12, "{number} steps");
            return;
        }
    }
}

#[test]
fn only_the_committed_key_is_followed_and_nothing_is_written_otherwise() {
    let (scene, first) = Scene::new();
    let stranger = SigningKey::generate().expect("a key");
    let before = scene.statements();
    let other = rotate(scene.root.path(), &name(), &stranger, &scene.request("x.key"), scene.spawner());
    assert!(matches!(other, Err(KeysError::OtherKey { .. })));
    let inside = RotationRequest { private: scene.root.path().join("keys/publisher.pub"), ..scene.request("x") };
    assert!(rotate(scene.root.path(), &name(), &first, &inside, scene.spawner()).is_err(), "it exists");
    fs::write(scene.root.path().join(ROTATION), "{}").expect("writes");
    let broken = rotate(scene.root.path(), &name(), &first, &scene.request("x.key"), scene.spawner());
    assert!(matches!(broken, Err(KeysError::Statement { .. })));
    fs::remove_file(scene.root.path().join(ROTATION)).expect("removes");
    assert_eq!((scene.statements(), fs::read_dir(scene.outside.path()).expect("lists").count()), (before, 0));
    fs::write(scene.root.path().join(README), "our own words").expect("writes");
    let made = rotate(scene.root.path(), &name(), &first, &scene.request("x.key"), scene.spawner()).expect("rotates");
    assert!(made.stale_readme && made.files.last().is_some_and(|file| file == PUBLIC_KEY));
}

#[test]
fn a_key_is_revoked_by_itself_and_by_those_that_follow_it_and_by_nobody_else() {
    let (scene, first) = Scene::new();
    let second = scene.rotated(&first, "second.key");
    let third = scene.rotated(&second, "third.key");
    let stranger = SigningKey::generate().expect("a key");
    let keys = [&first, &second, &third];
    for (at, which) in keys.iter().enumerate() {
        let which = which.public().fingerprint();
        for (by, signing) in keys.iter().chain([&&stranger]).enumerate() {
            let done = revoke(scene.root.path(), &name(), &scene.statements(), signing, &which);
            match done {
                Ok(done) => assert!(by >= at && by < 3 && done.is_current == (at == 2), "{at} {by}"),
                Err(KeysError::NotASuccessor { .. }) => assert!(by < at || by == 3, "{at} {by}"),
                Err(error) => panic!("{at} {by}: {error}"),
            }
        }
        assert!(scene.root.path().join(revocation::path_of(&keys[at].public())).is_file());
    }
    let unknown = stranger.public().fingerprint();
    let done = revoke(scene.root.path(), &name(), &scene.statements(), &third, &unknown);
    assert!(matches!(done, Err(KeysError::UnknownKey(_))));
}
