//! Rules that are waived.

use serde::{Deserialize, Serialize};

use super::{Problem, Rule, Severity};

/// `--allow` named something that cannot be waived.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWaivable {
    /// The id belongs to no rule.
    #[error("there is no rule \"{0}\"")]
    Unknown(String),
    /// The rule stands for everyone.
    #[error("rule \"{0}\" cannot be waived")]
    Fixed(&'static Rule),
}

/// A waived rule, as `--allow` names it and `cohort.json` records it.
///
/// Its text is read by the room that knows every family's table: `crate::rules`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Waiver(&'static Rule);

impl Waiver {
    /// Waives a rule.
    ///
    /// # Errors
    /// [`NotWaivable::Fixed`] unless the rule's table says that it may be waived.
    pub fn of(rule: &'static Rule) -> Result<Waiver, NotWaivable> {
        if rule.is_waivable() { Ok(Waiver(rule)) } else { Err(NotWaivable::Fixed(rule)) }
    }

    /// The rule that is waived; always a waivable one.
    pub fn rule(self) -> &'static Rule {
        self.0
    }
}

impl From<Waiver> for String {
    fn from(waiver: Waiver) -> String {
        waiver.0.id().to_owned()
    }
}

impl Problem {
    /// Whether it stops anything once `waived` is taken into account.
    pub fn severity(&self, waived: &[Waiver]) -> Severity {
        if waived.iter().any(|waiver| waiver.rule() == self.rule) { Severity::Warning } else { self.rule.severity() }
    }
}
