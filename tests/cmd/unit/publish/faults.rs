//! Registries as they should not be: each fault is an answer of its own, and none is taken for success.

use std::time::Duration;

use aileron_cli::publisher::forge::registry::RegistryError;
use aileron_testkit::registry::{Act, FakeRegistry, Login, Nature};
use aileron_testkit::scripted::{Answer, Received};
use aileron_verifier::name::digest::BlobDigest;

use super::{bob, feature, packed, push, told};

const SCRIPT: &str = "#!/bin/sh\n";

fn is(method: &str, part: &str, request: &Received) -> bool {
    request.method == method && request.target.contains(part)
}

#[test] // wasmCloud/wasmCloud#3405
fn an_upload_of_which_only_the_end_was_kept_is_no_success() {
    let registry = FakeRegistry::new(Nature { keeps_the_end_only: true, ..Nature::default() });
    let error = push(&registry, None, &feature("0.0.1", SCRIPT)).unwrap_err();
    assert!(matches!(error, RegistryError::Differs { .. }), "{error}");
    assert!(registry.held().tags.is_empty(), "no tag names what is not whole");
}

#[test]
fn a_digest_other_than_the_one_that_was_sent_is_no_success() {
    let registry = FakeRegistry::new(Nature { lies_about_digests: true, ..Nature::default() });
    let error = push(&registry, None, &feature("0.0.1", SCRIPT)).unwrap_err();
    assert!(matches!(error, RegistryError::Differs { .. }), "{error}");
    assert!(registry.held().tags.is_empty());
}

#[test] // devcontainers/action#90, oras-project/oras#529
fn a_tag_that_fails_fails_the_push_and_the_next_one_writes_what_is_missing() {
    for tag in ["0.0.1", "0.0", "0", "latest"] {
        let registry = FakeRegistry::new(Nature::default());
        let feature = feature("0.0.1", SCRIPT);
        let place = format!("/manifests/{tag}");
        registry.script(move |request, _| match request.method == "PUT" && request.target.ends_with(&place) {
            true => Act::Instead(Answer::status("403 Forbidden")),
            false => Act::Serve,
        });
        let error = push(&registry, None, &feature).unwrap_err();
        assert!(matches!(error, RegistryError::Login { .. }), "{tag}: {error}");
        assert!(error.to_string().contains(tag), "{error}");
        assert!(!registry.held().tags.contains_key("latest"), "{tag}");
        registry.revives();
        push(&registry, None, &feature).unwrap();
        assert_eq!(told(&registry, &[&feature]).len(), 4, "{tag}");
    }
}

#[test]
fn what_may_pass_is_waited_for_and_asked_again() {
    for (status, headers, at_least) in [
        ("429 Too Many Requests", "Retry-After: 7\r\n", 7),
        ("429 Too Many Requests", "", 1),
        ("429 Too Many Requests", "Retry-After: Fri, 15 Jan 2027 08:00:30 GMT\r\n", 30),
        ("503 Service Unavailable", "Retry-After: 9\r\n", 9),
        ("500 Internal Server Error", "", 1),
        ("502 Bad Gateway", "", 1),
    ] {
        let registry = FakeRegistry::new(Nature::default());
        let feature = feature("0.0.1", SCRIPT);
        let mut failed = false;
        let answer = Answer::with(status, &format!("{headers}Content-Length: 0\r\n"), "");
        registry.script(move |request, _| {
            match is("HEAD", "/blobs/", request) && !std::mem::replace(&mut failed, true) {
                true => Act::Instead(answer.clone()),
                false => Act::Serve,
            }
        });
        let pushed = push(&registry, None, &feature).unwrap_or_else(|error| panic!("{status}: {error}"));
        assert!(pushed.waited >= Duration::from_secs(at_least), "{status}: {:?}", pushed.waited);
        assert_eq!(told(&registry, &[&feature]).len(), 4, "{status}");
    }
}

#[test]
fn a_write_that_was_not_taken_is_repeated_and_one_whose_answer_was_lost_is_looked_at() {
    for (method, part) in [("POST", "/uploads/"), ("PUT", "/uploads/"), ("PUT", "/manifests/")] {
        for (what, lost) in [("503", false), ("503", true), ("429", false), ("gone", true), ("gone", false)] {
            let registry = FakeRegistry::new(Nature::default());
            let feature = feature("0.0.1", SCRIPT);
            let mut failed = false;
            registry.script(move |request, _| {
                if !is(method, part, request) || std::mem::replace(&mut failed, true) {
                    return Act::Serve;
                }
                let answer = match what {
                    "gone" => Answer::Bytes(Vec::new()),
                    "429" => Answer::with("429 Too Many Requests", "Retry-After: 1\r\nContent-Length: 0\r\n", ""),
                    _ => Answer::status("503 Service Unavailable"),
                };
                if lost { Act::AndThen(answer) } else { Act::Instead(answer) }
            });
            push(&registry, None, &feature).unwrap_or_else(|error| panic!("{method} {part} {what} {lost}: {error}"));
            assert_eq!(told(&registry, &[&feature]).len(), 4, "{method} {part} {what}");
            let history = registry.held().history;
            assert_eq!(history.len(), 4, "{method} {part} {what} {lost}: a tag that was written is not written again");
        }
    }
}

