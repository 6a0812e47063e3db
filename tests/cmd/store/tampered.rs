//! Changes made to the store by hand, and what is remembered of a check.

use super::*;

#[test] // artifacts.md §9: "Warm opens"
fn an_entry_is_checked_once_and_again_whenever_anything_about_it_or_the_ring_changes() {
    let home = tempfile::tempdir().unwrap();
    let (toy, store) = (old(), healthy(home.path()));
    let ring = toy.ring();
    let directory = store.put(&connector(&toy)).unwrap().directory;
    let open = |ring: &Keyring| store.open(&pinned(&toy), ring).map(|opened| opened.check);
    assert_eq!(open(&ring).unwrap(), CheckedWhen::Now);
    assert_eq!(open(&ring).unwrap(), CheckedWhen::Before);

    let mut other = ring.clone();
    other.grant(aileron_verifier::name::fqn::Authority::new("github://acme"), Publisher::from_seed(9).key());
    assert_eq!(open(&other).unwrap(), CheckedWhen::Now, "another ring");
    assert_eq!(open(&Keyring::new()).unwrap_err().class(), Class::SignatureFailure, "no key is trusted any more");
    let everywhere = Keyring::of_keys([toy.publisher.key()]);
    assert_eq!(open(&everywhere).unwrap(), CheckedWhen::Now);
    assert_eq!(open(&Keyring::new()).unwrap_err().class(), Class::SignatureFailure, "not what --key was told");

    for member in ["connector.wasm", "manifest.toml", "signature.sig"] {
        let path = directory.join(member);
        open(&ring).unwrap();
        assert_eq!(open(&ring).unwrap(), CheckedWhen::Before);
        File::open(&path).unwrap().set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH)).unwrap();
        assert_eq!(open(&ring).unwrap(), CheckedWhen::Now, "{member}: another mtime");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(open(&ring).unwrap(), CheckedWhen::Now, "{member}: another mode");
        fs::copy(&path, directory.join("copy")).unwrap();
        fs::rename(directory.join("copy"), &path).unwrap();
        assert_eq!(open(&ring).unwrap(), CheckedWhen::Now, "{member}: the same bytes in another file");
    }

    // Without the hour: what was written within the last tick is not remembered.
    let hasty = Store::at(home.path().to_owned());
    fs::write(directory.join("signature.sig"), fs::read(directory.join("signature.sig")).unwrap()).unwrap();
    assert_eq!(hasty.open(&pinned(&toy), &ring).unwrap().check, CheckedWhen::Now);
    assert_eq!(hasty.open(&pinned(&toy), &ring).unwrap().check, CheckedWhen::Now);
}

/// Changes one byte and puts size, mode and times back as they were.
fn tamper(path: &Path) {
    let before = fs::metadata(path).unwrap();
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, before.permissions()).unwrap();
    let times = FileTimes::new().set_modified(before.modified().unwrap()).set_accessed(before.accessed().unwrap());
    File::options().write(true).open(path).unwrap().set_times(times).unwrap();
    let after = fs::metadata(path).unwrap();
    assert_eq!((before.size(), before.mode(), before.mtime()), (after.size(), after.mode(), after.mtime()));
}

