//! Which request may come in, and what it asks for. Pure: the head of a request in, a call or a refusal out.
//!
//! Three headers are checked before anything else, each against another attack. A web page whose name was made to lead to
//! 127.0.0.1 cannot set `Host` to one of ours; a page that sends a request across sites says so with `Origin`; and a program of
//! another user does not have the token.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN};
use http::request::Parts;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::BASE;
use super::token::Token;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Whether the vault is open.
    VaultStatus,
    /// What is bound: of this connector, of this kind.
    Bindings {
        /// The connector's name.
        connector: Option<String>,
        /// The kind of credential.
        kind: Option<String>,
    },
    /// What can be run.
    Actions,
    /// Run an action; what with is in the body.
    Run {
        /// The action's short name.
        name: String,
    },
}

/// Why a request is not answered. Nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `Host` is missing, there twice, or not an address of ours.
    Host,
    /// It comes from a web page.
    Origin,
    /// No token, or a wrong one.
    Token,
    /// There is nothing at this path.
    Path,
    /// The path takes another method.
    Method {
        /// Which.
        allowed: &'static str,
    },
    /// The body is too long.
    TooLarge,
    /// The body did not come in time, or not whole.
    Body,
    /// As many runs as there may be at one time are under way.
    Busy,
    /// It could not be answered, for a reason of ours.
    Failed,
}

impl Refusal {
    /// The status.
    pub fn status(self) -> StatusCode {
        match self {
            Refusal::Host | Refusal::Origin => StatusCode::FORBIDDEN,
            Refusal::Token => StatusCode::UNAUTHORIZED,
            Refusal::Path => StatusCode::NOT_FOUND,
            Refusal::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Body => StatusCode::BAD_REQUEST,
            Refusal::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Refusal::Host => "foreign_host",
            Refusal::Origin => "foreign_origin",
            Refusal::Token => "unauthorized",
            Refusal::Path => "not_found",
            Refusal::Method { .. } => "method_not_allowed",
            Refusal::TooLarge => "too_large",
            Refusal::Body => "invalid_request",
            Refusal::Busy => "busy",
            Refusal::Failed => "internal_error",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Refusal::Host => "the Host header is not localhost, 127.0.0.1 or [::1] with the port of this server",
            Refusal::Origin => "requests of web pages are not answered",
            Refusal::Token => "the Authorization header must be: Bearer and the token",
            Refusal::Path => "there is nothing here",
            Refusal::Method { .. } => "this path takes another method",
            Refusal::TooLarge => "the body is too long",
            Refusal::Body => "the body did not arrive whole in time",
            Refusal::Busy => "too many runs at one time; try again",
            Refusal::Failed => "the run ended without an answer",
        }
    }

    /// The body of the answer.
    pub fn document(self) -> Value {
        json!({"error": {"code": self.code(), "message": self.message()}})
    }
}

/// What is known of who may come in.
pub struct Gate {
    /// What they show.
    pub token: Token,
    /// Where they were let in.
    pub port: u16,
}

impl Gate {
    /// What a request asks for.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn admit(&self, head: &Parts) -> Result<Call, Refusal> {
        if !self.is_our_host(head) {
            return Err(Refusal::Host);
        }
        if head.headers.contains_key(ORIGIN) {
            return Err(Refusal::Origin);
        }
        if !self.has_token(&head.headers) {
            return Err(Refusal::Token);
        }
        route(&head.method, head.uri.path(), head.uri.query().unwrap_or_default())
    }

    /// Both places where a request names its host, as far as it does; one at least.
    fn is_our_host(&self, head: &Parts) -> bool {
        let is_ours = |host: &str| {
            let names = ["localhost", "127.0.0.1", "[::1]"];
            let (name, port) = host.rsplit_once(':').unwrap_or_default();
            names.iter().any(|ours| ours.eq_ignore_ascii_case(name)) && port == self.port.to_string()
        };
        let authority = head.uri.authority().is_none_or(|authority| is_ours(authority.as_str()));
        let mut hosts = head.headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok()).is_some_and(is_ours);
        authority && host && hosts.next().is_none()
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let mut shown = headers.get_all(AUTHORIZATION).iter();
        let (Some(shown), None) = (shown.next(), shown.next()) else { return false };
        let (scheme, token) = shown.as_bytes().split_at_checked(7).unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"Bearer ") && self.token.is(token)
    }
}

