//! See `hmaster_fuzz::targets::procedure_row`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    hmaster_fuzz::targets::procedure_row(data);
});
