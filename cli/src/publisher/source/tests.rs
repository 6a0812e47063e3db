#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::sys::git;
use crate::sys::git::scratch::Repository;

impl Repository {
    fn link(&self, path: &str, target: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// Both readers, the commit's being of what lies there now.
    fn readers(&self) -> [SourceTree; 2] {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "now"]);
        let head = git::head(&self.root(), self.spawner()).unwrap();
        let commit = Commit::open(&self.root(), &head, self.spawner()).unwrap();
        [SourceTree::Commit(commit), SourceTree::Work(WorkTree::open(&self.root()))]
    }

    /// The copy of a build: each path with its text.
    fn copied(&self, files: &SourceTree) -> (Vec<(String, String)>, Vec<String>) {
        let parts = files.parts(self.spawner()).unwrap();
        let mut copied = Vec::new();
        files
            .fetch(
                &parts,
                |_| true,
                self.spawner(),
                |path, bytes| {
                    copied.push((path.to_string(), String::from_utf8_lossy(&bytes.unwrap()).into_owned()));
                    Ok::<_, SourceError>(())
                },
            )
            .unwrap();
        (copied, parts.left_out.iter().map(|left| format!("{}: {}", left.path, left.why)).collect())
    }
}

fn found(files: &SourceTree, path: &str, spawner: Spawner<'_>) -> Found {
    files.read(&[Wanted { path, limit: 100 }], spawner).unwrap().remove(0)
}

#[test]
fn both_readers_say_the_same_of_a_clean_work_tree() {
    let repository = Repository::new();
    repository.write("top", "top");
    repository.write("a/b/file", "deep");
    repository.write("a-b", "sorts between");
    repository.write("long", &"x".repeat(101));
    repository.write("fits", &"x".repeat(100));
    repository.write("empty", "");
    repository.link("to-file", "a/b/file");
    repository.link("to-dir", "a");
    repository.link("a/back", "../top");
    repository.link("out", "../x");
    repository.link("gone", "a/none");
    let limit = Found::Refused(Refusal::TooLong(100));
    for files in repository.readers() {
        for (path, expected) in [
            ("top", Found::Bytes(b"top".into())),
            ("a/b/file", Found::Bytes(b"deep".into())),
            ("to-file", Found::Bytes(b"deep".into())),
            ("to-dir/b/file", Found::Bytes(b"deep".into())),
            ("to-dir/back", Found::Bytes(b"top".into())),
            ("empty", Found::Bytes(Vec::new())),
            ("fits", Found::Bytes(vec![b'x'; 100])),
            ("long", limit.clone()),
            ("none", Found::Absent),
            ("a/none/deeper", Found::Absent),
            ("top/file", Found::Absent),
            ("a", Found::Refused(Refusal::NotAFile("a directory"))),
            ("to-dir", Found::Refused(Refusal::NotAFile("a directory"))),
            ("out", Found::Refused(Refusal::LeadsOut(TreePath::new("out").unwrap()))),
            ("gone", Found::Refused(Refusal::LeadsNowhere(TreePath::new("gone").unwrap()))),
            ("../x", Found::Refused(Refusal::Name)),
            (".git/HEAD", Found::Refused(Refusal::Name)),
        ] {
            assert_eq!(found(&files, path, repository.spawner()), expected, "{path}");
        }
        // Many at once come back in the order asked.
        let wanted = ["empty", "none", "top", "long", "a/b/file", "top"].map(|path| Wanted { path, limit: 100 });
        let many = files.read(&wanted, repository.spawner()).unwrap();
        let top = Found::Bytes(b"top".into());
        let deep = Found::Bytes(b"deep".into());
        assert_eq!(many, [Found::Bytes(Vec::new()), Found::Absent, top.clone(), limit.clone(), deep, top]);
        assert!(
            files.is_file("to-dir/b/file").unwrap() && !files.is_file("a").unwrap() && !files.is_file("out").unwrap()
        );
    }
}

