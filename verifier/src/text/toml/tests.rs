use crate::text::rules;
use proptest::prelude::*;

use super::*;

fn source(text: &str) -> Source {
    Source::read("x.toml", text.as_bytes().to_vec()).expect("UTF-8")
}

/// Reads `a` as a string, `b` as a list of strings, `t` as a table with the integer `i`, `l` as tables with `s`.
fn sample(text: &str) -> Parsed<Option<Spanned<String>>> {
    let source = source(text);
    read(&source, after_mark(&source)..text.len(), Stage::Artifact, |root| {
        let a = root.string("a");
        root.strings("b");
        if let Some(table) = root.table("t") {
            table.integer("i");
            table.finish();
        }
        for table in root.tables("l").into_iter().flat_map(|tables| tables.value) {
            table.required("s");
            table.finish();
        }
        if let Some(table) = root.table("v") {
            table.named_values();
        }
        root.finish();
        Some(a)
    })
}

/// `(rule, the text at its range)` of every problem.
fn found(text: &str) -> Vec<(&'static Rule, String)> {
    let problems = sample(text).problems;
    problems.into_iter().map(|problem| (problem.rule, text[problem.at].to_owned())).collect()
}

fn one(rule: &'static Rule, at: &str) -> Vec<(&'static Rule, String)> {
    vec![(rule, at.to_owned())]
}

