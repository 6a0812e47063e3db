//! `build`: the module, and with a version its content hash; needs no key.

use std::path::{Path, PathBuf};

use aileron_verifier::name::version::{self, Version};
use aileron_verifier::text::listed;
use clap::Args;
use serde_json::{Value, json};

use super::{Answer, Context, Verb};
use crate::publisher::lint;
use crate::publisher::project::Reading;
use crate::publisher::release::{self, Compiled, DirtyTree, ReleaseRequest};
use crate::sys::disk;
use crate::ui::args::{BuildFlags, examples};
use crate::ui::report::table::grouped;
use crate::ui::report::{Failure, Outcome};

/// Build the connector and show its content hash; needs no key.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub build v0.1.0",
    "aileron-pub build v0.1.0 --out /tmp/connector.wasm"
))]
pub(crate) struct Build {
    /// Build the commit as this version and show its content hash; without one the work tree's module is built.
    #[arg(value_parser = crate::ui::args::version)]
    version: Option<Version>,
    /// Settings that decide the bytes.
    #[command(flatten)]
    build: BuildFlags,
    /// Where the module goes [default: dist/connector.wasm in the repository].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Verb for Build {
    fn run(self, context: &Context) -> Answer {
        let out = self.out.map_or_else(|| context.dist("connector.wasm"), Ok)?;
        // Nothing is released, so changes that are not committed do not stop a build.
        let repository = context.repository.clone();
        let request = |version| ReleaseRequest { dirty: DirtyTree::Ignored, ..self.build.request(version, repository) };
        match self.version {
            Some(version) => versioned(&request(version), &out, context),
            None => module_only(&request(version::placeholder()), &out, context),
        }
    }

    fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }
}

fn versioned(request: &ReleaseRequest, out: &Path, context: &Context) -> Answer {
    let preview = context.with_world(|world| release::preview(request, world))?;
    disk::write(out, &preview.wasm).map_err(Failure::from)?;
    let mut fields = module_fields(out, preview.wasm.len(), &preview.capabilities.imports);
    fields["reference"] = json!(preview.release);
    fields["content_hash"] = json!(preview.content);
    fields["toolchain"] = json!(preview.toolchain);
    fields["capabilities"] = json!(preview.capabilities);
    let text = format!("{}\n  content hash    {}\n", preview.release, preview.content);
    let module = module_text(out, preview.wasm.len(), &preview.capabilities.imports);
    Ok(Outcome::new(format!("{text}{module}"), fields))
}

fn module_only(request: &ReleaseRequest, out: &Path, context: &Context) -> Answer {
    let project = context.project(Reading::WorkTree)?;
    let mut findings = lint::check(project, None, &request.waived);
    let Some(checked) = findings.checked.take() else { return Err(findings.into()) };
    let compiled = context.with_world(|world| release::compile(&checked, request.wasm.as_deref(), world))?;
    let Compiled { wasm, module, toolchain } = compiled;
    disk::write(out, &wasm).map_err(Failure::from)?;
    let imports: Vec<String> = module.host_functions().into_iter().map(str::to_owned).collect();
    let mut fields = module_fields(out, wasm.len(), &imports);
    fields["toolchain"] = json!(toolchain);
    Ok(Outcome::new(format!("{}\n{}", checked.manifest.name.value, module_text(out, wasm.len(), &imports)), fields))
}

fn module_text(out: &Path, size: usize, imports: &[String]) -> String {
    let imports = if imports.is_empty() { "none".to_owned() } else { listed(imports.iter()).join(", ") };
    let size = grouped(size as u64);
    format!("  module          {} ({size} bytes)\n  host functions  {imports}\n", out.display())
}

fn module_fields(out: &Path, size: usize, imports: &[String]) -> Value {
    json!({"wasm": {"path": out.display().to_string(), "size": size, "imports": imports}})
}
