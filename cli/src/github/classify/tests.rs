//! Answers as they come, and what they mean.

use std::time::UNIX_EPOCH;

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use serde_json::json;

use super::super::budget::{self, PrimaryWindow, RateUsage};
use super::super::limits::{Limits, RequestKind};
use super::*;

/// Thu, 26 Nov 2026 12:00:00 GMT
const NOW: u64 = 1_795_694_400;

fn at(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(second)
}

fn map(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let header =
        |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    pairs.iter().map(header).collect()
}

#[test]
fn every_answer_has_one_meaning() {
    let now = UNIX_EPOCH + Duration::from_secs(1000);
    let at = |seconds| ApiRefusal::Limited(UNIX_EPOCH + Duration::from_secs(seconds));
    let none = Headers::default();
    let retry = Headers { retry_after: Seconds::retry_after("7", now), ..Headers::default() };
    let empty = Headers { remaining: Some(0), reset: Some(1500), ..Headers::default() };
    let exists = json!({"message": "Validation Failed", "errors": [{"code": "already_exists", "field": "name"}]});
    let target = json!({"message": "Validation Failed", "errors": [{"code": "invalid", "field": "target_commitish"}]});
    let burned = json!({"message": "Validation Failed", "errors":
        [{"code": "custom", "field": "tag_name", "message": "tag_name was used by an immutable release"}]});
    let said_burned = "HTTP 422: Validation Failed: tag_name custom tag_name was used by an immutable release";
    let refused = |text: &str| ApiRefusal::Refused(text.to_owned());
    for (status, headers, body, meaning) in [
        (
            401,
            &none,
            json!({"message": "Bad credentials"}),
            ApiRefusal::BadToken("HTTP 401: Bad credentials".to_owned()),
        ),
        (307, &none, json!({"message": "Temporary Redirect"}), ApiRefusal::Moved(None)),
        (422, &none, burned, ApiRefusal::Burned(said_burned.to_owned())),
        (403, &none, json!({"message": "Resource not accessible"}), refused("HTTP 403: Resource not accessible")),
        (403, &retry, json!({}), at(1007)),
        (429, &retry, json!({}), at(1007)),
        (
            503,
            &retry,
            json!({}),
            ApiRefusal::Unavailable(UNIX_EPOCH + Duration::from_secs(1007), "HTTP 503".to_owned()),
        ),
        (503, &none, json!({}), ApiRefusal::Unreachable("HTTP 503".to_owned())),
        (403, &empty, json!({}), at(1500)),
        (403, &none, json!({"message": "You have exceeded a secondary rate limit."}), at(1060)),
        (429, &none, Value::Null, at(1060)),
        (404, &none, json!({"message": "Not Found"}), ApiRefusal::Absent),
        (422, &none, exists, ApiRefusal::Conflict("HTTP 422: Validation Failed: name already_exists".to_owned())),
        (422, &none, target, refused("HTTP 422: Validation Failed: target_commitish invalid")),
        (502, &none, Value::Null, ApiRefusal::Unreachable("HTTP 502".to_owned())),
    ] {
        assert_eq!(classify(status, headers, body.to_string().as_bytes(), now), Some(meaning), "{status} {body}");
    }
    for status in [200, 201, 204] {
        assert_eq!(classify(status, &retry, b"", now), None, "{status}");
    }
}

#[test]
fn a_reset_is_as_far_away_as_the_server_says_whatever_our_clock_shows() {
    let there = UNIX_EPOCH + Duration::from_secs(10_000);
    let headers = Headers { remaining: Some(0), reset: Some(10_600), date: Some(there), ..Headers::default() };
    for here in [1_000, 10_000, 90_000] {
        let here = UNIX_EPOCH + Duration::from_secs(here);
        let meant = ApiRefusal::Limited(here + Duration::from_secs(600));
        assert_eq!(classify(403, &headers, b"{}", here), Some(meant));
    }
}

const INTEGRATION: &str = r#"{"message": "Resource not accessible by integration",
    "documentation_url": "https://docs.github.com/rest/releases/releases#create-a-release?x=1"}"#;
const SECONDARY: &str = r#"{"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    "documentation_url": "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}"#;
const PAGE: &str = "<html><body>Access denied by corporate proxy</body></html>";

