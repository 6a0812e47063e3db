//! One pipe of a child, kept while the child runs: whole for a program to read, or as much as a person reads.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::ProcessError;

/// How long after a child's end its output is waited for, when another process keeps the pipe open.
const AFTER_THE_END: Duration = Duration::from_secs(5);

/// One pipe, drained by a thread so that the child never blocks on it.
pub(super) struct Capture {
    kept: Arc<Mutex<Kept>>,
    /// Closed by the reading thread when it ends; never sent to.
    reading: Option<Receiver<()>>,
    cap: usize,
}

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    /// How many more there were.
    dropped: usize,
    /// The end of the pipe was seen.
    ended: bool,
}

impl Capture {
    pub(super) fn of(pipe: Option<impl Read + Send + 'static>, cap: usize) -> Capture {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let shared = Arc::clone(&kept);
        let reading = pipe.map(|mut pipe| {
            let (reads, reading) = sync_channel(0);
            thread::spawn(move || {
                let _reads = reads;
                let mut chunk = [0; 1 << 16];
                loop {
                    let read = match pipe.read(&mut chunk) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                        read => read,
                    };
                    let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    match read {
                        Ok(read @ 1..) => {
                            let room = cap.saturating_sub(kept.bytes.len()).min(read);
                            kept.bytes.extend_from_slice(&chunk[..room]);
                            kept.dropped += read - room;
                        }
                        read => {
                            kept.ended = read.is_ok();
                            break;
                        }
                    }
                }
            });
            reading
        });
        Capture { kept, reading, cap }
    }

    /// What was written. A process that outlives the child and keeps the pipe open is waited for briefly, then left alone.
    fn finish(self) -> Kept {
        if let Some(reading) = self.reading {
            let _ = reading.recv_timeout(AFTER_THE_END);
        }
        std::mem::take(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All of it, for a program to read.
    pub(super) fn whole(self, program: &'static str) -> Result<Vec<u8>, ProcessError> {
        let cap = self.cap;
        match self.finish() {
            Kept { dropped: 1.., .. } => Err(ProcessError::TooLong { program, cap }),
            Kept { ended: false, .. } => Err(ProcessError::Held { program }),
            Kept { bytes, .. } => Ok(bytes),
        }
    }

    /// As much of it as is kept, for a person to read.
    pub(super) fn shown(self) -> Vec<u8> {
        let Kept { mut bytes, dropped, .. } = self.finish();
        if dropped > 0 {
            bytes.extend_from_slice(format!("\n(cut here: {dropped} more bytes)\n").as_bytes());
        }
        bytes
    }
}
