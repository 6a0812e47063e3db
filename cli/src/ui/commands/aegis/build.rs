//! `aegis build`: every target's executable, beside a manifest with their checksums.

use std::path::PathBuf;

use aileron_verifier::aegis::DEFAULT_UPLOAD_LIMIT;
use aileron_verifier::aegis::lint::source::SDK;
use aileron_verifier::text::printable;
use clap::Args;
use serde_json::{Value, json};

use super::check;
use crate::publisher::aegis::build::{self, BuildRequest, Built};
use crate::ui::args::examples;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;
use crate::ui::report::table::grouped;

/// Build a plugin or connector for every target of its manifest, into a directory that `aegis pack` takes.
///
/// The repository is checked, then built by Go in a copy of the files that git knows or does not ignore: without cgo, without
/// paths of this machine, with go.mod as it is. The same sources give the same bytes wherever they lie. Checksums are filled in
/// the built copy of manifest.json alone; the repository stays as it is.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron-pub aegis build",
    "aileron-pub aegis build --target linux/arm64 --out dist-arm64",
    "aileron-pub aegis build plugin --package ./cmd/hello --keep-symbols"
))]
pub(crate) struct Build {
    /// The extension's repository: go.mod and manifest.json [default: the directory of -C].
    directory: Option<PathBuf>,
    /// Build this target alone, as in linux/arm64; the built manifest has no others. Repeatable.
    #[arg(long, value_name = "OS/ARCH")]
    target: Vec<String>,
    /// The main package, where there are several, as in ./cmd/hello.
    #[arg(long, value_name = "PACKAGE")]
    package: Option<String>,
    /// Keep the symbol table: larger, and stack traces in a debugger are readable.
    #[arg(long)]
    keep_symbols: bool,
    /// Where the result goes; a staging directory that is there is replaced [default: dist in the repository].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The upload limit of the hosts that are meant, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_UPLOAD_LIMIT)]
    max_upload_size: u64,
}

impl Verb for Build {
    fn run(self, context: &Context) -> Answer {
        let repository = self.directory.unwrap_or_else(|| context.repository.clone());
        let beside = repository.strip_prefix(".").unwrap_or(&repository).join("dist");
        let out = self.out.unwrap_or(beside);
        let request = BuildRequest {
            repository: &repository,
            targets: &self.target,
            package: self.package.as_deref(),
            keep_symbols: self.keep_symbols,
            limit: self.max_upload_size,
            out: Some(&out),
        };
        let listener = |event| context.progress.take(event);
        let built = build::build_into(&request, &out, context.spawner(), &listener)?;
        let warnings = built.findings.problems.len();
        let mut text = if warnings > 0 { check::text(&built.findings, 0, warnings) } else { String::new() };
        let directory = out.display();
        text.push_str(&format!("built {directory}\n{}", render(&built)));
        text.push_str(&format!("next: aileron-pub aegis pack {directory} --out NAME.zip --sign --key-id ID\n"));
        let mut fields = fields(&built);
        fields["directory"] = json!(directory.to_string());
        fields["problems"] = check::fields(&built.findings, 0, warnings)["problems"].clone();
        Ok(Outcome::new(text, fields))
    }
}

/// What was built, and with what.
pub(super) fn render(built: &Built) -> String {
    let mut text = String::new();
    for target in &built.targets {
        let size = grouped(target.size as u64);
        text.push_str(&format!("  {:<13} {} ({size} bytes)\n", target.target, printable(&target.library)));
    }
    text.push_str(&format!("  with          {}, {}\n", built.toolchain, built.flags.join(" ")));
    if let Some(sdk) = built.modules.iter().find(|module| module.path == SDK) {
        let instead = sdk.replaced_by.as_ref().map(|by| format!(", replaced by {by}")).unwrap_or_default();
        text.push_str(&format!("  SDK           {} {}{}\n", sdk.path, printable(&sdk.version), printable(&instead)));
    }
    text
}

/// The same for programs.
pub(super) fn fields(built: &Built) -> Value {
    let targets: Vec<Value> = built
        .targets
        .iter()
        .map(|one| json!({"target": one.target, "library": one.library, "size": one.size, "sha256": one.sha256}))
        .collect();
    let modules: Vec<Value> = built
        .modules
        .iter()
        .map(|module| json!({"path": module.path, "version": module.version, "replaced_by": module.replaced_by}))
        .collect();
    json!({
        "targets": targets,
        "package": built.package,
        "toolchain": {"language": "go", "version": built.toolchain, "flags": built.flags},
        "modules": modules,
    })
}
