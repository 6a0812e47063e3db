//! What vault verbs share: where the vault is, who is asked for its passphrase, and how often. vault.md §6.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::path::Path;

use aileron_verifier::problem::Class;
use zeroize::Zeroizing;

use super::Context;
use crate::consumer::trust::prompt::{Console as _, consents};
use crate::event::Event;
use crate::secret::Secret;
use crate::sys::input;
use crate::sys::lock::LockPolicy;
use crate::sys::terminal::Echo;
use crate::ui::args::PassphraseFlags;
use crate::ui::args::vault::standard_input;
use crate::ui::report::console::Terminal;
use crate::ui::report::door::{self, Stream};
use crate::ui::report::hidden::{ask_hidden, ask_typed};
use crate::ui::report::{Exit, Failure};
use crate::vault::custodian::Custodian;
use crate::vault::document::{Document, State};
use crate::vault::error::VaultError;
use crate::vault::file::{VaultFile, WAIT};

/// Characters below which one line is said about a new passphrase. It is no refusal.
const SHORT: usize = 12;
/// Bytes of a line of standard input that is a value, and one more.
const LONGEST_LINE: usize = 64 << 10;

/// The words in which the same things are asked and said. vault.md §6.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wording {
    /// `vault init` and `secret set`.
    OwnVerb,
    /// Every other command that needs the vault.
    OnTheWay,
    /// `launch`, which says what it does at each step.
    Launch,
}

impl Wording {
    fn empty(self) -> Failure {
        refused(match self {
            Wording::OwnVerb => "error: passphrase cannot be empty",
            Wording::OnTheWay | Wording::Launch => "vault passphrase cannot be empty",
        })
    }

    /// Asks for a passphrase, in the words of `launch` or in those of every other verb.
    fn ask(self, plain: &str, launch: &str, context: &Context) -> Result<Secret, Failure> {
        let (question, echo) = match self {
            Wording::OwnVerb | Wording::OnTheWay => (plain, Echo::Nothing),
            Wording::Launch => (launch, Echo::Stars),
        };
        ask_typed(question, echo, context.output.json, context.stop).map_err(without_terminal)
    }

    /// Asks for the passphrase of the vault that is there.
    fn current(self, context: &Context) -> Result<Secret, Failure> {
        self.ask("Vault passphrase: ", "Vault is encrypted. Enter passphrase to unlock:\n> ", context)
    }

    /// Derives a key, which takes a moment.
    fn derive<T>(
        self,
        step: &str,
        context: &Context,
        work: impl FnOnce() -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let shown = |text: &str| self.says(text, context);
        shown(&format!("{step}..."));
        let done = work();
        shown(if done.is_ok() { "  ✓\n" } else { "  ✗\n" });
        done
    }

    /// Says what `launch` alone says on the way.
    fn says(self, text: &str, context: &Context) {
        if self == Wording::Launch && !context.output.quiet && !context.output.json {
            say(context, text);
        }
    }
}

/// The user's vault, which need not exist.
pub(super) fn vault(context: &Context) -> Result<VaultFile, Failure> {
    let file = VaultFile::at_home(&context.environment).ok_or_else(|| {
        let failure = Failure::new(Class::VaultUnavailable, Exit::Failure, "cannot determine home directory");
        failure.next("set HOME, or AILERON_HOME")
    })?;
    Ok(file.waiting(LockPolicy { wait: WAIT, ..context.waiting(None) }))
}

/// The entries, for a verb that needs no key. An absent vault is an empty one.
pub(super) fn listed(vault: &VaultFile) -> Result<Document, Failure> {
    Ok(vault.read()?.unwrap_or_default())
}

