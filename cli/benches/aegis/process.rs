//! The processes that are measured.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::measured::{Spent, spent};

const PUBLISHER: &str = env!("CARGO_BIN_EXE_aileron-pub");

/// `aegis build --keep-symbols`.
pub(crate) fn build(repository: &Path, out: &Path) {
    let mut command = Command::new(PUBLISHER);
    command.args(["aegis", "build", "--keep-symbols", "--quiet", "--out"]).args([out, repository]);
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// `aegis pack --sign`.
pub(crate) fn pack(dist: &Path, zip: &Path, key: &Path) -> Spent {
    let _ = fs::remove_file(zip);
    spent(PUBLISHER.as_ref(), |command| {
        command.args(["aegis", "pack", "--sign", "--key-id", "bench", "--json", "--key"]).args([key, dist]);
        command.arg("--out").arg(zip)
    })
}

/// `aegis verify`.
pub(crate) fn verify(zip: &Path, public: &str) -> Spent {
    spent(PUBLISHER.as_ref(), |command| command.args(["aegis", "verify", "--json", "--trust", public]).arg(zip))
}

/// `aegis try` of the bundle: its plugin is started and driven as a host would.
pub(crate) fn trial(zip: &Path) -> Spent {
    spent(PUBLISHER.as_ref(), |command| command.args(["aegis", "try", "--json"]).arg(zip))
}

/// What starting the program costs.
pub(crate) fn nothing() -> Spent {
    spent(PUBLISHER.as_ref(), |command| command.arg("--version"))
}
