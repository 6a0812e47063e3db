//! A unit's document, named on the command line: what it is, what it holds, and what is wrong with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aileron_verifier::problem::{Class, Problem, Severity, Source};
use aileron_verifier::text::json::tape::{Kind, Syntax, Tape};
use aileron_verifier::unit::{Checked, Folder, MANIFEST, Unit, check_feature, check_label, check_unit};
use serde_json::{Value, json};

use super::Context;
use crate::event::counted;
use crate::sys::disk;
use crate::ui::report::{Exit, Failure, problem_json, problems_drawn, shown};

/// Most bytes of a label that are read; a Dockerfile holds 1.3 MB of them.
pub(super) const LABEL_LIMIT: u64 = 4 << 20;

/// Most bytes of a unit or a manifest that are read: one more than is taken, so that what is too long is said by the reader.
const LIMIT: u64 = (1 << 20) + 1;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DocumentKind {
    /// A unit that stands alone.
    Unit,
    /// A Feature's manifest.
    Feature,
    /// The label of an image.
    Label,
}

impl DocumentKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            DocumentKind::Unit => "unit",
            DocumentKind::Feature => "feature",
            DocumentKind::Label => "label",
        }
    }
}

/// A path of the command line, from the directory that `-C` names.
pub(super) fn below(context: &Context, path: &Path) -> PathBuf {
    context.repository.strip_prefix(".").unwrap_or(&context.repository).join(path)
}

/// A document and everything there is to say about it.
pub(super) struct UnitDocument {
    pub(super) kind: DocumentKind,
    pub(super) source: Source,
    pub(super) checked: Checked,
}

impl UnitDocument {
    /// Reads a file, or the manifest of a Feature's folder.
    ///
    /// # Errors
    /// There is no such file, or it is not text.
    pub(super) fn open(path: &Path) -> Result<UnitDocument, Failure> {
        if path.is_dir() {
            let manifest = path.join(MANIFEST);
            let Some(bytes) = disk::read_if_there(&manifest, LIMIT)? else {
                let message = format!("{} has no {MANIFEST}", shown(path));
                return Err(Failure::new(Class::FetchFailed, Exit::NotFound, message)
                    .next("name a Feature's folder, its manifest, or a unit's file"));
            };
            return UnitDocument::feature(&manifest, bytes);
        }
        let bytes = disk::read(path, LIMIT)?;
        match path.file_name().is_some_and(|name| name == MANIFEST) {
            true => UnitDocument::feature(path, bytes),
            false => UnitDocument::of(&shown(path), bytes),
        }
    }

    /// A manifest, with the folder it lies in.
    fn feature(path: &Path, bytes: Vec<u8>) -> Result<UnitDocument, Failure> {
        let source = text(&shown(path), bytes)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = disk::canonical(parent)?.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut files = BTreeMap::new();
        for (name, kind) in disk::list(parent)?.unwrap_or_default() {
            let executable = kind.is_file() && disk::is_executable(&parent.join(&name))?;
            let mode = if executable { 0o100_755 } else { 0o100_644 };
            files.insert(name.to_string_lossy().into_owned(), mode);
        }
        let folder = name.map(|name| Folder { name, files });
        let checked = check_feature(&source, folder.as_ref());
        Ok(UnitDocument { kind: DocumentKind::Feature, source, checked })
    }

    /// Bytes without a folder around them: what they are is seen by what they hold.
    pub(super) fn of(path: &str, bytes: Vec<u8>) -> Result<UnitDocument, Failure> {
        let source = text(path, bytes)?;
        let kind = kind_of(&source);
        let checked = match kind {
            DocumentKind::Unit => check_unit(&source),
            DocumentKind::Feature => check_feature(&source, None),
            DocumentKind::Label => check_label(&source),
        };
        Ok(UnitDocument { kind, source, checked })
    }

