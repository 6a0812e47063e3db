//! Private-key text to key and back.
//!
//! What people paste into a secret field is often not what they meant to: the public half, an RSA key, a key whose line
//! breaks became `\n`. Each such accident has a message of its own, which never quotes the text. PEM is read here rather than by
//! a library so that every copy of the bytes is wiped; it is written by `pkcs8`, which wipes its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::pem::PemLabel as _;
use pkcs8::der::{self, Decode as _};
use pkcs8::pkcs5::{self, EncryptionScheme, pbes2};
use pkcs8::{
    AlgorithmIdentifierRef, EncryptedPrivateKeyInfoRef, LineEnding, ObjectIdentifier, PrivateKeyInfoRef, SecretDocument,
};
use zeroize::Zeroizing;

use super::der::{from_der, unbase64};
use super::{KeyError, SigningKey, other_form};
use crate::secret::Secret;

/// ed25519, which takes no parameters. RFC 8410 §3.
const ED25519: AlgorithmIdentifierRef<'static> =
    AlgorithmIdentifierRef { oid: ObjectIdentifier::new_unwrap("1.3.101.112"), parameters: None };

/// Before the 32 bytes of a seed, inside the octets of the private key: an octet string of 32 bytes. RFC 8410 §7.
const SEED_PREFIX: [u8; 2] = [4, 32];

/// OWASP's number for PBKDF2-HMAC-SHA256. Not scrypt: LibreSSL and Go's tools read only PBKDF2 here.
const ROUNDS: u32 = 600_000;

const BEGIN: &[u8] = b"-----BEGIN ";

/// See [`SigningKey::read`].
pub(super) fn read(text: &[u8], passphrase: impl FnOnce() -> Result<Secret, KeyError>) -> Result<SigningKey, KeyError> {
    let bare = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii();
    if bare.is_empty() {
        return Err(KeyError::Empty);
    }
    if find(bare, BEGIN).is_some() {
        return read_pem(bare, passphrase);
    }
    match unbase64(bare) {
        Some(inner) if find(&inner, BEGIN).is_some() => read_pem(&inner, passphrase),
        // White space at the ends of text is part of a key that is no text.
        _ => Err(other_form::of(text)),
    }
}

fn read_pem(text: &[u8], passphrase: impl FnOnce() -> Result<Secret, KeyError>) -> Result<SigningKey, KeyError> {
    if find(text, br"\n").is_some() {
        return Err(KeyError::LiteralNewlines);
    }
    let blocks = text.windows(BEGIN.len()).filter(|window| *window == BEGIN).count();
    if blocks > 1 {
        return Err(KeyError::SeveralBlocks(blocks));
    }
    let (_, rest) = split(text, BEGIN).ok_or(KeyError::NotPem)?;
    let (label, rest) = split(rest, b"-----").ok_or(KeyError::CutOff)?;
    let encrypted = match label {
        b"PRIVATE KEY" => false,
        b"ENCRYPTED PRIVATE KEY" => true,
        b"OPENSSH PRIVATE KEY" => return Err(KeyError::OpenSsh),
        b"RSA PRIVATE KEY" => return Err(KeyError::OtherAlgorithm("an RSA")),
        b"EC PRIVATE KEY" => return Err(KeyError::OtherAlgorithm("an elliptic-curve (EC)")),
        b"DSA PRIVATE KEY" => return Err(KeyError::OtherAlgorithm("a DSA")),
        b"CERTIFICATE" => return Err(KeyError::OtherBlock("a certificate")),
        label if label.ends_with(b"PUBLIC KEY") => return Err(KeyError::PublicKey),
        label if label.contains(&b'\n') => return Err(KeyError::CutOff),
        _ => return Err(KeyError::OtherBlock("something else")),
    };
    let end = [b"-----END ", label, b"-----"].concat();
    let (body, _) = split(rest, &end).ok_or(KeyError::CutOff)?;
    let der = unbase64(body).ok_or(KeyError::Damaged("its body is not base64"))?;
    if encrypted {
        let passphrase = passphrase()?;
        return from_der(&decrypt(&der, &passphrase)?);
    }
    from_der(&der)
}

