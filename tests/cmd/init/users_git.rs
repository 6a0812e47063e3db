//! `init` and `demo` work whatever the settings of the user's git are: hooks, templates, signing, line ends, ignore lists.
//! artifacts.md §12.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use aileron_testkit::home::TestHome;

/// `~/.gitconfig` of people who have set up git for their own work. `HOME` is the home; `trap` there fails, and leaves a mark.
const SETTINGS: [(&str, &str); 26] = [
    ("hooks", "[core]\nhooksPath = HOME/hooks\n"),
    ("hooks of a template", "[init]\ntemplateDir = HOME/template\n"),
    ("a template that is not there", "[init]\ntemplateDir = HOME/nowhere\n"),
    ("signed commits", "[commit]\ngpgSign = true\n[user]\nsigningKey = DEADBEEF\n[gpg]\nprogram = HOME/trap\n"),
    ("signed tags", "[tag]\ngpgSign = true\nforceSignAnnotated = true\n[gpg]\nprogram = HOME/trap\n"),
    ("ssh signatures", "[commit]\ngpgSign = true\n[gpg]\nformat = ssh\n[gpg \"ssh\"]\nprogram = HOME/trap\n"),
    ("CRLF", "[core]\nautocrlf = true\n"),
    ("CRLF, strictly", "[core]\nautocrlf = true\nsafecrlf = true\n"),
    ("CRLF by eol", "[core]\neol = crlf\nattributesFile = HOME/crlf-attributes\n"),
    ("CRLF in, strictly", "[core]\nautocrlf = input\nsafecrlf = true\n"),
    (
        "attributes with filters",
        "[core]\nattributesFile = HOME/attributes\n[filter \"x\"]\nclean = HOME/trap\nsmudge = HOME/trap\nrequired = true\n",
    ),
    ("a file watcher", "[core]\nfsmonitor = HOME/trap\n"),
    ("a file watcher of git's own", "[core]\nfsmonitor = true\nuntrackedCache = true\n"),
    ("a commit template", "[commit]\ntemplate = HOME/message\nverbose = true\nstatus = true\n"),
    ("a commit template that is not there", "[commit]\ntemplate = HOME/nowhere\n"),
    ("a message that is cleaned away", "[commit]\ncleanup = scissors\n[core]\ncommentChar = S\n"),
    ("an ignore list", "[core]\nexcludesFile = HOME/ignore\n"),
    ("an editor and a pager", "[core]\neditor = HOME/trap\npager = HOME/trap\n[sequence]\neditor = HOME/trap\n"),
    ("no identity that is guessed", "[user]\nuseConfigOnly = true\n"),
    ("an empty identity", "[user]\nname =\nemail =\n"),
    ("another encoding", "[i18n]\ncommitEncoding = UTF-16\n"),
    ("aliases", "[alias]\ninit = !HOME/trap\nadd = !HOME/trap\ncommit = !HOME/trap\n"),
    ("a shared repository", "[core]\nsharedRepository = 0660\nfileMode = false\nignoreCase = true\n"),
    ("big files", "[core]\nbigFileThreshold = 1\n[gc]\nauto = 1\n[maintenance]\nauto = true\n"),
    ("a hook by configuration", "[hook \"x\"]\ncommand = HOME/trap\nevent = pre-commit\nevent = commit-msg\n"),
    ("a broken file", "[core\nautocrlf = maybe\n"),
];

const HOOKS: [&str; 8] = [
    "pre-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "post-index-change",
    "pre-auto-gc",
    "reference-transaction",
    "post-checkout",
];

