//! Why bytes are no vault.

/// Why a file is not read as a vault. It is then never written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not text.
    #[error("byte {0} is not UTF-8")]
    NotUtf8(usize),
    /// Not JSON. The parser's words, with line and column.
    #[error("{0}")]
    NotJson(String),
    /// JSON, and not an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// A version that is not known here: what it means is not known either.
    #[error("unsupported version {0}; use a newer aileron")]
    Version(String),
    /// A member that is not what it has to be.
    #[error("{member} is not {expected}")]
    Member {
        /// Which, with where it stands.
        member: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// Longer than any vault is read.
    #[error("longer than {} MiB", crate::vault::LIMIT >> 20)]
    TooLong,
    /// The salt is missing or too short: entries can be listed, and no key can be derived.
    #[error("{0}")]
    Salt(&'static str),
}
