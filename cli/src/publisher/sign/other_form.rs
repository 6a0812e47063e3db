//! What a text or file is that was given as a private key and is no PEM: said by name, with the line that makes PEM of it
//! where openssl can.
//!
//! Nothing is guessed and used: a key is read in one form only ([`super::pkcs8`]), and here is only why it was not.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::Decode as _;
use zeroize::Zeroizing;

use super::KeyError;
use super::der::{from_der, unbase64};

/// A way to write a private key that is not read here. Its text holds nothing of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherForm {
    /// PKCS#8, the bytes that PEM holds.
    Der,
    /// PKCS#8 with a passphrase, likewise.
    EncryptedDer,
    /// PKCS#8 in hex.
    HexDer,
    /// PEM that has lost its first and last line.
    Body,
    /// The 32 bytes themselves, or 64 of them: with the public key behind.
    Raw,
    /// The same in hex.
    RawHex,
    /// The same in base64.
    RawBase64,
    /// PKCS#12, a key with its certificate.
    Pkcs12,
    /// A JSON Web Key.
    Jwk,
    /// PuTTY's own format.
    Putty,
    /// SSH2, as ssh.com writes it.
    Ssh2,
    /// minisign or signify.
    Minisign,
    /// age, which encrypts and does not sign.
    Age,
}

/// The sixteen bytes before a raw key in PKCS#8, as `printf` takes them in a shell.
const PREFIX_OCTAL: &str = r"\060\056\002\001\000\060\005\006\003\053\145\160\004\042\004\040";
const TO_PEM: &str = "openssl pkey -inform DER -out KEY.pem";

impl fmt::Display for OtherForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NOT_PEM: &str = "this is no private key in PEM form";
        const AGAIN: &str = "make one with `aileron-pub keys generate` or openssl genpkey -algorithm ed25519";
        match self {
            OtherForm::Der => {
                f.write_str("the private key is in DER form; write it as PEM: openssl pkey -inform DER -in KEY -out KEY.pem")
            }
            OtherForm::EncryptedDer => f.write_str(
                "the private key is encrypted and in DER form; write it as PEM: openssl pkey -inform DER -in KEY -aes256 -out KEY.pem",
            ),
            OtherForm::HexDer => write!(f, "{NOT_PEM}: it is DER in hex; write it as PEM: xxd -r -p KEY | {TO_PEM}"),
            OtherForm::Body => write!(
                f,
                "{NOT_PEM}: its BEGIN and END lines are missing; write it as PEM: base64 -d KEY | {TO_PEM}"
            ),
            OtherForm::Raw => write!(
                f,
                "{NOT_PEM}: it is a raw key; write it as PEM: (printf '{PREFIX_OCTAL}'; head -c 32 KEY) | {TO_PEM}"
            ),
            OtherForm::RawHex => write!(
                f,
                "{NOT_PEM}: it is a raw key in hex; write it as PEM: (printf '{PREFIX_OCTAL}'; xxd -r -p KEY | head -c 32) | {TO_PEM}"
            ),
            OtherForm::RawBase64 => write!(
                f,
                "{NOT_PEM}: it is a raw key in base64; write it as PEM: (printf '{PREFIX_OCTAL}'; base64 -d KEY | head -c 32) | {TO_PEM}"
            ),
            OtherForm::Pkcs12 => f.write_str(
                "this is a PKCS#12 file, not a private key in PEM form; take the key out: openssl pkcs12 -in KEY -nocerts -out KEY.pem",
            ),
            OtherForm::Jwk => write!(f, "{NOT_PEM}: it is a JSON Web Key; export it as PKCS#8 PEM, or {AGAIN}"),
            OtherForm::Putty => write!(f, "{NOT_PEM}: it is a PuTTY private key; {AGAIN}"),
            OtherForm::Ssh2 => write!(f, "{NOT_PEM}: it is an SSH2 private key; {AGAIN}"),
            OtherForm::Minisign => write!(f, "{NOT_PEM}: it is a minisign or signify key; {AGAIN}"),
            OtherForm::Age => write!(f, "{NOT_PEM}: it is an age key, which does not sign; {AGAIN}"),
        }
    }
}

