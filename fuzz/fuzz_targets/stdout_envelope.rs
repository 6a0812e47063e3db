//! Whatever a guest writes: the outcome is an output or a failure, and never a class that is the host's.

#![no_main]

use std::time::Duration;

use aileron_sandbox::outcome::{Ended, Evidence, decide};
use aileron_verifier::problem::Class;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for ended in [Ended::Returned, Ended::Exited(0), Ended::Exited(1)] {
        let decided = decide(Evidence {
            ended: ended.clone(),
            overdue: false,
            sticky: None,
            growth_refused: false,
            stdout: data,
            stderr: data,
            wall_time: Duration::from_secs(30),
            memory: 64 << 20,
            stdout_cap: 16 << 20,
        });
        match decided {
            Ok(None) => assert!(ended != Ended::Exited(1)),
            Ok(Some(output)) => {
                assert!(ended != Ended::Exited(1));
                assert!(output.text().starts_with('{'));
            }
            Err(failure) => {
                assert!([Class::ConnectorRuntimeError, Class::ExternalApiError].contains(&failure.class));
                assert!(!failure.retriable && failure.boundary == "sandbox");
            }
        }
    }
});
