//! What a publisher refuses though a host may take it.

use aileron_verifier::aegis::lint::{self, Checksums};
use aileron_verifier::aegis::manifest::Manifest;
use aileron_verifier::problem::Severity;

use super::{assert_error, bytes, kind, rows, text};

#[test] // aegis-bundle.md §14.3
fn a_manifest_breaks_the_rule_that_the_norm_names_and_no_other() {
    for row in rows("publisher_strict.json", "cases") {
        let (name, kind, manifest) = (text(&row, "name"), kind(text(&row, "kind")), bytes(&row["manifest_json"]));
        let checked = lint::manifest("manifest.json", &manifest, Some(kind), Checksums::Filled);
        let ids = |severity: Severity| {
            let mut ids: Vec<&str> = checked
                .problems
                .iter()
                .filter(|problem| problem.rule.severity() == severity)
                .map(|problem| problem.rule.id())
                .collect();
            ids.dedup();
            ids
        };
        let rule = text(&row, "rule");
        let (errors, warnings) = match text(&row, "level") {
            "error" => (vec![rule], None),
            "warning" => (Vec::new(), Some(rule)),
            _ => (Vec::new(), None),
        };
        assert_eq!(ids(Severity::Error), errors, "{name}: {:?}", checked.problems);
        if let Some(rule) = warnings {
            assert_eq!(ids(Severity::Warning), [rule], "{name}: {:?}", checked.problems);
        }
        for problem in &checked.problems {
            assert!(checked.source.text.get(problem.at.clone()).is_some(), "{name}: {problem:?}");
        }
        let found = match Manifest::decode(&manifest, kind) {
            Err(why) => Some(why.to_string()),
            Ok(manifest) => manifest.validate().err().map(|why| why.to_string()),
        };
        assert_eq!(found.is_none(), row["host_validation_passes"] == true, "{name}");
        if found.as_ref().is_some_and(|found| !found.starts_with("invalid ")) {
            assert_error(&row, "host_validation_error", found);
        }
    }
}
