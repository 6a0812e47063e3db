//! What a person sees and types, on a real terminal. The product's own words. vault.md §6.2.

use std::process::Stdio;

use aileron_testkit::home::{TestHome, ended, ok};

use super::home;
use crate::run::running::echo;
use crate::vault::terminal::Terminal;
use crate::vault::{PASSPHRASE, file, with_vault};

fn stars() -> String {
    "*".repeat(PASSPHRASE.len())
}

#[test]
fn the_first_time_a_vault_is_made() {
    let home = TestHome::new();
    let mut terminal = Terminal::start(&home, "\"$AILERON\" launch sh -c 'echo here'");
    terminal.sees("No vault detected. Create one now? [Y/n] ").types("Y\r");
    terminal.sees("Y\r\n").sees("  Creating a new Aileron vault.\r\n");
    terminal.sees("Choose a passphrase to protect your credentials:\r\n> ").types(format!("{PASSPHRASE}\r"));
    terminal.sees(&format!("{}\r\nConfirm passphrase:\r\n> ", stars())).types(format!("{PASSPHRASE}\r"));
    terminal.sees(&stars());
    terminal.sees("\r\n\r\nDeriving encryption key (Argon2id, 64 MiB memory, ~500ms)...  ✓\r\n");
    terminal.sees("✓ Vault created at ~/.aileron/secrets.json\r\n✓ Listening on http://localhost:");
    terminal.sees("/v1\r\nhere\r\n");
    terminal.ends(&home, 0);
    assert!(file(&home).exists());
}

#[test]
fn every_time_after_that_it_is_unlocked_with_one_retry() {
    let home = with_vault();
    let launch = "\"$AILERON\" launch sh -c 'read -r line; echo \"got $line\"; exit 3'";
    let mut terminal = Terminal::start(&home, launch);
    terminal.sees("Vault is encrypted. Enter passphrase to unlock:\r\n> ").types("coffee\r");
    terminal.sees("******\r\n\r\nVerifying passphrase...  ✗\r\naileron: wrong passphrase — try again.\r\n");
    terminal.sees("Vault is encrypted. Enter passphrase to unlock:\r\n> ").types(format!("x\x7f{PASSPHRASE}\r"));
    terminal.sees("\r\n\r\nVerifying passphrase...  ✓\r\n✓ Vault unlocked\r\n✓ Listening on http://localhost:");
    // The program has the terminal, in order.
    terminal.sees("/v1\r\n").types("tea\r");
    terminal.sees("got tea\r\n");
    terminal.ends(&home, 3);
    let mut terminal = Terminal::start(&home, launch);
    terminal.sees("> ").types("coffee\r");
    terminal.sees("try again").sees("> ").types("coffee\r");
    terminal.sees("✗\r\nvault unlock rejected: wrong passphrase\r\n");
    terminal.ends(&home, 1);
}

#[test]
fn who_wants_no_vault_gets_none_and_nothing_is_started() {
    let home = TestHome::new();
    for answer in ["n\r", "No\r", "what\r"] {
        let mut terminal = Terminal::start(&home, "\"$AILERON\" launch sh -c 'echo started'");
        terminal.sees("[Y/n] ").types(answer);
        terminal.sees("No vault was made; nothing was started.\r\n");
        terminal.ends(&home, 0);
    }
    let mut terminal = Terminal::start(&home, "\"$AILERON\" launch sh -c 'echo started'");
    terminal.sees("[Y/n] ").types("\x03");
    terminal.ends(&home, 130);
    assert!(!file(&home).exists());
}

#[test]
fn approval_is_asked_for_where_it_was_started() {
    let service = echo();
    let home = home(&service);
    let mut terminal = Terminal::start(&home, "trap : INT; \"$AILERON\" launch --passphrase-file passphrase.txt");
    terminal.sees("✓ Listening on ").sees("\r\n");
    for (typed, code, requests) in [("n", 6, 0), ("y", 0, 1), ("", 6, 1)] {
        let mut asking = home.consumer(&["action", "run", "tea-about", "--arg", "why=fun", "--approve"]);
        let asking = asking.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        terminal.sees("tea-about 0.1.0 wants your approval.\r\n").sees("why: fun\r\n").sees("Run it? [y/N]: ");
        terminal.types(format!("{typed}\r"));
        let said = ended(asking);
        assert_eq!((said.code, service.seen().len()), (code, requests), "{said}");
        assert!(said.stderr.contains("--approve does not count there"), "{said}");
    }
    // Who asked has gone: a late yes approves nothing.
    let asking = home.consumer(&["action", "run", "tea-about", "--arg", "why=gone"]);
    let mut asking = { asking }.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    terminal.sees("why: gone\r\n").sees("Run it? [y/N]: ");
    asking.kill().unwrap();
    asking.wait().unwrap();
    // Another run goes through meanwhile: by then it was seen that the first one has gone.
    ok(&mut home.consumer(&["action", "run", "tea-ping"]));
    terminal.types("y\r");
    // The next question comes after that answer was used.
    let next = home.consumer(&["action", "run", "tea-about", "--arg", "why=next"]);
    let next = { next }.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    terminal.sees("why: next\r\n").sees("Run it? [y/N]: ").types("n\r");
    assert_eq!((ended(next).code, service.seen().len()), (6, 2));
    terminal.types("\x03").sees("Stopped; the vault is locked again.\r\n");
    terminal.ends(&home, 0);
}
