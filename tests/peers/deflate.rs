//! Deflate data that no encoder writes, in the hands of Go's `compress/flate`: what a host unpacks we unpack to the same bytes,
//! and what it refuses we refuse. aegis-bundle.md §2.2, RFC 1951 §3.2.

use aileron_testkit::Requirement;
use aileron_verifier::aegis::zip::Archive;
use sha2::{Digest as _, Sha256};

use crate::aegis::{LIMIT, Numbers, go, hex};

/// Bits, the lowest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    fn put(&mut self, value: u32, count: u8) {
        for bit in 0..count {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= ((value >> bit & 1) as u8) << (self.count % 8);
            self.count += 1;
        }
    }

    /// A Huffman code, whose bits come the highest first.
    fn code(&mut self, (code, length): (u32, u8)) {
        (0..length).rev().for_each(|bit| self.put(code >> bit & 1, 1));
    }
}

/// Code lengths of `symbols` symbols: complete ones, then spoilt in one of several ways or left as they are.
fn lengths(numbers: &mut Numbers, symbols: usize, always: Option<usize>) -> Vec<u8> {
    let mut lengths = vec![0; symbols];
    let most = if numbers.below(3) == 0 { 2 } else { symbols.min(60) };
    let wanted = (1 + numbers.below(most)).min(symbols);
    let mut leaves = vec![if wanted == 1 { 1_u8 } else { 0 }];
    while leaves.len() < wanted {
        let at = numbers.below(leaves.len());
        if leaves[at] < 15 {
            leaves[at] += 1;
            leaves.push(leaves[at]);
        }
    }
    let mut free: Vec<usize> = (0..symbols).collect();
    for leaf in leaves {
        let first = always.filter(|always| free.contains(always) && numbers.below(40) > 0);
        let symbol = first.unwrap_or_else(|| free[numbers.below(free.len())]);
        free.retain(|other| *other != symbol);
        lengths[symbol] = leaf;
    }
    match numbers.below(12) {
        0 => lengths[numbers.below(symbols)] = 0,
        1 => lengths[numbers.below(symbols)] = 1 + numbers.below(15) as u8,
        2 => lengths.fill(0),
        _ => {}
    }
    lengths
}

/// The canonical codes of RFC 1951 §3.2.2; where the lengths make no code, something.
fn codes(lengths: &[u8]) -> Vec<(u32, u8)> {
    let mut code = 0_u32;
    let mut codes = vec![(0, 0); lengths.len()];
    for length in 1..=15 {
        for (symbol, _) in lengths.iter().enumerate().filter(|(_, other)| **other == length) {
            codes[symbol] = (code & 0x7fff, length);
            code += 1;
        }
        code <<= 1;
    }
    codes
}

const EXTRA: [u8; 29] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

/// Symbols in these codes, and the end of the block where it has a code.
fn symbols(numbers: &mut Numbers, bits: &mut Bits, literals: &[(u32, u8)], distances: &[(u32, u8)]) {
    let used = |codes: &[(u32, u8)]| -> Vec<usize> { (0..codes.len()).filter(|at| codes[*at].1 > 0).collect() };
    let (near, all) = (used(distances), used(literals));
    for _ in 0..numbers.below(60) {
        let Some(symbol) = (!all.is_empty()).then(|| all[numbers.below(all.len())]) else { return };
        if symbol == 256 || symbol > 256 && near.is_empty() && numbers.below(20) > 0 {
            continue;
        }
        bits.code(literals[symbol]);
        if symbol > 256 {
            bits.put(numbers.below(32) as u32, EXTRA.get(symbol - 257).copied().unwrap_or(0));
            // Mostly a short way back, which is there.
            let at = if numbers.below(4) > 0 { 0 } else { numbers.below(near.len().max(1)) };
            if let Some(distance) = near.get(at) {
                bits.code(distances[*distance]);
                bits.put(numbers.below(4) as u32, (*distance as u8 / 2).saturating_sub(1).min(13));
            }
        }
    }
    bits.code(literals[256]);
}

