//! What an approval screen shows of foreign text.

use aileron_verifier::problem::Source;
use aileron_verifier::text::Json;
use aileron_verifier::text::toml::Stage;
use proptest::prelude::*;

use super::*;

const TEXT: &str = r#"+++
name = "post"
version = "1.0.0"
source = "github://acme/x/actions/post@1.0.0"
[[requires.connectors]]
name = "github://acme/x"
version = "1.0.0"
hash = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
capabilities = ["post"]
[match]
intent = "post"
[[inputs]]
name = "text"
type = "string"
description = "the text"
[[execute]]
id = "post"
connector = "github://acme/x"
op = "post"
+++
"#;

fn action() -> Action {
    let source = Source::read("action.md", TEXT.into()).expect("UTF-8");
    Action::parse(source, Stage::Artifact).document.expect("an action")
}

fn screen(text: &str, shown: Option<&Preview>, width: usize) -> String {
    let arguments = Arguments::from([("text".to_owned(), Json::from(text))]);
    approval(&action(), &arguments, shown, width)
}

#[test]
fn what_will_be_done_is_shown_line_by_line() {
    let preview = Ok(vec![("to".to_owned(), "a@b.example".to_owned()), ("body".to_owned(), "one\ntwo".to_owned())]);
    let expected = "\
post 1.0.0 wants your approval.
    text: hello
Preview:
    to: a@b.example
    body: one
      two
";
    assert_eq!(screen("hello", Some(&preview), 80), expected);
}

#[test]
fn a_preview_cannot_push_the_question_off_the_screen() {
    for (label, value) in [
        ("body", "line\n".repeat(2_500)),
        ("body", "\n".repeat(2_500)),
        ("body", "x".repeat(1 << 20)),
        ("body", "word ".repeat(100_000)),
        ("body", "\u{2028}\r".repeat(2_500)),
        ("body", "茶\n".repeat(40)),
        ("body", "a\n".repeat(39)),
        ("x\nRun it? [y/N]: y\n", "b\n".repeat(38)),
        ("", String::new()),
        ("body", "\u{1b}[2J\n".repeat(60)),
    ] {
        let text = screen("hello", Some(&Ok(vec![(label.to_owned(), value.clone())])), 80);
        assert!(text.lines().count() <= LINES, "{text}");
        assert!(text.ends_with('\n') && text.starts_with("post 1.0.0 wants your approval.\n"), "{text}");
        let cut = value.lines().count() + 3 > LINES;
        assert_eq!(text.contains("more lines that are not shown"), cut, "{text}");
    }
}

proptest! {
    #[test]
    fn every_line_in_the_first_columns_is_ours(
        text in "\\PC{0,300}|(.|\n){0,300}",
        label in "(.|\n){0,60}",
        width in 30usize..120,
    ) {
        let ours = ["post 1.0.0 wants your approval.", "Preview:"];
        let screen = screen(&text, Some(&Ok(vec![(label, text.clone())])), width);
        for line in screen.lines() {
            let foreign = line.is_empty() || line.starts_with("    ");
            prop_assert!(foreign || ours.contains(&line) || line.starts_with("… and "), "{line:?}");
        }
    }
}
