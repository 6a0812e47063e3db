//! Every leaf of the schema, changed, added and removed.

use toml_edit::{Array, DocumentMut, Item, Table, Value};

use super::*;
use crate::problem::Source;
use crate::text::toml::Stage;

const HASH: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// A manifest with every key that its credential's kind may have.
fn maximal(credential: &str) -> String {
    format!(
        r#"[connector]
name = "github://acme/x"
version = "1.2.3"
[capabilities.network]
hosts = ["a.example:443", "b.example:443"]
[capabilities.runtime]
imports = ["log", "http_request", "clock"]
{credential}
[capabilities.spawn]
programs = [{{ path = "/usr/bin/git", hash = "{HASH}" }}, {{ path = "~/bin/gh", hash = "{HASH}" }}]
env_passthrough = ["A", "B", "C"]
credential_env_keys = ["A", "C"]
fs_read = ["~/src", "/etc/hosts"]
fs_write = ["~/out", "/tmp/x"]
cwd = "~/work"
[capabilities.spawn.limits]
max_stdout_bytes = 1000
max_stderr_bytes = 2000
[capabilities.spawn.operations.status]
argv = "git status"
description = "Shows what changed"
[capabilities.spawn.operations.log]
argv = "git log {{n}}"
description = "Shows commits"
"#
    )
}

const CREDENTIALS: [&str; 3] = [
    "[capabilities.credential]\nkind = \"api_key\"\nscope = \"read mail\"\nheader = \"X-Key\"\nformat = \"Key {key}\"",
    "[capabilities.credential]\nkind = \"aws_sigv4\"\nscope = \"query\"\nservice = \"athena\"\nregion = \"eu-central-1\"\naccess_key_id = \"AKIA\"",
    "[capabilities.credential]\nkind = \"oauth2\"\nscope = \"read mail\"\n[capabilities.credential.oauth2]\nauthorize_url = \"https://a.example/a\"\ntoken_url = \"https://a.example/t\"\nclient_id = \"app\"\nclient_secret = \"not so secret\"\nscopes = [\"mail.read\", \"mail.list\"]",
];

fn read(text: &str) -> Option<Permissions> {
    let source = Source::read("manifest.toml", text.into()).expect("UTF-8");
    let parsed = ConnectorManifest::parse(source, Stage::Artifact);
    let module = Module::parse(&wat::parse_str("(module)").expect("a module")).expect("parses");
    parsed.problems.is_empty().then(|| Permissions::of(&parsed.document.expect("a document"), &module))
}

/// One step into a document: a key, or a place in an array.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    At(usize),
}

fn leaves(item: &Item, path: &[Step], found: &mut Vec<Vec<Step>>) {
    let below = |step: Step| [path, &[step]].concat();
    if let Some(table) = item.as_table_like() {
        table.iter().for_each(|(key, item)| leaves(item, &below(Step::Key(key.to_owned())), found));
    } else if let Some(array) = item.as_array() {
        found.push(path.to_vec());
        for (at, value) in array.iter().enumerate() {
            leaves(&Item::Value(value.clone()), &below(Step::At(at)), found);
        }
    } else {
        found.push(path.to_vec());
    }
}

fn value_at<'d>(document: &'d mut DocumentMut, path: &[Step]) -> &'d mut Value {
    let [Step::Key(first), rest @ ..] = path else { unreachable!("a document is a table") };
    let mut rest = rest.iter();
    let mut item = &mut document[first.as_str()];
    while !item.is_value() {
        let Some(Step::Key(key)) = rest.next() else { unreachable!("a table has keys") };
        item = &mut item[key.as_str()];
    }
    let mut value = item.as_value_mut().expect("a value");
    for step in rest {
        value = match step {
            Step::At(at) => value.as_array_mut().and_then(|array| array.get_mut(*at)).expect("an entry"),
            Step::Key(key) => value.as_inline_table_mut().and_then(|table| table.get_mut(key)).expect("a key"),
        };
    }
    value
}

