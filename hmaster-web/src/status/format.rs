//! Numbers, times and bytes as people read them.

use std::fmt::Display;
use std::time::Duration;

use hmaster_types::to_string_binary;
use jiff::Timestamp;

/// Characters of a key or a name that are shown; keys may have 32 KB.
const TEXT_CHARS_MAX: usize = 160;
/// Stands for what isn't known.
pub(crate) const UNKNOWN: &str = "–";

/// `2026-11-21 12:05:59 UTC`.
pub(crate) fn time(ms: u64) -> String {
    let at = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    at.map_or_else(|| UNKNOWN.to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// The two largest units: `3 d 4 h`, `12.3 s`, `45 ms`.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = Duration::from_millis(ms).as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if days > 0 => format!("{days} d {} h", hours % 24),
        () if hours > 0 => format!("{hours} h {} min", minutes % 60),
        () if minutes > 0 => format!("{minutes} min {} s", seconds % 60),
        () if ms >= 1000 => format!("{:.1} s", ms as f64 / 1000.0),
        () => format!("{ms} ms"),
    }
}

/// How long ago something was.
pub(crate) fn ago(now_ms: u64, then_ms: u64) -> String {
    duration(now_ms.saturating_sub(then_ms))
}

/// With commas between thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Megabytes in the unit that suits.
pub(crate) fn megabytes(mb: u64) -> String {
    match mb {
        0..10_240 => format!("{} MB", count(mb)),
        _ if mb < 10 * 1024 * 1024 => format!("{:.1} GB", mb as f64 / 1024.0),
        _ => format!("{:.1} TB", mb as f64 / 1024.0 / 1024.0),
    }
}

/// Bytes of a key as HBase prints them, cut when they are many.
pub(crate) fn key(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(TEXT_CHARS_MAX)];
    let text = short(&to_string_binary(cut));
    if cut.len() < bytes.len() && !text.ends_with('…') { text + "…" } else { text }
}

/// A text, cut when it is long.
pub(crate) fn short(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// What is there, or a dash.
pub(crate) fn or_dash(value: Option<impl Display>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_utc() {
        assert_eq!(time(1_795_262_759_000), "2026-11-21 12:05:59 UTC");
        assert_eq!(time(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(time(u64::MAX), UNKNOWN);
    }

    #[test]
    fn durations_have_two_units() {
        let cases = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_500, "1.5 s"),
            (61_000, "1 min 1 s"),
            (3_600_000, "1 h 0 min"),
            (90_000_000, "1 d 1 h"),
        ];
        for (ms, text) in cases {
            assert_eq!(duration(ms), text);
        }
        assert_eq!(ago(5, 10), "0 ms");
    }

    #[test]
    fn numbers_are_grouped() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")];
        for (number, text) in cases {
            assert_eq!(count(number), text);
        }
        assert_eq!(megabytes(2048), "2,048 MB");
        assert_eq!(megabytes(20_480), "20.0 GB");
        assert_eq!(megabytes(20 * 1024 * 1024), "20.0 TB");
    }

    #[test]
    fn long_keys_are_cut() {
        assert_eq!(key(b"a\x00\xff<"), "a\\x00\\xFF<");
        let long = key(&vec![0; 40_000]);
        assert!(long.chars().count() <= TEXT_CHARS_MAX + 1 && long.ends_with('…'), "{long}");
        assert!(key(&[b'a'; 161]).ends_with("aa…"));
        assert_eq!(short(&"é".repeat(200)).chars().count(), TEXT_CHARS_MAX + 1);
    }
}
