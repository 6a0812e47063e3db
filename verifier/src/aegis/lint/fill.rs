//! Checksums filled in where the placeholder stands; every other byte stays.

use super::Checked;

/// The text of the manifest with every placeholder replaced by the checksum of its target's library, as far as `sha256`
/// knows it.
pub fn filled(checked: &Checked, sha256: impl Fn(&str) -> Option<String>) -> String {
    let mut text = checked.source.text.to_string();
    // From the end, so that ranges before stay where they are. A member written twice has one range per target.
    let mut places: Vec<_> = checked.targets.iter().filter_map(|target| Some((target.open.clone()?, target))).collect();
    places.sort_by_key(|(at, _)| std::cmp::Reverse(at.start));
    for (at, target) in places {
        if let Some(hex) = sha256(&target.library.0) {
            text.replace_range(at, &format!("\"{hex}\""));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::{Checksums, PLACEHOLDER, manifest};
    use super::*;

    #[test]
    fn only_the_placeholders_change() {
        let target = |arch: &str, sha256: &str| {
            format!(
                r#"{{"min_host_api_version":1,"target_os":"linux","target_arch":"{arch}","sha256" :  "{sha256}","library_path":"bin/{arch}"}}"#
            )
        };
        let given = "ab".repeat(32);
        let text = |one: &str, two: &str| {
            format!(
                "{{ \"plugin_id\":\"org.example.x\", \"name\":\"{PLACEHOLDER}\",\n\"version\":\"1.0.0\", \"targets\":[{},\n{}] }}\n",
                target("amd64", one),
                target("arm64", two)
            )
        };
        let written = text(PLACEHOLDER, &given);
        let checked = manifest("manifest.json", written.as_bytes(), None, Checksums::MayBeOpen);
        assert_eq!(checked.problems, []);
        let hex = "cd".repeat(32);
        let filled = filled(&checked, |library| (library == "bin/amd64").then(|| hex.clone()));
        assert_eq!(filled, text(&hex, &given));
        assert_eq!(manifest("manifest.json", filled.as_bytes(), None, Checksums::Filled).problems, []);
        let open = manifest("manifest.json", written.as_bytes(), None, Checksums::Filled);
        assert_eq!(open.problems.iter().map(|problem| problem.rule.id()).collect::<Vec<_>>(), ["sha256.format"]);
    }
}
