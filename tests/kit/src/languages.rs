//! Toolchains that connectors are built with, as this machine has them.
//!
//! What is given is the environment of this process, with a `PATH` on which the toolchain is found. `.ci/peers` and
//! `.ci/wasi` install what a machine usually lacks.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::peers::place;
use crate::{Requirement, skip};

/// Variables and their values.
pub type Variables = Vec<(OsString, OsString)>;

/// The toolchain of a language, for a person whose `HOME` is another: a `PATH`, and where this machine keeps compilers and what
/// they downloaded. `None` after a [`skip`].
pub fn elsewhere(language: &str) -> Option<Variables> {
    let variables = match language {
        "go" => go()?,
        "rust" => rust()?,
        "zig" => zig()?,
        _ => return Some(Variables::new()),
    };
    let wanted = ["PATH", "CARGO_HOME", "RUSTUP_HOME", "ZIG_GLOBAL_CACHE_DIR"];
    let mut found: Variables =
        variables.into_iter().filter(|(name, _)| wanted.iter().any(|wanted| name == *wanted)).collect();
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let usual = [
        ("CARGO_HOME", home.join(".cargo")),
        ("RUSTUP_HOME", home.join(".rustup")),
        ("ZIG_GLOBAL_CACHE_DIR", place().join("zig-cache")),
    ];
    for (name, directory) in usual {
        if !found.iter().any(|(other, _)| other == name) {
            found.push((name.into(), directory.into()));
        }
    }
    Some(found)
}

/// Go. `None` after a [`skip`].
pub fn go() -> Option<Variables> {
    Requirement::Go.is_met().then(|| std::env::vars_os().collect())
}

/// Zig. `None` after a [`skip`].
pub fn zig() -> Option<Variables> {
    let variables = with(place().join("python/bin/zig"));
    let met = answers(&variables, &["zig", "version"]).is_some();
    if !met {
        skip(Requirement::Zig, "there is no zig here; run .ci/peers");
    }
    met.then_some(variables)
}

/// cargo, and a rustc with the target wasm32-wasip1. `None` after a [`skip`].
pub fn rust() -> Option<Variables> {
    let variables = with(place().join("rust/bin/rustc"));
    let sysroot = answers(&variables, &["rustc", "--print", "sysroot"]).unwrap_or_default();
    let met = !sysroot.is_empty() && Path::new(&sysroot).join("lib/rustlib/wasm32-wasip1/lib").is_dir();
    if !met {
        skip(Requirement::Rust, "this rustc has no wasm32-wasip1; run `rustup target add wasm32-wasip1`, or .ci/wasi");
    }
    met.then_some(variables)
}

/// The environment, with the directory of this program first in `PATH` where the program is there.
fn with(program: PathBuf) -> Variables {
    let mut path: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    if let (true, Some(directory)) = (program.is_file(), program.parent()) {
        path.insert(0, directory.to_owned());
    }
    let joined = std::env::join_paths(path).expect("a PATH");
    let others = std::env::vars_os().filter(|(name, _)| name != "PATH");
    // A lint run's compiler is not the connector's.
    let others = others.filter(|(name, _)| name != "RUSTC_WORKSPACE_WRAPPER");
    others.chain([("PATH".into(), joined)]).collect()
}

/// What a program says when it ends well.
fn answers(variables: &Variables, words: &[&str]) -> Option<String> {
    // The program is looked up in the variables' PATH, not in ours.
    let path = variables.iter().find(|(name, _)| name == "PATH").map(|(_, path)| path)?;
    let program = std::env::split_paths(path).map(|directory| directory.join(words[0])).find(|file| file.is_file())?;
    let mut command = Command::new(program);
    command.args(&words[1..]).env_clear().envs(variables.iter().map(|(name, value)| (name, value)));
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
