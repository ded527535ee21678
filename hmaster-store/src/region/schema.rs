//! The table master:store and its one region, as Java 2.6's `MasterRegionFactory` describes them.

use hmaster_types::{ColumnFamilyDescriptor, RegionInfo, TableDescriptor, TableName, attribute};

/// Where hbase:meta is: the same columns as in rows of hbase:meta.
pub const INFO_FAMILY: &[u8] = b"info";
/// Procedures.
pub const PROC_FAMILY: &[u8] = b"proc";
/// Region servers that may have edits in WALs.
pub const REGION_SERVER_FAMILY: &[u8] = b"rs";
/// Switches and other small state.
pub const STATE_FAMILY: &[u8] = b"state";

/// Java's `HConstants.DEFAULT_HBASE_META_VERSIONS`.
const INFO_VERSIONS: &str = "3";
const INFO_BLOCK_BYTES: &str = "8192";
/// Files are what is in the folder.
pub(super) const DEFAULT_TRACKER: &str = "DEFAULT";

pub(super) fn table_name() -> TableName {
    "master:store".parse().expect("a legal name")
}

pub(super) fn region_info() -> RegionInfo {
    RegionInfo::builder(table_name()).region_id(1).build()
}

pub(super) fn table_descriptor() -> TableDescriptor {
    let info = ColumnFamilyDescriptor::builder(INFO_FAMILY)
        .attribute(attribute::VERSIONS, INFO_VERSIONS)
        .attribute(attribute::IN_MEMORY, "true")
        .attribute(attribute::BLOCKSIZE, INFO_BLOCK_BYTES)
        .attribute(attribute::BLOOMFILTER, "ROWCOL")
        .attribute(attribute::DATA_BLOCK_ENCODING, "ROW_INDEX_V1")
        .build();
    let others = [PROC_FAMILY, REGION_SERVER_FAMILY, STATE_FAMILY];
    let table = TableDescriptor::builder(table_name())
        .attribute(attribute::STORE_FILE_TRACKER, DEFAULT_TRACKER)
        .family(info);
    others
        .into_iter()
        .fold(table, |table, name| table.family(ColumnFamilyDescriptor::builder(name).build()))
        .build()
}

/// The descriptor with the families that it lacks: earlier releases had fewer. None when it lacks none.
pub(super) fn completed(descriptor: &TableDescriptor) -> Option<TableDescriptor> {
    let ours = table_descriptor();
    let lacking: Vec<_> =
        ours.families().filter(|family| descriptor.family(family.name()).is_none()).collect();
    let complete =
        lacking.iter().fold(descriptor.to_builder(), |table, family| table.family((*family).clone()));
    (!lacking.is_empty()).then(|| complete.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_of_earlier_releases_are_added_to() {
        let old = table_descriptor().to_builder().without_family(STATE_FAMILY).attribute("kept", "x").build();
        let complete = completed(&old).unwrap();
        assert_eq!(complete, table_descriptor().to_builder().attribute("kept", "x").build());
        assert_eq!(completed(&complete), None);
    }

    #[test]
    fn the_region_has_the_name_that_java_computes() {
        assert_eq!(region_info().encoded_name().to_string(), "1595e783b53d99cd5eef43b6debb2682");
    }
}
