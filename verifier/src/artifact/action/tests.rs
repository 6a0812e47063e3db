use proptest::prelude::*;

use super::*;
use crate::artifact::rules::*;
use crate::name::digest::ContentHash;
use crate::name::rules::*;
use crate::problem::MOST_PROBLEMS;
use crate::problem::{Rule, Severity, Spanned};
use crate::text::rules::*;
use crate::text::toml::Value;

const FRONT: &str = r#"name = "post"
version = "1.2.3"
source = "github://acme/x/actions/post@1.2.3"

[[requires.connectors]]
name = "github://acme/x"
version = "1.2.3"
hash = "sha256:HEX"
capabilities = ["send"]

[match]
intent = "post one line"

[[inputs]]
name = "text"
type = "string"
description = "The line."

[[execute]]
id = "first"
connector = "github://acme/x"
op = "send"
idempotent = true
inputs = { a = "${args.text}" }
"#;

/// Appended to [`FRONT`]: a preview that is in order.
const APPROVAL: &str = "[approval]\nrequired = true\n[approval.preview]\nop = \"get\"\nrender = { Text = \"text\" }\n";

fn file(front: &str) -> String {
    format!("+++\n{}+++\n\n# Post\n", front.replace("HEX", &"ab".repeat(32)))
}

fn parse(text: &str, stage: Stage) -> Parsed<Action> {
    Action::parse(Source::read("action.md", text.into()).expect("UTF-8"), stage)
}

/// `(rule, the text at its range)` of every problem.
fn found(text: &str, stage: Stage) -> Vec<(&'static Rule, String)> {
    let problems = parse(text, stage).problems;
    problems.into_iter().map(|problem| (problem.rule, text[problem.at].to_owned())).collect()
}

/// The sample with one piece of text in place of another.
fn with(old: &str, new: &str) -> String {
    assert!(FRONT.contains(old), "{old}");
    file(&FRONT.replacen(old, new, 1))
}

fn plus(more: &str) -> String {
    file(&format!("{FRONT}{more}\n"))
}

