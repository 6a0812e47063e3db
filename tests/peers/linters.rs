//! actionlint and zizmor have nothing against our workflows, our action, and those of a new repository. Nothing is silenced.

use std::path::{Path, PathBuf};

use aileron_testkit::home::{TestHome, ok};
use aileron_testkit::peers;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

#[test]
fn actionlint_finds_nothing() {
    let Some(actionlint) = peers::program("actionlint") else { return };
    let home = TestHome::new();
    let new = home.scaffold("tea", "go");
    for root in [&workspace(), &new.root] {
        let files = ["ci.yml", "release.yml"].map(|name| root.join(".github/workflows").join(name));
        ok(home.command(&actionlint).current_dir(root).arg("-no-color").args(files));
    }
}

#[test]
fn zizmor_finds_nothing() {
    let Some(zizmor) = peers::program("zizmor") else { return };
    let home = TestHome::new();
    let new = home.scaffold("tea", "go");
    let ours = workspace();
    for place in [ours.join(".github"), ours.join("action"), new.root.clone()] {
        let said = ok(home.command(&zizmor).args(["--offline", "--no-progress", "--color=never"]).arg(&place));
        assert!(said.stdout.contains("No findings to report"), "{}: {said}", place.display());
        assert!(!said.stdout.contains("ignored"), "nothing is silenced: {said}");
    }
}
