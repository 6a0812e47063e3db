//! Installing: resolve, fetch, verify; show a [`InstallPlan`]; and only then commit. artifacts.md §10.
//!
//! # How an install walks
//!
//! ```text
//! what was named ─► InstallTarget { Version | Newest | File }
//!   Installer::connector, action, suite_of, suite_file, …
//!     trust     the ring has a key for the owner or the repository: silent; else notice, fetch the key, question, grant
//!     stored    installed already and still verifies: no network
//!     fetch     ─► Unverified (in memory, capped)
//!     verify    archive, keys, payload, signature, names, module, expected hash ─► Verified
//!     compare   with what is installed, and with the release's signed index ─► InstallPlan
//!   InstallPlan::carry_out
//!     show      what it may do, what is new ─► question ─► consent
//!     commit    store.put(&Verified): connectors first, then all actions ─► InstallReceipt
//! the command then compiles what was installed (runtime), so that its first run need not
//! ```
//!
//! A plan is made of verdicts, so that everything a person is shown was verified before. Nothing is under the store until
//! [`InstallPlan::commit`].
//!
//! Not here: how a plan looks and who consents (`ui`), what is signed by whom (the verifier), where files go (the store).

mod actions;
pub mod check;
pub mod consent;
pub mod error;
pub mod installed;
pub mod plan;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use aileron_verifier::artifact::archive::ArtifactKind;
use aileron_verifier::artifact::verify::{Payload, Unverified, Verified, VerifyError, Wanted};
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::fqn::{Authority, Fqn, Ref};
use aileron_verifier::problem::Waiver;
use aileron_verifier::statement::Signed;
use aileron_verifier::statement::cohort::Cohort;
use aileron_verifier::trust::keyring::{Keyring, SignatureRefused};

use crate::consumer::fetch::origin::{FetchError, Origin};
use crate::consumer::install::error::InstallError;
use crate::consumer::install::plan::{InstallPlan, InstalledConnector, NewConnector, ReleaseIndex};
use crate::consumer::trust::prompt::{AskError, Asking, Console, TrustSession, Yes};
use crate::consumer::trust::ring::RingFile;
use crate::consumer::trust::succession::{self, Divergence};
use crate::consumer::verify::{self, VerificationError};
use crate::event::{Event, Listener};
use crate::store::{Pinned, Store, StoreError, pins};

/// What is to be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstallTarget {
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
    /// `--yes`: a new publisher is trusted without asking, if it is one of `asked_for`.
    pub yes: bool,
    /// Owners of what was named on the command line. Everyone else is named by documents that may be anyone's, and is
    /// trusted only by an answer. artifacts.md §10.
    pub asked_for: BTreeSet<Authority>,
    /// The signed index that this run has read already.
    pub(in crate::consumer) known_index: Option<(Ref, Signed<Cohort>)>,
    /// `--allow`: rules an action may break.
    pub allow: Vec<Waiver>,
    /// `--force`: other content, another name's place, a downgrade.
    pub force: bool,
    /// Which publishers this run has asked about.
    pub session: TrustSession,
    /// Where progress goes.
    pub listener: Listener<'a>,
}

