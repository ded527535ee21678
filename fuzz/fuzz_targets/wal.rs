//! See `hmaster_fuzz::targets::wal`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    hmaster_fuzz::targets::wal(data);
});
