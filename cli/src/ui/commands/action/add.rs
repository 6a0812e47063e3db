//! `action add`.

use aileron_verifier::problem::Waiver;
use clap::Args;

use crate::ui::args::{InstallFlags, examples};
use crate::ui::commands::installation::{InstallOptions, Offer, install};
use crate::ui::commands::installing::target;
use crate::ui::commands::{Answer, Context, Verb};

/// Install an action, and the connector it pins if that is missing.
///
/// The signature counts, and the action's connector must be there with exactly the pinned name, version and content.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron action add github://acme/aileron-connector-x/actions/get-item",
    "aileron action add github://acme/aileron-connector-x/actions/get-item@0.1.0 --from ../registry"
))]
pub(crate) struct Add {
    /// A Ref, a name (its newest final version), or an archive file.
    #[arg(value_name = "REF|NAME|FILE")]
    target: String,
    /// Accept an action that breaks this rule: input-name, input-type, input-duplicate, input-description or
    /// intent-empty. Repeatable.
    #[arg(long, value_name = "RULE")]
    allow: Vec<Waiver>,
    /// Take the place of another action of this name, or of a newer version.
    #[arg(long)]
    force: bool,
    /// Do not offer to set up credentials that are missing: list them.
    #[arg(long)]
    no_bind: bool,
    /// How to install.
    #[command(flatten)]
    install: InstallFlags,
}

impl Verb for Add {
    fn run(self, context: &Context) -> Answer {
        let target = target(&self.target, None)?;
        let offer = Offer::of(&self.install, self.no_bind);
        let options = InstallOptions { flags: &self.install, allow: &self.allow, force: self.force, offer };
        install(&options, context, |installer| installer.action(&target))
    }
}
