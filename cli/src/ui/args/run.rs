//! Flags of the verbs that run an op.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aileron_sandbox::invoke::Limits;
use aileron_verifier::text::printable;
use clap::Args;

use super::duration;
use crate::runtime::static_credential::StaticCredentialSource;
use crate::sys::disk;
use crate::sys::environment::Environment;
use crate::sys::input;
use crate::ui::report::Failure;

/// Longest object of arguments that is read from a file or from standard input. A guest has 64 MiB of memory by default.
const ARGUMENTS_LIMIT: u64 = 64 << 20;

/// What goes into an op, and what stands behind it.
#[derive(Debug, Default, Args)]
pub(crate) struct RunFlags {
    /// All arguments, as one JSON object: the text, `@FILE`, or `-` for standard input.
    ///
    /// Numbers are passed on digit for digit.
    #[arg(long, value_name = "JSON", conflicts_with = "arg")]
    pub(crate) args: Option<String>,
    /// One argument. Repeatable.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) arg: Vec<String>,
    /// Variable that holds the credential: the key, the access token, the secret access key.
    #[arg(long, value_name = "NAME", conflicts_with = "credential_file", help_heading = "Credential")]
    pub(crate) credential_env: Option<String>,
    /// File that holds the credential.
    #[arg(long, value_name = "FILE", help_heading = "Credential")]
    pub(crate) credential_file: Option<PathBuf>,
    /// AWS region, where the host does not name one.
    #[arg(long, value_name = "REGION", help_heading = "Credential")]
    pub(crate) region: Option<String>,
    /// AWS access key id.
    #[arg(long, value_name = "ID", help_heading = "Credential")]
    pub(crate) access_key_id: Option<String>,
    /// Let this granted name lead to a private address. Repeatable.
    #[arg(long, value_name = "HOST", help_heading = "Sandbox")]
    pub(crate) allow_private: Vec<String>,
    /// End an operation after this long [default: 30s; at most 5m].
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Sandbox")]
    pub(crate) timeout: Option<Duration>,
    /// Memory an operation may use, in MiB [default: 64; at most 1024].
    #[arg(long, value_name = "MIB", help_heading = "Sandbox")]
    pub(crate) memory: Option<u32>,
    /// Clocks that stand at 2022 and the same randomness every time.
    #[arg(long, help_heading = "Sandbox")]
    pub(crate) deterministic: bool,
}

impl RunFlags {
    /// Memory and time.
    pub(crate) fn limits(&self) -> Limits {
        Limits::new(u64::from(self.memory.unwrap_or_default()) << 20, self.timeout.unwrap_or_default())
    }

    /// The credential that was given by hand.
    pub(crate) fn credential(&self, environment: &Environment) -> StaticCredentialSource {
        StaticCredentialSource {
            environment: environment.clone(),
            variable: self.credential_env.clone(),
            file: self.credential_file.clone(),
            region: self.region.clone(),
            access_key_id: self.access_key_id.clone(),
        }
    }

    /// The object of `--args`: the text itself, a file's (`@FILE`), or standard input's (`-`).
    ///
    /// # Errors
    /// It cannot be read, is too long, or is not UTF-8.
    pub(crate) fn object(&self) -> Result<Option<String>, Failure> {
        let Some(text) = self.args.as_deref() else { return Ok(None) };
        let (bytes, place) = match (text, text.strip_prefix('@')) {
            ("-", _) => (standard_input()?, "standard input".to_owned()),
            (_, Some(path)) => (disk::read(Path::new(path), ARGUMENTS_LIMIT)?, path.to_owned()),
            _ => return Ok(Some(text.to_owned())),
        };
        let text = String::from_utf8(bytes).map_err(|error| {
            let byte = error.utf8_error().valid_up_to();
            Failure::usage(format!("--args: {}: byte {byte} is not UTF-8", printable(&place)))
        })?;
        // A file that an editor saved may begin with a byte-order mark.
        Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
    }
}

fn standard_input() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = input::unbuffered().and_then(|input| input.take(ARGUMENTS_LIMIT + 1).read_to_end(&mut bytes));
    read.map_err(|error| Failure::usage(format!("cannot read --args from standard input: {error}")))?;
    if bytes.len() as u64 > ARGUMENTS_LIMIT {
        return Err(Failure::usage(format!("--args: standard input is longer than {ARGUMENTS_LIMIT} bytes")));
    }
    Ok(bytes)
}
