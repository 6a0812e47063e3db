//! A method, a path and headers, understood. Transport stays outside: bytes come in as values.
//!
//! One origin serves what GitHub spreads over four: the API at `/` and `/api/v3` (GitHub Enterprise Server Docs, "Getting
//! started with the REST API"), uploads at `/api/uploads`, downloads and raw files below `/OWNER/NAME`.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, USER_AGENT};
use serde_json::Value;

use super::{Accept, Base, GitHub, Operation, Request, Response, Timestamp, Upload};

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// `GET`, …
    pub method: String,
    /// Scheme and authority as the client names them: `http://127.0.0.1:8080`.
    pub origin: String,
    /// Still percent-encoded, from the first slash, without the query.
    pub path: String,
    /// After the question mark.
    pub query: String,
    /// `Authorization`.
    pub authorization: Option<String>,
    /// `Accept`.
    pub accept: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `User-Agent`. The API refuses a client without one.
    pub user_agent: Option<String>,
    /// The body.
    pub body: Arc<[u8]>,
}

impl Call {
    /// A request of the `http` crate as the model takes it.
    pub fn of(request: &http::Request<Bytes>) -> Call {
        let text = |name: HeaderName| Some(request.headers().get(name)?.to_str().ok()?.to_owned());
        let uri = request.uri();
        let authority = uri.authority().map_or("", |at| at.as_str());
        Call {
            method: request.method().to_string(),
            origin: format!("{}://{authority}", uri.scheme_str().unwrap_or("https")),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            authorization: text(AUTHORIZATION),
            accept: text(ACCEPT),
            content_type: text(CONTENT_TYPE),
            user_agent: text(USER_AGENT),
            body: request.body().as_ref().into(),
        }
    }
}

impl GitHub {
    /// Answers a request as it came: understands it, then [`GitHub::handle`].
    pub fn answer(&mut self, now: Timestamp, call: &Call) -> Response {
        match understand(call) {
            Ok(request) => self.handle(now, &request),
            Err(refusal) => refusal,
        }
    }
}

/// The request a call stands for.
///
/// # Errors
/// The answer to give instead: 404 where there is no such address, 400 for a body that is no JSON, 403 for an API client
/// that does not say what it is (GitHub Docs, "Getting started with the REST API", "User agent").
pub fn understand(call: &Call) -> Result<Request, Response> {
    let segments: Vec<String> = call.path.trim_start_matches('/').split('/').map(decode).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let base = |api: &str| Base {
        api: format!("{}{api}", call.origin),
        uploads: format!("{}/api/uploads", call.origin),
        web: call.origin.clone(),
    };
    let (base, api) = match segments.as_slice() {
        ["api", "v3", rest @ ..] => (base("/api/v3"), rest),
        ["api", "uploads", rest @ ..] => (base("/api/v3"), rest),
        rest => (base(""), rest),
    };
    let (repository, operation) = match api {
        ["rate_limit"] if call.method == "GET" => (String::new(), Operation::RateLimit),
        ["graphql"] | ["api", "graphql"] if call.method == "POST" => graphql(call)?,
        ["repos", owner, name, rest @ ..] => (format!("{owner}/{name}"), operation(call, rest)?),
        ["repositories", id, rest @ ..] => (format!("#{id}"), operation(call, rest)?),
        ["github-production-release-asset", id] if call.method == "GET" => {
            let id = id.parse().map_err(|_| Response::not_found(""))?;
            (String::new(), Operation::Stored(id, parameter(call, "sig").unwrap_or_default()))
        }
        [owner, name, rest @ ..] if call.method == "GET" => (format!("{owner}/{name}"), site(rest)?),
        _ => return Err(Response::not_found("")),
    };
    if operation.is_api() && call.user_agent.as_deref().unwrap_or_default().is_empty() {
        let message =
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.";
        return Err(Response::refusal(403, message, "/using-the-rest-api/getting-started-with-the-rest-api"));
    }
    Ok(Request { token: token(call), base, repository, operation })
}

