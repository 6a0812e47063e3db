//! Prove: every archive and the index through the verdict an installer gives, with nothing trusted but the committed key.
//!
//! Nothing else makes a [`Proven`], so nothing unproven can be planned or published:
//!
//! ```compile_fail
//! use aileron_cli::publisher::release::{Packed, Proven};
//! fn publish_as_it_is(packed: Packed) -> Proven {
//!     Proven { packed }
//! }
//! ```

use std::ops::Deref;

use aileron_verifier::artifact::verify::{Unverified, Wanted};
use aileron_verifier::statement::UnverifiedStatement;
use aileron_verifier::statement::cohort::Cohort;
use rayon::prelude::*;

use super::{Artifact, Packed, ReleaseError, World};

/// A cohort every installer accepts: each archive went through the installer's own verdict. It reads as what was packed;
/// private fields, and [`prove`] is the only maker.
#[derive(Clone)]
pub struct Proven {
    packed: Packed,
}

impl Deref for Proven {
    type Target = Packed;
    fn deref(&self) -> &Packed {
        &self.packed
    }
}

/// Runs every archive, and the index over them, through the verdict an installer gives.
///
/// # Errors
/// [`ReleaseError::Refused`] or [`ReleaseError::IndexRefused`] with the verdict.
pub fn prove(packed: Packed, world: &World<'_>) -> Result<Proven, ReleaseError> {
    let ring = packed.ring();
    let artifacts: Vec<&Artifact> = packed.artifacts().collect();
    world.begin("verifying as an installer would", artifacts.len());
    artifacts.par_iter().try_for_each(|artifact| {
        world.check_interrupted()?;
        let wanted =
            Wanted { reference: Some(artifact.reference.clone()), content: artifact.content, ..Wanted::default() };
        let refused = |cause| ReleaseError::Refused { reference: artifact.reference.clone(), cause };
        Unverified::new(&artifact.archive.bytes[..]).verify(&wanted, &ring).map_err(refused)?;
        world.advance();
        Ok::<(), ReleaseError>(())
    })?;
    let refused = |cause| ReleaseError::IndexRefused { reference: packed.release.clone(), cause };
    let index = UnverifiedStatement::<Cohort>::new(&packed.index.bytes[..], &packed.signature.bytes[..]);
    index.verify(&packed.release, &ring).map_err(refused)?;
    world.end(format!("all {} accepted", artifacts.len()));
    Ok(Proven { packed })
}
