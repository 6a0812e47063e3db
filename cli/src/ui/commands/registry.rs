//! The registry a verb publishes to or looks at: a directory, GitHub with a token from where it is kept, or a rehearsal of it.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use aileron_verifier::name::version::Version;

use super::Context;
use crate::github::{Addresses, ApiError, Client, Limits, Network, Unlogged, WaitPolicy, token};
use crate::publisher::forge::directory::DirectoryForge;
use crate::publisher::forge::github::rehearsal::Rehearsal;
use crate::publisher::forge::github::{GitHubForge, GitHubPlace};
use crate::publisher::forge::model;
use crate::publisher::forge::{Forge, ForgeError};
use crate::publisher::release::{ReleaseError, World};
use crate::secret::Secret;
use crate::sys::clock::Clock as _;
use crate::sys::disk;
use crate::sys::lock::{LockPolicy, WAIT_FOR_RELEASE};
use crate::ui::args::{GitHubFlags, LimitsOf, RegistryFlags, RegistryName};
use crate::ui::report::Failure;

/// Longest token file that is read.
const TOKEN_LIMIT: u64 = 64 * 1024;
/// How long a run waits in CI, where a job ends at six hours. artifacts.md §12.
const IN_CI: Duration = Duration::from_secs(5 * 3600);
/// How long a verb waits that somebody sits in front of.
const SHORT: Duration = Duration::from_secs(60);

