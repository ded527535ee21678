//! Settings that must be numbers. Counterpart of `ConfigKey`.

/// What kind of number.
#[derive(Clone, Copy)]
enum Kind {
    Int,
    Long,
    Float,
}

use Kind::{Float, Int, Long};

/// The keys that region servers read as numbers of a table or a column family.
const KEYS: [(&str, Kind); 31] = [
    ("hbase.cells.scanned.per.heartbeat.check", Long),
    ("hbase.hfile.compaction.discharger.thread.count", Int),
    ("hbase.hregion.majorcompaction", Long),
    ("hbase.hregion.majorcompaction.jitter", Float),
    ("hbase.hregion.max.filesize", Long),
    ("hbase.hregion.max.filesize.jitter", Float),
    ("hbase.hregion.memstore.block.multiplier", Int),
    ("hbase.hregion.memstore.flush.size", Long),
    ("hbase.hstore.blockingStoreFiles", Int),
    ("hbase.hstore.compaction.date.tiered.hot.window.age.millis", Long),
    ("hbase.hstore.compaction.date.tiered.incoming.window.min", Int),
    ("hbase.hstore.compaction.date.tiered.max.storefile.age.millis", Long),
    ("hbase.hstore.compaction.date.tiered.warm.window.age.millis", Long),
    ("hbase.hstore.compaction.keep.seqId.period", Int),
    ("hbase.hstore.compaction.kv.max", Int),
    ("hbase.hstore.compaction.max", Int),
    ("hbase.hstore.compaction.max.size", Long),
    ("hbase.hstore.compaction.max.size.offpeak", Long),
    ("hbase.hstore.compaction.min", Int),
    ("hbase.hstore.compaction.min.size", Long),
    ("hbase.hstore.compaction.ratio", Float),
    ("hbase.hstore.compaction.ratio.offpeak", Float),
    ("hbase.hstore.compaction.scanner.size.limit", Long),
    ("hbase.hstore.min.locality.to.skip.major.compact", Float),
    ("hbase.hstore.open.and.close.threads.max", Int),
    ("hbase.offpeak.end.hour", Int),
    ("hbase.offpeak.start.hour", Int),
    ("hbase.regionserver.optionalcacheflushinterval", Int),
    ("hbase.server.compactchecker.interval.multiplier", Int),
    ("hbase.server.keyvalue.maxsize", Long),
    ("hbase.storescanner.pread.max.bytes", Long),
];

/// Those of them that must be above 0.
const POSITIVE: [&str; 2] = ["hbase.hregion.memstore.block.multiplier", "hbase.hregion.memstore.flush.size"];

/// What is wrong with the settings that `text` gives out.
pub(super) fn not_numbers(text: impl Fn(&str) -> Option<String>) -> Vec<String> {
    KEYS.iter().filter_map(|(key, kind)| complaint(key, *kind, &text(key)?)).collect()
}

fn complaint(key: &str, kind: Kind, text: &str) -> Option<String> {
    let (number, expected) = match kind {
        Int => (long(text).filter(|number| i32::try_from(*number).is_ok()), "an integer"),
        Long => (long(text), "a long"),
        Float => (text.trim().parse::<f64>().ok().map(|_| 1), "a float"),
    };
    match number {
        None => Some(format!("'{key}' must be {expected}.")),
        Some(number) if POSITIVE.contains(&key) && number <= 0 => {
            Some(format!("Invalid value for '{key}': {number}."))
        }
        Some(_) => None,
    }
}

/// A number as Hadoop's `Configuration` reads it: decimal, or hexadecimal behind `0x`.
pub(super) fn long(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16).ok().map(|number| if negative { -number } else { number }),
        None => text.parse().ok(),
    }
}
