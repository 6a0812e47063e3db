//! An existing connector repository that takes over the release of this tool, without changing its layout.
//!
//! Two files are written at most: the workflow that releases, and `aileron-pub.toml`. A workflow of one's own in its place is
//! replaced only where git has it, so nothing is lost; one that uses this tool already is left as it is. Names, tags, fields
//! and content hashes stay what they are: nothing of a release is made from either file.

use std::path::PathBuf;

use aileron_verifier::artifact::action::Action;
use aileron_verifier::artifact::binding;
use aileron_verifier::artifact::config::{self, Signing};
use aileron_verifier::artifact::manifest::ConnectorManifest;
use aileron_verifier::name::fqn::Fqn;
use aileron_verifier::problem::{Class, Problem, Severity, Waiver};
use aileron_verifier::rules;
use aileron_verifier::text::printable;
use aileron_verifier::text::toml::Stage;

use super::build::{self, BuildError, Toolchain};
use super::lint::{self, Checked, Findings};
use super::project::Project;
use super::release::stops;
use super::scaffold::{self, ScaffoldError};
use super::source::{Found, SourceError, Wanted};
use crate::HOME;
use crate::event::counted;
use crate::sys::disk::{self, DiskError};
use crate::sys::git::GitError;
use crate::sys::process::Spawner;

/// The workflow that releases.
const WORKFLOW: &str = ".github/workflows/release.yml";
/// Most bytes of a workflow that is looked at.
const LIMIT: u64 = 1 << 20;
/// The secret that the template hands over as the client secret.
const USUAL_SECRET: &str = "secrets.AILERON_CLIENT_SECRET";

/// What an adoption would do.
pub struct Adoption {
    /// The connector.
    pub name: Fqn,
    /// The repository's root.
    pub root: PathBuf,
    /// What fits as it is, a line each.
    pub fits: Vec<String>,
    /// What a person has to know or do, a line each.
    pub notes: Vec<String>,
    /// Files to write, in this order; none where it was adopted before.
    pub files: Vec<AdoptedFile>,
}

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdoptedFile {
    /// Relative to the repository.
    pub path: &'static str,
    /// What is there now.
    pub before: Option<String>,
    /// What will be there.
    pub after: String,
}

/// Why a repository was not adopted. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// It breaks rules that no setting waives.
    #[error("{} every release", stops(.0.errors().count()))]
    Check(Box<Findings>),
    /// Nothing says how the connector is built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A file could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// git cannot say whether a file would be lost.
    #[error(transparent)]
    History(GitError),
    /// A workflow that git does not have would be overwritten.
    #[error("{WORKFLOW} is not committed as it is: it would be lost")]
    NotCommitted,
    /// A workflow could not be made.
    #[error(transparent)]
    Scaffold(#[from] ScaffoldError),
    /// A file could not be written.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl AdoptError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            AdoptError::Check(findings) => findings.class(),
            AdoptError::Build(error) => error.class(),
            AdoptError::Source(error) => error.class(),
            AdoptError::History(error) => error.class(),
            AdoptError::NotCommitted => Class::ValidationError,
            AdoptError::Scaffold(error) => error.class(),
            AdoptError::Disk(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            AdoptError::Build(error) => error.is_retriable(),
            AdoptError::Source(error) => error.is_retriable(),
            AdoptError::History(error) => error.is_retriable(),
            AdoptError::Scaffold(error) => error.is_retriable(),
            AdoptError::Disk(error) => error.is_retriable(),
            AdoptError::Check(_) | AdoptError::NotCommitted => false,
        }
    }
}

/// Looks at a repository as its work tree has it, and says what adopting it takes. Writes nothing.
///
/// # Errors
/// [`AdoptError`].
pub fn plan(
    project: Project,
    language: Option<&'static dyn Toolchain>,
    signing: Signing,
    spawner: Spawner<'_>,
) -> Result<Adoption, AdoptError> {
    let broken = broken(&project);
    let findings = lint::check(project, None, &broken);
    let Findings { checked: Some(checked), .. } = findings else { return Err(AdoptError::Check(Box::new(findings))) };
    let toolchain = build::detect(&checked.project.files, language.or(checked.config.language))?;
    let signing = checked.config.signing.unwrap_or(signing);
    let mut adoption = Adoption {
        name: checked.manifest.name.value.clone(),
        root: checked.project.root.clone(),
        fits: fits(&checked, toolchain),
        notes: Vec::new(),
        files: Vec::new(),
    };
    settings(&mut adoption, &checked, &broken, language, signing);
    workflow(&mut adoption, &checked, toolchain, signing, spawner)?;
    if checked.publisher_key.is_none() {
        adoption.notes.push("there is no keys/publisher.pub: aileron-pub keys generate --out FILE-OUTSIDE".to_owned());
    }
    Ok(adoption)
}

/// The waivable rules that the repository breaks.
fn broken(project: &Project) -> Vec<Waiver> {
    let documents = project.actions.iter().filter_map(|action| action.document.as_ref()?.as_ref().ok());
    let problems: Vec<Problem> =
        documents.flat_map(|source| Action::parse(source.clone(), Stage::Source).problems).collect();
    let is_broken = |waiver: &Waiver| problems.iter().any(|problem| problem.rule == waiver.rule());
    rules::waivers().filter(is_broken).collect()
}

