//! The manifest of a bundle, out of the one in a repository: checksums where the placeholder stands, and perhaps fewer targets;
//! every other byte stays.

use std::ops::Range;

use super::{Checked, CheckedTarget};

/// The text of the manifest with every placeholder replaced by the checksum of its target's library, as far as `sha256`
/// knows it.
pub fn filled(checked: &Checked, sha256: impl Fn(&str) -> Option<String>) -> String {
    only(checked, |_| true, sha256)
}

/// The same with the targets that `kept` takes; the others are cut out, each with the comma that is left over.
pub fn only(
    checked: &Checked,
    kept: impl Fn(&CheckedTarget) -> bool,
    sha256: impl Fn(&str) -> Option<String>,
) -> String {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let targets = &checked.targets;
    let mut is_first = true;
    for (number, target) in targets.iter().enumerate() {
        if kept(target) {
            is_first = false;
            let hex = target.open.clone().and_then(|at| Some((at, sha256(&target.library.0)?)));
            edits.extend(hex.map(|(at, hex)| (at, format!("\"{hex}\""))));
        } else if is_first {
            // Nothing stays before it: it goes with the comma behind it.
            let end = targets.get(number + 1).map_or(target.at.end, |next| next.at.start);
            edits.push((target.at.start..end, String::new()));
        } else {
            edits.push((targets[number - 1].at.end..target.at.end, String::new()));
        }
    }
    let mut text = checked.source.text.to_string();
    // From the end, so that ranges before stay where they are.
    edits.sort_by_key(|(at, _)| std::cmp::Reverse(at.start));
    for (at, new) in edits {
        text.replace_range(at, &new);
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

    #[test]
    fn targets_that_are_not_built_are_cut_out_and_nothing_else() {
        let target = |arch: &str| {
            format!(
                r#"{{"min_host_api_version":1,"target_os":"linux","target_arch":"{arch}","sha256":"{PLACEHOLDER}","library_path":"bin/{arch}"}}"#
            )
        };
        let text = |targets: &str| {
            format!(
                "{{\"plugin_id\":\"org.example.x\",\"name\":\"N\",\"version\":\"1.0.0\",\"targets\":[ {targets}\n] }}\n"
            )
        };
        let all = ["amd64", "arm64", "riscv64"].map(target).join(" ,\n ");
        let written = text(&all);
        let checked = manifest("manifest.json", written.as_bytes(), None, Checksums::MayBeOpen);
        for kept in [&["amd64"][..], &["arm64"], &["riscv64"], &["amd64", "riscv64"], &["amd64", "arm64", "riscv64"]] {
            let text_of_them = text(&kept.iter().map(|arch| target(arch)).collect::<Vec<_>>().join(" ,\n "));
            assert_eq!(
                only(&checked, |target| kept.contains(&target.arch.as_str()), |_| None),
                text_of_them,
                "{kept:?}"
            );
        }
    }
}
