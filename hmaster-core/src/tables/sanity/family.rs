//! What a column family may say.

use hmaster_types::{ColumnFamilyDescriptor, StoreFileTracker, attribute};

use super::{Finding, Subject, may_pass, never_passes};

const COMPRESSIONS: [&str; 9] = ["LZO", "GZ", "NONE", "SNAPPY", "LZ4", "BZIP2", "ZSTD", "LZMA", "BROTLI"];
/// Attributes that name a compression.
const COMPRESSED_BY: [&str; 4] =
    [attribute::COMPRESSION, "COMPRESSION_COMPACT", "COMPRESSION_COMPACT_MAJOR", "COMPRESSION_COMPACT_MINOR"];
const BLOOM_FILTERS: [&str; 4] = ["NONE", "ROW", "ROWCOL", "ROWPREFIX_FIXED_LENGTH"];
/// Attributes that are one of a list, with the list.
const CHOICES: [(&str, &[&str]); 4] = [
    (attribute::DATA_BLOCK_ENCODING, &["NONE", "PREFIX", "DIFF", "FAST_DIFF", "ROW_INDEX_V1"]),
    (attribute::INDEX_BLOCK_ENCODING, &["NONE", "PREFIX_TREE"]),
    (attribute::KEEP_DELETED_CELLS, &["FALSE", "TRUE", "TTL"]),
    (IN_MEMORY_COMPACTION, &["NONE", "BASIC", "EAGER", "ADAPTIVE"]),
];

const BLOCK_BYTES_MIN: i32 = 1024;
const BLOCK_BYTES_MAX: i32 = 16 * 1024 * 1024;
/// Java's `HConstants.MAX_ROW_LENGTH`.
const PREFIX_BYTES_MAX: i32 = i16::MAX as i32;
const PREFIX_LENGTH: &str = "RowPrefixBloomFilter.prefix_length";

const IN_MEMORY_COMPACTION: &str = "IN_MEMORY_COMPACTION";
const ENGINE: &str = "hbase.hstore.engine.class";
const DATE_TIERED_ENGINE: &str = "org.apache.hadoop.hbase.regionserver.DateTieredStoreEngine";
const DATA_TIERING: &str = "hbase.hstore.datatiering.type";
const COMPACTION_POLICY: &str = "hbase.hstore.defaultengine.compactionpolicy.class";
const FIFO: &str = "org.apache.hadoop.hbase.regionserver.compactions.FIFOCompactionPolicy";
const BLOCKING_FILES: &str = "hbase.hstore.blockingStoreFiles";
/// So many files at least may gather where they are never compacted.
const FIFO_BLOCKING_FILES_MIN: i64 = 1000;

/// The family's setting of a key, as an attribute or in its configuration.
pub(super) fn text(family: &ColumnFamilyDescriptor, key: &str) -> Option<String> {
    let attribute =
        family.attributes().get(key.as_bytes()).map(|value| String::from_utf8_lossy(value).into_owned());
    attribute.or_else(|| family.configuration().get(key).cloned())
}

fn name(family: &ColumnFamilyDescriptor) -> String {
    hmaster_types::to_string_binary(family.name())
}

/// A number as `Integer.parseInt` reads it; an error when it isn't one.
fn int(family: &ColumnFamilyDescriptor, key: &str, otherwise: i32) -> Result<i32, Finding> {
    let Some(text) = text(family, key) else { return Ok(otherwise) };
    let name = name(family);
    text.parse()
        .map_err(|_| never_passes(format!("{key} for column family {name} is not a number: \"{text}\".")))
}

pub(super) fn compression(family: &ColumnFamilyDescriptor) -> Option<Finding> {
    let unknown = COMPRESSED_BY.iter().find_map(|key| {
        text(family, key).filter(|value| !COMPRESSIONS.contains(&value.to_ascii_uppercase().as_str()))
    })?;
    Some(may_pass(format!(
        "Compression algorithm '{unknown}' of column family {} is not known.",
        name(family)
    )))
}

