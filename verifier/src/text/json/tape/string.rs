//! What a string of JSON says once its escapes are undone. The reader has checked the escapes' form.

use std::borrow::Cow;

/// What stands in a string that no text can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// `\ud800` to `\udfff` that is not half of a pair.
    LoneSurrogate,
    /// A byte that is not UTF-8.
    NotUtf8,
}

/// One piece of a string.
enum Piece<'s> {
    /// Bytes as they are.
    Plain(&'s str),
    Character(char),
    Replaced(Replaced),
}

/// The text of what stands between the quotes.
pub(super) fn text(content: &[u8]) -> Cow<'_, str> {
    if !content.contains(&b'\\')
        && let Ok(text) = std::str::from_utf8(content)
    {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(content.len());
    for (_, piece) in pieces(content) {
        match piece {
            Piece::Plain(plain) => text.push_str(plain),
            Piece::Character(character) => text.push(character),
            Piece::Replaced(_) => text.push(char::REPLACEMENT_CHARACTER),
        }
    }
    Cow::Owned(text)
}

/// The first thing that [`text`] cannot give as it is, and where it begins.
pub(super) fn replaced(content: &[u8]) -> Option<(usize, Replaced)> {
    pieces(content).find_map(|(at, piece)| match piece {
        Piece::Replaced(what) => Some((at, what)),
        Piece::Plain(_) | Piece::Character(_) => None,
    })
}

fn pieces(content: &[u8]) -> impl Iterator<Item = (usize, Piece<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = content.get(at..).filter(|rest| !rest.is_empty())?;
        let (piece, length) = if rest[0] == b'\\' { escape(rest) } else { plain(rest) };
        let began = at;
        at += length;
        Some((began, piece))
    })
}

/// What stands before the next backslash, as far as it is UTF-8; or one byte that is not.
fn plain(rest: &[u8]) -> (Piece<'_>, usize) {
    let run = &rest[..rest.iter().position(|byte| *byte == b'\\').unwrap_or(rest.len())];
    match run.utf8_chunks().next() {
        Some(chunk) if !chunk.valid().is_empty() => (Piece::Plain(chunk.valid()), chunk.valid().len()),
        // One byte, one replacement: what Go's reader makes of each byte that begins no character.
        _ => (Piece::Replaced(Replaced::NotUtf8), 1),
    }
}

fn escape(rest: &[u8]) -> (Piece<'static>, usize) {
    let character = match rest.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(rest),
        Some(itself) => char::from(*itself),
        None => '\\',
    };
    (Piece::Character(character), 2)
}

fn unicode(rest: &[u8]) -> (Piece<'static>, usize) {
    let first = unit(rest).unwrap_or_default();
    if let Some(character) = char::from_u32(first) {
        return (Piece::Character(character), 6);
    }
    let second = unit(rest.get(6..).unwrap_or_default());
    let pair = second.filter(|second| first < 0xdc00 && (0xdc00..0xe000).contains(second));
    match pair.and_then(|second| char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))) {
        Some(character) => (Piece::Character(character), 12),
        None => (Piece::Replaced(Replaced::LoneSurrogate), 6),
    }
}

/// The number of a `\uXXXX` at the beginning.
fn unit(rest: &[u8]) -> Option<u32> {
    let digits = rest.strip_prefix(b"\\u")?.get(..4)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
