use aileron_verifier::artifact::binding::Field;
use proptest::prelude::*;

use super::*;

fn edit(text: &str, value: &str, new: &str, field: Field) -> Edit {
    let start = text.find(value).unwrap_or_else(|| panic!("{value} in {text}"));
    Edit { field, at: start..start + value.len(), text: new.to_owned() }
}

fn changed(text: &str, edits: &[(&str, &str)]) -> Vec<(usize, String, String)> {
    let source = Source::new("f", text);
    let edits: Vec<Edit> = edits.iter().map(|(value, new)| edit(text, value, new, Field::ActionVersion)).collect();
    lines(&source, &edits).into_iter().map(|change| (change.line, change.from, change.to)).collect()
}

#[test] // artifacts.md §5
fn a_line_is_shown_once_with_all_its_changes() {
    let one = |line, from: &str, to: &str| (line, from.to_owned(), to.to_owned());
    for (text, edits, expected) in [
        ("a = 1\nb = 2\n", &[("1", "9")][..], vec![one(1, "a = 1", "a = 9")]),
        ("a = 1\nb = 2\n", &[("2", "8"), ("1", "9")], vec![one(1, "a = 1", "a = 9"), one(2, "b = 2", "b = 8")]),
        (
            "{ v = 1, h = 2 } # c\n",
            &[("1", "9"), ("2", "8")],
            vec![one(1, "{ v = 1, h = 2 } # c", "{ v = 9, h = 8 } # c")],
        ),
        ("a = 1\r\nb = 2\r\n", &[("2", "8")], vec![one(2, "b = 2", "b = 8")]),
        ("\u{feff}a = 1\n", &[("1", "9")], vec![one(1, "a = 1", "a = 9")]),
        ("a = 1", &[("1", "9")], vec![one(1, "a = 1", "a = 9")]),
        (
            "v = \"\"\"\n1\"\"\" # c\nw = 2\n",
            &[("\"\"\"\n1\"\"\"", "\"9\"")],
            vec![one(1, "v = \"\"\"\n1\"\"\" # c", "v = \"9\" # c")],
        ),
        (
            "v = '''\r\n1''', w = 2\r\n",
            &[("'''\r\n1'''", "\"9\""), ("2", "8")],
            vec![one(1, "v = '''\r\n1''', w = 2", "v = \"9\", w = 8")],
        ),
        ("a = 1\n\n\nb = 2", &[("2", "8")], vec![one(4, "b = 2", "b = 8")]),
        ("a = 1\n", &[], vec![]),
    ] {
        assert_eq!(changed(text, edits), expected, "{text:?}");
    }
}

#[test]
fn a_secret_is_masked_wherever_it_stands() {
    for text in ["s = \"bound-at-release\"\n", "s = \"\"\"\nbound-at-release\"\"\" # x\n"] {
        let source = Source::new("f", text);
        let value = &text[4..text.rfind('"').unwrap() + 1];
        let shown = lines(&source, &[edit(text, value, "\"hunter2\"", Field::ClientSecret)]);
        assert_eq!(shown.len(), 1);
        assert!(shown[0].to.starts_with("s = \"********\"") && !shown[0].to.contains("hunter2"), "{shown:?}");
    }
}

proptest! {
    #[test] // the shown difference is the whole difference
    fn replacing_the_shown_lines_gives_the_bound_text(
        lines_of_text in proptest::collection::vec("[a-z =]{0,8}(#[0-9]{2}#[a-z]{0,3}){0,3}", 1..8),
        end in prop_oneof![Just("\n"), Just("\r\n")],
    ) {
        let text = lines_of_text.join(end);
        let source = Source::new("f", text.as_str());
        let mut edits = Vec::new();
        let mut from = 0;
        while let Some(start) = text[from..].find('#').map(|at| from + at) {
            edits.push(Edit { field: Field::ActionVersion, at: start..start + 4, text: format!("<{}>", edits.len()) });
            from = start + 4;
        }
        let bound = binding::apply(&text, &edits);
        let mut shown: Vec<String> = text.split('\n').map(str::to_owned).collect();
        for change in lines(&source, &edits) {
            let line = &mut shown[change.line - 1];
            prop_assert_eq!(line.trim_end_matches('\r'), change.from.as_str());
            *line = format!("{}{}", change.to, if line.ends_with('\r') { "\r" } else { "" });
        }
        prop_assert_eq!(shown.join("\n"), bound);
    }
}