fn decrypt(der: &[u8], passphrase: &Secret) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let info = EncryptedPrivateKeyInfoRef::from_der(der).map_err(|error| match error.kind() {
        // A scheme the decoder has no name for, as opposed to bytes that are no scheme.
        pkcs8::der::ErrorKind::OidUnknown { .. } | pkcs8::der::ErrorKind::Value { .. } => KeyError::Encryption,
        _ => KeyError::Damaged("it is no PKCS#8 structure"),
    })?;
    let mut buffer = Zeroizing::new(info.encrypted_data.as_bytes().to_vec());
    let scheme: &EncryptionScheme = &info.encryption_algorithm;
    let length = match scheme.decrypt_in_place(passphrase.expose(), &mut buffer) {
        Ok(plain) => plain.len(),
        Err(pkcs5::Error::DecryptFailed) => return Err(KeyError::WrongPassphrase),
        Err(_) => return Err(KeyError::Encryption),
    };
    buffer.truncate(length);
    // A wrong passphrase gives well-padded noise once in 256 times.
    if PrivateKeyInfoRef::from_der(&buffer).is_err() {
        return Err(KeyError::WrongPassphrase);
    }
    Ok(buffer)
}

/// See [`SigningKey::to_pem`].
pub(super) fn to_pem(key: &SigningKey) -> Secret {
    let pem = document(key).and_then(|document| document.to_pem(PrivateKeyInfoRef::PEM_LABEL, LineEnding::LF));
    // A seed of 32 bytes always encodes: there is no length and no character that could be refused.
    pem.expect("an ed25519 key encodes as PEM").as_bytes().to_vec().into()
}

/// See [`SigningKey::to_base64_of_pem`].
pub(super) fn to_base64_of_pem(key: &SigningKey) -> Secret {
    base64_of(to_pem(key).expose()).into()
}

/// See [`SigningKey::to_encrypted_pem`].
pub(super) fn to_encrypted_pem(key: &SigningKey, passphrase: &Secret) -> Result<Secret, KeyError> {
    if passphrase.expose().is_empty() {
        return Err(KeyError::PassphraseMissing);
    }
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    getrandom::fill(&mut salt).map_err(KeyError::Random)?;
    getrandom::fill(&mut iv).map_err(KeyError::Random)?;
    let encoding = |_| KeyError::Encryption;
    let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, &salt, iv).map_err(encoding)?;
    let encoding_of = |_: der::Error| KeyError::Encryption;
    let plain = document(key).map_err(encoding_of)?;
    let sealed = parameters.encrypt(passphrase.expose(), plain.as_bytes()).map_err(encoding)?;
    let encrypted_data = OctetStringRef::new(&sealed).map_err(encoding_of)?;
    let info = EncryptedPrivateKeyInfoRef { encryption_algorithm: parameters.into(), encrypted_data };
    let document = SecretDocument::encode_msg(&info).map_err(encoding_of)?;
    let pem = document.to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF).map_err(encoding_of)?;
    Ok(pem.as_bytes().to_vec().into())
}

/// PKCS#8 version 1, without the public key: openssl 3.0 does not read version 2. Wiped on drop.
fn document(key: &SigningKey) -> Result<SecretDocument, der::Error> {
    let mut octets = Zeroizing::new([0; 34]);
    octets[..2].copy_from_slice(&SEED_PREFIX);
    octets[2..].copy_from_slice(key.seed());
    let private_key = OctetStringRef::new(octets.as_slice())?;
    SecretDocument::encode_msg(&PrivateKeyInfoRef { algorithm: ED25519, private_key, public_key: None })
}

