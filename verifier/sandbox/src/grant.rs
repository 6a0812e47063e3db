//! May this URL be dialled? sandbox.md §6.2, §6.3, 15a.
//!
//! A URL is parsed once, here, and the parsed value is what is compared and what is dialled: two parsers that disagree
//! about a backslash or an `@` are how a request ends up somewhere else. Whatever readers of URLs disagree about is
//! refused before the parser sees it. Pure: what a name resolves to is judged by [`address`], at the dial.

pub mod address;
#[cfg(test)]
mod tests;
mod written;

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::Value;
use url::{Host, Position, Url};

use crate::failure::Failure;
use aileron_verifier::problem::Class;

/// Characters of a guest's URL that evidence repeats at most.
const SHOWN: usize = 1000;

/// A URL that can be dialled: http or https, a host that reads the same to everyone, a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// For the scheme, the authority and the base of redirects; its path is another spelling of the guest's.
    url: Url,
    host: Host,
    port: u16,
    /// Path and query as they are sent.
    path_and_query: String,
}

impl Target {
    /// Reads an absolute URL as a guest wrote it.
    ///
    /// # Errors
    /// `capability_denied`: `invalid URL`, `scheme not permitted` or `missing host`, with the URL in `requested`. §6.2.
    pub fn parse(raw: &str) -> Result<Target, Failure> {
        let invalid = |reason: &str| denied(raw, "invalid URL").with("reason", reason);
        if raw.contains(|character: char| character.is_ascii_control()) {
            return Err(invalid("a control character"));
        }
        let (scheme, rest) = match raw.find([':', '/', '?', '#']) {
            Some(0) if raw.starts_with(':') => return Err(invalid("no scheme before the colon")),
            Some(end) if raw[end..].starts_with(':') => (&raw[..end], &raw[end + 1..]),
            _ => ("", raw),
        };
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err(denied(raw, "scheme not permitted").with("scheme", scheme));
        }
        let Some(rest) = rest.strip_prefix("//") else {
            return Err(denied(raw, "missing host"));
        };
        let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        for (sign, reason) in
            [('@', "user-info before the host"), ('%', "a percent-encoded host"), ('\\', "a backslash before the path")]
        {
            if authority.contains(sign) {
                return Err(invalid(reason));
            }
        }
        if authority.is_empty() || authority.starts_with(':') {
            return Err(denied(raw, "missing host"));
        }
        let url = Url::parse(raw).map_err(|error| invalid(&error.to_string()))?;
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(denied(raw, "missing host"));
        };
        let host = host.to_owned();
        if let Host::Ipv4(address) = host
            && authority.split(':').next() != Some(&address.to_string())
        {
            return Err(invalid("an IPv4 address that is not written as four decimal numbers"));
        }
        if scheme == "http" && port == 443 {
            // A grant for port 443 means TLS, not the same port in the clear.
            return Err(denied(raw, "scheme not permitted").with("scheme", scheme));
        }
        let path_and_query = written::path_and_query(&rest[authority.len()..])
            .map_err(|escape| invalid(&format!("invalid URL escape {:?}", String::from_utf8_lossy(&escape))))?;
        Ok(Target { host, port, url, path_and_query })
    }

    /// Where a redirect points, read as strictly as a guest's own URL.
    ///
    /// # Errors
    /// As [`Target::parse`].
    pub fn join(&self, location: &str) -> Result<Target, Failure> {
        let head = &location[..location.find(['/', '\\', '?', '#']).unwrap_or(location.len())];
        // A reference is resolved: unlike in a guest's own URL, its dot segments go.
        let resolved = |target: Target| Target::parse(target.url.as_str());
        if head.contains(':') {
            return Target::parse(location).and_then(resolved);
        }
        if location.starts_with("//") {
            return Target::parse(&format!("{}:{location}", self.url.scheme())).and_then(resolved);
        }
        let reason = if location.contains(|character: char| character.is_ascii_control()) {
            "a control character"
        } else if location.starts_with('\\') || location.starts_with("/\\") {
            "a backslash before the path"
        } else {
            return match self.url.join(location) {
                Ok(url) => Target::parse(url.as_str()),
                Err(error) => Err(denied(location, "invalid URL").with("reason", error.to_string())),
            };
        };
        Err(denied(location, "invalid URL").with("reason", reason))
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// What stands for the authority in the request: the host as it is dialled, the port where it is not the scheme's.
    pub fn host_and_port(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }

    /// Path and query of the request line: as the guest wrote them, with an escape for each byte that has no place there.
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// The URL that is dialled.
    pub fn text(&self) -> String {
        format!("{}://{}{}", self.scheme(), self.host_and_port(), self.path_and_query)
    }

    /// Its host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// `host:port`, the port always written.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Same scheme, host and port: what a credential was meant for.
    pub fn is_same_origin(&self, other: &Target) -> bool {
        self.url.scheme() == other.url.scheme() && self.host == other.host && self.port == other.port
    }

    /// Whether the host says by itself that it is this machine: a loopback literal or `localhost`.
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        }
    }

    /// Whether a credential may travel there: https, or http to this machine. 15a.
    pub fn is_confidential(&self) -> bool {
        self.url.scheme() == "https" || self.is_loopback()
    }
}