#[test] // the issue: tampered store entry (content, mode, time stamps restored)
fn a_changed_entry_is_refused_even_when_its_size_mode_and_times_are_put_back() {
    for (member, class) in
        [("connector.wasm", None), ("manifest.toml", None), ("signature.sig", Some(Class::SignatureFailure))]
    {
        let home = tempfile::tempdir().unwrap();
        let (toy, store) = (old(), healthy(home.path()));
        let directory = store.put(&connector(&toy)).unwrap().directory;
        store.open(&pinned(&toy), &toy.ring()).unwrap();
        assert_eq!(store.open(&pinned(&toy), &toy.ring()).unwrap().check, CheckedWhen::Before);
        tamper(&directory.join(member));
        for _ in 0..2 {
            let error = store.open(&pinned(&toy), &toy.ring()).unwrap_err();
            assert!(matches!(error, StoreError::Refused { .. }), "{member}: {error}");
            // Where the byte falls decides which step notices: syntax, name, signature or hash.
            assert!(class.is_none_or(|class| class == error.class()), "{member}: {error}");
        }
        // Installing again repairs it.
        assert!(!store.put(&connector(&toy)).unwrap().was_there);
        store.open(&pinned(&toy), &toy.ring()).unwrap();
    }
    let home = tempfile::tempdir().unwrap();
    let (toy, store) = (old(), healthy(home.path()));
    let directory = store.put(&connector(&toy)).unwrap().directory;
    for path in ["connector.wasm", "manifest.toml", "signature.sig", ""].map(|name| directory.join(name)) {
        let mode = fs::metadata(&path).unwrap().permissions();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode.mode() | 0o022)).unwrap();
        let error = store.open(&pinned(&toy), &toy.ring()).unwrap_err();
        assert_eq!(error.class(), Class::ValidationError, "{}: {error}", path.display());
        fs::set_permissions(&path, mode).unwrap();
        store.open(&pinned(&toy), &toy.ring()).unwrap();
    }
    fs::remove_file(directory.join("signature.sig")).unwrap();
    let error = store.open(&pinned(&toy), &toy.ring()).unwrap_err();
    assert_eq!(error.class(), Class::MalformedTarball, "{error}");
}

/// The manifest with one more host, which was not signed.
fn widened(manifest: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(manifest.to_vec()).unwrap();
    text.replace("api.example.com:443", "api.example.com:443\", \"evil.example:443").into_bytes()
}