fn base64_of(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(vec![0; bytes.len().div_ceil(3) * 4]);
    let written = STANDARD.encode_slice(bytes, &mut text).unwrap_or(0);
    text.truncate(written);
    text
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn split<'a>(text: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let start = find(text, at)?;
    Some((&text[..start], &text[start + at.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything before the seed in the PKCS#8 v1 form. RFC 8410 §7.
    const PREFIX: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

    /// RFC 8032 §7.1, test 1.
    const SEED: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
        0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];

    fn key() -> SigningKey {
        SigningKey::from_seed(&SEED)
    }

    fn text(secret: &Secret) -> String {
        String::from_utf8(secret.expose().to_vec()).expect("text")
    }

    fn read(text: impl Into<Vec<u8>>) -> Result<SigningKey, String> {
        SigningKey::read(text.into().into(), || Err(KeyError::PassphraseMissing)).map_err(|error| error.to_string())
    }

    fn block(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    }

    #[test] // keyring.md §2.5: its worked vector is this seed's
    fn a_signature_is_the_worked_vectors() {
        let signature = STANDARD.encode(key().sign(&[b"BIN", b"MAN"]));
        assert_eq!(
            signature,
            "yDoGp4VgrR4oc7Ak5LOA+gXR0qiloeREJ48Y6LwhV3JcyNqFhzYbSIItpBO2SgBdX3gS4QAIHS6aYIP74GluAA=="
        );
        assert_eq!(key().public().to_base64(), "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    }

    #[test] // RFC 8410 §7
    fn a_written_key_is_version_1_byte_for_byte() {
        let expected = STANDARD.encode([&PREFIX[..], &SEED].concat());
        assert_eq!(
            text(&key().to_pem()),
            format!("-----BEGIN PRIVATE KEY-----\n{expected}\n-----END PRIVATE KEY-----\n")
        );
    }

    #[test]
    fn a_key_reads_back_in_every_form_it_is_written_in() {
        let pem = text(&key().to_pem());
        assert_eq!(pem.lines().map(str::len).collect::<Vec<_>>(), [27, 64, 25]);
        for form in [
            pem.clone(),
            text(&key().to_base64_of_pem()),
            text(&key().to_base64_of_pem()).trim_end_matches('=').to_owned(),
            pem.replace('\n', "\r\n"),
            pem.replace('\n', " "),
            format!("\u{feff}\n  {pem}\n\n"),
            format!("Bag Attributes\n    friendlyName: x\n{pem}"),
        ] {
            assert_eq!(read(form.clone()).expect(&form).public(), key().public());
        }
        assert_ne!(
            SigningKey::generate().ok().map(|key| key.public()),
            SigningKey::generate().ok().map(|k| k.public())
        );
    }

    #[test]
    fn an_encrypted_key_needs_its_passphrase() {
        let pass = || Secret::from("correct horse".to_owned());
        let sealed = key().to_encrypted_pem(&pass()).expect("encrypts");
        let sealed = text(&sealed);
        assert!(sealed.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n") && sealed.lines().all(|l| l.len() <= 64));
        let open = |word: &str| {
            let word = Secret::from(word.to_owned());
            SigningKey::read(Secret::from(sealed.clone()), || Ok(word)).map(|key| key.public())
        };
        assert_eq!(open("correct horse").ok(), Some(key().public()));
        assert!(matches!(open("battery staple"), Err(KeyError::WrongPassphrase)));
        assert_eq!(
            read(sealed.clone()).err().as_deref(),
            Some("the private key is encrypted, and no passphrase was given")
        );
        assert!(matches!(key().to_encrypted_pem(&Secret::from(vec![])), Err(KeyError::PassphraseMissing)));
    }

    #[test]
    fn v2_must_carry_its_own_public_key() {
        let v2 = |public: &[u8; 32]| {
            let mut der = vec![0x30, 0x51, 2, 1, 1];
            der.extend(&PREFIX[5..]);
            der.extend(SEED);
            der.extend([0x81, 0x21, 0]);
            der.extend(public);
            block("PRIVATE KEY", &der)
        };
        assert!(read(v2(key().public().as_bytes())).is_ok());
        let message = "the private key is damaged: the public key stored inside it belongs to another key";
        assert_eq!(read(v2(&[7; 32])).err().as_deref(), Some(message));
    }

    #[test]
    fn every_accident_has_a_name_and_shows_nothing_of_the_text() {
        let pem = text(&key().to_pem());
        let der = |oid: &[u8], key: &[u8]| {
            let length = |n: usize| u8::try_from(n).expect("short");
            let algorithm = [&[0x30, length(oid.len() + 2), 6, length(oid.len())], oid].concat();
            let inner = [&[2, 1, 0][..], &algorithm, &[4, length(key.len())], key].concat();
            [&[0x30, length(inner.len())][..], &inner].concat()
        };
        let seed = [&[4, 32][..], &SEED].concat();
        let utf16: Vec<u8> = pem.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let cases: Vec<(Vec<u8>, &str)> = vec![
            (vec![], "the private key is empty"),
            (b" \n\t".to_vec(), "the private key is empty"),
            (b"keys/private.pem".to_vec(), "this is no private key"),
            (STANDARD.encode(SEED).into(), "this is no private key"),
            (STANDARD.encode([&PREFIX[..], &SEED].concat()).into(), "this is no private key"),
            (utf16, "UTF-16"),
            (pem.trim_end().replace('\n', "\\n").into(), r"literal \n"),
            (STANDARD.encode(pem.replace('\n', "\\n")).into(), r"literal \n"),
            (pem.repeat(2).into(), "there are 2 PEM blocks"),
            (format!("{}{pem}", key().public().to_pem()).into(), "there are 2 PEM blocks"),
            (pem.replace("-----END", "").into(), "cut off"),
            (pem.replace("KEY-----", "KEY").into(), "cut off"),
            (pem.replace("MC4C", "M!!C").into(), "its body is not base64"),
            (pem.replace("MC4C", "").into(), "it is no PKCS#8 structure"),
            (key().public().to_pem().into(), "this is a public key"),
            (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQ me".to_vec(), "this is a public key"),
            (block("OPENSSH PRIVATE KEY", b"openssh-key-v1").into(), "this is an OpenSSH private key"),
            (block("RSA PRIVATE KEY", b"x").into(), "this is an RSA private key"),
            (block("EC PRIVATE KEY", b"x").into(), "this is an elliptic-curve (EC) private key"),
            (block("CERTIFICATE", b"x").into(), "it is a certificate"),
            (block("MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v", b"x").into(), "it is something else"),
            (block("PRIVATE KEY", &der(&[0x2b, 0x65, 0x6e], &seed)).into(), "this is an X25519 private key"),
            (block("PRIVATE KEY", &der(&[0x2b, 0x65, 0x70], &seed[..33])).into(), "an ed25519 seed has 32 bytes"),
            (block("PRIVATE KEY", &der(&[0x2b, 0x65, 0x70], &SEED)).into(), "an ed25519 seed has 32 bytes"),
            (block("ENCRYPTED PRIVATE KEY", b"x").into(), "no passphrase was given"),
        ];
        for (text, message) in cases {
            let shown = read(text.clone()).err().unwrap_or_default();
            assert!(shown.contains(message), "{}: {shown}", String::from_utf8_lossy(&text));
            assert!(!shown.contains("MC4C") && !shown.contains("nWGx") && !shown.contains("J1hsZ3v"), "{shown}");
        }
        let broken = Secret::from(block("ENCRYPTED PRIVATE KEY", b"\x30\x00"));
        let broken = SigningKey::read(broken, || Ok(Secret::from(vec![1]))).err().map(|error| error.to_string());
        assert_eq!(broken.as_deref(), Some("the private key is damaged: it is no PKCS#8 structure"));
    }
}
