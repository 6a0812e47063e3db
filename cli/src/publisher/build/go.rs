//! Go, for wasip1.
//!
//! The user's go is asked once where modules come from and which toolchain it is; the build then runs without any of
//! the user's settings but those answers. So private proxies and caches keep working, and a `GOFLAGS` in a user's
//! configuration does not change what is published. Sources outside of the repository are refused before anything is
//! compiled: a version is made of its commit and of modules that `go.sum` names.

use std::fs;
use std::path::Path;

use aileron_templates::Template;

use super::{BuildError, BuiltModule, CONNECTOR, Made, OR_A_MODULE, Toolchain, disk};
use crate::sys::disk::{Operation, temporary_directory};
use crate::sys::process::{Command, Spawner};

mod place;
mod sources;

pub(crate) use place::{Asked, GoPlace, NEUTRAL_FLAGS, WITHOUT_SYMBOLS};

/// `connector/go.mod`.
#[derive(Clone, Copy, Debug)]
pub struct Go;

const GO: &str = "go";

/// How names of its sources end.
pub(crate) const SOURCES: [&str; 4] = [".go", "go.mod", "go.sum", "go.work"];

/// Settings that decide the bytes.
const SETTINGS: [(&str, &str); 3] = [("GOOS", "wasip1"), ("GOARCH", "wasm"), ("CGO_ENABLED", "0")];

/// Flags that decide them.
const FLAGS: [&str; 3] = [NEUTRAL_FLAGS[0], NEUTRAL_FLAGS[1], WITHOUT_SYMBOLS];

pub(super) use place::INHERITED;

/// Whether go downloads the toolchain that a repository names.
const TOOLCHAIN: &str = "GOTOOLCHAIN";

/// go, with what it inherits.
fn program(spawner: Spawner<'_>) -> Command<'_> {
    spawner.command(GO).inherit(&INHERITED)
}

impl Toolchain for Go {
    fn name(&self) -> &'static str {
        GO
    }

    fn title(&self) -> &'static str {
        "Go"
    }

    fn summary(&self) -> &'static str {
        "Go, compiled for wasip1 with the Go toolchain"
    }

    fn marker(&self) -> &'static str {
        "go.mod"
    }

    fn inherits(&self) -> &'static [&'static str] {
        &INHERITED
    }

    fn by_hand(&self) -> Option<&'static str> {
        Some("GOOS=wasip1 GOARCH=wasm")
    }

    fn template(&self) -> Template {
        Template::of(GO)
    }

    fn examine(&self, root: &Path, spawner: Spawner<'_>) -> Result<String, BuildError> {
        Ok(connector(root, &root.join(CONNECTOR)).ask(spawner)?.version)
    }

    fn build(&self, copy: &Path, spawner: Spawner<'_>) -> Result<BuiltModule, BuildError> {
        let base = copy.join(CONNECTOR);
        let place = connector(copy, &base);
        let asked = place.ask(spawner)?;
        let out = temporary_directory()?;
        let module = out.path().join("connector.wasm");
        let build = place.settled(&asked, &SETTINGS, spawner);
        place.run(build.args(["build"]).args(FLAGS).args(["-o".as_ref(), module.as_os_str(), ".".as_ref()]))?;
        let wasm = fs::read(&module).map_err(disk(Operation::Read, &module))?;

        let settings = SETTINGS.iter().map(|(name, value)| format!("{name}={value}"));
        let flags = settings.chain(FLAGS.map(str::to_owned)).collect();
        Ok(BuiltModule { wasm, toolchain: Made::Built { language: GO.into(), version: asked.version, flags } })
    }
}