/// What these bytes are, as an error: they hold no PEM block, and are not base64 of one.
pub(super) fn of(bytes: &[u8]) -> KeyError {
    if let Some(error) = of_der(bytes, OtherForm::Der) {
        return error;
    }
    if is_utf16(bytes) {
        return KeyError::Utf16;
    }
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    if matches!(bytes.len(), 32 | 64) && !bytes.iter().all(is_text) {
        return KeyError::OtherForm(OtherForm::Raw);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => of_text(text.trim_start_matches('\u{feff}').trim()),
        Err(_) => KeyError::NotPem,
    }
}

fn of_text(text: &str) -> KeyError {
    const PUBLIC: [&str; 3] = ["ssh-", "ecdsa-sha2-", "sk-"];
    if PUBLIC.iter().any(|start| text.starts_with(start)) {
        return KeyError::PublicKey;
    }
    if let Some(header) = text.strip_prefix("---- BEGIN ") {
        let is_public = header.lines().next().is_some_and(|line| line.contains("PUBLIC"));
        return if is_public { KeyError::PublicKey } else { KeyError::OtherForm(OtherForm::Ssh2) };
    }
    if text.starts_with('{') && text.contains("\"kty\"") {
        return if text.contains("\"d\"") { KeyError::OtherForm(OtherForm::Jwk) } else { KeyError::PublicKey };
    }
    let named = [
        ("PuTTY-User-Key-File-", OtherForm::Putty),
        ("untrusted comment:", OtherForm::Minisign),
        ("AGE-SECRET-KEY-", OtherForm::Age),
        ("# created:", OtherForm::Age),
    ];
    if let Some((_, form)) = named.into_iter().find(|(start, _)| text.starts_with(start)) {
        return KeyError::OtherForm(form);
    }
    if let Some(bytes) = unhex(text) {
        return match bytes.len() {
            32 | 64 => KeyError::OtherForm(OtherForm::RawHex),
            _ => of_der(&bytes, OtherForm::HexDer).unwrap_or(KeyError::NotPem),
        };
    }
    match unbase64(text.as_bytes()).or_else(|| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok().map(Into::into))
    {
        Some(bytes) if matches!(bytes.len(), 32 | 64) => KeyError::OtherForm(OtherForm::RawBase64),
        Some(bytes) if bytes.starts_with(b"openssh-key-v1") => KeyError::OpenSsh,
        Some(bytes) => of_der(&bytes, OtherForm::Body).unwrap_or(KeyError::NotPem),
        None => KeyError::NotPem,
    }
}

/// What one DER sequence is; `ours` is what it is called when it holds an ed25519 private key.
fn of_der(bytes: &[u8], ours: OtherForm) -> Option<KeyError> {
    let (whole, body) = sequence(bytes)?;
    Some(match from_der(whole) {
        Ok(_) => KeyError::OtherForm(ours),
        Err(error @ KeyError::OtherAlgorithm(_)) => error,
        Err(_) if EncryptedPrivateKeyInfoRef::from_der(whole).is_ok() => match ours {
            OtherForm::Der => KeyError::OtherForm(OtherForm::EncryptedDer),
            form => KeyError::OtherForm(form),
        },
        Err(_) => match body {
            // RFC 8017 A.1.2, RFC 5915, RFC 7292: they begin with their version.
            [2, 1, 0 | 1, 2, ..] => KeyError::OtherAlgorithm("an RSA"),
            [2, 1, 1, 4, ..] => KeyError::OtherAlgorithm("an elliptic-curve (EC)"),
            [2, 1, 3, 0x30, ..] => KeyError::OtherForm(OtherForm::Pkcs12),
            // SubjectPublicKeyInfo: an algorithm, then a bit string.
            [0x30, length @ ..=0x7f, rest @ ..] if rest.get(usize::from(*length)) == Some(&3) => KeyError::PublicKey,
            [0x30, 0x81..=0xff, ..] => KeyError::OtherBlock("a certificate"),
            _ => KeyError::Damaged("it is no PKCS#8 structure"),
        },
    })
}

