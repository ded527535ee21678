//! See `hmaster_fuzz::targets::hfile`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    hmaster_fuzz::targets::hfile(data);
});
