//! A Feature as its author has it: a folder. cli-unit.md §12.1.

use std::path::{Path, PathBuf};

use aileron_verifier::name::version::Version;
use aileron_verifier::problem::{Class, Problem, Source};
use aileron_verifier::text::json::tape::{Syntax, Tape, Value};
use aileron_verifier::text::printable;
use aileron_verifier::unit::{Checked, Folder, check_feature};

use super::archive::{ArchiveError, FeatureFile};
use super::{FEATURE_LIMIT, MANIFEST, MANIFEST_LIMIT, MOST_FILES};
use crate::publisher::forge::registry::{Tag, is_segment, tags};
use crate::sys::disk::{self, DiskError};

/// A folder with a manifest in it, and everything that would be packed.
#[derive(Clone, Debug)]
pub struct FeatureFolder {
    /// Where it is.
    pub dir: PathBuf,
    /// The folder's name, which is to be the Feature's id.
    pub name: String,
    /// The files, in the order of their paths.
    pub files: Vec<FeatureFile>,
}

/// A Feature that can be packed: what its manifest says of its name is fit for a registry.
#[derive(Clone, Debug)]
pub struct Feature {
    /// Its id, a segment of the repository's path.
    pub id: String,
    /// Three numbers.
    pub version: Version,
    /// The tags of that version, the exact one first.
    pub tags: Vec<Tag>,
    /// The manifest, byte for byte.
    pub manifest: String,
    /// The files, in the order of their paths.
    pub files: Vec<FeatureFile>,
}

/// Why a folder is not a Feature that can be packed.
#[derive(Debug, thiserror::Error)]
pub enum FeatureError {
    /// Class `usage_error`.
    #[error("{} has no {MANIFEST}", .0.display())]
    NoManifest(PathBuf),
    /// Class `validation_error`.
    #[error("{}: {why}", .path.display())]
    Unfit {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Class `validation_error`.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Class: what could not be done.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl FeatureError {
    /// The failure class.
    pub fn class(&self) -> Class {
        match self {
            FeatureError::NoManifest(_) => Class::UsageError,
            FeatureError::Unfit { .. } => Class::ValidationError,
            FeatureError::Archive(error) => error.class(),
            FeatureError::Disk(error) => error.class(),
        }
    }

    /// Whether the same command may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            FeatureError::Disk(error) => error.is_retriable(),
            FeatureError::Archive(error) => error.is_retriable(),
            FeatureError::NoManifest(_) | FeatureError::Unfit { .. } => false,
        }
    }
}

impl FeatureFolder {
    /// Reads a folder with a manifest in it, and everything below it.
    ///
    /// # Errors
    /// [`FeatureError`], also for a link, for a name that no archive can have, and for more than [`FEATURE_LIMIT`] bytes.
    pub fn read(dir: &Path) -> Result<FeatureFolder, FeatureError> {
        if !disk::is_there(&dir.join(MANIFEST))? {
            return Err(FeatureError::NoManifest(dir.to_owned()));
        }
        let name = disk::canonical(dir)?.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut files = Vec::new();
        collect(dir, "", &mut 0, &mut files)?;
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(FeatureFolder { dir: dir.to_owned(), name, files })
    }

    /// The manifest's bytes.
    pub fn manifest(&self) -> &[u8] {
        self.file(MANIFEST).map_or(&[], |file| &file.bytes)
    }

    /// Everything there is to say about the manifest, its unit, and what lies around it. cli-unit.md §11.
    ///
    /// # Errors
    /// The one problem of a manifest that is no text.
    pub fn check(&self) -> Result<(Source, Checked), Problem> {
        let source = Source::read(&self.dir.join(MANIFEST).display().to_string(), self.manifest().to_vec())?;
        let mode = |file: &FeatureFile| if file.is_executable { 0o100_755 } else { 0o100_644 };
        let files = self.files.iter().map(|file| (file.path.clone(), mode(file))).collect();
        let checked = check_feature(&source, Some(&Folder { name: self.name.clone(), files }));
        Ok((source, checked))
    }