fn fits(checked: &Checked, toolchain: &'static dyn Toolchain) -> Vec<String> {
    let manifest = &checked.manifest;
    let mut fits = vec![
        format!("connector/manifest.toml: {}", manifest.name.value),
        format!("built with {}", toolchain.describe()),
        format!("{}, each bound to this connector", counted(checked.actions.len(), "action")),
    ];
    if let Some(suite) = &checked.suite {
        fits.push(format!("suite.toml: {}", printable(&suite.name.value)));
    }
    if let Some(key) = &checked.publisher_key {
        fits.push(format!("keys/publisher.pub: {}", key.fingerprint()));
    }
    let warnings = checked.problems.iter().filter(|one| one.severity(&checked.waived) == Severity::Warning).count();
    if warnings > 0 {
        fits.push(format!("{}: aileron-pub check lists them", counted(warnings, "warning")));
    }
    fits
}

/// `aileron-pub.toml`, where there is none.
fn settings(
    adoption: &mut Adoption,
    checked: &Checked,
    broken: &[Waiver],
    language: Option<&'static dyn Toolchain>,
    signing: Signing,
) {
    if checked.project.config.is_some() {
        adoption.fits.push(format!("{}: left as it is", config::FILE));
        return;
    }
    let mut text = String::new();
    if let Some(language) = language {
        text.push_str(&format!("language = \"{}\"\n", language.name()));
    }
    text.push_str(&format!("signing = \"{}\"\n", signing.as_str()));
    for waiver in broken {
        let rule = waiver.rule();
        text.push_str(&format!(
            "\n[[allow]]\nrule = \"{rule}\"\nreason = \"published so before this tool checked it\"\n"
        ));
        adoption.notes.push(format!("{rule} is waived: installers refuse such actions by default"));
    }
    adoption.files.push(AdoptedFile { path: config::FILE, before: None, after: text });
}

/// The workflow, unless one is there that uses this tool.
fn workflow(
    adoption: &mut Adoption,
    checked: &Checked,
    toolchain: &'static dyn Toolchain,
    signing: Signing,
    spawner: Spawner<'_>,
) -> Result<(), AdoptError> {
    let made = scaffold::workflows(&adoption.name, toolchain.template(), signing)?;
    let Some((_, mut after)) = made.into_iter().find(|(path, _)| path == WORKFLOW) else { return Ok(()) };
    let found = checked.project.files.read(&[Wanted { path: WORKFLOW, limit: LIMIT }], spawner)?.pop();
    let before = match found {
        Some(Found::Bytes(bytes)) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Some(Found::Refused(_)) => return Err(AdoptError::NotCommitted),
        Some(Found::Absent) | None => None,
    };
    let action = format!("{}/action@", HOME.trim_start_matches("https://github.com/"));
    if before.as_ref().is_some_and(|text| text.contains(&action)) {
        adoption.fits.push(format!("{WORKFLOW}: uses this tool, left as it is"));
        return Ok(());
    }
    if let Some(secret) = client_secret(&checked.manifest, before.as_deref()) {
        after = after.replace(USUAL_SECRET, &format!("secrets.{secret}"));
        adoption.notes.push(format!("the client secret is taken from the secret {secret}, as before"));
    }
    if before.is_some() {
        let history = checked.project.history.as_ref().map_err(|error| AdoptError::History(error.clone()))?;
        if history.changes.iter().any(|path| path == WORKFLOW || WORKFLOW.starts_with(path.as_str())) {
            return Err(AdoptError::NotCommitted);
        }
        adoption.notes.push(format!("{WORKFLOW} is replaced; git has the one of before"));
    }
    if signing == Signing::Approve {
        let unused =
            "no key in CI any more: once a release was approved, delete the secret AILERON_SIGNING_KEY on GitHub";
        adoption.notes.push(unused.to_owned());
    }
    adoption.files.push(AdoptedFile { path: WORKFLOW, before, after });
    Ok(())
}

/// The secret that the workflow of before bound into the manifest.
fn client_secret(manifest: &ConnectorManifest, before: Option<&str>) -> Option<String> {
    binding::client_secret(manifest)?;
    let is_spelled = |char: char| char.is_ascii_uppercase() || char.is_ascii_digit() || char == '_';
    let named = before?.split("secrets.").skip(1).map(|rest| rest.split(|char| !is_spelled(char)).next().unwrap_or(""));
    let found = named.into_iter().find(|name| name.ends_with("CLIENT_SECRET"))?;
    (format!("secrets.{found}") != USUAL_SECRET).then(|| found.to_owned())
}

/// Writes the files of an adoption, each at once.
///
/// # Errors
/// [`AdoptError::Disk`]; adopting again goes on.
pub fn write(adoption: &Adoption) -> Result<(), AdoptError> {
    adoption.files.iter().try_for_each(|file| {
        disk::write(&adoption.root.join(file.path), file.after.as_bytes()).map_err(AdoptError::from)
    })
}
