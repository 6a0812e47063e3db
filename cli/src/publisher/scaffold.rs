//! A new connector repository, from an embedded skeleton.
//!
//! All of it or nothing: [`skeleton`], which other families' skeletons are made by too. Not here: the questions `init` asks,
//! keys, and rules (the skeletons keep them; tests see to it).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use aileron_templates::Template;
use aileron_verifier::artifact::config::Signing;
use aileron_verifier::name::fqn::Fqn;
use aileron_verifier::problem::Class;
use minijinja::context;
use minijinja::value::Serde;

mod contents;
mod preset;
pub(crate) mod skeleton;
mod words;

pub use self::contents::{Credential, NotAnOperation, Operation};
pub use self::preset::{PRESETS, Preset};
pub use self::skeleton::{ACTION_COMMIT, SkeletonError};
use self::skeleton::{Engine, NewFile, TargetDir, write};
pub use self::words::USUAL_SIGNING;
use self::words::Words;

use crate::sys::git;
use crate::sys::process::{Finished, ProcessError, Spawner};

/// What to make, and where.
#[derive(Clone, Debug)]
pub struct Scaffold {
    /// The repository's root: a directory that is empty, holds nothing but `.git`, or does not exist yet.
    pub dir: PathBuf,
    /// The GitHub account or organisation it will be published under.
    pub owner: String,
    /// The service it connects to; the repository is `aileron-connector-<service>`.
    pub service: String,
    /// Which skeleton.
    pub template: Template,
    /// What the host adds to its requests.
    pub credential: Credential,
    /// What it can do, in this order: at least one, each name once.
    pub operations: Vec<Operation>,
    /// Who signs its releases.
    pub signing: Signing,
    /// The service, where its endpoints are known.
    pub preset: Option<&'static Preset>,
    /// The OAuth app, for [`Credential::Oauth2`].
    pub client_id: Option<String>,
    /// Make a git repository with one commit, unless `dir` is in one.
    pub git: bool,
    /// The name users see; one line.
    pub publisher: String,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaffolded {
    /// Every file written, relative to the root, sorted.
    pub files: Vec<PathBuf>,
    /// Whether a git repository was made.
    pub git: bool,
}

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// Class `usage_error`.
    #[error(
        "\"{}\" is not a GitHub owner: letters, digits and single hyphens between them, at most 39 characters",
        .0.escape_debug()
    )]
    Owner(String),
    /// Class `usage_error`.
    #[error(
        "\"{}\" is not a service name: lower-case letters, digits and single hyphens between them, at most 80 characters",
        .0.escape_debug()
    )]
    Service(String),
    /// Class `usage_error`.
    #[error("\"{}\" is not a publisher name: one line, not blank, without `\"` and `\\`", .0.escape_debug())]
    Publisher(String),
    /// Class `usage_error`.
    #[error("two operations have the name {0}: pass each --op once")]
    OperationTwice(String),
    /// Class `usage_error`.
    #[error("no operation was given: pass --op NAME")]
    NoOperation,
    /// Class `usage_error`.
    #[error("{preset} does not work with {credential}: {why}")]
    PresetCredential {
        /// The service.
        preset: &'static str,
        /// What was asked for.
        credential: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// Class `usage_error`.
    #[error("\"{}\" is not a client id: one line without spaces, `\"` and `\\`, and not a stand-in", .0.escape_debug())]
    ClientId(String),
    /// Class: what could not be made.
    #[error(transparent)]
    Skeleton(#[from] SkeletonError),
    /// Class `usage_error`.
    #[error("git was not found in PATH: install it, or leave the repository out with --no-git")]
    NoGit,
    /// Class `store_unwritable`, `incomplete` when interrupted.
    #[error(transparent)]
    Git(ProcessError),
    /// Class `store_unwritable`.
    #[error("git {step} failed ({status}): {output}; --no-git leaves the repository out")]
    GitFailed {
        /// The git command.
        step: &'static str,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it wrote.
        output: String,
    },
}

impl ScaffoldError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            ScaffoldError::Owner(_)
            | ScaffoldError::Service(_)
            | ScaffoldError::Publisher(_)
            | ScaffoldError::OperationTwice(_)
            | ScaffoldError::NoOperation
            | ScaffoldError::PresetCredential { .. }
            | ScaffoldError::ClientId(_)
            | ScaffoldError::NoGit => Class::UsageError,
            ScaffoldError::Git(ProcessError::Interrupted { .. }) => Class::Incomplete,
            ScaffoldError::Skeleton(error) => error.class(),
            ScaffoldError::Git(_) | ScaffoldError::GitFailed { .. } => Class::StoreUnwritable,
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            ScaffoldError::Git(error) => error.is_retriable(),
            ScaffoldError::Skeleton(error) => error.is_retriable(),
            ScaffoldError::Owner(_)
            | ScaffoldError::Service(_)
            | ScaffoldError::Publisher(_)
            | ScaffoldError::OperationTwice(_)
            | ScaffoldError::NoOperation
            | ScaffoldError::PresetCredential { .. }
            | ScaffoldError::ClientId(_)
            | ScaffoldError::NoGit
            | ScaffoldError::GitFailed { .. } => false,
        }
    }
}

