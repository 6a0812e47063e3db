//! The store: whole or unchanged whenever the world ends, and never believed without a reason.

use std::fs::{self, File, FileTimes};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use aileron_cli::store::{Check, Pinned, Store, StoreError};
use aileron_cli::sys::clock::Clock;
use aileron_cli::sys::steps::{Disk, Steps};
use aileron_testkit::{Publisher, Toy, pack};
use aileron_verifier::artifact::verify::{Unverified, Verified, Wanted};
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::problem::Class;
use aileron_verifier::trust::keyring::Keyring;

/// A disk that is not flushed: power stays on in here, and thousands of flushes would be all the time these tests take.
struct Powered;

impl Steps for Powered {
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        Disk.make_directory(path)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        Disk.write(path, bytes)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        File::open(path).map(drop)
    }

    fn settle_below(&self, path: &Path) -> io::Result<()> {
        File::open(path).map(drop)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        Disk.remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        Disk.remove_directory(path)
    }
}

/// A disk that takes so many steps. The next one is half done where a step can be, and none comes after it.
struct Dying {
    left: AtomicUsize,
}

impl Dying {
    fn step<T>(&self, whole: impl FnOnce() -> io::Result<T>, half: impl FnOnce()) -> io::Result<T> {
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(left) if left > 1 => whole(),
            Ok(1) => {
                half();
                Err(io::Error::other("the world ends here"))
            }
            _ => Err(io::Error::other("the world has ended")),
        }
    }
}

impl Steps for Dying {
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        self.step(|| Powered.make_directory(path), || ())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.step(|| Powered.write(path, bytes), || Powered.write(path, &bytes[..bytes.len() / 2]).unwrap())
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.step(|| Powered.sync(path), || ())
    }

    fn settle_below(&self, path: &Path) -> io::Result<()> {
        self.step(|| Powered.settle_below(path), || ())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(|| Powered.rename(from, to), || ())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.step(|| Powered.remove_file(path), || ())
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        let half = || {
            if let Some(entry) = fs::read_dir(path).ok().and_then(|mut entries| entries.next()) {
                fs::remove_file(entry.unwrap().path()).unwrap();
            }
        };
        self.step(|| Powered.remove_directory(path), half)
    }
}

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
    Store::with(home.to_owned(), Arc::new(Powered), Arc::new(Later))
}

