//! Neither reader leaves the repository, and neither waits: a document that is no regular file of it is refused by name,
//! and nothing of what it leads to is shown. artifacts.md §12.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use aileron_testkit::home::tree::contents;
use aileron_testkit::home::{Repository, TestHome, directory, ends, ok, run};

/// Every document that is read, and a recording.
const DOCUMENTS: [&str; 6] = [
    "suite.toml",
    "connector/manifest.toml",
    "actions/tea-ping/action.md",
    "keys/publisher.pub",
    "CHANGELOG.md",
    "tests/ping.toml",
];

/// What a document is a link to, and what is said of it. `OUT` is a file beside the repository.
const LINKS: [(&str, &str); 12] = [
    ("/proc/self/environ", "a link that leads out of the repository"),
    ("OUT", "a link that leads out of the repository"),
    ("../OUT", "a link that leads out of the repository"),
    ("/dev/zero", "a link that leads out of the repository"),
    ("/dev/stdin", "a link that leads out of the repository"),
    (".git/config", "a link that leads out of the repository"),
    (".git/HEAD", "a link that leads out of the repository"),
    ("door/file", "a link that leads out of the repository"),
    ("gone", "a link to a file that is not in the repository"),
    ("README.md/x", "a link to a file that is not in the repository"),
    ("circle", "a link in a circle"),
    ("docs", "it is a directory, not a regular file"),
];

const SECRET: &str = "s3cret-of-another-file";

fn repository(home: &TestHome) -> Repository<'_> {
    let repository = home.scaffold("tea", "wat");
    let root = &repository.root;
    ok(&mut repository.publisher(&["run", "ping", "--record", "tests/ping.toml"]));
    fs::write(home.path("OUT"), format!("## v1.0.0\n{SECRET}\n")).unwrap();
    repository.write("docs/x", "x");
    repository.write("CHANGELOG.md", "## v1.0.0\n\nours\n");
    symlink("..", root.join("door")).unwrap();
    symlink("circle", root.join("circle")).unwrap();
    repository.git(&["config", "http.https://github.com/.extraheader", &format!("AUTHORIZATION: basic {SECRET}")]);
    repository.commit("ready");
    repository
}

/// From the place of `document`, where `target` of the root is.
fn from(document: &str, target: &str, home: &TestHome) -> String {
    match target {
        "OUT" => home.path("OUT").display().to_string(),
        target if target.starts_with('/') => target.to_owned(),
        target => "../".repeat(document.matches('/').count()) + target,
    }
}

/// The verb that reads this document of the work tree.
fn reading(repository: &Repository<'_>, document: &str) -> Command {
    let verb: &[&str] = if document.starts_with("tests/") { &["test"] } else { &["check"] };
    let mut command = repository.publisher(verb);
    command.env("AILERON_SIGNING_KEY", SECRET);
    command
}

fn refused(command: &mut Command, document: &str, reason: &str, what: &str) {
    let said = ends(command, 6);
    let text = said.stderr.clone() + &said.stdout;
    // A drawing breaks lines.
    let plain = text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plain.contains(reason) && plain.contains(document), "{document} {what}: {said}");
    assert!(!text.contains(SECRET), "{document} {what}: {said}");
}

#[test]
fn a_document_that_is_a_link_out_is_refused_by_name_by_both_readers() {
    let home = TestHome::new();
    let repository = repository(&home);
    let ready = repository.git(&["rev-parse", "HEAD"]);
    for document in DOCUMENTS {
        for (target, reason) in LINKS {
            let path = repository.root.join(document);
            fs::remove_file(&path).unwrap();
            symlink(from(document, target, &home), &path).unwrap();
            refused(&mut reading(&repository, document), document, reason, target);
            if !document.starts_with("tests/") {
                repository.git(&["commit", "--quiet", "--all", "--message", "a link"]);
                let mut check = repository.publisher(&["check", "v1.0.0", "--json"]);
                refused(&mut check, document, reason, target);
            }
            repository.git(&["reset", "--quiet", "--hard", &ready]);
        }
    }
}

