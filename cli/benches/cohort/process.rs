//! The processes that are measured.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::measured::{Spent, spent};
use crate::repository::Repository;

/// `aileron verify`, offline, with one key.
pub(crate) fn verify(repository: &Repository, registry: &Path) -> Spent {
    spent(env!("CARGO_BIN_EXE_aileron").as_ref(), |command| {
        command.args(["verify", "--json", "--key"]).arg(repository.root.join("keys/publisher.pub")).arg(registry)
    })
}

/// The publisher's program, as it is built here.
pub(crate) const PUBLISHER: &str = env!("CARGO_BIN_EXE_aileron-pub");

/// The variable that names another build of the publisher's program, to compare this one with.
pub(crate) const BASELINE: &str = "AILERON_BENCH_BASELINE";

/// `aileron-pub release` of a prebuilt module, by `program`.
pub(crate) fn release(program: &OsStr, repository: &Repository, registry: &Path) -> Spent {
    spent(program, |command| {
        command.args(["release", "v0.1.0", "--json", "--to"]).arg(format!("dir:{}", registry.display()));
        command.arg("--repo").arg(&repository.root);
        command.arg("--wasm").arg(&repository.wasm).arg("--key").arg(&repository.key);
        command.args(repository.request().waived.iter().flat_map(|waiver| ["--allow", waiver.rule().id()]))
    })
}

/// `aileron-pub release --propose` of a prebuilt module.
pub(crate) fn propose(repository: &Repository, registry: &Path) -> Spent {
    made(repository, &["release", "v0.1.0", "--propose"], |command| to(command, registry))
}

/// `aileron-pub approve` of it, with the same module.
pub(crate) fn approve(repository: &Repository, registry: &Path) -> Spent {
    made(repository, &["approve", "v0.1.0", "--yes"], |command| to(command, registry).arg("--key").arg(&repository.key))
}

/// `aileron-pub pack` of a prebuilt module.
pub(crate) fn pack(repository: &Repository, out: &Path) -> Spent {
    made(repository, &["pack", "v0.1.0"], |command| command.arg("--out").arg(out).arg("--key").arg(&repository.key))
}

fn to<'c>(command: &'c mut Command, registry: &Path) -> &'c mut Command {
    command.arg("--to").arg(format!("dir:{}", registry.display()))
}

/// A verb of this build that makes the cohort.
fn made(repository: &Repository, verb: &[&str], more: impl FnOnce(&mut Command) -> &mut Command) -> Spent {
    spent(PUBLISHER.as_ref(), |command| {
        command.args(verb).arg("--json").arg("--repo").arg(&repository.root).arg("--wasm").arg(&repository.wasm);
        command.args(repository.request().waived.iter().flat_map(|waiver| ["--allow", waiver.rule().id()]));
        more(command)
    })
}

/// `aileron-pub check` of the work tree, or of the commit that a version would be released from, by `program`.
pub(crate) fn check(program: &OsStr, repository: &Repository, version: Option<&str>) -> Spent {
    spent(program, |command| {
        command.arg("check").args(version).args(["--json", "--repo"]).arg(&repository.root);
        command.args(repository.request().waived.iter().flat_map(|waiver| ["--allow", waiver.rule().id()]))
    })
}
