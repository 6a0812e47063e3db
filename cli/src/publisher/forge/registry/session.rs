//! Requests to one registry: waits, retries and logins. What the answers mean is `client`'s.
//!
//! The credential goes to the registry's own origin, and to the realm that this origin's challenge names. A request that goes
//! anywhere else (an upload's storage, a redirect of a download) has none.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use aileron_verifier::text::printable_within;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Method, Request, StatusCode};
use serde::Deserialize;
use url::Url;
use zeroize::Zeroizing;

use super::challenge::{Challenge, challenge};
use super::credential::Credential;
use super::error::RegistryError;
use super::reference::Repository;
use super::upload::{is_same_origin, may_be_asked};
use crate::event::Event;
use crate::github::WaitPolicy;
use crate::secret::Secret;
use crate::sys::address::Address;
use crate::sys::calendar::moment;
use crate::sys::http::{HttpResponse, LARGE, SMALL, Web, bearer};

/// How often a request is repeated that failed for a reason that may pass.
const RETRIES: u32 = 3;
/// Redirects of a download that are followed.
const REDIRECTS: u32 = 5;
/// All waits of a run together, where nothing else is said.
const LONGEST: Duration = Duration::from_secs(300);
/// Most bytes of an answer that holds a token or an error.
const SMALL_ANSWER: u64 = 256 * 1024;

/// What a session may do in its repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read.
    Pull,
    /// Read and write.
    PullPush,
}

/// One repository of one registry, for one user or without a credential.
pub(super) struct Session<'a> {
    web: &'a Web,
    /// `https://ghcr.io/v2/`.
    base: Url,
    repository: Repository,
    credential: Option<&'a Credential>,
    access: Access,
    waiting: &'a WaitPolicy<'a>,
    began: SystemTime,
    authorization: RefCell<Option<HeaderValue>>,
}

/// One request.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) accept: Option<&'static str>,
    pub(super) media_type: Option<&'static str>,
    pub(super) range: Option<String>,
    pub(super) body: Bytes,
    /// Most bytes of the answer.
    pub(super) limit: u64,
    /// Whether doing it twice is the same as once.
    pub(super) repeats: bool,
    authorization: Option<HeaderValue>,
}

impl Ask {
    pub(super) fn new(method: Method, url: Url) -> Ask {
        let repeats = method == Method::GET || method == Method::HEAD;
        Ask {
            method,
            url,
            accept: None,
            media_type: None,
            range: None,
            body: Bytes::new(),
            limit: SMALL_ANSWER,
            repeats,
            authorization: None,
        }
    }

    /// As messages name it: without what an address may hide.
    pub(super) fn shown(&self) -> String {
        format!("{} {}", self.method, Address::of(self.url.as_str()))
    }

    fn request(&self) -> Result<Request<Bytes>, RegistryError> {
        let mut request = Request::builder().method(self.method.clone()).uri(self.url.as_str());
        if let Some(accept) = self.accept {
            request = request.header(ACCEPT, accept);
        }
        if let Some(media_type) = self.media_type {
            request = request.header(CONTENT_TYPE, media_type);
        }
        if let Some(range) = &self.range {
            request = request.header(CONTENT_RANGE, range.as_str());
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let unfit = |error: http::Error| RegistryError::Unexpected { asked: self.shown(), why: error.to_string() };
        request.body(self.body.clone()).map_err(unfit)
    }
}

impl<'a> Session<'a> {
    /// A session that has sent nothing yet.
    ///
    /// # Errors
    /// [`RegistryError::PlainHttp`], and for a host that no address can have.
    pub(super) fn new(
        web: &'a Web,
        repository: &Repository,
        plain_http: bool,
        credential: Option<&'a Credential>,
        access: Access,
        waiting: &'a WaitPolicy<'a>,
    ) -> Result<Session<'a>, RegistryError> {
        if plain_http && !repository.is_loopback() {
            return Err(RegistryError::PlainHttp(repository.registry().to_owned()));
        }
        let not_a_host = || RegistryError::Unexpected {
            asked: repository.to_string(),
            why: "the registry's name is not a host".to_owned(),
        };
        let base = repository.base(if plain_http { "http" } else { "https" }).ok_or_else(not_a_host)?;
        let (began, authorization) = (waiting.clock.now(), RefCell::new(None));
        Ok(Session { web, base, repository: repository.clone(), credential, access, waiting, began, authorization })
    }

