//! What an answer of GitHub means. One pure function; a 422 is read, never assumed to mean "exists".

use std::time::{Duration, SystemTime};

use aileron_verifier::text::{LISTED, printable_within};
use serde_json::Value;

use super::permission::{self, Offer};
use super::seconds::Seconds;

/// How long to wait where GitHub says "wait" and not how long. GitHub Docs, "Best practices for using the REST API".
const A_WHILE: Duration = Duration::from_secs(60);

/// The meaning of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It was done; the document, `null` where there is none.
    Done(Value),
    /// There is no such thing, or it is not shown to this token.
    Absent,
    /// No, and asking again does not help.
    Refused(String),
    /// The token lacks something: what GitHub says, and what it lacks.
    Forbidden {
        /// GitHub's words.
        why: String,
        /// What the token lacks, in words: `the permission contents=write`.
        lacks: String,
    },
    /// Not before then; the request was not carried out.
    Limited(SystemTime),
    /// The server is not there until then. Whether the request was carried out is not known.
    Unavailable(SystemTime, String),
    /// There was no answer that says anything about the request.
    Unreachable(String),
    /// Something with that name is there already.
    Conflict(String),
    /// The token is no good, or no good any more.
    Unwelcome(String),
    /// The repository is at another address now: this one, where it was said.
    Moved(Option<String>),
    /// The tag belonged to an immutable release that is gone.
    Burned(String),
}

/// The headers that matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// `retry-after`, from the time of the answer on.
    pub retry_after: Option<Seconds>,
    /// `x-ratelimit-limit`.
    pub limit: Option<u64>,
    /// `x-ratelimit-remaining`.
    pub remaining: Option<u64>,
    /// `x-ratelimit-reset`, in seconds since 1970.
    pub reset: Option<u64>,
    /// `date`: what time it is there.
    pub date: Option<SystemTime>,
    /// `location`: where a redirect leads.
    pub location: Option<String>,
    /// What GitHub says about the token's rights.
    pub offer: Offer,
}

impl Headers {
    /// When the primary window ends, by the clock of this machine: only the distance to the answer's date is the server's
    /// to tell, whose clock may differ from ours.
    pub fn resets(&self, now: SystemTime) -> Option<SystemTime> {
        Some(Seconds::until_reset(self.reset?, self.date.unwrap_or(now)).after(now))
    }
}

/// Reads an answer.
pub fn classify(status: u16, headers: &Headers, body: &[u8], now: SystemTime) -> Answer {
    let document = serde_json::from_slice(body).unwrap_or(Value::Null);
    match status {
        200..=299 => Answer::Done(document),
        301 | 302 | 307 | 308 => Answer::Moved(headers.location.clone()),
        401 => Answer::Unwelcome(said(status, &document)),
        404 | 410 => Answer::Absent,
        403 | 429 => match limited(status, headers, &document, now) {
            Some(until) => Answer::Limited(until),
            None => match permission::lacking(status, &headers.offer, &document) {
                Some(lacks) => Answer::Forbidden { why: said(status, &document), lacks },
                None => Answer::Refused(said(status, &document)),
            },
        },
        409 => Answer::Conflict(said(status, &document)),
        422 if errors(&document).any(|error| mentions(error, "immutable release")) => {
            Answer::Burned(said(status, &document))
        }
        422 if errors(&document).any(|error| error["code"] == "already_exists") => {
            Answer::Conflict(said(status, &document))
        }
        503 if headers.retry_after.is_some() => {
            let until = headers.retry_after.unwrap_or_default().after(now);
            Answer::Unavailable(until, said(status, &document))
        }
        408 | 500.. => Answer::Unreachable(said(status, &document)),
        _ => Answer::Refused(said(status, &document)),
    }
}

/// GitHub Docs, "Rate limits for the REST API", "Exceeding the rate limit".
fn limited(status: u16, headers: &Headers, document: &Value, now: SystemTime) -> Option<SystemTime> {
    if let Some(seconds) = headers.retry_after {
        return Some(seconds.after(now));
    }
    if let (Some(0), Some(reset)) = (headers.remaining, headers.resets(now)) {
        // Told without a date, a reset that has passed by our clock is a clock that runs fast.
        return Some(reset.max(now + Duration::from_secs(1)));
    }
    let message = document["message"].as_str().unwrap_or_default().to_ascii_lowercase();
    (status == 429 || message.contains("rate limit")).then(|| now + A_WHILE)
}

fn errors(document: &Value) -> impl Iterator<Item = &Value> {
    document["errors"].as_array().into_iter().flatten()
}

fn mentions(error: &Value, words: &str) -> bool {
    error["message"].as_str().is_some_and(|message| message.contains(words))
}

