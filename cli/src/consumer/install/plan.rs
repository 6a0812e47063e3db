//! What is about to be installed, as verdicts, and the one step that writes. artifacts.md §10.

use aileron_verifier::artifact::capability::Capabilities;
use aileron_verifier::artifact::permission::{PermissionChanges, Permissions};
use aileron_verifier::artifact::verify::{Payload, Verified};
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::problem::Waiver;

use crate::store::{Abilities, InstalledAction, Store, StoreEntry, StoreError};

/// A verified connector that is about to be installed.
#[derive(Debug)]
pub struct NewConnector {
    /// The verdict.
    pub verified: Verified,
    /// What it is compared with: what it replaces, else the newest other version that is installed.
    pub before: Option<InstalledConnector>,
    /// The actions of this plan that pin it.
    pub needed_by: Vec<Ref>,
    /// What its release says about itself.
    pub index: ReleaseIndex,
}

/// An installed connector that verifies, and what it may do.
#[derive(Debug)]
pub struct InstalledConnector {
    /// Name and version.
    pub reference: Ref,
    /// What `cohort.json` would say of it.
    pub capabilities: Capabilities,
    /// Everything it may do.
    pub permissions: Permissions,
}

impl NewConnector {
    /// Everything it may do.
    pub fn permissions(&self) -> Permissions {
        self.verified.permissions().unwrap_or_default()
    }

    /// What it may do and the installed one may not, and the other way round; `None` where no other version is installed.
    pub fn changes(&self) -> Option<PermissionChanges> {
        self.before.as_ref().map(|before| self.permissions().since(&before.permissions))
    }
}

/// What is known of the signed index (`cohort.json`) of a connector's release. A person is shown which of these it is:
/// the server of a release can leave the index out, and with it everything it would say against the release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReleaseIndex {
    /// A file was installed: there is no release to ask.
    NotAsked,
    /// It is there, and a trusted key signed it.
    Signed {
        /// Rules the publisher waived.
        waived: Vec<Waiver>,
        /// Made from a work tree with changes its commit does not hold.
        dirty: bool,
    },
    /// The release has none.
    Absent,
    /// It is there and does not count, or it could not be fetched.
    Unusable(String),
}

/// Where a list of actions comes from. artifacts.md §10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuiteList {
    /// The signed index of the release that was asked for.
    SignedIndex,
    /// A file without a signature.
    Unsigned,
}

impl SuiteList {
    /// Two words for people and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            SuiteList::SignedIndex => "signed index",
            SuiteList::Unsigned => "unsigned list",
        }
    }
}

/// The suite that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedSuite {
    /// Its name.
    pub name: String,
    /// Its purpose.
    pub description: String,
    /// Where the list of its actions comes from.
    pub list: SuiteList,
}

/// A verified action that is about to be installed.
#[derive(Debug)]
pub struct NewAction {
    /// The verdict.
    pub verified: Verified,
    /// What has its place now.
    pub before: Option<Ref>,
    /// What that may do.
    pub could: Option<Abilities>,
}

impl NewAction {
    /// What it may do and the installed version of the same action may not, for a person.
    pub fn growth(&self) -> Vec<String> {
        let (Payload::Action(action), Some(could)) = (self.verified.payload(), &self.could) else { return Vec::new() };
        if self.before.as_ref().is_none_or(|before| before.name != self.verified.reference().name) {
            return Vec::new();
        }
        Abilities::of(action).since(could)
    }
}

/// What is about to be installed, verified, and not yet under the store.
#[derive(Debug, Default)]
pub struct InstallPlan {
    /// Set for a suite.
    pub suite: Option<PlannedSuite>,
    /// Connectors.
    pub connectors: Vec<NewConnector>,
    /// Actions, by name.
    pub actions: Vec<NewAction>,
    /// What is installed already, verified again just now.
    pub present: Vec<Ref>,
    /// Rules the publisher waived for this release, by its signed index.
    pub waived: Vec<Waiver>,
    /// The release was made from a work tree with changes its commit does not hold.
    pub dirty: bool,
}

/// What a plan came to.
#[derive(Debug, Default)]
pub struct InstallReceipt {
    /// The connectors.
    pub connectors: Vec<StoreEntry>,
    /// The actions.
    pub actions: Vec<InstalledAction>,
}

impl InstallPlan {
    /// Takes in what another plan would install.
    pub(in crate::consumer) fn add(&mut self, other: InstallPlan) {
        self.connectors.extend(other.connectors);
        self.actions.extend(other.actions);
        self.present.extend(other.present);
        self.note_release(&other.waived, other.dirty);
    }

    /// Adds what one release's signed index says against it.
    pub(in crate::consumer) fn note_release(&mut self, waived: &[Waiver], dirty: bool) {
        for waiver in waived {
            if !self.waived.contains(waiver) {
                self.waived.push(*waiver);
            }
        }
        self.dirty |= dirty;
    }

    /// Whether there is nothing left to install.
    pub fn is_empty(&self) -> bool {
        self.connectors.is_empty() && self.actions.is_empty()
    }

    /// Commits it: the only line that writes below the store. Connectors first, since an action without its connector would
    /// be half an install, then all actions in one step.
    ///
    /// # Errors
    /// [`StoreError`]. What was committed before stays, whole: a connector without its actions is no half.
    pub fn commit(&self, store: &Store, force: bool) -> Result<InstallReceipt, StoreError> {
        let put = |new: &NewConnector| store.put_over(&new.verified, force);
        let connectors = self.connectors.iter().map(put).collect::<Result<Vec<_>, _>>()?;
        let actions: Vec<&Verified> = self.actions.iter().map(|new| &new.verified).collect();
        let actions = if actions.is_empty() { Vec::new() } else { store.put_actions(&actions, force)? };
        Ok(InstallReceipt { connectors, actions })
    }
}
