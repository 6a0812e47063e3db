//! `unit show`: what the units of a source would do.

use clap::Args;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::open::SourceFlags;
use super::view::UnitView;
use crate::consumer::unit::UnitsFile;
use crate::ui::args::examples;
use crate::ui::commands::unit_document::UnitDocument;
use crate::ui::commands::{Answer, Context, Verb};
use crate::ui::report::Outcome;
use crate::ui::report::sheet::{self, Sheet};

/// Show which hosts would get which credential, how it is acquired, and what of it you have accepted.
///
/// Nothing is run but `docker image inspect` or `podman image inspect`, and only for image:NAME.
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "aileron unit show gh/devcontainer-feature.json",
    "aileron unit show image:acme/dev --json",
    "aileron unit show - < label.json"
))]
pub(crate) struct Show {
    #[command(flatten)]
    source: SourceFlags,
}

impl Verb for Show {
    fn run(self, context: &Context) -> Answer {
        let document = self.source.open(context)?;
        let units = document.units()?;
        let accepted = UnitsFile::at_home(&context.environment)?.load()?;
        let views: Vec<UnitView<'_>> = units.par_iter().map(|unit| UnitView::of(unit, &accepted)).collect();
        // A script is not drawn anything, and for a person nothing is made that only a script reads.
        let (text, fields) = match context.output.json {
            true => (String::new(), self.fields(&document, &views)),
            false => (self.drawn(&document, &views), json!({})),
        };
        Ok(Outcome::new(text, fields))
    }
}

impl Show {
    fn fields(&self, document: &UnitDocument, views: &[UnitView<'_>]) -> Value {
        let mut fields = json!({"source": self.source.source, "kind": document.kind.as_str()});
        // Put in afterwards: the macro copies what it is given, here all of it.
        fields["units"] = Value::Array(views.par_iter().map(UnitView::json).collect());
        fields["problems"] = Value::Array(document.problems_json());
        fields
    }

    fn drawn(&self, document: &UnitDocument, views: &[UnitView<'_>]) -> String {
        let mut sheet = Sheet::new(sheet::width());
        if views.is_empty() {
            sheet.heading("No units.");
        }
        for (index, view) in views.iter().enumerate() {
            if index > 0 {
                sheet.blank();
            }
            view.draw(&mut sheet);
        }
        let [errors, warnings, _] = document.counts();
        if errors + warnings > 0 {
            sheet.blank();
            let source = aileron_verifier::text::Untrusted(&self.source.source);
            sheet.heading(&format!("{} in it: aileron-pub unit check {source} says which", document.summary()));
        }
        sheet.into_text()
    }
}
