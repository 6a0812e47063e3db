//! Standard output and standard error of a guest: bounded, in memory. sandbox.md §5.2, §5.4, §8.3.
//!
//! The engine's own pipe answers a full buffer with an error most guests ignore, and a document cut in the middle would
//! then pass for the guest's mistake. Here a flood ends the run.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError};

/// Bytes of standard output one invoke may write.
pub const STDOUT: usize = 16 << 20;

/// Bytes of standard error that are kept: the last ones.
pub const STDERR: usize = 64 << 10;

/// What a stream does when it is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Full {
    /// Ends the run.
    Stop,
    /// Forgets the oldest bytes.
    Forget,
}

/// One captured stream; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    cap: usize,
    full: Full,
    bytes: Arc<Mutex<VecDeque<u8>>>,
}

/// A guest wrote more to standard output than it may. Carried by the trap that ends it.
/// No class of its own: [`crate::outcome`] makes it one.
#[derive(Debug, thiserror::Error)]
#[error("standard output exceeds its cap")]
pub(crate) struct StdoutLimit;

impl Capture {
    pub(crate) fn stdout() -> Capture {
        Capture { cap: STDOUT, full: Full::Stop, bytes: Arc::default() }
    }

    pub(crate) fn stderr() -> Capture {
        Capture { cap: STDERR, full: Full::Forget, bytes: Arc::default() }
    }

    /// Takes what was captured.
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }

    fn accept(&self, new: &[u8]) -> Result<(), StdoutLimit> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let too_many = (bytes.len() + new.len()).saturating_sub(self.cap);
        match self.full {
            Full::Stop if too_many > 0 => return Err(StdoutLimit),
            Full::Stop => bytes.extend(new),
            Full::Forget => {
                let forgotten = too_many.min(bytes.len());
                bytes.drain(..forgotten);
                bytes.extend(&new[too_many - forgotten..]);
            }
        }
        Ok(())
    }
}

impl IsTerminal for Capture {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Capture {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Capture {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.accept(&bytes).map_err(|flooded| StreamError::Trap(flooded.into()))
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(self.cap)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Capture {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Capture {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.accept(bytes).map(|()| bytes.len()).map_err(io::Error::other))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_output_is_kept_whole_or_ends_the_run() {
        let stdout = Capture { cap: 4, ..Capture::stdout() };
        assert!(stdout.accept(b"abc").is_ok());
        assert!(stdout.accept(b"de").is_err());
        assert!(stdout.accept(b"d").is_ok());
        assert!(stdout.accept(b"").is_ok());
        assert_eq!(stdout.take(), b"abcd");
    }

    #[test]
    fn of_standard_error_the_end_is_kept() {
        let stderr = Capture { cap: 4, ..Capture::stderr() };
        for (write, kept) in [("ab", "ab"), ("cde", "bcde"), ("0123456789", "6789"), ("", "6789"), ("abcd", "abcd")] {
            stderr.accept(write.as_bytes()).unwrap();
            let bytes: Vec<u8> = stderr.bytes.lock().unwrap().iter().copied().collect();
            assert_eq!(bytes, kept.as_bytes(), "after {write}");
        }
    }
}