#[test]
fn a_commit_is_read_whatever_lies_in_the_work_tree() {
    let repository = Repository::new();
    repository.write("file", "committed");
    repository.write("gone", "committed");
    repository.write("becomes-a-directory", "committed");
    repository.write(".gitignore", "ignored\n");
    let [commit, work] = repository.readers();
    repository.write("file", "edited");
    repository.write("ignored", "ignored");
    repository.write("untracked", "untracked");
    fs::remove_file(repository.root().join("gone")).unwrap();
    fs::remove_file(repository.root().join("becomes-a-directory")).unwrap();
    repository.write("becomes-a-directory/file", "edited");
    let committed = Found::Bytes(b"committed".into());
    for (path, in_commit, in_work) in [
        ("file", committed.clone(), Found::Bytes(b"edited".into())),
        ("gone", committed.clone(), Found::Absent),
        ("becomes-a-directory", committed, Found::Refused(Refusal::NotAFile("a directory"))),
        ("becomes-a-directory/file", Found::Absent, Found::Bytes(b"edited".into())),
        ("ignored", Found::Absent, Found::Bytes(b"ignored".into())),
        ("untracked", Found::Absent, Found::Bytes(b"untracked".into())),
    ] {
        assert_eq!(found(&commit, path, repository.spawner()), in_commit, "{path}");
        assert_eq!(found(&work, path, repository.spawner()), in_work, "{path}");
    }
    let names = |files: &SourceTree| {
        let (copied, _) = repository.copied(files);
        copied.into_iter().map(|(path, _)| path).collect::<Vec<_>>()
    };
    assert_eq!(names(&commit), [".gitignore", "becomes-a-directory", "file", "gone"]);
    // What git ignores is no part of a build either way.
    assert_eq!(names(&work), [".gitignore", "becomes-a-directory/file", "file", "untracked"]);
}

#[test]
fn directories_are_found_through_links_and_bad_ones_are_named() {
    let repository = Repository::new();
    for name in ["b", "a", "a-b", "ä"] {
        repository.write(&format!("actions/{name}/action.md"), "");
    }
    repository.write("actions/README.md", "");
    repository.write("elsewhere/action.md", "");
    repository.link("actions/linked", "../elsewhere");
    repository.link("actions/file-link", "README.md");
    repository.link("actions/gone", "nowhere");
    repository.link("actions/out", "/etc");
    repository.link("whole", "actions");
    repository.link("away", "/tmp");
    for files in repository.readers() {
        for path in ["actions", "whole"] {
            let found = files.directories(path).unwrap();
            let good: Vec<&str> = found.iter().filter(|d| d.refusal.is_none()).map(|d| &*d.name).collect();
            assert_eq!(good, ["a", "a-b", "b", "linked", "ä"], "{path}");
            let bad: Vec<&str> = found.iter().filter(|d| d.refusal.is_some()).map(|d| &*d.name).collect();
            assert_eq!(bad, ["out"], "{path}");
        }
        assert_eq!(files.directories("none").unwrap(), []);
        assert_eq!(files.directories("actions/README.md").unwrap(), []);
        let [away] = &files.directories("away").unwrap()[..] else { panic!("one refusal") };
        assert!(away.name.is_empty() && matches!(away.refusal, Some(Refusal::LeadsOut(_))));
        assert_eq!(files.names("elsewhere").unwrap(), Listed::Names(vec!["action.md".into()]));
        assert_eq!(files.names("actions/README.md").unwrap(), Listed::NotADirectory);
        assert!(matches!(files.names("away").unwrap(), Listed::Refused(Refusal::LeadsOut(_))));
    }
}

#[test]
fn a_copy_has_what_links_lead_to_and_no_link() {
    let repository = Repository::new();
    repository.write("services/tea/main.go", "package main");
    repository.write("services/tea/inner/x.go", "package inner");
    repository.link("services/tea/shared", "../../shared");
    repository.write("shared/s.go", "package shared");
    repository.link("connector", "services/tea");
    repository.link("file", "shared/s.go");
    repository.link("shared/up", "../services");
    repository.link("loop", ".");
    repository.link("services/self", "../services");
    repository.link("out", "../../x");
    repository.link("gone", "nothing");
    for files in repository.readers() {
        let (copied, left_out) = repository.copied(&files);
        let text = |path: &str| copied.iter().find(|(name, _)| name == path).map(|(_, text)| text.as_str());
        for (path, expected) in [
            ("connector/main.go", "package main"),
            ("connector/inner/x.go", "package inner"),
            ("connector/shared/s.go", "package shared"),
            ("services/tea/shared/s.go", "package shared"),
            ("file", "package shared"),
            ("shared/s.go", "package shared"),
        ] {
            assert_eq!(text(path), Some(expected), "{path}");
        }
        for path in ["out", "gone", "loop", "services/self", "connector", "connector/shared"] {
            assert_eq!(text(path), None, "{path}");
        }
        for name in ["out: ", "gone: ", "loop: ", "services/self: "] {
            assert!(left_out.iter().any(|left| left.starts_with(name)), "{name} in {left_out:?}");
        }
    }
}

