//! Everything that can be done to a signed artifact on its way, and the class it is refused with.
//! artifacts.md §6 and §7, through the one verdict.

mod bits;
mod cohort;
mod entries;
mod exchanged;
mod keys;
mod succession;
mod unsound;

use aileron_testkit::tar::{Entry, Format, Gzip, Tar, members};
use aileron_testkit::{Publisher, Toy, action_text, manifest_text, module, module_of, pack, say};
use aileron_verifier::artifact::archive::{ArtifactKind, Files};
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
        (toy.connector(), wanted(toy.reference(), ArtifactKind::Connector), toy.ring()),
        (toy.action("say"), wanted(toy.action_reference("say"), ArtifactKind::Action), toy.ring()),
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
