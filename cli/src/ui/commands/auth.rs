//! `auth`: a command-line tool's own login, once, and its token in the vault.

use std::path::PathBuf;

use aileron_verifier::text::printable;
use aileron_verifier::unit::CaptureDescriptor;
use aileron_verifier::unit::key::is_credential_ref;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::sealing::capture_of;
use super::unlocking::{Wording, confirms, unlock_or_create, vault};
use super::{Answer, Context, OnInterrupt, Verb};
use crate::runtime::capture::container::Runtime;
use crate::runtime::capture::error::CaptureError;
use crate::runtime::capture::{World, container, here};
use crate::secret::Secret;
use crate::sys::lock;
use crate::ui::args::{PassphraseFlags, examples};
use crate::ui::report::{Failure, Outcome};
use crate::vault::document::Entry;
use crate::vault::file::VaultFile;

/// Log in with a command-line tool's own login, and keep its token in the vault.
///
/// The login runs in a container of docker or podman, or with --here on this machine with an empty home of its own; either is
/// removed afterwards. The token is in the vault and nowhere else. A token that you have already: `aileron vault put`.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron auth gh --image ghcr.io/acme/tools:1", "aileron auth gh --here"))]
pub(crate) struct Auth {
    /// The tool: name of an accepted unit, or of your own capture descriptor.
    name: String,
    /// Image to run the login in [default: the one that the unit names].
    #[arg(long, conflicts_with = "here")]
    image: Option<String>,
    /// The container runtime [default: docker, else podman].
    #[arg(long, value_enum, conflicts_with = "here")]
    runtime: Option<RuntimeName>,
    /// No container: run the login on this machine, with an empty home of its own.
    #[arg(long)]
    here: bool,
    /// Replace a credential that is there without asking.
    #[arg(short, long)]
    yes: bool,
    /// The passphrase.
    #[command(flatten)]
    passphrase: PassphraseFlags,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RuntimeName {
    Docker,
    Podman,
}

impl From<RuntimeName> for Runtime {
    fn from(name: RuntimeName) -> Runtime {
        match name {
            RuntimeName::Docker => Runtime::Docker,
            RuntimeName::Podman => Runtime::Podman,
        }
    }
}

/// Where the login runs.
enum Place {
    Container { runtime: Runtime, image: String },
    Here(PathBuf),
}

impl Verb for Auth {
    fn on_interrupt(&self) -> OnInterrupt {
        // While questions are asked. Once the login begins, an interrupt ends it in order.
        OnInterrupt::Exit
    }

    fn run(self, context: &Context) -> Answer {
        let world = World { environment: &context.environment, is_output_taken: context.output.json };
        let descriptor = capture_of(&self.name, context)?;
        let key = descriptor.store_at.as_str();
        if !is_credential_ref(key) {
            let message = format!("{} stores its credential at {}", printable(&self.name), printable(key));
            return Err(Failure::usage(message).next("a unit stores at user/SERVICE or KIND/SERVICE/IDENTITY"));
        }
        let file = vault(context)?;
        let place = self.place(&descriptor, &file, world)?;
        let custodian = unlock_or_create(&file, &self.passphrase, Wording::OnTheWay, context)?;
        let replaced = file.read()?.is_some_and(|document| document.entry(key).is_some());
        if replaced && !self.yes && !confirms(&format!("{key} is in the vault. Replace it? [y/N]: "), context)? {
            return Ok(Outcome::new("cancelled\n", json!({"name": self.name, "key": key, "stored": false})));
        }
        file.check_writable()?;
        let beside = file.path().with_file_name("auth.lock");
        let _alone = lock::take(&beside, &context.waiting(None))?;
        let token = acquire(&descriptor, &place, world)?;
        store(&file, &custodian, &descriptor, &token)?;
        let text = format!("Stored {key}\naileron seal -- COMMAND runs a command that uses it\n");
        let fields =
            json!({"name": self.name, "key": key, "kind": descriptor.kind, "stored": true, "replaced": replaced});
        Ok(Outcome::new(text, fields))
    }
}

impl Auth {
    /// Decided before a passphrase is typed.
    fn place(&self, descriptor: &CaptureDescriptor, vault: &VaultFile, world: World<'_>) -> Result<Place, Failure> {
        if self.here {
            return Ok(Place::Here(vault.path().with_file_name("auth-here")));
        }
        let named = self.image.clone().unwrap_or_else(|| descriptor.image.clone());
        if named.is_empty() {
            return Err(CaptureError::NoImage(descriptor.name.clone()).into());
        }
        let runtime = self.runtime.map_or_else(|| Runtime::find(world), |name| Ok(name.into()))?;
        Ok(Place::Container { runtime, image: named })
    }
}

fn acquire(descriptor: &CaptureDescriptor, place: &Place, world: World<'_>) -> Result<Secret, CaptureError> {
    match place {
        Place::Container { runtime, image } => container::acquire(descriptor, *runtime, image, world),
        Place::Here(home) => here::acquire(descriptor, home, world),
    }
}

/// Under the descriptor's key, with its kind. vault.md §2.2.
fn store(
    file: &VaultFile,
    custodian: &crate::vault::custodian::Custodian,
    descriptor: &CaptureDescriptor,
    token: &Secret,
) -> Result<(), Failure> {
    Ok(file.change(Some(custodian), |document| {
        let blob = custodian.seal(token)?;
        let there = document.entry(&descriptor.store_at).filter(|entry| entry.kind() == descriptor.kind).cloned();
        let entry = there.map(|entry| entry.with_blob(blob.clone()));
        let entry = entry.unwrap_or_else(|| Entry::new(&descriptor.kind, blob));
        document.put(descriptor.store_at.clone(), entry);
        Ok(())
    })?)
}

#[cfg(test)]
mod tests;
