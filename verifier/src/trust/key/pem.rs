//! Keys as PEM, and the file a publisher commits: read as the existing runtime reads it, written as OpenSSL writes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::base64::{FORMS, decode};
use super::{PublicKey, PublicKeyError};

/// The 12 bytes before the key in the only DER form of an ed25519 SubjectPublicKeyInfo. keyring.md §4.
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

impl PublicKey {
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
}
