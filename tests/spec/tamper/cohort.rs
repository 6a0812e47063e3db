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

fn judge_index(bytes: &[u8], signature: &[u8], wanted: &Ref, ring: &Keyring) -> Result<Signed<Cohort>, StatementError> {
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
    // And a signed index is no action, whatever is asked for.
    let posing = pack(&toy.sign_action(text.into_bytes()));
    let wanted = Wanted::of(toy.action_reference("say"));
    let error = judge(&posing, &wanted, &ring).expect_err("an index is no action");
    assert_eq!(error.class(), Class::ParseError);
    say(format_args!("cohort index: {cases} cases refused"));
}
