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
        let done = dying(home.path(), number).put(&artifact).is_ok();
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
        let done = add(&new, &dying(home.path(), number)).is_ok();
        assert_sound(home.path(), &ring);
        let actions = healthy(home.path()).actions().unwrap();
        let versions: Vec<String> =
            actions.into_iter().map(|file| file.reference.unwrap().version.to_string()).collect();
        let all_of = |version: &str| versions == vec![version; names.len()];
        assert!(all_of("1.0.0") || all_of("1.1.0"), "died at step {number}: {versions:?}");
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
        let done = dying(home.path(), number).remove(&pinned(&toy)).is_ok();
        assert_sound(home.path(), &toy.ring());
        let left = healthy(home.path()).installed().unwrap();
        assert!(left.is_empty() || left == [pinned(&toy)]);
        // What a removal left aside is swept by the next install.
        healthy(home.path()).put(&second).unwrap();
        let aside = fs::read_dir(home.path().join("store/connectors/tmp")).unwrap().count();
        assert_eq!(aside, 0, "died at step {number}");
        if done {
            break;
        }
    }
}
