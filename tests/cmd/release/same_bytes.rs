//! One commit, cloned under every git setting that can change a work tree, is released as the same bytes. artifacts.md §12.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Stdio;

use aileron_testkit::home::tree::contents;
use aileron_testkit::home::{Repository, TestHome, directory, ends, ok, strings};

/// What a clone's settings may change: line ends, `ident`, a filter, links, and a changelog that a link leads to.
fn origin(home: &TestHome) -> Repository<'_> {
    let repository = home.scaffold("tea", "wat");
    let attributes = "*.toml text eol=crlf\n*.md ident\n*.wat filter=loud\n*.pub text\ndata filter=loud\n";
    repository.write(".gitattributes", attributes);
    let action = repository.read("actions/tea-ping/action.md");
    repository.write("actions/tea-ping/action.md", &format!("{action}\nMade from $Id$.\n"));
    repository.write("docs/CHANGES.md", "# Changes\n\n## v1.0.0\n\nThe first one.\n");
    repository.write("data", "quiet\n");
    symlink("docs/CHANGES.md", repository.root.join("CHANGELOG.md")).unwrap();
    symlink("../docs", repository.root.join("connector/docs")).unwrap();
    // As a person with every line-end setting off committed it.
    repository.git(&["-c", "core.autocrlf=false", "add", "--all"]);
    repository.git(&["commit", "--quiet", "--message", "what settings can change"]);
    repository.git(&["config", "uploadpack.allowFilter", "true"]);
    repository
}

/// Published files: all of them, or the archives alone where the commit is another.
fn archives(registry: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = contents(registry);
    files.retain(|path, _| path.ends_with("aileron.tar.gz"));
    files
}

const FILTER: [&str; 6] = [
    "-c",
    "filter.loud.smudge=/usr/bin/tr a-z A-Z",
    "-c",
    "filter.loud.clean=/usr/bin/tr A-Z a-z",
    "-c",
    "filter.loud.required=true",
];

/// A name, arguments of `git clone`, and what is done to the clone afterwards, one git command a line (`!` begins one of
/// the shell).
const CLONES: &[(&str, &[&str], &str)] = &[
    ("plain", &[], ""),
    ("line ends of Windows", &["-c", "core.autocrlf=true"], ""),
    ("line ends taken in only", &["-c", "core.autocrlf=input"], ""),
    ("line ends by core.eol", &["-c", "core.eol=crlf", "-c", "core.autocrlf=false"], ""),
    ("a filter both ways", &FILTER, ""),
    ("a filter and line ends", &["-c", "core.autocrlf=true", FILTER[0], FILTER[1], FILTER[2], FILTER[3]], ""),
    ("a long-running filter", &[], "config filter.loud.process /bin/false"),
    (
        "attributes of this clone",
        &[],
        "!printf '* text eol=crlf ident\\n' > .git/info/attributes\nrm --cached -rq .\nreset -q --hard",
    ),
    ("no links", &["-c", "core.symlinks=false"], ""),
    ("no file modes", &["-c", "core.fileMode=false"], "!chmod 755 connector/connector.wat"),
    ("only one directory", &["--sparse"], "sparse-checkout set keys"),
    ("patterns of files", &[], "sparse-checkout set --no-cone /keys/ !/actions/"),
    ("a sparse index", &["--sparse"], "sparse-checkout set --sparse-index docs"),
    (
        "edits under skip-worktree",
        &[],
        "update-index --skip-worktree connector/manifest.toml actions/tea-ping/action.md\n\
         !echo '# evil' >> connector/manifest.toml\n!echo evil >> actions/tea-ping/action.md",
    ),
    (
        "edits under assume-unchanged",
        &[],
        "update-index --assume-unchanged suite.toml connector/connector.wat\n\
         !echo '# evil' >> suite.toml\n!echo ';; evil' >> connector/connector.wat",
    ),
    ("a deletion under skip-worktree", &[], "update-index --skip-worktree suite.toml\n!rm suite.toml"),
    ("shallow", &["--depth", "1"], ""),
    ("partial, and checked out", &["--filter=blob:none"], ""),
    ("partial up to a size", &["--filter=blob:limit=100"], ""),
    ("a work tree by setting", &[], "!git config core.worktree \"$PWD\""),
    ("a separate git directory", &["--separate-git-dir", "separate.git"], ""),
    (
        "ignored files and actions",
        &[],
        "!printf '/actions/draft-*/\\n*.go\\n/go.work\\n' > .git/info/exclude\n\
         !mkdir actions/draft-x && sed s/tea-ping/draft-x/ actions/tea-ping/action.md > actions/draft-x/action.md\n\
         !echo 'package main' > connector/extra.go\n!echo 'go 1.24' > go.work",
    ),
    (
        "an ignored toolchain file",
        &[],
        "!echo /connector/go.mod > .git/info/exclude\n!echo 'module x' > connector/go.mod",
    ),
    (
        "a replaced object",
        &[],
        "!git replace $(git rev-parse HEAD:connector/manifest.toml) $(echo evil | git hash-object -w --stdin)",
    ),
    ("a replaced commit", &[], "!git replace HEAD $(git commit-tree -m evil $(git mktree < /dev/null))"),
    ("settings for people", &["-c", "color.ui=always", "-c", "core.quotePath=false", "-c", "core.abbrev=4"], ""),
    ("other settings of status", &["-c", "status.showUntrackedFiles=no", "-c", "status.relativePaths=false"], ""),
    (
        "an index of another kind",
        &["-c", "index.version=4", "-c", "core.splitIndex=true"],
        "update-index --split-index",
    ),
    ("objects borrowed", &["--shared"], ""),
    ("packed", &[], "gc --quiet"),
    ("detached", &[], "checkout --quiet --detach"),
    ("another default for names", &["-c", "core.ignoreCase=true", "-c", "core.precomposeUnicode=true"], ""),
];

