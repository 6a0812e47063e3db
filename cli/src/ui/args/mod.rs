//! Command lines as types. Whatever has a meaning is parsed here, once; commands get values.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// Printed under every `--help`. artifacts.md §8.
macro_rules! exit_codes {
    () => {
        "\
Exit codes:
  0    done
  1    failed
  2    usage
  3    verification refused (signature, hash, name)
  4    not found or not fetched
  5    incomplete, run again to continue
  6    findings in your repository
  130  interrupted"
    };
}

/// Examples, then the exit codes.
macro_rules! examples {
    ($($line:literal),+) => { concat!("Examples:\n", $("  ", $line, "\n",)+ "\n", exit_codes!()) };
}

mod consumer;
mod publisher;

pub use self::consumer::*;
pub use self::publisher::*;

/// How output looks.
#[derive(Clone, Copy, Debug, Args)]
pub struct Output {
    /// Print one JSON document on standard output.
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// No progress on standard error.
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
}

/// `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// An archive, a directory of archives, or a Ref such as github://acme/aileron-connector-x@0.1.0.
    pub subject: String,
    /// What it is judged by.
    #[command(flatten)]
    pub judging: Judging,
}

/// What a verdict is asked about.
#[derive(Debug, Args)]
pub struct Judging {
    /// The archive must be this artifact.
    #[arg(long = "as", value_name = "REF")]
    pub reference: Option<String>,
    /// The connector must have this content hash.
    #[arg(long, value_name = "HASH")]
    pub hash: Option<String>,
    /// Fetch from this mirror [default: AILERON_MIRROR, else where the Ref's scheme publishes].
    #[arg(long, value_name = "DIR|URL")]
    pub from: Option<String>,
    /// Trust this keyring file instead of your own.
    #[arg(long, value_name = "FILE")]
    pub keyring: Option<PathBuf>,
    /// Trust exactly this public key instead of a keyring. Repeatable.
    #[arg(long, value_name = "PEM", conflicts_with = "keyring")]
    pub key: Vec<PathBuf>,
}

/// What goes into an op, and what stands behind it.
#[derive(Debug, Default, Args)]
pub struct Calling {
    /// All arguments, as one JSON object: the text, `@FILE`, or `-` for standard input.
    ///
    /// Numbers are passed on digit for digit.
    #[arg(long, value_name = "JSON", conflicts_with = "arg")]
    pub args: Option<String>,
    /// One argument. Repeatable.
    #[arg(long, value_name = "NAME=VALUE")]
    pub arg: Vec<String>,
    /// Variable that holds the credential: the key, the access token, the secret access key.
    #[arg(long, value_name = "NAME", conflicts_with = "credential_file", help_heading = "Credential")]
    pub credential_env: Option<String>,
    /// File that holds the credential.
    #[arg(long, value_name = "FILE", help_heading = "Credential")]
    pub credential_file: Option<PathBuf>,
    /// AWS region, where the host does not name one.
    #[arg(long, value_name = "REGION", help_heading = "Credential")]
    pub region: Option<String>,
    /// AWS access key id.
    #[arg(long, value_name = "ID", help_heading = "Credential")]
    pub access_key_id: Option<String>,
    /// Let this granted name lead to a private address. Repeatable.
    #[arg(long, value_name = "HOST", help_heading = "Sandbox")]
    pub allow_private: Vec<String>,
    /// End an operation after this long [default: 30s; at most 5m].
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Sandbox")]
    pub timeout: Option<Duration>,
    /// Memory an operation may use, in MiB [default: 64; at most 1024].
    #[arg(long, value_name = "MIB", help_heading = "Sandbox")]
    pub memory: Option<u32>,
    /// Clocks that stand at 2022 and the same randomness every time.
    #[arg(long, help_heading = "Sandbox")]
    pub deterministic: bool,
}

/// `30s`, `90m`, `5h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let unit = |unit: char| {
        Some(match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return None,
        })
    };
    let parsed = text.char_indices().last().and_then(|(at, last)| {
        let number: u64 = text[..at].parse().ok()?;
        number.checked_mul(unit(last)?)
    });
    parsed.map(Duration::from_secs).ok_or_else(|| "write a number and s, m or h, as in 90m".to_owned())
}
