//! The root folder as data: tables, regions, store files, WALs, archive. What is here has been made durable.

use std::collections::{BTreeMap, BTreeSet};

use hmaster_protocol::pb;
use hmaster_types::{Cell, EncodedName, RegionInfo, ServerName, TableDescriptor, TableName};

/// Everything below `hbase.rootdir`.
#[derive(Debug, Clone, Default)]
pub struct Root {
    /// `hbase.id`.
    pub cluster_id: Option<String>,
    /// Namespaces' folders.
    pub namespaces: BTreeSet<String>,
    /// Tables' folders.
    pub tables: BTreeMap<TableName, TableFolder>,
    /// Store files in the archive, by table and region.
    pub archive: BTreeMap<(TableName, EncodedName), BTreeMap<FileName, StoreFile>>,
    /// Folders below `WALs`, by their names.
    pub wals: BTreeMap<String, BTreeMap<String, Wal>>,
    /// `oldWALs`.
    pub old_wals: BTreeMap<String, Wal>,
    /// Since when all old WALs and archived files are that; none: since just now.
    pub old_since_ms: Option<u64>,
    /// Store files that snapshots refer to.
    pub snapshot_files: BTreeSet<String>,
    /// `.hbase-snapshot`.
    pub snapshots: BTreeMap<String, SnapshotFolder>,
    /// `.hbase-snapshot/.tmp`.
    pub unfinished_snapshots: BTreeMap<String, SnapshotFolder>,
    files_made: u64,
}

/// A snapshot's folder.
#[derive(Debug, Clone, Default)]
pub struct SnapshotFolder {
    /// `.snapshotinfo`.
    pub info: Option<pb::SnapshotDescription>,
    /// What is known of regions.
    pub regions: BTreeMap<EncodedName, pb::SnapshotRegionManifest>,
    /// The table's schema, once all that is in one file.
    pub schema: Option<pb::TableSchema>,
}

/// A table's folder.
#[derive(Debug, Clone)]
pub struct TableFolder {
    /// Its schema.
    pub schema: TableDescriptor,
    /// Its regions' folders.
    pub regions: BTreeMap<EncodedName, RegionFolder>,
}

/// A region's folder.
#[derive(Debug, Clone)]
pub struct RegionFolder {
    /// `.regioninfo`.
    pub info: RegionInfo,
    /// Its store files.
    pub files: BTreeMap<FileName, StoreFile>,
    /// `recovered.edits`, by the WAL they come from.
    pub recovered: BTreeMap<String, Vec<Cell>>,
    /// The number of its `.seqid` file.
    pub sequence_id: Option<i64>,
}

/// A store file by family and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName {
    /// The column family.
    pub family: Vec<u8>,
    /// Its name in the family's folder.
    pub name: String,
}

/// A store file.
#[derive(Debug, Clone)]
pub enum StoreFile {
    /// Cells, with their sequence ids.
    Cells(Vec<Cell>),
    /// The rows of another region's file from a row on, or before it.
    Reference {
        /// The region whose file it is.
        region: EncodedName,
        /// Which file.
        file: FileName,
        /// First row, if not from the beginning.
        start: Vec<u8>,
        /// First row that isn't in it, if not to the end.
        end: Vec<u8>,
    },
    /// All rows of another region's file, wherever that is by now.
    Link {
        /// The table whose file it is.
        table: TableName,
        /// The region.
        region: EncodedName,
        /// Which file.
        file: FileName,
    },
}

/// A WAL: edits of regions, in order.
#[derive(Debug, Clone, Default)]
pub struct Wal(pub Vec<(TableName, EncodedName, Cell)>);

/// Where a WAL lies: in a folder below `WALs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WalPath<'a> {
    pub(super) folder: &'a str,
    pub(super) file: &'a str,
}

const SPLITTING: &str = "-splitting";

/// The name of a fenced server's folder.
pub(super) fn splitting_folder(server: &ServerName) -> String {
    format!("{server}{SPLITTING}")
}

/// Whose folder it is, and whether it is fenced.
pub(super) fn parse_folder(name: &str) -> Option<(ServerName, bool)> {
    match name.strip_suffix(SPLITTING) {
        Some(server) => Some((server.parse().ok()?, true)),
        None => Some((name.parse().ok()?, false)),
    }
}

/// True for a WAL of hbase:meta.
pub(super) fn is_meta_wal(file: &str) -> bool {
    file.ends_with(".meta")
}

pub(super) fn wal_uri(folder: &str, file: &str) -> String {
    format!("world:///WALs/{folder}/{file}")
}

pub(super) fn parse_wal(uri: &str) -> Option<WalPath<'_>> {
    let (folder, file) = uri.strip_prefix("world:///WALs/")?.split_once('/')?;
    Some(WalPath { folder, file })
}

fn highest(cells: &[Cell]) -> i64 {
    cells.iter().map(Cell::sequence_id).max().unwrap_or(0).cast_signed()
}

/// A link by its name, `table=region-file`.
pub(super) fn link_of(name: &FileName) -> Option<StoreFile> {
    let (table, rest) = name.name.rsplit_once('=')?;
    let (region, file) = rest.split_once('-')?;
    let file = FileName { family: name.family.clone(), name: file.to_owned() };
    Some(StoreFile::Link { table: table.replace('=', ":").parse().ok()?, region: region.parse().ok()?, file })
}

impl RegionFolder {
    /// A region without files.
    pub fn new(info: &RegionInfo) -> Self {
        Self {
            info: info.with_replica(0),
            files: BTreeMap::new(),
            recovered: BTreeMap::new(),
            sequence_id: None,
        }
    }
}

