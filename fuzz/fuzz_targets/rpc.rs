//! See `hmaster_fuzz::targets::rpc`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    hmaster_fuzz::targets::rpc(data);
});
