//! One parameter of a query; the other bytes are left alone.

/// The values of all parameters of a name, decoded; a parameter without `=` has an empty one.
pub(super) fn values<'q>(query: &'q str, name: &'q str) -> impl Iterator<Item = Vec<u8>> + 'q {
    query
        .split('&')
        .filter(move |part| is_named(part, name))
        .map(|part| decoded(part.split_once('=').map_or("", |(_, value)| value)))
}

/// Whether a part of a query is a parameter of that name, however the name is spelled there.
fn is_named(part: &str, name: &str) -> bool {
    !part.is_empty() && decoded(part.split('=').next().unwrap_or_default()) == name.as_bytes()
}

/// Percent signs and plus signs as HTML forms mean them; what is no escape stays.
fn decoded(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let mut rest = text.as_bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, digit(after.first()), digit(after.get(1))) {
            (b'%', Some(high), Some(low)) => {
                plain.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            (b'+', ..) => plain.push(b' '),
            _ => plain.push(*byte),
        }
    }
    plain
}

/// Appends the query with one parameter set to a value.
pub(super) fn replaced(query: &str, name: &str, value: &[u8], out: &mut Vec<u8>) {
    let mut set = false;
    let start = out.len();
    for (index, part) in query.split('&').enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        if !set && is_named(part, name) {
            out.extend_from_slice(part.split('=').next().unwrap_or_default().as_bytes());
            out.push(b'=');
            escape(value, out);
            set = true;
        } else {
            out.extend_from_slice(part.as_bytes());
        }
    }
    if !set {
        if out.len() > start {
            out.push(b'&');
        }
        escape(name.as_bytes(), out);
        out.push(b'=');
        escape(value, out);
    }
}

/// Everything but RFC 3986's unreserved characters as `%XX`.
fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            out.push(*byte);
        } else {
            out.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
}
