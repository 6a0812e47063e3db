//! `aileron-pub`'s command lines.

use std::path::PathBuf;
use std::time::Duration;

use aileron_verifier::name::version::{PLACEHOLDER, Tag, Version};
use aileron_verifier::problem::Waiver;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{Calling, Output, Verify, duration};

/// Sign, release and verify Aileron connectors and actions.
#[derive(Debug, Parser)]
#[command(
    name = "aileron-pub",
    version,
    after_help = examples!(
        "aileron-pub demo                                   see the whole job once",
        "aileron-pub check                                  what stops a release",
        "aileron-pub release v0.1.0                         publish a version on GitHub",
        "aileron-pub release v0.1.0 --to dir:../registry    publish it in a directory"
    ),
    arg_required_else_help = true
)]
pub struct Publisher {
    /// How output looks.
    #[command(flatten)]
    pub output: Output,
    /// Work on the repository this directory is in.
    #[arg(
        short = 'C',
        long = "repo",
        value_name = "DIR",
        default_value = ".",
        global = true,
        help_heading = "Global options"
    )]
    pub repository: PathBuf,
    /// The verb.
    #[command(subcommand)]
    pub command: PublisherCommand,
}

/// `aileron-pub`'s verbs.
#[derive(Debug, Subcommand)]
pub enum PublisherCommand {
    /// Make a new connector repository with two operations and two actions.
    #[command(after_help = examples!(
        "aileron-pub init aileron-connector-weather",
        "aileron-pub init aileron-connector-weather --owner acme --language go --yes"
    ))]
    Init(Init),
    /// See the whole job once, in a new directory: scaffold, key, check, release, verify as a consumer.
    #[command(after_help = examples!(
        "aileron-pub demo",
        "aileron-pub demo /tmp/aileron-demo"
    ))]
    Demo(Demo),
    /// Check the repository against every rule and list all problems, with file and line.
    ///
    /// With a version the files of the commit are checked, without one those of the work tree. Exit code 6 when a release
    /// would be refused. Nothing is built or written.
    #[command(after_help = examples!(
        "aileron-pub check",
        "aileron-pub check v0.1.0 --allow input-type",
        "aileron-pub check --json"
    ))]
    Check(Check),
    /// Build the connector and show its content hash; needs no key.
    #[command(after_help = examples!(
        "aileron-pub build v0.1.0",
        "aileron-pub build v0.1.0 --out /tmp/connector.wasm"
    ))]
    Build(Build),
    /// Run one operation of the connector you are working on, exactly as a consumer's machine would.
    ///
    /// Builds when a source changed. Standard output holds {"output":…} or {"error":{…}}; logs go to standard error.
    #[command(after_help = examples!(
        "aileron-pub run ping",
        "aileron-pub run get_item --args '{\"id\":\"7\"}' --credential-env SERVICE_TOKEN",
        "aileron-pub run get_item --arg id=7 --record tests/get-item.toml"
    ))]
    Run(Run),
    /// Run every recording in tests/ in the real sandbox, offline, and say what differs.
    ///
    /// A recording (tests/*.toml) holds an operation, its arguments, what the network answered and what must come of it;
    /// `run --record` writes one.
    #[command(after_help = examples!("aileron-pub test", "aileron-pub test tests/get-item.toml"))]
    Test(Test),
    /// Show what a module imports and exports, and what the connector may do.
    #[command(after_help = examples!("aileron-pub inspect", "aileron-pub inspect --wasm connector.wasm --json"))]
    Inspect(Inspect),
    /// Build, sign and pack everything into DIR, without publishing it.
    #[command(after_help = examples!(
        "aileron-pub pack v0.1.0 --key ../publisher.key --out ../archives"
    ))]
    Pack(Pack),
    /// Show what a release would write.
    #[command(after_help = examples!(
        "aileron-pub plan v0.1.0",
        "aileron-pub plan v0.1.0 --to dir:../registry --diff --key ../publisher.key"
    ))]
    Plan(Plan),
    /// Publish one version of the connector and every action.
    ///
    /// Nothing is visible to consumers before everything is staged. After an interruption the same command continues;
    /// when everything is published it writes nothing.
    #[command(after_help = examples!(
        "aileron-pub release v0.1.0",
        "aileron-pub release v0.1.0 --to dir:../registry --key ../publisher.key"
    ))]
    Release(Release),
    /// Show how far a version has been published.
    #[command(after_help = examples!(
        "aileron-pub status v0.1.0",
        "aileron-pub status v0.1.0 --to dir:../registry"
    ))]
    Status(Status),
    /// Show what the runs of a version did on GitHub, and what they waited for.
    ///
    /// Read from dist/VERSION/journal.jsonl; asks nobody.
    #[command(after_help = examples!("aileron-pub report v0.1.0", "aileron-pub report v0.1.0 --json"))]
    Report(Report),
    /// Make and show the publisher's signing key.
    #[command(after_help = examples!(
        "aileron-pub keys generate --out ../publisher.key",
        "aileron-pub keys show"
    ))]
    #[command(subcommand)]
    Keys(Keys),
    /// Judge an archive, a directory of archives, or a released artifact, as an installer would.
    #[command(after_help = examples!(
        "aileron-pub verify github://acme/aileron-connector-x@0.1.0 --from ../registry",
        "aileron-pub verify aileron.tar.gz --key publisher.pub --as github://acme/aileron-connector-x@0.1.0",
        "aileron-pub verify ../registry --keyring keyring.json"
    ))]
    Verify(PublisherVerify),
    /// Get listed in the Hub's catalog.
    #[command(subcommand)]
    #[command(after_help = examples!("aileron-pub hub entry --out ../aileron-hub"))]
    Hub(PublisherHub),
}

