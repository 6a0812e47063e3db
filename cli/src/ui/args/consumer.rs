//! `aileron`'s command lines.

use std::path::PathBuf;
use std::time::Duration;

use aileron_verifier::problem::Waiver;
use clap::{Args, Parser, Subcommand};

use super::{Calling, Judging, Output, duration};

/// Trust, install and verify Aileron connectors and actions.
#[derive(Debug, Parser)]
#[command(
    name = "aileron",
    version,
    after_help = examples!(
        "aileron connector install github://acme/aileron-connector-x",
        "aileron action add-suite github://acme/aileron-connector-x@0.1.0",
        "aileron verify --installed"
    ),
    arg_required_else_help = true
)]
pub struct Consumer {
    /// How output looks.
    #[command(flatten)]
    pub output: Output,
    /// The verb.
    #[command(subcommand)]
    pub command: ConsumerCommand,
}

/// `aileron`'s verbs.
#[derive(Debug, Subcommand)]
pub enum ConsumerCommand {
    /// Judge an archive, a directory of archives, or a released artifact, as an installer would.
    #[command(after_help = examples!(
        "aileron verify github://acme/aileron-connector-x@0.1.0 --from ../registry",
        "aileron verify aileron.tar.gz --key publisher.pub --as github://acme/aileron-connector-x@0.1.0",
        "aileron verify ../registry --keyring keyring.json",
        "aileron verify --installed",
        "aileron verify --cohort github://acme/aileron-connector-x@0.1.0"
    ))]
    Verify(ConsumerVerify),
    /// Install connectors, and look after those that are installed.
    #[command(subcommand)]
    Connector(Connector),
    /// Install actions, and look after those that are installed.
    #[command(subcommand)]
    Action(Action),
    /// Decide whose signatures this machine accepts.
    #[command(after_help = "\
Verbs:
  trust <authority>          trust a publisher: github://owner/repo fetches keys/publisher.pub of that repository
    --key-file <path>        take the key from a file instead
    --repo-only              trust this repository alone, not everything its owner ships
    --fingerprint <fp>       only if the key has this fingerprint; --yes needs it
    --from <dir|url>         fetch from a mirror
    --catalog <dir|url>      where github://owner alone is looked up [default: hub.url in config.yaml]
  list                       who is trusted, with fingerprints
  revoke <authority>         withdraw a grant
  revoke --key <fingerprint> withdraw one key everywhere
    --wait-lock <time>       for trust and revoke: wait this long for another command that changes the keyring [default: 1m]

