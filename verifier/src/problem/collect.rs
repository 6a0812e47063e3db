//! The problems of one document, up to a number that is more than anyone reads.
//!
//! A hostile document of a few kilobytes can break a rule ninety thousand times. What is kept is bounded, and so is all
//! that is done with it later; what is decided by the list stays as if it were whole. artifacts.md §10.

use std::collections::BTreeSet;

use super::{Problem, Rule};

/// Most problems of one document inside an archive, or of a suite to install, that are kept. artifacts.md §10.
pub const MOST_PROBLEMS: usize = 100;

/// Most problems of one committed document that are kept: its author wants to see all of them.
pub const MOST_PROBLEMS_OF_SOURCE: usize = 10_000;

/// Problems of one document: up to a number, and how many more there were.
///
/// At least one problem of every broken rule is kept, so that class, severity and waivers come out as if all were there.
#[derive(Clone, Debug)]
pub struct Problems {
    list: Vec<Problem>,
    rules: BTreeSet<&'static Rule>,
    most: usize,
    more: usize,
}

impl Problems {
    /// None so far, and at most `most` of them later: more than there are rules.
    pub fn up_to(most: usize) -> Problems {
        Problems { list: Vec::new(), rules: BTreeSet::new(), most, more: 0 }
    }

    /// Adds a problem; past the limit it is only counted, unless it is the first of its rule.
    pub fn push(&mut self, problem: Problem) {
        let first = self.rules.insert(problem.rule);
        if self.list.len() < self.most {
            self.list.push(problem);
            return;
        }
        self.more += 1;
        if !first {
            return;
        }
        // Fewer rules than places: one rule stands there more than once, and gives up its last.
        if let Some(place) = self.list.iter().rposition(|kept| self.count(kept.rule) > 1) {
            self.list[place] = problem;
        }
    }

    fn count(&self, rule: &Rule) -> usize {
        self.list.iter().filter(|kept| kept.rule == rule).count()
    }

    /// The problems that were kept, in file order, and the number of those that were not.
    pub fn sorted(mut self) -> (Vec<Problem>, usize) {
        self.list.sort_by_key(|problem| problem.at.start);
        (self.list, self.more)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::*;
    use crate::artifact::rules::{HOST, INPUT_NAME};
    use crate::rules;

    fn collected(rules: impl IntoIterator<Item = &'static Rule>) -> (Vec<Problem>, usize) {
        let source = Source::new("x", "x".repeat(100_000));
        let mut problems = Problems::up_to(MOST_PROBLEMS);
        rules.into_iter().enumerate().for_each(|(at, rule)| problems.push(source.problem(rule, at..at + 1, "")));
        problems.sorted()
    }

    #[test] // artifacts.md §10
    fn a_hundred_problems_are_kept_and_the_rest_is_counted() {
        for (count, kept, more) in
            [(0, 0, 0), (1, 1, 0), (99, 99, 0), (100, 100, 0), (101, 100, 1), (90_000, 100, 89_900)]
        {
            let (list, left) = collected(std::iter::repeat_n(HOST, count));
            assert_eq!((list.len(), left), (kept, more), "{count}");
        }
    }

    #[test] // a waiver of one rule must not pass an artifact that breaks another one later
    fn every_broken_rule_is_kept_wherever_it_is_broken() {
        // The rules one document can break: those of its family and of the rooms all families share.
        let shared = || rules::FAMILIES[..2].iter().flat_map(|(_, table)| table.iter().copied());
        for (family, table) in &rules::FAMILIES[2..] {
            assert!(shared().count() + table.len() < MOST_PROBLEMS, "{family}");
        }
        for late in rules::all() {
            let many = std::iter::repeat_n(INPUT_NAME, 5_000);
            let (list, more) = collected(many.clone().chain([late]).chain(many));
            assert_eq!((list.len(), more), (MOST_PROBLEMS, 9_901), "{late}");
            assert!(list.iter().any(|problem| problem.rule == late), "{late}");
        }
        for (family, table) in &rules::FAMILIES[2..] {
            let every = || shared().chain(table.iter().copied());
            let (list, _) = collected(std::iter::repeat_n(table[0], 1_000).chain(every()));
            let kept = list.iter().map(|problem| problem.rule).collect::<BTreeSet<_>>().len();
            assert_eq!(kept, every().count(), "{family}");
            assert!(list.is_sorted_by_key(|problem| problem.at.start));
        }
    }
}
