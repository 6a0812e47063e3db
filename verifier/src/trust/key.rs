//! Public keys in every spelling people write them in, and their fingerprint.
//!
//! A key is 32 bytes. Reading one never asks whether they are a point of the curve: a ring with a useless key must still
//! load (keyring.md §1.4). Whether a key accepts anything is [`crate::trust::signature`]'s question.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::problem::Class;
use crate::text::printable;

/// A raw ed25519 public key. Any 32 bytes are one; only points of large order ever verify anything.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; 32]);

/// Why a text holds no public key. The messages are the ones keyring.md §1.5, §4.1 and §4.2 pin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// None of the four base64 forms decodes. §1.5.
    #[error("not valid base64")]
    NotBase64,
    /// The first base64 form that decodes gives another length. §1.5.
    #[error("decoded length {0}, want 32")]
    Length(usize),
    /// There is no complete PEM block. §4.1.
    #[error("no PEM block found")]
    NoPem,
    /// The block is no SubjectPublicKeyInfo. §4.1.
    #[error("parse PKIX public key: {0}")]
    NotPkix(&'static str),
    /// The block holds a public key of another kind; the name is Go's. §4.1.
    #[error("public key is not ed25519 (got {0})")]
    NotEd25519(&'static str),
    /// No PEM, and base64 of another length. §4.2.
    #[error("decoded {0} bytes; ed25519 public key must be 32 bytes")]
    TextLength(usize),
    /// Neither PEM nor base64. §4.2.
    #[error("not PEM and not base64-encoded raw ed25519 public key")]
    NotAKey,
    /// The key is of small order: anyone can sign for it. artifacts.md §6.
    #[error("public key {0} is of small order: anyone can forge signatures for it")]
    SmallOrder(Fingerprint),
}

impl PublicKeyError {
    /// Always `validation_error`.
    pub fn class(&self) -> Class {
        match self {
            PublicKeyError::NotBase64
            | PublicKeyError::Length(_)
            | PublicKeyError::NoPem
            | PublicKeyError::NotPkix(_)
            | PublicKeyError::NotEd25519(_)
            | PublicKeyError::TextLength(_)
            | PublicKeyError::NotAKey
            | PublicKeyError::SmallOrder(_) => Class::ValidationError,
        }
    }
}

/// The 12 bytes before the key in the only DER form of an ed25519 SubjectPublicKeyInfo. keyring.md §4.
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

impl PublicKey {
    /// Takes the raw bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> PublicKey {
        PublicKey(bytes)
    }

    /// Reads base64 as a ring holds it: four forms in turn, the first that decodes decides. keyring.md §1.5.
    ///
    /// # Errors
    /// [`PublicKeyError::NotBase64`], [`PublicKeyError::Length`].
    pub fn from_base64(text: &str) -> Result<PublicKey, PublicKeyError> {
        let bytes = decode(text.as_bytes()).ok_or(PublicKeyError::NotBase64)?;
        let length = bytes.len();
        bytes.try_into().map(PublicKey).map_err(|_| PublicKeyError::Length(length))
    }

    /// Reads the first PEM block of a file, as a catalog client does. keyring.md §4.1.
    ///
    /// # Errors
    /// [`PublicKeyError::NoPem`], [`PublicKeyError::NotPkix`], [`PublicKeyError::NotEd25519`].
    pub fn from_pem(file: &[u8]) -> Result<PublicKey, PublicKeyError> {
        from_spki(&first_block(file).ok_or(PublicKeyError::NoPem)?)
    }

    /// Reads PEM, or base64 with white space anywhere, as `keyring trust` does. keyring.md §4.2.
    ///
    /// # Errors
    /// [`PublicKeyError::TextLength`], [`PublicKeyError::NotAKey`].
    pub fn from_text(file: &[u8]) -> Result<PublicKey, PublicKeyError> {
        if let Ok(key) = PublicKey::from_pem(file) {
            return Ok(key);
        }
        let text: Vec<u8> = file.iter().copied().filter(|byte| !b" \t\r\n".contains(byte)).collect();
        let bytes = decode(&text).ok_or(PublicKeyError::NotAKey)?;
        let length = bytes.len();
        bytes.try_into().map(PublicKey).map_err(|_| PublicKeyError::TextLength(length))
    }

    /// The 113 bytes of `keys/publisher.pub`, as `openssl pkey -pubout` writes them. keyring.md §4.
    pub fn to_pem(&self) -> String {
        let der: Vec<u8> = SPKI.iter().chain(&self.0).copied().collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    }

    /// The 44 characters a ring stores: standard alphabet, padded.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// The raw bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What people compare. keyring.md §3.
    pub fn fingerprint(&self) -> Fingerprint {
        let digest = STANDARD.encode(Sha256::digest(self.0));
        let mut text = [0; Fingerprint::DIGITS];
        text.copy_from_slice(&digest.as_bytes()[..Fingerprint::DIGITS]);
        Fingerprint(text)
    }

    /// Whether this is an encoding, canonical or not, of a point of order 1, 2, 4 or 8. artifacts.md §6.
    pub fn is_small_order(&self) -> bool {
        self.point().is_some_and(|point| point.is_weak())
    }

    /// The key itself, for a place that grants trust: everything but a small-order key. artifacts.md §6.
    ///
    /// # Errors
    /// [`PublicKeyError::SmallOrder`].
    pub fn refusing_small_order(self) -> Result<PublicKey, PublicKeyError> {
        if self.is_small_order() { Err(PublicKeyError::SmallOrder(self.fingerprint())) } else { Ok(self) }
    }

    /// The point, when the bytes are one. Non-canonical encodings are taken, as Go takes them.
    pub(crate) fn point(&self) -> Option<VerifyingKey> {
        VerifyingKey::from_bytes(&self.0).ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

/// `sha256:` and the first 22 characters of the base64 of the SHA-256 of the 32 raw key bytes: 132 bits. keyring.md §3.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; Fingerprint::DIGITS]);

/// The text is not `sha256:` and 22 base64 characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is not a key fingerprint: `sha256:` and 22 base64 characters", printable(.0))]
pub struct NotAFingerprint(pub String);

impl Fingerprint {
    const DIGITS: usize = 22;
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| fmt::Write::write_char(f, char::from(*byte)))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;
    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let digits = text.strip_prefix("sha256:").and_then(|digits| <[u8; 22]>::try_from(digits.as_bytes()).ok());
        digits
            .filter(|digits| digits.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte)))
            .map(Fingerprint)
            .ok_or_else(|| NotAFingerprint(text.to_owned()))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = NotAFingerprint;
    fn try_from(text: String) -> Result<Self, NotAFingerprint> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> String {
        fingerprint.to_string()
    }
}

