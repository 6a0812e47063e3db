//! What a new repository holds.

use super::*;
use std::sync::atomic::AtomicBool;

static NEVER: AtomicBool = AtomicBool::new(false);

fn go() -> Template {
    Template::of("go")
}

fn wat() -> Template {
    Template::of("wat")
}

fn request(dir: &Path, template: Template) -> Scaffold {
    Scaffold {
        dir: dir.to_owned(),
        owner: "acme".into(),
        service: "tea-house".into(),
        template,
        git: false,
        publisher: "Acme & Söhne".into(),
    }
}

fn make(request: &Scaffold, variables: &[(&str, &str)]) -> Result<Scaffolded, ScaffoldError> {
    let environment = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
    scaffold(request, Spawner { environment: &environment, stop: &NEVER })
}

fn entries(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The variables a test's git sees: the machine's PATH, and no settings.
fn without_settings(home: &Path) -> Vec<(&'static str, String)> {
    let path =
        crate::sys::environment::Environment::of_this_process().value("PATH").unwrap().to_str().unwrap().to_owned();
    vec![
        ("PATH", path),
        ("HOME", home.to_str().unwrap().to_owned()),
        ("GIT_CONFIG_NOSYSTEM", "1".into()),
        ("GIT_DIR", "/nowhere".into()),
    ]
}

fn git(dir: &Path, arguments: &[&str]) -> String {
    let environment = crate::sys::environment::Environment::of_this_process();
    let spawner = Spawner { environment: &environment, stop: &NEVER };
    let finished = spawner.command("git").within(dir).args(arguments).run().unwrap();
    String::from_utf8(finished.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_skeleton_is_written_with_every_name_filled_in() {
    for template in Template::all() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("new/repo");
        let made = make(&request(&dir, template), &[]).unwrap();
        assert!(!made.git);
        assert_eq!(made.files.len(), template.files().count());
        for file in &made.files {
            let text = fs::read_to_string(dir.join(file)).unwrap();
            let left = text.replace("${{", "").contains("{{"); // workflows have expressions of their own
            assert!(!left || file.extension().is_some_and(|e| e == "go"), "{}", file.display());
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{}", file.display());
        }
        let manifest = fs::read_to_string(dir.join("connector/manifest.toml")).unwrap();
        assert!(manifest.contains("name = \"github://acme/aileron-connector-tea-house\"\nversion = \"0.0.0-dev\""));
        assert!(manifest.contains("publisher = \"Acme & Söhne\""));
        assert_eq!(entries(temp.path()), ["new"]);
        assert_eq!(entries(&temp.path().join("new")), ["repo"]);
    }
}

#[test] // artifacts.md §3 and §4: what the bundle rules compare
fn the_suite_lists_every_action_and_actions_are_named_after_their_directory() {
    for template in Template::all() {
        let temp = tempfile::tempdir().unwrap();
        make(&request(temp.path(), template), &[]).unwrap();
        let suite = fs::read_to_string(temp.path().join("suite.toml")).unwrap();
        let actions = entries(&temp.path().join("actions"));
        assert_eq!(suite.matches("\"actions/").count(), actions.len());
        for name in actions {
            let text = fs::read_to_string(temp.path().join("actions").join(&name).join("action.md")).unwrap();
            assert!(suite.contains(&format!("\"actions/{name}\"")), "{name}");
            assert!(text.starts_with(&format!("+++\nname = \"{name}\"\nversion = \"0.0.0-dev\"\n")), "{name}");
            assert!(text.contains("\nhash = \"sha256:bound-at-release\"\n"), "{name}");
        }
    }
}

#[test]
fn a_directory_with_something_in_it_is_left_alone() {
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("notes"), "mine").unwrap();
    fs::write(temp.path().join("also"), "mine").unwrap();
    let error = make(&request(temp.path(), wat()), &[]).unwrap_err();
    assert!(error.to_string().ends_with("is not an empty directory: also is in the way"), "{error}");
    let error = make(&request(&temp.path().join("notes"), wat()), &[]).unwrap_err();
    assert!(matches!(error, ScaffoldError::InTheWay { .. }), "{error}");
    assert_eq!(entries(temp.path()), ["also", "notes"]);
}

#[test]
fn names_that_cannot_be_published_are_refused_before_anything_is_written() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("repo");
    let good = request(&dir, go());
    for owner in ["", "-acme", "acme-", "a--b", "a_b", "a/b", "äcme", &"a".repeat(40)] {
        let error = make(&Scaffold { owner: owner.into(), ..good.clone() }, &[]).unwrap_err();
        assert!(matches!(error, ScaffoldError::Owner(_)), "{owner}: {error}");
    }
    for service in ["", "Tea", "tea house", "tea_house", "../tea", "-tea", "tea.house", &"a".repeat(81)] {
        let error = make(&Scaffold { service: service.into(), ..good.clone() }, &[]).unwrap_err();
        assert!(matches!(error, ScaffoldError::Service(_)), "{service}: {error}");
    }
    for publisher in ["", "  ", "a\nb", "a\"b", "a\\b"] {
        let error = make(&Scaffold { publisher: publisher.into(), ..good.clone() }, &[]).unwrap_err();
        assert!(matches!(error, ScaffoldError::Publisher(_)), "{publisher}: {error}");
    }
    assert_eq!(entries(temp.path()).len(), 0);
}

