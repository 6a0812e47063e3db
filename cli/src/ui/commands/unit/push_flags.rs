//! Where a Feature is pushed to: a repository of a registry, or an image layout's directory.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::publisher::forge::registry::credential::CredentialFlags;
use crate::publisher::forge::registry::{At, Reference, Repository, Tag};
use crate::publisher::unit::folder::Feature;
use crate::ui::args::duration;
use crate::ui::report::Failure;

/// How a directory is told from a registry: as skopeo has it.
const LAYOUT: &str = "oci:";

/// What is pushed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PushTarget {
    /// A registry.
    Registry(Reference),
    /// A directory.
    Layout(PathBuf),
}

impl FromStr for PushTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<PushTarget, String> {
        match text.strip_prefix(LAYOUT) {
            Some("") => Err("oci: is followed by a directory".to_owned()),
            Some(dir) => Ok(PushTarget::Layout(dir.into())),
            None => text
                .parse()
                .map(PushTarget::Registry)
                .map_err(|error: crate::publisher::forge::registry::NotAReference| error.to_string()),
        }
    }
}

impl PushTarget {
    /// The repository, where there is one.
    pub(super) fn repository(&self) -> Option<&Repository> {
        match self {
            PushTarget::Registry(reference) => Some(&reference.repository),
            PushTarget::Layout(_) => None,
        }
    }

    /// Refuses a repository of another name than the Feature's, and a tag that is not its version.
    ///
    /// # Errors
    /// A usage error.
    pub(super) fn must_be_of(&self, feature: &Feature) -> Result<(), Failure> {
        let PushTarget::Registry(Reference { repository, at }) = self else { return Ok(()) };
        if repository.id() != feature.id {
            let text =
                format!("{repository} ends in \"{}\", and the Feature's id is \"{}\"", repository.id(), feature.id);
            let mut whole = repository.registry().to_owned();
            if !repository.namespace().is_empty() {
                whole = format!("{whole}/{}", repository.namespace());
            }
            return Err(Failure::usage(text).next(format!("push it to {whole}/{}", feature.id)));
        }
        match at {
            None => Ok(()),
            Some(At::Tag(tag)) if tag.as_str() == feature.version.as_str() => Ok(()),
            Some(at) => {
                let tags: Vec<&str> = feature.tags.iter().map(Tag::as_str).collect();
                let text = format!(
                    "\"{at}\" is not the Feature's version: the tags of {} are {}",
                    feature.version,
                    tags.join(", ")
                );
                Err(Failure::usage(text).next(format!("leave the tag out: {repository}")))
            }
        }
    }
}

/// Who logs in to a registry, and how it is reached.
#[derive(Debug, Args)]
pub(crate) struct LoginFlags {
    /// Log in with this name [default: docker's config.json and its helpers; for ghcr.io also GITHUB_TOKEN].
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// The password or token for --username; /dev/stdin reads it from standard input.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Reach a registry on this machine without TLS.
    #[arg(long)]
    pub(super) plain_http: bool,
    /// Longest time to wait for a registry that limits requests: 30s, 90m, 5h [default: 5m].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) max_wait: Option<Duration>,
}

impl LoginFlags {
    /// What was said of the credential.
    pub(super) fn credential(&self) -> CredentialFlags {
        CredentialFlags { username: self.username.clone(), password_file: self.password_file.clone() }
    }
}
