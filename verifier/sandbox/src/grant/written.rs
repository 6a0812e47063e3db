//! Path and query of a URL as they go out: as the guest wrote them. sandbox.md §4.1, §4.3.
//!
//! Dot segments stay, and so do escapes: a connector that escapes what a user typed, to keep it inside of one segment, relies on
//! that. Go's `net/url` decides what is escaped: a path with a byte that may not stand in one is decoded and escaped again.

/// What follows the authority, as it is written on the request line: the fragment is left out, an empty path is `/`.
///
/// # Errors
/// The first `%` of the path that is not followed by two hex digits, with the two bytes behind it.
pub(super) fn path_and_query(rest: &str) -> Result<String, Vec<u8>> {
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let decoded = decoded(path.as_bytes())?;
    let mut text = String::with_capacity(rest.len() + 1);
    if path.is_empty() {
        text.push('/');
    } else if path.bytes().all(may_stand_in_a_path) {
        text.push_str(path);
    } else {
        escape(&decoded, is_bare_in_a_path, &mut text);
    }
    if let Some(query) = query {
        text.push('?');
        escape(query.as_bytes(), may_stand_in_a_query, &mut text);
    }
    Ok(text)
}

/// The bytes a path stands for.
fn decoded(path: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (mut bytes, mut rest) = (Vec::with_capacity(path.len()), path);
    while let [first, tail @ ..] = rest {
        (rest, _) = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (tail, bytes.push(high << 4 | low)),
                _ => return Err(vec![b'%', *high, *low]),
            },
            (b'%', _) => return Err(rest.to_vec()),
            _ => (tail, bytes.push(*first)),
        };
    }
    Ok(bytes)
}

/// `net/url`, `validEncoded` for a path, and the slash.
fn may_stand_in_a_path(byte: u8) -> bool {
    is_bare_in_a_path(byte) || b"!'()*[]%".contains(&byte)
}

/// `net/url`, `shouldEscape` for a path.
fn is_bare_in_a_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte)
}

/// A query is passed on unread; only what would end the request line, or what no HTTP library takes, is escaped.
fn may_stand_in_a_query(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"<>".contains(&byte)
}

fn escape(bytes: &[u8], stays: fn(u8) -> bool, text: &mut String) {
    for byte in bytes {
        if stays(*byte) {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
}