    /// The API's root.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// An address below the repository: `manifests/latest`.
    pub(super) fn url(&self, below: &str) -> Url {
        let path = format!("/v2/{}/{below}", self.repository.path());
        let mut url = self.base.clone();
        url.set_path(&path);
        url
    }

    /// Asks, logs in where that is wanted, follows where a download leads.
    ///
    /// # Errors
    /// [`RegistryError`]: no answer, or one that says to log in. Any other status is the caller's.
    pub(super) fn ask(&self, mut ask: Ask) -> Result<HttpResponse, RegistryError> {
        let (asked, mut logged_in, mut redirects) = (ask.shown(), false, 0);
        loop {
            let is_registry = is_same_origin(&self.base, &ask.url);
            ask.authorization = self.authorization.borrow().clone().filter(|_| is_registry);
            let answer = self.patiently(&ask)?;
            match answer.status {
                StatusCode::UNAUTHORIZED if is_registry && !logged_in => {
                    self.log_in(&answer.headers, &asked)?;
                    logged_in = true;
                }
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(self.no_access(asked, &answer)),
                status if status.is_redirection() && ask.repeats && redirects < REDIRECTS => {
                    ask.url = self.redirected(&asked, &ask.url, &answer)?;
                    redirects += 1;
                }
                status if status.is_redirection() => {
                    return Err(RegistryError::Unexpected {
                        asked,
                        why: format!("redirected (HTTP {})", status.as_u16()),
                    });
                }
                _ => return Ok(answer),
            }
        }
    }

    fn redirected(&self, asked: &str, at: &Url, answer: &HttpResponse) -> Result<Url, RegistryError> {
        let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let to = at.join(location).ok().filter(|to| may_be_asked(&self.base, to) && !location.is_empty());
        to.ok_or_else(|| RegistryError::Unexpected {
            asked: asked.to_owned(),
            why: format!("redirected to {}, which is not https://", Address::of(location)),
        })
    }

    /// One request, again where its failure may pass. Sends what `ask` holds, and to where it says, only.
    pub(super) fn patiently(&self, ask: &Ask) -> Result<HttpResponse, RegistryError> {
        let (asked, mut failures) = (ask.shown(), 0);
        loop {
            if self.waiting.stop.load(std::sync::atomic::Ordering::SeqCst) {
                return Err(RegistryError::Interrupted);
            }
            let total = if ask.body.is_empty() && ask.limit <= SMALL_ANSWER { SMALL } else { LARGE };
            let again_after = Duration::from_secs(1 << failures);
            failures += 1;
            match self.web.exchange(ask.request()?, ask.limit, total) {
                Ok(answer) if answer.status == StatusCode::TOO_MANY_REQUESTS => {
                    if failures > 2 * RETRIES {
                        let why = format!("HTTP {} again and again", answer.status.as_u16());
                        return Err(RegistryError::Unreachable { asked, why });
                    }
                    self.wait(&asked, self.asked_for(&answer.headers), again_after, "HTTP 429")?;
                }
                Ok(answer) if answer.status.is_server_error() && answer.status != StatusCode::NOT_IMPLEMENTED => {
                    let why = format!("HTTP {}{}", answer.status.as_u16(), words(&answer.body));
                    if !ask.repeats || failures > RETRIES {
                        return Err(RegistryError::Unreachable { asked, why });
                    }
                    self.wait(&asked, self.asked_for(&answer.headers), again_after, &why)?;
                }
                Ok(answer) => return Ok(answer),
                Err(error) if ask.repeats && error.is_retriable() && failures <= RETRIES => {
                    self.wait(&asked, None, again_after, &error.into_cause())?;
                }
                Err(error) if error.is_retriable() => {
                    return Err(RegistryError::Unreachable { asked, why: error.into_cause() });
                }
                Err(error) => return Err(RegistryError::Unexpected { asked, why: error.into_cause() }),
            }
        }
    }