/// GitHub's own words, in one line.
fn said(status: u16, document: &Value) -> String {
    let reason = |error: &Value| {
        let spelled = [&error["field"], &error["code"], &error["message"]];
        let words: Vec<&str> = spelled.into_iter().filter_map(Value::as_str).collect();
        words.join(" ")
    };
    let reasons: Vec<String> = errors(document).map(reason).filter(|reason| !reason.is_empty()).take(LISTED).collect();
    let mut said = format!("HTTP {status}");
    for part in document["message"].as_str().into_iter().chain(reasons.iter().map(String::as_str)) {
        said.push_str(": ");
        said.push_str(&printable_within(part, 400));
    }
    said
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use serde_json::json;

    #[test]
    fn every_answer_has_one_meaning() {
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        let at = |seconds| Answer::Limited(UNIX_EPOCH + Duration::from_secs(seconds));
        let none = Headers::default();
        let retry = Headers { retry_after: Seconds::retry_after("7", now), ..Headers::default() };
        let empty = Headers { remaining: Some(0), reset: Some(1500), ..Headers::default() };
        let exists = json!({"message": "Validation Failed", "errors": [{"code": "already_exists", "field": "name"}]});
        let target =
            json!({"message": "Validation Failed", "errors": [{"code": "invalid", "field": "target_commitish"}]});
        let burned = json!({"message": "Validation Failed", "errors":
            [{"code": "custom", "field": "tag_name", "message": "tag_name was used by an immutable release"}]});
        let said_burned = "HTTP 422: Validation Failed: tag_name custom tag_name was used by an immutable release";
        let refused = |text: &str| Answer::Refused(text.to_owned());
        for (status, headers, body, meaning) in [
            (201, &none, json!({"id": 1}), Answer::Done(json!({"id": 1}))),
            (204, &none, Value::Null, Answer::Done(Value::Null)),
            (
                401,
                &none,
                json!({"message": "Bad credentials"}),
                Answer::Unwelcome("HTTP 401: Bad credentials".to_owned()),
            ),
            (307, &none, json!({"message": "Temporary Redirect"}), Answer::Moved(None)),
            (422, &none, burned, Answer::Burned(said_burned.to_owned())),
            (403, &none, json!({"message": "Resource not accessible"}), refused("HTTP 403: Resource not accessible")),
            (403, &retry, json!({}), at(1007)),
            (429, &retry, json!({}), at(1007)),
            (
                503,
                &retry,
                json!({}),
                Answer::Unavailable(UNIX_EPOCH + Duration::from_secs(1007), "HTTP 503".to_owned()),
            ),
            (503, &none, json!({}), Answer::Unreachable("HTTP 503".to_owned())),
            (403, &empty, json!({}), at(1500)),
            (403, &none, json!({"message": "You have exceeded a secondary rate limit."}), at(1060)),
            (429, &none, Value::Null, at(1060)),
            (404, &none, json!({"message": "Not Found"}), Answer::Absent),
            (422, &none, exists, Answer::Conflict("HTTP 422: Validation Failed: name already_exists".to_owned())),
            (422, &none, target, refused("HTTP 422: Validation Failed: target_commitish invalid")),
            (502, &none, Value::Null, Answer::Unreachable("HTTP 502".to_owned())),
        ] {
            assert_eq!(classify(status, headers, body.to_string().as_bytes(), now), meaning, "{status} {body}");
        }
    }

    #[test]
    fn a_reset_is_as_far_away_as_the_server_says_whatever_our_clock_shows() {
        let there = UNIX_EPOCH + Duration::from_secs(10_000);
        let headers = Headers { remaining: Some(0), reset: Some(10_600), date: Some(there), ..Headers::default() };
        for here in [1_000, 10_000, 90_000] {
            let here = UNIX_EPOCH + Duration::from_secs(here);
            let meant = Answer::Limited(here + Duration::from_secs(600));
            assert_eq!(classify(403, &headers, b"{}", here), meant);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_answer_panics(
            status in 100_u16..1000,
            retry in "[0-9]{0,25}|.{0,30}",
            numbers: [Option<u64>; 3],
            date in proptest::option::of(0_u64..(1 << 37)),
            body in "\\PC{0,60}",
        ) {
            let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
            let [limit, remaining, reset] = numbers;
            let headers = Headers {
                retry_after: Seconds::retry_after(&retry, now),
                limit,
                remaining,
                reset,
                date: date.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)),
                ..Headers::default()
            };
            let answer = classify(status, &headers, body.as_bytes(), now);
            if let Answer::Limited(until) | Answer::Unavailable(until, _) = answer {
                proptest::prop_assert!(until <= now + Duration::from_secs(86_400));
            }
        }
    }
}
