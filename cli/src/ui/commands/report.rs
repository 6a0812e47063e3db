//! `report`: the journal of a version as a timeline. No request is sent.

use aileron_verifier::name::version::Version;
use aileron_verifier::problem::Class;
use clap::Args;
use serde_json::{Value, json};

use super::{Answer, Context, Verb};
use crate::event::counted;
use crate::github::RequestKind;
use crate::publisher::forge::github::journal::{self, JournalEvent, Line, WriteRecord, instant};
use crate::sys::calendar::{moment, rfc3339};
use crate::sys::clock::{Clock as _, Machine};
use crate::ui::args::{examples, version};
use crate::ui::report::table::table;
use crate::ui::report::{Exit, Failure, Outcome};

/// Show what the runs of a version did on GitHub, and what they waited for.
///
/// Read from dist/VERSION/journal.jsonl; sends no request.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron-pub report v0.1.0", "aileron-pub report v0.1.0 --json"))]
pub(crate) struct Report {
    /// The version, with or without `v`.
    #[arg(value_parser = version)]
    version: Version,
}

impl Verb for Report {
    fn run(self, context: &Context) -> Answer {
        let directory = context.dist(self.version.as_str())?;
        let Some((lines, skipped)) = journal::lines(&directory)? else {
            let message = format!("there is no {}", directory.join(journal::FILE).display());
            let failure = Failure::new(Class::FetchFailed, Exit::NotFound, message);
            return Err(failure.next(format!("aileron-pub status v{}, for what stands on GitHub", self.version)));
        };
        let runs = runs(&lines);
        let mut text = String::new();
        for (number, run) in runs.iter().enumerate() {
            text.push_str(&format!("run {} of {}\n", number + 1, runs.len()));
            text.push_str(&table(&["time", "what"], &run.rows()));
        }
        if skipped > 0 {
            text.push_str(&format!("{} of the journal could not be read, left out\n", counted(skipped, "line")));
        }
        let fields = json!({
            "version": self.version,
            "runs": runs.iter().map(JournalRun::json).collect::<Vec<_>>(),
            "lines_skipped": skipped,
        });
        Ok(Outcome::new(text, fields))
    }

    fn version(&self) -> Option<&Version> {
        Some(&self.version)
    }
}

/// The lines of one run.
struct JournalRun<'a> {
    lines: &'a [Line],
}

/// A run begins with its first line, and ends before the next one's. Reads of before the lock come first.
fn runs(lines: &[Line]) -> Vec<JournalRun<'_>> {
    let ends = |line: &Line| matches!(line.event, JournalEvent::End { .. });
    let mut runs: Vec<JournalRun<'_>> = Vec::new();
    let mut from = 0;
    for (at, line) in lines.iter().enumerate() {
        // A run that was killed has no end: the next one's first line shows it.
        let begins = matches!(line.event, JournalEvent::Begin { .. }) && lines[from..at].iter().any(is_begin);
        if begins {
            let first = lines[from..at].iter().rposition(|line| !is_read(line)).map_or(from, |last| from + last + 1);
            runs.push(JournalRun { lines: &lines[from..first] });
            from = first;
        }
        if ends(line) {
            runs.push(JournalRun { lines: &lines[from..=at] });
            from = at + 1;
        }
    }
    if from < lines.len() {
        runs.push(JournalRun { lines: &lines[from..] });
    }
    runs
}

fn is_begin(line: &Line) -> bool {
    matches!(line.event, JournalEvent::Begin { .. })
}

fn is_read(line: &Line) -> bool {
    matches!(line.event, JournalEvent::Answer { kind: RequestKind::Read, .. })
}

impl JournalRun<'_> {
    fn answers(&self, wanted: RequestKind) -> usize {
        self.lines
            .iter()
            .filter(|line| matches!(&line.event, JournalEvent::Answer { kind, .. } if *kind == wanted))
            .count()
    }

    fn done(&self) -> usize {
        self.lines.iter().filter(|line| matches!(line.event, JournalEvent::Done(_))).count()
    }

    fn how(&self) -> &str {
        let how = self.lines.iter().find_map(|line| match &line.event {
            JournalEvent::End { how } => Some(how.as_str()),
            _ => None,
        });
        how.unwrap_or("no end recorded (killed, or still running)")
    }

    /// What a person wants to see: the beginning, stretches of writes, waits, trouble, the end.
    fn rows(&self) -> Vec<Vec<String>> {
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut stretch: Option<(u64, usize, &WriteRecord, &WriteRecord)> = None;
        let now = Machine.now();
        let mut row = |at: u64, what: String| rows.push(vec![moment(instant(at), now), what]);
        for Line { at, event } in self.lines {
            if let JournalEvent::Done(write) = event {
                stretch = Some(match stretch {
                    Some((began, count, first, _)) => (began, count + 1, first, write),
                    None => (*at, 1, write, write),
                });
                continue;
            }
            let trouble = match event {
                JournalEvent::Begin { repository, version, commit, tool } => {
                    let commit = commit.get(..10).unwrap_or(commit);
                    Some(format!("{repository}@{version} from commit {commit}, by aileron-pub {tool}"))
                }
                JournalEvent::Wait { until, why } => {
                    Some(format!("waiting until {} ({why})", moment(instant(*until), instant(*at))))
                }
                JournalEvent::Answer { status: None, why, .. } => {
                    Some(format!("no answer: {}", why.as_deref().unwrap_or("the connection ended")))
                }
                JournalEvent::Answer { status: Some(status @ 400..), request, .. } if *status != 404 => {
                    let request = request.as_deref().map(|id| format!(", request {id}")).unwrap_or_default();
                    Some(format!("HTTP {status}{request}"))
                }
                JournalEvent::Burned { tag } => Some(format!("{tag} can never be published again")),
                _ => None,
            };
            if let Some(what) = trouble {
                if let Some(stretch) = stretch.take() {
                    row(stretch.0, stretch_text(stretch));
                }
                row(*at, what);
            }
        }
        if let Some(stretch) = stretch {
            row(stretch.0, stretch_text(stretch));
        }
        let last = self.lines.last().map_or(0, |line| line.at);
        let counts = format!(
            "{} creations, {} changes, {} reads",
            self.answers(RequestKind::Creation),
            self.answers(RequestKind::Change),
            self.answers(RequestKind::Read)
        );
        row(last, format!("{} ({counts})", self.how()));
        rows
    }

    fn json(&self) -> Value {
        let waits: Vec<Value> = self
            .lines
            .iter()
            .filter_map(|line| match &line.event {
                JournalEvent::Wait { until, why } => {
                    Some(json!({"at": stamp(line.at), "until": stamp(*until), "why": why}))
                }
                _ => None,
            })
            .collect();
        json!({
            "began": self.lines.first().map(|line| stamp(line.at)),
            "ended": self.lines.last().map(|line| stamp(line.at)),
            "how": self.how(),
            "writes": self.done(),
            "requests": {
                "creations": self.answers(RequestKind::Creation),
                "changes": self.answers(RequestKind::Change),
                "reads": self.answers(RequestKind::Read),
            },
            "waits": waits,
            "lines": self.lines,
        })
    }
}

fn stretch_text((_, count, first, last): (u64, usize, &WriteRecord, &WriteRecord)) -> String {
    if count == 1 { first.line() } else { format!("{count} writes, from {} to {}", first.line(), last.line()) }
}

fn stamp(at: u64) -> String {
    rfc3339(instant(at))
}
