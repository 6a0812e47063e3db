//! The registry under writes of a release: in order where order matters, whatever an earlier run left.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aileron_verifier::layout::ARCHIVE;
use aileron_verifier::name::fqn::Ref;
use proptest::prelude::*;

use super::*;

/// A cohort of a connector and so many actions, and the registry it goes to.
struct Cohort {
    root: tempfile::TempDir,
    release: Ref,
    tags: Vec<Tag>,
}

impl Cohort {
    fn new(actions: usize) -> Cohort {
        let release: Ref = "github://acme/tea@1.0.0".parse().expect("a Ref");
        let action = |number| release.name.action(&format!("a{number:02}")).expect("a name").tag(&release.version);
        let tags = std::iter::once(release.tag()).chain((0..actions).map(action)).collect();
        Cohort { root: tempfile::tempdir().expect("a directory"), release, tags }
    }

    fn scope(&self) -> Scope<'_> {
        Scope { connector: &self.release.name, release: &self.release, tags: &self.tags, commit: "c" }
    }

    fn forge(&self) -> DirectoryForge {
        DirectoryForge::new(self.root.path().to_owned())
    }

    /// The registry's own part of a path.
    fn place(&self, below: &str) -> PathBuf {
        self.root.path().join("acme/tea").join(below)
    }

    fn public(&self, tag: &Tag) -> PathBuf {
        self.place(&format!("releases/download/{tag}/{ARCHIVE}"))
    }

    fn staged(&self, tag: &Tag) -> PathBuf {
        self.place(".staging").join(tag.as_segment()).join(ARCHIVE)
    }

    fn stages(&self) -> Vec<Write> {
        let index = [cohort::SIGNATURE_ASSET, cohort::ASSET].map(|name| Write::Stage {
            tag: self.release.tag(),
            asset: AssetFile::new(name, name.as_bytes().to_vec()),
        });
        self.tags.iter().map(|tag| Write::Stage { tag: tag.clone(), asset: archive(tag) }).chain(index).collect()
    }

    fn flips(&self) -> Vec<Write> {
        let flip = |tag: &Tag| {
            let (tag, assets) = (tag.clone(), vec![archive(tag)]);
            Write::Flip { tag, assets, pre_release: false, notes: None }
        };
        let announce = Write::Announce { tag: self.release.tag() };
        let key = Write::Key { pem: b"a key".to_vec(), statements: Vec::new() };
        std::iter::once(key).chain(self.tags.iter().map(flip)).chain([announce]).collect()
    }

    /// Does these writes under the lock; how many were done.
    fn perform(&self, writes: &[Write]) -> Result<usize, ForgeError> {
        let (forge, stop) = (self.forge(), AtomicBool::new(false));
        let _lock = forge.lock(&self.scope())?;
        let progress = WriteProgress::new(&stop, &|| ());
        forge.perform_all(&self.scope(), writes, &progress)?;
        forge.sync()?;
        Ok(progress.done())
    }

    /// Every file below the registry with its bytes, but for locks.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = walkdir::WalkDir::new(self.root.path()).into_iter().map(|entry| entry.expect("lists"));
        let file = |entry: walkdir::DirEntry| {
            let path = entry.path().strip_prefix(self.root.path()).expect("below").to_string_lossy().into_owned();
            (entry.file_type().is_file() && path != LOCK).then(|| (path, fs::read(entry.path()).expect("reads")))
        };
        entries.filter_map(file).collect()
    }
}

fn archive(tag: &Tag) -> AssetFile {
    AssetFile::new(ARCHIVE, format!("archive of {tag}").into_bytes())
}

#[test]
fn a_release_into_an_empty_directory_leaves_what_consumers_read_and_nothing_else() {
    let cohort = Cohort::new(20);
    assert_eq!(cohort.perform(&cohort.stages()).expect("stages"), 23);
    assert!(cohort.tags.iter().all(|tag| cohort.staged(tag).is_file() && !cohort.public(tag).exists()));
    assert_eq!(cohort.perform(&cohort.flips()).expect("flips"), 23);
    let files = cohort.files();
    assert_eq!(files.len(), 21 + 2 + 2, "archives, the index with its signature, the key, the list");
    for tag in &cohort.tags {
        let bytes = &files[&format!("acme/tea/releases/download/{tag}/{ARCHIVE}")];
        assert_eq!(bytes, &format!("archive of {tag}").into_bytes());
    }
    assert!(!cohort.place(".staging").exists());
    let listed = cohort.forge().index(&cohort.release.name).expect("a list").expect("a list");
    assert_eq!(listed.versions, std::slice::from_ref(&cohort.release.version));
}

