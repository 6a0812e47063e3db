//! One line typed on the controlling terminal, without showing it, or with stars, or as it is.
//!
//! `/dev/tty` and not standard input: that may be a file that answers other questions. Keys are read one by one with the
//! terminal's own echo, line editing and signal keys off, so that Ctrl-C, Ctrl-\ and Ctrl-Z are bytes here: the terminal is
//! put in order first, and the signal comes after. A signal from elsewhere sets [`super::interrupt`]'s flag, which is looked
//! at many times a second; code that ends the process at once calls [`restore`] before. `rpassword` raises the signal before it
//! restores, and leaves the terminal without echo after an interrupt.
//!
//! What is typed goes into memory that is wiped; no line is cut, however long. Not here: prompts' texts, what the line means.

use std::io;
use std::sync::atomic::AtomicBool;

use zeroize::Zeroizing;

use crate::secret::Secret;

/// No line is longer: a file was pasted by mistake.
const LIMIT: usize = 1 << 20;

/// What the terminal shows of what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// Nothing.
    Nothing,
    /// A star for each character: how long the line is can be seen.
    Stars,
    /// The characters themselves: the answer to a question that is no secret.
    Text,
}

/// How reading a line ended.
pub enum Typed {
    /// With the line, without its end.
    Line(Secret),
    /// With the key that ends input, on an empty line.
    End,
    /// With a signal, or with the key for one. The terminal is as it was before.
    Interrupted,
}

/// What is typed, from byte to byte.
struct Editor {
    line: Zeroizing<Vec<u8>>,
    /// Bytes of an escape sequence so far, [`ESCAPE`] included.
    sequence: Vec<u8>,
}

/// What a byte comes to.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    /// Nothing yet.
    More,
    /// The line is whole.
    Enter,
    /// Input ended.
    End,
    /// Ctrl-C, Ctrl-\.
    Interrupt,
    /// Ctrl-Z.
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix has jobs"))]
    Suspend,
    /// The line is longer than any.
    TooLong,
}

const ESCAPE: u8 = 0x1b;
/// Longest escape sequence of a key.
const SEQUENCE: usize = 16;

impl Editor {
    fn new() -> Editor {
        Editor { line: Zeroizing::new(Vec::with_capacity(256)), sequence: Vec::new() }
    }

    /// Takes one byte, as a terminal sends it. Keys that move a cursor, and the marks around pasted text, are left out.
    fn take(&mut self, byte: u8) -> Key {
        if !self.sequence.is_empty() {
            return self.take_in_sequence(byte);
        }
        match byte {
            b'\r' | b'\n' => return Key::Enter,
            0x03 | 0x1c => return Key::Interrupt,
            0x04 if self.line.is_empty() => return Key::End,
            0x04 => return Key::Enter,
            0x1a => return Key::Suspend,
            0x08 | 0x7f => self.erase(),
            0x15 => self.line = Zeroizing::new(Vec::with_capacity(256)),
            ESCAPE => self.sequence.push(byte),
            _ if self.line.len() >= LIMIT => return Key::TooLong,
            _ => self.push(byte),
        }
        Key::More
    }

    /// `ESC [ 2 0 0 ~` and its like: parameters, then a letter or `~`. `ESC` and another byte is that byte's key with Alt.
    fn take_in_sequence(&mut self, byte: u8) -> Key {
        self.sequence.push(byte);
        let is_open = match *self.sequence.as_slice() {
            [_, b'[' | b'O'] => true,
            [_, b'[', ..] => !(0x40..=0x7e).contains(&byte) && self.sequence.len() < SEQUENCE,
            _ => false,
        };
        if !is_open {
            self.sequence.clear();
        }
        Key::More
    }

    /// Takes the last character away, however many bytes it has.
    fn erase(&mut self) {
        while let Some(byte) = self.line.pop() {
            if byte & 0xc0 != 0x80 {
                break;
            }
        }
    }

    /// Characters so far.
    fn characters(&self) -> usize {
        self.line.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
    }

    /// What a terminal is sent so that it shows the line, after it has shown `bytes` bytes and `characters` characters of it.
    fn shown(&self, echo: Echo, bytes: usize, characters: usize) -> Zeroizing<Vec<u8>> {
        let now = self.characters();
        Zeroizing::new(match echo {
            Echo::Nothing => Vec::new(),
            _ if now < characters => b"\x08 \x08".repeat(characters - now),
            Echo::Stars => b"*".repeat(now - characters),
            Echo::Text => self.line.get(bytes..).unwrap_or_default().to_vec(),
        })
    }

