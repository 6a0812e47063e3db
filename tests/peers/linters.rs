//! actionlint and zizmor have nothing against our workflows, our action, and those of a new repository. Nothing is silenced.

use std::path::{Path, PathBuf};

use aileron_cli::publisher::build::TOOLCHAINS;
use aileron_testkit::home::{TestHome, ok};
use aileron_testkit::peers;
use aileron_verifier::artifact::config::Signing;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// One for each language and each way of signing, and one for each kind of Squad Aegis extension.
fn new_repositories(home: &TestHome) -> Vec<PathBuf> {
    let languages = TOOLCHAINS.iter().map(|toolchain| toolchain.name());
    let all = languages.flat_map(|language| Signing::ALL.map(|signing| (language, signing.as_str())));
    let connectors =
        all.map(|(language, signing)| home.scaffold_signing(&format!("{language}-{signing}"), language, signing).root);
    let extensions = ["plugin", "connector"].map(|kind| {
        home.ok(&format!("aileron-pub aegis init {kind} aegis-{kind} --id com.acme.{kind}s.geo --yes"));
        ok(home.command("git").args(["init", "--quiet", &format!("aegis-{kind}")]));
        home.path(&format!("aegis-{kind}"))
    });
    connectors.chain(extensions).collect()
}

fn workflows(root: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root.join(".github/workflows")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn actionlint_finds_nothing() {
    let Some(actionlint) = peers::program("actionlint") else { return };
    let home = TestHome::new();
    for root in std::iter::once(workspace()).chain(new_repositories(&home)) {
        ok(home.command(&actionlint).current_dir(&root).arg("-no-color").args(workflows(&root)));
    }
}

#[test]
fn zizmor_finds_nothing() {
    let Some(zizmor) = peers::program("zizmor") else { return };
    let home = TestHome::new();
    let ours = workspace();
    for place in [ours.join(".github"), ours.join("action")].into_iter().chain(new_repositories(&home)) {
        let said = ok(home.command(&zizmor).args(["--offline", "--no-progress", "--color=never"]).arg(&place));
        assert!(said.stdout.contains("No findings to report"), "{}: {said}", place.display());
        assert!(!said.stdout.contains("ignored"), "nothing is silenced: {said}");
    }
}
