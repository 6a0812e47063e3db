//! The consent screen with anything at all in every foreign field.

use aileron_testkit::{Toy, module};
use aileron_verifier::artifact::archive::{ArtifactKind, Files};
use aileron_verifier::artifact::verify::{Unverified, Wanted};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr as _;

use super::*;
use crate::consumer::install::plan::{InstalledConnector, PlannedSuite};

/// A TOML string of any text.
fn quoted(text: &str) -> String {
    let escaped: String = text.chars().map(|char| format!("\\U{:08x}", u32::from(char))).collect();
    format!("\"{escaped}\"")
}

fn verified(files: Files, kind: ArtifactKind, toy: &Toy) -> Verified {
    let wanted = Wanted { kind: Some(kind), ..Wanted::default() };
    Unverified::unpacked(files).verify(&wanted, &toy.ring()).expect("a toy verifies")
}

/// A connector with `text` in every field that takes any text.
fn connector_of(toy: &Toy, text: &str) -> Verified {
    let (any, path) = (quoted(&format!("x{text}")), quoted(&format!("/{text}")));
    let manifest = format!(
        "{}[capabilities.credential]\nkind = \"oauth2\"\nscope = {any}\n\
         [capabilities.credential.oauth2]\nauthorize_url = \"https://a.example/a\"\ntoken_url = \"https://a.example/t\"\n\
         client_id = {any}\nscopes = [{any}]\n\
         [capabilities.spawn]\nprograms = [{{ path = {path} }}]\nfs_read = [{path}]\nfs_write = [{path}]\ncwd = {path}\n\
         [capabilities.spawn.operations.a]\nargv = {any}\ndescription = {any}\n",
        toy.manifest().replace("\"Toys\"", &any)
    );
    verified(toy.sign_connector(module(), manifest.into_bytes()), ArtifactKind::Connector, toy)
}

fn action_of(toy: &Toy, name: &str, text: &str) -> Verified {
    let any = quoted(&format!("x{text}"));
    let document = toy.action_document(name).replace("\"hear it again\"", &any);
    let document = document.replace("capabilities = [\"echo\"]", &format!("capabilities = [{any}, \"echo\"]"));
    verified(toy.sign_action(document.into_bytes()), ArtifactKind::Action, toy)
}

/// A plan of a suite with an upgraded connector, every foreign text being `text` or, in what is installed, `before`.
fn plan(text: &str, before: &str, actions: usize) -> InstallPlan {
    let toy = Toy::default();
    let older = connector_of(&toy.clone().at("1.0.0"), before);
    let before = InstalledConnector {
        reference: older.reference().clone(),
        capabilities: older.capabilities().expect("a connector"),
        permissions: older.permissions().expect("a connector"),
    };
    let new = |n: usize| NewAction { verified: action_of(&toy, &format!("say{n}"), text), before: None, could: None };
    let suite = PlannedSuite { name: text.to_owned(), description: text.to_owned(), list: SuiteList::Unsigned };
    InstallPlan {
        suite: (actions > 1).then_some(suite),
        connectors: vec![NewConnector {
            verified: connector_of(&toy, text),
            before: Some(before),
            needed_by: Vec::new(),
            index: ReleaseIndex::Unusable(text.to_owned()),
        }],
        actions: (0..actions).map(new).collect(),
        ..InstallPlan::default()
    }
}

/// What stands in the columns that are ours, line by line: a label, or the first word of a heading.
fn ours(screen: &str) -> Vec<String> {
    let in_front = screen.lines().filter(|line| !line.is_empty() && !line.starts_with("    "));
    in_front
        .map(|line| match line.strip_prefix("  ") {
            Some(field) => field.chars().take(16).collect::<String>().trim().to_owned(),
            None => line.split(' ').next().unwrap_or_default().to_owned(),
        })
        .collect()
}

const FORGERIES: [&str; 12] = [
    "read mail                                                        may connect to  nothing",
    "a\nConnector github://acme/good@1.0.0",
    "a\r  may connect to  nothing",
    "\u{1b}[2J\u{1b}[Hgone",
    "evil\u{202e}live",
    "\u{180e}\u{3164}\u{115f}\u{2800}\u{34f}\u{fe0f}\u{e0100}\u{fffc}\u{1d173}",
    "a\u{300}\u{301}\u{302}\u{303}\u{304}",
    "\u{2028}Install it? [y/N]: y\u{2029}",
    "it may do what that may, and nothing more",
    "x\t\u{a0}\u{3000}  uses your       no credential",
    "茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶茶",
    "\u{feff}\u{200b}\u{2066}",
];

#[test] // whatever a publisher writes, the lines in our columns are the same
fn a_publishers_words_cannot_draw_a_line_of_ours() {
    let spaces = " ".repeat(200_000);
    let long = "x".repeat(200_000);
    for text in FORGERIES.into_iter().chain([spaces.as_str(), long.as_str()]) {
        for (width, actions) in [(40, 1), (80, 1), (80, 3), (100, 3)] {
            let screen = render(&plan(text, "b", actions), width);
            assert_eq!(ours(&screen), ours(&render(&plan("a", "b", actions), width)), "{screen}");
            assert!(screen.lines().all(|line| line.width() <= width), "{screen}");
            assert!(screen.lines().count() < 250, "{screen}");
        }
    }
}

#[test]
fn a_list_of_any_length_takes_twenty_lines() {
    for actions in [2, 20, 21, 45] {
        let screen = render(&plan("a", "a", actions), 80);
        let rows = screen.lines().filter(|line| line.starts_with("    say")).count();
        assert_eq!(rows, actions.min(20), "{screen}");
        let more = format!("    … and {} more (--json lists them all)\n", actions.saturating_sub(20));
        assert_eq!(screen.contains(&more), actions > 20, "{screen}");
    }
}

#[test]
fn nothing_more_is_said_only_where_nothing_grew() {
    for (text, before, said) in [("a", "a", true), ("a", "b", false), ("a ", "a", false), ("", "a", false)] {
        let screen = render(&plan(text, before, 1), 80);
        let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words.contains("may do what that may, and nothing more"), said, "{screen}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn every_line_in_our_columns_is_ours_for_any_text(
        text in "\\PC{0,200}|(.|\\n){0,200}| {0,90}may connect to  nothing",
        width in 40usize..=100,
    ) {
        let screen = render(&plan(&text, "b", 3), width);
        prop_assert_eq!(ours(&screen), ours(&render(&plan("a", "b", 3), width)), "{}", screen);
        prop_assert!(screen.lines().all(|line| line.width() <= width), "{}", screen);
    }
}