#[test]
fn one_commit_is_the_same_bytes_in_every_clone() {
    let home = TestHome::new();
    let origin = origin(&home);
    let reference = home.path("reference");
    ok(&mut origin.release("v1.0.0", &reference));
    let expected = contents(&reference);
    assert!(expected.len() > 5);
    for (number, (name, args, after)) in CLONES.iter().enumerate() {
        let clone = clone(&origin, &format!("clone{number}"), args);
        for line in after.lines().map(str::trim) {
            match line.strip_prefix('!') {
                Some(shell) => drop(ok(home.command("sh").current_dir(&clone.root).args(["-ec", shell]))),
                None => drop(clone.git(&line.split(' ').collect::<Vec<_>>())),
            }
        }
        same(&clone, name, &expected);
    }
}

fn clone<'a>(origin: &Repository<'a>, name: &str, args: &[&str]) -> Repository<'a> {
    let home = origin.home;
    let (from, root) = (format!("file://{}", origin.root.display()), home.path(name));
    // Borrowing works between directories only.
    let from = if args.contains(&"--shared") { origin.root.to_str().unwrap() } else { &from };
    let clone = home.command("git").args(["clone", "--quiet"]).args(args).arg(from).arg(&root).output().unwrap();
    assert!(clone.status.success(), "{name}: {}", String::from_utf8_lossy(&clone.stderr));
    let repository = Repository { root, ..origin.clone() };
    repository.git(&["remote", "remove", "origin"]);
    repository
}

fn same(repository: &Repository<'_>, name: &str, expected: &BTreeMap<String, Vec<u8>>) {
    let registry = repository.home.path(&format!("registry of {name}"));
    ok(&mut repository.release("v1.0.0", &registry));
    let found = contents(&registry);
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{name}");
    for (path, bytes) in expected {
        assert!(found[path] == *bytes, "{name}: {path} differs");
    }
}

