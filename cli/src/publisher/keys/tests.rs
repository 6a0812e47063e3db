use super::*;
use crate::publisher::sign::{MemoryKeychain, load_signing_key};
use crate::sys::disk::crash::Crashing;
use crate::sys::environment::Environment;
use std::fs;
use std::sync::atomic::AtomicBool;

fn make(root: &Path, destination: Destination, keychain: &dyn Keychain) -> Result<Generated, KeysError> {
    let (environment, stop) = (Environment::of_this_process(), AtomicBool::new(false));
    generate(root, &name(), destination, keychain, Spawner { environment: &environment, stop: &stop })
}

fn name() -> Fqn {
    "github://acme/slack".parse().expect("a name")
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).expect("reads").count()
}

#[test]
fn each_destination_gives_back_the_key_that_was_published() {
    let keychain = MemoryKeychain::new();
    let outside = tempfile::tempdir().expect("a folder");
    let path = outside.path().join("publisher.pem");
    let word = || Secret::from("open sesame".to_owned());
    for destination in
        [Destination::Keychain, Destination::File { path: path.clone(), passphrase: Some(word()) }, Destination::Print]
    {
        let root = tempfile::tempdir().expect("a folder");
        let made = make(root.path(), destination, &keychain).expect("generates");
        let flag =
            matches!(made.where_it_went, PrivateKeyPlace::File { encrypted: true, .. }).then_some(path.as_path());
        let loaded = match made.printed {
            Some(text) => SigningKey::read(text, || Err(KeyError::PassphraseMissing)),
            None => load_signing_key(flag, &|_| None, &keychain, "github://acme/slack", |_| Ok(word()))
                .map(|loaded| loaded.key),
        };
        assert_eq!(loaded.ok().map(|key| key.public()), Some(made.public));
        let shown = shown(root.path()).expect("shows");
        assert_eq!(fs::read_to_string(root.path().join(PUBLIC_KEY)).expect("reads"), shown.pem);
        assert_eq!((shown.fingerprint, shown.base64), (made.fingerprint, made.public.to_base64()));
        assert_eq!(shown.trust, "aileron keyring trust github://acme/slack");
        let ring = Keyring::parse(shown.ring_entry.as_bytes(), "r").expect("a ring");
        assert_eq!(ring.exact(&name().repo_authority()), [made.public]);
        let readme = fs::read_to_string(root.path().join(README)).expect("reads");
        for part in [&shown.trust, &shown.ring_entry, &shown.fingerprint.to_string(), &made.public.to_base64()] {
            assert!(readme.contains(part), "{part} in {readme}");
        }
    }
}

/// After a crash there may be a public key without its private one, never the other way round, and never two that do not
/// belong together: once what is there is removed, `generate` works again.
#[test]
fn a_crash_at_any_step_leaves_no_private_key_without_its_public_one() {
    let (environment, stop) = (Environment::of_this_process(), AtomicBool::new(false));
    let spawner = Spawner { environment: &environment, stop: &stop };
    let keychain = MemoryKeychain::new();
    for number in 1.. {
        let (root, outside) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let (public, private) = (root.path().join(PUBLIC_KEY), outside.path().join("new/publisher.pem"));
        let destination = || Destination::File { path: private.clone(), passphrase: None };
        let crashing = Arc::new(Crashing::at(number));
        let steps: Arc<dyn Steps> = crashing.clone();
        let made = generate_on(&steps, root.path(), &name(), destination(), &keychain, spawner);
        if let Ok(text) = fs::read(&private)
            && let Ok(key) = SigningKey::read(text.into(), || Err(KeyError::PassphraseMissing))
        {
            let committed = fs::read_to_string(&public).expect("the public half came first");
            assert_eq!(committed, key.public().to_pem(), "step {number}");
        }
        if made.is_ok() {
            assert!(crashing.is_alive() && number > 8, "folders, files and flushes of a pair: {number} steps");
            return;
        }
        for left in [root.path().join("keys"), outside.path().join("new")] {
            let _ = fs::remove_dir_all(left);
        }
        let again = generate(root.path(), &name(), destination(), &keychain, spawner);
        assert!(again.is_ok(), "after a crash at step {number}: {:?}", again.err());
    }
}

#[test]
fn nothing_is_overwritten_and_nothing_half_written_stays() {
    let keychain = MemoryKeychain::new();
    let root = tempfile::tempdir().expect("a folder");
    let outside = tempfile::tempdir().expect("a folder");
    let taken = outside.path().join("taken.pem");
    fs::write(&taken, "mine").expect("writes");
    let file = |path: &Path| Destination::File { path: path.to_owned(), passphrase: None };
    let again = |destination, keychain: &MemoryKeychain| {
        make(root.path(), destination, keychain).err().map(|error| error.to_string()).unwrap_or_default()
    };

    assert!(again(file(&taken), &keychain).contains("taken.pem exists already"));
    assert!(again(file(&taken.join("below")), &keychain).starts_with("cannot "));
    assert!(again(Destination::Keychain, &MemoryKeychain::missing()).starts_with("there is no keychain"));
    keychain.store("github://acme/slack", &Secret::from("old".to_owned())).expect("stores");
    assert!(again(Destination::Keychain, &keychain).contains("keychain has a private key for github://acme/slack"));
    assert_eq!(entries(root.path()), 0);

    struct FailsToStore;
    impl Keychain for FailsToStore {
        fn load(&self, _: &str) -> Result<Option<Secret>, KeyError> {
            Ok(None)
        }
        fn store(&self, _: &str, _: &Secret) -> Result<(), KeyError> {
            Err(KeyError::KeychainRefused("locked".to_owned()))
        }
    }
    assert!(make(root.path(), Destination::Keychain, &FailsToStore).is_err());
    assert_eq!(entries(root.path()), 0);

    fs::create_dir(root.path().join("keys")).expect("creates");
    fs::write(root.path().join(README), "our own words").expect("writes");
    let made = make(root.path(), Destination::Print, &keychain).expect("generates");
    assert!(!made.wrote_readme);
    assert_eq!(fs::read_to_string(root.path().join(README)).expect("reads"), "our own words");
    assert!(again(Destination::Print, &keychain).contains("publisher.pub exists already"));
    let free = outside.path().join("free.pem");
    assert!(again(file(&free), &keychain).contains("publisher.pub exists already"));
    assert!(!free.exists());
    assert_eq!(shown(root.path()).expect("shows").fingerprint, made.fingerprint);
}

fn shown(root: &Path) -> Result<Shown, KeysError> {
    show(root, fs::read_to_string(root.join(PUBLIC_KEY)).ok().as_deref(), &name())
}

#[test]
fn show_says_what_is_wrong_with_a_committed_key() {
    let root = tempfile::tempdir().expect("a folder");
    fs::create_dir(root.path().join("keys")).expect("creates");
    let said = || shown(root.path()).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(said() == "there is no keys/publisher.pub yet");
    for (text, message) in [
        ("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n".to_owned(), "publisher.pub: no PEM block found"),
        (PublicKey::from_bytes([0; 32]).to_pem(), "is of small order"),
    ] {
        fs::write(root.path().join(PUBLIC_KEY), text).expect("writes");
        assert!(said().contains(message), "{}", said());
    }
    let elsewhere = trust(&"gitlab://acme/slack".parse().expect("a name"));
    assert_eq!(elsewhere, "aileron keyring trust --key-file keys/publisher.pub gitlab://acme");
}
