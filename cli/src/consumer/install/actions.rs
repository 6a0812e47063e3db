//! Planning the install of actions, one or a suite's hundreds. artifacts.md §10.
//!
//! Everything is fetched and verified before anything is shown; every fault of every one of them is reported at once.

use std::collections::{BTreeSet, HashMap};
use std::io::ErrorKind;
use std::path::Path;

use aileron_verifier::artifact::archive::ArtifactKind;
use aileron_verifier::artifact::rules;
use aileron_verifier::artifact::suite::{InstallSuite, RepositorySuite};
use aileron_verifier::artifact::verify::{Payload, Verified, Wanted};
use aileron_verifier::layout::SUITE_LIMIT;
use aileron_verifier::name::fqn::Ref;
use aileron_verifier::problem::{Class, Rule, Severity, Source};
use aileron_verifier::statement::Signed;
use aileron_verifier::statement::cohort::{ActionEntry, Archive, Cohort};
use aileron_verifier::trust::keyring::Keyring;

use crate::consumer::install::error::InstallError;
use crate::consumer::install::plan::{InstallPlan, NewAction, PlannedSuite, SuiteList};
use crate::consumer::install::{InstallTarget, Installer};
use crate::consumer::verify::{VerificationError, fetched, side_by_side};
use crate::event::{Event, counted};
use crate::store::{ActionFile, Store, StoreError};
use crate::sys::disk;