fn route(method: &Method, path: &str, query: &str) -> Result<Call, Refusal> {
    let path = path.strip_prefix(BASE).ok_or(Refusal::Path)?;
    let named = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, value)| name == wanted && !value.is_empty()).map(|(_, value)| Cow::into_owned(value))
    };
    let (allowed, call) = match path.strip_prefix('/').map(|path| path.split('/').collect::<Vec<_>>()).as_deref() {
        Some(["vault", "status"]) => (Method::GET, Call::VaultStatus),
        Some(["bindings"]) => (Method::GET, Call::Bindings { connector: named("connector_fqn"), kind: named("kind") }),
        Some(["actions"]) => (Method::GET, Call::Actions),
        Some(["actions", name, "run"]) if !name.is_empty() => (Method::POST, Call::Run { name: (*name).to_owned() }),
        _ => return Err(Refusal::Path),
    };
    match (allowed == *method, allowed) {
        (true, _) => Ok(call),
        (false, Method::POST) => Err(Refusal::Method { allowed: "POST" }),
        (false, _) => Err(Refusal::Method { allowed: "GET" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate { token: Token::new().expect("random"), port: 8721 }
    }

    /// What comes of a request with these headers; `TOKEN` stands for the token.
    fn admitted(gate: &Gate, method: &str, target: &str, headers: &[(&str, &str)]) -> Result<Call, Refusal> {
        let mut request = http::Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, value.replace("TOKEN", gate.token.text()));
        }
        gate.admit(&request.body(()).expect("a request").into_parts().0)
    }

    const HOME: (&str, &str) = ("host", "127.0.0.1:8721");
    const TOKEN: (&str, &str) = ("authorization", "Bearer TOKEN");

    #[test]
    fn each_path_asks_for_one_thing_with_one_method() {
        let gate = gate();
        let bindings = |connector: Option<&str>, kind: Option<&str>| Call::Bindings {
            connector: connector.map(str::to_owned),
            kind: kind.map(str::to_owned),
        };
        for (method, target, expected) in [
            ("GET", "/v1/vault/status", Ok(Call::VaultStatus)),
            ("GET", "/v1/bindings", Ok(bindings(None, None))),
            ("GET", "/v1/bindings?kind=&x=y", Ok(bindings(None, None))),
            (
                "GET",
                "/v1/bindings?connector_fqn=github%3A%2F%2Facme%2Ftea&kind=api_key",
                Ok(bindings(Some("github://acme/tea"), Some("api_key"))),
            ),
            ("GET", "/v1/actions", Ok(Call::Actions)),
            ("POST", "/v1/actions/tea-ping/run", Ok(Call::Run { name: "tea-ping".to_owned() })),
            ("POST", "http://localhost:8721/v1/actions/a/run", Ok(Call::Run { name: "a".to_owned() })),
            ("GET", "/v1/actions/tea-ping/run", Err(Refusal::Method { allowed: "POST" })),
            ("POST", "/v1/actions", Err(Refusal::Method { allowed: "GET" })),
            ("OPTIONS", "/v1/actions", Err(Refusal::Method { allowed: "GET" })),
            ("HEAD", "/v1/vault/status", Err(Refusal::Method { allowed: "GET" })),
            ("POST", "/v1/vault/unlock", Err(Refusal::Path)),
            ("GET", "/v1/actions/", Err(Refusal::Path)),
            ("POST", "/v1/actions//run", Err(Refusal::Path)),
            ("POST", "/v1/actions/a/b/run", Err(Refusal::Path)),
            ("GET", "/v1", Err(Refusal::Path)),
            ("GET", "/v2/actions", Err(Refusal::Path)),
            ("GET", "/", Err(Refusal::Path)),
        ] {
            assert_eq!(admitted(&gate, method, target, &[HOME, TOKEN]), expected, "{method} {target}");
        }
    }

    #[test] // bitwarden/clients#3932: a local interface that answers every program
    fn without_the_token_or_from_a_web_page_nothing_is_asked_for() {
        let gate = gate();
        let ok = Ok(Call::VaultStatus);
        for (headers, expected) in [
            (&[HOME, TOKEN][..], ok.clone()),
            (&[("host", "localhost:8721"), TOKEN], ok.clone()),
            (&[("host", "LOCALHOST:8721"), ("authorization", "bearer TOKEN")], ok.clone()),
            (&[("host", "[::1]:8721"), TOKEN], ok),
            (&[HOME], Err(Refusal::Token)),
            (&[HOME, ("authorization", "Bearer x")], Err(Refusal::Token)),
            (&[HOME, ("authorization", "Bearer ")], Err(Refusal::Token)),
            (&[HOME, ("authorization", "Bearer")], Err(Refusal::Token)),
            (&[HOME, ("authorization", "TOKEN")], Err(Refusal::Token)),
            (&[HOME, ("authorization", "Basic TOKEN")], Err(Refusal::Token)),
            (&[HOME, ("authorization", "Bearer TOKENx")], Err(Refusal::Token)),
            (&[HOME, ("authorization", "Bearer x"), TOKEN], Err(Refusal::Token)),
            (&[TOKEN], Err(Refusal::Host)),
            (&[("host", "127.0.0.1"), TOKEN], Err(Refusal::Host)),
            (&[("host", "127.0.0.1:80"), TOKEN], Err(Refusal::Host)),
            (&[("host", "evil.example:8721"), TOKEN], Err(Refusal::Host)),
            (&[("host", "localhost.evil.example:8721"), TOKEN], Err(Refusal::Host)),
            (&[HOME, ("host", "evil.example:8721"), TOKEN], Err(Refusal::Host)),
            (&[HOME, TOKEN, ("origin", "http://localhost:8721")], Err(Refusal::Origin)),
            (&[HOME, TOKEN, ("origin", "null")], Err(Refusal::Origin)),
        ] {
            assert_eq!(admitted(&gate, "GET", "/v1/vault/status", headers), expected, "{headers:?}");
        }
        let foreign = admitted(&gate, "GET", "http://evil.example:8721/v1/vault/status", &[HOME, TOKEN]);
        assert_eq!(foreign, Err(Refusal::Host));
    }

    #[test]
    fn every_refusal_says_why() {
        for refusal in [
            Refusal::Host,
            Refusal::Origin,
            Refusal::Token,
            Refusal::Path,
            Refusal::Method { allowed: "GET" },
            Refusal::TooLarge,
            Refusal::Body,
            Refusal::Busy,
            Refusal::Failed,
        ] {
            let error = &refusal.document()["error"];
            assert!(error["code"].is_string() && error["message"].is_string() && refusal.status().as_u16() >= 400);
        }
    }
}
