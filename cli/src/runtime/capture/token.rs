//! What may be stored of what a command printed. sealing.md §1, step 5.

use super::error::CaptureError;
use crate::secret::Secret;

/// The token: one line of text, without the line break at its end.
pub(super) fn of(printed: &Secret) -> Result<Secret, CaptureError> {
    let bytes = printed.expose();
    let end = bytes.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
    let bytes = &bytes[..end];
    let text = std::str::from_utf8(bytes).map_err(|_| CaptureError::Binary)?;
    if text.trim().is_empty() {
        return Err(CaptureError::Empty);
    }
    if text.contains(['\r', '\n']) {
        return Err(CaptureError::SeveralLines);
    }
    if text.contains(char::is_control) {
        return Err(CaptureError::Binary);
    }
    Ok(Secret::from(bytes.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // sealing.md §1, step 5
    fn a_token_is_one_line_of_text() {
        for (printed, expected) in [
            (&b"gho_abc\n"[..], Ok(&b"gho_abc"[..])),
            (b"gho_abc\r\n\r\n", Ok(b"gho_abc")),
            (b"gho_abc", Ok(b"gho_abc")),
            (b" spaces stay \n", Ok(b" spaces stay ")),
            ("t\u{f6}ken\n".as_bytes(), Ok("t\u{f6}ken".as_bytes())),
            (b"", Err("capture: token read returned an empty value; login did not complete")),
            (b"\r\n\n", Err("capture: token read returned an empty value; login did not complete")),
            (b"  \t \n", Err("capture: token read returned an empty value; login did not complete")),
            (b"one\ntwo\n", Err("the token command printed more than one line")),
            (b"\none", Err("the token command printed more than one line")),
            (b"one\rtwo", Err("the token command printed more than one line")),
            (b"o\0ne", Err("the token command printed something that is not text")),
            (b"\x1b[0mone", Err("the token command printed something that is not text")),
            (b"\xff\xfe", Err("the token command printed something that is not text")),
        ] {
            let found = of(&Secret::from(printed.to_vec()));
            let shown = found.as_ref().map(|token| token.expose().to_vec()).map_err(ToString::to_string);
            assert_eq!(shown, expected.map(<[u8]>::to_vec).map_err(str::to_owned), "{printed:?}");
        }
    }
}