impl Installer<'_> {
    /// Plans the install of one action and of the connectors it pins.
    ///
    /// # Errors
    /// [`InstallError`]; nothing was written but a publisher's key that was consented to.
    pub fn action(&mut self, target: &InstallTarget) -> Result<InstallPlan, InstallError> {
        if let InstallTarget::Version(Ref { name, .. }) | InstallTarget::Newest(name) = target {
            self.asked_for.insert(name.owner_authority());
        }
        let reference = match target {
            InstallTarget::Version(reference) => reference.clone(),
            InstallTarget::Newest(name) => self.origin.newest(name)?,
            InstallTarget::File(path) => {
                let wanted = Wanted { kind: Some(ArtifactKind::Action), ..Wanted::default() };
                let verified = self.file(path, &wanted)?;
                return self.plan(vec![verified], Vec::new());
            }
        };
        self.actions(vec![reference])
    }

    /// Plans the install of these versions.
    ///
    /// # Errors
    /// As [`Installer::action`].
    pub fn actions(&mut self, references: Vec<Ref>) -> Result<InstallPlan, InstallError> {
        self.planned(references, &ListedActions::new())
    }

    /// Plans the install of everything one release of a connector lists in its signed index, and of nothing else: the
    /// server of a release can leave the index out, and an unsigned list in its place would be the server's own. artifacts.md §10.
    ///
    /// # Errors
    /// As [`Installer::action`]; [`InstallError::NoIndex`] for a release without one. An action that is listed and not
    /// there is [`VerificationError::NotYet`].
    pub fn suite_of(&mut self, connector: &Ref) -> Result<InstallPlan, InstallError> {
        self.asked_for.insert(connector.name.owner_authority());
        let ring = self.trust(&connector.name)?;
        let cohort = match self.signed_index(connector, &ring) {
            Err(error) => match self.ring_after(&error)? {
                Some(wider) => self.signed_index(connector, &wider)?,
                None => return Err(error),
            },
            cohort => cohort?,
        };
        let listed = listed(&cohort);
        let references = cohort.actions.iter().map(|action| reference(&cohort, action)).collect();
        self.known_index = Some((connector.clone(), cohort.clone()));
        let mut plan = self.planned(references, &listed)?;
        let cohort = cohort.into_document();
        let list = SuiteList::SignedIndex;
        plan.suite = cohort.suite.map(|suite| PlannedSuite { name: suite.name, description: suite.description, list });
        plan.note_release(&cohort.allowed, cohort.dirty);
        Ok(plan)
    }

    fn signed_index(&self, connector: &Ref, ring: &Keyring) -> Result<Signed<Cohort>, InstallError> {
        let index = self.origin.statement::<Cohort>(connector)?;
        let index = index.ok_or_else(|| InstallError::NoIndex(connector.clone()))?;
        index.verify(connector, ring).map_err(|why| {
            let divergence = self.divergence(why.signature(), Some(&connector.name));
            InstallError::Index { connector: connector.clone(), why, divergence }
        })
    }

    /// Plans the install of everything a suite file names. No signature covers the list; each action's own is checked.
    ///
    /// # Errors
    /// As [`Installer::action`]; [`InstallError::Suite`] when it is none.
    pub fn suite_file(&mut self, path: &Path) -> Result<InstallPlan, InstallError> {
        let shown = path.display().to_string();
        match disk::read(path, SUITE_LIMIT) {
            Err(error) if error.cause.kind() == ErrorKind::FileTooLarge => {
                let text = Source::new(shown, "");
                let message = format!("the suite is longer than {SUITE_LIMIT} bytes");
                Err(InstallError::Suite {
                    problems: vec![text.problem(rules::SUITE_FORM, 0..0, message)],
                    more: 0,
                    text,
                })
            }
            read => self.suite_text(&shown, read?),
        }
    }

    fn suite_text(&mut self, path: &str, bytes: Vec<u8>) -> Result<InstallPlan, InstallError> {
        let unreadable =
            |problem| InstallError::Suite { problems: vec![problem], more: 0, text: Source::new(path, "") };
        let source = Source::read(path, bytes).map_err(unreadable)?;
        let parsed = InstallSuite::parse(source.clone());
        if parsed.document.is_none() && RepositorySuite::parse(source.clone()).document.is_some() {
            return Err(InstallError::RepositorySuite(path.to_owned()));
        }
        let suite = match parsed.document {
            Some(suite) if parsed.problems.is_empty() => suite,
            _ => {
                return Err(InstallError::Suite { problems: parsed.problems, more: parsed.more, text: source });
            }
        };
        let mut plan = self.actions(suite.actions)?;
        let (name, description, list) = (suite.name, suite.description, SuiteList::Unsigned);
        plan.suite = Some(PlannedSuite { name, description, list });
        Ok(plan)
    }

    /// Trust, fetch and verify all of them; then the plan.
    fn planned(&mut self, references: Vec<Ref>, listed: &ListedActions) -> Result<InstallPlan, InstallError> {
        let mut ring = Keyring::new();
        for reference in &references {
            // Silent but for the first of each owner. The last answer is the ring with every grant.
            ring = self.trust(&reference.name)?;
        }
        let store = self.store;
        let there = side_by_side(&references, |reference| is_installed(store, reference, &ring));
        let (mut present, mut absent) = (Vec::new(), Vec::new());
        for (reference, is_there) in references.into_iter().zip(there) {
            if is_there { &mut present } else { &mut absent }.push(reference);
        }
        if absent.is_empty() {
            return self.plan(Vec::new(), present);
        }
        let listener = self.listener;
        listener(Event::Begin { step: "fetching and verifying".to_owned(), total: absent.len() });
        let mut fetched = self.all_fetched(&absent, &ring, listed);
        if let Some(error) = fetched.iter().find_map(|verdict| verdict.as_ref().err().filter(|error| diverges(error)))
            && let Some(wider) = self.ring_after(error)?
        {
            ring = wider;
            fetched = self.all_fetched(&absent, &ring, listed);
        }
        listener(Event::End { outcome: counted(absent.len(), "action") });
        let verified = all(fetched)?;
        for verified in &verified {
            self.refuse_revoked(verified, &ring)?;
        }
        self.plan(verified, present)
    }

    fn all_fetched(
        &self,
        references: &[Ref],
        ring: &Keyring,
        listed: &ListedActions,
    ) -> Vec<Result<Verified, InstallError>> {
        let (origin, listener) = (self.origin, self.listener);
        let wanted = |reference: &Ref| Wanted { kind: Some(ArtifactKind::Action), ..Wanted::of(reference.clone()) };
        let verdicts = side_by_side(references, |reference| {
            let verdict = fetched(origin, &wanted(reference), listed.get(reference), ring);
            listener(Event::Advance);
            verdict
        });
        // A failed signature is looked into once: its publisher's key explains all of them.
        let mut looked = false;
        let judged = |(reference, verdict): (&Ref, Result<Verified, VerificationError>)| {
            verdict.map_err(|error| match error {
                VerificationError::Refused(why) if looked => {
                    InstallError::Refused { what: reference.to_string(), why, divergence: None }
                }
                error => {
                    looked |= error.class() == Class::SignatureFailure;
                    self.judged(&wanted(reference), error)
                }
            })
        };
        references.iter().zip(verdicts).map(judged).collect()
    }

    /// Rules, places and connectors of verified actions.
    fn plan(&mut self, verified: Vec<Verified>, present: Vec<Ref>) -> Result<InstallPlan, InstallError> {
        let judged = verified.into_iter().map(|verified| self.placed(verified)).collect();
        let mut plan = InstallPlan { actions: all(judged)?, present, ..InstallPlan::default() };
        plan.actions.sort_by(|a, b| name(&a.verified).cmp(name(&b.verified)));
        for pair in plan.actions.windows(2) {
            if name(&pair[0].verified) == name(&pair[1].verified) {
                let reference = |new: &NewAction| new.verified.reference().clone();
                return Err(InstallError::SameName { first: reference(&pair[0]), second: reference(&pair[1]) });
            }
        }
        self.add_missing_connectors(&mut plan)?;
        Ok(plan)
    }

    /// Whether it may be installed under its name: existing runtimes must accept it, and nothing else has the place.
    fn placed(&self, verified: Verified) -> Result<NewAction, InstallError> {
        let allowed = |rule| self.allow.iter().any(|waiver| waiver.rule() == rule);
        let broken = verified.warnings().iter();
        let broken = broken.filter(|problem| problem.rule.severity() == Severity::Error && !allowed(problem.rule));
        let problems: Vec<_> = broken.cloned().collect();
        let reference = verified.reference().clone();
        if let (false, Payload::Action(action)) = (problems.is_empty(), verified.payload()) {
            return Err(InstallError::Rules { reference, problems, text: action.source.clone() });
        }
        let installed = match self.store.action(name(&verified)) {
            Ok(installed) => installed,
            Err(StoreError::NoAction(_)) => return Ok(NewAction { verified, before: None, could: None }),
            Err(error) => return Err(error.into()),
        };
        let (before, could) = (installed.reference, Some(installed.abilities));
        let newer = before.as_ref().is_some_and(|before| {
            before.name == reference.name && before.version.precedence(&reference.version).is_lt()
        });
        // The same version again is the store's to compare, byte by byte.
        let same = before.as_ref() == Some(&reference);
        if newer || same || self.force {
            return Ok(NewAction { verified, before, could });
        }
        Err(StoreError::Taken { installed: before, offered: reference }.into())
    }

    /// Newer versions of these installed actions, as one plan, and what there is nothing newer of.
    ///
    /// # Errors
    /// As [`Installer::action`].
    pub fn upgrades(&mut self, installed: &[ActionFile]) -> Result<InstallPlan, InstallError> {
        let mut newer = Vec::new();
        let mut current = Vec::new();
        let installed: Vec<&Ref> = installed.iter().filter_map(|file| file.reference.as_ref()).collect();
        let names: Vec<_> = installed.iter().map(|reference| reference.name.clone()).collect();
        for (installed, newest) in installed.into_iter().zip(self.origin.newest_of(&names)?) {
            match newest {
                Some(newest) if installed.version.precedence(&newest.version).is_lt() => newer.push(newest),
                // What is not published any more stays as it is.
                _ => current.push(installed.clone()),
            }
        }
        let mut plan = self.actions(newer)?;
        plan.present = current;
        Ok(plan)
    }
}

