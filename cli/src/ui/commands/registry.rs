//! The registry a verb publishes to or looks at: a directory, GitHub with a token from where it is kept, or a rehearsal of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aileron_verifier::name::version::Version;

use super::Context;
use crate::publisher::forge::directory::Directory;
use crate::publisher::forge::github::rehearsal::Rehearsal;
use crate::publisher::forge::github::{API, GitHub, Limits, Patience, Place, SERVER, Transport};
use crate::publisher::forge::model;
use crate::publisher::forge::{Forge, ForgeError};
use crate::publisher::release::{ReleaseError, World};
use crate::secret::Secret;
use crate::sys::address::Address;
use crate::sys::clock::{self, Clock as _};
use crate::sys::disk;
use crate::sys::lock::{LockPolicy, WAIT_FOR_RELEASE};
use crate::ui::args::{LimitsOf, RegistryFlags, RegistryName};
use crate::ui::report::Failure;

/// Longest token file that is read.
const TOKEN_LIMIT: u64 = 64 * 1024;
/// How long a run waits in CI, where a job ends at six hours. artifacts.md §12.
const IN_CI: Duration = Duration::from_secs(5 * 3600);

/// Does something with the registry, and says where that was.
pub(super) fn with_forge<T>(
    target: &RegistryFlags,
    version: &Version,
    context: &Context,
    work: impl FnOnce(&dyn Forge, &World<'_>) -> Result<T, ReleaseError>,
) -> Result<(T, String), Failure> {
    let (place, token) = match &target.to {
        RegistryName::Directory(path) => {
            let forge = Directory::new(path.clone()).waiting(locking(target, context));
            let answer = context.with_world(|world| work(&forge, world))?;
            return Ok((answer, forge.describe()));
        }
        RegistryName::GitHub => (place(target, version, context)?, token(target, context)?),
    };
    let limits = limits(target, &place);
    let in_ci = || context.environment.var("CI").map(|_| IN_CI);
    let longest = target.max_wait.or_else(in_ci);
    context.with_world(|world| {
        let patience = Patience { clock: &clock::Machine, stop: world.stop, listener: world.listener, longest };
        let unable = |cause| ReleaseError::Forge { cause, done: 0, of: 0 };
        let forge = Transport::network().and_then(|network| GitHub::new(place, network, &token, limits, patience));
        let forge = forge.map_err(unable)?;
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
    let place = Place { journal: journal.path().to_owned(), ..addresses(target, context) };
    let limits = limits(target, &place);
    let mut github = model::GitHub::new(model::Repository::new(repository.owner(), repository.repo()));
    if limits == Limits::none() {
        github.limits = model::Limits::none();
    }
    let stage = Arc::new(Rehearsal::new(github, clock::Machine.now()));
    let began = stage.now();
    // In CI the token will be the workflow's, which is allowed a fifth of a person's requests.
    let token = if context.environment.var("CI").is_some() { "ghs_rehearsal" } else { "ghp_rehearsal" };
    context.with_world(|world| {
        let longest = target.max_wait;
        let patience = Patience { clock: &*stage, stop: world.stop, listener: world.listener, longest };
        let unable = |cause| ReleaseError::Forge { cause, done: 0, of: 0 };
        let token = Secret::from(token.to_owned());
        let forge = Transport::to(stage.clone()).and_then(|to| GitHub::new(place, to, &token, limits, patience));
        let forge = forge.map_err(unable)?;
        world.note(format!("rehearsing with a model of GitHub, as if {} had no releases yet", repository.repository()));
        let answer = work(&forge, world)?;
        let until = stage.now();
        let usage = stage.github().meter.usage.clone();
        Ok((answer, Rehearsed { usage, took: until.duration_since(began).unwrap_or_default(), until }))
    })
}

fn limits(target: &RegistryFlags, place: &Place) -> Limits {
    match target.limits {
        Some(LimitsOf::Github) => Limits::github(),
        Some(LimitsOf::None) => Limits::none(),
        None if place.api == API => Limits::github(),
        None => Limits::none(), // an Enterprise server's default
    }
}

fn place(target: &RegistryFlags, version: &Version, context: &Context) -> Result<Place, Failure> {
    Ok(Place { journal: context.dist(version.as_str())?, ..addresses(target, context) })
}

/// How another release is waited for that writes to the same place.
fn locking(target: &RegistryFlags, context: &Context) -> LockPolicy {
    context.waiting(Some(target.wait_lock.unwrap_or(WAIT_FOR_RELEASE)))
}

/// Where GitHub is; the journal is nowhere yet.
fn addresses(target: &RegistryFlags, context: &Context) -> Place {
    let variable = |name: &str| context.environment.var(name)?.to_str().map(str::to_owned);
    let base = |url: Option<String>, default: &str| url.as_deref().unwrap_or(default).trim_end_matches('/').to_owned();
    Place {
        api: base(target.api_url.clone().or_else(|| variable("GITHUB_API_URL")), API),
        server: base(variable("GITHUB_SERVER_URL"), SERVER),
        journal: PathBuf::new(),
        locking: locking(target, context),
    }
}

/// `--token-file`, `GITHUB_TOKEN`, `GH_TOKEN`, and last what `gh` was given at its login.
fn token(target: &RegistryFlags, context: &Context) -> Result<Secret, Failure> {
    let from_file = |path: &PathBuf| disk::read_named(path, TOKEN_LIMIT).map(Secret::from).map_err(Failure::from);
    let variable = |name: &&str| context.environment.secret(name).filter(|token| !token.is_blank());
    let found = match &target.token_file {
        Some(path) => Some(from_file(path)?).filter(|token| !token.is_blank()),
        None => {
            let named = ["GITHUB_TOKEN", "GH_TOKEN"].iter().find_map(variable);
            named.or_else(|| of_gh(target, context)).filter(|token| !token.is_blank())
        }
    };
    let none = || ReleaseError::Forge { cause: ForgeError::NoToken, done: 0, of: 0 }.into();
    found.ok_or_else(none)
}

/// `gh auth token`. A gh that is not there, or not logged in, is no error: it is one place less to look at.
fn of_gh(target: &RegistryFlags, context: &Context) -> Option<Secret> {
    // As it is shown: a password in the address is no part of the host, and goes on no command line.
    let server = Address::of(addresses(target, context).server).to_string();
    let host = server.split("://").last()?.split(['/', ':']).next()?.to_owned();
    let gh = context.spawner().command("gh").args(["auth", "token", "--hostname", &host]).inherit(&["GH_CONFIG_DIR"]);
    let finished = gh.run().ok().filter(|finished| finished.status.success())?;
    Some(Secret::from(finished.stdout))
}
