//! Binding changes the fields of artifacts.md §5, and not one byte beside them: on documents made to confuse it, and on
//! every document of the reference repositories.

use std::path::{Path, PathBuf};

use aileron_testkit::{HASH_PLACEHOLDER, Toy, VERSION_PLACEHOLDER, action_text, say, shared};
use aileron_verifier::artifact::action::{Action, Pin};
use aileron_verifier::artifact::binding::{self, Edit, Field};
use aileron_verifier::artifact::manifest::{ConnectorManifest, SECRET_PLACEHOLDER};
use aileron_verifier::artifact::rules;
use aileron_verifier::name::digest::ContentHash;
use aileron_verifier::name::version::Version;
use aileron_verifier::problem::Source;
use aileron_verifier::text::toml::Stage;

/// A committed manifest with a client secret, and every place in its comments and values that looks like one.
const MANIFEST: &str = r#"# client_secret = "bound-at-release"
# version = "0.0.0-dev" and sha256:bound-at-release stay in comments.
[connector]
name = "github://acme/echo" # "bound-at-release"
version = "0.0.0-dev" # version = "0.0.0-dev"
publisher = "client_secret"

[capabilities.network]
hosts = [
  "api.example.com:443", # "0.0.0-dev"
]

[capabilities.credential]
kind = "oauth2"
scope = "Echo"

[capabilities.credential.oauth2]
authorize_url = "https://example.com/authorize"
token_url = "https://example.com/token"
client_id = "id"
client_secret = "bound-at-release" # client_secret = "bound-at-release"
scopes = ["a"]

[capabilities.runtime]
imports = ["log"]
"#;

/// A document in every spelling of line ends and marks.
pub(crate) fn spellings(text: &str) -> [String; 4] {
    let crlf = text.replace("\r\n", "\n").replace('\n', "\r\n");
    [text.to_owned(), format!("\u{feff}{text}"), crlf.clone(), format!("\u{feff}{crlf}")]
}

pub(crate) fn source(path: &str, text: &str) -> Source {
    Source::read(path, text.as_bytes().to_vec()).expect("UTF-8")
}

pub(crate) fn manifest(text: &str, stage: Stage) -> ConnectorManifest {
    let parsed = ConnectorManifest::parse(source("manifest.toml", text), stage);
    parsed.document.unwrap_or_else(|| panic!("{:?}\n{text}", parsed.problems))
}

pub(crate) fn action(text: &str, stage: Stage) -> Action {
    let parsed = Action::parse(source("action.md", text), stage);
    parsed.document.unwrap_or_else(|| panic!("{:?}\n{text}", parsed.problems))
}

/// Writes the edits and proves, without [`binding::apply`]'s help, that nothing else changed.
pub(crate) fn bind(text: &str, edits: &[Edit]) -> String {
    let bound = binding::apply(text, edits);
    assert!(binding::differs_only_there(text, &bound, edits));
    // Back again: every new value replaced by the old one gives the committed bytes.
    let (mut back, mut shift) = (bound.clone(), 0_isize);
    for edit in edits {
        let from = edit.at.start.checked_add_signed(shift).expect("in file order");
        assert_eq!(&bound[from..from + edit.text.len()], edit.text);
        shift += edit.text.len() as isize - edit.at.len() as isize;
    }
    for edit in edits.iter().rev() {
        let before: isize = edits
            .iter()
            .take_while(|other| other.at.start < edit.at.start)
            .map(|other| other.text.len() as isize - other.at.len() as isize)
            .sum();
        let from = edit.at.start.checked_add_signed(before).expect("in file order");
        back.replace_range(from..from + edit.text.len(), &text[edit.at.clone()]);
    }
    assert_eq!(back, text);
    // And the proof is one: a byte more or less anywhere outside the fields is found.
    assert!(!binding::differs_only_there(text, &format!("{bound} "), edits));
    assert!(!binding::differs_only_there(text, &format!(" {bound}"), edits));
    bound
}

fn fields(edits: &[Edit]) -> Vec<Field> {
    edits.iter().map(|edit| edit.field).collect()
}

