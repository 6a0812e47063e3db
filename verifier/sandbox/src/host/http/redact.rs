//! A server that echoes requests must not hand the credential to the guest. sandbox.md §7.1.
//!
//! This guards against accidents: a debugging page, an error text. A granted server that wants to give the credential away can
//! encode it in a way that is not looked for; what limits that is the grant, which says to whom the credential is sent.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Shorter secrets occur by chance; replacing them would damage answers and tell where they are.
const SHORTEST: usize = 8;
const MARK: &[u8] = b"[REDACTED]";

/// The spellings of one secret that are looked for: as it is, as JSON and URLs escape it, in base64 and in hex.
#[derive(Default)]
pub(super) struct SecretPatterns(Vec<Zeroizing<Vec<u8>>>);

impl SecretPatterns {
    pub(super) fn of(secret: &Secret) -> SecretPatterns {
        let bytes = secret.expose();
        if bytes.len() < SHORTEST {
            return SecretPatterns::default();
        }
        let mut patterns = vec![Zeroizing::new(bytes.to_vec())];
        patterns.extend(json_spellings(bytes));
        // RFC 3986; what may stand in a whole URL; forms.
        for bare in [&b"-_.~"[..], b"-_.~!*'();:@$,/?", FORM] {
            patterns.extend([escaped(bytes, bare, upper), escaped(bytes, bare, lower)]);
        }
        patterns.extend((0..3).flat_map(|phase| [true, false].map(|standard| base64(bytes, phase, standard))));
        patterns.extend([upper, lower].map(|digits: Digits| each(bytes, |byte| digits(byte).to_vec())));
        // The longest first: a shorter one may be part of it.
        patterns.sort_by(|one, other| (other.len(), &**one).cmp(&(one.len(), &**other)));
        patterns.dedup_by(|one, other| **one == **other);
        SecretPatterns(patterns)
    }

    /// Replaces every occurrence of every spelling.
    pub(super) fn redact(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.0.iter().fold(bytes, |bytes, pattern| replace(bytes, pattern))
    }

    /// As [`SecretPatterns::redact`], for text.
    pub(super) fn redact_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.redact(text.as_bytes().to_vec())).into_owned()
    }
}

fn replace(bytes: Vec<u8>, pattern: &[u8]) -> Vec<u8> {
    let mut at = memchr::memmem::find_iter(&bytes, pattern).peekable();
    if at.peek().is_none() {
        return bytes;
    }
    let (mut redacted, mut from) = (Vec::with_capacity(bytes.len()), 0);
    for start in at {
        redacted.extend_from_slice(&bytes[from..start]);
        redacted.extend_from_slice(MARK);
        from = start + pattern.len();
    }
    redacted.extend_from_slice(&bytes[from..]);
    redacted
}

/// Bytes a form leaves as they are; a space becomes a plus there.
const FORM: &[u8] = b"*-._";

/// The two hex digits of a byte.
type Digits = fn(u8) -> [u8; 2];

fn upper(byte: u8) -> [u8; 2] {
    [byte >> 4, byte & 15].map(|digit| b"0123456789ABCDEF"[usize::from(digit)])
}

fn lower(byte: u8) -> [u8; 2] {
    upper(byte).map(|digit| digit.to_ascii_lowercase())
}

/// The spellings of every byte, one after the other.
fn each(bytes: &[u8], spelling: impl Fn(u8) -> Vec<u8>) -> Zeroizing<Vec<u8>> {
    // Room for the longest of them, so that no half-filled buffer is left behind unwiped.
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len() * 6));
    for byte in bytes {
        text.extend_from_slice(&spelling(*byte));
    }
    text
}

/// As a URL escapes it, all but letters, digits and `bare`.
fn escaped(bytes: &[u8], bare: &[u8], digits: Digits) -> Zeroizing<Vec<u8>> {
    let is_form = bare == FORM;
    each(bytes, |byte| {
        if byte == b' ' && is_form {
            vec![b'+']
        } else if byte.is_ascii_alphanumeric() || bare.contains(&byte) {
            vec![byte]
        } else {
            [&b"%"[..], &digits(byte)].concat()
        }
    })
}

/// Inside of a JSON string: escaped as little as possible; with `/` escaped; with `<`, `>` and `&` escaped, as Go's encoder
/// does; and, in ASCII, with everything escaped.
fn json_spellings(bytes: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
    let json = Zeroizing::new(serde_json::to_string(text).unwrap_or_default());
    let json = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
    let unicode = |byte: u8, digits: Digits| [&b"\\u00"[..], &digits(byte)].concat();
    let mut spellings = vec![
        Zeroizing::new(json.as_bytes().to_vec()),
        Zeroizing::new(json.replace('/', "\\/").into_bytes()),
        each(json.as_bytes(), |byte| if b"<>&".contains(&byte) { unicode(byte, lower) } else { vec![byte] }),
    ];
    if text.is_ascii() {
        spellings.extend([lower, upper].map(|digits: Digits| each(bytes, |byte| unicode(byte, digits))));
    }
    spellings
}

