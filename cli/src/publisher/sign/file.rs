//! A private key on disk: created once, readable by this user only, never where a commit would pick it up.

#![expect(clippy::disallowed_methods, reason = "where a key goes is looked at by hand, links and all")]

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::KeyError;
use crate::secret::Secret;
use crate::sys::disk::{Created, Operation, Readers};
use crate::sys::git;
use crate::sys::process::Spawner;

/// Writes a private key to a new file: mode 0600 from its first moment, synced, missing parents created with mode 0700.
///
/// # Errors
/// As [`check_private_key_path`]; [`KeyError::Disk`]. On an error nothing of it stays.
pub fn write_private_key_file(path: &Path, text: &Secret, spawner: Spawner<'_>) -> Result<(), KeyError> {
    write_private_key_file_on(Created::default(), path, text, spawner)
}

/// [`write_private_key_file`] on the disk that `made` writes to.
///
/// # Errors
/// As there.
pub(crate) fn write_private_key_file_on(
    mut made: Created,
    path: &Path,
    text: &Secret,
    spawner: Spawner<'_>,
) -> Result<(), KeyError> {
    create_private_key_file(&mut made, path, text, spawner)?;
    made.keep();
    Ok(())
}

/// [`write_private_key_file`] as one of several things that stay together or go together.
///
/// # Errors
/// As there.
pub(crate) fn create_private_key_file(
    made: &mut Created,
    path: &Path,
    text: &Secret,
    spawner: Spawner<'_>,
) -> Result<(), KeyError> {
    let path = &check_private_key_path(path, spawner)?;
    if let Some(parent) = path.parent() {
        made.directories(parent, Readers::User).map_err(KeyError::io(Operation::CreateDirectory, parent))?;
    }
    made.file(path, Readers::User, text.expose()).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists(path.clone()),
        _ => KeyError::io_about(Operation::Write, "the private key", path)(source),
    })
}

/// Whether a private key may be created at `path`; returns the path to use, without links in its existing part.
///
/// # Errors
/// [`KeyError::Exists`]; [`KeyError::InWorkTree`] and [`KeyError::GitUnclear`] unless git ignores the file;
/// [`KeyError::Disk`].
pub fn check_private_key_path(path: &Path, spawner: Spawner<'_>) -> Result<PathBuf, KeyError> {
    let failed = |cause| KeyError::io(Operation::Resolve, path)(cause);
    let absolute = std::path::absolute(path).map_err(failed)?;
    match fs::symlink_metadata(&absolute) {
        Ok(_) => return Err(KeyError::Exists(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let mut existing = absolute.parent().unwrap_or(Path::new("/"));
    while let (Err(_), Some(parent)) = (fs::symlink_metadata(existing), existing.parent()) {
        existing = parent;
    }
    let missing = absolute.strip_prefix(existing).unwrap_or(&absolute);
    if !missing.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "`..` after a folder that does not exist")));
    }
    let existing = fs::canonicalize(existing).map_err(failed)?;
    let resolved = existing.join(missing);
    if let Some(tree) = existing.ancestors().find(|folder| fs::symlink_metadata(folder.join(".git")).is_ok()) {
        refuse_unless_ignored(&resolved, &existing, tree, spawner)?;
    }
    Ok(resolved)
}

