//! What the token endpoint answered. vault.md §11.7, RFC 6749 §5.
//!
//! A provider's body never reaches an error: it may repeat the code or a token. What remains of it is the standard error
//! code, and only where it is one.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroize as _;

use crate::secret::Secret;

/// Error codes that are passed on: RFC 6749 §5.2 and §4.1.2.1, RFC 8628 §3.5, and what GitHub says under status 200.
const CODES: [&str; 14] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "access_denied",
    "server_error",
    "temporarily_unavailable",
    "slow_down",
    "expired_token",
    "bad_verification_code",
    "incorrect_client_credentials",
    "redirect_uri_mismatch",
];

/// Tokens, as they were given.
pub struct TokenAnswer {
    /// The access token.
    pub access_token: Secret,
    /// Absent in most answers to a refresh.
    pub refresh_token: Option<Secret>,
    /// Seconds from now; `None` where the provider says nothing, or nothing that is a number above zero.
    pub expires_in: Option<u64>,
    /// `Bearer`, usually.
    pub token_type: Option<String>,
    /// What was granted; `None` means what was asked for.
    pub scopes: Option<Vec<String>>,
}

/// Why there are no tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The provider refused.
    #[error("provider returned {status}: {}", .code.unwrap_or("no standard error code"))]
    Refused {
        /// HTTP status. Some providers refuse under 200.
        status: u16,
        /// The standard error code.
        code: Option<&'static str>,
    },
    /// Not JSON, or a member of another type than it must have.
    #[error("parse token response: not a JSON object of the expected form (line {line}, column {column})")]
    Unreadable {
        /// Where reading stopped.
        line: usize,
        /// Where reading stopped.
        column: usize,
    },
    /// Tokens without an access token.
    #[error("provider response missing access_token")]
    NoAccessToken,
}

impl TokenError {
    /// Whether the same request may succeed later: the provider says so, or its server failed.
    pub fn is_retriable(&self) -> bool {
        match self {
            TokenError::Refused { code: Some("temporarily_unavailable" | "slow_down" | "server_error"), .. } => true,
            TokenError::Refused { status, code: None } => *status == 429 || *status >= 500,
            TokenError::Refused { .. } | TokenError::Unreadable { .. } | TokenError::NoAccessToken => false,
        }
    }

    /// Whether the refresh token or the code is no longer good: the user has to authorize again.
    pub fn is_invalid_grant(&self) -> bool {
        matches!(self, TokenError::Refused { code: Some("invalid_grant"), .. })
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    access_token: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    refresh_token: Option<Cow<'a, str>>,
    #[serde(default)]
    expires_in: Option<Value>,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(borrow, default)]
    error: Option<Cow<'a, str>>,
}

/// Borrowed text is wiped with the body; text that had escapes is copied once more, and that copy is wiped here.
fn secret(text: Cow<'_, str>) -> Option<Secret> {
    let secret = Secret::from(text.as_ref().to_owned());
    if let Cow::Owned(mut text) = text {
        text.zeroize();
    }
    Some(secret).filter(|secret| !secret.expose().is_empty())
}

impl TokenAnswer {
    /// Reads an answer of the token endpoint.
    ///
    /// # Errors
    /// [`TokenError`]; never with a part of the body but a standard error code.
    pub fn read(status: u16, body: &Secret) -> Result<TokenAnswer, TokenError> {
        let read = serde_json::from_slice::<Body<'_>>(body.expose());
        let is_ok = (200..300).contains(&status);
        let body = match read {
            Ok(body) => body,
            Err(_) if !is_ok => return Err(TokenError::Refused { status, code: None }),
            Err(error) => return Err(TokenError::Unreadable { line: error.line(), column: error.column() }),
        };
        if !is_ok || body.error.is_some() {
            let code = body.error.and_then(|code| CODES.into_iter().find(|known| *known == code));
            return Err(TokenError::Refused { status, code });
        }
        let words = |scope: String| scope.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        Ok(TokenAnswer {
            access_token: body.access_token.and_then(secret).ok_or(TokenError::NoAccessToken)?,
            refresh_token: body.refresh_token.and_then(secret),
            expires_in: body.expires_in.as_ref().and_then(seconds),
            token_type: body.token_type.filter(|kind| !kind.is_empty()),
            scopes: body.scope.map(words).filter(|scopes| !scopes.is_empty()),
        })
    }
}