/// The characters that base64 has for it in every text in which `phase` bytes, modulo 3, stand before it. The characters at
/// either end that also depend on its neighbours are left out.
fn base64(bytes: &[u8], phase: usize, standard: bool) -> Zeroizing<Vec<u8>> {
    let mut padded = Zeroizing::new(Vec::with_capacity(phase + bytes.len()));
    padded.resize(phase, 0);
    padded.extend_from_slice(bytes);
    let engine = if standard { BASE64_STANDARD_NO_PAD } else { BASE64_URL_SAFE_NO_PAD };
    let text = Zeroizing::new(engine.encode(&*padded));
    let (first, last) = ((phase * 8).div_ceil(6), padded.len() * 8 / 6);
    Zeroizing::new(text.as_bytes().get(first..last).unwrap_or_default().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // sandbox.md §7.1 [R]
    fn an_echoed_secret_is_replaced_in_every_spelling() {
        let redact = |secret: &str, body: &str| SecretPatterns::of(&Secret::from(secret.to_owned())).redact_text(body);
        for (secret, body, expected) in [
            ("hunter2hunter2", "a hunter2hunter2 b hunter2hunter2", "a [REDACTED] b [REDACTED]"),
            ("hunter2hunter2", "hunter2hunter", "hunter2hunter"),
            ("short", "a short secret", "a short secret"),
            ("ab/cd\"ef", r#"{"k":"ab/cd\"ef","l":"ab\/cd\"ef"}"#, r#"{"k":"[REDACTED]","l":"[REDACTED]"}"#),
            ("ab/cd+ef", "?k=ab%2Fcd%2Bef&l=ab/cd%2Bef", "?k=[REDACTED]&l=[REDACTED]"),
            ("aaaaaaaa", "aaaaaaaaaaaaaaaaa", "[REDACTED][REDACTED]a"),
        ] {
            assert_eq!(redact(secret, body), expected, "{secret} in {body}");
        }
        let binary = SecretPatterns::of(&Secret::from(vec![0xff; 9])).redact([&[1][..], &[0xff; 9], &[2]].concat());
        assert_eq!(binary, [&[1][..], MARK, &[2]].concat());
    }
    #[test] // sandbox.md §7.1 [R]
    fn an_echoed_secret_is_replaced_however_it_is_encoded() {
        let secrets =
            ["hunter2hunter2", "sk-ABCDEFGH/+==", "p@ss<w>&rd \"q\"", "a/b?c=d&e~f:gh", "\u{1f600}\u{1f600}\u{e9}"];
        let hex = |secret: &str| secret.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        let percent = |secret: &str| secret.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        for secret in secrets {
            let patterns = SecretPatterns::of(&Secret::from(secret.to_owned()));
            let mut echoes = vec![secret.to_owned(), hex(secret), hex(secret).to_uppercase()];
            echoes.push(url::form_urlencoded::byte_serialize(secret.as_bytes()).collect());
            for before in ["", "x", "xy", "xyz", "Basic user:"] {
                for after in ["", "1", "12", "123"] {
                    let text = format!("{before}{secret}{after}");
                    echoes.push(BASE64_STANDARD_NO_PAD.encode(&text));
                    echoes.push(BASE64_URL_SAFE_NO_PAD.encode(&text));
                    echoes.push(base64::prelude::BASE64_STANDARD.encode(&text));
                }
            }
            for echo in &echoes {
                let redacted = patterns.redact_text(&format!("[{echo}]"));
                assert!(redacted.contains("[REDACTED]"), "{secret}: {echo}: {redacted}");
                // At most the characters that also depend on the neighbours are left beside the mark.
                assert!(redacted.len() <= echo.len().saturating_sub(secret.len()) + 24, "{secret}: {echo}: {redacted}");
            }
            let harmless = percent("unrelated") + &hex("unrelated") + &BASE64_STANDARD_NO_PAD.encode("something else");
            assert_eq!(patterns.redact_text(&harmless), harmless);
        }
        for (secret, echo) in [
            ("ab/cd+efgh", "ab%2fcd%2befgh"),
            ("ab<cd>&efgh", "ab\\u003ccd\\u003e\\u0026efgh"),
            ("abcdefgh", "\\u0061\\u0062\\u0063\\u0064\\u0065\\u0066\\u0067\\u0068"),
            ("jklmnopz", "\\u006A\\u006B\\u006C\\u006D\\u006E\\u006F\\u0070\\u007A"),
        ] {
            assert_eq!(
                SecretPatterns::of(&Secret::from(secret.to_owned())).redact_text(echo),
                "[REDACTED]",
                "{secret}"
            );
        }
    }
}
