//! Bytes to text, or the place where they are none.

use crate::problem::{Problem, Source};
use crate::text::rules;

impl Source {
    /// Takes a file's bytes.
    ///
    /// # Errors
    /// A [`rules::ENCODING`] problem that names the first byte that is not UTF-8. There is no text it could point into, so
    /// its range is `0..0`, which fits every text.
    pub fn read(path: &str, bytes: Vec<u8>) -> Result<Source, Problem> {
        String::from_utf8(bytes).map(|text| Source::new(path, text)).map_err(|error| Problem {
            rule: rules::ENCODING,
            file: path.into(),
            at: 0..0,
            message: format!("byte {} is not UTF-8", error.utf8_error().valid_up_to()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_a_problem_that_fits_every_text() {
        for (bytes, message) in [
            (&b"\xff"[..], "byte 0 is not UTF-8"),
            (b"x = 1\n\xff", "byte 6 is not UTF-8"),
            (b"a\xc3", "byte 1 is not UTF-8"),
            (b"\xed\xa0\x80", "byte 0 is not UTF-8"),
            (b"\xc0\x80", "byte 0 is not UTF-8"),
            (b"\xef\xbb\xbf\xfe", "byte 3 is not UTF-8"),
            (b"\xf4\x90\x80\x80", "byte 0 is not UTF-8"),
            (b"name = \"caf\xe9\"", "byte 11 is not UTF-8"),
            (b"+++\n\x80", "byte 4 is not UTF-8"),
            (b"\xff\xfe+\0", "byte 0 is not UTF-8"),
        ] {
            let problem = Source::read("x", bytes.to_vec()).expect_err("not UTF-8");
            assert_eq!((problem.at, problem.message.as_str()), (0..0, message));
        }
    }
}
