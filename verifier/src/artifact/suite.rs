//! Suites: the actions of a repository as one thing to install. artifacts.md §4.
//!
//! Two shapes share a file name. Publishers commit the *repository* form, which names directories; consumers read the
//! *install* form, which names pinned Refs. Whether the members are the directories that exist is not judged here.

use std::collections::HashSet;

use crate::artifact::rules;
use crate::layout;
use crate::name;
use crate::name::fqn::Ref;
use crate::problem::{Parsed, Source, Spanned};
use crate::text::printable;
use crate::text::toml::{self, Stage, Table, quote};

/// What publishers commit: `name`, `description`, `actions = ["actions/<name>", …]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositorySuite {
    /// The file it was read from; all ranges point into it.
    pub source: Source,
    /// Not blank.
    pub name: Spanned<String>,
    /// Not blank.
    pub description: Spanned<String>,
    /// Directories of actions, `actions/<name>`; at least one, none twice.
    pub actions: Vec<Spanned<String>>,
}

/// What `action add-suite` reads: `[suite]` with `name` and `description`, and `[[actions]]` with `fqn`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallSuite {
    /// Not blank.
    pub name: String,
    /// Not blank.
    pub description: String,
    /// Pinned actions; at least one, none twice.
    pub actions: Vec<Ref>,
}

impl RepositorySuite {
    /// Reads the repository form and reports all that is wrong with it, in file order.
    pub fn parse(source: Source) -> Parsed<RepositorySuite> {
        toml::read(&source, toml::after_mark(&source)..source.text.len(), Stage::Source, |root| {
            let (name, description) = (text(root, "name"), text(root, "description"));
            let actions = root.strings("actions");
            match &actions {
                None if !root.has("actions") => root.missing("actions"),
                Some(actions) if actions.value.is_empty() => {
                    root.report(rules::SUITE_FORM, actions.at.clone(), "`actions` is empty");
                }
                _ => {}
            }
            let mut seen = HashSet::new();
            for member in actions.iter().flat_map(|actions| &actions.value) {
                let message = if layout::action_of_directory(&member.value).is_none() {
                    format!("\"{}\" is not actions/<name>", printable(&member.value))
                } else if !seen.insert(&member.value) {
                    format!("\"{}\" is listed twice", printable(&member.value))
                } else {
                    continue;
                };
                root.report(rules::SUITE_MEMBER, member.at.clone(), message);
            }
            root.finish();
            Some(RepositorySuite {
                source: root.source().clone(),
                name: name?,
                description: description?,
                actions: actions?.value,
            })
        })
    }

    /// The members' action names, without `actions/`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().filter_map(|member| layout::action_of_directory(&member.value))
    }
}

impl InstallSuite {
    /// Reads the install form and reports all that is wrong with it, in file order.
    pub fn parse(source: Source) -> Parsed<InstallSuite> {
        toml::read(&source, toml::after_mark(&source)..source.text.len(), Stage::Artifact, |root| {
            let suite = root.table("suite");
            if !root.has("suite") {
                root.missing("suite");
            }
            let name = suite.as_ref().and_then(|suite| text(suite, "name"));
            let description = suite.as_ref().and_then(|suite| text(suite, "description"));
            suite.iter().for_each(Table::finish);
            let tables = root.tables("actions");
            match &tables {
                None if !root.has("actions") => root.missing("actions"),
                Some(tables) if tables.value.is_empty() => {
                    root.report(rules::SUITE_FORM, tables.at.clone(), "`actions` is empty");
                }
                _ => {}
            }
            let mut seen = HashSet::new();
            let actions = tables.iter().flat_map(|tables| &tables.value).filter_map(|table| member(table, &mut seen));
            let actions = actions.collect();
            root.finish();
            Some(InstallSuite { name: name?.value, description: description?.value, actions })
        })
    }

    /// The install form as text: LF line ends, the actions in their order, the same bytes for the same suite.
    pub fn render(&self) -> String {
        let (name, description) = (quote(&self.name), quote(&self.description));
        let mut text = format!("[suite]\nname = {name}\ndescription = {description}\n");
        for action in &self.actions {
            text.push_str(&format!("\n[[actions]]\nfqn = {}\n", quote(&action.to_string())));
        }
        text
    }
}

fn text(table: &Table<'_>, key: &'static str) -> Option<Spanned<String>> {
    let text = table.required(key)?;
    if text.value.trim().is_empty() {
        table.report(rules::SUITE_FORM, text.at.clone(), format!("`{}` is blank", table.path_to(key)));
    }
    Some(text)
}