#[test] // artifacts.md §12
fn a_new_repository_has_one_commit_and_nothing_uncommitted() {
    let home = tempfile::tempdir().unwrap();
    for existing in [false, true] {
        let temp = tempfile::tempdir().unwrap();
        let dir = if existing { temp.path().to_owned() } else { temp.path().join("repo") };
        let variables = without_settings(home.path());
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let made = make(&Scaffold { git: true, ..request(&dir, go()) }, &variables).unwrap();
        assert!(made.git);
        assert_eq!(git(&dir, &["status", "--porcelain", "--ignored"]), "");
        assert_eq!(
            git(&dir, &["log", "--format=%an <%ae> %cn %s"]),
            "acme <acme@users.noreply.github.com> acme Start aileron-connector-tea-house"
        );
        assert_eq!(git(&dir, &["ls-files"]).lines().count(), made.files.len());
    }
}

#[test]
fn the_users_own_identity_is_used_where_there_is_one() {
    let temp = tempfile::tempdir().unwrap();
    fs::write(
        temp.path().join(".gitconfig"),
        "[user]\nname = Ann\n[commit]\ngpgsign = true\n[core]\nhooksPath = hooks\n",
    )
    .unwrap();
    let mut variables = without_settings(temp.path());
    variables.push(("GIT_AUTHOR_EMAIL", "ann@example.com".into()));
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let dir = temp.path().join("repo");
    make(&Scaffold { git: true, ..request(&dir, wat()) }, &variables).unwrap();
    assert_eq!(
        git(&dir, &["log", "--format=%an %ae %cn %ce"]),
        "Ann ann@example.com Ann acme@users.noreply.github.com"
    );
}

#[test]
fn inside_a_repository_no_other_is_made() {
    let temp = tempfile::tempdir().unwrap();
    git(temp.path(), &["init", "--quiet"]);
    let made = make(&Scaffold { git: true, ..request(temp.path(), wat()) }, &[]).unwrap();
    assert!(!made.git);
    assert!(entries(temp.path()).contains(&"README.md".to_owned()));
    let inner = temp.path().join("inner");
    assert!(!make(&Scaffold { git: true, ..request(&inner, wat()) }, &[]).unwrap().git);
}

#[test]
fn a_failure_leaves_nothing_behind() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("new/repo");
    let error = make(&Scaffold { git: true, ..request(&dir, go()) }, &[("PATH", "")]).unwrap_err();
    assert!(matches!(error, ScaffoldError::NoGit) && error.to_string().contains("--no-git"), "{error}");
    assert_eq!(entries(temp.path()).len(), 0);
    let error = make(&Scaffold { git: true, ..request(temp.path(), go()) }, &[("PATH", "")]).unwrap_err();
    assert_eq!(error.class(), Class::UsageError);
    assert_eq!(entries(temp.path()).len(), 0);
}
