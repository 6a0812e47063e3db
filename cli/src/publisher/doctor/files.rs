//! Files of the repository that releases rest on: the workflows, beside their template, and what `--fix` may write.
//!
//! A workflow is its owner's: one that differs is a note and is never written over, no matter who changed it
//! (axodotdev/cargo-dist#400). Only a file that is not there is made.

use aileron_verifier::artifact::config::Signing;
use aileron_verifier::layout::PUBLISHER_KEY;
use aileron_verifier::name::fqn::Fqn;

use super::Finding;
use crate::event::counted;
use crate::publisher::build;
use crate::publisher::config::Config;
use crate::publisher::keys;
use crate::publisher::project::Project;
use crate::publisher::scaffold;
use crate::publisher::source::{Found, SourceError, Wanted};
use crate::sys::process::Spawner;

/// A file that can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingFile {
    /// Relative to the repository.
    pub path: String,
    /// What belongs there.
    pub text: String,
}

/// Most bytes of a workflow that is compared.
const LIMIT: u64 = 1 << 20;
/// What keeps a copy of the repository from releasing (rust-lang/rust-analyzer#3589).
const GUARD: &str = "github.repository ==";

/// What was found, and what can be made.
#[derive(Debug, Default)]
pub struct Files {
    /// One line for each thing.
    pub findings: Vec<Finding>,
    /// Files that are not there.
    pub missing: Vec<MissingFile>,
}

/// The workflows, then the key's README.
///
/// # Errors
/// [`SourceError`].
pub fn look(project: &Project, name: &Fqn, config: &Config, spawner: Spawner<'_>) -> Result<Files, SourceError> {
    let mut found = Files::default();
    let expected = expected(project, name, config);
    if expected.is_empty() {
        let message = "no template of ours has workflows for this repository: nothing to compare with";
        found.findings.push(Finding::note("workflows", message, "aileron-pub init --help"));
    }
    let wanted: Vec<Wanted<'_>> = expected.iter().map(|file| Wanted { path: &file.path, limit: LIMIT }).collect();
    for (file, there) in expected.iter().zip(project.files.read(&wanted, spawner)?) {
        found.findings.push(match there {
            Found::Absent => {
                found.missing.push(file.clone());
                Finding::problem("workflows", format!("there is no {}", file.path), "aileron-pub doctor --fix")
            }
            Found::Refused(_) => Finding::note("workflows", format!("{} is not a file", file.path), "git status"),
            Found::Bytes(bytes) => compared(file, &String::from_utf8_lossy(&bytes)),
        });
    }
    if let Ok(key) = keys::committed(&project.root) {
        let path = keys::README;
        let there = project.files.read(&[Wanted { path, limit: LIMIT }], spawner)?.pop().unwrap_or(Found::Absent);
        found.findings.extend(match there {
            Found::Absent => {
                found.missing.push(MissingFile { path: path.to_owned(), text: keys::readme(name, &key) });
                Some(Finding::note("key README", format!("there is no {path}"), "aileron-pub doctor --fix"))
            }
            Found::Bytes(bytes) if String::from_utf8_lossy(&bytes).contains(&key.fingerprint().to_string()) => None,
            Found::Bytes(_) | Found::Refused(_) => Some(Finding::note(
                "key README",
                format!("{path} does not name {}, the fingerprint of {PUBLISHER_KEY}", key.fingerprint()),
                "aileron-pub keys show",
            )),
        });
    }
    Ok(found)
}

fn compared(file: &MissingFile, there: &str) -> Finding {
    let path = &file.path;
    let releases = there.contains("command: release") || there.contains("aileron-pub release");
    if releases && !there.contains(GUARD) && file.text.contains(GUARD) {
        let message = format!("{path} has no `if: {GUARD} …`: a fork of the repository would try to release");
        return Finding::note(
            "workflows",
            message,
            format!("put that line into the job, as the template has it: {path}"),
        );
    }
    match differing(&file.text, there) {
        0 => Finding::ok("workflows", format!("{path} is the template's")),
        lines => Finding::note(
            "workflows",
            format!(
                "{path} differs from the template in {}, by hand or by a bot; it is left as it is",
                counted(lines, "line")
            ),
            format!("git log -p {path}"),
        ),
    }
}

/// Lines that only one of the two has, line ends aside.
fn differing(expected: &str, there: &str) -> usize {
    let mut left: Vec<&str> = there.lines().collect();
    let missing = expected.lines().filter(|line| match left.iter().position(|found| found == line) {
        Some(at) => {
            left.remove(at);
            false
        }
        None => true,
    });
    missing.count().max(left.len())
}

/// The workflows that `init` would write for this repository; none where nothing says how its connector is built.
fn expected(project: &Project, name: &Fqn, config: &Config) -> Vec<MissingFile> {
    let Ok(toolchain) = build::detect(&project.files, config.language) else { return Vec::new() };
    let signing = config.signing.unwrap_or(Signing::Ci);
    let workflows = scaffold::workflows(name, toolchain.template(), signing).unwrap_or_default();
    workflows.into_iter().map(|(path, text)| MissingFile { path, text }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_that_only_one_side_has() {
        for (expected, there, lines) in [
            ("a\nb\nc\n", "a\nb\nc\n", 0),
            ("a\nb\n", "a\r\nb\r\n", 0),
            ("a\nb\n", "b\na\n", 0),
            ("a\nb\n", "a\nB\n", 1),
            ("a\n", "a\nb\nc\n", 2),
            ("a\nb\nc\n", "a\n", 2),
            ("a\na\n", "a\n", 1),
        ] {
            assert_eq!(differing(expected, there), lines, "{expected:?} {there:?}");
        }
    }

    #[test] // axodotdev/cargo-dist#400; rust-lang/rust-analyzer#3589
    fn a_workflow_changed_by_hand_or_by_a_bot_is_a_note_and_one_that_forks_would_run_says_so() {
        let text = "job:\n  if: github.repository == 'acme/tea'\n  uses: x@1\n  with:\n    command: release\n";
        let file = MissingFile { path: ".github/workflows/release.yml".to_owned(), text: text.to_owned() };
        for (there, verdict, words) in [
            (text.to_owned(), super::super::Verdict::Ok, "is the template's"),
            (text.replace("x@1", "x@2"), super::super::Verdict::Note, "in 1 line, by hand or by a bot"),
            (text.replace("  if: github.repository == 'acme/tea'\n", ""), super::super::Verdict::Note, "a fork"),
        ] {
            let found = compared(&file, &there);
            assert_eq!(found.verdict, verdict, "{}", found.message);
            assert!(found.message.contains(words), "{}", found.message);
        }
    }
}
