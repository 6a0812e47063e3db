//! `check`: every rule over the whole repository, all problems at once.
//!
//! Rules about one document live with that document in the verifier. Here are the rules between documents: directory and
//! name, source and repository, suite and actions, repository and remote.

use std::collections::BTreeSet;
use std::fmt;

use aileron_verifier::artifact::action::{self, Action};
use aileron_verifier::artifact::binding;
use aileron_verifier::artifact::config::PublisherConfig;
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::artifact::module::Module;
use aileron_verifier::artifact::rules;
use aileron_verifier::artifact::suite::RepositorySuite;
use aileron_verifier::layout::{PUBLISHER_KEY, action_directory};
use aileron_verifier::name::fqn::Fqn;
use aileron_verifier::name::version::{self, Version};
use aileron_verifier::problem::{Class, Parsed, Problem, Severity, Source, Waiver};
use aileron_verifier::text::printable;
use aileron_verifier::text::toml::Stage;
use aileron_verifier::trust::key::PublicKey;
use rayon::prelude::*;

use crate::publisher::committed_key::{self, CommittedKeyError};
use crate::publisher::config::Config;
use crate::publisher::fingerprint_mark;
use crate::publisher::project::{ActionDirectory, Project};
use crate::sys::address::Address;

/// A repository that keeps every rule that was not waived.
pub struct Checked {
    /// The repository.
    pub project: Project,
    /// The connector's manifest.
    pub manifest: ConnectorManifest,
    /// The actions, sorted by name.
    pub actions: Vec<Action>,
    /// The suite, if any.
    pub suite: Option<RepositorySuite>,
    /// The committed public key, if any.
    pub publisher_key: Option<PublicKey>,
    /// What `aileron-pub.toml` settles.
    pub config: Config,
    /// Warnings and waived errors.
    pub problems: Vec<Problem>,
    /// What was waived, by a flag or by `aileron-pub.toml`.
    pub waived: Vec<Waiver>,
}

/// What a check found, whether or not it is enough to go on.
pub struct Findings {
    /// Present when nothing but warnings and waived rules was found.
    pub checked: Option<Checked>,
    /// Every problem, by file and place.
    pub problems: Vec<Problem>,
    /// How many more problems there are, in documents with more than are kept.
    pub more: usize,
    /// The files the problems point into, sorted by path.
    pub sources: Vec<Source>,
    /// What was waived.
    pub waived: Vec<Waiver>,
    /// Number of action documents that were read.
    pub actions: usize,
}

/// Counts only: the sources are other people's text, and may hold what must not be printed.
impl fmt::Debug for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Findings({} problems)", self.problems.len())
    }
}

impl Findings {
    /// Problems that stop a release.
    pub fn errors(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.severity(&self.waived) == Severity::Error)
    }

    /// `parse_error` when a document cannot be read, else `validation_error`.
    pub fn class(&self) -> Class {
        let unreadable = self.errors().any(|problem| problem.rule.class() == Class::ParseError);
        if unreadable { Class::ParseError } else { Class::ValidationError }
    }

    /// Holds the manifest against a module: what the module needs and neither the host offers nor the manifest declares, and what is granted that
    /// it cannot use. Only what the file itself proves: a host is unused when nothing in it can ask for one.
    pub fn hold_against(&mut self, module: &Module) {
        let Some(checked) = &self.checked else { return };
        let manifest = &checked.manifest;
        let declared = manifest.imports.as_ref();
        let names: Option<Vec<String>> = declared.map(|list| list.iter().map(|import| import.value.clone()).collect());
        let end = manifest.source.text.len();
        let place = declared.and_then(|list| Some(list.first()?.at.start..list.last()?.at.end)).unwrap_or(end..end);
        let faults = module.faults(names.as_deref()).into_iter();
        let mut found: Vec<Problem> =
            faults.map(|fault| manifest.source.problem(fault.rule, place.clone(), fault.message)).collect();
        if !module.host_functions().contains(&"http_request") {
            let unused = |what: &str| format!("{what} is granted, and the module never asks for anything");
            let hosts = manifest.hosts.iter().map(|host| (host.at.clone(), unused(&host.value)));
            let credential = manifest.credential.iter();
            let credential = credential.map(|credential| (credential.kind.at.clone(), unused("the credential")));
            let problems = hosts.chain(credential);
            found.extend(problems.map(|(at, message)| manifest.source.problem(rules::HOST_UNUSED, at, message)));
        }
        self.problems.extend(found);
        self.problems.sort_by(|a, b| (&a.file, a.at.start).cmp(&(&b.file, b.at.start)));
    }

    /// The text a problem points into.
    pub fn source(&self, problem: &Problem) -> Option<&Source> {
        let found = self.sources.binary_search_by(|source| source.path.cmp(&problem.file));
        found.ok().map(|at| &self.sources[at])
    }
}

