//! Archives that are written, read back in both modes, and then damaged in one way each.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::strict::{Irregular, Strict};
use super::write::write;
use super::*;

const LIMIT: u64 = 1 << 20;

fn files() -> BTreeMap<String, Vec<u8>> {
    let library = |arch: &str| format!("executable for {arch}, ").repeat(50).into_bytes();
    BTreeMap::from([
        ("manifest.json".to_owned(), b"{}".to_vec()),
        ("bin/linux-amd64/x".to_owned(), library("amd64")),
        ("bin/linux-arm64/x".to_owned(), library("arm64")),
        ("bin/ünï".to_owned(), Vec::new()),
    ])
}

/// The offsets of the local headers and of the directory's headers, and of the directory's end.
fn places(zip: &[u8]) -> (Vec<usize>, Vec<usize>, usize) {
    let end = zip.len() - directory::END_SIZE;
    let mut next = u32_at(zip, end + 16) as usize;
    let (mut locals, mut headers) = (Vec::new(), Vec::new());
    while next < end {
        headers.push(next);
        locals.push(u32_at(zip, next + 42) as usize);
        next += 46 + usize::from(u16_at(zip, next + 28));
    }
    (locals, headers, end)
}

/// Changes a byte of the first local header, or of the data behind it.
fn flip(zip: &mut [u8], at: usize, bits: u8) {
    let start = places(zip).0[0];
    zip[start + at] ^= bits;
}

fn unpacked(zip: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let archive = Archive::read(zip).map_err(|why| why.to_string())?;
    let one =
        |entry: &Entry<'_>| Ok((entry.shown_name(), archive.unpack(entry, LIMIT).map_err(|why| why.to_string())?));
    archive.entries().iter().map(one).collect()
}

#[test] // aegis-bundle.md §2.6
fn what_is_written_is_read_back_in_both_modes_and_the_same_every_time() {
    let zip = write(&files()).expect("small");
    assert_eq!(zip, write(&files()).expect("small"));
    assert_eq!(unpacked(&zip), Ok(files()));
    assert_eq!(Strict::read(&zip, LIMIT).expect("regular").files(), &files());
    let archive = Archive::read(&zip).expect("a zip");
    let of = |name: &str| *archive.entries().iter().find(|entry| entry.name == name.as_bytes()).expect(name);
    assert_eq!(
        (of("manifest.json").attributes >> 16, of("bin/linux-amd64/x").attributes >> 16),
        (0o100_644, 0o100_755)
    );
    assert_eq!((of("manifest.json").method, of("bin/linux-amd64/x").method, of("bin/ünï").method), (0, 8, 0));
    assert_eq!(of("bin/ünï").flags, 0x800);
    assert!(archive.entries().is_sorted_by_key(|entry| entry.name), "sorted by name");
    let empty = write(&BTreeMap::new()).expect("small");
    assert_eq!((empty.len(), unpacked(&empty)), (22, Ok(BTreeMap::new())));
    assert!(Strict::read(&empty, LIMIT).expect("regular").files().is_empty());
}

/// A damage, and what each mode says: whether a host still reads the same files, and a word of strict mode's refusal.
type Damage = (&'static str, fn(&mut Vec<u8>), bool, &'static str);

#[test] // aegis-bundle.md §2.6; pain: nih-at/libzip#551, local header against directory
fn strict_mode_refuses_what_a_host_tolerates() {
    let damages: &[Damage] = &[
        ("bytes before", |zip| drop(zip.splice(0..0, *b"#!/bin/sh\n")), true, "before the first entry"),
        ("bytes after", |zip| zip.push(0), true, "after the end"),
        (
            "comment",
            |zip| {
                let end = zip.len() - 22;
                zip[end + 20] = 1;
                zip.push(b'x');
            },
            true,
            "comment",
        ),
        ("other local name", |zip| flip(zip, 30, 1), true, "another name"),
        ("other local checksum", |zip| flip(zip, 14, 1), true, "another checksum"),
        ("other local size", |zip| flip(zip, 22, 1), true, "other sizes"),
        ("other local time", |zip| flip(zip, 10, 1), true, "differs from the directory"),
        (
            "encrypted flag",
            |zip| {
                let (locals, headers, _) = places(zip);
                zip[locals[0] + 6] |= 1;
                zip[headers[0] + 8] |= 1;
            },
            true,
            "encrypted",
        ),
        (
            "link",
            |zip| {
                let at = places(zip).1[1] + 41;
                zip[at] = 0xa1;
            },
            true,
            "symbolic link",
        ),
        (
            "records beyond 16 bits",
            |zip| {
                let end = places(zip).2;
                zip[end + 8] = 0;
            },
            true,
            "says something else",
        ),
        ("missing local header", |zip| flip(zip, 0, 1), false, "no local header"),
        (
            "unknown method",
            |zip| {
                let (locals, headers, _) = places(zip);
                zip[locals[0] + 8] = 12;
                zip[headers[0] + 10] = 12;
            },
            false,
            "neither stored nor deflated",
        ),
        (
            "wrong checksum on both sides",
            |zip| {
                let (locals, headers, _) = places(zip);
                zip[locals[0] + 14] ^= 1;
                zip[headers[0] + 16] ^= 1;
            },
            false,
            "checksum",
        ),
        ("damaged data", |zip| flip(zip, 50, 0xff), false, "entry"),
    ];
    for (name, damage, is_read, word) in damages {
        let mut zip = write(&files()).expect("small");
        damage(&mut zip);
        assert_eq!(unpacked(&zip) == Ok(files()), *is_read, "{name}: {:?}", unpacked(&zip));
        let refused = Strict::read(&zip, LIMIT).expect_err(name);
        assert!(refused.iter().any(|why| why.to_string().contains(word)), "{name}: {refused:?}");
    }
}

