//! The place in `README.md` where the fingerprint of the publisher's key stands, between two comments that nobody sees.
//!
//! `init` makes it, `keys generate` fills it, `check` warns when it does not fit the key. A README without it is left alone.

use std::ops::Range;
use std::path::Path;

use aileron_verifier::trust::key::Fingerprint;

use crate::sys::disk::{self, DiskError};

/// The file, relative to the repository.
pub const README: &str = "README.md";

/// Bytes of it that are read.
pub const LIMIT: u64 = 1 << 20;

const BEGIN: &str = "<!-- fingerprint -->";
const END: &str = "<!-- /fingerprint -->";

/// What stands between the two marks: a range of the text.
pub fn place(text: &str) -> Option<Range<usize>> {
    let begin = text.find(BEGIN)? + BEGIN.len();
    let end = begin + text[begin..].find(END)?;
    Some(begin..end)
}

/// Whether what stands there is this key's. True where there is no such place.
pub fn fits(text: &str, fingerprint: &Fingerprint) -> bool {
    place(text).is_none_or(|at| text[at].trim().trim_matches('`') == fingerprint.to_string())
}

/// Puts a fingerprint into the README of the repository at `root`; false where there is no place for it.
///
/// # Errors
/// [`DiskError`].
pub fn fill(root: &Path, fingerprint: &Fingerprint) -> Result<bool, DiskError> {
    let file = root.join(README);
    let Some(bytes) = disk::read_if_there(&file, LIMIT)? else { return Ok(false) };
    let Some((text, at)) = String::from_utf8(bytes).ok().and_then(|text| place(&text).map(|at| (text, at))) else {
        return Ok(false);
    };
    // A checkout for Windows keeps its line ends.
    let line = if text[..at.start].ends_with('\r') || text[at.clone()].contains("\r\n") { "\r\n" } else { "\n" };
    let filled = format!("{}{line}`{fingerprint}`{line}{}", &text[..at.start], &text[at.end..]);
    disk::write(&file, filled.as_bytes())?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use aileron_testkit::Publisher;

    use super::*;

    #[test]
    fn the_place_is_filled_once_and_again_and_nothing_else_is_touched() {
        let fingerprint = Publisher::from_seed(7).fingerprint();
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join(README);
        assert!(!fill(root.path(), &fingerprint).unwrap());
        for text in ["", "# Tea\n", "<!-- fingerprint -->", "<!-- /fingerprint --> <!-- fingerprint -->"] {
            std::fs::write(&file, text).unwrap();
            assert!(!fill(root.path(), &fingerprint).unwrap(), "{text}");
            assert!(fits(text, &fingerprint), "{text}");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        }
        for end in ["\n", "\r\n"] {
            let text = format!("# Tea{end}{BEGIN}{end}not yet{end}{END}{end}rest");
            std::fs::write(&file, &text).unwrap();
            assert!(!fits(&text, &fingerprint));
            for _ in 0..2 {
                assert!(fill(root.path(), &fingerprint).unwrap());
                let filled = std::fs::read_to_string(&file).unwrap();
                assert_eq!(filled, format!("# Tea{end}{BEGIN}{end}`{fingerprint}`{end}{END}{end}rest"));
                assert!(fits(&filled, &fingerprint));
            }
        }
    }
}
