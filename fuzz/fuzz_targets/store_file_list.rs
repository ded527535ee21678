//! See `hmaster_fuzz::targets::store_file_list`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    hmaster_fuzz::targets::store_file_list(data);
});
