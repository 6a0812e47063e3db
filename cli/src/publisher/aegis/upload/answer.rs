//! What a host says to an upload. Pure. aegis-bundle.md §11.2, §11.3.

use aileron_verifier::aegis::Kind;
use aileron_verifier::text::{printable, shorten};
use serde_json::Value;

use super::error::HostError;
use crate::secret::Secret;
use crate::sys::address::{Address, redacted};

/// Most characters of a host's words.
const LONGEST_WORDS: usize = 600;
/// Seconds after which a host takes another upload: ten a minute. aegis-bundle.md §11.1.
const PACE: u64 = 6;

/// An answer as it came.
pub struct HostAnswer<'a> {
    /// Whose it is.
    pub url: Address,
    /// The status.
    pub status: u16,
    /// `Location`.
    pub location: Option<&'a str>,
    /// `Retry-After`.
    pub retry_after: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// How far a package got. aegis-bundle.md §11.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstallState {
    /// It can be used.
    Ready,
    /// Its bytes wait until the host is started again.
    PendingRestart,
    /// It could not be started, reports another id, or is quarantined.
    Error,
    /// It is not there.
    NotInstalled,
    /// A state that this norm does not know.
    Other(String),
}

impl InstallState {
    /// As the host writes it.
    pub fn as_str(&self) -> &str {
        match self {
            InstallState::Ready => "ready",
            InstallState::PendingRestart => "pending_restart",
            InstallState::Error => "error",
            InstallState::NotInstalled => "not_installed",
            InstallState::Other(other) => other,
        }
    }
}

/// The package as the host has it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// How far it got.
    pub state: InstallState,
    /// `last_error`.
    pub last_error: Option<String>,
    /// `signature_verified`.
    pub is_verified: bool,
    /// `unsafe`.
    pub is_unsafe: bool,
    /// `signature_key_id`.
    pub key_id: Option<String>,
    /// `signature_signed_at`.
    pub signed_at: Option<String>,
    /// `signature_expires_at`.
    pub expires_at: Option<String>,
    /// `target_os` and `target_arch`.
    pub system: Option<String>,
}

impl HostAnswer<'_> {
    /// The package that the host made of the bundle, or why there is none. The token is hidden wherever the answer repeats it.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn read(&self, kind: Kind, token: &Secret) -> Result<Record, HostError> {
        let (url, status) = (self.url.clone(), self.status);
        let document = serde_json::from_slice::<Value>(self.body).ok().filter(Value::is_object);
        let words = |value: Option<&Value>| {
            let text = value?.as_str().filter(|text| !text.trim().is_empty())?;
            Some(safe(text, token))
        };
        let message = words(document.as_ref().and_then(|document| document.get("message")));
        match status {
            300..=399 => {
                let to = self.location.map(|to| Address::of(without(to, token)));
                Err(HostError::Redirected { url, status, to })
            }
            401 => Err(HostError::Unauthorized { url }),
            403 => Err(HostError::Forbidden { url, said: message }),
            404 | 405 => Err(HostError::Absent { url, status }),
            413 => Err(HostError::OverItsLimit { url, limit: None, by_proxy: true }),
            429 => {
                let wait = self.retry_after.and_then(|seconds| seconds.trim().parse().ok()).unwrap_or(PACE);
                Err(HostError::Limited { url, wait })
            }
            500.. => Err(HostError::Unavailable { url, status, said: message }),
            _ => {
                let unexpected = |what: String| HostError::Unexpected { url: url.clone(), status, what };
                let Some(document) = &document else { return Err(unexpected(self.not_json())) };
                let data = document.get("data");
                let member = |name: &str| data.and_then(|data| data.get(name));
                match status {
                    200 => {
                        let record = member(kind.as_str()).and_then(|record| record_of(record, token));
                        record.ok_or_else(|| unexpected(format!("it has no `data.{kind}` with an install_state")))
                    }
                    400 => Err(match member("max_size").and_then(Value::as_u64) {
                        Some(limit) => HostError::OverItsLimit { url, limit: Some(limit), by_proxy: false },
                        None => {
                            let said =
                                words(member("error")).or(message).unwrap_or_else(|| "no reason given".to_owned());
                            let needs_confirm = member("needs_confirm_unsafe").and_then(Value::as_bool) == Some(true);
                            HostError::Rejected { url, said, needs_confirm }
                        }
                    }),
                    _ => Err(unexpected(message.unwrap_or_else(|| "no message in it".to_owned()))),
                }
            }
        }
    }

    fn not_json(&self) -> String {
        match self.body.trim_ascii() {
            [] => "it is empty".to_owned(),
            [b'<', ..] => "a page of HTML, not the API of Squad Aegis".to_owned(),
            _ => "it is not the JSON of Squad Aegis".to_owned(),
        }
    }
}

