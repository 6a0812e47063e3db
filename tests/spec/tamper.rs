//! Everything somebody could do to a signed artifact on its way, and the class it is refused with.
//! artifacts.md §6 and §7, through the one verdict.

use aileron_testkit::tar::{Entry, Format, Gzip, Tar, members};
use aileron_testkit::{Publisher, Toy, action_text, manifest_text, module, module_of, pack, say};
use aileron_verifier::artifact::archive::{Files, Kind};
use aileron_verifier::artifact::module::Module;
use aileron_verifier::artifact::verify::{Unverified, Verified, VerifyError, Wanted};
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::fqn::Authority;
use aileron_verifier::problem::Class;
use aileron_verifier::trust::key::PublicKey;
use aileron_verifier::trust::keyring::Keyring;

fn judge(archive: &[u8], wanted: &Wanted, ring: &Keyring) -> Result<Verified, VerifyError> {
    Unverified::new(archive).verify(wanted, ring)
}

/// The connector and one action of the default toy, and how each is asked for.
fn both() -> [(Files, Wanted, Keyring); 2] {
    let toy = Toy::default();
    let wanted = |reference, kind| Wanted { kind: Some(kind), ..Wanted::of(reference) };
    [
        (toy.connector(), wanted(toy.reference(), Kind::Connector), toy.ring()),
        (toy.action("say"), wanted(toy.action_reference("say"), Kind::Action), toy.ring()),
    ]
}

/// Refused cases, counted, each with the class it must have.
#[derive(Default)]
struct Matrix {
    cases: usize,
}

impl Matrix {
    fn refuse(&mut self, why: &str, archive: &[u8], wanted: &Wanted, ring: &Keyring, class: Class) {
        self.cases += 1;
        match judge(archive, wanted, ring) {
            Ok(_) => panic!("{why}: accepted"),
            Err(error) => assert_eq!(error.class(), class, "{why}: {error}"),
        }
    }

    fn malformed(&mut self, why: &str, archive: &[u8], wanted: &Wanted, ring: &Keyring) {
        self.refuse(why, archive, wanted, ring, Class::MalformedTarball);
        // What was asked for decides nothing about the archive's own shape.
        self.refuse(why, archive, &Wanted::default(), ring, Class::MalformedTarball);
    }

    fn report(&self, what: &str) {
        say(format_args!("{what}: {} cases refused", self.cases));
    }
}

#[test]
fn what_nobody_touched_verifies() {
    for (files, wanted, ring) in both() {
        let archive = pack(&files);
        for wanted in [&wanted, &Wanted::default()] {
            let verified = judge(&archive, wanted, &ring).expect("sound");
            assert_eq!((verified.files(), verified.kind()), (&files, files.kind()));
            assert_eq!(*verified.signer(), Publisher::from_seed(1).fingerprint());
            assert!(verified.warnings().is_empty());
        }
        assert_eq!(Tar::of(&files).pack(), archive, "the kit writes what the writer writes");
    }
    let content =
        judge(&pack(&Toy::default().connector()), &Wanted::default(), &Toy::default().ring()).expect("sound").content();
    assert_eq!(content, Some(Toy::default().content()));
}

/// Offsets at which a prefix of the module is a module too, by the section headers alone: between two sections, but not
/// where functions were announced (section 3) and their bodies (section 10) are cut off.
fn module_ends(wasm: &[u8]) -> Vec<usize> {
    const FUNCTIONS: u8 = 3;
    const BODIES: u8 = 10;
    let (mut ends, mut at, mut announced) = (vec![8], 8, false);
    while at < wasm.len() {
        announced = wasm[at] == FUNCTIONS || (announced && wasm[at] != BODIES);
        let (mut size, mut shift) = (0_usize, 0);
        at += 1;
        loop {
            size |= usize::from(wasm[at] & 0x7f) << shift;
            (at, shift) = (at + 1, shift + 7);
            if wasm[at - 1] & 0x80 == 0 {
                break;
            }
        }
        at += size;
        if !announced {
            ends.push(at);
        }
    }
    ends
}

