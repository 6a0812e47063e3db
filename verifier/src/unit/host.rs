//! Host patterns: which of them are legal, and which host they match. cli-unit.md §6.6.

use std::cmp::Reverse;

use crate::text::quote::Quoted;

/// A pattern that matches nothing anybody meant. The texts are pinned. cli-unit.md §6.6.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// `CU044`: `*.` and then no domain of two labels.
    #[error("host binding: invalid wildcard host pattern {}: want *.<domain.tld>", Quoted(.0))]
    Wildcard(String),
    /// `CU045`: a `*` elsewhere.
    #[error("host binding: wildcard only allowed as a single leading label ({})", Quoted(.0))]
    Stray(String),
}

/// The form in which patterns are compared: trimmed and lower-cased.
pub fn normal(host: &str) -> String {
    host.trim().to_lowercase()
}

/// Looks at the place of wildcards, and at nothing else.
///
/// # Errors
/// [`HostError`], which names the pattern in its normal form.
pub fn check(host: &str) -> Result<(), HostError> {
    let host = normal(host);
    match host.strip_prefix("*.") {
        Some(rest) if rest.is_empty() || !rest.contains('.') || rest.contains('*') => Err(HostError::Wildcard(host)),
        None if host.contains('*') => Err(HostError::Stray(host)),
        _ => Ok(()),
    }
}

/// How well a pattern matches a host; more is better. An exact pattern beats every wildcard, and among wildcards the
/// longest suffix wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostMatch {
    /// `*.x.y` matches a subdomain of `x.y`, never `x.y` itself. The length of the suffix.
    Wildcard(usize),
    /// The host itself.
    Exact,
}

/// Whether a pattern matches a bare host name, and how well. Both are taken trimmed and lower-cased.
pub fn matches(pattern: &str, host: &str) -> Option<HostMatch> {
    let (pattern, host) = (normal(pattern), normal(host));
    match pattern.strip_prefix('*').filter(|suffix| suffix.starts_with('.')) {
        Some(suffix) if host.strip_suffix(suffix).is_some_and(|label| !label.is_empty()) => {
            Some(HostMatch::Wildcard(suffix.len()))
        }
        None if !host.is_empty() && pattern == host => Some(HostMatch::Exact),
        _ => None,
    }
}

/// The best of several patterns for a host; the first of equals.
pub fn best<T>(patterns: impl IntoIterator<Item = (HostMatch, T)>) -> Option<T> {
    patterns.into_iter().min_by_key(|(matched, _)| Reverse(*matched)).map(|(_, found)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test] // cli-unit.md §6.6, rules 1 and 2
    fn a_wildcard_is_one_leading_label_over_a_domain() {
        for host in ["*.example.com", " *.Example.COM ", "github.com", "", "  ", "a..b", "github.com:443", "*.a..b"] {
            assert_eq!(check(host), Ok(()), "{host:?}");
        }
        for (host, text) in [
            ("*.com", "host binding: invalid wildcard host pattern \"*.com\": want *.<domain.tld>"),
            (" *.COM", "host binding: invalid wildcard host pattern \"*.com\": want *.<domain.tld>"),
            ("*.", "host binding: invalid wildcard host pattern \"*.\": want *.<domain.tld>"),
            ("*.*.com", "host binding: invalid wildcard host pattern \"*.*.com\": want *.<domain.tld>"),
            ("*", "host binding: wildcard only allowed as a single leading label (\"*\")"),
            ("a.*.com", "host binding: wildcard only allowed as a single leading label (\"a.*.com\")"),
            ("foo*.com", "host binding: wildcard only allowed as a single leading label (\"foo*.com\")"),
        ] {
            assert_eq!(check(host).expect_err(host).to_string(), text);
        }
    }

    #[test] // cli-unit.md §6.6, the matching
    fn exact_beats_wildcard_and_the_longest_suffix_wins() {
        for (pattern, host, expected) in [
            ("github.com", "GitHub.com", Some(HostMatch::Exact)),
            (" API.Example.com ", "api.example.com", Some(HostMatch::Exact)),
            ("*.example.com", "a.example.com", Some(HostMatch::Wildcard(12))),
            ("*.example.com", "a.b.example.com", Some(HostMatch::Wildcard(12))),
            ("*.example.com", "example.com", None),
            ("*.example.com", "badexample.com", None),
            ("*.example.com", ".example.com", None),
            ("example.com", "a.example.com", None),
            ("github.com", "github.com.", None),
            ("github.com:443", "github.com", None),
            ("", "", None),
        ] {
            assert_eq!(matches(pattern, host), expected, "{pattern:?} {host:?}");
        }
        let among = |patterns: &[&'static str], host: &str| {
            best(patterns.iter().filter_map(|pattern| Some((matches(pattern, host)?, *pattern))))
        };
        let patterns = ["*.b.com", "*.a.b.com", "x.a.b.com", "X.a.b.com"];
        assert_eq!(among(&patterns, "x.a.b.com"), Some("x.a.b.com"));
        assert_eq!(among(&patterns, "y.a.b.com"), Some("*.a.b.com"));
        assert_eq!(among(&patterns, "a.b.com"), Some("*.b.com"));
        assert_eq!(among(&patterns, "b.com"), None);
    }
}
