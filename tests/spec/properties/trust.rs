//! The ring and the signed index: what is written is read, and what was changed is refused.

use aileron_testkit::{Publisher, Toy};
use aileron_verifier::name::fqn::Authority;
use aileron_verifier::statement::cohort::{ActionEntry, Archive, Cohort, ConnectorEntry, Tool, Toolchain};
use aileron_verifier::statement::rotation::{Rotation, Succession};
use aileron_verifier::statement::{Document as _, UnverifiedStatement};
use aileron_verifier::trust::keyring::Keyring;

use super::*;

fn authority() -> impl Strategy<Value = Authority> {
    let owner = "github://[a-z]{1,3}";
    let repository = "github://[a-z]{1,3}/[a-z]{1,3}";
    prop_oneof![owner, repository].prop_map(Authority::new)
}

/// Grants of few authorities and few keys, so that they meet.
fn ring() -> impl Strategy<Value = Keyring> {
    vec((authority(), 1..6_u8), 0..12).prop_map(|grants| {
        let mut ring = Keyring::new();
        for (authority, seed) in grants {
            ring.grant(authority, Publisher::from_seed(seed).key());
        }
        ring
    })
}

/// The index of a release of these actions.
fn cohort(toy: &Toy, actions: &[String]) -> Cohort {
    let archive = Archive { sha256: aileron_verifier::name::digest::ArchiveDigest::of(&[b"x"]), size: 1 };
    let action = |name: &String| {
        let fqn = toy.name.action(name).expect("a name");
        ActionEntry {
            name: name.clone(),
            tag: fqn.tag(&toy.version).to_string(),
            fqn,
            archive: archive.clone(),
            capabilities: vec!["echo".into()],
            approval: false,
        }
    };
    Cohort {
        schema: 1,
        repository: toy.name.repository(),
        version: toy.version.clone(),
        commit: "0".repeat(40).parse().expect("a commit"),
        dirty: false,
        tool: Tool { name: "test".into(), version: "1.0.0".into() },
        toolchain: Toolchain::PREBUILT,
        key: toy.publisher.fingerprint(),
        connector: ConnectorEntry {
            fqn: toy.name.clone(),
            tag: toy.reference().tag().to_string(),
            content_hash: ContentHash::of(&[b"y"]),
            archive: archive.clone(),
        },
        actions: actions.iter().map(action).collect(),
        suite: None,
        capabilities: Default::default(),
        allowed: Vec::new(),
    }
}

