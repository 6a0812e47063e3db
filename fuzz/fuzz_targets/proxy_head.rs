//! Bytes that a program sends to the sealing proxy as a request's head. What must hold is in the test kit.

#![no_main]

use aileron_testkit::fuzzed::seal;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| seal::head(data));