    /// The value of a label.
    pub(super) fn label(path: &str, bytes: Vec<u8>) -> Result<UnitDocument, Failure> {
        let source = text(path, bytes)?;
        let checked = check_label(&source);
        Ok(UnitDocument { kind: DocumentKind::Label, source, checked })
    }

    /// The units, or why the document is refused. Findings of the lint do not refuse it.
    pub(super) fn units(&self) -> Result<&[Unit], Failure> {
        match &self.checked.error {
            None => Ok(&self.checked.units),
            Some(error) => {
                let failure = Failure::new(error.rule().class(), Exit::Refused, error.to_string());
                let failure = match error.problems.first() {
                    Some(first) => failure.at(first, Some(&self.source)),
                    None => failure,
                };
                let listed: Vec<Value> =
                    error.problems.iter().map(|problem| problem_json(problem, Some(&self.source), &[])).collect();
                Err(failure
                    .drawing(problems_drawn(&error.problems, &self.source))
                    .details(json!({"problems": listed}))
                    .next(error.rule().help()))
            }
        }
    }

    /// The one unit, for a verb that is about one.
    pub(super) fn unit(&self) -> Result<&Unit, Failure> {
        match self.units()? {
            [unit] => Ok(unit),
            [] => Err(no_units(&self.source.path)),
            [..] => {
                let message = format!("{} holds several units", self.source.path);
                Err(Failure::usage(message).next("name a file that holds one"))
            }
        }
    }

    /// Errors, warnings and notes.
    pub(super) fn counts(&self) -> [usize; 3] {
        [Severity::Error, Severity::Warning, Severity::Note].map(|severity| self.of_severity(severity).len())
    }

    pub(super) fn of_severity(&self, severity: Severity) -> Vec<Problem> {
        let problems = self.checked.problems.iter();
        problems.filter(|problem| problem.rule.severity() == severity).cloned().collect()
    }

    /// The findings, drawn: notes first, errors last, where a person looks.
    pub(super) fn drawn(&self) -> String {
        let mut text = String::new();
        for severity in [Severity::Note, Severity::Warning, Severity::Error] {
            let drawn = problems_drawn(&self.of_severity(severity), &self.source).listed().text();
            if !drawn.is_empty() {
                text.push_str(&drawn);
                text.push_str("\n\n");
            }
        }
        text
    }

    /// `2 errors, 1 warning`, and notes where there are some.
    pub(super) fn summary(&self) -> String {
        let [errors, warnings, notes] = self.counts();
        let text = format!("{}, {}", counted(errors, "error"), counted(warnings, "warning"));
        if notes > 0 { format!("{text}, {}", counted(notes, "note")) } else { text }
    }

    pub(super) fn problems_json(&self) -> Vec<Value> {
        self.checked.problems.iter().map(|problem| problem_json(problem, Some(&self.source), &[])).collect()
    }
}

/// A document in which there is nothing to look at.
pub(super) fn no_units(path: &str) -> Failure {
    Failure::new(Class::ValidationError, Exit::NotFound, format!("{path} has no unit in it"))
        .next("a Feature carries its unit at customizations.aileron.cli; an image carries those of its Features")
}

fn text(path: &str, bytes: Vec<u8>) -> Result<Source, Failure> {
    Source::read(path, bytes).map_err(|problem| {
        let message = format!("{path}: {}", problem.message);
        Failure::new(problem.rule.class(), Exit::Refused, message).next(problem.rule.help())
    })
}

/// A JSON array is a label, an object with a Feature's members a manifest; everything else is for the unit's reader.
fn kind_of(source: &Source) -> DocumentKind {
    let Ok(tape) = Tape::read(source.text.as_bytes(), Syntax::WITH_COMMENTS) else { return DocumentKind::Unit };
    let root = tape.root();
    match root.kind() {
        Kind::List => DocumentKind::Label,
        Kind::Object if ["id", "version", "customizations"].iter().any(|name| root.member(name).is_some()) => {
            DocumentKind::Feature
        }
        _ => DocumentKind::Unit,
    }
}