proptest! {
    #![proptest_config(config(256))]

    #[test] // keyring.md §1
    fn a_ring_is_read_as_it_was_written(ring in ring()) {
        let text = ring.render();
        let read = Keyring::parse(text.as_bytes(), "ring").expect("it reads");
        prop_assert_eq!(read.digest(), ring.digest());
        prop_assert_eq!(read.render(), text);
        for authority in ring.authorities() {
            prop_assert_eq!(read.exact(authority), ring.exact(authority));
        }
    }

    #[test] // keyring.md §2.3: the repository's own keys and those of its owner, and no others
    fn a_signature_counts_for_an_authority_exactly_when_one_of_its_keys_made_it(ring in ring(), asked in authority(), seed in 1..6_u8) {
        let publisher = Publisher::from_seed(seed);
        let signature = publisher.sign(&[b"payload"]);
        let accepted = ring.verify(&asked, &[b"payload"], &signature).is_ok();
        prop_assert_eq!(accepted, ring.keys(&asked).contains(&publisher.key()));
        let by_owner = asked.owner().is_some_and(|owner| ring.exact(&owner).contains(&publisher.key()));
        prop_assert_eq!(accepted, ring.exact(&asked).contains(&publisher.key()) || by_owner);
        prop_assert!(ring.verify(&asked, &[b"other"], &signature).is_err());
    }

    #[test]
    fn granting_and_revoking_undo_each_other(before in ring(), granted in authority(), seed in 6..9_u8) {
        let key = Publisher::from_seed(seed).key();
        let mut ring = before.clone();
        prop_assert!(ring.grant(granted.clone(), key), "no ring here has this key");
        prop_assert!(!ring.grant(granted.clone(), key), "it has it now");
        prop_assert_eq!(ring.revoke_key(&key.fingerprint()), 1);
        prop_assert_eq!(ring.render(), before.render());
        let had = !before.exact(&granted).is_empty();
        prop_assert_eq!(ring.revoke(&granted), had);
        prop_assert!(ring.exact(&granted).is_empty() && !ring.authorities().any(|left| *left == granted));
    }

    #[test] // keyring.md §1.4: what cannot be read is an error of one line, never an empty ring
    fn no_bytes_break_the_reader_of_a_ring(bytes in vec(any::<u8>(), 0..200), ring in ring(), at in any::<Index>(), by in 1..255_u8) {
        if let Err(error) = Keyring::parse(&bytes, "ring") {
            prop_assert!(!error.to_string().contains('\n'), "{}", error);
        }
        let mut changed = ring.render().into_bytes();
        let at = at.index(changed.len());
        changed[at] ^= by;
        match Keyring::parse(&changed, "ring") {
            Ok(read) => prop_assert!(read.authorities().count() <= ring.authorities().count() + 1),
            Err(error) => prop_assert!(!error.to_string().contains('\n'), "{}", error),
        }
    }

    #[test] // read and written are the same bytes, and every other text is refused
    fn a_rotation_is_read_as_it_was_written_and_with_one_byte_changed_it_is_another_or_none(
        name in name(),
        version in SEMVER,
        old in 1..40_u8,
        new in 41..80_u8,
        at in any::<Index>(),
        by in 1..255_u8,
    ) {
        let authority: Fqn = name.parse::<Fqn>().expect("a name").repository();
        let first_version = version.parse().expect("SemVer");
        let [old, new] = [old, new].map(Publisher::from_seed);
        let said = Rotation { authority: authority.clone(), first_version, new: new.key(), old: old.key(), schema: 1 };
        let bytes = said.render();
        prop_assert_eq!(&Rotation::read_unverified(&bytes).expect("it reads"), &said);
        let signatures = [old.sign(&[&bytes]), new.sign(&[&bytes])].concat();
        let follow = |bytes: &[u8], signatures: &[u8]| {
            let statement = UnverifiedStatement::new(bytes.to_vec(), signatures.to_vec());
            Succession::follow(old.key(), [statement], &authority).map(|found| found.names(&new.key()))
        };
        prop_assert!(follow(&bytes, &signatures).expect("as it was signed"));
        let mut changed = bytes.clone();
        let place = at.index(changed.len());
        changed[place] ^= by;
        if let Ok(read) = Rotation::read_unverified(&changed) {
            prop_assert_eq!(read.render(), changed.clone());
        }
        prop_assert!(follow(&changed, &signatures).is_err());
        let mut forged = signatures.clone();
        let place = at.index(forged.len());
        forged[place] ^= by;
        prop_assert!(follow(&bytes, &forged).is_err());
    }

    #[test] // artifacts.md §11: the index is signed over its own bytes
    fn an_index_with_one_byte_changed_is_not_the_signed_one(
        actions in btree_set("[a-z]{1,6}", 0..5),
        at in any::<Index>(),
        by in 1..255_u8,
    ) {
        let toy = Toy::default();
        let actions: Vec<String> = actions.into_iter().collect();
        let cohort = cohort(&toy, &actions);
        let bytes = cohort.render();
        prop_assert_eq!(Cohort::read_unverified(&bytes).expect("it reads").render(), bytes.clone());
        let signature = toy.publisher.sign(&[&bytes]);
        let ring = toy.ring();
        let verify = |bytes: &[u8], signature: &[u8]| {
            UnverifiedStatement::<Cohort>::new(bytes.to_vec(), signature.to_vec()).verify(&toy.reference(), &ring)
        };
        prop_assert_eq!(verify(&bytes, &signature).expect("as it was signed").actions.len(), actions.len());
        let mut changed = bytes.clone();
        let place = at.index(changed.len());
        changed[place] ^= by;
        prop_assert_eq!(verify(&changed, &signature).err().map(|error| error.class()), Some(Class::SignatureFailure));
        let mut forged = signature.to_vec();
        let place = at.index(forged.len());
        forged[place] ^= by;
        prop_assert_eq!(verify(&bytes, &forged).err().map(|error| error.class()), Some(Class::SignatureFailure));
        // Signed again, whatever it says now: it is about this release, or it is refused.
        let signed = verify(&changed, &toy.publisher.sign(&[&changed]));
        if let Ok(signed) = signed {
            prop_assert_eq!((&signed.version, &signed.connector.fqn), (&toy.version, &toy.name));
        }
    }
}
