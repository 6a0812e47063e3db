//! What may be installed and who may be trusted is said by signatures and by the command line, and by nothing else.

use std::fs;

use aileron_testkit::home::Ran;
use aileron_testkit::{Publisher, Toy, pack};
use aileron_verifier::artifact::archive::Files;
use aileron_verifier::name::digest::ArchiveDigest;
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::statement::Document as _;
use aileron_verifier::statement::cohort::{ActionEntry, Archive, Cohort, ConnectorEntry, SuiteEntry, Tool, Toolchain};
use serde_json::{Value, json};

use super::fail_closed::Mirror;

const SUITE: &str = "aileron action add-suite github://acme/echo@1.2.3 --from mirror --json";
const DIRECTORY: &str = "mirror/acme/echo/releases/download/v1.2.3";

fn archive(files: &Files) -> Archive {
    let bytes = pack(files);
    Archive { sha256: ArchiveDigest::of(&[&bytes]), size: bytes.len() as u64 }
}

/// The index of a toy's release with the action `say`.
fn index(toy: &Toy) -> Cohort {
    let name = toy.action_reference("say").name;
    Cohort {
        schema: 1,
        repository: toy.name.repository(),
        version: toy.version.clone(),
        commit: "0".repeat(40).parse().unwrap(),
        dirty: false,
        tool: Tool { name: "test".into(), version: "1.0.0".into() },
        toolchain: Toolchain::PREBUILT,
        key: toy.publisher.fingerprint(),
        connector: ConnectorEntry {
            fqn: toy.name.clone(),
            tag: toy.reference().tag().to_string(),
            content_hash: toy.content(),
            archive: archive(&toy.connector()),
        },
        actions: vec![ActionEntry {
            name: "say".into(),
            tag: name.tag(&toy.version).to_string(),
            fqn: name,
            archive: archive(&toy.action("say")),
            capabilities: vec!["echo".into()],
            approval: false,
        }],
        suite: Some(SuiteEntry { name: "echoes".into(), description: "says things again".into() }),
        capabilities: Default::default(),
        allowed: Vec::new(),
    }
}

impl Mirror {
    /// Puts an index and its signature beside the connector of `github://acme/echo@1.2.3`.
    fn index(&self, cohort: &Cohort, by: &Publisher) {
        let bytes = cohort.render();
        self.home.write(&format!("{DIRECTORY}/cohort.json.sig"), by.sign(&[&bytes]));
        self.home.write(&format!("{DIRECTORY}/cohort.json"), bytes);
    }

    /// Runs `aileron LINE --yes --from mirror` with these lines on standard input.
    fn answered(&self, line: &str, answers: &str) -> Ran {
        self.home.write("answers", answers);
        let line = format!("aileron {line} --yes --from mirror");
        let mut command = self.home.typed(&line);
        command.stdin(fs::File::open(self.home.path("answers")).unwrap());
        self.home.finish(command, &line)
    }

    fn trusted(&self) -> String {
        fs::read_to_string(self.home().join("keyring.json")).unwrap_or_default()
    }
}

/// A mirror with `acme`, who is trusted, and `evil`, who is not; and a list that names evil's action where a release has
/// its suite.
pub(crate) fn scene() -> (Mirror, Toy, Toy) {
    let mirror = Mirror::new();
    let (toy, evil) = (Toy::default(), Toy::default().named("github://evil/echo").by(Publisher::from_seed(66)));
    mirror.publish(&toy);
    mirror.publish(&evil);
    mirror.ring(&[("github://acme", &toy.publisher)]);
    let list = format!(
        "[suite]\nname = \"s\"\ndescription = \"d\"\n[[actions]]\nfqn = \"{}\"\n",
        evil.action_reference("say")
    );
    mirror.home.write(&format!("{DIRECTORY}/suite.toml"), &list);
    mirror.home.write("list.toml", list);
    (mirror, toy, evil)
}

type Tamper = fn(&Mirror, &Toy);

