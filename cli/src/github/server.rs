//! Who answers: GitHub over the network, or a fake of it, for rehearsals and tests. HTTP is a seam.

use bytes::Bytes;
use http::header::{LOCATION, USER_AGENT};
use http::{Method, Request, Response};

use crate::sys::address::Address;
use crate::sys::http::{self as web, HttpError, HttpRequest, Web};

/// Longest answer that is read: a page of a hundred releases is far below, an asset is at most an archive.
const ANSWER_LIMIT: u64 = 64 * 1024 * 1024;
/// Redirects of a download that are followed where no network is.
const REDIRECTS: usize = 5;
/// How a client of the API calls itself.
pub(super) const AGENT: &str = concat!("aileron-pub/", env!("CARGO_PKG_VERSION"));

/// Answers requests as GitHub does: the API's, and those of its site and storage.
///
/// The wire ([`Network`]), the rehearsal and the tests' stage implement it; the test kit's fake, which is the same model behind
/// HTTP, is asked through [`Network`].
pub trait Server: Send + Sync {
    /// Answers a request, whatever the status; a redirect is an answer.
    ///
    /// # Errors
    /// The innermost cause of there being no whole answer.
    fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, String>;

    /// A public file, fetched as anybody would: without a token, redirects followed.
    ///
    /// # Errors
    /// [`HttpError`].
    fn download(&self, url: &str, limit: u64) -> Result<Vec<u8>, HttpError> {
        let asked = |at: &str| (Method::GET, Address::of(at).to_string());
        let mut at = url.to_owned();
        for _ in 0..=REDIRECTS {
            let (method, url) = asked(&at);
            let request = Request::get(&at).header(USER_AGENT, AGENT).body(Bytes::new());
            let answer = request.map_err(|error| error.to_string()).and_then(|request| self.answer(&request));
            let answer =
                answer.map_err(|why| HttpError::Unreachable { method: method.clone(), url: url.clone(), why })?;
            let location = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
            match (answer.status().as_u16(), location) {
                (200, _) if answer.body().len() as u64 <= limit => return Ok(answer.into_body().into()),
                (200, _) => return Err(HttpError::TooLarge { method, url, limit }),
                (301 | 302 | 307, Some(location)) => at = location,
                (status @ (404 | 410), _) => return Err(HttpError::Absent { method, url, status }),
                (status, _) => return Err(HttpError::Refused { method, url, status }),
            }
        }
        let (method, url) = asked(url);
        Err(HttpError::Unreachable { method, url, why: "too many redirects".to_owned() })
    }

    /// Whether this is a fake of GitHub, and no network is behind it.
    fn is_fake(&self) -> bool {
        true
    }
}

/// GitHub over the network: proxies from the environment, one TLS stack, roots from the platform. Connections are kept: five
/// hundred downloads are not five hundred handshakes.
pub struct Network(Web);

impl Default for Network {
    fn default() -> Network {
        // GitHub may think about one request for as long as an archive may take.
        Network(Web::new(web::Options { idle: web::LARGE, ..web::Options::default() }))
    }
}

impl Server for Network {
    fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, String> {
        let came = self.0.exchange(request.clone(), ANSWER_LIMIT, web::LARGE).map_err(HttpError::into_cause)?;
        let mut response = Response::new(Bytes::from(came.body));
        *response.status_mut() = came.status;
        *response.headers_mut() = came.headers;
        Ok(response)
    }

    fn download(&self, url: &str, limit: u64) -> Result<Vec<u8>, HttpError> {
        self.0.get(&HttpRequest::public(url, limit, web::LARGE))
    }

    fn is_fake(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `/1` on to `/2`, and so on; `/here` has five bytes; nothing else is there.
    struct Steps;

    impl Server for Steps {
        fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, String> {
            let path = request.uri().path().trim_start_matches('/');
            let response = match (path, path.parse::<u32>()) {
                ("here", _) => Response::builder().status(200).body(Bytes::from_static(b"bytes")),
                ("lost", _) => return Err("connection reset".to_owned()),
                (_, Ok(step)) => {
                    let next = if step == 5 {
                        "https://x.example/here".into()
                    } else {
                        format!("https://x.example/{}", step + 1)
                    };
                    Response::builder().status(302).header(LOCATION, next).body(Bytes::new())
                }
                _ => Response::builder().status(404).body(Bytes::new()),
            };
            response.map_err(|error| error.to_string())
        }
    }

    #[test]
    fn who_plays_github_is_downloaded_from_as_the_network_is() {
        let download = |path: &str, limit| Steps.download(&format!("https://x.example/{path}"), limit);
        assert!(Steps.is_fake() && !Network::default().is_fake());
        assert_eq!(download("here", 5).unwrap(), b"bytes");
        assert_eq!(download("1", 5).unwrap(), b"bytes", "five redirects are followed");
        assert!(matches!(download("here", 4), Err(HttpError::TooLarge { limit: 4, .. })));
        assert!(matches!(download("gone", 5), Err(HttpError::Absent { status: 404, .. })));
        assert!(download("0", 5).unwrap_err().to_string().ends_with("too many redirects"));
        assert!(download("lost", 5).unwrap_err().to_string().ends_with("/lost: connection reset"));
    }
}