#[test] // artifacts.md §3, one row per rule
fn each_broken_rule_is_reported_at_its_bytes_in_both_stages() {
    let step = |more: &str| plus(&format!("[[execute]]\nconnector = \"github://acme/x\"\nidempotent = false\n{more}"));
    let input = |more: &str| with("type = \"string\"\n", more);
    let preview = |old: &str, new: &str| plus(&APPROVAL.replace(old, new));
    let call = |value: &str| with("\"${args.text}\"", value);
    for (text, rule, at) in [
        (with("name = \"post\"\n", ""), REQUIRED, ""),
        (with("\"post\"", "\"Post\""), ACTION_NAME, "\"Post\""),
        (with("\"1.2.3\"", "\"1.2\""), VERSION_FORM, "\"1.2\""),
        (with("\"1.2.3\"", "1.2"), WRONG_TYPE, "1.2"),
        (with("post@1.2.3", "post"), REF_FORM, "\"github://acme/x/actions/post\""),
        (with("[match]\nintent = \"post one line\"\n", ""), REQUIRED, ""),
        (with("intent = \"post one line\"\n", ""), REQUIRED, ""),
        (with("intent", "intents"), UNKNOWN_KEY, "intents"),
        (file(&FRONT.replace("[[requires.connectors]]", "[[execute]]")), REQUIRES, ""),
        (with("[[requires.connectors]]\n", "[requires]\nconnectors = []\n[more]\n"), REQUIRES, "[]"),
        (with("\"github://acme/x\"", "\"github://acme/x@1\""), NAME, "\"github://acme/x@1\""),
        (with("\"sha256:HEX\"", "\"sha256:AB\""), HASH_FORM, "\"sha256:AB\""),
        (with("[\"send\"]", "[]"), CAPABILITIES, "[]"),
        (with("[\"send\"]", "[\"send\", \" \"]"), CAPABILITIES, "\" \""),
        (with("capabilities = [\"send\"]", ""), CAPABILITIES, ""),
        (input(""), REQUIRED, ""),
        (input("type = \"string\"\nlabel = \" \"\n"), INPUT_LABEL, "\" \""),
        (input("type = \"integer\"\nmultiline = true\n"), INPUT_MULTILINE, "true"),
        (input("type = \"string\"\nitems_type = \"string\"\n"), INPUT_ITEMS_TYPE, "\"string\""),
        (input("type = \"array\"\nitems_type = \"array\"\n"), INPUT_ITEMS_TYPE, "\"array\""),
        (file(&FRONT[..FRONT.find("[[execute]]").expect("there")]), REQUIRED, ""),
        (step("id = \"first\"\nop = \"x\""), STEP_ID, "\"first\""),
        (step("id = \"\"\nop = \"x\""), STEP_ID, "\"\""),
        (step("id = \"args\"\nop = \"x\""), STEP_ID, "\"args\""),
        (step("id = \"b\"\nop = \"\""), STEP_OP, "\"\""),
        (step("id = \"b\""), REQUIRED, ""),
        (
            with("connector = \"github://acme/x\"", "connector = \"github://acme/y\""),
            STEP_CONNECTOR,
            "\"github://acme/y\"",
        ),
        (call("{}"), TABLE_IN_INPUTS, "{}"),
        (call("[1, [{ b = 1 }]]"), TABLE_IN_INPUTS, "{ b = 1 }"),
        (call("\"${args.text} ${args.nope}\""), ARG_REFERENCE, "${args.nope}"),
        (call("[\"a\", [\"${args.Text}\"]]"), ARG_REFERENCE, "${args.Text}"),
        (call("\"${args.}\""), ARG_REFERENCE, "${args.}"),
        (call("\"${args.text\""), ARG_REFERENCE, "${args."),
        (call("\"$\\u007Bargs.nope}\""), ARG_REFERENCE, "\"$\\u007Bargs.nope}\""),
        (call("\"${first.id}\""), STEP_REFERENCE, "${first.id}"),
        (call("\"${later.id}\""), STEP_REFERENCE, "${later.id}"),
        (preview("op = \"get\"", ""), PREVIEW, ""),
        (preview("\"get\"", "\" \""), PREVIEW, "\" \""),
        (preview("render = { Text = \"text\" }", ""), PREVIEW, ""),
        (preview("{ Text = \"text\" }", "{}"), PREVIEW, "{}"),
        (preview("\"text\"", "\"\""), PREVIEW, "\"\""),
        (preview("Text =", "' ' ="), PREVIEW, "' '"),
        (preview("{ Text = \"text\" }", "{ Text = \"text\" }\nmultiline = [\"Else\"]"), PREVIEW, "\"Else\""),
        (preview("op =", "args = { a = \"${args.nope}\" }\nop ="), ARG_REFERENCE, "${args.nope}"),
        (preview("op =", "args = { a = \"${first.id}\" }\nop ="), STEP_REFERENCE, "${first.id}"),
        (preview("op =", "args = { a = {} }\nop ="), TABLE_IN_INPUTS, "{}"),
        (preview("op =", "connector = 1\nop ="), UNKNOWN_KEY, "connector"),
        (with("name", "Name"), UNKNOWN_KEY, "Name"),
    ] {
        for stage in [Stage::Source, Stage::Artifact] {
            let problems = found(&text, stage);
            assert!(problems.contains(&(rule, at.to_owned())), "{stage:?} {rule:?} {at}\n{text}\n{problems:?}");
            assert!(parse(&text, stage).document.is_none(), "{text}");
        }
    }
    for text in [file(FRONT), plus(APPROVAL)] {
        assert_eq!(found(&text, Stage::Source), []);
        assert!(parse(&text, Stage::Artifact).document.is_some());
    }
}

#[test] // artifacts.md §3, *Waivable*
fn an_action_that_breaks_only_waivable_rules_can_be_read() {
    for (text, rule, at) in [
        (with("\"text\"", "\"createdAt\"").replace("args.text", "args.createdAt"), INPUT_NAME, "\"createdAt\""),
        (with("\"string\"", "\"String\""), INPUT_TYPE, "\"String\""),
        (plus("[[inputs]]\nname = \"text\"\ntype = \"string\"\ndescription = \"x\""), INPUT_DUPLICATE, "\"text\""),
        (with("\"The line.\"", "\" \""), INPUT_DESCRIPTION, "\" \""),
        (with("\"post one line\"", "\"\""), INTENT_EMPTY, "\"\""),
    ] {
        for stage in [Stage::Source, Stage::Artifact] {
            assert_eq!(found(&text, stage), [(rule, at.to_owned())], "{text}");
            let action = parse(&text, stage).document.expect("a document");
            assert_eq!(action.inputs[0].name.value.as_str(), if rule == INPUT_NAME { "createdAt" } else { "text" });
        }
        assert!(rule.is_waivable());
    }
}