/// What happens to the index; then the exit code and the class.
const TAMPERED: [(&str, Tamper, i32, &str); 13] = [
    ("no index", |_, _| {}, 4, "fetch_failed"),
    (
        "no index, its signature alone",
        |mirror, toy| {
            mirror.index(&index(toy), &toy.publisher);
            fs::remove_file(mirror.home.path(&format!("{DIRECTORY}/cohort.json"))).unwrap();
        },
        4,
        "fetch_failed",
    ),
    (
        "no signature",
        |mirror, toy| {
            mirror.index(&index(toy), &toy.publisher);
            fs::remove_file(mirror.home.path(&format!("{DIRECTORY}/cohort.json.sig"))).unwrap();
        },
        3,
        "signature_failure",
    ),
    (
        "an empty signature",
        |mirror, toy| {
            mirror.index(&index(toy), &toy.publisher);
            mirror.home.write(&format!("{DIRECTORY}/cohort.json.sig"), "");
        },
        3,
        "signature_failure",
    ),
    (
        "an empty index",
        |mirror, toy| {
            mirror.index(&index(toy), &toy.publisher);
            mirror.home.write(&format!("{DIRECTORY}/cohort.json"), "");
        },
        3,
        "signature_failure",
    ),
    (
        "an index with one byte more",
        |mirror, toy| {
            mirror.index(&index(toy), &toy.publisher);
            let bytes = [index(toy).render(), b"\n".to_vec()].concat();
            mirror.home.write(&format!("{DIRECTORY}/cohort.json"), bytes);
        },
        3,
        "signature_failure",
    ),
    (
        "an index by another publisher",
        |mirror, toy| mirror.index(&index(toy), &Publisher::from_seed(66)),
        3,
        "signature_failure",
    ),
    (
        "the index of an older version",
        |mirror, toy| mirror.index(&index(&toy.clone().at("1.2.2")), &toy.publisher),
        3,
        "fqn_mismatch",
    ),
    (
        "the index of another repository",
        |mirror, toy| mirror.index(&index(&toy.clone().named("github://acme/other")), &toy.publisher),
        3,
        "fqn_mismatch",
    ),
    (
        "an action of another repository",
        |mirror, toy| {
            let mut cohort = index(toy);
            cohort.actions[0].fqn = "github://evil/echo/actions/say".parse().unwrap();
            mirror.index(&cohort, &toy.publisher);
        },
        3,
        "validation_error",
    ),
    (
        "an action at another version",
        |mirror, toy| {
            let mut cohort = index(toy);
            cohort.actions[0].tag = "actions/say/v1.2.2".into();
            mirror.index(&cohort, &toy.publisher);
        },
        3,
        "validation_error",
    ),
    (
        "another repository than the connector's",
        |mirror, toy| {
            let mut cohort = index(toy);
            cohort.repository = "github://evil/echo".parse().unwrap();
            mirror.index(&cohort, &toy.publisher);
        },
        3,
        "validation_error",
    ),
    (
        "an index of a newer schema",
        |mirror, toy| mirror.index(&Cohort { schema: 2, ..index(toy) }, &toy.publisher),
        3,
        "validation_error",
    ),
];

#[test] // artifacts.md §10: only what that release's signed index lists
fn a_release_whose_index_is_left_out_or_exchanged_installs_nothing() {
    for (what, tamper, exit, class) in TAMPERED {
        let (mirror, toy, _) = scene();
        tamper(&mirror, &toy);
        let before = mirror.trusted();
        let ran = mirror.home.run(&format!("{SUITE} --yes"));
        let document = ran.json();
        assert_eq!((ran.code, document["error"]["class"].as_str()), (exit, Some(class)), "{what}: {document}");
        assert!(document["error"]["next"].is_string() || exit == 3, "{what}: {document}");
        assert!(mirror.stored().is_empty(), "{what}");
        assert_eq!(mirror.trusted(), before, "{what}");
    }
    let (mirror, toy, _) = scene();
    mirror.index(&index(&toy), &toy.publisher);
    let document: Value = mirror.home.ok(&format!("{SUITE} --yes")).json();
    assert_eq!(document["plan"]["suite"]["list"], "signed index", "{document}");
    assert_eq!(document["plan"]["connectors"][0]["index"], json!({"state": "signed"}), "{document}");
}