/// One line of the table: status, headers, body, and the cause in words.
type Row = (u16, &'static [(&'static str, &'static str)], &'static str, &'static str);

#[rustfmt::skip]
const CAUSES: [Row; 37] = [
    // The token's rights: final, whatever the headers about limits say.
    (403, &[("x-accepted-github-permissions", "contents=write")], INTEGRATION, "lacks the permission contents=write"),
    (403, &[("x-accepted-github-permissions", "contents=write"), ("retry-after", "60")], INTEGRATION, "lacks the permission contents=write"),
    (403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795694460")], INTEGRATION, "lacks a right to do this, and GitHub does not say which"),
    (403, &[], INTEGRATION, "lacks a right to do this, and GitHub does not say which"),
    (403, &[("x-accepted-github-permissions", "contents=write; contents=write,workflows=write")], r#"{"message": "Resource not accessible by personal access token"}"#,
        "lacks the permission contents=write, or contents=write and workflows=write"),
    (403, &[("x-oauth-scopes", "gist"), ("x-accepted-oauth-scopes", "repo")], r#"{"message": "Must have admin rights to Repository."}"#, "lacks the scope repo"),
    (403, &[("x-oauth-scopes", ""), ("x-accepted-oauth-scopes", "public_repo, repo")], r#"{"message": "Not allowed"}"#, "lacks the scope public_repo or repo"),
    (403, &[("x-oauth-scopes", "repo"), ("x-accepted-oauth-scopes", "repo")], r#"{"message": "Repository was archived so is read-only."}"#, "refused"),
    (403, &[("x-github-sso", "required; url=https://github.com/orgs/acme/sso?authorization_request=AB")], r#"{"message": "Resource protected by organization SAML enforcement."}"#,
        "lacks the single sign-on of the organization, at https://github.com/orgs/acme/sso"),
    (403, &[("x-github-enterprise-version", "3.14.2")], r#"{"message": "Must have push access to repository"}"#, "lacks a right to do this, and GitHub does not say which"),
    (403, &[], r#"{"message": "`acme` forbids access via a personal access token (classic)."}"#, "refused"),
    (403, &[], r#"{"message": "Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled."}"#, "refused"),
    (403, &[("x-accepted-github-permissions", "contents=write")], PAGE, "refused"),
    (403, &[], "", "refused"),
    // Limits: only where the answer says so.
    (403, &[], SECONDARY, "limit 60"),
    (403, &[("retry-after", "17")], SECONDARY, "limit 17"),
    (403, &[("retry-after", "17")], PAGE, "limit 17"),
    (403, &[("retry-after", "Thu, 26 Nov 2026 12:00:09 GMT"), ("date", "Thu, 26 Nov 2026 12:00:00 GMT")], r#"{"message": "Slow down"}"#, "limit 9"),
    (429, &[("retry-after", "Thursday, 26-Nov-26 12:00:09 GMT"), ("date", "Thu, 26 Nov 2026 11:59:59 GMT")], "", "limit 10"),
    (429, &[("retry-after", "Thu Nov 26 12:00:09 2026")], "", "limit 9"),
    (403, &[], r#"{"message": "You have triggered an abuse detection mechanism. Please wait a few minutes before you try again."}"#, "limit 60"),
    (403, &[], r#"{"message": "Forbidden", "documentation_url": "https://developer.github.com/v3/#abuse-rate-limits"}"#, "limit 60"),
    (403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795694990")], r#"{"message": "API rate limit exceeded for installation ID 1."}"#, "limit 590"),
    (403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1"), ("x-oauth-scopes", "gist"), ("x-accepted-oauth-scopes", "repo")],
        r#"{"message": "API rate limit exceeded for user ID 1."}"#, "limit 1"),
    (403, &[("x-ratelimit-remaining", "4999"), ("x-ratelimit-reset", "1795694990")], r#"{"message": "Nope"}"#, "refused"),
    (429, &[], r#"{"message": "Too Many Requests"}"#, "limit 60"),
    (429, &[("retry-after", "0")], "", "limit 1"),
    (429, &[("retry-after", "soon")], "", "limit 60"),
    (429, &[("retry-after", "18446744073709551615")], "", "limit 86400"),
    (429, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "18446744073709551615")], "", "limit 86400"),
    (429, &[("x-ratelimit-remaining", "-1"), ("x-ratelimit-reset", "1e9")], "", "limit 60"),
    // The server.
    (503, &[("retry-after", "4")], PAGE, "unavailable 4"),
    (503, &[("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")], "", "unavailable 86400"),
    (503, &[], PAGE, "unreachable"),
    (500, &[("retry-after", "4")], "", "unreachable"),
    (401, &[("retry-after", "4")], r#"{"message": "Bad credentials"}"#, "token"),
    (401, &[("www-authenticate", "Basic realm=proxy")], PAGE, "token"),
];

#[test]
fn a_refusal_has_the_cause_that_its_headers_and_words_say() {
    let now = at(NOW);
    let seconds = |until: SystemTime| until.duration_since(now).unwrap().as_secs();
    for (status, pairs, body, cause) in CAUSES {
        let found = match classify(status, &Headers::read(&map(pairs), now), body.as_bytes(), now).unwrap() {
            ApiRefusal::Forbidden { lacks, .. } => format!("lacks {lacks}"),
            ApiRefusal::Limited(until) => format!("limit {}", seconds(until)),
            ApiRefusal::Unavailable(until, _) => format!("unavailable {}", seconds(until)),
            ApiRefusal::Refused(_) => "refused".to_owned(),
            ApiRefusal::Unreachable(_) => "unreachable".to_owned(),
            ApiRefusal::BadToken(_) => "token".to_owned(),
            other => format!("{other:?}"),
        };
        assert_eq!(found, cause, "{status} {pairs:?} {body}");
    }
}

#[test]
fn a_refusal_is_said_in_one_line_with_the_page_about_it() {
    let now = at(NOW);
    let said = |status, body: &str| match classify(status, &Headers::default(), body.as_bytes(), now).unwrap() {
        ApiRefusal::Forbidden { why, .. }
        | ApiRefusal::Refused(why)
        | ApiRefusal::BadToken(why)
        | ApiRefusal::Unreachable(why) => why,
        other => panic!("{other:?}"),
    };
    let page = "(see https://docs.github.com/rest/releases/releases";
    assert!(said(403, INTEGRATION).starts_with(&format!("HTTP 403: Resource not accessible by integration {page}")));
    for status in [400, 401, 403, 418] {
        let said = said(status, PAGE);
        assert_eq!(said, format!("HTTP {status}: the body is not JSON; a proxy may have answered in place of GitHub"));
    }
    assert_eq!(said(502, PAGE), "HTTP 502");
    assert_eq!(said(403, ""), "HTTP 403");
    let long =
        json!({"message": "x\n\u{1b}[2J".repeat(10_000), "errors": vec![json!({"message": "y".repeat(1000)}); 1000]});
    let said = said(403, &long.to_string());
    assert!(said.len() < 4000 && !said.contains(['\n', '\u{1b}']), "{} bytes", said.len());
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        Just(json!(u64::MAX)),
        Just(json!(1_u64 << 63)),
        Just(json!("600")),
        Just(Value::Null),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[0-9]{0,30}".prop_map(String::into_bytes),
        "[A-Za-z]{3}, [0-9]{2} [A-Za-z]{3} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT".prop_map(String::into_bytes),
        Just(b"Fri, 31 Dec 9999 23:59:59 GMT".to_vec()),
        Just(b"Thu, 01 Jan 1970 00:00:00 GMT".to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ]
}

const NAMES: [&str; 10] = [
    "retry-after",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "date",
    "location",
    "x-accepted-github-permissions",
    "x-accepted-oauth-scopes",
    "x-oauth-scopes",
    "x-github-sso",
];

proptest! {
    #[test]
    fn no_header_and_no_body_panics_or_asks_for_more_than_a_day(
        status in 100_u16..1000,
        values in prop::collection::vec((0..NAMES.len(), value()), 0..12),
        message in "\\PC{0,60}",
        numbers in prop::collection::vec(number(), 3),
        now in 0..(1_u64 << 37),
    ) {
        let now = at(now);
        let day = now + Duration::from_secs(86_400);
        let pairs = values.iter().filter_map(|(name, value)| {
            Some((HeaderName::from_static(NAMES[*name]), HeaderValue::from_bytes(value).ok()?))
        });
        let headers = Headers::read(&pairs.collect(), now);
        for body in [message.clone().into_bytes(), json!({"message": message, "errors": numbers}).to_string().into_bytes()] {
            let answer = classify(status, &headers, &body, now);
            if let Some(ApiRefusal::Limited(until) | ApiRefusal::Unavailable(until, _)) = answer {
                prop_assert!(until > now && until <= day);
            }
        }
        // What the answer tells of the primary limit, in the budget.
        let mut usage = RateUsage::default();
        if let (Some(limit), Some(remaining), Some(reset)) = (headers.limit, headers.remaining, headers.resets(now)) {
            prop_assert!(reset <= day);
            usage.update(PrimaryWindow { limit, remaining, reset });
        }
        for kind in [RequestKind::Read, RequestKind::Change, RequestKind::Creation, RequestKind::Free] {
            usage.record(now, kind);
            let _ = budget::next_slot(&usage, &Limits::github(), kind, now);
            let _ = budget::opening(&usage, u64::MAX, now);
        }
        let plan = [RequestKind::Creation; 3];
        let (finish, _) = budget::earliest_finish(&usage, &Limits::github(), &plan, &plan, Duration::from_secs(1), now);
        prop_assert!(finish >= now);
    }
}
