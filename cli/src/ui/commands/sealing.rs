//! What `seal` and `launch --seal` share: which hosts are sealed, the proxy of one run, and what the program is given.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use aileron_verifier::problem::Class;
use aileron_verifier::text::printable;
use aileron_verifier::unit::{CaptureDescriptor, Effective, Layer, Placed};
use clap::Args;

use super::Context;
use super::binding::manifest;
use super::installing::home;
use crate::consumer::unit::{UnitsFile, effective, effective_of};
use crate::event::Event;
use crate::runtime::oauth::Client;
use crate::runtime::seal::credential::VaultCredentials;
use crate::runtime::seal::dial::{Network, Override};
use crate::runtime::seal::plant::{Certificates, Plant, Surroundings};
use crate::runtime::seal::proxy::{IDLE, Proxy, SealOptions};
use crate::secret::Secret;
use crate::sys::clock::{Clock as _, Machine};
use crate::sys::disk;
use crate::sys::process::foreground::Foreground;
use crate::ui::report::{Exit, Failure};
use crate::vault::custodian::Custodian;
use crate::vault::document::Document;
use crate::vault::file::VaultFile;

/// How servers are found, for development.
#[derive(Debug, Default, Args)]
pub(crate) struct NetworkFlags {
    /// Dial ADDR:PORT for HOST:443; certificates are verified for HOST all the same.
    #[arg(long, value_name = "HOST:443:ADDR:PORT", value_parser = resolve, help_heading = "Development")]
    resolve: Vec<Override>,
    /// Let this name lead to a private address.
    #[arg(long, value_name = "HOST", help_heading = "Development")]
    allow_private: Vec<String>,
}

impl NetworkFlags {
    pub(super) fn network(self) -> Result<Network, Failure> {
        let allow_private = self.allow_private.iter().map(|host| host.to_ascii_lowercase()).collect();
        Ok(Network { overrides: self.resolve, allow_private, ..Network::default() })
    }
}

/// `api.github.com:443:127.0.0.1:8443`; an IPv6 address stands in brackets.
fn resolve(text: &str) -> Result<Override, String> {
    let parsed = text.split_once(":443:").and_then(|(host, address)| {
        let address: SocketAddr = address.parse().ok()?;
        let is_host = !host.is_empty() && !host.contains([':', '/']);
        is_host.then(|| Override { host: host.to_ascii_lowercase(), address })
    });
    parsed.ok_or_else(|| "write HOST:443:ADDR:PORT, as in api.github.com:443:127.0.0.1:8443".to_owned())
}

/// A proxy that runs for one program, and what that program is given.
pub(super) struct Sealed {
    proxy: Proxy,
    credentials: Arc<VaultCredentials>,
    _certificates: Certificates,
    plant: Plant,
}

impl Sealed {
    /// Starts it. What a person should know of it is said.
    pub(super) fn start(
        hosts: Effective,
        vault: VaultFile,
        custodian: Arc<Custodian>,
        network: Network,
        log: Option<&Path>,
        context: &Context,
    ) -> Result<Sealed, Failure> {
        let log = log.map(disk::append).transpose()?;
        let document = vault.read()?.unwrap_or_default();
        let hosts = without_unused(&hosts, &document);
        let credentials = VaultCredentials::new(vault, custodian, context.waiting(None));
        let credentials = Arc::new(with_clients(credentials, &hosts, &document, context));
        let known = known(&hosts, &credentials);
        let proxy = Proxy::start(SealOptions {
            table: hosts.clone(),
            credentials: Arc::clone(&credentials) as _,
            network,
            idle: IDLE,
            log,
            now: || Machine.now(),
        })?;
        let certificates = Certificates::write(proxy.authority(), &context.environment)?;
        let url = proxy.url();
        let url = std::str::from_utf8(url.expose()).unwrap_or_default();
        let surroundings = Surroundings {
            environment: &context.environment,
            table: &hosts,
            is_held: &|reference| document.entry(reference).is_some(),
            is_credential: &|value| known.iter().any(|known| known.expose() == value.as_encoded_bytes()),
            acquire: &|reference| acquire(&hosts, reference),
        };
        let mut plant = Plant::new(&surroundings, &certificates, OsStr::new(url));
        for note in plant.notes.drain(..) {
            context.progress.take(Event::Note(note));
        }
        Ok(Sealed { proxy, credentials, _certificates: certificates, plant })
    }