/// Everything that concerns one family alone.
pub(super) fn findings(family: &ColumnFamilyDescriptor) -> Vec<Finding> {
    let mut findings = Vec::new();
    for result in
        [scope(family), bloom_filter(family), time_to_live(family), block_size(family), versions(family)]
    {
        match result {
            Ok(finding) => findings.extend(finding),
            Err(finding) => findings.push(finding),
        }
    }
    match int(family, attribute::DFS_REPLICATION, 0) {
        Ok(count) if count < 0 => findings.push(may_pass(format!(
            "HFile Replication for column family {}  must be greater than zero.",
            name(family)
        ))),
        Ok(_) => {}
        Err(finding) => findings.push(finding),
    }
    findings.extend(CHOICES.iter().filter_map(|(key, choices)| choice(family, key, choices)));
    findings
}

type Found = Result<Option<Finding>, Finding>;

fn scope(family: &ColumnFamilyDescriptor) -> Found {
    let scope = int(family, attribute::REPLICATION_SCOPE, 0)?;
    Ok((!(0..=1).contains(&scope)).then(|| {
        may_pass(format!("Replication scope for column family {} is {scope} which is invalid.", name(family)))
    }))
}

/// Java keeps to itself what is wrong with it.
fn bloom_filter(family: &ColumnFamilyDescriptor) -> Found {
    let Some(wrong) = wrong_bloom_filter(family) else { return Ok(None) };
    tracing::info!(family = %name(family), wrong, "bloom filter");
    Ok(Some(may_pass("Failed to get bloom filter param")))
}

fn wrong_bloom_filter(family: &ColumnFamilyDescriptor) -> Option<String> {
    let filter = text(family, attribute::BLOOMFILTER).unwrap_or_else(|| "ROW".into()).to_ascii_uppercase();
    if !BLOOM_FILTERS.contains(&filter.as_str()) {
        return Some(format!("Bloom filter type {filter} is not known."));
    }
    if filter != "ROWPREFIX_FIXED_LENGTH" {
        return None;
    }
    Some(match family.configuration().get(PREFIX_LENGTH) {
        None => format!("Bloom filter type is {filter}, {PREFIX_LENGTH} not specified."),
        Some(length) => match length.parse::<i32>() {
            Ok(1..=PREFIX_BYTES_MAX) => return None,
            Ok(_) => {
                format!(
                    "Bloom filter type is {filter}, the value of {PREFIX_LENGTH} must >=0 and < {PREFIX_BYTES_MAX}"
                )
            }
            Err(_) => {
                format!(
                    "Number format exception when parsing {PREFIX_LENGTH} for BloomType {filter}:{length}"
                )
            }
        },
    })
}

fn time_to_live(family: &ColumnFamilyDescriptor) -> Found {
    let seconds = int(family, attribute::TTL, ColumnFamilyDescriptor::TTL_FOREVER)?;
    let wrong = || may_pass(format!("TTL for column family {} must be positive.", name(family)));
    Ok((seconds <= 0).then(wrong))
}

fn block_size(family: &ColumnFamilyDescriptor) -> Found {
    let bytes = int(family, attribute::BLOCKSIZE, 64 * 1024)?;
    let wrong =
        || may_pass(format!("Block size for column family {}  must be between 1K and 16MB.", name(family)));
    Ok((!(BLOCK_BYTES_MIN..=BLOCK_BYTES_MAX).contains(&bytes)).then(wrong))
}

fn versions(family: &ColumnFamilyDescriptor) -> Found {
    let min = int(family, attribute::MIN_VERSIONS, 0)?;
    let max = int(family, attribute::VERSIONS, 1)?;
    let name = name(family);
    if min < 0 {
        return Ok(Some(may_pass(format!("Min versions for column family {name}  must be positive."))));
    }
    Ok((min > max).then(|| {
        may_pass(format!("Min versions for column family {name} must be less than the Max versions."))
    }))
}

fn choice(family: &ColumnFamilyDescriptor, key: &str, choices: &[&str]) -> Option<Finding> {
    let value = text(family, key).filter(|value| !choices.contains(&value.to_ascii_uppercase().as_str()))?;
    if key == IN_MEMORY_COMPACTION {
        let value = value.to_ascii_uppercase();
        let message = format!("No enum constant org.apache.hadoop.hbase.MemoryCompactionPolicy.{value}");
        return Some(may_pass(message));
    }
    Some(may_pass(format!("{key} {value} of column family {} is not known.", name(family))))
}