/// Where the connector of a copied repository is built.
pub(super) fn connector<'a>(copy: &'a Path, base: &'a Path) -> GoPlace<'a> {
    GoPlace { copy, base, instead: OR_A_MODULE }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::tests::place;
    use super::*;
    use crate::publisher::scaffold::{Credential, Operation, Scaffold, USUAL_SIGNING, scaffold};
    use crate::sys::environment::Environment;
    use aileron_testkit::Requirement;
    use std::sync::atomic::AtomicBool;

    static NEVER: AtomicBool = AtomicBool::new(false);

    /// The machine's environment when it has Go.
    fn machine_with_go() -> Option<Environment> {
        Requirement::Go.is_met().then(Environment::of_this_process)
    }

    fn scaffolded(dir: &Path) -> Vec<PathBuf> {
        let environment = Environment::default();
        let request = Scaffold {
            dir: dir.into(),
            owner: "acme".into(),
            service: "tea".into(),
            template: Go.template(),
            git: false,
            publisher: "Acme".into(),
            credential: Credential::ApiKey,
            operations: Operation::usual(Credential::ApiKey),
            signing: USUAL_SIGNING,
            preset: None,
            client_id: None,
        };
        scaffold(&request, Spawner { environment: &environment, stop: &NEVER }).unwrap().files
    }

    #[test] // artifacts.md §12
    fn go_has_the_callers_places_and_none_of_its_settings() {
        for name in ["GOPROXY", "GOPATH", "GOCACHE", TOOLCHAIN] {
            assert!(Go.inherits().contains(&name), "{name}");
        }
        for name in ["GOFLAGS", "GOWASM", "GOEXPERIMENT", "GOROOT", "GOENV"] {
            assert!(!Go.inherits().contains(&name), "{name}");
        }
    }

    #[test] // release-pipeline.md §3
    fn another_place_and_another_copy_give_the_same_bytes() {
        let Some(environment) = machine_with_go() else { return };
        let spawner = Spawner { environment: &environment, stop: &NEVER };
        let source = tempfile::tempdir().unwrap();
        let files = scaffolded(source.path());
        let build = |name: &str| {
            let temp = tempfile::tempdir().unwrap();
            let copy = temp.path().join(name);
            for file in &files {
                place(&copy, file.to_str().unwrap(), &fs::read(source.path().join(file)).unwrap());
            }
            Go.build(&copy, spawner).unwrap()
        };
        let (one, two) = (build("one"), build("quite/another place"));
        assert!(one == two, "the two modules differ");
        assert!(one.wasm.starts_with(b"\0asm\x01\0\0\0"));
        let Made::Built { language, version, flags } = one.toolchain else { panic!("a build is recorded") };
        assert_eq!(language, "go");
        assert!(version.starts_with("go1."), "{version}");
        let expected =
            ["GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"];
        assert_eq!(flags, expected);
        let import = |name: &str| one.wasm.windows(name.len()).any(|window| window == name.as_bytes());
        assert!(import("\x0caileron_host\x0chttp_request"));
    }

    #[test]
    fn the_scaffolded_connector_passes_its_own_tests() {
        let Some(environment) = machine_with_go() else { return };
        let spawner = Spawner { environment: &environment, stop: &NEVER };
        let temp = tempfile::tempdir().unwrap();
        scaffolded(temp.path());
        let connector = temp.path().join(CONNECTOR);
        for arguments in [&["vet", "./..."][..], &["test", "./..."]] {
            let run = spawner.command(GO).within(&connector).env("GOFLAGS", "").args(arguments).run().unwrap();
            let said = [run.stdout, run.stderr].concat();
            assert!(run.status.success(), "go {arguments:?}: {}", String::from_utf8_lossy(&said));
        }
    }

    #[test]
    fn a_compile_error_names_the_repositorys_files() {
        let Some(environment) = machine_with_go() else { return };
        let spawner = Spawner { environment: &environment, stop: &NEVER };
        for (file, text, expected) in [
            ("connector/main.go", "package main\nfunc main() { undefined() }\n", "connector/main.go:2:15: undefined:"),
            ("connector/main.go", "package main\nfunc main( {}\n", "connector/main.go:2:12: syntax error"),
            ("connector/go.mod", "module x\nrequire\n\n!\n", "connector/go.mod:"),
        ] {
            let temp = tempfile::tempdir().unwrap();
            place(temp.path(), "connector/go.mod", b"module x\n\ngo 1.24\n");
            place(temp.path(), file, text.as_bytes());
            let error = Go.build(temp.path(), spawner).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains(&temp.path().display().to_string()), "{error}");
        }
    }

    #[test]
    fn without_go_the_error_says_how_to_go_on() {
        let temp = tempfile::tempdir().unwrap();
        scaffolded(temp.path());
        let environment = [("PATH".into(), "".into())].into_iter().collect();
        let error = Go.build(temp.path(), Spawner { environment: &environment, stop: &NEVER }).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("https://go.dev/dl/") && text.contains("--wasm FILE"), "{text}");
    }

    #[test] // artifacts.md §12
    fn sources_outside_of_the_repository_are_refused_before_anything_is_compiled() {
        let Some(environment) = machine_with_go() else { return };
        let spawner = Spawner { environment: &environment, stop: &NEVER };
        let outside = tempfile::tempdir().unwrap();
        place(outside.path(), "go.mod", b"module evil.example/o\n");
        place(outside.path(), "o.go", b"package o\n");
        let absolute = outside.path().display().to_string();
        let replace = |path: &str| format!("module x\n\ngo 1.24\n\nreplace evil.example/o => {path}\n");
        let plain = "module x\n\ngo 1.24\n".to_owned();
        for (module, work, refused) in [
            (replace(&absolute), None, true),
            (replace("../../outside"), None, true),
            (replace("../../../../../../../tmp"), None, true),
            (replace("./../../x"), None, true),
            (replace("../linked"), None, true),
            (
                format!(
                    "module x\n\ngo 1.24\n\nreplace (\n\ta.example/a => ../inside\n\tb.example/b v1.0.0 => {absolute}\n)\n"
                ),
                None,
                true,
            ),
            (plain.clone(), Some(format!("go 1.24\n\nuse (\n\t./connector\n\t{absolute}\n)\n")), true),
            (plain.clone(), Some("go 1.24\n\nuse ./connector\nuse ../other\n".to_owned()), true),
            (
                plain.clone(),
                Some(format!("go 1.24\n\nuse ./connector\n\nreplace evil.example/o => {absolute}\n")),
                true,
            ),
            (plain.clone(), Some("go 1.24\n\nuse ./connector\nuse ./linked\n".to_owned()), true),
            // A module of the workspace brings its own replacements.
            (plain.clone(), Some("go 1.24\n\nuse ./connector\nuse ./second\n".to_owned()), true),
            (replace("../inside"), None, false),
            (plain.clone(), Some("go 1.24\n\nuse ./connector\n".to_owned()), false),
            (plain, None, false),
        ] {
            let copy = tempfile::tempdir().unwrap();
            place(copy.path(), "connector/go.mod", module.as_bytes());
            place(copy.path(), "connector/main.go", b"package main\n\nfunc main() {}\n");
            place(copy.path(), "inside/go.mod", b"module evil.example/o\n");
            place(copy.path(), "second/go.mod", replace(&absolute).replace("module x", "module y").as_bytes());
            #[cfg(unix)]
            std::os::unix::fs::symlink(outside.path(), copy.path().join("linked")).unwrap();
            if let Some(work) = &work {
                place(copy.path(), "go.work", work.as_bytes());
            }
            let built = Go.build(copy.path(), spawner);
            match (built, refused) {
                (Err(error @ BuildError::ForeignSource { .. }), true) => {
                    assert!(error.to_string().contains("outside of this repository"), "{error}");
                    let BuildError::ForeignSource { file, path, .. } = &error else { continue };
                    let (name, line) = file.rsplit_once(':').unwrap_or_else(|| panic!("no line in {file}"));
                    let text = fs::read_to_string(copy.path().join(name)).unwrap();
                    let line = text.lines().nth(line.parse::<usize>().unwrap() - 1).unwrap();
                    assert!(line.contains(path.as_str()), "{line}: {error}");
                }
                (Ok(_), false) => {}
                (other, _) => panic!("{module} {work:?}: {:?}", other.map(|built| built.toolchain)),
            }
        }
    }

    #[test] // artifacts.md §12
    fn a_toolchain_line_downloads_nothing() {
        let Some(environment) = machine_with_go() else { return };
        let spawner = Spawner { environment: &environment, stop: &NEVER };
        for line in ["go 1.99.0", "go 1.24\n\ntoolchain go1.99.0"] {
            let copy = tempfile::tempdir().unwrap();
            place(copy.path(), "connector/go.mod", format!("module x\n\n{line}\n").as_bytes());
            place(copy.path(), "connector/main.go", b"package main\n\nfunc main() {}\n");
            match Go.build(copy.path(), spawner) {
                Ok(_) => assert!(line.contains("toolchain"), "the local release is new enough for {line}"),
                Err(error) => {
                    let said = error.to_string();
                    assert!(said.contains("1.99") && said.contains("set GOTOOLCHAIN=auto"), "{said}");
                }
            }
        }
    }

    #[test]
    fn a_connector_that_is_not_in_the_copy_is_named() {
        let environment = Environment::of_this_process();
        let spawner = Spawner { environment: &environment, stop: &NEVER };
        let copy = tempfile::tempdir().unwrap();
        let said = Go.build(copy.path(), spawner).unwrap_err().to_string();
        assert!(said.starts_with("connector is not in the copy that is built"), "{said}");
    }

    #[cfg(unix)]
    #[test] // artifacts.md §12
    fn the_compiler_sees_no_secret_and_no_foreign_flags() {
        let temp = tempfile::tempdir().unwrap();
        let bin = temp.path().join("bin");
        let log = temp.path().join("log");
        let script = format!(
            "/usr/bin/env >> {log}\ncase $1 in mod | work) echo '{{}}' ;; esac\n[ $1 = env ] && echo '{{\"GOVERSION\":\"go1.99\",\"GOPROXY\":\"https://proxy.test\"}}'\n\
             while [ $# -gt 0 ]; do [ $1 = -o ] && printf module > $2; shift; done; exit 0",
            log = log.display()
        );
        aileron_testkit::script(&bin.join("go"), &script);
        place(temp.path(), "connector/go.mod", b"module x\n");
        place(temp.path(), "go.work", b"use ./connector\n");
        let environment = [
            ("PATH", bin.to_str().unwrap()),
            ("HOME", "/home/test"),
            ("AILERON_SIGNING_KEY", "hush"),
            ("AILERON_KEY_PASSPHRASE", "hush"),
            ("AILERON_CLIENT_SECRET", "hush"),
            ("TEA_OAUTH_CLIENT_SECRET", "hush"),
            ("GITHUB_TOKEN", "hush"),
            ("GH_TOKEN", "hush"),
            ("GOFLAGS", "-tags=hush"),
            ("GOWASM", "hush"),
            ("GOEXPERIMENT", "hush"),
            ("RUSTFLAGS", "hush"),
            ("GOENV", "hush"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into_iter()
        .collect();
        let built = Go.build(temp.path(), Spawner { environment: &environment, stop: &NEVER }).unwrap();
        assert_eq!(built.wasm, b"module");
        assert!(matches!(built.toolchain, Made::Built { version, .. } if version == "go1.99"));
        let seen = fs::read_to_string(log).unwrap();
        assert!(!seen.contains("hush"), "{seen}");
        for line in ["HOME=/home/test", "GOENV=off", "GOPROXY=https://proxy.test", "GOOS=wasip1", "CGO_ENABLED=0"] {
            assert!(seen.lines().any(|had| had == line), "{line} in {seen}");
        }
        assert_eq!(seen.matches(&format!("GOWORK={}", temp.path().join("go.work").display())).count(), 2);
    }
}
