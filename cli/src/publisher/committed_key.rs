//! `keys/publisher.pub` in a publisher's own repository: exactly one public key.
//!
//! Readers take the first PEM block and pass over everything else (keyring.md §4.1). A second key in the file is therefore a
//! key that its publisher may sign with and that no consumer trusts, so it is named here, in whatever form it is written.
//! Text that holds no key may stand around the block, as readers allow.

use std::ops::Range;

use aileron_verifier::problem::Class;
use aileron_verifier::trust::key::{PublicKey, PublicKeyError};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

/// Why the committed file does not say which key consumers are to trust.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommittedKeyError {
    /// A private key lies where everybody reads. Nothing of the file may be shown.
    #[error("the file holds a private key: do not commit it; if it was pushed, make a new key pair")]
    Private,
    /// Another key beside the first PEM block.
    #[error("the file also holds {what}; consumers trust the first PEM block only: keep exactly one key")]
    Second {
        /// What the other key is written as.
        what: &'static str,
        /// Where it stands, in bytes.
        at: Range<usize>,
    },
    /// The first PEM block is no usable public key, or there is none.
    #[error(transparent)]
    NotAKey(#[from] PublicKeyError),
}

impl CommittedKeyError {
    /// Always `validation_error`.
    pub fn class(&self) -> Class {
        match self {
            CommittedKeyError::Private | CommittedKeyError::Second { .. } => Class::ValidationError,
            CommittedKeyError::NotAKey(error) => error.class(),
        }
    }

