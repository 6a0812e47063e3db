//! The archive room against its spec, its vectors and arbitrary bytes.

use std::io::Write as _;

use flate2::{Compression, Crc, write::DeflateEncoder};
use proptest::prelude::*;

use super::*;
use crate::name::digest::ArchiveDigest;

fn action() -> Files {
    Files::Action { document: b"+++\nname = \"post\"\n+++\nPosts.\n".to_vec(), signature: vec![7; 64] }
}

fn connector() -> Files {
    Files::Connector {
        wasm: b"\0asm\x01\0\0\0".to_vec(),
        manifest: b"[connector]\nname = \"github://acme/echo\"\n".to_vec(),
        signature: vec![9; 64],
    }
}

fn gzip(tar: &[u8]) -> Vec<u8> {
    gzip_at(tar, Compression::new(6))
}

fn gzip_at(tar: &[u8], level: Compression) -> Vec<u8> {
    let mut deflate = DeflateEncoder::new(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], level);
    deflate.write_all(tar).unwrap();
    let mut archive = deflate.finish().unwrap();
    let mut crc = Crc::new();
    crc.update(tar);
    archive.extend(crc.sum().to_le_bytes());
    archive.extend((tar.len() as u32).to_le_bytes());
    archive
}

fn entry(name: &str, kind: u8, size: u64, content: &[u8]) -> Vec<u8> {
    let mut header = ::tar::Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(::tar::EntryType::new(kind));
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    let mut entry = [header.as_bytes(), content].concat();
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    entry(name, b'0', content.len() as u64, content)
}

const END: [u8; 1024] = [0; 1024];

/// An archive of these entries and a proper end.
fn of(entries: &[Vec<u8>]) -> Vec<u8> {
    gzip(&[entries.concat(), END.to_vec()].concat())
}

fn sound() -> [Vec<u8>; 2] {
    [file("action.md", b"+++\n"), file("signature.sig", &[7; 64])]
}

#[test] // artifacts.md §7: one pinned encoder and level. A change of these digests is a change of every published archive.
fn the_bytes_of_an_archive_are_promised() {
    let mut packer = Packer::new();
    let digest = |archive: &[u8]| ArchiveDigest::of(&[archive]).to_string();
    let module: Vec<u8> =
        (0..200_000_u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> (i % 29)).to_le_bytes()).collect();
    let large = Files::Connector { wasm: module, manifest: b"large".to_vec(), signature: vec![0; 64] };
    assert_eq!(
        [&connector(), &action(), &large].map(|files| digest(&packer.pack(files))),
        [
            "sha256:a408ab19484ff30a4abc567e8c9ace8561ee63abe6bf897135809e048a064312",
            "sha256:59a3bd8a18736d45e70fd714bc2bf76a0dc47dbc59008f5edbf877ca16e39f09",
            "sha256:e3c09c141d677fa8428ef28f7ec60d5d122b3e3c1529c422eb6c9c534917fa15",
        ]
    );
}

#[test]
fn what_was_packed_before_does_not_matter() {
    let mut packer = Packer::new();
    let first = packer.pack(&connector());
    packer.pack(&action());
    assert_eq!(packer.pack(&connector()), first);
    assert_eq!(Packer::new().pack(&connector()), first);
}

#[test] // artifacts.md §7, writing
fn an_archive_is_plain_ustar_in_plain_gzip() {
    let archive = Packer::new().pack(&action());
    assert_eq!(archive[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    let mut tar = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&archive[..]), &mut tar).unwrap();
    assert_eq!(tar.len(), 512 * (2 + 2 + 2));
    let header = ::tar::Header::from_byte_slice(&tar[..512]);
    assert_eq!(&header.as_ustar().unwrap().magic, b"ustar\0");
    assert_eq!(
        (header.mode().unwrap(), header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()),
        (0o644, 0, 0, 0)
    );
    assert_eq!((header.username_bytes(), header.groupname_bytes()), (Some(&b""[..]), Some(&b""[..])));
    assert_eq!(tar[512 * 4..], END);
}

