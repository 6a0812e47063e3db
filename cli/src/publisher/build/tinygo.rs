//! TinyGo, for wasip1.
//!
//! Its connectors have a `go.mod` as Go's have, so only a repository that says so is built with it. Where sources may be, where
//! modules come from and what is inherited is Go's: TinyGo starts the user's go for all of it.

use std::fs;
use std::path::Path;

use aileron_templates::Template;

use super::child::Tool;
use super::go;
use super::{BuildError, BuiltModule, CONNECTOR, Made, OR_A_MODULE, Toolchain, disk};
use crate::sys::disk::{Operation, temporary_directory};
use crate::sys::process::{Command, Spawner};

/// `connector/go.mod`, where `aileron-pub.toml` says `language = "tinygo"`.
#[derive(Clone, Copy, Debug)]
pub struct TinyGo;

const TINYGO: &str = "tinygo";

const ADVICE: &str = "install TinyGo 0.35 or newer from https://tinygo.org/getting-started/install/";

/// What decides the bytes. Without debug information there are no paths of this machine in the module.
const FLAGS: [&str; 2] = ["-target=wasip1", "-no-debug"];

impl Toolchain for TinyGo {
    fn name(&self) -> &'static str {
        TINYGO
    }

    fn title(&self) -> &'static str {
        "TinyGo"
    }

    fn summary(&self) -> &'static str {
        "Go, compiled for wasip1 with TinyGo: smaller modules"
    }

    fn marker(&self) -> &'static str {
        "go.mod"
    }

    fn is_shown_by_its_marker(&self) -> bool {
        false
    }

    fn inherits(&self) -> &'static [&'static str] {
        &go::INHERITED
    }

    fn by_hand(&self) -> Option<&'static str> {
        Some("tinygo build -target=wasip1")
    }

    fn template(&self) -> Template {
        Template::of(TINYGO)
    }

    fn examine(&self, root: &Path, spawner: Spawner<'_>) -> Result<String, BuildError> {
        ask(root, &go::connector(root, &root.join(CONNECTOR)).ask(spawner)?.version, spawner)
    }

    fn build(&self, copy: &Path, spawner: Spawner<'_>) -> Result<BuiltModule, BuildError> {
        let base = copy.join(CONNECTOR);
        let go::Asked { version: go, places } = go::connector(copy, &base).ask(spawner)?;
        let version = ask(copy, &go, spawner)?;
        let tool = tool(copy, &base);
        let tinygo = || tinygo(copy, spawner);

        let out = temporary_directory()?;
        let module = out.path().join("connector.wasm");
        let mut build = tinygo().env("GOENV", "off");
        for (name, value) in places {
            build = build.env(name, value);
        }
        let build = build.args(["build"]).args(FLAGS);
        tool.run(build.args(["-o".as_ref(), module.as_os_str(), ".".as_ref()]))?;
        let wasm = fs::read(&module).map_err(disk(Operation::Read, &module))?;
        let flags = FLAGS.map(str::to_owned).to_vec();
        Ok(BuiltModule { wasm, toolchain: Made::Built { language: TINYGO.into(), version, flags } })
    }
}

fn tool<'a>(copy: &'a Path, base: &'a Path) -> Tool<'a> {
    Tool { program: TINYGO, advice: ADVICE, instead: OR_A_MODULE, sources: &go::SOURCES, copy, base }
}

fn tinygo<'a>(copy: &Path, spawner: Spawner<'a>) -> Command<'a> {
    let program = spawner.command(TINYGO).inherit(&go::INHERITED);
    go::connector(copy, &copy.join(CONNECTOR)).closed(program, spawner)
}

/// Its version, with that of the go it stands on.
fn ask(copy: &Path, go: &str, spawner: Spawner<'_>) -> Result<String, BuildError> {
    let asked = tool(copy, &copy.join(CONNECTOR)).run(tinygo(copy, spawner).args(["version"]))?;
    version(&String::from_utf8_lossy(&asked.stdout), go)
}

