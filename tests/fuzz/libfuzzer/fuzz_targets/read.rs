//! The target `read` for libFuzzer.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| capture_fuzz::run("read", bytes));
