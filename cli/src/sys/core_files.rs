//! No other process may read the memory of this one: it may hold a signing key, a token or a credential.

/// No core file is written when the process crashes, and on Linux no other process of the same user can read its memory or its
/// environment through `/proc`. Children inherit the first and not the second.
///
/// A system that refuses either goes on without it: this is a second lock, and the first one is that secrets are wiped.
pub fn forbid() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        let _ = setrlimit(Resource::Core, none);
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
