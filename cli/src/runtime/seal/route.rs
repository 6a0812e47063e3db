//! What a client asks of the proxy, before anything is dialled; and every reason why it does not get it. Pure. sealing.md §2, §3.

use std::net::IpAddr;

use aileron_sandbox::grant::address::is_public;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{HOST, HeaderMap, PROXY_AUTHORIZATION};
use http::uri::{Authority, Scheme};
use http::{Method, StatusCode, Uri};

use aileron_verifier::unit::seal;
use zeroize::Zeroizing;

/// The one port that is tunnelled to.
pub(super) const HTTPS: u16 = 443;

/// A host and a port, as a client names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// In lower case, without the dot at the end of a full name, an IPv6 address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// Where the host is an address and not a name.
    pub(super) address: Option<IpAddr>,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `CONNECT host:443`.
    Tunnel(Target),
    /// A whole `http://` URL.
    Plain(Target),
}

/// Why a request is not passed on. Each has a status, a reason in the log, and a line for who reads the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It does not show this run's token.
    Token,
    /// It is no request for a proxy.
    NotForAProxy,
    /// Another port than 443.
    Port,
    /// An address of this machine or network, written as such.
    PrivateAddress,
    /// A name that leads to one.
    NotPublic { host: String, address: IpAddr },
    /// Plain http to a host that has a credential.
    PlainHttp,
    /// The `Host` of a request in a tunnel names another host.
    OtherHost,
    /// What the decision of sealing.md §4 refuses.
    Decision(seal::Refusal),
    /// No credential can be had, or it may not stand in a request.
    Credential,
    /// The server cannot be reached, or not believed. What the log does not have: why.
    Upstream(String),
    /// The client did not go on with TLS: mostly it does not believe this run's authority.
    ClientTls,
}

impl Refusal {
    /// The status of the answer.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Refusal::Token => StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            Refusal::NotForAProxy | Refusal::Port | Refusal::OtherHost | Refusal::ClientTls => StatusCode::BAD_REQUEST,
            Refusal::PrivateAddress | Refusal::NotPublic { .. } | Refusal::PlainHttp => StatusCode::FORBIDDEN,
            Refusal::Decision(refusal) => {
                StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Refusal::Credential => StatusCode::INTERNAL_SERVER_ERROR,
            Refusal::Upstream(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// `reject_reason` of the log. sealing.md §7.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Refusal::Token => "proxy_authorization",
            Refusal::NotForAProxy => "not_a_proxy_request",
            Refusal::Port => "port_not_allowed",
            Refusal::PrivateAddress | Refusal::NotPublic { .. } => "passthrough_target_not_allowed",
            Refusal::PlainHttp => "credential_over_http",
            Refusal::OtherHost => "host_mismatch",
            Refusal::Decision(refusal) => refusal.reason(),
            Refusal::Credential => "credential_unavailable",
            Refusal::Upstream(_) => "upstream_unreachable",
            Refusal::ClientTls => "client_tls_failed",
        }
    }

    /// The body of the answer. That of [`Refusal::Credential`] is pinned. sealing.md §4.
    pub(super) fn body(&self) -> String {
        match self {
            Refusal::Token => "this proxy belongs to another program: its token is missing or wrong\n".to_owned(),
            Refusal::NotForAProxy => "this is a proxy: CONNECT HOST:443, or a whole http:// URL\n".to_owned(),
            Refusal::Port => "only port 443 is tunnelled to\n".to_owned(),
            Refusal::PrivateAddress => {
                "this address is not public; a program that may reach it directly does so with NO_PROXY\n".to_owned()
            }
            Refusal::NotPublic { host, address } => {
                format!("{host} resolves to {address}, which is not public; --allow-private {host} admits it\n")
            }
            Refusal::PlainHttp => {
                "this host has a credential, which is never sent over plain http: use https\n".to_owned()
            }
            Refusal::OtherHost => "Host names another host than CONNECT did\n".to_owned(),
            Refusal::Decision(seal::Refusal::TwoCarriers) => "two credentials of one kind in one request\n".to_owned(),
            Refusal::Decision(seal::Refusal::UnsupportedScheme) => {
                "the entry for this host wants its requests signed, which is not done here\n".to_owned()
            }
            Refusal::Credential => "sandbox proxy host-binding credential is unavailable".to_owned(),
            Refusal::Upstream(why) => format!("{why}\n"),
            Refusal::ClientTls => String::new(),
        }
    }
}

/// Reads a request's first line.
pub(super) fn route(method: &Method, uri: &Uri) -> Result<Route, Refusal> {
    let authority = uri.authority().ok_or(Refusal::NotForAProxy)?;
    if method == Method::CONNECT {
        let target = Target::read(authority, None)?;
        return if target.port == HTTPS { Ok(Route::Tunnel(target)) } else { Err(Refusal::Port) };
    }
    if uri.scheme() != Some(&Scheme::HTTP) {
        return Err(Refusal::NotForAProxy);
    }
    Target::read(authority, Some(80)).map(Route::Plain)
}

impl Target {
    fn read(authority: &Authority, default: Option<u16>) -> Result<Target, Refusal> {
        if authority.as_str().contains('@') {
            return Err(Refusal::NotForAProxy);
        }
        let port = match authority.port() {
            Some(port) => port.as_str().parse().map_err(|_| Refusal::Port)?,
            None => default.ok_or(Refusal::Port)?,
        };
        let host = host_of(authority.host());
        if host.is_empty() {
            return Err(Refusal::NotForAProxy);
        }
        let address: Option<IpAddr> = host.parse().ok();
        match address {
            Some(address) if !is_public(address) => Err(Refusal::PrivateAddress),
            _ => Ok(Target { host, port, address }),
        }
    }

    /// What a request's `Host` says: without the port that its scheme has anyway.
    pub(super) fn authority(&self, default: u16) -> String {
        let host = match self.address {
            Some(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.host.clone(),
        };
        if self.port == default { host } else { format!("{host}:{}", self.port) }
    }
}

/// A host as hosts are compared.
fn host_of(text: &str) -> String {
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase()
}

/// Whether a request within a tunnel is for the host that the tunnel is for: by its one `Host`, and by its URL where that
/// names one.
pub(super) fn is_for(target: &Target, uri: &Uri, headers: &HeaderMap) -> bool {
    let names_it = |text: &str| {
        let Ok(authority) = text.parse::<Authority>() else { return false };
        let port = authority.port().is_none_or(|port| port.as_str() == HTTPS.to_string());
        !text.contains('@') && port && host_of(authority.host()) == target.host
    };
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let is_https = uri.scheme().is_none_or(|scheme| *scheme == Scheme::HTTPS);
    host.to_str().is_ok_and(names_it) && is_https && uri.authority().is_none_or(|found| names_it(found.as_str()))
}

/// What a client shows as `Proxy-Authorization: Basic …`: user and password.
pub(super) fn shown(headers: &HeaderMap) -> Option<(String, Zeroizing<Vec<u8>>)> {
    let value = headers.get(PROXY_AUTHORIZATION)?.as_bytes();
    let (scheme, encoded) = value.split_at_checked("Basic ".len())?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return None;
    }
    let pair = Zeroizing::new(BASE64_STANDARD.decode(encoded.trim_ascii()).ok()?);
    let colon = pair.iter().position(|byte| *byte == b':')?;
    let user = std::str::from_utf8(&pair[..colon]).ok()?.to_owned();
    Some((user, Zeroizing::new(pair[colon + 1..].to_vec())))
}

#[cfg(test)]
mod tests;
