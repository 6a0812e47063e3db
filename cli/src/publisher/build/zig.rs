//! Zig, for wasm32-wasi.
//!
//! The contract with a `build.zig` is what `zig init` writes: the standard options for target and optimisation, and one
//! program that is installed. Every Zig can compile for WASI; what may be missing is Zig. Packages of `build.zig.zon` have
//! digests there; a directory has none, so it must lie in the repository.

use std::fs;
use std::path::{Path, PathBuf};

use aileron_templates::Template;
use aileron_verifier::text::printable;

use super::child::{Tool, leaves, line_of};
use super::{BuildError, BuiltModule, CONNECTOR, Made, OR_A_MODULE, Toolchain, disk};
use crate::sys::disk::{self as files, Operation, temporary_directory};
use crate::sys::process::{Command, Spawner};

/// `connector/build.zig`.
#[derive(Clone, Copy, Debug)]
pub struct Zig;

const ZIG: &str = "zig";

const ADVICE: &str = "install Zig from https://ziglang.org/download/";

const PACKAGES: &str = "build.zig.zon";

/// Options that decide the bytes.
const OPTIONS: [&str; 2] = ["-Dtarget=wasm32-wasi", "-Doptimize=ReleaseSmall"];

/// Where Zig keeps what it compiled. None of it shows in the result.
const INHERITED: [&str; 2] = ["ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"];

impl Toolchain for Zig {
    fn name(&self) -> &'static str {
        ZIG
    }

    fn title(&self) -> &'static str {
        "Zig"
    }

    fn summary(&self) -> &'static str {
        "Zig, compiled for wasm32-wasi with zig build"
    }

    fn marker(&self) -> &'static str {
        "build.zig"
    }

    fn inherits(&self) -> &'static [&'static str] {
        &INHERITED
    }

    fn by_hand(&self) -> Option<&'static str> {
        Some("zig build -Dtarget=wasm32-wasi")
    }

    fn template(&self) -> Template {
        Template::of(ZIG)
    }

    fn examine(&self, root: &Path, spawner: Spawner<'_>) -> Result<String, BuildError> {
        version(root, spawner)
    }

    fn build(&self, copy: &Path, spawner: Spawner<'_>) -> Result<BuiltModule, BuildError> {
        let connector = copy.join(CONNECTOR);
        if !connector.is_dir() {
            return Err(BuildError::NoDirectory(PathBuf::from(CONNECTOR)));
        }
        stay_inside(&connector, copy)?;
        let version = version(copy, spawner)?;
        let out = temporary_directory()?;
        let build = zig(&connector, spawner).args(["build"]).args(OPTIONS).args(["--color", "off"]);
        tool(copy, &connector).run(build.args(["--prefix".as_ref(), out.path().as_os_str()]))?;
        let module = only_module(&out.path().join("bin"))?;
        let wasm = fs::read(&module).map_err(disk(Operation::Read, &module))?;
        let flags = OPTIONS.map(str::to_owned).to_vec();
        Ok(BuiltModule { wasm, toolchain: Made::Built { language: ZIG.into(), version, flags } })
    }
}

fn tool<'a>(copy: &'a Path, base: &'a Path) -> Tool<'a> {
    Tool { program: ZIG, advice: ADVICE, instead: OR_A_MODULE, sources: &[".zig", PACKAGES], copy, base }
}

fn zig<'a>(connector: &Path, spawner: Spawner<'a>) -> Command<'a> {
    spawner.command(ZIG).inherit(&INHERITED).within(connector)
}

/// As it prints it: `0.17.1`.
fn version(copy: &Path, spawner: Spawner<'_>) -> Result<String, BuildError> {
    let connector = copy.join(CONNECTOR);
    let asked = tool(copy, &connector).run(zig(&connector, spawner).args(["version"]))?;
    let version = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    match version.is_empty() {
        true => Err(BuildError::Unidentified { program: ZIG, detail: "no answer to `zig version`".to_owned() }),
        false => Ok(version),
    }
}

/// The one module that was installed.
fn only_module(directory: &Path) -> Result<PathBuf, BuildError> {
    let found = files::list(directory)?.unwrap_or_default().into_keys().map(PathBuf::from);
    let modules: Vec<PathBuf> = found.filter(|name| name.extension().is_some_and(|end| end == "wasm")).collect();
    match &modules[..] {
        [only] => Ok(directory.join(only)),
        _ => Err(BuildError::NotOneProgram {
            file: format!("{CONNECTOR}/build.zig"),
            found: modules.iter().map(|module| module.display().to_string()).collect(),
            advice: "a connector is one program that `b.installArtifact` installs, compiled for the target that -Dtarget names",
        }),
    }
}

/// Packages that are directories lie in the repository.
fn stay_inside(connector: &Path, copy: &Path) -> Result<(), BuildError> {
    let file = connector.join(PACKAGES);
    let Some(bytes) = files::read_if_there(&file, 1 << 20)? else { return Ok(()) };
    let text = String::from_utf8_lossy(&bytes);
    for path in paths(&text) {
        if leaves(connector, Path::new(path), copy) {
            let line = line_of(&text, path).map(|line| format!(":{line}")).unwrap_or_default();
            return Err(BuildError::ForeignSource {
                file: format!("{CONNECTOR}/{PACKAGES}{line}"),
                module: "a package".to_owned(),
                path: printable(path).into_owned(),
            });
        }
    }
    Ok(())
}

