//! What the configuration files that apply to a repository name: its own and the user's.

use std::collections::BTreeSet;
use std::path::Path;

use super::{GitAccess, GitError, command, records, refused, text};
use crate::sys::process::Spawner;

/// The settings that are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Names of the filter drivers.
    pub filters: BTreeSet<Vec<u8>>,
    /// URL of the remote `origin`, if it has one; of several, the last.
    pub origin: Option<String>,
}

/// Names of the settings, as git writes them.
const SETTINGS: &str = r"^(filter\..*|remote\.origin\.url)$";

/// Reads the settings that apply in `root`.
///
/// # Errors
/// [`GitError`].
pub fn configuration(root: &Path, spawner: Spawner<'_>) -> Result<Configuration, GitError> {
    let finished =
        command(spawner, GitAccess::Local).args(["config", "-z", "--get-regexp", SETTINGS]).within(root).run()?;
    match finished.status.code() {
        Some(0) => Ok(read(&finished.stdout)),
        Some(1) => Ok(Configuration::default()), // none is set
        _ => Err(refused("config", &finished.stderr)),
    }
}

/// Each record is a name, and a line break before the value where there is one. A name has no line break.
fn read(answer: &[u8]) -> Configuration {
    let mut found = Configuration::default();
    for record in records(answer) {
        let end = record.iter().position(|byte| *byte == b'\n').unwrap_or(record.len());
        let (name, value) = (&record[..end], record.get(end + 1..).unwrap_or_default());
        if name == b"remote.origin.url" {
            found.origin = Some(text(value.to_vec())).filter(|url| !url.is_empty());
        }
        let driver = name.strip_prefix(b"filter.");
        let driver = driver.and_then(|name| Some(name[..name.iter().rposition(|byte| *byte == b'.')?].to_vec()));
        found.filters.extend(driver);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_named_once_and_of_several_origins_the_last_counts() {
        let answer = b"filter.lfs.clean\ngit-lfs clean\nsecond line\0filter.lfs.required\0filter.a.b\nc.smudge\0\
            filter.Two.Parts.clean\n\0remote.origin.url\nhttps://one\0remote.origin.url\nhttps://two\nx\0";
        let found = read(answer);
        let filters: Vec<&[u8]> = found.filters.iter().map(Vec::as_slice).collect();
        assert_eq!(filters, [&b"Two.Parts"[..], b"a", b"lfs"]);
        assert_eq!(found.origin.as_deref(), Some("https://two\nx"));
        for answer in
            [&b""[..], b"remote.origin.url\n\0", b"remote.origin.url\0", b"remote.origin.url\nx\0remote.origin.url\0"]
        {
            assert_eq!(read(answer), Configuration::default(), "{}", String::from_utf8_lossy(answer));
        }
    }
}