impl Root {
    /// A region's folder.
    pub fn region(&self, region: &RegionInfo) -> Option<&RegionFolder> {
        let name = region.with_replica(0).encoded_name();
        self.tables.get(region.table())?.regions.get(&name)
    }

    pub(super) fn region_mut(&mut self, region: &RegionInfo) -> Option<&mut RegionFolder> {
        let name = region.with_replica(0).encoded_name();
        self.tables.get_mut(region.table())?.regions.get_mut(&name)
    }

    /// The cells of a region's store files. A file whose reference leads nowhere is an error.
    pub(super) fn cells(&self, region: &RegionInfo) -> Result<Vec<Cell>, String> {
        let Some(folder) = self.region(region) else { return Err(format!("{region} has no folder")) };
        let mut cells = Vec::new();
        for (name, file) in &folder.files {
            cells.extend(self.cells_of(region.table(), name, file)?);
        }
        Ok(cells)
    }

    fn cells_of(&self, table: &TableName, name: &FileName, file: &StoreFile) -> Result<Vec<Cell>, String> {
        match file {
            StoreFile::Cells(cells) => Ok(cells.clone()),
            StoreFile::Reference { region, file, start, end } => {
                let Some(referred) = self.referred(table, *region, file) else {
                    return Err(format!(
                        "{} of {table} refers to {} of {region}, which is gone",
                        name.name, file.name
                    ));
                };
                let mut cells = self.cells_of(table, file, &referred)?;
                cells.retain(|cell| cell.row() >= &start[..] && (end.is_empty() || cell.row() < &end[..]));
                Ok(cells)
            }
            StoreFile::Link { table, region, file } => {
                let Some(linked) = self.linked(table, *region, file) else {
                    return Err(format!(
                        "{} links to a file of {region} of {table}, which is gone",
                        name.name
                    ));
                };
                self.cells_of(table, file, linked)
            }
        }
    }

    /// What a reference of `table` refers to. Region servers look for a file in its region's folder only, and for a link
    /// by its name.
    pub(super) fn referred(
        &self,
        table: &TableName,
        region: EncodedName,
        file: &FileName,
    ) -> Option<StoreFile> {
        let own = self.tables.get(table).and_then(|table| table.regions.get(&region));
        let own = own.and_then(|region| region.files.get(file)).cloned();
        own.or_else(|| link_of(file).filter(|link| self.is_there(link)))
    }

    /// The file behind a link: in its table's folder or in the archive.
    pub(super) fn linked(
        &self,
        table: &TableName,
        region: EncodedName,
        file: &FileName,
    ) -> Option<&StoreFile> {
        let own = self.tables.get(table).and_then(|table| table.regions.get(&region));
        let own = own.and_then(|region| region.files.get(file));
        own.or_else(|| self.archive.get(&(table.clone(), region))?.get(file))
    }

    /// Whether a link leads somewhere; what isn't a link does.
    pub(super) fn is_there(&self, file: &StoreFile) -> bool {
        match file {
            StoreFile::Link { table, region, file } => self.linked(table, *region, file).is_some(),
            StoreFile::Cells(_) | StoreFile::Reference { .. } => true,
        }
    }

    /// The highest sequence id in a region's store files, or recorded for it.
    pub(super) fn flushed_sequence_id(&self, region: &RegionInfo) -> i64 {
        let Some(folder) = self.region(region) else { return -1 };
        let of_file = |file: &StoreFile| match file {
            StoreFile::Cells(cells) => highest(cells),
            StoreFile::Reference { .. } => 0,
            StoreFile::Link { table, region, file } => match self.linked(table, *region, file) {
                Some(StoreFile::Cells(cells)) => highest(cells),
                _ => 0,
            },
        };
        folder.files.values().map(of_file).max().unwrap_or(-1)
    }

    /// A name for a store file that nobody has had.
    pub(super) fn new_file(&mut self, family: &[u8]) -> FileName {
        self.files_made += 1;
        FileName { family: family.to_vec(), name: format!("f{:08}", self.files_made) }
    }

    /// Writes cells into new store files of a region, one for each family.
    pub(super) fn flush(&mut self, region: &RegionInfo, cells: Vec<Cell>) {
        let mut families: BTreeMap<Vec<u8>, Vec<Cell>> = BTreeMap::new();
        for cell in cells {
            families.entry(cell.family().to_vec()).or_default().push(cell);
        }
        for (family, cells) in families {
            let name = self.new_file(&family);
            if let Some(folder) = self.region_mut(region) {
                folder.files.insert(name, StoreFile::Cells(cells));
            }
        }
    }

    /// Moves a region's store files into the archive; its references go.
    pub(super) fn archive_files(&mut self, region: &RegionInfo) {
        let Some(folder) = self.region_mut(region) else { return };
        let mut files = std::mem::take(&mut folder.files);
        files.retain(|_, file| matches!(file, StoreFile::Cells(_)));
        let at = (region.table().clone(), region.with_replica(0).encoded_name());
        self.archive.entry(at).or_default().extend(files);
    }

    /// Moves a region's store files into the archive and forgets the region.
    pub(super) fn archive_region(&mut self, table: &TableName, region: EncodedName) {
        let mut folder = self.tables.get_mut(table).and_then(|table| table.regions.remove(&region));
        if let Some(folder) = &mut folder {
            folder.files.retain(|_, file| !matches!(file, StoreFile::Link { .. })); // they hold nothing
        }
        if let Some(folder) = folder.filter(|folder| !folder.files.is_empty()) {
            self.archive.entry((table.clone(), region)).or_default().extend(folder.files);
        }
    }
}
