//! See `hmaster_fuzz::targets::root_file`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    hmaster_fuzz::targets::root_file(data);
});
