//! Answers, and the shapes of GitHub's refusals.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Lower-case names. `content-length` is the transport's.
    pub headers: Vec<(&'static str, String)>,
    /// What follows.
    pub body: Body,
}

/// The body of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// A document.
    Json(Value),
    /// A file.
    Bytes(Arc<[u8]>),
}

impl Response {
    /// A document.
    pub fn json(status: u16, body: Value) -> Response {
        let headers = vec![("content-type", "application/json; charset=utf-8".to_owned())];
        Response { status, headers, body: Body::Json(body) }
    }

    /// No document.
    pub fn empty(status: u16) -> Response {
        Response { status, headers: Vec::new(), body: Body::Empty }
    }

    /// A file.
    pub fn bytes(content_type: &str, bytes: Arc<[u8]>) -> Response {
        Response { status: 200, headers: vec![("content-type", content_type.to_owned())], body: Body::Bytes(bytes) }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Response {
        self.headers.push((name, value.into()));
        self
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The document; `null` where there is none.
    pub fn document(&self) -> &Value {
        match &self.body {
            Body::Json(value) => value,
            Body::Empty | Body::Bytes(_) => &Value::Null,
        }
    }

    /// The body as it goes over the wire.
    pub fn body_bytes(&self) -> Vec<u8> {
        match &self.body {
            Body::Empty => Vec::new(),
            Body::Json(value) => value.to_string().into_bytes(),
            Body::Bytes(bytes) => bytes.to_vec(),
        }
    }

    /// The answer as the `http` crate has it. The model's headers are valid ones.
    pub fn into_http(self) -> http::Response<Bytes> {
        let mut response = http::Response::new(Bytes::from(self.body_bytes()));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or_default();
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().append(*name, value);
            }
        }
        response
    }

    /// A refusal with GitHub's body: `message`, `documentation_url`, `status`. GitHub Docs, "Troubleshooting the REST API".
    pub fn refusal(status: u16, message: impl Into<String>, page: &str) -> Response {
        let url = format!("https://docs.github.com/rest{page}");
        Response::json(
            status,
            json!({"message": message.into(), "documentation_url": url, "status": status.to_string()}),
        )
    }

    /// 404. GitHub answers so as well where the asker may not know that there is something.
    pub fn not_found(page: &str) -> Response {
        Response::refusal(404, "Not Found", page)
    }

    /// 422 `Validation Failed` with its reasons. GitHub Docs, "Troubleshooting the REST API", and `errors` of npm
    /// `@octokit/fixtures`.
    pub fn invalid(errors: Vec<Value>, page: &str) -> Response {
        let mut refusal = Response::refusal(422, "Validation Failed", page);
        if let Body::Json(Value::Object(body)) = &mut refusal.body {
            body.insert("errors".into(), Value::Array(errors));
        }
        refusal
    }
}

/// One reason of a 422: the field holds something another thing has.
pub(super) fn already_exists(resource: &str, field: &str) -> Value {
    json!({"resource": resource, "code": "already_exists", "field": field})
}

/// One reason of a 422: the field holds what cannot be.
pub(super) fn invalid(resource: &str, field: &str) -> Value {
    json!({"resource": resource, "code": "invalid", "field": field})
}

/// One reason of a 422: the field is not there.
pub(super) fn missing(resource: &str, field: &str) -> Value {
    json!({"resource": resource, "code": "missing_field", "field": field})
}

/// One reason of a 422 in words.
pub(super) fn custom(resource: &str, field: Option<&str>, message: &str) -> Value {
    match field {
        Some(field) => json!({"resource": resource, "code": "custom", "field": field, "message": message}),
        None => json!({"resource": resource, "code": "custom", "message": message}),
    }
}
