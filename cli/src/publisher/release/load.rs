//! First steps of a release: the repository at one commit, every rule, one look at the forge.

use aileron_verifier::name::fqn::Ref;
use aileron_verifier::name::version::Tag;
use aileron_verifier::statement::cohort::CommitId;

use super::{DirtyTree, ReleaseError, ReleaseRequest, World};
use crate::event::counted;
use crate::publisher::forge::{Forge, Remote, Scope};
use crate::publisher::lint::{self, Checked};
use crate::publisher::project::{Project, Reading};
use crate::sys::git;

/// A repository that may be released as one version: rules kept, tree clean, tags in place.
pub struct Ready {
    /// The repository and its documents.
    pub checked: Checked,
    /// The connector at the version to release.
    pub release: Ref,
    /// Every tag of the cohort: the connector's first, then the actions' in name order.
    pub tags: Vec<Tag>,
    /// The commit.
    pub commit: CommitId,
    /// Whether the work tree differs from it, with the publisher's leave.
    pub dirty: bool,
}

/// Loads and checks.
///
/// # Errors
/// [`ReleaseError`], before anything was built or asked.
pub fn ready(request: &ReleaseRequest, world: &World<'_>) -> Result<Ready, ReleaseError> {
    world.begin("checking the repository", 0);
    let project = Project::load(&request.repository, request.dirty.reading(), world.spawner())?;
    checked(project, request, world)
}

/// Loads and checks the commit that the release's tag names in this repository, or HEAD's where it has no such tag. What is
/// checked out has no say: who approves a release may be in the middle of the next one.
///
/// # Errors
/// As [`ready`].
pub(super) fn ready_as_tagged(request: &ReleaseRequest, world: &World<'_>) -> Result<Ready, ReleaseError> {
    world.begin("checking the repository", 0);
    let project = Project::load(&request.repository, Reading::Commit, world.spawner())?;
    let named = lint::name(&project).map(|name| name.tag(&request.version));
    let history = project.history.as_ref().map_err(|error| ReleaseError::History(error.clone()))?;
    let names: Vec<&str> = named.iter().map(Tag::as_str).collect();
    let found = git::peeled(&project.root, &names, world.spawner()).map_err(ReleaseError::History)?;
    let commit = found.into_values().next().and_then(|object| object.parse().ok());
    let commit: CommitId = commit.unwrap_or_else(|| history.commit.clone());
    let project = Project::load_commit(&project.root, &commit, world.spawner())?;
    checked(project, request, world)
}

fn checked(project: Project, request: &ReleaseRequest, world: &World<'_>) -> Result<Ready, ReleaseError> {
    let findings = lint::check(project, Some(&request.version), &request.waived);
    let Some(checked) = findings.checked else { return Err(ReleaseError::Check(Box::new(findings))) };
    let history = dirty(&checked.project, request, world)?;
    let ready = place(checked, history, request, world)?;
    let (actions, warnings) = (ready.checked.actions.len(), ready.checked.problems.len());
    world.end(format!("{}, {}", counted(actions, "action"), counted(warnings, "warning")));
    world.check_interrupted()?;
    Ok(ready)
}

/// The commit, and whether the work tree is released in its place. artifacts.md §12.
fn dirty(project: &Project, request: &ReleaseRequest, world: &World<'_>) -> Result<(CommitId, bool), ReleaseError> {
    let history = project.history.as_ref().map_err(|error| ReleaseError::History(error.clone()))?;
    let commit = history.commit.clone();
    if history.is_dirty() {
        let differs = || format!("the work tree differs from commit {commit}");
        match request.dirty {
            DirtyTree::Refused => {
                return Err(ReleaseError::Dirty { commit: commit.to_string(), changes: history.changes.clone() });
            }
            DirtyTree::Ignored => world.note(format!("{}; only the commit is used", differs())),
            DirtyTree::Released => {
                world.note(format!("{}; the work tree is used, and cohort.json says so", differs()));
                return Ok((commit, true));
            }
        }
    }
    if !history.unjudged.is_empty() {
        let paths = counted(history.unjudged.len(), "path");
        world.note(format!("{paths} with a git filter not compared with commit {commit}; only the commit is used"));
    }
    Ok((commit, false))
}

/// Ties the release to one commit. artifacts.md §12.
fn place(
    checked: Checked,
    (commit, dirty): (CommitId, bool),
    request: &ReleaseRequest,
    world: &World<'_>,
) -> Result<Ready, ReleaseError> {
    let release = Ref { name: checked.manifest.name.value.clone(), version: request.version.clone() };
    let connector = std::iter::once(release.tag());
    let actions = checked.actions.iter().map(|action| action.reference.value.name.tag(&request.version));
    let tags: Vec<Tag> = connector.chain(actions).collect();
    let names: Vec<&str> = tags.iter().map(Tag::as_str).collect();
    let found = git::peeled(&checked.project.root, &names, world.spawner()).map_err(ReleaseError::History)?;
    match found.into_iter().find(|(_, found)| found != commit.as_str()) {
        Some((tag, found)) => Err(ReleaseError::TagElsewhere { tag, found, commit: commit.to_string() }),
        None => Ok(Ready { release, tags, commit, dirty, checked }),
    }
}

impl Ready {
    /// What the forge is asked about.
    pub(super) fn scope(&self) -> Scope<'_> {
        Scope { connector: &self.release.name, release: &self.release, tags: &self.tags, commit: self.commit.as_str() }
    }

    /// One look at the forge, before anything is built; what can never be published ends here.
    ///
    /// # Errors
    /// [`ReleaseError::Forge`] or [`ReleaseError::Unknown`].
    pub fn observe(&self, forge: &dyn Forge, world: &World<'_>) -> Result<Remote, ReleaseError> {
        let remote = self.look(forge, world)?;
        super::plan::may_go_on(&remote)?;
        Ok(remote)
    }

    /// One look at the forge, whatever stands there.
    ///
    /// # Errors
    /// [`ReleaseError::Forge`].
    pub(super) fn look(&self, forge: &dyn Forge, world: &World<'_>) -> Result<Remote, ReleaseError> {
        world.check_interrupted()?;
        super::since::observe(forge, &self.scope()).map_err(|cause| ReleaseError::Forge { cause, done: 0, of: 0 })
    }
}
