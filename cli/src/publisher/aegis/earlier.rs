//! What a host does with a bundle whose id and version it has already: with the same executable it keeps what it has, the old
//! signature and its key id included. aegis-bundle.md §2.2, 19; §15, 9.

use std::collections::BTreeMap;

use aileron_verifier::aegis::lint::{self, Checked, Checksums};
use aileron_verifier::aegis::rules::SIGN_SAME_VERSION;
use aileron_verifier::aegis::zip::Archive;
use aileron_verifier::aegis::{MANIFEST, SIGNATURE};
use aileron_verifier::problem::Problem;

use super::check::Findings;

/// Longest manifest or signature that is compared.
const LONGEST: u64 = 16 << 20;

/// The same extension in the same version, with an executable that a host would not replace, under another signature: said in
/// the findings of the new bundle. An earlier file that is no bundle says nothing.
pub fn compare(new: &[u8], earlier: &[u8], name: &str, findings: &mut Findings) {
    let manifest = format!("{name}/{MANIFEST}");
    let (Some(new), Some(old)) = (Bundle::read(new, &manifest), Bundle::read(earlier, MANIFEST)) else { return };
    let identity =
        |bundle: &Bundle| (bundle.checked.kind, bundle.checked.id.0.clone(), bundle.checked.version.0.clone());
    if new.signature == old.signature || identity(&new) != identity(&old) {
        return;
    }
    let same: Vec<&str> = new
        .executables
        .iter()
        .filter(|(target, hex)| old.executables.get(*target) == Some(hex))
        .map(|(target, _)| target.as_str())
        .collect();
    if !same.is_empty() {
        findings.push(problem(&new.checked, &same));
    }
}

fn problem(checked: &Checked, same: &[&str]) -> Problem {
    let (version, at) = &checked.version;
    let message = format!(
        "version {version} was packed before with the same executable for {} and another signature: a host that has it keeps the old signature",
        same.join(", ")
    );
    checked.source.problem(SIGN_SAME_VERSION, at.clone(), message)
}

struct Bundle {
    checked: Checked,
    signature: Vec<u8>,
    /// Checksums by target, as the manifest promises them.
    executables: BTreeMap<String, String>,
}

impl Bundle {
    fn read(zip: &[u8], manifest: &str) -> Option<Bundle> {
        let archive = Archive::read(zip).ok()?;
        let unpacked = |name: &str| {
            let entry =
                archive.entries().iter().find(|entry| entry.name == name.as_bytes() && entry.unpacked <= LONGEST)?;
            archive.unpack(entry, LONGEST).ok()
        };
        let checked = lint::manifest(manifest, &unpacked(MANIFEST)?, None, Checksums::Filled);
        let signature = unpacked(SIGNATURE).unwrap_or_default();
        let executables = checked.targets.iter().filter_map(|target| {
            let sha256 = target.sha256.as_ref()?.0.clone();
            Some((format!("{}/{}", target.os, target.arch), sha256))
        });
        Some(Bundle { signature, executables: executables.collect(), checked })
    }
}
