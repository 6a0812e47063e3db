//! A bundle goes to a host: looked at as the host would, sent once, and the answer read. aegis-bundle.md §11.
//!
//! | file | |
//! |---|---|
//! | [`before`] | what the host would refuse, without asking it |
//! | [`form`] | the request's body |
//! | [`answer`] | what the host says; pure |
//! | [`error`] | why a bundle is not on the host |
//!
//! There is no address to read a package's state from: the one in the answer is the one that counts.

pub mod answer;
pub mod before;
mod error;
pub mod form;

use std::path::Path;
use std::time::Duration;

use ::http::Method;
use ::http::header::{HeaderName, LOCATION, RETRY_AFTER};
use aileron_verifier::aegis::Kind;
use bytes::Bytes;
use url::Url;
use zeroize::Zeroizing;

use self::answer::{HostAnswer, Record};
pub use self::error::HostError;
use self::form::Form;
use crate::secret::Secret;
use crate::sys::address::Address;
use crate::sys::disk;
use crate::sys::http::{HttpBody, HttpError, HttpRequest, Options, Web, address};

/// Most bytes of an answer.
const LONGEST_ANSWER: u64 = 1 << 20;
/// Most bytes of a token's file.
const LONGEST_TOKEN: u64 = 64 * 1024;
/// Most time for all of it: the default upload limit over a line of one megabit a second, and the host's start of the binary.
const TOTAL: Duration = Duration::from_secs(600);

/// The base address of a host: `https://aegis.example.com`.
#[derive(Clone, Debug)]
pub struct HostAddress {
    url: Url,
    shown: Address,
}

impl HostAddress {
    /// Reads one: https, or http to this machine; nothing in it but scheme, host, port and path.
    ///
    /// # Errors
    /// [`HostError::Address`].
    pub fn of(text: &str) -> Result<HostAddress, HostError> {
        let refused = |why| HostError::Address { given: Address::of(text), why };
        let url = address(text).ok_or_else(|| refused("not an https:// address (http:// is for this machine only)"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it holds a name or a password; the session token comes from --token-file"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("it holds more than the host's base address"));
        }
        if url.path().trim_end_matches('/').ends_with("/upload") {
            return Err(refused("give the host's base address, without /api/…"));
        }
        Ok(HostAddress { url, shown: Address::of(text.trim_end_matches('/')) })
    }

    /// The base address, as it is shown.
    pub fn shown(&self) -> &Address {
        &self.shown
    }

    /// The web to reach it through. What is for this machine stays on it, whatever proxy the environment names: it is in clear.
    pub fn web(&self) -> Web {
        Web::new(Options { direct: self.url.scheme() == "http", ..Options::default() })
    }

    /// Where bundles of this kind are sent. aegis-bundle.md §11.1.
    pub fn endpoint(&self, kind: Kind, confirm_unsafe: bool) -> String {
        let base = self.url.as_str().trim_end_matches('/');
        let path = match kind {
            Kind::Plugin => "/api/plugins/upload",
            Kind::Connector => "/api/connectors/packages/upload",
        };
        format!("{base}{path}{}", if confirm_unsafe { "?confirm_unsafe=true" } else { "" })
    }
}

/// Reads a session token: one line of a file, or of standard input for `-`.
///
/// # Errors
/// [`HostError::Token`], [`HostError::Disk`]; never with a byte of it.
pub fn token(file: &Path) -> Result<Secret, HostError> {
    let place = if file == Path::new("-") { Path::new("/dev/stdin") } else { file };
    let bytes = Zeroizing::new(disk::read_named(place, LONGEST_TOKEN)?);
    let refused = |why| HostError::Token { file: file.to_owned(), why };
    let line = bytes.trim_ascii();
    if line.is_empty() {
        return Err(refused("it is empty"));
    }
    // `Bearer x`, as it is copied from a browser's console.
    let line = line.strip_prefix(b"Bearer ").map_or(line, <[u8]>::trim_ascii);
    match line.iter().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(Secret::from(line.to_vec())),
        false => Err(refused("it is not one word of printable ASCII")),
    }
}

/// Sends a bundle to a host, once, and reads the answer. The answer may be a package that did not start: see
/// [`Record::state`].
///
/// # Errors
/// [`HostError`]. Whether a host that gave no answer installed the bundle is not known.
pub fn upload(
    zip: Bytes,
    kind: Kind,
    host: &HostAddress,
    token: &Secret,
    confirm_unsafe: bool,
) -> Result<Record, HostError> {
    let url = host.endpoint(kind, confirm_unsafe);
    let form = Form::of(zip);
    let (media_type, pieces) = (form.media_type(), form.pieces());
    let request = HttpRequest {
        method: Method::POST,
        url: &url,
        token: Some(token),
        accept: "application/json",
        body: HttpBody::Pieces(&media_type, pieces),
        limit: LONGEST_ANSWER,
        total: TOTAL,
    };
    let unanswered = |error: HttpError| HostError::Unanswered { url: host.shown.clone(), why: error.into_cause() };
    let response = host.web().send_once(&request).map_err(unanswered)?;
    let header = |name: HeaderName| response.headers.get(name).and_then(|value| value.to_str().ok());
    let answer = HostAnswer {
        url: host.shown.clone(),
        status: response.status.as_u16(),
        location: header(LOCATION),
        retry_after: header(RETRY_AFTER),
        body: &response.body,
    };
    answer.read(kind, token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // aegis-bundle.md §11.1
    fn a_bundle_goes_to_its_kinds_address_below_the_base() {
        let plugin = |base: &str| HostAddress::of(base).expect(base).endpoint(Kind::Plugin, false);
        assert_eq!(plugin("https://a.example"), "https://a.example/api/plugins/upload");
        assert_eq!(plugin("https://a.example:8443/"), "https://a.example:8443/api/plugins/upload");
        assert_eq!(plugin("http://127.0.0.1:9/aegis/"), "http://127.0.0.1:9/aegis/api/plugins/upload");
        let connector = HostAddress::of("https://a.example").expect("an address").endpoint(Kind::Connector, true);
        assert_eq!(connector, "https://a.example/api/connectors/packages/upload?confirm_unsafe=true");
        for (text, why) in [
            ("http://a.example", "https://"),
            ("ftp://a.example", "https://"),
            ("a.example", "https://"),
            ("https://bob:pw@a.example", "--token-file"),
            ("https://a.example/?confirm_unsafe=true", "base address"),
            ("https://a.example/api/plugins/upload", "base address"),
        ] {
            let refused = HostAddress::of(text).expect_err(text).to_string();
            assert!(refused.contains(why) && !refused.contains("pw"), "{refused}");
        }
    }

    #[test]
    fn a_token_is_one_word_and_no_message_has_a_byte_of_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("token");
        let read = |bytes: &[u8]| {
            std::fs::write(&file, bytes).expect("a file");
            token(&file).map(|token| token.expose().to_vec())
        };
        for bytes in [&b"s3ssion"[..], b" s3ssion\r\n", b"Bearer s3ssion\n"] {
            assert_eq!(read(bytes).expect("a token"), b"s3ssion");
        }
        for bytes in [&b""[..], b" \n", b"s3ssion\ns3ssion", b"s3ssion\x80", b"Bearer s3s sion"] {
            let refused = read(bytes).expect_err("no token").to_string();
            assert!(refused.contains("token") && !refused.contains("s3s"), "{refused}");
        }
        assert!(matches!(token(&directory.path().join("gone")), Err(HostError::Disk(_))));
    }
}