#[test] // artifacts.md §7
fn each_broken_rule_has_its_own_message() {
    let [document, signature] = sound();
    let pax = |records: &[u8]| entry("PaxHeaders/x", b'x', records.len() as u64, records);
    let directory = || entry("d/", b'5', 0, b"");
    for (archive, message) in [
        (vec![], "not a gzip stream: there are no bytes"),
        (b"<!doctype html>".to_vec(), "not a gzip stream: it looks like an HTML or XML page"),
        (b"abcdef".to_vec(), "not a gzip stream: it starts with 61 62 63 64 instead of 1f 8b"),
        (of(&[]), "the archive holds neither a connector nor an action"),
        (gzip(b""), "the tar stream has no end: two zero blocks are missing"),
        (gzip(&sound().concat()), "the tar stream has no end: two zero blocks are missing"),
        (gzip(&[&sound().concat(), &END[..512]].concat()), "the tar stream has no end: two zero blocks are missing"),
        (of(&[END[..512].to_vec(), document.clone()]), "a single zero block stands before entry 1"),
        (
            gzip(&[&sound().concat(), &END[..], b"x"].concat()),
            "after the end of the tar stream come bytes that are not zero",
        ),
        (
            gzip(&[&sound().concat(), &END[..], &[0]].concat()),
            "after the end of the tar stream come zeros that are no whole block",
        ),
        (of(std::slice::from_ref(&document)), "signature.sig is missing from the action archive"),
        (of(&[document.clone(), document.clone()]), "action.md stands twice in the archive"),
        (
            of(&[document.clone(), file("manifest.toml", b"")]),
            "manifest.toml belongs to connector archives, the members before it do not",
        ),
        (
            of(&[file("connector.bin", b""), file("connector.wasm", b"")]),
            "connector.wasm and connector.bin stand side by side: only one of them may",
        ),
        (of(&[file("x/action.md", b"")]), "\"x/action.md\" does not belong into an archive"),
        (of(&[file("a\x1b[31m", b"")]), "\"a\\u{1b}[31m\" does not belong into an archive"),
        (
            of(&[entry("action.md", b'2', 0, b"")]),
            "entry 1, \"action.md\", is a symbolic link: only regular files belong into an archive",
        ),
        (of(&[entry("d/", b'5', 5, b"12345")]), "entry 1, directory \"d/\", claims 5 bytes of content"),
        (of(&vec![directory(); 17]), "more than 16 tar entries (extended headers count)"),
        (of(&[pax(b"18 path=action.md\n"), document.clone()]), "entry 1 is an extended header with a \"path\" record"),
        (
            of(&[document.clone(), signature.clone(), pax(b"11 mtime=1\n")]),
            "entry 3 is an extended header with no entry after it",
        ),
        (
            of(&[pax(b"11 mtime=1\n"), pax(b"11 mtime=1\n"), document.clone()]),
            "entry 1 is an extended header with no entry after it",
        ),
        (
            of(&[pax(b"junk"), document.clone()]),
            "entry 1 is an extended header that does not read: a record has no length",
        ),
        (
            of(&[entry("action.md", b'0', MAX_DOCUMENT + 1, b"")]),
            "action.md has 1048577 bytes; at most 1048576 are read",
        ),
        (
            of(&[entry("connector.wasm", b'0', 8 << 30, b"")]),
            "connector.wasm has 8589934592 bytes; at most 268435456 are read",
        ),
        (gzip(&entry("connector.wasm", b'0', MAX_MODULE, b"")), "the tar stream ends inside the content of entry 1"),
    ] {
        let refused = read(&archive, None).expect_err(message);
        assert_eq!((refused.to_string().as_str(), refused.class()), (message, Class::MalformedTarball));
    }
}

#[test]
fn asked_for_a_kind_the_other_is_foreign() {
    let archive = Packer::new().pack(&action());
    assert_eq!(read(&archive, Some(ArtifactKind::Action)), Ok(action()));
    let refused = read(&archive, Some(ArtifactKind::Connector)).expect_err("an action");
    assert_eq!(refused.to_string(), "\"action.md\" does not belong into a connector archive");
}