#[test] // artifacts.md §10: a link inside a store entry is refused
fn a_link_in_an_entry_is_refused_wherever_it_leads() {
    for member in ["connector.wasm", "manifest.toml", "signature.sig", ""] {
        for moved in ["store/connectors/sha256/elsewhere", "elsewhere", "store/elsewhere"] {
            let home = tempfile::tempdir().unwrap();
            let (toy, store) = (old(), healthy(home.path()));
            let directory = store.put(&connector(&toy)).unwrap().directory;
            store.open(&pinned(&toy), &toy.ring()).unwrap();
            let (path, target) = (directory.join(member), home.path().join(moved));
            let path = if member.is_empty() { directory.clone() } else { path };
            fs::rename(&path, &target).unwrap();
            std::os::unix::fs::symlink(&target, &path).unwrap();
            for _ in 0..2 {
                let error = store.open(&pinned(&toy), &toy.ring()).unwrap_err();
                assert!(matches!(error, StoreError::NotPrivate(_)), "{member} to {moved}: {error}");
                assert!(store.verify(&pinned(&toy), &toy.ring()).is_err(), "{member} to {moved}");
            }
        }
    }
    for member in ["say.md", "say.sig"] {
        let home = tempfile::tempdir().unwrap();
        let (toy, store) = (old(), healthy(home.path()));
        store.put(&connector(&toy)).unwrap();
        store.put_actions(&[&action(&toy, "say")], false).unwrap();
        let path = home.path().join("actions").join(member);
        fs::rename(&path, home.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(home.path().join("elsewhere"), &path).unwrap();
        assert!(matches!(store.verify_action("say", &toy.ring()), Err(StoreError::NotPrivate(_))), "{member}");
        let judged = store.judge_actions(&toy.ring(), false).unwrap().remove(0).1;
        assert!(matches!(judged, Err(StoreError::NotPrivate(_))), "{member}");
    }
}

#[test] // artifacts.md §10: the bytes read are compared with the digest remembered
fn documents_that_were_changed_without_a_new_stamp_are_verified_again() {
    // A mapping moves no time. Its effect is made by correcting the remembered stamps after an ordinary write.
    let home = tempfile::tempdir().unwrap();
    let (toy, store) = (old(), healthy(home.path()));
    let directory = store.put(&connector(&toy)).unwrap().directory;
    store.put_actions(&[&action(&toy, "say")], false).unwrap();
    let say = home.path().join("actions/say.md");
    let places = [
        (directory.join("manifest.toml"), format!("{}.json", toy.content().hex())),
        (directory.join("signature.sig"), format!("{}.json", toy.content().hex())),
        (say.clone(), "actions.json".to_owned()),
        (say.with_extension("sig"), "actions.json".to_owned()),
    ];
    for (path, memory) in places {
        store.open(&pinned(&toy), &toy.ring()).unwrap();
        store.judge_actions(&toy.ring(), false).unwrap();
        let memory = home.path().join("cache/checked").join(memory);
        let good = fs::read(&path).unwrap();
        let remembered = fs::read_to_string(&memory).unwrap();
        // The stamps of the file as it is after the change, and the digest from before it.
        let mut bad = good.clone();
        let last = bad.len() - 1;
        bad[last] ^= 1;
        fs::write(&path, &bad).unwrap();
        let found = fs::metadata(&path).unwrap();
        let mut forged: serde_json::Value = serde_json::from_str(&remembered).unwrap();
        let entry = forged.as_object_mut().unwrap().values_mut().next().unwrap();
        for stamp in entry["stamps"].as_array_mut().unwrap() {
            if stamp["inode"] == found.ino() {
                stamp["mtime"] = serde_json::json!([found.mtime(), found.mtime_nsec()]);
                stamp["ctime"] = serde_json::json!([found.ctime(), found.ctime_nsec()]);
            }
        }
        let forged = forged.to_string();
        assert_ne!(forged, remembered, "{}", path.display());
        fs::write(&memory, forged).unwrap();
        let verdict = match memory.ends_with("actions.json") {
            true => store.judge_actions(&toy.ring(), false).unwrap().remove(0).1.map(drop),
            false => store.open(&pinned(&toy), &toy.ring()).map(drop),
        };
        assert!(matches!(verdict, Err(StoreError::Refused { .. })), "{}: {verdict:?}", path.display());
        fs::write(&path, good).unwrap();
    }
}

#[test] // artifacts.md §10: what is used is what was judged
#[cfg(target_os = "linux")]
fn an_ancestor_that_is_exchanged_while_an_entry_is_opened_never_brings_in_an_unsigned_manifest() {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    let home = tempfile::tempdir().unwrap();
    let (toy, store) = (old(), healthy(home.path()));
    let directory = store.put(&connector(&toy)).unwrap().directory;
    let (ours, other) = (home.path().join("store/connectors/sha256"), home.path().join("other"));
    let copy = other.join(toy.content().hex());
    aileron_cli::sys::private::make(&copy).unwrap();
    for member in ["connector.wasm", "manifest.toml", "signature.sig"] {
        let bytes = fs::read(directory.join(member)).unwrap();
        fs::write(copy.join(member), if member == "manifest.toml" { widened(&bytes) } else { bytes }).unwrap();
    }
    let signed = store.open(&pinned(&toy), &toy.ring()).unwrap().manifest;
    assert_eq!(store.open(&pinned(&toy), &toy.ring()).unwrap().check, CheckedWhen::Before);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                renameat_with(CWD, &ours, CWD, &other, RenameFlags::EXCHANGE).unwrap();
            }
        });
        let mut opened = (0..500).filter_map(|_| store.open(&pinned(&toy), &toy.ring()).ok());
        let all_signed = opened.all(|opened| opened.manifest.source.text == signed.source.text);
        done.store(true, Ordering::SeqCst);
        assert!(all_signed);
    });
}

