//! The connector manifest: what a connector is called and what it may do. artifacts.md §2.
//!
//! Reading says everything that is wrong, each at its bytes. Not here: whether the module imports what is declared
//! (`module`), whether a placeholder may stand (`binding`), what a change of capabilities means (`capability`).

mod credential;
mod endpoint;
mod spawn;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use crate::artifact::rules;
use crate::name;
use crate::name::digest::ContentHash;
use crate::name::fqn::Fqn;
use crate::name::version::Version;
use crate::problem::{Parsed, Source, Spanned};
use crate::text::printable;
use crate::text::toml::{self, Stage, Table};

pub use credential::{Credential, CredentialKind, Oauth2};
pub use spawn::{Limits, Operation, Program, Spawn};

/// What the committed text holds in place of an OAuth client secret. artifacts.md §5.
pub const SECRET_PLACEHOLDER: &str = "bound-at-release";

/// A connector's `manifest.toml`, every rule of artifacts.md §2 kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorManifest {
    /// The file it was read from; all ranges point into it.
    pub source: Source,
    /// `connector.name`.
    pub name: Spanned<Fqn>,
    /// `connector.version`; the placeholder `0.0.0-dev` is a version too.
    pub version: Spanned<Version>,
    /// `connector.publisher`, for display.
    pub publisher: Option<String>,
    /// `connector.provenance_hash`: `sha256:` and 64 lower-case hex digits, of something this tool does not read.
    pub provenance_hash: Option<Spanned<String>>,
    /// `connector.idempotency.default` is `idempotent`, or the table is absent.
    pub idempotent: bool,
    /// `capabilities.network.hosts`, each `host:port`, none twice.
    pub hosts: Vec<Spanned<String>>,
    /// `capabilities.credential`.
    pub credential: Option<Credential>,
    /// `capabilities.runtime.imports`. Absent grants the standard set; empty grants nothing.
    pub imports: Option<Vec<Spanned<String>>>,
    /// `capabilities.spawn`.
    pub spawn: Option<Spawn>,
    /// `provides.intents`, for display.
    pub intents: Vec<String>,
}

impl ConnectorManifest {
    /// Reads a manifest and reports all that is wrong with it, in file order.
    ///
    /// In [`Stage::Source`] a client secret other than the placeholder and a stand-in client id are errors, and there are
    /// warnings ([`rules::REGION_IN_MANIFEST`], [`rules::SCOPE_MISSING`], [`rules::RUNTIME_MISSING`]); no message ever repeats the
    /// secret. In [`Stage::Artifact`] all of these are silent: existing archives hold them.
    pub fn parse(source: Source, stage: Stage) -> Parsed<ConnectorManifest> {
        let within = toml::after_mark(&source)..source.text.len();
        toml::read(&source, within, stage, |root| manifest(root, stage))
    }
}

fn manifest(root: &Table<'_>, stage: Stage) -> Option<ConnectorManifest> {
    let connector = root.table("connector");
    if !root.has("connector") {
        root.missing("connector");
    }
    let identity = connector.as_ref().map(Identity::read);
    let capabilities = root.table("capabilities");
    let capabilities = capabilities.as_ref().map(|table| DeclaredCapabilities::read(table, stage)).unwrap_or_default();
    if stage == Stage::Source && capabilities.imports.is_none() && !capabilities.refused_imports {
        let at = capabilities.runtime.unwrap_or_else(|| root.source().text.len()..root.source().text.len());
        root.report(rules::RUNTIME_MISSING, at, "[capabilities.runtime] imports is not declared");
    }
    let provides = root.table("provides");
    let intents = provides.as_ref().and_then(|provides| provides.strings("intents"));
    provides.iter().for_each(Table::finish);
    root.finish();
    let identity = identity?;
    Some(ConnectorManifest {
        source: root.source().clone(),
        name: identity.name?,
        version: identity.version?,
        publisher: identity.publisher,
        provenance_hash: identity.provenance_hash,
        idempotent: identity.idempotent,
        hosts: capabilities.hosts,
        credential: capabilities.credential,
        imports: capabilities.imports,
        spawn: capabilities.spawn,
        intents: intents.into_iter().flat_map(|intents| intents.value).map(|intent| intent.value).collect(),
    })
}

