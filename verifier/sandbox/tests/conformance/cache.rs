//! Compiled code on disk: artifacts.md §9.

use std::fs;
use std::path::{Path, PathBuf};

use aileron_sandbox::engine::{Cache, Connector, Engine, LocalBuild, Origin};

use crate::guest::{Guest, call, manifest, output};

struct House {
    dir: tempfile::TempDir,
    build: LocalBuild,
}

impl House {
    fn new(answer: i32) -> House {
        let wasm = Guest::new().report(&[("n", &format!("(i32.const {answer})"))]).wasm();
        let build = LocalBuild::new(wasm, manifest("")).unwrap();
        House { dir: tempfile::tempdir().unwrap(), build }
    }

    fn cache(&self) -> PathBuf {
        self.dir.path().join("deep/compiled")
    }

    /// As a new process would.
    fn engine(&self) -> Engine {
        Engine::new(Some(Cache::open(self.cache()).unwrap())).unwrap()
    }

    fn load(&self) -> Connector {
        self.engine().compile_local(&self.build).unwrap()
    }

    fn recall(&self) -> Option<Connector> {
        self.engine().recall(self.build.content(), self.build.manifest())
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.cache())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn file(&self, extension: &str) -> PathBuf {
        let name = self.files().into_iter().find(|name| name.ends_with(extension)).unwrap();
        self.cache().join(name)
    }
}

fn origin(connector: &Connector) -> &'static str {
    match connector.origin() {
        Origin::Cached => "cached",
        Origin::Stored => "stored",
        Origin::Compiled => "compiled",
        Origin::Unstored(_) => "unstored",
    }
}

