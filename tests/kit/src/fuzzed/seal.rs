//! Bytes that a program sends to the sealing proxy: the head of a request to it, and of one within a tunnel. sealing.md §3, §4,
//! §5.

use std::net::IpAddr;
use std::sync::LazyLock;

use aileron_cli::runtime::seal::head::{destination, sealed};
use aileron_cli::secret::Secret;
use aileron_sandbox::grant::address::is_public;
use aileron_verifier::problem::Source;
use aileron_verifier::unit::{BindingEntry, read_bindings};
use hyper::http::request::Parts;
use hyper::http::{HeaderName, HeaderValue, Method, Request, Uri};

/// The credential that is put in: it is looked for in what comes out.
const CREDENTIAL: &str = "gho_fuzzed-credential-0123456789";

/// An entry for each scheme, all for one host.
static ENTRIES: LazyLock<Vec<BindingEntry>> = LazyLock::new(|| {
    let entry = |more: &str| {
        let text = format!("version: v1\nbindings:\n  - {{host: api.example.com, credential_ref: user/x, {more}}}\n");
        read_bindings(&Source::new("bindings.yaml", text)).expect("a binding document").remove(0)
    };
    vec![
        entry("scheme: bearer"),
        entry("scheme: bearer, emit_mechanism: sentinel-swap, sentinel: {value: SENTINEL, env: X}"),
        entry("scheme: basic, username: x"),
        entry("scheme: header-template, header: X-Api-Key, template: 'key={token};again={token}'"),
        entry("scheme: query-param, query_param: key"),
        entry(
            "scheme: query-param, query_param: key, emit_mechanism: sentinel-swap, sentinel: {value: SENTINEL, env: X}",
        ),
    ]
});

/// Bytes that claim to be a request's head: a first line, then header lines.
///
/// # Panics
/// Where a request would go to an address or a port that is refused, where the credential would be anywhere but in its one
/// place, or where what belongs to the client's connection is passed on.
pub fn head(bytes: &[u8]) {
    // A fuzzer that sees what is compared writes the credential itself.
    if holds_credential(bytes) {
        return;
    }
    let Some(parts) = read(bytes) else { return };
    if let Ok((host, port, is_tunnel)) = destination(&parts) {
        assert_eq!(is_tunnel, parts.method == Method::CONNECT);
        assert!(!is_tunnel || port == 443, "{host}:{port}");
        assert!(
            !host.is_empty() && !host.contains('@') && !host.bytes().any(|byte| byte.is_ascii_uppercase()),
            "{host}"
        );
        assert!(host.parse::<IpAddr>().is_ok_and(is_public) || host.parse::<IpAddr>().is_err(), "{host}");
    }
    let credential = Secret::from(CREDENTIAL.to_owned());
    for entry in ENTRIES.iter() {
        match sealed(clone(&parts), "api.example.com", entry, &credential) {
            Ok((sent, is_injected)) => passed_on(&parts, &sent, is_injected, entry),
            Err(status) => assert!([400, 403, 500].contains(&status), "{status}"),
        }
    }
}

/// What must hold of a head that a server gets.
fn passed_on(came: &Parts, sent: &Parts, is_injected: bool, entry: &BindingEntry) {
    let hosts: Vec<&HeaderValue> = sent.headers.get_all("host").iter().collect();
    assert_eq!(hosts, ["api.example.com"]);
    assert!(sent.uri.authority().is_none() && sent.uri.scheme().is_none(), "{}", sent.uri);
    assert_ne!(sent.method, Method::CONNECT);
    for name in sent.headers.keys() {
        let name = name.as_str();
        let is_of_connection = matches!(
            name,
            "keep-alive"
                | "proxy-authenticate"
                | "proxy-authorization"
                | "proxy-connection"
                | "te"
                | "trailer"
                | "transfer-encoding"
        );
        assert!(!is_of_connection && !name.starts_with("x-aileron-"), "{name}");
    }
    let upgrade = sent.headers.get("upgrade").map(HeaderValue::as_bytes);
    assert!(matches!(upgrade, None | Some(b"websocket")), "{upgrade:?}");
    let target = sent.uri.to_string();
    let held_by: Vec<&str> = sent
        .headers
        .iter()
        .filter(|(_, value)| holds_credential(value.as_bytes()))
        .map(|(name, _)| name.as_str())
        .collect();
    let expected: (&[&str], bool) = match (is_injected, entry.scheme.as_str()) {
        (false, _) => (&[], false),
        (true, "bearer") => (&["authorization"], false),
        (true, "basic") => (&[], false), // encoded
        (true, "header-template") => (&["x-api-key"], false),
        (true, _) => (&[], true),
    };
    assert_eq!((held_by.as_slice(), holds_credential(target.as_bytes())), expected, "{target}");
    if is_injected && entry.scheme.as_str() != "query-param" {
        let name = if entry.scheme.as_str() == "header-template" { "x-api-key" } else { "authorization" };
        assert_eq!(sent.headers.get_all(name).iter().count(), 1);
    }
    // The rest of the target is left alone.
    let path = came.uri.path();
    assert!(path.is_empty() || sent.uri.path() == path, "{path} {}", sent.uri.path());
    if !is_injected || entry.scheme.as_str() != "query-param" {
        assert_eq!(sent.uri.query(), came.uri.query());
    }
}

fn holds_credential(bytes: &[u8]) -> bool {
    bytes.windows(CREDENTIAL.len()).any(|window| window == CREDENTIAL.as_bytes())
}

/// As hyper has it: a line that is no header is no head.
fn read(bytes: &[u8]) -> Option<Parts> {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut first = lines.next()?.split(|byte| *byte == b' ');
    let method = Method::from_bytes(first.next()?).ok()?;
    let uri = Uri::try_from(first.next()?).ok()?;
    let mut request = Request::new(());
    (*request.method_mut(), *request.uri_mut()) = (method, uri);
    for line in lines.take_while(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        request.headers_mut().append(name, value);
    }
    Some(request.into_parts().0)
}

fn clone(parts: &Parts) -> Parts {
    let mut request = Request::new(());
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = parts.uri.clone();
    *request.headers_mut() = parts.headers.clone();
    request.into_parts().0
}