    fn file(&self, path: &str) -> Option<&FeatureFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The Feature, where its manifest gives it a name that a registry can have. What else a manifest and its unit have to be
    /// is [`FeatureFolder::check`]'s.
    ///
    /// # Errors
    /// [`FeatureError::Unfit`].
    pub fn feature(self) -> Result<Feature, FeatureError> {
        let unfit = |why: String| FeatureError::Unfit { path: self.dir.join(MANIFEST), why };
        let tape = Tape::read(self.manifest(), Syntax::STRICT)
            .map_err(|error| unfit(format!("byte {}: {}", error.at, error.why)))?;
        let text = |name: &str| tape.root().member(name).and_then(Value::text).map(|text| text.into_owned());
        let id = text("id").ok_or_else(|| unfit("it has no `id`".to_owned()))?;
        let version = text("version").ok_or_else(|| unfit("it has no `version`".to_owned()))?;
        if !is_segment(&id) {
            let why = "lower-case letters and digits, with single `.`, `_` or `-` between them";
            return Err(unfit(format!("the id \"{}\" cannot be part of a repository's path: {why}", printable(&id))));
        }
        if id != self.name {
            let (id, name) = (printable(&id), printable(&self.name));
            return Err(unfit(format!("the id is \"{id}\", and the folder is \"{name}\": they have to be the same")));
        }
        let version: Version = version.parse().map_err(|error| unfit(format!("`version`: {error}")))?;
        let not_final = || unfit(format!("`version`: \"{version}\" is not MAJOR.MINOR.PATCH"));
        let tags = tags(&version).ok_or_else(not_final)?;
        let manifest = String::from_utf8(self.manifest().to_vec())
            .map_err(|error| unfit(format!("byte {}: not UTF-8", error.utf8_error().valid_up_to())))?;
        Ok(Feature { id, version, tags, manifest, files: self.files })
    }
}

