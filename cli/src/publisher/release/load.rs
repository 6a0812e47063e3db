//! First steps of a release: the repository at one commit, every rule, one look at the forge.

use aileron_verifier::fqn::Ref;
use aileron_verifier::version::Tag;

use super::{ReleaseError, Request, World};
use crate::event::counted;
use crate::publisher::forge::{Forge, Remote, Scope};
use crate::publisher::lint::{self, Checked};
use crate::publisher::project::{History, Project};

/// A repository that may be released as one version: rules kept, tree clean, tags in place.
pub struct Ready {
    /// The repository and its documents.
    pub checked: Checked,
    /// The connector at the version to release.
    pub release: Ref,
    /// Every tag of the cohort: the connector's first, then the actions' in name order.
    pub tags: Vec<Tag>,
    /// The commit.
    pub commit: String,
    /// Whether the work tree differs from it, with the publisher's leave.
    pub dirty: bool,
}

/// Loads and checks.
///
/// # Errors
/// [`ReleaseError`], before anything was built or asked.
pub fn ready(request: &Request, world: &World<'_>) -> Result<Ready, ReleaseError> {
    world.begin("checking the repository", 0);
    let project = Project::load(&request.repository, world.spawner())?;
    let findings = lint::check(project, Some(&request.version), &request.waived);
    let Some(checked) = findings.checked else { return Err(ReleaseError::Check(Box::new(findings))) };
    let ready = place(checked, request)?;
    let (actions, warnings) = (ready.checked.actions.len(), ready.checked.problems.len());
    world.end(format!("{}, {}", counted(actions, "action"), counted(warnings, "warning")));
    world.go_on()?;
    Ok(ready)
}

/// Ties the release to one commit. artifacts.md §12.
fn place(mut checked: Checked, request: &Request) -> Result<Ready, ReleaseError> {
    let missing = || crate::sys::git::GitError::NotARepository(request.repository.clone());
    let history = std::mem::replace(&mut checked.project.history, Err(missing())).map_err(ReleaseError::History)?;
    if history.is_dirty() && !request.allow_dirty {
        return Err(ReleaseError::Dirty { commit: history.commit, changes: history.changes });
    }
    let release = Ref { name: checked.manifest.name.value.clone(), version: request.version.clone() };
    let connector = std::iter::once(release.tag());
    let actions = checked.actions.iter().map(|action| action.reference.value.name.tag(&request.version));
    let tags: Vec<Tag> = connector.chain(actions).collect();
    same_commit(&tags, &history)?;
    let ready = Ready { release, tags, commit: history.commit.clone(), dirty: history.is_dirty(), checked };
    Ok(Ready {
        checked: Checked { project: Project { history: Ok(history), ..ready.checked.project }, ..ready.checked },
        ..ready
    })
}

fn same_commit(tags: &[Tag], history: &History) -> Result<(), ReleaseError> {
    for tag in tags {
        match history.tags.get(tag.as_str()) {
            Some(found) if *found != history.commit => {
                let (tag, found, commit) = (tag.to_string(), found.clone(), history.commit.clone());
                return Err(ReleaseError::TagElsewhere { tag, found, commit });
            }
            _ => {}
        }
    }
    Ok(())
}

impl Ready {
    /// What the forge is asked about.
    pub(super) fn scope(&self) -> Scope<'_> {
        Scope { connector: &self.release.name, release: &self.release, tags: &self.tags, commit: &self.commit }
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
        world.go_on()?;
        super::since::observe(forge, &self.scope()).map_err(|cause| ReleaseError::Forge { cause, done: 0, of: 0 })
    }
}
