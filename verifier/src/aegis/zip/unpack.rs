//! From packed bytes to unpacked ones, piece by piece, into whatever takes them.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, ScopedJoinHandle};

use flate2::Crc;
use sha2::{Digest as _, Sha256};
use zlib_rs::{Inflate, InflateFlush, Status};

use super::ReadError;

/// Bytes that are unpacked at once: they stay in the processor's cache until they are hashed.
const STEP: usize = 128 << 10;
/// The window of raw deflate data, as a power of two: 32 KiB.
const WINDOW_BITS: u8 = 15;
/// Pieces that are underway between two threads.
const PIECES: usize = 4;

/// Takes unpacked bytes.
pub(super) trait Output {
    /// Room for the next bytes. Empty when nothing more can be taken.
    fn room(&mut self) -> &mut [u8];
    /// So many bytes at the front of the room are there now.
    fn filled(&mut self, count: usize);
}

/// Copies what is not compressed.
pub(super) fn store(mut data: &[u8], wanted: u64, output: &mut impl Output) -> Result<u64, ReadError> {
    let count = data.len() as u64;
    if count > wanted {
        return Err(ReadError::Format);
    }
    while !data.is_empty() {
        let room = output.room();
        let size = room.len().min(data.len());
        if size == 0 {
            return Err(ReadError::Format);
        }
        room[..size].copy_from_slice(&data[..size]);
        data = &data[size..];
        output.filled(size);
    }
    Ok(count)
}

/// Inflates deflate data, `wanted` bytes at most. What follows its end is not looked at, as in Go.
pub(super) fn inflate(mut data: &[u8], wanted: u64, output: &mut impl Output) -> Result<u64, ReadError> {
    let mut inflate = Inflate::new(false, WINDOW_BITS);
    // The end of the data may stand behind the last byte: one byte more is too many.
    let mut excess = [0];
    loop {
        let left = usize::try_from(wanted - inflate.total_out()).unwrap_or(usize::MAX);
        let room = output.room();
        let most = room.len().min(left);
        let is_full = most == 0;
        let room = if is_full { &mut excess[..] } else { &mut room[..most] };
        let (read, written) = (inflate.total_in(), inflate.total_out());
        let status = inflate.decompress(data, room, InflateFlush::NoFlush).map_err(|_| ReadError::Corrupt)?;
        let (read, written) = (inflate.total_in() - read, inflate.total_out() - written);
        if is_full && written > 0 {
            return Err(ReadError::Format);
        }
        // Both are parts of a slice.
        data = &data[read as usize..];
        if written > 0 {
            output.filled(written as usize);
        }
        match status {
            Status::StreamEnd => return Ok(inflate.total_out()),
            _ if read == 0 && written == 0 => return Err(ReadError::Short),
            _ => {}
        }
    }
}

/// All bytes, and their CRC-32.
pub(super) struct Whole {
    bytes: Vec<u8>,
    count: usize,
    crc: Crc,
}

impl Whole {
    /// Room for `most` bytes.
    pub(super) fn of(most: usize) -> Whole {
        Whole { bytes: vec![0; most], count: 0, crc: Crc::new() }
    }

    pub(super) fn crc(&self) -> u32 {
        self.crc.sum()
    }

    pub(super) fn bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.count);
        self.bytes
    }
}

impl Output for Whole {
    fn room(&mut self) -> &mut [u8] {
        let rest = &mut self.bytes[self.count..];
        let size = rest.len().min(STEP);
        &mut rest[..size]
    }

    fn filled(&mut self, count: usize) {
        self.crc.update(&self.bytes[self.count..self.count + count]);
        self.count += count;
    }
}

/// SHA-256 and CRC-32 of bytes.
#[derive(Default)]
pub(super) struct Digests {
    sha256: Sha256,
    crc: Crc,
}

impl Digests {
    fn update(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.sha256.update(bytes);
    }

    /// SHA-256, then CRC-32.
    pub(super) fn finish(self) -> ([u8; 32], u32) {
        (self.sha256.finalize().into(), self.crc.sum())
    }
}

/// Digests, one piece after the other.
pub(super) struct Hashed {
    piece: Vec<u8>,
    pub(super) digests: Digests,
}

impl Hashed {
    pub(super) fn new() -> Hashed {
        Hashed { piece: vec![0; STEP], digests: Digests::default() }
    }
}

impl Output for Hashed {
    fn room(&mut self) -> &mut [u8] {
        &mut self.piece
    }

    fn filled(&mut self, count: usize) {
        self.digests.update(&self.piece[..count]);
    }
}

/// Hands pieces over to a thread that hashes them; they come back and are used again.
pub(super) struct HandedOver {
    piece: Vec<u8>,
    full: Sender<(Vec<u8>, usize)>,
    empty: Receiver<Vec<u8>>,
}

impl HandedOver {
    /// Starts the thread, which ends once this is dropped.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn to_thread<'scope>(
        scope: &'scope std::thread::Scope<'scope, '_>,
    ) -> std::io::Result<(HandedOver, ScopedJoinHandle<'scope, Digests>)> {
        let (full, take) = channel::<(Vec<u8>, usize)>();
        let (give_back, empty) = channel();
        for _ in 1..PIECES {
            // The receiver is right here.
            let _ = give_back.send(vec![0; STEP]);
        }
        let hashing = Builder::new().spawn_scoped(scope, move || {
            let mut digests = Digests::default();
            for (piece, count) in take {
                digests.update(&piece[..count]);
                // The last ones are not taken back.
                let _ = give_back.send(piece);
            }
            digests
        })?;
        Ok((HandedOver { piece: vec![0; STEP], full, empty }, hashing))
    }
}

impl Output for HandedOver {
    fn room(&mut self) -> &mut [u8] {
        &mut self.piece
    }

    fn filled(&mut self, count: usize) {
        // Both fail only when the thread panicked, which joining it tells.
        let next = self.empty.recv().unwrap_or_else(|_| vec![0; STEP]);
        let _ = self.full.send((std::mem::replace(&mut self.piece, next), count));
    }
}