#[test] // artifacts.md §10: `--yes` never grants trust to an owner other than the one that was asked for
fn yes_trusts_only_the_publisher_that_was_named() {
    let (acme, evil) = (Toy::default(), Toy::default().named("github://evil/echo").by(Publisher::from_seed(66)));
    // An action of acme that runs on evil's connector.
    let crossing = acme
        .action_document("cross")
        .replace("name = \"github://acme/echo\"", "name = \"github://evil/echo\"")
        .replace("connector = \"github://acme/echo\"", "connector = \"github://evil/echo\"")
        .replace(&acme.content().to_string(), &evil.content().to_string());
    let rows: [(&str, &str, i32, &[&str]); 10] = [
        ("connector install github://acme/echo@1.2.3", "", 0, &["github://acme"]),
        ("connector install github://evil/echo@1.2.3", "", 0, &["github://evil"]),
        ("action add github://acme/echo/actions/say@1.2.3", "", 0, &["github://acme"]),
        ("action add github://acme/echo/actions/cross@1.2.3", "", 1, &["github://acme"]),
        ("action add github://acme/echo/actions/cross@1.2.3", "y\n", 0, &["github://acme", "github://evil"]),
        ("action add-suite -f list.toml", "", 1, &[]),
        ("action add-suite -f list.toml", "n\n", 1, &[]),
        ("action add-suite -f list.toml", "y\n", 0, &["github://evil"]),
        ("connector install evil.tar.gz", "", 1, &[]),
        ("action add say.tar.gz", "n\n", 1, &[]),
    ];
    for (line, answers, exit, trusted) in rows {
        let (mirror, toy, evil) = scene();
        fs::remove_file(mirror.home().join("keyring.json")).unwrap();
        mirror.serve(&toy.action_reference("cross").mirror_path(), &toy.sign_action(crossing.clone().into_bytes()));
        mirror.home.write("evil.tar.gz", pack(&evil.connector()));
        mirror.home.write("say.tar.gz", pack(&evil.action("say")));
        let ran = mirror.answered(line, answers);
        assert_eq!(ran.code, exit, "{line}\n{}{}", ran.stdout, ran.stderr);
        for owner in ["github://acme", "github://evil"] {
            let granted = mirror.trusted().contains(&format!("\"{owner}\""));
            assert_eq!(granted, trusted.contains(&owner), "{line} {answers:?}: {owner}\n{}", ran.stdout);
        }
        let explained = ran.stdout.contains("--yes does not answer this: github://evil was not named");
        assert_eq!(explained, exit == 1 || !answers.is_empty(), "{line}\n{}", ran.stdout);
    }
}

#[test] // artifacts.md §10: `--yes` counts for owners on the command line only, not for those of installed connectors
fn an_upgrade_of_everything_does_not_trust_again_who_was_revoked() {
    for (line, answers, exit) in [
        ("connector upgrade", "", 1),
        ("connector upgrade", "n\n", 1),
        ("connector upgrade", "y\n", 0),
        ("connector upgrade github://acme/echo", "", 0),
        ("action upgrade", "", 1),
        ("action upgrade", "y\n", 0),
        ("action upgrade say", "", 1),
    ] {
        let (mirror, toy, _) = scene();
        let newer = toy.clone().at("1.3.0");
        mirror.home.ok("aileron action add github://acme/echo/actions/say@1.2.3 --from mirror --yes");
        mirror.serve(&newer.reference().mirror_path(), &newer.connector());
        mirror.serve(&newer.action_reference("say").mirror_path(), &newer.action("say"));
        mirror.home.ok("aileron keyring revoke github://acme");
        let ran = mirror.answered(line, answers);
        assert_eq!(ran.code, exit, "{line}\n{}{}", ran.stdout, ran.stderr);
        assert_eq!(mirror.trusted().contains("\"github://acme\""), exit == 0, "{line} {answers:?}");
    }
}