/// The `host:port` entries of a manifest, or the fewer ones an action narrows them to.
#[derive(Clone, Debug, Default)]
pub struct Grant {
    entries: Vec<(Host, u16)>,
    /// Every entry as it is shown, those that can never match included.
    shown: Vec<String>,
}

impl Grant {
    /// Reads entries, lower-casing them. One that does not split into host and port can never match. §6.2.
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Grant {
        let shown: Vec<String> = entries.into_iter().map(str::to_ascii_lowercase).collect();
        Grant { entries: shown.iter().filter_map(|text| entry(text)).collect(), shown }
    }

    /// Whether nothing is listed.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// The connector's own grant: §6.2. No entries grant nothing.
    ///
    /// # Errors
    /// `capability_denied` with what was asked for and what is granted.
    pub fn admit(&self, target: &Target) -> Result<(), Failure> {
        if self.contains(target) {
            return Ok(());
        }
        Err(Failure::new(Class::CapabilityDenied, "host:port not in declared grant")
            .with("requested", named(&target.authority()))
            .with("granted", self.listed()))
    }

    /// The action's narrower list: §6.3. No entries narrow nothing.
    ///
    /// # Errors
    /// `capability_denied` with what was asked for and what the action lists.
    pub fn narrow(&self, target: &Target) -> Result<(), Failure> {
        if self.is_empty() || self.contains(target) {
            return Ok(());
        }
        Err(Failure::new(Class::CapabilityDenied, "host:port not in action's declared capability subset")
            .with("requested", named(&target.authority()))
            .with("action_subset", self.listed())
            .with("boundary_detail", "action"))
    }

    fn contains(&self, target: &Target) -> bool {
        self.entries.iter().any(|(host, port)| *host == target.host && *port == target.port)
    }

    fn listed(&self) -> Vec<Value> {
        self.shown.iter().map(|entry| named(entry).into()).collect()
    }
}

fn named(authority: &str) -> String {
    format!("network:{authority}")
}

fn entry(text: &str) -> Option<(Host, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let host = match host.strip_prefix('[') {
        Some(address) => Host::Ipv6(address.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?),
        None => match host.parse::<Ipv4Addr>() {
            Ok(address) => Host::Ipv4(address),
            Err(_) => Host::Domain(host.to_owned()),
        },
    };
    Some((host, port))
}

fn denied(raw: &str, message: &str) -> Failure {
    let shown: String = raw.chars().take(SHOWN).collect();
    Failure::new(Class::CapabilityDenied, message).with("requested", shown)
}
