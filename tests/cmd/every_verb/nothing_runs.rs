//! Looking at a repository runs no program of it. artifacts.md §12.
//!
//! Each trap is a program that leaves a mark. What names it is what a repository, its configuration or its attributes can
//! say; every verb of the publisher's program is then run in it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use aileron_cli::ui::commands::Publisher;
use aileron_testkit::Requirement;
use clap::CommandFactory as _;

use crate::support::{Machine, Repository, ends, ok, run, to};

/// Every verb of the command line, and how to run it here. A new verb has to be said here.
fn verbs(repository: &Repository<'_>) -> Vec<Vec<String>> {
    let (key, to) = (repository.key.display().to_string(), to(&repository.machine.path("registry")));
    let out = repository.machine.path("out").display().to_string();
    let wasm = repository.machine.path("connector.wasm").display().to_string();
    let archive = repository.machine.path("archive.tar.gz").display().to_string();
    let mut lines = Vec::new();
    for verb in Publisher::command().get_subcommands() {
        let with = |args: &[&str]| -> Vec<String> {
            [verb.get_name()].into_iter().chain(args.iter().copied()).map(str::to_owned).collect()
        };
        match verb.get_name() {
            "check" => lines.extend([with(&[]), with(&["v1.0.0"])]),
            "build" => lines.extend([with(&["--out", &wasm]), with(&["v1.0.0", "--out", &wasm])]),
            "run" => lines.push(with(&["ping"])),
            "test" | "inspect" => lines.push(with(&[])),
            "pack" => lines.push(with(&["v1.0.0", "--key", &key, "--out", &out])),
            "plan" => lines.push(with(&["v1.0.0", "--key", &key, "--to", &to])),
            "release" => {
                lines.push(with(&["v1.0.0", "--key", &key, "--to", &to]));
                lines.push(with(&["v1.0.1", "--key", &key, "--to", &to, "--allow-dirty"]));
                lines.push(with(&["v1.0.0", "--key", &key, "--rehearse", "--limits", "none"]));
            }
            "status" => lines.push(with(&["v1.0.0", "--to", &to])),
            "report" => lines.push(with(&["v1.0.0"])),
            "keys" => {
                lines.push(with(&["show"]));
                lines.push(with(&["generate", "--out", "ignored/key.pem"]));
            }
            "verify" => lines.push(with(&[&archive, "--key", &repository.public_key(), "--rebuild"])),
            "hub" => lines.push(with(&["entry", "--out", &out])),
            // They make a repository where there is none; their own directories lie elsewhere.
            "init" => lines.push(with(&["inner", "--owner", "acme", "--language", "wat", "--yes"])),
            "demo" => lines.push(with(&["inner-demo"])),
            "help" | "completions" | "man" => {}
            other => panic!("say how to run `aileron-pub {other}` in this test"),
        }
    }
    lines
}