Exit codes: 0 done, 1 refused.")]
    Keyring {
        /// A verb, its flags, then its argument.
        #[arg(value_name = "VERB", trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Look through a catalog of connectors, actions and suites, and at who publishes them.
    #[command(after_help = "\
Verbs:
  list [connectors|actions|suites]   everything that is listed
  search <query>                     what a word occurs in
  show <fqn>                         one entry, its publisher's key, and whether you trust it
    --type connectors|actions|suites for search and show: only this part
    --from <dir|url>                 for show: fetch the key from a mirror
  --catalog <dir|url>                the catalog: a directory, or a git repository [default: hub.url in config.yaml]

Being listed vouches for nothing.

Exit codes: 0 done, 1 refused.")]
    Hub {
        /// A verb, its argument and flags.
        #[arg(value_name = "VERB", trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

/// `aileron verify`.
#[derive(Debug, Args)]
pub struct ConsumerVerify {
    /// An archive, a directory of archives, or a Ref such as github://acme/aileron-connector-x@0.1.0.
    #[arg(required_unless_present_any = ["installed", "cohort"])]
    pub subject: Option<String>,
    /// Judge everything that is installed, by the keyring of today.
    #[arg(long, conflicts_with_all = ["subject", "cohort", "reference", "hash", "from"])]
    pub installed: bool,
    /// Read and hash every installed file, also those that are unchanged since they were judged.
    #[arg(long, requires = "installed")]
    pub full: bool,
    /// Judge everything this connector's release lists in its signed index.
    #[arg(long, value_name = "REF", conflicts_with_all = ["subject", "reference", "hash"])]
    pub cohort: Option<String>,
    /// What it is judged by.
    #[command(flatten)]
    pub judging: Judging,
}

/// `connector`.
#[derive(Debug, Subcommand)]
pub enum Connector {
    /// Install a connector: fetched, verified, shown, and on disk only after you said yes.
    ///
    /// A name without a version is its newest final version. A publisher nobody trusted yet is asked about first, with the
    /// fingerprint of the key. Installing what is installed changes nothing and needs no network.
    #[command(after_help = examples!(
        "aileron connector install github://acme/aileron-connector-x",
        "aileron connector install github://acme/aileron-connector-x@0.1.0 --from ../registry",
        "aileron connector install aileron.tar.gz --yes"
    ))]
    Install(ConnectorInstall),
    /// Install the newest final version beside the one you have, and show what it may do that the old one may not.
    ///
    /// The old version stays for the actions that pin it, until `connector remove`.
    #[command(after_help = examples!(
        "aileron connector upgrade",
        "aileron connector upgrade github://acme/aileron-connector-x --dry-run"
    ))]
    Upgrade(Upgrade),
    /// List the installed connectors, and the actions that pin them.
    #[command(after_help = examples!("aileron connector list", "aileron connector list --json"))]
    List,
    /// Remove a connector that no installed action pins.
    #[command(after_help = examples!(
        "aileron connector remove github://acme/aileron-connector-x@0.1.0"
    ))]
    Remove(Remove),
    /// Run one operation of an installed connector.
    ///
    /// Standard output holds {"output":…} or {"error":{…}}; logs go to standard error.
    #[command(after_help = examples!(
        "aileron connector run github://acme/aileron-connector-x@0.1.0 get_item --arg id=7 --credential-env TOKEN"
    ))]
    Run(ConnectorRun),
    /// Verify installed connectors again, compare them with what is published now, and mend the index.
    #[command(after_help = examples!(
        "aileron connector check",
        "aileron connector check github://acme/aileron-connector-x --offline"
    ))]
    Check(ConnectorCheck),
}

/// `action`.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Install an action, and the connector it pins if that is missing.
    ///
    /// The signature counts, and the action's connector must be there with exactly the pinned name, version and content.
    #[command(after_help = examples!(
        "aileron action add github://acme/aileron-connector-x/actions/get-item",
        "aileron action add github://acme/aileron-connector-x/actions/get-item@0.1.0 --from ../registry"
    ))]
    Add(ActionAdd),
    /// Install everything a release or a suite file names: one question, all or nothing.
    #[command(after_help = examples!(
        "aileron action add-suite github://acme/aileron-connector-x@0.1.0",
        "aileron action add-suite -f suite.toml --dry-run"
    ))]
    AddSuite(AddSuite),
    /// Replace actions by their newest final versions, and install the connectors those pin.
    #[command(after_help = examples!("aileron action upgrade", "aileron action upgrade get-item --dry-run"))]
    Upgrade(Upgrade),
    /// Run an installed action: its steps in order, after your approval where it asks for one.
    ///
    /// Standard output holds {"action":…,"output":…,"steps":…} or {"error":{…}}; logs and the preview go to standard error.
    #[command(after_help = examples!(
        "aileron action run get-item --arg id=7 --credential-env TOKEN",
        "aileron action run comment-on-item --args '{\"id\":\"7\",\"text\":\"hi\"}' --approve"
    ))]
    Run(ActionRun),
    /// List the installed actions.
    #[command(after_help = examples!("aileron action list", "aileron action list --json"))]
    List,
    /// Remove actions; their connectors stay.
    #[command(after_help = examples!("aileron action remove get-item"))]
    Remove(Remove),
}

/// What every verb that installs takes.
#[derive(Debug, Args)]
pub struct Installing {
    /// Fetch from this mirror [default: AILERON_MIRROR, else where the name's scheme publishes].
    #[arg(long, value_name = "DIR|URL")]
    pub from: Option<String>,
    /// Answer yes to every question, but trust only the publisher that was named. A failed signature stays a no.
    #[arg(short, long)]
    pub yes: bool,
    /// Show what would be installed, and install nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Wait this long for another command that changes the same files, as in 5m [default: 1m].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub wait_lock: Option<Duration>,
}

