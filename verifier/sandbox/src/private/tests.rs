//! What counts as private, by making each flaw. Owners are changed where the tests run as root.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::{Directory, Flaw, NotPrivate, PrivateError, PrivateFile, make, stamp_of};

struct Home(tempfile::TempDir);

impl Home {
    /// `a/b/file`, all of it private.
    fn new() -> Home {
        let home = Home(tempfile::tempdir().expect("a directory"));
        make(&home.path("a/b")).expect("directories");
        fs::write(home.path("a/b/file"), "text").expect("a file");
        home.mode("a/b/file", 0o644);
        home
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.0.path().join(inside)
    }

    fn mode(&self, inside: &str, mode: u32) {
        fs::set_permissions(self.path(inside), fs::Permissions::from_mode(mode)).expect("chmod");
    }

    fn flaw(&self, inside: &str) -> Option<(PathBuf, Flaw)> {
        match PrivateFile::open(&self.path(inside)) {
            Ok(Some(mut file)) => {
                assert_eq!(file.read(100).expect("reads"), b"text");
                None
            }
            Ok(None) => panic!("{inside} is not there"),
            Err(PrivateError::NotPrivate(NotPrivate { at, flaw, .. })) => Some((at, flaw)),
            Err(error) => panic!("{error}"),
        }
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Gives a path to another user; tells whether it could.
fn give_away(path: &Path) -> bool {
    match std::os::unix::fs::lchown(path, Some(65_534), Some(65_534)) {
        Ok(()) => true,
        Err(error) => {
            assert!(!is_root(), "{error}");
            false
        }
    }
}

#[test]
fn a_file_is_private_by_its_mode_and_by_the_modes_of_all_directories_above_it() {
    for mode in [0o600, 0o400, 0o644, 0o755, 0o640] {
        let home = Home::new();
        home.mode("a/b/file", mode);
        assert_eq!(home.flaw("a/b/file"), None, "{mode:o}");
    }
    for mode in [0o620, 0o602, 0o666, 0o664, 0o777] {
        let home = Home::new();
        home.mode("a/b/file", mode);
        assert_eq!(home.flaw("a/b/file"), Some((home.path("a/b/file"), Flaw::WritableByOthers)), "{mode:o}");
    }
    for inside in ["a", "a/b"] {
        for mode in [0o770, 0o707, 0o777, 0o720, 0o702, 0o775] {
            let home = Home::new();
            home.mode(inside, mode);
            assert_eq!(home.flaw("a/b/file"), Some((home.path(inside), Flaw::WritableByOthers)), "{inside} {mode:o}");
        }
        for mode in [0o700, 0o711, 0o755, 0o750, 0o1777, 0o1770] {
            let home = Home::new();
            home.mode(inside, mode);
            assert_eq!(home.flaw("a/b/file"), None, "{inside} {mode:o}");
        }
    }
}

#[test]
fn a_file_is_private_by_its_owner_and_by_the_owners_of_all_directories_and_links_on_the_way() {
    for inside in ["a", "a/b", "a/b/file"] {
        let home = Home::new();
        if give_away(&home.path(inside)) {
            assert_eq!(home.flaw("a/b/file"), Some((home.path(inside), Flaw::OtherOwner(65_534))), "{inside}");
        }
    }
    for (link, to) in [("link", "a"), ("a/b/link", "file")] {
        let home = Home::new();
        symlink(to, home.path(link)).expect("links");
        let through = if link == "link" { "link/b/file" } else { link };
        assert_eq!(home.flaw(through), None);
        if give_away(&home.path(link)) {
            assert_eq!(home.flaw(through), Some((home.path(link), Flaw::OtherOwner(65_534))), "{link}");
        }
    }
}

#[test]
fn a_link_is_followed_on_the_way_and_judged_where_it_leads_but_never_within_an_open_directory() {
    let home = Home::new();
    make(&home.path("elsewhere/deep")).expect("directories");
    fs::rename(home.path("a/b/file"), home.path("elsewhere/deep/file")).expect("moves");
    let targets = [
        "../../elsewhere/deep/file",
        home.path("elsewhere/deep/file").to_str().expect("Unicode"),
        ".././../elsewhere/../elsewhere/deep/file",
    ]
    .map(str::to_owned);
    for target in targets {
        let _ = fs::remove_file(home.path("a/b/file"));
        symlink(&target, home.path("a/b/file")).expect("links");
        home.mode("elsewhere", 0o755);
        assert_eq!(home.flaw("a/b/file"), None, "{target}");
        home.mode("elsewhere", 0o777);
        assert_eq!(home.flaw("a/b/file"), Some((home.path("elsewhere"), Flaw::WritableByOthers)), "{target}");
        let directory = Directory::open(&home.path("a/b")).expect("private").expect("there");
        let refused = directory.file("file").expect_err("a link");
        assert!(refused.to_string().ends_with("file is a link, not a file"), "{refused}");
    }
    symlink("b", home.path("a/c")).expect("links");
    let directory = Directory::open(&home.path("a")).expect("private").expect("there");
    assert!(directory.directory("b").expect("private").is_some());
    assert!(directory.directory("c").expect_err("a link").to_string().ends_with("c is not a directory"));
    symlink("round", home.path("round")).expect("links");
    for round in ["round", "round/file"] {
        assert!(matches!(PrivateFile::open(&home.path(round)), Err(PrivateError::Io { .. })), "{round}");
    }
}

#[test]
fn what_does_not_exist_is_none_wherever_it_would_be_and_what_is_no_file_is_said() {
    let home = Home::new();
    home.mode("a", 0o777);
    for absent in ["nothing", "nothing/below", "a/nothing", "a/b/nothing"] {
        assert!(matches!(PrivateFile::open(&home.path(absent)), Ok(None)), "{absent}");
    }
    symlink("nothing", home.path("dangling")).expect("links");
    assert!(matches!(PrivateFile::open(&home.path("dangling")), Ok(None)));
    home.mode("a", 0o755);
    let status = std::process::Command::new("mkfifo").arg(home.path("a/b/fifo")).status().expect("mkfifo");
    assert!(status.success());
    let _socket = std::os::unix::net::UnixListener::bind(home.path("a/b/socket")).expect("a socket");
    for (name, kind) in [("fifo", "a FIFO"), ("socket", "a socket")] {
        let name = format!("a/b/{name}");
        assert_eq!(home.flaw(&name), Some((home.path(&name), Flaw::NotAFile(kind))));
    }
    assert!(matches!(PrivateFile::open(&home.path("a/b")), Err(PrivateError::Io { .. })));
    assert!(matches!(PrivateFile::open(&home.path("a/b/file/below")), Err(PrivateError::Io { .. })));
    assert!(matches!(Directory::open(&home.path("a/b/file")), Err(PrivateError::Io { .. })));
    let long = PrivateFile::open(&home.path("a/b/file")).expect("private").expect("there").read(3);
    assert!(long.expect_err("four bytes").to_string().ends_with("longer than 3 bytes"));
}

#[test]
fn in_a_directory_that_others_can_add_to_a_file_has_one_name() {
    let home = Home::new();
    fs::hard_link(home.path("a/b/file"), home.path("a/second")).expect("a second name");
    assert_eq!(home.flaw("a/b/file"), None);
    home.mode("a/b", 0o1777);
    assert_eq!(home.flaw("a/b/file"), Some((home.path("a/b/file"), Flaw::SecondName)));
    assert_eq!(home.flaw("a/second"), None);
}

#[test]
fn directories_are_made_for_this_user_alone_and_existing_ones_stay_as_they_are() {
    let home = Home::new();
    home.mode("a", 0o755);
    make(&home.path("a/new/deep/er")).expect("directories");
    let mode = |inside: &str| fs::metadata(home.path(inside)).expect("there").mode() & 0o7777;
    assert_eq!(["a/new", "a/new/deep", "a/new/deep/er"].map(mode), [0o700; 3]);
    assert_eq!(mode("a"), 0o755);
    make(&home.path("a/new")).expect("it is there");
    make(&home.path("a/b/file")).expect_err("a file");
    make(&home.path("a/b/file/below")).expect_err("below a file");
}

#[test]
fn an_open_file_stays_what_it_was_whatever_is_put_in_its_place() {
    let home = Home::new();
    let mut file = PrivateFile::open(&home.path("a/b/file")).expect("private").expect("there");
    let stamp = file.stamp().expect("a stamp");
    fs::rename(home.path("a"), home.path("aside")).expect("moves");
    make(&home.path("a/b")).expect("directories");
    fs::write(home.path("a/b/file"), "other").expect("writes");
    assert_eq!(file.read(100).expect("reads"), b"text");
    let other = stamp_of(&fs::metadata(home.path("a/b/file")).expect("there"));
    assert_ne!(stamp, other);
}