fn record_of(record: &Value, token: &Secret) -> Option<Record> {
    let text = |name: &str| {
        let text = record.get(name)?.as_str().filter(|text| !text.is_empty())?;
        Some(safe(text, token))
    };
    let flag = |name: &str| record.get(name).and_then(Value::as_bool).unwrap_or(false);
    let state = match text("install_state")?.as_str() {
        "ready" => InstallState::Ready,
        "pending_restart" => InstallState::PendingRestart,
        "error" => InstallState::Error,
        "not_installed" => InstallState::NotInstalled,
        other => InstallState::Other(other.to_owned()),
    };
    Some(Record {
        state,
        last_error: text("last_error"),
        is_verified: flag("signature_verified"),
        is_unsafe: flag("unsafe"),
        key_id: text("signature_key_id"),
        signed_at: text("signature_signed_at"),
        expires_at: text("signature_expires_at"),
        system: text("target_os").zip(text("target_arch")).map(|(os, arch)| format!("{os}/{arch}")),
    })
}

/// A host's words as they may be shown: short, printable, without the token and without what addresses hide.
fn safe(text: &str, token: &Secret) -> String {
    let text = redacted(&without(text, token), &[]);
    shorten(&printable(&text), LONGEST_WORDS).into_owned()
}

fn without(text: &str, token: &Secret) -> String {
    match std::str::from_utf8(token.expose()) {
        Ok(token) if !token.is_empty() => text.replace(token, "***"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use aileron_verifier::problem::Class;

    use super::*;

    fn read(status: u16, body: &str) -> Result<Record, HostError> {
        let url = Address::of("https://a.example");
        let answer = HostAnswer { url, status, location: None, retry_after: None, body: body.as_bytes() };
        answer.read(Kind::Plugin, &Secret::from("t0ken".to_owned()))
    }

    #[test] // aegis-bundle.md §11.2
    fn an_answer_is_a_package_or_says_why_there_is_none() {
        for (status, body, says, class, retriable) in [
            (
                400,
                r#"{"message":"Failed to install uploaded plugin bundle","code":400,"data":{"error":"plugin archive is missing manifest.json"}}"#,
                "refuses the bundle: plugin archive is missing manifest.json",
                Class::PublishFailed,
                false,
            ),
            (
                400,
                r#"{"message":"unsigned bundle: re-submit with ?confirm_unsafe=true to acknowledge the security risk","code":400,"data":{"needs_confirm_unsafe":true}}"#,
                "re-submit with",
                Class::SignatureFailure,
                false,
            ),
            (
                400,
                r#"{"message":"m","data":{"error":"unsigned sideloads are disabled"}}"#,
                "unsigned sideloads are disabled",
                Class::SignatureFailure,
                false,
            ),
            (
                400,
                r#"{"message":"m","data":{"error":"plugin signature rejected: plugin signature key \"a\" is revoked"}}"#,
                "is revoked",
                Class::SignatureFailure,
                false,
            ),
            (
                400,
                r#"{"message":"Plugin bundle is too large","code":400,"data":{"file_size":9,"max_size":8}}"#,
                "its limit is 8 bytes",
                Class::PublishFailed,
                false,
            ),
            (
                400,
                r#"{"message":"No plugin bundle provided","code":400}"#,
                "No plugin bundle provided",
                Class::PublishFailed,
                false,
            ),
            (400, "{}", "no reason given", Class::PublishFailed, false),
            (401, r#"{"message":"Unauthorized","code":401}"#, "invalid or expired", Class::PublishFailed, false),
            (
                403,
                r#"{"message":"Forbidden t0ken","code":403}"#,
                "HTTP 403: Forbidden ***",
                Class::PublishFailed,
                false,
            ),
            (404, "<html>", "no upload of bundles", Class::FetchFailed, false),
            (405, "", "HTTP 405", Class::FetchFailed, false),
            (413, "<html>", "a proxy in front of it", Class::PublishFailed, false),
            (
                429,
                r#"{"message":"Rate limit exceeded, please try again later","code":429}"#,
                "wait 6 s",
                Class::RateLimited,
                true,
            ),
            (500, r#"{"message":"boom"}"#, "HTTP 500: boom", Class::PublishFailed, false),
            (502, "<html>", "HTTP 502", Class::Incomplete, true),
            (200, "<!doctype html>", "a page of HTML", Class::PublishFailed, false),
            (200, "", "it is empty", Class::PublishFailed, false),
            (200, "[]", "not the JSON", Class::PublishFailed, false),
            (
                200,
                r#"{"message":"ok","data":{"connector":{"install_state":"ready"}}}"#,
                "`data.plugin`",
                Class::PublishFailed,
                false,
            ),
            (200, r#"{"message":"ok","data":{"plugin":{}}}"#, "install_state", Class::PublishFailed, false),
            (204, "", "it is empty", Class::PublishFailed, false),
            (418, r#"{"message":"teapot"}"#, "HTTP 418): teapot", Class::PublishFailed, false),
            (302, "", "sends on (HTTP 302)", Class::PublishFailed, false),
        ] {
            let error = read(status, body).expect_err(body);
            let told = error.to_string();
            assert!(told.contains(says) && told.contains("https://a.example"), "{status} {body}: {told}");
            assert_eq!((error.class(), error.is_retriable()), (class, retriable), "{status} {body}");
        }
    }

    #[test] // aegis-bundle.md §11.3
    fn a_package_has_the_state_that_the_host_says() {
        for (word, state) in [
            ("ready", InstallState::Ready),
            ("pending_restart", InstallState::PendingRestart),
            ("error", InstallState::Error),
            ("not_installed", InstallState::NotInstalled),
            ("melted", InstallState::Other("melted".to_owned())),
        ] {
            let body = format!(
                r#"{{"message":"ok","data":{{"plugin":{{"install_state":"{word}","last_error":"a t0ken\u0007","unsafe":true,"signature_key_id":"k","target_os":"linux","target_arch":"arm64"}}}}}}"#
            );
            let record = read(200, &body).expect("a record");
            assert_eq!((record.state.as_str(), &record.state), (word, &state));
            assert_eq!(record.last_error.as_deref(), Some(printable("a ***\u{7}").as_ref()));
            assert_eq!((record.is_verified, record.is_unsafe, record.key_id.as_deref()), (false, true, Some("k")));
            assert_eq!(record.system.as_deref(), Some("linux/arm64"));
        }
    }

    #[test]
    fn a_redirect_is_told_without_what_its_address_hides() {
        let answer = HostAnswer {
            url: Address::of("https://a.example"),
            status: 307,
            location: Some("https://b.example/t0ken?state=s3cret"),
            retry_after: Some("17"),
            body: b"",
        };
        let token = Secret::from("t0ken".to_owned());
        let told = answer.read(Kind::Plugin, &token).expect_err("a redirect").to_string();
        assert!(told.contains("to https://b.example/***;") && !told.contains("s3cret"), "{told}");
        let limited = HostAnswer { status: 429, location: None, ..answer }.read(Kind::Plugin, &token);
        assert!(limited.expect_err("limited").to_string().contains("wait 17 s"));
    }
}
