//! What the archive reader takes, and what it never breaks on.

use super::*;

fn files() -> impl Strategy<Value = Files> {
    let bytes = |most: usize| vec(any::<u8>(), 0..most);
    prop_oneof![
        (bytes(20_000), bytes(2_000), bytes(70)).prop_map(|(wasm, manifest, signature)| Files::Connector {
            wasm,
            manifest,
            signature
        }),
        (bytes(4_000), bytes(70)).prop_map(|(document, signature)| Files::Action { document, signature }),
    ]
}

/// Reads, and checks what the reader promises of whatever it takes: the caps, and the class of what it does not.
fn read(archive: &[u8]) -> Option<Files> {
    for kind in [ArtifactKind::Connector, ArtifactKind::Action] {
        if let Ok(files) = archive::read(archive, Some(kind)) {
            assert_eq!((files.kind(), archive::read(archive, None)), (kind, Ok(files)));
        }
    }
    match archive::read(archive, None) {
        Ok(files) => {
            for (name, content) in aileron_testkit::tar::members(&files) {
                let cap = if name == "connector.wasm" { MAX_MODULE } else { MAX_DOCUMENT };
                assert!(content.len() as u64 <= cap, "{name} has {} bytes", content.len());
            }
            Some(files)
        }
        Err(error) => {
            assert_eq!(error.class(), Class::MalformedTarball);
            None
        }
    }
}

/// Any entry: honest, bent, or noise.
fn entry() -> impl Strategy<Value = Entry> {
    let name = select(vec![
        "connector.wasm",
        "connector.bin",
        "manifest.toml",
        "action.md",
        "signature.sig",
        "./action.md",
        "d/",
        "x/action.md",
        "",
    ]);
    let size = option::of(prop_oneof![
        Just(0),
        Just(1),
        0..2_000_u64,
        Just(MAX_DOCUMENT + 1),
        Just(MAX_MODULE + 1),
        any::<u64>()
    ]);
    let flag = prop_oneof![4 => Just(b'0'), 1 => select(b"\x0017235xgLKSZ".to_vec())];
    let bytes = option::weighted(0.2, (0_usize..512, any::<u8>()));
    (name, vec(any::<u8>(), 0..1_500), flag, size, bytes, any::<bool>()).prop_map(
        |(name, content, flag, size, byte, gnu)| {
            let entry = match flag {
                b'x' => Entry::pax(&[("mtime", "1.5")]),
                _ => Entry::file(name, &content).kind(flag),
            };
            let entry = if gnu { entry.format(Format::Gnu) } else { entry };
            let entry = size.map_or(entry.clone(), |size| entry.declaring(size));
            byte.map_or(entry.clone(), |(at, byte)| entry.with(at, &[byte]))
        },
    )
}

proptest! {
    #![proptest_config(config(192))]

    #[test] // artifacts.md §7
    fn what_is_written_is_read(files in files(), level in 0_u32..10) {
        let archive = pack(&files);
        prop_assert_eq!(read(&archive), Some(files.clone()));
        prop_assert_eq!(pack(&files), archive, "identical input, identical bytes");
        // Compression and order are the writer's business only.
        let mut tar = Tar::of(&files);
        tar.entries.reverse();
        prop_assert_eq!(read(&Gzip::default().level(level).pack(&tar.bytes())), Some(files));
    }

    #[test]
    fn arbitrary_bytes_never_break_the_reader(bytes in vec(any::<u8>(), 0..3_000)) {
        prop_assert_eq!(read(&bytes), None);
        prop_assert_eq!(read(&Gzip::default().pack(&bytes)), None);
        prop_assert_eq!(read(&[&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255][..], &bytes].concat()), None);
    }

    #[test]
    fn arbitrary_entries_never_break_the_reader(
        entries in vec(entry(), 0..19), ends in 0_usize..4, trailing in vec(any::<u8>(), 0..3), level in 0_u32..3,
    ) {
        let tar = Tar::new(entries).end_blocks(ends).trailing(&trailing);
        read(&Gzip::default().level(level).pack(&tar.bytes()));
    }

    #[test]
    fn a_mutated_archive_never_breaks_the_reader(
        files in files(), changes in vec((any::<Index>(), any::<u8>()), 1..6), cut in option::of(any::<Index>()),
    ) {
        let mut archive = pack(&files);
        for (at, byte) in changes {
            let at = at.index(archive.len());
            archive[at] = byte;
        }
        if let Some(cut) = cut {
            archive.truncate(cut.index(archive.len()));
        }
        // The checksum and the reader's strictness together: what is still read is what was written.
        if let Some(found) = read(&archive) {
            prop_assert_eq!(found, files);
        }
    }
}