    /// How long an answer asks to wait: seconds, or until a time.
    fn asked_for(&self, headers: &HeaderMap) -> Option<Duration> {
        let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        let until = || httpdate::parse_http_date(text).ok()?.duration_since(self.waiting.clock.now()).ok();
        text.parse().ok().map(Duration::from_secs).or_else(until)
    }

    /// Waits as long as the registry asks to, else for `again_after`. Where this run may not wait that long, a wish of the
    /// registry's is told as one, and any other wait by what failed.
    fn wait(
        &self,
        asked: &str,
        wish: Option<Duration>,
        again_after: Duration,
        failed: &str,
    ) -> Result<(), RegistryError> {
        let (now, pause) = (self.waiting.clock.now(), wish.unwrap_or(again_after));
        let far = || now.checked_add(Duration::from_secs(86_400)).unwrap_or(now);
        let until = now.checked_add(pause).unwrap_or_else(far);
        let longest = self.waiting.longest.unwrap_or(LONGEST);
        if until.duration_since(self.began).unwrap_or_default() > longest {
            let asked = asked.to_owned();
            return Err(match wish {
                Some(_) => RegistryError::Paused { asked, until: moment(until, now) },
                None => RegistryError::Unreachable { asked, why: failed.to_owned() },
            });
        }
        if pause > Duration::from_secs(1) {
            (self.waiting.listener)(Event::Note(format!("{asked}: trying again at {}", moment(until, now))));
        }
        self.waiting.clock.sleep_until(until, self.waiting.stop);
        Ok(())
    }

    /// Answers the challenge of a 401, or of the API's root where the 401 has none.
    fn log_in(&self, headers: &HeaderMap, asked: &str) -> Result<(), RegistryError> {
        let found = match challenge(headers) {
            Some(found) => Some(found),
            None => challenge(&self.patiently(&Ask::new(Method::GET, self.base.clone()))?.headers),
        };
        let login = |why: &str| RegistryError::Login {
            asked: asked.to_owned(),
            why: why.to_owned(),
            had_credential: self.credential.is_some(),
        };
        let authorization = match (found, self.credential) {
            (None, _) => {
                return Err(login("HTTP 401, and the registry does not say how to log in (no WWW-Authenticate)"));
            }
            (Some(Challenge::Basic), Some(Credential::Password { username, password })) => basic(username, password),
            (Some(Challenge::Basic), Some(Credential::Identity(_))) => {
                return Err(login("the registry wants a name and a password, and docker's configuration has a token"));
            }
            (Some(Challenge::Basic), None) => return Err(login("HTTP 401, the registry wants a name and a password")),
            (Some(Challenge::Bearer { realm, service, .. }), credential) => {
                bearer(&self.token(&realm, service.as_deref(), credential)?)
            }
        };
        let unfit = || login("the credential has characters that no header can have");
        *self.authorization.borrow_mut() = Some(authorization.ok_or_else(unfit)?);
        Ok(())
    }

