//! See `hmaster_fuzz::targets::zk_payload`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    hmaster_fuzz::targets::zk_payload(data);
});
