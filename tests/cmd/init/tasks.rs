//! The Taskfile of a new repository, under the real `task`.

use aileron_testkit::home::{TestHome, ok};
use aileron_testkit::peers;

#[test]
fn every_task_is_one_call_of_ours_and_hashes_what_a_release_publishes() {
    let Some(task) = peers::program("task") else { return };
    let home = TestHome::new();
    home.ok("aileron-pub init tea --owner acme --language wat --yes");
    home.ok("aileron-pub -C tea keys generate --out publisher.key");
    home.commit();
    let run = |words: &str| {
        let line = format!("AILERON_SIGNING_KEY=\"$(cat ../publisher.key)\" {} {words}", task.display());
        ok(home.shell(&line).current_dir(home.path("tea")).env("NO_COLOR", "1")).stdout
    };
    let listed = run("--list-all");
    for name in ["build", "test", "check", "pack", "hash"] {
        assert!(listed.contains(&format!("* {name}:")), "{listed}");
    }
    assert!(run("build").contains("dist/connector.wasm"));
    assert!(run("test").contains("3 recordings: 0 failed"));
    assert!(run("check").contains("0 errors, 0 warnings"));
    let hash = run("hash VERSION=v0.2.0");
    assert!(run("pack VERSION=v0.2.0").contains("aileron.tar.gz") || home.path("tea/dist").is_dir());
    let released = home.ok("aileron-pub -C tea release v0.2.0 --key publisher.key --to dir:registry --json").json();
    let content = released["content_hash"].as_str().unwrap();
    assert!(hash.contains(content), "{content} in {hash}");
    assert_eq!(home.git(&["status", "--porcelain"]), "", "tasks leave nothing to commit");
}
