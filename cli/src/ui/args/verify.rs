//! Flags of the verbs that verify.

use std::path::PathBuf;

use clap::Args;

/// What a verdict is asked about.
#[derive(Debug, Args)]
pub(crate) struct VerdictFlags {
    /// The archive must be this artifact.
    #[arg(long = "as", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// The connector must have this content hash.
    #[arg(long, value_name = "HASH")]
    pub(crate) hash: Option<String>,
    /// Fetch from this mirror [default: AILERON_MIRROR, else where the Ref's scheme publishes].
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) from: Option<String>,
    /// Trust this keyring file instead of your own.
    #[arg(long, value_name = "FILE")]
    pub(crate) keyring: Option<PathBuf>,
    /// Trust exactly this public key instead of a keyring. Repeatable.
    #[arg(long, value_name = "PEM", conflicts_with = "keyring")]
    pub(crate) key: Vec<PathBuf>,
}
