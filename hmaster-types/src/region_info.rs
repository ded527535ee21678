//! A region: its table, its range of row keys, its id. Counterpart of `RegionInfo` and `RegionInfoBuilder`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::{EncodedName, ParseError, RegionName, TableName, to_string_binary};

/// One region of one table. Cheap to clone; about 200 bytes with short keys.
///
/// Two regions are equal when all parts but the `split` flag are, as in Java.
#[derive(Clone)]
pub struct RegionInfo(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    table: TableName,
    start_key: Box<[u8]>,
    end_key: Box<[u8]>,
    region_id: u64,
    encoded: EncodedName,
    replica_id: u16,
    offline: bool,
    split: bool,
}

/// Collects the parts of a [`RegionInfo`].
#[derive(Debug, Clone)]
pub struct RegionInfoBuilder {
    table: TableName,
    start_key: Box<[u8]>,
    end_key: Box<[u8]>,
    region_id: u64,
    replica_id: u16,
    offline: bool,
    split: bool,
}

impl RegionInfo {
    /// Java's `MutableRegionInfo.MAX_REPLICA_ID`: four hexadecimal digits in a name.
    pub const REPLICA_ID_MAX: u16 = 0xffff;

    /// Starts a region of `table` that covers all rows, with region id 0.
    pub fn builder(table: TableName) -> RegionInfoBuilder {
        let empty = || Box::from(&[][..]);
        RegionInfoBuilder {
            table,
            start_key: empty(),
            end_key: empty(),
            region_id: 0,
            replica_id: 0,
            offline: false,
            split: false,
        }
    }

    /// The one region of hbase:meta.
    pub fn meta() -> Self {
        Self::meta_replica(0)
    }

    /// A replica of the one region of hbase:meta.
    pub fn meta_replica(replica_id: u16) -> Self {
        Self::builder(TableName::meta()).region_id(1).replica_id(replica_id).build()
    }

    /// The table.
    pub fn table(&self) -> &TableName {
        &self.0.table
    }

    /// First row of the region; empty for the table's first region.
    pub fn start_key(&self) -> &[u8] {
        &self.0.start_key
    }

    /// First row after the region; empty for the table's last region.
    pub fn end_key(&self) -> &[u8] {
        &self.0.end_key
    }

    /// When the region was made, in milliseconds since 1970; 1 for hbase:meta.
    pub fn region_id(&self) -> u64 {
        self.0.region_id
    }

    /// 0 for the default replica.
    pub fn replica_id(&self) -> u16 {
        self.0.replica_id
    }

    /// Taken out of service, as split parents are.
    pub fn is_offline(&self) -> bool {
        self.0.offline
    }

    /// Was split and has daughters.
    pub fn is_split(&self) -> bool {
        self.0.split
    }

    /// Split and offline: it waits for its daughters to let go of its files.
    pub fn is_split_parent(&self) -> bool {
        self.is_split() && self.is_offline()
    }

    /// True for every replica of hbase:meta.
    pub fn is_meta(&self) -> bool {
        self.0.table.is_meta()
    }

    /// True for replica 0.
    pub fn is_default_replica(&self) -> bool {
        self.0.replica_id == 0
    }

    /// The short name, which names the folder of the default replica.
    pub fn encoded_name(&self) -> EncodedName {
        self.0.encoded
    }

    /// The full name.
    pub fn name(&self) -> RegionName {
        RegionName::build(self.table(), self.start_key(), self.region_id(), self.replica_id()).0
    }

    /// The row of hbase:meta that describes this region and its replicas: the default replica's name.
    pub fn meta_row(&self) -> RegionName {
        RegionName::build(self.table(), self.start_key(), self.region_id(), 0).0
    }

    /// True when `row` lies in the region's range (bytewise, which doesn't suit rows of hbase:meta).
    pub fn contains_row(&self, row: &[u8]) -> bool {
        row >= self.start_key() && (self.end_key().is_empty() || row < self.end_key())
    }

    /// True when the ranges of two regions of one table share a row.
    pub fn overlaps(&self, other: &Self) -> bool {
        let starts_before_end = |a: &Self, b: &Self| b.end_key().is_empty() || a.start_key() < b.end_key();
        self.table() == other.table() && starts_before_end(self, other) && starts_before_end(other, self)
    }

    /// True when one region ends where the other starts. Counterpart of `RegionInfo.areAdjacent`.
    pub fn is_adjacent(&self, other: &Self) -> bool {
        let (a, b) = if self.start_key() <= other.start_key() { (self, other) } else { (other, self) };
        a.table() == b.table() && a.end_key() == b.start_key()
    }

    /// The same region as another replica.
    pub fn with_replica(&self, replica_id: u16) -> Self {
        if replica_id == self.replica_id() {
            self.clone()
        } else {
            self.to_builder().replica_id(replica_id).build()
        }
    }

    /// The same region, whose table name shares the memory of `table`. A million regions are of few tables.
    #[must_use]
    pub fn with_table_of(mut self, table: &TableName) -> Self {
        assert_eq!(self.table(), table, "only the memory changes");
        Arc::make_mut(&mut self.0).table = table.clone();
        self
    }

    /// A builder with all parts of this region.
    pub fn to_builder(&self) -> RegionInfoBuilder {
        let Inner { table, start_key, end_key, region_id, encoded: _, replica_id, offline, split } =
            (*self.0).clone();
        RegionInfoBuilder { table, start_key, end_key, region_id, replica_id, offline, split }
    }

