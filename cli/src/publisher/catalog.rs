//! The repository's entries for the Hub: one for the connector, one per action, one for the suite, from what the documents
//! say already. keyring.md §9.5.
//!
//! Nothing is sent anywhere: the files are for a pull request to the catalog. They hold no version and no key, so they
//! change only when a name, a sentence or the set of actions does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use aileron_verifier::artifact::action::Action;
use aileron_verifier::artifact::catalog::{self, DESCRIPTION, Entry, Fault};
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::artifact::suite::RepositorySuite;
use aileron_verifier::layout::{ENTRY_LIMIT, KEY_LIMIT, PUBLISHER_KEY, SUITE};
use aileron_verifier::name::fqn::{Fqn, Scheme};
use aileron_verifier::problem::{Class, Problem, Source};
use aileron_verifier::text::toml::Stage;
use aileron_verifier::trust::key::PublicKey;

use super::committed_key::{self, CommittedKeyError};
use super::project::Project;
use crate::sys::address::Address;
use crate::sys::disk::{self, DiskError};
use crate::sys::http::{self, HttpError};
use aileron_verifier::text::yaml;

/// What the documents do not say.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The connector's line [default: the first sentence of the suite's description].
    pub description: Option<String>,
    /// The branch keys are served from.
    pub branch: String,
    /// Glob of release tags.
    pub release_pattern: String,
    /// A word to group actions and suite by.
    pub category: Option<String>,
}

/// Why there are no entries.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// A document cannot be read for what it is.
    #[error("{} cannot be used: {}", .0.file, .0.message)]
    Document(Problem, Option<Source>),
    /// Nothing says what the connector is for.
    #[error("nothing says in one line what the connector is for: there is no {SUITE}")]
    NoDescription,
    /// The Hub lists GitHub's repositories only.
    #[error("{0} cannot be listed: the Hub lists github:// names only")]
    Scheme(Fqn),
    /// An entry would break the catalog's schema.
    #[error("{file}: `{}` {}", .fault.field, .fault.message)]
    Schema {
        /// The entry's file.
        file: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// There is no committed key to point to.
    #[error("there is no {PUBLISHER_KEY}")]
    NoKey,
    /// Clients of the Hub read PEM only.
    #[error("{at}: {why}")]
    NotPem {
        /// The file, or the address.
        at: String,
        /// What it is instead.
        why: CommittedKeyError,
    },
    /// The served key could not be had.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The served key is another.
    #[error("{at} serves the key {served}, the repository holds {committed}")]
    OtherKey {
        /// The address.
        at: String,
        /// Fingerprint of what is served.
        served: String,
        /// Fingerprint of `keys/publisher.pub`.
        committed: String,
    },
    /// An entry could not be written as YAML.
    #[error("{file}: {why}")]
    Yaml {
        /// The entry's file.
        file: String,
        /// What the library says.
        why: String,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl CatalogError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            CatalogError::Document(problem, _) => problem.rule.class(),
            CatalogError::NoDescription => Class::UsageError,
            CatalogError::Scheme(_)
            | CatalogError::Schema { .. }
            | CatalogError::NoKey
            | CatalogError::NotPem { .. }
            | CatalogError::Yaml { .. } => Class::ValidationError,
            CatalogError::OtherKey { .. } => Class::SignatureFailure,
            CatalogError::Http(error) => error.class(),
            CatalogError::Disk(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            CatalogError::Http(error) => error.is_retriable(),
            CatalogError::Disk(error) => error.is_retriable(),
            CatalogError::Document(..)
            | CatalogError::NoDescription
            | CatalogError::Scheme(_)
            | CatalogError::Schema { .. }
            | CatalogError::NoKey
            | CatalogError::NotPem { .. }
            | CatalogError::OtherKey { .. }
            | CatalogError::Yaml { .. } => false,
        }
    }
}

/// Entries that keep the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries {
    /// The connector's.
    pub connector: catalog::CatalogConnector,
    /// One per action, by name.
    pub actions: Vec<catalog::CatalogAction>,
    /// The suite's, if the repository has one.
    pub suite: Option<catalog::CatalogSuite>,
}

