//! The file: made once, changed whole, never lost. Keys are cheap in here.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::sys::disk::crash::Crashing;
use crate::vault::error::EntryFlaw;

const PASSPHRASE: &[u8] = b"tea with milk";

fn secret(bytes: &[u8]) -> Secret {
    Secret::from(bytes.to_vec())
}

fn vault(directory: &Path) -> VaultFile {
    VaultFile::with(directory.join("nested/.aileron/secrets.json"), Arc::new(Disk), Cost::CHEAP)
}

fn put(vault: &VaultFile, custodian: &Custodian, name: &str, value: &[u8]) -> Result<(), VaultError> {
    vault.change(Some(custodian), |document| {
        document.put(name, Entry::new("secret", custodian.seal(&secret(value))?));
        Ok(())
    })
}

fn get(vault: &VaultFile, custodian: &Custodian, name: &str) -> Result<Vec<u8>, VaultError> {
    let document = vault.read()?.ok_or_else(|| VaultError::Missing(vault.path().to_owned()))?;
    let entry = document.entry(name).ok_or_else(|| VaultError::NoEntry(name.to_owned()))?;
    Ok(value(name, entry, custodian)?.expose().to_vec())
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test] // V1, V2, V3, V4, V6, V9, V12, V13, V18
fn a_vault_is_made_once_and_opens_with_its_passphrase() {
    let directory = tempfile::tempdir().expect("a directory");
    let vault = vault(directory.path());
    assert!(vault.read().expect("reads").is_none());
    assert!(matches!(vault.unlock(&secret(PASSPHRASE)), Err(VaultError::Missing(_))));
    assert!(matches!(vault.create(&secret(b"")), Err(VaultError::EmptyPassphrase)));
    assert!(!vault.path().exists());
    let made = vault.create(&secret(PASSPHRASE)).expect("a vault");
    let text = fs::read_to_string(vault.path()).expect("a file");
    assert!(
        text.starts_with("{\n  \"version\": 1,\n  \"salt\": \"") && text.contains("\"verification\": \""),
        "{text}"
    );
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(vault.path()), mode(vault.path().parent().expect("one"))), (0o600, 0o700));
    assert_eq!(names(vault.path().parent().expect("one")), ["secrets.json"]);
    assert!(matches!(vault.create(&secret(PASSPHRASE)), Err(VaultError::Exists(_))));
    assert_eq!(fs::read_to_string(vault.path()).expect("a file"), text);
    assert!(matches!(vault.unlock(&secret(b"coffee")), Err(VaultError::Rejected)));
    assert!(matches!(vault.unlock(&secret(b"")), Err(VaultError::EmptyPassphrase)));
    let unlocked = vault.unlock(&secret(PASSPHRASE)).expect("opens");
    assert_eq!(unlocked.header(), made.header());
}

#[test] // V10, V11, V16, V17
fn what_is_put_comes_back_and_is_not_in_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let vault = vault(directory.path());
    let custodian = vault.create(&secret(PASSPHRASE)).expect("a vault");
    put(&vault, &custodian, "secret/tea", b"hunter2-hunter2").expect("puts");
    let again = vault.unlock(&secret(PASSPHRASE)).expect("opens");
    assert_eq!(get(&vault, &again, "secret/tea").expect("there"), b"hunter2-hunter2");
    let text = fs::read_to_string(vault.path()).expect("a file");
    assert!(text.contains("secret/tea") && !text.contains("hunter2") && !text.contains("aHVudGVyMi"), "{text}");
    assert!(vault.change(None, |document| Ok(document.remove("secret/tea"))).expect("removes"));
    let gone = get(&vault, &again, "secret/tea").expect_err("removed");
    assert_eq!(gone.to_string(), "vault: secret not found: secret/tea");
}