#[test]
fn a_directory_that_is_a_link_out_is_refused_by_name_by_both_readers() {
    let home = TestHome::new();
    let repository = repository(&home);
    let ready = repository.git(&["rev-parse", "HEAD"]);
    let outside = home.path("outside");
    ok(home.command("cp").arg("-a").args([&repository.root, &outside]));
    for (directory, inside) in [
        ("connector", "connector/manifest.toml"),
        ("actions", "actions"),
        ("actions/tea-ping", "actions/tea-ping"),
        ("keys", "keys/publisher.pub"),
    ] {
        for target in [
            outside.join(directory).display().to_string(),
            format!("{}../outside/{directory}", "../".repeat(directory.matches('/').count())),
        ] {
            let path = repository.root.join(directory);
            fs::remove_dir_all(&path).unwrap();
            symlink(&target, &path).unwrap();
            let reason = "a link that leads out of the repository";
            refused(&mut repository.publisher(&["check"]), inside, reason, &target);
            repository.git(&["add", "--all"]);
            repository.git(&["commit", "--quiet", "--message", "a link"]);
            refused(&mut repository.publisher(&["check", "v1.0.0"]), inside, reason, &target);
            refused(&mut repository.publisher(&["build", "v1.0.0"]), inside, reason, &target);
            repository.git(&["reset", "--quiet", "--hard", &ready]);
        }
    }
    // Recordings: the directory, and one that is named.
    fs::remove_dir_all(repository.root.join("tests")).unwrap();
    symlink(outside.join("tests"), repository.root.join("tests")).unwrap();
    for args in [&["test"][..], &["test", "tests"], &["test", "tests/ping.toml"]] {
        refused(&mut repository.publisher(args), "tests", "a link that leads out of the repository", "recordings");
    }
    // One elsewhere is played when a person names it.
    ok(&mut repository.publisher(&["test", outside.join("tests/ping.toml").to_str().unwrap()]));
}

#[test]
fn a_document_that_is_no_file_is_refused_and_not_waited_for() {
    let home = TestHome::new();
    let repository = repository(&home);
    for document in DOCUMENTS {
        for (kind, reason) in
            [("fifo", "it is a FIFO"), ("directory", "it is a directory"), ("socket", "it is a socket")]
        {
            let path = repository.root.join(document);
            fs::remove_file(&path).unwrap();
            let _kept = put(&home, kind, &path);
            if !(document.starts_with("tests/") && kind == "directory") {
                refused(&mut reading(&repository, document), document, reason, kind);
            }
            // Through a link inside the repository as well.
            let aside = repository.root.join("aside");
            fs::rename(&path, &aside).unwrap();
            symlink(from(document, "aside", &home), &path).unwrap();
            refused(&mut reading(&repository, document), document, reason, kind);
            fs::remove_file(&path).unwrap();
            let _ = fs::remove_file(&aside).or_else(|_| fs::remove_dir(&aside));
            repository.git(&["reset", "--quiet", "--hard"]);
        }
    }
    // A build looks at other files too.
    for (path, reason) in [("connector/connector.wat", "nothing to build"), ("connector/notes.md", "it is a FIFO")] {
        let path = repository.root.join(path);
        fs::write(&path, "").unwrap();
        repository.git(&["add", "--all"]);
        fs::remove_file(&path).unwrap();
        let _kept = put(&home, "fifo", &path);
        let said = run(&mut repository.publisher(&["build"]));
        assert!(said.code == 1 && said.stderr.contains(reason), "{said}");
        fs::remove_file(&path).unwrap();
        repository.git(&["reset", "--quiet", "--hard"]);
    }
}

/// Makes something that is no file; a socket lives as long as what is given back.
fn put(home: &TestHome, kind: &str, path: &Path) -> Option<UnixListener> {
    match kind {
        "fifo" => drop(ok(home.command("mkfifo").arg(path))),
        "directory" => fs::create_dir(path).unwrap(),
        _ => {
            // A socket's address is short; the path need not be.
            let short = home.path("s");
            let listener = UnixListener::bind(&short).unwrap();
            fs::rename(short, path).unwrap();
            return Some(listener);
        }
    }
    None
}

#[test]
fn a_link_inside_the_repository_is_followed_by_both_readers() {
    let home = TestHome::new();
    let repository = repository(&home);
    let plain = home.path("plain");
    ok(&mut repository.release("v1.0.0", &plain));
    for document in DOCUMENTS {
        let name = format!("kept/{}", document.replace('/', "-"));
        repository.write(&name, &repository.read(document));
        fs::remove_file(repository.root.join(document)).unwrap();
        symlink(from(document, &name, &home), repository.root.join(document)).unwrap();
    }
    // And directories: the connector's, of a repository of many.
    fs::create_dir_all(repository.root.join("services")).unwrap();
    for (directory, kept) in [("connector", "services/tea"), ("actions", "services/tea-actions")] {
        repository.git(&["add", "--all"]);
        repository.git(&["mv", directory, kept]);
        symlink(kept, repository.root.join(directory)).unwrap();
    }
    // The documents' own links lead from where they lie now.
    for (link, to) in [
        ("services/tea/manifest.toml", "../../kept/connector-manifest.toml"),
        ("services/tea-actions/tea-ping/action.md", "../../../kept/actions-tea-ping-action.md"),
    ] {
        fs::remove_file(repository.root.join(link)).unwrap();
        symlink(to, repository.root.join(link)).unwrap();
    }
    repository.commit("a repository of many");
    ok(&mut repository.publisher(&["check"]));
    ok(&mut repository.publisher(&["test"]));
    ok(&mut repository.publisher(&["run", "ping"]));
    let linked = home.path("linked");
    ok(&mut repository.release("v1.0.0", &linked));
    let archives = |registry: &Path| {
        let mut files = contents(registry);
        files.retain(|path, _| path.ends_with(".tar.gz"));
        files
    };
    assert!(archives(&plain) == archives(&linked));
}

