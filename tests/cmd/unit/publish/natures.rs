//! Registries as they are: each does its part another way, and the same Feature arrives whole.

use aileron_cli::publisher::forge::registry::{RegistryError, Visibility};
use aileron_testkit::registry::{FakeRegistry, Location, Login, Nature, Tags};

use super::{bob, feature, packed, push, told};

const ALL: [&str; 4] = ["0=0.0.1", "0.0=0.0.1", "0.0.1=0.0.1", "latest=0.0.1"];

fn natures() -> Vec<(&'static str, Nature)> {
    let usual = Nature::default();
    vec![
        ("usual", usual),
        ("absolute location", Nature { location: Location::Absolute, ..usual }),
        ("location on another host", Nature { location: Location::Elsewhere, ..usual }),
        ("a token, pull-only scope offered", Nature { login: Login::Token, ..usual }),
        ("a token and another host", Nature { login: Login::Token, location: Location::Elsewhere, ..usual }),
        ("name and password", Nature { login: Login::Basic, ..usual }),
        ("name and password and another host", Nature { login: Login::Basic, location: Location::Elsewhere, ..usual }),
        ("a 401 without a challenge", Nature { login: Login::OnlyAtTheRoot, ..usual }),
        ("no tags in the list", Nature { tags: Tags::Missing, ..usual }),
        ("tags that are null", Nature { tags: Tags::Null, ..usual }),
        ("only with PATCH", Nature { wants_patch: true, ..usual }),
        ("only with PATCH, on another host", Nature { wants_patch: true, location: Location::Elsewhere, ..usual }),
        ("no digest in answers", Nature { omits_digests: true, ..usual }),
        ("downloads on another host", Nature { redirects_downloads: true, login: Login::Token, ..usual }),
    ]
}

#[test] // cli-unit.md §12.4
fn whatever_way_a_registry_works_the_feature_arrives_whole_and_the_second_push_writes_nothing() {
    let (bob, feature) = (bob(), feature("0.0.1", "#!/bin/sh\n"));
    for (name, nature) in natures() {
        let registry = FakeRegistry::new(nature);
        let pushed = push(&registry, Some(&bob), &feature).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((pushed.sent, pushed.visibility), (2, Visibility::Public), "{name}");
        assert_eq!(told(&registry, &[&feature]), ALL, "{name}");
        let order: Vec<String> = registry.held().history.into_iter().map(|(tag, _)| tag).collect();
        assert_eq!(order, ["0.0.1", "0.0", "0", "latest"], "{name}: the exact tag comes first");
        for blob in packed(&feature).blobs {
            assert_eq!(registry.held().stored[&blob.digest.to_string()], *blob.bytes, "{name}");
        }
        let (held, writes) = (registry.held(), registry.writes());
        let again = push(&registry, Some(&bob), &feature).unwrap_or_else(|error| panic!("{name}, again: {error}"));
        assert_eq!((again.sent, again.plan.writes().count()), (0, 0), "{name}");
        assert_eq!((registry.held(), registry.writes()), (held, writes), "{name}: nothing is written twice");
    }
}

#[test] // ocx-sh/ocx#272
fn the_credential_goes_to_no_other_host() {
    let (bob, feature) = (bob(), feature("0.0.1", "#!/bin/sh\n"));
    for login in [Login::Token, Login::Basic] {
        for wants_patch in [false, true] {
            let nature = Nature {
                login,
                location: Location::Elsewhere,
                wants_patch,
                redirects_downloads: true,
                ..Nature::default()
            };
            let registry = FakeRegistry::new(nature);
            push(&registry, Some(&bob), &feature).unwrap();
            let elsewhere = registry.seen_elsewhere();
            assert!(elsewhere.iter().any(|request| request.method == "PUT"), "{login:?}");
            assert!(elsewhere.iter().any(|request| request.method == "GET"), "{login:?}");
            for request in elsewhere {
                assert_eq!(request.header("authorization"), None, "{login:?}: {} {}", request.method, request.target);
                assert!(!format!("{request:?}").contains("for-pull"), "{login:?}");
            }
        }
    }
}