#[test] // V7, V8: vault.md §4.2, §4.3
fn an_older_file_gets_its_verifier_from_the_passphrase_that_opens_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let vault = vault(directory.path());
    let custodian = vault.create(&secret(PASSPHRASE)).expect("a vault");
    put(&vault, &custodian, "secret/tea", b"v").expect("puts");
    let text = fs::read_to_string(vault.path()).expect("a file");
    let older = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains("verification") && !line.contains("version"));
        lines.collect::<Vec<_>>().join("\n")
    };
    fs::write(vault.path(), older(&text)).expect("writes");
    assert!(matches!(vault.create(&secret(b"coffee")), Err(VaultError::Rejected)), "first the passphrase is proven");
    assert!(matches!(vault.unlock(&secret(b"coffee")), Err(VaultError::Rejected)));
    let custodian = vault.unlock(&secret(PASSPHRASE)).expect("an entry opens");
    assert_eq!(fs::read_to_string(vault.path()).expect("a file"), older(&text), "unlocking writes nothing");
    put(&vault, &custodian, "secret/more", b"w").expect("puts");
    let document = vault.read().expect("reads").expect("there");
    assert_eq!(document.state(), State::Ready);
    assert_eq!(get(&vault, &vault.unlock(&secret(PASSPHRASE)).expect("opens"), "secret/tea").expect("there"), b"v");
    // Without an entry there is nothing to prove: it is made as a new one, with the salt it has.
    let salt = document.header().salt.clone();
    vault
        .change(None, |document| Ok((document.remove("secret/tea"), document.remove("secret/more"))))
        .expect("removes");
    fs::write(vault.path(), older(&fs::read_to_string(vault.path()).expect("a file"))).expect("writes");
    assert!(matches!(vault.unlock(&secret(PASSPHRASE)), Err(VaultError::Rejected)));
    let made = vault.create(&secret(b"another")).expect("made");
    assert_eq!(made.header().salt, salt);
    assert!(vault.unlock(&secret(b"another")).is_ok());
}

#[test] // vault.md §5: never written, never replaced
fn what_cannot_be_read_stays_byte_for_byte() {
    let directory = tempfile::tempdir().expect("a directory");
    let vault = vault(directory.path());
    let custodian = vault.create(&secret(PASSPHRASE)).expect("a vault");
    put(&vault, &custodian, "secret/tea", b"v").expect("puts");
    let whole = fs::read_to_string(vault.path()).expect("a file");
    let mut deep = "[".repeat(1 << 20);
    deep.push_str(&"]".repeat(1 << 20));
    for text in [
        "not json",
        "",
        &whole[..whole.len() / 2],
        &whole.replace("\"version\": 1", "\"version\": 2"),
        &whole.replace("\"salt\": \"", "\"salt\": \"*"),
        &whole.replace("\"salt\"", "\"pepper\""),
        &deep,
    ] {
        fs::write(vault.path(), text).expect("writes");
        let refusals = [
            vault.unlock(&secret(PASSPHRASE)).err(),
            vault.create(&secret(PASSPHRASE)).err(),
            put(&vault, &custodian, "secret/more", b"w").err(),
            vault.change(None, |document| Ok(document.remove("secret/tea"))).err(),
            vault.rekey(&custodian, &secret(b"new")).err(),
        ];
        for refusal in refusals {
            assert!(matches!(refusal, Some(VaultError::Corrupt { .. })), "{refusal:?}");
        }
        assert_eq!(fs::read_to_string(vault.path()).expect("a file"), text);
        assert_eq!(names(vault.path().parent().expect("one")), ["secrets.json"]);
    }
    let long = fs::File::create(vault.path()).expect("a file");
    long.set_len(LIMIT + 1).expect("a long one");
    let refusal = vault.read().expect_err("too long");
    assert!(refusal.to_string().ends_with("longer than 16 MiB"), "{refusal}");
}

#[test] // V15; and no longer than it is read again
fn what_cannot_be_written_leaves_the_old_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let vault = vault(directory.path());
    let custodian = vault.create(&secret(PASSPHRASE)).expect("a vault");
    let before = fs::read(vault.path()).expect("a file");
    let long = vec![0; (LIMIT / 2) as usize];
    assert!(matches!(put(&vault, &custodian, "secret/long", &long), Err(VaultError::TooLong { .. })));
    let home = vault.path().parent().expect("one").to_owned();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o500)).expect("chmod");
    // Root may write everywhere.
    if fs::write(home.join("probe"), "").is_err() {
        let refused = put(&vault, &custodian, "secret/tea", b"v").expect_err("a directory that cannot be written");
        assert!(matches!(refused, VaultError::Locked(_) | VaultError::Disk(_)), "{refused}");
    }
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("chmod");
    assert_eq!(fs::read(vault.path()).expect("a file"), before);
}

