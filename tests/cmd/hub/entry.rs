//! `aileron-pub hub entry` over real repositories: what it writes is read back as the Hub's client reads it, and keeps the
//! schema and the checks between entries.

use std::fs;
use std::path::Path;

use aileron_cli::consumer::hub::Catalog;
use aileron_testkit::home::{PUBLIC_KEY, TestHome};
use aileron_testkit::shared;
use aileron_verifier::artifact::catalog::Entry;

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_tree(&entry.path(), &target),
            false => fs::write(target, fs::read(entry.path()).unwrap()).unwrap(),
        }
    }
}

#[test] // keyring.md §9.2, §9.3 and §9.5
fn real_repositories_become_entries_that_keep_the_schema() {
    for (name, actions) in [("google", 21), ("slack", 3), ("athena", 15), ("linear", 516)] {
        let Some(reference) = shared(&format!("reference/{name}")) else { return };
        let home = TestHome::new();
        copy_tree(&reference, &home.path(name));
        home.write(&format!("{name}/keys/publisher.pub"), PUBLIC_KEY);
        let before = home.files();
        let line = format!("aileron-pub -C {name} hub entry --out catalog --category work");
        let ran = home.ok(&line);
        let last: Vec<&str> = ran.stdout.lines().rev().take(3).collect();
        assert_eq!(last[2], format!("wrote {} entries, 0 unchanged", actions + 2), "{name}");
        let catalog = Catalog::read(&home.path("catalog")).unwrap();
        let faults: Vec<_> = (catalog.connectors.iter().flat_map(Entry::faults))
            .chain(catalog.actions.iter().flat_map(Entry::faults))
            .chain(catalog.suites.iter().flat_map(Entry::faults))
            .chain(catalog.suites.iter().flat_map(|suite| suite.closure(&catalog.actions)))
            .collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
        assert_eq!((catalog.connectors.len(), catalog.actions.len(), catalog.suites.len()), (1, actions, 1), "{name}");
        assert_eq!(catalog.suites[0].member_actions.len(), actions);
        let connector = &catalog.connectors[0];
        assert_eq!(connector.fqn, format!("github://ALRubinger/aileron-connector-{name}"));
        let file = format!("catalog/connectors/github_alrubinger_aileron-connector-{name}.yaml");
        let text = home.read(&file);
        let keys: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once(": ")?.0)).collect();
        assert_eq!(keys, ["fqn", "description", "publisher_github", "key_url", "release_pattern"], "{text}");
        assert!(text.ends_with('\n') && !text.contains("---") && !text.contains('\r'), "{text}");
        let after: Vec<_> = home.files().into_iter().filter(|(path, _)| !path.starts_with("catalog")).collect();
        assert_eq!(after, before.into_iter().collect::<Vec<_>>(), "{name}: the work tree is only read");
        assert!(home.ok(&line).stdout.starts_with(&format!("wrote 0 entries, {} unchanged\n", actions + 2)), "{name}");
        let listed = home.ok("aileron hub list actions --catalog catalog").stdout;
        assert_eq!(listed.lines().count(), actions + 1, "{name}");
    }
}

#[test]
fn the_served_key_must_be_the_committed_one() {
    let home = TestHome::with_tea();
    // Nothing listens where the entry points to: the proxy of this test is closed.
    let ran = home.run("HTTPS_PROXY=http://127.0.0.1:1 aileron-pub -C tea hub entry --check-key --json --quiet");
    let error = &ran.json()["error"];
    assert_eq!((ran.code, &error["class"], &error["retriable"]), (4, &"fetch_failed".into(), &true.into()), "{error}");
    assert!(!home.path("tea/dist").exists(), "nothing is written before the key was seen");
}