    fn sort_key(&self) -> (&TableName, &[u8], bool, &[u8], u64, u16, bool) {
        // The last region has an empty end key, and sorts after every other with its start key. A table's only
        // region has both keys empty and sorts first, as in Java.
        let last = self.end_key().is_empty() && !self.start_key().is_empty();
        (
            self.table(),
            self.start_key(),
            last,
            self.end_key(),
            self.region_id(),
            self.replica_id(),
            !self.is_offline(),
        )
    }
}

impl RegionInfoBuilder {
    /// Sets the first row; empty means from the table's start.
    #[must_use]
    pub fn start_key(mut self, key: impl Into<Box<[u8]>>) -> Self {
        self.start_key = key.into();
        self
    }

    /// Sets the first row after the region; empty means to the table's end.
    #[must_use]
    pub fn end_key(mut self, key: impl Into<Box<[u8]>>) -> Self {
        self.end_key = key.into();
        self
    }

    /// Sets the region id, by convention the time of its making in milliseconds.
    #[must_use]
    pub fn region_id(mut self, id: u64) -> Self {
        self.region_id = id;
        self
    }

    /// Sets the replica id.
    #[must_use]
    pub fn replica_id(mut self, id: u16) -> Self {
        self.replica_id = id;
        self
    }

    /// Marks the region as out of service.
    #[must_use]
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
    }

    /// Marks the region as split.
    #[must_use]
    pub fn split(mut self, split: bool) -> Self {
        self.split = split;
        self
    }

    /// The region, without a check of its range: what is read from a live cluster must be shown even when it is wrong.
    pub fn build(self) -> RegionInfo {
        let Self { table, start_key, end_key, region_id, replica_id, offline, split } = self;
        let (_, encoded) = RegionName::build(&table, &start_key, region_id, replica_id);
        RegionInfo(Arc::new(Inner {
            table,
            start_key,
            end_key,
            region_id,
            encoded,
            replica_id,
            offline,
            split,
        }))
    }

    /// The region, if its range isn't empty or reversed.
    ///
    /// # Errors
    /// When the end key isn't after the start key.
    pub fn build_checked(self) -> Result<RegionInfo, ParseError> {
        if !self.end_key.is_empty() && self.start_key >= self.end_key {
            let reason = format!("it isn't after the start key {}", to_string_binary(&self.start_key));
            return Err(ParseError::new("end key", &self.end_key, reason));
        }
        Ok(self.build())
    }
}

impl Ord for RegionInfo {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.sort_key().cmp(&other.sort_key()) }
    }
}

impl PartialOrd for RegionInfo {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for RegionInfo {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for RegionInfo {}

impl Hash for RegionInfo {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.encoded.hash(state);
    }
}

impl fmt::Display for RegionInfo {
    /// `{ENCODED => …, NAME => '…', STARTKEY => '…', ENDKEY => '…'}`, as HBase prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (to_string_binary(self.start_key()), to_string_binary(self.end_key()));
        let (encoded, name) = (self.encoded_name(), self.name());
        write!(f, "{{ENCODED => {encoded}, NAME => '{name}', STARTKEY => '{start}', ENDKEY => '{end}'")?;
        f.write_str(if self.is_offline() { ", OFFLINE => true" } else { "" })?;
        f.write_str(if self.is_split() { ", SPLIT => true" } else { "" })?;
        match self.replica_id() {
            0 => f.write_str("}"),
            replica => write!(f, ", REPLICA_ID => {replica}}}"),
        }
    }
}

impl fmt::Debug for RegionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.name(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(start: &str, end: &str) -> RegionInfo {
        RegionInfo::builder("t".parse().unwrap())
            .start_key(start.as_bytes())
            .end_key(end.as_bytes())
            .region_id(7)
            .build()
    }

    #[test]
    fn meta_keeps_its_old_names() {
        let meta = RegionInfo::meta();
        assert_eq!(
            (meta.name().to_string(), meta.encoded_name()),
            ("hbase:meta,,1".into(), EncodedName::META)
        );
        let replica = RegionInfo::meta_replica(1);
        assert_eq!(replica.name().to_string(), "hbase:meta,,1_0001");
        assert_ne!(replica.encoded_name(), meta.encoded_name());
        assert_eq!(replica.meta_row(), meta.name());
    }

    #[test]
    fn names_carry_the_md5_of_their_prefix() {
        // Reference value: printf 't,a,7' | md5sum
        assert_eq!(region("a", "b").name().to_string(), "t,a,7.2ea19a3f72496fc5e19ef6c1c1dde25c.");
        let name = region("a", "b").with_replica(2).name().to_string();
        assert!(name.starts_with("t,a,7_0002."), "{name}");
    }

    #[test]
    fn the_last_region_sorts_last() {
        let mut regions = [region("m", ""), region("m", "z"), region("", "m"), region("", "")];
        regions.sort();
        let ranges = regions
            .iter()
            .map(|r| format!("{}-{}", to_string_binary(r.start_key()), to_string_binary(r.end_key())));
        assert_eq!(ranges.collect::<Vec<_>>(), ["-", "-m", "m-z", "m-"]);
    }

    #[test]
    fn ranges() {
        let (a, b, c) = (region("", "m"), region("m", ""), region("k", "p"));
        assert!(a.contains_row(b"l") && !a.contains_row(b"m") && b.contains_row(b"\xff"));
        assert!(!a.overlaps(&b) && a.overlaps(&c) && c.overlaps(&b) && region("", "").overlaps(&c));
        assert!(a.is_adjacent(&b) && b.is_adjacent(&a) && !a.is_adjacent(&c));
        assert!(region("z", "a").to_builder().build_checked().is_err());
    }
}