#[test]
fn a_push_asks_for_push_whatever_the_challenge_offers_and_a_look_asks_for_less() {
    let registry = FakeRegistry::new(Nature { login: Login::Token, ..Nature::default() });
    push(&registry, Some(&bob()), &feature("0.0.1", "#!/bin/sh\n")).unwrap();
    let tokens: Vec<(bool, String)> = registry
        .seen()
        .into_iter()
        .filter(|request| request.target.starts_with("/token"))
        .map(|request| (request.header("authorization").is_some(), request.target))
        .collect();
    let scope = |actions: &str| format!("/token?service=toy&scope=repository%3Aacme%2Fgh%3A{actions}");
    assert_eq!(tokens, [(true, scope("pull%2Cpush")), (false, scope("pull"))]);
}

#[test] // devcontainers/cli#1122
fn a_registry_without_tags_is_empty_and_one_without_the_repository_too() {
    for tags in [Tags::Pages, Tags::Missing, Tags::Null] {
        let registry = FakeRegistry::new(Nature { tags, ..Nature::default() });
        let feature = feature("0.0.1", "#!/bin/sh\n");
        assert_eq!(push(&registry, None, &feature).unwrap().plan.writes().count(), 4, "{tags:?}");
        assert_eq!(told(&registry, &[&feature]), ALL, "{tags:?}");
    }
}

#[test] // entireio/cli#1090
fn a_package_that_only_its_publisher_can_read_is_seen_to_be_private() {
    for login in [Login::Token, Login::Basic] {
        let registry = FakeRegistry::new(Nature { login, is_public: false, ..Nature::default() });
        let feature = feature("0.0.1", "#!/bin/sh\n");
        let pushed = push(&registry, Some(&bob()), &feature).unwrap();
        assert_eq!(pushed.visibility, Visibility::Private, "{login:?}");
        assert_eq!(told(&registry, &[&feature]), ALL, "{login:?}");
        assert!(matches!(push(&registry, None, &feature), Err(RegistryError::Login { had_credential: false, .. })));
    }
}

#[test] // oras-project/oras#529, cli-unit.md §12.4
fn every_tag_is_written_and_tags_move_upwards_only() {
    let registry = FakeRegistry::new(Nature::default());
    let script = "#!/bin/sh\n";
    let [one, two, fix, major, old] =
        ["0.0.1", "0.1.0", "0.0.2", "1.0.0", "0.0.3"].map(|version| feature(version, script));
    let all = [&one, &two, &fix, &major, &old];
    for (feature, expected) in [
        (&one, &["0=0.0.1", "0.0=0.0.1", "0.0.1=0.0.1", "latest=0.0.1"][..]),
        (&two, &["0=0.1.0", "0.0=0.0.1", "0.0.1=0.0.1", "0.1=0.1.0", "0.1.0=0.1.0", "latest=0.1.0"]),
        (&fix, &["0=0.1.0", "0.0=0.0.2", "0.0.1=0.0.1", "0.0.2=0.0.2", "0.1=0.1.0", "0.1.0=0.1.0", "latest=0.1.0"]),
    ] {
        push(&registry, None, feature).unwrap();
        assert_eq!(told(&registry, &all), expected, "{}", feature.version);
    }
    push(&registry, None, &major).unwrap();
    push(&registry, None, &old).unwrap();
    let held = registry.held().tags;
    let of = |feature| packed(feature).digest.to_string();
    assert_eq!((&held["latest"], &held["1"], &held["0"]), (&of(&major), &of(&major), &of(&two)));
    assert_eq!(held["0.0"], of(&old));
    let exact: Vec<_> = registry.held().history.into_iter().filter(|(tag, _)| tag.matches('.').count() == 2).collect();
    assert_eq!(exact.len(), 5, "an exact tag is written once");
}

#[test] // oras-project/oras#1464
fn the_same_feature_has_the_same_digest_at_every_push_and_place() {
    let feature = feature("0.0.1", "#!/bin/sh\n");
    let digests: Vec<String> = (0..2)
        .map(|_| {
            let registry = FakeRegistry::new(Nature::default());
            push(&registry, None, &feature).unwrap();
            registry.held().tags["0.0.1"].clone()
        })
        .collect();
    assert_eq!(digests[0], digests[1]);
}
