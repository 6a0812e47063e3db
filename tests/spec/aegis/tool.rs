//! The host's own signing tool and packaging scripts, as far as they are verdicts of pure code: which files are taken, which
//! lifetimes, and what manifests come out.

use aileron_testkit::shared;
use aileron_verifier::aegis::lint::{self, Bundle, Checksums};
use aileron_verifier::aegis::manifest::Manifest;
use aileron_verifier::aegis::time::GoDuration;
use aileron_verifier::aegis::{DEFAULT_UPLOAD_LIMIT, Kind, MANIFEST};
use aileron_verifier::problem::Severity;
use serde_json::Value;
use std::collections::BTreeMap;

use super::{kind, rows, text};

fn staged(row: &Value) -> BTreeMap<String, Vec<u8>> {
    let directory = shared("vectors/aegis/staged/signed-plugin").expect("the rows are there");
    let file = |(name, contents): (&String, &Value)| {
        let contents = contents.as_str().expect("a text");
        let same = contents == "(same as staged/signed-plugin)";
        (name.clone(), if same { std::fs::read(directory.join(name)).expect("a file") } else { contents.into() })
    };
    row["staged_files"].as_object().expect("files").iter().map(file).collect()
}

#[test] // aegis-bundle.md §12.3
fn files_are_taken_and_refused_as_the_signing_tool_does() {
    for row in rows("signer_tool.json", "cases") {
        let name = text(&row, "name");
        if !row["staged_symlinks"].is_null() {
            continue; // Links are refused where the disk is read.
        }
        let mut files = staged(&row);
        files.retain(|name, _| !name.ends_with(".zip"));
        let refused: Vec<&String> = files.keys().filter(|name| lint::staged(name).is_err()).collect();
        let stderr = text(&row["expect"], "stderr");
        let tool_refuses = stderr.contains("refusing to bundle");
        assert_eq!(!refused.is_empty(), tool_refuses, "{name}: {refused:?}");
        assert!(refused.iter().all(|name| stderr.contains(name.as_str())), "{name}: {refused:?}");
    }
}

#[test] // aegis-bundle.md §17: what the tool signs anyway is refused by our own checks
fn what_the_tool_signs_though_no_host_takes_it_is_refused_here() {
    let mut count = 0;
    for row in rows("signer_tool.json", "cases") {
        let name = text(&row, "name");
        if !name.ends_with("-signed-anyway") {
            continue;
        }
        count += 1;
        let files = staged(&row);
        let checked = lint::manifest(MANIFEST, &files[MANIFEST], Some(Kind::Plugin), Checksums::Filled);
        let bundle = Bundle { name: "staging", files: &files, zip_size: None, limit: DEFAULT_UPLOAD_LIMIT };
        let problems = [checked.problems.clone(), bundle.check(&checked)].concat();
        // The vectors' binaries are short texts: that they are no ELF files is not what the row is about.
        let errors = problems.iter().filter(|problem| problem.rule.severity() == Severity::Error);
        let told: Vec<&str> = errors.map(|problem| problem.rule.id()).filter(|id| *id != "library.elf").collect();
        assert!(!told.is_empty(), "{name}");
    }
    if shared("vectors/aegis").is_some() {
        assert_eq!(count, 4);
    }
}

#[test] // aegis-bundle.md §7.3, §12.3
fn lifetimes_are_taken_and_refused_as_the_signing_tool_does() {
    for row in rows("signer_tool.json", "cases") {
        let Some(written) = row["valid_for"].as_str() else { continue };
        let lifetime = written.parse::<GoDuration>();
        match row["expect"]["exit_code"].as_i64() {
            Some(2) => assert!(lifetime.is_err(), "{written}"),
            Some(1) => assert!(!lifetime.expect(written).is_positive()),
            _ => assert_eq!(
                Some(lifetime.expect(written).nanoseconds()),
                row["expect"]["wrapper_lifetime_nanoseconds"].as_i64()
            ),
        }
    }
}

#[test] // aegis-bundle.md §12.1, §17
fn manifests_of_the_packaging_scripts_are_read_and_judged() {
    for row in rows("packaging.json", "cases") {
        let (name, kind) = (text(&row, "name"), kind(text(&row, "script")));
        let Some(manifest) = row["expect"]["manifest_json"].as_str() else { continue };
        let checked = lint::manifest(MANIFEST, manifest.as_bytes(), Some(kind), Checksums::Filled);
        let mut errors: Vec<&str> = checked
            .problems
            .iter()
            .filter(|problem| problem.rule.severity() == Severity::Error)
            .map(|problem| problem.rule.id())
            .collect();
        errors.dedup();
        let wanted: &[&str] = match name {
            "plugin-api-version" => &["target.api_version"],
            "plugin-three-segment-target" => &["target.arch"],
            "single-backslash-not-caught" => &["json.syntax"],
            _ => &[],
        };
        assert_eq!(errors, wanted, "{name}: {:?}", checked.problems);
        let is_valid = Manifest::decode(manifest.as_bytes(), kind).is_ok_and(|manifest| manifest.validate().is_ok());
        assert_eq!(is_valid, name != "single-backslash-not-caught", "{name}");
    }
}
