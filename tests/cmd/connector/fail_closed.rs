//! What must never be installed, and is not: the right class, and nothing below the store before the commit step.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use aileron_testkit::home::TestHome;
use aileron_testkit::{Publisher, Toy, action_text, pack};
use aileron_verifier::artifact::archive::Files;
use serde_json::Value;

/// A machine with a mirror of toys.
pub(crate) struct Mirror {
    pub(crate) home: TestHome,
}

impl Mirror {
    pub(crate) fn new() -> Mirror {
        Mirror { home: TestHome::new() }
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.home.home().join(".aileron")
    }

    /// Puts an archive where the mirror serves it.
    pub(crate) fn serve(&self, path: &str, files: &Files) {
        self.home.write(&format!("mirror/{path}"), pack(files));
    }

    /// A toy's connector and the action `say`, and its publisher's key.
    pub(crate) fn publish(&self, toy: &Toy) {
        self.serve(&toy.reference().mirror_path(), &toy.connector());
        self.serve(&toy.action_reference("say").mirror_path(), &toy.action("say"));
        self.home.write(&format!("mirror/{}", toy.name.key_path()), toy.publisher.key().to_pem());
    }

    /// Writes a ring of these grants by hand.
    pub(crate) fn ring(&self, grants: &[(&str, &Publisher)]) {
        let mut ring = aileron_verifier::trust::keyring::Keyring::new();
        for (authority, publisher) in grants {
            ring.grant(aileron_verifier::name::fqn::Authority::new(*authority), publisher.key());
        }
        fs::create_dir_all(self.home()).unwrap();
        fs::write(self.home().join("keyring.json"), ring.render()).unwrap();
        fs::set_permissions(self.home().join("keyring.json"), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Runs a line that must fail, and tells exit code and class.
    fn refused(&self, line: &str) -> (i32, String) {
        let ran = self.home.run(&format!("{line} --json --from mirror"));
        let document: Value = ran.json();
        (ran.code, document["error"]["class"].as_str().unwrap_or_else(|| panic!("{line}: {document}")).to_owned())
    }

    /// Nothing was installed, and nothing was begun.
    fn has_nothing(&self, what: &str) {
        let stored = self.stored();
        assert!(stored.is_empty(), "{what}: {stored:?}");
    }

    /// Everything below the store and the actions.
    pub(crate) fn stored(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.home().join("store"), self.home().join("actions")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path.clone());
                }
                found.push(path);
            }
            found.extend(folder.exists().then_some(folder));
        }
        found.sort();
        found
    }
}

const CONNECTOR: &str = "aileron connector install github://acme/echo@1.2.3";
const ACTION: &str = "aileron action add github://acme/echo/actions/say@1.2.3";