/// Makes the repository. All of it, or nothing.
///
/// # Errors
/// [`ScaffoldError`]; the directory is then as it was.
pub fn scaffold(request: &Scaffold, spawner: Spawner<'_>) -> Result<Scaffolded, ScaffoldError> {
    let files = render(request)?;
    let target = TargetDir::at(&request.dir)?;
    let stage = target.stage()?;
    write(stage.path(), &files)?;
    let git = request.git && !target.is_in_a_git_repository();
    if git {
        commit(stage.path(), request, spawner)?;
    }
    target.receive(stage)?;
    Ok(Scaffolded { files: files.into_iter().map(|file| file.path).collect(), git })
}

/// Refuses a directory that a new repository cannot be in.
///
/// # Errors
/// [`SkeletonError`].
pub fn can_receive(dir: &Path) -> Result<(), ScaffoldError> {
    Ok(TargetDir::at(dir).map(drop)?)
}

/// What [`scaffold`] would write, without writing anything.
///
/// # Errors
/// As [`scaffold`].
pub fn preview(request: &Scaffold) -> Result<Vec<PathBuf>, ScaffoldError> {
    let files = render(request)?;
    TargetDir::at(&request.dir)?;
    Ok(files.into_iter().map(|file| file.path).collect())
}

/// The repository of a service.
fn repository(service: &str) -> String {
    format!("aileron-connector-{service}")
}

