//! Bytes that claim to be a Feature's archive. What must hold is in the test kit.

#![no_main]

use aileron_testkit::fuzzed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzzed::feature_archive(data));