#[test] // artifacts.md §7: the GNU padding, directories, times and attributes are fine
fn what_other_writers_add_is_read() {
    let [document, signature] = sound();
    let pax = entry("PaxHeaders/x", b'x', 11, b"11 mtime=1\n");
    let padded = [&entry("./", b'5', 0, b"")[..], &pax, &signature, &document, &[0; 10_240]].concat();
    assert!(read(&gzip(&padded), None).is_ok());
}

#[test] // RFC 1952
fn optional_gzip_fields_are_skipped_and_checked() {
    let plain = Packer::new().pack(&action());
    let mut fancy = vec![0x1f, 0x8b, 8, 0b0001_1110, 1, 2, 3, 4, 2, 3];
    fancy.extend(b"\x03\x00abcname\0comment\0");
    let mut crc = Crc::new();
    crc.update(&fancy);
    fancy.extend(((crc.sum() & 0xffff) as u16).to_le_bytes());
    fancy.extend(&plain[10..]);
    assert_eq!(read(&fancy, None), Ok(action()));
    fancy[4] ^= 1;
    assert_eq!(read(&fancy, None), Err(Malformed::GzipHeader("the header's own checksum is wrong")));
    let mut reserved = plain.clone();
    reserved[3] = 0x20;
    assert_eq!(read(&reserved, None), Err(Malformed::GzipHeader("a reserved flag is set")));
    assert_eq!(read(&[&plain[..], &plain].concat(), None), Err(Malformed::SecondGzipMember));
    assert_eq!(read(&[&plain[..], b"\0"].concat(), None), Err(Malformed::TrailingBytes { count: 1 }));
}

#[test]
fn looking_back_before_the_first_byte_is_damage() {
    // A fixed block whose first symbol copies three bytes from one byte before the start, and then ends.
    let refused = read(&[&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 0x03, 0x02, 0x00][..], &[0; 8]].concat(), None);
    assert_eq!(refused, Err(Malformed::Deflate { unpacked: 0 }));
}

#[test] // artifacts.md §7: ratio > 200:1 past 1 MiB, enforced while streaming
fn a_bomb_is_refused_long_before_it_is_unpacked() {
    let mut deflate = DeflateEncoder::new(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], Compression::fast());
    deflate.write_all(&entry("connector.wasm", b'0', MAX_MODULE - 1, b"")).unwrap();
    for _ in 0..257 {
        deflate.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let archive = deflate.finish().unwrap();
    match read(&archive, None) {
        Err(Malformed::Ratio { packed, unpacked }) => {
            assert_eq!(packed, archive.len() as u64);
            assert!(unpacked < packed * MAX_RATIO + (1 << 20), "{unpacked}");
        }
        other => panic!("{other:?}"),
    }
    // Declared over the cap, nothing of it is unpacked at all.
    let declared = of(&[entry("connector.wasm", b'0', MAX_MODULE + 1, b"")]);
    assert!(matches!(read(&declared, None), Err(Malformed::MemberTooLarge { .. })));
    assert_eq!(
        read(&vec![0; MAX_ARCHIVE as usize + 1], None),
        Err(Malformed::ArchiveTooLarge { found: MAX_ARCHIVE + 1 })
    );
}

#[test] // artifacts.md §7: memory stays bounded
fn what_cannot_arrive_reserves_nothing() {
    let archive = gzip(&[b'x'; 1000]);
    let take = |count| gzip::Unpacked::open(&archive).and_then(|mut stream| stream.take(count)).expect("sound");
    let (some, all, too_many) = (take(10), take(RATIO_FROM), take(RATIO_FROM + 1));
    assert_eq!((some.len(), some.capacity()), (10, 10));
    assert_eq!((all.len(), all.capacity()), (1000, RATIO_FROM as usize));
    assert_eq!((too_many.len(), too_many.capacity()), (0, 0));
}