impl<'a> Installer<'a> {
    /// An installer that trusts no new publisher without asking, allows nothing and forces nothing.
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
            asked_for: BTreeSet::new(),
            known_index: None,
            allow: Vec::new(),
            force: false,
            session: TrustSession::new(),
            listener,
        }
    }

    /// The ring, after asking about the publisher of `name` where no trusted key covers it.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn trust(&mut self, name: &Fqn) -> Result<Keyring, AskError> {
        let yes = match (self.yes, self.asked_for.contains(&name.owner_authority())) {
            (false, _) => Yes::Ask,
            (true, true) => Yes::Granted,
            (true, false) => Yes::OfOthers,
        };
        let mut asking = Asking { ring: self.ring, origin: self.origin, console: self.console, yes, fingerprint: None };
        self.session.ensure_trusted(name, &mut asking)
    }

    /// Plans the install of one connector: fetched, verified, compared with what is installed.
    ///
    /// # Errors
    /// [`InstallError`]; nothing was written but a publisher's key that was consented to.
    pub fn connector(
        &mut self,
        target: &InstallTarget,
        content: Option<ContentHash>,
    ) -> Result<InstallPlan, InstallError> {
        let reference = match target {
            InstallTarget::Version(reference) => reference.clone(),
            InstallTarget::Newest(name) => self.origin.newest(name)?,
            InstallTarget::File(path) => {
                let wanted = Wanted { kind: Some(ArtifactKind::Connector), content, ..Wanted::default() };
                let verified = self.file(path, &wanted)?;
                return self.with_connector(verified);
            }
        };
        self.asked_for.insert(reference.name.owner_authority());
        self.connector_release(reference, content)
    }

    /// Plans the install of the newest version of these connectors, where a newer one than the installed is published.
    ///
    /// That a connector is installed does not name its owner: a publisher whose trust was revoked is asked about again, also
    /// with `--yes`, unless `asked_for` has it.
    ///
    /// # Errors
    /// As [`Installer::connector`].
    pub fn connector_upgrades(&mut self, names: &[Fqn]) -> Result<InstallPlan, InstallError> {
        let mut plan = InstallPlan::default();
        for name in names {
            let newest = self.origin.newest(name)?;
            let installed = self.store.versions_of(name)?.pop().map(|pinned| pinned.reference);
            match installed.filter(|installed| installed.version.precedence(&newest.version).is_ge()) {
                Some(installed) => plan.present.push(installed),
                None => plan.add(self.connector_release(newest, None)?),
            }
        }
        Ok(plan)
    }

    fn connector_release(&mut self, reference: Ref, content: Option<ContentHash>) -> Result<InstallPlan, InstallError> {
        let mut ring = self.trust(&reference.name)?;
        if let Some(plan) = self.stored(&reference, content, &ring)? {
            return Ok(plan);
        }
        self.progress(&reference);
        let wanted = Wanted { reference: Some(reference), kind: Some(ArtifactKind::Connector), content };
        let verified = self.fetched(&wanted, &mut ring)?;
        let index = self.index(&verified, &ring);
        let mut plan = InstallPlan::default();
        self.add_connector(&mut plan, verified, &[], index)?;
        Ok(plan)
    }

    /// What a connector's release says about itself. The connector was verified without it; the person is shown what is not
    /// known where it is missing or does not count.
    fn index(&self, verified: &Verified, ring: &Keyring) -> ReleaseIndex {
        let reference = verified.reference();
        let cohort = match &self.known_index {
            Some((known, cohort)) if known == reference => cohort.clone(),
            _ => match self.origin.statement::<Cohort>(reference) {
                Ok(None) => return ReleaseIndex::Absent,
                Err(error) => return ReleaseIndex::Unusable(error.to_string()),
                Ok(Some(index)) => match index.verify(reference, ring) {
                    Ok(cohort) => cohort,
                    Err(error) => return ReleaseIndex::Unusable(error.to_string()),
                },
            },
        };
        if verified.content() != Some(cohort.connector.content_hash) {
            return ReleaseIndex::Unusable(format!("it lists another content, {}", cohort.connector.content_hash));
        }
        ReleaseIndex::Signed { waived: cohort.allowed.clone(), dirty: cohort.dirty }
    }

    /// An installed connector that is what was asked for needs no network. artifacts.md §10.
    fn stored(
        &self,
        reference: &Ref,
        content: Option<ContentHash>,
        ring: &Keyring,
    ) -> Result<Option<InstallPlan>, InstallError> {
        let installed = self.store.content_of(reference)?;
        let Some(installed) = installed.filter(|installed| content.is_none_or(|content| content == *installed)) else {
            return Ok(None);
        };
        let pinned = Pinned { reference: reference.clone(), content: installed };
        match self.store.verify(&pinned, ring) {
            Ok(_) => Ok(Some(InstallPlan { present: vec![reference.clone()], ..InstallPlan::default() })),
            // What was changed on disk is repaired by installing it again; what no trusted key signed is refused once more.
            Err(StoreError::Refused { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn with_connector(&mut self, verified: Verified) -> Result<InstallPlan, InstallError> {
        let mut plan = InstallPlan::default();
        self.add_connector(&mut plan, verified, &[], ReleaseIndex::NotAsked)?;
        Ok(plan)
    }

    fn add_connector(
        &mut self,
        plan: &mut InstallPlan,
        verified: Verified,
        by: &[Ref],
        index: ReleaseIndex,
    ) -> Result<(), InstallError> {
        let reference = verified.reference().clone();
        let versions = self.store.versions_of(&reference.name)?;
        if let (Some(installed), Some(offered)) = (self.store.content_of(&reference)?, verified.content())
            && installed != offered
            && !self.force
        {
            return Err(StoreError::OtherContent { reference, installed, offered }.into());
        }
        let other = |pinned: &&Pinned| Some(pinned.content) != verified.content();
        let replaced = versions.iter().filter(other).find(|pinned| pinned.reference == reference);
        let before = replaced.or_else(|| versions.iter().rfind(other)).and_then(|pinned| {
            // What cannot be verified any more says nothing a person could rely on: then everything is new.
            let ring = self.ring.load().ok()?;
            let verified = self.store.verify(pinned, &ring).ok()?;
            let (capabilities, permissions) = (verified.capabilities()?, verified.permissions()?);
            Some(InstalledConnector { reference: pinned.reference.clone(), capabilities, permissions })
        });
        if let ReleaseIndex::Signed { waived, dirty } = &index {
            plan.note_release(waived, *dirty);
        }
        plan.connectors.push(NewConnector { verified, before, needed_by: by.to_vec(), index });
        Ok(())
    }

    /// Verifies a file; the publisher is asked about when no trusted key covers what the file says it is.
    pub(in crate::consumer) fn file(&mut self, path: &Path, wanted: &Wanted) -> Result<Verified, InstallError> {
        let shown = path.display().to_string();
        let bytes = verify::archive(path).map_err(|error| match error {
            VerificationError::Refused(why) => self.refused(shown.clone(), why, None),
            VerificationError::Disk(error) => error.into(),
            other => InstallError::Judged(other),
        })?;
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

    /// Fetched, verified, and not by a key that its publisher revoked. The ring may come back wider: see
    /// [`Installer::ring_after`].
    fn fetched(&mut self, wanted: &Wanted, ring: &mut Keyring) -> Result<Verified, InstallError> {
        let verified = match self.fetched_once(wanted, ring) {
            Err(error) => match self.ring_after(&error)? {
                Some(wider) => {
                    *ring = wider;
                    self.fetched_once(wanted, ring)?
                }
                None => return Err(error),
            },
            verified => verified?,
        };
        self.refuse_revoked(&verified, ring)?;
        Ok(verified)
    }

    fn fetched_once(&self, wanted: &Wanted, ring: &Keyring) -> Result<Verified, InstallError> {
        verify::fetched(self.origin, wanted, None, ring).map_err(|error| self.judged(wanted, error))
    }

    /// The ring to judge with once more, where no trusted key accepts a signature, a trusted key names the published one as
    /// its successor, and a person says yes to that. `--yes` is no answer here: who stole a key can name a successor too.
    pub(in crate::consumer) fn ring_after(&mut self, error: &InstallError) -> Result<Option<Keyring>, InstallError> {
        match error {
            InstallError::Refused { divergence: Some(divergence), .. }
            | InstallError::Index { divergence: Some(divergence), .. }
                if !self.yes =>
            {
                Ok(succession::ask(divergence, self.ring, self.console).map_err(AskError::from)?)
            }
            _ => Ok(None),
        }
    }

    /// What a key signed that its publisher revoked is not installed any more. Asked once per key and run; that it could not
    /// be asked is said, and stops nothing.
    pub(in crate::consumer) fn refuse_revoked(
        &mut self,
        verified: &Verified,
        ring: &Keyring,
    ) -> Result<(), InstallError> {
        let reference = verified.reference();
        let authority = reference.name.repo_authority();
        let signer = ring.keys(&authority).into_iter().find(|key| key.fingerprint() == *verified.signer());
        let Some(key) = signer else { return Ok(()) };
        let (origin, listener) = (self.origin, self.listener);
        let look = self.session.revocation(&authority, &key, || {
            let look = succession::revocation(&key, None, &reference.name.repository(), origin);
            look.inspect_uncertain(|why| listener(Event::Note(why)))
        });
        match look {
            Some(by) => Err(InstallError::Revoked {
                reference: reference.clone(),
                key: key.fingerprint(),
                by: by.fingerprint(),
            }),
            None => Ok(()),
        }
    }

    /// A verdict as an installer's error, with the published key beside a failed signature.
    pub(in crate::consumer) fn judged(&self, wanted: &Wanted, error: VerificationError) -> InstallError {
        let what = wanted.reference.as_ref().map(ToString::to_string).unwrap_or_default();
        match error {
            VerificationError::Refused(why) => {
                self.refused(what, why, wanted.reference.as_ref().map(|found| &found.name))
            }
            VerificationError::Fetch(error) => error.into(),
            other => InstallError::Judged(other),
        }
    }

    pub(in crate::consumer) fn refused(&self, what: String, why: VerifyError, name: Option<&Fqn>) -> InstallError {
        let divergence = self.divergence(why.signature(), name);
        InstallError::Refused { what, why, divergence }
    }

    /// After a failed signature the published key is looked at, for the reader. artifacts.md §10.
    pub(in crate::consumer) fn divergence(
        &self,
        refusal: Option<&SignatureRefused>,
        name: Option<&Fqn>,
    ) -> Option<Box<Divergence>> {
        let refusal = refusal?;
        let of_signature = || match refusal {
            SignatureRefused::NoMatch { authority, .. } => authority.as_str().parse().ok(),
            _ => None,
        };
        let name = name.cloned().or_else(of_signature)?;
        let ring = self.ring.load().ok()?;
        Divergence::after(refusal, &ring, &name, self.origin).map(Box::new)
    }

    fn progress(&self, reference: &Ref) {
        (self.listener)(Event::Note(format!("fetching {reference}")));
    }

    /// Puts the connectors into `plan` that its actions pin and that are not installed.
    pub(in crate::consumer) fn add_missing_connectors(&mut self, plan: &mut InstallPlan) -> Result<(), InstallError> {
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
            let mut ring = self.trust(&needs.reference.name)?;
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
                kind: Some(ArtifactKind::Connector),
                content: Some(needs.content),
            };
            let verified = self.fetched(&wanted, &mut ring).map_err(|error| match is_missing(&error) {
                true => InstallError::ConnectorMissing {
                    action: action(),
                    needs: Box::new(needs.clone()),
                    why: Box::new(error),
                },
                false => error,
            })?;
            let index = self.index(&verified, &ring);
            self.add_connector(plan, verified, &by, index)?;
        }
        Ok(())
    }
}

/// Whether the pinned connector is not to be had: nothing is published under that name and version, or other content is.
/// A server that cannot be asked, or a signature that does not verify, keeps its own class.
fn is_missing(error: &InstallError) -> bool {
    match error {
        InstallError::Fetch(FetchError::Absent { .. } | FetchError::Nowhere(_)) => true,
        InstallError::Refused { why, .. } => matches!(why, VerifyError::Hash { .. }),
        _ => false,
    }
}
