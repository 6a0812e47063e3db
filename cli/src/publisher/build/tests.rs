//! What every toolchain keeps, and which one is chosen.

use super::*;
use crate::publisher::source::WorkTree;
use crate::sys::environment::Environment;
use crate::sys::git::GitError;
use std::sync::atomic::AtomicBool;

/// Writes one file of a repository.
pub(super) fn place(root: &Path, file: &str, bytes: &[u8]) {
    write(&root.join(file), bytes).unwrap();
}

/// Builds the same files in two places of different depth, and gives what both made.
pub(super) fn build_in_two_places(
    toolchain: &dyn Toolchain,
    files: &[(&str, &str)],
    environment: &Environment,
) -> BuiltModule {
    let stop = AtomicBool::new(false);
    let spawner = Spawner { environment, stop: &stop };
    let [one, two] = ["one", "quite/another place"].map(|name| {
        let temp = tempfile::tempdir().unwrap();
        let copy = temp.path().join(name);
        files.iter().for_each(|(file, text)| place(&copy, file, text.as_bytes()));
        toolchain.build(&copy, spawner).unwrap()
    });
    assert!(one == two, "the two modules differ");
    let place = std::env::temp_dir().display().to_string();
    assert!(!one.wasm.windows(place.len()).any(|window| window == place.as_bytes()), "the module names {place}");
    one
}

/// Programs that write down how they were started, in the place of a toolchain.
#[cfg(unix)]
pub(super) struct Stub {
    temp: tempfile::TempDir,
}

#[cfg(unix)]
impl Stub {
    pub(super) fn new(program: &str, script: &str) -> Stub {
        Stub { temp: tempfile::tempdir().unwrap() }.and(program, script)
    }

    pub(super) fn and(self, program: &str, script: &str) -> Stub {
        let place = self.temp.path().display();
        let text = format!("/usr/bin/env >> {place}/environment\necho \"$*\" >> {place}/{program}.lines\n{script}");
        aileron_testkit::script(&self.temp.path().join("bin").join(program), &text);
        self
    }

    /// Builds a repository that has nothing but markers, beside secrets and settings that are all called "hush".
    pub(super) fn build(&self, toolchain: &dyn Toolchain, more: &[(&str, &str)]) -> Result<BuiltModule, BuildError> {
        let copy = tempfile::tempdir().unwrap();
        for (file, text) in [("go.mod", "module x\n"), ("build.zig", ""), ("Cargo.toml", ""), ("Cargo.lock", "")] {
            place(copy.path(), &format!("{CONNECTOR}/{file}"), text.as_bytes());
        }
        let secrets = [
            "AILERON_SIGNING_KEY",
            "AILERON_KEY_PASSPHRASE",
            "AILERON_CLIENT_SECRET",
            "TEA_OAUTH_CLIENT_SECRET",
            "GITHUB_TOKEN",
            "GH_TOKEN",
            "CARGO_REGISTRY_TOKEN",
            "CARGO_REGISTRIES_ACME_TOKEN",
            "RUSTFLAGS",
            "GOFLAGS",
            "GOENV",
        ];
        let path = format!("{}:/usr/bin:/bin", self.temp.path().join("bin").display());
        let own = [("PATH", path.as_str()), ("HOME", "/home/test")];
        let variables = secrets.map(|name| (name, "hush")).into_iter().chain(own).chain(more.iter().copied());
        let environment = variables.map(|(name, value)| (name.into(), value.into())).collect();
        let stop = AtomicBool::new(false);
        toolchain.build(copy.path(), Spawner { environment: &environment, stop: &stop })
    }

    /// Nothing called "hush" reached a child, and each of these lines did.
    pub(super) fn saw_no_secret(&self, lines: &[&str]) {
        let seen = fs::read_to_string(self.temp.path().join("environment")).unwrap();
        assert!(!seen.contains("hush"), "{seen}");
        for line in lines {
            assert!(seen.lines().any(|had| had == *line), "{line} in {seen}");
        }
    }

    /// The arguments of each start of a program.
    pub(super) fn command_lines(&self, program: &str) -> Vec<String> {
        let lines = fs::read_to_string(self.temp.path().join(format!("{program}.lines"))).unwrap_or_default();
        lines.lines().map(str::to_owned).collect()
    }
}

/// What builds a connector with these files.
fn detected(files: &[&str], configured: Option<&str>) -> Result<String, String> {
    let temp = tempfile::tempdir().unwrap();
    files.iter().for_each(|file| place(temp.path(), &format!("{CONNECTOR}/{file}"), b""));
    let tree = SourceTree::Work(WorkTree::open(temp.path()));
    let found = detect(&tree, configured.map(|name| named(name).unwrap()));
    found.map(|toolchain| toolchain.describe()).map_err(|error| error.to_string())
}