/// Checks a repository against every rule. `release` is the version about to be released: without one, the fields a
/// release binds must hold their placeholders. `waived` are the rules a flag waives; the repository may waive others.
pub fn check(project: Project, release: Option<&Version>, waived: &[Waiver]) -> Findings {
    let mut lint = Lint::default();
    let config = lint.config(&project);
    let others = config.waived.iter().filter(|waiver| !waived.contains(waiver));
    let waived: Vec<Waiver> = waived.iter().chain(others).copied().collect();
    let manifest = lint.manifest(&project);
    let actions = lint.actions(&project, manifest.as_ref());
    let suite = lint.suite(&project);
    let publisher_key = lint.publisher_key(&project);
    if let (Some(key), Some(readme)) = (&publisher_key, &project.readme) {
        lint.fingerprint(key, readme);
    }
    if let Some(Err(problem)) = &project.changelog {
        lint.push(problem.clone());
    }
    if let Some(manifest) = &manifest {
        lint.bound_fields(manifest, &actions, release);
        lint.remote(&project, manifest);
    }
    let Lint { mut problems, more, mut sources } = lint;
    problems.sort_by(|a, b| (&a.file, a.at.start, a.rule).cmp(&(&b.file, b.at.start, b.rule)));
    problems.dedup();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    let stops = problems.iter().any(|problem| problem.severity(&waived) == Severity::Error);
    let documents = project.actions.iter().filter(|directory| directory.document.is_some()).count();
    let checked = manifest.filter(|_| !stops).map(|manifest| Checked {
        project,
        manifest,
        actions,
        suite,
        publisher_key,
        config,
        problems: problems.clone(),
        waived: waived.clone(),
    });
    Findings { checked, problems, more, sources, waived, actions: documents }
}

/// The connector's name, when its manifest can be used.
pub fn name(project: &Project) -> Option<Fqn> {
    let source = project.manifest.as_ref().ok()?.clone();
    Some(ConnectorManifest::parse(source, Stage::Source).document?.name.value)
}

/// The repository's settings, when their file can be used; defaults where there is none.
pub fn config(project: &Project) -> Option<Config> {
    let Some(file) = &project.config else { return Some(Config::default()) };
    Config::of(&PublisherConfig::parse(file.as_ref().ok()?.clone()).document?).ok()
}

#[derive(Default)]
struct Lint {
    problems: Vec<Problem>,
    more: usize,
    sources: Vec<Source>,
}

impl Lint {
    fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Takes a file that was read, or notes why it could not be.
    fn open(&mut self, file: &Result<Source, Problem>) -> Option<Source> {
        match file {
            Ok(source) => {
                self.sources.push(source.clone());
                Some(source.clone())
            }
            Err(problem) => {
                self.push(problem.clone());
                None
            }
        }
    }

    /// The repository's settings; all defaults where they cannot be used, which is a problem of its own.
    fn config(&mut self, project: &Project) -> Config {
        let Some(source) = project.config.as_ref().and_then(|file| self.open(file)) else { return Config::default() };
        let parsed = PublisherConfig::parse(source);
        self.problems.extend(parsed.problems);
        self.more += parsed.more;
        match parsed.document.map(|document| Config::of(&document)) {
            Some(Ok(config)) => config,
            Some(Err(problem)) => {
                self.push(problem);
                Config::default()
            }
            None => Config::default(),
        }
    }

    fn manifest(&mut self, project: &Project) -> Option<ConnectorManifest> {
        let source = self.open(&project.manifest)?;
        let parsed = ConnectorManifest::parse(source, Stage::Source);
        self.problems.extend(parsed.problems);
        self.more += parsed.more;
        parsed.document
    }

