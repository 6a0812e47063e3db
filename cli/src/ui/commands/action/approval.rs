//! What a person is asked before an action runs: its arguments, and the preview that its connector made. sandbox.md 15a.
//!
//! All of it is other people's text. It stands further right than our own lines, on every line it takes, and there is so
//! much of it at most that the question below stays on the screen.

use std::io;

use aileron_verifier::artifact::action::Action;
use aileron_verifier::text::{Untrusted, printable};

use crate::consumer::trust::prompt::{Console as _, consents};
use crate::runtime::arguments::Arguments;
use crate::runtime::interpolate::rendered;
use crate::runtime::runner::{ApprovalRequest, Approver, Decision};
use crate::runtime::steps::Preview;
use crate::ui::report::console::Terminal;
use crate::ui::report::door::{self, Stream};
use crate::ui::report::sheet::{Sheet, width};

/// Asks on the terminal. Only a plain yes is one; the end of input is a no. sandbox.md 15a.
pub(in crate::ui::commands) struct Prompt {
    /// Whether what is shown is JSON.
    pub(in crate::ui::commands) json: bool,
}

impl Approver for Prompt {
    fn decide(&mut self, request: &ApprovalRequest<'_>) -> io::Result<Decision> {
        let text = approval_text(request);
        // The result is on standard output, one document: what is asked goes beside it.
        let mut console = Terminal { json: self.json };
        let approved = if self.json {
            console.say(&text)?;
            consents(&mut console, "Run it? [y/N]: ")?
        } else {
            door::write_text(Stream::Err, &format!("{text}Run it? [y/N]: "))?;
            consents(&mut console, "")?
        };
        Ok(if approved { Decision::Approved } else { Decision::Denied })
    }
}

/// What is shown before the question.
pub(in crate::ui::commands) fn approval_text(request: &ApprovalRequest<'_>) -> String {
    approval(request.action, request.arguments, request.preview, width())
}

/// Most lines before the question.
const LINES: usize = 40;

/// The screen that the approval question follows: at most [`LINES`] lines.
fn approval(action: &Action, arguments: &Arguments, preview: Option<&Preview>, width: usize) -> String {
    let mut sheet = Sheet::new(width);
    sheet.heading(&format!(
        "{} {} wants your approval.",
        Untrusted(&action.name.value),
        Untrusted(action.version.value.as_str())
    ));
    for (name, value) in arguments {
        entry(&mut sheet, name, &rendered(value));
    }
    match preview {
        Some(Ok(lines)) => {
            sheet.heading("Preview:");
            lines.iter().for_each(|(label, value)| entry(&mut sheet, label, value));
        }
        Some(Err(why)) => sheet.entry(&printable(why)),
        None => {}
    }
    cut(&sheet.into_text())
}

/// A label and a value. Both are foreign; a value of several lines keeps them.
fn entry(sheet: &mut Sheet, label: &str, value: &str) {
    let mut lines = value.lines();
    sheet.entry(&format!("{}: {}", Untrusted(label), printable(lines.next().unwrap_or_default())));
    lines.for_each(|line| sheet.entry_line(&printable(line)));
}

fn cut(text: &str) -> String {
    let count = text.lines().count();
    if count <= LINES {
        return text.to_owned();
    }
    let kept: String = text.split_inclusive('\n').take(LINES - 1).collect();
    format!("{kept}… and {} more lines that are not shown\n", count + 1 - LINES)
}

#[cfg(test)]
mod tests;
