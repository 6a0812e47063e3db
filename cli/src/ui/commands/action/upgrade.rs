//! `action upgrade`.

use clap::Args;

use crate::ui::args::{UpgradeFlags, examples};
use crate::ui::commands::installation::{InstallOptions, Offer, install};
use crate::ui::commands::installing::home;
use crate::ui::commands::{Answer, Context, Verb};

/// Replace actions by their newest final versions, and install the connectors those pin.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron action upgrade", "aileron action upgrade get-item --dry-run"))]
pub(crate) struct Upgrade {
    /// What to upgrade, and how.
    #[command(flatten)]
    upgrade: UpgradeFlags,
}

impl Verb for Upgrade {
    fn run(self, context: &Context) -> Answer {
        let UpgradeFlags { names, allow, installing } = &self.upgrade;
        let store = home(context, None)?.store;
        let files = match names.as_slice() {
            [] => store.actions()?,
            names => names.iter().map(|name| store.action(name)).collect::<Result<Vec<_>, _>>()?,
        };
        let options = InstallOptions { flags: installing, allow, force: false, offer: Offer::None };
        install(&options, context, |installer| installer.upgrades(&files))
    }
}