/// Every string of a TOML document, by a parser that is not ours.
fn strings(text: &str) -> Vec<String> {
    fn collect(item: &toml_edit::Item, found: &mut Vec<String>) {
        match item {
            toml_edit::Item::Value(value) => collect_value(value, found),
            toml_edit::Item::Table(table) => table.iter().for_each(|(_, item)| collect(item, found)),
            toml_edit::Item::ArrayOfTables(tables) => {
                tables.iter().flat_map(|table| table.iter()).for_each(|(_, item)| collect(item, found));
            }
            toml_edit::Item::None => {}
        }
    }
    fn collect_value(value: &toml_edit::Value, found: &mut Vec<String>) {
        match value {
            toml_edit::Value::String(text) => found.push(text.value().clone()),
            toml_edit::Value::Array(list) => list.iter().for_each(|value| collect_value(value, found)),
            toml_edit::Value::InlineTable(table) => {
                table.iter().for_each(|(_, value)| collect_value(value, found));
            }
            _ => {}
        }
    }
    let document = toml_edit::Document::parse(text.trim_start_matches('\u{feff}')).expect("TOML");
    let mut found = Vec::new();
    collect(document.as_item(), &mut found);
    found
}

/// Secrets that a textual substitution, a shell, or a printer would spoil.
pub(crate) const SECRETS: [&str; 28] = [
    "plain",
    "",
    " ",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "a\"b'c\"\"\"d'''e",
    "\\",
    "\\\\\"",
    "\\n",
    "\\u0041",
    "line\nline",
    "line\r\nline\r",
    "\ttab",
    "&",
    "|",
    "s|a|b|g; s/&/\\1/",
    "$HOME ${args.x} `id` $(id)",
    "# not a comment",
    "bound-at-release",
    "sha256:bound-at-release",
    "0.0.0-dev",
    "\" # client_secret = \"bound-at-release",
    "\u{0}\u{1}\u{8}\u{b}\u{c}\u{1b}\u{1f}\u{7f}\u{80}\u{9f}",
    "Grüße, 秘密 🔑 \u{202e}\u{feff}\u{2028}",
    "+++\n[connector]\nname = \"evil\"",
    "\u{10ffff}\u{fffd}\u{e000}",
];

#[test] // artifacts.md §5: any text valid in a TOML string, in exactly one field
fn a_secret_is_read_back_as_it_was_given_from_one_field_only() {
    let version: Version = "1.2.3".parse().expect("version");
    for text in spellings(MANIFEST) {
        let committed = manifest(&text, Stage::Source);
        for secret in SECRETS {
            let edits = binding::manifest(&committed, &version, Some(secret)).expect("placeholders");
            assert_eq!(fields(&edits), [Field::ConnectorVersion, Field::ClientSecret]);
            let bound = bind(&text, &edits);
            let read = manifest(&bound, Stage::Artifact);
            assert_eq!(read.version.value, version);
            let oauth2 = read.credential.and_then(|credential| credential.oauth2).expect("oauth2");
            assert_eq!(oauth2.client_secret.map(|found| found.value).as_deref(), Some(secret));
            // By the other parser too: one string more than before equals the secret, all others are what they were.
            let mut expected = strings(&text);
            for value in &mut expected {
                match value.as_str() {
                    VERSION_PLACEHOLDER => *value = "1.2.3".into(),
                    SECRET_PLACEHOLDER => *value = secret.into(),
                    _ => {}
                }
            }
            assert_eq!(strings(&bound), expected);
            assert_eq!(
                bound.matches('\u{feff}').count(),
                text.matches('\u{feff}').count() + secret.matches('\u{feff}').count()
            );
            let left = binding::leftovers(&committed.source, 0..text.len(), &edits);
            assert!(left.is_empty(), "{left:?}");
        }
    }
}

#[test] // artifacts.md §5: a test must prove that the secret bytes appear in exactly one file of a whole cohort
fn a_secret_is_in_one_file_of_a_cohort() {
    let (version, secret) = ("1.2.3".parse::<Version>().expect("version"), "S3cr3t-of-the-cohort");
    let committed = manifest(MANIFEST, Stage::Source);
    let bound = bind(MANIFEST, &binding::manifest(&committed, &version, Some(secret)).expect("placeholders"));
    let toy = Toy::default();
    let connector = toy.sign_connector(aileron_testkit::module(), bound.clone().into_bytes());
    let content = ContentHash::of(&[&aileron_testkit::module(), bound.as_bytes()]);
    let mut files = vec![connector];
    for name in ["say", "shout", "whisper"] {
        let text = action_text("github://acme/echo", name, VERSION_PLACEHOLDER, HASH_PLACEHOLDER);
        let edits = binding::action(&action(&text, Stage::Source), &toy.name, &version, Some(&content));
        let bound = bind(&text, &edits.expect("placeholders"));
        assert_eq!(bound, action_text("github://acme/echo", name, "1.2.3", &content.to_string()));
        files.push(toy.sign_action(bound.into_bytes()));
    }
    let members = files.iter().flat_map(aileron_testkit::tar::members);
    let places: Vec<&str> = members
        .flat_map(|(name, bytes)| bytes.windows(secret.len()).filter(|at| *at == secret.as_bytes()).map(move |_| name))
        .collect();
    assert_eq!(places, ["manifest.toml"]);
}