/// `aileron-pub hub`.
#[derive(Debug, Subcommand)]
pub enum PublisherHub {
    /// Write the entries of the connector, every action and the suite, checked against the catalog's schema.
    ///
    /// The files are for a pull request to the catalog; nothing is sent anywhere.
    #[command(after_help = examples!(
        "aileron-pub hub entry --out ../aileron-hub",
        "aileron-pub hub entry --category mail --check-key"
    ))]
    Entry(HubEntry),
}

/// `hub entry`.
#[derive(Debug, Args)]
pub struct HubEntry {
    /// A work tree of the catalog [default: dist/hub in the repository].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What the connector is for, in one line of at most 200 characters [default: from suite.toml].
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// The branch keys/publisher.pub is served from [default: origin's, else main].
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
    /// Glob of the connector's release tags.
    #[arg(long, value_name = "GLOB", default_value = "v*")]
    pub release_pattern: String,
    /// A word to group the actions and the suite by.
    #[arg(long, value_name = "WORD")]
    pub category: Option<String>,
    /// Fetch the key from where the entry points to, and compare.
    #[arg(long)]
    pub check_key: bool,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

impl PublisherCommand {
    /// The version the verb is about, where it is about one.
    pub fn version(&self) -> Option<&Version> {
        match self {
            PublisherCommand::Check(args) => args.version.as_ref(),
            PublisherCommand::Build(args) => args.version.as_ref(),
            PublisherCommand::Pack(args) => Some(&args.making.version),
            PublisherCommand::Plan(args) => Some(&args.making.version),
            PublisherCommand::Release(args) => Some(&args.making.version),
            PublisherCommand::Status(args) => Some(&args.version),
            PublisherCommand::Report(args) => Some(&args.version),
            PublisherCommand::Init(_)
            | PublisherCommand::Demo(_)
            | PublisherCommand::Run(_)
            | PublisherCommand::Test(_)
            | PublisherCommand::Inspect(_)
            | PublisherCommand::Keys(_)
            | PublisherCommand::Verify(_)
            | PublisherCommand::Hub(_) => None,
        }
    }
}

/// Languages `init` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Go, compiled for wasip1 with the Go toolchain.
    Go,
    /// WebAssembly text; needs no toolchain.
    Wat,
}

/// `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// Directory to make; by convention aileron-connector-SERVICE.
    pub dir: PathBuf,
    /// Who publishes: the GitHub user or organisation.
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    /// The service it connects to [default: from DIR's name].
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Display name in the manifest [default: the owner].
    #[arg(long, value_name = "NAME")]
    pub publisher: Option<String>,
    /// What the connector is written in.
    #[arg(long, value_enum)]
    pub language: Option<Language>,
    /// Take defaults instead of asking.
    #[arg(short, long)]
    pub yes: bool,
    /// Do not make a git repository.
    #[arg(long)]
    pub no_git: bool,
}

/// `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Directory to make, outside every git work tree [default: a new one where temporary files go].
    pub dir: Option<PathBuf>,
}

/// `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The version about to be released; without it, the fields a release fills must hold their placeholders.
    #[arg(value_parser = version)]
    pub version: Option<Version>,
    /// Waive a rule: input-name, input-type, input-duplicate, input-description or intent-empty. Repeatable.
    #[arg(long, value_name = "RULE")]
    pub allow: Vec<Waiver>,
    /// Also hold this module against the manifest [default: the one `run` built last, if no source changed].
    #[arg(long, value_name = "FILE")]
    pub wasm: Option<PathBuf>,
}