fn member(table: &Table<'_>, seen: &mut HashSet<Ref>) -> Option<Ref> {
    let text = table.required("fqn");
    table.finish();
    let action: Spanned<Ref> = table.parsed(name::rules::REF_FORM, text?, str::parse)?;
    if !seen.insert(action.value.clone()) {
        table.report(rules::SUITE_MEMBER, action.at, format!("{} is listed twice", action.value));
    }
    Some(action.value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::problem::Rule;
    use crate::text;

    fn source(text: &str) -> Source {
        Source::read("suite.toml", text.into()).expect("UTF-8")
    }

    fn found<T>(text: &str, parsed: Parsed<T>) -> Vec<(&'static Rule, String)> {
        assert_eq!(parsed.document.is_some(), parsed.problems.is_empty());
        parsed.problems.into_iter().map(|problem| (problem.rule, text[problem.at].to_owned())).collect()
    }

    #[test] // artifacts.md §4
    fn a_repository_suite_has_a_closed_schema() {
        let good =
            "\u{feff}name = \"n\"\ndescription = \"d\"\nactions = [\n  \"actions/a\", # one\n  \"actions/b\",\n]\n";
        let suite = RepositorySuite::parse(source(good)).document.expect("a document");
        assert_eq!(suite.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(&good[suite.actions[1].at.clone()], "\"actions/b\"");
        for (old, new, rule, at) in [
            ("name = \"n\"\n", "", text::rules::REQUIRED, ""),
            ("\"d\"", "\" \"", rules::SUITE_FORM, "\" \""),
            ("\"d\"", "1", text::rules::WRONG_TYPE, "1"),
            ("\"actions/b\"", "\"b\"", rules::SUITE_MEMBER, "\"b\""),
            ("\"actions/b\"", "\"actions/\"", rules::SUITE_MEMBER, "\"actions/\""),
            ("\"actions/b\"", "\"actions/a/b\"", rules::SUITE_MEMBER, "\"actions/a/b\""),
            ("\"actions/b\"", "\"actions/a\"", rules::SUITE_MEMBER, "\"actions/a\""),
            ("\"actions/b\"", "2", text::rules::WRONG_TYPE, "2"),
            ("name", "title = \"t\"\nname", text::rules::UNKNOWN_KEY, "title"),
        ] {
            let text = good.replacen(old, new, 1);
            assert_eq!(found(&text, RepositorySuite::parse(source(&text))), [(rule, at.to_owned())], "{text}");
        }
        let empty = "name = \"n\"\ndescription = \"d\"\nactions = []";
        assert_eq!(found(empty, RepositorySuite::parse(source(empty))), [(rules::SUITE_FORM, "[]".to_owned())]);
    }

    #[test] // artifacts.md §4
    fn an_install_suite_has_a_closed_schema() {
        let good =
            "[suite]\nname = \"n\"\ndescription = \"d\"\n\n[[actions]]\nfqn = \"github://a/b/actions/c@1.0.0\"\n";
        let suite = InstallSuite::parse(source(good)).document.expect("a document");
        assert_eq!(suite.render(), good);
        for (old, new, rule, at) in [
            ("[suite]", "[suits]", text::rules::UNKNOWN_KEY, "suits"),
            ("name = \"n\"\n", "", text::rules::REQUIRED, ""),
            ("\"n\"", "\"\"", rules::SUITE_FORM, "\"\""),
            ("@1.0.0", "", name::rules::REF_FORM, "\"github://a/b/actions/c\""),
            ("github:", "local:", name::rules::REF_FORM, "\"local://a/b/actions/c@1.0.0\""),
            ("fqn", "name", text::rules::UNKNOWN_KEY, "name"),
        ] {
            let text = good.replacen(old, new, 1);
            let problems = found(&text, InstallSuite::parse(source(&text)));
            assert!(problems.contains(&(rule, at.to_owned())), "{text}: {problems:?}");
        }
        let twice = format!("{good}[[actions]]\nfqn = \"github://a/b/actions/c@1.0.0\"\n");
        assert_eq!(found(&twice, InstallSuite::parse(source(&twice)))[0].0, rules::SUITE_MEMBER);
    }

    proptest! {
        #[test]
        fn what_is_rendered_reads_back(name in "\\PC*x\\PC*", description in any::<String>(), actions in 1usize..5) {
            let action = |n: usize| format!("github://a/b/actions/c{n}@1.0.{n}").parse().expect("a Ref");
            let description = description + ".";
            let suite = InstallSuite { name, description, actions: (0..actions).map(action).collect() };
            let text = suite.render();
            prop_assert!(!text.contains('\r'));
            prop_assert_eq!(InstallSuite::parse(source(&text)).document, Some(suite));
        }
    }
}