/// A store whose disk ends at step `number`, from 1.
fn dying(home: &Path, number: usize) -> Store {
    let steps = Dying { left: AtomicUsize::new(number) };
    Store::with(home.to_owned(), Arc::new(steps), Arc::new(Later))
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

/// Runs `work` with a disk that ends at each step in turn, on a copy of what `before` makes. Afterwards the store is sound,
/// and doing the work again gives exactly what it gives when nothing goes wrong. Returns the number of steps.
fn at_every_step(before: impl Fn(&Store), work: impl Fn(&Store) -> Result<(), StoreError>, ring: &Keyring) -> usize {
    let whole = tempfile::tempdir().unwrap();
    before(&healthy(whole.path()));
    work(&healthy(whole.path())).unwrap();
    let whole = tree(whole.path());
    for number in 1.. {
        let home = tempfile::tempdir().unwrap();
        before(&healthy(home.path()));
        let done = work(&dying(home.path(), number));
        assert_sound(home.path(), ring);
        if done.is_ok() {
            assert_eq!(tree(home.path()), whole);
            return number - 1;
        }
        work(&healthy(home.path())).unwrap_or_else(|error| panic!("after dying at step {number}: {error}"));
        assert_eq!(tree(home.path()), whole, "after dying at step {number}");
    }
    unreachable!()
}

#[test] // artifacts.md §9
fn dying_at_any_step_of_an_install_leaves_a_store_that_is_whole_or_unchanged() {
    let ring = old().ring();
    let (old, new) = (connector(&old()), connector(&new()));
    let put = |artifact: &Verified, store: &Store| store.put(artifact).map(drop);
    let steps = at_every_step(|_| (), |store| put(&old, store), &ring);
    assert!(steps >= 14, "{steps} steps: directory, members, flushes, rename, index");
    at_every_step(|store| put(&old, store).unwrap(), |store| put(&new, store), &ring);
}

#[test]
fn dying_while_a_damaged_entry_is_mended_or_replaced_is_survived_too() {
    let toy = old();
    let artifact = connector(&toy);
    let resigned = |store: &Store| {
        store.put(&artifact).unwrap();
        let signature = store.open(&pinned(&toy), &toy.ring()).unwrap().directory.join("signature.sig");
        fs::write(signature, [7; 64]).unwrap();
    };
    // While it is damaged it is refused; it is never half of both.
    let home = tempfile::tempdir().unwrap();
    resigned(&healthy(home.path()));
    let error = healthy(home.path()).open(&pinned(&toy), &toy.ring()).unwrap_err();
    assert_eq!(error.class(), Class::SignatureFailure);
    for number in 1.. {
        let home = tempfile::tempdir().unwrap();
        resigned(&healthy(home.path()));
        let done = dying(home.path(), number).put(&artifact).is_ok();
        healthy(home.path()).put(&artifact).unwrap();
        assert_sound(home.path(), &toy.ring());
        if done {
            break;
        }
    }
}

#[test] // artifacts.md §9 and §10: all or nothing
fn dying_at_any_step_of_a_suite_leaves_all_of_it_or_nothing_of_it() {
    let names = ["say", "shout", "whisper", "sing", "hum"];
    let suite = |toy: &Toy| (connector(toy), names.map(|name| action(toy, name)));
    let ring = old().ring();
    let (old, new) = (suite(&old()), suite(&new()));
    let add = |(connector, actions): &(Verified, [Verified; 5]), store: &Store| {
        store.put(connector)?;
        store.put_actions(&actions.each_ref(), false).map(drop)
    };
    at_every_step(|_| (), |store| add(&old, store), &ring);
    for number in 1.. {
        let home = tempfile::tempdir().unwrap();
        add(&old, &healthy(home.path())).unwrap();
        let done = add(&new, &dying(home.path(), number)).is_ok();
        assert_sound(home.path(), &ring);
        let actions = healthy(home.path()).actions().unwrap();
        let versions: Vec<String> =
            actions.into_iter().map(|file| file.reference.unwrap().version.to_string()).collect();
        let all_of = |version: &str| versions == vec![version; names.len()];
        assert!(all_of("1.0.0") || all_of("1.1.0"), "died at step {number}: {versions:?}");
        if done {
            break;
        }
    }
    at_every_step(|store| add(&old, store).unwrap(), |store| add(&new, store), &ring);
}

#[test]
fn dying_at_any_step_of_a_removal_leaves_the_connector_or_nothing() {
    let toy = old();
    let (first, second) = (connector(&toy), connector(&new()));
    for number in 1.. {
        let home = tempfile::tempdir().unwrap();
        healthy(home.path()).put(&first).unwrap();
        let done = dying(home.path(), number).remove(&pinned(&toy)).is_ok();
        assert_sound(home.path(), &toy.ring());
        let left = healthy(home.path()).installed().unwrap();
        assert!(left.is_empty() || left == [pinned(&toy)]);
        // What a removal left aside is swept by the next install.
        healthy(home.path()).put(&second).unwrap();
        let aside = fs::read_dir(home.path().join("store/connectors/tmp")).unwrap().count();
        assert_eq!(aside, 0, "died at step {number}");
        if done {
            break;
        }
    }
}

#[test] // artifacts.md §9: "Warm opens"
fn an_entry_is_checked_once_and_again_whenever_anything_about_it_or_the_ring_changes() {
    let home = tempfile::tempdir().unwrap();
    let (toy, store) = (old(), healthy(home.path()));
    let ring = toy.ring();
    let directory = store.put(&connector(&toy)).unwrap().directory;
    let open = |ring: &Keyring| store.open(&pinned(&toy), ring).map(|opened| opened.check);
    assert_eq!(open(&ring).unwrap(), Check::Now);
    assert_eq!(open(&ring).unwrap(), Check::Before);

    let mut other = ring.clone();
    other.grant(aileron_verifier::name::fqn::Authority::new("github://acme"), Publisher::from_seed(9).key());
    assert_eq!(open(&other).unwrap(), Check::Now, "another ring");
    assert_eq!(open(&Keyring::new()).unwrap_err().class(), Class::SignatureFailure, "nobody is trusted any more");
    let everywhere = Keyring::of_keys([toy.publisher.key()]);
    assert_eq!(open(&everywhere).unwrap(), Check::Now);
    assert_eq!(open(&Keyring::new()).unwrap_err().class(), Class::SignatureFailure, "not what --key was told");

    for member in ["connector.wasm", "manifest.toml", "signature.sig"] {
        let path = directory.join(member);
        open(&ring).unwrap();
        assert_eq!(open(&ring).unwrap(), Check::Before);
        File::open(&path).unwrap().set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH)).unwrap();
        assert_eq!(open(&ring).unwrap(), Check::Now, "{member}: another mtime");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(open(&ring).unwrap(), Check::Now, "{member}: another mode");
        fs::copy(&path, directory.join("copy")).unwrap();
        fs::rename(directory.join("copy"), &path).unwrap();
        assert_eq!(open(&ring).unwrap(), Check::Now, "{member}: the same bytes in another file");
    }

    // Without the hour: what was written within the last tick is not remembered.
    let hasty = Store::at(home.path().to_owned());
    fs::write(directory.join("signature.sig"), fs::read(directory.join("signature.sig")).unwrap()).unwrap();
    assert_eq!(hasty.open(&pinned(&toy), &ring).unwrap().check, Check::Now);
    assert_eq!(hasty.open(&pinned(&toy), &ring).unwrap().check, Check::Now);
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
        assert_eq!(store.open(&pinned(&toy), &toy.ring()).unwrap().check, Check::Before);
        tamper(&directory.join(member));
        for _ in 0..2 {
            let error = store.open(&pinned(&toy), &toy.ring()).unwrap_err();
            assert!(matches!(error, StoreError::Refused { .. }), "{member}: {error}");
            // Where the byte falls decides which step notices: syntax, name, signature or hash.
            assert!(class.is_none_or(|class| class == error.class()), "{member}: {error}");
        }
        // Installing again mends it.
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

