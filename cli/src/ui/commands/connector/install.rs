//! `connector install`.

use clap::Args;

use crate::ui::args::{InstallFlags, examples};
use crate::ui::commands::installation::{InstallOptions, Offer, install};
use crate::ui::commands::installing::{content, target};
use crate::ui::commands::{Answer, Context, Verb};

/// Install a connector: fetched, verified, shown, and on disk only after you said yes.
///
/// A name without a version is its newest final version. You are asked first about a publisher that is not trusted
/// yet, with the fingerprint of the key. Installing what is installed changes nothing and needs no network.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron connector install github://acme/aileron-connector-x",
    "aileron connector install github://acme/aileron-connector-x@0.1.0 --from ../registry",
    "aileron connector install aileron.tar.gz --yes"
))]
pub(crate) struct Install {
    /// A Ref, a name (its newest final version), or an archive file.
    #[arg(value_name = "REF|NAME|FILE")]
    target: String,
    /// The version, where NAME has none.
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// The connector must have this content hash.
    #[arg(long, value_name = "HASH")]
    hash: Option<String>,
    /// Put it in the place of other content under the same name and version.
    #[arg(long)]
    force: bool,
    /// How to install.
    #[command(flatten)]
    install: InstallFlags,
}

impl Verb for Install {
    fn run(self, context: &Context) -> Answer {
        let target = target(&self.target, self.version.as_deref())?;
        let content = content(self.hash.as_ref())?;
        let options = InstallOptions { flags: &self.install, allow: &[], force: self.force, offer: Offer::None };
        install(&options, context, |installer| installer.connector(&target, content))
    }
}
