//! `plan --diff` is what a reviewer signs off: put into the committed text, its hunks give the published text. artifacts.md §5.

use std::fs;

use aileron_testkit::home::tree::unpack;
use aileron_testkit::home::{Repository, TestHome, ok};
use serde_json::Value;

const SECRET: &str = "client-5ecret";
const MASK: &str = "\"********\"";
const VERSION: &str = "version = \"0.0.0-dev\"";

/// Ways to write what is bound: what is replaced in the manifest, and in the action `vault-ping`.
type Edit = (&'static str, &'static str);
const SPELLINGS: [(&str, &[Edit], &[Edit]); 10] = [
    ("as scaffolded", &[], &[]),
    ("a version over several lines", &[(VERSION, "version = \"\"\"\n0.0.0-dev\"\"\"")], &[]),
    ("a literal over several lines", &[(VERSION, "version   =   '''\n0.0.0-dev''' # 0.0.0-dev")], &[]),
    ("a line that is continued", &[(VERSION, "version = \"\"\"\\\n\n   0.0.0-\\\n  dev\"\"\"")], &[]),
    ("an escaped version", &[(VERSION, "version = \"0.0.0\\u002Ddev\"")], &[]),
    (
        "a secret over several lines",
        &[(
            "client_secret = \"bound-at-release\"",
            "client_secret = \"\"\"\nbound-at-release\"\"\" # bound-at-release",
        )],
        &[],
    ),
    ("a literal secret", &[("client_secret = \"bound-at-release\"", "client_secret = '''\nbound-at-release'''")], &[]),
    (
        "several fields in a line",
        &[],
        &[(
            "[[requires.connectors]]\nname = \"github://acme/aileron-connector-vault\"\nversion = \"0.0.0-dev\"\nhash = \"sha256:bound-at-release\"\n",
            "[[requires.connectors]]\nhash = 'sha256:bound-at-release'\nversion = \"\"\"\n0.0.0-dev\"\"\"\nname = \"github://acme/aileron-connector-vault\"\n",
        )],
    ),
    (
        "look-alikes",
        &[("publisher = \"acme\"", "publisher = '10.0.0-dev and 0.0.0-dev.1' # sha256:bound-at-release")],
        &[],
    ),
    ("text around", &[("[connector]", "# 0.0.0-dev\n\n[connector] # bound-at-release")], &[("# ", "# 0.0.0-dev ")]),
];

fn repository(home: &TestHome) -> Repository<'_> {
    let repository = home.scaffold("vault", "wat");
    let oauth = "\n[capabilities.network]\nhosts = [\"a.example:443\"]\n[capabilities.credential]\nkind = \"oauth2\"\n\
        [capabilities.credential.oauth2]\nauthorize_url = \"https://a.example/a\"\ntoken_url = \"https://a.example/t\"\n\
        client_id = \"id-1\"\nclient_secret = \"bound-at-release\"\nscopes = [\"read\"]\n";
    let manifest = repository.read("connector/manifest.toml");
    let (head, _) = manifest.split_once("[capabilities").unwrap_or((&manifest, ""));
    repository.write("connector/manifest.toml", &format!("{}\n{oauth}", head.trim_end()));
    repository.commit("a client secret is wanted");
    repository
}

/// The text with its lines from `line` on replaced, as one hunk says. Line ends are the text's own.
fn apply(text: &mut Vec<String>, line: usize, from: &[&str], to: &[&str], end: &str, shift: &mut isize) {
    let at = line.checked_add_signed(*shift).unwrap() - 1;
    let found: Vec<&str> = text[at..at + from.len()].iter().map(|line| line.trim_end_matches('\r')).collect();
    assert_eq!(found, from, "the old lines of the hunk at {line}");
    let last = at + from.len() == text.len();
    let ended = |line: &str, at_end: bool| {
        if at_end { line.to_owned() } else { format!("{line}{}", end.trim_end_matches('\n')) }
    };
    let new: Vec<String> = to.iter().enumerate().map(|(i, line)| ended(line, last && i + 1 == to.len())).collect();
    *shift += to.len() as isize - from.len() as isize;
    text.splice(at..at + from.len(), new);
}

