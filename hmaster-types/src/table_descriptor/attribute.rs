//! Names of the attributes of tables and column families that a master reads or writes.

use std::collections::BTreeMap;
use std::str::FromStr;

use bytes::Bytes;

use crate::to_string_binary;

/// Table: is this hbase:meta.
pub const IS_META: &str = "IS_META";
/// Table: number of replicas of each region.
pub const REGION_REPLICATION: &str = "REGION_REPLICATION";
/// Table: whether replicas hear of edits before they are flushed.
pub const REGION_MEMSTORE_REPLICATION: &str = "REGION_MEMSTORE_REPLICATION";
/// Table: whether regions may be split.
pub const SPLIT_ENABLED: &str = "SPLIT_ENABLED";
/// Table: whether regions may be merged.
pub const MERGE_ENABLED: &str = "MERGE_ENABLED";
/// Table: class that decides when a region is split.
pub const SPLIT_POLICY: &str = "SPLIT_POLICY";
/// Table: class that decides when a region is flushed.
pub const FLUSH_POLICY: &str = "FLUSH_POLICY";
/// Table: size in bytes beyond which a region is split.
pub const MAX_FILESIZE: &str = "MAX_FILESIZE";
/// Table: size in bytes beyond which a region is flushed.
pub const MEMSTORE_FLUSHSIZE: &str = "MEMSTORE_FLUSHSIZE";
/// Table: no writes.
pub const READONLY: &str = "READONLY";
/// Table: whether its regions are compacted.
pub const COMPACTION_ENABLED: &str = "COMPACTION_ENABLED";
/// Table: whether the normalizer looks at it.
pub const NORMALIZATION_ENABLED: &str = "NORMALIZATION_ENABLED";
/// Table: number of regions that the normalizer aims at.
pub const NORMALIZER_TARGET_REGION_COUNT: &str = "NORMALIZER_TARGET_REGION_COUNT";
/// Table: size of regions in MB that the normalizer aims at.
pub const NORMALIZER_TARGET_REGION_SIZE_MB: &str = "NORMALIZER_TARGET_REGION_SIZE_MB";
/// Table: what a write waits for.
pub const DURABILITY: &str = "DURABILITY";
/// Table: who opens first.
pub const PRIORITY: &str = "PRIORITY";
/// Table: who made it.
pub const OWNER: &str = "OWNER";
/// Table: policy of its folder on HDFS.
pub const ERASURE_CODING_POLICY: &str = "ERASURE_CODING_POLICY";
/// Table and family: how store files are tracked: `DEFAULT`, `FILE` or `MIGRATION`.
pub const STORE_FILE_TRACKER: &str = "hbase.store.file-tracker.impl";
/// Table and family: the tracker that a migration comes from.
pub const MIGRATION_SOURCE: &str = "hbase.store.file-tracker.migration.src.impl";
/// Table and family: the tracker that a migration goes to.
pub const MIGRATION_DESTINATION: &str = "hbase.store.file-tracker.migration.dst.impl";

/// Family: versions kept.
pub const VERSIONS: &str = "VERSIONS";
/// Family: versions kept beyond their time to live.
pub const MIN_VERSIONS: &str = "MIN_VERSIONS";
/// Family: time to live in seconds.
pub const TTL: &str = "TTL";
/// Family: kind of Bloom filter.
pub const BLOOMFILTER: &str = "BLOOMFILTER";
/// Family: 1 when it is replicated to other clusters.
pub const REPLICATION_SCOPE: &str = "REPLICATION_SCOPE";
/// Family: compression of store files.
pub const COMPRESSION: &str = "COMPRESSION";
/// Family: block size in bytes.
pub const BLOCKSIZE: &str = "BLOCKSIZE";
/// Family: kept in the cache with precedence.
pub const IN_MEMORY: &str = "IN_MEMORY";
/// Family: cached at all.
pub const BLOCKCACHE: &str = "BLOCKCACHE";
/// Family: whether deleted cells can still be read by time travel.
pub const KEEP_DELETED_CELLS: &str = "KEEP_DELETED_CELLS";
/// Family: encoding of data blocks.
pub const DATA_BLOCK_ENCODING: &str = "DATA_BLOCK_ENCODING";
/// Family: encoding of index blocks.
pub const INDEX_BLOCK_ENCODING: &str = "INDEX_BLOCK_ENCODING";
/// Family: big values go to files of their own.
pub const IS_MOB: &str = "IS_MOB";
/// Family: size in bytes beyond which a value goes to a file of its own.
pub const MOB_THRESHOLD: &str = "MOB_THRESHOLD";
/// Family: number of HDFS replicas.
pub const DFS_REPLICATION: &str = "DFS_REPLICATION";
/// Family: cipher of store files.
pub const ENCRYPTION: &str = "ENCRYPTION";

/// Reads a value as Java does: surrounding blanks don't count, nor does the case of flags and enum names.
pub(super) fn parse<T: FromStr>(value: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(value).ok()?.trim();
    text.parse().or_else(|_| text.to_ascii_lowercase().parse()).ok()
}

/// `{KEY => 'value', …}`.
pub(super) fn display(attributes: &BTreeMap<Bytes, Bytes>) -> String {
    let pair = |(key, value): (&Bytes, &Bytes)| {
        format!("{} => '{}'", to_string_binary(key), to_string_binary(value))
    };
    format!("{{{}}}", attributes.iter().map(pair).collect::<Vec<_>>().join(", "))
}