#[test] // the issue, "Fail closed"
fn what_no_trusted_key_signed_is_refused_before_anything_is_below_the_store() {
    let (ours, theirs) = (Publisher::from_seed(1), Publisher::from_seed(2));
    let toy = Toy::default();
    type Grants<'a> = &'a [(&'a str, &'a Publisher)];
    let rows: [(&str, Grants<'_>, &str, i32, &str); 6] = [
        ("an empty ring, and a no", &[], "", 1, "signature_failure"),
        ("a wrong key", &[("github://acme/echo", &theirs)], "", 3, "signature_failure"),
        ("a wrong key, and --yes", &[("github://acme/echo", &theirs)], " --yes", 3, "signature_failure"),
        ("a wrong key of the owner", &[("github://acme", &theirs)], " --yes", 3, "signature_failure"),
        ("the key of another repository", &[("github://acme/other", &ours)], "", 1, "signature_failure"),
        ("the key of another scheme", &[("gitlab://acme", &ours)], "", 1, "signature_failure"),
    ];
    for (what, grants, flags, exit, class) in rows {
        let mirror = Mirror::new();
        mirror.publish(&toy);
        mirror.ring(grants);
        let before = fs::read(mirror.home().join("keyring.json")).unwrap();
        for line in [CONNECTOR, ACTION] {
            assert_eq!(mirror.refused(&format!("{line}{flags}")), (exit, class.to_owned()), "{what}: {line}");
        }
        mirror.has_nothing(what);
        assert_eq!(fs::read(mirror.home().join("keyring.json")).unwrap(), before, "{what}");
    }
}

#[test]
fn a_revoked_key_installs_nothing_and_what_it_signed_is_refused() {
    let mirror = Mirror::new();
    mirror.publish(&Toy::default());
    mirror.home.ok("aileron keyring trust --repo-only --from mirror github://acme/echo");
    mirror.home.ok(&format!("{ACTION} --from mirror --yes"));
    mirror.home.ok("aileron verify --installed");
    let fingerprint = Publisher::from_seed(1).fingerprint();
    mirror.home.ok(&format!("aileron keyring revoke --key {fingerprint}"));
    let before = mirror.stored();
    for line in [CONNECTOR, ACTION] {
        assert_eq!(mirror.refused(line), (1, "signature_failure".to_owned()), "{line}");
    }
    let ran = mirror.home.run("aileron verify --installed --json");
    let document = ran.json();
    assert_eq!((ran.code, &document["verified"], &document["refused"]), (3, &0.into(), &2.into()));
    assert_eq!(mirror.stored(), before);
}

/// Publishes something wrong instead of the action or the connector.
type Wrong = fn(&Mirror, &Toy);

/// What is wrong; the command that meets it; the exit code and the class.
const WRONG: [(&str, Wrong, &str, i32, &str); 9] = [
    (
        "an unsigned action",
        |mirror, toy| {
            let document = toy.action_document("say").into_bytes();
            let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
            let mut header = tar::Header::new_ustar();
            header.set_size(document.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, "action.md", document.as_slice()).unwrap();
            let bytes = tar.into_inner().unwrap().finish().unwrap();
            mirror.home.write(&format!("mirror/{}", toy.action_reference("say").mirror_path()), bytes);
        },
        ACTION,
        3,
        "malformed_tarball",
    ),
    (
        "an action with a signature of nothing",
        |mirror, toy| {
            let files = Files::Action { document: toy.action_document("say").into(), signature: vec![0; 64] };
            mirror.serve(&toy.action_reference("say").mirror_path(), &files);
        },
        ACTION,
        3,
        "signature_failure",
    ),
    (
        "an action pinned to content that was never published",
        |mirror, toy| {
            let zeros = format!("sha256:{}", "0".repeat(64));
            let text = action_text("github://acme/echo", "say", "1.2.3", &zeros);
            mirror.serve(&toy.action_reference("say").mirror_path(), &toy.sign_action(text.into_bytes()));
        },
        ACTION,
        1,
        "connectors_missing",
    ),
    (
        "an action pinned to a version that is not there",
        |mirror, toy| {
            let text = toy.action_document("say").replacen(
                "[[requires.connectors]]\nname = \"github://acme/echo\"\nversion = \"1.2.3\"",
                "[[requires.connectors]]\nname = \"github://acme/echo\"\nversion = \"9.9.9\"",
                1,
            );
            assert!(text.contains("9.9.9"));
            mirror.serve(&toy.action_reference("say").mirror_path(), &toy.sign_action(text.into_bytes()));
        },
        ACTION,
        1,
        "connectors_missing",
    ),
    (
        "another action under this name",
        |mirror, toy| mirror.serve(&toy.action_reference("say").mirror_path(), &toy.action("shout")),
        ACTION,
        3,
        "fqn_mismatch",
    ),
    (
        "an older version under this one's tag",
        |mirror, toy| mirror.serve(&toy.reference().mirror_path(), &toy.clone().at("1.0.0").connector()),
        CONNECTOR,
        3,
        "fqn_mismatch",
    ),
    (
        "another connector under this name",
        |mirror, toy| {
            mirror.serve(&toy.reference().mirror_path(), &toy.clone().named("github://acme/other").connector());
        },
        CONNECTOR,
        3,
        "fqn_mismatch",
    ),
    (
        "an action where a connector belongs",
        |mirror, toy| mirror.serve(&toy.reference().mirror_path(), &toy.action("say")),
        CONNECTOR,
        3,
        "malformed_tarball",
    ),
    (
        "a web page where a connector belongs",
        |mirror, toy| {
            mirror.home.write(&format!("mirror/{}", toy.reference().mirror_path()), "<!doctype html><title>Hi");
        },
        CONNECTOR,
        3,
        "malformed_tarball",
    ),
];

#[test] // the issue, "Fail closed", and artifacts.md §6 and §10
fn artifacts_that_are_not_what_they_are_asked_for_are_refused_before_anything_is_below_the_store() {
    for (what, wrong, line, exit, class) in WRONG {
        let (mirror, toy) = (Mirror::new(), Toy::default());
        mirror.publish(&toy);
        mirror.ring(&[("github://acme/echo", &toy.publisher)]);
        wrong(&mirror, &toy);
        for flags in ["", " --yes", " --yes --force"] {
            assert_eq!(mirror.refused(&format!("{line}{flags}")), (exit, class.to_owned()), "{what}{flags}");
        }
        mirror.has_nothing(what);
    }
}

#[test]
fn an_action_whose_connector_is_installed_with_other_content_is_refused() {
    let (mirror, toy) = (Mirror::new(), Toy::default());
    mirror.publish(&toy);
    mirror.ring(&[("github://acme/echo", &toy.publisher)]);
    mirror.home.ok(&format!("{CONNECTOR} --from mirror --yes"));
    let ones = format!("sha256:{}", "1".repeat(64));
    let text = action_text("github://acme/echo", "say", "1.2.3", &ones);
    mirror.serve(&toy.action_reference("say").mirror_path(), &toy.sign_action(text.into_bytes()));
    let before = mirror.stored();
    assert_eq!(mirror.refused(&format!("{ACTION} --yes")), (1, "connectors_missing".to_owned()));
    assert_eq!(mirror.stored(), before);
}

#[test] // keyring.md §1.4
fn a_ring_that_others_can_write_or_that_cannot_be_read_stops_everything() {
    let (mirror, toy) = (Mirror::new(), Toy::default());
    mirror.publish(&toy);
    mirror.ring(&[("github://acme/echo", &toy.publisher)]);
    let ring = mirror.home().join("keyring.json");
    let text = fs::read(&ring).unwrap();
    for (what, mode, bytes) in [
        ("writable by the group", 0o620, text.as_slice()),
        ("writable by all", 0o602, text.as_slice()),
        ("no JSON", 0o600, b"{"),
        ("of a later version", 0o600, b"{\"version\":3,\"publishers\":{}}"),
    ] {
        fs::write(&ring, bytes).unwrap();
        fs::set_permissions(&ring, fs::Permissions::from_mode(mode)).unwrap();
        for line in [CONNECTOR, ACTION] {
            let (exit, class) = mirror.refused(&format!("{line} --yes"));
            assert_eq!((exit, class.as_str()), (1, "validation_error"), "{what}: {line}");
        }
        let ran = mirror.home.run("aileron verify --installed --json");
        assert_eq!(ran.json()["error"]["class"], "validation_error", "{what}");
        mirror.has_nothing(what);
    }
}

#[test]
fn consent_comes_before_the_commit_and_a_no_leaves_nothing() {
    let (mirror, toy) = (Mirror::new(), Toy::default());
    mirror.publish(&toy);
    mirror.ring(&[("github://acme/echo", &toy.publisher)]);
    for line in [CONNECTOR, ACTION] {
        for (flags, outcome) in [("", "cancelled"), (" --dry-run", "dry-run"), (" --dry-run --yes", "dry-run")] {
            let ran = mirror.home.run(&format!("{line}{flags} --json --from mirror"));
            let document = ran.json();
            assert_eq!((ran.code, document["outcome"].as_str()), (0, Some(outcome)), "{line}{flags}");
            mirror.has_nothing(&format!("{line}{flags}"));
        }
    }
    assert!(!Path::new(&mirror.home().join("cache")).exists());
}

#[test]
fn a_tampered_store_and_index_are_detected_and_repaired_by_installing_again() {
    let (mirror, toy) = (Mirror::new(), Toy::default());
    mirror.publish(&toy);
    mirror.ring(&[("github://acme/echo", &toy.publisher)]);
    mirror.home.ok(&format!("{ACTION} --from mirror --yes"));
    let entry = mirror.home().join("store/connectors/sha256").join(toy.content().hex());
    let verify = || {
        let ran = mirror.home.run("aileron verify --installed --json");
        (ran.code, ran.json()["error"]["class"].as_str().map(str::to_owned))
    };
    assert_eq!(verify(), (0, None));

    let module = entry.join("connector.wasm");
    let bytes = fs::read(&module).unwrap();
    let mut changed = bytes.clone();
    let at = changed.windows(4).position(|window| window == b"\"ok\"").unwrap() + 1;
    changed[at] = b'O';
    fs::write(&module, &changed).unwrap();
    assert_eq!(verify(), (3, Some("signature_failure".to_owned())));
    mirror.home.ok(&format!("{CONNECTOR} --from mirror --yes --hash {}", toy.content()));
    assert_eq!(fs::read(&module).unwrap(), bytes, "installing it again repairs it");
    assert_eq!(verify(), (0, None));

    let index = mirror.home().join("store/index/connectors.json");
    let lie = fs::read_to_string(&index).unwrap().replace("@1.2.3", "@9.9.9");
    fs::write(&index, lie).unwrap();
    assert_eq!(verify(), (3, Some("fqn_mismatch".to_owned())));
    let ran = mirror.home.run("aileron connector check --offline --json");
    assert_eq!((ran.code, ran.json()["index"].as_str()), (0, Some("rebuilt")));
    assert_eq!(verify(), (0, None));
}
