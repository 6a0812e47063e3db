//! `application/x-www-form-urlencoded` as vault.md §11.3 writes it.

use zeroize::Zeroizing;

use crate::secret::Secret;

/// Fields in the order they are given, which callers keep sorted by name. Unreserved are `A-Za-z0-9-_.~`, a space is `+`,
/// every other byte is `%XX` in upper case.
///
/// The buffer never grows, so no copy of a value is left behind by a reallocation.
pub(super) fn encode(fields: &[(&str, &[u8])]) -> Secret {
    debug_assert!(fields.is_sorted_by_key(|(name, _)| *name), "the vectors want sorted names");
    let longest = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut text = Zeroizing::new(Vec::with_capacity(longest));
    for (number, (name, value)) in fields.iter().enumerate() {
        if number > 0 {
            text.push(b'&');
        }
        encode_into(&mut text, name.as_bytes());
        text.push(b'=');
        encode_into(&mut text, value);
    }
    Secret::from(text)
}

fn encode_into(text: &mut Vec<u8>, value: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in value {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => text.push(byte),
            b' ' => text.push(b'+'),
            byte => text.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // vault.md §11.3
    fn every_byte_but_the_unreserved_is_escaped_and_read_back_by_others() {
        let all: Vec<u8> = (0..=255).collect();
        let form = encode(&[("a", &all), ("b c", b"*~")]);
        let text = std::str::from_utf8(form.expose()).expect("ASCII");
        let tail = text.split_once('&').expect("two fields").1;
        assert_eq!(tail, "b+c=%2A~");
        let read: Vec<u8> = url::form_urlencoded::parse(form.expose()).next().expect("a field").1.bytes().collect();
        assert_eq!(read, String::from_utf8_lossy(&all).as_bytes());
        assert_eq!(encode(&[]).expose(), b"");
    }
}