/// `[connector]`.
struct Identity {
    name: Option<Spanned<Fqn>>,
    version: Option<Spanned<Version>>,
    publisher: Option<String>,
    provenance_hash: Option<Spanned<String>>,
    idempotent: bool,
}

impl Identity {
    fn read(table: &Table<'_>) -> Identity {
        let identity = Identity {
            name: table.required("name").and_then(|text| table.parsed(name::rules::NAME, text, str::parse)),
            version: table
                .required("version")
                .and_then(|text| table.parsed(name::rules::VERSION_FORM, text, str::parse)),
            publisher: table.string("publisher").map(|publisher| publisher.value),
            provenance_hash: table.string("provenance_hash").inspect(|text| check_hash(table, text)),
            idempotent: table.table("idempotency").is_none_or(|table| idempotency(&table)),
        };
        table.finish();
        identity
    }
}

fn idempotency(table: &Table<'_>) -> bool {
    let default = table.required("default");
    table.finish();
    let Some(default) = default else { return true };
    if default.value != "idempotent" && default.value != "not_idempotent" {
        let message = format!("\"{}\" is neither idempotent nor not_idempotent", printable(&default.value));
        table.report(rules::IDEMPOTENCY, default.at, message);
    }
    default.value == "idempotent"
}

/// `[capabilities]`.
#[derive(Default)]
struct DeclaredCapabilities {
    hosts: Vec<Spanned<String>>,
    credential: Option<Credential>,
    imports: Option<Vec<Spanned<String>>>,
    /// `imports` is there and has the wrong type: advice to declare it would be noise.
    refused_imports: bool,
    runtime: Option<std::ops::Range<usize>>,
    spawn: Option<Spawn>,
}

impl DeclaredCapabilities {
    fn read(table: &Table<'_>, stage: Stage) -> DeclaredCapabilities {
        let network = table.table("network");
        let hosts = network.as_ref().and_then(|network| network.strings("hosts"));
        let hosts = hosts.map(|hosts| hosts.value).unwrap_or_default();
        network.iter().for_each(|network| {
            check_hosts(network, &hosts);
            network.finish();
        });
        let runtime = table.table("runtime");
        let imports = runtime.as_ref().and_then(|runtime| runtime.strings("imports")).map(|imports| imports.value);
        runtime.iter().for_each(Table::finish);
        let capabilities = DeclaredCapabilities {
            hosts,
            credential: table.table("credential").and_then(|table| credential::read(&table, stage)),
            refused_imports: imports.is_none() && runtime.as_ref().is_some_and(|runtime| runtime.has("imports")),
            imports,
            runtime: runtime.map(|runtime| runtime.at()),
            spawn: table.table("spawn").and_then(|table| spawn::read(&table)),
        };
        table.finish();
        capabilities
    }
}

fn check_hosts(table: &Table<'_>, hosts: &[Spanned<String>]) {
    let mut seen = HashSet::new();
    for host in hosts {
        if let Err(reason) = endpoint::host(&host.value) {
            table.report(rules::HOST, host.at.clone(), format!("\"{}\" {reason}", printable(&host.value)));
        } else if !seen.insert(&host.value) {
            table.report(rules::HOST_DUPLICATE, host.at.clone(), format!("\"{}\" is listed twice", host.value));
        }
    }
}

/// Reports a text that is not `sha256:` and 64 lower-case hex digits.
fn check_hash(table: &Table<'_>, text: &Spanned<String>) {
    if let Err(reason) = text.value.parse::<ContentHash>() {
        table.report(name::rules::HASH_FORM, text.at.clone(), reason.to_string());
    }
}