/// A number, or a number as text. What is neither is no statement about the expiry, not an error.
fn seconds(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::String(text) => text.trim().parse().ok()?,
        value => value.as_u64().or_else(|| value.as_f64().map(|seconds| seconds as u64))?,
    };
    Some(seconds).filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<TokenAnswer, TokenError> {
        TokenAnswer::read(status, &Secret::from(body.to_owned()))
    }

    #[test] // vault.md §11.7, its table
    fn an_answer_without_tokens_says_why_and_nothing_else() {
        let refused = |status, code| Some(TokenError::Refused { status, code });
        for (status, body, expected) in [
            (400, r#"{"error":"invalid_grant","error_description":"s3cret"}"#, refused(400, Some("invalid_grant"))),
            (401, r#"{"error":"s3cret"}"#, refused(401, None)),
            (500, "<html>s3cret</html>", refused(500, None)),
            (302, "", refused(302, None)),
            // GitHub refuses under 200.
            (200, r#"{"error":"bad_verification_code"}"#, refused(200, Some("bad_verification_code"))),
            (200, r#"{"error":null,"access_token":""}"#, Some(TokenError::NoAccessToken)),
            (200, r#"{"refresh_token":"s3cret"}"#, Some(TokenError::NoAccessToken)),
            (200, r#"{"access_token":7}"#, Some(TokenError::Unreadable { line: 1, column: 17 })),
            (200, "access_token=s3cret", Some(TokenError::Unreadable { line: 1, column: 1 })),
            (200, r#""s3cret""#, Some(TokenError::Unreadable { line: 1, column: 8 })),
            (200, "", Some(TokenError::Unreadable { line: 1, column: 0 })),
        ] {
            let error = read(status, body).err();
            assert_eq!(error, expected, "{body}");
            assert!(!error.expect("an error").to_string().contains("s3cret"), "{body}");
        }
        assert!(read(400, r#"{"error":"invalid_grant"}"#).is_err_and(|error| error.is_invalid_grant()));
    }

    #[test] // RFC 6749 §5.2
    fn each_standard_error_code_is_passed_on_and_its_description_is_not() {
        for code in [
            "invalid_request",
            "invalid_client",
            "invalid_grant",
            "unauthorized_client",
            "unsupported_grant_type",
            "invalid_scope",
        ] {
            let body =
                format!(r#"{{"error":"{code}","error_description":"s3cret","error_uri":"https://s3cret.example"}}"#);
            for status in [400, 401, 200] {
                let expected = TokenError::Refused { status, code: Some(code) };
                assert_eq!(expected.to_string(), format!("provider returned {status}: {code}"));
                assert_eq!(read(status, &body).err(), Some(expected));
            }
        }
    }

    #[test]
    fn tokens_are_read_whatever_else_the_answer_holds() {
        let answer = read(
            201,
            r#"{"access_token":"a\u0062c","expires_in":"3600","refresh_token":"r","token_type":"bearer","scope":"x  y","id_token":7}"#,
        ).expect("tokens");
        assert_eq!(answer.access_token.expose(), b"abc");
        assert_eq!(answer.refresh_token.expect("one").expose(), b"r");
        assert_eq!((answer.expires_in, answer.token_type.as_deref()), (Some(3600), Some("bearer")));
        assert_eq!(answer.scopes, Some(vec!["x".to_owned(), "y".to_owned()]));
        for (expires, expected) in [
            ("3600", Some(3600)),
            ("3600.0", Some(3600)),
            ("0", None),
            ("-5", None),
            ("null", None),
            ("\"soon\"", None),
            ("{}", None),
        ] {
            let answer =
                read(200, &format!(r#"{{"access_token":"a","expires_in":{expires},"scope":""}}"#)).expect("tokens");
            assert_eq!((answer.expires_in, answer.scopes), (expected, None), "{expires}");
        }
    }
}