#[test] // V19: a crash at each disk step of init, put, rekey and delete
fn dying_at_any_step_leaves_the_old_vault_or_the_new_one() {
    type Change = fn(&VaultFile, &Custodian) -> Result<(), VaultError>;
    let changes: [(&str, Change); 3] = [
        ("put", |vault, custodian| put(vault, custodian, "secret/new", b"new")),
        ("delete", |vault, _| vault.change(None, |document| Ok(document.remove("secret/old"))).map(|_| ())),
        ("rekey", |vault, custodian| vault.rekey(custodian, &secret(b"another")).map(drop)),
    ];
    for (what, change) in changes {
        let mut survived = false;
        for steps in 1.. {
            let directory = tempfile::tempdir().expect("a directory");
            let healthy = vault(directory.path());
            let custodian = healthy.create(&secret(PASSPHRASE)).expect("a vault");
            put(&healthy, &custodian, "secret/old", b"old").expect("puts");
            let before = fs::read(healthy.path()).expect("a file");
            let dying = VaultFile::with(healthy.path().to_owned(), Arc::new(Crashing::at(steps)), Cost::CHEAP);
            survived = change(&dying, &custodian).is_ok();
            let after = fs::read(healthy.path()).expect("a file");
            if after != before {
                let passphrase: &[u8] = if what == "rekey" { b"another" } else { PASSPHRASE };
                let custodian = healthy.unlock(&secret(passphrase)).expect("the new one is whole");
                let expected: (bool, bool) = (what != "delete", what == "put");
                let has = |name: &str| get(&healthy, &custodian, name).is_ok();
                assert_eq!((has("secret/old"), has("secret/new")), expected, "{what}, {steps} steps");
            }
            // The next change works, and sweeps.
            let passphrases = [PASSPHRASE, b"another"];
            let custodian = passphrases.iter().find_map(|word| healthy.unlock(&secret(word)).ok()).expect("opens");
            put(&healthy, &custodian, "secret/next", b"next").expect("puts");
            assert_eq!(names(healthy.path().parent().expect("one")), ["secrets.json"], "{what}, {steps} steps");
            if survived {
                break;
            }
        }
        assert!(survived);
    }
}

#[test] // V19, for a vault that is being made
fn dying_while_a_vault_is_made_leaves_none_or_a_whole_one() {
    for steps in 1..10 {
        let directory = tempfile::tempdir().expect("a directory");
        let healthy = vault(directory.path());
        let dying = VaultFile::with(healthy.path().to_owned(), Arc::new(Crashing::at(steps)), Cost::CHEAP);
        let made = dying.create(&secret(PASSPHRASE)).is_ok();
        match healthy.read().expect("whole or absent") {
            Some(_) => assert!(healthy.unlock(&secret(PASSPHRASE)).is_ok(), "{steps} steps"),
            None => assert!(!made && healthy.create(&secret(PASSPHRASE)).is_ok(), "{steps} steps"),
        }
    }
}

#[test] // vault.md §5: V20, and two who make one at once
fn many_writers_at_once_lose_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let vault = vault(directory.path());
    let made: usize = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..8).map(|_| scope.spawn(|| vault.create(&secret(PASSPHRASE)).is_ok())).collect();
        makers.into_iter().map(|maker| usize::from(maker.join().expect("no panic"))).sum()
    });
    assert_eq!(made, 1);
    let patient = vault.clone().waiting(LockPolicy { wait: Duration::from_secs(120), ..LockPolicy::default() });
    let custodian = vault.unlock(&secret(PASSPHRASE)).expect("opens");
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (patient, custodian) = (&patient, &custodian);
            scope.spawn(move || {
                for number in 0..4 {
                    put(patient, custodian, &format!("secret/{writer}-{number}"), b"v").expect("puts");
                }
            });
        }
    });
    assert_eq!(vault.read().expect("reads").expect("there").entries().count(), 32);
}

#[test] // vault.md §5: a writer that takes no lock
fn a_change_by_a_program_that_takes_no_lock_is_not_overwritten() {
    let directory = tempfile::tempdir().expect("a directory");
    let vault = vault(directory.path());
    let custodian = vault.create(&secret(PASSPHRASE)).expect("a vault");
    let foreign = AtomicUsize::new(0);
    vault
        .change(Some(&custodian), |document| {
            // Between our look and our rename, the first three times.
            if foreign.fetch_add(1, Ordering::SeqCst) < 3 {
                let mut theirs = document.clone();
                theirs.put(
                    format!("secret/{}", foreign.load(Ordering::SeqCst)),
                    Entry::new("secret", custodian.seal(&secret(b"t"))?),
                );
                fs::write(vault.path(), theirs.render()).expect("in place");
            }
            document.put("secret/ours", Entry::new("secret", custodian.seal(&secret(b"o"))?));
            Ok(())
        })
        .expect("settled in the end");
    let document = vault.read().expect("reads").expect("there");
    let found: Vec<&str> = document.entries().map(|(name, _)| name).collect();
    assert_eq!(found, ["secret/1", "secret/2", "secret/3", "secret/ours"]);
    let endless = vault.change(None, |document| {
        fs::write(vault.path(), document.render()).expect("in place");
        Ok(())
    });
    assert!(matches!(endless, Err(VaultError::Unsettled(_))));
}

