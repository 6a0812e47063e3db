//! Flags that several verbs share, as types. Whatever has a meaning is parsed here, once; commands get values.
//!
//! A verb's own arguments are in its file, `ui/commands/<verb>.rs`.

mod install;
mod release;
mod run;
pub(crate) mod vault;
mod verify;

use std::time::Duration;

use clap::Args;

pub(crate) use self::install::{InstallFlags, RemoveFlags, UpgradeFlags};
pub(crate) use self::release::{
    BuildFlags, GitHubFlags, LimitsOf, RegistryFlags, RegistryName, ReleaseFlags, SigningFlags, version,
};
pub(crate) use self::run::RunFlags;
pub(crate) use self::vault::{BindingFlags, PassphraseFlags};
pub(crate) use self::verify::VerdictFlags;

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
    ($($line:literal),+) => {
        concat!("Examples:\n", $("  ", $line, "\n",)+ "\n", $crate::ui::args::exit_codes!())
    };
}

pub(crate) use {examples, exit_codes};

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
