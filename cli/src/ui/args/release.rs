//! Flags of the verbs that build, sign and publish.

use std::path::PathBuf;
use std::time::Duration;

use aileron_verifier::name::version::{PLACEHOLDER, Tag, Version};
use aileron_verifier::problem::Waiver;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::duration;
use crate::github::Limits;
use crate::publisher::release::{DirtyTree, ReleaseRequest, SecretSource};

/// What every verb that makes artifacts takes.
#[derive(Debug, Args)]
pub(crate) struct ReleaseFlags {
    /// The version, with or without `v`.
    #[arg(value_parser = version)]
    pub(crate) version: Version,
    /// Release the work tree where it differs from its commit, and say so in cohort.json.
    #[arg(long)]
    pub(crate) allow_dirty: bool,
    /// Settings that decide the bytes.
    #[command(flatten)]
    pub(crate) build: BuildFlags,
}

impl ReleaseFlags {
    /// The request of a verb that makes artifacts of this repository.
    pub(crate) fn request(self, repository: PathBuf) -> ReleaseRequest {
        let dirty = if self.allow_dirty { DirtyTree::Released } else { DirtyTree::Refused };
        ReleaseRequest { dirty, ..self.build.request(self.version, repository) }
    }
}

/// What every verb that builds takes.
#[derive(Debug, Default, Args)]
pub(crate) struct BuildFlags {
    /// Waive a rule: input-name, input-type, input-duplicate, input-description or intent-empty. Repeatable.
    #[arg(long, value_name = "RULE")]
    pub(crate) allow: Vec<Waiver>,
    /// Use this module instead of building one.
    #[arg(long, value_name = "FILE")]
    pub(crate) wasm: Option<PathBuf>,
    /// Variable that holds the OAuth client secret [default: AILERON_CLIENT_SECRET, else SERVICE_OAUTH_CLIENT_SECRET].
    #[arg(long, value_name = "NAME", conflicts_with = "client_secret_file")]
    pub(crate) client_secret_env: Option<String>,
    /// File that holds the OAuth client secret.
    #[arg(long, value_name = "FILE")]
    pub(crate) client_secret_file: Option<PathBuf>,
}

impl BuildFlags {
    /// The request of a verb that builds this version of the repository.
    pub(crate) fn request(self, version: Version, repository: PathBuf) -> ReleaseRequest {
        let client_secret = match (self.client_secret_env, self.client_secret_file) {
            (Some(name), _) => SecretSource::Variable(name),
            (None, Some(path)) => SecretSource::File(path),
            (None, None) => SecretSource::Default,
        };
        ReleaseRequest {
            repository,
            version,
            waived: self.allow,
            dirty: DirtyTree::Refused,
            wasm: self.wasm,
            key: None,
            client_secret,
            replace_key: false,
        }
    }
}

/// What every verb that signs takes.
#[derive(Debug, Args)]
pub(crate) struct SigningFlags {
    /// File with the signing key [default: AILERON_SIGNING_KEY, else the OS keychain].
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
}

/// Which GitHub is asked, and with which token.
#[derive(Debug, Default, Args)]
pub(crate) struct GitHubFlags {
    /// Base of GitHub's API [default: GITHUB_API_URL, else https://api.github.com].
    #[arg(long, value_name = "URL", help_heading = "GitHub")]
    pub(crate) api_url: Option<String>,
    /// File with GitHub's token [default: GH_TOKEN, else GITHUB_TOKEN, else `gh auth token`].
    #[arg(long, value_name = "FILE", help_heading = "GitHub")]
    pub(crate) token_file: Option<PathBuf>,
}

/// Where to publish.
#[derive(Debug, Args)]
pub(crate) struct RegistryFlags {
    /// The registry: `github`, or `dir:PATH`, a directory laid out like download URLs.
    #[arg(long, value_name = "github|dir:PATH", value_parser = registry, default_value = "github")]
    pub(crate) to: RegistryName,
    /// Which GitHub, as whom.
    #[command(flatten)]
    pub(crate) github: GitHubFlags,
    /// Whose limits to keep [default: github for api.github.com, else none].
    #[arg(long, value_enum, help_heading = "GitHub")]
    pub(crate) limits: Option<LimitsOf>,
    /// Stop with exit code 5 rather than wait longer than this in all, as in 90m [default: none; 5h where CI is set].
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "GitHub")]
    pub(crate) max_wait: Option<Duration>,
    /// How long another release is waited for. Only a verb that writes takes the flag.
    #[arg(skip)]
    pub(crate) wait_lock: Option<Duration>,
}

/// A registry by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RegistryName {
    /// The repository's own releases.
    GitHub,
    /// A directory.
    Directory(PathBuf),
}

/// Whose limits to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitsOf {
    /// github.com's.
    Github,
    /// Only those the server reports.
    None,
}

/// By hand, so that the help names the numbers that are kept.
impl ValueEnum for LimitsOf {
    fn value_variants<'a>() -> &'a [LimitsOf] {
        &[LimitsOf::Github, LimitsOf::None]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            LimitsOf::Github => PossibleValue::new("github").help(format!("github.com's: {}", Limits::github())),
            LimitsOf::None => PossibleValue::new("none").help("Only those the server reports"),
        })
    }
}

/// A version that can be released. The placeholder of the committed documents is none.
pub(crate) fn version(text: &str) -> Result<Version, String> {
    match Tag::version_of(text) {
        Ok(version) if version.is_placeholder() => {
            Err(format!("{PLACEHOLDER} is the placeholder a release replaces; name the version to release"))
        }
        version => version.map_err(|error| error.to_string()),
    }
}

fn registry(text: &str) -> Result<RegistryName, String> {
    match (text, text.strip_prefix("dir:")) {
        ("github", _) => Ok(RegistryName::GitHub),
        (_, Some("")) => Err("the path after `dir:` is empty".to_owned()),
        (_, Some(path)) => Ok(RegistryName::Directory(PathBuf::from(path))),
        (_, None) => Err("write github, or dir:PATH as in dir:../registry".to_owned()),
    }
}
