//! What is written in two places, or has to name a commit.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use aileron_cli::HOME;
use aileron_cli::publisher::scaffold::ACTION_COMMIT;
use aileron_testkit::home::{TestHome, ends, ok, run};
use aileron_testkit::{Requirement, skip};
use aileron_verifier::trust::key::PublicKey;

use super::{RELEASE_KEY, workspace};

fn read(path: &str) -> String {
    fs::read_to_string(workspace(path)).unwrap()
}

/// Our workflows and action, and those of a new repository.
fn workflows() -> BTreeMap<String, String> {
    let ours = [".github/workflows/ci.yml", ".github/workflows/release.yml", "action/action.yml"];
    let mut all: BTreeMap<_, _> = ours.map(|path| (path.to_owned(), read(path))).into();
    let home = TestHome::new();
    let repository = home.scaffold("tea", "go");
    for name in ["ci", "release"] {
        all.insert(format!("new {name}"), repository.read(&format!(".github/workflows/{name}.yml")));
    }
    home.ok("aileron-pub aegis init plugin geo --id com.acme.plugins.geo --yes");
    all.insert("new extension's ci".to_owned(), home.read("geo/.github/workflows/ci.yml"));
    all
}

#[test]
fn every_action_is_used_by_commit() {
    let mut used = 0;
    for (file, text) in workflows() {
        for line in text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: ")) {
            let (_, pinned) = line.split_once('@').unwrap_or_else(|| panic!("{file}: {line}"));
            let (commit, version) =
                pinned.split_once(" # ").unwrap_or_else(|| panic!("{file}: {line} says no version"));
            assert!(commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit()), "{file}: {line}");
            assert!(version.trim_start_matches('v').split('.').count() == 3, "{file}: {line}");
            used += 1;
        }
    }
    assert!(used >= 9, "{used}");
    assert!(!read("action/action.yml").contains("uses:"), "the action calls no other");
}

#[test]
fn no_expression_is_pasted_into_a_script() {
    for (file, text) in workflows() {
        let mut script = None;
        for line in text.lines() {
            let depth = line.len() - line.trim_start().len();
            if script.is_some_and(|above| !line.trim().is_empty() && depth <= above) {
                script = None;
            }
            if line.trim_start().trim_start_matches("- ").starts_with("run:") {
                script = Some(depth);
            }
            assert!(script.is_none() || !line.contains("${{"), "{file}: {line}");
        }
    }
}

#[test]
fn the_workflow_is_the_same_for_every_connector() {
    let home = TestHome::new();
    // But for the repository it is for: in a fork it does nothing.
    let text = |service| {
        let workflow = home.scaffold(service, "go").read(".github/workflows/release.yml");
        workflow.replace(&format!("'acme/aileron-connector-{service}'"), "'HERE'")
    };
    let google = text("google");
    assert!(google.contains("    if: github.repository == 'HERE'"), "{google}");
    assert!(["slack", "athena", "linear"].into_iter().all(|service| text(service) == google));
}

#[test]
fn the_action_names_our_home_and_the_fingerprint_of_the_key_beside_it() {
    let script = read("action/obtain.sh");
    assert!(script.contains(&format!("\nreadonly HOME_URL={HOME}\n")));
    // None before a maintainer has made one: then nothing is pinned either.
    let key = fs::read(workspace(RELEASE_KEY)).ok().map(|pem| PublicKey::from_pem(&pem).unwrap());
    let fingerprint = key.map(|key| key.fingerprint().to_string()).unwrap_or_default();
    assert!(script.contains(&format!("\nreadonly RELEASE_KEY={fingerprint}\n")));
}

