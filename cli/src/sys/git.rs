//! Questions to git, one child each. Answers are values; git's own words are kept for errors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::process::{ProcessError, Spawner};

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
    /// git did not run.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// The repository `directory` is in.
///
/// # Errors
/// [`GitError`].
pub fn toplevel(directory: &Path, spawner: Spawner<'_>) -> Result<PathBuf, GitError> {
    Ok(PathBuf::from(line(ask(directory, spawner, &["rev-parse", "--show-toplevel"])?)))
}

/// The commit HEAD names: 40 hex digits.
///
/// # Errors
/// [`GitError::NotARepository`], [`GitError::NoCommit`].
pub fn head(root: &Path, spawner: Spawner<'_>) -> Result<String, GitError> {
    ask(root, spawner, &["rev-parse", "--git-dir"])?;
    match ask(root, spawner, &["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]) {
        Ok(commit) => Ok(line(commit)),
        Err(GitError::Failed { .. }) => Err(GitError::NoCommit),
        Err(error) => Err(error),
    }
}

/// Paths below `root` that are changed, or untracked and not ignored.
///
/// # Errors
/// [`GitError`].
pub fn changes(root: &Path, spawner: Spawner<'_>) -> Result<Vec<String>, GitError> {
    let args = ["status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", "."];
    let listed = ask(root, spawner, &args)?;
    // Paths in `status` are relative to the repository; those of `ls-files` to the directory asked about.
    let prefix = line(ask(root, spawner, &["rev-parse", "--show-prefix"])?);
    let path = |entry: &str| entry.get(3..).map(|path| path.strip_prefix(&prefix).unwrap_or(path).to_owned());
    Ok(listed.split('\0').filter_map(path).collect())
}

/// Files below `root` that a build may use: tracked, or untracked and not ignored; deleted ones left out.
///
/// # Errors
/// [`GitError`].
pub fn files(root: &Path, spawner: Spawner<'_>) -> Result<Vec<PathBuf>, GitError> {
    let listed = ask(root, spawner, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
    let mut files: Vec<PathBuf> = listed.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from).collect();
    files.sort();
    files.dedup();
    files.retain(|file| root.join(file).symlink_metadata().is_ok());
    Ok(files)
}

/// Local tags and the commits they peel to.
///
/// # Errors
/// [`GitError`].
pub fn tags(root: &Path, spawner: Spawner<'_>) -> Result<BTreeMap<String, String>, GitError> {
    let format = "--format=%(refname:strip=2)%09%(objectname)%09%(*objectname)";
    let listed = ask(root, spawner, &["for-each-ref", format, "refs/tags"])?;
    let tag = |line: &str| {
        let mut parts = line.split('\t');
        let (name, object) = (parts.next()?, parts.next()?);
        let peeled = parts.next().filter(|peeled| !peeled.is_empty()).unwrap_or(object);
        Some((name.to_owned(), peeled.to_owned()))
    };
    Ok(listed.lines().filter_map(tag).collect())
}

/// URL of the remote `origin`.
///
/// # Errors
/// [`GitError::Process`]; a missing remote is `None`.
pub fn remote(root: &Path, spawner: Spawner<'_>) -> Result<Option<String>, GitError> {
    match ask(root, spawner, &["config", "--get", "remote.origin.url"]) {
        Ok(url) => Ok(Some(line(url)).filter(|url| !url.is_empty())),
        Err(GitError::Failed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The branch the remote `origin` shows first, as far as this clone knows.
pub fn default_branch(root: &Path, spawner: Spawner<'_>) -> Option<String> {
    let head = ask(root, spawner, &["symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"]).ok()?;
    Some(line(head).strip_prefix("origin/")?.to_owned())
}

/// Whether the repository around `directory` ignores `path`.
///
/// # Errors
/// [`GitError`] when git cannot say.
pub fn is_ignored(directory: &Path, path: &Path, spawner: Spawner<'_>) -> Result<bool, GitError> {
    let command = spawner.command("git").args(["check-ignore", "-q", "--"]).args([path]).within(directory);
    let finished = command.run()?;
    match finished.status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err(GitError::Failed {
            verb: "check-ignore".to_owned(),
            said: String::from_utf8_lossy(&finished.stderr).trim().to_owned(),
        }),
    }
}

fn line(text: String) -> String {
    text.trim_end_matches(['\n', '\r']).to_owned()
}

fn ask(directory: &Path, spawner: Spawner<'_>, args: &[&str]) -> Result<String, GitError> {
    // Optional locks would write to the repository that is only looked at.
    let command = spawner.command("git").args(args).within(directory).env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
    let finished = command.run()?;
    if finished.status.success() {
        return Ok(String::from_utf8_lossy(&finished.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
    if said.contains("not a git repository") {
        return Err(GitError::NotARepository(directory.to_owned()));
    }
    Err(GitError::Failed { verb: args.first().copied().unwrap_or_default().to_owned(), said })
}
