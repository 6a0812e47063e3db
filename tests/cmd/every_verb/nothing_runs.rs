//! Looking at a repository runs no program of it. artifacts.md §12.
//!
//! Each trap is a program that leaves a mark. What names it is what a repository, its configuration or its attributes can
//! say; every verb of the publisher's program is then run in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use aileron_testkit::Requirement;
use aileron_testkit::home::tree;
use aileron_testkit::home::{Repository, TestHome, ends, ok, program_of, run};

use crate::transcripts::on_a_repository;

/// A command line, and where it is typed.
type Line = (PathBuf, Vec<String>);

/// Every verb that works on a repository, as its transcript runs it; and what the transcripts do not do here.
fn lines(repository: &Repository<'_>) -> Vec<Line> {
    let (home, root) = (repository.home, repository.root.display().to_string());
    let words = |line: &str| line.split(' ').map(str::to_owned).collect();
    let recorded = on_a_repository().into_iter().map(|(_, line)| {
        let line = line.replace("aileron-pub -C tea ", &format!("-C {root} "));
        (home.root().to_owned(), words(&line))
    });
    let (all, key) = (home.root().display(), repository.key.display());
    let more = [
        "check".to_owned(),
        "check v1.0.0".to_owned(),
        format!("build v1.0.0 --out {all}/connector.wasm"),
        format!("pack v1.0.0 --key {key} --out {all}/out"),
        format!("release v1.0.0 --key {key} --to dir:{all}/registry"),
        format!("release v1.0.1 --key {key} --to dir:{all}/registry --allow-dirty"),
        format!("release v1.0.0 --key {key} --rehearse --limits none"),
        "keys generate --out ignored/key.pem".to_owned(),
        format!("verify {all}/archive.tar.gz --key {root}/keys/publisher.pub --rebuild"),
        format!("hub entry --out {all}/out"),
        // They make a repository where there is none; their own directories lie elsewhere.
        "init inner --owner acme --language wat --yes".to_owned(),
        "demo inner-demo".to_owned(),
    ];
    recorded.chain(more.iter().map(|line| (repository.root.clone(), words(line)))).collect()
}

fn typed(home: &TestHome, (at, words): &Line) -> Command {
    let mut command = home.command("aileron-pub");
    command.current_dir(at).args(words);
    command
}

/// A script that leaves a mark and answers nothing.
fn trap(home: &TestHome) -> PathBuf {
    let path = home.path("trap.sh");
    fs::write(&path, format!("#!/bin/sh\necho \"$0 $*\" >> {}\nexit 0\n", home.path("SPRUNG").display())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Keys of git's configuration that name a program, or make git take one.
const PROGRAMS: &[&str] = &[
    "core.fsmonitor",
    "core.fsmonitorHookVersion=1 core.fsmonitor",
    "core.sshCommand",
    "core.gitProxy",
    "core.askPass",
    "core.pager",
    "core.editor",
    "core.alternateRefsCommand",
    "sequence.editor",
    "credential.helper",
    "credential.https://github.com.helper",
    "diff.external",
    "diff.loud.command",
    "diff.loud.textconv",
    "merge.loud.driver",
    "filter.loud.clean",
    "filter.loud.smudge",
    "filter.loud.process",
    "filter.loud.required=true filter.loud.process",
    "filter.a=b.clean",
    "filter.a.b.c.clean",
    "filter.UPPER.clean",
    "gpg.program",
    "gpg.ssh.program",
    "gpg.ssh.defaultKeyCommand",
    "interactive.diffFilter",
    "pager.status",
    "pager.config",
    "pager.ls-tree",
    "alias.status",
    "alias.ls-tree",
    "alias.cat-file",
    "alias.rev-parse",
    "uploadpack.packObjectsHook",
    "remote.origin.uploadpack",
    "remote.origin.receivepack",
    "remote.origin.vcs",
    "submodule.sub.update",
    "tar.tar.gz.command",
    "trailer.sign.command",
    "man.viewer.cmd",
    "browser.x.cmd",
    "difftool.x.cmd",
    "mergetool.x.cmd",
    "guitool.x.cmd",
    "web.browser",
    "instaweb.httpd",
    "sendemail.smtpserver",
    "imap.tunnel",
    "init.templateDir",
    "hook.x.command",
    "maintenance.strategy",
    "gc.recentObjectsHook",
];

const HOOKS: &[&str] = &[
    "post-index-change",
    "reference-transaction",
    "post-checkout",
    "pre-commit",
    "commit-msg",
    "prepare-commit-msg",
    "post-commit",
    "fsmonitor-watchman",
    "query-watchman",
    "pre-auto-gc",
    "sendemail-validate",
    "update",
];

fn repository(home: &TestHome) -> Repository<'_> {
    let repository = home.scaffold("tea", "wat");
    ok(&mut repository.publisher(&["pack", "v1.0.0", "--key", repository.key.to_str().unwrap(), "--out", "../packed"]));
    fs::copy(home.path("packed/v1.0.0/aileron.tar.gz"), home.path("archive.tar.gz")).unwrap();
    repository.write(
        ".gitattributes",
        "* filter=loud diff=loud merge=loud\n*.md filter=a=b\n*.toml filter=a.b.c\n*.wat filter=UPPER\n",
    );
    repository.write(".gitignore", &(repository.read(".gitignore") + "\n/ignored/\n"));
    repository.commit("attributes");
    fs::copy(&repository.key, home.path("publisher.key")).unwrap();
    repository
}

/// Files whose content git has to compare: same size, another time.
fn touched(root: &Path) {
    for path in ["suite.toml", "README.md", "connector/manifest.toml", "connector/connector.wat"] {
        let (path, bytes) = (root.join(path), fs::read(root.join(path)).unwrap());
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    }
}

/// What a verb may change for good: the keys, and the README that names one. Every line meets them as they were.
struct Kept<'a> {
    root: &'a Path,
    keys: BTreeMap<String, Vec<u8>>,
    readme: Vec<u8>,
}