#[test] // rust-lang/rust-analyzer#3589
fn no_copy_of_a_repository_releases() {
    let home = HOME.trim_start_matches("https://github.com/");
    for (file, text) in workflows().into_iter().filter(|(file, _)| file.contains("release")) {
        let repository = if file.starts_with("new") { "acme/aileron-connector-tea" } else { home };
        let jobs = text.split_once("\njobs:\n").unwrap().1;
        let first = jobs.lines().nth(1).unwrap();
        assert!(first.contains(&format!("if: github.repository == '{repository}'")), "{file}: {first}");
        let others =
            jobs.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':'));
        let others = others.count() - 1;
        assert_eq!(jobs.matches("\n    needs: ").count(), others, "{file}: every other job needs that one");
    }
}

#[test]
fn new_repositories_pin_a_commit_of_ours_that_has_the_action() {
    let git = |args: &[&str]| Command::new("git").current_dir(workspace(".")).args(args).output().unwrap();
    let shallow = git(&["rev-parse", "--is-shallow-repository"]);
    if !shallow.status.success() || shallow.stdout.starts_with(b"true") {
        skip(Requirement::History, "the history of this workspace is not here");
        return;
    }
    let ancestor = git(&["merge-base", "--is-ancestor", ACTION_COMMIT, "HEAD"]);
    assert!(ancestor.status.success(), "{ACTION_COMMIT} is no commit that led here");
    // What runs in other people's repositories is what is tested here.
    let changed = git(&["diff", "--stat", ACTION_COMMIT, "--", "action"]);
    assert_eq!(String::from_utf8_lossy(&changed.stdout), "", "action/ changed since: name its last commit");
}

#[test]
fn a_step_has_no_words_of_its_own() {
    // What run.sh hands to the tool is what was said, word for word; a stub shows it.
    let home = TestHome::new();
    let tool = home.path("tool");
    fs::write(&tool, "#!/bin/sh\nprintf '<%s>' \"$@\"\n").unwrap();
    fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let step = |inputs: &[(&str, &str)]| {
        let mut command = home.command("bash");
        command.arg(workspace("action/run.sh")).env("INPUT_BINARY", &tool);
        command.env("GITHUB_REF_TYPE", "tag").env("GITHUB_REF_NAME", "v1.2.3");
        command.envs(inputs.iter().map(|(name, value)| (format!("INPUT_{name}"), value)));
        command
    };
    for (inputs, words) in [
        (vec![("COMMAND", "release")], "<-C><.><release><v1.2.3>"),
        (vec![("COMMAND", "release"), ("VERSION", "v2.0.0")], "<-C><.><release><v2.0.0>"),
        (vec![("COMMAND", "check"), ("DIRECTORY", "a b")], "<-C><a b><check>"),
        (
            vec![("COMMAND", "check"), ("ARGS", " --allow  input-name\n\t--json\n\n'*' $(id) `id` ;")],
            "<-C><.><check><--allow><input-name><--json><'*'><$(id)><`id`><;>",
        ),
        (vec![("COMMAND", "verify"), ("VERSION", "github://a/b@0.1.0")], "<-C><.><verify><github://a/b@0.1.0>"),
        (vec![("COMMAND", "aegis"), ("ARGS", "build --out dist")], "<-C><.><aegis><build><--out><dist>"),
    ] {
        assert_eq!(ok(&mut step(&inputs)).stdout, words);
    }
    for (inputs, words) in [
        (vec![("COMMAND", "demo\n::set-output name=tag::x")], "not \"demo%0A::set-output name=tag::x\""),
        (vec![("COMMAND", "release"), ("VERSION", "--key=x")], "\"--key=x\" is not a version"),
        (vec![("COMMAND", "check"), ("BINARY", "/nowhere")], "\"/nowhere\" is no program"),
        (vec![("COMMAND", "aegis"), ("VERSION", "v1.0.0")], "aegis takes no version"),
    ] {
        let said = run(&mut step(&inputs));
        assert!(said.code != 0 && said.stderr.starts_with("::error title="), "{said}");
        assert!(said.stderr.contains(words) && said.stderr.lines().count() == 1, "{said}");
    }
    let said = ends(step(&[("COMMAND", "plan")]).env("GITHUB_REF_TYPE", "branch"), 2);
    assert!(said.stderr.contains("plan needs a version"), "{said}");
}