fn operation(call: &Call, path: &[&str]) -> Result<Operation, Response> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| Response::not_found(""));
    let (per_page, page) = pages(call);
    Ok(match (call.method.as_str(), path) {
        ("GET", []) => Operation::Repository,
        ("GET", ["releases"]) => Operation::ListReleases { per_page, page },
        ("POST", ["releases"]) => Operation::CreateRelease(body(call)?),
        ("GET", ["releases", "latest"]) => Operation::LatestRelease,
        ("GET", ["releases", "tags", tag @ ..]) if !tag.is_empty() => Operation::ReleaseByTag(tag.join("/")),
        ("GET", ["releases", "assets", id]) => Operation::Asset(number(id)?, accept(call)),
        ("PATCH", ["releases", "assets", id]) => Operation::UpdateAsset(number(id)?, body(call)?),
        ("DELETE", ["releases", "assets", id]) => Operation::DeleteAsset(number(id)?),
        ("GET", ["releases", id]) => Operation::Release(number(id)?),
        ("PATCH", ["releases", id]) => Operation::UpdateRelease(number(id)?, body(call)?),
        ("DELETE", ["releases", id]) => Operation::DeleteRelease(number(id)?),
        ("GET", ["releases", id, "assets"]) => Operation::ListAssets { release: number(id)?, per_page, page },
        ("POST", ["releases", id, "assets"]) => Operation::Upload(Upload {
            release: number(id)?,
            name: parameter(call, "name"),
            label: parameter(call, "label"),
            content_type: call.content_type.clone().unwrap_or_else(|| "application/octet-stream".into()),
            bytes: call.body.clone(),
        }),
        ("GET", ["git", "ref", name @ ..]) if !name.is_empty() => Operation::Ref(name.join("/")),
        ("GET", ["git", "matching-refs", prefix @ ..]) => Operation::MatchingRefs(prefix.join("/")),
        ("POST", ["git", "refs"]) => Operation::CreateRef(body(call)?),
        ("PATCH", ["git", "refs", name @ ..]) if !name.is_empty() => Operation::UpdateRef(name.join("/"), body(call)?),
        ("DELETE", ["git", "refs", name @ ..]) if !name.is_empty() => Operation::DeleteRef(name.join("/")),
        ("POST", ["actions", "workflows", workflow, "dispatches"]) => {
            Operation::StartWorkflow { workflow: (*workflow).into(), fields: body(call)? }
        }
        ("GET", ["git", "tags", sha]) => Operation::TagObject((*sha).into()),
        ("GET", ["git", "commits", sha]) => Operation::GitCommit((*sha).into()),
        ("GET", ["commits", name @ ..]) if !name.is_empty() => Operation::Commit(name.join("/")),
        ("GET", ["actions", "secrets"]) => Operation::Secrets { per_page, page },
        ("GET", ["actions", "secrets", "public-key"]) => Operation::SecretsKey,
        ("PUT", ["actions", "secrets", name]) => Operation::PutSecret((*name).into(), body(call)?),
        ("GET", ["actions", "permissions", "workflow"]) => Operation::WorkflowPermissions,
        ("GET", ["immutable-releases"]) => Operation::ImmutableReleases,
        ("GET", ["rulesets"]) => Operation::Rulesets(parameter(call, "targets")),
        ("GET", ["contents", path @ ..]) => {
            let raw = call.accept.as_deref().is_some_and(|accept| accept.contains("raw"));
            Operation::Contents { path: path.join("/"), raw, at: parameter(call, "ref") }
        }
        _ => return Err(Response::not_found("")),
    })
}

/// Of GraphQL, the one query that `gh release view|upload|download` sends beside its REST request
/// (cli/cli, `pkg/cmd/release/shared/fetch.go`); anything else is answered as an address that is not there.
fn graphql(call: &Call) -> Result<(String, Operation), Response> {
    let body = body(call)?;
    let variable = |name: &str| body["variables"][name].as_str();
    let query = body["query"].as_str().unwrap_or_default();
    match (variable("owner"), variable("name"), variable("tagName")) {
        (Some(owner), Some(name), Some(tag)) if query.contains("release(tagName:") => {
            Ok((format!("{owner}/{name}"), Operation::DraftByTag(tag.to_owned())))
        }
        _ => Err(Response::not_found("/graphql")),
    }
}

/// The sites below `/OWNER/NAME`. The tag may come as one percent-encoded segment or with its slashes.
fn site(path: &[&str]) -> Result<Operation, Response> {
    match path {
        ["releases", "latest", "download", asset] => {
            Ok(Operation::Download { tag: "latest".into(), asset: (*asset).into() })
        }
        ["releases", "download", tag @ .., asset] if !tag.is_empty() => {
            Ok(Operation::Download { tag: tag.join("/"), asset: (*asset).into() })
        }
        ["HEAD", file @ ..] if !file.is_empty() => Ok(Operation::RawFile(file.join("/"))),
        _ => Err(Response::not_found("")),
    }
}

