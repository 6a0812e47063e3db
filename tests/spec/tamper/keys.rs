//! Every byte of a signed document, and whose signature counts.

use super::*;

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