/// Whether it is a signature that was compared with the published key.
fn diverges(error: &InstallError) -> bool {
    matches!(error, InstallError::Refused { divergence: Some(_), .. })
}

/// What a signed index lists.
type ListedActions = HashMap<Ref, Archive>;

fn reference(cohort: &Cohort, action: &ActionEntry) -> Ref {
    Ref { name: action.fqn.clone(), version: cohort.version.clone() }
}

fn listed(cohort: &Cohort) -> ListedActions {
    cohort.actions.iter().map(|action| (reference(cohort, action), action.archive.clone())).collect()
}

fn name(verified: &Verified) -> &str {
    match verified.payload() {
        Payload::Action(action) => &action.name.value,
        Payload::Connector { .. } => "",
    }
}

/// Whether an action is there with this name and version, and verifies: it is not fetched again then.
fn is_installed(store: &Store, reference: &Ref, ring: &Keyring) -> bool {
    let installed = reference.name.action_name().and_then(|name| store.verify_action(name, ring).ok());
    installed.is_some_and(|verified| verified.reference() == reference)
}

/// All of them, or everything that is wrong. What is wrong with one artifact for good comes before what may pass.
fn all<T>(results: Vec<Result<T, InstallError>>) -> Result<Vec<T>, InstallError> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(one) => good.push(one),
            Err(error) => bad.push(error),
        }
    }
    let rules: BTreeSet<&'static Rule> = bad.iter().flat_map(InstallError::rules).collect();
    let lines: Vec<String> = bad.iter().map(|error| format!("{}: {}", error.class(), summary(error))).collect();
    bad.sort_by_key(|error| (error.is_retriable(), error.class() == Class::FetchFailed));
    let mut bad = bad.into_iter();
    match (bad.next(), lines.len()) {
        (None, _) => Ok(good),
        (Some(only), 1) => Err(only),
        (Some(first), _) => Err(InstallError::Several { first: Box::new(first), all: lines, rules }),
    }
}

/// One line that names the artifact.
fn summary(error: &InstallError) -> String {
    match error {
        InstallError::Refused { what, why, .. } => format!("{what}: {why}"),
        other => other.to_string(),
    }
}