#[test] // vault.md §5: a vault that was replaced meanwhile is not written with the old key
fn a_key_is_good_for_its_own_vault_only() {
    let directory = tempfile::tempdir().expect("a directory");
    let vault = vault(directory.path());
    let old = vault.create(&secret(PASSPHRASE)).expect("a vault");
    put(&vault, &old, "secret/tea", b"v").expect("puts");
    let new = vault.rekey(&old, &secret(b"another")).expect("a new key");
    assert!(matches!(put(&vault, &old, "secret/more", b"w"), Err(VaultError::Unavailable)));
    assert!(matches!(vault.rekey(&old, &secret(b"third")), Err(VaultError::Unavailable)));
    assert!(matches!(vault.unlock(&secret(PASSPHRASE)), Err(VaultError::Rejected)));
    assert_ne!(new.header().salt, old.header().salt);
    assert_eq!(get(&vault, &vault.unlock(&secret(b"another")).expect("opens"), "secret/tea").expect("there"), b"v");
}

#[test] // vault.md §6.5: one entry that does not open stops it
fn rekeying_is_all_or_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let vault = vault(directory.path());
    let custodian = vault.create(&secret(PASSPHRASE)).expect("a vault");
    put(&vault, &custodian, "secret/tea", b"v").expect("puts");
    vault
        .change(None, |document| {
            document.put("secret/bad", Entry::new("secret", vec![0; 40].into()));
            Ok(())
        })
        .expect("puts");
    let before = fs::read(vault.path()).expect("a file");
    let refused = vault.rekey(&custodian, &secret(b"another")).err().expect("one does not open");
    assert_eq!(refused.to_string(), "vault: decrypting secret at \"secret/bad\": authentication failure");
    assert!(matches!(refused, VaultError::Entry { why: EntryFlaw::Blob(_), .. }));
    assert_eq!(fs::read(vault.path()).expect("a file"), before);
}

#[test] // vault.md §5
fn a_link_survives_and_its_target_is_written_and_removed() {
    let directory = tempfile::tempdir().expect("a directory");
    let (real, link) = (directory.path().join("dotfiles/real.json"), directory.path().join("secrets.json"));
    symlink("dotfiles/real.json", &link).expect("links");
    let vault = VaultFile::with(link.clone(), Arc::new(Disk), Cost::CHEAP);
    let custodian = vault.create(&secret(PASSPHRASE)).expect("a vault");
    put(&vault, &custodian, "secret/tea", b"v").expect("puts");
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink() && real.is_file());
    vault.remove().expect("removes");
    assert!(!real.exists() && fs::symlink_metadata(&link).is_err());
    vault.remove().expect("twice is fine");
}

#[test] // vault.md §1; artifacts.md §10, "Private"
fn permissions_are_tightened_and_what_others_can_write_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let vault = vault(directory.path());
    let custodian = vault.create(&secret(PASSPHRASE)).expect("a vault");
    assert!(!vault.tighten());
    let mode = |mode| fs::set_permissions(vault.path(), fs::Permissions::from_mode(mode)).expect("chmod");
    mode(0o644);
    assert!(vault.tighten() && !vault.tighten());
    assert_eq!(fs::metadata(vault.path()).expect("there").mode() & 0o777, 0o600);
    mode(0o644);
    put(&vault, &custodian, "secret/tea", b"v").expect("puts");
    assert_eq!(fs::metadata(vault.path()).expect("there").mode() & 0o777, 0o600);
    mode(0o660);
    assert!(matches!(vault.read(), Err(VaultError::NotPrivate(_))));
    assert!(matches!(put(&vault, &custodian, "secret/more", b"v"), Err(VaultError::NotPrivate(_))));
    assert!(!vault.tighten(), "another user could have written it");
}