/// A script that leaves a mark and answers nothing.
fn trap(machine: &Machine) -> PathBuf {
    let path = machine.path("trap.sh");
    fs::write(&path, format!("#!/bin/sh\necho \"$0 $*\" >> {}\nexit 0\n", machine.path("SPRUNG").display())).unwrap();
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

fn repository(machine: &Machine) -> Repository<'_> {
    let repository = machine.scaffold("tea", "wat");
    ok(&mut repository.publisher(&["pack", "v1.0.0", "--key", repository.key.to_str().unwrap(), "--out", "../packed"]));
    fs::copy(machine.path("packed/v1.0.0/aileron.tar.gz"), machine.path("archive.tar.gz")).unwrap();
    repository.write(
        ".gitattributes",
        "* filter=loud diff=loud merge=loud\n*.md filter=a=b\n*.toml filter=a.b.c\n*.wat filter=UPPER\n",
    );
    repository.write(".gitignore", &(repository.read(".gitignore") + "\n/ignored/\n"));
    repository.commit("attributes");
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

/// Runs every verb, and demands that no mark was left.
fn unsprung(repository: &Repository<'_>, what: &str) {
    let mark = repository.machine.path("SPRUNG");
    for line in verbs(repository) {
        touched(&repository.root);
        let args: Vec<&str> = line.iter().map(String::as_str).collect();
        let said = run(&mut repository.publisher(&args));
        assert!(said.code.is_some(), "{what}: {line:?}: {said}");
        assert!(!mark.exists(), "{what}: {line:?} ran {}: {said}", fs::read_to_string(&mark).unwrap());
        for made in ["inner", "inner-demo", "ignored"] {
            let _ = fs::remove_dir_all(repository.root.join(made));
        }
    }
}

#[test]
fn no_setting_that_names_a_program_runs_it() {
    let machine = Machine::new();
    let trap = trap(&machine);
    let repository = repository(&machine);
    // Without traps every verb does its work, but for two that refuse to: there is a key, and a repository around.
    for line in verbs(&repository) {
        let args: Vec<&str> = line.iter().map(String::as_str).collect();
        let refuses = matches!(args[..], ["keys", "generate", ..] | ["demo", ..] | ["report", ..]);
        let said = run(&mut repository.publisher(&args));
        assert!(refuses || said.code == Some(0), "{line:?}: {said}");
        let _ = fs::remove_dir_all(repository.root.join("inner"));
    }
    fs::remove_dir_all(machine.path("registry")).unwrap();
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
            ok(machine.command("git").args(["config", "--file"]).arg(&config).args([key, &value]));
        }
    }
    // The traps do work: git itself runs one.
    touched(&repository.root);
    run(machine.command("git").current_dir(&repository.root).args(["status", "--porcelain"]));
    assert!(machine.path("SPRUNG").exists(), "git ran no trap: this test proves nothing");
    fs::remove_file(machine.path("SPRUNG")).unwrap();
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
    let machine = Machine::new();
    let trap = trap(&machine);
    let repository = repository(&machine);
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
    let machine = Machine::new();
    let trap = trap(&machine);
    let repository = repository(&machine);
    let traps = format!(
        "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n\tfsmonitor = {0}\n\tsshCommand = {0}\n\
         [filter \"loud\"]\n\tclean = {0}\n\tprocess = {0}\n",
        trap.display()
    );
    // One that a clone brings along: its files have no special names.
    let sub = repository.root.join("sub");
    for directory in ["actions", "connector", "tests", "keys"] {
        crate::support::copy_tree(&repository.root.join(directory), &sub.join(directory));
    }
    fs::copy(repository.root.join("suite.toml"), sub.join("suite.toml")).unwrap();
    for part in ["objects", "refs"] {
        crate::support::copy_tree(&repository.root.join(".git").join(part), &sub.join(part));
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
    let machine = Machine::new();
    let trap = trap(&machine);
    let origin = repository(&machine);
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
        let root = machine.path(&format!("partial{number}"));
        let from = format!("file://{}", origin.root.display());
        ok(machine.command("git").args(["clone", "--quiet", "--filter=blob:none", "--sparse", &from]).arg(&root));
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
        assert!(!machine.path("SPRUNG").exists(), "{url}");
    }
}

/// What git starts is git: every program that any verb starts is counted, where the machine has strace.
#[test]
fn the_only_programs_that_start_are_ours_and_git() {
    let machine = Machine::new();
    let repository = repository(&machine);
    let log = machine.path("trace");
    let traced = |program: &str, args: &[String]| {
        let mut trace = machine.command("strace");
        trace.args(["-f", "-qq", "-e", "trace=execve", "-e", "signal=none", "-o"]).arg(&log);
        trace.arg(program).args(args).current_dir(&repository.root).output()
    };
    if !Requirement::Strace.is_met() {
        return; // the marks of the other tests stand in
    }
    let mut started = 0;
    for line in verbs(&repository) {
        traced(env!("CARGO_BIN_EXE_aileron-pub"), &line).unwrap();
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