/// The manifest with one more host, which nobody signed.
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
    assert_eq!(store.open(&pinned(&toy), &toy.ring()).unwrap().check, Check::Before);
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
        assert_eq!([check(), check()], [Check::Now, Check::Before]);
        let set = |mode| fs::set_permissions(home.path().join(cache), fs::Permissions::from_mode(mode)).unwrap();
        set(0o777);
        assert_eq!([check(), check()], [Check::Now, Check::Now], "{cache}");
        set(0o755);
        assert_eq!(check(), Check::Before, "{cache}");
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
    assert_eq!(checks(false), [Check::Now, Check::Now]);
    assert_eq!(checks(false), [Check::Before, Check::Before]);
    assert_eq!(checks(true), [Check::Now, Check::Now]);

    let path = |name: &str| home.path().join("actions").join(name);
    let class = || verdict(false).remove(0).1.unwrap_err().class();
    let text = fs::read(path("say.md")).unwrap();
    let changed = String::from_utf8(text.clone()).unwrap().replace("Says it", "Sags it");
    fs::write(path("say.md"), changed).unwrap();
    assert_eq!(class(), Class::SignatureFailure);
    fs::write(path("say.md"), &text).unwrap();
    assert_eq!(checks(false), [Check::Now, Check::Before]);
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

#[test] // the index is a cache
fn an_index_that_is_lost_damaged_or_lies_is_made_again_or_found_out() {
    let home = tempfile::tempdir().unwrap();
    let store = healthy(home.path());
    let (old, new) = (old(), new());
    store.put(&connector(&old)).unwrap();
    store.put(&connector(&new)).unwrap();
    let path = home.path().join("store/index/connectors.json");
    let text = fs::read_to_string(&path).unwrap();
    let line = |toy: &Toy| format!("  \"{}\": \"{}\"", toy.reference(), toy.content());
    assert_eq!(text, format!("{{\n{},\n{}\n}}\n", line(&old), line(&new)), "sorted keys");
    let installed = store.installed().unwrap();
    for damaged in ["", "{", "[]", "{\"x\": \"y\"}", "{\"github://acme/echo@1.0.0\": 1}", "{}"] {
        fs::write(&path, damaged).unwrap();
        assert_eq!(store.installed().unwrap(), installed, "{damaged}");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(store.installed().unwrap(), installed);
    assert!(store.rebuild_index().unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), text);

    // Swapped contents agree with what lies there, and with no manifest.
    let (a, b) = (old.content().to_string(), new.content().to_string());
    let lie = text.replace(&a, "A").replace(&b, &a).replace('A', &b);
    fs::write(&path, &lie).unwrap();
    for toy in [&old, &new] {
        let content = store.content_of(&toy.reference()).unwrap().unwrap();
        assert_ne!(content, toy.content());
        let lied = Pinned { reference: toy.reference(), content };
        assert_eq!(store.open(&lied, &toy.ring()).unwrap_err().class(), Class::FqnMismatch);
        store.open(&pinned(toy), &toy.ring()).unwrap();
    }
    assert!(store.rebuild_index().unwrap());
    assert_eq!(store.installed().unwrap(), installed);
}