#[test]
fn one_commit_is_the_same_bytes_under_every_umask_and_in_a_second_work_tree() {
    let home = TestHome::new();
    let origin = origin(&home);
    let reference = home.path("reference");
    ok(&mut origin.release("v1.0.0", &reference));
    let expected = contents(&reference);
    for umask in ["000", "027", "077", "777"] {
        let registry = home.path(&format!("umask {umask}"));
        let (key, to) = (origin.key.to_str().unwrap(), directory(&registry));
        let line = format!("umask {umask}; mkdir -m 700 '{}'; exec \"$@\"", registry.display());
        let program = env!("CARGO_BIN_EXE_aileron-pub");
        let args = ["-ec", &line, "sh", program, "release", "v1.0.0", "--json", "--to", &to, "--key", key];
        let mut command = home.command("sh");
        // A umask of 777 makes directories that only root may enter.
        let root = fs::metadata("/proc/self").is_ok_and(|meta| std::os::unix::fs::MetadataExt::uid(&meta) == 0);
        if umask == "777" && !root {
            continue;
        }
        ok(command.current_dir(&origin.root).args(args));
        assert!(contents(&registry) == expected, "umask {umask}");
    }
    origin.git(&["worktree", "add", "--quiet", "--detach", "../second"]);
    let second = Repository { root: home.path("second"), ..origin.clone() };
    same(&second, "a linked work tree", &expected);
}

#[test]
fn other_tags_in_any_number_cost_nothing_and_hide_nothing() {
    let home = TestHome::new();
    let origin = origin(&home);
    let (head, first) = (origin.git(&["rev-parse", "HEAD"]), origin.git(&["rev-parse", "HEAD~1"]));
    let packed = |own: &str| {
        let mut text = "# pack-refs with: peeled fully-peeled sorted \n".to_owned();
        for number in 0..50_000 {
            writeln!(text, "{first} refs/tags/actions/issue-operation-number-{:03}/v0.0.{number:05}", number % 500)
                .unwrap();
        }
        writeln!(text, "{own} refs/tags/v1.0.0").unwrap();
        let head = format!("{head} refs/tags/zzz\n");
        fs::write(origin.root.join(".git/packed-refs"), sorted(&(text + &head))).unwrap();
    };
    packed(&first);
    let elsewhere = ends(&mut origin.release("v1.0.0", &home.path("refused")), 1);
    let message = elsewhere.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains(&format!("tag v1.0.0 points at commit {first}")) && message.contains(&head), "{message}");
    packed(&head);
    ok(&mut origin.release("v1.0.0", &home.path("accepted")));
}

fn sorted(refs: &str) -> String {
    let mut lines: Vec<&str> = refs.lines().collect();
    lines[1..].sort_by_key(|line| line.split(' ').nth(1));
    lines.join("\n") + "\n"
}

#[test] // artifacts.md §12: through however many tags
fn a_tag_peels_to_its_commit_through_any_number_of_tags() {
    let home = TestHome::new();
    let repository = home.scaffold("tea", "wat");
    let (head, first) = (repository.git(&["rev-parse", "HEAD"]), repository.git(&["rev-parse", "HEAD~1"]));
    let tag = |name: &str, to: &str| {
        repository.git(&["-c", "advice.nestedTag=false", "tag", "--force", "--annotate", "-m", "t", name, to]);
    };
    for (depth, tagged, fits) in
        [(0, &head, true), (1, &head, true), (2, &head, true), (7, &head, true), (1, &first, false), (5, &first, false)]
    {
        repository.git(&["tag", "--force", "v1.0.0", tagged]);
        for number in 0..depth {
            tag(&format!("step{number}"), if number == 0 { tagged } else { "v1.0.0" });
            repository.git(&["update-ref", "refs/tags/v1.0.0", &format!("refs/tags/step{number}")]);
        }
        let registry = home.path(&format!("{depth} {fits}"));
        let said = ends(&mut repository.release("v1.0.0", &registry), if fits { 0 } else { 1 });
        assert!(fits || said.stdout.contains(tagged.as_str()), "{said}");
    }
    // Of an action, and of something that is no commit.
    repository.git(&["tag", "--delete", "v1.0.0"]);
    repository.git(&["tag", "actions/tea-ping/v1.0.0", &first]);
    ends(&mut repository.release("v1.0.0", &home.path("action")), 1);
    repository.git(&["tag", "--force", "actions/tea-ping/v1.0.0", "HEAD:suite.toml"]);
    ends(&mut repository.release("v1.0.0", &home.path("blob")), 1);
}

