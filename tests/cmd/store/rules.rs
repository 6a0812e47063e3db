//! The index, versions that never change, actions and what they need.

use super::*;

#[test] // the index is a cache
fn an_index_that_is_lost_damaged_or_lies_is_made_again_or_found_out() {
    let home = tempfile::tempdir().unwrap();
    let store = healthy(home.path());
    let (old, new) = (old(), new());
    store.put(&connector(&old)).unwrap();
    store.put(&connector(&new)).unwrap();
    let path = home.path().join("store/index/connectors.json");
    let text = fs::read_to_string(&path).unwrap();
    let line = |toy: &Toy| format!("  \"{}\": \"{}\"", toy.reference(), toy.content());
    assert_eq!(text, format!("{{\n{},\n{}\n}}\n", line(&old), line(&new)), "sorted keys");
    let installed = store.installed().unwrap();
    for damaged in ["", "{", "[]", "{\"x\": \"y\"}", "{\"github://acme/echo@1.0.0\": 1}", "{}"] {
        fs::write(&path, damaged).unwrap();
        assert_eq!(store.installed().unwrap(), installed, "{damaged}");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(store.installed().unwrap(), installed);
    assert!(store.rebuild_index().unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), text);

    // Swapped contents agree with what lies there, and with no manifest.
    let (a, b) = (old.content().to_string(), new.content().to_string());
    let lie = text.replace(&a, "A").replace(&b, &a).replace('A', &b);
    fs::write(&path, &lie).unwrap();
    for toy in [&old, &new] {
        let content = store.content_of(&toy.reference()).unwrap().unwrap();
        assert_ne!(content, toy.content());
        let lied = Pinned { reference: toy.reference(), content };
        assert_eq!(store.open(&lied, &toy.ring()).unwrap_err().class(), Class::FqnMismatch);
        store.open(&pinned(toy), &toy.ring()).unwrap();
    }
    assert!(store.rebuild_index().unwrap());
    assert_eq!(store.installed().unwrap(), installed);
}

#[test]
fn a_published_version_never_changes_and_what_is_pinned_stays() {
    let home = tempfile::tempdir().unwrap();
    let store = healthy(home.path());
    let toy = old();
    store.put(&connector(&toy)).unwrap();
    let say = action(&toy, "say");
    store.put_actions(&[&say], false).unwrap();
    let manifest = toy.manifest() + "\n";
    let other = toy.sign_connector(aileron_testkit::module(), manifest.into_bytes());
    let other = Unverified::new(pack(&other)).verify(&Wanted::of(toy.reference()), &toy.ring()).unwrap();
    assert!(matches!(store.put(&other), Err(StoreError::OtherContent { .. })));
    let before = tree(home.path());
    assert!(matches!(store.put(&other), Err(StoreError::OtherContent { .. })));
    assert_eq!(tree(home.path()), before);
    store.put_over(&other, true).unwrap();
    assert_eq!(store.content_of(&toy.reference()).unwrap(), other.content());
    store.verify(&pinned(&toy), &toy.ring()).unwrap();
    assert!(matches!(store.remove(&pinned(&toy)), Err(StoreError::Pinned { by, .. }) if by == ["say"]));
    store.remove_action("say").unwrap();
    store.remove(&pinned(&toy)).unwrap();
    assert!(matches!(store.remove(&pinned(&toy)), Err(StoreError::NoConnector(_))));
    assert!(matches!(store.remove_action("say"), Err(StoreError::NoAction(_))));
    assert!(matches!(store.remove_action("../keyring"), Err(StoreError::NoAction(_))));
}

#[test] // artifacts.md §9 and §10
fn an_action_needs_its_connector_and_a_place_of_its_own() {
    let home = tempfile::tempdir().unwrap();
    let store = healthy(home.path());
    let (old, new) = (old(), new());
    let put = |artifact: &Verified, replace| store.put_actions(&[artifact], replace).map(|mut all| all.remove(0));
    let first = action(&new, "say");
    assert!(matches!(put(&first, false), Err(StoreError::ConnectorMissing { .. })));
    store.put(&connector(&old)).unwrap();
    assert!(matches!(put(&first, true), Err(StoreError::ConnectorMissing { .. })), "another version is not it");
    store.put(&connector(&new)).unwrap();
    let entered = put(&first, false).unwrap();
    assert_eq!((entered.before, entered.was_there), (None, false));
    assert!(put(&first, false).unwrap().was_there);
    assert!(matches!(put(&action(&old, "say"), false), Err(StoreError::Taken { .. })), "a downgrade");
    let reference: Ref = old.action_reference("say");
    assert_eq!(put(&action(&old, "say"), true).unwrap().reference, reference);
    assert_eq!(put(&first, false).unwrap().before, Some(reference), "an upgrade");
    let other = Toy::default().named("github://acme/other").at("9.0.0");
    store.put(&connector(&other)).unwrap();
    assert!(matches!(put(&action(&other, "say"), false), Err(StoreError::Taken { .. })), "another action of that name");
    put(&action(&other, "say"), true).unwrap();
    assert!(matches!(store.put(&first), Err(StoreError::NotAConnector(_))));
    assert!(matches!(put(&connector(&old), false), Err(StoreError::NotAnAction(_))));
}

#[test]
fn many_at_once_lose_nothing() {
    let home = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for number in 0..16_usize {
            let home = home.path();
            scope.spawn(move || {
                let store = healthy(home);
                // Each installs five of eight connectors, with an action each; every one of the eight is wanted by many.
                for at in 0..5 {
                    let which = (number + at) % 8;
                    let toy = Toy::default().named(&format!("github://acme/echo{which}"));
                    store.put(&connector(&toy)).unwrap();
                    store.put_actions(&[&action(&toy, &format!("say{which}"))], false).unwrap();
                }
            });
        }
    });
    let store = healthy(home.path());
    assert_eq!((store.installed().unwrap().len(), store.actions().unwrap().len()), (8, 8));
    assert_sound(home.path(), &Keyring::of_keys([Publisher::from_seed(1).key()]));
    assert_eq!(fs::read_dir(home.path().join("store/connectors/tmp")).unwrap().count(), 0);
    let hidden = fs::read_dir(home.path().join("actions")).unwrap();
    assert!(hidden.map(|entry| entry.unwrap().file_name()).all(|name| !name.to_string_lossy().starts_with('.')));
}