fn refuse_unless_ignored(path: &Path, existing: &Path, tree: &Path, spawner: Spawner<'_>) -> Result<(), KeyError> {
    match git::is_ignored(existing, path, spawner) {
        Ok(true) => Ok(()),
        Ok(false) => Err(KeyError::InWorkTree { path: path.to_owned(), tree: tree.to_owned() }),
        Err(error) => {
            Err(KeyError::GitUnclear { path: path.to_owned(), tree: tree.to_owned(), reason: error.to_string() })
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::sys::disk::crash::Crashing;
    use crate::sys::environment::Environment;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::{Command, Stdio};
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    fn text() -> Secret {
        Secret::from("private".to_owned())
    }

    /// As this process's user would, with the real git.
    fn write(path: &Path, text: &Secret) -> Result<(), KeyError> {
        let (environment, stop) = (Environment::of_this_process(), AtomicBool::new(false));
        write_private_key_file(path, text, Spawner { environment: &environment, stop: &stop })
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("exists").permissions().mode() & 0o777
    }

    #[test]
    fn a_private_key_is_written_once_for_this_user_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b/key.pem");
        write(&path, &text()).expect("writes");
        assert_eq!(fs::read(&path).expect("reads"), b"private");
        assert_eq!(
            (mode(&path), mode(&folder.path().join("a")), mode(&folder.path().join("a/b"))),
            (0o600, 0o700, 0o700)
        );
        let again = write(&path, &Secret::from("other".to_owned()));
        assert!(matches!(again, Err(KeyError::Exists(_))));
        std::os::unix::fs::symlink("nowhere", folder.path().join("link")).expect("links");
        assert!(matches!(write(&folder.path().join("link"), &text()), Err(KeyError::Exists(_))));
        assert!(!folder.path().join("nowhere").exists());
        let up = write(&folder.path().join("new/../key.pem"), &text());
        assert!(up.is_err_and(|error| error.to_string().contains("`..` after a folder")));
        assert!(!folder.path().join("new").exists());
        assert!(write(&path.join("below"), &text()).is_err(), "below a file");
    }

    #[test]
    fn a_private_key_that_crashed_on_its_way_is_never_written_over_and_leaves_nothing_else() {
        let (environment, stop) = (Environment::of_this_process(), AtomicBool::new(false));
        let spawner = || Spawner { environment: &environment, stop: &stop };
        for number in 1.. {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("a/b/key.pem");
            let steps = Arc::new(Crashing::at(number));
            let written = write_private_key_file_on(Created::with(steps.clone()), &path, &text(), spawner());
            match fs::read(&path) {
                Ok(found) if written.is_ok() => assert_eq!(found, b"private"),
                Ok(found) => {
                    assert!(b"private".starts_with(&found) && mode(&path) == 0o600, "{number}");
                    assert!(matches!(write(&path, &text()), Err(KeyError::Exists(_))), "{number}");
                }
                Err(_) => write(&path, &text()).expect("nothing is in the way"),
            }
            assert_eq!(fs::read_dir(path.parent().expect("a parent")).expect("lists").count(), 1, "{number}");
            if steps.is_alive() {
                break;
            }
        }
    }

    #[test]
    fn a_private_key_never_lands_where_git_would_take_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = fs::canonicalize(folder.path()).expect("a path");
        let git = |arguments: &[&str]| {
            Command::new("git")
                .arg("-C")
                .arg(&root)
                .args(arguments)
                .stdout(Stdio::null())
                .status()
                .is_ok_and(|s| s.success())
        };
        fs::create_dir(root.join("repo")).expect("creates");
        assert!(git(&["init", "-q", "repo"]), "git is needed");
        fs::write(root.join("repo/.gitignore"), "secrets/\n*.pem\n").expect("writes");
        let write = |path: &str| write(&root.join(path), &text());
        for inside in ["repo/key", "repo/deep/er/key", "repo/keys/publisher.key"] {
            assert!(
                matches!(write(inside), Err(KeyError::InWorkTree { tree, .. }) if tree == root.join("repo")),
                "{inside}"
            );
            assert!(!root.join(inside).exists());
        }
        assert!(!root.join("repo/deep").exists());
        std::os::unix::fs::symlink(root.join("repo"), root.join("link")).expect("links");
        assert!(matches!(write("link/key"), Err(KeyError::InWorkTree { .. })));
        for fine in ["repo/secrets/key", "repo/key.pem", "beside/key"] {
            write(fine).expect(fine);
        }
        fs::create_dir_all(root.join("odd/.git")).expect("creates");
        assert!(matches!(write("odd/key"), Err(KeyError::GitUnclear { .. })));
    }
}
