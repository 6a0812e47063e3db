//! A guest's memory, as host functions see it: ranges that fit, or nothing. sandbox.md §3.
//!
//! Pointers and lengths are untrusted. Sums are done in 64 bits; memory is looked up at every call,
//! because it may have grown; nothing here traps.

use wasmtime::{Caller, Extern};

use super::State;

/// The memory named `memory`, and the host's state beside it.
pub(super) fn split<'a>(caller: &'a mut Caller<'_, State>) -> Option<(&'a mut [u8], &'a mut State)> {
    match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => Some(memory.data_and_store_mut(caller)),
        _ => None,
    }
}

/// The range, if all of it lies in memory. An empty one lies anywhere up to the end.
pub(super) fn range(memory: &[u8], pointer: u32, length: u32) -> Option<&[u8]> {
    let start = u64::from(pointer);
    let end = start + u64::from(length);
    memory.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}

/// [`range`], for a range that must hold something: to the host functions an empty one is as unreadable as one outside.
pub(super) fn input(memory: &[u8], pointer: u32, length: u32) -> Option<&[u8]> {
    range(memory, pointer, length).filter(|bytes| !bytes.is_empty())
}

/// Copies as much of `source` as fits to the destination and says how much that was; -1 for a bad range.
///
/// A destination of no length is no bad range: it takes nothing, wherever it points.
pub(super) fn output(memory: &mut [u8], pointer: u32, length: u32, source: &[u8]) -> i32 {
    if length == 0 || source.is_empty() {
        return 0;
    }
    let start = u64::from(pointer);
    let end = start + u64::from(length);
    let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end)) else { return -1 };
    let Some(destination) = memory.get_mut(start..end) else { return -1 };
    let count = destination.len().min(source.len());
    destination[..count].copy_from_slice(&source[..count]);
    signed(count)
}

/// A count as a guest reads it.
pub(super) fn signed(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // sandbox.md §3: ptr + len in 64 bits, at most the memory's size
    fn a_range_lies_in_memory_or_it_does_not() {
        let memory = [7u8; 16];
        for (pointer, length, lies) in [
            (0, 16, true),
            (15, 1, true),
            (16, 0, true),
            (0, 0, true),
            (17, 0, false),
            (15, 2, false),
            (0, 17, false),
            (u32::MAX, 1, false),
            (u32::MAX, u32::MAX, false),
            (1, u32::MAX, false),
            (0x8000_0000, 0x8000_0000, false),
            (0x8000_0000, 0x8000_0010, false),
        ] {
            assert_eq!(range(&memory, pointer, length).is_some(), lies, "{pointer} {length}");
            assert_eq!(input(&memory, pointer, length).is_some(), lies && length > 0, "{pointer} {length}");
        }
    }

    #[test] // sandbox.md §3.1, http_response_read
    fn as_much_is_copied_as_fits() {
        let mut memory = [0u8; 8];
        assert_eq!(output(&mut memory, 6, 2, b"abc"), 2);
        assert_eq!(&memory, b"\0\0\0\0\0\0ab");
        assert_eq!(output(&mut memory, 0, 8, b"xyz"), 3);
        assert_eq!(&memory, b"xyz\0\0\0ab");
        for (pointer, length, answer) in [(7, 2, -1), (u32::MAX, 1, -1), (9, 1, -1), (u32::MAX, 0, 0), (0, 0, 0)] {
            assert_eq!(output(&mut memory, pointer, length, b"q"), answer, "{pointer} {length}");
        }
        assert_eq!(output(&mut memory, 900, 5, b""), 0);
        assert_eq!(&memory, b"xyz\0\0\0ab");
    }
}
