//! Flags of the verbs that install and remove.

use std::time::Duration;

use aileron_verifier::problem::Waiver;
use clap::Args;

use super::duration;

/// What every verb that installs takes.
#[derive(Debug, Args)]
pub(crate) struct InstallFlags {
    /// Fetch from this mirror [default: AILERON_MIRROR, else where the name's scheme publishes].
    #[arg(long, value_name = "DIR|URL")]
    pub(crate) from: Option<String>,
    /// Answer yes to every question, but trust only the publisher that was named. A failed signature stays a no.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Show what would be installed, and install nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Wait this long for another command that changes the same files, as in 5m [default: 1m].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) wait_lock: Option<Duration>,
}

/// `connector upgrade` and `action upgrade`.
#[derive(Debug, Args)]
pub(crate) struct UpgradeFlags {
    /// Which [default: everything installed].
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Accept actions that break this rule. Repeatable.
    #[arg(long, value_name = "RULE")]
    pub(crate) allow: Vec<Waiver>,
    /// How to install.
    #[command(flatten)]
    pub(crate) installing: InstallFlags,
}

/// `connector remove` and `action remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveFlags {
    /// A connector's Ref, or its name where one version is installed; an action's short name.
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Show what would be removed, and remove nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Wait this long for another command that changes the same files, as in 5m [default: 1m].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) wait_lock: Option<Duration>,
}