#[test]
fn the_toolchain_is_the_one_that_is_named_else_the_one_whose_file_is_there() {
    for (files, configured, expected) in [
        (&["connector.wat"][..], None, "WebAssembly text (connector/connector.wat)"),
        (&["go.mod"], None, "Go (connector/go.mod)"),
        (&["Cargo.toml"], None, "Rust (connector/Cargo.toml)"),
        (&["build.zig"], None, "Zig (connector/build.zig)"),
        // Text is what a compiler's project may keep beside it, for its tests.
        (&["connector.wat", "go.mod"], None, "Go (connector/go.mod)"),
        (&["connector.wat", "Cargo.toml"], None, "Rust (connector/Cargo.toml)"),
        (&["connector.wat", "build.zig"], None, "Zig (connector/build.zig)"),
        (&["go.mod"], Some("tinygo"), "TinyGo (connector/go.mod)"),
        (&["go.mod"], Some("go"), "Go (connector/go.mod)"),
        (&["go.mod", "Cargo.toml", "build.zig"], Some("rust"), "Rust (connector/Cargo.toml)"),
        (&["go.mod", "connector.wat"], Some("wat"), "WebAssembly text (connector/connector.wat)"),
    ] {
        assert_eq!(detected(files, configured).as_deref(), Ok(expected), "{files:?} {configured:?}");
    }
}

#[test]
fn what_does_not_decide_is_named() {
    let nothing = detected(&[], None).unwrap_err();
    assert!(nothing.contains("looked for go.mod, Cargo.toml, build.zig, connector.wat; --wasm FILE"), "{nothing}");
    let other = detected(&["go.mod"], Some("rust")).unwrap_err();
    assert!(
        other.contains("looked for Cargo.toml (aileron-pub.toml says language = \"rust\"); --wasm FILE"),
        "{other}"
    );
    for (files, expected) in [
        (
            &["go.mod", "Cargo.toml"][..],
            "go.mod and Cargo.toml are both in connector/: name the one that builds in aileron-pub.toml, as in language = \"go\"",
        ),
        (
            &["Cargo.toml", "build.zig", "connector.wat"],
            "Cargo.toml and build.zig are both in connector/: name the one that builds in aileron-pub.toml, as in language = \"rust\"",
        ),
    ] {
        assert_eq!(detected(files, None).unwrap_err(), expected);
    }
}

#[test] // artifacts.md §12
fn no_toolchain_gets_a_secret() {
    for toolchain in TOOLCHAINS {
        for name in toolchain.inherits() {
            assert!(!["TOKEN", "SECRET", "KEY", "PASS"].iter().any(|word| name.contains(word)), "{name}");
        }
    }
}

#[test]
fn every_toolchain_has_a_name_of_its_own_and_a_skeleton_has_its_marker() {
    for (at, toolchain) in TOOLCHAINS.iter().enumerate() {
        assert_eq!(toolchain.template().as_str(), toolchain.name());
        let mut others = TOOLCHAINS.iter().skip(at + 1);
        assert!(others.all(|other| other.name() != toolchain.name()));
        let files: Vec<_> = toolchain.template().files().map(|(path, _)| path).collect();
        let marker = format!("{CONNECTOR}/{}", toolchain.marker());
        assert!(files.is_empty() || files.contains(&marker.as_str()), "{}", toolchain.name());
    }
}

#[test]
fn a_build_may_depend_on_all_but_what_only_this_tool_and_people_read() {
    for (path, is) in [
        ("connector/x", true),
        ("connector/README.md", true),
        ("go.work", true),
        (".cargo/config.toml", true),
        ("shared/tea.go", true),
        ("tests/helper/tea.go", true),
        ("tests/ping.toml", false),
        ("tests/recorded/ping.json", false),
        ("actions/ping/action.md", false),
        (".github/workflows/ci.yml", false),
        ("keys/publisher.pub", false),
        ("suite.toml", false),
        ("README.md", false),
    ] {
        assert_eq!(is_input(&TreePath::new(path).unwrap()), is, "{path}");
    }
}

#[test]
fn source_is_what_a_compiler_looks_at() {
    for (path, is) in [
        ("connector", true),
        ("connector/main.go", true),
        ("connector/inner/deep/x.go", true),
        ("connector/_old/x.go", false),
        ("connector/.cache/x", false),
        ("connector/testdata/big.bin", false),
        ("connector/inner/testdata/big.bin", false),
        ("connector2/main.go", false),
        ("shared/connector/main.go", false),
        ("README.md", false),
    ] {
        assert_eq!(is_source(&TreePath::new(path).unwrap()), is, "{path}");
    }
}

#[test]
fn a_failed_build_says_what_the_compiler_could_not_see() {
    let failed = || BuildError::Failed {
        program: "go",
        status: std::process::ExitStatus::default(),
        output: "no such directory".into(),
    };
    let left = |number: usize| LeftOut {
        path: TreePath::new(format!("shared{number}")).unwrap(),
        why: Refusal::Submodule(TreePath::new("shared").unwrap()),
    };
    let said = |count: usize| explained(failed(), &(0..count).map(left).collect::<Vec<_>>()).to_string();
    assert!(!said(0).contains("left out"), "{}", said(0));
    assert!(said(1).contains("shared0: shared is a submodule"), "{}", said(1));
    assert!(said(25).contains("and 5 more") && !said(20).contains("more"), "{}", said(25));
}

#[test]
fn a_repository_git_does_not_know_is_not_built() {
    let temp = tempfile::tempdir().unwrap();
    place(temp.path(), "connector/connector.wat", b"(module)");
    let (environment, stop) = (Environment::of_this_process(), AtomicBool::new(false));
    let spawner = Spawner { environment: &environment, stop: &stop };
    let error = build(&SourceTree::Work(WorkTree::open(temp.path())), None, None, spawner).unwrap_err();
    assert!(matches!(error, BuildError::Git(GitError::NotARepository(_))), "{error}");
}