/// The key. What is given beforehand counts once; typed, there is one more attempt.
pub(super) fn unlock(
    vault: &VaultFile,
    flags: &PassphraseFlags,
    wording: Wording,
    context: &Context,
) -> Result<Custodian, Failure> {
    // What cannot be unlocked is said before anybody types.
    vault.lockable()?;
    tighten(vault, context);
    let attempt = |step: &str, passphrase: Secret| match passphrase.expose().is_empty() {
        true => Err(wording.empty()),
        false => {
            let unlocked = wording.derive(step, context, || vault.unlock(&passphrase));
            if unlocked.is_ok() {
                wording.says("✓ Vault unlocked\n", context);
            }
            Ok(unlocked)
        }
    };
    if let Some(passphrase) = flags.given(&context.environment)? {
        return Ok(attempt("Verifying passphrase", passphrase)??);
    }
    match attempt("\nVerifying passphrase", wording.current(context)?)? {
        Err(VaultError::Rejected) => {}
        unlocked => return Ok(unlocked?),
    }
    note(context, "aileron: wrong passphrase — try again.");
    Ok(attempt("\nVerifying passphrase", wording.current(context)?)??)
}

/// Makes the vault: with the passphrase that is given beforehand, or with one that is typed twice.
pub(super) fn create(
    vault: &VaultFile,
    flags: &PassphraseFlags,
    wording: Wording,
    context: &Context,
) -> Result<Custodian, Failure> {
    match vault.read()?.map(|document| document.state()) {
        Some(State::Ready) => return Err(VaultError::Exists(vault.path().to_owned()).into()),
        Some(State::Broken(_)) => drop(vault.lockable()?),
        Some(State::Uninitialised | State::Legacy) | None => {}
    }
    let (passphrase, typed) = match flags.given(&context.environment)? {
        Some(passphrase) if passphrase.expose().is_empty() => return Err(wording.empty()),
        Some(passphrase) => (passphrase, ""),
        None => {
            say(context, &banner(vault.path()));
            (choose("Vault passphrase: ", wording, context)?, "\n")
        }
    };
    short(&passphrase, context);
    let step = format!("{typed}Deriving encryption key (Argon2id, 64 MiB memory, ~500ms)");
    let custodian = wording.derive(&step, context, || vault.create(&passphrase))?;
    wording.says(&format!("✓ Vault created at {}\n", context.environment.below_home(vault.path())), context);
    Ok(custodian)
}

/// Whether there is no vault yet, or one that nothing is in and that has no passphrase.
pub(super) fn is_to_be_made(vault: &VaultFile) -> Result<bool, Failure> {
    let is_empty = |document: Document| match document.state() {
        State::Uninitialised => true,
        State::Legacy => document.entries().next().is_none(),
        State::Ready | State::Broken(_) => false,
    };
    Ok(vault.read()?.is_none_or(is_empty))
}

/// For a verb that stores something: the vault is made when there is none.
pub(super) fn unlock_or_create(
    vault: &VaultFile,
    flags: &PassphraseFlags,
    wording: Wording,
    context: &Context,
) -> Result<Custodian, Failure> {
    match is_to_be_made(vault)? {
        true => create(vault, flags, wording, context),
        false => unlock(vault, flags, wording, context),
    }
}

/// A new passphrase, typed twice.
pub(super) fn choose(question: &str, wording: Wording, context: &Context) -> Result<Secret, Failure> {
    let passphrase = wording.ask(question, "Choose a passphrase to protect your credentials:\n> ", context)?;
    if passphrase.expose().is_empty() {
        return Err(wording.empty());
    }
    let again = wording.ask("Confirm passphrase: ", "Confirm passphrase:\n> ", context)?;
    match again.expose() == passphrase.expose() {
        true => Ok(passphrase),
        false => Err(refused("error: passphrases do not match")),
    }
}

/// One line about a passphrase that is quickly guessed.
pub(super) fn short(passphrase: &Secret, context: &Context) {
    let characters = String::from_utf8_lossy(passphrase.expose()).chars().count();
    if characters < SHORT {
        let line = format!(
            "this passphrase is short ({characters} characters): someone who has the file can try many passphrases"
        );
        context.progress.take(Event::Note(line));
    }
}

/// Says what was made of a file that others could read.
fn tighten(vault: &VaultFile, context: &Context) {
    if vault.tighten() {
        let line = format!("warning: other users could read {}; only you can now", vault.path().display());
        context.progress.take(Event::Note(line));
    }
}

/// A refusal whose text the specification pins.
pub(super) fn refused(text: &str) -> Failure {
    let message = text.strip_prefix("error: ").unwrap_or(text);
    Failure::new(Class::ValidationError, Exit::Failure, message).with_text(text)
}

