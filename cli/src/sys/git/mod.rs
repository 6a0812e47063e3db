//! Questions to git, one child each. Answers are values, whole or an error; git's own words are kept for errors.
//!
//! Every git child is made by [`command`]: a repository that is looked at runs no program, whatever its configuration and
//! attributes say, and reaches no network. Not here: what a file of the tree means.
//!
//! | file | questions |
//! |---|---|
//! | `changes` | how the work tree differs from HEAD |
//! | `configuration` | what the configuration files name |
//! | `objects` | trees, blobs and tags, from the object store |

mod changes;
mod configuration;
mod objects;
#[cfg(test)]
pub(crate) mod scratch;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use aileron_verifier::problem::Class;
use aileron_verifier::statement::cohort::CommitId;

pub use self::changes::{Changes, changes, filters_off};
pub use self::configuration::{Configuration, configuration};
pub use self::objects::{FoundObject, ObjectKind, TreeEntry, objects, peeled, tree};
use super::address::redacted;
use super::bytes;
use super::environment::Environment;
use super::process::{Command, Finished, ProcessError, Spawner};

/// Why git gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum GitError {
    /// The directory is in no repository.
    #[error("{} is not in a git repository", .0.display())]
    NotARepository(PathBuf),
    /// The repository has no commit yet.
    #[error("the git repository has no commit yet")]
    NoCommit,
    /// git said something else.
    #[error("git {verb} failed: {said}")]
    Failed {
        /// What was asked.
        verb: String,
        /// git's own words.
        said: String,
    },
    /// An object of the commit is not in this clone: a partial clone leaves them out until they are fetched.
    #[error("{path} is not in this clone: git object {object} is missing")]
    NoObject {
        /// The file, relative to the project's root.
        path: String,
        /// The object's name.
        object: String,
    },
    /// git did not run.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

impl GitError {
    /// The failure class: a repository that cannot be asked is not one to publish from.
    pub fn class(&self) -> Class {
        match self {
            GitError::NotARepository(_)
            | GitError::NoCommit
            | GitError::Failed { .. }
            | GitError::NoObject { .. }
            | GitError::Process(_) => Class::ValidationError,
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            GitError::Process(error) => error.is_retriable(),
            GitError::NotARepository(_) | GitError::NoCommit | GitError::Failed { .. } | GitError::NoObject { .. } => {
                false
            }
        }
    }

    /// Whether git was asked about a repository and refused, as opposed to there being none, no commit, or no git.
    pub fn is_refusal(&self) -> bool {
        match self {
            GitError::NotARepository(_) | GitError::NoCommit => false,
            GitError::Process(ProcessError::NotFound { .. }) => false,
            GitError::Failed { .. } | GitError::NoObject { .. } | GitError::Process(_) => true,
        }
    }
}

/// What a git child may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GitAccess {
    /// The repository on this disk, and nothing else.
    Local,
    /// Also a remote repository, by https, ssh or as a file: with the user's own credentials and ssh settings.
    Network,
}

/// Longest answer of git that is kept, in bytes: a list of a few million files. A longer one is an error.
const ANSWER_CAP: usize = 1 << 30;

/// Settings that name a program, or let one be named, and what they are while we look. artifacts.md §12.
const NO_PROGRAMS: [(&str, &str); 6] = [
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.pager", "cat"),
    ("diff.external", ""),
    // A directory of the tree that looks like a repository is none.
    ("safe.bareRepository", "explicit"),
    ("submodule.recurse", "false"),
];

/// The same for what only a remote repository needs.
const NO_NETWORK: [(&str, &str); 5] = [
    ("protocol.allow", "never"),
    ("core.sshCommand", "false"),
    ("core.gitProxy", ""),
    ("core.askPass", ""),
    ("credential.helper", ""),
];

/// A git child: no program of a repository or of its configuration, no question, no write that is not asked for.
///
/// Of the environment it has what every child has, and where the user's own settings are: `GIT_CONFIG_GLOBAL`,
/// `GIT_CONFIG_SYSTEM`, `GIT_CONFIG_NOSYSTEM`, and the `safe.directory` entries of `GIT_CONFIG_COUNT`. artifacts.md §12.
pub fn command<'a>(spawner: Spawner<'a>, access: GitAccess) -> Command<'a> {
    configured(spawner, access, &[])
}

/// What git reads for a repository that this tool makes, in place of files that are the user's or the machine's. The first two
/// are read even where no configuration names them; the others are a second lock, for a git that does not know
/// `GIT_CONFIG_GLOBAL`.
const UNTOUCHED: [(&str, &str); 12] = [
    ("core.attributesFile", NOTHING),
    ("core.excludesFile", NOTHING),
    ("core.autocrlf", "false"),
    ("core.eol", "lf"),
    ("core.safecrlf", "false"),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("gpg.program", "false"),
    ("commit.template", ""),
    ("commit.cleanup", "default"),
    ("i18n.commitEncoding", "utf-8"),
    ("init.templateDir", ""),
];

/// A file without content, by the name that git knows on every system.
const NOTHING: &str = "/dev/null";

