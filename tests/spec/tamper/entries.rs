//! The archive around what is signed: entries and streams.

use super::*;

/// What can be done to one entry, in place: each makes the archive another one than §7 describes.
fn bent(entry: &str, content: &[u8]) -> Vec<(String, Vec<Entry>)> {
    let cases = [other_kinds(entry, content), extended(entry, content), other_fields(entry, content)].concat();
    let labelled = cases.into_iter().map(|(why, entries)| (format!("{entry}: {why}"), entries));
    let names = other_names(entry);
    let named = names.iter().map(|name| (format!("{entry} as {name:?}"), vec![Entry::file(name, content)]));
    let beside = names.iter().filter(|name| !name.is_empty()).map(|name| {
        let entries = vec![Entry::file(entry, content), Entry::file(name, content)];
        (format!("{entry} beside {name:?}"), entries)
    });
    labelled.chain(named).chain(beside).collect()
}

type Case = (&'static str, Vec<Entry>);

/// It is missing, there twice, or no regular file.
fn other_kinds(entry: &str, content: &[u8]) -> Vec<Case> {
    let sound = || Entry::file(entry, content);
    let dotted = format!("./{entry}");
    vec![
        ("missing", vec![]),
        ("twice", vec![sound(), sound()]),
        ("twice, other content first", vec![Entry::file(entry, b"other"), sound()]),
        ("twice, other content last", vec![sound(), Entry::file(entry, b"other")]),
        ("twice, empty last", vec![sound(), Entry::file(entry, b"")]),
        ("a symbolic link", vec![Entry::file(entry, b"").kind(b'2').link(b"elsewhere")]),
        ("a hard link", vec![Entry::file(entry, b"").kind(b'1').link(b"elsewhere")]),
        ("a hard link with content", vec![sound().kind(b'1').link(b"elsewhere")]),
        ("a character device", vec![Entry::file(entry, b"").kind(b'3')]),
        ("a block device", vec![Entry::file(entry, b"").kind(b'4')]),
        ("a directory", vec![Entry::file(entry, b"").kind(b'5')]),
        ("a directory with content", vec![sound().kind(b'5')]),
        ("a named pipe", vec![Entry::file(entry, b"").kind(b'6')]),
        ("a contiguous file", vec![sound().kind(b'7')]),
        ("a sparse file", vec![sound().kind(b'S').format(Format::Gnu)]),
        ("a multi-volume part", vec![sound().kind(b'M').format(Format::Gnu)]),
        ("an unknown type", vec![sound().kind(b'Z')]),
        ("a link beside it", vec![sound(), Entry::file(entry, b"").kind(b'2').link(b"elsewhere")]),
        ("twice, `./` last", vec![sound(), Entry::file(&dotted, content)]),
        ("twice, `./` first", vec![Entry::file(&dotted, b"other"), sound()]),
    ]
}

/// An extended header says something else of it.
fn extended(entry: &str, content: &[u8]) -> Vec<Case> {
    let sound = || Entry::file(entry, content);
    vec![
        ("PAX path, same name", vec![Entry::pax(&[("path", entry)]), sound()]),
        ("PAX path, other name", vec![Entry::pax(&[("path", "elsewhere")]), sound()]),
        ("PAX path renames into place", vec![Entry::pax(&[("path", entry)]), Entry::file("elsewhere", content)]),
        ("PAX linkpath", vec![Entry::pax(&[("linkpath", "elsewhere")]), sound()]),
        ("PAX size, same", vec![Entry::pax(&[("size", &content.len().to_string())]), sound()]),
        ("PAX size, other", vec![Entry::pax(&[("size", "1")]), sound()]),
        ("PAX sparse", vec![Entry::pax(&[("GNU.sparse.name", entry)]), sound()]),
        ("PAX path among times", vec![Entry::pax(&[("mtime", "1"), ("path", entry)]), sound()]),
        ("a global PAX header", vec![Entry::global_pax(&[("comment", "x")]), sound()]),
        ("a global PAX path", vec![Entry::global_pax(&[("path", entry)]), sound()]),
        ("a GNU long name", vec![Entry::gnu_long_name(entry), sound()]),
        ("a GNU long name for another", vec![Entry::gnu_long_name("elsewhere"), sound()]),
        ("a GNU long link", vec![Entry::gnu_long_link(entry), sound()]),
        (
            "an extended header, then another",
            vec![Entry::pax(&[("mtime", "1")]), Entry::pax(&[("mtime", "1")]), sound()],
        ),
    ]
}

/// Its header holds a name, a size or a number that does not count.
fn other_fields(entry: &str, content: &[u8]) -> Vec<Case> {
    let sound = || Entry::file(entry, content);
    vec![
        ("a directory prefix", vec![sound().prefix(b"nested")]),
        ("a prefix of a dot", vec![sound().prefix(b"./.")]),
        ("a claim of one byte more than a block", vec![sound().declaring(content.len() as u64 + 512)]),
        ("a claim of 8 EiB", vec![sound().declaring(u64::MAX >> 1)]),
        ("a claim beyond 63 bits", vec![sound().size_text(b"\x80\0\0\0\x80\0\0\0\0\0\0\0")]),
        ("a negative claim", vec![sound().size_text(&[0xff; 12])]),
        ("a claim in hex", vec![sound().size_text(b"0x10\0")]),
        ("a claim with a minus", vec![sound().size_text(b"-0000000001\0")]),
        ("a claim with an eight", vec![sound().size_text(b"00000000008\0")]),
        ("a wrong checksum", vec![sound().with(148, b"000000\0 ").without_checksum()]),
        ("an unknown magic", vec![sound().with(257, b"ustax\x0000")]),
        ("a mode that is no number", vec![sound().with(100, b"rw-r--r-")]),
    ]
}

/// Names that are not its own.
fn other_names(entry: &str) -> [String; 18] {
    [
        entry.to_uppercase(),
        format!("{entry} "),
        format!(" {entry}"),
        format!("{entry}/"),
        format!("{entry}\n"),
        format!("/{entry}"),
        format!("../{entry}"),
        format!("nested/{entry}"),
        format!("././{entry}"),
        format!(".//{entry}"),
        format!("./nested/../{entry}"),
        format!("{entry}.bak"),
        entry[..entry.len() - 1].to_owned(),
        "README.md".into(),
        "keys/publisher.pub".into(),
        ".".into(),
        "..".into(),
        String::new(),
    ]
}

#[test] // artifacts.md §7, reading
fn every_entry_is_one_flat_regular_file_and_there_once() {
    let mut matrix = Matrix::default();
    for (files, wanted, ring) in both() {
        for (at, (name, content)) in members(&files).into_iter().enumerate() {
            for (why, entries) in bent(name, content) {
                let mut tar = Tar::of(&files);
                tar.entries.splice(at..=at, entries);
                matrix.malformed(&why, &tar.pack(), &wanted, &ring);
            }
        }
        let mut pending = Tar::of(&files);
        pending.entries.push(Entry::pax(&[("mtime", "1")]));
        matrix.malformed("an extended header at the end", &pending.pack(), &wanted, &ring);
        let mut crowd = Tar::of(&files);
        crowd.entries.extend((0..14).map(|at| Entry::directory(&format!("d{at}/"))));
        let over = crowd.entries.len() > 16;
        match over {
            true => matrix.malformed("seventeen entries", &crowd.pack(), &wanted, &ring),
            false => drop(judge(&crowd.pack(), &wanted, &ring).expect("sixteen entries")),
        }
        crowd.entries.push(Entry::directory("one-more/"));
        matrix.malformed("more than sixteen entries", &crowd.pack(), &wanted, &ring);
    }
    let [(connector, wanted, ring), (action, ..)] = both();
    let mut tar = Tar::of(&connector);
    tar.entries.push(Entry::file("connector.bin", &module()));
    matrix.malformed("a second binary", &tar.pack(), &wanted, &ring);
    let mut tar = Tar::of(&connector);
    tar.entries.extend(Tar::of(&action).entries.into_iter().take(1));
    matrix.malformed("both kinds", &tar.pack(), &wanted, &ring);
    let mut swapped = members(&connector);
    (swapped[0].1, swapped[1].1) = (swapped[1].1, swapped[0].1);
    let swapped = Tar::new(swapped.into_iter().map(|(name, content)| Entry::file(name, content)));
    matrix.malformed("module and manifest swapped", &swapped.pack(), &wanted, &ring);
    for (why, wasm) in [
        ("no module", vec![]),
        ("text", b"(module)".to_vec()),
        ("a component", b"\0asm\x0d\0\x01\0".to_vec()),
        ("a module with a byte more", [module(), vec![0]].concat()),
        ("a module with half a section more", [module(), vec![0, 2, 1]].concat()),
        ("two modules", [module(), module()].concat()),
    ] {
        let toy = Toy::default();
        let files = toy.sign_connector(wasm, toy.manifest().into_bytes());
        matrix.malformed(why, &pack(&files), &wanted, &ring);
    }
    matrix.report("entries");
}

#[test] // artifacts.md §7: what honest tools add
fn what_honest_tools_write_is_read() {
    for (files, wanted, ring) in both() {
        let tar = Tar::of(&files);
        let with = |change: &dyn Fn(&mut Tar)| {
            let mut tar = tar.clone();
            change(&mut tar);
            tar
        };
        for (why, tar) in [
            ("another order", with(&|tar| tar.entries.reverse())),
            ("GNU padding", tar.clone().end_blocks(20)),
            ("directories", with(&|tar| tar.entries.insert(0, Entry::directory("./")))),
            ("times as PAX", with(&|tar| tar.entries.insert(1, Entry::pax(&[("mtime", "1.5"), ("atime", "2")])))),
            ("times", with(&|tar| tar.entries[0] = tar.entries[0].clone().time(1_700_000_000).mode(0o600))),
            ("GNU headers", with(&|tar| tar.entries[0] = tar.entries[0].clone().format(Format::Gnu))),
            ("V7 headers", with(&|tar| tar.entries[0] = tar.entries[0].clone().format(Format::V7).kind(0))),
            (
                "`./` names",
                with(&|tar| {
                    let members = members(&files);
                    tar.entries =
                        members.iter().map(|(name, content)| Entry::file(&format!("./{name}"), content)).collect();
                }),
            ),
        ] {
            let verified = judge(&tar.pack(), &wanted, &ring).unwrap_or_else(|error| panic!("{why}: {error}"));
            assert_eq!(*verified.files(), files, "{why}");
        }
        for (why, gzip) in [
            ("a time", Gzip::default().time(1)),
            ("a system", Gzip::default().system(3)),
            ("stored", Gzip::default().level(0)),
            ("a name", Gzip::default().flags(1 << 3, b"aileron.tar\0")),
            ("a comment", Gzip::default().flags(1 << 4, b"hello\0")),
            ("extra", Gzip::default().flags(1 << 2, b"\x03\0abc")),
            ("the text flag", Gzip::default().flags(1, b"")),
        ] {
            let verified =
                judge(&gzip.pack(&tar.bytes()), &wanted, &ring).unwrap_or_else(|error| panic!("{why}: {error}"));
            assert_eq!(*verified.files(), files, "{why}");
        }
    }
    let [(connector, wanted, ring), _] = both();
    let mut tar = Tar::of(&connector);
    tar.entries[0] = tar.entries[0].clone().name(b"connector.bin");
    let verified = judge(&tar.pack(), &wanted, &ring).expect("the old name");
    assert_eq!(verified.content(), Some(Toy::default().content()));
}

#[test] // artifacts.md §7: one gzip member, complete, and nothing after it
fn nothing_stands_around_the_stream() {
    let mut matrix = Matrix::default();
    for (files, wanted, ring) in both() {
        let (tar, archive) = (Tar::of(&files), pack(&files));
        let stream = tar.bytes();
        let mut cases: Vec<(&str, Vec<u8>)> = vec![
            ("nothing", vec![]),
            ("not compressed", stream.clone()),
            ("a second member, the same", [&archive[..], &archive].concat()),
            ("a second member, empty", [&archive[..], &Gzip::default().pack(b"")].concat()),
            ("the stream in two members", {
                let (a, b) = stream.split_at(512);
                [Gzip::default().pack(a), Gzip::default().pack(b)].concat()
            }),
            ("an empty member first", [Gzip::default().pack(b""), archive.clone()].concat()),
            ("gzip in gzip", Gzip::default().pack(&archive)),
            ("a zero after the trailer", [&archive[..], b"\0"].concat()),
            ("a block of zeros after the trailer", [&archive[..], &[0; 512]].concat()),
            ("text after the trailer", [&archive[..], b"hello"].concat()),
            ("a byte before", [b"\0", &archive[..]].concat()),
            ("no end", tar.clone().end_blocks(0).pack()),
            ("half an end", tar.clone().end_blocks(1).pack()),
            ("text after the end", tar.clone().trailing(&[b'x'; 512]).pack()),
            ("one bit after the end", tar.clone().end_blocks(20).trailing(&[&[0; 511][..], b"\x01"].concat()).pack()),
            ("a piece of a block after the end", tar.clone().trailing(&[0; 100]).pack()),
            ("a second stream after the end", tar.clone().trailing(&stream).pack()),
            ("a lone zero block", Tar::new([]).end_blocks(1).trailing(&stream).pack()),
        ];
        for flags in [0x20, 0x40, 0x80, 0xe0] {
            cases.push(("reserved flags", Gzip::default().flags(flags, b"").pack(&stream)));
        }
        cases.push(("a name without end", Gzip::default().flags(1 << 3, &[b'x'; 2_000]).pack(&stream)));
        cases.push(("a header checksum that is wrong", Gzip::default().flags(1 << 1, &[0, 0]).pack(&stream)));
        cases.push(("extra beyond the file", Gzip::default().flags(1 << 2, &[0xff, 0xff]).pack(&stream)));
        for at in archive.len() - 8..archive.len() {
            let mut changed = archive.clone();
            changed[at] ^= 0x10;
            cases.push(("a changed trailer", changed));
        }
        let mut method = archive.clone();
        method[2] = 7;
        cases.push(("another method", method));
        for (why, archive) in cases {
            matrix.malformed(why, &archive, &wanted, &ring);
        }
    }
    matrix.report("around the stream");
}
