//! `unit push` as it is typed: exit codes, output, and where the password is not.

use aileron_testkit::home::TestHome;
use aileron_testkit::registry::{FakeRegistry, Login, Nature, PASSWORD, USER};
use aileron_verifier::name::digest::BlobDigest;
use serde_json::Value;

/// A home with a filled-in Feature `gh`.
fn home() -> TestHome {
    let home = TestHome::new();
    home.ok("aileron-pub unit init gh");
    for (mark, filled) in [
        ("<arguments that log in>", "login"),
        ("<arguments that print the token>", "token"),
        ("<host that gets the credential>", "api.github.com"),
        ("<variable that gh reads its token from>", "GH_TOKEN"),
    ] {
        home.replace("gh/devcontainer-feature.json", mark, filled);
    }
    home.write("password", format!("{PASSWORD}\n"));
    home
}

fn login() -> String {
    format!("--username {USER} --password-file password")
}

#[test]
fn a_push_says_what_it_wrote_in_text_and_as_one_document_with_events() {
    let (home, registry) = (home(), FakeRegistry::new(Nature { login: Login::Token, ..Nature::default() }));
    let line = format!("aileron-pub unit push gh {}/acme/gh --plain-http {}", registry.host(), login());
    let plan = home.ok(&format!("{line} --dry-run --json --quiet")).json();
    assert_eq!((&plan["dry_run"], &plan["visibility"]), (&true.into(), &Value::Null), "{plan}");
    assert!(registry.held().stored.is_empty(), "a dry run writes nothing");
    let ran = home.ok(&format!("{line} --json"));
    let done = ran.json();
    assert_eq!((&done["visibility"], &done["blobs_sent"]), (&"public".into(), &2.into()), "{done}");
    let steps: Vec<(&str, &str)> = done["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| (tag["tag"].as_str().unwrap(), tag["step"].as_str().unwrap()))
        .collect();
    assert_eq!(steps, [("0.0.1", "new"), ("0.0", "new"), ("0", "new"), ("latest", "new")]);
    assert_eq!(done["digest"], plan["digest"]);
    for event in ran.stderr.lines() {
        let event: Value = serde_json::from_str(event).unwrap();
        assert!(event["event"].is_string(), "{event}");
    }
    let again = home.ok(&line);
    assert!(again.stdout.contains("nothing to write"), "{again}");
    assert!(registry.seen().iter().all(|request| !request.target.contains(PASSWORD)));
}

#[test] // devcontainers/action#90
fn the_exit_code_says_that_something_is_missing() {
    let (home, registry) =
        (home(), FakeRegistry::new(Nature { login: Login::Basic, is_public: false, ..Nature::default() }));
    let line = format!("aileron-pub unit push gh {}/acme/gh --plain-http", registry.host());
    for (flags, code, said) in [
        (String::new(), 1, "--username"),
        (login(), 5, "nobody can read it without a login"),
        (format!("{} --private", login()), 0, ""),
        ("--username bob".to_owned(), 2, "--password-file"),
    ] {
        let ran = home.run(&format!("{line} {flags}"));
        assert_eq!(ran.code, code, "{flags}: {ran}");
        assert!(ran.stderr.contains(said), "{flags}: {ran}");
    }
    home.replace("gh/install.sh", "set -eu", "set -e");
    let taken = home.run(&format!("{line} {}", login()));
    assert_eq!(taken.code, 1, "{taken}");
    assert!(taken.stderr.contains("0.0.1 is published with other content"), "{taken}");
    let host = registry.host();
    drop(registry);
    let closed = home.run(&format!("aileron-pub unit push gh {}/acme/gh --plain-http", "127.0.0.1:1"));
    assert_eq!(closed.code, 5, "{host}: {closed}");
}

#[test] // devcontainers/cli#793
fn what_is_wrong_is_found_before_anything_is_sent() {
    let (home, registry) = (home(), FakeRegistry::new(Nature::default()));
    let host = registry.host();
    for (target, code, said) in [
        (format!("{host}/acme/hub"), 2, "the Feature's id is \"gh\""),
        (format!("{host}/acme/gh:0.0.2"), 2, "is not the Feature's version"),
        ("acme/gh".to_owned(), 2, "names no registry"),
        ("reg.example/acme/gh".to_owned(), 2, "plain http is for a registry on localhost only"),
        (format!("http://{host}/acme/gh"), 2, "leave out the scheme"),
    ] {
        let ran = home.run(&format!("aileron-pub unit push gh {target} --plain-http"));
        assert_eq!(ran.code, code, "{target}: {ran}");
        assert!(ran.stderr.contains(said), "{target}: {ran}");
    }
    std::fs::rename(home.path("gh"), home.path("hub")).unwrap();
    let ran = home.run(&format!("aileron-pub unit push hub {host}/acme/gh --plain-http"));
    assert_eq!(ran.code, 6, "{ran}");
    assert!(registry.seen().is_empty(), "nothing was asked");
}

#[test] // cli-unit.md §12.3, §12.4
fn a_unit_is_the_same_wherever_its_feature_is_read_from() {
    let (home, registry) = (home(), FakeRegistry::new(Nature { login: Login::Token, ..Nature::default() }));
    let place = format!("{}/acme/gh", registry.host());
    home.ok("aileron-pub unit pack gh --out dist");
    home.ok("aileron-pub unit push gh oci:layout");
    home.ok(&format!("aileron-pub unit push gh {place} --plain-http {}", login()));
    let digest = registry.held().tags["latest"].clone();
    let units = |source: &str| home.ok(&format!("aileron unit show {source} --json")).json()["units"].clone();
    let expected = units("gh");
    assert_eq!(expected[0]["unit"]["name"].as_str().or(expected[0]["name"].as_str()), Some("gh"), "{expected}");
    let compressed = std::fs::read(home.path("dist/devcontainer-feature-gh.tgz")).unwrap();
    home.write("gzip.tgz", gzip(&compressed));
    for source in [
        "dist/devcontainer-feature-gh.tgz".to_owned(),
        "gzip.tgz".to_owned(),
        "layout".to_owned(),
        "oci:layout".to_owned(),
        "oci:layout:0.0.1".to_owned(),
        format!("{place} --plain-http"),
        format!("{place}:0.0 --plain-http"),
        format!("{place}@{digest} --plain-http"),
    ] {
        assert_eq!(units(&source), expected, "{source}");
    }
    for (source, code) in [
        (format!("{place}:2 --plain-http"), 4),
        ("oci:gh".to_owned(), 4),
        ("oci:layout:2".to_owned(), 4),
        ("127.0.0.1:1/acme/gh --plain-http".to_owned(), 5),
        ("reg.example/acme/gh --plain-http".to_owned(), 2),
    ] {
        let ran = home.run(&format!("aileron unit show {source}"));
        assert_eq!(ran.code, code, "{source}: {ran}");
    }
}

#[test]
fn pushes_into_one_layout_at_the_same_time_lose_no_tag() {
    let home = home();
    let versions = ["0.0.1", "0.0.2", "0.0.3", "0.0.4"];
    for version in versions {
        std::fs::create_dir(home.path(version)).unwrap();
        home.ok(&format!("cp -r gh {version}"));
        home.replace(&format!("{version}/gh/devcontainer-feature.json"), "\"0.0.1\"", &format!("\"{version}\""));
    }
    let push = |version: &&str| {
        let mut command = home.publisher(&["unit", "push", &format!("{version}/gh"), "oci:layout"]);
        let piped = || std::process::Stdio::piped();
        command.stdin(std::process::Stdio::null()).stdout(piped()).stderr(piped()).spawn().unwrap()
    };
    let running: Vec<_> = versions.iter().map(push).collect();
    for child in running {
        let ran = aileron_testkit::home::ended(child);
        assert_eq!(ran.code, 0, "{ran}");
    }
    let list: Value = serde_json::from_str(&home.read("layout/index.json")).unwrap();
    let entries = list["manifests"].as_array().unwrap();
    let digest = |tag: &str| {
        let is = |entry: &&Value| entry["annotations"]["org.opencontainers.image.ref.name"] == tag;
        entries.iter().find(is).map(|entry| entry["digest"].clone())
    };
    assert_eq!(entries.len(), 7, "{list}");
    assert!(versions.iter().all(|version| digest(version).is_some()), "{list}");
    for tag in ["0.0", "0", "latest"] {
        assert_eq!(digest(tag), digest("0.0.4"), "{tag}");
    }
    // The lock is gone, and a push that has nothing to write takes none.
    let names = std::fs::read_dir(home.path("layout")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["blobs", "index.json", "oci-layout"]);
}

#[test] // cli-unit.md §12.4
fn a_published_feature_that_says_two_things_is_refused() {
    let (home, registry) = (home(), FakeRegistry::new(Nature::default()));
    let place = format!("{}/acme/gh", registry.host());
    home.ok(&format!("aileron-pub unit push gh {place} --plain-http"));
    registry.change(|held| {
        let digest = held.tags["latest"].clone();
        let text =
            String::from_utf8(held.stored[&digest].clone()).unwrap().replace("api.github.com", "evil.example.com");
        let other = BlobDigest::of(&[text.as_bytes()]).to_string();
        held.stored.insert(other.clone(), text.into_bytes());
        held.tags.insert("latest".into(), other);
    });
    let ran = home.run(&format!("aileron unit show {place} --plain-http"));
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.stderr.contains("customizations.aileron.cli differs"), "{ran}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}
