#![no_main]

#[path = "../../tests/support/fuzz_targets.rs"]
mod fuzz_targets;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    fuzz_targets::cookie_header(input);
});
