//! Which compiler it is, and whether it can compile for the target.

use std::path::{Path, PathBuf};

use super::{ADVICE, BUILD_STD, OR_A_MODULE, TARGET, closed};
use crate::publisher::build::child::Tool;
use crate::publisher::build::{BuildError, CONNECTOR};
use crate::sys::environment::Environment;
use crate::sys::process::Spawner;

const RUSTC: &str = "rustc";

/// The caller's own compiler, as cargo knows it.
const VARIABLE: &str = "RUSTC";

/// The compiler that builds a repository.
#[derive(Clone, Debug)]
pub(super) struct Compiler {
    /// Its file: rustup's, unless the caller's `RUSTC` names another.
    pub(super) file: PathBuf,
    /// As it prints it: `rustc 1.95.0 (59807616e 2026-04-14)`.
    pub(super) version: String,
    /// Where its libraries are.
    pub(super) sysroot: PathBuf,
}

impl Compiler {
    /// Asks the compiler, in the connector's directory: a `rust-toolchain.toml` there decides.
    ///
    /// # Errors
    /// [`BuildError::NoToolchain`], or its own words.
    pub(super) fn ask(copy: &Path, spawner: Spawner<'_>) -> Result<Compiler, BuildError> {
        let wanted = spawner.environment.var(VARIABLE).unwrap_or(RUSTC.as_ref());
        let absent = BuildError::NoToolchain { program: RUSTC, advice: ADVICE, instead: OR_A_MODULE };
        let file = spawner.environment.find(wanted).ok_or(absent)?;
        let base = copy.join(CONNECTOR);
        let ask = |arguments: &[&str]| {
            let tool = Tool { program: RUSTC, advice: ADVICE, instead: OR_A_MODULE, sources: &[], copy, base: &base };
            let asked = tool.run(closed(spawner.command(RUSTC).found_at(&file), copy, spawner).args(arguments))?;
            let answer = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
            match answer.is_empty() {
                true => Err(BuildError::Unidentified { program: RUSTC, detail: format!("no answer to {arguments:?}") }),
                false => Ok(answer),
            }
        };
        let version = ask(&["--version"])?;
        let sysroot = PathBuf::from(ask(&["--print", "sysroot"])?);
        Ok(Compiler { file, version, sysroot })
    }

    /// Looks for the target's standard library before anything is compiled for it.
    ///
    /// # Errors
    /// [`BuildError::NoTarget`] with the command that adds it.
    pub(super) fn has_target(&self, environment: &Environment) -> Result<(), BuildError> {
        let library = self.sysroot.join("lib/rustlib").join(TARGET).join("lib");
        // cargo compiles the standard library itself where the caller wants that.
        if library.is_dir() || environment.var(BUILD_STD).is_some() {
            return Ok(());
        }
        let add = format!("rustup target add {TARGET}");
        let command = match self.rustups_name() {
            Some(name) => format!("run `{add} --toolchain {name}`"),
            None => format!(
                "it is not rustup's (its files are in {}): install Rust from https://rustup.rs, then run `{add}`",
                self.sysroot.display()
            ),
        };
        Err(BuildError::NoTarget { compiler: self.version.clone(), target: TARGET, command })
    }

    /// `stable-x86_64-unknown-linux-gnu`, where it is one of rustup's toolchains.
    fn rustups_name(&self) -> Option<&str> {
        let is_rustups = self.sysroot.parent()?.file_name()? == "toolchains";
        self.sysroot.file_name()?.to_str().filter(|_| is_rustups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // bytecodealliance/wasmtime#3931
    fn a_missing_target_is_named_with_the_command_that_adds_it() {
        let temp = tempfile::tempdir().unwrap();
        let at = |sysroot: PathBuf| Compiler { file: RUSTC.into(), version: "rustc 1.99.0 (x)".into(), sysroot };
        let none = Environment::default();
        let rustups = at(temp.path().join("toolchains/stable-x86_64-unknown-linux-gnu"));
        let said = rustups.has_target(&none).unwrap_err().to_string();
        assert_eq!(
            said,
            "rustc 1.99.0 (x) cannot compile for wasm32-wasip1 yet: run `rustup target add wasm32-wasip1 --toolchain stable-x86_64-unknown-linux-gnu`"
        );
        let said = at("/usr".into()).has_target(&none).unwrap_err().to_string();
        assert!(said.contains("its files are in /usr") && said.contains("https://rustup.rs"), "{said}");

        let build_std = [(BUILD_STD.into(), "std".into())].into_iter().collect();
        assert!(at("/usr".into()).has_target(&build_std).is_ok());
        std::fs::create_dir_all(rustups.sysroot.join("lib/rustlib/wasm32-wasip1/lib")).unwrap();
        assert!(rustups.has_target(&none).is_ok());
    }
}
