//! Statements about keys: who must have signed them, and over which bytes.

use super::*;
use aileron_verifier::name::fqn::Fqn;
use aileron_verifier::statement::revocation::Revocation;
use aileron_verifier::statement::rotation::{Rotation, Succession};
use aileron_verifier::statement::{Document, Signed, StatementError, UnverifiedStatement};

const NAME: &str = "github://acme/echo";

fn name() -> Fqn {
    NAME.parse().expect("a name")
}

fn rotation(old: &Publisher, new: &Publisher) -> Rotation {
    let first_version = "1.2.0".parse().expect("a version");
    Rotation { authority: name(), first_version, new: new.key(), old: old.key(), schema: 1 }
}

fn judged<D: Document<Subject = Fqn>>(
    bytes: &[u8],
    signatures: &[u8],
    ring: &Keyring,
) -> Result<Signed<D>, StatementError> {
    UnverifiedStatement::new(bytes, signatures).verify(&name(), ring)
}

#[test]
fn a_rotation_is_believed_only_with_the_signatures_of_both_keys_over_its_bytes() {
    let [old, new, third] = [1, 2, 3].map(Publisher::from_seed);
    let document = rotation(&old, &new);
    let bytes = document.render();
    let text = format!(
        "{{\n  \"authority\": \"{NAME}\",\n  \"first_version\": \"1.2.0\",\n  \"new\": \"{}\",\n  \"old\": \"{}\",\n  \"schema\": 1\n}}\n",
        new.key().to_base64(),
        old.key().to_base64()
    );
    assert_eq!(bytes, text.as_bytes());
    let sign = |bytes: &[u8], keys: &[&Publisher]| keys.iter().flat_map(|key| key.sign(&[bytes])).collect::<Vec<u8>>();
    let both = sign(&bytes, &[&old, &new]);
    let ring = old.ring(NAME);
    let read = judged::<Rotation>(&bytes, &both, &ring).expect("sound");
    assert_eq!((*read.signer(), read.into_document()), (old.fingerprint(), document));

    let mut cases = 0;
    let mut refuse = |what: &str, bytes: &[u8], signatures: &[u8], ring: &Keyring, class: Class| {
        cases += 1;
        let error = judged::<Rotation>(bytes, signatures, ring).expect_err(what);
        assert_eq!(error.class(), class, "{what}: {error}");
    };
    for (what, signatures) in [
        ("by the old key alone", sign(&bytes, &[&old])),
        ("by the new key alone", sign(&bytes, &[&new])),
        ("by the old key twice", sign(&bytes, &[&old, &old])),
        ("the other way round", sign(&bytes, &[&new, &old])),
        ("by a third in the old one's place", sign(&bytes, &[&third, &new])),
        ("by a third in the new one's place", sign(&bytes, &[&old, &third])),
        ("by a third besides", sign(&bytes, &[&old, &new, &third])),
        ("by nobody", Vec::new()),
        ("cut", both[..127].to_vec()),
    ] {
        refuse(what, &bytes, &signatures, &ring, Class::SignatureFailure);
    }
    refuse("a key that is not trusted", &bytes, &both, &third.ring(NAME), Class::SignatureFailure);
    refuse("the new key alone is trusted", &bytes, &both, &new.ring(NAME), Class::SignatureFailure);
    for cut in 0..bytes.len() {
        refuse("cut", &bytes[..cut], &both, &ring, Class::SignatureFailure);
    }
    for bit in 0..both.len() * 8 {
        let mut flipped = both.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        refuse("a bit of the signatures", &bytes, &flipped, &ring, Class::SignatureFailure);
    }
    // Signed by those who should, and not such a document.
    for (what, changed, class) in [
        ("another authority", text.replace("acme/echo", "acme/other"), Class::FqnMismatch),
        ("a subpath", text.replace("acme/echo", "acme/echo/sub"), Class::FqnMismatch),
        ("another owner", text.replace("acme/echo", "evil/echo"), Class::FqnMismatch),
        ("other blanks", text.replace("  ", "    "), Class::ValidationError),
        ("CRLF", text.replace('\n', "\r\n"), Class::ValidationError),
        ("no line end", text.trim_end().to_owned(), Class::ValidationError),
        ("an unknown key", text.replacen('{', "{\n  \"also\": 1,", 1), Class::ValidationError),
        ("a higher schema", text.replace("\"schema\": 1", "\"schema\": 2"), Class::ValidationError),
        ("schema 0", text.replace("\"schema\": 1", "\"schema\": 0"), Class::ValidationError),
        ("no schema", text.replace(",\n  \"schema\": 1", ""), Class::ValidationError),
        ("base64 without its padding", text.replace("=\"", "\""), Class::ValidationError),
        ("more behind it", format!("{text}{{}}"), Class::ValidationError),
        ("a key twice", text.replacen('{', "{\n  \"schema\": 1,", 1), Class::ValidationError),
        ("nothing", String::new(), Class::ValidationError),
    ] {
        assert_ne!(changed, text, "{what}");
        let signatures = sign(changed.as_bytes(), &[&old, &new]);
        refuse(what, changed.as_bytes(), &signatures, &ring, class);
    }
    // Another trusted key of the same publisher does not speak for the old one.
    let mut wide = ring.clone();
    wide.grant(Authority::new(NAME), third.key());
    refuse(
        "a trusted key that is not the old one",
        &bytes,
        &sign(&bytes, &[&third, &new]),
        &wide,
        Class::SignatureFailure,
    );
    let own = rotation(&old, &old).render();
    refuse("a key that follows itself", &own, &sign(&own, &[&old, &old]), &ring, Class::ValidationError);
    say(format_args!("rotation: {cases} cases refused"));
}