/// The text of every `.path = "…"` outside of a comment.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split(".path").skip(1)).filter_map(|after| {
        let value = after.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?;
        value.split('"').next()
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Stub, build_in_two_places, place};
    use super::*;
    use crate::sys::environment::Environment;
    use aileron_testkit::languages;
    use std::sync::atomic::AtomicBool;

    static NEVER: AtomicBool = AtomicBool::new(false);

    /// A project as `zig init` lays one out.
    const PROJECT: [(&str, &str); 2] = [
        (
            "connector/build.zig",
            "const std = @import(\"std\");\n\npub fn build(b: *std.Build) void {\n    const exe = b.addExecutable(.{\n        .name = \"tea\",\n        .root_module = b.createModule(.{\n            .root_source_file = b.path(\"src/main.zig\"),\n            .target = b.standardTargetOptions(.{}),\n            .optimize = b.standardOptimizeOption(.{}),\n        }),\n    });\n    b.installArtifact(exe);\n}\n",
        ),
        (
            "connector/src/main.zig",
            "const std = @import(\"std\");\n\npub fn main() void {\n    std.debug.print(\"{s}\", .{@src().file});\n}\n",
        ),
    ];

    #[test] // release-pipeline.md §3
    fn another_place_and_another_copy_give_the_same_bytes() {
        let Some(variables) = languages::zig() else { return };
        let built = build_in_two_places(&Zig, &PROJECT, &variables.into_iter().collect());
        assert!(built.wasm.starts_with(b"\0asm\x01\0\0\0"));
        let Made::Built { language, version, flags } = built.toolchain else { panic!("a build is recorded") };
        assert_eq!((&*language, version.split('.').count(), flags), ("zig", 3, OPTIONS.map(str::to_owned).to_vec()));
    }

    #[test]
    fn a_compile_error_names_the_repositorys_files() {
        let Some(variables) = languages::zig() else { return };
        let environment: Environment = variables.into_iter().collect();
        let spawner = Spawner { environment: &environment, stop: &NEVER };
        for (file, text, expected) in [
            (
                "connector/src/main.zig",
                "pub fn main() void {\n    nothing();\n}\n",
                "connector/src/main.zig:2:5: error",
            ),
            (
                "connector/build.zig",
                "pub fn build(b: *@import(\"std\").Build) void {\n    b.no();\n}\n",
                "connector/build.zig:2:",
            ),
        ] {
            let temp = tempfile::tempdir().unwrap();
            PROJECT.iter().for_each(|(file, text)| place(temp.path(), file, text.as_bytes()));
            place(temp.path(), file, text.as_bytes());
            let error = Zig.build(temp.path(), spawner).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains(&temp.path().display().to_string()), "{error}");
        }
    }

    #[test]
    fn without_zig_the_error_says_how_to_go_on() {
        let temp = tempfile::tempdir().unwrap();
        place(temp.path(), "connector/build.zig", b"");
        let environment = [("PATH".into(), "".into())].into_iter().collect();
        let error = Zig.build(temp.path(), Spawner { environment: &environment, stop: &NEVER }).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("https://ziglang.org/download/") && text.contains("--wasm FILE"), "{text}");
    }

    #[test] // artifacts.md §12
    fn packages_outside_of_the_repository_are_refused_before_anything_is_compiled() {
        let environment = [("PATH".into(), "".into())].into_iter().collect();
        let spawner = Spawner { environment: &environment, stop: &NEVER };
        for (path, refused) in [("../../outside", true), ("/outside", true), ("../inside", false), ("vendor", false)] {
            let copy = tempfile::tempdir().unwrap();
            place(copy.path(), "connector/build.zig", b"");
            let zon = format!(
                ".{{\n    // .path = \"/comment\",\n    .dependencies = .{{ .a = .{{ .path = \"{path}\" }} }},\n}}\n"
            );
            place(copy.path(), "connector/build.zig.zon", zon.as_bytes());
            match Zig.build(copy.path(), spawner).unwrap_err() {
                BuildError::ForeignSource { file, path: found, .. } => {
                    assert!(refused, "{path}");
                    assert_eq!((&*file, &*found), ("connector/build.zig.zon:3", path));
                }
                error => assert!(!refused, "{path}: {error}"),
            }
        }
    }

    #[cfg(unix)]
    #[test] // artifacts.md §12
    fn the_compiler_sees_no_secret_and_its_one_program_is_taken() {
        let stub = Stub::new(
            "zig",
            "[ $1 = version ] && echo 0.99.0\nwhile [ $# -gt 0 ]; do [ \"$1\" = --prefix ] && mkdir -p \"$2/bin\" && printf module > \"$2/bin/tea.wasm\"; shift; done; exit 0",
        );
        let built = stub.build(&Zig, &[("ZIG_GLOBAL_CACHE_DIR", "/cache"), ("ZIG_LIB_DIR", "hush")]).unwrap();
        assert_eq!(built.wasm, b"module");
        assert!(matches!(built.toolchain, Made::Built { version, .. } if version == "0.99.0"));
        stub.saw_no_secret(&["ZIG_GLOBAL_CACHE_DIR=/cache", "HOME=/home/test"]);

        let nothing = Stub::new("zig", "[ $1 = version ] && echo 0.99.0; exit 0");
        let said = nothing.build(&Zig, &[]).unwrap_err().to_string();
        assert!(said.contains("connector/build.zig") && said.contains("installArtifact"), "{said}");
    }
}