fn replace(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

#[test]
fn what_was_compiled_once_is_found_again() {
    let house = House::new(7);
    assert!(house.recall().is_none());
    assert_eq!(origin(&house.load()), "stored");
    assert_eq!(origin(&house.load()), "cached");
    let connector = house.recall().unwrap();
    assert_eq!(output(&call(&connector, "x", "{}"))["n"], 7);
    assert_eq!(connector.content(), house.build.content());
    let hex = house.build.content().hex();
    let files = house.files();
    assert_eq!(files.len(), 2);
    assert!(files.iter().all(|name| name.starts_with(&hex)), "{files:?}");
    let other = House::new(8);
    assert!(house.engine().recall(other.build.content(), other.build.manifest()).is_none());
}

#[test]
fn a_changed_file_is_never_run() {
    let house = House::new(7);
    house.load();
    let good = fs::read(house.file(".cwasm")).unwrap();
    let seal = fs::read(house.file(".seal")).unwrap();
    let flip = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    for bytes in [flip(0), flip(good.len() / 2), flip(good.len() - 1), good[..good.len() - 1].to_vec(), Vec::new()] {
        replace(&house.file(".cwasm"), &bytes);
        assert!(house.recall().is_none());
        let connector = house.load();
        assert_eq!(origin(&connector), "stored");
        assert_eq!(output(&call(&connector, "x", "{}"))["n"], 7);
        assert_eq!(origin(&house.load()), "cached");
    }
    for text in [&b""[..], b"x", &seal[1..], &seal[..65], b"\xff\n\n", &[seal.as_slice(), b"\n"].concat()] {
        replace(&house.file(".seal"), text);
        assert!(house.recall().is_none(), "{:?}", String::from_utf8_lossy(text));
    }
    replace(&house.file(".seal"), &seal);
    assert_eq!(origin(&house.load()), "cached");
}

#[test]
fn a_stamp_that_no_longer_holds_means_the_digest_is_checked_and_the_stamp_renewed() {
    let house = House::new(7);
    house.load();
    let (code, seal) = (house.file(".cwasm"), house.file(".seal"));
    let before = fs::read_to_string(&seal).unwrap();
    let copy = house.dir.path().join("copy");
    fs::copy(&code, &copy).unwrap();
    fs::rename(&copy, &code).unwrap(); // the same bytes in another file
    assert!(house.recall().is_some());
    let after = fs::read_to_string(&seal).unwrap();
    assert_eq!(before.lines().next(), after.lines().next());
    if cfg!(unix) {
        assert_ne!(before, after);
        assert!(house.recall().is_some());
        assert_eq!(fs::read_to_string(&seal).unwrap(), after);
    }
}

#[test]
fn code_of_another_engine_and_what_was_never_finished_is_swept_away() {
    let house = House::new(7);
    house.load();
    fs::remove_file(house.file(".seal")).unwrap();
    let hex = house.build.content().hex();
    for name in ["0123456789abcdef.cwasm", "0123456789abcdef.seal"] {
        replace(&house.cache().join(format!("{hex}-{name}")), b"old");
    }
    let kept = [house.cache().join(format!("{hex}-notes.txt")), house.cache().join("0000.cwasm")];
    kept.iter().for_each(|path| replace(path, b"not ours to remove"));
    // Two processes were killed while they wrote: one just now, one long ago.
    let unfinished = ["a", "b"].map(|hex| house.cache().join(format!(".new-{}", hex.repeat(16))));
    unfinished.iter().for_each(|path| replace(path, b"half"));
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(7_200);
    fs::File::options().write(true).open(&unfinished[1]).unwrap().set_modified(old).unwrap();
    house.load();
    assert_eq!(house.files().len(), 5, "{:?}", house.files());
    assert_eq!(unfinished.each_ref().map(|path| path.exists()), [true, false]);
    assert!(kept.iter().all(|path| path.exists()));
}

#[cfg(unix)]
mod on_unix {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use aileron_sandbox::engine::CacheFault;

    use super::*;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_directory_is_made_private_and_only_a_private_one_is_taken() {
        let house = House::new(7);
        house.load();
        assert_eq!(fs::metadata(house.cache()).unwrap().mode() & 0o777, 0o700);
        assert!(
            house
                .files()
                .iter()
                .all(|name| { fs::metadata(house.cache().join(name)).unwrap().mode() & 0o777 == 0o600 })
        );
        for open in [0o755, 0o750, 0o701, 0o777] {
            mode(&house.cache(), open);
            let fault = Cache::open(house.cache()).unwrap_err();
            assert!(matches!(fault, CacheFault::NotPrivate { .. }), "{fault}");
            assert!(fault.to_string().contains("chmod 700"), "{fault}");
            assert_eq!(fs::metadata(house.cache()).unwrap().mode() & 0o777, open);
        }
        mode(&house.cache(), 0o700);
        let link = house.dir.path().join("link");
        symlink(house.cache(), &link).unwrap();
        assert!(Cache::open(&link).unwrap_err().to_string().ends_with("is not a directory"));
        let file = house.dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(Cache::open(&file).is_err());
        assert!(Cache::open(file.join("below")).is_err());
    }

    #[test]
    fn a_file_others_may_write_or_a_link_is_compiled_again() {
        let house = House::new(7);
        house.load();
        for extension in [".cwasm", ".seal"] {
            for open in [0o666, 0o620, 0o602] {
                mode(&house.file(extension), open);
                assert!(house.recall().is_none(), "{extension} {open:o}");
                assert_eq!(origin(&house.load()), "stored");
            }
            let path = house.file(extension);
            let away = house.dir.path().join("away");
            fs::rename(&path, &away).unwrap();
            symlink(&away, &path).unwrap();
            assert!(house.recall().is_none(), "{extension}");
            assert_eq!(origin(&house.load()), "stored");
            assert!(!fs::symlink_metadata(&path).unwrap().is_symlink());
        }
    }

    #[test]
    fn a_full_or_missing_directory_costs_the_cache_and_nothing_else() {
        let house = House::new(7);
        let engine = house.engine();
        fs::remove_dir(house.cache()).unwrap();
        let connector = engine.compile_local(&house.build).unwrap();
        let Origin::Unstored(fault) = connector.origin() else { panic!("{:?}", connector.origin()) };
        assert!(fault.to_string().starts_with("compiled code is not kept: cannot write "), "{fault}");
        assert_eq!(output(&call(&connector, "x", "{}"))["n"], 7);
    }
}