impl Kept<'_> {
    fn of(root: &Path) -> Kept<'_> {
        Kept { root, keys: tree::contents(&root.join("keys")), readme: fs::read(root.join("README.md")).unwrap() }
    }

    fn restore(&self) {
        let keys = self.root.join("keys");
        fs::remove_dir_all(&keys).unwrap();
        fs::create_dir(&keys).unwrap();
        self.keys.iter().for_each(|(name, bytes)| fs::write(keys.join(name), bytes).unwrap());
        fs::write(self.root.join("README.md"), &self.readme).unwrap();
    }
}

/// Runs every verb, and demands that no mark was left.
fn unsprung(repository: &Repository<'_>, what: &str) {
    let mark = repository.home.path("SPRUNG");
    let kept = Kept::of(&repository.root);
    for line in lines(repository) {
        touched(&repository.root);
        let said = run(&mut typed(repository.home, &line));
        assert!(said.code >= 0, "{what}: {line:?}: {said}");
        assert!(!mark.exists(), "{what}: {line:?} ran {}: {said}", fs::read_to_string(&mark).unwrap());
        for made in ["inner", "inner-demo", "ignored"] {
            let _ = fs::remove_dir_all(repository.root.join(made));
        }
        kept.restore();
    }
}

#[test]
fn no_setting_that_names_a_program_runs_it() {
    let home = TestHome::new();
    let trap = trap(&home);
    let repository = repository(&home);
    // Without traps every verb does its work, but for those that refuse to: there is a key, not the one that is to be
    // rotated, a repository around, no journal, nothing left to approve, no remote.
    let kept = Kept::of(&repository.root);
    for line in lines(&repository) {
        let refuses = ["generate", "rotate", "approve", "doctor", "demo", "report"]
            .iter()
            .any(|verb| line.1.iter().any(|word| word == verb));
        let said = run(&mut typed(&home, &line));
        assert!(refuses || said.code == 0, "{line:?}: {said}");
        let _ = fs::remove_dir_all(repository.root.join("inner"));
        kept.restore();
    }
    fs::remove_dir_all(home.path("registry")).unwrap();
    let config = repository.root.join(".git/config");
    let clean = fs::read_to_string(&config).unwrap();
    for keys in PROGRAMS {
        for key in keys.split(' ') {
            let (key, value) = match key.split_once('=').filter(|_| !key.starts_with("filter.a=b")) {
                Some((key, value)) => (key, value.to_owned()),
                None if key.starts_with("alias.") || key.starts_with("submodule.") => {
                    (key, format!("!{}", trap.display()))
                }
                None => (key, trap.display().to_string()),
            };
            ok(home.command("git").args(["config", "--file"]).arg(&config).args([key, &value]));
        }
    }
    // The traps do work: git itself runs one.
    touched(&repository.root);
    run(home.command("git").current_dir(&repository.root).args(["status", "--porcelain"]));
    assert!(home.path("SPRUNG").exists(), "git ran no trap: this test proves nothing");
    fs::remove_file(home.path("SPRUNG")).unwrap();
    unsprung(&repository, "configuration");

    // The same settings from a file that is included, and from the configuration of one work tree.
    fs::rename(&config, repository.root.join(".git/more")).unwrap();
    fs::write(&config, format!("{clean}[include]\n\tpath = more\n")).unwrap();
    unsprung(&repository, "an included file");
    fs::write(
        &config,
        format!("{clean}[includeIf \"onbranch:**\"]\n\tpath = more\n[includeIf \"gitdir:/\"]\n\tpath = more\n"),
    )
    .unwrap();
    unsprung(&repository, "a file that is included on a condition");
    fs::rename(repository.root.join(".git/more"), repository.root.join(".git/config.worktree")).unwrap();
    fs::write(&config, format!("{clean}[extensions]\n\tworktreeConfig = true\n")).unwrap();
    unsprung(&repository, "the configuration of a work tree");
}

#[test]
fn no_hook_runs() {
    let home = TestHome::new();
    let trap = trap(&home);
    let repository = repository(&home);
    for hook in HOOKS {
        for directory in [".git/hooks", "hooks", ".githooks"] {
            fs::create_dir_all(repository.root.join(directory)).unwrap();
            fs::copy(&trap, repository.root.join(directory).join(hook)).unwrap();
        }
    }
    unsprung(&repository, "hooks");
    repository.git(&["config", "core.hooksPath", ".githooks"]);
    unsprung(&repository, "hooks of the tree");
}