#[test]
fn every_truncation_is_refused() {
    let archive = Packer::new().pack(&action());
    for length in 0..archive.len() {
        assert!(read(&archive[..length], None).is_err(), "{length} bytes");
    }
    let noise: Vec<u8> = (0..40_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let archive = Packer::new().pack(&Files::Connector { wasm: noise, manifest: vec![], signature: vec![] });
    assert!(read(&archive, None).is_ok());
    for length in (0..archive.len()).step_by(512) {
        assert!(read(&archive[..length], None).is_err(), "{length} bytes");
    }
    // The tar stream cut at every byte, in a gzip stream that is whole.
    let tar = [sound().concat(), END.to_vec()].concat();
    assert!(read(&gzip(&tar), None).is_ok());
    for length in 0..tar.len() {
        assert!(read(&gzip_at(&tar[..length], Compression::none()), None).is_err(), "{length} bytes");
    }
}

#[test]
fn no_flipped_bit_changes_what_is_read() {
    for files in [action(), connector()] {
        let archive = Packer::new().pack(&files);
        for bit in 0..archive.len() * 8 {
            let mut flipped = archive.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(read) = read(&flipped, None) {
                assert_eq!(read, files, "bit {bit}");
            }
        }
    }
}

fn any_files() -> impl Strategy<Value = Files> {
    let bytes = |most: usize| proptest::collection::vec(any::<u8>(), 0..most);
    prop_oneof![
        (bytes(200_000), bytes(3_000), bytes(70)).prop_map(|(wasm, manifest, signature)| Files::Connector {
            wasm,
            manifest,
            signature
        }),
        (bytes(3_000), bytes(70)).prop_map(|(document, signature)| Files::Action { document, signature }),
    ]
}

/// Whatever is accepted keeps to the caps.
fn check_caps(read: &Result<Files, Malformed>) {
    let (large, small): (u64, Vec<&Vec<u8>>) = match read {
        Ok(Files::Connector { wasm, manifest, signature }) => (wasm.len() as u64, vec![manifest, signature]),
        Ok(Files::Action { document, signature }) => (0, vec![document, signature]),
        Err(_) => return,
    };
    assert!(large <= MAX_MODULE && small.iter().all(|member| member.len() as u64 <= MAX_DOCUMENT));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_packed_is_read(files in any_files()) {
        let archive = Packer::new().pack(&files);
        prop_assert_eq!(read(&archive, None), Ok(files.clone()));
        prop_assert_eq!(read(&archive, Some(files.kind())), Ok(files));
    }

    #[test]
    fn arbitrary_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..4_096)) {
        prop_assert!(read(&bytes, None).is_err());
        prop_assert!(read(&gzip(&bytes), None).is_err());
        check_caps(&read(&[&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255][..], &bytes].concat(), None));
    }

    #[test]
    fn a_mutated_tar_stream_never_breaks_the_reader(
        changes in proptest::collection::vec((0_usize..5_000, any::<u8>()), 1..8),
        mend in any::<bool>(),
    ) {
        let mut tar = [entry("d/", b'5', 0, b""), entry("p", b'x', 11, b"11 mtime=1\n")].concat();
        tar.extend([sound().concat(), END.to_vec()].concat());
        for (at, byte) in changes {
            let at = at % tar.len();
            tar[at] = byte;
        }
        if mend {
            // With checksums put right the mutation reaches the fields behind them.
            for block in tar.chunks_exact_mut(512) {
                if block[257..262] == *b"ustar" {
                    let sum: u32 = block.iter().enumerate()
                        .map(|(i, byte)| if (148..156).contains(&i) { 32 } else { u32::from(*byte) }).sum();
                    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
                }
            }
        }
        check_caps(&read(&gzip(&tar), None));
    }

    #[test]
    fn a_mutated_archive_never_breaks_the_reader(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut archive = Packer::new().pack(&connector());
        for (at, byte) in changes {
            let at = at.index(archive.len());
            archive[at] = byte;
        }
        check_caps(&read(&archive, None));
    }
}
