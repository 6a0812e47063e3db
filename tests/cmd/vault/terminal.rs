//! Questions on a real terminal: what is typed is not shown, and the terminal is as it was afterwards.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use aileron_testkit::home::TestHome;
use rustix::process::{Pid, Signal, kill_process};

use super::{PASSPHRASE, file, with_vault};

/// A shell on a pseudo-terminal (`script`, of util-linux).
pub(crate) struct Terminal {
    child: Child,
    seen: String,
}

impl Terminal {
    /// Runs a shell script in which `$AILERON` is the program, with the terminal's state before and after it.
    pub(crate) fn start(home: &TestHome, script: &str) -> Terminal {
        let mut command: Command = home.command("script");
        let whole = format!("stty -a >before; {script}; echo \"ended $?\"; stty -a >after");
        command.env("AILERON", env!("CARGO_BIN_EXE_aileron")).env("SHELL", "/bin/sh");
        command.args(["--quiet", "--flush", "--command", &whole, "/dev/null"]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Terminal { child, seen: String::new() }
    }

    /// Waits until the terminal shows this, after what it was waited for before.
    pub(crate) fn sees(&mut self, text: &str) -> &mut Terminal {
        let mut buffer = [0; 4096];
        while !self.seen.contains(text) {
            let read = self.child.stdout.as_mut().unwrap().read(&mut buffer).unwrap();
            assert!(read > 0, "it ended without {text:?}: {}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
        let at = self.seen.find(text).unwrap();
        let before = self.seen[..at].to_owned();
        assert!(!before.contains("hunter2"), "{before}");
        self.seen.drain(..at + text.len());
        self
    }

    pub(crate) fn types(&mut self, bytes: impl AsRef<[u8]>) -> &mut Terminal {
        self.child.stdin.as_mut().unwrap().write_all(bytes.as_ref()).unwrap();
        self
    }

    /// The end of the script, with this exit code; and the terminal is in order.
    pub(crate) fn ends(mut self, home: &TestHome, code: i32) {
        self.sees(&format!("ended {code}"));
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
        assert_eq!(home.read("before"), home.read("after"), "the terminal is as it was");
        assert!(home.read("after").contains(" echo "));
    }
}

#[test] // vault.md §6.2, word for word
fn a_passphrase_is_typed_twice_unseen_and_the_banner_comes_first() {
    let home = TestHome::new();
    let mut terminal = Terminal::start(&home, "\"$AILERON\" vault init");
    terminal.sees("  Creating a new Aileron vault.\r\n").sees("cannot be recovered");
    terminal.sees("Vault passphrase: ").types(format!("{PASSPHRASE}\r"));
    terminal.sees("Confirm passphrase: ").types(format!("{PASSPHRASE}\n"));
    terminal.sees("Vault created at ");
    terminal.ends(&home, 0);
    home.write("passphrase.txt", PASSPHRASE);
    home.write("token.txt", "hunter2-token");
    home.ok("aileron vault put user/tea --from-file token.txt --passphrase-file passphrase.txt");
}

#[test]
fn two_that_differ_and_none_are_refused() {
    let home = TestHome::new();
    let mut terminal = Terminal::start(&home, "\"$AILERON\" vault init");
    terminal.sees("Vault passphrase: ").types("hunter2\n");
    terminal.sees("Confirm passphrase: ").types("hunter3\n");
    terminal.sees("error: passphrases do not match");
    terminal.ends(&home, 1);
    for keys in ["\n", "\x04", "hunter2\x15\n"] {
        let mut terminal = Terminal::start(&home, "\"$AILERON\" vault init");
        terminal.sees("Vault passphrase: ").types(keys);
        terminal.sees("error: passphrase cannot be empty");
        terminal.ends(&home, 1);
    }
    assert!(!file(&home).exists());
}

#[test] // vault.md §6.2: two attempts in all; standard input answers something else meanwhile
fn a_wrong_passphrase_may_be_typed_once_more() {
    let home = with_vault();
    home.write("token.txt", "hunter2-token");
    let put = "\"$AILERON\" vault put user/tea <token.txt";
    let mut terminal = Terminal::start(&home, put);
    terminal.sees("Vault passphrase: ").types("hunter2\n");
    terminal.sees("aileron: wrong passphrase — try again.\r\n");
    terminal.sees("Vault passphrase: ").types(format!("{PASSPHRASE}\n"));
    terminal.sees("Stored user/tea");
    terminal.ends(&home, 0);
    let mut terminal = Terminal::start(&home, put);
    terminal.sees("Vault passphrase: ").types("hunter2\n");
    terminal.sees("Vault passphrase: ").types("hunter2\n");
    terminal.sees("vault unlock rejected: wrong passphrase\r\n");
    terminal.ends(&home, 1);
}

#[test] // pasted, corrected, and with marks that a terminal puts around
fn what_is_pasted_or_corrected_is_what_was_meant() {
    let home = with_vault();
    let keys = ["\x1b[200~", PASSPHRASE, "\x1b[201~x\x7f\r"].concat();
    let mut terminal = Terminal::start(&home, "\"$AILERON\" vault put user/tea");
    terminal.sees("Vault passphrase: ").types(keys);
    terminal.sees("Value for user/tea: ").types("hunter2-token\r");
    terminal.sees("Stored user/tea");
    terminal.ends(&home, 0);
}

#[test] // curl/curl#4318: a terminal that is left without echo
fn an_interrupted_prompt_restores_the_terminal() {
    let home = with_vault();
    for key in ["\x03", "\x1c", "hunter2\x03"] {
        let mut terminal = Terminal::start(&home, "\"$AILERON\" vault rekey");
        terminal.sees("Vault passphrase: ").types(key);
        terminal.ends(&home, 130);
    }
    for kind in [Signal::INT, Signal::TERM, Signal::HUP] {
        let script = "sh -c 'echo $$ >pid; exec \"$AILERON\" vault rekey'";
        let mut terminal = Terminal::start(&home, script);
        terminal.sees("Vault passphrase: ");
        let process: i32 = home.read("pid").trim().parse().unwrap();
        kill_process(Pid::from_raw(process).unwrap(), kind).unwrap();
        terminal.ends(&home, 130);
    }
}
