//! Images in registries and image layouts, as `unit show` and `unit accept` read them: which platform, and the label of its
//! configuration. cli-unit.md §10.1.

use std::collections::BTreeMap;

use aileron_cli::publisher::forge::registry::Platform;
use aileron_testkit::home::{Ran, TestHome};
use aileron_testkit::registry::{Act, FakeRegistry, Held, Login, Nature};
use aileron_testkit::scripted::Answer;
use aileron_verifier::name::digest::BlobDigest;
use serde_json::{Value, json};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Blobs and manifests by their digest, as both a registry and a layout keep them.
#[derive(Default)]
struct Stored(BTreeMap<String, Vec<u8>>);

impl Stored {
    fn put(&mut self, bytes: Vec<u8>) -> (String, usize) {
        let (digest, size) = (BlobDigest::of(&[&bytes]).to_string(), bytes.len());
        self.0.insert(digest.clone(), bytes);
        (digest, size)
    }

    fn json(&mut self, document: &Value) -> (String, usize) {
        self.put(document.to_string().into_bytes())
    }

    /// An image for a platform whose configuration has these labels.
    fn image(&mut self, platform: &str, labels: &Value) -> (String, usize) {
        let (os, architecture) = platform.split_once('/').unwrap();
        let config = json!({"os": os, "architecture": architecture, "config": {"Env": [], "Labels": labels}});
        let (digest, size) = self.json(&config);
        self.json(&json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": size},
        }))
    }

    /// Entries of a list, one for each platform, and one with statements about them as builders add it.
    fn entries(&mut self, images: &[(&str, Value)]) -> Vec<Value> {
        let mut entries = Vec::new();
        for (platform, labels) in images {
            let (digest, size) = self.image(platform, labels);
            let (os, architecture) = platform.split_once('/').unwrap();
            let platform = json!({"os": os, "architecture": architecture});
            entries.push(json!({"mediaType": MANIFEST, "digest": digest, "size": size, "platform": platform}));
        }
        let (digest, size) = self.image("unknown/unknown", &json!({}));
        let platform = json!({"os": "unknown", "architecture": "unknown"});
        entries.push(json!({"mediaType": MANIFEST, "digest": digest, "size": size, "platform": platform}));
        entries
    }

    fn index(&mut self, images: &[(&str, Value)]) -> (String, usize) {
        let manifests = self.entries(images);
        self.json(&json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}))
    }

    fn in_registry(self, registry: &FakeRegistry, tags: &[(&str, &str)]) {
        let stored = self.0;
        registry.change(|held: &mut Held| {
            held.stored.extend(stored);
            held.tags.extend(tags.iter().map(|(tag, digest)| (format!("acme/dev:{tag}"), (*digest).to_owned())));
        });
    }

    fn in_layout(&self, home: &TestHome, dir: &str, manifests: &Value) {
        home.write(&format!("{dir}/oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#);
        home.write(
            &format!("{dir}/index.json"),
            json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).to_string(),
        );
        for (digest, bytes) in &self.0 {
            home.write(&format!("{dir}/blobs/sha256/{}", &digest["sha256:".len()..]), bytes);
        }
    }
}

/// Labels of an image built with a Feature that has this unit.
fn labels(name: &str) -> Value {
    let unit = json!({
        "name": name, "key": format!("user/{name}"),
        "acquisition": {"mode": "device-flow", "container_name": "c", "login_cmd": ["x"], "token_cmd": ["x"]},
        "sealing": [{"host": "api.example.com", "scheme": "bearer"}],
    });
    let label = json!([{"id": "./x"}, {"id": "ghcr.io/acme/x:1", "customizations": {"aileron": {"cli": unit}}}]);
    json!({"devcontainer.metadata": label.to_string(), "other": "1"})
}

fn names(ran: &Ran) -> Vec<String> {
    let units = ran.json()["units"].as_array().unwrap().clone();
    units.iter().map(|unit| unit["unit"]["name"].as_str().unwrap().to_owned()).collect()
}

fn show(home: &TestHome, source: &str) -> Ran {
    home.run(&format!("aileron unit show {source} --json"))
}

