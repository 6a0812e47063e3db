//! A question that is answered on the controlling terminal: a passphrase, a credential, a yes before standard input is
//! somebody else's.

use std::io::{self, IsTerminal as _, Write};
use std::sync::atomic::AtomicBool;

use aileron_verifier::problem::Class;
use aileron_verifier::text::screen;
use serde_json::json;

use super::door::{self, Stream};
use super::{Exit, Failure};
use crate::secret::Secret;
use crate::sys::interrupt;
use crate::sys::terminal::{self, Echo, Typed};

/// Asks on the controlling terminal, whatever standard input is. Input that ends is an empty answer. vault.md §6.2.
///
/// # Errors
/// There is no terminal, or somebody wanted to leave.
pub(crate) fn ask_hidden(question: &str, json: bool, stop: &AtomicBool) -> Result<Secret, Failure> {
    ask_typed(question, Echo::Nothing, json, stop)
}

/// [`ask_hidden`], with as much of the answer shown as `echo` says.
///
/// # Errors
/// As [`ask_hidden`].
pub(crate) fn ask_typed(question: &str, echo: Echo, json: bool, stop: &AtomicBool) -> Result<Secret, Failure> {
    interrupt::guard_terminal();
    let ask = |terminal: &mut dyn Write| show(question, json, terminal);
    match terminal::read_line(ask, echo, stop) {
        Ok(Typed::Line(secret)) => Ok(secret),
        Ok(Typed::End) => Ok(Secret::from(Vec::new())),
        Ok(Typed::Interrupted) => Err(Failure::new(Class::VaultLocked, Exit::Interrupted, "interrupted")),
        Err(error) => {
            let message = format!("cannot open terminal: {error}");
            Err(Failure::new(Class::VaultLocked, Exit::Failure, message.clone()).with_text(message))
        }
    }
}

/// The question on standard error; on the terminal itself where that leads elsewhere.
fn show(question: &str, json: bool, terminal: &mut dyn Write) -> io::Result<()> {
    if json {
        door::write_json(Stream::Err, &format!("{}\n", json!({"event": "question", "text": question})))?;
    } else {
        door::write_text(Stream::Err, question)?;
    }
    if !io::stderr().is_terminal() {
        terminal.write_all(screen(question).as_bytes())?;
    }
    Ok(())
}
