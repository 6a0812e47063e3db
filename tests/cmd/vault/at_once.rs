//! Real processes: killed in the middle, and many at once.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use aileron_cli::secret::Secret;
use aileron_cli::vault::document::Entry;
use aileron_cli::vault::file::VaultFile;
use aileron_testkit::home::TestHome;

use super::{PASSPHRASE, file, with_vault};

#[test] // V19; the issue: ≥ 50 real kills
fn a_command_that_is_killed_leaves_the_old_vault_or_the_new_one() {
    const KILLS: usize = 50;
    let home = with_vault();
    let vault = VaultFile::at(file(&home));
    let custodian = vault.unlock(&Secret::from(PASSPHRASE.to_owned())).unwrap();
    let value = vec![b'v'; 100_000];
    let fill = |document: &mut aileron_cli::vault::document::Document| {
        for number in 0..20 {
            let blob = custodian.seal(&Secret::from(value.clone()))?;
            document.put(format!("user/s{number}"), Entry::new("user", blob));
        }
        Ok(())
    };
    vault.change(Some(&custodian), fill).unwrap();
    let place = file(&home).parent().unwrap().to_owned();
    let whole = fs::read(file(&home)).unwrap();
    let entries = |of: &VaultFile| of.read().unwrap().unwrap().entries().count();
    let (mut kills, mut attempt, mut changed) = (0, 0, 0);
    while kills < KILLS {
        attempt += 1;
        assert!(attempt < 20 * KILLS, "{kills} kills in {attempt} attempts");
        fs::write(file(&home), &whole).unwrap();
        let mut delete = home.typed(&format!("aileron vault delete user/s{} --yes --quiet", attempt % 20));
        let mut child = delete.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The moment of the kill is a state of the disk, not of the clock: a lock, then so many looks later.
        let mut looks = 0;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            let names = fs::read_dir(&place).unwrap().count();
            looks += usize::from(names > 1);
            if looks > attempt % 40 {
                child.kill().unwrap();
                break child.wait().unwrap();
            }
        };
        kills += usize::from(status.signal().is_some());
        let left = entries(&vault);
        assert!(left == 20 || left == 19, "{left} entries");
        changed += usize::from(left == 19 && status.signal().is_some());
        if attempt % 10 == 0 {
            home.ok("aileron vault delete user/s0 --yes");
            let names: Vec<_> = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(names, ["secrets.json"], "what killed ones left is swept");
        }
    }
    assert!(custodian.is_of(&vault.read().unwrap().unwrap()), "{changed} had changed it already");
}

#[test] // V20; the issue: 8 processes adding at once
fn processes_that_add_at_once_lose_nothing() {
    let home = with_vault();
    home.write("token.txt", "hunter2-token");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let home = &home;
            scope.spawn(move || {
                let put =
                    format!("aileron vault put user/s{number} --from-file token.txt --passphrase-file passphrase.txt");
                home.ok(&put);
            });
        }
    });
    let listed = home.ok("aileron vault list --json").json();
    assert_eq!(listed["entries"].as_array().unwrap().len(), 8);
}

#[test] // vault.md §4.2: two who make one at once
fn of_many_that_make_a_vault_at_once_one_makes_it() {
    let home = TestHome::new();
    home.write("passphrase.txt", PASSPHRASE);
    let made: usize = std::thread::scope(|scope| {
        let init = || home.run("aileron vault init --passphrase-file passphrase.txt").code;
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(init)).collect();
        runs.into_iter().map(|run| usize::from(run.join().unwrap() == 0)).sum()
    });
    assert_eq!(made, 1);
    home.write("token.txt", "hunter2-token");
    home.ok("aileron vault put user/tea --from-file token.txt --passphrase-file passphrase.txt");
}
