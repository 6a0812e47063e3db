//! A push that dies at any request goes on when it is run again, and no exact tag ever changes.

use aileron_testkit::registry::{FakeRegistry, Login, Nature};

use super::{bob, feature, packed, push, told};

#[test]
fn killed_before_or_after_any_request_the_next_push_ends_where_an_undisturbed_one_does() {
    let (older, feature, bob) = (feature("0.0.1", "#!/bin/sh\n"), feature("0.0.2", "#!/bin/sh\n"), bob());
    let nature = Nature { login: Login::Token, ..Nature::default() };
    let start = || {
        let registry = FakeRegistry::new(nature);
        push(&registry, Some(&bob), &older).unwrap();
        registry
    };
    let undisturbed = start();
    let before = undisturbed.seen().len();
    push(&undisturbed, Some(&bob), &feature).unwrap();
    let requests = undisturbed.seen().len() - before;
    let expected = told(&undisturbed, &[&older, &feature]);
    assert_eq!(expected, ["0=0.0.2", "0.0=0.0.2", "0.0.1=0.0.1", "0.0.2=0.0.2", "latest=0.0.2"]);
    assert!(requests > 20, "{requests}");
    for at in 0..requests {
        for after in [false, true] {
            let registry = start();
            registry.dies(at, after);
            push(&registry, Some(&bob), &feature).expect_err("it died");
            let half: Vec<String> = told(&registry, &[&older, &feature]);
            assert!(half.contains(&"0.0.1=0.0.1".to_owned()), "died at {at}: {half:?}");
            registry.revives();
            let (tags, stored) = (registry.held().tags, registry.held().stored);
            push(&registry, Some(&bob), &feature).unwrap_or_else(|error| panic!("died at {at} {after}: {error}"));
            assert_eq!(told(&registry, &[&older, &feature]), expected, "died at {at} {after}");
            assert_eq!(registry.held().stored, undisturbed.held().stored, "died at {at} {after}");
            // What was there before the second run was not sent again.
            let ours = packed(&feature).digest.to_string();
            let done = tags.values().filter(|digest| **digest == ours).count();
            let written = registry.held().history.iter().filter(|(_, digest)| *digest == ours).count();
            assert_eq!(written, 4, "died at {at} {after}, {done} tags were written before");
            assert!(stored.keys().all(|digest| registry.held().stored.contains_key(digest)));
            for version in ["0.0.1", "0.0.2"] {
                let writes = registry.held().history.iter().filter(|(tag, _)| tag == version).count();
                assert_eq!(writes, 1, "died at {at} {after}: {version}");
            }
        }
    }
}