    /// A token from the realm. What it is for is what we need, whatever scope the challenge offers.
    fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        credential: Option<&Credential>,
    ) -> Result<Secret, RegistryError> {
        let shown = format!("the token realm {}", Address::of(realm));
        let fail = |why: &str| RegistryError::Unexpected { asked: shown.clone(), why: why.to_owned() };
        let mut url = Url::parse(realm).map_err(|_| fail("it is not an address"))?;
        if !may_be_asked(&self.base, &url) {
            return Err(fail("it is not https://, so no credential goes there"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(fail("it has a user name or password in its address"));
        }
        let actions = if self.access == Access::PullPush { "pull,push" } else { "pull" };
        let scope = format!("repository:{}:{actions}", self.repository.path());
        let mut ask = if let Some(Credential::Identity(token)) = credential {
            let mut ask = Ask::new(Method::POST, url);
            (ask.media_type, ask.repeats) = (Some("application/x-www-form-urlencoded"), true);
            ask.body = exchange_of(token, service, &scope);
            ask
        } else {
            if let Some(service) = service {
                url.query_pairs_mut().append_pair("service", service);
            }
            url.query_pairs_mut().append_pair("scope", &scope);
            Ask::new(Method::GET, url)
        };
        if let Some(Credential::Password { username, password }) = credential {
            ask.authorization = basic(username, password);
        }
        let answer = self.patiently(&ask)?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(self.no_access(shown, &answer)),
            status => {
                let (status, why) = (status.as_u16(), words(&answer.body));
                return Err(RegistryError::Refused { asked: shown, status, why });
            }
        }
        let body = Zeroizing::new(answer.body);
        let read: TokenAnswer =
            serde_json::from_slice(&body).map_err(|_| fail("its answer is not the JSON of a token"))?;
        let token = read.token.or(read.access_token).filter(|token| !token.is_empty());
        token.map(Secret::from).ok_or_else(|| fail("its answer has no token"))
    }

    /// 401 or 403, with the registry's own words.
    fn no_access(&self, asked: String, answer: &HttpResponse) -> RegistryError {
        let why = format!("HTTP {}{}", answer.status.as_u16(), words(&answer.body));
        RegistryError::Login { asked, why, had_credential: self.credential.is_some() }
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

/// The form that exchanges a refresh token. docker's `auth/oauth.md`.
fn exchange_of(token: &Secret, service: Option<&str>, scope: &str) -> Bytes {
    let token = String::from_utf8_lossy(token.expose());
    let mut form = url::form_urlencoded::Serializer::new(String::with_capacity(2 * token.len() + 1024));
    form.append_pair("grant_type", "refresh_token").append_pair("client_id", "aileron").append_pair("scope", scope);
    if let Some(service) = service {
        form.append_pair("service", service);
    }
    form.append_pair("refresh_token", &token);
    Bytes::from_owner(Zeroizing::new(form.finish().into_bytes()))
}

fn basic(username: &str, password: &Secret) -> Option<HeaderValue> {
    let pair = Zeroizing::new([username.as_bytes(), b":", password.expose()].concat());
    let text = Zeroizing::new(format!("Basic {}", &*Zeroizing::new(STANDARD.encode(&*pair))));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A registry's own words about a refusal, to follow a status: `: NAME_UNKNOWN: no such repository`. Empty where there are none.
pub(super) fn words(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        code: Option<String>,
        message: Option<String>,
    }
    let Ok(Errors { errors }) = serde_json::from_slice(body) else { return String::new() };
    let Some(One { code, message }) = errors.into_iter().next() else { return String::new() };
    let parts: Vec<String> = [code, message].into_iter().flatten().filter(|part| !part.trim().is_empty()).collect();
    let text = parts.join(": ");
    let text = text.trim().trim_end_matches('.');
    if text.is_empty() { String::new() } else { format!(": {}", printable_within(text, 200)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registrys_own_words_are_one_line_after_the_status() {
        for (body, expected) in [
            (
                r#"{"errors":[{"code":"DENIED","message":"requested access to the resource is denied."}]}"#,
                ": DENIED: requested access to the resource is denied",
            ),
            (r#"{"errors":[{"code":"DENIED"},{"code":"X"}]}"#, ": DENIED"),
            (r#"{"errors":[{"message":"two\nlines \u001b[2J"}]}"#, ": two lines \\u{1b}[2J"),
            (r#"{"errors":[]}"#, ""),
            (r#"{"errors":[{"message":" . "}]}"#, ""),
            ("<html>", ""),
            ("", ""),
        ] {
            assert_eq!(words(body.as_bytes()), expected, "{body}");
        }
    }
}