#[test] // artifacts.md §2, first paragraph
fn toml_1_1_forms_are_refused_at_their_bytes() {
    for (text, at) in [
        ("t = {\n i = 1 }", "\n"),
        ("t = { i = 1,\r\n}", ","),
        ("t = { i = 1 # c\n }", "\n"),
        ("t = { i = 1, }", ","),
        (r#"a = "x\e[0m""#, r"\e"),
        (r#"a = "\\\x41""#, r"\x"),
        ("a = \"\"\"\\\\e \\x41\"\"\"", r"\x"),
        (r#""\x61" = "b""#, r"\x"),
        ("v = { d = 12:30 }", "12:30"),
        ("v = { d = 2026-01-01 12:30Z }", "2026-01-01 12:30Z"),
        ("v = { d = 2026-01-01T12:30+01:00 }", "2026-01-01T12:30+01:00"),
    ] {
        let problems = found(text);
        assert!(problems.contains(&(rules::TOML_VERSION, at.to_owned())), "{text}: {problems:?}");
        assert!(sample(text).document.is_none(), "{text}");
    }
}

#[test] // TOML 1.0
fn what_only_looks_like_1_1_is_read() {
    for text in [
        "t = { i = [\n 1,\n] }".replace('i', "x").replace("t =", "v ="),
        "b = [\n 'a', # c\n 'b',\n]".to_owned(),
        r#"a = "C:\\e \\x""#.to_owned(),
        r"a = 'C:\e\x'".to_owned(),
        "v = { d = 12:30:00, e = 2026-01-01T12:30:00.5+01:00, f = 2026-01-01, g = \"12:30\" }".to_owned(),
        "t = {}".to_owned(),
        "\u{feff}a = \"x\"\r\n".to_owned(),
        String::new(),
    ] {
        assert_eq!(found(&text), [], "{text}");
    }
}

#[test] // artifacts.md §2, first paragraph
fn a_syntax_error_is_one_problem() {
    for text in [
        "a = ",
        "a = 'x' 'y'",
        "a",
        "a = 'x'\na = 'y'",
        "t = { i = 1 }\n[t.u]",
        "t = { i = 1 }\nt.j = 2",
        "t = { u = { i = 1 }, u.j = 2 }",
        "l = [{ s = 'x' }]\n[[l]]\ns = 'y'",
        "l = [{ s = 'x' }]\n[l.t]",
        "[t]\n[t]",
        "a = \"\\ud800\"",
        "a = \"\u{7}\"",
        "a = 'x' # \u{7f}",
        "a = 'x'\rb = []",
        "t = { i = 1,, }",
        "t = { , }",
        "\u{feff}\u{feff}a = 'x'",
        "a = 'x'\n\u{feff}",
        "v = { d = 12:3 }",
        "v = { d = 012 }",
        "v = { d = 9223372036854775808 }",
    ] {
        let problems = found(text);
        let rules: Vec<&'static Rule> = problems.iter().map(|(rule, _)| *rule).collect();
        assert!(rules.contains(&rules::TOML_SYNTAX), "{text}: {problems:?}");
        assert!(sample(text).document.is_none(), "{text}");
    }
}

#[test] // artifacts.md §2: all problems, each at its place, in file order
fn types_and_unknown_keys_are_all_reported() {
    let text = "a = 1\nb = ['x', 2, ['y']]\nt = { i = 'z', j.k = 1, \"l m\" = 2 }\nl = [1, {}]\n[n.o]\n[p]";
    let problems = sample(text).problems;
    let lines: Vec<(&str, &str)> = problems.iter().map(|p| (p.message.as_str(), &text[p.at.clone()])).collect();
    assert_eq!(
        lines,
        [
            ("`a` must be a string, found an integer", "1"),
            ("`b` must be a list of strings, found an integer", "2"),
            ("`b` must be a list of strings, found an array", "['y']"),
            ("`t.i` must be an integer, found a string", "'z'"),
            ("unknown key `t.j`", "j"),
            ("unknown key `t.\"l m\"`", "\"l m\""),
            ("`l` must be a list of tables, found an integer", "1"),
            ("`l.s` is missing", ""),
            ("unknown key `n`", "n"),
            ("unknown key `p`", "p"),
        ]
    );
    assert_eq!(found("t = 1"), one(rules::WRONG_TYPE, "1"));
    assert_eq!(found("[[t]]"), one(rules::WRONG_TYPE, "[[t]]"));
    assert_eq!(found("l = {}"), one(rules::WRONG_TYPE, "{}"));
    assert_eq!(found("A = 'x'"), one(rules::UNKNOWN_KEY, "A"));
}

#[test] // artifacts.md §3, `execute[].inputs`
fn values_keep_their_types_and_hold_no_table() {
    let text =
        "s = 'x'\ni = -1\nf = 1e3\nb = true\nd = 1979-05-27 07:32:00Z\nl = [1, ['y']]\nt = {}\nm = [{}]\n[u]\n[[w]]";
    let source = source(text);
    let mut values = Vec::new();
    let parsed = read(&source, 0..text.len(), Stage::Artifact, |root| {
        values = root.named_values();
        Some(())
    });
    let read: Vec<(&str, &Value)> = values.iter().map(|(key, value)| (key.value.as_str(), &value.value)).collect();
    assert_eq!(read[0], ("s", &Value::String("x".into())));
    assert_eq!(read[1], ("i", &Value::Integer(-1)));
    assert_eq!(read[2], ("f", &Value::Float(1000.0)));
    assert_eq!(read[3], ("b", &Value::Boolean(true)));
    assert_eq!(read[4], ("d", &Value::Datetime("1979-05-27 07:32:00Z".into())));
    let Value::List(list) = read[5].1 else { panic!("{read:?}") };
    assert_eq!(text[list[1].at.clone()], *"['y']");
    let tables: Vec<&str> = parsed.problems.iter().map(|problem| &text[problem.at.clone()]).collect();
    assert_eq!(tables, ["{}", "{}", "[u]", "[[w]]"]);
    assert!(parsed.problems.iter().all(|problem| problem.rule == rules::TABLE_IN_INPUTS));
}

#[test]
fn ranges_count_from_the_start_of_the_file() {
    let file = "\u{feff}\n+++\na = 'é'\n+++\n";
    let source = source(file);
    let within = file.find("a =").expect("there")..file.rfind("+++").expect("there");
    let parsed = read(&source, within, Stage::Artifact, |root| root.string("a"));
    let value = parsed.document.expect("a document");
    assert_eq!((&file[value.at], value.value.as_str()), ("'é'", "é"));
}

#[test]
fn string_values_are_values_and_nothing_else() {
    let text = "# \"c\"\n\"k\" = 'a'\nn = 1\nl = ['b', { x = \"d\" }]\n[t]\n[t.u]\ny = '''e'''\n[[v]]\nz = \"f\"";
    let values = string_values(&source(text), 0..text.len());
    assert_eq!(values.iter().map(|value| value.value.as_str()).collect::<Vec<_>>(), ["a", "b", "d", "e", "f"]);
    assert_eq!(&text[values[3].at.clone()], "'''e'''");
    assert_eq!(string_values(&source("a ="), 0..3), []);
}

#[test]
fn nesting_and_key_paths_are_bounded() {
    let deep = |n: usize| format!("v = {{ x = {}{} }}", "[".repeat(n), "]".repeat(n));
    assert_eq!(found(&deep(60)), []);
    for text in [
        deep(100),
        deep(100_000),
        "v = ".to_owned() + &"{x=".repeat(100_000),
        "v = ".to_owned() + &"[".repeat(100_000),
        format!("v{} = 1", ".x".repeat(100_000)),
        format!("[v{}]", ".x".repeat(100_000)),
        format!("[v{}]", ". x".repeat(100)),
        format!("v = {{ x{} = 1 }}", ".x".repeat(1_000)),
    ] {
        let rules: Vec<&'static Rule> = found(&text).into_iter().map(|(rule, _)| rule).collect();
        assert_eq!(rules, [rules::TOML_SYNTAX], "{}…", &text[..20]);
    }
    let widest = format!("x{} = ", ".x".repeat(15));
    let deepest = format!("{}1{}", format!("{{{widest}").repeat(63), "}".repeat(63));
    assert_eq!(found(&format!("{widest}{deepest}")), one(rules::UNKNOWN_KEY, "x"));
}

proptest! {
    #[test]
    fn a_quoted_text_reads_back_as_itself(text in any::<String>(), control in "[\\x00-\\x20\\x7f\"\\\\'\u{feff}é\u{2028}]*") {
        for text in [text, control] {
            let document = format!("a = {}\n", quote(&text));
            prop_assert_eq!(document.lines().count(), 1);
            let read = sample(&document);
            prop_assert_eq!(&read.problems, &[]);
            let value = read.document.flatten().expect("a string");
            prop_assert_eq!(value.value, text);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "([a-z.\"'=\\[\\]{},# \\n\\\\:0-9-]|\\PC){0,80}") {
        for problem in sample(&text).problems {
            prop_assert!(text.get(problem.at.clone()).is_some(), "{:?}", problem);
        }
    }

    #[test]
    fn no_sequence_of_tokens_makes_the_reader_panic(tokens in prop::collection::vec(prop::sample::select(&[
        "a", "b", "t", "l", ".", "=", "[", "]", "[[", "]]", "{", "}", ",", "\n", " ", "'x'", "\"\\e\"", "\"\"\"", "1", "12:30", "#", "\r",
        "\u{feff}", "[t]\n", "[[l]]\n", "a = 1\n", "t.i = 1\n", "\"", "\\",
    ][..]), 0..40)) {
        let text = tokens.concat();
        for problem in sample(&text).problems {
            prop_assert!(text.get(problem.at.clone()).is_some(), "{:?}", problem);
        }
    }
}
