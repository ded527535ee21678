//! What is where below the root folder. Counterpart of the path methods of `CommonFSUtils`, `FSUtils`,
//! `HFileArchiveUtil`, `AbstractFSWALProvider` and of names in `HConstants`.

use hmaster_types::{EncodedName, RegionInfo, ServerName, TableName};

use crate::FsPath;

/// The paths below a root folder and a folder for WALs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: FsPath,
    wal_root: FsPath,
}

impl Layout {
    /// A root folder with WALs in it.
    pub fn new(root: FsPath) -> Self {
        let wal_root = root.clone();
        Self { root, wal_root }
    }

    /// The same with another folder for WALs.
    #[must_use]
    pub fn with_wal_root(self, wal_root: FsPath) -> Self {
        Self { wal_root, ..self }
    }

    /// The root folder (`hbase.rootdir`).
    pub fn root(&self) -> &FsPath {
        &self.root
    }

    /// The folder for WALs (`hbase.wal.dir`), by default the root folder.
    pub fn wal_root(&self) -> &FsPath {
        &self.wal_root
    }

    /// The file with the version of the layout.
    pub fn version(&self) -> FsPath {
        self.root.join("hbase.version")
    }

    /// The file with the cluster's id.
    pub fn cluster_id(&self) -> FsPath {
        self.root.join("hbase.id")
    }

    /// Where files are made before they get their names; cleared when a master begins.
    pub fn temp(&self) -> FsPath {
        self.root.join(".tmp")
    }

    /// The file that keeps tools of HBase 1 away.
    pub fn hbck1_lock(&self) -> FsPath {
        self.temp().join("hbase-hbck.lock")
    }

    /// Where repair tools put what they take away.
    pub fn sideline(&self) -> FsPath {
        self.root.join(".hbck")
    }

    /// Where files to be bulk loaded are brought to.
    pub fn staging(&self) -> FsPath {
        self.root.join("staging")
    }

    /// Complete snapshots.
    pub fn snapshots(&self) -> FsPath {
        self.root.join(".hbase-snapshot")
    }

    /// The region in which a master keeps its own state.
    pub fn master_data(&self) -> FsPath {
        self.root.join("MasterData")
    }

    /// That region's WALs, which may be elsewhere.
    pub fn master_data_wals(&self) -> FsPath {
        self.wal_root.join("MasterData").join("WALs")
    }

    /// The namespaces.
    pub fn data(&self) -> FsPath {
        self.root.join(DATA)
    }

    /// A namespace's tables.
    ///
    /// # Panics
    /// When the name isn't legal ([`TableName::check_namespace`]).
    pub fn namespace(&self, namespace: &str) -> FsPath {
        self.data().join(namespace)
    }

    /// A table.
    pub fn table(&self, table: &TableName) -> FsPath {
        table_below(&self.root, table)
    }

    /// A table's schema files.
    pub fn table_descriptors(&self, table: &TableName) -> FsPath {
        self.table(table).join(TABLE_DESCRIPTORS)
    }

    /// A region's folder, which its replicas share.
    pub fn region(&self, region: &RegionInfo) -> FsPath {
        self.region_named(region.table(), default_replica(region))
    }

    /// The same by name.
    pub fn region_named(&self, table: &TableName, region: EncodedName) -> FsPath {
        self.table(table).join(&region.to_string())
    }

    /// The file in a region's folder that says which region it is.
    pub fn region_info(&self, table: &TableName, region: EncodedName) -> FsPath {
        self.region_named(table, region).join(REGION_INFO)
    }

    /// Where deleted store files go.
    pub fn archive(&self) -> FsPath {
        self.root.join("archive")
    }

    /// A table's archived regions.
    pub fn archived_table(&self, table: &TableName) -> FsPath {
        table_below(&self.archive(), table)
    }

    /// Big values of all tables.
    pub fn mob(&self) -> FsPath {
        self.root.join("mobdir")
    }

    /// A table's big values.
    pub fn mob_table(&self, table: &TableName) -> FsPath {
        table_below(&self.mob(), table)
    }

    /// The folders of WALs, one per server.
    pub fn wals(&self) -> FsPath {
        self.wal_root.join("WALs")
    }

    /// A server's WALs.
    pub fn wals_of(&self, server: &ServerName) -> FsPath {
        self.wals().join(server.as_str())
    }

    /// A dead server's WALs, once it is fenced.
    pub fn splitting_wals_of(&self, server: &ServerName) -> FsPath {
        self.wals().join(&format!("{server}{SPLITTING}"))
    }

