//! What is about to be installed, as verdicts, and the one step that writes. artifacts.md §10.

use aileron_verifier::capability::Capabilities;
use aileron_verifier::fqn::Ref;
use aileron_verifier::problem::Waiver;
use aileron_verifier::verify::{Payload, Verified};

use crate::store::{Abilities, Entered, Entry, Store, StoreError};

/// A verified connector that is about to be installed.
#[derive(Debug)]
pub struct NewConnector {
    /// The verdict.
    pub verified: Verified,
    /// The newest installed version of the same connector, and what it may do.
    pub before: Option<(Ref, Capabilities)>,
    /// The actions of this plan that pin it.
    pub needed_by: Vec<Ref>,
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
pub struct Plan {
    /// Name and purpose, for a suite.
    pub suite: Option<(String, String)>,
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
pub struct Receipt {
    /// The connectors.
    pub connectors: Vec<Entry>,
    /// The actions.
    pub actions: Vec<Entered>,
}

impl Plan {
    /// Whether there is nothing left to install.
    pub fn is_empty(&self) -> bool {
        self.connectors.is_empty() && self.actions.is_empty()
    }

    /// Commits it: the only line that writes below the store. Connectors first, since an action without its connector would
    /// be half an install, then all actions in one step.
    ///
    /// # Errors
    /// [`StoreError`]. What was committed before stays, whole: a connector without its actions is no half.
    pub fn commit(&self, store: &Store, force: bool) -> Result<Receipt, StoreError> {
        let put = |new: &NewConnector| store.put_over(&new.verified, force);
        let connectors = self.connectors.iter().map(put).collect::<Result<Vec<_>, _>>()?;
        let actions: Vec<&Verified> = self.actions.iter().map(|new| &new.verified).collect();
        let actions = if actions.is_empty() { Vec::new() } else { store.put_actions(&actions, force)? };
        Ok(Receipt { connectors, actions })
    }
}
