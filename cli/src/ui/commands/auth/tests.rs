use std::sync::Arc;

use aileron_verifier::problem::Source;
use aileron_verifier::unit::read_capture;

use super::*;
use crate::sys::disk::Disk;
use crate::sys::disk::crash::Crashing;
use crate::vault::custodian::Cost;
use crate::vault::file::value;

const TOKEN: &str = "gho_marker-of-a-login-0123456789";

fn secret(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

#[test] // sealing.md §1, step 6: the one step of a login that writes
fn killed_at_any_disk_step_of_storing_the_old_or_the_new_token_is_there_whole() {
    let text = "version: v1\nname: gh\nimage: \"\"\ncontainer_name: c\nlogin_cmd: [l]\ntoken_cmd: [r]\nbrowser_shim: \"\"\n\
                config_dir: \"\"\nstore_at: user/github\nkind: user\n";
    let descriptor = read_capture(&Source::new("capture.yaml", text)).expect("a descriptor");
    for before in [None, Some("gho_old")] {
        let mut seen = Vec::new();
        for at in 1.. {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join("secrets.json");
            let vault = VaultFile::with(path.clone(), Arc::new(Disk), Cost::CHEAP);
            let custodian = vault.create(&secret("hunter2")).expect("a vault");
            if let Some(old) = before {
                store(&vault, &custodian, &descriptor, &secret(old)).expect("stores");
            }
            let disk = Arc::new(Crashing::at(at));
            let crashing = VaultFile::with(path, Arc::clone(&disk) as _, Cost::CHEAP);
            let stored = store(&crashing, &custodian, &descriptor, &secret(TOKEN)).is_ok();
            let held = || {
                let document = vault.read().expect("reads").expect("there");
                let entry = document.entry("user/github")?;
                let value = value("user/github", entry, &custodian).expect("opens");
                Some(String::from_utf8(value.expose().to_vec()).expect("text"))
            };
            let now = held();
            assert!(now.as_deref() == before || now.as_deref() == Some(TOKEN), "step {at}: {now:?}");
            assert!(!stored || now.as_deref() == Some(TOKEN), "step {at}");
            seen.push(now);
            // The next run stores it, and nothing of the one that died stays.
            store(&vault, &custodian, &descriptor, &secret(TOKEN)).expect("stores");
            assert_eq!(held().as_deref(), Some(TOKEN));
            let names = std::fs::read_dir(directory.path()).expect("lists").count();
            assert!(names <= 2, "step {at}: the vault and its lock: {names}");
            if disk.is_alive() {
                break;
            }
        }
        let kept = seen.iter().filter(|now| now.as_deref() == before).count();
        assert!(kept > 1 && seen.last() == Some(&Some(TOKEN.to_owned())), "{seen:?}");
    }
}