/// What follows the repository in an address, for redirects.
pub(super) fn below(operation: &Operation) -> String {
    let query = |per_page: &usize, page: &usize| format!("?per_page={per_page}&page={page}");
    match operation {
        Operation::RateLimit | Operation::Repository | Operation::Stored(..) => String::new(),
        Operation::ListReleases { per_page, page } => format!("/releases{}", query(per_page, page)),
        Operation::CreateRelease(_) => "/releases".into(),
        Operation::Release(id) | Operation::UpdateRelease(id, _) | Operation::DeleteRelease(id) => {
            format!("/releases/{id}")
        }
        Operation::ReleaseByTag(tag) => format!("/releases/tags/{}", encode(tag)),
        Operation::LatestRelease => "/releases/latest".into(),
        Operation::DraftByTag(_) => "/graphql".into(),
        Operation::ListAssets { release, per_page, page } => {
            format!("/releases/{release}/assets{}", query(per_page, page))
        }
        Operation::Upload(upload) | Operation::BrokenUpload(upload) => {
            let name = upload.name.as_deref().map(|name| format!("?name={}", encode(name))).unwrap_or_default();
            format!("/releases/{}/assets{name}", upload.release)
        }
        Operation::Asset(id, _) | Operation::UpdateAsset(id, _) | Operation::DeleteAsset(id) => {
            format!("/releases/assets/{id}")
        }
        Operation::Ref(name) => format!("/git/ref/{name}"),
        Operation::MatchingRefs(prefix) => format!("/git/matching-refs/{prefix}"),
        Operation::CreateRef(_) => "/git/refs".into(),
        Operation::UpdateRef(name, _) | Operation::DeleteRef(name) => format!("/git/refs/{name}"),
        Operation::StartWorkflow { workflow, .. } => format!("/actions/workflows/{workflow}/dispatches"),
        Operation::TagObject(sha) => format!("/git/tags/{sha}"),
        Operation::Commit(name) => format!("/commits/{name}"),
        Operation::GitCommit(sha) => format!("/git/commits/{sha}"),
        Operation::Contents { path, at: None, .. } => format!("/contents/{path}"),
        Operation::Contents { path, at: Some(at), .. } => format!("/contents/{path}?ref={}", encode(at)),
        Operation::Download { tag, asset } => format!("/releases/download/{}/{}", encode(tag), encode(asset)),
        Operation::RawFile(path) => format!("/HEAD/{path}"),
        Operation::Secrets { per_page, page } => format!("/actions/secrets{}", query(per_page, page)),
        Operation::SecretsKey => "/actions/secrets/public-key".into(),
        Operation::PutSecret(name, _) => format!("/actions/secrets/{name}"),
        Operation::WorkflowPermissions => "/actions/permissions/workflow".into(),
        Operation::ImmutableReleases => "/immutable-releases".into(),
        Operation::Rulesets(None) => "/rulesets".into(),
        Operation::Rulesets(Some(targets)) => format!("/rulesets?targets={}", encode(targets)),
    }
}

/// `Bearer x` and `token x`. GitHub Docs, "Authenticating to the REST API"; a header of another form is a wrong token.
fn token(call: &Call) -> Option<String> {
    let header = call.authorization.as_deref()?;
    let (scheme, text) = header.split_once(' ').unwrap_or(("", ""));
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
    Some(if known { text.trim().to_owned() } else { String::new() })
}

fn accept(call: &Call) -> Accept {
    let bytes = call.accept.as_deref().is_some_and(|accept| accept.contains("application/octet-stream"));
    if bytes { Accept::Bytes } else { Accept::Json }
}

fn body(call: &Call) -> Result<Value, Response> {
    serde_json::from_slice(&call.body).map_err(|_| Response::refusal(400, "Problems parsing JSON", ""))
}

/// 30 on a page, at most 100. GitHub Docs, "Using pagination in the REST API".
fn pages(call: &Call) -> (usize, usize) {
    let number = |name| parameter(call, name).and_then(|text| text.parse::<usize>().ok());
    (number("per_page").unwrap_or(30).clamp(1, 100), number("page").unwrap_or(1).clamp(1, 1_000_000))
}

/// A parameter of the query, decoded; `+` is a space there.
fn parameter(call: &Call, name: &str) -> Option<String> {
    let pairs = call.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(|(key, _)| decode(key) == name).map(|(_, value)| decode(&value.replace('+', " "))).next()
}

/// Percent-decodes; what is no escape stays as it is.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match escape.filter(|_| bytes[at] == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Percent-encodes as one segment of a path: RFC 3986, everything that is not unreserved.
pub fn encode(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