/// What every verb that makes artifacts takes.
#[derive(Debug, Args)]
pub struct Making {
    /// The version, with or without `v`.
    #[arg(value_parser = version)]
    pub version: Version,
    /// Release the work tree where it differs from its commit, and say so in cohort.json.
    #[arg(long)]
    pub allow_dirty: bool,
    /// Settings that decide the bytes.
    #[command(flatten)]
    pub settings: Settings,
}

/// What every verb that builds takes.
#[derive(Debug, Default, Args)]
pub struct Settings {
    /// Waive a rule: input-name, input-type, input-duplicate, input-description or intent-empty. Repeatable.
    #[arg(long, value_name = "RULE")]
    pub allow: Vec<Waiver>,
    /// Use this module instead of building one.
    #[arg(long, value_name = "FILE")]
    pub wasm: Option<PathBuf>,
    /// Variable that holds the OAuth client secret [default: AILERON_CLIENT_SECRET, else SERVICE_OAUTH_CLIENT_SECRET].
    #[arg(long, value_name = "NAME", conflicts_with = "client_secret_file")]
    pub client_secret_env: Option<String>,
    /// File that holds the OAuth client secret.
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
}

/// What every verb that signs takes.
#[derive(Debug, Args)]
pub struct Signing {
    /// File with the signing key [default: AILERON_SIGNING_KEY, else the OS keychain].
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// Where to publish.
#[derive(Debug, Args)]
pub struct Target {
    /// The registry: `github`, or `dir:PATH`, a directory laid out like download URLs.
    #[arg(long, value_name = "github|dir:PATH", value_parser = registry, default_value = "github")]
    pub to: Registry,
    /// Base of GitHub's API [default: GITHUB_API_URL, else https://api.github.com].
    #[arg(long, value_name = "URL", help_heading = "GitHub")]
    pub api_url: Option<String>,
    /// File with GitHub's token [default: GITHUB_TOKEN, else GH_TOKEN, else `gh auth token`].
    #[arg(long, value_name = "FILE", help_heading = "GitHub")]
    pub token_file: Option<PathBuf>,
    /// Whose limits to keep [default: github for api.github.com, else none].
    #[arg(long, value_enum, help_heading = "GitHub")]
    pub limits: Option<LimitsOf>,
    /// Stop with exit code 5 rather than wait longer than this in all, as in 90m [default: none; 5h where CI is set].
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "GitHub")]
    pub max_wait: Option<Duration>,
    /// How long another release is waited for. Only a verb that writes takes the flag.
    #[arg(skip)]
    pub wait_lock: Option<Duration>,
}

/// A registry by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registry {
    /// The repository's own releases.
    GitHub,
    /// A directory.
    Directory(PathBuf),
}

/// Whose limits to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LimitsOf {
    /// github.com's: a second between writes, 80 creations a minute, 500 an hour, 900 points a minute.
    Github,
    /// Only those the server tells.
    None,
}

/// `build`.
#[derive(Debug, Args)]
pub struct Build {
    /// Build the commit as this version and show its content hash; without one the work tree's module is built.
    #[arg(value_parser = version)]
    pub version: Option<Version>,
    /// Settings that decide the bytes.
    #[command(flatten)]
    pub settings: Settings,
    /// Where the module goes [default: dist/connector.wasm in the repository].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `pack`.
#[derive(Debug, Args)]
pub struct Pack {
    /// What to build, and as which version.
    #[command(flatten)]
    pub making: Making,
    /// Who signs.
    #[command(flatten)]
    pub signing: Signing,
    /// Where the archives go, laid out by tag [default: dist/VERSION in the repository].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `plan`.
#[derive(Debug, Args)]
pub struct Plan {
    /// What to build, and as which version.
    #[command(flatten)]
    pub making: Making,
    /// Who signs; without a key the plan shows hashes, and cannot compare archives that are published already.
    #[command(flatten)]
    pub signing: Signing,
    /// Where to publish.
    #[command(flatten)]
    pub target: Target,
    /// Show every line the release changes in your documents (secrets masked).
    #[arg(long)]
    pub diff: bool,
}

/// `release`.
#[derive(Debug, Args)]
pub struct Release {
    /// What to build, and as which version.
    #[command(flatten)]
    pub making: Making,
    /// Who signs.
    #[command(flatten)]
    pub signing: Signing,
    /// Where to publish.
    #[command(flatten)]
    pub target: Target,
    /// Replace a different publisher key in a directory registry; on GitHub the key is committed, not published.
    #[arg(long)]
    pub replace_key: bool,
    /// Publish into a model of GitHub instead: no network, no token, no waiting; shows what it takes and how long.
    #[arg(long)]
    pub rehearse: bool,
    /// Wait this long for another release that writes to the same place, as in 10m [default: 1s].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub wait_lock: Option<Duration>,
}

/// `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// The version, with or without `v`.
    #[arg(value_parser = version)]
    pub version: Version,
    /// Where it is published.
    #[command(flatten)]
    pub target: Target,
}

/// `report`.
#[derive(Debug, Args)]
pub struct Report {
    /// The version, with or without `v`.
    #[arg(value_parser = version)]
    pub version: Version,
}

/// `keys`.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a key: keys/publisher.pub and keys/README.md in the repository, the private key where you say.
    #[command(after_help = examples!(
        "aileron-pub keys generate --keychain",
        "aileron-pub keys generate --out ../publisher.key --encrypt",
        "aileron-pub keys generate --print-secret"
    ))]
    Generate(Generate),
    /// Show the public key in every form a consumer may need.
    #[command(after_help = examples!("aileron-pub keys show", "aileron-pub keys show --json"))]
    Show,
}