/// A home whose home has these settings, and everything they name.
fn home(settings: &str) -> TestHome {
    let home = TestHome::new();
    let inside = home.path("../home").canonicalize().unwrap();
    let script = format!("#!/bin/sh\necho \"$0 $*\" >> {}\nexit 1\n", inside.join("SPRUNG").display());
    let mut scripts = vec!["trap".to_owned()];
    for hook in HOOKS {
        scripts.extend([format!("hooks/{hook}"), format!("template/hooks/{hook}")]);
    }
    for name in scripts {
        home.write(&format!("../home/{name}"), &script);
        fs::set_permissions(inside.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    home.write("../home/template/info/exclude", "*\n");
    home.write("../home/template/config", "[core]\nhooksPath = hooks\n");
    home.write("../home/attributes", "* filter=x\n");
    home.write("../home/crlf-attributes", "* text=auto\n");
    home.write("../home/ignore", "*\n");
    home.write("../home/message", "write why\n");
    // Read without being named.
    home.write("../home/.config/git/ignore", "*.pub\nkeys\n");
    home.write("../home/.config/git/attributes", "* text eol=crlf\n");
    home.write("../home/.gitconfig", settings.replace("HOME", inside.to_str().unwrap()));
    home
}

/// As [`TestHome::typed`], and no identity in the environment.
fn run(home: &TestHome, line: &str) -> String {
    let mut command = home.typed(line);
    for role in ["AUTHOR", "COMMITTER"] {
        command.env_remove(format!("GIT_{role}_NAME")).env_remove(format!("GIT_{role}_EMAIL"));
    }
    let ran = home.finish(command, line);
    assert_eq!(ran.code, 0, "{line}\n{}{}", ran.stdout, ran.stderr);
    ran.stdout
}

/// What a git without any settings says of a repository.
fn git(home: &TestHome, repository: &str, args: &[&str]) -> String {
    let mut command = home.command("git");
    command.current_dir(home.path(repository)).env("GIT_CONFIG_GLOBAL", "/dev/null").env("HOME", "/nonexistent");
    let output = command.args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn init_ignores_the_settings_of_the_users_git() {
    let plain = TestHome::new();
    run(&plain, "aileron-pub init tea --owner acme --language wat --yes");
    let tree = git(&plain, "tea", &["rev-parse", "HEAD^{tree}"]);
    for (what, settings) in SETTINGS {
        let home = home(settings);
        run(&home, "aileron-pub init tea --owner acme --language wat --yes");
        assert_eq!(git(&home, "tea", &["rev-parse", "HEAD^{tree}"]), tree, "{what}");
        assert_eq!(git(&home, "tea", &["status", "--porcelain"]), "", "{what}");
        assert_eq!(
            git(&home, "tea", &["log", "--format=%an %ae %s %GK"]).trim(),
            "acme acme@users.noreply.github.com Start aileron-connector-tea",
            "{what}"
        );
        assert!(!home.path("../home/SPRUNG").exists(), "{what}: {}", home.read("../home/SPRUNG"));
    }
}

#[test]
fn demo_ignores_the_settings_of_the_users_git() {
    // git itself refuses to look at a repository with the last one; `check` says so and does not pass.
    let (_, readable) = SETTINGS.split_last().unwrap();
    for several in readable.chunks(5) {
        let what: Vec<&str> = several.iter().map(|(what, _)| *what).collect();
        let home = home(&several.iter().map(|(_, settings)| *settings).collect::<String>());
        run(&home, "aileron-pub demo story -q");
        let repository = "story/aileron-connector-demo";
        assert_eq!(git(&home, repository, &["status", "--porcelain"]), "", "{what:?}");
        assert_eq!(git(&home, repository, &["rev-list", "--count", "HEAD"]).trim(), "2", "{what:?}");
        assert!(!home.path("../home/SPRUNG").exists(), "{what:?}: {}", home.read("../home/SPRUNG"));
    }
}

#[test]
fn who_commits_stays_the_users_to_say() {
    for (settings, author, committer) in [
        ("[user]\nname = Ann\nemail = ann@example.com\n", "Ann ann@example.com", "Ann ann@example.com"),
        ("[user]\nname = Ann\n", "Ann acme@users.noreply.github.com", "Ann acme@users.noreply.github.com"),
        (
            "[user]\nname = Ann\nemail = ann@example.com\n[author]\nname = Ann Author\n[committer]\nemail = c@example.com\n",
            "Ann Author ann@example.com",
            "Ann c@example.com",
        ),
        ("[include]\npath = other\n", "Ina ina@example.com", "Ina ina@example.com"),
        ("[includeIf \"gitdir:**\"]\npath = other\n", "Ina ina@example.com", "Ina ina@example.com"),
    ] {
        let home = home(&format!("{settings}[init]\ndefaultBranch = trunk\n"));
        home.write("../home/other", "[user]\nname = Ina\nemail = ina@example.com\n");
        run(&home, "aileron-pub init tea --owner acme --language wat --yes");
        let said = git(&home, "tea", &["log", "--format=%an %ae%n%cn %ce"]);
        assert_eq!(said.lines().collect::<Vec<_>>(), [author, committer], "{settings}");
        assert_eq!(git(&home, "tea", &["symbolic-ref", "--short", "HEAD"]).trim(), "trunk");
    }
}
