//! What a sealing proxy does with one request to a bound host. sealing.md §4.
//!
//! [`decide`] looks at the carrier: the place the entry's scheme writes to. [`Injection`] says what is written there. The
//! credential passes through as bytes into a buffer of the caller, who allocates it at its final size
//! ([`Injection::room`]) and wipes it: nothing of it stays in here.

mod query;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::document::{Mechanism, Scheme};
use super::projection::BindingEntry;

/// Where an entry's scheme writes to. sealing.md §4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier<'e> {
    /// A header, `Authorization` or the one that is named; letter case does not count.
    Header(&'e str),
    /// A parameter of the query.
    Query(&'e str),
}

/// What is done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What the carrier holds is removed, and the credential is put there.
    Inject,
    /// A credential of somebody else: forwarded unchanged, nothing is injected.
    Forward,
    /// Not forwarded.
    Refuse(Refusal),
}

/// Why a request is not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Two carriers of one kind: which of them counts is the server's guess. Status 400.
    TwoCarriers,
    /// The entry's scheme cannot be injected here: `sigv4-resign`. Status 500.
    UnsupportedScheme,
}

impl Refusal {
    /// The HTTP status it is answered with.
    pub fn status(self) -> u16 {
        match self {
            Refusal::TwoCarriers => 400,
            Refusal::UnsupportedScheme => 500,
        }
    }

    /// What the event log calls it: `reject_reason` of sealing.md §7.
    pub fn reason(self) -> &'static str {
        match self {
            Refusal::TwoCarriers => "two_credential_carriers",
            Refusal::UnsupportedScheme => "unsupported_scheme",
        }
    }
}

/// The carrier of an entry; none for `sigv4-resign`, which no proxy of this project signs.
pub fn carrier(entry: &BindingEntry) -> Option<Carrier<'_>> {
    match entry.scheme {
        Scheme::Bearer | Scheme::Basic => Some(Carrier::Header("authorization")),
        Scheme::HeaderTemplate => Some(Carrier::Header(&entry.header)),
        Scheme::QueryParam => Some(Carrier::Query(&entry.query_param)),
        Scheme::Sigv4Resign => None,
    }
}

/// The decision table of sealing.md §4. `headers` are all of the request, in any order; `query` is what stands behind its
/// `?`, if there is one.
pub fn decide<'r>(
    entry: &BindingEntry,
    headers: impl IntoIterator<Item = (&'r str, &'r [u8])>,
    query: Option<&'r str>,
) -> Outcome {
    let Some(carrier) = carrier(entry) else { return Outcome::Refuse(Refusal::UnsupportedScheme) };
    let found: Vec<Vec<u8>> = match carrier {
        Carrier::Header(wanted) => {
            let ours = headers.into_iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
            ours.map(|(_, value)| value.to_vec()).take(2).collect()
        }
        Carrier::Query(wanted) => query::values(query.unwrap_or_default(), wanted).take(2).collect(),
    };
    match (entry.mechanism(), found.as_slice(), &entry.sentinel) {
        (_, [_, _, ..], _) => Outcome::Refuse(Refusal::TwoCarriers),
        (Mechanism::Inject, _, _) | (_, [], _) => Outcome::Inject,
        (Mechanism::SentinelSwap, [value], _) if trimmed(value).is_empty() => Outcome::Inject,
        (Mechanism::SentinelSwap, [value], Some(sentinel))
            if holds_sentinel(trimmed(value), carrier, sentinel.value.as_bytes()) =>
        {
            Outcome::Inject
        }
        (Mechanism::SentinelSwap, _, _) => Outcome::Forward,
    }
}

/// Exactly the sentinel, or what a tool makes of it in a header: `Bearer …`, `token …`, the password of `Basic …`.
fn holds_sentinel(value: &[u8], carrier: Carrier<'_>, sentinel: &[u8]) -> bool {
    if sentinel.is_empty() {
        return false;
    }
    let after = |prefix: &str| {
        let (scheme, rest) = value.split_at_checked(prefix.len())?;
        scheme.eq_ignore_ascii_case(prefix.as_bytes()).then_some(rest)
    };
    let password = |encoded: &[u8]| {
        let pair = STANDARD.decode(encoded).or_else(|_| STANDARD_NO_PAD.decode(encoded)).ok()?;
        let colon = pair.iter().position(|byte| *byte == b':')?;
        Some(pair[colon + 1..].to_vec())
    };
    value == sentinel
        || matches!(carrier, Carrier::Header(_))
            && (after("Bearer ") == Some(sentinel)
                || after("token ") == Some(sentinel)
                || after("Basic ").and_then(password).as_deref() == Some(sentinel))
}