/// Which TinyGo, with which go and LLVM, out of `tinygo version 0.39.0 linux/amd64 (using go version go1.25.0 and LLVM version
/// 20.1.1)`. The system it runs on does not show in the bytes.
fn version(answer: &str, go: &str) -> Result<String, BuildError> {
    let words: Vec<&str> = answer.split_whitespace().collect();
    let after = |words: &[&str], name: &str| {
        let at = words.windows(2).position(|pair| pair == [name, "version"])?;
        Some(words.get(at + 2)?.trim_end_matches(')').to_owned())
    };
    let tinygo = after(&words, TINYGO)
        .ok_or_else(|| BuildError::Unidentified { program: TINYGO, detail: format!("it says {:?}", answer.trim()) })?;
    let llvm = after(&words, "LLVM").map(|llvm| format!(", LLVM {llvm}")).unwrap_or_default();
    Ok(format!("{tinygo} ({go}{llvm})"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Stub, place};
    use super::*;
    use std::sync::atomic::AtomicBool;

    static NEVER: AtomicBool = AtomicBool::new(false);

    #[test]
    fn the_version_names_all_that_compiles_and_no_system() {
        let said = "tinygo version 0.39.0 linux/amd64 (using go version go1.25.0 and LLVM version 20.1.1)\n";
        assert_eq!(version(said, "go1.25.0").unwrap(), "0.39.0 (go1.25.0, LLVM 20.1.1)");
        assert_eq!(
            version("tinygo version 0.40.0-dev-abc darwin/arm64\n", "go1.26").unwrap(),
            "0.40.0-dev-abc (go1.26)"
        );
        assert!(version("something else", "go1.26").unwrap_err().to_string().contains("\"something else\""));
    }

    #[cfg(unix)]
    #[test] // artifacts.md §12
    fn its_command_line_is_this_one_and_it_sees_no_secret() {
        let stub = Stub::new(
            "go",
            "case $1 in mod | work) echo '{}' ;; env) echo '{\"GOVERSION\":\"go1.99\",\"GOPROXY\":\"https://proxy.test\"}' ;; esac",
        )
        .and(
            "tinygo",
            "[ $1 = version ] && echo 'tinygo version 0.99.0 linux/amd64 (using go version go1.99 and LLVM version 30.0.1)'\n\
             while [ $# -gt 0 ]; do [ $1 = -o ] && printf module > $2; shift; done; exit 0",
        );
        let built = stub.build(&TinyGo, &[("GOFLAGS", "hush"), ("TINYGOROOT", "hush")]).unwrap();
        assert_eq!(built.wasm, b"module");
        let expected = Made::Built {
            language: "tinygo".into(),
            version: "0.99.0 (go1.99, LLVM 30.0.1)".into(),
            flags: vec!["-target=wasip1".into(), "-no-debug".into()],
        };
        assert_eq!(built.toolchain, expected);
        stub.saw_no_secret(&["GOPROXY=https://proxy.test", "GOENV=off", "GOTOOLCHAIN=local"]);
        let lines = stub.command_lines("tinygo");
        assert_eq!(lines[0], "version");
        let (start, end) = lines[1].split_once(" -o ").unwrap();
        assert_eq!(start, "build -target=wasip1 -no-debug");
        assert!(end.ends_with("/connector.wasm ."), "{end}");
    }

    #[cfg(unix)]
    #[test]
    fn without_tinygo_the_error_says_how_to_go_on() {
        let go = "case $1 in mod) echo '{}' ;; env) echo '{\"GOVERSION\":\"go1.99\"}' ;; esac";
        let text = Stub::new("go", go).build(&TinyGo, &[]).unwrap_err().to_string();
        assert!(text.contains("tinygo was not found") && text.contains("https://tinygo.org/"), "{text}");
        let temp = tempfile::tempdir().unwrap();
        place(temp.path(), "connector/go.mod", b"module x\n");
        let environment = [("PATH".into(), "".into())].into_iter().collect();
        let error = TinyGo.build(temp.path(), Spawner { environment: &environment, stop: &NEVER }).unwrap_err();
        assert!(error.to_string().contains("https://go.dev/dl/"), "{error}");
    }
}