#[test]
fn links_to_directories_of_links_do_not_multiply_without_end() {
    let repository = Repository::new();
    repository.write("d0/file", "x");
    for number in 1..60 {
        for name in ["a", "b"] {
            repository.link(&format!("d{number}/{name}"), &format!("../d{}", number - 1));
        }
    }
    for files in repository.readers() {
        let parts = files.parts(repository.spawner()).unwrap();
        assert!(parts.paths().count() <= 100_000 && !parts.left_out.is_empty());
    }
}

#[cfg(target_os = "linux")] // other systems have rules for names
#[test]
fn names_of_any_bytes_are_read_and_copied() {
    use std::os::unix::ffi::OsStrExt as _;
    let repository = Repository::new();
    let names: [&[u8]; 8] =
        [b"a\xffb", b"new\nline", b"tab\t", b"quote\"", b"-dash", b" blank ", b"\xc3\xa9", b"back\\slash"];
    for name in names {
        let path = repository.root().join("actions").join(std::ffi::OsStr::from_bytes(name));
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("action.md"), name).unwrap();
    }
    for files in repository.readers() {
        let parts = files.parts(repository.spawner()).unwrap();
        assert_eq!((parts.paths().count(), parts.left_out.len()), (names.len(), 0));
        let mut seen = Vec::new();
        let take = |path: &TreePath, bytes: Result<Vec<u8>, Refusal>| {
            assert_eq!(path.names().nth(1).unwrap(), bytes.as_deref().unwrap());
            seen.push(bytes.unwrap());
            Ok::<_, SourceError>(())
        };
        files.fetch(&parts, |_| true, repository.spawner(), take).unwrap();
        assert_eq!(seen.len(), names.len());
        let directories = files.directories("actions").unwrap();
        let refused: Vec<_> = directories.iter().filter(|directory| directory.refusal.is_some()).collect();
        assert_eq!((directories.len(), refused.len()), (names.len(), 1));
        assert_eq!(refused[0].refusal, Some(Refusal::Name));
    }
}

#[test]
fn a_submodule_is_named_by_both_readers() {
    let repository = Repository::new();
    repository.write("file", "x");
    repository.readers();
    let head = repository.git(&["rev-parse", "HEAD"]);
    fs::create_dir(repository.root().join("sub")).unwrap();
    repository.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},sub")]);
    repository.git(&["commit", "--quiet", "--message", "a submodule"]);
    repository.link("through", "sub/file");
    repository.git(&["add", "through"]);
    repository.git(&["commit", "--quiet", "--message", "a link through it"]);
    let head = git::head(&repository.root(), repository.spawner()).unwrap();
    let commit = SourceTree::Commit(Commit::open(&repository.root(), &head, repository.spawner()).unwrap());
    let at = || Refusal::Submodule(TreePath::new("sub").unwrap());
    for path in ["sub", "sub/file", "through"] {
        assert_eq!(found(&commit, path, repository.spawner()), Found::Refused(at()), "{path}");
    }
    for files in [commit, SourceTree::Work(WorkTree::open(&repository.root()))] {
        let (_, left_out) = repository.copied(&files);
        assert!(left_out.iter().any(|left| left.starts_with("sub: sub is a submodule")), "{left_out:?}");
    }
}

#[test]
fn many_files_of_a_commit_come_in_the_order_they_are_asked_for() {
    let repository = Repository::new();
    let text = |number: usize| format!("document {number}\n").repeat(1 + number % 7);
    for number in 0..150 {
        repository.write(&format!("actions/a{number}/action.md"), &text(number));
    }
    repository.git(&["add", "--all"]);
    repository.git(&["commit", "--quiet", "-m", "all"]);
    for number in (0..150).step_by(3) {
        repository.write(&format!("actions/a{number}/action.md"), "changed since");
    }
    let spawner = repository.spawner();
    let head = git::head(&repository.root(), spawner).unwrap();
    let commit = SourceTree::Commit(Commit::open(&repository.root(), &head, spawner).unwrap());
    // Forward and backward, with gaps, and few enough for one child.
    for wanted in [(0..150).collect::<Vec<_>>(), (0..150).rev().collect(), (0..180).step_by(2).collect(), vec![149, 3]]
    {
        let paths: Vec<String> = wanted.iter().map(|number| format!("actions/a{number}/action.md")).collect();
        let asked: Vec<Wanted<'_>> = paths.iter().map(|path| Wanted { path, limit: 90 }).collect();
        let found = commit.read(&asked, spawner).unwrap();
        let expected = wanted.iter().map(|number| match text(*number) {
            _ if *number >= 150 => Found::Absent,
            long if long.len() > 90 => Found::Refused(Refusal::TooLong(90)),
            text => Found::Bytes(text.into_bytes()),
        });
        assert!(found.into_iter().eq(expected), "{} files", wanted.len());
    }
}