#[test]
fn a_registry_that_never_recovers_is_given_up_on_and_that_is_not_absence() {
    for (answer, retry_after) in [
        (Answer::status("500 Internal Server Error"), false),
        (Answer::Bytes(Vec::new()), false),
        (Answer::status("429 Too Many Requests"), false),
        (Answer::with("429 Too Many Requests", "Retry-After: 86400\r\nContent-Length: 0\r\n", ""), true),
        (Answer::with("429 Too Many Requests", "Retry-After: 18446744073709551615\r\nContent-Length: 0\r\n", ""), true),
    ] {
        let registry = FakeRegistry::new(Nature::default());
        registry.script(move |_, _| Act::Instead(answer.clone()));
        let error = push(&registry, None, &feature("0.0.1", SCRIPT)).unwrap_err();
        match retry_after {
            true => assert!(matches!(error, RegistryError::Paused { .. }), "{error}"),
            false => assert!(matches!(error, RegistryError::Unreachable { .. }), "{error}"),
        }
        assert!(error.is_retriable() && registry.seen().len() < 10, "{error}");
    }
}

#[test]
fn who_may_not_push_is_told_so() {
    for (login, credential, had_credential) in
        [(Login::Token, None, false), (Login::Basic, None, false), (Login::Silent, Some(bob()), true)]
    {
        let registry = FakeRegistry::new(Nature { login, ..Nature::default() });
        match push(&registry, credential.as_ref(), &feature("0.0.1", SCRIPT)) {
            Err(RegistryError::Login { had_credential: had, why, .. }) => {
                assert_eq!(had, had_credential, "{login:?}: {why}");
                assert_eq!(why.contains("does not say how to log in"), login == Login::Silent, "{why}");
            }
            other => panic!("{login:?}: {other:?}"),
        }
        assert!(registry.held().tags.is_empty());
    }
}

#[test]
fn another_digest_under_the_exact_tag_is_a_conflict_and_stays() {
    let registry = FakeRegistry::new(Nature::default());
    let (first, other) = (feature("0.0.1", SCRIPT), feature("0.0.1", "#!/bin/sh\n: other\n"));
    push(&registry, None, &first).unwrap();
    let (held, writes) = (registry.held(), registry.writes());
    let error = push(&registry, None, &other).unwrap_err();
    assert!(matches!(error, RegistryError::Taken(_)), "{error}");
    assert_eq!((registry.held(), registry.writes()), (held, writes), "nothing was sent");
}

/// Somebody else pushes right before request `at`.
fn meanwhile(at: impl Fn(&Received) -> bool + Send + 'static, tag: &'static str) -> (FakeRegistry, String) {
    let registry = FakeRegistry::new(Nature::default());
    let theirs = packed(&feature("0.0.1", "#!/bin/sh\n: theirs\n"));
    let digest = theirs.digest.to_string();
    registry.change(|held| {
        held.stored.insert(theirs.digest.to_string(), theirs.manifest.clone());
        held.tags.insert("nightly".into(), theirs.digest.to_string());
    });
    let hook = registry.hook();
    let (mut done, moved) = (false, digest.clone());
    registry.script(move |request, _| {
        if at(request) && !std::mem::replace(&mut done, true) {
            hook(&mut |held| drop(held.tags.insert(tag.to_owned(), moved.clone())));
        }
        Act::Serve
    });
    (registry, digest)
}

#[test]
fn a_tag_that_somebody_else_writes_meanwhile_is_a_conflict_and_stays_theirs() {
    for tag in ["0.0.1", "latest"] {
        // After the plan, before the first write.
        let (registry, theirs) = meanwhile(|request| is("POST", "/uploads/", request), tag);
        let error = push(&registry, None, &feature("0.0.1", SCRIPT)).unwrap_err();
        assert!(matches!(error, RegistryError::Moved { .. }), "{tag}: {error}");
        assert_eq!(registry.held().tags[tag], theirs, "{tag}");
        // After the last write: seen when everything is read back.
        let (registry, theirs) = meanwhile(|request| is("GET", "/manifests/", request), tag);
        let error = push(&registry, None, &feature("0.0.1", SCRIPT)).unwrap_err();
        assert!(matches!(error, RegistryError::Moved { .. }), "{tag}: {error}");
        assert_eq!(registry.held().tags[tag], theirs, "{tag}");
    }
}

#[test]
fn what_is_read_back_is_compared_byte_for_byte() {
    let feature = feature("0.0.1", SCRIPT);
    let layer = packed(&feature).blobs[1].clone();
    for (name, bytes) in [("other", vec![b'x'; layer.bytes.len()]), ("cut", layer.bytes[..100].to_vec())] {
        let registry = FakeRegistry::new(Nature { omits_digests: true, ..Nature::default() });
        let (digest, bytes) = (layer.digest.to_string(), bytes.clone());
        registry.script(move |request, _| match is("GET", &digest, request) {
            true => Act::Instead(Answer::ok(&bytes)),
            false => Act::Serve,
        });
        let error = push(&registry, None, &feature).unwrap_err();
        assert!(matches!(error, RegistryError::Differs { .. }), "{name}: {error}");
    }
    assert_ne!(layer.digest, BlobDigest::of(&[b"x"]));
}

#[test]
fn an_upload_is_sent_nowhere_that_is_not_safe() {
    for location in ["http://storage.example/u", "file:///u", "https://bob:pw@127.0.0.1/u", ""] {
        let registry = FakeRegistry::new(Nature::default());
        let head = match location {
            "" => "Content-Length: 0\r\n".to_owned(),
            location => format!("Location: {location}\r\nContent-Length: 0\r\n"),
        };
        registry.script(move |request, _| match request.method == "POST" {
            true => Act::Instead(Answer::with("202 Accepted", &head, "")),
            false => Act::Serve,
        });
        let error = push(&registry, None, &feature("0.0.1", SCRIPT)).unwrap_err();
        assert!(matches!(error, RegistryError::Unexpected { .. }), "{location}: {error}");
        assert!(!error.to_string().contains("pw"), "{error}");
    }
}
