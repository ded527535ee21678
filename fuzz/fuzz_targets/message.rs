//! See `hmaster_fuzz::targets::message`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    hmaster_fuzz::targets::message(data);
});
