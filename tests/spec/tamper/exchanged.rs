//! Parts, names, versions and kinds of artifacts, one taken for another.

use super::*;

#[test]
fn what_was_not_changed_verifies() {
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
