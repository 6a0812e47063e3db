//! A server that echoes requests must not hand the credential to the guest. sandbox.md §7.1.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use crate::secret::Secret;

/// Shorter secrets occur by chance; replacing them would damage answers and tell where they are.
const SHORTEST: usize = 8;
const MARK: &[u8] = b"[REDACTED]";

/// The spellings of one secret that are looked for: as it is, as JSON escapes it, as a URL escapes it.
#[derive(Default)]
pub(super) struct Needles(Vec<Zeroizing<Vec<u8>>>);

impl Needles {
    pub(super) fn of(secret: &Secret) -> Needles {
        let bytes = secret.expose();
        if bytes.len() < SHORTEST {
            return Needles::default();
        }
        let mut needles = vec![Zeroizing::new(bytes.to_vec())];
        if let Ok(text) = std::str::from_utf8(bytes) {
            let json = Zeroizing::new(serde_json::to_string(text).unwrap_or_default());
            let json = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
            needles.push(Zeroizing::new(json.as_bytes().to_vec()));
            needles.push(Zeroizing::new(json.replace('/', "\\/").into_bytes()));
        }
        needles.push(escaped(bytes, b"-_.~"));
        needles.push(escaped(bytes, b"-_.~!*'();:@$,/?"));
        // The longest first: a shorter one may be part of it.
        needles.sort_by(|one, other| (other.len(), &**other).cmp(&(one.len(), &**one)));
        needles.dedup_by(|one, other| **one == **other);
        Needles(needles)
    }

    /// Replaces every occurrence of every spelling.
    pub(super) fn redact(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.0.iter().fold(bytes, |bytes, needle| replace(bytes, needle))
    }

    /// As [`Needles::redact`], for text.
    pub(super) fn redact_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.redact(text.as_bytes().to_vec())).into_owned()
    }
}

fn replace(bytes: Vec<u8>, needle: &[u8]) -> Vec<u8> {
    let mut at = memchr::memmem::find_iter(&bytes, needle).peekable();
    if at.peek().is_none() {
        return bytes;
    }
    let (mut redacted, mut from) = (Vec::with_capacity(bytes.len()), 0);
    for start in at {
        redacted.extend_from_slice(&bytes[from..start]);
        redacted.extend_from_slice(MARK);
        from = start + needle.len();
    }
    redacted.extend_from_slice(&bytes[from..]);
    redacted
}

fn escaped(bytes: &[u8], bare: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 3));
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || bare.contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}"); // a String takes everything
        }
    }
    Zeroizing::new(std::mem::take(&mut *text).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // sandbox.md §7.1 [R]
    fn an_echoed_secret_is_replaced_in_every_spelling() {
        let redact = |secret: &str, body: &str| Needles::of(&Secret::from(secret.to_owned())).redact_text(body);
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
        let binary = Needles::of(&Secret::from(vec![0xff; 9])).redact([&[1][..], &[0xff; 9], &[2]].concat());
        assert_eq!(binary, [&[1][..], MARK, &[2]].concat());
    }
}
