//! `inspect`: what a module imports and exports, and what the connector may do.

use std::path::PathBuf;

use aileron_verifier::artifact::archive::MAX_MODULE;
use aileron_verifier::artifact::capability::Capabilities;
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::artifact::module::{Import, Module};
use aileron_verifier::problem::{Class, Waiver};
use aileron_verifier::text::{listed, printable};
use clap::Args;
use serde_json::{Value, json};

use super::run::checked;
use super::{Answer, Context, Verb};
use crate::publisher::lint::Checked;
use crate::publisher::local::local;
use crate::publisher::project::{self, Project, Reading};
use crate::sys::disk;
use crate::ui::args::examples;
use crate::ui::report::table::grouped;
use crate::ui::report::{Exit, Failure, Outcome};

/// The imports of the host, as opposed to those of WASI.
const HOST: &str = "aileron_host";

/// Show what a module imports and exports, and what the connector may do.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron-pub inspect", "aileron-pub inspect --wasm connector.wasm --json"))]
pub(crate) struct Inspect {
    /// Waive a rule: input-name, input-type, input-duplicate, input-description or intent-empty. Repeatable.
    #[arg(long, value_name = "RULE")]
    allow: Vec<Waiver>,
    /// Look at this module instead of building one; needs no repository.
    #[arg(long, value_name = "FILE")]
    wasm: Option<PathBuf>,
}

impl Verb for Inspect {
    fn run(self, context: &Context) -> Answer {
        let (module, manifest) = match &self.wasm {
            Some(path) => {
                let module = Module::of_build(&disk::read_named(path, MAX_MODULE)?).map_err(|error| {
                    Failure::new(error.class(), Exit::Refused, format!("{}: {error}", path.display()))
                })?;
                (module, manifest(context))
            }
            None => {
                let checked: Checked = checked(&self.allow, context)?;
                let build = context.with_world(|world| local(&checked, None, world))?;
                (build.module().clone(), Some(checked.manifest))
            }
        };
        let capabilities = manifest.as_ref().map(|manifest| Capabilities::of(manifest, &module));
        let declared: Option<Vec<String>> = manifest.as_ref().and_then(|manifest| {
            let imports = manifest.imports.as_ref()?;
            Some(imports.iter().map(|import| import.value.clone()).collect())
        });
        let faults = module.faults(declared.as_deref());
        let faulty: Vec<Value> =
            faults.iter().map(|fault| json!({"rule": fault.rule.id(), "message": fault.message})).collect();
        let of =
            |import: &Import| json!({"module": import.module, "name": import.name, "item": import.item.to_string()});
        let fields = json!({
            "size": module.size,
            "toolchain": module.toolchain,
            "memory": module.memory.map(|memory| json!({"minimum": memory.minimum, "maximum": memory.maximum})),
            "imports": module.imports.iter().map(of).collect::<Vec<_>>(),
            "exports": module.exports.iter().map(|export| json!({"name": export.name, "item": export.item.to_string()})).collect::<Vec<_>>(),
            "capabilities": capabilities,
            "faults": faulty,
        });
        let text = text(&module, manifest.as_ref(), capabilities.as_ref());
        let failure = faults.first().map(|first| {
            let failure = Failure::new(Class::ConnectorLoadFailed, Exit::Policy, first.message.clone());
            let others: Vec<&String> = faults.iter().skip(1).map(|fault| &fault.message).collect();
            let others = listed(others.iter().map(|message| message.as_str()));
            let failure = others.iter().fold(failure, |failure, other| failure.evidence(format!("  {other}")));
            failure.next(first.rule.help())
        });
        Ok(Outcome::new(text, fields).with_failure(failure))
    }
}

/// The manifest of the repository, if there is one and it can be read: a module may be inspected without one.
fn manifest(context: &Context) -> Option<ConnectorManifest> {
    let root = project::root(&context.repository, context.spawner()).ok()?;
    let project = Project::load(&root, Reading::WorkTree, context.spawner()).ok()?;
    let source = project.manifest.ok()?;
    ConnectorManifest::parse(source, aileron_verifier::text::toml::Stage::Source).document
}

fn text(module: &Module, manifest: Option<&ConnectorManifest>, capabilities: Option<&Capabilities>) -> String {
    let mut lines = Vec::new();
    if let Some(manifest) = manifest {
        lines.push(manifest.name.value.to_string());
    }
    let mut field = |name: &str, value: String| lines.push(format!("  {name:<16}{value}"));
    let or_none = |list: Vec<String>| if list.is_empty() { "none".to_owned() } else { listed(list.iter()).join(", ") };
    field("size", format!("{} bytes", grouped(module.size as u64)));
    if !module.toolchain.is_empty() {
        field("made with", listed(module.toolchain.iter()).join("; "));
    }
    if let Some(memory) = module.memory {
        let pages = |count: u64| if count == 1 { "1 page".to_owned() } else { format!("{count} pages") };
        let most = memory.maximum.map_or("the host's limit".to_owned(), pages);
        field("memory", format!("{} of 64 KiB, up to {most}", pages(memory.minimum)));
    }
    let names = |host: bool| -> Vec<String> {
        let mut names: Vec<String> = module
            .imports
            .iter()
            .filter(|import| (import.module == HOST) == host)
            .map(|import| import.name.clone())
            .collect();
        names.sort();
        names.dedup();
        names
    };
    field("host functions", or_none(names(true)));
    field("WASI functions", or_none(names(false)));
    field("exports", or_none(module.exports.iter().map(|export| export.name.clone()).collect()));
    if let Some(capabilities) = capabilities {
        field("may reach", or_none(capabilities.hosts.clone()));
        let credential = capabilities.credential.as_ref().map(|credential| match &credential.scope {
            Some(scope) => format!("{} ({})", printable(&credential.kind), printable(scope)),
            None => printable(&credential.kind).into_owned(),
        });
        field("credential", credential.unwrap_or_else(|| "none".to_owned()));
        field("may start", or_none(capabilities.spawn.clone()));
    }
    lines.join("\n") + "\n"
}
