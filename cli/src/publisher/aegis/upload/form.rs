//! The body of an upload: one file in a multipart form. aegis-bundle.md §11.1.

use aileron_verifier::aegis::DEFAULT_UPLOAD_LIMIT;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

/// What a host takes on top of its upload limit for a whole request. aegis-bundle.md §11.1.
pub const FRAMING: u64 = 1024;

/// A form of three pieces: what is before the zip file, the zip file, what is after it.
pub struct Form {
    boundary: String,
    pieces: [Bytes; 3],
}

impl Form {
    /// A form around a zip file. The name of the file is always the same, so that what surrounds it always has the same size,
    /// which fits [`FRAMING`], and a file of any name at the very limit is taken.
    pub fn of(zip: Bytes) -> Form {
        // A file that holds its own digest cannot be made, so no line of it is taken for the end.
        let digest: String = Sha256::digest(&zip)[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let boundary = format!("aileron-{digest}");
        let before = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"bundle\"; filename=\"bundle.zip\"\r\nContent-Type: application/zip\r\n\r\n"
        );
        let after = format!("\r\n--{boundary}--\r\n");
        Form { boundary, pieces: [before.into(), zip, after.into()] }
    }

    /// The media type, with the boundary.
    pub fn media_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// What is sent, in order.
    pub fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }
}

/// `max_upload_size` as a host takes it: zero or less is the default. aegis-bundle.md §2.5.
pub fn limit(max_upload_size: i64) -> u64 {
    u64::try_from(max_upload_size).ok().filter(|limit| *limit > 0).unwrap_or(DEFAULT_UPLOAD_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // aegis-bundle.md §15, item 13
    fn what_surrounds_a_file_is_always_the_same_and_fits_what_a_host_allows_for_it() {
        let around = |zip: &'static [u8]| {
            let form = Form::of(Bytes::from_static(zip));
            form.pieces().iter().map(Bytes::len).sum::<usize>() - zip.len()
        };
        assert_eq!((around(b""), around(&[7; 100_000])), (195, 195));
        const { assert!(195 <= FRAMING) };
        let form = Form::of(Bytes::from_static(b"zip"));
        let text = form.pieces().concat();
        let boundary = form.media_type().split_once("boundary=").expect("a boundary").1.to_owned();
        assert!(boundary.len() <= 70, "RFC 2046 §5.1.1");
        let text = String::from_utf8(text).expect("UTF-8");
        assert!(
            text.starts_with(&format!("--{boundary}\r\n"))
                && text.ends_with(&format!("\r\nzip\r\n--{boundary}--\r\n")[4..])
        );
        assert_ne!(Form::of(Bytes::from_static(b"other")).media_type(), form.media_type());
    }

    #[test]
    fn a_limit_of_nothing_is_the_default() {
        assert_eq!([limit(0), limit(-1), limit(5)], [DEFAULT_UPLOAD_LIMIT, DEFAULT_UPLOAD_LIMIT, 5]);
    }
}
