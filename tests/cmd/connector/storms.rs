//! Real processes: killed in the middle, and many at once.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;

use aileron_cli::store::Store;
use aileron_testkit::{Publisher, Toy, pack};
use aileron_verifier::artifact::verify::{Unverified, Verified, Wanted};
use aileron_verifier::trust::keyring::Keyring;

use super::fail_closed::Mirror;

const ACTIONS: [&str; 8] = ["say", "shout", "whisper", "sing", "hum", "mumble", "yell", "chant"];

/// A mirror with two versions of a connector and eight actions, a suite file for each, and a ring that trusts them.
fn mirror() -> Mirror {
    let mirror = Mirror::new();
    for version in ["1.0.0", "1.1.0"] {
        let toy = Toy::default().at(version);
        mirror.serve(&toy.reference().mirror_path(), &toy.connector());
        let mut suite = "[suite]\nname = \"Echoes\"\ndescription = \"All of them.\"\n".to_owned();
        for name in ACTIONS {
            let reference = toy.action_reference(name);
            mirror.serve(&reference.mirror_path(), &toy.action(name));
            suite.push_str(&format!("\n[[actions]]\nfqn = \"{reference}\"\n"));
        }
        mirror.home.write(&format!("{version}.toml"), suite);
    }
    mirror.ring(&[("github://acme/echo", &Publisher::from_seed(1))]);
    mirror
}

fn verified(toy: &Toy) -> (Verified, Vec<Verified>) {
    let judge = |files, reference| Unverified::new(pack(&files)).verify(&Wanted::of(reference), &toy.ring()).unwrap();
    let actions = ACTIONS.iter().map(|name| judge(toy.action(name), toy.action_reference(name))).collect();
    (judge(toy.connector(), toy.reference()), actions)
}

/// Files and directories below a path.
fn count(path: &Path) -> usize {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| 1 + if entry.path().is_dir() { count(&entry.path()) } else { 0 }).sum()
}

/// Everything verifies; the actions are all of one version, or none of any.
fn assert_whole(home: &Path, ring: &Keyring, when: &str) {
    let store = Store::at(home.to_owned());
    let installed = store.installed().unwrap();
    for pinned in &installed {
        store.verify(pinned, ring).unwrap_or_else(|error| panic!("{when}: {error}"));
    }
    let files = store.actions().unwrap();
    for file in &files {
        store.verify_action(&file.name, ring).unwrap_or_else(|error| panic!("{when}: {error}"));
        assert!(file.needs.iter().all(|needs| installed.contains(needs)), "{when}: {} lacks its connector", file.name);
    }
    let versions: Vec<_> = files.iter().map(|file| file.reference.as_ref().unwrap().version.to_string()).collect();
    let whole = versions.is_empty() || versions == vec![versions[0].clone(); ACTIONS.len()];
    assert!(whole, "{when}: {versions:?}");
    store.rebuild_index().unwrap();
    assert_eq!(store.installed().unwrap(), installed, "{when}");
}

