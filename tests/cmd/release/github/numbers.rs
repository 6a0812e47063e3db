//! Numbers of answers: in headers and in documents they may be anything, and no run ends otherwise than by its class.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aileron_cli::github::Limits;
use aileron_cli::publisher::forge::model::{Body, GitHub as Model, Response};
use aileron_cli::ui::report::{Exit, Failure};
use serde_json::{Value, json};

use super::crash::is_write;
use super::stage::{BEGAN, Cohort, Fate, Stage};

fn cohort() -> &'static Cohort {
    static SMALL: std::sync::OnceLock<Cohort> = std::sync::OnceLock::new();
    SMALL.get_or_init(|| Cohort::of(1))
}

fn date(second: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second))
}

/// Every number below a document's root, replaced.
fn replace(document: &mut Value, with: &Value) {
    match document {
        Value::Number(_) => *document = with.clone(),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, with)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, with)),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// What the model would answer, changed.
fn instead(
    stage: &Arc<Stage>,
    call: &aileron_cli::publisher::forge::model::wire::Call,
    github: &mut Model,
    with: &Value,
) -> Fate {
    let mut answer = github.answer(stage.rehearsal.time(), call);
    if let Body::Json(document) = &mut answer.body {
        replace(document, with);
    }
    Fate::Instead(answer)
}

#[test]
fn no_number_in_a_document_ends_the_process() {
    let cohort = cohort();
    let numbers = [
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(1_u64 << 63),
        json!(i64::MIN),
        json!(1.5),
        json!(1e300),
        serde_json::from_str("123456789012345678901234567890").unwrap(),
        json!("7"),
        Value::Null,
        json!([]),
        json!({}),
    ];
    for number in &numbers {
        for (what, method, path) in [
            ("the repository", "GET", "connector-weather"),
            ("the list", "GET", "/releases"),
            ("a draft", "POST", "/releases"),
            ("an upload", "POST", "/assets"),
            ("a flip", "PATCH", ""),
            ("the limits", "GET", "/rate_limit"),
            ("the tags", "GET", "/tags/"),
            ("everything", "", ""),
        ] {
            let stage = Stage::with(cohort.hosted(), |stage| {
                stage.limits = Limits::none();
                stage.max_wait = Some(Duration::from_secs(2 * 86_400));
            });
            let (with, watched) = (number.clone(), Arc::downgrade(&stage));
            stage.script(move |call, github| {
                let is_it = (method.is_empty() || call.method == method)
                    && (call.path.ends_with(path) || path == "/tags/" && call.path.contains(path));
                match (is_it, watched.upgrade()) {
                    (true, Some(stage)) => instead(&stage, call, github, &with),
                    _ => Fate::Answer,
                }
            });
            if let Err(error) = stage.publish(cohort) {
                let failure = Failure::from(error);
                assert!(matches!(failure.exit, Exit::Incomplete | Exit::Failure), "{what}: {number}: {failure:?}");
            }
        }
    }
}

#[test]
fn a_server_that_always_says_wait_is_given_up() {
    let cohort = cohort();
    for (status, retry_after) in
        [(429, "0".to_owned()), (403, "0".to_owned()), (503, "0".to_owned()), (503, date(0)), (429, date(BEGAN - 60))]
    {
        for writes_only in [false, true] {
            let stage = Stage::with(cohort.hosted(), |stage| stage.limits = Limits::none());
            let (wait, mut asked) = (retry_after.clone(), 0);
            stage.script(move |call, _| {
                if writes_only && !is_write(call) {
                    return Fate::Answer;
                }
                asked += 1;
                assert!(asked < 1000, "a tight loop");
                Fate::Instead(Response::json(status, json!({"message": "later"})).with("retry-after", wait.clone()))
            });
            let failure = Failure::from(stage.publish(cohort).err().unwrap());
            assert_eq!(failure.exit, Exit::Incomplete, "{status} {retry_after}: {failure:?}");
            assert!(stage.rehearsal.time().secs() > BEGAN, "time passed between two requests");
        }
    }
}

#[test]
fn a_wait_that_ends_on_another_day_is_told_with_its_date() {
    let cohort = cohort();
    for (wait, day) in [
        (86_400, "on 16 Jun 2025"),
        (u64::MAX, "on 16 Jun 2025"),
        (50_000, "on 16 Jun 2025"),
        (3600, ""), // the same day
    ] {
        for max_wait in [None, Some(Duration::from_secs(60))] {
            let stage = Stage::with(cohort.hosted(), |stage| stage.max_wait = max_wait);
            let mut seen = 0;
            stage.script(move |call, _| {
                seen += usize::from(is_write(call));
                if is_write(call) && seen == 1 {
                    let limited = Response::json(429, json!({"message": "later"}));
                    return Fate::Instead(limited.with("retry-after", wait.to_string()));
                }
                Fate::Answer
            });
            let result = stage.publish(cohort);
            let told = match max_wait {
                None => {
                    result.unwrap();
                    stage
                        .notes
                        .lock()
                        .unwrap()
                        .iter()
                        .find(|note| note.contains("GitHub's rate limit"))
                        .cloned()
                        .unwrap()
                }
                Some(_) => result.err().unwrap().to_string(),
            };
            assert!(told.contains(" UTC") && told.contains(day), "{wait}: {told}");
            assert_eq!(told.contains(" 2025"), !day.is_empty(), "{wait}: {told}");
        }
    }
}