/// Other values of the same type; one of them fits wherever there is a rule.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) => {
            let text = text.value();
            vec![format!("{text}x"), format!("x{text}"), text.replacen('0', "1", 1), "B".to_owned()]
                .into_iter()
                .filter(|other| other != text)
                .map(Value::from)
                .collect()
        }
        Value::Integer(number) => vec![Value::from(number.value() + 1)],
        Value::Array(array) => {
            let mut shorter = array.clone();
            shorter.remove(0);
            let mut longer = array.clone();
            longer.extend(array.iter().take(1).flat_map(others).take(1).collect::<Vec<_>>());
            let mut extended = Array::new();
            extended.extend(array.iter().cloned().chain([Value::from("B")]));
            let all = [shorter, longer, extended].into_iter();
            // The same entry twice allows nothing more.
            let distinct = |other: &Array| {
                let texts: Vec<String> = other.iter().map(|value| value.to_string().trim().to_owned()).collect();
                texts.iter().enumerate().all(|(at, text)| !texts[..at].contains(text))
            };
            all.filter(|other| other.len() != array.len() && distinct(other)).map(Value::from).collect()
        }
        _ => Vec::new(),
    }
}

fn remove(document: &mut DocumentMut, path: &[Step]) {
    let (last, parent) = path.split_last().expect("a path");
    match last {
        Step::At(at) => {
            value_at(document, parent).as_array_mut().expect("an array").remove(*at);
        }
        Step::Key(key) if parent.iter().any(|step| matches!(step, Step::At(_))) => {
            value_at(document, parent).as_inline_table_mut().expect("a table").remove(key);
        }
        Step::Key(key) => {
            let mut table: &mut Table = document.as_table_mut();
            for step in parent {
                let Step::Key(key) = step else { unreachable!("handled above") };
                table = table[key.as_str()].as_table_mut().expect("a table");
            }
            table.remove(key);
        }
    }
}

#[test] // artifacts.md §10: a test changes each leaf and demands a changed line
fn changing_each_leaf_of_the_schema_changes_a_line() {
    let mut changed = 0;
    for credential in CREDENTIALS {
        let text = maximal(credential);
        let before = read(&text).expect("the maximal manifest is right");
        let document: DocumentMut = text.parse().expect("TOML");
        let mut found = Vec::new();
        leaves(&document["capabilities"], &[Step::Key("capabilities".to_owned())], &mut found);
        for path in found {
            let mut valid = 0;
            for other in others(value_at(&mut document.clone(), &path)) {
                let mut document = document.clone();
                *value_at(&mut document, &path) = other.clone();
                let Some(after) = read(&document.to_string()) else { continue };
                valid += 1;
                let changes = after.since(&before);
                assert!(!changes.is_empty(), "{path:?} = {other}");
                assert!(!before.since(&after).is_empty(), "{path:?} = {other}");
                assert_eq!(changes.is_growth() || !changes.removed.is_empty(), after != before);
            }
            let is_kind = matches!(path.last(), Some(Step::Key(key)) if key == "kind");
            // A variable that carries a credential stands in two lists; the one between these stands in one.
            let is_twice = matches!(&path[..], [.., Step::Key(list), Step::At(0 | 2)] if list == "env_passthrough");
            assert!(valid > 0 || is_kind || is_twice, "no other value of {path:?} was tried");
            changed += valid;
        }
    }
    assert!(changed > 100, "{changed}");
}

#[test] // and the same read backwards is a leaf that is added
fn removing_or_adding_each_leaf_changes_a_line() {
    let mut removed = 0;
    for credential in CREDENTIALS {
        let text = maximal(credential);
        let whole = read(&text).expect("the maximal manifest is right");
        let document: DocumentMut = text.parse().expect("TOML");
        let mut found = Vec::new();
        leaves(&document["capabilities"], &[Step::Key("capabilities".to_owned())], &mut found);
        for path in found {
            let mut document = document.clone();
            remove(&mut document, &path);
            let Some(without) = read(&document.to_string()) else { continue };
            removed += 1;
            assert!(whole.since(&without).is_growth(), "{path:?} was added");
            assert!(!without.since(&whole).is_empty(), "{path:?} was removed");
        }
    }
    assert!(removed > 50, "{removed}");
}

