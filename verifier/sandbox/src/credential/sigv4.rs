//! AWS Signature Version 4, as connectors expect it from the host. sandbox.md §7.4, §7.5.
//!
//! One encoding for every service, every header signed, no session token. What is signed is what is sent: the URL as it
//! is dialled and the headers as they stand.

use std::time::{SystemTime, UNIX_EPOCH};

use aileron_verifier::problem::Class;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use jiff::civil::date;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Unsent;
use crate::grant::Target;
use crate::secret::Secret;

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const CONTENT: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// Who signs, for which service where.
#[derive(Clone, Copy, Debug)]
pub struct SigningScope<'a> {
    /// Public half of the key.
    pub access_key_id: &'a str,
    /// Such as `us-east-1`.
    pub region: &'a str,
    /// Such as `athena`.
    pub service: &'a str,
}

/// Why a request could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// Key id, region or service holds something that no header may hold.
    #[error("access key id, region or service cannot stand in a header")]
    Header(#[from] InvalidHeaderValue),
    /// The machine's clock is set to a year that cannot be written.
    #[error("the clock of this machine is before 1970 or after 9999")]
    Clock,
}

impl SignError {
    /// The failure class: always `connector_runtime_error`.
    pub fn class(&self) -> Class {
        match self {
            SignError::Header(_) | SignError::Clock => Class::ConnectorRuntimeError,
        }
    }

    /// Never: the same request is signed the same way.
    pub fn is_retriable(&self) -> bool {
        false
    }
}

/// Service and region of a host that is written like an AWS endpoint. §7.5.
pub fn endpoint(host: &str) -> Option<(String, String)> {
    let host = host.to_ascii_lowercase();
    let labels: Vec<&str> = host.split(':').next().unwrap_or_default().split('.').collect();
    let region = labels.iter().position(|label| is_region(label))?;
    let service = labels[..region].iter().rev().find(|label| **label != "dualstack")?;
    let service = service.strip_suffix("-fips").unwrap_or(service);
    (!service.is_empty()).then(|| (service.to_owned(), labels[region].to_owned()))
}

/// `^[a-z]{2}-([a-z]+-)+[0-9]+$`
fn is_region(label: &str) -> bool {
    let parts: Vec<&str> = label.split('-').collect();
    let [area, middle @ .., number] = parts.as_slice() else { return false };
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    area.len() == 2
        && letters(area)
        && !middle.is_empty()
        && middle.iter().all(|part| letters(part))
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Signs a request in place and names the headers that were set. On an error the request is as it was.
///
/// # Errors
/// [`SignError`]; its text holds no secret.
pub fn sign(request: &mut Unsent<'_>, scope: &SigningScope<'_>, secret: &Secret) -> Result<Vec<HeaderName>, SignError> {
    let stamp = stamp(request.now).ok_or(SignError::Clock)?;
    let payload = hex(&Sha256::digest(request.body));
    let mut signed = request.headers.clone();
    signed.remove(AUTHORIZATION);
    signed.insert(DATE, HeaderValue::from_str(&stamp)?);
    signed.insert(CONTENT, HeaderValue::from_str(&payload)?);
    let names = signed_headers(&signed);
    let canonical = canonical_request(request.method, request.target, &signed, &payload);
    let signature = hex(&signature(secret, scope, &stamp, &canonical));
    let within = within(scope, &stamp);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{within}, SignedHeaders={names}, Signature={signature}",
        scope.access_key_id
    );
    signed.insert(AUTHORIZATION, HeaderValue::from_str(&authorization)?);
    *request.headers = signed;
    Ok(vec![AUTHORIZATION, DATE, CONTENT])
}

/// §7.4 step 5. Bytes, because header values need not be UTF-8.
pub fn canonical_request(method: &Method, target: &Target, headers: &HeaderMap, payload: &str) -> Vec<u8> {
    let mut request = Vec::new();
    let (path, query) = target.path_and_query().split_once('?').unwrap_or((target.path_and_query(), ""));
    for part in [method.as_str(), &canonical_path(path), &canonical_query(query)] {
        request.extend_from_slice(part.as_bytes());
        request.push(b'\n');
    }
    let host = target.host_and_port().as_bytes();
    for name in sorted_names(headers) {
        request.extend_from_slice(name.as_bytes());
        request.push(b':');
        let values = headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
        let values: Vec<Vec<u8>> = if name == "host" { vec![collapsed(host)] } else { values.map(collapsed).collect() };
        request.extend_from_slice(&values.join(&b','));
        request.push(b'\n');
    }
    request.push(b'\n');
    request.extend_from_slice(signed_headers(headers).as_bytes());
    request.push(b'\n');
    request.extend_from_slice(payload.as_bytes());
    request
}

