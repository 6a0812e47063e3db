//! Every citation of a specification leads to a section that exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Kinds of files that cite.
const CITING: [&str; 6] = ["rs", "md", "sh", "yml", "toml", "go"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Document name to the numbers of its sections: `## 5.`, `### 4.3 …`, `## 15a.`.
fn sections() -> BTreeMap<String, BTreeSet<String>> {
    let heading = Regex::new(r"(?m-u)^#{2,3} ([0-9]+(?:\.[0-9]+)*[a-z]?)\.? ").expect("a pattern");
    let documents = fs::read_dir(workspace().join("verifier/spec")).expect("the specifications");
    let documents = documents.map(|entry| entry.expect("an entry").path()).filter(|path| !path.ends_with("README.md"));
    documents
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a text");
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, heading.captures_iter(&text).map(|found| found[1].to_owned()).collect())
        })
        .collect()
}

/// The sections a text cites: the document, then one section or several (`§7.1, §13`, `§10.1 to §10.4`, `15a`).
fn citations(text: &str, documents: &[&str]) -> Vec<(String, String)> {
    let names = documents.iter().map(|name| regex::escape(name)).collect::<Vec<_>>().join("|");
    let number = r"[0-9]+(?:\.[0-9]+)*[a-z]?\b";
    // The first number may stand without its sign (`sandbox.md 15a`); one that follows a comma must have it, or be `15a`.
    let cited = format!(
        r"(?-u)\b({names})`?(?:\s+(?://[/!]\s+)?)(§?{number}(?:(?:, (?:and )?| and | to )(?:§{number}|[0-9]+[a-z]\b))*)"
    );
    let cited = Regex::new(&cited).expect("a pattern");
    let number = Regex::new(&format!("(?-u){number}")).expect("a pattern");
    let all = cited.captures_iter(text).flat_map(|found| {
        let document = found[1].to_owned();
        number.find_iter(&found[2]).map(|section| (document.clone(), section.as_str().to_owned())).collect::<Vec<_>>()
    });
    all.collect()
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != ".git" && name != "target" && name != "dist" && name != "node_modules" {
                files(&path, found);
            }
        } else if path.extension().is_some_and(|kind| CITING.iter().any(|one| kind == *one)) {
            found.push(path);
        }
    }
}

#[test]
fn every_cited_section_exists() {
    let sections = sections();
    let documents: Vec<&str> = sections.keys().map(String::as_str).collect();
    let mut all = Vec::new();
    files(&workspace(), &mut all);
    let (mut count, mut dead) = (0, Vec::new());
    for path in all {
        let text = fs::read_to_string(&path).expect("a text");
        for (document, section) in citations(&text, &documents) {
            count += 1;
            if !sections[&document].contains(&section) {
                dead.push(format!("{}: {document} §{section}", path.display()));
            }
        }
    }
    assert!(dead.is_empty(), "cited and not there:\n{}", dead.join("\n"));
    assert!(count > 400, "only {count} citations were found: the pattern has stopped matching");
}

#[test]
fn citations_are_found_in_every_form() {
    let documents = ["artifacts.md", "sandbox.md"];
    for (text, expected) in [
        ("artifacts.md §5.", vec!["artifacts.md 5"]),
        ("sandbox.md §7.1, §13 and §15a", vec!["sandbox.md 7.1", "sandbox.md 13", "sandbox.md 15a"]),
        ("sandbox.md §10.1 to §10.4; more", vec!["sandbox.md 10.1", "sandbox.md 10.4"]),
        ("`sandbox.md` 6.4), and 7 more", vec!["sandbox.md 6.4"]),
        ("sandbox.md §10.2, 15a.", vec!["sandbox.md 10.2", "sandbox.md 15a"]),
        ("/// as artifacts.md\n/// §10 says", vec!["artifacts.md 10"]),
        ("artifacts.md §3, 5 of a rule", vec!["artifacts.md 3"]),
        ("artifacts.md, whole", vec![]),
    ] {
        let found: Vec<String> =
            citations(text, &documents).iter().map(|(document, section)| format!("{document} {section}")).collect();
        assert_eq!(found, expected, "{text}");
    }
}
