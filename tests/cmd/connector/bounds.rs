//! Untrusted bytes and the whole process: an exit code, one document, a short answer, and no other verdict lost.
//! artifacts.md §10, bounds before the signature.

use std::fs;

use aileron_testkit::{Toy, module, pack};
use aileron_verifier::artifact::archive::{Files, MAX_ARCHIVE};

use super::fail_closed::Mirror;

/// What one process may print. artifacts.md §10.
const MOST_OUTPUT: usize = 64 << 10;

/// Manifests that are refused, and the class of each.
fn manifests() -> Vec<(&'static str, Vec<u8>)> {
    let head = "[connector]\nname = \"github://a/b\"\nversion = \"1.0.0\"\n";
    let network = format!("{head}[capabilities.network]\nhosts = [");
    let bad = |count: usize| (0..count).map(|n| format!("\"*{n}\",")).collect::<String>();
    vec![
        ("parse_error", b"x = 1\n\xff".to_vec()),
        ("parse_error", b"\xff".to_vec()),
        ("parse_error", b"[connector]\nname = \"caf\xe9\"\n".to_vec()),
        ("parse_error", format!("x = \"{}", "a".repeat(70_000)).into_bytes()),
        ("parse_error", format!("{head}{}", "k".repeat(200_000)).into_bytes()),
        ("parse_error", (0..20_000).map(|n| format!("k{n}=1\n")).collect::<String>().into_bytes()),
        ("parse_error", "[".repeat(300_000).into_bytes()),
        ("validation_error", format!("{network}{}]\n", bad(3_000)).into_bytes()),
        ("validation_error", format!("{network}\"a.b:1\", \"{}.c:1\", \"x\"]\n", "a".repeat(66_000)).into_bytes()),
        ("validation_error", format!("{network}\"{}\"]\n", "\u{202e}\u{1f600}".repeat(20_000)).into_bytes()),
        ("validation_error", head.replace("a/b", &format!("a/{}", "b".repeat(300_000))).into_bytes()),
        ("validation_error", head.replace("1.0.0", &format!("1.0.0-{}", "b".repeat(300_000))).into_bytes()),
    ]
}

fn unsigned(manifest: Vec<u8>) -> Vec<u8> {
    pack(&Files::Connector { wasm: module(), manifest, signature: vec![0; 64] })
}

#[test] // artifacts.md §8 and §10
fn a_hostile_archive_is_refused_with_a_short_answer() {
    let mirror = Mirror::new();
    let home = &mirror.home;
    mirror.ring(&[]);
    for (class, manifest) in manifests() {
        let what = String::from_utf8_lossy(&manifest[..manifest.len().min(60)]).into_owned();
        home.write("hostile.tar.gz", unsigned(manifest));
        for line in ["aileron verify hostile.tar.gz", "aileron connector install hostile.tar.gz --yes"] {
            let ran = home.run(line);
            assert_eq!(ran.code, 3, "{line} {what}\n{}", ran.stderr);
            assert!(ran.stderr.starts_with(&format!("{class}: ")), "{line} {what}\n{}", ran.stderr);
            assert!(ran.stdout.len() + ran.stderr.len() <= MOST_OUTPUT, "{line} {what}");
            let json = home.run(&format!("{line} --json"));
            assert_eq!((json.code, json.json()["error"]["class"].as_str()), (3, Some(class)), "{line} {what}");
            assert!(json.stdout.len() <= MOST_OUTPUT && json.stderr.is_empty(), "{line} {what}");
        }
    }
}

#[test] // artifacts.md §10
fn a_hostile_archive_among_others_takes_no_verdict_with_it() {
    let mirror = Mirror::new();
    let (home, toy) = (&mirror.home, Toy::default());
    mirror.ring(&[(toy.name.repo_authority().as_str(), &toy.publisher)]);
    home.write("all/0-good.tar.gz", pack(&toy.connector()));
    let hostile = manifests();
    for (at, (_, manifest)) in hostile.iter().enumerate() {
        home.write(&format!("all/{at:02}.tar.gz"), unsigned(manifest.clone()));
    }
    home.write("all/z-good.tar.gz", pack(&toy.action("say")));
    let document = home.run("aileron verify all --json");
    assert_eq!(document.code, 3);
    let document = document.json();
    assert_eq!((document["verified"].as_u64(), document["refused"].as_u64()), (Some(2), Some(hostile.len() as u64)));
    let classes: Vec<_> =
        document["artifacts"].as_array().unwrap().iter().map(|one| one["error"]["class"].as_str()).collect();
    let expected = hostile.iter().map(|(class, _)| Some(*class));
    assert_eq!(classes, std::iter::once(None).chain(expected).chain([None]).collect::<Vec<_>>());
    let text = home.run("aileron verify all");
    assert_eq!(text.stdout.matches("refused: ").count(), hostile.len(), "{}", text.stdout);
    assert!(text.stderr.contains("the first of 12 refused archives"), "{}", text.stderr);
    assert!(text.stdout.len() + text.stderr.len() <= MOST_OUTPUT, "{}", text.stdout.len());
}