/// A decoder that does not mind the unused low bits of the last character, as Go's does not.
const fn forgiving(alphabet: &alphabet::Alphabet, padding: DecodePaddingMode) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(padding);
    GeneralPurpose::new(alphabet, config)
}

/// The four forms, in the order they are tried. keyring.md §1.5.
const FORMS: [GeneralPurpose; 4] = [
    forgiving(&alphabet::STANDARD, DecodePaddingMode::RequireCanonical),
    forgiving(&alphabet::STANDARD, DecodePaddingMode::RequireNone),
    forgiving(&alphabet::URL_SAFE, DecodePaddingMode::RequireCanonical),
    forgiving(&alphabet::URL_SAFE, DecodePaddingMode::RequireNone),
];

/// The first form that decodes; CR and LF are skipped wherever they stand.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    FORMS.iter().find_map(|form| form.decode(&text).ok())
}

/// The contents of the first PEM block, found the way Go's `encoding/pem` finds it: a BEGIN line at the start of a line,
/// optional `Key: value` lines, base64 with white space anywhere, an END line of the same label with nothing after it. A
/// candidate that breaks off is passed over. The `pem` crate accepts more (indented lines) and less (CRLF headers).
fn first_block(file: &[u8]) -> Option<Vec<u8>> {
    let mut rest = file;
    loop {
        rest = match rest.strip_prefix(b"-----BEGIN ") {
            Some(after) => after,
            None => &rest[find(rest, b"\n-----BEGIN ")? + b"\n-----BEGIN ".len()..],
        };
        let (first, after) = line(rest);
        rest = after;
        let Some(label) = first.strip_suffix(b"-----") else { continue };
        let mut headers = false;
        loop {
            if rest.is_empty() {
                return None;
            }
            let (header, after) = line(rest);
            if !header.contains(&b':') {
                break;
            }
            (headers, rest) = (true, after);
        }
        let (body, after) = match rest.strip_prefix(b"-----END ") {
            Some(after) if !headers => (&[][..], after),
            _ => match find(rest, b"\n-----END ") {
                Some(at) => (&rest[..at], &rest[at + b"\n-----END ".len()..]),
                None => continue,
            },
        };
        let end = [label, b"-----"].concat();
        let Some(after) = after.strip_prefix(&end[..]) else { continue };
        if !line(after).0.is_empty() {
            continue;
        }
        let text: Vec<u8> = body.iter().copied().filter(|byte| !b" \t\r\n".contains(byte)).collect();
        if let Ok(bytes) = FORMS[0].decode(text) {
            return Some(bytes);
        }
    }
}

