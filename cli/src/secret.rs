//! Secret bytes: one type for both crates, so that a credential is never copied on its way to the sandbox's port.

pub use aileron_sandbox::secret::{Secret, is_blank};
