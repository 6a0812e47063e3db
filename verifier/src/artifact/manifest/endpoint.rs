//! `host:port` entries and OAuth URLs, by grammar rather than by a URL library: those normalise, and what a manifest
//! says is compared byte for byte with what the sandbox dials (sandbox.md §6).

use std::net::Ipv6Addr;

/// Says why a text is not a usable `host:port`. artifacts.md §2.
pub(super) fn host(text: &str) -> Result<(), &'static str> {
    let Some((name, port)) = text.rsplit_once(':') else {
        return Err("has no port");
    };
    if text.contains("://") {
        return Err("has a scheme");
    }
    if text.contains('/') {
        return Err("has a path");
    }
    if text.contains('*') {
        return Err("has a wildcard");
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("is not lower-case");
    }
    self::port(port)?;
    if let Some(address) = name.strip_prefix('[') {
        let address = address.strip_suffix(']').ok_or("has no port")?;
        return address.parse::<Ipv6Addr>().map(drop).map_err(|_| "is not an IPv6 address");
    }
    if name.contains(':') {
        return Err("needs brackets around an IPv6 address");
    }
    if name.ends_with('.') {
        return Err("ends in a dot before the port");
    }
    if !name.is_ascii() || !is_dns_name(name) {
        return Err("is not a host name");
    }
    Ok(())
}

fn port(text: &str) -> Result<(), &'static str> {
    if text.starts_with('0') || !is_port(text) {
        return Err("needs a port from 1 to 65535, without leading zero");
    }
    Ok(())
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Non-empty labels of letters of any script, digits, `-` and `_`.
fn is_dns_name(name: &str) -> bool {
    let is_of_label = |character: char| character.is_alphanumeric() || character == '-' || character == '_';
    name.split('.').all(|label| !label.is_empty() && label.chars().all(is_of_label))
}

/// Says why a text is not an OAuth URL: `https://…`, or `http://` to this machine. artifacts.md §2.
pub(super) fn oauth_url(text: &str) -> Result<(), &'static str> {
    if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return Err("has white space in it");
    }
    let (secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return Err("does not start with https://"),
    };
    // A backslash ends the authority for some readers of URLs and not for others.
    let authority = &rest[..rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len())];
    if authority.contains('@') {
        return Err("has user-info in it");
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if port.is_some_and(|port| !is_port(port)) {
        return Err("has a port that is not a number from 1 to 65535");
    }
    if !secure {
        let then = rest[authority.len()..].chars().next();
        let is_local = host == "localhost" || host == "127.0.0.1";
        return if is_local && matches!(then, None | Some('/')) { Ok(()) } else { Err("must be https://") };
    }
    let is_v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let has_host = is_v6.map_or_else(
        || is_dns_name(host.strip_suffix('.').unwrap_or(host)),
        |address| address.parse::<Ipv6Addr>().is_ok(),
    );
    if has_host { Ok(()) } else { Err("has no host") }
}
