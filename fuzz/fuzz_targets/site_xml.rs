//! See `hmaster_fuzz::targets::site_xml`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    hmaster_fuzz::targets::site_xml(data);
});