/// `connector install`.
#[derive(Debug, Args)]
pub struct ConnectorInstall {
    /// A Ref, a name (its newest final version), or an archive file.
    #[arg(value_name = "REF|NAME|FILE")]
    pub target: String,
    /// The version, where NAME has none.
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// The connector must have this content hash.
    #[arg(long, value_name = "HASH")]
    pub hash: Option<String>,
    /// Put it in the place of other content under the same name and version.
    #[arg(long)]
    pub force: bool,
    /// How to install.
    #[command(flatten)]
    pub installing: Installing,
}

/// `action add`.
#[derive(Debug, Args)]
pub struct ActionAdd {
    /// A Ref, a name (its newest final version), or an archive file.
    #[arg(value_name = "REF|NAME|FILE")]
    pub target: String,
    /// Accept an action that breaks this rule: input-name, input-type, input-duplicate, input-description or
    /// intent-empty. Repeatable.
    #[arg(long, value_name = "RULE")]
    pub allow: Vec<Waiver>,
    /// Take the place of another action of this name, or of a newer version.
    #[arg(long)]
    pub force: bool,
    /// How to install.
    #[command(flatten)]
    pub installing: Installing,
}

/// `action add-suite`.
#[derive(Debug, Args)]
pub struct AddSuite {
    /// A connector's release, as github://acme/aileron-connector-x@0.1.0: everything its index lists.
    #[arg(value_name = "REF", required_unless_present = "file", conflicts_with = "file")]
    pub release: Option<String>,
    /// A suite file that names pinned actions.
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Accept actions that break this rule: input-name, input-type, input-duplicate, input-description or
    /// intent-empty. Repeatable.
    #[arg(long, value_name = "RULE")]
    pub allow: Vec<Waiver>,
    /// Take the place of other actions of the same names, or of newer versions.
    #[arg(long)]
    pub force: bool,
    /// How to install.
    #[command(flatten)]
    pub installing: Installing,
}

/// `connector upgrade` and `action upgrade`.
#[derive(Debug, Args)]
pub struct Upgrade {
    /// Which [default: everything installed].
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Accept actions that break this rule. Repeatable.
    #[arg(long, value_name = "RULE")]
    pub allow: Vec<Waiver>,
    /// How to install.
    #[command(flatten)]
    pub installing: Installing,
}

/// `connector remove` and `action remove`.
#[derive(Debug, Args)]
pub struct Remove {
    /// A connector's Ref, or its name where one version is installed; an action's short name.
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
    /// Show what would be removed, and remove nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Wait this long for another command that changes the same files, as in 5m [default: 1m].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub wait_lock: Option<Duration>,
}

/// `connector check`.
#[derive(Debug, Args)]
pub struct ConnectorCheck {
    /// Which, by Ref or name [default: every installed connector].
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Verify what is on disk only; ask nobody what is published.
    #[arg(long)]
    pub offline: bool,
    /// Compare with this mirror [default: AILERON_MIRROR, else where the name's scheme publishes].
    #[arg(long, value_name = "DIR|URL")]
    pub from: Option<String>,
    /// Wait this long for another command that changes the same files, as in 5m [default: 1m].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub wait_lock: Option<Duration>,
}

/// `connector run`.
#[derive(Debug, Args)]
pub struct ConnectorRun {
    /// The connector, as a Ref, or as a name where one version is installed.
    #[arg(value_name = "REF")]
    pub connector: String,
    /// The operation.
    #[arg(value_name = "OP")]
    pub op: String,
    /// What goes into it.
    #[command(flatten)]
    pub calling: Calling,
}

/// `action run`.
#[derive(Debug, Args)]
pub struct ActionRun {
    /// The action's short name.
    pub name: String,
    /// Do not ask: run it even where it wants a person's approval.
    #[arg(long)]
    pub approve: bool,
    /// What goes into it.
    #[command(flatten)]
    pub calling: Calling,
}
