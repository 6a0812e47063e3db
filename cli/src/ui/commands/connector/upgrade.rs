//! `connector upgrade`.

use aileron_verifier::name::fqn::Fqn;
use clap::Args;

use crate::consumer::install::installed::upgradable;
use crate::ui::args::{UpgradeFlags, examples};
use crate::ui::commands::installation::{InstallOptions, Offer, install};
use crate::ui::commands::installing::{home, name};
use crate::ui::commands::{Answer, Context, Verb};

/// Install the newest final version beside the one you have, and show what it may do that the old one may not.
///
/// The old version stays for the actions that pin it, until `connector remove`.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron connector upgrade",
    "aileron connector upgrade github://acme/aileron-connector-x --dry-run"
))]
pub(crate) struct Upgrade {
    /// What to upgrade, and how.
    #[command(flatten)]
    upgrade: UpgradeFlags,
}

impl Verb for Upgrade {
    fn run(self, context: &Context) -> Answer {
        let UpgradeFlags { names, allow, installing } = &self.upgrade;
        let store = home(context, None)?.store;
        let names = names.iter().map(|text| name(text)).collect::<Result<Vec<_>, _>>()?;
        let asked_for: Vec<_> = names.iter().map(Fqn::owner_authority).collect();
        let names = upgradable(&store, names)?;
        let options = InstallOptions { flags: installing, allow, force: false, offer: Offer::None };
        install(&options, context, |installer| {
            installer.asked_for.extend(asked_for);
            installer.connector_upgrades(&names)
        })
    }
}
