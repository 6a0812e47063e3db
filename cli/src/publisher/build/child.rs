//! A toolchain's programs: they run in the copy, and what they say has the paths of the repository.

use std::path::{Component, MAIN_SEPARATOR, Path, PathBuf};

use super::BuildError;
use crate::sys::process::{Command, Finished, ProcessError};

/// What is known of a toolchain's programs before they run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tool<'a> {
    /// The program, as errors name it.
    pub(super) program: &'static str,
    /// How to get it.
    pub(super) advice: &'static str,
    /// What else can be done, as the end of that sentence.
    pub(super) instead: &'static str,
    /// How names of source files end, as it prints them.
    pub(super) sources: &'a [&'a str],
    /// The copied repository.
    pub(super) copy: &'a Path,
    /// The directory, below `copy`, that the names it prints are relative to.
    pub(super) base: &'a Path,
}

impl Tool<'_> {
    /// Runs it to a good end.
    ///
    /// # Errors
    /// [`BuildError::NoToolchain`], [`BuildError::Failed`] with its own words, [`BuildError::Process`].
    pub(super) fn run(self, command: Command<'_>) -> Result<Finished, BuildError> {
        let finished = command.run().map_err(|error| match error {
            ProcessError::NotFound { program } => {
                BuildError::NoToolchain { program, advice: self.advice, instead: self.instead }
            }
            other => BuildError::Process(other),
        })?;
        if finished.status.success() {
            return Ok(finished);
        }
        let said = [&*finished.stderr, &*finished.stdout].map(String::from_utf8_lossy);
        let output = said.iter().flat_map(|text| text.lines()).map(|line| self.with_repository_paths(line) + "\n");
        let output = output.collect::<String>().trim_end().to_owned();
        Err(BuildError::Failed { program: self.program, status: finished.status, output })
    }

    /// A line of the compiler's, with the paths a person has: the copy's own go, and what is relative to [`Tool::base`]
    /// becomes relative to the repository.
    pub(super) fn with_repository_paths(self, line: &str) -> String {
        let mut line: String =
            line.split_inclusive(char::is_whitespace).map(|word| self.word_with_root(word)).collect();
        let real = self.copy.canonicalize().unwrap_or_else(|_| self.copy.to_owned());
        for root in [real.as_path(), self.copy] {
            line = line.replace(&format!("{}{MAIN_SEPARATOR}", root.display()), "");
            if let Some(rest) = line.strip_suffix(&root.display().to_string()) {
                line = format!("{rest}.");
            }
        }
        line
    }

    /// A word of a line: `./main.go:3:5:` becomes `connector/main.go:3:5:`.
    fn word_with_root(self, word: &str) -> String {
        let unchanged = || word.to_owned();
        let Some((path, rest)) = word.split_once(':') else { return unchanged() };
        let is_of_a_path = |c: char| c.is_alphanumeric() || "._-+/\\".contains(c);
        let is_source = self.sources.iter().any(|end| path.ends_with(end)) && path.chars().all(is_of_a_path);
        if !is_source || path.starts_with(['/', '\\']) {
            return unchanged();
        }
        let Ok(below) = self.base.strip_prefix(self.copy) else { return unchanged() };
        format!("{}:{rest}", joined(below, Path::new(path)).display())
    }
}

/// `path` from `base`, without `.` and `..`, whatever is on disk. What leaves the root stays at it.
pub(super) fn joined(base: &Path, path: &Path) -> PathBuf {
    let mut joined = base.to_owned();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(joined.pop()),
            Component::Normal(name) => joined.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => joined.push(part),
        }
    }
    joined
}

/// Whether a path that a source file names, relative to `base`, leads out of the copied repository: as it is on disk, or, where
/// nothing is there, as it is written.
pub(super) fn leaves(base: &Path, path: &Path, copy: &Path) -> bool {
    let inside = copy.canonicalize().unwrap_or_else(|_| copy.to_owned());
    match base.join(path).canonicalize() {
        Ok(real) => !real.starts_with(inside),
        Err(_) => !joined(base, path).starts_with(copy),
    }
}

/// The first line, from 1, of a file's text that names this path outside of a comment.
pub(super) fn line_of(text: &str, path: &str) -> Option<usize> {
    let code = |line: &str| line.split(" //").next().unwrap_or_default().trim_start().to_owned();
    let names = |line: &str| !line.starts_with("//") && line.contains(path);
    text.lines().position(|line| names(&code(line))).map(|line| line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_copy_become_paths_of_the_repository() {
        let tool = |base| Tool {
            program: "x",
            advice: "",
            instead: "",
            sources: &[".go", "go.mod", "go.work", ".rs", "Cargo.toml", ".zig"],
            copy: Path::new("/tmp/copy"),
            base: Path::new(base),
        };
        for (line, shown) in [
            ("./main.go:3:5: undefined: x", "connector/main.go:3:5: undefined: x"),
            ("\t./main.go:3:5: other declaration", "\tconnector/main.go:3:5: other declaration"),
            ("main.go:1:1: expected 'package'", "connector/main.go:1:1: expected 'package'"),
            ("../shared/a.go:1:2: no", "shared/a.go:1:2: no"),
            ("/tmp/copy/connector/go.mod:3: unknown", "connector/go.mod:3: unknown"),
            ("go: errors parsing /tmp/copy/go.work:", "go: errors parsing go.work:"),
            ("build constraints exclude all Go files in /tmp/copy", "build constraints exclude all Go files in ."),
            ("/usr/local/go/src/io/io.go:1: no", "/usr/local/go/src/io/io.go:1: no"),
            ("# github.com/acme/x/connector", "# github.com/acme/x/connector"),
            ("  --> src/main.rs:3:5", "  --> connector/src/main.rs:3:5"),
            (" 3 | let x = \"src/main.rs:3\";", " 3 | let x = \"src/main.rs:3\";"),
            (
                "failed to parse manifest at `/tmp/copy/connector/Cargo.toml`",
                "failed to parse manifest at `connector/Cargo.toml`",
            ),
            ("src/main.zig:9:1: error: no", "connector/src/main.zig:9:1: error: no"),
            ("    main: src/main.zig:10:5", "    main: connector/src/main.zig:10:5"),
            ("std.rs is not a path", "std.rs is not a path"),
        ] {
            assert_eq!(tool("/tmp/copy/connector").with_repository_paths(line), shown);
        }
        assert_eq!(tool("/tmp/copy").with_repository_paths(" --> shared/src/lib.rs:1:1"), " --> shared/src/lib.rs:1:1");
    }

    #[test]
    fn a_path_that_leads_out_is_seen_on_disk_and_as_written() {
        let temp = tempfile::tempdir().unwrap();
        let copy = temp.path().join("copy");
        std::fs::create_dir_all(copy.join("connector")).unwrap();
        std::fs::create_dir_all(temp.path().join("outside")).unwrap();
        let base = copy.join("connector");
        for (path, out) in [
            ("../../outside", true),
            ("../../nowhere", true),
            ("/nowhere", true),
            ("../nowhere", false),
            ("../connector", false),
            (".", false),
        ] {
            assert_eq!(leaves(&base, Path::new(path), &copy), out, "{path}");
        }
    }
}