#[test]
fn a_revocation_is_believed_only_from_the_key_it_says_it_is_from() {
    let [key, next, third] = [1, 2, 3].map(Publisher::from_seed);
    for by in [&key, &next] {
        let document = Revocation { authority: name(), by: by.key(), key: key.key(), schema: 1 };
        let bytes = document.render();
        let signature = by.sign(&[&bytes]);
        let ring = by.ring(NAME);
        assert_eq!(judged::<Revocation>(&bytes, &signature, &ring).expect("sound").into_document(), document);
        let both = Keyring::of_keys([key.key(), next.key(), third.key()]);
        for (what, bytes, signature, ring) in [
            ("by a third", bytes.clone(), third.sign(&[&bytes]), &ring),
            ("by a third that is trusted", bytes.clone(), third.sign(&[&bytes]), &both),
            ("cut", bytes[..bytes.len() - 1].to_vec(), signature.clone(), &ring),
            ("a cut signature", bytes.clone(), signature[..63].to_vec(), &ring),
            ("two signatures", bytes.clone(), [&signature[..], &signature].concat(), &ring),
        ] {
            let error = judged::<Revocation>(&bytes, &signature, ring).expect_err(what);
            assert_eq!(error.class(), Class::SignatureFailure, "{what}: {error}");
        }
        let elsewhere = Revocation { authority: "github://acme/other".parse().expect("a name"), ..document };
        let bytes = elsewhere.render();
        let error = judged::<Revocation>(&bytes, &by.sign(&[&bytes]), &ring).expect_err("another authority");
        assert_eq!(error.class(), Class::FqnMismatch);
    }
    // A rotation is no revocation, whoever signed it.
    let bytes = rotation(&key, &next).render();
    let error = judged::<Revocation>(&bytes, &key.sign(&[&bytes]), &key.ring(NAME)).expect_err("a rotation");
    assert_eq!(error.class(), Class::ValidationError);
}

#[test] // thought-machine/please#2628: who slept through a rotation is not stranded
fn a_succession_leads_from_key_to_key_and_breaks_where_a_step_is_missing() {
    let keys: Vec<Publisher> = (1..=5).map(Publisher::from_seed).collect();
    let statement = |at: usize| {
        let bytes = rotation(&keys[at], &keys[at + 1]).render();
        let signatures = [keys[at].sign(&[&bytes]), keys[at + 1].sign(&[&bytes])].concat();
        UnverifiedStatement::<Rotation>::new(bytes, signatures)
    };
    for from in 0..4 {
        let succession = Succession::follow(keys[from].key(), (from..4).map(statement), &name()).expect("a way");
        assert_eq!(succession.len(), 4 - from);
        assert!(keys[from + 1..].iter().all(|key| succession.names(&key.key())));
        assert!(!succession.names(&keys[from].key()), "a key does not follow itself");
    }
    for (from, steps) in [(0, vec![1]), (0, vec![0, 2]), (1, vec![0, 1]), (0, vec![0, 0]), (2, vec![3])] {
        let broken = Succession::follow(keys[from].key(), steps.iter().copied().map(statement), &name());
        assert!(broken.is_err(), "{from} {steps:?}");
    }
    assert!(Succession::follow(keys[0].key(), [], &name()).expect("no step").is_empty());
}
