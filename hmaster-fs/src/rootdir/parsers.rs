//! The parsers of the root folder's small files, for fuzz targets: what they make of any bytes. Not for other use.

use super::content;

/// Whether it is the file `hbase.version`.
pub fn version(file: &[u8]) -> bool {
    content::decode_version(file).is_ok_and(|version| version.is_some())
}

/// Whether it is the file `hbase.id`.
pub fn cluster_id(file: &[u8]) -> bool {
    content::decode_cluster_id(file).is_ok()
}

/// Whether it is a region's `.regioninfo`.
pub fn region_info(file: &[u8]) -> bool {
    content::decode_region_info(file).is_ok()
}

/// Whether it is a table's schema.
pub fn table_schema(file: &[u8]) -> bool {
    content::decode_table_schema(file).is_ok()
}