#[test] // the issue: ≥ 50 real kills
fn an_installer_that_is_killed_leaves_a_store_that_is_whole_or_unchanged() {
    const KILLS: usize = 50;
    let mirror = mirror();
    let ring = Toy::default().ring();
    let (connector, actions) = verified(&Toy::default().at("1.0.0"));
    let home = mirror.home();
    let reset = |with_old: bool| {
        let _ = fs::remove_dir_all(home.join("store"));
        let _ = fs::remove_dir_all(home.join("actions"));
        if with_old {
            let store = Store::at(home.clone());
            store.put(&connector).unwrap();
            store.put_actions(&actions.iter().collect::<Vec<_>>(), false).unwrap();
        }
    };
    let below = || count(&home.join("store")) + count(&home.join("actions"));
    let (mut kills, mut attempt) = (0, 0);
    while kills < KILLS {
        attempt += 1;
        assert!(attempt < 20 * KILLS, "{kills} kills in {attempt} attempts");
        let with_old = attempt % 2 == 0;
        reset(with_old);
        let base = below();
        // The moment of the kill is a state of the disk, not of the clock: so many entries more than at the beginning.
        let entries = 1 + attempt / 2 % 30;
        let mut install = mirror.home.typed("aileron action add-suite -f 1.1.0.toml --from mirror --yes --quiet");
        let mut child = install.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if below() >= base + entries {
                child.kill().unwrap();
                break child.wait().unwrap();
            }
        };
        kills += usize::from(status.signal().is_some());
        assert_whole(
            &home,
            &ring,
            &format!("killed at {entries} entries, {}", if with_old { "upgrading" } else { "new" }),
        );
        if attempt % 10 == 0 {
            mirror.home.ok("aileron action add-suite -f 1.1.0.toml --from mirror --yes");
            assert_whole(&home, &ring, "installed after a kill");
            assert_eq!(Store::at(home.clone()).actions().unwrap().len(), ACTIONS.len());
            assert_eq!(count(&home.join("store/connectors/tmp")), 0, "what the killed one left is swept");
        }
    }
}

#[test] // the issue: 16 parallel installs of overlapping sets, and a parallel trust/revoke storm
fn many_installers_and_a_storm_of_trust_lose_nothing() {
    let mirror = Mirror::new();
    let owners = 8_usize;
    for number in 0..owners {
        let toy = Toy::default().named(&format!("github://acme/echo{number}"));
        mirror.serve(&toy.reference().mirror_path(), &toy.connector());
        mirror
            .serve(&toy.action_reference(&format!("say{number}")).mirror_path(), &toy.action(&format!("say{number}")));
    }
    mirror.ring(&[("github://acme", &Publisher::from_seed(1)), ("github://gone", &Publisher::from_seed(3))]);
    mirror.home.write("other.pub", Publisher::from_seed(2).key().to_pem());
    for set in 0..16_usize {
        let mut suite = "[suite]\nname = \"Some\"\ndescription = \"Of them.\"\n".to_owned();
        for at in 0..4 {
            let number = (set + at) % owners;
            suite.push_str(&format!("\n[[actions]]\nfqn = \"github://acme/echo{number}/actions/say{number}@1.2.3\"\n"));
        }
        mirror.home.write(&format!("set{set}.toml"), suite);
    }
    std::thread::scope(|scope| {
        let home = &mirror.home;
        let run = move |line: String| {
            let output = home.typed(&line).output().unwrap();
            assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
        };
        for number in 0..16 {
            scope.spawn(move || {
                run(format!("aileron action add-suite -f set{number}.toml --from mirror --yes --quiet"))
            });
            scope.spawn(move || run(format!("aileron keyring trust --key-file other.pub github://stranger{number}")));
            scope.spawn(move || {
                run(format!("aileron keyring trust --key-file other.pub github://passing{number}"));
                run(format!("aileron keyring revoke github://passing{number}"));
            });
        }
        scope.spawn(move || run("aileron keyring revoke github://gone".to_owned()));
    });
    let store = Store::at(mirror.home());
    assert_eq!((store.installed().unwrap().len(), store.actions().unwrap().len()), (owners, owners));
    let listed = mirror.home.ok("aileron keyring list --json").json();
    let mut authorities: Vec<String> = listed["grants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|grant| grant["authority"].as_str().unwrap().to_owned())
        .collect();
    authorities.sort();
    let mut expected: Vec<String> = (0..16).map(|number| format!("github://stranger{number}")).collect();
    expected.push("github://acme".to_owned());
    expected.sort();
    assert_eq!(authorities, expected);
    mirror.home.ok("aileron verify --installed --full");
    assert_eq!(count(&mirror.home().join("store/connectors/tmp")), 0);
    let hidden = fs::read_dir(mirror.home().join("actions")).unwrap();
    let hidden: Vec<_> =
        hidden.map(|entry| entry.unwrap().file_name()).filter(|name| name.as_encoded_bytes()[0] == b'.').collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}