/// The first line without its end and trailing blanks, and what follows it.
fn line(text: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match text.iter().position(|byte| *byte == b'\n') {
        Some(at) => (text[..at].strip_suffix(b"\r").unwrap_or(&text[..at]), &text[at + 1..]),
        None => (text, &[][..]),
    };
    let kept = line.iter().rposition(|byte| !b" \t".contains(byte)).map_or(0, |last| last + 1);
    (&line[..kept], rest)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn from_spki(der: &[u8]) -> Result<PublicKey, PublicKeyError> {
    if let Some(key) = der.strip_prefix(&SPKI).and_then(|key| key.try_into().ok()) {
        return Ok(PublicKey(key));
    }
    // Not the one accepted form; the rest is finding out what to call it.
    let broken = |why| Err(PublicKeyError::NotPkix(why));
    let Some((0x30, info, after)) = element(der) else { return broken("not a DER sequence") };
    if !after.is_empty() {
        return broken("trailing data after the public key");
    }
    let Some((0x30, algorithm, after)) = element(info) else { return broken("no algorithm identifier") };
    let Some((0x03, _, [])) = element(after) else { return broken("no public key bits") };
    let Some((0x06, oid, parameters)) = element(algorithm) else { return broken("no algorithm identifier") };
    match oid {
        [0x2b, 0x65, 0x70] if !parameters.is_empty() => broken("Ed25519 key encoded with illegal parameters"),
        [0x2b, 0x65, 0x70] => broken("wrong Ed25519 public key size"),
        [0x2b, 0x65, 0x6e] => Err(PublicKeyError::NotEd25519("*ecdh.PublicKey")),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01] => Err(PublicKeyError::NotEd25519("*rsa.PublicKey")),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => Err(PublicKeyError::NotEd25519("*ecdsa.PublicKey")),
        [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01] => Err(PublicKeyError::NotEd25519("*dsa.PublicKey")),
        _ => broken("unknown public key algorithm"),
    }
}

