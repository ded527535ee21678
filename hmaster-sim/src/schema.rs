//! What a table's schema means to its stores. Counterpart of `ScanInfo` and of the typed getters of
//! `ColumnFamilyDescriptor`.

use bytes::Bytes;
use hmaster_types::{CellOrder, ColumnFamilyDescriptor, TableDescriptor, attribute};

/// What becomes of deleted cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeepDeletedCells {
    /// They go.
    False,
    /// They stay, and their deletes with them.
    True,
    /// They stay until they expire.
    Ttl,
}

/// A column family, as its store needs to know it.
#[derive(Debug, Clone)]
pub(crate) struct FamilySchema {
    /// Its name.
    pub(crate) name: Bytes,
    /// How its cells are sorted.
    pub(crate) order: CellOrder,
    /// Versions kept beyond their time to live.
    pub(crate) min_versions: u32,
    /// Versions kept.
    pub(crate) max_versions: u32,
    /// Time to live in milliseconds; none for ever.
    pub(crate) ttl_ms: Option<i64>,
    /// What becomes of deleted cells.
    pub(crate) keep_deleted_cells: KeepDeletedCells,
    /// Whether a delete hides only what was written before it.
    pub(crate) new_version_behavior: bool,
    /// Everything else.
    pub(crate) descriptor: ColumnFamilyDescriptor,
}

/// Family: whether a delete hides only what was written before it.
const NEW_VERSION_BEHAVIOR: &str = "NEW_VERSION_BEHAVIOR";

impl FamilySchema {
    pub(crate) fn new(descriptor: &ColumnFamilyDescriptor, order: CellOrder) -> Self {
        let number = |key, default: i32| descriptor.parsed::<i32>(key).unwrap_or(default);
        let ttl = number(attribute::TTL, ColumnFamilyDescriptor::TTL_FOREVER);
        let forever = ttl == ColumnFamilyDescriptor::TTL_FOREVER || ttl == -1;
        Self {
            name: descriptor.name().clone(),
            order,
            min_versions: u32::try_from(number(attribute::MIN_VERSIONS, 0)).unwrap_or(0),
            max_versions: u32::try_from(number(attribute::VERSIONS, 1)).unwrap_or(1).max(1),
            ttl_ms: (!forever).then(|| i64::from(ttl) * 1000),
            keep_deleted_cells: keep_deleted_cells(descriptor),
            new_version_behavior: descriptor.parsed(NEW_VERSION_BEHAVIOR).unwrap_or(false),
            descriptor: descriptor.clone(),
        }
    }

    /// The families of a table, sorted by name.
    pub(crate) fn of_table(table: &TableDescriptor) -> Vec<Self> {
        let order = CellOrder::of_table(table.name());
        table.families().map(|family| Self::new(family, order)).collect()
    }

    /// The oldest timestamp that hasn't expired.
    pub(crate) fn oldest_unexpired(&self, now_ms: i64) -> i64 {
        self.ttl_ms.map_or(i64::MIN, |ttl| now_ms.saturating_sub(ttl))
    }
}

fn keep_deleted_cells(family: &ColumnFamilyDescriptor) -> KeepDeletedCells {
    let text = family.parsed::<String>(attribute::KEEP_DELETED_CELLS).unwrap_or_default();
    match text.to_ascii_uppercase().as_str() {
        "TRUE" => KeepDeletedCells::True,
        "TTL" => KeepDeletedCells::Ttl,
        _ => KeepDeletedCells::False,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_as_java_reads_them() {
        let family = ColumnFamilyDescriptor::builder("f")
            .attribute(attribute::VERSIONS, "3")
            .attribute(attribute::TTL, "10")
            .attribute(attribute::KEEP_DELETED_CELLS, "ttl")
            .attribute(NEW_VERSION_BEHAVIOR, "true")
            .build();
        let schema = FamilySchema::new(&family, CellOrder::User);
        assert_eq!((schema.max_versions, schema.min_versions, schema.ttl_ms), (3, 0, Some(10_000)));
        assert_eq!(schema.keep_deleted_cells, KeepDeletedCells::Ttl);
        assert!(schema.new_version_behavior);
        assert_eq!(schema.oldest_unexpired(12_000), 2_000);
    }

    #[test]
    fn cells_live_for_ever_unless_told_otherwise() {
        for ttl in ["2147483647", "-1"] {
            let family = ColumnFamilyDescriptor::builder("f").attribute(attribute::TTL, ttl).build();
            assert_eq!(FamilySchema::new(&family, CellOrder::User).ttl_ms, None);
        }
    }
}