    fn actions(&mut self, project: &Project, manifest: Option<&ConnectorManifest>) -> Vec<Action> {
        let mut actions = Vec::with_capacity(project.actions.len());
        let parse = |source: &Source| Action::parse(source.clone(), Stage::Source);
        let document = |directory: &ActionDirectory| directory.document.as_ref()?.as_ref().ok().map(parse);
        let parsed: Vec<_> = project.actions.par_iter().map(document).collect();
        for (directory, parsed) in project.actions.iter().zip(parsed) {
            if let Some(action) = self.action(directory, parsed) {
                self.place(&action, directory, manifest);
                actions.push(action);
            }
        }
        actions.sort_by(|a, b| a.name.value.cmp(&b.name.value));
        let bundle = action::bundle(&actions.iter().collect::<Vec<_>>());
        self.problems.extend(bundle);
        actions
    }

    fn action(&mut self, directory: &ActionDirectory, parsed: Option<Parsed<Action>>) -> Option<Action> {
        let Some(document) = &directory.document else {
            let message = format!("directory actions/{} has no action.md", directory.name);
            let file = action_directory(&directory.name).into();
            self.push(Problem { rule: rules::ACTION_DIRECTORY, file, at: 0..0, message });
            return None;
        };
        self.open(document)?;
        let parsed = parsed?;
        self.problems.extend(parsed.problems);
        self.more += parsed.more;
        parsed.document
    }

    /// The action's directory, name and source say the same, and it calls this repository's connector.
    fn place(&mut self, action: &Action, directory: &ActionDirectory, manifest: Option<&ConnectorManifest>) {
        let source = &action.source;
        if action.name.value != directory.name {
            let message =
                format!("the action is named \"{}\", its directory \"{}\"", action.name.value, directory.name);
            self.push(source.problem(rules::ACTION_DIRECTORY, action.name.at.clone(), message));
        }
        let Some(connector) = manifest.map(|manifest| &manifest.name.value) else { return };
        if connector.action(&action.name.value).as_ref() != Ok(&action.reference.value.name) {
            let message = format!(
                "source is {}, this repository publishes the action as {connector}/actions/{}",
                action.reference.value.name, action.name.value
            );
            self.push(source.problem(rules::ACTION_SOURCE, action.reference.at.clone(), message));
        }
        if !action.requires.iter().any(|requirement| requirement.name.value == *connector) {
            let message = format!("no requirement names this repository's connector {connector}");
            self.push(source.problem(rules::REQUIRES, action.reference.at.clone(), message));
        }
    }

    fn suite(&mut self, project: &Project) -> Option<RepositorySuite> {
        let source = self.open(project.suite.as_ref()?)?;
        let parsed = RepositorySuite::parse(source);
        self.problems.extend(parsed.problems);
        self.more += parsed.more;
        let suite = parsed.document?;
        let directories: BTreeSet<String> =
            project.actions.iter().map(|action| action_directory(&action.name)).collect();
        let mut members = BTreeSet::new();
        for member in &suite.actions {
            if !members.insert(member.value.as_str()) {
                let message = format!("\"{}\" is listed twice", member.value);
                self.push(suite.source.problem(rules::SUITE_MEMBER, member.at.clone(), message));
            } else if !directories.contains(&member.value) {
                let message = format!("\"{}\" is not a directory of this repository", member.value);
                self.push(suite.source.problem(rules::SUITE_MEMBER, member.at.clone(), message));
            }
        }
        for missing in directories.iter().filter(|directory| !members.contains(directory.as_str())) {
            let message = format!("\"{missing}\" is not in the suite");
            let end = suite.actions.last().map_or(0..0, |member| member.at.clone());
            self.push(suite.source.problem(rules::SUITE_MEMBER, end, message));
        }
        Some(suite)
    }