/// Every file below a directory. `inside` is its path in the Feature, with `/` at the end unless it is the Feature's own.
fn collect(dir: &Path, inside: &str, total: &mut u64, files: &mut Vec<FeatureFile>) -> Result<(), FeatureError> {
    for (name, kind) in disk::list(dir)?.unwrap_or_default() {
        let path = dir.join(&name);
        let unfit = |why: &str| FeatureError::Unfit { path: path.clone(), why: why.to_owned() };
        let name = name.to_str().ok_or_else(|| unfit("its name is not UTF-8"))?;
        let below = format!("{inside}{name}");
        if kind.is_dir() {
            collect(&path, &format!("{below}/"), total, files)?;
            continue;
        }
        if !kind.is_file() {
            return Err(unfit(if kind.is_symlink() {
                "it is a link, and links are not packed"
            } else {
                "it is not a file"
            }));
        }
        let limit = if below == MANIFEST { MANIFEST_LIMIT } else { FEATURE_LIMIT };
        let bytes = disk::read(&path, limit)?;
        *total += bytes.len() as u64;
        if *total > FEATURE_LIMIT {
            return Err(unfit("with it, the Feature has more than 64 MiB"));
        }
        if files.len() == MOST_FILES {
            return Err(unfit("with it, the Feature has more than 10,000 files"));
        }
        let is_executable = disk::is_executable(&path)?;
        files.push(FeatureFile { path: below, bytes, is_executable });
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::publisher::unit::INSTALL;

    fn folder(name: &str, manifest: &str) -> (tempfile::TempDir, PathBuf) {
        let place = tempfile::tempdir().expect("a directory");
        let dir = place.path().join(name);
        fs::create_dir(&dir).expect("a directory");
        fs::write(dir.join(MANIFEST), manifest).expect("writes");
        fs::write(dir.join(INSTALL), "#!/bin/sh\n").expect("writes");
        fs::set_permissions(dir.join(INSTALL), fs::Permissions::from_mode(0o755)).expect("is executable");
        (place, dir)
    }

    #[test] // cli-unit.md §12.1; devcontainers/cli#793
    fn a_feature_is_named_as_its_folder_and_has_three_numbers() {
        for (name, manifest, expected) in [
            ("gh", r#"{"id": "gh", "version": "0.0.1"}"#, Ok("gh 0.0.1")),
            ("gh", "{\"id\": \"gh\",\r\n \"version\": \"1.20.3\"}\r\n", Ok("gh 1.20.3")),
            ("hub", r#"{"id": "gh", "version": "0.0.1"}"#, Err("the id is \"gh\", and the folder is \"hub\"")),
            ("Gh", r#"{"id": "Gh", "version": "0.0.1"}"#, Err("cannot be part of a repository's path")),
            ("gh", r#"{"version": "0.0.1"}"#, Err("it has no `id`")),
            ("gh", r#"{"id": 1, "version": "0.0.1"}"#, Err("it has no `id`")),
            ("gh", r#"{"id": "gh"}"#, Err("it has no `version`")),
            ("gh", r#"{"id": "gh", "version": "v1.2.3"}"#, Err("starts with `v`")),
            ("gh", r#"{"id": "gh", "version": "1.2"}"#, Err("three numbers")),
            ("gh", r#"{"id": "gh", "version": "1.2.3-rc.1"}"#, Err("is not MAJOR.MINOR.PATCH")),
            ("gh", "{\"id\": \"gh\", // x\n \"version\": \"0.0.1\"}", Err("byte 13")),
            ("gh", "\u{feff}{\"id\": \"gh\", \"version\": \"0.0.1\"}", Err("byte 0")),
            ("gh", "", Err("byte 0")),
        ] {
            let (_place, dir) = folder(name, manifest);
            let found = FeatureFolder::read(&dir).and_then(FeatureFolder::feature);
            match (found, expected) {
                (Ok(feature), Ok(told)) => assert_eq!(format!("{} {}", feature.id, feature.version), told),
                (Err(error), Err(told)) => assert!(error.to_string().contains(told), "{manifest}: {error}"),
                (found, expected) => panic!("{manifest}: {:?}, expected {expected:?}", found.map(|feature| feature.id)),
            }
        }
    }

    #[test]
    fn everything_in_the_folder_is_part_of_it_and_no_link_is() {
        let (_place, dir) = folder("gh", r#"{"id": "gh", "version": "0.0.1"}"#);
        fs::create_dir(dir.join("lib")).expect("a directory");
        fs::write(dir.join("lib/z"), "").expect("writes");
        fs::write(dir.join(".hidden"), "").expect("writes");
        let read = FeatureFolder::read(&dir).expect("a Feature");
        let paths: Vec<(&str, bool)> = read.files.iter().map(|file| (&*file.path, file.is_executable)).collect();
        assert_eq!(paths, [(".hidden", false), (MANIFEST, false), (INSTALL, true), ("lib/z", false)]);
        symlink("/etc/passwd", dir.join("lib/a")).expect("links");
        assert!(
            FeatureFolder::read(&dir)
                .expect_err("a link")
                .to_string()
                .ends_with("it is a link, and links are not packed")
        );
        fs::remove_file(dir.join("lib/a")).expect("removes");
        let rules = || {
            let (_, checked) = FeatureFolder::read(&dir).expect("a Feature").check().expect("text");
            checked.problems.iter().map(|problem| problem.rule.id()).filter(|id| *id == "CL133").count()
        };
        assert_eq!(rules(), 0);
        fs::set_permissions(dir.join(INSTALL), fs::Permissions::from_mode(0o644)).expect("is not executable");
        assert_eq!(rules(), 1);
        fs::remove_file(dir.join(INSTALL)).expect("removes");
        assert_eq!(rules(), 1);
        fs::remove_file(dir.join(MANIFEST)).expect("removes");
        assert!(matches!(FeatureFolder::read(&dir), Err(FeatureError::NoManifest(_))));
        assert!(matches!(FeatureFolder::read(&dir.join("gone")), Err(FeatureError::NoManifest(_))));
    }
}