#[test]
fn what_an_upgrade_may_do_more_is_named() {
    let [api_key, sigv4, oauth2] = CREDENTIALS.map(maximal);
    let no_spawn = |text: &str| text.split("[capabilities.spawn]").next().expect("a start").to_owned();
    let rows: [(&str, &str, &str, &str); 15] = [
        (&oauth2, "\"mail.list\"]", "\"mail.list\", \"admin\"]", "+OAuth scope admin"),
        (&oauth2, "https://a.example/t", "https://evil.example/t", "~token URL https://evil.example/t"),
        (&oauth2, "https://a.example/a", "https://evil.example/a", "~authorize URL https://evil.example/a"),
        (&oauth2, "\"app\"", "\"other\"", "~client id other"),
        (&api_key, "X-Key", "Authorization", "~in header Authorization"),
        (&api_key, "Key {key}", "{key}", "~written as {key}"),
        (&sigv4, "athena", "iam", "~signs for iam"),
        (&sigv4, "region = \"eu-central-1\"\n", "", "~in region the one of your binding"),
        (&api_key, "git status", "git {anything} {more}", "~command status: git {anything} {more}"),
        (&api_key, "\"C\"]\ncred", "\"C\", \"GH_TOKEN\"]\ncred", "+sees variable GH_TOKEN"),
        (&api_key, "\"~/src\"", "\"~/src\", \"~\"", "+may read ~"),
        (&api_key, "\"~/out\"", "\"~/out\", \"~\"", "+may write ~"),
        (&api_key, ", \"clock\"]", "]", "-may call clock"),
        (&api_key, "1000", "1001", "~output up to 1001 bytes"),
        (&api_key, "\"b.example:443\"]", "\"b.example:443\", \"c.example:443\"]", "+may connect to c.example:443"),
    ];
    for (text, old, new, line) in rows {
        let changed = text.replacen(old, new, 1);
        assert_ne!(changed, *text, "{old}");
        let after = read(&changed).expect("right");
        let changes = after.since(&read(text).expect("right"));
        assert_eq!(lines(&changes), [line]);
        assert_eq!(changes.is_growth(), !line.starts_with('-'), "{line}");
    }
    let pin = format!("\"/usr/bin/git\", hash = \"{HASH}\"");
    let unpinned = read(&api_key.replace(&pin, "\"/usr/bin/git\"")).expect("right");
    let changes = unpinned.since(&read(&api_key).expect("right"));
    assert_eq!(lines(&changes), ["~may start /usr/bin/git (whatever file is there)"]);
    let (with, without) = (read(&api_key).expect("right"), read(&no_spawn(&api_key)).expect("right"));
    assert!(with.since(&without).is_growth() && !without.since(&with).is_growth());
}

fn lines(changes: &PermissionChanges) -> Vec<String> {
    let line = |sign: char, one: &Permission| format!("{sign}{} {one}", one.kind.label());
    let added = changes.added.iter().map(|one| line('+', one));
    let changed = changes.changed.iter().map(|one| line('~', &one.after));
    added.chain(changed).chain(changes.removed.iter().map(|one| line('-', one))).collect()
}

#[test]
fn a_client_secret_is_compared_and_not_shown() {
    let text = maximal(CREDENTIALS[2]);
    let permissions = read(&text).expect("right");
    let secret: Vec<String> = permissions.of_kind(PermissionKind::ClientSecret).map(ToString::to_string).collect();
    assert_eq!(secret.len(), 1);
    assert!(secret[0].starts_with("sha256:") && !format!("{permissions:?}").contains("not so secret"), "{secret:?}");
    assert_eq!(permissions.without(PermissionKind::ClientSecret).of_kind(PermissionKind::ClientSecret).count(), 0);
}

#[test]
fn each_kind_has_a_name_and_a_label_of_its_own() {
    for (at, kind) in PermissionKind::ALL.iter().enumerate() {
        assert!(kind.label().len() <= 15 && kind.meaning().ends_with('.'), "{kind:?}");
        for other in &PermissionKind::ALL[..at] {
            assert!(kind.id() != other.id() && kind.label() != other.label(), "{kind:?}");
        }
    }
}
