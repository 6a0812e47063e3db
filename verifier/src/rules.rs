//! Every rule there is: the tables of all families, and what asks for a rule by its id.
//!
//! A family reports its own rules and never looks here. A new family adds its table to [`FAMILIES`]; a new rule is a row of
//! its family's table.

use std::str::FromStr;

use crate::problem::{NotWaivable, Rule, Waiver};
use crate::{aegis, artifact, name, text, unit};

/// The families and their tables. A table's number is its place here.
pub const FAMILIES: &[(&str, &[&Rule])] = &[
    ("text", text::rules::TABLE),
    ("name", name::rules::TABLE),
    ("artifact", artifact::rules::TABLE),
    ("unit", unit::rules::TABLE),
    ("aegis", aegis::rules::TABLE),
];

/// Every rule, in the order in which problems at one place are listed.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|(_, table)| table.iter().copied())
}

/// Every waiver there can be. artifacts.md §3.
pub fn waivers() -> impl Iterator<Item = Waiver> {
    all().filter_map(|rule| Waiver::of(rule).ok())
}

impl FromStr for Waiver {
    type Err = NotWaivable;
    fn from_str(id: &str) -> Result<Self, NotWaivable> {
        let rule = all().find(|rule| rule.id() == id).ok_or_else(|| NotWaivable::Unknown(id.to_owned()))?;
        Waiver::of(rule)
    }
}

impl TryFrom<String> for Waiver {
    type Error = NotWaivable;
    fn try_from(id: String) -> Result<Self, NotWaivable> {
        id.parse()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_has_its_own_identifier_and_its_own_place() {
        assert_eq!(all().map(Rule::id).collect::<BTreeSet<_>>().len(), all().count());
        for (number, (family, table)) in FAMILIES.iter().enumerate() {
            for (row, rule) in table.iter().enumerate() {
                assert_eq!(
                    (usize::from(rule.place().0), usize::from(rule.place().1)),
                    (number, row),
                    "{family} {rule}"
                );
            }
        }
        assert!(all().is_sorted());
    }

    #[test] // artifacts.md §3
    fn exactly_the_five_input_rules_can_be_waived() {
        let waivable: Vec<_> = all().map(Rule::id).filter(|id| id.parse::<Waiver>().is_ok()).collect();
        assert_eq!(waivable, ["intent-empty", "input-name", "input-type", "input-duplicate", "input-description"]);
        assert_eq!(waivers().map(|waiver| waiver.rule().id()).collect::<Vec<_>>(), waivable);
        assert_eq!("version".parse::<Waiver>(), Err(NotWaivable::Fixed(name::rules::VERSION_FORM)));
        assert_eq!("typo".parse::<Waiver>(), Err(NotWaivable::Unknown("typo".into())));
    }
}
