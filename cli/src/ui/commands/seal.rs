//! `seal`: a program whose requests get the user's credentials on the way out.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::sealing::{NetworkFlags, Sealed, sealed_hosts};
use super::unlocking::{Wording, unlock, vault};
use super::{Answer, Context, OnInterrupt, Verb};
use crate::sys::process::foreground::Foreground;
use crate::ui::args::{PassphraseFlags, examples};
use crate::ui::report::{Failure, Outcome};

/// Run a command whose requests get your credentials on the way out; the command itself never has them.
///
/// Each unit and your own binding file name hosts. Requests to them go through a proxy of this run, which puts the credential
/// of the vault in; all other connections pass through it unseen. COMMAND gets placeholders where a tool wants to see a
/// token, and its exit code is the exit code here. The credential is in no file, argument, variable or memory of COMMAND, but
/// while it runs COMMAND can use it: this is not a sandbox.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron seal -- gh pr list",
    "aileron seal --unit gh --log seal.log -- git clone https://github.com/acme/private"
))]
pub(crate) struct Seal {
    /// Seal the hosts of this unit, and of others that are named [default: of every accepted unit].
    #[arg(long = "unit", value_name = "NAME")]
    units: Vec<String>,
    /// Add one line of JSON for each request to this file; nothing secret is in it.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// How servers are found.
    #[command(flatten)]
    network: NetworkFlags,
    /// The passphrase.
    #[command(flatten)]
    passphrase: PassphraseFlags,
    /// The command to run, and everything after it its arguments.
    #[arg(value_name = "COMMAND", trailing_var_arg = true, required = true)]
    command: Vec<OsString>,
}

impl Verb for Seal {
    fn on_interrupt(&self) -> OnInterrupt {
        // While questions are asked. Once the command runs, signals are passed on to it.
        OnInterrupt::Exit
    }

    fn run(self, context: &Context) -> Answer {
        if context.output.json {
            return Err(Failure::usage("--json: standard output is COMMAND's")
                .next("leave out --json; --log FILE has one line of JSON for each request"));
        }
        let program = program(&self.command, context)?;
        let network = self.network.network()?;
        let hosts = sealed_hosts(&self.units, context)?;
        let vault = vault(context)?;
        let custodian = unlock(&vault, &self.passphrase, Wording::OnTheWay, context)?;
        let sealed = Sealed::start(hosts, vault, custodian.into(), network, self.log.as_deref(), context)?;
        let ended = sealed.equip(program).run();
        sealed.end(context);
        Ok(Outcome { exit_code: Some(ended?), ..Outcome::new("", json!({})) })
    }
}

/// The program, before anybody types a passphrase for it.
pub(super) fn program(command: &[OsString], context: &Context) -> Result<Foreground, Failure> {
    let (program, arguments) = command.split_first().ok_or_else(|| Failure::usage("no program to run"))?;
    let found = Foreground::find(program, &context.environment);
    let found = found.map_err(|why| Failure::from(why).next("name a program in PATH, or write its path"))?;
    Ok(found.args(arguments.iter().cloned()))
}