/// Settings that stay the user's to say in a repository that this tool makes: who commits, what the first branch is called,
/// and whose repositories are trusted.
const PERSONAL: &str = r"^((user|author|committer)\.(name|email)|init\.defaultbranch|safe\.directory)$";

/// The user's own settings for a repository in `directory` that this tool makes, as names in lower case and values. Empty
/// where nothing is set, or where git cannot read the user's settings.
///
/// # Errors
/// [`ProcessError`] when git did not run.
pub fn personal(directory: &Path, spawner: Spawner<'_>) -> Result<Vec<(String, String)>, ProcessError> {
    let asked = command(spawner, GitAccess::Local).args(["config", "-z", "--get-regexp", PERSONAL]).within(directory);
    let Finished { status, stdout, .. } = asked.run()?;
    if !status.success() {
        return Ok(Vec::new());
    }
    let setting = |record: &[u8]| {
        let record = text(record.to_vec());
        let (name, value) = record.split_once('\n')?;
        (!value.trim().is_empty()).then(|| (name.to_owned(), value.to_owned()))
    };
    Ok(records(&stdout).filter_map(setting).collect())
}

/// A git child for a repository that this tool makes: deaf to the user's hooks, templates, signing and line-end settings, and
/// to every other setting but these [`personal`] ones. artifacts.md §12.
pub fn making<'a>(spawner: Spawner<'a>, personal: &[(String, String)]) -> Command<'a> {
    let untouched = UNTOUCHED.map(|(name, value)| (OsString::from(name), value));
    let personal = personal.iter().map(|(name, value)| (OsString::from(name), value.as_str()));
    let settings: Vec<_> = untouched.into_iter().chain(personal).collect();
    configured(spawner, GitAccess::Local, &settings)
        .env("GIT_CONFIG_GLOBAL", NOTHING)
        .env("GIT_CONFIG_SYSTEM", NOTHING)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_ATTR_NOSYSTEM", "1")
}

/// The same with more settings. One whose name holds `=` is handed over as a variable, where that is possible; the others
/// as arguments, which git has always read.
fn configured<'a>(spawner: Spawner<'a>, access: GitAccess, more: &[(OsString, &str)]) -> Command<'a> {
    let command = spawner
        .command("git")
        .cap(ANSWER_CAP)
        .inherit(&["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"])
        .env("GIT_ALLOW_PROTOCOL", if access == GitAccess::Network { "https:ssh:file" } else { "" })
        .env("GIT_LFS_SKIP_SMUDGE", "1")
        .env("GIT_NO_LAZY_FETCH", "1")
        // A clone's private replacements are in no other clone.
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        // Optional locks would write to the repository that is only looked at.
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C");
    let command = if access == GitAccess::Network { command.inherit(&["SSH_AUTH_SOCK"]) } else { command };
    let network: &[_] = if access == GitAccess::Network { &[] } else { &NO_NETWORK };
    let fixed = NO_PROGRAMS.iter().chain(network).map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let more = more.iter().map(|(name, value)| (name.clone(), OsString::from(value)));
    let (named, plain): (Vec<_>, Vec<_>) =
        fixed.chain(more).partition(|(name, _)| name.as_encoded_bytes().contains(&b'='));
    let command = plain.into_iter().fold(command, |command, (mut setting, value)| {
        setting.push("=");
        setting.push(value);
        command.args(["-c".into(), setting])
    });
    let named: Vec<_> = named.into_iter().chain(safe_directories(spawner.environment)).collect();
    let count = named.len().to_string();
    let numbered = named.into_iter().enumerate().fold(command, |command, (number, (name, value))| {
        command.env(&format!("GIT_CONFIG_KEY_{number}"), name).env(&format!("GIT_CONFIG_VALUE_{number}"), value)
    });
    numbered.env("GIT_CONFIG_COUNT", count)
}

/// The `safe.directory` entries of `GIT_CONFIG_COUNT`: whose repositories the user trusts is the user's to say.
fn safe_directories(environment: &Environment) -> Vec<(OsString, OsString)> {
    /// More entries than this are not read.
    const MOST: usize = 10_000;
    let count = environment.var("GIT_CONFIG_COUNT").and_then(|count| count.to_str()?.parse::<usize>().ok());
    let entry = |number: usize| {
        let name = environment.value(&format!("GIT_CONFIG_KEY_{number}"))?;
        let value = environment.value(&format!("GIT_CONFIG_VALUE_{number}"))?;
        name.eq_ignore_ascii_case("safe.directory").then(|| (name.to_owned(), value.to_owned()))
    };
    (0..count.unwrap_or(0).min(MOST)).filter_map(entry).collect()
}

/// The repository `directory` is in.
///
/// # Errors
/// [`GitError`].
pub fn toplevel(directory: &Path, spawner: Spawner<'_>) -> Result<PathBuf, GitError> {
    let toplevel = line(ask(directory, spawner, &["rev-parse", "--show-toplevel"])?);
    bytes::to_os(&toplevel).map(PathBuf::from).ok_or_else(|| unexpected("rev-parse", &"a path that is no text"))
}

