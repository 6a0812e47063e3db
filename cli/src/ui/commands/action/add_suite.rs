//! `action add-suite`.

use std::path::PathBuf;

use aileron_verifier::problem::Waiver;
use clap::Args;

use crate::ui::args::{InstallFlags, examples};
use crate::ui::commands::installation::{InstallOptions, Offer, install};
use crate::ui::commands::installing::reference;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Failure;

/// Install everything a release or a suite file names: one question, all or nothing.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron action add-suite github://acme/aileron-connector-x@0.1.0",
    "aileron action add-suite -f suite.toml --dry-run"
))]
pub(crate) struct AddSuite {
    /// A connector's release, as github://acme/aileron-connector-x@0.1.0: everything its index lists.
    #[arg(value_name = "REF", required_unless_present = "file", conflicts_with = "file")]
    release: Option<String>,
    /// A suite file that names pinned actions.
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Accept actions that break this rule: input-name, input-type, input-duplicate, input-description or
    /// intent-empty. Repeatable.
    #[arg(long, value_name = "RULE")]
    allow: Vec<Waiver>,
    /// Take the place of other actions of the same names, or of newer versions.
    #[arg(long)]
    force: bool,
    /// Do not offer to set up credentials that are missing: list them.
    #[arg(long)]
    no_bind: bool,
    /// How to install.
    #[command(flatten)]
    install: InstallFlags,
}

impl Verb for AddSuite {
    fn run(self, context: &Context) -> Answer {
        let offer = Offer::of(&self.install, self.no_bind);
        let options = InstallOptions { flags: &self.install, allow: &self.allow, force: self.force, offer };
        match (&self.release, &self.file) {
            (Some(release), _) => {
                let release = reference(release)?;
                install(&options, context, |installer| installer.suite_of(&release))
            }
            (None, Some(file)) => install(&options, context, |installer| installer.suite_file(file)),
            (None, None) => Err(Failure::usage("name a release, or a suite file with -f")),
        }
    }
}