/// Lines that belong to a question.
pub(super) fn say(context: &Context, text: &str) {
    // Who cannot be told will not answer either.
    let _ = match context.output.json {
        true => door::write_json(Stream::Err, &format!("{}\n", serde_json::json!({"event": "note", "text": text}))),
        false => door::write_text(Stream::Err, text),
    };
}

fn note(context: &Context, line: &str) {
    say(context, &format!("{line}\n"));
}

/// Asks on the controlling terminal, where standard input is another program's. Enter alone is a yes.
pub(super) fn confirms_on_terminal(question: &str, context: &Context) -> Result<bool, Failure> {
    let answer = ask_typed(question, Echo::Text, context.output.json, context.stop).map_err(without_terminal)?;
    let answer = String::from_utf8_lossy(answer.expose()).trim().to_lowercase();
    Ok(["", "y", "yes"].contains(&answer.as_str()))
}

fn without_terminal(failure: Failure) -> Failure {
    match failure.exit {
        Exit::Interrupted => failure,
        _ => failure.next("--passphrase-file FILE, or AILERON_VAULT_PASSPHRASE, without a terminal"),
    }
}

/// Shown before the first question about a new passphrase. vault.md §6.2; what it does not protect from: the same in the README.
fn banner(path: &Path) -> String {
    format!(
        "  Creating a new Aileron vault.\n\
         \x20 File: {}\n\
         \x20 The passphrase cannot be recovered: without it every credential in the vault has to be set up again.\n\
         \x20 The vault protects from someone who gets hold of the file. It does not protect from a passphrase that can be\n\
         \x20 guessed, nor from an administrator of this machine while aileron runs.\n",
        path.display()
    )
}

/// A value that is typed unseen; where standard input is not a terminal and not the passphrase's, all of it without one
/// line break at its end.
pub(super) fn typed_value(question: &str, flags: &PassphraseFlags, context: &Context) -> Result<Secret, Failure> {
    if flags.takes_standard_input() || io::stdin().is_terminal() {
        return ask_hidden(question, context.output.json, context.stop);
    }
    let value = standard_input()?;
    let line = value.expose().strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    Ok(line.map_or_else(|| Secret::from(value.expose().to_vec()), |line| Secret::from(line.to_vec())))
}

/// A line that is typed unseen; where standard input is not a terminal, the next line of it.
pub(super) fn line_of_input(question: &str, context: &Context) -> Result<Secret, Failure> {
    if io::stdin().is_terminal() {
        return ask_hidden(question, context.output.json, context.stop);
    }
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
    let read = input::lines().and_then(|input| input.take(LONGEST_LINE as u64).read_until(b'\n', &mut line));
    read.map_err(lost)?;
    if line.len() == LONGEST_LINE {
        return Err(Failure::usage(format!("a line of standard input is longer than {LONGEST_LINE} bytes")));
    }
    let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
    line.truncate(end);
    Ok(Secret::from(line))
}

/// Where questions are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Questions {
    /// On standard output; with `--json` on standard error.
    #[default]
    OnOutput,
    /// On standard error in any case: standard output belongs to the one document of a run.
    Beside,
}

/// Shows what a question is about, where the question is shown.
pub(super) fn tell(text: &str, context: &Context) -> Result<(), Failure> {
    Terminal { json: context.output.json }.say(text).map_err(lost)
}

/// Asks for one line on standard input, whatever that is. `None` at its end.
pub(super) fn ask(question: &str, shown: Questions, context: &Context) -> Result<Option<String>, Failure> {
    let mut console = Terminal { json: context.output.json };
    let question = match shown {
        Questions::Beside if !context.output.json => {
            say(context, question);
            ""
        }
        Questions::OnOutput | Questions::Beside => question,
    };
    console.ask(question).map_err(lost)
}

/// Asks whether to go on. Only a plain yes is one.
pub(super) fn confirms(question: &str, context: &Context) -> Result<bool, Failure> {
    consents(&mut Terminal { json: context.output.json }, question).map_err(lost)
}

fn lost(error: io::Error) -> Failure {
    Failure::new(Class::StoreUnwritable, Exit::Failure, format!("cannot ask: {error}"))
}