#[test] // aegis-bundle.md §2.5
fn sizes_are_limited_by_what_is_said_and_by_what_comes() {
    let zip = write(&files()).expect("small");
    let refused = Strict::read(&zip, 100).expect_err("too large");
    assert!(matches!(refused[..], [Irregular::Size { limit: 100, .. }, Irregular::Size { .. }]), "{refused:?}");
    let mut lying = zip.clone();
    let (locals, headers, _) = places(&zip);
    for at in [locals[0] + 22, headers[0] + 24] {
        lying[at..at + 4].copy_from_slice(&10_u32.to_le_bytes());
    }
    assert_eq!(unpacked(&lying), Err(ReadError::Format.to_string()));
    for at in [locals[0] + 22, headers[0] + 24] {
        lying[at..at + 4].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    }
    assert_eq!(unpacked(&lying), Err(ReadError::Short.to_string()), "nothing is reserved for what is only claimed");
}

#[test] // aegis-bundle.md §2.6, 1: unique, also under ASCII case folding
fn names_that_differ_in_case_only_are_twins() {
    let twins = BTreeMap::from([("bin/X".to_owned(), vec![1]), ("bin/x".to_owned(), vec![2])]);
    let refused = Strict::read(&write(&twins).expect("small"), LIMIT).expect_err("twins");
    assert_eq!(refused, [Irregular::Twins("bin/X".into(), "bin/x".into())]);
}

#[test] // hostile input: no panic, and never more than is there
fn every_cut_and_every_flipped_byte_is_read_or_refused() {
    let zip = write(&files()).expect("small");
    for cut in 0..zip.len() {
        let _ = unpacked(&zip[..cut]);
        assert!(Strict::read(&zip[..cut], LIMIT).is_err(), "cut to {cut}");
    }
    for at in 0..zip.len() {
        for bit in 0..8 {
            let mut changed = zip.clone();
            changed[at] ^= 1 << bit;
            let _ = unpacked(&changed);
            if let Ok(strict) = Strict::read(&changed, LIMIT) {
                assert_eq!(strict.files(), &files(), "byte {at}, bit {bit}");
            }
        }
    }
}

/// Bytes that repeat from near and from as far as deflate refers.
fn patterned(size: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::with_capacity(size);
    let mut state = 1_u32;
    while bytes.len() < size {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let back = (state >> 8) as usize % 32_768 + 1;
        if state.is_multiple_of(3) || back > bytes.len() {
            bytes.push((state >> 24) as u8);
        } else {
            let from = bytes.len() - back;
            (0..(state >> 4) as usize % 200 + 3).for_each(|at| bytes.push(bytes[from + at % back]));
        }
    }
    bytes.truncate(size);
    bytes
}

#[test]
fn what_is_unpacked_in_pieces_is_what_is_unpacked_in_one_go() {
    const LARGE: u64 = 1 << 20;
    for size in [0, 1, 32_767, 32_768, 131_071, 131_072, 131_073, 262_143, 262_144, 262_145, 700_001] {
        let bytes = patterned(size);
        let zip = write(&BTreeMap::from([("bin/x".to_owned(), bytes.clone())])).expect("small");
        let archive = Archive::read(&zip).expect("a zip");
        let entry = archive.entries()[0];
        assert!(archive.unpack(&entry, LARGE).expect("whole") == bytes, "{size}");
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        assert_eq!(archive.digest(&entry, LARGE), Ok((size as u64, digest)), "{size}");
        if size > 1 {
            assert_eq!(archive.unpack(&entry, size as u64 - 1), Err(ReadError::Format), "{size}");
            assert_eq!(archive.digest(&entry, size as u64 - 1).err(), Some(ReadError::Format), "{size}");
        }
    }
    // Damaged anywhere, both ways refuse or both give the same bytes.
    let bytes = patterned(150_000);
    let zip = write(&BTreeMap::from([("bin/x".to_owned(), bytes.clone())])).expect("small");
    let (start, end) = (35, places(&zip).1[0]);
    for bit in 0..400 {
        let mut damaged = zip.clone();
        let at = start + (bit * 7_919) % (end - start);
        damaged[at] ^= 1 << (bit % 8);
        let archive = Archive::read(&damaged).expect("its directory is whole");
        let entry = archive.entries()[0];
        let mut whole = vec![0; bytes.len() + 1];
        let mut inflate = flate2::Decompress::new(false);
        let status = inflate.decompress(&damaged[start..end], &mut whole, flate2::FlushDecompress::Finish);
        let is_whole = matches!(status, Ok(flate2::Status::StreamEnd)) && inflate.total_out() == bytes.len() as u64;
        let in_pieces = archive.unpack(&entry, LARGE);
        let same = is_whole && whole[..bytes.len()] == bytes[..];
        assert_eq!(in_pieces.is_ok(), same, "bit {bit}: {in_pieces:?}");
        assert_eq!(archive.digest(&entry, LARGE).is_ok(), same, "bit {bit}");
    }
}