    /// Never: the file stays as it is.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

/// The one key of the file.
///
/// # Errors
/// [`CommittedKeyError`].
pub fn read(file: &str) -> Result<PublicKey, CommittedKeyError> {
    if holds_private_key(file) {
        return Err(CommittedKeyError::Private);
    }
    if let Some((what, at)) = second(file) {
        return Err(CommittedKeyError::Second { what, at });
    }
    Ok(PublicKey::from_pem(file.as_bytes())?.refusing_small_order()?)
}

/// Whether any private key stands in the file, in a form that says so itself.
pub fn holds_private_key(file: &str) -> bool {
    ["PRIVATE KEY", "PuTTY-User-Key-File", "AGE-SECRET-KEY-"].iter().any(|mark| file.contains(mark))
}

/// The first key that is not the first PEM block, line by line.
fn second(file: &str) -> Option<(&'static str, Range<usize>)> {
    let mut at = 0;
    let (mut blocks, mut inside) = (0, false);
    for line in file.split_inclusive('\n') {
        let place = at..at + line.trim_end().len();
        at += line.len();
        if line.contains(BEGIN) {
            (blocks, inside) = (blocks + 1, true);
            if blocks > 1 {
                return Some(("a second PEM block", place));
            }
        } else if line.contains(END) {
            inside = false;
        } else if let Some(what) = (!inside).then(|| key_in(line)).flatten()
            // Bare base64 is no key to a PEM reader: without a block, the reader's own words are better.
            && file.contains(BEGIN)
        {
            return Some((what, place));
        }
    }
    None
}

/// The form of a key that stands in this line, outside of any block.
fn key_in(line: &str) -> Option<&'static str> {
    let text = line.trim_start_matches(['#', ';', '/', ' ', '\t']);
    if ["ssh-", "sk-ssh-", "ecdsa-sha2-"].iter().any(|start| text.starts_with(start)) {
        return Some("an OpenSSH public key");
    }
    if line.contains("---- BEGIN ") {
        return Some("a public key in SSH2 form");
    }
    if line.contains("\"kty\"") {
        return Some("a JSON Web Key");
    }
    line.split([' ', '\t', '\r', '\n', '"', '\'', ',', '=', ':']).find_map(|word| match word.len() {
        64 if word.bytes().all(|byte| byte.is_ascii_hexdigit()) => Some("a raw key in hex"),
        43 if PublicKey::from_base64(word).is_ok() => Some("a raw key in base64"),
        // The twelve bytes before the key, in base64, are sixteen characters of their own.
        59 if word.starts_with("MCowBQYDK2VwAyEA") => Some("a public key without its BEGIN and END lines"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
    const OTHER: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n-----END PUBLIC KEY-----\n";
    const RAW: &str = "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=";

    #[test] // keyring.md §4.1
    fn a_second_key_is_named_in_whatever_form_it_is_written() {
        let hex = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        for (file, what) in [
            (format!("{FIRST}{OTHER}"), "a second PEM block"),
            (format!("{FIRST}{FIRST}"), "a second PEM block"),
            (format!("{FIRST}\n\n# the new one\n{}", OTHER.replace('\n', "\r\n")), "a second PEM block"),
            (format!("{FIRST}  {}", OTHER.replace("\n-----END", "\n  -----END")), "a second PEM block"),
            (format!("{FIRST}-----BEGIN PUBLIC KEY-----\nMCow"), "a second PEM block"),
            (format!("-----BEGIN A-----\n!\n-----END A-----\n{FIRST}"), "a second PEM block"),
            (format!("{FIRST}-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"), "a second PEM block"),
            (format!("{FIRST}{RAW}\n"), "a raw key in base64"),
            (format!("{RAW}\n{FIRST}"), "a raw key in base64"),
            (format!("{FIRST}# old: {RAW}"), "a raw key in base64"),
            (
                format!("{FIRST}{}", RAW.replace('+', "-").replace('/', "_").trim_end_matches('=')),
                "a raw key in base64",
            ),
            (format!("{FIRST}{hex}\n"), "a raw key in hex"),
            (format!("{FIRST}MCowBQYDK2VwAyEA{RAW}\n"), "a public key without its BEGIN and END lines"),
            (format!("{FIRST}ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQ me\n"), "an OpenSSH public key"),
            (format!("{FIRST}---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n"), "a public key in SSH2 form"),
            (format!("{FIRST}{{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qY\"}}\n"), "a JSON Web Key"),
        ] {
            match read(&file) {
                Err(CommittedKeyError::Second { what: found, at }) => {
                    assert_eq!(found, what, "{file}");
                    assert!(file.get(at.clone()).is_some_and(|text| !text.trim().is_empty()), "{file} {at:?}");
                }
                other => panic!("{file}: {other:?}"),
            }
        }
    }

    #[test] // keyring.md §4.1: what readers accept around one key is accepted here too
    fn one_key_is_read_whatever_text_stands_around_it() {
        for file in [
            FIRST.to_owned(),
            FIRST.replace('\n', "\r\n"),
            FIRST.trim_end().to_owned(),
            format!("# publisher key of acme\n{FIRST}"),
            format!("{FIRST}fingerprint sha256:If4x36FUomFia/hUBG/SJx\n"),
            format!("{FIRST}\n\n"),
            format!("see https://example.com/{}\n{FIRST}", "a".repeat(80)),
            FIRST.replace("KEY-----\nM", "KEY-----\nComment: x\n\nM"),
        ] {
            assert!(read(&file).is_ok(), "{file}: {:?}", read(&file));
        }
    }

    #[test]
    fn a_file_without_a_usable_key_is_described_in_the_readers_words() {
        for (file, message) in [
            (String::new(), "no PEM block found"),
            (RAW.to_owned(), "no PEM block found"),
            ("ssh-ed25519 AAAA me".to_owned(), "no PEM block found"),
            (FIRST.replace("MCow", "M!ow"), "no PEM block found"),
            ("-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n".to_owned(), "parse PKIX public key"),
        ] {
            let said = read(&file).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(said.starts_with(message), "{file}: {said}");
        }
    }

    #[test]
    fn a_private_key_in_the_file_is_said_and_nothing_of_it_is_shown() {
        for label in ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY", "RSA PRIVATE KEY"] {
            let private = format!("-----BEGIN {label}-----\nc2VjcmV0\n-----END {label}-----\n");
            for file in [private.clone(), format!("{FIRST}{private}"), format!("{private}{FIRST}")] {
                let error = read(&file).err();
                assert_eq!(error, Some(CommittedKeyError::Private), "{file}");
                assert!(!error.is_some_and(|error| error.to_string().contains("c2VjcmV0")));
            }
        }
    }
}