/// One DER element: tag, contents, what follows. Lengths up to 65,535.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (length, contents) = match der.get(1)? {
        length @ 0..=0x7f => (usize::from(*length), der.get(2..)?),
        0x81 => (usize::from(*der.get(2)?), der.get(3..)?),
        0x82 => (usize::from(*der.get(2)?) << 8 | usize::from(*der.get(3)?), der.get(4..)?),
        _ => return None,
    };
    let (contents, after) = contents.split_at_checked(length)?;
    Some((der[0], contents, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    const RFC_PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
         -----END PUBLIC KEY-----\n";

    fn key(text: &str) -> PublicKey {
        PublicKey::from_base64(text).expect(text)
    }

    #[test] // keyring.md §3, its table and its wrong answers
    fn a_fingerprint_is_of_the_raw_bytes() {
        for (text, fingerprint) in [
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "sha256:Zmh6rfhivXdsj8GLjp+OIA"),
            ("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "sha256:cs1uhCLEB/ttCYaQ8RMLfe"),
            (RFC, "sha256:If4x36FUomFia/hUBG/SJx"),
            ("zQ+XqDem9XdybaOJylROIREFydn3+R52NFDRauN6M4w=", "sha256:7HuX6+WdhIEmmwPDZyZ3WR"),
        ] {
            assert_eq!(key(text).fingerprint().to_string(), fingerprint);
            assert_eq!(fingerprint.parse(), Ok(key(text).fingerprint()));
            assert_eq!(fingerprint.len(), 29);
        }
        for text in ["sha256:none", "sha256:If4x36FUomFia_hUBG_SJx", "If4x36FUomFia/hUBG/SJx", ""] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }

    #[test] // keyring.md §1.5, its table, and what Go's decoder does
    fn base64_in_a_ring_has_four_forms() {
        let wanted = key(RFC);
        for text in [
            "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
            "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp=",
            "11qYAYKxCrfVS/7TyWQH\r\nOg7hcvPapiMlrwIaaPcHURo\n=\n",
        ] {
            assert_eq!(PublicKey::from_base64(text), Ok(wanted), "{text:?}");
        }
        for (text, message) in [
            ("not-base64!!!", "not valid base64"),
            ("b25seS1hLWZldy1ieXRlcw==", "decoded length 16, want 32"),
            ("", "decoded length 0, want 32"),
            ("MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "decoded length 44, want 32"),
            ("-/++vr6+vr6+vr6+vr6+vr6+vr6+vr6+vr6+vr6+vr4=", "not valid base64"),
            ("11qYAYKxCrfVS/7TyWQH Og7hcvPapiMlrwIaaPcHURo=", "not valid base64"),
            ("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\t", "not valid base64"),
            ("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo==", "not valid base64"),
        ] {
            assert_eq!(PublicKey::from_base64(text).map_err(|e| e.to_string()), Err(message.into()), "{text:?}");
        }
    }

    #[test] // keyring.md §4
    fn pem_is_the_bytes_openssl_writes() {
        assert_eq!(key(RFC).to_pem(), RFC_PEM);
        assert_eq!(RFC_PEM.len(), 113);
        assert_eq!(key(RFC).to_base64(), RFC);
    }

    #[test] // keyring.md §4.1
    fn the_pem_reader_accepts_what_the_matrix_accepts() {
        let other = key("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").to_pem();
        for (why, file) in [
            ("CRLF", RFC_PEM.replace('\n', "\r\n")),
            ("no final newline", RFC_PEM.trim_end().to_owned()),
            ("text around", format!("hello\n-----BEGIN nothing\n{RFC_PEM}bye")),
            ("headers", RFC_PEM.replace("KEY-----\nM", "KEY-----\nComment: x\n\nM")),
            ("CRLF headers", RFC_PEM.replace("KEY-----\nM", "KEY-----\nComment: x\n\nM").replace('\n', "\r\n")),
            ("another label", RFC_PEM.replace("PUBLIC KEY", "ED25519 PUBLIC KEY")),
            ("a second block", format!("{RFC_PEM}{other}")),
            ("a broken block first", format!("-----BEGIN A-----\n!\n-----END A-----\n{RFC_PEM}")),
            ("blanks after the dashes", RFC_PEM.replace("-----\n", "----- \t\n")),
        ] {
            assert_eq!(PublicKey::from_pem(file.as_bytes()), Ok(key(RFC)), "{why}");
        }
        for (file, message) in [
            (RFC_PEM.replace("-----BEGIN", " -----BEGIN"), "no PEM block found"),
            (RFC_PEM.replace("MCow", "M!ow"), "no PEM block found"),
            (RFC_PEM.replace("END PUBLIC", "END PRIVATE"), "no PEM block found"),
            (RFC_PEM.replace("-----END", "x-----END"), "no PEM block found"),
            (RFC.to_owned(), "no PEM block found"),
            (String::new(), "no PEM block found"),
        ] {
            assert_eq!(PublicKey::from_pem(file.as_bytes()).map_err(|e| e.to_string()), Err(message.into()), "{file}");
        }
    }

    #[test] // keyring.md §4.1
    fn other_keys_are_called_by_their_name() {
        let pem =
            |der: &[u8]| format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der));
        let spki = |algorithm: &[u8], bits: usize| {
            let length = |n: usize| u8::try_from(n).expect("short");
            let mut inner = vec![0x30, length(algorithm.len())];
            inner.extend(algorithm);
            inner.extend([0x03, length(bits + 1), 0]);
            inner.extend(vec![9; bits]);
            let mut der = vec![0x30, length(inner.len())];
            der.extend(inner);
            der
        };
        let ed25519 = [0x06, 3, 0x2b, 0x65, 0x70];
        let null = [&ed25519[..], &[5, 0]].concat();
        let trailing = [&spki(&ed25519, 32)[..], &[0]].concat();
        for (der, message) in [
            (spki(&[0x06, 3, 0x2b, 0x65, 0x6e], 32), "public key is not ed25519 (got *ecdh.PublicKey)"),
            (
                spki(&[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0], 90),
                "public key is not ed25519 (got *rsa.PublicKey)",
            ),
            (spki(&ed25519, 31), "parse PKIX public key: wrong Ed25519 public key size"),
            (spki(&ed25519, 33), "parse PKIX public key: wrong Ed25519 public key size"),
            (spki(&null, 32), "parse PKIX public key: Ed25519 key encoded with illegal parameters"),
            (spki(&[0x06, 1, 0x2b], 32), "parse PKIX public key: unknown public key algorithm"),
            (trailing, "parse PKIX public key: trailing data after the public key"),
            (vec![], "parse PKIX public key: not a DER sequence"),
            (vec![0x30, 0x82], "parse PKIX public key: not a DER sequence"),
        ] {
            assert_eq!(PublicKey::from_pem(pem(&der).as_bytes()).map_err(|e| e.to_string()), Err(message.into()));
        }
        assert!(PublicKey::from_pem(pem(&spki(&ed25519, 32)).as_bytes()).is_ok());
    }

    #[test] // keyring.md §4.2
    fn a_published_key_is_pem_or_base64_with_white_space_anywhere() {
        for file in [RFC_PEM.to_owned(), format!("{RFC}\n"), format!(" 11qYAYKx\tCrfV \r\n{}", &RFC[12..])] {
            assert_eq!(PublicKey::from_text(file.as_bytes()), Ok(key(RFC)), "{file}");
        }
        let neither = "not PEM and not base64-encoded raw ed25519 public key";
        for (file, message) in [
            ("not a key", "decoded 5 bytes; ed25519 public key must be 32 bytes"),
            ("", "decoded 0 bytes; ed25519 public key must be 32 bytes"),
            ("hello", neither),
            ("<html><body>404</body></html>", neither),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea me@here", neither),
            (
                "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----",
                neither,
            ),
        ] {
            assert_eq!(PublicKey::from_text(file.as_bytes()).map_err(|e| e.to_string()), Err(message.into()), "{file}");
        }
    }

    #[test] // artifacts.md §6
    fn every_encoding_of_a_small_order_point_is_recognised() {
        let hex = |text: &str| -> [u8; 32] {
            let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
            std::array::from_fn(|at| byte(at * 2))
        };
        let ys = [
            "0100000000000000000000000000000000000000000000000000000000000000", // identity
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
            "0000000000000000000000000000000000000000000000000000000000000000", // order 4
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", // order 8
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // y = p, not canonical
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // y = p + 1, not canonical
        ];
        for y in ys {
            for sign in [0, 0x80] {
                let mut bytes = hex(y);
                bytes[31] |= sign;
                let key = PublicKey::from_bytes(bytes);
                assert!(key.is_small_order(), "{y}, sign {sign}");
                assert_eq!(key.refusing_small_order(), Err(PublicKeyError::SmallOrder(key.fingerprint())));
            }
        }
        for strong in [key(RFC), key("//////////////////////////////////////////8=")] {
            assert_eq!(strong.refusing_small_order(), Ok(strong));
        }
    }
}