#[test]
fn of_an_image_in_a_registry_the_label_of_one_platform_is_read() {
    let (home, registry, mut stored) = (TestHome::new(), FakeRegistry::new(Nature::default()), Stored::default());
    let here = Platform::of_containers_here().to_string();
    let (list, _) = stored.index(&[("linux/s390x", labels("big")), (&here, labels("own"))]);
    let (single, _) = stored.image(&here, &labels("single"));
    let (foreign, _) = stored.image("linux/s390x", &labels("foreign"));
    let (elsewhere, _) = stored.index(&[("linux/s390x", labels("big")), ("windows/amd64", labels("windows"))]);
    stored.in_registry(
        &registry,
        &[("latest", &list), ("single", &single), ("foreign", &foreign), ("elsewhere", &elsewhere)],
    );
    let place = format!("{}/acme/dev", registry.host());
    for (source, expected, told) in [
        (format!("{place} --plain-http"), "own", format!("reading the label of the image for {here}")),
        (format!("{place}@{list} --plain-http"), "own", here.clone()),
        (format!("{place} --plain-http --platform linux/s390x"), "big", "linux/s390x".to_owned()),
        (format!("{place}:single --plain-http"), "single", here.clone()),
        // Nobody asked for a platform, and there is only one.
        (format!("{place}:foreign --plain-http"), "foreign", "linux/s390x".to_owned()),
    ] {
        let ran = show(&home, &source);
        assert_eq!((ran.code, names(&ran)), (0, vec![expected.to_owned()]), "{source}: {ran}");
        assert!(ran.stderr.contains(&told), "{source}: {ran}");
    }
    for (source, has) in [
        (format!("{place}:elsewhere --plain-http"), "it has linux/s390x, windows/amd64"),
        (format!("{place} --plain-http --platform linux/riscv64"), "it has linux/s390x, "),
        (format!("{place}:foreign --plain-http --platform linux/riscv64"), "it has linux/s390x"),
    ] {
        let ran = home.run(&format!("aileron unit show {source}"));
        assert_eq!(ran.code, 4, "{source}: {ran}");
        assert!(ran.stderr.contains("has no image for linux/") && ran.stderr.contains(has), "{source}: {ran}");
        assert!(ran.stderr.contains("next: --platform linux/s390x"), "{source}: {ran}");
    }
    // Accepted like any other source.
    home.ok(&format!("aileron unit accept {place}:single --plain-http --yes"));
    let listed = home.ok("aileron unit list --json").json();
    assert_eq!(listed["accepted"][0]["name"], "single", "{listed}");
    let ran = home.run(&format!("aileron unit show image:{place} --platform linux/amd64"));
    assert_eq!(ran.code, 2, "{ran}");
}

