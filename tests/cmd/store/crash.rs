//! A crash at any step: of an install, a suite, a removal, a repair.

use super::*;

#[test] // artifacts.md §9
fn a_crash_at_any_step_of_an_install_leaves_a_store_that_is_whole_or_unchanged() {
    let ring = old().ring();
    let (old, new) = (connector(&old()), connector(&new()));
    let put = |artifact: &Verified, store: &Store| store.put(artifact).map(drop);
    let steps = at_every_step(|_| (), |store| put(&old, store), &ring);
    assert!(steps >= 14, "{steps} steps: directory, members, flushes, rename, index");
    at_every_step(|store| put(&old, store).unwrap(), |store| put(&new, store), &ring);
}

#[test]
fn a_crash_while_a_damaged_entry_is_repaired_or_replaced_is_survived() {
    let toy = old();
    let artifact = connector(&toy);
    let resigned = |store: &Store| {
        store.put(&artifact).unwrap();
        let signature = store.open(&pinned(&toy), &toy.ring()).unwrap().directory.join("signature.sig");
        fs::write(signature, [7; 64]).unwrap();
    };
    // While it is damaged it is refused; it is never half of both.
    let home = tempfile::tempdir().unwrap();
    resigned(&healthy(home.path()));
    let error = healthy(home.path()).open(&pinned(&toy), &toy.ring()).unwrap_err();
    assert_eq!(error.class(), Class::SignatureFailure);
    for number in 1.. {
        let home = tempfile::tempdir().unwrap();
        resigned(&healthy(home.path()));
        let done = crashing(home.path(), number).put(&artifact).is_ok();
        healthy(home.path()).put(&artifact).unwrap();
        assert_sound(home.path(), &toy.ring());
        if done {
            break;
        }
    }
}

#[test] // artifacts.md §9 and §10: all or nothing
fn a_crash_at_any_step_of_a_suite_leaves_all_of_it_or_nothing_of_it() {
    let names = ["say", "shout", "whisper", "sing", "hum"];
    let suite = |toy: &Toy| (connector(toy), names.map(|name| action(toy, name)));
    let ring = old().ring();
    let (old, new) = (suite(&old()), suite(&new()));
    let add = |(connector, actions): &(Verified, [Verified; 5]), store: &Store| {
        store.put(connector)?;
        store.put_actions(&actions.each_ref(), false).map(drop)
    };
    at_every_step(|_| (), |store| add(&old, store), &ring);
    for number in 1.. {
        let home = tempfile::tempdir().unwrap();
        add(&old, &healthy(home.path())).unwrap();
        let done = add(&new, &crashing(home.path(), number)).is_ok();
        assert_sound(home.path(), &ring);
        let actions = healthy(home.path()).actions().unwrap();
        let versions: Vec<String> =
            actions.into_iter().map(|file| file.reference.unwrap().version.to_string()).collect();
        let all_of = |version: &str| versions == vec![version; names.len()];
        assert!(all_of("1.0.0") || all_of("1.1.0"), "crashed at step {number}: {versions:?}");
        if done {
            break;
        }
    }
    at_every_step(|store| add(&old, store).unwrap(), |store| add(&new, store), &ring);
}

#[test]
fn a_crash_at_any_step_of_a_removal_leaves_the_connector_or_nothing() {
    let toy = old();
    let (first, second) = (connector(&toy), connector(&new()));
    for number in 1.. {
        let home = tempfile::tempdir().unwrap();
        healthy(home.path()).put(&first).unwrap();
        let done = crashing(home.path(), number).remove(&pinned(&toy)).is_ok();
        assert_sound(home.path(), &toy.ring());
        let left = healthy(home.path()).installed().unwrap();
        assert!(left.is_empty() || left == [pinned(&toy)]);
        // What a removal left aside is swept by the next install.
        healthy(home.path()).put(&second).unwrap();
        let aside = fs::read_dir(home.path().join("store/connectors/tmp")).unwrap().count();
        assert_eq!(aside, 0, "crashed at step {number}");
        if done {
            break;
        }
    }
}

#[test] // artifacts.md §9, "Warm opens": a check that is written down half is a check that was not made
fn a_crash_while_a_check_is_remembered_costs_another_check_and_nothing_else() {
    let toy = old();
    let (first, second) = (connector(&toy), [action(&toy, "say"), action(&toy, "shout")]);
    let home = tempfile::tempdir().unwrap();
    healthy(home.path()).put(&first).unwrap();
    healthy(home.path()).put_actions(&second.each_ref(), false).unwrap();
    let before = tree(home.path());
    let memories = home.path().join("cache/checked");
    let checks = |store: &Store| {
        let opened = store.open(&pinned(&toy), &toy.ring()).unwrap().check;
        let judged = store.judge_actions(&toy.ring(), false).unwrap();
        let actions =
            judged.into_iter().map(|(file, verdict)| verdict.unwrap_or_else(|why| panic!("{}: {why}", file.name)));
        std::iter::once(opened).chain(actions.map(|action| action.check)).collect::<Vec<_>>()
    };
    let remembered = vec![CheckedWhen::Before; 3];
    for number in 1.. {
        let _ = fs::remove_dir_all(home.path().join("cache"));
        let steps = Arc::new(Crashing::at(number));
        let store = Store::with(home.path().to_owned(), steps.clone(), Arc::new(Later));
        assert_eq!(checks(&store), [CheckedWhen::Now; 3], "step {number}: a verdict needs no memory");
        // Whatever the crash left, a memory is whole or none, and the next run checks what it does not find.
        let found = checks(&healthy(home.path()));
        assert!(found.iter().all(|check| [CheckedWhen::Now, CheckedWhen::Before].contains(check)));
        assert_eq!(checks(&healthy(home.path())), remembered, "step {number}");
        assert_eq!(tree(home.path()), before, "step {number}: what is installed is not touched");
        let left = fs::read_dir(&memories)
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_str().is_some_and(|name| !name.ends_with(".json")));
        assert!(left.count() <= 1, "step {number}: at most the one temporary that was being written");
        if steps.is_alive() {
            assert!(number > 4, "directories, files and renames of two memories: {number} steps");
            return;
        }
    }
}

#[test]
fn a_crash_over_an_older_memory_leaves_that_one_or_the_new_one() {
    let toy = old();
    let home = tempfile::tempdir().unwrap();
    healthy(home.path()).put(&connector(&toy)).unwrap();
    let open = |store: &Store, ring: &Keyring| store.open(&pinned(&toy), ring).unwrap().check;
    let mut wider = toy.ring();
    wider.grant(aileron_verifier::name::fqn::Authority::new("github://acme"), Publisher::from_seed(9).key());
    for number in 1.. {
        let _ = fs::remove_dir_all(home.path().join("cache"));
        open(&healthy(home.path()), &toy.ring());
        let steps = Arc::new(Crashing::at(number));
        let store = Store::with(home.path().to_owned(), steps.clone(), Arc::new(Later));
        assert_eq!(open(&store, &wider), CheckedWhen::Now, "another ring");
        let (narrow, wide) = (open(&healthy(home.path()), &toy.ring()), open(&healthy(home.path()), &wider));
        assert!(narrow == CheckedWhen::Before || number > 1, "step {number}: {narrow:?} {wide:?}");
        assert_eq!(open(&healthy(home.path()), &wider), CheckedWhen::Before, "step {number}");
        if steps.is_alive() {
            return;
        }
    }
}
