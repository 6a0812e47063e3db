//! `unit push` of a directory of Features: each of them, and last their list. cli-unit.md §12.4.

use aileron_testkit::home::{Ran, TestHome};
use aileron_testkit::registry::{Act, FakeRegistry, Login, Nature, PASSWORD, USER};
use aileron_testkit::scripted::Answer;
use serde_json::Value;

/// A home with Features `gh` and `tea` in `src`.
fn home() -> TestHome {
    let home = TestHome::new();
    for id in ["gh", "tea"] {
        home.ok(&format!("aileron-pub unit init {id} --dir src"));
        for (mark, filled) in [
            ("<arguments that log in>".to_owned(), "login"),
            ("<arguments that print the token>".to_owned(), "token"),
            ("<host that gets the credential>".to_owned(), "api.example.com"),
            (format!("<variable that {id} reads its token from>"), "TOKEN"),
        ] {
            home.replace(&format!("src/{id}/devcontainer-feature.json"), &mark, filled);
        }
    }
    home.write("password", format!("{PASSWORD}\n"));
    home
}

fn push(home: &TestHome, registry: &FakeRegistry, more: &str) -> Ran {
    home.run(&format!("aileron-pub unit push src {}/acme/features --plain-http --json --quiet {more}", registry.host()))
}

/// The published list.
fn list(registry: &FakeRegistry) -> Value {
    let held = registry.held();
    let manifest: Value = serde_json::from_slice(&held.stored[&held.tags["acme/features:latest"]]).unwrap();
    let layer = &manifest["layers"][0];
    assert_eq!(layer["mediaType"], "application/vnd.devcontainers.collection.layer.v1+json");
    assert_eq!(layer["annotations"]["org.opencontainers.image.title"], "devcontainer-collection.json");
    assert_eq!(
        (&manifest["config"]["mediaType"], manifest.get("annotations")),
        (&"application/vnd.devcontainers".into(), None)
    );
    serde_json::from_slice(&held.stored[layer["digest"].as_str().unwrap()]).unwrap()
}

fn listed(registry: &FakeRegistry) -> Vec<String> {
    let list = list(registry);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let features = list["features"].as_array().unwrap().iter();
    features.map(|feature| format!("{} {}", text(&feature["id"]), text(&feature["version"]))).collect()
}

fn step(ran: &Ran) -> String {
    ran.json()["collection"]["tags"][0]["step"].as_str().unwrap().to_owned()
}

fn version(home: &TestHome, id: &str, from: &str, to: &str) {
    let line = |version: &str| format!("\"version\": \"{version}\"");
    home.replace(&format!("src/{id}/devcontainer-feature.json"), &line(from), &line(to));
}