/// Makes the entries, or says all that is wrong with them.
///
/// Reads names and sentences only: placeholders may stand, and a rule of inputs that is broken is no matter here.
///
/// # Errors
/// [`CatalogError`], of which there is at least one.
pub fn entries(project: &Project, settings: &Settings) -> Result<Entries, Vec<CatalogError>> {
    let manifest = document(Some(&project.manifest), |source| {
        let parsed = ConnectorManifest::parse(source, Stage::Source);
        (parsed.document, parsed.problems)
    });
    let suite = document(project.suite.as_ref(), |source| {
        let parsed = RepositorySuite::parse(source);
        (parsed.document, parsed.problems)
    });
    let mut errors = Vec::new();
    let mut actions = Vec::new();
    for directory in &project.actions {
        let action = document(directory.document.as_ref(), |source| {
            let parsed = Action::parse(source, Stage::Source);
            (parsed.document, parsed.problems)
        });
        match action {
            Ok(action) => actions.extend(action),
            Err(error) => errors.push(error),
        }
    }
    let (manifest, suite) = match (manifest, suite) {
        (Ok(Some(manifest)), Ok(suite)) => (manifest, suite),
        (manifest, suite) => {
            errors.extend(manifest.err().into_iter().chain(suite.err()));
            return Err(errors);
        }
    };
    if !errors.is_empty() {
        return Err(errors);
    }
    let name = manifest.name.value.repository();
    if name.scheme() != Scheme::Github {
        return Err(vec![CatalogError::Scheme(name)]);
    }
    let description = settings.description.as_deref().map(one_line); // not cut: the author gets an error
    let Some(description) = description.or_else(|| Some(sentence(&suite.as_ref()?.description.value))) else {
        return Err(vec![CatalogError::NoDescription]);
    };
    let made = make(&name, description, &actions, suite.as_ref(), settings);
    let errors = made.faults();
    if errors.is_empty() { Ok(made) } else { Err(errors) }
}

/// A document, if the file is there. A problem that may be waived is no reason to do without it.
fn document<T>(
    file: Option<&Result<Source, Problem>>,
    parse: impl FnOnce(Source) -> (Option<T>, Vec<Problem>),
) -> Result<Option<T>, CatalogError> {
    match file {
        None => Ok(None),
        Some(Err(problem)) => Err(CatalogError::Document(problem.clone(), None)),
        Some(Ok(source)) => match parse(source.clone()) {
            (Some(document), _) => Ok(Some(document)),
            (None, problems) => match problems.into_iter().find(|problem| !problem.rule.is_waivable()) {
                Some(problem) => Err(CatalogError::Document(problem, Some(source.clone()))),
                None => Ok(None),
            },
        },
    }
}