    /// Grows by moving to another place, so that the place before is wiped.
    fn push(&mut self, byte: u8) {
        if self.line.len() == self.line.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(self.line.capacity() * 4));
            larger.extend_from_slice(&self.line);
            self.line = larger;
        }
        self.line.push(byte);
    }
}

/// Asks on the controlling terminal and reads one line, of which no more is shown than `echo` says.
///
/// `ask` writes the question, and is called again when the process was suspended and goes on; it is given the terminal for
/// when standard error leads elsewhere.
///
/// # Errors
/// There is no terminal, or it fails.
pub fn read_line(
    ask: impl Fn(&mut dyn io::Write) -> io::Result<()>,
    echo: Echo,
    stop: &AtomicBool,
) -> io::Result<Typed> {
    system::read_line(&ask, echo, stop)
}

/// Puts the terminal in order if a line is being read: for code that is about to end the process.
pub fn restore() {
    system::restore();
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("the line is longer than {LIMIT} bytes"))
}

#[cfg(unix)]
mod system {
    use std::fs::File;
    use std::io::{self, Read as _, Write};
    use std::os::unix::fs::OpenOptionsExt as _;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::Signal;
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
    use zeroize::Zeroizing;

    use super::{Echo, Editor, Key, Typed, too_long};

    /// How the terminal was, while a line is read.
    static BEFORE: Mutex<Option<(File, Termios)>> = Mutex::new(None);
    /// How long a signal may go unnoticed.
    const CHECK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

    /// A terminal that shows nothing of what is typed, until it is dropped.
    struct Hidden;

    impl Hidden {
        fn begin(terminal: &File) -> io::Result<Hidden> {
            let before = tcgetattr(terminal)?;
            let mut hidden = before.clone();
            let off =
                LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
            hidden.local_modes.remove(off);
            hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
            hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
            // Held until it is done: who restores meanwhile waits, and finds what to restore.
            let mut kept = BEFORE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            *kept = Some((terminal.try_clone()?, before));
            let set = tcsetattr(terminal, OptionalActions::Drain, &hidden);
            drop(kept);
            let guard = Hidden;
            set.map(|()| guard).map_err(io::Error::from)
        }
    }

    impl Drop for Hidden {
        fn drop(&mut self) {
            restore();
        }
    }

    pub(super) fn restore() {
        if let Some((terminal, before)) = BEFORE.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take() {
            let _ = tcsetattr(&terminal, OptionalActions::Drain, &before); // a terminal that is gone needs no order
        }
    }

    type Ask<'a> = &'a dyn Fn(&mut dyn Write) -> io::Result<()>;

    pub(super) fn read_line(ask: Ask<'_>, echo: Echo, stop: &AtomicBool) -> io::Result<Typed> {
        let flags = rustix::fs::OFlags::NOCTTY.bits().cast_signed();
        let mut terminal = File::options().read(true).write(true).custom_flags(flags).open("/dev/tty")?;
        let mut editor = Editor::new();
        loop {
            let hidden = Hidden::begin(&terminal)?;
            ask(&mut terminal)?;
            terminal.write_all(&editor.shown(echo, 0, 0))?;
            let key = read(&mut terminal, &mut editor, echo, stop)?;
            drop(hidden);
            match key {
                Key::Suspend => {
                    // A job that is continued continues here.
                    rustix::process::kill_current_process_group(Signal::TSTP)?;
                }
                Key::TooLong => return Err(too_long()),
                Key::Interrupt => {
                    writeln!(terminal)?;
                    return Ok(Typed::Interrupted);
                }
                Key::End => {
                    writeln!(terminal)?;
                    return Ok(Typed::End);
                }
                Key::Enter | Key::More => {
                    writeln!(terminal)?;
                    return Ok(Typed::Line(std::mem::replace(&mut editor.line, Zeroizing::new(Vec::new())).into()));
                }
            }
        }
    }