#[test]
fn every_feature_of_a_directory_is_pushed_and_last_their_list_whose_tag_moves_upwards_only() {
    let (home, registry) = (home(), FakeRegistry::new(Nature { login: Login::Token, ..Nature::default() }));
    let login = format!("--username {USER} --password-file password");
    let planned = push(&home, &registry, &format!("{login} --dry-run"));
    assert_eq!((planned.code, step(&planned).as_str(), registry.writes()), (0, "new", 0), "{planned}");
    let first = push(&home, &registry, &login);
    assert_eq!((first.code, step(&first).as_str()), (0, "new"), "{first}");
    assert_eq!(listed(&registry), ["gh 0.0.1", "tea 0.0.1"]);
    assert_eq!(list(&registry)["sourceInformation"]["source"], "aileron-pub");
    let history = registry.held().history;
    assert_eq!(history.last().unwrap().0, "acme/features:latest", "the list is written last");
    let expected: Vec<String> = ["gh", "tea"]
        .iter()
        .flat_map(|id| ["0.0.1", "0.0", "0", "latest"].map(|tag| format!("acme/features/{id}:{tag}")))
        .collect();
    assert_eq!(history.iter().map(|(tag, _)| tag).take(8).collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
    // Nothing new: nothing is written.
    let writes = registry.writes();
    let again = push(&home, &registry, &login);
    assert_eq!((step(&again).as_str(), registry.writes()), ("there", writes), "{again}");
    // A new version moves it; the exact tag of another one is never changed.
    version(&home, "tea", "0.0.1", "0.0.2");
    let moved = push(&home, &registry, &login);
    assert_eq!((moved.code, step(&moved).as_str()), (0, "moves"), "{moved}");
    assert_eq!(listed(&registry), ["gh 0.0.1", "tea 0.0.2"]);
    // An older checkout: the short tags of its Feature stay, and so does the list.
    version(&home, "tea", "0.0.2", "0.0.1");
    let held = registry.held();
    let older = push(&home, &registry, &login);
    assert_eq!((older.code, step(&older).as_str()), (0, "stays"), "{older}");
    assert_eq!(registry.held(), held);
    // Another content under a version that is published stops all of it before the first write.
    version(&home, "tea", "0.0.1", "0.0.3");
    home.replace("src/gh/install.sh", "set -eu", "set -e");
    let taken = push(&home, &registry, &login);
    assert!(taken.code == 1 && taken.stdout.contains("published with other content"), "{taken}");
    assert_eq!(registry.held(), held);
}

#[test]
fn a_feature_that_left_the_directory_is_said_to_leave_the_list() {
    let (home, registry) = (home(), FakeRegistry::new(Nature::default()));
    assert_eq!(push(&home, &registry, "").code, 0);
    std::fs::remove_dir_all(home.path("src/tea")).unwrap();
    let line = format!("aileron-pub unit push src {}/acme/features --plain-http", registry.host());
    let planned = home.ok(&format!("{line} --dry-run"));
    assert!(planned.stdout.contains("would lose tea, which is not in this directory"), "{planned}");
    let ran = home.ok(&line);
    assert!(ran.stdout.contains("lost tea, which is not in this directory"), "{ran}");
    assert_eq!(listed(&registry), ["gh 0.0.1"]);
}

#[test]
fn what_is_not_a_collection_is_never_replaced_by_one() {
    let (home, registry) = (home(), FakeRegistry::new(Nature::default()));
    assert_eq!(push(&home, &registry, "").code, 0);
    registry.change(|held| {
        let feature = held.tags["acme/features/gh:latest"].clone();
        held.tags.insert("acme/features:latest".into(), feature);
    });
    let held = registry.held();
    version(&home, "tea", "0.0.1", "0.0.2");
    let ran = push(&home, &registry, "");
    assert!(ran.code == 1 && ran.stdout.contains("is not a collection of Features"), "{ran}");
    assert_eq!(registry.held(), held, "no Feature was written either");
}

#[test]
fn killed_at_any_request_the_next_push_ends_where_an_undisturbed_one_does() {
    let home = home();
    let undisturbed = FakeRegistry::new(Nature::default());
    assert_eq!(push(&home, &undisturbed, "").code, 0);
    let requests = undisturbed.seen().len();
    assert!(requests > 40, "{requests}");
    // A prime step, so that each kind of request is met.
    for at in (0..requests).step_by(7) {
        let registry = FakeRegistry::new(Nature::default());
        registry.dies(at, at % 2 == 0);
        let died = push(&home, &registry, "--max-wait 0s");
        assert_ne!(died.code, 0, "{at}: {died}");
        registry.revives();
        let ran = push(&home, &registry, "");
        assert_eq!(ran.code, 0, "{at}: {ran}");
        assert_eq!(registry.held().tags, undisturbed.held().tags, "{at}");
    }
}

#[test]
fn a_list_that_somebody_else_writes_meanwhile_stays_theirs() {
    let (home, registry) = (home(), FakeRegistry::new(Nature::default()));
    let hook = registry.hook();
    let mut done = false;
    registry.script(move |request, _| {
        let is_last = request.method == "POST" && request.target.contains("/v2/acme/features/blobs");
        if is_last && !std::mem::replace(&mut done, true) {
            hook(&mut |held| {
                let theirs = held.tags["acme/features/gh:latest"].clone();
                held.tags.insert("acme/features:latest".into(), theirs);
            });
        }
        Act::Serve
    });
    let ran = push(&home, &registry, "");
    assert!(ran.code == 1 && ran.stdout.contains("was changed meanwhile"), "{ran}");
    // And a list that cannot be written fails the command.
    let registry = FakeRegistry::new(Nature::default());
    registry.script(|request, _| {
        match request.method == "PUT" && request.target.ends_with("/acme/features/manifests/latest") {
            true => Act::Instead(Answer::status("403 Forbidden")),
            false => Act::Serve,
        }
    });
    assert_ne!(push(&home, &registry, "").code, 0);
}

#[test]
fn what_makes_no_sense_is_said_before_anything_is_sent() {
    let (home, registry) = (home(), FakeRegistry::new(Nature::default()));
    let host = registry.host();
    for (line, said) in [
        (format!("src {host}/acme/features:1"), "has a tag"),
        ("src oci:layout".to_owned(), "src holds several Features"),
        (format!("src/gh {host}/acme/features"), "the Feature's id is \"gh\""),
        (format!("absent {host}/acme/features"), "absent"),
    ] {
        let ran = home.run(&format!("aileron-pub unit push {line} --plain-http"));
        assert!(ran.code == 2 && ran.stderr.contains(said), "{line}: {ran}");
    }
    home.replace("src/tea/devcontainer-feature.json", "\"api.example.com\"", "\"https://api.example.com/*\"");
    let ran = push(&home, &registry, "");
    assert_eq!(ran.code, 6, "{ran}");
    assert!(registry.seen().is_empty());
}
