//! See `hmaster_fuzz::targets::reference`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    hmaster_fuzz::targets::reference(data);
});
