//! Where the token may go: the API's own origin, and `uploads.github.com` for `api.github.com`. Addresses that GitHub names in
//! its answers are held to the same rule, so that an answer cannot send the token elsewhere.

use std::fmt;

use url::Url;

use crate::sys::address::Address;

/// github.com's API and its place for uploads. GitHub Docs, "Upload a release asset".
const GITHUB: (&str, &str) = ("api.github.com", "uploads.github.com");

/// Decides about the addresses that one API's token goes to.
pub(super) struct TokenGate {
    api: Url,
}

/// Why an address does not get the token. Displayed, it follows the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Unreadable,
    UserInfo,
    Scheme,
    Port,
    Host,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Unreadable => "is not a valid address",
            Fault::UserInfo => "has a user name or password in it",
            Fault::Scheme => "has another scheme than the API",
            Fault::Port => "has another port than the API",
            Fault::Host => "is on another host than the API",
        })
    }
}

impl TokenGate {
    /// The gate of the API at this base; `None` where that is not an address.
    pub(super) fn of(api: &str) -> Option<TokenGate> {
        Some(TokenGate { api: crate::sys::http::address(api)? })
    }

    /// The API, as messages show it.
    pub(super) fn api(&self) -> String {
        Address::of(self.api.as_str()).to_string()
    }

    /// The address in the one spelling that is used from here on: what was judged is what is asked.
    pub(super) fn judge(&self, text: &str) -> Result<Url, Fault> {
        let url = Url::parse(text).map_err(|_| Fault::Unreadable)?;
        let user_info = |url: &Url| (url.username().to_owned(), url.password().map(str::to_owned));
        let is_bare = url.username().is_empty() && url.password().is_none();
        // The address that the user gave may carry user-info, and what is built on it does.
        if !is_bare && user_info(&url) != user_info(&self.api) {
            return Err(Fault::UserInfo);
        }
        if url.scheme() != self.api.scheme() {
            return Err(Fault::Scheme);
        }
        let is_upload = (self.api.host_str(), url.host_str()) == (Some(GITHUB.0), Some(GITHUB.1));
        if url.host() != self.api.host() && !(is_upload && is_bare) {
            return Err(Fault::Host);
        }
        if url.port_or_known_default() != self.api.port_or_known_default() {
            return Err(Fault::Port);
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_to_the_api_and_to_its_place_for_uploads() {
        let (public, enterprise) = ("https://api.github.com", "https://ghe.example:8443/api/v3");
        let local = "http://127.0.0.1:18080";
        for (api, text, verdict) in [
            (public, "https://api.github.com/repos/o/r/releases", None),
            (public, "https://API.GitHub.com:443/repos/o/r", None),
            (public, "https://uploads.github.com/repos/o/r/releases/1/assets?name=a", None),
            (public, "https://uploads.github.com:8443/x", Some(Fault::Port)),
            (public, "http://uploads.github.com/x", Some(Fault::Scheme)),
            (public, "http://api.github.com/x", Some(Fault::Scheme)),
            (public, "https://user@uploads.github.com/x", Some(Fault::UserInfo)),
            (public, "https://user:pass@api.github.com/x", Some(Fault::UserInfo)),
            (public, "https://:pass@api.github.com/x", Some(Fault::UserInfo)),
            (public, "https://uploads.github.com.evil.example/x", Some(Fault::Host)),
            (public, "https://uploads.github.com./x", Some(Fault::Host)),
            (public, "https://github.com/x", Some(Fault::Host)),
            (public, "https://api.github.com@evil.example/x", Some(Fault::UserInfo)),
            (public, "https://api.github.com\\@evil.example/x", None), // a slash, to everybody who reads URLs so
            (public, "https://evil.example/https://api.github.com/", Some(Fault::Host)),
            (public, "https://аpi.github.com/x", Some(Fault::Host)), // a Cyrillic letter
            (public, "//api.github.com/x", Some(Fault::Unreadable)),
            (public, "/repos/o/r", Some(Fault::Unreadable)),
            (public, "", Some(Fault::Unreadable)),
            (public, "file:///etc/passwd", Some(Fault::Scheme)),
            (public, "data:text/plain,x", Some(Fault::Scheme)),
            (enterprise, "https://ghe.example:8443/api/uploads/repos/o/r/releases/1/assets", None),
            (enterprise, "https://uploads.github.com/x", Some(Fault::Host)),
            (enterprise, "https://uploads.ghe.example:8443/x", Some(Fault::Host)),
            (enterprise, "https://ghe.example/api/uploads/x", Some(Fault::Port)),
            (local, "http://127.0.0.1:18080/api/uploads/x", None),
            (local, "http://127.0.0.1:18081/up", Some(Fault::Port)),
            (local, "http://127.1:18080/up", None), // another spelling of the same address
            (local, "http://localhost:18080/up", Some(Fault::Host)),
            (local, "http://x:y@127.0.0.1:18080/up", Some(Fault::UserInfo)),
            ("https://me:pw@ghe.example/api/v3", "https://me:pw@ghe.example/api/v3/repos/o/r", None),
            ("https://me:pw@ghe.example/api/v3", "https://ghe.example/api/uploads/x", None),
            ("https://me:pw@ghe.example/api/v3", "https://other:pw@ghe.example/x", Some(Fault::UserInfo)),
        ] {
            let found = TokenGate::of(api).unwrap().judge(text);
            assert_eq!(found.as_ref().err().copied(), verdict, "{api}: {text}");
            if let Ok(url) = found {
                let host = url.host_str().unwrap();
                assert!(["api.github.com", "uploads.github.com", "ghe.example", "127.0.0.1"].contains(&host), "{url}");
            }
        }
    }
}
