//! Bytes that claim to be a proposal, an approval or a repository's settings. What must hold is in the test kit.

#![no_main]

use aileron_testkit::fuzzed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzzed::proposal(data));
