//! Whatever lies in guest memory: an envelope or a reason; and a URL that is admitted means the same when it is read again.

#![no_main]

use aileron_sandbox::grant::{Grant, Target};
use aileron_sandbox::host::http::envelope::Envelope;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(envelope) = Envelope::decode(data) else { return };
    let Ok(target) = Target::parse(&envelope.url) else { return };
    let url = target.text();
    assert!(!target.host_and_port().contains('@'), "{url}");
    assert!(matches!(target.scheme(), "http" | "https"), "{url}");
    let again = Target::parse(&url).expect("what was read once can be read again");
    assert!(again.is_same_origin(&target) && again.authority() == target.authority(), "{url}");
    assert_eq!(again.path_and_query(), target.path_and_query(), "{url}");
    // Granted by its own name and by no other.
    assert_eq!(Grant::new([target.authority().as_str()]).admit(&target).is_ok(), !target.authority().ends_with(":0"));
    assert!(Grant::new(["granted.example:443"]).admit(&target).is_err() || target.authority() == "granted.example:443");
    // A relative redirect stays where it is, and an absolute one is read as strictly.
    for header in &envelope.headers {
        if let Ok(next) = target.join(&header.1) {
            assert!(Target::parse(&next.text()).is_ok_and(|again| again.is_same_origin(&next)), "{}", header.1);
        }
    }
});