#[test] // artifacts.md §11: the connector first, then its actions, the index last
fn no_action_is_public_before_its_connector_and_no_version_is_listed_before_its_actions() {
    let cohort = Cohort::new(12);
    cohort.perform(&cohort.stages()).expect("stages");
    let (forge, stop, seen) = (cohort.forge(), AtomicBool::new(false), AtomicUsize::new(0));
    let connector = cohort.public(&cohort.tags[0]);
    let index = cohort.place("releases/index.json");
    let looks = || {
        seen.fetch_add(1, Ordering::SeqCst);
        let public = cohort.tags[1..].iter().filter(|tag| cohort.public(tag).exists()).count();
        assert!(public == 0 || connector.exists());
        assert!(public == 12 || !index.exists());
    };
    let _lock = forge.lock(&cohort.scope()).expect("a lock");
    let progress = WriteProgress::new(&stop, &looks);
    forge.perform_all(&cohort.scope(), &cohort.flips(), &progress).expect("flips");
    assert_eq!((seen.load(Ordering::SeqCst), progress.done()), (15, 15));
}

#[test]
fn a_run_that_is_to_stop_begins_no_other_write() {
    let cohort = Cohort::new(30);
    let (forge, stop) = (cohort.forge(), AtomicBool::new(false));
    let _lock = forge.lock(&cohort.scope()).expect("a lock");
    let writes = cohort.stages();
    let stops = || stop.store(true, Ordering::SeqCst);
    let progress = WriteProgress::new(&stop, &stops);
    forge.perform_all(&cohort.scope(), &writes, &progress).expect("no write failed");
    let done = progress.done();
    // Others were under way when the first one was done.
    assert!(done >= 1 && done <= rayon::current_num_threads() && done < writes.len(), "{done} writes");
    let staged = cohort.tags.iter().filter(|tag| cohort.staged(tag).exists()).count();
    assert!(staged <= done, "{staged} files, {done} writes");
}

#[test]
fn a_write_that_fails_ends_the_phase_and_the_others_count() {
    let cohort = Cohort::new(3);
    cohort.perform(&cohort.stages()).expect("stages");
    let flips = cohort.flips();
    // The place of one action's release is taken by a file.
    let taken = cohort.public(&cohort.tags[2]);
    let taken = taken.parent().expect("a directory");
    fs::create_dir_all(taken.parent().expect("a directory")).expect("makes");
    fs::write(taken, "in the way").expect("writes");
    let error = cohort.perform(&flips).expect_err("it is in the way");
    assert!(error.to_string().contains(&taken.display().to_string()), "{error}");
    assert!(!cohort.place("releases/index.json").exists(), "the version is not listed");
    assert!(cohort.public(&cohort.tags[0]).exists(), "the connector came first");
    fs::remove_file(taken).expect("removes");
    cohort.perform(&flips).expect("the next run goes on");
    assert!(cohort.tags.iter().all(|tag| cohort.public(tag).is_file()));
}

#[test]
fn only_the_named_assets_are_moved_whatever_lies_beside_them() {
    let cohort = Cohort::new(1);
    let action = cohort.tags[1].clone();
    let beside = cohort.staged(&action).with_file_name("of-an-earlier-run");
    fs::create_dir_all(beside.parent().expect("a directory")).expect("makes");
    fs::write(&beside, "old").expect("writes");
    cohort.perform(&cohort.stages()).expect("stages");
    cohort.perform(&cohort.flips()).expect("flips");
    assert_eq!(fs::read_dir(cohort.public(&action).parent().expect("a directory")).expect("lists").count(), 1);
    assert!(beside.exists(), "it is not this release's to publish or to remove");
}

