//! Acquiring a command-line tool's credential by the tool's own login. sealing.md §1, cli-unit.md §5.1.
//!
//! ```text
//! container   rm -f ─► run -d ─► exec login (this terminal) ─► exec token (a pipe) ─► checked ─► rm -f, whatever happened
//! here        a private empty home ─► login ─► token ─► checked ─► the home is removed, whatever happened
//! ```
//!
//! | room | one line |
//! |---|---|
//! | [`container`] | both commands in one container of docker or podman |
//! | [`here`] | both commands on this machine, with a home of their own |
//! | [`token`] | what may be stored of what a command printed; pure |
//! | [`error`] | why there is no credential |
//!
//! The token comes through a pipe and is never an argument, a variable, a line of a log or a file of ours. Not here: which
//! descriptor counts, consent, the vault.

pub mod container;
pub mod error;
pub mod here;
mod token;

use std::io::IsTerminal as _;

use aileron_verifier::unit::CaptureDescriptor;

use self::error::CaptureError;
use crate::secret::Secret;
use crate::sys::environment::Environment;
use crate::sys::interrupt;
use crate::sys::process::foreground::Foreground;
use crate::sys::process::{Command, ProcessError, Spawner};

/// What an acquisition has of the world.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// Where programs are looked up and variables come from.
    pub environment: &'a Environment,
    /// Whether standard output is another document's, so that the login's goes to standard error.
    pub is_output_taken: bool,
}

impl<'a> World<'a> {
    fn spawner(self) -> Spawner<'a> {
        Spawner { environment: self.environment, stop: interrupt::listen() }
    }

    /// Whether somebody sits at this terminal.
    fn is_terminal(self) -> bool {
        std::io::stdin().is_terminal()
    }

    /// Runs the login on this terminal, to a good end.
    fn login(self, login: Foreground) -> Result<(), CaptureError> {
        if interrupt::listen().load(std::sync::atomic::Ordering::SeqCst) {
            return Err(CaptureError::Interrupted);
        }
        let login = if self.is_output_taken { login.output_to_errors() } else { login };
        let code = login.run()?;
        // Signals were the login's; from here on they are ours again.
        interrupt::listen();
        match code {
            0 => Ok(()),
            130 => Err(CaptureError::Interrupted),
            code => Err(CaptureError::Login(code)),
        }
    }
}

/// Runs the command that prints the token, and takes what it printed.
fn read_token(command: Command<'_>, descriptor: &CaptureDescriptor) -> Result<Secret, CaptureError> {
    let printed = command.print_secret().map_err(|error| match error {
        ProcessError::TooLong { .. } => CaptureError::TooLong,
        error => error.into(),
    })?;
    if !printed.status.success() {
        let command = descriptor.token_cmd.join(" ");
        return Err(CaptureError::Token { command, said: without(&printed.secret, said(&printed.stderr)) });
    }
    token::of(&printed.secret)
}

/// The same text without a token that the program repeated in it.
fn without(token: &Secret, said: String) -> String {
    match std::str::from_utf8(token.expose()).map(str::trim) {
        Ok(token) if !token.is_empty() => said.replace(token, "[REDACTED]"),
        _ => said,
    }
}

/// What a program said about a failure: its last lines, for a person.
fn said(stderr: &[u8]) -> String {
    const LINES: usize = 20;
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
