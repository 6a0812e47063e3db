//! Bytes as the answers of a running extension of Squad Aegis. What must hold is in the test kit.

#![no_main]

use aileron_testkit::fuzzed::aegis;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| aegis::answers(data));