#[test] // artifacts.md §5, the refusals
fn a_field_that_holds_something_else_is_refused() {
    let toy = Toy::default();
    let version = &toy.version;
    let text = action_text("github://acme/echo", "say", VERSION_PLACEHOLDER, HASH_PLACEHOLDER);
    let content = toy.content();
    let other = ContentHash::of(&[b"other"]).to_string();
    for (changed, line) in [
        (text.replacen("\nversion = \"0.0.0-dev\"", "\nversion = \"1.2.2\"", 1), 3),
        (text.replace("actions/say@0.0.0-dev", "actions/say@1.2.2"), 4),
        (text.replace("echo\"\nversion = \"0.0.0-dev\"", "echo\"\nversion = \"1.2.2\""), 8),
        (text.replace(HASH_PLACEHOLDER, &other), 9),
    ] {
        // Identity is not what is tested here: judged as an artifact, where only the hash may not be a placeholder.
        let pinned = changed.replace(HASH_PLACEHOLDER, &content.to_string());
        let document = action(&pinned, Stage::Artifact);
        let problems = binding::action(&document, &toy.name, version, Some(&content)).err().expect("a third value");
        let found: Vec<_> = problems.iter().map(|p| (p.rule, document.source.position(p.at.start).0)).collect();
        assert_eq!(found, [(rules::PLACEHOLDER, line)], "{changed}");
    }
    // The release's own values may stand already.
    let bound = toy.action_document("say");
    let edits = binding::action(&action(&bound, Stage::Artifact), &toy.name, version, Some(&content)).expect("bound");
    assert!(edits.is_empty());
    // A placeholder that is not bound is found, even behind an escape; one in a comment or the body is not.
    for (changed, left) in [
        (text.replace("What to say.", "At 0.0.0-dev."), 1),
        (text.replace("What to say.", "bound-at-release"), 1),
        (text.replace("What to say.", "bound\\u002Dat-release"), 1),
        (text.replace("What to say.", "10.0.0-dev.1"), 0),
        (text.replace("# Echo", "# Echo 0.0.0-dev \"bound-at-release\""), 0),
        (text.replace("[match]", "# sha256:bound-at-release 0.0.0-dev\n[match]"), 0),
    ] {
        let document = action(&changed, Stage::Source);
        let edits = binding::action(&document, &toy.name, version, Some(&content)).expect("placeholders");
        let found = binding::leftovers(&document.source, document.front_matter.clone(), &edits);
        assert_eq!(found.len(), left, "{found:?}");
    }
    // Without a secret its placeholder is left over, and said.
    let committed = manifest(MANIFEST, Stage::Source);
    let edits = binding::manifest(&committed, version, None).expect("the version");
    let left = binding::leftovers(&committed.source, 0..MANIFEST.len(), &edits);
    assert_eq!(left.iter().map(|p| committed.source.position(p.at.start).0).collect::<Vec<_>>(), [21]);
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a readable file")
}

fn actions(repository: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository.join("actions")).expect("actions");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path().join("action.md")).collect();
    paths.sort();
    paths
}