    /// WALs that nobody needs any more, until a cleaner deletes them.
    pub fn old_wals(&self) -> FsPath {
        self.wal_root.join("oldWALs")
    }

    /// WALs that couldn't be read.
    pub fn corrupt_wals(&self) -> FsPath {
        self.wal_root.join("corrupt")
    }

    /// A table's folder beside the WALs, which is its folder where WALs have none of their own.
    pub fn wal_table(&self, table: &TableName) -> FsPath {
        table_below(&self.wal_root, table)
    }

    /// Where a region's edits wait to be replayed, and its sequence id is recorded.
    pub fn recovered_edits(&self, table: &TableName, region: EncodedName) -> FsPath {
        self.wal_table(table).join(&region.to_string()).join(RECOVERED_EDITS)
    }

    /// All places where recovered edits and sequence ids of a region may be: today's, the one in the region's
    /// folder that older releases used when WALs had a folder of their own, and the one that some used by
    /// mistake (HBASE-20734).
    pub fn all_recovered_edits(&self, table: &TableName, region: EncodedName) -> AllRecoveredEdits {
        let mistaken = self.wal_root.join(table.namespace()).join(table.qualifier());
        AllRecoveredEdits {
            beside_wals: vec![
                self.recovered_edits(table, region),
                mistaken.join(&region.to_string()).join(RECOVERED_EDITS),
            ],
            in_region: self.region_named(table, region).join(RECOVERED_EDITS),
        }
    }
}

/// Folders of recovered edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllRecoveredEdits {
    /// Those in the file system of the WALs.
    pub beside_wals: Vec<FsPath>,
    /// The one in the file system of the root folder.
    pub in_region: FsPath,
}

pub(super) const DATA: &str = "data";
pub(super) const TABLE_DESCRIPTORS: &str = ".tabledesc";
pub(super) const REGION_INFO: &str = ".regioninfo";
pub(super) const RECOVERED_EDITS: &str = "recovered.edits";
pub(super) const SPLITTING: &str = "-splitting";

pub(super) fn table_below(root: &FsPath, table: &TableName) -> FsPath {
    root.join(DATA).join(table.namespace()).join(table.qualifier())
}

pub(super) fn default_replica(region: &RegionInfo) -> EncodedName {
    if region.is_default_replica() { region.encoded_name() } else { region.with_replica(0).encoded_name() }
}

/// The region under which a table's big values are kept. Counterpart of `MobUtils.getMobRegionInfo`.
pub(super) fn mob_region(table: &TableName) -> EncodedName {
    RegionInfo::builder(table.clone()).start_key(*b".mob").build().encoded_name()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_as_hbase_has_them() {
        let layout = Layout::new("/hbase".parse().unwrap()).with_wal_root("/wal".parse().unwrap());
        let (table, ns): (TableName, TableName) = ("t".parse().unwrap(), "ns:t".parse().unwrap());
        let server: ServerName = "Host,16020,1700000000000".parse().unwrap();
        let region = RegionInfo::builder(ns.clone()).region_id(7).replica_id(2).build();
        let encoded = region.with_replica(0).encoded_name();
        for (path, wanted) in [
            (layout.table(&table), "/hbase/data/default/t".to_owned()),
            (layout.table_descriptors(&TableName::meta()), "/hbase/data/hbase/meta/.tabledesc".into()),
            (layout.region(&RegionInfo::meta_replica(1)), "/hbase/data/hbase/meta/1588230740".into()),
            (layout.region(&region), format!("/hbase/data/ns/t/{encoded}")),
            (layout.archived_table(&ns), "/hbase/archive/data/ns/t".into()),
            (layout.mob_table(&ns), "/hbase/mobdir/data/ns/t".into()),
            (layout.wals_of(&server), "/wal/WALs/host,16020,1700000000000".into()),
            (layout.splitting_wals_of(&server), "/wal/WALs/host,16020,1700000000000-splitting".into()),
            (layout.recovered_edits(&ns, encoded), format!("/wal/data/ns/t/{encoded}/recovered.edits")),
            (layout.hbck1_lock(), "/hbase/.tmp/hbase-hbck.lock".into()),
        ] {
            assert_eq!(path.as_str(), wanted);
        }
        let all = layout.all_recovered_edits(&ns, encoded);
        assert_eq!(all.beside_wals[1].as_str(), format!("/wal/ns/t/{encoded}/recovered.edits"));
        assert_eq!(all.in_region.as_str(), format!("/hbase/data/ns/t/{encoded}/recovered.edits"));
    }
}