#[test] // artifacts.md §6: the payload carries no length, so the module must end where it says
fn no_byte_moves_between_module_and_manifest() {
    let mut matrix = Matrix::default();
    // The second has a custom section last, which may be missing without anybody noticing inside the module.
    let custom =
        module_of(r#"(module (memory (export "memory") 1) (func (export "_start")) (@custom "note" "some text"))"#);
    let (mut valid, mut broken) = (0, 0);
    for wasm in [module(), custom] {
        let toy = Toy::default();
        let files = toy.sign_connector(wasm.clone(), toy.manifest().into_bytes());
        let Files::Connector { manifest, signature, .. } = &files else { unreachable!("a connector was made") };
        let (wanted, ring) = (Wanted::of(toy.reference()), toy.ring());
        judge(&pack(&files), &wanted, &ring).expect("sound");
        let payload = [&wasm[..], manifest].concat();
        let ends = module_ends(&wasm);
        for at in (0..=payload.len()).filter(|at| *at != wasm.len()) {
            let (left, right) = payload.split_at(at);
            let shifted = Files::Connector { wasm: left.into(), manifest: right.into(), signature: signature.clone() };
            // Cut between two sections the rest is a module still, and the manifest starts with binary: it does not read.
            let class = match ends.contains(&at) {
                true => Class::ParseError,
                false => Class::MalformedTarball,
            };
            assert_eq!(Module::parse(left).is_ok(), class == Class::ParseError, "boundary at {at}");
            *if class == Class::ParseError { &mut valid } else { &mut broken } += 1;
            matrix.refuse(&format!("boundary at {at} of {}", payload.len()), &pack(&shifted), &wanted, &ring, class);
        }
    }
    say(format_args!("boundary shifts: {broken} malformed_tarball, {valid} parse_error"));
    matrix.report("boundary shifts");
}

#[test] // artifacts.md §6: one key signs all kinds
fn one_kind_is_never_taken_for_another() {
    let toy = Toy::default();
    let mut matrix = Matrix::default();
    let [(connector, as_connector, ring), (action, as_action, _)] = both();
    // The whole archive, asked for as the other kind.
    matrix.refuse("an action for a connector", &pack(&action), &as_connector, &ring, Class::MalformedTarball);
    matrix.refuse("a connector for an action", &pack(&connector), &as_action, &ring, Class::MalformedTarball);
    matrix.refuse(
        "an action by a connector's name",
        &pack(&action),
        &Wanted::of(toy.reference()),
        &ring,
        Class::FqnMismatch,
    );
    let wanted = Wanted::of(toy.action_reference("say"));
    matrix.refuse("a connector by an action's name", &pack(&connector), &wanted, &ring, Class::FqnMismatch);
    // A connector's signed bytes as a document: the signature holds, the text is none.
    let Files::Connector { wasm, manifest, signature } = &connector else { unreachable!("a connector was made") };
    let posing = Files::Action { document: [&wasm[..], manifest].concat(), signature: signature.clone() };
    matrix.refuse("a connector's payload as action.md", &pack(&posing), &as_action, &ring, Class::ParseError);
    matrix.refuse("the same, unnamed", &pack(&posing), &Wanted::default(), &ring, Class::ParseError);
    let posing = toy.sign_action(manifest.clone());
    matrix.refuse("a manifest as action.md", &pack(&posing), &as_action, &ring, Class::ParseError);
    // An action's signed bytes as module and manifest, wherever one ends and the other begins.
    let Files::Action { document, signature } = &action else { unreachable!("an action was made") };
    for at in 0..=document.len() {
        let (wasm, manifest) = document.split_at(at);
        let (wasm, manifest) = (wasm.to_vec(), manifest.to_vec());
        let posing = Files::Connector { wasm, manifest, signature: signature.clone() };
        matrix.malformed("an action's payload as a connector", &pack(&posing), &as_connector, &ring);
    }
    matrix.report("kind swaps");
}

#[test] // artifacts.md §6: name and version inside equal what was asked for
fn nothing_is_taken_for_another_name_or_version() {
    let toy = Toy::default();
    let mut matrix = Matrix::default();
    let [(connector, ..), (action, ..)] = both();
    let (connector, action) = (pack(&connector), pack(&action));
    // The same key, trusted everywhere: only the names stand between them.
    let ring = Keyring::of_keys([toy.publisher.key()]);
    for other in [
        toy.clone().at("1.2.4"),
        toy.clone().at("1.2.2"),
        toy.clone().at("1.2.3-rc.1"),
        toy.clone().at("1.2.3+build"),
        toy.clone().named("github://acme/other"),
        toy.clone().named("github://other/echo"),
        toy.clone().named("github://Acme/echo"),
        toy.clone().named("gitlab://acme/echo"),
        toy.clone().named("hub://acme/echo"),
        toy.clone().named("github://acme/echo/nested"),
    ] {
        let why = other.reference().to_string();
        matrix.refuse(&why, &connector, &Wanted::of(other.reference()), &ring, Class::FqnMismatch);
        matrix.refuse(&why, &action, &Wanted::of(other.action_reference("say")), &ring, Class::FqnMismatch);
        // And the other way round: what the other publishes, for ours.
        matrix.refuse(&why, &pack(&other.connector()), &Wanted::of(toy.reference()), &ring, Class::FqnMismatch);
        let wanted = Wanted::of(toy.action_reference("say"));
        matrix.refuse(&why, &pack(&other.action("say")), &wanted, &ring, Class::FqnMismatch);
    }
    matrix.refuse("a sibling", &action, &Wanted::of(toy.action_reference("shout")), &ring, Class::FqnMismatch);
    matrix.refuse(
        "a sibling",
        &pack(&toy.action("shout")),
        &Wanted::of(toy.action_reference("say")),
        &ring,
        Class::FqnMismatch,
    );
    // artifacts.md §6, order: a connector's names come before its signature, an action's signature before its text.
    let stranger = Publisher::from_seed(2).ring("github://acme");
    let wanted = Wanted::of(toy.clone().at("9.9.9").reference());
    matrix.refuse("name before signature", &connector, &wanted, &stranger, Class::FqnMismatch);
    let wanted = Wanted::of(toy.clone().at("9.9.9").action_reference("say"));
    matrix.refuse("signature before name", &action, &wanted, &stranger, Class::SignatureFailure);
    // An action that contradicts itself, signed by its publisher.
    let text = toy.action_document("say");
    for (why, text) in [
        ("another name", text.replace("name = \"say\"", "name = \"shout\"")),
        ("another version", text.replacen("version = \"1.2.3\"", "version = \"1.2.4\"", 1)),
        ("a source elsewhere", text.replace("/actions/say@", "/deeds/say@")),
        ("a source of another version", text.replace("actions/say@1.2.3", "actions/say@1.2.4")),
    ] {
        let archive = pack(&toy.sign_action(text.into_bytes()));
        matrix.refuse(why, &archive, &Wanted::default(), &ring, Class::FqnMismatch);
        matrix.refuse(why, &archive, &Wanted::of(toy.action_reference("say")), &ring, Class::FqnMismatch);
    }
    // artifacts.md §6, the pinned hash.
    let mut wanted = Wanted::of(toy.reference());
    wanted.content = Some(ContentHash::of(&[b"something else"]));
    matrix.refuse("another hash", &connector, &wanted, &ring, Class::HashMismatch);
    wanted.content = Some(toy.content());
    judge(&connector, &wanted, &ring).expect("the pinned hash");
    wanted.reference = Some(toy.action_reference("say"));
    matrix.refuse("a hash for an action", &action, &wanted, &ring, Class::HashMismatch);
    matrix.report("names, versions, hashes");
}

#[test] // artifacts.md §6: parts of one artifact never complete another
fn signed_parts_do_not_mix() {
    let toy = Toy::default();
    let ring = toy.ring();
    let mut matrix = Matrix::default();
    let newer = toy.clone().at("1.2.4");
    let louder = module_of(r#"(module (memory (export "memory") 1) (func (export "_start")))"#);
    let other = toy.sign_connector(louder, toy.manifest().into_bytes());
    let (old, new) = (toy.connector(), newer.connector());
    let parts =
        |files: &Files| -> Vec<Vec<u8>> { members(files).into_iter().map(|(_, bytes)| bytes.to_vec()).collect() };
    let (old, new, other) = (parts(&old), parts(&new), parts(&other));
    let sets = [&old, &new, &other];
    for (w, m, s) in (0..27).map(|i| (i / 9, i / 3 % 3, i % 3)).filter(|(w, m, s)| w != m || m != s) {
        let (wasm, manifest, signature) = (sets[w][0].clone(), sets[m][1].clone(), sets[s][2].clone());
        let whole = sets.iter().any(|set| set[0] == wasm && set[1] == manifest && set[2] == signature);
        if whole {
            continue;
        }
        let wanted = Wanted::of(if m == 1 { newer.reference() } else { toy.reference() });
        let archive = pack(&Files::Connector { wasm, manifest, signature });
        matrix.refuse("mixed parts", &archive, &wanted, &ring, Class::SignatureFailure);
    }
    let texts = [toy.action("say"), toy.action("shout"), newer.action("say")];
    for (at, files) in texts.iter().enumerate() {
        for (_, stranger) in texts.iter().enumerate().filter(|(other, _)| *other != at) {
            let (Files::Action { document, .. }, Files::Action { signature, .. }) = (files, stranger) else {
                unreachable!("actions were made")
            };
            let mixed = Files::Action { document: document.clone(), signature: signature.clone() };
            matrix.refuse(
                "another action's signature",
                &pack(&mixed),
                &Wanted::default(),
                &ring,
                Class::SignatureFailure,
            );
        }
    }
    matrix.report("mixed parts");
}

#[test] // artifacts.md §6: every byte of every signed document
fn no_byte_of_a_signed_document_can_change() {
    let toy = Toy::default();
    let ring = toy.ring();
    let mut matrix = Matrix::default();
    let Files::Action { document, signature } = toy.action("say") else { unreachable!("an action was made") };
    let wanted = Wanted::of(toy.action_reference("say"));
    for at in 0..document.len() {
        for changed in [
            [&document[..at], &document[at + 1..]].concat(),
            [&document[..at], &[document[at] ^ 1], &document[at + 1..]].concat(),
            [&document[..at], b" ", &document[at..]].concat(),
        ] {
            if changed == document {
                continue;
            }
            let files = Files::Action { document: changed, signature: signature.clone() };
            matrix.refuse("a changed action", &pack(&files), &wanted, &ring, Class::SignatureFailure);
        }
    }
    // A connector's document is read before its signature is asked for: either refuses, nothing accepts.
    let Files::Connector { wasm, manifest, signature } = toy.connector() else { unreachable!("a connector was made") };
    let wanted = Wanted::of(toy.reference());
    for at in 0..manifest.len() {
        let mut changed = manifest.clone();
        changed[at] ^= 1;
        let files = Files::Connector { wasm: wasm.clone(), manifest: changed, signature: signature.clone() };
        let class = judge(&pack(&files), &wanted, &ring).expect_err("a changed manifest").class();
        let refusals = [Class::ParseError, Class::ValidationError, Class::FqnMismatch, Class::SignatureFailure];
        assert!(refusals.contains(&class), "byte {at}: {class}");
        matrix.cases += 1;
    }
    let appended = Files::Connector { wasm, manifest: [&manifest[..], b"# more\n"].concat(), signature };
    matrix.refuse("a comment more", &pack(&appended), &wanted, &ring, Class::SignatureFailure);
    matrix.report("changed documents");
}

#[test] // keyring.md §2.5
fn only_a_key_trusted_for_this_repository_counts() {
    let toy = Toy::default();
    let mut matrix = Matrix::default();
    for (files, wanted, _) in both() {
        let archive = pack(&files);
        let (ours, stranger) = (&toy.publisher, Publisher::from_seed(2));
        for (why, ring) in [
            ("no key at all", Keyring::new()),
            ("another key", stranger.ring("github://acme/echo")),
            ("another key for the owner", stranger.ring("github://acme")),
            ("ours, for a sibling repository", ours.ring("github://acme/other")),
            ("ours, for another owner", ours.ring("github://other")),
            ("ours, for the same path elsewhere", ours.ring("gitlab://acme/echo")),
            ("ours, for other letters", ours.ring("github://Acme/echo")),
            ("ours, for a longer name", ours.ring("github://acme/echo/actions")),
            ("ours, for a prefix", ours.ring("github://acm")),
            ("ours, for text that is no name", ours.ring("acme/echo")),
        ] {
            matrix.refuse(why, &archive, &wanted, &ring, Class::SignatureFailure);
            matrix.refuse(why, &archive, &Wanted::default(), &ring, Class::SignatureFailure);
        }
        for ring in [ours.ring("github://acme"), ours.ring("github://acme/echo"), Keyring::of_keys([ours.key()])] {
            judge(&archive, &wanted, &ring).expect("a grant that covers it");
        }
        // A signature of another length or of nothing.
        let (Files::Connector { signature, .. } | Files::Action { signature, .. }) = &files;
        for changed in [
            vec![],
            signature[..63].to_vec(),
            [&signature[..], b"\n"].concat(),
            [&signature[..], signature].concat(),
            vec![0; 64],
            vec![0xff; 64],
        ] {
            let mut files = files.clone();
            let (Files::Connector { signature, .. } | Files::Action { signature, .. }) = &mut files;
            *signature = changed;
            matrix.refuse("no signature", &pack(&files), &wanted, &toy.ring(), Class::SignatureFailure);
        }
    }
    matrix.report("keys and signatures");
}

#[test] // artifacts.md §6: under a small-order key anyone can forge, so it accepts nothing
fn a_small_order_key_verifies_nothing_although_the_forgery_is_real() {
    let hex = |text: &str| -> [u8; 32] {
        std::array::from_fn(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).expect("hex"))
    };
    let points = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let encodings: Vec<[u8; 32]> = points
        .iter()
        .flat_map(|y| [0, 0x80].map(|sign| (hex(y), sign)))
        .map(|(mut point, sign)| {
            point[31] |= sign;
            point
        })
        .collect();
    let toy = Toy::default();
    let mut matrix = Matrix::default();
    let mut forged = 0;
    for encoding in &encodings {
        let raw = ed25519_dalek::VerifyingKey::from_bytes(encoding).ok();
        let mut ring = Keyring::new();
        ring.grant(Authority::new("github://acme"), PublicKey::from_bytes(*encoding));
        assert_eq!(ring.weak().len(), 1);
        // With S = 0 the equation is R = -kA, and both sides have small order: some R fits some text soon.
        let forgery = (0..64_u32).find_map(|nonce| {
            let document = format!("{}\n<!-- {nonce} -->\n", toy.action_document("say")).into_bytes();
            encodings.iter().find_map(|r| {
                let signature: [u8; 64] = std::array::from_fn(|at| if at < 32 { r[at] } else { 0 });
                let found = ed25519_dalek::Signature::from_bytes(&signature);
                let holds = ed25519_dalek::Verifier::verify(raw.as_ref()?, &document, &found).is_ok();
                holds.then(|| Files::Action { document: document.clone(), signature: signature.to_vec() })
            })
        });
        forged += usize::from(forgery.is_some());
        let files = forgery.unwrap_or_else(|| {
            let document = toy.action_document("say").into_bytes();
            Files::Action { document, signature: vec![0; 64] }
        });
        let wanted = Wanted::of(toy.action_reference("say"));
        matrix.refuse("a small-order key", &pack(&files), &wanted, &ring, Class::SignatureFailure);
        matrix.refuse("the same, unnamed", &pack(&files), &Wanted::default(), &ring, Class::SignatureFailure);
        // It does no harm beside an honest key.
        ring.grant(Authority::new("github://acme/echo"), toy.publisher.key());
        judge(&pack(&toy.connector()), &Wanted::of(toy.reference()), &ring).expect("the honest key");
    }
    assert!(forged >= 8, "only {forged} forgeries hold in plain ed25519");
    say(format_args!("small-order keys: {} encodings, {forged} with a forgery plain ed25519 accepts", encodings.len()));
    matrix.report("small-order keys");
}

/// What can be done to one entry, in place: each makes the archive another one than §7 describes.
fn bent(entry: &str, content: &[u8]) -> Vec<(String, Vec<Entry>)> {
    let sound = || Entry::file(entry, content);
    let mut cases: Vec<(&str, Vec<Entry>)> = vec![
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
    ];
    let dotted = format!("./{entry}");
    cases.push(("twice, `./` last", vec![sound(), Entry::file(&dotted, content)]));
    cases.push(("twice, `./` first", vec![Entry::file(&dotted, b"other"), sound()]));
    let renamed = [
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
    ];
    let labelled = cases.into_iter().map(|(why, entries)| (format!("{entry}: {why}"), entries));
    let named = renamed.iter().map(|name| (format!("{entry} as {name:?}"), vec![Entry::file(name, content)]));
    let beside = renamed.iter().filter(|name| !name.is_empty());
    let beside = beside.map(|name| (format!("{entry} beside {name:?}"), vec![sound(), Entry::file(name, content)]));
    labelled.chain(named).chain(beside).collect()
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

/// A connector and an action that fill many blocks and do not compress away.
fn large() -> [(Files, Wanted, Keyring); 2] {
    let toy = Toy::default();
    let mut random = Random(7);
    let noise: String = (0..40_000).map(|_| format!("\\{:02x}", random.below(256))).collect();
    let wasm = module_of(&format!(
        r#"(module (memory (export "memory") 1) (data (i32.const 0) "{noise}") (func (export "_start")))"#
    ));
    let words: String = (0..20_000).map(|_| char::from(b'a' + random.below(26) as u8)).collect();
    let connector = toy.sign_connector(wasm, toy.manifest().into_bytes());
    let action = toy.sign_action(format!("{}\n{words}\n", toy.action_document("say")).into_bytes());
    let wanted = |reference| Wanted::of(reference);
    [(connector, wanted(toy.reference()), toy.ring()), (action, wanted(toy.action_reference("say")), toy.ring())]
}

#[test] // artifacts.md §7: a stream that is not complete to its trailer
fn no_truncation_is_read() {
    let mut matrix = Matrix::default();
    for (files, wanted, ring) in both() {
        let archive = pack(&files);
        for length in 0..archive.len() {
            matrix.refuse("a cut archive", &archive[..length], &wanted, &ring, Class::MalformedTarball);
        }
    }
    for (files, wanted, ring) in both().into_iter().chain(large()) {
        let (stream, archive) = (Tar::of(&files).bytes(), pack(&files));
        judge(&archive, &wanted, &ring).expect("sound");
        for length in (0..stream.len()).step_by(512).chain([1, 511, 513, stream.len() - 1]) {
            let cut = Gzip::default().level(1).pack(&stream[..length]);
            matrix.refuse("a cut stream", &cut, &wanted, &ring, Class::MalformedTarball);
        }
        for length in (0..archive.len()).step_by(512) {
            matrix.refuse("a cut archive", &archive[..length], &wanted, &ring, Class::MalformedTarball);
        }
    }
    matrix.report("truncations");
}

/// SplitMix64: the same cases on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

#[test] // artifacts.md §6, §7: every bit of an archive is signed, checked, or said to mean nothing
fn a_flipped_bit_is_refused_or_changes_nothing() {
    let mut random = Random(2026);
    let (mut refused, mut identical) = (0, 0);
    let mut flip = |archive: &[u8], bit: usize, sound: &Verified, wanted: &Wanted, ring: &Keyring| {
        let mut flipped = archive.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match judge(&flipped, wanted, ring) {
            Err(error) => {
                refused += 1;
                assert_eq!(error.class(), Class::MalformedTarball, "bit {bit}: {error}");
            }
            Ok(same) => {
                identical += 1;
                assert_eq!((same.files(), same.content()), (sound.files(), sound.content()), "bit {bit}");
                assert_eq!((same.signer(), same.reference()), (sound.signer(), sound.reference()), "bit {bit}");
                // The text flag, time and system of the gzip header, or deflate data that says the same in other words (a
                // code nothing uses, another way back into zeros): never magic, method or trailer.
                let byte = bit / 8;
                assert!((3..archive.len() - 8).contains(&byte), "byte {byte} means nothing?");
            }
        }
    };
    for (files, wanted, ring) in both() {
        let archive = pack(&files);
        let sound = judge(&archive, &wanted, &ring).expect("sound");
        (0..archive.len() * 8).for_each(|bit| flip(&archive, bit, &sound, &wanted, &ring));
    }
    let every = archive_bits();
    for (files, wanted, ring) in large() {
        let archive = pack(&files);
        let sound = judge(&archive, &wanted, &ring).expect("sound");
        for _ in 0..750 {
            let bit = random.below(archive.len() as u64 * 8);
            flip(&archive, bit as usize, &sound, &wanted, &ring);
        }
    }
    say(format_args!(
        "bit flips: {refused} refused, {identical} identical (every one of {every} in two small archives, 1500 drawn in two large ones)"
    ));
    assert_eq!(refused + identical, every + 1500);
}

fn archive_bits() -> usize {
    both().iter().map(|(files, ..)| pack(files).len() * 8).sum()
}

#[test] // artifacts.md §6: a document that cannot be read, or breaks a rule, whoever signed it
fn a_signature_does_not_make_a_document_sound() {
    let toy = Toy::default();
    let ring = toy.ring();
    let mut matrix = Matrix::default();
    let manifest = manifest_text("github://acme/echo", "1.2.3");
    for (why, text, class) in [
        ("not UTF-8", b"[connector]\n# \xff\n".to_vec(), Class::ParseError),
        ("empty", vec![], Class::ValidationError),
        ("not TOML", b"[connector\n".to_vec(), Class::ParseError),
        ("an unknown key", format!("{manifest}[connector.origin]\n").into_bytes(), Class::ParseError),
        ("a port of 0", manifest.replace(":443", ":0").into_bytes(), Class::ValidationError),
        ("a wildcard", manifest.replace("api.", "*.").into_bytes(), Class::ValidationError),
        ("a local name", manifest.replace("github://", "local://").into_bytes(), Class::ValidationError),
        ("a version with v", manifest.replace("\"1.2.3\"", "\"v1.2.3\"").into_bytes(), Class::ValidationError),
        ("two byte-order marks", format!("\u{feff}\u{feff}{manifest}").into_bytes(), Class::ParseError),
    ] {
        let files = toy.sign_connector(module(), text);
        matrix.refuse(why, &pack(&files), &Wanted::of(toy.reference()), &ring, class);
    }
    let text = |hash: &str| action_text("github://acme/echo", "say", "1.2.3", hash);
    let hash = toy.content().to_string();
    for (why, text, class) in [
        ("a placeholder hash", text("sha256:bound-at-release").into_bytes(), Class::ValidationError),
        ("a hash in capitals", text(&hash.to_uppercase()).into_bytes(), Class::ValidationError),
        ("a hash that walks", text("sha256:../../x").into_bytes(), Class::ValidationError),
        ("a byte before the fence", [b"x", text(&hash).as_bytes()].concat(), Class::ParseError),
        ("not UTF-8 in the body", [text(&hash).as_bytes(), b"\xff"].concat(), Class::ParseError),
        ("a table in inputs", text(&hash).replace("\"${args.text}\"", "{}").into_bytes(), Class::ParseError),
        (
            "an undeclared input",
            text(&hash).replace("${args.text}", "${args.other}").into_bytes(),
            Class::ValidationError,
        ),
    ] {
        let files = toy.sign_action(text);
        matrix.refuse(why, &pack(&files), &Wanted::of(toy.action_reference("say")), &ring, class);
    }
    matrix.report("signed but unsound documents");
}

mod cohort {
    //! The signed index of a release. artifacts.md §11.

    use super::*;
    use aileron_verifier::artifact::capability::Capabilities;
    use aileron_verifier::name::digest::ArchiveDigest;
    use aileron_verifier::name::fqn::Ref;
    use aileron_verifier::statement::cohort::{Archive, Cohort, ConnectorEntry, SCHEMA, Tool, Toolchain};
    use aileron_verifier::statement::{Document as _, Signed, StatementError, UnverifiedStatement};

    fn index(toy: &Toy) -> Cohort {
        let archive = pack(&toy.connector());
        Cohort {
            schema: SCHEMA,
            repository: toy.name.clone(),
            version: toy.version.clone(),
            commit: "0123456789".repeat(4).parse().expect("a commit"),
            dirty: false,
            tool: Tool { name: "aileron-pub".into(), version: "0.1.0".into() },
            toolchain: Toolchain::PREBUILT,
            key: toy.publisher.fingerprint(),
            connector: ConnectorEntry {
                fqn: toy.name.clone(),
                tag: toy.reference().tag().as_str().to_owned(),
                content_hash: toy.content(),
                archive: Archive { sha256: ArchiveDigest::of(&[&archive]), size: archive.len() as u64 },
            },
            actions: Vec::new(),
            suite: None,
            capabilities: Capabilities::default(),
            allowed: Vec::new(),
        }
    }

    fn judge_index(
        bytes: &[u8],
        signature: &[u8],
        wanted: &Ref,
        ring: &Keyring,
    ) -> Result<Signed<Cohort>, StatementError> {
        UnverifiedStatement::new(bytes, signature).verify(wanted, ring)
    }

    #[test]
    fn an_index_is_believed_only_as_its_publisher_signed_it() {
        let toy = Toy::default();
        let (wanted, ring) = (toy.reference(), toy.ring());
        let bytes = index(&toy).render();
        let signature = toy.publisher.sign(&[&bytes]);
        let read = judge_index(&bytes, &signature, &wanted, &ring).expect("sound");
        assert_eq!(*read.signer(), toy.publisher.fingerprint());
        assert_eq!(read.into_document(), index(&toy));

        let mut cases = 0;
        let mut refuse = |bytes: &[u8], signature: &[u8], toy: &Toy, ring: &Keyring, class: Class| {
            cases += 1;
            let error = judge_index(bytes, signature, &toy.reference(), ring).expect_err("tampered");
            assert_eq!(error.class(), class, "{error}");
        };
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            refuse(&flipped, &signature, &toy, &ring, Class::SignatureFailure);
        }
        for bit in 0..signature.len() * 8 {
            let mut flipped = signature.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            refuse(&bytes, &flipped, &toy, &ring, Class::SignatureFailure);
        }
        for length in [0, 1, 63] {
            refuse(&bytes, &signature[..length], &toy, &ring, Class::SignatureFailure);
        }
        let stranger = Publisher::from_seed(2);
        refuse(&bytes, &stranger.sign(&[&bytes]), &toy, &ring, Class::SignatureFailure);
        refuse(&bytes, &signature, &toy, &stranger.ring("github://acme"), Class::SignatureFailure);
        refuse(&bytes, &signature, &toy, &Keyring::new(), Class::SignatureFailure);
        // Another release's, under the same key.
        let everywhere = Keyring::of_keys([toy.publisher.key()]);
        for other in
            [toy.clone().at("1.2.4"), toy.clone().named("github://acme/other"), toy.clone().named("hub://acme/echo")]
        {
            refuse(&bytes, &signature, &other, &everywhere, Class::FqnMismatch);
        }
        // Signed, but no index this tool can read.
        let text = String::from_utf8(bytes).expect("UTF-8");
        for changed in [
            text.replace("\"schema\": 1", "\"schema\": 2"),
            text.replace("\"schema\": 1", "\"schema\": \"1\""),
            text.replace("\"version\": \"1.2.3\"", "\"version\": \"01.2.3\""),
            text.replace("sha256:", "sha512:"),
            format!("{text}{{}}"),
            "[]".into(),
            String::new(),
            toy.action_document("say"),
            toy.manifest(),
        ] {
            let signature = toy.publisher.sign(&[changed.as_bytes()]);
            refuse(changed.as_bytes(), &signature, &toy, &ring, Class::ValidationError);
        }
        // And a signed index is no action, whoever asks.
        let posing = pack(&toy.sign_action(text.into_bytes()));
        let wanted = Wanted::of(toy.action_reference("say"));
        let error = judge(&posing, &wanted, &ring).expect_err("an index is no action");
        assert_eq!(error.class(), Class::ParseError);
        say(format_args!("cohort index: {cases} cases refused"));
    }
}
