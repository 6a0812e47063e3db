//! Squad Aegis native bundles: what a host does with one, and what a publisher may write.
//!
//! Two modes that are never mixed (aegis-bundle.md, its opening words). *Host-equivalent* gives the verdict a running host
//! gives, tolerances included, with its texts. *Strict* is what is published: it refuses all that a host tolerates by
//! accident. The modes are types: [`zip::Archive`] against [`zip::strict::Strict`], [`manifest::Manifest`] against the
//! problems of [`lint`]. No clock, no disk: `now` is a parameter.
//!
//! | room | one line |
//! |---|---|
//! | [`zip`] | the container: read as Go reads it, read strictly, written the same on every machine |
//! | [`path`] | entry names: cleaned, refused, placed; names that look like secrets |
//! | [`time`] | instants and durations as Go writes and reads them |
//! | [`canonical`] | the bytes that are compared and signed |
//! | [`manifest`] | what a host decodes, its order of validation, which target it takes |
//! | [`envelope`] | `manifest.signed.json`: built and parsed |
//! | [`key_file`] | `manifest.sig` and `manifest.pub` |
//! | [`trust_store`] | whose signature counts on a host, and what is revoked |
//! | [`verify`] | the verdict on a signature, in the order of the norm, and the gate behind it |
//! | [`upload`] | the whole way of an upload, up to the start of the binary |
//! | [`start`] | the verdict of a starting host, against the copy in its database |
//! | [`lint`] | what stops publishing, with byte ranges; rules in [`rules`] |
//! | [`elf`] | what a file says that is to be executed |
//! | [`definition`] | what a running extension says about itself, against its manifest |
//! | [`troubleshooting`] | the rows of the product document's table, which findings name |

pub mod canonical;
pub mod definition;
pub mod elf;
pub mod envelope;
pub mod key_file;
pub mod lint;
pub mod manifest;
pub mod path;
pub mod rules;
pub mod start;
pub mod time;
pub mod troubleshooting;
pub mod trust_store;
pub mod upload;
pub mod verify;
pub mod zip;

use std::fmt;

/// Names of the four metadata files, at the root of a bundle. aegis-bundle.md §1.
pub const METADATA: [&str; 4] = [MANIFEST, WRAPPER, SIGNATURE, PUBLIC_KEY];
/// The manifest as people read it.
pub const MANIFEST: &str = "manifest.json";
/// The signed wrapper around the manifest.
pub const WRAPPER: &str = "manifest.signed.json";
/// The signature over the wrapper.
pub const SIGNATURE: &str = "manifest.sig";
/// The key the signature is to be checked with.
pub const PUBLIC_KEY: &str = "manifest.pub";

/// Most bytes of an upload, and of one entry, unless a host is configured otherwise. aegis-bundle.md §1.
pub const DEFAULT_UPLOAD_LIMIT: u64 = 52_428_800;
/// What may be read on top of the upload limit, over all entries together. aegis-bundle.md §1.
pub const READ_ALLOWANCE: u64 = 1_048_576;
/// Most entries of a bundle, directories included. aegis-bundle.md §1.
pub const MOST_ENTRIES: usize = 256;
/// The API version a host has, for plugins and for connectors. aegis-bundle.md §1.
pub const HOST_API_VERSION: i64 = 1;
/// Seconds by which clocks may differ, unless a host is configured otherwise. aegis-bundle.md §1.
pub const DEFAULT_SKEW: i64 = 300;

/// Which of the two kinds of extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Runs against a game server.
    Plugin,
    /// Answers calls of plugins.
    Connector,
}

impl Kind {
    /// `plugin` or `connector`, as a host writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Plugin => "plugin",
            Kind::Connector => "connector",
        }
    }

    /// The name of the variable by which an extension knows that a host started it. aegis-bundle.md §14.1.
    pub fn cookie(self) -> &'static str {
        match self {
            Kind::Plugin => "AEGIS_NATIVE_PLUGIN",
            Kind::Connector => "AEGIS_NATIVE_CONNECTOR",
        }
    }

    /// The manifest's member that names the extension.
    pub fn id_member(self) -> &'static str {
        match self {
            Kind::Plugin => "plugin_id",
            Kind::Connector => "connector_id",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a text says without blanks around it: Unicode White_Space, and nothing else. What is not UTF-8 is not blank.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let blank = |text: &str| {
        let mut chars = text.chars();
        chars.next().is_some_and(char::is_whitespace) && chars.next().is_none()
    };
    let mut rest = bytes;
    while let Some(size) = (1..=rest.len().min(4)).find(|size| std::str::from_utf8(&rest[..*size]).is_ok_and(blank)) {
        rest = &rest[size..];
    }
    while let Some(size) =
        (1..=rest.len().min(4)).find(|size| std::str::from_utf8(&rest[rest.len() - size..]).is_ok_and(blank))
    {
        rest = &rest[..rest.len() - size];
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // aegis-bundle.md, Words: Trim
    fn trimming_removes_white_space_of_unicode_and_nothing_else() {
        for (text, trimmed) in [
            (&b" a \n"[..], &b"a"[..]),
            (b"\xc2\xa0a\xe2\x80\x83", b"a"),
            (b"\xef\xbb\xbfa", b"\xef\xbb\xbfa"),
            (b"\x85a\xff ", b"\x85a\xff"),
            (b" \x0b\x0c\xc2\x85", b""),
            (b"", b""),
            (b"a b", b"a b"),
        ] {
            assert_eq!(trim(text), trimmed, "{text:?}");
        }
    }
}
