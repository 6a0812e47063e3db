//! A new Feature with a unit in it. cli-unit.md §12.2.

use std::path::{Path, PathBuf};

use aileron_verifier::problem::Class;
use aileron_verifier::text::printable;
use minijinja::context;

use crate::publisher::forge::registry::is_segment;
use crate::publisher::scaffold::SkeletonError;
use crate::publisher::scaffold::skeleton::{Engine, NewFile, TargetDir, write};

/// Longest id: it is part of a container's name, of a repository's path and of a file's name.
const LONGEST_ID: usize = 64;

/// Why no Feature was made.
#[derive(Debug, thiserror::Error)]
pub enum UnitScaffoldError {
    /// Class `usage_error`.
    #[error(
        "\"{}\" is not a Feature's id: lower-case letters and digits, with single `.`, `_` or `-` between them, at most 64 characters",
        printable(.0)
    )]
    Id(String),
    /// Class: what could not be made.
    #[error(transparent)]
    Skeleton(#[from] SkeletonError),
}

impl UnitScaffoldError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            UnitScaffoldError::Id(_) => Class::UsageError,
            UnitScaffoldError::Skeleton(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            UnitScaffoldError::Id(_) => false,
            UnitScaffoldError::Skeleton(error) => error.is_retriable(),
        }
    }
}

/// Makes the Feature `id` in `parent/id`, which is empty or not there. All of it, or nothing; gives the files.
///
/// # Errors
/// [`UnitScaffoldError`]; the directory is then as it was.
pub fn scaffold(id: &str, parent: &Path) -> Result<Vec<PathBuf>, UnitScaffoldError> {
    let files = render(id)?;
    let target = TargetDir::at(&parent.join(id))?;
    let stage = target.stage()?;
    write(stage.path(), &files)?;
    target.receive(stage)?;
    Ok(files.into_iter().map(|file| file.path).collect())
}

/// The files of a new Feature. Touches no disk.
fn render(id: &str) -> Result<Vec<NewFile>, UnitScaffoldError> {
    if id.len() > LONGEST_ID || !is_segment(id) {
        return Err(UnitScaffoldError::Id(id.to_owned()));
    }
    let engine = Engine::new()?;
    // A key that is used for sealing has no dot. cli-unit.md §3.
    let service = id.replace('.', "-");
    let sentinel = format!("AILERONSENTINEL{}", "A".repeat(25));
    let words = context! { id, service, sentinel };
    let fill = |(path, text): (&'static str, &str)| {
        let (text, is_executable) = (engine.fill(path, text, &words)?, path.ends_with(".sh"));
        Ok(NewFile { path: path.into(), text, is_executable })
    };
    let mut files = aileron_templates::unit().map(fill).collect::<Result<Vec<_>, SkeletonError>>()?;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use aileron_verifier::text::json::tape::{Syntax, Tape};

    use super::*;

    #[test] // cli-unit.md §12.2
    fn a_new_feature_has_its_members_in_their_order_and_marks_what_is_to_be_filled_in() {
        for id in ["gh", "aws-cli", "tool_2", "node.js"] {
            let files = render(id).expect("renders");
            let names: Vec<&str> = files.iter().filter_map(|file| file.path.to_str()).collect();
            assert_eq!(names, ["devcontainer-feature.json", "install.sh"]);
            assert_eq!((files[0].is_executable, files[1].is_executable), (false, true));
            assert!(files[1].text.starts_with("#!/bin/sh\n") && files[1].text.contains("\nset -eu\n"));
            let tape = Tape::read(files[0].text.as_bytes(), Syntax::STRICT).expect("strict JSON");
            let names = |value: aileron_verifier::text::json::tape::Value<'_>| -> Vec<String> {
                value.members().map(|member| member.name.text().expect("a name").into_owned()).collect()
            };
            let root = tape.root();
            assert_eq!(names(root), ["id", "version", "name", "description", "customizations"]);
            assert_eq!(root.member("id").and_then(|id| id.text()).as_deref(), Some(id));
            assert_eq!(root.member("version").and_then(|id| id.text()).as_deref(), Some("0.0.1"));
            let unit = ["customizations", "aileron", "cli"].iter().try_fold(root, |at, name| at.member(name));
            let unit = unit.expect("a unit");
            assert_eq!(names(unit), ["name", "key", "presence", "acquisition", "sealing"]);
            let acquisition = unit.member("acquisition").expect("acquisition");
            assert_eq!(names(acquisition), ["mode", "container_name", "login_cmd", "token_cmd", "browser_shim"]);
            let entry = unit.member("sealing").and_then(|sealing| sealing.items().next()).expect("an entry");
            assert!(entry.member("emit_mechanism").is_some());
            let key = unit.member("key").and_then(|key| key.text()).expect("a key").into_owned();
            assert!(key.starts_with("user/") && !key.contains('.'), "{key}");
            assert_eq!(files[0].text.matches('<').count(), 4, "what the author fills in");
        }
        for id in ["", "Gh", "-gh", "gh-", "a--b", "a/b", "..", "a b", "é", &"a".repeat(65)] {
            assert!(matches!(render(id), Err(UnitScaffoldError::Id(_))), "{id}");
        }
    }

    #[test]
    fn nothing_is_written_over() {
        let parent = tempfile::tempdir().expect("a directory");
        scaffold("gh", parent.path()).expect("is made");
        let before = std::fs::read(parent.path().join("gh/install.sh")).expect("is there");
        assert!(scaffold("gh", parent.path()).is_err());
        assert_eq!(std::fs::read(parent.path().join("gh/install.sh")).expect("is there"), before);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |file: &str| parent.path().join(file).metadata().expect("is there").permissions().mode() & 0o777;
            assert_ne!(mode("gh/install.sh") & 0o100, 0);
            assert_eq!(mode("gh/devcontainer-feature.json") & 0o111, 0);
        }
    }
}