#[test]
fn a_store_whose_directories_others_can_write_is_neither_read_nor_written() {
    let below = ["", "store", "store/connectors", "store/connectors/sha256"];
    for (inside, open) in below.iter().flat_map(|inside| [0o777, 0o775, 0o757].map(|open| (inside, open))) {
        let home = tempfile::tempdir().unwrap();
        let (toy, store) = (old(), healthy(home.path()));
        store.put(&connector(&toy)).unwrap();
        store.open(&pinned(&toy), &toy.ring()).unwrap();
        fs::set_permissions(home.path().join(inside), fs::Permissions::from_mode(open)).unwrap();
        assert!(matches!(store.open(&pinned(&toy), &toy.ring()), Err(StoreError::NotPrivate(_))), "{inside} {open:o}");
        let before = tree(home.path());
        assert!(matches!(store.put(&connector(&new())), Err(StoreError::NotPrivate(_))), "{inside} {open:o}");
        assert_eq!(tree(home.path()), before, "{inside} {open:o}");
        // Homes that others can read stay valid: earlier versions made them so.
        fs::set_permissions(home.path().join(inside), fs::Permissions::from_mode(0o755)).unwrap();
        store.open(&pinned(&toy), &toy.ring()).unwrap();
        store.put(&connector(&new())).unwrap();
    }
    for cache in ["cache", "cache/checked"] {
        let home = tempfile::tempdir().unwrap();
        let (toy, store) = (old(), healthy(home.path()));
        store.put(&connector(&toy)).unwrap();
        let check = || store.open(&pinned(&toy), &toy.ring()).unwrap().check;
        assert_eq!([check(), check()], [CheckedWhen::Now, CheckedWhen::Before]);
        let set = |mode| fs::set_permissions(home.path().join(cache), fs::Permissions::from_mode(mode)).unwrap();
        set(0o777);
        assert_eq!([check(), check()], [CheckedWhen::Now, CheckedWhen::Now], "{cache}");
        set(0o755);
        assert_eq!(check(), CheckedWhen::Before, "{cache}");
    }
}

#[test]
fn a_changed_action_is_refused_and_so_is_one_without_a_signature_or_under_another_name() {
    let home = tempfile::tempdir().unwrap();
    let (toy, store) = (old(), healthy(home.path()));
    store.put(&connector(&toy)).unwrap();
    let (say, shout) = (action(&toy, "say"), action(&toy, "shout"));
    store.put_actions(&[&say, &shout], false).unwrap();
    let verdict = |full| {
        let judged = store.judge_actions(&toy.ring(), full).unwrap();
        judged.into_iter().map(|(file, verdict)| (file.name, verdict)).collect::<Vec<_>>()
    };
    let checks = |full| verdict(full).into_iter().map(|(_, verdict)| verdict.unwrap().check).collect::<Vec<_>>();
    assert_eq!(checks(false), [CheckedWhen::Now, CheckedWhen::Now]);
    assert_eq!(checks(false), [CheckedWhen::Before, CheckedWhen::Before]);
    assert_eq!(checks(true), [CheckedWhen::Now, CheckedWhen::Now]);

    let path = |name: &str| home.path().join("actions").join(name);
    let class = || verdict(false).remove(0).1.unwrap_err().class();
    let text = fs::read(path("say.md")).unwrap();
    let changed = String::from_utf8(text.clone()).unwrap().replace("Says it", "Sags it");
    fs::write(path("say.md"), changed).unwrap();
    assert_eq!(class(), Class::SignatureFailure);
    fs::write(path("say.md"), &text).unwrap();
    assert_eq!(checks(false), [CheckedWhen::Now, CheckedWhen::Before]);
    fs::write(path("say.md"), fs::read(path("shout.md")).unwrap()).unwrap();
    assert_eq!(class(), Class::SignatureFailure, "another action's text");
    fs::write(path("say.sig"), fs::read(path("shout.sig")).unwrap()).unwrap();
    assert_eq!(class(), Class::FqnMismatch, "another action's text and signature");
    fs::remove_file(path("say.sig")).unwrap();
    assert_eq!(class(), Class::MalformedTarball, "without a signature");
    store.put_actions(&[&say], true).unwrap();
    assert_eq!(checks(false).len(), 2);
    fs::set_permissions(path("say.md"), fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(class(), Class::ValidationError, "writable by others");
}