#[test]
fn a_submodule_or_an_lfs_pointer_where_a_source_file_is_needed_is_named() {
    let home = TestHome::new();
    let repository = repository(&home);
    let ready = repository.git(&["rev-parse", "HEAD"]);
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    for document in &DOCUMENTS[..5] {
        repository.write(document, pointer);
        refused(&mut reading(&repository, document), document, "it is an LFS pointer", "work tree");
        repository.commit("a pointer");
        refused(&mut repository.publisher(&["check", "v1.0.0"]), document, "it is an LFS pointer", "commit");
        repository.git(&["reset", "--quiet", "--hard", &ready]);
    }
    for (at, named) in
        [("connector", "connector"), ("actions/tea-ping", "actions/tea-ping"), ("keys", "keys"), ("actions", "actions")]
    {
        repository.git(&["rm", "-r", "--quiet", at]);
        repository.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{ready},{at}")]);
        repository.git(&["commit", "--quiet", "--message", "a submodule"]);
        fs::create_dir_all(repository.root.join(at)).unwrap();
        for args in [&["check", "v1.0.0"][..], &["build", "v1.0.0"]] {
            refused(&mut repository.publisher(args), named, &format!("{at} is a submodule"), "commit");
        }
        repository.git(&["reset", "--quiet", "--hard", &ready]);
    }
    // Where only a build needs it, the build names it.
    for (path, text, reason) in [
        ("connector/helper.wat", Some(pointer), "it is an LFS pointer"),
        ("connector/lib", None, "connector/lib is a submodule"),
    ] {
        match text {
            Some(text) => repository.write(path, text),
            None => drop(repository.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{ready},{path}")])),
        }
        fs::create_dir_all(repository.root.join("connector/lib")).unwrap();
        repository.git(&["add", "connector/manifest.toml", "connector"]);
        repository.git(&["commit", "--quiet", "--message", "needed by a build"]);
        for args in [&["build"][..], &["build", "v1.0.0"]] {
            let said = ends(&mut repository.publisher(args), 1);
            assert!(said.stderr.contains(&format!("build_failed: {path} cannot be built: {reason}")), "{said}");
        }
        repository.git(&["reset", "--quiet", "--hard", &ready]);
    }
    // Where nothing needs it, it stops nothing.
    repository.write("docs/big.bin", pointer);
    repository.write("connector/testdata/big.bin", pointer);
    repository.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{ready},vendor/other")]);
    fs::create_dir_all(repository.root.join("vendor/other")).unwrap();
    repository.git(&["add", "docs", "connector"]);
    repository.git(&["commit", "--quiet", "--message", "not needed"]);
    ok(&mut repository.release("v1.0.0", &home.path("registry")));
}

#[test]
fn what_git_refuses_is_said_and_check_does_not_pass() {
    let home = TestHome::new();
    let breaks: [(&str, &str, &str); 8] = [
        (".git/config", "[core", "bad config"),
        (".git/HEAD", "junk\n", "not a git repository"),
        (".git/HEAD", "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef\n", "is not in this clone"),
        (".git/refs/heads/BRANCH", "junk\n", "HEAD"),
        (".git/refs/heads/BRANCH", "", "HEAD"),
        (".git/index", "x", "index file smaller than expected"),
        (".git/config", "[core]\n\trepositoryformatversion = 99\n", "Expected git repo version"),
        (
            ".git/config",
            "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tunheardOf = 1\n",
            "unknown repository extension",
        ),
    ];
    let origin = home.scaffold("tea", "wat");
    let branch = origin.git(&["symbolic-ref", "--short", "HEAD"]);
    for (number, (file, text, words)) in breaks.iter().enumerate() {
        let root = home.path(&format!("broken{number}"));
        ok(home.command("cp").arg("-a").args([&origin.root, &root]));
        let broken = Repository { root, ..origin.clone() };
        broken.write(&file.replace("BRANCH", &branch), text);
        for args in [&["check"][..], &["check", "v1.0.0"], &["build", "v1.0.0"], &["status", "v1.0.0", "--to", "dir:x"]]
        {
            let said = ends(&mut broken.publisher(args), 6);
            assert!(
                said.stderr.contains(words) && said.stderr.starts_with("validation_error: git "),
                "{args:?}: {said}"
            );
        }
        let registry = directory(&home.path("nowhere"));
        ends(&mut broken.publisher(&["release", "v1.0.0", "--to", &registry]), 6);
    }
    // No repository at all is no refusal; a version needs one.
    fs::remove_dir_all(origin.root.join(".git")).unwrap();
    ok(&mut origin.publisher(&["check"]));
    let said = ends(&mut origin.publisher(&["check", "v1.0.0"]), 6);
    assert!(said.stderr.contains("is not in a git repository"), "{said}");
}