#[test] // artifacts.md §7 and §10
fn an_archive_over_its_cap_is_a_malformed_tarball_wherever_it_comes_from() {
    let mirror = Mirror::new();
    let (home, toy) = (&mirror.home, Toy::default());
    mirror.publish(&toy);
    mirror.ring(&[(toy.name.repo_authority().as_str(), &toy.publisher)]);
    let (connector, action) = (toy.reference(), toy.action_reference("say"));
    for path in [
        "big.tar.gz",
        "all/big.tar.gz",
        &format!("mirror/{}", connector.mirror_path()),
        &format!("mirror/{}", action.mirror_path()),
    ] {
        home.write(path, "");
        // Only what is read of it takes room: the file is a hole.
        fs::File::options().write(true).open(home.path(path)).unwrap().set_len(MAX_ARCHIVE + 1).unwrap();
    }
    for line in [
        "aileron verify big.tar.gz".to_owned(),
        "aileron-pub verify big.tar.gz".to_owned(),
        "aileron verify all".to_owned(),
        "aileron connector install big.tar.gz --yes".to_owned(),
        "aileron action add big.tar.gz --yes".to_owned(),
        format!("aileron verify {connector} --from mirror"),
        format!("aileron verify {action} --from mirror"),
        format!("aileron connector install {connector} --from mirror --yes"),
        format!("aileron action add {action} --from mirror --yes"),
    ] {
        let ran = home.run(&format!("{line} --json"));
        assert_eq!(
            (ran.code, ran.json()["error"]["class"].as_str()),
            (3, Some("malformed_tarball")),
            "{line}\n{}",
            ran.stdout
        );
    }
}

#[test] // artifacts.md §4 and §10
fn a_suite_file_that_is_none_is_refused_with_its_class() {
    let mirror = Mirror::new();
    let home = &mirror.home;
    mirror.ring(&[]);
    let member = |n: usize| format!("[[actions]]\nfqn = \"{n}\"\n");
    let head = "[suite]\nname = \"n\"\ndescription = \"d\"\n";
    for (class, suite) in [
        ("parse_error", b"\xff".to_vec()),
        ("parse_error", b"[suite]\nname = \"\xe9\"\n".to_vec()),
        ("parse_error", format!("x = \"{}", "a".repeat(70_000)).into_bytes()),
        ("parse_error", format!("{head}{}", "k = 1\n".repeat(10_000)).into_bytes()),
        (
            "parse_error",
            format!("{head}{}", (0..20_000).map(|n| format!("k{n} = 1\n")).collect::<String>()).into_bytes(),
        ),
        ("validation_error", format!("{head}{}", (0..10_000).map(member).collect::<String>()).into_bytes()),
        (
            "validation_error",
            format!("{head}[[actions]]\nfqn = \"github://a/{}@1.0.0\"\n", "b".repeat(100_000)).into_bytes(),
        ),
        ("validation_error", format!("{head}[[actions]]\nfqn = \"{}\"\n", "\u{202e}".repeat(100_000)).into_bytes()),
        ("validation_error", "#".repeat((1 << 20) + 1).into_bytes()),
        ("parse_error", format!("{head}actions = []\n").into_bytes()),
    ] {
        home.write("suite.toml", &suite);
        let ran = home.run("aileron action add-suite -f suite.toml --yes");
        let what = String::from_utf8_lossy(&suite[..suite.len().min(80)]).into_owned();
        assert_eq!(ran.code, 3, "{what}\n{}", ran.stderr);
        assert!(ran.stderr.starts_with(&format!("{class}: ")), "{what}\n{}", ran.stderr);
        assert!(ran.stdout.len() + ran.stderr.len() <= MOST_OUTPUT, "{what}");
        let json = home.run("aileron action add-suite -f suite.toml --yes --json");
        assert_eq!((json.code, json.json()["error"]["class"].as_str()), (3, Some(class)), "{what}");
    }
}