    fn publisher_key(&mut self, project: &Project) -> Option<PublicKey> {
        let Some(file) = &project.publisher_key else {
            let message = format!("there is no {PUBLISHER_KEY}: users could not trust what you sign");
            self.push(Problem { rule: rules::PUBLISHER_KEY_MISSING, file: PUBLISHER_KEY.into(), at: 0..0, message });
            return None;
        };
        // A private key is not among the sources, so that no line of it is drawn.
        if file.as_ref().is_ok_and(|source| committed_key::holds_private_key(&source.text)) {
            let message = CommittedKeyError::Private.to_string();
            self.push(Problem { rule: rules::PUBLISHER_KEY, file: PUBLISHER_KEY.into(), at: 0..0, message });
            return None;
        }
        let source = self.open(file)?;
        let error = match committed_key::read(&source.text) {
            Ok(key) => return Some(key),
            Err(error) => error,
        };
        let at = match &error {
            CommittedKeyError::Second { at, .. } => at.clone(),
            CommittedKeyError::Private | CommittedKeyError::NotAKey(_) => 0..source.text.len(),
        };
        self.push(source.problem(rules::PUBLISHER_KEY, at, error.to_string()));
        None
    }

    /// The README shows the fingerprint that users will see.
    fn fingerprint(&mut self, key: &PublicKey, readme: &Source) {
        let fingerprint = key.fingerprint();
        let Some(at) =
            fingerprint_mark::place(&readme.text).filter(|_| !fingerprint_mark::fits(&readme.text, &fingerprint))
        else {
            return;
        };
        let message = format!("the fingerprint in {} is not that of {PUBLISHER_KEY}: {fingerprint}", readme.path);
        self.push(readme.problem(rules::README_FINGERPRINT, at, message));
        self.sources.push(readme.clone());
    }

    /// Every field a release binds holds its placeholder, or the release's own value. artifacts.md §5.
    fn bound_fields(&mut self, manifest: &ConnectorManifest, actions: &[Action], release: Option<&Version>) {
        let placeholder: Version = version::placeholder();
        let expected = release.unwrap_or(&placeholder);
        if let Err(problems) = binding::manifest(manifest, expected, None) {
            self.problems.extend(problems);
        }
        let bound = |action: &Action| binding::action(action, &manifest.name.value, expected, None).err();
        let found: Vec<Vec<Problem>> = actions.par_iter().filter_map(bound).collect();
        self.problems.extend(found.into_iter().flatten());
    }

    /// GitHub does not mind case, trust does. artifacts.md §1.
    fn remote(&mut self, project: &Project, manifest: &ConnectorManifest) {
        let Some(remote) = project.history.as_ref().ok().and_then(|history| history.remote.as_deref()) else { return };
        let Some((owner, repo)) = owner_and_repo(remote) else { return };
        let name = &manifest.name.value;
        let (declared, actual) =
            (format!("{}/{}", name.owner(), name.repo()), format!("{}/{}", printable(&owner), printable(&repo)));
        let rule = match declared.eq_ignore_ascii_case(&actual) {
            _ if declared == actual => return,
            true => rules::REMOTE_CASE,
            false => rules::REMOTE_NAME,
        };
        let message = format!("the connector is named after {declared}, the git remote is {actual}");
        self.push(manifest.source.problem(rule, manifest.name.at.clone(), message));
    }
}

/// Owner and repository of a git remote URL of any common form.
pub(super) fn owner_and_repo(url: &str) -> Option<(String, String)> {
    if !url.contains("://") && !url.contains('@') {
        return None; // a path on this machine
    }
    // Not taken from what may hold a password.
    let shown = Address::of(url).to_string();
    let url = &*shown;
    let path = url.trim_end_matches('/').strip_suffix(".git").unwrap_or(url.trim_end_matches('/'));
    let (rest, repo) = path.rsplit_once('/')?;
    let owner = rest.rsplit(['/', ':']).next()?;
    (!owner.is_empty() && !repo.is_empty()).then(|| (owner.to_owned(), repo.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_names_owner_and_repository_in_every_common_form() {
        for url in [
            "https://github.com/Acme/x.git",
            "https://github.com/Acme/x/",
            "git@github.com:Acme/x.git",
            "ssh://git@github.com/Acme/x",
            "https://token@github.example.com/Acme/x",
            "https://bob:password@github.example.com/Acme/x.git",
            "https://github.com/Acme/x?token=password",
            "bob:password@github.com:Acme/x.git",
        ] {
            assert_eq!(owner_and_repo(url), Some(("Acme".to_owned(), "x".to_owned())), "{url}");
        }
        assert_eq!(owner_and_repo("/srv/git/acme/x.git"), None);
    }
}