    /// The program with all of it.
    pub(super) fn equip(&self, program: Foreground) -> Foreground {
        let program = self.plant.dropped.iter().fold(program, |program, name| program.without(name));
        self.plant.set.iter().fold(program, |program, (name, value)| program.env(name, value))
    }

    /// Ends it: what the program left running is not answered any more.
    pub(super) fn end(self, context: &Context) {
        if let Some(fault) = self.proxy.end() {
            let line = format!("warning: lines are missing from the log: {fault}");
            context.progress.take(Event::Note(line));
        }
        self.credentials.finish();
    }
}

/// What is built in counts once its credential is there: nobody asked for it.
fn without_unused(hosts: &Effective, document: &Document) -> Effective {
    let mut used = Effective::default();
    for placed in hosts.captures() {
        used.add_capture(placed.record.clone(), placed.origin.clone());
    }
    for placed in hosts.bindings() {
        if placed.origin.layer != Layer::BuiltIn || document.entry(&placed.record.credential_ref).is_some() {
            used.add_binding(placed.record.clone(), placed.origin.clone());
        }
    }
    used
}

/// Each credential once.
fn references(hosts: &Effective) -> BTreeSet<&str> {
    hosts.bindings().map(|placed| placed.record.credential_ref.as_str()).collect()
}

/// The credentials of the hosts, to be looked for in the environment and forgotten.
fn known(hosts: &Effective, credentials: &VaultCredentials) -> Vec<Arc<Secret>> {
    references(hosts).into_iter().filter_map(|reference| Some(credentials.stored(reference)?.0)).collect()
}

/// With the apps that renew tokens: those of the connectors that the tokens belong to, as they are installed.
fn with_clients(
    mut credentials: VaultCredentials,
    hosts: &Effective,
    document: &Document,
    context: &Context,
) -> VaultCredentials {
    for reference in references(hosts) {
        if !credentials.stored(reference).is_some_and(|(_, ends)| ends) {
            continue;
        }
        let connector = document.entry(reference).and_then(|entry| entry.label("connector_fqn"));
        match connector.map_or(Err("it names no connector".to_owned()), |connector| client_of(connector, context)) {
            Ok(client) => credentials = credentials.renewed_by(reference, client),
            Err(why) => context.progress.take(Event::Note(format!(
                "warning: {reference} is used until its token ends, and then refused: it cannot be renewed here: {why}"
            ))),
        }
    }
    credentials
}

/// The app of an installed connector.
fn client_of(connector: &str, context: &Context) -> Result<Client, String> {
    let manifest = home(context, None).and_then(|home| manifest(connector, &home)).map_err(|why| why.message)?;
    let settings = manifest.credential.as_ref().and_then(|credential| credential.oauth2.as_ref());
    let settings = settings.ok_or_else(|| format!("{connector} wants no oauth2 credential"))?;
    Client::of(settings).map_err(|why| why.to_string())
}

/// The command that acquires a credential.
fn acquire(hosts: &Effective, reference: &str) -> String {
    let stores_it = |placed: &&Placed<CaptureDescriptor>| placed.record.store_at == reference;
    match hosts.captures().find(stores_it) {
        Some(placed) => format!("aileron auth {}", placed.record.name),
        None if reference.starts_with("user/") => format!("aileron vault put {reference}"),
        None => "aileron binding setup CONNECTOR".to_owned(),
    }
}

/// How a tool's credential is acquired: by an accepted unit, or by what the user wrote.
pub(super) fn capture_of(name: &str, context: &Context) -> Result<CaptureDescriptor, Failure> {
    let found = effective(&context.environment)?.capture(name).map(|placed| placed.record.clone());
    found.ok_or_else(|| unknown(name))
}

/// Every host that is sealed: by the units that are named, or by every accepted one, and by what the user wrote.
pub(super) fn sealed_hosts(units: &[String], context: &Context) -> Result<Effective, Failure> {
    let mut accepted = UnitsFile::at_home(&context.environment)?.load()?;
    if let Some(name) = units.iter().find(|name| !accepted.iter().any(|accepted| accepted.unit.name == **name)) {
        return Err(unknown(name));
    }
    accepted.retain(|accepted| units.is_empty() || units.contains(&accepted.unit.name));
    Ok(effective_of(&accepted, &context.environment)?)
}

fn unknown(name: &str) -> Failure {
    let message = format!("no accepted unit is named {}", printable(name));
    let failure = Failure::new(Class::FetchFailed, Exit::NotFound, message);
    failure.next("aileron unit list shows what there is; aileron unit accept SOURCE adds one")
}