#[test]
fn a_published_version_never_changes_and_what_is_pinned_stays() {
    let home = tempfile::tempdir().unwrap();
    let store = healthy(home.path());
    let toy = old();
    store.put(&connector(&toy)).unwrap();
    let say = action(&toy, "say");
    store.put_actions(&[&say], false).unwrap();
    let manifest = toy.manifest() + "\n";
    let other = toy.sign_connector(aileron_testkit::module(), manifest.into_bytes());
    let other = Unverified::new(pack(&other)).verify(&Wanted::of(toy.reference()), &toy.ring()).unwrap();
    assert!(matches!(store.put(&other), Err(StoreError::OtherContent { .. })));
    let before = tree(home.path());
    assert!(matches!(store.put(&other), Err(StoreError::OtherContent { .. })));
    assert_eq!(tree(home.path()), before);
    store.put_over(&other, true).unwrap();
    assert_eq!(store.content_of(&toy.reference()).unwrap(), other.content());
    store.verify(&pinned(&toy), &toy.ring()).unwrap();
    assert!(matches!(store.remove(&pinned(&toy)), Err(StoreError::Pinned { by, .. }) if by == ["say"]));
    store.remove_action("say").unwrap();
    store.remove(&pinned(&toy)).unwrap();
    assert!(matches!(store.remove(&pinned(&toy)), Err(StoreError::NoConnector(_))));
    assert!(matches!(store.remove_action("say"), Err(StoreError::NoAction(_))));
    assert!(matches!(store.remove_action("../keyring"), Err(StoreError::NoAction(_))));
}

#[test] // artifacts.md §9 and §10
fn an_action_needs_its_connector_and_a_place_of_its_own() {
    let home = tempfile::tempdir().unwrap();
    let store = healthy(home.path());
    let (old, new) = (old(), new());
    let put = |artifact: &Verified, replace| store.put_actions(&[artifact], replace).map(|mut all| all.remove(0));
    let first = action(&new, "say");
    assert!(matches!(put(&first, false), Err(StoreError::ConnectorMissing { .. })));
    store.put(&connector(&old)).unwrap();
    assert!(matches!(put(&first, true), Err(StoreError::ConnectorMissing { .. })), "another version is not it");
    store.put(&connector(&new)).unwrap();
    let entered = put(&first, false).unwrap();
    assert_eq!((entered.before, entered.was_there), (None, false));
    assert!(put(&first, false).unwrap().was_there);
    assert!(matches!(put(&action(&old, "say"), false), Err(StoreError::Taken { .. })), "a downgrade");
    let reference: Ref = old.action_reference("say");
    assert_eq!(put(&action(&old, "say"), true).unwrap().reference, reference);
    assert_eq!(put(&first, false).unwrap().before, Some(reference), "an upgrade");
    let other = Toy::default().named("github://acme/other").at("9.0.0");
    store.put(&connector(&other)).unwrap();
    assert!(matches!(put(&action(&other, "say"), false), Err(StoreError::Taken { .. })), "another action of that name");
    put(&action(&other, "say"), true).unwrap();
    assert!(matches!(store.put(&first), Err(StoreError::NotAConnector(_))));
    assert!(matches!(put(&connector(&old), false), Err(StoreError::NotAnAction(_))));
}

#[test]
fn many_at_once_lose_nothing() {
    let home = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for number in 0..16_usize {
            let home = home.path();
            scope.spawn(move || {
                let store = healthy(home);
                // Each installs five of eight connectors, with an action each; every one of the eight is wanted by many.
                for at in 0..5 {
                    let which = (number + at) % 8;
                    let toy = Toy::default().named(&format!("github://acme/echo{which}"));
                    store.put(&connector(&toy)).unwrap();
                    store.put_actions(&[&action(&toy, &format!("say{which}"))], false).unwrap();
                }
            });
        }
    });
    let store = healthy(home.path());
    assert_eq!((store.installed().unwrap().len(), store.actions().unwrap().len()), (8, 8));
    assert_sound(home.path(), &Keyring::of_keys([Publisher::from_seed(1).key()]));
    assert_eq!(fs::read_dir(home.path().join("store/connectors/tmp")).unwrap().count(), 0);
    let hidden = fs::read_dir(home.path().join("actions")).unwrap();
    assert!(hidden.map(|entry| entry.unwrap().file_name()).all(|name| !name.to_string_lossy().starts_with('.')));
}
