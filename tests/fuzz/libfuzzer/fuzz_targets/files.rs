//! The target `files` for libFuzzer.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| capture_fuzz::run("files", bytes));