#[test] // artifacts.md §10: what the screen says does not get better by leaving the index out
fn a_connector_whose_release_has_no_index_that_counts_is_shown_as_such() {
    let rows: [(&str, Tamper, &str, &str); 5] = [
        ("none", |_, _| {}, "no signed index:", "absent"),
        (
            "unsigned",
            |m, _| m.home.write(&format!("{DIRECTORY}/cohort.json"), "{}"),
            "its index does not count",
            "unusable",
        ),
        (
            "of another version",
            |m, toy| m.index(&index(&toy.clone().at("1.2.2")), &toy.publisher),
            "its index does not count",
            "unusable",
        ),
        (
            "of other content",
            |m, toy| {
                let mut cohort = index(toy);
                cohort.connector.content_hash = aileron_verifier::name::digest::ContentHash::of(&[b"other"]);
                m.index(&cohort, &toy.publisher);
            },
            "its index does not count",
            "unusable",
        ),
        (
            "signed, and dirty",
            |m, toy| m.index(&Cohort { dirty: true, ..index(toy) }, &toy.publisher),
            "differ from its commit",
            "signed",
        ),
    ];
    for (what, tamper, said, state) in rows {
        for line in ["connector install github://acme/echo@1.2.3", "action add github://acme/echo/actions/say@1.2.3"] {
            let (mirror, toy, _) = scene();
            tamper(&mirror, &toy);
            let ran = mirror.home.ok(&format!("aileron {line} --from mirror --dry-run"));
            let words = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains(said), "{what}: {}", ran.stdout);
            let document = mirror.home.ok(&format!("aileron {line} --from mirror --dry-run --json")).json();
            assert_eq!(document["plan"]["connectors"][0]["index"]["state"], state, "{what}");
        }
    }
}

#[test] // artifacts.md §10
fn a_list_from_a_file_is_called_unsigned_and_installs_what_is_signed() {
    let (mirror, _, evil) = scene();
    mirror.ring(&[("github://evil", &evil.publisher)]);
    let line = "aileron action add-suite -f list.toml --from mirror --dry-run";
    assert!(mirror.home.ok(line).stdout.contains("an unsigned list"));
    assert_eq!(mirror.home.ok(&format!("{line} --json")).json()["plan"]["suite"]["list"], "unsigned list");
}

#[test]
fn the_hint_after_a_refused_suite_names_every_rule_of_all_its_actions() {
    let (mirror, toy, _) = scene();
    let broken: [(&str, &str, &str); 10] = [
        ("a", "type = \"string\"", "type = \"String\""),
        ("b", "description = \"What to say.\"", "description = \" \""),
        ("c", "\"hear it again\"", "\"\""),
        ("d", "name = \"text\"", "name = \"teXt\""),
        ("e", "[[execute]]", "[[inputs]]\nname = \"text\"\ntype = \"string\"\ndescription = \"x\"\n[[execute]]"),
        ("f", "type = \"string\"", "type = \"ID\""),
        ("g", "description = \"What to say.\"", "description = \"\\t\""),
        ("h", "name = \"text\"", "name = \"Text\""),
        ("i", "type = \"string\"", "type = \"JSON\""),
        ("j", "\"hear it again\"", "\"\""),
    ];
    let mut list = "[suite]\nname = \"s\"\ndescription = \"d\"\n".to_owned();
    for (name, from, to) in broken {
        let mut text = toy.action_document(name).replacen(from, to, 1);
        if from.starts_with("name") {
            text = text.replace("${args.text}", "x");
        }
        mirror.serve(&toy.action_reference(name).mirror_path(), &toy.sign_action(text.into_bytes()));
        list.push_str(&format!("[[actions]]\nfqn = \"{}\"\n", toy.action_reference(name)));
    }
    mirror.home.write("list.toml", list);
    let line = "aileron action add-suite -f list.toml --from mirror --yes --json";
    let document = mirror.home.run(line).json();
    let next = document["error"]["next"].as_str().unwrap();
    let rules = ["input-name", "input-type", "input-duplicate", "input-description", "intent-empty"];
    for rule in rules {
        assert_eq!(next.matches(&format!("--allow {rule}")).count(), 1, "{next}");
    }
    let flags: String = rules.iter().map(|rule| format!(" --allow {rule}")).collect();
    let document = mirror.home.ok(&format!("{line}{flags}")).json();
    assert_eq!(document["installed"].as_array().unwrap().len(), 11);
}