/// §7.4 step 6, second half of step 5: what the key signs.
pub fn string_to_sign(scope: &SigningScope<'_>, stamp: &str, request: &[u8]) -> String {
    format!("AWS4-HMAC-SHA256\n{stamp}\n{}\n{}", within(scope, stamp), hex(&Sha256::digest(request)))
}

fn within(scope: &SigningScope<'_>, stamp: &str) -> String {
    format!("{}/{}/{}/aws4_request", &stamp[..8], scope.region, scope.service)
}

fn signature(secret: &Secret, scope: &SigningScope<'_>, stamp: &str, request: &[u8]) -> [u8; 32] {
    let mut key = Zeroizing::new(Vec::with_capacity(4 + secret.expose().len()));
    key.extend_from_slice(b"AWS4");
    key.extend_from_slice(secret.expose());
    let day = Zeroizing::new(authenticate(&key, &stamp.as_bytes()[..8]));
    let region = Zeroizing::new(authenticate(&*day, scope.region.as_bytes()));
    let service = Zeroizing::new(authenticate(&*region, scope.service.as_bytes()));
    let signing = Zeroizing::new(authenticate(&*service, b"aws4_request"));
    authenticate(&*signing, string_to_sign(scope, stamp, request).as_bytes())
}

fn authenticate(key: &[u8], message: &[u8]) -> [u8; 32] {
    #[expect(clippy::unwrap_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Split at `/`, each segment decoded and encoded once.
fn canonical_path(path: &str) -> String {
    let path: Vec<String> = path.split('/').map(|segment| encoded(&decoded(segment))).collect();
    let path = path.join("/");
    if path.is_empty() { "/".to_owned() } else { path }
}

/// Split at `&` and the first `=`, decoded (a `+` stays one), encoded, sorted, always `name=value`.
fn canonical_query(query: &str) -> String {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (encoded(&decoded(name)), encoded(&decoded(value)))
    };
    let mut pairs: Vec<(String, String)> = query.split('&').filter(|part| !part.is_empty()).map(pair).collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Percent escapes become bytes; a `%` that starts none stays.
fn decoded(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    loop {
        let escape = match rest {
            [b'%', high, low, ..] => digit(*high).zip(digit(*low)),
            [] => return bytes,
            _ => None,
        };
        let (byte, length) = escape.map_or((rest[0], 1), |(high, low)| (high << 4 | low, 3));
        bytes.push(byte);
        rest = &rest[length..];
    }
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            text.extend(['%', upper(byte >> 4), upper(byte & 15)]);
        }
    }
    text
}

fn upper(digit: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(digit)])
}

/// Trimmed, runs of spaces as one.
fn collapsed(value: &[u8]) -> Vec<u8> {
    let mut text = value.trim_ascii().to_vec();
    text.dedup_by(|next, before| *next == b' ' && *before == b' ');
    text
}

/// Names in order, `host` among them whether or not the map has it: the client sends it.
fn sorted_names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).filter(|name| *name != "host").collect();
    names.push("host");
    names.sort_unstable();
    names
}

fn signed_headers(headers: &HeaderMap) -> String {
    sorted_names(headers).join(";")
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [upper(byte >> 4), upper(byte & 15)]);
    digits.map(|digit| digit.to_ascii_lowercase()).collect()
}

/// `YYYYMMDDTHHMMSSZ`, UTC.
fn stamp(at: SystemTime) -> Option<String> {
    let since = at.duration_since(UNIX_EPOCH).ok()?;
    let at = date(1970, 1, 1).at(0, 0, 0, 0).checked_add(since).ok()?;
    Some(at.strftime("%Y%m%dT%H%M%SZ").to_string())
}