#[test] // artifacts.md §1, §3, §5
fn source_and_artifact_differ_where_the_spec_says_so() {
    let local = FRONT.replace("\"github://acme/x\"", "\"local://me/x\"");
    for (text, in_source, in_artifact) in [
        (with("sha256:HEX", "sha256:bound-at-release"), None, Some((HASH_FORM, "\"sha256:bound-at-release\""))),
        (file(&local), None, Some((NAME, "\"local://me/x\""))),
        (with("github://acme/x/actions/post@1.2.3", "local://me/post@9.9.9"), None, None),
        (
            with("actions/post@", "actions/other@"),
            Some((ACTION_SOURCE, "\"github://acme/x/actions/other@1.2.3\"")),
            None,
        ),
        (
            with("actions/post@", "myactions/post@"),
            Some((ACTION_SOURCE, "\"github://acme/x/myactions/post@1.2.3\"")),
            None,
        ),
        (with("acme/x/actions/post@", "acme/x/deep/actions/post@"), None, None),
        (with("post@1.2.3", "post@1.2.4"), Some((ACTION_SOURCE, "\"github://acme/x/actions/post@1.2.4\"")), None),
        (with("\"send\"", "\"sends\""), Some((CAPABILITY_OP, "\"sends\"")), None),
        (plus(&APPROVAL.replace("get", "sends")).replace("[\"send\"]", "[\"send\", \"sends\"]"), None, None),
        (with("idempotent = true\n", ""), Some((IDEMPOTENT_MISSING, "")), None),
        (file(FRONT).replace("\n# Post\n", " \n"), Some((EMPTY_BODY, "")), None),
    ] {
        let list = |row: Option<(&'static Rule, &str)>| {
            row.map(|(rule, at)| (rule, at.to_owned())).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(found(&text, Stage::Source), list(in_source), "{text}");
        assert_eq!(found(&text, Stage::Artifact), list(in_artifact), "{text}");
    }
    let other = parse(&with("actions/post@", "actions/other@"), Stage::Artifact).document.expect("a document");
    let fault = other.identity_fault().expect("a fault");
    assert_eq!((fault.rule, &other.source.text[fault.at]), (ACTION_SOURCE, "\"github://acme/x/actions/other@1.2.3\""));
}

#[test] // artifacts.md §3, first paragraph
fn front_matter_stands_between_two_lines() {
    let front = FRONT.replace("HEX", &"ab".repeat(32));
    for (open, close, body) in [
        ("+++\n", "+++\n", "# Post\n"),
        ("\u{feff}+++\n", "+++\n", "\u{feff}x\0"),
        ("\u{feff}\n \t\r\n  +++ \r\n", "\u{a0}+++\u{2003}\r\n", "a\r\n+++\nb"),
        ("+++\n", "+++", ""),
    ] {
        let text = format!("{open}{front}{close}{body}");
        let parsed = parse(&text, Stage::Artifact);
        assert_eq!(parsed.problems, [], "{text}");
        let action = parsed.document.expect("a document");
        assert_eq!((&text[action.front_matter], &text[action.body]), (front.as_str(), body));
    }
    for (text, at) in [
        (String::new(), ""),
        ("\n \n".into(), ""),
        (format!("---\n{front}---\n"), "---"),
        (format!("++++\r\n{front}+++\n"), "++++"),
        (format!("+++ x\n{front}+++\n"), "+++ x"),
        (format!("\n\u{feff}+++\n{front}+++\n"), "\u{feff}+++"),
        (format!("\u{feff}\u{feff}+++\n{front}+++\n"), "\u{feff}+++"),
        (format!("+++\n{front}"), ""),
        (file(FRONT).replace('\n', "\r"), &file(FRONT).replace('\n', "\r")),
    ] {
        let at = at.trim_end();
        assert_eq!(found(&text, Stage::Artifact), [(FRONT_MATTER, at.to_owned())], "{text}");
    }
    let inside = "+++\nx = '''\n+++\n'''\n+++\n";
    assert_eq!(found(inside, Stage::Artifact)[0].0, TOML_SYNTAX);
    assert_eq!(found("+++\n\u{feff}x = 1\n+++\n", Stage::Artifact)[0].0, TOML_SYNTAX);
}

#[test] // artifacts.md §3
fn every_field_is_kept_with_its_bytes() {
    let more = "label = \"\"\n[[inputs]]\nname = \"n\"\ntype = \"array\"\nitems_type = \"integer\"\ndescription = \"d\"\nrequired = false\nlabel = \"L\"\n";
    let front = FRONT.replace("[[execute]]", &format!("{more}\n[[execute]]")) + APPROVAL;
    let front =
        front.replace("{ a =", "{ n = 1.5, d = 2026-01-01, a =") + "multiline = ['Text']\nargs.id = '${args.n}'\n";
    let text = file(&front);
    let parsed = parse(&text, Stage::Source);
    assert_eq!(parsed.problems, []);
    let action = parsed.document.expect("a document");
    assert_eq!(&text[action.name.at.clone()], "\"post\"");
    assert_eq!(&text[action.reference.at.clone()], "\"github://acme/x/actions/post@1.2.3\"");
    let requirement = &action.requires[0];
    assert_eq!(text[requirement.hash.at.clone()], format!("\"sha256:{}\"", "ab".repeat(32)));
    let expected: ContentHash = format!("sha256:{}", "ab".repeat(32)).parse().expect("a hash");
    assert_eq!(requirement.hash.value, Pin::Hash(expected));
    let [first, second] = action.inputs.as_slice() else { panic!("two inputs") };
    assert_eq!((first.required, first.label.as_deref(), first.multiline), (true, None, false));
    assert_eq!(
        (second.required, second.label.as_deref(), second.items_type.as_deref()),
        (false, Some("L"), Some("integer"))
    );
    let step = &action.steps[0];
    assert_eq!((step.op.value.as_str(), step.idempotent, &text[step.at.clone()]), ("send", Some(true), "[[execute]]"));
    let inputs: Vec<(&str, &Value)> =
        step.inputs.iter().map(|(key, value)| (key.value.as_str(), &value.value)).collect();
    let datetime = Value::Datetime("2026-01-01".into());
    assert_eq!(inputs, [("n", &Value::Float(1.5)), ("d", &datetime), ("a", &Value::String("${args.text}".into()))]);
    let approval = action.approval.as_ref().expect("approval");
    let preview = approval.preview.as_ref().expect("a preview");
    assert!(action.needs_approval());
    assert_eq!((preview.op.value.as_str(), preview.args.len(), preview.multiline.len()), ("get", 1, 1));
    assert_eq!((preview.render[0].0.value.as_str(), preview.render[0].1.value.as_str()), ("Text", "text"));
}

#[test] // artifacts.md §3: two steps, the second refers to the first
fn a_step_may_refer_to_an_earlier_one() {
    let second = "[[execute]]\nid = \"second\"\nconnector = \"github://acme/x\"\nop = \"x\"\n";
    let text = plus(&format!("{second}inputs = {{ a = \"${{first.id}} ${{ no.reference }} $${{}} ${{x}}\" }}\n"));
    assert_eq!(found(&text, Stage::Artifact), []);
}

#[test] // artifacts.md §3, bundle rules
fn a_bundle_has_unique_names_and_harmless_previews() {
    let named = |name: &str, op: &str, more: &str| {
        let front = FRONT.replace("post\"", &format!("{name}\"")).replace("post@", &format!("{name}@"));
        let text = file(&(front.replace("\"send\"", &format!("\"{op}\"")) + more));
        let source = Source::read(&format!("{name}.md"), text.into()).expect("UTF-8");
        Action::parse(source, Stage::Artifact).document.expect("a document")
    };
    let judge = |actions: &[&Action]| -> Vec<(&'static Rule, String, String)> {
        let place = |problem: Problem| {
            let owner = actions.iter().find(|action| action.source.path == problem.file).expect("one of them");
            (problem.rule, problem.file.to_string(), owner.source.text[problem.at].to_owned())
        };
        bundle(actions).into_iter().map(place).collect()
    };
    let (send, get) = (named("send", "send", APPROVAL), named("get", "get", ""));
    let gated = named("gated", "get", "[approval]\nrequired = true\n");
    let shown = named("shown", "send", &APPROVAL.replace("required = true\n", ""));
    let fault = |file: &str| (PREVIEW_OP, file.to_owned(), "\"get\"".to_owned());
    assert_eq!(judge(&[&send, &get, &shown]), []);
    assert_eq!(judge(&[]), []);
    assert_eq!(judge(&[&send]), [fault("send.md")]);
    assert_eq!(judge(&[&send, &get, &gated]), [fault("send.md")]);
    assert_eq!(judge(&[&shown, &send]), [fault("shown.md"), fault("send.md")]);
    assert_eq!(judge(&[&get, &get]), [(ACTION_DUPLICATE, "get.md".to_owned(), "\"get\"".to_owned())]);
    let mut unsaid = get.clone();
    unsaid.steps[0].idempotent = None;
    assert_eq!(judge(&[&send, &unsaid]), [fault("send.md")]);
    let mut elsewhere = get;
    elsewhere.steps[0].connector = Spanned { value: "github://acme/y".into(), at: 0..0 };
    assert_eq!(judge(&[&send, &elsewhere]), [fault("send.md")]);
}

#[test] // artifacts.md §3: `check` says so file by file, all of it
fn many_faults_are_many_problems_in_file_order() {
    let front = FRONT
        .replace("\"post\"", "\"Post\"")
        .replace("HEX", "")
        .replace("\"text\"", "\"Text\"")
        .replace("op =", "ops =");
    let rules: Vec<&'static Rule> = found(&file(&front), Stage::Source).into_iter().map(|(rule, _)| rule).collect();
    assert_eq!(rules, [ACTION_NAME, ACTION_SOURCE, HASH_FORM, INPUT_NAME, REQUIRED, UNKNOWN_KEY, ARG_REFERENCE]);
    assert!(rules.iter().all(|rule| rule.severity() == Severity::Error));
}

#[test] // a reader meets these before it knows who signed them
fn a_hostile_megabyte_takes_one_pass() {
    let all = |text: &str| {
        let parsed = parse(text, Stage::Artifact);
        (parsed.problems.len() + parsed.more, parsed.problems)
    };
    let call = |value: String| all(&with("\"${args.text}\"", &value)).0;
    let distinct = |prefix: &str| (0..50_000).map(|n| format!("{prefix}args.n{n}}}")).collect::<String>();
    assert_eq!(call(format!("'{}'", distinct("${"))), 50_000);
    assert_eq!(call(format!("\"{}\"", distinct("$\\u007b"))), 50_000);
    assert_eq!(call(format!("'{}'", "${args.".repeat(140_000))), 1);
    let labels: Vec<String> = (0..15_000).map(|n| format!("'l{n}'")).collect();
    let render = labels.iter().map(|label| format!("{label} = 'x'")).collect::<Vec<_>>().join(",");
    let preview = format!("op = 'get'\nrender = {{ {render} }}\nmultiline = [{}]\n", labels.join(","));
    assert_eq!(found(&plus(&format!("[approval.preview]\n{preview}")), Stage::Artifact), []);
    let long = format!("{{ {} = [{}] }}", "k".repeat(400_000), "{},".repeat(40_000));
    let (count, kept) = all(&with("{ a = \"${args.text}\" }", &long));
    assert_eq!((count, kept.len()), (40_000, MOST_PROBLEMS));
    assert!(kept.iter().all(|problem| problem.message.len() < 200));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(\\+\\+\\+\n|[a-z=\"\\[\\]{}$.\n ]|\\PC){0,60}", cut in 0usize..600) {
        let whole = plus(APPROVAL);
        let cut = cut.min(whole.len());
        for text in [text.clone(), format!("{}{text}{}", &whole[..cut], &whole[cut..])] {
            for stage in [Stage::Source, Stage::Artifact] {
                for problem in parse(&text, stage).problems {
                    prop_assert!(text.get(problem.at.clone()).is_some(), "{:?}", problem);
                }
            }
        }
    }

    #[test]
    fn references_lie_inside_the_text_and_do_not_overlap(text in "([$]\\{|args\\.|[a-z.}{ ]|\\PC){0,40}") {
        let mut end = 0;
        for (at, _) in template::references(&text) {
            prop_assert!(at.start >= end && text.get(at.clone()).is_some());
            end = at.end;
        }
    }
}