#[test]
fn a_clone_that_lacks_a_file_says_which() {
    let home = TestHome::new();
    let origin = origin(&home);
    for (name, args, sparse) in [
        ("no checkout", &["--filter=blob:none", "--no-checkout"][..], None),
        ("sparse", &["--filter=blob:none", "--sparse"], Some("keys")),
    ] {
        let clone = home.path(name);
        let from = format!("file://{}", origin.root.display());
        ok(home.command("git").args(["clone", "--quiet"]).args(args).args([&from]).arg(&clone));
        let clone = Repository { root: clone, ..origin.clone() };
        sparse.map(|directory| clone.git(&["sparse-checkout", "set", directory]));
        let said = ends(&mut clone.publisher(&["check", "v1.0.0", "--json"]), 6);
        let error = &said.json()["error"];
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("is not in this clone: git object "), "{said}");
        assert!(error["next"].as_str().unwrap().contains("git fetch --refetch --no-filter"), "{said}");
        // The command that is named does help.
        clone.git(&["fetch", "--quiet", "--refetch", "--no-filter"]);
        clone.git(&["remote", "remove", "origin"]);
        ok(&mut clone.publisher(&["check", "v1.0.0", "--json"]));
    }
}

/// The same files in a repository of another shape give the same archives.
#[test]
fn the_shape_of_the_repository_around_has_no_say_in_an_archive() {
    let home = TestHome::new();
    let origin = origin(&home);
    let reference = home.path("reference");
    ok(&mut origin.release("v1.0.0", &reference));
    let expected = archives(&reference);
    let files = origin.git(&["archive", "--format=tar", "--output=../files.tar", "HEAD"]);
    assert_eq!(files, "");
    let unpacked = |at: &Path| {
        fs::create_dir_all(at).unwrap();
        ok(home.command("tar").args(["xf"]).arg(home.path("files.tar")).arg("-C").arg(at));
    };
    let init = |root: &str, args: &[&str]| {
        fs::create_dir_all(home.path(root)).unwrap();
        let repository = Repository { root: home.path(root), ..origin.clone() };
        repository.git(&[&["init", "--quiet"], args].concat());
        repository
    };
    let released = |repository: &Repository<'_>, name: &str| {
        let registry = home.path(&format!("registry of {name}"));
        let said = ok(&mut repository.release("v1.0.0", &registry)).json();
        assert!(archives(&registry) == expected, "{name}");
        said["commit"].as_str().unwrap().to_owned()
    };

    for directory in ["sub", "deep/er/still", "[glob]*", ":(top)x", "späß"] {
        let whole = init(&format!("larger {}", directory.len()), &[]);
        unpacked(&whole.root.join(directory));
        whole.write("connector/manifest.toml.not", "another one's");
        whole.write("other/suite.toml", "another one's");
        whole.commit("a larger repository");
        let part = Repository { root: whole.root.join(directory), ..whole };
        released(&part, directory);
    }

    let sha256 = init("sha256", &["--object-format=sha256"]);
    unpacked(&sha256.root);
    sha256.commit("names of 64 digits");
    let commit = released(&sha256, "sha256");
    assert_eq!((commit.len(), &commit), (64, &sha256.git(&["rev-parse", "HEAD"])));
    ok(&mut sha256.verify(&home.path("registry of sha256")));

    released(&with_many_files(&origin), "many files");
}

