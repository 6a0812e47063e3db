//! `keys generate`.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use base64::Engine as _;
use clap::Args;
use serde_json::json;

use super::{connector, new_passphrase};
use crate::publisher::fingerprint_mark;
use crate::publisher::keys::{self, Destination, PrivateKeyPlace};
use crate::publisher::project::Project;
use crate::publisher::sign::OsKeychain;
use crate::ui::args::examples;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::{Failure, Outcome, door};

/// Make a key: keys/publisher.pub and keys/README.md in the repository, the private key where you say.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub keys generate --keychain",
    "aileron-pub keys generate --out ../publisher.key --encrypt",
    "aileron-pub keys generate --print-secret"
))]
pub(crate) struct Generate {
    /// Keep the private key in the OS keychain.
    #[arg(long, conflicts_with_all = ["out", "print_secret"])]
    keychain: bool,
    /// Write the private key to this new file, mode 0600, outside the repository.
    #[arg(long, value_name = "FILE", conflicts_with = "print_secret")]
    out: Option<PathBuf>,
    /// Encrypt the file with a passphrase, from AILERON_KEY_PASSPHRASE or asked for.
    #[arg(long, requires = "out")]
    encrypt: bool,
    /// Print the private key once, as the base64 a CI secret holds.
    #[arg(long)]
    print_secret: bool,
}

impl Verb for Generate {
    fn run(self, context: &Context) -> Answer {
        let (Project { root, .. }, name) = connector(context)?;
        let destination = destination(&self, context)?;
        let made = keys::generate(&root, &name, destination, &OsKeychain, context.spawner())?;
        let place = match &made.where_it_went {
            PrivateKeyPlace::Keychain(account) => format!("the OS keychain, as {account}"),
            PrivateKeyPlace::File { path, encrypted: true } => format!("{}, encrypted", path.display()),
            PrivateKeyPlace::File { path, encrypted: false } => path.display().to_string(),
            PrivateKeyPlace::Printed => "printed once, below: store it now, it is nowhere else".to_owned(),
        };
        // The fingerprint's place in README.md; of a printed key, once it has arrived.
        let fill = {
            let (root, fingerprint) = (root, made.fingerprint);
            move || fingerprint_mark::fill(&root, &fingerprint)
        };
        let marked = if made.unprinted.is_none() { fill()? } else { false };
        let readme = if made.wrote_readme { format!(" and {}", keys::README) } else { String::new() };
        let mut text = format!(
            "made a key pair\n  public key   {}{readme}\n  fingerprint  {}\n  private key  {place}\nnext: commit keys/{}, and keep a copy of the private key where you keep passwords\n",
            keys::PUBLIC_KEY,
            made.fingerprint,
            if marked { " and README.md, which has the fingerprint now" } else { "" },
        );
        let mut fields = json!({
            "public_key": keys::PUBLIC_KEY,
            "readme": made.wrote_readme.then_some(keys::README),
            "fingerprint": made.fingerprint,
            "fingerprint_in_readme": marked,
            "private_key": place,
        });
        // The one place a private key is printed: on request, once, to standard output only.
        if let Some(secret) = made.printed {
            let encoded = base64::engine::general_purpose::STANDARD.encode(secret.expose());
            text.push_str(&format!("\n{encoded}\n"));
            fields["secret"] = json!(encoded);
        }
        let outcome = Outcome::new(text, fields);
        Ok(match made.unprinted {
            Some(unprinted) => outcome.when_written(move || {
                unprinted.arrived();
                // The key is there; a README that cannot be changed is what `check` warns about.
                let _ = fill();
            }),
            None => outcome,
        })
    }
}

/// Where the private key goes: a flag, else a question on a terminal, else a usage error. artifacts.md §12.
fn destination(args: &Generate, context: &Context) -> Result<Destination, Failure> {
    const CHOICES: &str = "pass one of --keychain, --out FILE and --print-secret";
    if args.keychain {
        return Ok(Destination::Keychain);
    }
    if args.print_secret {
        return print();
    }
    if let Some(path) = &args.out {
        return file(path.clone(), args.encrypt, context);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("no destination given for the private key").next(CHOICES));
    }
    const KEYCHAIN: &str = "the OS keychain";
    const FILE: &str = "a passphrase-protected file";
    const PRINT: &str = "print it once, for a CI secret";
    let answer = inquire::Select::new("Where does the private key go?", vec![KEYCHAIN, FILE, PRINT]).prompt();
    match answer.map_err(|_| Failure::usage("no answer given").next(CHOICES))? {
        KEYCHAIN => Ok(Destination::Keychain),
        PRINT => print(),
        _ => {
            let path = inquire::Text::new("File, outside the repository:").prompt();
            file(PathBuf::from(path.map_err(|_| Failure::usage("no answer given").next(CHOICES))?), true, context)
        }
    }
}

/// The private key is to be printed: never to where it would be lost without an error.
fn print() -> Result<Destination, Failure> {
    if door::output_is_discarded() {
        let message = "standard output is closed or /dev/null: the printed private key would be lost";
        return Err(Failure::usage(message).next("leave standard output open, or pass --out FILE or --keychain"));
    }
    Ok(Destination::Print)
}

fn file(path: PathBuf, encrypt: bool, context: &Context) -> Result<Destination, Failure> {
    if !encrypt {
        return Ok(Destination::File { path, passphrase: None });
    }
    Ok(Destination::File { path, passphrase: Some(new_passphrase(context)?) })
}