/// HEAD, seen from one directory of its repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The commit HEAD names.
    pub commit: CommitId,
    /// Where the directory lies in the repository, as git writes it: empty at the top, else with a slash at the end.
    pub prefix: Vec<u8>,
}

/// The commit HEAD names, and where `root` lies in the repository: one child, unless there is no such commit.
///
/// # Errors
/// [`GitError::NotARepository`], [`GitError::NoCommit`].
pub fn head(root: &Path, spawner: Spawner<'_>) -> Result<Head, GitError> {
    let args = ["rev-parse", "--show-prefix", "--verify", "--quiet", "--end-of-options", "HEAD^{commit}"];
    let (prefix, commit) = match ask(root, spawner, &args) {
        Ok(answer) => split(line(answer)).ok_or_else(|| unexpected("rev-parse", &"no commit after the prefix"))?,
        Err(GitError::Failed { said, .. }) if said.is_empty() => return Err(without_commit(root, spawner)),
        Err(error) => return Err(error),
    };
    Ok(Head { commit: text(commit).parse().map_err(|error| unexpected("rev-parse", &error))?, prefix })
}

/// What stands before and after the last line break.
fn split(mut answer: Vec<u8>) -> Option<(Vec<u8>, Vec<u8>)> {
    let at = answer.iter().rposition(|byte| *byte == b'\n')?;
    let last = answer.split_off(at + 1);
    Some((line(answer), last))
}

/// Why HEAD names no commit: its branch has none yet, or the repository is broken.
fn without_commit(root: &Path, spawner: Spawner<'_>) -> GitError {
    if let Ok(object) = ask(root, spawner, &["rev-parse", "--verify", "--quiet", "HEAD"]) {
        let said = format!("HEAD is {}, and that commit is not in this clone", text(line(object)));
        return GitError::Failed { verb: "rev-parse".to_owned(), said };
    }
    ask(root, spawner, &["symbolic-ref", "HEAD"]).err().unwrap_or(GitError::NoCommit)
}

/// Files below `root` that a build of the work tree may use: tracked, or untracked and not ignored. Relative to `root`, in
/// order. A submodule is one entry; a repository that is nested without being one ends in a slash.
///
/// # Errors
/// [`GitError`].
pub fn files(root: &Path, spawner: Spawner<'_>) -> Result<Vec<Vec<u8>>, GitError> {
    let listed = ask(root, spawner, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
    let mut files: Vec<Vec<u8>> = records(&listed).map(<[u8]>::to_vec).collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// The branch the remote `origin` shows first, as far as this clone knows.
pub fn default_branch(root: &Path, spawner: Spawner<'_>) -> Option<String> {
    let head = ask(root, spawner, &["symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"]).ok()?;
    Some(text(line(head)).strip_prefix("origin/")?.to_owned())
}

/// Whether the repository around `directory` ignores `path`.
///
/// # Errors
/// [`GitError`] when git cannot say.
pub fn is_ignored(directory: &Path, path: &Path, spawner: Spawner<'_>) -> Result<bool, GitError> {
    let command = command(spawner, GitAccess::Local).args(["check-ignore", "-q", "--"]).args([path]).within(directory);
    let finished = command.run()?;
    match finished.status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err(refused("check-ignore", &finished.stderr)),
    }
}

fn ask(directory: &Path, spawner: Spawner<'_>, args: &[&str]) -> Result<Vec<u8>, GitError> {
    answer(directory, args.first().copied().unwrap_or_default(), command(spawner, GitAccess::Local).args(args))
}

fn answer(directory: &Path, verb: &str, command: Command<'_>) -> Result<Vec<u8>, GitError> {
    let Finished { status, stdout, stderr } = command.within(directory).run()?;
    match refused(verb, &stderr) {
        _ if status.success() => Ok(stdout),
        // A repository that git cannot read is not the absence of one.
        GitError::Failed { said, .. } if said.contains("not a git repository") && !is_inside_one(directory) => {
            Err(GitError::NotARepository(directory.to_owned()))
        }
        error => Err(error),
    }
}

fn is_inside_one(directory: &Path) -> bool {
    let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    directory.ancestors().any(|ancestor| ancestor.join(".git").symlink_metadata().is_ok())
}

fn refused(verb: &str, stderr: &[u8]) -> GitError {
    GitError::Failed { verb: verb.to_owned(), said: redacted(String::from_utf8_lossy(stderr).trim(), &[]) }
}

fn unexpected(verb: &str, why: &dyn std::fmt::Display) -> GitError {
    GitError::Failed { verb: verb.to_owned(), said: format!("unexpected answer: {why}") }
}

/// NUL-separated records.
fn records(answer: &[u8]) -> impl Iterator<Item = &[u8]> {
    answer.split(|byte| *byte == 0).filter(|record| !record.is_empty())
}

/// One line, without the one line break git ends it with.
fn line(mut answer: Vec<u8>) -> Vec<u8> {
    if answer.ends_with(b"\n") {
        answer.pop();
    }
    if cfg!(windows) && answer.ends_with(b"\r") {
        answer.pop();
    }
    answer
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests;