/// `-` and `+` lines of the text's hunks for a file: `(line, old, new)`.
fn hunks<'a>(diff: &'a str, file: &str) -> Vec<(usize, Vec<&'a str>, Vec<&'a str>)> {
    let mut hunks: Vec<(usize, Vec<&str>, Vec<&str>)> = Vec::new();
    let mut ours = false;
    for line in diff.lines() {
        if let Some(name) = line.strip_prefix("--- ") {
            ours = name == file;
        } else if line.starts_with("+++ ") || !ours {
        } else if let Some(number) = line.strip_prefix("@@ ") {
            hunks.push((number.trim_end_matches(" @@").parse().unwrap(), Vec::new(), Vec::new()));
        } else if let Some(old) = line.strip_prefix('-') {
            hunks.last_mut().unwrap().1.push(old);
        } else if let Some(new) = line.strip_prefix('+') {
            hunks.last_mut().unwrap().2.push(new);
        } else {
            ours = false;
        }
    }
    hunks
}

#[test]
fn the_shown_hunks_make_the_published_text_of_the_committed_one() {
    let home = TestHome::new();
    let repository = repository(&home);
    let (manifest, action) = ("connector/manifest.toml", "actions/vault-ping/action.md");
    let originals = [manifest, action].map(|file| (file, repository.read(file)));
    let key = repository.key.to_str().unwrap().to_owned();
    for (number, (what, of_manifest, of_action)) in SPELLINGS.into_iter().enumerate() {
        for (end, mark) in [("\n", ""), ("\r\n", ""), ("\r\n", "\u{feff}")] {
            for ((file, text), edits) in originals.iter().zip([of_manifest, of_action]) {
                let edited = edits.iter().fold(text.clone(), |text, (old, new)| {
                    assert!(text.contains(old), "{what}: {file} has no {old}");
                    text.replacen(old, new, 1)
                });
                fs::write(repository.root.join(file), format!("{mark}{}", edited.replace('\n', end))).unwrap();
            }
            repository.git(&["add", "--all"]);
            repository.git(&["commit", "--quiet", "--allow-empty", "--message", what]);
            let case = format!("{what}, {end:?}, {mark:?}");
            let out = format!("../packed-{number}-{}", end.len() + mark.len());
            let run = |args: &[&str]| ok(repository.publisher(args).env("AILERON_CLIENT_SECRET", SECRET)).stdout;
            let to = "dir:../registry";
            let shown = run(&["plan", "v1.0.0", "--key", &key, "--to", to, "--diff", "--quiet"]);
            let json: Value =
                serde_json::from_str(&run(&["plan", "v1.0.0", "--key", &key, "--to", to, "--diff", "--json"])).unwrap();
            run(&["pack", "v1.0.0", "--key", &key, "--out", &out, "--quiet"]);
            assert!(!shown.contains(SECRET) && !json.to_string().contains(SECRET), "{case}");
            assert!(
                !shown.contains(['\u{feff}', '\r']) && !shown.contains("\\r") && !shown.contains("\\u{"),
                "{case}: {shown}"
            );
            for (file, tag, member) in
                [(manifest, "v1.0.0", "manifest.toml"), (action, "actions/vault-ping/v1.0.0", "action.md")]
            {
                let archive = fs::read(repository.root.join(&out).join(tag).join("aileron.tar.gz")).unwrap();
                let published = String::from_utf8(unpack(&archive)[member].clone()).unwrap();
                let published = published.replace(&format!("\"{SECRET}\""), MASK);
                let committed = repository.read(file);
                let body = committed.strip_prefix('\u{feff}').unwrap_or(&committed);
                let lines = || body.split('\n').map(str::to_owned).collect::<Vec<String>>();

                let (mut text, mut shift) = (lines(), 0);
                let mut seen = 0;
                for (line, old, new) in hunks(&shown, file) {
                    assert!(line > seen, "{case}: one hunk a line\n{shown}");
                    seen = line;
                    apply(&mut text, line, &old, &new, end, &mut shift);
                }
                assert_eq!(format!("{mark}{}", text.join("\n")), published, "{case}: {file}\n{shown}");

                let (mut text, mut shift) = (lines(), 0);
                for change in json["changes"].as_array().unwrap().iter().filter(|change| change["file"] == file) {
                    let value = |name: &str| change[name].as_str().unwrap().lines().collect::<Vec<_>>();
                    let line = usize::try_from(change["line"].as_u64().unwrap()).unwrap();
                    apply(&mut text, line, &value("from"), &value("to"), end, &mut shift);
                }
                assert_eq!(format!("{mark}{}", text.join("\n")), published, "{case}: {file}, as JSON");
            }
        }
    }
}