#[test]
fn what_stands_under_a_tag_is_its_files_and_neither_temporaries_nor_other_tags() {
    let cohort = Cohort::new(4);
    let [connector, public, staged, both, absent] = &*cohort.tags else { unreachable!("five tags") };
    let put = |path: PathBuf, text: &str| {
        fs::create_dir_all(path.parent().expect("a directory")).expect("makes");
        fs::write(path, text).expect("writes");
    };
    for tag in [connector, public, both] {
        put(cohort.public(tag), "public");
        put(cohort.public(tag).with_file_name(".aileron-a1B2c3"), "half");
    }
    // Another tag, whose name begins with the connector's and a slash.
    put(cohort.public(connector).with_file_name("v2").join(ARCHIVE), "of another tag");
    put(cohort.staged(staged), "staged");
    put(cohort.staged(both), "staged");
    fs::create_dir_all(cohort.staged(absent).parent().expect("a directory")).expect("makes");
    let assets = |text: &str| BTreeMap::from([(ARCHIVE.to_owned(), ArchiveDigest::of(&[text.as_bytes()]))]);
    let (public_assets, staged_assets) = (assets("public"), assets("staged"));
    let states = cohort.forge().observe(&cohort.scope()).expect("looks").states;
    let state = |tag: &Tag| states.get(tag.as_str()).cloned().expect("it was asked for");
    assert_eq!(state(connector), TagState::Public { assets: public_assets.clone(), staged: BTreeMap::new() });
    assert_eq!(state(public), TagState::Public { assets: public_assets.clone(), staged: BTreeMap::new() });
    assert_eq!(state(staged), TagState::Draft(staged_assets.clone()));
    assert_eq!(state(both), TagState::Public { assets: public_assets, staged: staged_assets });
    assert_eq!(state(absent), TagState::Absent);
}

#[test]
fn a_list_that_another_tool_made_or_broke_stops_a_release() {
    let cohort = Cohort::new(0);
    let list = cohort.place("releases/index.json");
    fs::create_dir_all(list.parent().expect("a directory")).expect("makes");
    for (text, why) in [
        ("", "EOF"),
        ("<html>", "expected value"),
        (r#"{"schema":1,"repository":"github://acme/tea"}"#, "missing field `versions`"),
        (r#"{"versions":["1.0.0"]}"#, "it does not name its repository"),
        (r#"{"schema":1,"repository":"github://acme/tea","versions":["v1"]}"#, "starts with `v`"),
    ] {
        fs::write(&list, text).expect("writes");
        let error = cohort.forge().observe(&cohort.scope()).err().expect(text);
        assert!(matches!(&error, ForgeError::Foreign { .. }) && error.to_string().contains(why), "{text}: {error}");
    }
    let longest = usize::try_from(VERSIONS_LIMIT).expect("a length");
    fs::write(&list, vec![b' '; longest + 1]).expect("writes");
    assert!(matches!(cohort.forge().index(&cohort.release.name), Err(ForgeError::Disk(_))), "too long");
}

#[test]
fn one_asset_of_many_tags_comes_in_their_order() {
    let cohort = Cohort::new(40);
    cohort.perform(&cohort.stages()).expect("stages");
    cohort.perform(&cohort.flips()).expect("flips");
    fs::remove_file(cohort.public(&cohort.tags[7])).expect("removes");
    let tags: Vec<&Tag> = cohort.tags.iter().rev().collect();
    let found = cohort.forge().fetch_each(&cohort.scope(), &tags, ARCHIVE).expect("fetches");
    let expected = tags.iter().map(|tag| (**tag != cohort.tags[7]).then(|| archive(tag).bytes.to_vec()));
    assert!(found.into_iter().eq(expected));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// An earlier run got this far with each tag, in any mixture: the writes that are left give the same registry.
    #[test]
    fn any_mixture_of_staged_and_public_tags_ends_in_the_same_registry(
        got in prop::collection::vec(0..4_u8, 9),
    ) {
        let whole = Cohort::new(8);
        whole.perform(&whole.stages()).expect("stages");
        whole.perform(&whole.flips()).expect("flips");
        let cohort = Cohort::new(8);
        let tag_of = |write: &Write| cohort.tags.iter().position(|tag| write.tag() == Some(tag)).expect("a tag");
        let index = |write: &&Write| write.asset().is_some_and(|name| name != ARCHIVE);
        let (stages, flips) = (cohort.stages(), cohort.flips());
        let archives: Vec<Write> = stages.iter().filter(|write| !index(write)).cloned().collect();
        let begun: Vec<Write> = archives.iter().filter(|write| got[tag_of(write)] > 0).cloned().collect();
        cohort.perform(&begun).expect("stages");
        let is_flip = |write: &&Write| matches!(write, Write::Flip { .. });
        let flipped: Vec<Write> = flips.iter().filter(is_flip).filter(|write| got[tag_of(write)] > 1).cloned().collect();
        cohort.perform(&flipped).expect("flips");
        // One that is public may be staged once more by a run that did not see it.
        let again: Vec<Write> = archives.iter().filter(|write| got[tag_of(write)] % 3 == 0).cloned().collect();
        let rest: Vec<Write> = again.into_iter().chain(stages.iter().filter(index).cloned()).collect();
        cohort.perform(&rest).expect("stages the rest");
        cohort.perform(&flips).expect("flips everything");
        prop_assert_eq!(cohort.files(), whole.files());
    }
}
