//! The one place where something leaves for standard output or standard error.
//!
//! Rooms make single values printable where they form a sentence; here whole output is gone over once more, so that a
//! value that was forgotten still cannot steer a terminal or a job of GitHub Actions. Text, JSON documents and our own
//! colours each have their own form. A test holds that no other file writes to either stream. artifacts.md §10.
//!
//! Not here: `inquire`'s questions. They draw themselves, on a terminal only, and their texts are constants of ours.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use std::ops::Range;
use std::sync::LazyLock;

use aileron_verifier::text::{hidden, screen};
use tokio::io::{AsyncRead, AsyncWrite};

use super::workflow::{inert, inert_json};
use crate::sys::environment::Environment;

/// The standard streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Results.
    Out,
    /// Everything beside them.
    Err,
}

/// What text has to be like for its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// A person or a script.
    Plain,
    /// The runner of a job of GitHub Actions, which takes commands from both streams.
    Workflow,
}

static OF_THIS_PROCESS: LazyLock<Door> = LazyLock::new(|| Door::of(&Environment::of_this_process()));

impl Door {
    fn of(environment: &Environment) -> Door {
        match environment.var("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
            true => Door::Workflow,
            false => Door::Plain,
        }
    }

    /// Text of any number of lines.
    pub(crate) fn text(self, text: &str) -> Cow<'_, str> {
        let text = screen(text);
        match self {
            Door::Plain => text,
            Door::Workflow => Cow::Owned(inert(&text).into_owned()),
        }
    }

    /// Text that is one line, whatever it holds. Without an end.
    pub(crate) fn line(self, text: &str) -> String {
        self.text(&one_line(text)).into_owned()
    }

    /// Text with colours of ours. A range that is none of the text colours nothing.
    pub(crate) fn painted(self, text: &str, paints: &[Paint]) -> String {
        let (mut painted, mut from) = (String::new(), 0);
        for Paint { at, colour } in paints {
            let (Some(before), Some(inside)) = (text.get(from..at.start), text.get(at.clone())) else { continue };
            painted.push_str(&self.text(before));
            let _ = write!(painted, "\x1b[{}m{}\x1b[0m", colour.code(), self.text(inside)); // a String takes all
            from = at.end;
        }
        painted.push_str(&self.text(&text[from..]));
        painted
    }

    /// JSON, which stays the same value: characters that steer or hide are written as `\u` escapes.
    ///
    /// Outside of strings JSON has no other such characters than white space; a tab or a carriage return there becomes a
    /// space.
    pub(crate) fn json(self, document: &str) -> Cow<'_, str> {
        let document = escaped(document);
        match self {
            Door::Plain => document,
            Door::Workflow => Cow::Owned(inert_json(&document).into_owned()),
        }
    }
}

/// Colours of keyring.md §8.2. They are values, drawn here: an escape sequence in a text is never let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Strong, not coloured.
    Bold,
    /// Danger.
    Red,
    /// Good.
    Green,
    /// Care.
    Yellow,
}

impl Colour {
    fn code(self) -> u8 {
        match self {
            Colour::Bold => 1,
            Colour::Red => 31,
            Colour::Green => 32,
            Colour::Yellow => 33,
        }
    }
}

/// A coloured part of a text: a byte range, after the ranges before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paint {
    /// Where.
    pub at: Range<usize>,
    /// How.
    pub colour: Colour,
}

/// Writes text to a stream, and flushes it.
///
/// # Errors
/// The stream's.
pub(crate) fn write_text(stream: Stream, text: &str) -> io::Result<()> {
    write(stream, &OF_THIS_PROCESS.text(text))
}

/// [`write_text`] with colours of ours.
///
/// # Errors
/// The stream's.
pub(crate) fn write_painted(stream: Stream, text: &str, paints: &[Paint]) -> io::Result<()> {
    // A private key that is printed is not copied on its way.
    if paints.is_empty() { write_text(stream, text) } else { write(stream, &OF_THIS_PROCESS.painted(text, paints)) }
}

/// Writes text as one line, with its end.
///
/// # Errors
/// The stream's.
pub(crate) fn write_line(stream: Stream, text: &str) -> io::Result<()> {
    write(stream, &(OF_THIS_PROCESS.line(text) + "\n"))
}

/// Writes JSON, which is the caller's to end with a line end.
///
/// # Errors
/// The stream's.
pub(crate) fn write_json(stream: Stream, document: &str) -> io::Result<()> {
    write(stream, &OF_THIS_PROCESS.json(document))
}

/// Writes commands for the runner of GitHub Actions. [`super::workflow`] made them, one a line, and escaped what they hold.
pub(super) fn write_commands(commands: &str) -> io::Result<()> {
    write(Stream::Err, &screen(commands))
}

/// Prints clap's own help, with its colours on a terminal. Nothing in it is foreign.
pub(crate) fn write_help(help: &clap::Error) -> io::Result<()> {
    help.print()
}

/// The standard streams for a protocol of JSON lines, which has them to the end of the process. A program reads them: what is
/// on them is not gone over.
pub(crate) fn protocol() -> (Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>) {
    (Box::new(tokio::io::stdin()), Box::new(tokio::io::stdout()))
}

/// Whether standard output is thrown away without an error: for a result that must not be lost.
pub(crate) fn output_is_discarded() -> bool {
    is_discarded(&io::stdout())
}

/// Whether what is written there is thrown away without an error: an output that was closed before the start is opened as the
/// null device, and one that is open for reading only counts as written by the standard library.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "the null device is compared with an open stream")]
fn is_discarded(output: &impl std::os::fd::AsFd) -> bool {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    let may_write = |flags: rustix::fs::OFlags| flags.intersects(rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::RDWR);
    if !rustix::fs::fcntl_getfl(output).is_ok_and(may_write) {
        return true;
    }
    let of_output = || std::fs::File::from(output.as_fd().try_clone_to_owned()?).metadata();
    match (of_output(), std::fs::metadata("/dev/null")) {
        (Ok(output), Ok(null)) => output.file_type().is_char_device() && output.rdev() == null.rdev(),
        (Err(_), _) => true,
        (Ok(_), Err(_)) => false,
    }
}

#[cfg(not(unix))]
fn is_discarded(_: &std::io::Stdout) -> bool {
    false
}

/// A step's name as a moving bar shows it.
pub(super) fn bar_text(step: &str) -> String {
    OF_THIS_PROCESS.line(step)
}

/// Line breaks of every kind, each run of them with the white space around it, as one space.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    let breaks = |char| matches!(char, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    if !text.contains(breaks) {
        return Cow::Borrowed(text);
    }
    let lines = text.split(breaks).map(str::trim).filter(|line| !line.is_empty());
    Cow::Owned(lines.collect::<Vec<_>>().join(" "))
}

fn write(stream: Stream, text: &str) -> io::Result<()> {
    let put = |to: &mut dyn io::Write| to.write_all(text.as_bytes()).and_then(|()| to.flush());
    match stream {
        Stream::Out => put(&mut io::stdout().lock()),
        Stream::Err => put(&mut io::stderr().lock()),
    }
}

fn escaped(document: &str) -> Cow<'_, str> {
    if document.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
        return Cow::Borrowed(document);
    }
    let mut text = String::with_capacity(document.len());
    let mut units = [0; 2];
    for (char, is_hidden) in hidden(document) {
        match char {
            '\n' => text.push(char),
            '\t' | '\r' => text.push(' '),
            char if is_hidden => {
                for unit in char.encode_utf16(&mut units) {
                    let _ = write!(text, "\\u{unit:04x}"); // a String takes all
                }
            }
            char => text.push(char),
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests;