fn block(numbers: &mut Numbers, bits: &mut Bits, is_last: bool) {
    let kind = numbers.below(8);
    bits.put(u32::from(is_last), 1);
    match kind {
        0 => {
            bits.put(0, 2);
            bits.put(0, ((8 - bits.count % 8) % 8) as u8);
            let size = numbers.below(20) as u32;
            bits.put(size, 16);
            bits.put(if numbers.below(10) == 0 { size } else { !size }, 16);
            (0..size).for_each(|byte| bits.put(byte, 8));
        }
        1 => {
            bits.put(1, 2);
            let length = |symbol| match symbol {
                0..=143 | 280..=287 => 8,
                256..=279 => 7,
                _ => 9,
            };
            // The last ones of each have a code and no meaning.
            let most = if numbers.below(10) == 0 { 288 } else { 286 };
            let literals = codes(&(0..288).map(length).collect::<Vec<u8>>());
            symbols(numbers, bits, &literals[..most], &codes(&[5; 32])[..if most == 288 { 32 } else { 30 }]);
        }
        7 if numbers.below(10) == 0 => bits.put(3, 2),
        _ => {
            bits.put(2, 2);
            // Two more than have a meaning can be said of each.
            let most = if numbers.below(12) == 0 { 32 } else { 30 };
            let (literals, distances) = (257 + numbers.below(most), 1 + numbers.below(most));
            bits.put(literals as u32 - 257, 5);
            bits.put(distances as u32 - 1, 5);
            bits.put(15, 4);
            // The lengths of lengths, in the order of RFC 1951 §3.2.7: sixteen symbols of four bits.
            let mut meta = [4_u8; 19];
            meta[..3].fill(0);
            if numbers.below(20) == 0 {
                meta[numbers.below(19)] = numbers.below(8) as u8;
            }
            meta.iter().for_each(|length| bits.put(u32::from(*length), 3));
            let (literal, distance) = (lengths(numbers, literals, Some(256)), lengths(numbers, distances, None));
            literal.iter().chain(&distance).for_each(|length| bits.code((u32::from(*length), 4)));
            symbols(numbers, bits, &codes(&literal), &codes(&distance));
        }
    }
}

/// A zip file of one entry, whose checksum is 0: Go compares that with nothing.
fn zip(data: &[u8], size: u32) -> Vec<u8> {
    let (packed, name) = (data.len() as u32, b"x");
    let mut shared = vec![20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0, 0, 0, 0, 0];
    shared.extend(packed.to_le_bytes());
    shared.extend(size.to_le_bytes());
    shared.extend([1, 0, 0, 0]);
    let mut zip = [&b"PK\x03\x04"[..], &shared, name, data].concat();
    let start = zip.len() as u32;
    zip.extend([&b"PK\x01\x02\x14\x03"[..], &shared, &[0; 14], name].concat());
    let directory = zip.len() as u32 - start;
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend([directory.to_le_bytes(), start.to_le_bytes()].concat());
    zip.extend([0; 2]);
    zip
}

fn unpacked(data: &[u8], size: u32) -> Option<Vec<u8>> {
    let zip = zip(data, size);
    let archive = Archive::read(&zip).expect("a zip");
    archive.unpack(&archive.entries()[0], LIMIT).ok()
}

#[test]
fn deflate_data_of_every_kind_is_taken_and_refused_as_go_does() {
    if !Requirement::Go.is_met() {
        return;
    }
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let mut streams = Vec::new();
    for _ in 0..20_000 {
        let mut bits = Bits::default();
        let blocks = 1 + numbers.below(3);
        (1..=blocks).for_each(|at| block(&mut numbers, &mut bits, at == blocks));
        if numbers.below(10) == 0 {
            let at = numbers.below(bits.bytes.len());
            bits.bytes[at] ^= 1 << numbers.below(8);
        }
        streams.push(bits.bytes);
    }
    let theirs = String::from_utf8(go("inflate", &streams)).unwrap();
    assert_eq!(theirs.lines().count(), streams.len());
    let mut taken = 0;
    for (stream, theirs) in streams.iter().zip(theirs.lines()) {
        match theirs.split_once(' ') {
            Some((size, digest)) => {
                taken += 1;
                let size = size.parse().unwrap();
                let ours = unpacked(stream, size).map(|bytes| hex(&Sha256::digest(bytes)));
                assert_eq!(ours.as_deref(), Some(digest), "Go takes {}", hex(stream));
            }
            // Also where its size is said to be what another decoder gets out of it.
            None => {
                let mut inflate = flate2::Decompress::new(false);
                let _ = inflate.decompress(stream, &mut vec![0; 1 << 16], flate2::FlushDecompress::Finish);
                for size in [0, 1, inflate.total_out() as u32] {
                    assert!(unpacked(stream, size).is_none(), "Go refuses {}", hex(stream));
                }
            }
        }
    }
    assert!((4_000..16_000).contains(&taken), "{taken} of {} are taken", streams.len());
}
