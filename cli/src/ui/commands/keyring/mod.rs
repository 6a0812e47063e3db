//! `keyring`: whom this machine trusts. Texts, exit codes and flag syntax are keyring.md §6's, word for word; `--json` and
//! the narrower flags of `trust` are ours.

mod list;
mod revoke;
mod trust;

use aileron_verifier::problem::Class;
use aileron_verifier::text::quote::Quoted;
use clap::Args;

use super::go_flags::{Flags, error, take_output_flags, usage};
use super::{Answer, Context, Verb};
use crate::consumer::trust::ring::RingFile;
use crate::ui::args::{Output, duration};
use crate::ui::report::Failure;

const USAGE: &str = "usage: aileron keyring <trust|list|revoke> [args...]";

/// Decide whose signatures this machine accepts.
#[derive(Debug, Args)]
#[command(after_help = "\
Verbs:
  trust <authority>          trust a publisher: github://owner/repo fetches keys/publisher.pub of that repository
    --key-file <path>        take the key from a file instead
    --repo-only              trust this repository only, not everything its owner ships
    --fingerprint <fp>       only if the key has this fingerprint; --yes needs it
    --from <dir|url>         fetch from a mirror
    --catalog <dir|url>      where a bare github://owner is looked up [default: hub.url in config.yaml]
  list                       who is trusted, with fingerprints
  revoke <authority>         withdraw a grant
  revoke --key <fingerprint> withdraw one key everywhere
    --wait-lock <time>       for trust and revoke: wait this long for another command that changes the keyring [default: 1m]

Exit codes: 0 done, 1 refused.")]
pub(crate) struct Keyring {
    /// A verb, its flags, then its argument.
    #[arg(value_name = "VERB", trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

impl Verb for Keyring {
    fn run(self, context: &Context) -> Answer {
        match self.args.split_first().map(|(verb, rest)| (verb.as_str(), rest)) {
            None => Err(usage(USAGE)),
            Some(("trust", rest)) => trust::run(rest, context),
            Some(("list", rest)) => list::run(rest, context),
            Some(("revoke", rest)) => revoke::run(rest, context),
            Some((other, _)) => Err(usage(&format!("unknown keyring subcommand: {}\n{USAGE}", Quoted(other)))),
        }
    }

    fn take_output_flags(&mut self, output: Output) -> Output {
        take_output_flags(&mut self.args, output)
    }

    fn first_word(&self) -> Option<&str> {
        self.args.first().map(String::as_str)
    }
}

fn ring_file(context: &Context, no_home: &str, flags: &Flags) -> Result<RingFile, Failure> {
    let wait = flags.value("wait-lock").map(duration).transpose();
    let wait = wait.map_err(|why| error(Class::UsageError, format!("--wait-lock: {why}")))?;
    Ok(at_home(context, no_home)?.waiting(context.waiting(wait)))
}

fn at_home(context: &Context, no_home: &str) -> Result<RingFile, Failure> {
    RingFile::at_home(&context.environment).ok_or_else(|| error(Class::ValidationError, no_home))
}
