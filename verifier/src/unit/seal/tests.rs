use super::*;
use crate::unit::document::Sentinel;

const SENTINEL: &str = "ghp_AILERONSENTINELAAAA";

fn entry(scheme: Scheme, mechanism: Option<Mechanism>) -> BindingEntry {
    let swap = mechanism == Some(Mechanism::SentinelSwap);
    BindingEntry {
        host: "api.github.com".into(),
        kind: String::new(),
        identity_label: String::new(),
        credential_ref: "user/github".into(),
        scheme,
        emit_mechanism: mechanism,
        sentinel: swap.then(|| Sentinel { value: SENTINEL.into(), env: "GH_TOKEN".into() }),
        username: "x-access-token".into(),
        header: "X-Api-Key".into(),
        template: "Token {token};{token}".into(),
        query_param: "api_key".into(),
        access_key_id: String::new(),
        allowed_hosts: Vec::new(),
        effect: String::new(),
    }
}

fn headers(list: &[(&'static str, String)], entry: &BindingEntry) -> Outcome {
    decide(entry, list.iter().map(|(name, value)| (*name, value.as_bytes())), None)
}

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

#[test] // sealing.md §4, row 1
fn inject_replaces_whatever_is_there() {
    for mechanism in [None, Some(Mechanism::Inject)] {
        let entry = entry(Scheme::Bearer, mechanism);
        for value in ["", "Bearer foreign", SENTINEL, "\u{e9}"] {
            assert_eq!(headers(&[("Authorization", value.into())], &entry), Outcome::Inject, "{value:?}");
        }
        assert_eq!(headers(&[("Accept", "*/*".into())], &entry), Outcome::Inject);
    }
}

#[test] // sealing.md §4, rows 2 to 4
fn a_swap_wants_exactly_the_sentinel_or_nothing() {
    let lower = SENTINEL.to_lowercase();
    let (inject, foreign) = (Outcome::Inject, Outcome::Forward);
    for (value, expected) in [
        (String::new(), inject),
        (" \t".into(), inject),
        (SENTINEL.into(), inject),
        (format!(" {SENTINEL} "), inject),
        (format!("Bearer {SENTINEL}"), inject),
        (format!("bEARER {SENTINEL}"), inject),
        (format!("token {SENTINEL}"), inject),
        (format!("TOKEN {SENTINEL}"), inject),
        (basic(&format!("x-access-token:{SENTINEL}")), inject),
        (basic(&format!(":{SENTINEL}")), inject),
        (basic(&format!("u:{SENTINEL}")).replace("Basic", "bASIC"), inject),
        (basic(&format!("u:{SENTINEL}")).trim_end_matches('=').into(), inject),
        (basic(&format!("{SENTINEL}:")), foreign),
        (basic(SENTINEL), foreign),
        (basic(&format!("u:{SENTINEL}:x")), foreign),
        ("Basic !!!".into(), foreign),
        (lower.clone(), foreign),
        (format!("Bearer {lower}"), foreign),
        (format!("Bearer  {SENTINEL}"), foreign),
        (format!("Bearer {SENTINEL}x"), foreign),
        (format!("x{SENTINEL}"), foreign),
        (format!("Digest {SENTINEL}"), foreign),
        ("Bearer".into(), foreign),
        ("Bearer ghp_real".into(), foreign),
    ] {
        for scheme in [Scheme::Bearer, Scheme::Basic] {
            let entry = entry(scheme, Some(Mechanism::SentinelSwap));
            assert_eq!(headers(&[("authorization", value.clone())], &entry), expected, "{value:?}");
        }
        let entry = entry(Scheme::HeaderTemplate, Some(Mechanism::SentinelSwap));
        assert_eq!(headers(&[("x-api-key", value.clone())], &entry), expected, "{value:?}");
        let elsewhere = headers(&[("Authorization", value.clone())], &entry);
        assert_eq!(elsewhere, inject, "another header is no carrier");
    }
}

#[test] // sealing.md §4, the carrier of query-param
fn a_parameter_of_the_query_carries_it_however_it_is_spelled() {
    let swap = entry(Scheme::QueryParam, Some(Mechanism::SentinelSwap));
    let always = entry(Scheme::QueryParam, None);
    let (inject, foreign) = (Outcome::Inject, Outcome::Forward);
    let two = Outcome::Refuse(Refusal::TwoCarriers);
    for (query, swapped, injected) in [
        (None, inject, inject),
        (Some(String::new()), inject, inject),
        (Some("a=1".into()), inject, inject),
        (Some("api_key".into()), inject, inject),
        (Some("api_key=&a=1".into()), inject, inject),
        (Some(format!("a=1&api_key={SENTINEL}")), inject, inject),
        (Some(format!("api%5Fkey={}", SENTINEL.replace('_', "%5f"))), inject, inject),
        (Some(format!("api_key=Bearer+{SENTINEL}")), foreign, inject),
        (Some("api_key=real".into()), foreign, inject),
        (Some(format!("API_KEY={SENTINEL}")), inject, inject),
        (Some(format!("api_key={SENTINEL}&api_key=x")), two, two),
        (Some("api_key=x&b=2&api%5fkey".into()), two, two),
    ] {
        let query = query.as_deref();
        assert_eq!(decide(&swap, [], query), swapped, "{query:?}");
        assert_eq!(decide(&always, [], query), injected, "{query:?}");
    }
}

#[test] // sealing.md §4, two carriers of one kind
fn two_carriers_are_refused_whatever_they_hold() {
    for mechanism in [None, Some(Mechanism::Inject), Some(Mechanism::SentinelSwap)] {
        let two = [("Authorization", SENTINEL.to_owned()), ("authorization", String::new())];
        let outcome = headers(&two, &entry(Scheme::Bearer, mechanism));
        assert_eq!(outcome, Outcome::Refuse(Refusal::TwoCarriers));
    }
    assert_eq!(Refusal::TwoCarriers.status(), 400);
    let sigv4 = entry(Scheme::Sigv4Resign, None);
    assert_eq!(decide(&sigv4, [], None), Outcome::Refuse(Refusal::UnsupportedScheme));
    assert!(Injection::of(&sigv4, None).is_none());
}

fn written(scheme: Scheme, query: Option<&str>, token: &[u8]) -> Result<(String, String), NotSendable> {
    let entry = entry(scheme, None);
    let injection = Injection::of(&entry, query).expect("a scheme that is injected");
    let mut out = Vec::with_capacity(injection.room(token));
    let room = out.capacity();
    injection.write(token, &mut out)?;
    assert!(out.len() <= injection.room(token) && out.capacity() == room, "the buffer never grows");
    let name = match injection {
        Injection::Header { name, .. } | Injection::Query { name, .. } => name.to_owned(),
    };
    Ok((name, String::from_utf8(out).expect("text")))
}

#[test] // cli-unit.md §6.5
fn each_scheme_writes_its_form() {
    for (scheme, token, name, value) in [
        (Scheme::Bearer, "tok", "Authorization", "Bearer tok"),
        (Scheme::Basic, "tok", "Authorization", "Basic eC1hY2Nlc3MtdG9rZW46dG9r"),
        (Scheme::Basic, "toke", "Authorization", "Basic eC1hY2Nlc3MtdG9rZW46dG9rZQ=="),
        (Scheme::HeaderTemplate, "tok", "X-Api-Key", "Token tok;tok"),
    ] {
        assert_eq!(written(scheme, None, token.as_bytes()), Ok((name.into(), value.into())), "{scheme}");
    }
    for length in 0..40 {
        let token = &b"\x7e\xff\x00 0123456789abcdefghijklmnopqrstuvwxyz/"[3..].repeat(2)[..length];
        let expected = format!("Basic {}", STANDARD.encode([b"x-access-token:", token].concat()));
        assert_eq!(written(Scheme::Basic, None, token).expect("sendable").1, expected);
    }
}

#[test] // sealing.md §4, query-param
fn one_parameter_is_set_and_the_other_bytes_of_the_query_stay() {
    for (query, expected) in [
        (None, "api_key=a%2Fb%2B"),
        (Some(""), "api_key=a%2Fb%2B"),
        (Some("x=%zz&&y"), "x=%zz&&y&api_key=a%2Fb%2B"),
        (Some("api_key=old&x=1"), "api_key=a%2Fb%2B&x=1"),
        (Some("x=1&api%5fkey"), "x=1&api%5fkey=a%2Fb%2B"),
        (Some("x=a=b&api_key=c=d#"), "x=a=b&api_key=a%2Fb%2B"),
    ] {
        assert_eq!(written(Scheme::QueryParam, query, b"a/b+"), Ok(("api_key".into(), expected.into())), "{query:?}");
    }
}

#[test] // sealing.md §4, the last sentence of the injection
fn a_value_with_line_ends_or_nul_is_never_sent() {
    for token in [&b"a\rb"[..], b"a\n", b"\0", b"a\x7f", b"\x1b[0m"] {
        for scheme in [Scheme::Bearer, Scheme::Basic, Scheme::HeaderTemplate, Scheme::QueryParam] {
            assert_eq!(written(scheme, None, token), Err(NotSendable), "{scheme} {token:?}");
        }
    }
    let mut entry = entry(Scheme::HeaderTemplate, None);
    entry.template = "{token}\r\nX-Evil: 1".into();
    let mut out = Vec::new();
    let injection = Injection::of(&entry, None).expect("a header");
    assert_eq!((injection.write(b"tok", &mut out), out.len()), (Err(NotSendable), 0));
}
