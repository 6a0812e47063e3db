//! The loop that is replaced: what the hand-written workflows do for each action, in one bash.
//!
//! It is spared what they do besides: no second `sed`, no `grep` for placeholders that were left, no directory made per
//! action, no `gh`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::repository::Repository;
use crate::timed;

const LOOP: &str = r#"
set -euo pipefail
for directory in actions/*/; do
    name=${directory#actions/} name=${name%/}
    staging=$OUT/$name
    sed -e "s|0\.0\.0-dev|$VERSION|g" -e "s|sha256:bound-at-release|$HASH|g" "$directory/action.md" > "$staging/action.md"
    openssl pkeyutl -sign -rawin -inkey "$KEY" -in "$staging/action.md" -out "$staging/signature.sig"
    tar czf "$staging/aileron.tar.gz" -C "$staging" action.md signature.sig
done
"#;

/// Runs it once, into directories that are there already.
pub(crate) fn run(repository: &Repository) -> Duration {
    let out = repository.root.with_file_name("shell");
    let _ = fs::remove_dir_all(&out);
    for action in fs::read_dir(repository.root.join("actions")).expect("actions") {
        fs::create_dir_all(out.join(action.expect("lists").file_name())).expect("makes a directory");
    }
    let mut bash = Command::new("bash");
    bash.current_dir(&repository.root)
        .args(["-c", LOOP])
        .env("OUT", &out)
        .env("KEY", &repository.key)
        .env("VERSION", "0.1.0")
        .env("HASH", format!("sha256:{}", "0".repeat(64)));
    let (status, time) = timed(|| bash.status().expect("bash runs"));
    assert!(status.success(), "the loop");
    time
}

/// The archives of the last run.
pub(crate) fn archives(repository: &Repository) -> impl Iterator<Item = Vec<u8>> {
    let out = repository.root.with_file_name("shell");
    let read = |action: std::io::Result<fs::DirEntry>| fs::read(action.expect("lists").path().join("aileron.tar.gz"));
    fs::read_dir(out).expect("archives").map(move |action| read(action).expect("an archive"))
}
