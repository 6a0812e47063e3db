//! Draws [`Event`]s: bars on a terminal, plain lines elsewhere, NDJSON with `--json`, nothing with `--quiet`. Always on
//! standard error; standard output belongs to the result.

use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::door::{self, Stream};
use crate::event::Event;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Not at all.
    Quiet,
    /// One line per finished step.
    Lines,
    /// Bars that move.
    Bars,
    /// One JSON object per line.
    Json,
}

impl Style {
    /// Quiet wins, then JSON, then what standard error is.
    pub fn choose(quiet: bool, json: bool) -> Style {
        match (quiet, json, std::io::stderr().is_terminal()) {
            (true, _, _) => Style::Quiet,
            (_, true, _) => Style::Json,
            (_, _, true) => Style::Bars,
            (_, _, false) => Style::Lines,
        }
    }
}

/// Takes events and draws them.
pub struct Progress {
    style: Style,
    current: Mutex<Option<(String, ProgressBar)>>,
}

impl Progress {
    /// Draws in this style.
    pub fn new(style: Style) -> Progress {
        Progress { style, current: Mutex::new(None) }
    }

    /// Draws one event.
    pub fn take(&self, event: Event) {
        let mut current = self.current.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match (self.style, event) {
            (Style::Quiet, _) | (Style::Lines | Style::Json, Event::Advance) => {}
            (Style::Json, Event::Begin { step, total }) => {
                document(&json!({"event": "begin", "step": step, "total": total}))
            }
            (Style::Json, Event::End { outcome }) => document(&json!({"event": "end", "outcome": outcome})),
            (Style::Json, Event::Note(text)) => document(&json!({"event": "note", "text": text})),
            (Style::Lines, Event::Begin { step, .. }) => *current = Some((step, ProgressBar::hidden())),
            (Style::Lines, Event::End { outcome }) => {
                let step = current.take().map(|(step, _)| step).unwrap_or_default();
                line(&format!("{step}: {outcome}"));
            }
            (Style::Lines, Event::Note(text)) => line(&text),
            (Style::Bars, Event::Begin { step, total }) => {
                let bar = bar(&step, total);
                *current = Some((step, bar));
            }
            (Style::Bars, Event::Advance) => {
                if let Some((_, bar)) = &*current {
                    bar.inc(1);
                }
            }
            (Style::Bars, Event::End { outcome }) => {
                if let Some((step, bar)) = current.take() {
                    bar.finish_and_clear();
                    line(&format!("{step}: {outcome}"));
                }
            }
            (Style::Bars, Event::Note(text)) => match &*current {
                Some((_, bar)) => bar.suspend(|| line(&text)),
                None => line(&text),
            },
        }
    }
}

fn bar(step: &str, total: usize) -> ProgressBar {
    let (length, template) = match total {
        0 => (None, "{spinner} {msg} {elapsed}"),
        _ => (Some(total as u64), "{msg} {wide_bar} {pos}/{len}"),
    };
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr()).with_message(door::bar_text(step));
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    if total == 0 {
        bar.enable_steady_tick(Duration::from_millis(120));
    }
    bar
}

// Standard error that is gone is no reason to stop a release.
fn line(text: &str) {
    let _ = door::write_line(Stream::Err, text);
}

fn document(event: &Value) {
    let _ = door::write_json(Stream::Err, &format!("{event}\n"));
}
