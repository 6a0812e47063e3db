//! Installing: resolve, fetch, verify; show a [`Plan`]; and only then commit. artifacts.md §10.
//!
//! A plan is made of verdicts, so that everything a person is shown was verified before. Nothing is under the store until
//! [`Plan::commit`], which is the only line here that writes. All of a plan or nothing, up to its first commit: connectors
//! first, since an action without its connector would be half an install, then all actions in one step.
//!
//! Not here: how a plan looks and who consents (`ui`), what is signed by whom (the verifier), where files go (the store).

use std::path::{Path, PathBuf};

use aileron_verifier::archive::Kind;
use aileron_verifier::capability::Capabilities;
use aileron_verifier::cohort::Cohort;
use aileron_verifier::digest::ContentHash;
use aileron_verifier::fqn::{Fqn, Ref};
use aileron_verifier::keyring::{Keyring, SignatureRefused};
use aileron_verifier::problem::{Class, Problem, Source, Waiver};
use aileron_verifier::verify::{Payload, Unverified, Verified, VerifyError, Wanted};

use super::ask::{AskError, Asking, Console, Divergence, Session};
use super::fetch::{ARCHIVE_LIMIT, FetchError, Origin};
use super::judge::{self, JudgeError};
use super::ring::RingFile;
use crate::event::{Event, Listener};
use crate::store::{Abilities, Entered, Entry, Pinned, Store, StoreError, pins};
use crate::sys::disk::{self, DiskError};

/// What is to be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Exactly this version.
    Version(Ref),
    /// The newest final version.
    Newest(Fqn),
    /// An archive that is at hand.
    File(PathBuf),
}

/// What every install needs of the world.
pub struct Installer<'a> {
    /// Where it goes.
    pub store: &'a Store,
    /// Where it comes from.
    pub origin: &'a Origin,
    /// Whose signatures count.
    pub ring: &'a RingFile,
    /// Who is asked whether to trust a publisher.
    pub console: &'a mut dyn Console,
    /// `--yes`: a new publisher is trusted without asking.
    pub yes: bool,
    /// `--allow`: rules an action may break.
    pub allow: Vec<Waiver>,
    /// `--force`: other content, another name's place, a downgrade.
    pub force: bool,
    /// What this run was told about publishers.
    pub session: Session,
    /// Where progress goes.
    pub listener: Listener<'a>,
}

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

/// Why nothing was installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// No bytes.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A release without an index and without a suite.
    #[error("the release of {0} has neither cohort.json nor suite.toml")]
    NoSuite(Ref),
    /// The artifact was refused.
    #[error("{why}")]
    Refused {
        /// What was asked for: a Ref or a path.
        what: String,
        /// The verdict.
        why: VerifyError,
        /// What the publisher's published key says about a failed signature.
        divergence: Option<Box<Divergence>>,
    },
    /// The publisher is not trusted.
    #[error(transparent)]
    Trust(#[from] AskError),
    /// The store would not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The action breaks input rules, and existing runtimes refuse it.
    #[error("{reference} breaks {} that an installer does not pass over", crate::event::counted(.problems.len(), "rule"))]
    Rules {
        /// The action.
        reference: Ref,
        /// What it breaks.
        problems: Vec<Problem>,
        /// Its text.
        text: Source,
    },
    /// Not there yet, or not what the release's signed index lists.
    #[error(transparent)]
    Judged(JudgeError),
    /// The connector an action pins is installed under that name and version with other content.
    #[error("{action} pins {} with content {}, but content {installed} is installed", .needs.reference, .needs.content)]
    OtherPin {
        /// The action.
        action: Ref,
        /// What it pins.
        needs: Box<Pinned>,
        /// What is installed.
        installed: ContentHash,
    },
    /// Two actions of one run want the same file.
    #[error("{first} and {second} have the same name, and a name belongs to one action")]
    SameName {
        /// One of them.
        first: Ref,
        /// The other.
        second: Ref,
    },
    /// A suite as publishers commit it: it names directories, and no version.
    #[error("{} lists the directories of a repository, not published actions", .0)]
    RepositorySuite(String),
    /// A suite file that cannot be read as one.
    #[error("{}", .problems.first().map_or("not a suite", |problem| &problem.message))]
    Suite {
        /// What is wrong.
        problems: Vec<Problem>,
        /// Its text.
        text: Source,
    },
    /// Several artifacts of one run were refused, or could not be had.
    #[error("{first}")]
    Several {
        /// The first of them.
        first: Box<InstallError>,
        /// One line for each.
        all: Vec<String>,
    },
}

