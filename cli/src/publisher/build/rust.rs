//! Rust, for wasm32-wasip1.
//!
//! Before anything is compiled, the compiler is asked which one it is and whether it has the target, and cargo which program
//! the package has and where every crate comes from. The build then has the flags of the repository, and none of the user's
//! configuration: a `rustflags` in a home directory does not change what is published. Paths of this machine are replaced
//! in the module, so the same commit gives the same bytes anywhere.

use std::fs;
use std::path::{Path, PathBuf};

use aileron_templates::Template;

use super::child::Tool;
use super::{BuildError, BuiltModule, CONNECTOR, Made, OR_A_MODULE, Toolchain, disk};
use crate::sys::disk::{Operation, temporary_directory};
use crate::sys::process::{Command, Spawner};

mod compiler;
mod package;
mod settings;
#[cfg(test)]
mod tests;

use self::compiler::Compiler;
use self::settings::Flags;

/// `connector/Cargo.toml`.
#[derive(Clone, Copy, Debug)]
pub struct Rust;

const NAME: &str = "rust";

const CARGO: &str = "cargo";

const TARGET: &str = "wasm32-wasip1";

const ADVICE: &str = "install Rust from https://rustup.rs";

const SOURCES: [&str; 3] = [".rs", "Cargo.toml", "Cargo.lock"];

/// Where crates come from and are kept, which toolchain rustup starts, and what a machine says to compile for the target where
/// rustup cannot. Never a registry's token: cargo finds those of a private registry in its own home.
const INHERITED: [&str; 11] = [
    "CARGO_HOME",
    "CARGO_NET_OFFLINE",
    "CARGO_NET_GIT_FETCH_WITH_CLI",
    "CARGO_HTTP_CAINFO",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    AUTO_INSTALL,
    BOOTSTRAP,
    BUILD_STD,
    "CARGO_TARGET_WASM32_WASIP1_LINKER",
    "CARGO_TARGET_WASM32_WASIP1_AR",
];

/// Whether rustup downloads what a `rust-toolchain.toml` names.
const AUTO_INSTALL: &str = "RUSTUP_AUTO_INSTALL";

const BOOTSTRAP: &str = "RUSTC_BOOTSTRAP";

const BUILD_STD: &str = "CARGO_UNSTABLE_BUILD_STD";

/// Bytes of `cargo metadata`: about four thousand for each crate.
const METADATA_CAP: usize = 64 << 20;

impl Toolchain for Rust {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Rust"
    }

    fn summary(&self) -> &'static str {
        "Rust, compiled for wasm32-wasip1 with cargo"
    }

    fn marker(&self) -> &'static str {
        "Cargo.toml"
    }

    fn inherits(&self) -> &'static [&'static str] {
        &INHERITED
    }

    fn by_hand(&self) -> Option<&'static str> {
        Some("cargo build --release --target wasm32-wasip1")
    }

    fn template(&self) -> Template {
        Template::of(NAME)
    }

    fn examine(&self, root: &Path, spawner: Spawner<'_>) -> Result<String, BuildError> {
        settings::refuse_foreign(root, spawner.environment)?;
        let compiler = Compiler::ask(root, spawner)?;
        compiler.has_target(spawner.environment)?;
        Ok(compiler.version)
    }

    fn build(&self, copy: &Path, spawner: Spawner<'_>) -> Result<BuiltModule, BuildError> {
        let connector = copy.join(CONNECTOR);
        if !connector.is_dir() {
            return Err(BuildError::NoDirectory(PathBuf::from(CONNECTOR)));
        }
        settings::refuse_foreign(copy, spawner.environment)?;
        let compiler = Compiler::ask(copy, spawner)?;
        compiler.has_target(spawner.environment)?;
        let program = package::find(&compiler, copy, spawner)?;
        let Flags { flags, said } = settings::flags(&compiler, copy, spawner)?;

        let out = temporary_directory()?;
        let remapped = settings::remapped(&compiler, &[(copy, "/repository"), (out.path(), "/target")], spawner);
        let flags: Vec<String> = flags.into_iter().chain(remapped).collect();
        let build = cargo(&compiler, copy, spawner)
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
            .args(["build", "--quiet", "--release", "--locked", "--target", TARGET, "--bin", &program.name])
            .args(["--target-dir".as_ref(), out.path().as_os_str()]);
        tool(copy, &program.workspace).run(build)?;
        let module = out.path().join(TARGET).join("release").join(format!("{}.wasm", program.name));
        let wasm = fs::read(&module).map_err(disk(Operation::Read, &module))?;

        let fixed = ["--release", "--locked", "--target=wasm32-wasip1", "--remap-path-prefix"].map(str::to_owned);
        let flags = fixed.into_iter().chain(said).collect();
        Ok(BuiltModule { wasm, toolchain: Made::Built { language: NAME.into(), version: compiler.version, flags } })
    }
}

/// cargo in the connector's directory, with this compiler and without wrappers.
fn cargo<'a>(compiler: &Compiler, copy: &Path, spawner: Spawner<'a>) -> Command<'a> {
    let cargo = closed(spawner.command(CARGO), copy, spawner);
    // Empty means none, whatever a configuration says.
    cargo
        .env("RUSTC", &compiler.file)
        .env("RUSTC_WRAPPER", "")
        .env("RUSTC_WORKSPACE_WRAPPER", "")
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_TERM_COLOR", "never")
}

/// A program of the toolchain with what it inherits. A `rust-toolchain.toml` of the repository downloads nothing unless the
/// caller's own variable says so.
fn closed<'a>(program: Command<'a>, copy: &Path, spawner: Spawner<'a>) -> Command<'a> {
    let auto_install = spawner.environment.var(AUTO_INSTALL).unwrap_or("0".as_ref());
    program.inherit(&INHERITED).env(AUTO_INSTALL, auto_install).within(&copy.join(CONNECTOR))
}

/// How cargo and rustc are run: rustc prints names relative to the root of the workspace.
fn tool<'a>(copy: &'a Path, base: &'a Path) -> Tool<'a> {
    Tool { program: CARGO, advice: ADVICE, instead: OR_A_MODULE, sources: &SOURCES, copy, base }
}