fn trimmed(value: &[u8]) -> &[u8] {
    value.trim_ascii()
}

/// A value that may not stand in a request: it has a line end, a NUL or another control character in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the credential cannot be sent: it, or the entry's template, has control characters in it")]
pub struct NotSendable;

/// What is put into a request: a header, or its query.
#[derive(Clone, Copy, Debug)]
pub enum Injection<'e> {
    /// A header of that name, with this value; every other one of that name goes.
    Header {
        /// The header's name, as the entry writes it.
        name: &'e str,
        /// How its value is made.
        value: HeaderForm<'e>,
    },
    /// The query with that one parameter replaced or appended; its other bytes stay.
    Query {
        /// The parameter's name.
        name: &'e str,
        /// The query as it came, without `?`; empty where there is none.
        query: &'e str,
    },
}

/// How a header's value is made of a credential.
#[derive(Clone, Copy, Debug)]
pub enum HeaderForm<'e> {
    /// Every `{token}` replaced.
    Template(&'e str),
    /// `Basic` and base64 of user name, colon, credential.
    Basic {
        /// The user name.
        username: &'e str,
    },
}

/// The slot in a template.
const SLOT: &str = "{token}";

impl<'e> Injection<'e> {
    /// What an entry puts into a request with this query. None for `sigv4-resign`. cli-unit.md §6.5.
    pub fn of(entry: &'e BindingEntry, query: Option<&'e str>) -> Option<Injection<'e>> {
        let header = |name, value| Some(Injection::Header { name, value });
        match entry.scheme {
            Scheme::Bearer => header("Authorization", HeaderForm::Template("Bearer {token}")),
            Scheme::Basic => header("Authorization", HeaderForm::Basic { username: &entry.username }),
            Scheme::HeaderTemplate => header(&entry.header, HeaderForm::Template(&entry.template)),
            Scheme::QueryParam => Some(Injection::Query { name: &entry.query_param, query: query.unwrap_or_default() }),
            Scheme::Sigv4Resign => None,
        }
    }

    /// Most bytes [`Injection::write`] adds: allocate them first, so that no growing buffer leaves a part of the credential
    /// behind.
    pub fn room(&self, token: &[u8]) -> usize {
        match self {
            Injection::Header { value: HeaderForm::Template(template), .. } => {
                template.len() + template.matches(SLOT).count() * token.len()
            }
            Injection::Header { value: HeaderForm::Basic { username }, .. } => {
                "Basic ".len() + (username.len() + 1 + token.len()).div_ceil(3) * 4
            }
            Injection::Query { name, query } => query.len() + 2 + 3 * (name.len() + token.len()),
        }
    }

    /// Appends the header's value, or the whole new query, to a buffer of the caller.
    ///
    /// # Errors
    /// [`NotSendable`]; then nothing was appended.
    pub fn write(&self, token: &[u8], out: &mut Vec<u8>) -> Result<(), NotSendable> {
        let fixed = match self {
            Injection::Header { value: HeaderForm::Template(text) | HeaderForm::Basic { username: text }, .. } => text,
            Injection::Query { .. } => "",
        };
        let is_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
        if token.iter().chain(fixed.as_bytes()).any(is_control) {
            return Err(NotSendable);
        }
        match self {
            Injection::Header { value: HeaderForm::Template(template), .. } => {
                for (index, part) in template.split(SLOT).enumerate() {
                    if index > 0 {
                        out.extend_from_slice(token);
                    }
                    out.extend_from_slice(part.as_bytes());
                }
            }
            Injection::Header { value: HeaderForm::Basic { username }, .. } => {
                out.extend_from_slice(b"Basic ");
                encode(username.as_bytes().iter().chain(b":").chain(token).copied(), out);
            }
            Injection::Query { name, query } => query::replaced(query, name, token, out),
        }
        Ok(())
    }
}

/// Base64, three bytes at a time, so that the joined text never exists.
fn encode(mut bytes: impl Iterator<Item = u8>, out: &mut Vec<u8>) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while let Some(first) = bytes.next() {
        let (second, third) = (bytes.next(), bytes.next());
        let group = u32::from(first) << 16 | u32::from(second.unwrap_or(0)) << 8 | u32::from(third.unwrap_or(0));
        let digit = |shift: u32| ALPHABET[(group >> shift & 63) as usize];
        out.extend([digit(18), digit(12), second.map_or(b'=', |_| digit(6)), third.map_or(b'=', |_| digit(0))]);
    }
}