#[test] // cli-unit.md §10.1: failing to reach or parse the image is distinct from "image has no units"
fn no_label_is_no_unit_and_a_label_that_cannot_be_read_is_an_error() {
    let (home, registry, mut stored) = (TestHome::new(), FakeRegistry::new(Nature::default()), Stored::default());
    let here = Platform::of_containers_here().to_string();
    let label = |value: &str| json!({"devcontainer.metadata": value});
    let mut tags: Vec<(&str, String)> = Vec::new();
    for (tag, labels) in [
        ("none", json!({"other": "1"})),
        ("null", Value::Null),
        ("empty", label("")),
        ("without", label(r#"[{"id":"x"}]"#)),
        ("object", label("{}")),
        ("broken", label("[")),
        ("number", json!({"devcontainer.metadata": 1})),
        ("list", json!([])),
    ] {
        tags.push((tag, stored.image(&here, &labels).0));
    }
    tags.push(("index", stored.json(&json!({"manifests": 1})).0));
    tags.push(("text", stored.put(b"<html>".to_vec()).0));
    tags.push(("first", stored.json(&json!({"schemaVersion": 1, "fsLayers": []})).0));
    let (inner, size) = stored.index(&[(&here, labels("x"))]);
    let (os, architecture) = here.split_once('/').unwrap();
    let entry = json!({"mediaType": INDEX, "digest": inner, "size": size, "platform": {"os": os, "architecture": architecture}});
    tags.push(("nested", stored.json(&json!({"schemaVersion": 2, "manifests": [entry]})).0));
    let borrowed: Vec<(&str, &str)> = tags.iter().map(|(tag, digest)| (*tag, digest.as_str())).collect();
    stored.in_registry(&registry, &borrowed);
    let place = format!("{}/acme/dev", registry.host());
    for (tag, code, said) in [
        ("none", 0, "has no label devcontainer.metadata"),
        ("null", 0, "has no label devcontainer.metadata"),
        ("empty", 0, "reading the label"),
        ("without", 0, "reading the label"),
        ("object", 3, "unitloader: parse devcontainer.metadata array"),
        ("broken", 3, "unitloader: parse devcontainer.metadata array"),
        ("number", 3, "has a label devcontainer.metadata that is not a text"),
        ("list", 3, "the configuration cannot be read"),
        ("index", 3, "the manifest cannot be read"),
        ("text", 3, "the manifest is not JSON"),
        ("first", 3, "docker's first form"),
        ("nested", 3, "a list of lists of images"),
    ] {
        let ran = home.run(&format!("aileron unit show {place}:{tag} --plain-http"));
        assert_eq!((ran.code, ran.stdout.contains("No units.")), (code, code == 0), "{tag}: {ran}");
        assert!(ran.stderr.contains(said), "{tag}: {ran}");
    }
}

#[test]
fn absent_refused_and_unreachable_are_three_answers_and_none_is_an_image_without_units() {
    let home = TestHome::new();
    let here = Platform::of_containers_here().to_string();
    let with_image = |nature: Nature| {
        let (registry, mut stored) = (FakeRegistry::new(nature), Stored::default());
        let (digest, _) = stored.index(&[(&here, labels("gh"))]);
        stored.in_registry(&registry, &[("latest", &digest)]);
        registry
    };
    let show = |registry: &FakeRegistry, tag: &str| {
        let ran = home.run(&format!("aileron unit show {}/acme/dev:{tag} --plain-http", registry.host()));
        assert!(!ran.stdout.contains("No units."), "{ran}");
        ran
    };
    let open = with_image(Nature::default());
    assert_eq!(show(&open, "latest").code, 0);
    let absent = show(&open, "nightly");
    assert!(absent.code == 4 && absent.stderr.contains("not found"), "{absent}");
    let closed = with_image(Nature { login: Login::Basic, is_public: false, ..Nature::default() });
    let refused = show(&closed, "latest");
    assert!(refused.code == 1 && refused.stderr.contains("--username"), "{refused}");
    open.script(|_, _| Act::Instead(Answer::status("403 Forbidden")));
    assert_eq!(show(&open, "latest").code, 1);
    open.script(|request, _| match request.target.contains("/blobs/") {
        true => Act::Instead(Answer::Bytes(Vec::new())),
        false => Act::Serve,
    });
    assert_eq!(show(&open, "latest").code, 5);
    // A configuration that is not there, and one that is not what its digest says.
    open.script(|request, _| match request.target.contains("/blobs/") {
        true => Act::Instead(Answer::status("404 Not Found")),
        false => Act::Serve,
    });
    assert_eq!(show(&open, "latest").code, 4);
    open.script(|request, _| match request.target.contains("/blobs/") {
        true => Act::Instead(Answer::ok("{}")),
        false => Act::Serve,
    });
    assert_eq!(show(&open, "latest").code, 3);
    // A manifest other than the one that the list names.
    open.script(|request, _| match request.target.contains("/manifests/sha256:") {
        true => Act::Instead(Answer::ok("{}")),
        false => Act::Serve,
    });
    assert_eq!(show(&open, "latest").code, 3);
}

#[test]
fn of_an_image_in_a_layout_the_label_of_one_platform_is_read() {
    let (home, mut stored) = (TestHome::new(), Stored::default());
    let here = Platform::of_containers_here().to_string();
    let images = [("linux/s390x", labels("big")), (here.as_str(), labels("own"))];
    let (list, size) = stored.index(&images);
    let tagged = json!({"mediaType": INDEX, "digest": list, "size": size,
        "annotations": {"org.opencontainers.image.ref.name": "1.0"}});
    stored.in_layout(&home, "nested", &json!([tagged]));
    let entries = stored.entries(&images);
    stored.in_layout(&home, "flat", &json!(entries));
    for (source, expected) in [
        ("nested", "own"),
        ("oci:nested", "own"),
        ("oci:nested:1.0", "own"),
        ("oci:nested:1.0 --platform linux/s390x", "big"),
        ("oci:flat", "own"),
        ("oci:flat --platform linux/s390x", "big"),
    ] {
        let ran = show(&home, source);
        assert_eq!((ran.code, names(&ran)), (0, vec![expected.to_owned()]), "{source}: {ran}");
    }
    for (source, code, said) in [
        ("oci:nested:2.0", 4, "not found"),
        ("oci:nested --platform linux/riscv64", 4, "it has linux/s390x"),
        ("oci:flat --platform linux/riscv64", 1, "lists several manifests: name one by its tag"),
        ("oci:nested --platform linux", 2, "write OS/ARCH or OS/ARCH/VARIANT"),
        ("oci:absent", 4, "an image layout in absent"),
    ] {
        let ran = home.run(&format!("aileron unit show {source}"));
        assert!(ran.code == code && ran.stderr.contains(said), "{source}: {ran}");
    }
}