/// Does something with the registry, and says where that was.
pub(super) fn with_forge<T>(
    target: &RegistryFlags,
    version: &Version,
    context: &Context,
    work: impl FnOnce(&dyn Forge, &World<'_>) -> Result<T, ReleaseError>,
) -> Result<(T, String), Failure> {
    let (place, token) = match &target.to {
        RegistryName::Directory(path) => {
            let forge = DirectoryForge::new(path.clone()).waiting(locking(target, context));
            let answer = context.with_world(|world| work(&forge, world))?;
            return Ok((answer, forge.describe()));
        }
        RegistryName::GitHub => (place(target, version, context)?, chosen_token(target, context)?),
    };
    let limits = limits(target, &place);
    let in_ci = || context.environment.var("CI").map(|_| IN_CI);
    let longest = target.max_wait.or_else(in_ci);
    context.with_world(|world| {
        let waiting = WaitPolicy { clock: &*context.clock, stop: world.stop, listener: world.listener, longest };
        let unable = |cause| ReleaseError::Forge { cause, done: 0, of: 0 };
        let network = Arc::new(Network::default());
        let forge = GitHubForge::new(place, network, &token, limits, waiting).map_err(unable)?;
        let answer = work(&forge, world)?;
        Ok((answer, forge.describe()))
    })
}

/// What a rehearsal showed.
pub(super) struct Rehearsed {
    /// What GitHub would have counted.
    pub(super) usage: model::Usage,
    /// How long it would have taken.
    pub(super) took: Duration,
    /// When it would be over.
    pub(super) until: std::time::SystemTime,
}

/// Does the same in front of a model of GitHub whose repository has no releases yet: no network, no token, no waiting, and no
/// journal that stays.
pub(super) fn rehearse<T>(
    target: &RegistryFlags,
    repository: &aileron_verifier::name::fqn::Fqn,
    context: &Context,
    work: impl FnOnce(&dyn Forge, &World<'_>) -> Result<T, ReleaseError>,
) -> Result<(T, Rehearsed), Failure> {
    let journal = disk::temporary_directory()?;
    let place = GitHubPlace { journal: journal.path().to_owned(), ..without_journal(target, context) };
    let limits = limits(target, &place);
    let mut github = model::GitHub::new(model::Repository::new(repository.owner(), repository.repo()));
    if limits == Limits::none() {
        github.limits = model::Limits::none();
    }
    let stage = Arc::new(Rehearsal::new(github, context.clock.now()));
    let began = stage.now();
    // In CI the token will be the workflow's, which is allowed a fifth of a person's requests.
    let token = if context.environment.var("CI").is_some() { "ghs_rehearsal" } else { "ghp_rehearsal" };
    context.with_world(|world| {
        let longest = target.max_wait;
        let waiting = WaitPolicy { clock: &*stage, stop: world.stop, listener: world.listener, longest };
        let unable = |cause| ReleaseError::Forge { cause, done: 0, of: 0 };
        let token = Secret::from(token.to_owned());
        let forge = GitHubForge::new(place, stage.clone(), &token, limits, waiting).map_err(unable)?;
        world.note(format!("rehearsing with a model of GitHub, as if {} had no releases yet", repository.repository()));
        let answer = work(&forge, world)?;
        let until = stage.now();
        let usage = stage.github().meter.usage.clone();
        Ok((answer, Rehearsed { usage, took: until.duration_since(began).unwrap_or_default(), until }))
    })
}

fn limits(target: &RegistryFlags, place: &GitHubPlace) -> Limits {
    match target.limits {
        Some(LimitsOf::Github) => Limits::github(),
        Some(LimitsOf::None) => Limits::none(),
        None if place.addresses.is_public() => Limits::github(),
        None => Limits::none(), // an Enterprise server's default
    }
}

fn place(target: &RegistryFlags, version: &Version, context: &Context) -> Result<GitHubPlace, Failure> {
    Ok(GitHubPlace { journal: context.dist(version.as_str())?, ..without_journal(target, context) })
}

/// How another release is waited for that writes to the same place.
fn locking(target: &RegistryFlags, context: &Context) -> LockPolicy {
    context.waiting(Some(target.wait_lock.unwrap_or(WAIT_FOR_RELEASE)))
}

/// Where GitHub is; the journal is nowhere yet.
fn without_journal(target: &RegistryFlags, context: &Context) -> GitHubPlace {
    GitHubPlace { addresses: addresses(target, context), journal: PathBuf::new(), locking: locking(target, context) }
}

/// `--api-url`, else what the environment says.
fn addresses(target: &RegistryFlags, context: &Context) -> Addresses {
    addresses_of(&target.github, context)
}

/// The same for a verb that asks GitHub without publishing.
pub(super) fn addresses_of(github: &GitHubFlags, context: &Context) -> Addresses {
    Addresses::of(&context.environment).with_api(github.api_url.as_deref())
}

fn chosen_token(target: &RegistryFlags, context: &Context) -> Result<Secret, Failure> {
    token_of(&target.github, context)?.ok_or_else(|| Failure::from(&ForgeError::NoToken))
}

/// `--token-file`, else the environment's, and last what `gh` was given at its login.
pub(super) fn token_of(github: &GitHubFlags, context: &Context) -> Result<Option<Secret>, Failure> {
    Ok(match &github.token_file {
        Some(path) => {
            let read = disk::read_named(path, TOKEN_LIMIT).map(Secret::from).map_err(Failure::from)?;
            Some(read).filter(|token| !token.is_blank())
        }
        None => token::of_environment(&context.environment)
            .or_else(|| token::of_gh(&addresses_of(github, context).server, &context.spawner())),
    })
}

/// Asks GitHub something that is no release: its own limits are kept, and nothing is written down.
pub(super) fn with_client<T>(
    github: &GitHubFlags,
    token: &Secret,
    context: &Context,
    work: impl FnOnce(&Client<'_>) -> Result<T, ApiError>,
) -> Result<T, ForgeError> {
    let addresses = addresses_of(github, context);
    let limits = if addresses.is_public() { Limits::github() } else { Limits::none() };
    let listener = |event| context.progress.take(event);
    let waiting = WaitPolicy { clock: &*context.clock, stop: context.stop, listener: &listener, longest: Some(SHORT) };
    let client = Client::new(Arc::new(Network::default()), &addresses.api, token, limits, waiting, Rc::new(Unlogged))?;
    Ok(work(&client)?)
}
