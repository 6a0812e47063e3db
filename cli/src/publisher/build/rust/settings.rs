//! Flags and configuration: the repository's count, the user's do not.
//!
//! cargo merges its configuration from the repository, every directory above it and its home. What decides the module must
//! come from the commit, so files above the copy stop a build (in a shared temporary directory anyone could have put one
//! there), those of cargo's home stop it where they say something that cannot be overridden, and compiler flags are put
//! together here: cargo takes exactly these.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use cargo_metadata::cargo_platform::{Cfg, Platform};
use toml_edit::{Document, Item};

use super::compiler::Compiler;
use super::{ADVICE, BOOTSTRAP, BUILD_STD, OR_A_MODULE, TARGET, closed};
use crate::publisher::build::child::Tool;
use crate::publisher::build::{BuildError, CONNECTOR};
use crate::sys::disk;
use crate::sys::environment::Environment;
use crate::sys::process::Spawner;

/// Flags of the caller's for the target: how a machine without rustup's target is told to link.
const CALLERS: &str = "CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS";

/// Tables of cargo's home that change what is compiled and that no variable takes back.
const DECIDING: [&str; 6] = ["profile", "patch", "paths", "env", "unstable", "include"];

/// Bytes of a configuration.
const LIMIT: u64 = 1 << 20;

/// Flags of the compiler.
pub(super) struct Flags {
    /// In the order that it gets them.
    pub(super) flags: Vec<String>,
    /// What is recorded of them, and of other settings that decide the bytes.
    pub(super) said: Vec<String>,
}

/// Refuses configuration that is not the repository's and would decide what is built.
///
/// # Errors
/// [`BuildError::ForeignSetting`].
pub(super) fn refuse_foreign(copy: &Path, environment: &Environment) -> Result<(), BuildError> {
    let home = home(environment);
    let foreign = |file: PathBuf, setting: Option<&'static str>| BuildError::ForeignSetting { file, setting };
    for directory in copy.ancestors().skip(1).map(|above| above.join(".cargo")) {
        let is_home = home.as_ref().is_some_and(|home| real(home) == real(&directory));
        if let (false, Some((file, _))) = (is_home, configuration(&directory)?) {
            return Err(foreign(file, None));
        }
    }
    let Some((file, text)) = home.map_or(Ok(None), |home| configuration(&home))? else { return Ok(()) };
    // cargo reports what it cannot read itself.
    let Ok(document) = Document::parse(text) else { return Ok(()) };
    match DECIDING.into_iter().find(|table| document.contains_key(table)) {
        Some(setting) => Err(foreign(file, Some(setting))),
        None => Ok(()),
    }
}

/// The repository's flags for the target, and the caller's.
///
/// # Errors
/// [`BuildError::Disk`], or the compiler's own words.
pub(super) fn flags(compiler: &Compiler, copy: &Path, spawner: Spawner<'_>) -> Result<Flags, BuildError> {
    let environment = spawner.environment;
    let mut documents = Vec::new();
    for directory in [copy.to_owned(), copy.join(CONNECTOR)] {
        if let Some((_, text)) = configuration(&directory.join(".cargo"))? {
            documents.extend(Document::parse(text).ok());
        }
    }
    let keys = documents.iter().filter_map(|document| document.get("target")?.as_table_like());
    let has_conditions = keys.flat_map(|targets| targets.iter()).any(|(key, _)| key.starts_with("cfg("));
    let conditions = if has_conditions { conditions(compiler, copy, spawner)? } else { Vec::new() };
    let for_target: Vec<String> =
        documents.iter().flat_map(|document| for_target(document.as_item(), &conditions)).collect();
    let callers = environment.var(CALLERS).and_then(OsStr::to_str).unwrap_or_default();
    let callers = callers.split_whitespace().map(str::to_owned);
    let mut flags: Vec<String> = for_target.into_iter().chain(callers).collect();
    if flags.is_empty() {
        // As cargo has it: flags for a target take the place of those for every build.
        flags = documents
            .iter()
            .flat_map(|document| list(document.get("build").and_then(|build| build.get("rustflags"))))
            .collect();
    }
    let mut said = flags.clone();
    for (name, setting) in [(BUILD_STD, "-Zbuild-std"), (BOOTSTRAP, BOOTSTRAP)] {
        if let Some(value) = environment.var(name) {
            said.push(format!("{setting}={}", value.to_string_lossy()));
        }
    }
    Ok(Flags { flags, said })
}

/// Flags that replace the directories of this machine in the module: those given, cargo's home and the compiler's own.
pub(super) fn remapped(compiler: &Compiler, more: &[(&Path, &str)], spawner: Spawner<'_>) -> Vec<String> {
    let home = home(spawner.environment).map(|home| (home, "/cargo"));
    let library = (compiler.sysroot.join("lib/rustlib/src/rust"), "/rustc");
    let directories = more.iter().map(|(path, name)| ((*path).to_owned(), *name)).chain(home).chain([library]);
    // A directory may be known by two names; of several that fit, the compiler takes the last.
    let names = directories.flat_map(|(path, name)| [(real(&path), name), (path, name)]);
    names.map(|(path, name)| format!("--remap-path-prefix={}={name}", path.display())).collect()
}

/// `target.<triple>.rustflags`, and those of the conditions that hold.
fn for_target(document: &Item, conditions: &[Cfg]) -> Vec<String> {
    let Some(targets) = document.get("target").and_then(Item::as_table_like) else { return Vec::new() };
    let holds = |key: &str| Platform::from_str(key).is_ok_and(|platform| platform.matches(TARGET, conditions));
    targets.iter().filter(|(key, _)| holds(key)).flat_map(|(_, table)| list(table.get("rustflags"))).collect()
}

/// A list of texts, or one text of words.
fn list(item: Option<&Item>) -> Vec<String> {
    let Some(item) = item else { return Vec::new() };
    if let Some(words) = item.as_str() {
        return words.split_whitespace().map(str::to_owned).collect();
    }
    item.as_array().into_iter().flatten().filter_map(|value| Some(value.as_str()?.to_owned())).collect()
}

/// What holds when the target is compiled for.
fn conditions(compiler: &Compiler, copy: &Path, spawner: Spawner<'_>) -> Result<Vec<Cfg>, BuildError> {
    let base = copy.join(CONNECTOR);
    let tool = Tool { program: "rustc", advice: ADVICE, instead: OR_A_MODULE, sources: &[], copy, base: &base };
    let ask = closed(spawner.command("rustc").found_at(&compiler.file), copy, spawner);
    let asked = tool.run(ask.args(["--print", "cfg", "--target", TARGET]))?;
    let text = String::from_utf8_lossy(&asked.stdout).into_owned();
    Ok(text.lines().filter_map(|line| Cfg::from_str(line).ok()).collect())
}

/// cargo's home.
fn home(environment: &Environment) -> Option<PathBuf> {
    let user = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    let usual = || Some(PathBuf::from(environment.var(user)?).join(".cargo"));
    environment.var("CARGO_HOME").map(PathBuf::from).or_else(usual)
}

/// The configuration in this directory, under its new name or its old one.
fn configuration(directory: &Path) -> Result<Option<(PathBuf, String)>, BuildError> {
    for name in ["config.toml", "config"] {
        let file = directory.join(name);
        if let Some(bytes) = disk::read_if_there(&file, LIMIT)? {
            return Ok(Some((file, String::from_utf8_lossy(&bytes).into_owned())));
        }
    }
    Ok(None)
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
