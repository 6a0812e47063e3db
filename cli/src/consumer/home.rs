//! What is below a user's `~/.aileron`: installed artifacts, and the ring of trusted keys.

use crate::consumer::trust::error::TrustError;
use crate::consumer::trust::ring::RingFile;
use crate::store::Store;
use crate::sys::environment::Environment;
use crate::sys::lock::LockPolicy;

/// The store and the ring of one user.
pub struct Home {
    /// Installed artifacts.
    pub store: Store,
    /// Trusted keys.
    pub ring: RingFile,
}

impl Home {
    /// Below `AILERON_HOME`, else `~/.aileron`. Both wait for their locks as `waiting` says.
    ///
    /// # Errors
    /// [`TrustError::NoHome`].
    pub fn open(environment: &Environment, waiting: LockPolicy) -> Result<Home, TrustError> {
        let store = Store::at_home(environment).ok_or(TrustError::NoHome)?;
        let ring = RingFile::at_home(environment).ok_or(TrustError::NoHome)?;
        Ok(Home { store: store.waiting(waiting.clone()), ring: ring.waiting(waiting) })
    }
}