/// Every file of the skeleton with the request's names filled in. Touches no disk.
///
/// # Errors
/// [`ScaffoldError`] for names and choices that a new repository cannot have.
fn render(request: &Scaffold) -> Result<Vec<NewFile>, ScaffoldError> {
    can_be_published(request)?;
    let words = Words::of(request);
    let engine = Engine::new()?;
    let mut files = Vec::new();
    for (path, text) in request.template.files() {
        let mut fill = |values: minijinja::Value| {
            let filled = |template: &str| engine.fill(path, template, &values);
            let (path, text) = (filled(path)?, filled(text)?);
            // A template that has nothing to say about this repository makes no file.
            if !text.trim().is_empty() {
                files.push(NewFile { path: path.into(), text, is_executable: false });
            }
            Ok::<_, ScaffoldError>(())
        };
        // A file whose name is an operation's is made for each.
        if path.contains("op.") {
            for op in &words.ops {
                fill(context! { op => Serde(op), ..words.value() })?;
            }
        } else {
            fill(words.value())?;
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// Where workflows are, below the repository.
const WORKFLOWS: &str = ".github/workflows/";

/// The workflows that a new repository of this name would have: path, relative to the repository, and text. Sorted.
///
/// # Errors
/// [`SkeletonError::Template`].
pub fn workflows(name: &Fqn, template: Template, signing: Signing) -> Result<Vec<(String, String)>, ScaffoldError> {
    let engine = Engine::new()?;
    let words = context! {
        owner => name.owner(), repo => name.repo(), language => template.as_str(), signing => signing.as_str(),
    };
    let files = template.files().filter(|(path, _)| path.starts_with(WORKFLOWS));
    let filled = files.map(|(path, text)| Ok((path.to_owned(), engine.fill(path, text, &words)?)));
    let mut filled = filled.collect::<Result<Vec<_>, ScaffoldError>>()?;
    filled.sort();
    Ok(filled)
}

/// Names that a release would be refused for are refused here.
fn can_be_published(request: &Scaffold) -> Result<(), ScaffoldError> {
    if !is_words(&request.owner, 39, |byte| byte.is_ascii_alphanumeric()) {
        return Err(ScaffoldError::Owner(request.owner.clone()));
    }
    if !is_words(&request.service, 80, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return Err(ScaffoldError::Service(request.service.clone()));
    }
    let is_plain = |c: char| !c.is_control() && c != '"' && c != '\\';
    if request.publisher.trim().is_empty() || !request.publisher.chars().all(is_plain) {
        return Err(ScaffoldError::Publisher(request.publisher.clone()));
    }
    if request.operations.is_empty() {
        return Err(ScaffoldError::NoOperation);
    }
    let mut names = BTreeSet::new();
    if let Some(twice) = request.operations.iter().find(|operation| !names.insert(&operation.name)) {
        return Err(ScaffoldError::OperationTwice(twice.name.clone()));
    }
    if let Some(preset) = request.preset.filter(|preset| !preset.credentials.contains(&request.credential)) {
        let (credential, why) = (request.credential.as_str(), preset.no_other);
        return Err(ScaffoldError::PresetCredential { preset: preset.title, credential, why });
    }
    if request.credential == Credential::Oauth2 {
        let id = request.client_id.clone().unwrap_or_default();
        let is_stand_in = id.is_empty() || id.starts_with("REPLACE_") || id.starts_with("YOUR_");
        if is_stand_in || !id.chars().all(|c| is_plain(c) && !c.is_whitespace()) {
            return Err(ScaffoldError::ClientId(id));
        }
    }
    Ok(())
}

/// Words of `allowed` characters joined by single hyphens.
fn is_words(text: &str, longest: usize, allowed: fn(u8) -> bool) -> bool {
    text.len() <= longest && text.split('-').all(|word| !word.is_empty() && word.bytes().all(allowed))
}

/// What says who commits. Where *this* repository lies is not for the caller's
/// environment to say: `GIT_DIR` and its kin stay behind.
const GIT_VARIABLES: [&str; 4] = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];

/// A repository with one commit of everything. The user's hooks, signing key and ignore list have no say in it: none
/// of them was made for a skeleton, and a signing prompt could not be answered here.
fn commit(root: &Path, request: &Scaffold, spawner: Spawner<'_>) -> Result<(), ScaffoldError> {
    let personal = || git::personal(root, spawner).map_err(missing_or_stopped);
    let git = |personal: &[(String, String)], arguments: &[&str]| {
        git::making(spawner, personal).inherit(&GIT_VARIABLES).within(root).args(arguments)
    };
    succeed("init", git(&personal()?, &["init", "--quiet", "--template="]).run())?;
    // Asked again: who commits may depend on where the repository lies.
    let personal = personal()?;
    succeed("add", git(&personal, &["add", "--all", "--force"]).run())?;
    let message = format!("Start {}", repository(&request.service));
    let mut last = git(&personal, &["commit", "--quiet", "-m", &message]);
    let (name, email) = (request.owner.clone(), format!("{}@users.noreply.github.com", request.owner));
    let stand_ins = [
        ("GIT_AUTHOR_NAME", ["author.name", "user.name"], &name),
        ("GIT_AUTHOR_EMAIL", ["author.email", "user.email"], &email),
        ("GIT_COMMITTER_NAME", ["committer.name", "user.name"], &name),
        ("GIT_COMMITTER_EMAIL", ["committer.email", "user.email"], &email),
    ];
    for (variable, settings, stand_in) in stand_ins {
        // For this one commit, and only where the user has set nothing.
        let is_set = personal.iter().any(|(name, _)| settings.contains(&name.as_str()));
        if !is_set && spawner.environment.var(variable).is_none() {
            last = last.env(variable, stand_in);
        }
    }
    succeed("commit", last.run())
}

fn missing_or_stopped(error: ProcessError) -> ScaffoldError {
    match error {
        ProcessError::NotFound { .. } => ScaffoldError::NoGit,
        other => ScaffoldError::Git(other),
    }
}

fn succeed(step: &'static str, run: Result<Finished, ProcessError>) -> Result<(), ScaffoldError> {
    let Finished { status, stderr, .. } = run.map_err(missing_or_stopped)?;
    if status.success() {
        return Ok(());
    }
    Err(ScaffoldError::GitFailed { step, status, output: String::from_utf8_lossy(&stderr).trim().to_owned() })
}

#[cfg(test)]
mod tests;
