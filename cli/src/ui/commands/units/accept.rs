//! `unit accept`: the units of a source may be used, after a question.

use std::time::Duration;

use aileron_verifier::problem::Class;
use clap::Args;
use serde_json::{Value, json};

use super::open::SourceFlags;
use super::view::UnitView;
use crate::consumer::trust::prompt::{Console as _, consents};
use crate::consumer::unit::{UnitStanding, UnitsFile};
use crate::ui::args::{duration, examples};
use crate::ui::commands::unit_document::no_units;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::console::Terminal;
use crate::ui::report::sheet::{self, Sheet};
use crate::ui::report::{Exit, Failure, Outcome};

/// Let the units of a source be used by `auth` and `seal`, after showing what they would do.
///
/// The answer is remembered for exactly what was shown: a unit that changes is asked about again. Without a person the answer
/// is no, unless --yes is given.
#[derive(Debug, Args)]
#[command(after_help = examples!("aileron unit accept image:acme/dev", "aileron unit accept gh --yes"))]
pub(crate) struct Accept {
    #[command(flatten)]
    source: SourceFlags,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Wait this long for another command that changes the accepted units [default: 1m].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    wait_lock: Option<Duration>,
}

impl Verb for Accept {
    fn run(self, context: &Context) -> Answer {
        let document = self.source.open(context)?;
        let units = document.units()?;
        if units.is_empty() {
            return Err(no_units(&self.source.source));
        }
        let file = UnitsFile::at_home(&context.environment)?.waiting(context.waiting(self.wait_lock));
        let accepted = file.load()?;
        let views: Vec<UnitView<'_>> = units.iter().map(|unit| UnitView::of(unit, &accepted)).collect();
        let fields = |outcome: &str| {
            json!({
                "source": self.source.source,
                "outcome": outcome,
                "units": views.iter().map(UnitView::json).collect::<Vec<Value>>(),
                "file": file.path().display().to_string(),
            })
        };
        let open: Vec<&UnitView<'_>> = views.iter().filter(|view| view.standing != UnitStanding::Accepted).collect();
        if open.is_empty() {
            return Ok(Outcome::new("Accepted already, and unchanged.\n", fields("unchanged")));
        }
        let mut sheet = Sheet::new(sheet::width());
        for view in &open {
            view.draw(&mut sheet);
            sheet.blank();
        }
        let mut console = Terminal { json: context.output.json };
        let cannot_ask = |error: std::io::Error| {
            Failure::new(Class::ApprovalDenied, Exit::Failure, format!("cannot ask whether to accept: {error}"))
        };
        console.say(&sheet.into_text()).map_err(cannot_ask)?;
        let question = if open.len() == 1 { "Accept it? [y/N]: " } else { "Accept all of this? [y/N]: " };
        if !self.yes && !consents(&mut console, question).map_err(cannot_ask)? {
            return Ok(Outcome::new("Not accepted.\n", fields("declined")).with_failure(Some(Failure::new(
                Class::ApprovalDenied,
                Exit::Failure,
                "not accepted; nothing was changed",
            ))));
        }
        for view in &open {
            file.accept(view.unit, &self.source.source)?;
        }
        let names: Vec<String> =
            open.iter().map(|view| aileron_verifier::text::Untrusted(&view.unit.name).to_string()).collect();
        let text = format!("Accepted {}.\n", names.join(", "));
        Ok(Outcome::new(text, fields("accepted")))
    }
}