impl InstallError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            InstallError::Fetch(error) => error.class(),
            InstallError::Refused { why, .. } => why.class(),
            InstallError::Trust(error) => error.class(),
            InstallError::Store(error) => error.class(),
            InstallError::Disk(_) | InstallError::NoSuite(_) => Class::FetchFailed,
            InstallError::Rules { .. } | InstallError::SameName { .. } | InstallError::RepositorySuite(_) => {
                Class::ValidationError
            }
            InstallError::Judged(error) => error.class(),
            InstallError::OtherPin { .. } => Class::ConnectorsMissing,
            InstallError::Suite { problems, .. } => {
                problems.first().map_or(Class::ValidationError, |problem| problem.rule.class())
            }
            InstallError::Several { first, .. } => first.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            InstallError::Fetch(error) => error.is_retriable(),
            InstallError::Judged(error) => error.is_retriable(),
            InstallError::Several { first, .. } => first.is_retriable(),
            _ => false,
        }
    }
}

impl<'a> Installer<'a> {
    /// An installer that trusts nobody new without asking, allows nothing and forces nothing.
    pub fn new(
        store: &'a Store,
        origin: &'a Origin,
        ring: &'a RingFile,
        console: &'a mut dyn Console,
        listener: Listener<'a>,
    ) -> Installer<'a> {
        Installer {
            store,
            origin,
            ring,
            console,
            yes: false,
            allow: Vec::new(),
            force: false,
            session: Session::new(),
            listener,
        }
    }

    /// The ring, after asking about the publisher of `name` where nobody is trusted for it.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn trust(&mut self, name: &Fqn) -> Result<Keyring, AskError> {
        let mut asking =
            Asking { ring: self.ring, origin: self.origin, console: self.console, yes: self.yes, fingerprint: None };
        self.session.ensure_trusted(name, &mut asking)
    }

    /// Plans the install of one connector: fetched, verified, compared with what is installed.
    ///
    /// # Errors
    /// [`InstallError`]; nothing was written but a publisher's key that was consented to.
    pub fn connector(&mut self, target: &Target, content: Option<ContentHash>) -> Result<Plan, InstallError> {
        let wanted = Wanted { kind: Some(Kind::Connector), content, ..Wanted::default() };
        let reference = match target {
            Target::Version(reference) => reference.clone(),
            Target::Newest(name) => self.origin.newest(name)?,
            Target::File(path) => {
                let verified = self.file(path, &wanted)?;
                return self.with_connector(verified);
            }
        };
        let ring = self.trust(&reference.name)?;
        if let Some(plan) = self.stored(&reference, content, &ring)? {
            return Ok(plan);
        }
        self.progress(&reference);
        let verified = self.fetched(&Wanted { reference: Some(reference), ..wanted }, &ring)?;
        let mut plan = self.with_connector(verified)?;
        let index = self.index(&plan)?;
        plan.waived = index.as_ref().map(|index| index.allowed.clone()).unwrap_or_default();
        plan.dirty = index.is_some_and(|index| index.dirty);
        Ok(plan)
    }

    /// What a connector's release says about itself, where it says it with a trusted signature.
    fn index(&self, plan: &Plan) -> Result<Option<Cohort>, InstallError> {
        let Some(new) = plan.connectors.first() else { return Ok(None) };
        let reference = new.verified.reference();
        let ring = self.ring.load_or_refuse().map_err(AskError::from)?;
        match self.origin.cohort(reference) {
            Ok(Some(index)) => {
                match aileron_verifier::verify::cohort(&index.bytes, &index.signature, reference, &ring) {
                    Ok((cohort, _)) => Ok(Some(cohort)),
                    Err(error) => {
                        (self.listener)(Event::Note(format!("note: the release's index is not believed: {error}")));
                        Ok(None)
                    }
                }
            }
            // It is for people to read. The connector was verified without it.
            Ok(None) | Err(_) => Ok(None),
        }
    }

    /// An installed connector that is what was asked for needs no network. artifacts.md §10.
    fn stored(
        &self,
        reference: &Ref,
        content: Option<ContentHash>,
        ring: &Keyring,
    ) -> Result<Option<Plan>, InstallError> {
        let installed = self.store.content_of(reference)?;
        let Some(installed) = installed.filter(|installed| content.is_none_or(|content| content == *installed)) else {
            return Ok(None);
        };
        let pinned = Pinned { reference: reference.clone(), content: installed };
        match self.store.verify(&pinned, ring) {
            Ok(_) => Ok(Some(Plan { present: vec![reference.clone()], ..Plan::default() })),
            // What was changed on disk is mended by installing it again; what no trusted key signed is refused once more.
            Err(StoreError::Refused { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn with_connector(&mut self, verified: Verified) -> Result<Plan, InstallError> {
        let mut plan = Plan::default();
        self.add_connector(&mut plan, verified, &[])?;
        Ok(plan)
    }

    fn add_connector(&mut self, plan: &mut Plan, verified: Verified, by: &[Ref]) -> Result<(), InstallError> {
        let reference = verified.reference().clone();
        let versions = self.store.versions_of(&reference.name)?;
        if let (Some(installed), Some(offered)) = (self.store.content_of(&reference)?, verified.content())
            && installed != offered
            && !self.force
        {
            return Err(StoreError::OtherContent { reference, installed, offered }.into());
        }
        let before = versions.into_iter().rfind(|pinned| pinned.reference != reference).and_then(|pinned| {
            // What cannot be verified any more says nothing a person could rely on: then everything is new.
            let ring = self.ring.load().ok()?;
            let verified = self.store.verify(&pinned, &ring).ok()?;
            Some((pinned.reference, verified.capabilities()?))
        });
        plan.connectors.push(NewConnector { verified, before, needed_by: by.to_vec() });
        Ok(())
    }

    /// Verifies a file; the publisher is asked about when nobody is trusted for what the file says it is.
    pub(super) fn file(&mut self, path: &Path, wanted: &Wanted) -> Result<Verified, InstallError> {
        let bytes = disk::read(path, ARCHIVE_LIMIT)?;
        let shown = path.display().to_string();
        let ring = self.ring.load_or_refuse().map_err(AskError::from)?;
        let ring = match Unverified::new(bytes.as_slice()).verify(wanted, &ring) {
            Ok(verified) => return Ok(verified),
            Err(VerifyError::Signature(SignatureRefused::NoKey { authority })) => {
                let name: Fqn = authority.as_str().parse().map_err(|_| {
                    let why = VerifyError::Signature(SignatureRefused::NoKey { authority: authority.clone() });
                    InstallError::Refused { what: shown.clone(), why, divergence: None }
                })?;
                self.trust(&name)?
            }
            Err(why) => return Err(self.refused(shown, why, None)),
        };
        Unverified::new(bytes).verify(wanted, &ring).map_err(|why| self.refused(shown, why, None))
    }

    fn fetched(&self, wanted: &Wanted, ring: &Keyring) -> Result<Verified, InstallError> {
        judge::fetched(self.origin, wanted, None, ring).map_err(|error| self.judged(wanted, error))
    }

    /// A verdict as an installer's error, with the published key beside a failed signature.
    pub(super) fn judged(&self, wanted: &Wanted, error: JudgeError) -> InstallError {
        let what = wanted.reference.as_ref().map(ToString::to_string).unwrap_or_default();
        match error {
            JudgeError::Refused(why) => self.refused(what, why, wanted.reference.as_ref().map(|found| &found.name)),
            JudgeError::Fetch(error) => error.into(),
            other => InstallError::Judged(other),
        }
    }

    /// After a failed signature the published key is looked at, for the reader. artifacts.md §10.
    fn refused(&self, what: String, why: VerifyError, name: Option<&Fqn>) -> InstallError {
        let of_signature = || match &why {
            VerifyError::Signature(SignatureRefused::NoMatch { authority, .. }) => authority.as_str().parse().ok(),
            _ => None,
        };
        let name = name.cloned().or_else(of_signature);
        let divergence = name.and_then(|name| Divergence::after(&why, &name, self.origin)).map(Box::new);
        InstallError::Refused { what, why, divergence }
    }

    fn progress(&self, reference: &Ref) {
        (self.listener)(Event::Note(format!("fetching {reference}")));
    }

    /// Puts the connectors into `plan` that its actions pin and that are not installed.
    pub(super) fn add_missing_connectors(&mut self, plan: &mut Plan) -> Result<(), InstallError> {
        let mut missing: Vec<(Pinned, Vec<Ref>)> = Vec::new();
        for new in &plan.actions {
            let Payload::Action(action) = new.verified.payload() else { continue };
            for needs in pins(action) {
                match missing.iter_mut().find(|(pinned, _)| *pinned == needs) {
                    Some((_, by)) => by.push(new.verified.reference().clone()),
                    None => missing.push((needs, vec![new.verified.reference().clone()])),
                }
            }
        }
        for (needs, by) in missing {
            let action = || by.first().cloned().unwrap_or_else(|| needs.reference.clone());
            let ring = self.trust(&needs.reference.name)?;
            match self.store.content_of(&needs.reference)? {
                Some(installed) if installed != needs.content => {
                    return Err(InstallError::OtherPin { action: action(), needs: Box::new(needs.clone()), installed });
                }
                Some(_) if self.stored(&needs.reference, Some(needs.content), &ring)?.is_some() => continue,
                _ => {}
            }
            self.progress(&needs.reference);
            let wanted = Wanted {
                reference: Some(needs.reference.clone()),
                kind: Some(Kind::Connector),
                content: Some(needs.content),
            };
            let verified = self.fetched(&wanted, &ring)?;
            self.add_connector(plan, verified, &by)?;
        }
        Ok(())
    }
}

impl Plan {
    /// Whether there is nothing left to install.
    pub fn is_empty(&self) -> bool {
        self.connectors.is_empty() && self.actions.is_empty()
    }

    /// Commits it. The only line that writes below the store.
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
