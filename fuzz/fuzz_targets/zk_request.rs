//! See `hmaster_fuzz::targets::zk_request`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    hmaster_fuzz::targets::zk_request(data);
});