    fn read(terminal: &mut File, editor: &mut Editor, echo: Echo, stop: &AtomicBool) -> io::Result<Key> {
        let mut byte = Zeroizing::new([0]);
        loop {
            if stop.load(Ordering::SeqCst) {
                return Ok(Key::Interrupt);
            }
            match poll(&mut [PollFd::new(&*terminal, PollFlags::IN)], Some(&CHECK)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                polled => polled?,
            };
            match terminal.read(byte.as_mut_slice()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // The terminal is gone.
                Ok(0) => return Ok(Key::End),
                read => read?,
            };
            let (bytes, characters) = (editor.line.len(), editor.characters());
            match editor.take(byte[0]) {
                Key::More => terminal.write_all(&editor.shown(echo, bytes, characters))?,
                key => return Ok(key),
            }
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io;
    use std::sync::atomic::AtomicBool;

    use super::{Echo, Typed};

    pub(super) fn read_line(
        _: &dyn Fn(&mut dyn io::Write) -> io::Result<()>,
        _: Echo,
        _: &AtomicBool,
    ) -> io::Result<Typed> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "nothing can be typed unseen on this system yet"))
    }

    pub(super) fn restore() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the bytes come to.
    fn typed(bytes: &[u8]) -> (Vec<u8>, Key) {
        let mut editor = Editor::new();
        let mut last = Key::More;
        for byte in bytes {
            last = editor.take(*byte);
            if last != Key::More {
                break;
            }
        }
        (editor.line.to_vec(), last)
    }

    #[test]
    fn a_line_is_what_was_typed_without_keys_that_edit_it() {
        for (bytes, line, key) in [
            (&b"tea with milk\n"[..], &b"tea with milk"[..], Key::Enter),
            (b"tea\r", b"tea", Key::Enter),
            (b" tea \n", b" tea ", Key::Enter),
            (b"\n", b"", Key::Enter),
            (b"tex\x7fa\n", b"tea", Key::Enter),
            ("caf\u{e9}\x7fe\n".as_bytes(), b"cafe", Key::Enter),
            (b"\x7f\x7ftea\n", b"tea", Key::Enter),
            (b"coffee\x15tea\n", b"tea", Key::Enter),
            (b"\xff\xfe\n", b"\xff\xfe", Key::Enter),
            (b"\x1b[200~tea\x1b[201~\n", b"tea", Key::Enter),
            (b"t\x1b[Ae\x1bOHa\x1b[1;5D\n", b"tea", Key::Enter),
            (b"tea\x1b\n\n", b"tea", Key::Enter),
            (b"te\x03", b"te", Key::Interrupt),
            (b"te\x1c", b"te", Key::Interrupt),
            (b"te\x1a", b"te", Key::Suspend),
            (b"\x04", b"", Key::End),
            (b"tea\x04", b"tea", Key::Enter),
            (b"te", b"te", Key::More),
        ] {
            let (found, last) = typed(bytes);
            assert_eq!((found.as_slice(), &last), (line, &key), "{bytes:?}");
        }
    }

    #[test]
    fn the_terminal_shows_stars_or_the_text_and_takes_back_what_is_erased() {
        for (bytes, stars, text) in [
            (&b"tea"[..], "***", "tea"),
            ("caf\u{e9}".as_bytes(), "****", "caf\u{e9}"),
            (b"te\x7f\x7f", "**\x08 \x08\x08 \x08", "te\x08 \x08\x08 \x08"),
            (b"te\x15a", "**\x08 \x08\x08 \x08*", "te\x08 \x08\x08 \x08a"),
            (b"\x1b[200~te\x1b[A", "**", "te"),
        ] {
            for (echo, expected) in [(Echo::Nothing, ""), (Echo::Stars, stars), (Echo::Text, text)] {
                let (mut editor, mut shown) = (Editor::new(), Vec::new());
                for byte in bytes {
                    let (bytes, characters) = (editor.line.len(), editor.characters());
                    editor.take(*byte);
                    shown.extend_from_slice(&editor.shown(echo, bytes, characters));
                }
                assert_eq!(String::from_utf8_lossy(&shown), expected, "{bytes:?}");
            }
        }
    }

    #[test]
    fn a_long_line_is_whole_or_refused() {
        let (line, key) = typed(&[&vec![b'a'; LIMIT][..], b"\n"].concat());
        assert_eq!((line.len(), key), (LIMIT, Key::Enter));
        assert_eq!(typed(&vec![b'a'; LIMIT + 1]).1, Key::TooLong);
    }
}