#[test]
fn a_repository_inside_the_tree_runs_nothing() {
    let home = TestHome::new();
    let trap = trap(&home);
    let repository = repository(&home);
    let traps = format!(
        "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n\tfsmonitor = {0}\n\tsshCommand = {0}\n\
         [filter \"loud\"]\n\tclean = {0}\n\tprocess = {0}\n",
        trap.display()
    );
    // One that a clone brings along: its files have no special names.
    let sub = repository.root.join("sub");
    for directory in ["actions", "connector", "tests", "keys"] {
        tree::copy(&repository.root.join(directory), &sub.join(directory));
    }
    fs::copy(repository.root.join("suite.toml"), sub.join("suite.toml")).unwrap();
    for part in ["objects", "refs"] {
        tree::copy(&repository.root.join(".git").join(part), &sub.join(part));
    }
    fs::copy(repository.root.join(".git/HEAD"), sub.join("HEAD")).unwrap();
    fs::write(sub.join("config"), &traps).unwrap();
    fs::write(sub.join("README.md"), "").unwrap();
    let inner = Repository { root: sub.clone(), ..repository.clone() };
    let refused = ends(&mut inner.publisher(&["check"]), 6);
    assert!(refused.stderr.contains("safe.bareRepository"), "{refused}");
    unsprung(&inner, "a bare repository in a directory");
    unsprung(&repository, "around a bare repository");

    // A `.git` file that leads to it, as a tarball may hold; and a submodule with settings of its own.
    fs::write(sub.join(".git"), "gitdir: .\n").unwrap();
    fs::write(sub.join("config"), traps.replace("worktree = .\n", "")).unwrap();
    unsprung(&inner, "a .git file");
    let commit = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},sub")]);
    repository.write(".gitmodules", "[submodule \"sub\"]\n\tpath = sub\n\turl = ext::sh\n\tupdate = !sh\n");
    repository.git(&["add", ".gitmodules"]);
    repository.git(&["commit", "--quiet", "--message", "a submodule"]);
    unsprung(&repository, "around a submodule");
}

#[test]
fn a_partial_clone_fetches_nothing() {
    let home = TestHome::new();
    let trap = trap(&home);
    let origin = repository(&home);
    origin.git(&["config", "uploadpack.allowFilter", "true"]);
    for (number, url) in [
        format!("ext::{} %S", trap.display()),
        format!("file://{}", origin.root.display()),
        "ssh://localhost/x".to_owned(),
        "localhost:x".to_owned(),
        "git://localhost/x".to_owned(),
        "https://localhost:1/x".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        let root = home.path(&format!("partial{number}"));
        let from = format!("file://{}", origin.root.display());
        ok(home.command("git").args(["clone", "--quiet", "--filter=blob:none", "--sparse", &from]).arg(&root));
        let clone = Repository { root, ..origin.clone() };
        for (key, value) in [
            ("remote.origin.url", url.as_str()),
            ("core.sshCommand", trap.to_str().unwrap()),
            ("core.gitProxy", trap.to_str().unwrap()),
            ("credential.helper", trap.to_str().unwrap()),
            ("remote.origin.uploadpack", trap.to_str().unwrap()),
            ("protocol.ext.allow", "always"),
            ("protocol.allow", "always"),
        ] {
            clone.git(&["config", key, value]);
        }
        let said = ends(&mut clone.publisher(&["check", "v1.0.0", "--json"]), 6);
        assert!(said.stdout.contains("is not in this clone"), "{url}: {said}");
        for verb in [&["build", "v1.0.0"][..], &["status", "v1.0.0", "--to", "dir:x"]] {
            ends(&mut clone.publisher(verb), 6);
        }
        assert!(!home.path("SPRUNG").exists(), "{url}");
    }
}

/// What git starts is git: every program that any verb starts is counted, where the machine has strace.
#[test]
fn the_only_programs_that_start_are_ours_and_git() {
    let home = TestHome::new();
    let repository = repository(&home);
    let log = home.path("trace");
    let traced = |(at, words): &Line| {
        let mut trace = home.command("strace");
        trace.args(["-f", "-qq", "-e", "trace=execve", "-e", "signal=none", "-o"]).arg(&log);
        run(trace.arg(program_of("aileron-pub")).args(words).current_dir(at));
    };
    if !Requirement::Strace.is_met() {
        return; // the marks of the other tests stand in
    }
    let mut started = 0;
    for line in lines(&repository) {
        traced(&line);
        let trace = fs::read_to_string(&log).unwrap();
        let programs = trace.lines().filter(|line| line.contains(" = 0")).filter_map(|line| line.split('"').nth(1));
        for program in programs {
            started += 1;
            let name = Path::new(program).file_name().unwrap().to_str().unwrap();
            assert!(matches!(name, "git" | "aileron-pub"), "{line:?}: {program} started:\n{trace}");
        }
    }
    assert!(started > 50, "{started} programs");
}