/// `keys generate`.
#[derive(Debug, Args)]
pub struct Generate {
    /// Keep the private key in the OS keychain.
    #[arg(long, conflicts_with_all = ["out", "print_secret"])]
    pub keychain: bool,
    /// Write the private key to this new file, mode 0600, outside the repository.
    #[arg(long, value_name = "FILE", conflicts_with = "print_secret")]
    pub out: Option<PathBuf>,
    /// Encrypt the file with a passphrase, from AILERON_KEY_PASSPHRASE or asked for.
    #[arg(long, requires = "out")]
    pub encrypt: bool,
    /// Print the private key once, as the base64 a CI secret holds.
    #[arg(long)]
    pub print_secret: bool,
}

/// `aileron-pub verify`.
#[derive(Debug, Args)]
pub struct PublisherVerify {
    /// What every `verify` takes.
    #[command(flatten)]
    pub verify: Verify,
    /// Also build this repository's commit again, and compare the connector byte for byte.
    #[arg(long)]
    pub rebuild: bool,
}

/// `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The operation.
    #[arg(value_name = "OP")]
    pub op: String,
    /// Waive a rule: input-name, input-type, input-duplicate, input-description or intent-empty. Repeatable.
    #[arg(long, value_name = "RULE")]
    pub allow: Vec<Waiver>,
    /// Use this module instead of building one.
    #[arg(long, value_name = "FILE")]
    pub wasm: Option<PathBuf>,
    /// Write what the network said and what came of it to this file; never the credential.
    #[arg(long, value_name = "FILE", conflicts_with = "replay", help_heading = "Recording")]
    pub record: Option<PathBuf>,
    /// Answer from this recording, offline.
    #[arg(long, value_name = "FILE", help_heading = "Recording")]
    pub replay: Option<PathBuf>,
    /// What goes into it.
    #[command(flatten)]
    pub calling: Calling,
}

/// `test`.
#[derive(Debug, Args)]
pub struct Test {
    /// Recordings, or directories of them [default: tests/ in the repository].
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Waive a rule: input-name, input-type, input-duplicate, input-description or intent-empty. Repeatable.
    #[arg(long, value_name = "RULE")]
    pub allow: Vec<Waiver>,
    /// Use this module instead of building one.
    #[arg(long, value_name = "FILE")]
    pub wasm: Option<PathBuf>,
}

/// `inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// Waive a rule: input-name, input-type, input-duplicate, input-description or intent-empty. Repeatable.
    #[arg(long, value_name = "RULE")]
    pub allow: Vec<Waiver>,
    /// Look at this module instead of building one; needs no repository.
    #[arg(long, value_name = "FILE")]
    pub wasm: Option<PathBuf>,
}

/// A version that can be released. The placeholder of the committed documents is none.
fn version(text: &str) -> Result<Version, String> {
    match Tag::version_of(text) {
        Ok(version) if version.is_placeholder() => {
            Err(format!("{PLACEHOLDER} is the placeholder a release replaces; name the version to release"))
        }
        version => version.map_err(|error| error.to_string()),
    }
}

fn registry(text: &str) -> Result<Registry, String> {
    match (text, text.strip_prefix("dir:")) {
        ("github", _) => Ok(Registry::GitHub),
        (_, Some("")) => Err("the path after `dir:` is empty".to_owned()),
        (_, Some(path)) => Ok(Registry::Directory(PathBuf::from(path))),
        (_, None) => Err("write github, or dir:PATH as in dir:../registry".to_owned()),
    }
}
