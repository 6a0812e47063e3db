//! Standard input, without a buffer in this process: what one question does not take is there for the next one, and no copy
//! of a secret stays behind.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

/// How long a [`Typed`] may go on after it was dropped; it takes nothing any more.
const LOOK: Duration = Duration::from_millis(50);

/// Standard input as a file.
///
/// # Errors
/// It is closed.
#[cfg(unix)]
pub fn unbuffered() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}

/// Standard input as a file.
///
/// # Errors
/// It is closed.
#[cfg(windows)]
pub fn unbuffered() -> io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    Ok(io::stdin().as_handle().try_clone_to_owned()?.into())
}

/// Standard input to read lines from. It takes nothing beyond a line's end.
///
/// # Errors
/// It is closed.
pub fn lines() -> io::Result<BufReader<File>> {
    Ok(BufReader::with_capacity(1, unbuffered()?))
}

/// Lines of standard input as they come, while something else is waited for. Dropped, it takes nothing more, so that the next
/// question gets the next line.
pub struct Typed {
    lines: Receiver<Zeroizing<String>>,
    is_over: Arc<Mutex<bool>>,
}

impl Typed {
    /// Begins to read. Lines longer than `limit` bytes are cut into several.
    pub fn start(limit: usize) -> Typed {
        let (typed, lines) = mpsc::channel();
        let is_over = Arc::new(Mutex::new(false));
        let over = Arc::clone(&is_over);
        std::thread::spawn(move || {
            let Ok(mut input) = unbuffered() else { return };
            let mut line = Zeroizing::new(Vec::with_capacity(limit));
            loop {
                if !is_readable(&input, LOOK) {
                    // The same look at the end as below, while nothing is typed.
                    if *over.lock().unwrap_or_else(PoisonError::into_inner) {
                        return;
                    }
                    continue;
                }
                let mut byte = Zeroizing::new([0]);
                // Under the lock, so that a byte is either taken before the end or left.
                let is_over = over.lock().unwrap_or_else(PoisonError::into_inner);
                let is_end = *is_over || !matches!(input.read(&mut *byte), Ok(1));
                drop(is_over);
                if !is_end {
                    line.push(byte[0]);
                }
                if is_end || byte[0] == b'\n' || line.len() == limit {
                    let text = Zeroizing::new(String::from_utf8_lossy(&line).into_owned());
                    line.clear();
                    if typed.send(text).is_err() || is_end {
                        return;
                    }
                }
            }
        });
        Typed { lines, is_over }
    }

    /// The next line, if one is there already, with its end.
    pub fn next(&self) -> Option<Zeroizing<String>> {
        self.lines.try_recv().ok()
    }
}

impl Drop for Typed {
    fn drop(&mut self) {
        *self.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

/// Whether a read would not wait, within this time.
#[cfg(unix)]
fn is_readable(input: &File, within: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let within = Timespec { tv_sec: 0, tv_nsec: within.subsec_nanos().into() };
    matches!(poll(&mut [PollFd::new(input, PollFlags::IN)], Some(&within)), Ok(ready) if ready > 0)
}

/// There is no such question here: the read waits, and takes the next line, even one that another question waits for.
#[cfg(not(unix))]
fn is_readable(_: &File, _: Duration) -> bool {
    true
}