/// What concerns a family and its table together.
impl Subject<'_> {
    /// A store whose files are dropped when they are old, and never compacted.
    pub(super) fn compaction_policy(&self) -> Option<Finding> {
        let of_table =
            self.text(COMPACTION_POLICY).unwrap_or_else(|| self.options.tables.compaction_policy.clone());
        let blocking = self.text(BLOCKING_FILES).and_then(|text| text.parse().ok());
        let blocking = blocking.unwrap_or_else(|| i64::from(self.options.tables.blocking_store_files));
        self.schema.families().find_map(|family| {
            let policy = family.configuration().get(COMPACTION_POLICY).unwrap_or(&of_table);
            (policy == FIFO).then(|| fifo(family, blocking)).flatten().map(never_passes)
        })
    }

    pub(super) fn data_tiering(&self) -> Option<Finding> {
        let says = |family: Option<&ColumnFamilyDescriptor>, key: &str, value: &str| {
            let own = family.and_then(|family| family.configuration().get(key).cloned());
            own.or_else(|| self.text(key)).is_some_and(|text| text == value)
        };
        let families = std::iter::once(None).chain(self.schema.families().map(Some));
        let mut wrong = families.filter(|family| {
            says(*family, DATA_TIERING, "TIME_RANGE") && !says(*family, ENGINE, DATE_TIERED_ENGINE)
        });
        wrong
            .next()
            .map(|_| never_passes("Time Range Data Tiering should be enabled with Date Tiered Compaction."))
    }

    /// What a family must not be in a new table.
    pub(super) fn new_family(&self, family: &ColumnFamilyDescriptor) -> Option<String> {
        let tracker = family.configuration().get(attribute::STORE_FILE_TRACKER).cloned();
        let tracker = tracker.or_else(|| self.text(attribute::STORE_FILE_TRACKER));
        let otherwise = self.options.filesystem.store_file_tracker.as_str();
        if tracker.as_deref().unwrap_or(otherwise).eq_ignore_ascii_case("MIGRATION") {
            let (name, table) = (name(family), self.schema.name());
            return Some(format!(
                "Should not use MIGRATION as store file tracker for new family {name} of table {table}"
            ));
        }
        // No region server could open the regions, and whoever creates the table would wait for that for ever.
        StoreFileTracker::of(self.schema, family, otherwise).err().map(|unknown| unknown.to_string())
    }
}

/// A family whose cells go to tiers, but by nothing that it says.
pub(super) fn untiered(family: &ColumnFamilyDescriptor) -> Option<String> {
    let engine = family.configuration().get(ENGINE);
    let engine = engine.filter(|engine| engine.contains("CustomCellTieredStoreEngine"))?;
    let qualifier = family.configuration().contains_key("TIERING_CELL_QUALIFIER");
    (!qualifier)
        .then(|| format!("StoreEngine {engine} is missing required TIERING_CELL_QUALIFIER parameter."))
}

fn fifo(family: &ColumnFamilyDescriptor, blocking: i64) -> Option<String> {
    let own = family.configuration().get(BLOCKING_FILES).and_then(|text| text.parse().ok());
    let blocking = own.unwrap_or(blocking);
    if family.parsed(attribute::TTL).unwrap_or(ColumnFamilyDescriptor::TTL_FOREVER)
        == ColumnFamilyDescriptor::TTL_FOREVER
    {
        return Some("Default TTL is not supported for FIFO compaction".into());
    }
    if family.parsed(attribute::MIN_VERSIONS).unwrap_or(0) > 0 {
        return Some("MIN_VERSION > 0 is not supported for FIFO compaction".into());
    }
    (blocking < FIFO_BLOCKING_FILES_MIN).then(|| {
        format!(
            "Blocking file count '{BLOCKING_FILES}' {blocking} is below recommended minimum of 1000 for column family {}",
            name(family)
        )
    })
}
