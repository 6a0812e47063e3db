//! What a unit would do, as a page to decide by.

use aileron_verifier::text::Untrusted;
use aileron_verifier::unit::Unit;
use serde_json::{Value, json};

use crate::consumer::unit::accepted::{rendering_hash, standing_among};
use crate::consumer::unit::reach::overlaps;
use crate::consumer::unit::{AcceptedUnit, Reach, ReachLine, UnitStanding};
use crate::ui::report::sheet::Sheet;

/// One unit, with what was said about it before.
pub(super) struct UnitView<'u> {
    pub(super) unit: &'u Unit,
    pub(super) standing: UnitStanding,
    reach: Reach,
    overlaps: Vec<String>,
}

impl<'u> UnitView<'u> {
    pub(super) fn of(unit: &'u Unit, accepted: &[AcceptedUnit]) -> UnitView<'u> {
        let standing = standing_among(accepted, unit);
        UnitView {
            unit,
            reach: standing.reach(unit),
            overlaps: overlaps(unit, accepted.iter().map(|accepted| &accepted.unit)),
            standing,
        }
    }

    /// Draws it: the unit's own texts stand right of ours.
    pub(super) fn draw(&self, sheet: &mut Sheet) {
        sheet.heading(&format!("Unit {}", Untrusted(&self.unit.name)));
        sheet.field("status", self.status());
        if let UnitStanding::Changed(before) = &self.standing {
            sheet.field("compared with", &format!("the one accepted from {}", Untrusted(&before.source)));
        }
        for (kind, label) in LABELS {
            for (index, line) in self.reach.lines.iter().filter(|line| line.kind == *kind).enumerate() {
                sheet.field(if index == 0 { label } else { "" }, &marked(line));
            }
        }
        for line in &self.reach.gone {
            sheet.entry(&format!("- no longer: {} {}", line.kind, Untrusted(&line.text)));
        }
        for note in &self.overlaps {
            sheet.entry(&format!("! {}", Untrusted(note)));
        }
        if self.unit.sealing.is_empty() {
            sheet.field("sends it to", "no host");
        }
        if let Some(presence) = &self.unit.presence {
            sheet.field("presence", &format!("{} (nothing depends on it)", Untrusted(&presence.builtin)));
        }
        sheet.field("hash", "");
        sheet.entry(&rendering_hash(self.unit).to_string());
    }

    fn status(&self) -> &'static str {
        match &self.standing {
            UnitStanding::Accepted => "accepted",
            UnitStanding::New => "not accepted: it is not used",
            UnitStanding::Changed(_) if self.reach.is_growth() => "it would do MORE than the one you accepted",
            UnitStanding::Changed(_) => "it would do less than the one you accepted",
        }
    }

    pub(super) fn json(&self) -> Value {
        let status = match &self.standing {
            UnitStanding::Accepted => "accepted",
            UnitStanding::New => "new",
            UnitStanding::Changed(_) => "changed",
        };
        json!({
            "unit": self.unit,
            "hash": rendering_hash(self.unit),
            "status": status,
            "reach": self.reach.lines,
            "gone": self.reach.gone,
            "growth": self.reach.is_growth(),
            "overlaps": self.overlaps,
            "capture": self.unit.capture(),
            "bindings": self.unit.entries(),
        })
    }
}

/// What each kind of line is called, in the order in which a person wants to know it.
const LABELS: &[(&str, &str)] = &[
    ("key", "credential"),
    ("host", "sends it to"),
    ("variable", "the tool gets"),
    ("login", "logs in with"),
    ("token", "reads it with"),
    ("environment", "environment"),
    ("container", "container"),
    ("image", "image"),
];

fn marked(line: &ReachLine) -> String {
    if line.new { format!("NEW: {}", Untrusted(&line.text)) } else { Untrusted(&line.text).to_string() }
}
