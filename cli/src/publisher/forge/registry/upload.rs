//! Where an upload goes on, and whether our credential goes there with it. Pure.
//!
//! A registry answers the beginning of an upload with a `Location`: on its own host, or on a storage service's, which has its
//! own permission in the address. The credential belongs to the registry and follows to no other host.

use aileron_verifier::name::digest::BlobDigest;
use url::Url;

use crate::sys::address::Address;
use crate::sys::http;

/// The next address of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UploadPlace {
    /// Where to.
    pub(super) url: Url,
    /// Whether it is the registry itself, which gets the credential.
    pub(super) is_registry: bool,
}

/// Resolves a `Location` against what was asked.
///
/// # Errors
/// Why nothing is sent there, in words that follow "the registry sends the upload to".
pub(super) fn place(registry: &Url, asked: &Url, location: Option<&[u8]>) -> Result<UploadPlace, String> {
    let location = location.ok_or("a place that it does not name: the answer has no Location")?;
    let text = String::from_utf8_lossy(location);
    let url = asked.join(&text).map_err(|_| format!("{}, which is not an address", Address::of(&*text)))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("{}, with a user name or password in the address", Address::of(url.as_str())));
    }
    if !may_be_asked(registry, &url) {
        return Err(format!("{}, which is not https://", Address::of(url.as_str())));
    }
    let is_registry = is_same_origin(registry, &url);
    Ok(UploadPlace { url, is_registry })
}

/// https; plain http only where the registry itself is reached that way, and to this machine.
pub(super) fn may_be_asked(registry: &Url, url: &Url) -> bool {
    url.scheme() == "https" || (registry.scheme() == "http" && http::address(url.as_str()).is_some())
}

/// Scheme, host and port.
pub(super) fn is_same_origin(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin()
}

impl UploadPlace {
    /// The address of the request that ends an upload: what is there already stays as it is.
    pub(super) fn ending_with(&self, digest: BlobDigest) -> Url {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("digest", &digest.to_string());
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("an address")
    }

    #[test] // ocx-sh/ocx#272
    fn an_upload_goes_where_the_registry_says_and_its_credential_stays_with_the_registry() {
        let asked = "https://ghcr.io/v2/acme/gh/blobs/uploads/";
        for (location, expected) in [
            ("/v2/acme/gh/blobs/uploads/1", Ok(("https://ghcr.io/v2/acme/gh/blobs/uploads/1", true))),
            ("1?state=x%2Fy", Ok(("https://ghcr.io/v2/acme/gh/blobs/uploads/1?state=x%2Fy", true))),
            ("https://ghcr.io:443/u", Ok(("https://ghcr.io/u", true))),
            ("HTTPS://GHCR.IO/u", Ok(("https://ghcr.io/u", true))),
            ("https://storage.example/u?sig=a", Ok(("https://storage.example/u?sig=a", false))),
            ("//evil.example/u", Ok(("https://evil.example/u", false))),
            ("https://ghcr.io.evil.example/u", Ok(("https://ghcr.io.evil.example/u", false))),
            ("https://ghcr.io:8443/u", Ok(("https://ghcr.io:8443/u", false))),
            ("http://ghcr.io/u", Err("which is not https://")),
            ("http://127.0.0.1/u", Err("which is not https://")),
            ("file:///etc/passwd", Err("which is not https://")),
            ("https://bob:pw@ghcr.io/u", Err("with a user name or password")),
            ("https://", Err("which is not an address")),
        ] {
            let found = place(&url("https://ghcr.io/v2/"), &url(asked), Some(location.as_bytes()));
            match (found, expected) {
                (Ok(found), Ok((to, is_registry))) => {
                    assert_eq!((found.url.as_str(), found.is_registry), (to, is_registry), "{location}");
                }
                (Err(why), Err(expected)) => {
                    assert!(why.contains(expected) && !why.contains("pw"), "{location}: {why}");
                }
                (found, expected) => panic!("{location}: {found:?}, expected {expected:?}"),
            }
        }
        let none = place(&url("https://ghcr.io/v2/"), &url(asked), None).expect_err("no Location");
        assert!(none.contains("no Location"), "{none}");
    }

    #[test]
    fn a_registry_reached_by_plain_http_may_send_on_by_plain_http_within_this_machine() {
        let registry = url("http://127.0.0.1:5000/v2/");
        for (location, expected) in [
            ("/u", Some(true)),
            ("http://127.0.0.1:6000/u", Some(false)),
            ("https://storage.example/u", Some(false)),
            ("http://storage.example/u", None),
        ] {
            let found = place(&registry, &registry, Some(location.as_bytes())).ok();
            assert_eq!(found.map(|place| place.is_registry), expected, "{location}");
        }
    }

    #[test]
    fn the_digest_is_added_to_what_the_registry_wrote_into_the_address() {
        let digest = BlobDigest::of(&[b"{}"]);
        let at = |text: &str| UploadPlace { url: url(text), is_registry: true }.ending_with(digest).to_string();
        let tail = format!("digest=sha256%3A{}", digest.hex());
        assert_eq!(at("https://a/u"), format!("https://a/u?{tail}"));
        assert_eq!(at("https://a/u?_state=a%2Bb%3D&x"), format!("https://a/u?_state=a%2Bb%3D&x&{tail}"));
    }
}