#[test]
fn an_action_without_its_signature_is_said_to_be_installed_without_one() {
    let (mirror, _, _) = scene();
    let add = "aileron action add github://acme/echo/actions/say@1.2.3";
    mirror.home.ok(&format!("{add} --from mirror --yes"));
    fs::remove_file(mirror.home().join("actions/say.sig")).unwrap();
    let said = "github://acme/echo/actions/say@1.2.3 was installed without its signature (by the existing runtime)";
    for line in ["verify --installed", "action run say --arg text=x", "verify --installed --full"] {
        let ran = mirror.home.run(&format!("aileron {line} --json"));
        let error = &ran.json()["error"];
        assert_eq!(
            (ran.code, &error["class"], &error["next"]),
            (3, &json!("malformed_tarball"), &json!(add)),
            "{line}: {error}"
        );
        assert!(error["message"].as_str().unwrap().starts_with(said), "{line}: {error}");
    }
    assert!(mirror.home.ok("aileron action list").stdout.contains(&format!("\n  {add}\n")));
    mirror.home.ok(&format!("{add} --from mirror --yes"));
    mirror.home.ok("aileron verify --installed");
    assert!(!mirror.home.ok("aileron action list").stdout.contains("without a signature"));
}

#[test] // artifacts.md §10, class connectors_missing
fn an_action_whose_pinned_connector_is_not_to_be_had_misses_it() {
    let (toy, other) = (Toy::default(), Toy::default().named("github://acme/other"));
    let pinning = |name: &str, version: &str, content: &str| {
        toy.action_document("say")
            .replace(
                "\nname = \"github://acme/echo\"\nversion = \"1.2.3\"",
                &format!("\nname = \"{name}\"\nversion = \"{version}\""),
            )
            .replace("connector = \"github://acme/echo\"", &format!("connector = \"{name}\""))
            .replace(&toy.content().to_string(), content)
    };
    let newer = toy.clone().at("1.3.0");
    let (ours, newer_content, others) =
        (toy.content().to_string(), newer.content().to_string(), other.content().to_string());
    let zeros = format!("sha256:{}", "0".repeat(64));
    let installed: [Option<&Ref>; 2] = [None, Some(&newer.reference())];
    let rows = [
        ("github://acme/echo", "1.2.3", &newer_content),
        ("github://acme/echo", "1.2.3", &others),
        ("github://acme/echo", "1.2.3", &zeros),
        ("github://acme/other", "1.2.3", &ours),
        ("github://acme/other", "9.9.9", &others),
        ("github://acme/echo", "1.4.0", &newer_content),
        ("github://acme/absent", "1.2.3", &ours),
    ];
    for (name, version, content) in rows {
        for installed in installed {
            let (mirror, ..) = scene();
            mirror.publish(&newer);
            mirror.publish(&other);
            let text = pinning(name, version, content);
            mirror.serve(&toy.action_reference("say").mirror_path(), &toy.sign_action(text.into_bytes()));
            if let Some(installed) = installed {
                mirror.home.ok(&format!("aileron connector install {installed} --from mirror --yes"));
            }
            let before = mirror.stored();
            let ran =
                mirror.home.run("aileron action add github://acme/echo/actions/say@1.2.3 --from mirror --yes --json");
            let error = &ran.json()["error"];
            assert_eq!(
                (ran.code, &error["class"]),
                (1, &json!("connectors_missing")),
                "{name}@{version} {content}: {error}"
            );
            assert!(error["next"].is_string() && mirror.stored() == before, "{error}");
        }
    }
}
