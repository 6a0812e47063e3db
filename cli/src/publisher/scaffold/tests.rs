//! What a new repository holds.

use std::fs;

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
        credential: Credential::ApiKey,
        operations: Operation::usual(Credential::ApiKey),
        signing: USUAL_SIGNING,
        preset: None,
        client_id: None,
    }
}

/// Every way to make a repository: each language with each credential kind and each preset.
fn every_request(dir: &Path) -> Vec<Scaffold> {
    let mut requests = Vec::new();
    for template in Template::all() {
        for credential in Credential::ALL {
            for signing in Signing::ALL {
                let client_id = (credential == Credential::Oauth2).then(|| "id-1".to_owned());
                let mut operations = Operation::usual(credential);
                let names = ["ping", "type", "match", "send_it:gated"];
                operations.extend(names.iter().map(|name| name.parse::<Operation>().unwrap()));
                operations.dedup_by(|a, b| a.name == b.name);
                let usual = request(dir, template);
                requests.push(Scaffold { credential, operations, signing, client_id, ..usual });
            }
        }
        for preset in &PRESETS {
            for credential in preset.credentials {
                let client_id = (*credential == Credential::Oauth2).then(|| "id-1".to_owned());
                let operations = vec![Operation { name: preset.operation.name.into(), gated: false }];
                let (preset, usual) = (Some(preset), request(dir, template));
                requests.push(Scaffold { credential: *credential, operations, preset, client_id, ..usual });
            }
        }
    }
    requests
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
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("new/repo");
    for request in every_request(&dir) {
        let what = format!("{request:?}");
        let made = make(&request, &[]).unwrap();
        assert!(!made.git);
        assert_eq!(preview(&Scaffold { dir: temp.path().join("other"), ..request.clone() }).unwrap(), made.files);
        for file in &made.files {
            let text = fs::read_to_string(dir.join(file)).unwrap();
            // Workflows and the Taskfile have expressions of their own.
            let own = text.replace("${{", "").replace("{{.VERSION", "").replace("}}\"", "");
            let is_code = file.extension().is_some_and(|end| ["go", "zig", "rs"].iter().any(|code| end == *code));
            assert!(is_code || !own.contains("{{") && !own.contains("{%"), "{}: {what}\n{text}", file.display());
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{}: {what}\n{text}", file.display());
            assert!(!text.contains("\n\n\n"), "{}: {what}\n{text}", file.display());
        }
        let manifest = fs::read_to_string(dir.join("connector/manifest.toml")).unwrap();
        assert!(manifest.contains("name = \"github://acme/aileron-connector-tea-house\"\nversion = \"0.0.0-dev\""));
        assert!(manifest.contains("publisher = \"Acme & Söhne\""));
        assert_eq!(
            manifest.contains("client_secret ="),
            fs::read_to_string(dir.join("aileron-pub.toml")).unwrap().contains("client_secret_env")
        );
        assert_eq!(entries(temp.path()), ["new"]);
        assert_eq!(entries(&temp.path().join("new")), ["repo"]);
        fs::remove_dir_all(temp.path().join("new")).unwrap();
    }
}

#[test]
fn every_language_gives_the_same_tree_but_for_the_connector() {
    let temp = tempfile::tempdir().unwrap();
    let tree = |template| {
        let files = preview(&request(&temp.path().join("x"), template)).unwrap();
        let is_common = |file: &PathBuf| !file.starts_with("connector") || file.ends_with("manifest.toml");
        files.into_iter().filter(is_common).collect::<Vec<_>>()
    };
    let go = tree(go());
    for template in Template::all() {
        assert_eq!(tree(template), go, "{template:?}");
    }
    for file in [
        ".github/workflows/ci.yml",
        ".github/workflows/release.yml",
        "Taskfile.yml",
        "aileron-pub.toml",
        "suite.toml",
        "tests/get-item.toml",
        "actions/tea-house-comment-on-item/action.md",
    ] {
        assert!(go.contains(&PathBuf::from(file)), "{file}");
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
    assert!(matches!(error, ScaffoldError::Skeleton(SkeletonError::InTheWay { .. })), "{error}");
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
    for client_id in [None, Some(""), Some("REPLACE_ME"), Some("a b"), Some("a\"b")] {
        let client_id = client_id.map(str::to_owned);
        let request = Scaffold { credential: Credential::Oauth2, client_id, ..good.clone() };
        let error = make(&request, &[]).unwrap_err();
        assert!(matches!(error, ScaffoldError::ClientId(_)), "{error}");
    }
    let twice = vec!["a".parse::<Operation>().unwrap(), "a:gated".parse().unwrap()];
    let error = make(&Scaffold { operations: twice, ..good.clone() }, &[]).unwrap_err();
    assert!(matches!(error, ScaffoldError::OperationTwice(_)), "{error}");
    let error = make(&Scaffold { operations: Vec::new(), ..good.clone() }, &[]).unwrap_err();
    assert!(matches!(error, ScaffoldError::NoOperation), "{error}");
    let (preset, credential) = (Preset::named("notion"), Credential::Oauth2);
    let error = make(&Scaffold { preset, credential, ..good.clone() }, &[]).unwrap_err();
    assert!(error.to_string().contains("HTTP Basic"), "{error}");
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