fn make(
    name: &Fqn,
    description: String,
    actions: &[Action],
    suite: Option<&RepositorySuite>,
    settings: &Settings,
) -> Entries {
    let (owner, repo, branch) = (name.owner(), name.repo(), &settings.branch);
    let category = settings.category.clone().unwrap_or_default();
    let action_name = |action: &str| format!("{name}/actions/{action}");
    let action = |action: &Action| {
        let intent = action.intent.value.trim();
        catalog::CatalogAction {
            fqn: action_name(&action.name.value),
            description: sentence(if intent.is_empty() { &action.name.value } else { intent }),
            publisher_github: owner.to_owned(),
            connector_fqn: name.to_string(),
            intents: Some(intent.to_owned()).filter(|intent| !intent.is_empty()).into_iter().collect(),
            category: category.clone(),
        }
    };
    Entries {
        connector: catalog::CatalogConnector {
            fqn: name.to_string(),
            description,
            publisher_github: owner.to_owned(),
            key_url: format!("https://raw.githubusercontent.com/{owner}/{repo}/{branch}/{PUBLISHER_KEY}"),
            release_pattern: settings.release_pattern.clone(),
        },
        actions: actions.iter().map(action).collect(),
        suite: suite.map(|suite| catalog::CatalogSuite {
            fqn: format!("{name}/suite"),
            description: sentence(&suite.description.value),
            publisher_github: owner.to_owned(),
            member_actions: suite.names().map(action_name).collect(),
            connectors_required: Vec::new(), // derived from the members when absent
            category,
        }),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One line of at most 200 characters: the whole text, else its first sentence, else as many words as fit.
fn sentence(text: &str) -> String {
    let text = one_line(text);
    let length = |text: &str| text.chars().count();
    if length(&text) <= DESCRIPTION {
        return text;
    }
    let first = text.split_inclusive(". ").next().unwrap_or_default().trim_end();
    if length(first) <= DESCRIPTION {
        return first.to_owned();
    }
    let mut cut = String::new();
    for word in first.split(' ') {
        if length(&cut) + length(word) + 2 > DESCRIPTION {
            break;
        }
        cut.push_str(if cut.is_empty() { "" } else { " " });
        cut.push_str(word);
    }
    cut.trim_end_matches([',', ';', ':']).to_owned() + "…"
}

impl Entries {
    /// Everything that breaks the catalog's schema or its checks between entries.
    fn faults(&self) -> Vec<CatalogError> {
        let at = |file: String| move |fault| CatalogError::Schema { file: file.clone(), fault };
        let of = |entry: &dyn Fn() -> (Vec<Fault>, String)| {
            let (faults, file) = entry();
            faults.into_iter().map(at(file)).collect::<Vec<_>>()
        };
        let connector = of(&|| (self.connector.faults(), self.connector.file_name()));
        let actions = self.actions.iter().flat_map(|action| of(&|| (action.faults(), action.file_name())));
        let suite = self
            .suite
            .iter()
            .flat_map(|suite| of(&|| ([suite.faults(), suite.closure(&self.actions)].concat(), suite.file_name())));
        connector.into_iter().chain(actions).chain(suite).collect()
    }

    /// Every entry as a file below the catalog's root, in the order connector, actions, suite.
    ///
    /// # Errors
    /// [`CatalogError::Yaml`].
    pub fn files(&self) -> Result<Vec<(String, String)>, CatalogError> {
        fn file(entry: &impl Entry) -> Result<(String, String), CatalogError> {
            let file = entry.file_name();
            match yaml::write(entry) {
                Ok(text) => Ok((file, text)),
                Err(why) => Err(CatalogError::Yaml { file, why }),
            }
        }
        let suite = self.suite.iter().map(file);
        std::iter::once(file(&self.connector)).chain(self.actions.iter().map(file)).chain(suite).collect()
    }
}

/// What writing entries came to. Paths are relative to the catalog's root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// New, or with another text than before.
    pub written: Vec<String>,
    /// As they were.
    pub unchanged: Vec<String>,
    /// Entries of this repository that it no longer has a reason for. They are not changed.
    pub stale: Vec<String>,
}

/// Brings the entries into a catalog's work tree; with `dry`, only says what that would do. What is as it should be is not
/// touched.
///
/// # Errors
/// [`CatalogError::Disk`].
pub fn write(root: &Path, files: &[(String, String)], dry: bool) -> Result<Written, CatalogError> {
    let mut outcome = Written::default();
    for (name, text) in files {
        let path = root.join(name);
        let before = disk::read_if_there(&path, ENTRY_LIMIT)?;
        if before.as_deref() == Some(text.as_bytes()) {
            outcome.unchanged.push(name.clone());
            continue;
        }
        if !dry {
            disk::write(&path, text.as_bytes())?;
        }
        outcome.written.push(name.clone());
    }
    outcome.stale = stale(root, files)?;
    Ok(outcome)
}

/// Files that are named like this repository's and are not among its entries.
fn stale(root: &Path, files: &[(String, String)]) -> Result<Vec<String>, DiskError> {
    let kept: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let connector = files.first().map_or("", |(name, _)| name.as_str());
    let stem = connector.trim_start_matches("connectors/").trim_end_matches(".yaml");
    let mut stale = Vec::new();
    for (part, prefix) in [("actions", format!("{stem}_actions_")), ("suites", format!("{stem}_suite"))] {
        let directory: PathBuf = root.join(part);
        for child in disk::list(&directory)?.unwrap_or_default().into_keys() {
            let name = format!("{part}/{}", child.to_string_lossy());
            let file = name.trim_start_matches(part).trim_start_matches('/');
            if file.starts_with(&prefix) && file.ends_with(".yaml") && !kept.contains(name.as_str()) {
                stale.push(name);
            }
        }
    }
    stale.sort();
    Ok(stale)
}

/// The committed key, which must be the PEM that clients of the Hub read.
///
/// # Errors
/// [`CatalogError::NoKey`], [`CatalogError::NotPem`], [`CatalogError::Document`].
pub fn committed_key(project: &Project) -> Result<PublicKey, CatalogError> {
    match &project.publisher_key {
        None => Err(CatalogError::NoKey),
        Some(Err(problem)) => Err(CatalogError::Document(problem.clone(), None)),
        Some(Ok(source)) => committed_key::read(&source.text).map_err(not_pem(PUBLISHER_KEY)),
    }
}

/// What a maintainer of the catalog looks at: the key is served to everybody, is PEM, and is the committed one.
///
/// # Errors
/// [`CatalogError::Http`], [`CatalogError::NotPem`], [`CatalogError::OtherKey`].
pub fn served_key(url: &str, committed: PublicKey) -> Result<(), CatalogError> {
    let served = pem(&http::get(url, KEY_LIMIT, http::SMALL)?, url)?;
    if served == committed {
        return Ok(());
    }
    let (served, committed) = (served.fingerprint().to_string(), committed.fingerprint().to_string());
    Err(CatalogError::OtherKey { at: Address::of(url).to_string(), served, committed })
}

fn pem(bytes: &[u8], at: &str) -> Result<PublicKey, CatalogError> {
    let key = PublicKey::from_pem(bytes).and_then(PublicKey::refusing_small_order);
    key.map_err(|why| not_pem(at)(why.into()))
}

fn not_pem(at: &str) -> impl FnOnce(CommittedKeyError) -> CatalogError {
    move |why| CatalogError::NotPem { at: Address::of(at).to_string(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // keyring.md §9.2: 1 to 200 characters, one line
    fn a_description_is_one_line_that_fits() {
        assert_eq!(sentence(" two\n  words "), "two words");
        let long = format!("First of all. {}", "and more ".repeat(30));
        assert_eq!(sentence(&long), "First of all.");
        let endless = sentence(&"wörd, ".repeat(60));
        assert!(endless.ends_with("wörd…") && endless.chars().count() <= DESCRIPTION, "{endless}");
        assert_eq!(sentence(&"x".repeat(300)), "…");
    }
}