#[test] // artifacts.md §5, over 555 published actions and 4 manifests, in four spellings each
fn every_reference_document_binds_with_every_other_byte_the_same() {
    let Some(reference) = shared("reference") else { return };
    let version: Version = "9.8.7-rc.1+build".parse().expect("version");
    let content = ContentHash::of(&[b"content"]);
    let (mut bound_actions, mut bound_manifests, mut refused) = (0, 0, Vec::new());
    for repository in ["athena", "google", "linear", "slack"] {
        let base = reference.join(repository);
        let committed = read(&base.join("connector/manifest.toml"));
        let name = manifest(&committed, Stage::Source).name.value;
        let has_secret = ["google", "slack"].contains(&repository);
        for text in spellings(&committed) {
            let document = manifest(&text, Stage::Source);
            assert_eq!(binding::client_secret(&document).is_some(), has_secret, "{repository}");
            let edits = binding::manifest(&document, &version, Some("a \"secret\"")).expect("placeholders");
            assert_eq!(edits.len(), 1 + usize::from(has_secret), "{repository}");
            let bound = bind(&text, &edits);
            // Comments keep what they say about placeholders. reference/README.md, its table of counts.
            let count = |text: &str, word| text.matches(word).count();
            let comments =
                [count(&text, VERSION_PLACEHOLDER) - 1, count(&text, "bound-at-release") - usize::from(has_secret)];
            assert_eq!([count(&bound, VERSION_PLACEHOLDER), count(&bound, "bound-at-release")], comments);
            let read = manifest(&bound, Stage::Artifact);
            assert_eq!(read.version.value, version);
            let secret = read.credential.and_then(|c| c.oauth2).and_then(|oauth2| oauth2.client_secret);
            assert_eq!(secret.map(|secret| secret.value).as_deref(), has_secret.then_some("a \"secret\""));
            assert_eq!(binding::leftovers(&document.source, 0..text.len(), &edits), []);
            bound_manifests += 1;
        }
        for path in actions(&base) {
            for text in spellings(&read(&path)) {
                let document = action(&text, Stage::Source);
                let edits = match binding::action(&document, &name, &version, Some(&content)) {
                    Ok(edits) => edits,
                    Err(problems) => {
                        let lines = problems.iter().map(|p| (p.rule, document.source.position(p.at.start).0));
                        refused.push((document.name.value.clone(), lines.collect::<Vec<_>>()));
                        continue;
                    }
                };
                assert_eq!(
                    fields(&edits),
                    [Field::ActionVersion, Field::ActionSource, Field::RequiredVersion, Field::RequiredHash]
                );
                let bound = bind(&text, &edits);
                let read = action(&bound, Stage::Artifact);
                assert_eq!((&read.version.value, &read.reference.value.version), (&version, &version));
                assert_eq!(read.reference.value.name, document.reference.value.name);
                assert_eq!(read.requires[0].version.value, version);
                assert_eq!(read.requires[0].hash.value, Pin::Hash(content));
                assert_eq!(read.identity_fault(), None);
                assert_eq!(binding::leftovers(&document.source, document.front_matter.clone(), &edits), []);
                bound_actions += 1;
            }
        }
    }
    // One action still has an older release's version in its three places. reference/README.md.
    let lines = [3, 4, 8].map(|line| (rules::PLACEHOLDER, line)).to_vec();
    assert_eq!(refused, vec![("list-recent-emails".to_owned(), lines); 4]);
    assert_eq!((bound_actions, bound_manifests), (554 * 4, 4 * 4));
    say(format_args!(
        "binding: {bound_actions} actions and {bound_manifests} manifests bound (4 spellings each); list-recent-emails refused at lines 3, 4, 8"
    ));
}

#[test] // reference/README.md: athena's comment holds the exact line, and there is no secret
fn a_comment_that_looks_like_a_placeholder_stays() {
    let Some(reference) = shared("reference") else { return };
    let version: Version = "1.0.0".parse().expect("version");
    for (repository, comments, line) in [("athena", 3, true), ("google", 1, false)] {
        let text = read(&reference.join(repository).join("connector/manifest.toml"));
        let document = manifest(&text, Stage::Source);
        let edits = binding::manifest(&document, &version, Some("S3cr3t")).expect("placeholders");
        let bound = bind(&text, &edits);
        let lines = |text: &str| {
            let comments = text.lines().filter(|line| line.trim_start().starts_with('#'));
            comments.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(lines(&bound), lines(&text));
        assert_eq!(bound.matches(VERSION_PLACEHOLDER).count(), comments, "{repository}");
        assert_eq!(bound.contains("client_secret = \"bound-at-release\""), line, "{repository}");
        assert_eq!(bound.contains("S3cr3t"), !line, "{repository}");
        let changed = text.lines().zip(bound.lines()).filter(|(old, new)| old != new).count();
        assert_eq!(changed, edits.len(), "{repository}");
    }
}