/// The one DER sequence that the bytes are, white space after it aside: whole, and what it holds.
fn sequence(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, length) = match bytes {
        [0x30, length @ ..=0x7f, ..] => (2, usize::from(*length)),
        [0x30, 0x81, length, ..] => (3, usize::from(*length)),
        [0x30, 0x82, high, low, ..] => (4, usize::from(*high) << 8 | usize::from(*low)),
        _ => return None,
    };
    let (whole, after) = bytes.split_at_checked(header + length)?;
    after.iter().all(u8::is_ascii_whitespace).then(|| (whole, &whole[header..]))
}

/// UTF-16 with a mark, or ASCII written as UTF-16 without one.
fn is_utf16(bytes: &[u8]) -> bool {
    let pairs = || bytes.chunks_exact(2);
    let is_ascii = |byte: u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let starts = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    starts
        || bytes.len() >= 4
            && (pairs().all(|pair| pair[1] == 0 && is_ascii(pair[0]))
                || pairs().all(|pair| pair[0] == 0 && is_ascii(pair[1])))
}

/// Hex digits, in pairs with white space or colons anywhere, `0x` first or not.
fn unhex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.strip_prefix("0x").unwrap_or(text);
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    let mut high = None;
    for char in text.chars().filter(|char| !char.is_ascii_whitespace() && *char != ':') {
        let digit = u8::try_from(char.to_digit(16)?).ok()?;
        match high.take() {
            None => high = Some(digit),
            Some(first) => bytes.push(first << 4 | digit),
        }
    }
    (high.is_none() && !bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::publisher::sign::SigningKey;

    /// RFC 8032 §7.1, test 1.
    const SEED: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
        0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];

    fn der() -> Vec<u8> {
        let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        der.extend(SEED);
        der
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A sequence of these parts.
    fn sequence_of(parts: &[&[u8]]) -> Vec<u8> {
        let body = parts.concat();
        let mut der = vec![0x30, 0x82];
        der.extend(u16::try_from(body.len()).expect("short").to_be_bytes());
        der.extend(body);
        der
    }

    fn said(bytes: &[u8]) -> String {
        let read = SigningKey::read(bytes.to_vec().into(), || Err(KeyError::PassphraseMissing));
        read.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn every_form_of_a_private_key_is_called_by_its_name() {
        let public = STANDARD.decode("MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=").expect("base64");
        let pair = [SEED, SEED].concat();
        let other = |oid: u8| {
            let mut der = der();
            der[11] = oid;
            der
        };
        let rsa = sequence_of(&[&[2, 1, 0], &[2, 0x82, 1, 1], &[7; 257]]);
        let ec = sequence_of(&[&[2, 1, 1], &[4, 32], &[7; 32]]);
        let p12 = sequence_of(&[&[2, 1, 3], &sequence_of(&[&[1; 40]])]);
        let certificate = sequence_of(&[&sequence_of(&[&[0xa0, 3, 2, 1, 2], &[1; 200]])]);
        let pem = String::from_utf8(SigningKey::from_seed(&SEED).to_pem().expose().to_vec()).expect("text");
        let utf16 = |order: fn(u16) -> [u8; 2]| pem.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        let ending_in_space = {
            let mut der = der();
            der[47] = b'\n';
            der
        };
        let cases: Vec<(Vec<u8>, &str)> = vec![
            (der(), "the private key is in DER form"),
            ([&der()[..], b"\n"].concat(), "the private key is in DER form"),
            (ending_in_space, "the private key is in DER form"),
            (public.clone(), "this is a public key"),
            (STANDARD.encode(&public).into(), "this is a public key"),
            (hex(&public).into(), "this is a public key"),
            (other(0x6e), "this is an X25519 private key"),
            (other(0x71), "this is an Ed448 private key"),
            (rsa.clone(), "this is an RSA private key"),
            (STANDARD.encode(rsa).into(), "this is an RSA private key"),
            (ec, "this is an elliptic-curve (EC) private key"),
            (p12, "this is a PKCS#12 file"),
            (certificate, "it is a certificate"),
            (hex(&der()).into(), "it is DER in hex"),
            (STANDARD.encode(der()).into(), "its BEGIN and END lines are missing"),
            (STANDARD.encode(der()).replace("EIJ1", "EIJ1\r\n").into(), "its BEGIN and END lines are missing"),
            (SEED.to_vec(), "it is a raw key;"),
            (pair.clone(), "it is a raw key;"),
            (hex(&SEED).into(), "it is a raw key in hex"),
            (format!("0x{}\n", hex(&SEED).to_uppercase()).into(), "it is a raw key in hex"),
            (hex(&pair).into(), "it is a raw key in hex"),
            (SEED.map(|byte| format!("{byte:02x}")).join(":").into(), "it is a raw key in hex"),
            (STANDARD.encode(SEED).into(), "it is a raw key in base64"),
            (STANDARD.encode(&pair).into(), "it is a raw key in base64"),
            (URL_SAFE_NO_PAD.encode(SEED).into(), "it is a raw key in base64"),
            (STANDARD.encode(b"openssh-key-v1\0none").into(), "this is an OpenSSH private key"),
            (b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n".to_vec(), "it is a PuTTY private key"),
            (b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nAAAA".to_vec(), "it is an SSH2 private key"),
            (b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA".to_vec(), "this is a public key"),
            (b"ecdsa-sha2-nistp256 AAAA me".to_vec(), "this is a public key"),
            (br#"{"kty":"OKP","crv":"Ed25519","d":"nWGx","x":"11qY"}"#.to_vec(), "it is a JSON Web Key"),
            (br#"{"kty":"OKP","crv":"Ed25519","x":"11qY"}"#.to_vec(), "this is a public key"),
            (b"untrusted comment: minisign encrypted secret key\nRWRT".to_vec(), "it is a minisign or signify key"),
            (b"AGE-SECRET-KEY-1QQQ".to_vec(), "it is an age key"),
            (utf16(u16::to_le_bytes), "is UTF-16 text"),
            (utf16(u16::to_be_bytes), "is UTF-16 text"),
            ([&b"\xff\xfe"[..], &utf16(u16::to_le_bytes)].concat(), "is UTF-16 text"),
            (b"keys/private.pem".to_vec(), "this is no private key: neither"),
            (b"a pass phrase of 32 characters..".to_vec(), "this is no private key: neither"),
            (vec![0, 1, 2, 3, 4], "this is no private key: neither"),
            (vec![0x30, 0x82], "this is no private key: neither"),
            (vec![0x30, 0], "it is no PKCS#8 structure"),
        ];
        for (bytes, message) in cases {
            let said = said(&bytes);
            assert!(said.contains(message), "{:?}: {said}", String::from_utf8_lossy(&bytes));
            assert!(!said.contains("nWGx") && !said.to_lowercase().contains("9d61"), "{said}");
        }
    }

    #[test]
    fn no_bytes_end_in_anything_but_an_error() {
        let whole = der();
        for end in 0..whole.len() {
            assert!(!said(&whole[..end]).is_empty());
            assert!(!said(hex(&whole[..end]).as_bytes()).is_empty());
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[end] ^= 1 << bit;
                assert!(!said(&changed).is_empty());
            }
        }
    }
}