/// More names than four mebibytes hold, all of them before `connector`. None is checked out.
fn with_many_files<'a>(origin: &Repository<'a>) -> Repository<'a> {
    let clone = clone(origin, "many", &["--sparse"]);
    let mut stream = "blob\nmark :1\ndata 2\nx\n\ncommit refs/heads/many\n\
        committer A <a@example.com> 1700000000 +0000\ndata 4\nmany\n"
        .to_owned();
    writeln!(stream, "from {}", clone.git(&["rev-parse", "HEAD"])).unwrap();
    for number in 0..46_000 {
        writeln!(stream, "M 100644 :1 aaa/{}{number:06}", "x".repeat(84)).unwrap();
    }
    let mut import = clone.home.command("git");
    import.current_dir(&clone.root).args(["fast-import", "--quiet"]).stdin(Stdio::piped());
    let mut import = import.spawn().unwrap();
    import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    clone.git(&["checkout", "--quiet", "many"]);
    assert!(!clone.root.join("aaa").exists());
    clone
}

#[test]
fn a_changed_work_tree_is_refused_and_by_leave_released_as_such() {
    let home = TestHome::new();
    let repository = home.scaffold("tea", "wat");
    let changelog = repository.root.join("CHANGELOG.md");
    for (number, change) in ["edit", "new", "gone", "mode"].into_iter().enumerate() {
        repository.git(&["reset", "--quiet", "--hard"]);
        match change {
            "edit" => repository.write("suite.toml", &(repository.read("suite.toml") + "# later\n")),
            "new" => fs::write(&changelog, "# 1.0.0\n").unwrap(),
            "gone" => fs::remove_file(repository.root.join("README.md")).unwrap(),
            _ => fs::set_permissions(repository.root.join("README.md"), fs::Permissions::from_mode(0o755)).unwrap(),
        }
        let registry = home.path(&format!("registry{number}"));
        ends(&mut repository.release("v1.0.0", &registry), 6);
        let said = ok(repository.release("v1.0.0", &registry).arg("--allow-dirty"));
        assert_eq!(said.json()["dirty"], true, "{change}");
        assert!(said.stderr.contains("the work tree is used, and cohort.json says so"), "{said}");
        // A look at the version is a look at the commit, and says so.
        let looked = ok(&mut repository.publisher(&["check", "v1.0.0"]));
        assert!(looked.stderr.contains("only the commit is checked"), "{looked}");
        let _ = fs::remove_file(&changelog);
    }
    // With nothing changed, leave to release changes changes nothing.
    repository.git(&["reset", "--quiet", "--hard"]);
    let (plain, leave) = (home.path("plain"), home.path("leave"));
    ok(&mut repository.release("v1.0.0", &plain));
    ok(repository.release("v1.0.0", &leave).arg("--allow-dirty"));
    assert!(contents(&plain) == contents(&leave));
}

#[test]
fn a_path_whose_filter_was_not_run_is_not_called_changed() {
    let home = TestHome::new();
    let origin = origin(&home);
    let clone = clone(&origin, "filtered", &FILTER);
    assert_eq!(clone.read("data"), "QUIET\n");
    // Another time of change: git compares the content, and would run the filter.
    for path in ["data", "connector/connector.wat"] {
        let text = clone.read(path);
        fs::remove_file(clone.root.join(path)).unwrap();
        clone.write(path, &format!("{text} "));
        clone.write(path, &text);
    }
    let said = ok(&mut clone.release("v1.0.0", &home.path("registry")));
    assert!(said.stderr.contains("2 paths with a git filter not compared with commit"), "{said}");
    // What has no filter is compared as ever.
    clone.write("suite.toml", "changed\n");
    let said = ends(&mut clone.publisher(&["status", "v1.0.0", "--json", "--to", "dir:nowhere"]), 0);
    assert!(said.stderr.contains("the work tree differs"), "{said}");
    let refused = ends(&mut clone.publisher(&["build", "v1.0.0", "--json", "--out", "m.wasm"]), 0);
    assert!(refused.stderr.contains("only the commit is used"), "{refused}");
    fs::remove_file(clone.root.join("m.wasm")).unwrap();
    clone.git(&["checkout", "--quiet", "suite.toml"]);
    clone.write("extra", "untracked\n");
    let refused = ends(&mut clone.release("v1.0.0", &home.path("other")), 6);
    assert_eq!(strings(&refused.json()["error"]["details"]["changes"]), ["extra"]);
}
