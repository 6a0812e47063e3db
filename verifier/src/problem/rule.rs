//! A rule: one row of its family's table.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::Class;

/// Does a broken rule stop a release, or is it reported only?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Stops `check`, `release` and installs, unless the rule is waivable and was waived.
    Error,
    /// Reported only.
    Warning,
    /// Worth knowing, and often intended.
    Note,
}

impl Severity {
    /// `error`, `warning` or `note`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// What a broken rule does, as a table's row says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Severity `error`.
    Error,
    /// Severity `error`, and `--allow` may name it.
    Waivable,
    /// Severity `warning`.
    Warning,
    /// Severity `note`.
    Note,
}

/// A rule a document or a repository can break: a row of its family's table, and there is one such row.
///
/// The id is stable and public. Rules compare by their place: the order of the families, then that of the table. A rule that
/// is an error in most cases and a warning in one has that case beside its row: same id, other words, a value of its own, so
/// that what a problem stops is always said by the problem itself.
pub struct Rule {
    place: (u8, u16),
    id: &'static str,
    class: Class,
    effect: Effect,
    short: &'static str,
    help: &'static str,
}

impl Rule {
    /// A row, as [`rules!`] writes it.
    pub(crate) const fn row(
        place: (u8, u16),
        id: &'static str,
        (class, effect): (Class, Effect),
        (short, help): (&'static str, &'static str),
    ) -> Rule {
        Rule { place, id, class, effect, short, help }
    }

    /// The case in which breaking `rule` is a warning only.
    pub(crate) const fn milder(rule: &Rule, short: &'static str, help: &'static str) -> Rule {
        Rule { place: rule.place, id: rule.id, class: rule.class, effect: Effect::Warning, short, help }
    }

    /// The stable identifier, as `check --json` prints it and `--allow` takes it.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// The failure class a broken rule has.
    pub fn class(&self) -> Class {
        self.class
    }

    /// Whether it stops anything.
    pub fn severity(&self) -> Severity {
        match self.effect {
            Effect::Error | Effect::Waivable => Severity::Error,
            Effect::Warning => Severity::Warning,
            Effect::Note => Severity::Note,
        }
    }

    /// Whether `--allow` may name it. artifacts.md §3.
    pub fn is_waivable(&self) -> bool {
        self.effect == Effect::Waivable
    }

    /// A few words for the place itself, drawn under the source line.
    pub fn short(&self) -> &'static str {
        self.short
    }

    /// How to correct it.
    pub fn help(&self) -> &'static str {
        self.help
    }

    /// The number of its family, and its place in the family's table.
    #[cfg(test)]
    pub(crate) fn place(&self) -> (u8, u16) {
        self.place
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Rule) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Rule {}

impl PartialOrd for Rule {
    fn partial_cmp(&self, other: &Rule) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rule {
    fn cmp(&self, other: &Rule) -> Ordering {
        (self.place, self.severity()).cmp(&(other.place, other.severity()))
    }
}

impl Hash for Rule {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.place, self.severity()).hash(state);
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// Declares a family's table: the family's number in `crate::rules::FAMILIES`, then one row per rule, a name to report it
/// by, its id, class, effect (`Error`, `Waivable`, `Warning` or `Note`), a few words for the place and a line on how to correct it.
/// Behind the rows, `@milder CASE of NAME` declares the case in which a rule is a warning only.
macro_rules! rules {
    (
        $family:literal; $($name:ident $id:literal $class:ident $effect:ident $short:literal, $help:literal;)*
        $(@milder $case:ident of $of:ident $case_short:literal, $case_help:literal;)*
    ) => {
        /// The place of each row: they are counted here, not in the rows.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "the rows' own names, whatever their form")]
        #[derive(Clone, Copy)]
        enum Place { $($name,)* }

        $(
            #[doc = concat!("`", $id, "`: ", $short, ".")]
            pub const $name: &$crate::problem::Rule = &$crate::problem::Rule::row(
                ($family, Place::$name as u16),
                $id,
                ($crate::problem::Class::$class, $crate::problem::Effect::$effect),
                ($short, $help),
            );
        )*

        $(
            #[doc = concat!("`", stringify!($of), "` as a warning: ", $case_short, ".")]
            pub const $case: &$crate::problem::Rule =
                &$crate::problem::Rule::milder($of, $case_short, $case_help);
        )*

        /// Every rule of this family, in the order in which problems at one place are listed.
        pub const TABLE: &[&$crate::problem::Rule] = &[$($name,)*];
    };
}

pub(crate) use rules;
