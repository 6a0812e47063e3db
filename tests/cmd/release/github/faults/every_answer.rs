//! Every request answered in every way.

use super::*;

#[test]
fn every_answer_to_every_request_ends_well_or_says_how_to_go_on() {
    let cohort = cohort();
    let mut seen: BTreeMap<(&str, &str, usize), Ended> = BTreeMap::new();
    for request in REQUESTS {
        for (name, fate) in answers() {
            for times in [1, usize::MAX] {
                let what = format!("{}: {name}, {times} times", request.0);
                let stage = Stage::with(cohort.hosted(), |stage| stage.max_wait = Some(Duration::from_secs(7200)));
                let mut count = 0;
                stage.script(move |call, _| {
                    count += usize::from(is(call, request));
                    if is(call, request) && count <= times { fate() } else { Fate::Answer }
                });
                let (end, said) = ended(stage.publish(cohort));
                seen.insert((request.0, name, times), end);
                let found =
                    ["HTTP", "http", "GitHub", "draft", "as consumers fetch it"].iter().any(|word| said.contains(word));
                assert!(end == Ended::Well || found, "{what}: {said}");
                let before = stage.github().clone();
                stage.script(|_, _| Fate::Answer);
                stage.publish(cohort).unwrap_or_else(|error| panic!("{what}: {said}; and then {error}"));
                assert_public(&cohort.proven, &stage.github());
                assert_kept(&before, &stage.github(), &what);
            }
        }
    }
    // What passes by itself is waited for; what lasts is told apart from what another run would change.
    for request in REQUESTS.map(|(name, ..)| name) {
        for passing in ["403 secondary", "429", "403 primary"] {
            if !OUTSIDE.contains(&request) {
                assert_eq!(seen[&(request, passing, 1)], Ended::Well, "{request}: {passing}");
                assert_eq!(seen[&(request, passing, usize::MAX)], Ended::Again, "{request}: {passing}");
            }
        }
        // An answer that is always lost stops no run that looks what became of the request.
        assert_ne!(seen[&(request, "lost after", usize::MAX)], Ended::Error, "{request}");
        for lost in ["500", "502", "lost before"].into_iter().filter(|_| request != "the limits") {
            assert_eq!(seen[&(request, lost, usize::MAX)], Ended::Again, "{request}: {lost}");
        }
        if !OUTSIDE.contains(&request) {
            assert_eq!(seen[&(request, "401", 1)], Ended::Error, "{request}");
        }
    }
    for write in ["a draft", "an upload", "a flip", "the notes"] {
        for once in ["409", "500", "502", "200 and nonsense", "lost before", "lost after", "broken"] {
            let end = seen[&(write, once, 1)];
            assert!(
                end == Ended::Well || (once == "200 and nonsense" && end != Ended::Error),
                "{write}: {once}: {end:?}"
            );
        }
    }
}
