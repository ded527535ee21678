//! The store files that Java masters flushed. Counterpart of `HStore` and `StoreEngine` where they open files, and of
//! the store file trackers `DEFAULT` and `FILE`.

mod tracker;

use std::collections::BTreeSet;

use bytes::Bytes;
use hmaster_fs::{FileStatus, FileSystem, FsPath, NotFoundAsNone as _};
use hmaster_types::{ColumnFamilyDescriptor, TableDescriptor, attribute};
use tracing::{info, warn};

use super::error::OpenError;
use super::mem_store::{FamilyInfo, MemStore};
use super::replay::compact;
use super::schema::DEFAULT_TRACKER;
use crate::error::{FileKind, Malformed, ParseFailure};
use crate::hfile::{HFile, ScanRange};

pub use tracker::{StoreFileList, parse_store_file_list};
pub(crate) use tracker::{first_list, list_after, load as load_list, numbers as list_numbers};

const FILE_TRACKER: &str = "FILE";

/// The store files of a family, open.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) family: Bytes,
    files: Vec<HFile>,
}

impl Store {
    /// Opens a family's store files. Nothing but what describes them is read.
    pub(super) async fn open(
        fs: &dyn FileSystem,
        region_folder: &FsPath,
        table: &TableDescriptor,
        family: &ColumnFamilyDescriptor,
    ) -> Result<Self, OpenError> {
        let folder = region_folder.join(&String::from_utf8_lossy(family.name()));
        let mut files = Vec::new();
        for name in file_names(fs, &folder, table, family).await? {
            files.push(HFile::open(fs, &folder.join(&name)).await?);
        }
        let mut compacted = BTreeSet::new();
        for file in &files {
            let names = file.info().compacted_files();
            compacted.extend(
                names.map_err(|malformed| ParseFailure::from(malformed).of(FileKind::HFile, file.path()))?,
            );
        }
        let mut store = Self { family: family.name().clone(), files };
        store.leave_out(&compacted);
        Ok(store)
    }

    /// What the region must know of the files to replay and write logs.
    pub(super) fn family_info(&self, family: &ColumnFamilyDescriptor) -> FamilyInfo {
        let sequence_ids = self.files.iter().filter_map(|file| file.info().sequence_id_max());
        FamilyInfo {
            versions_max: usize::try_from(family.max_versions()).unwrap_or(1).max(1),
            stored_sequence_id: sequence_ids.max().unwrap_or(0),
            ..FamilyInfo::default()
        }
    }

    /// The highest sequence id that anything in the files has.
    pub(super) fn sequence_id_max(&self) -> u64 {
        let infos = self.files.iter().map(HFile::info);
        let ids = infos.flat_map(|info| [info.sequence_id_max(), info.cell_sequence_id_max()]);
        ids.flatten().max().unwrap_or(0)
    }

    /// Leaves out files that were compacted into others: the others lack deletes that these would need.
    pub(super) fn leave_out(&mut self, compacted: &BTreeSet<String>) {
        self.files.retain(|file| {
            let is_compacted = compacted.contains(file.path().name().unwrap_or_default());
            if is_compacted {
                info!(file = %file.path(), "a store file that was compacted and not removed yet");
            }
            !is_compacted
        });
    }

    /// Reads all cells into memory.
    pub(super) async fn load(&mut self, store: &mut MemStore) -> Result<(), OpenError> {
        // Of cells with the same key and no sequence id of their own, that of the newer file counts.
        self.files.sort_by_key(|file| file.info().sequence_id_max());
        for file in &self.files {
            let (mut scan, mut cells) = (file.scan(ScanRange::all()), 0u64);
            while let Some(cell) = scan.next().await? {
                if *cell.family() != *self.family {
                    let reason = format!("{cell} is of another family");
                    let malformed = Malformed::new(0, reason);
                    return Err(ParseFailure::from(malformed).of(FileKind::HFile, file.path()).into());
                }
                store.apply_stored(compact(&cell));
                cells += 1;
            }
            info!(file = %file.path(), cells, "loaded a store file");
        }
        Ok(())
    }
}

/// The names of a family's store files, as its tracker has them.
async fn file_names(
    fs: &dyn FileSystem,
    folder: &FsPath,
    table: &TableDescriptor,
    family: &ColumnFamilyDescriptor,
) -> Result<Vec<String>, OpenError> {
    let of_family = family.configuration().get(attribute::STORE_FILE_TRACKER).cloned();
    let of_table = || table.attribute(attribute::STORE_FILE_TRACKER);
    let of_table = || of_table().map(|value| String::from_utf8_lossy(value).into_owned());
    let tracker = of_family.or_else(of_table).unwrap_or_else(|| DEFAULT_TRACKER.into());
    let names = match tracker.to_ascii_uppercase().as_str() {
        DEFAULT_TRACKER => names_in_folder(fs, folder).await?,
        FILE_TRACKER => tracker::load(fs, folder).await?,
        _ => return Err(OpenError::Tracker { tracker }),
    };
    match names.iter().find(|name| !is_store_file(name)) {
        None => Ok(names),
        Some(other) => {
            let feature = "a store file that is a link or a reference, or has another name than Java gives,";
            Err(ParseFailure::Unsupported(feature.into()).of(FileKind::HFile, &folder.join(other)).into())
        }
    }
}

async fn names_in_folder(fs: &dyn FileSystem, folder: &FsPath) -> Result<Vec<String>, OpenError> {
    let listed = fs.list(folder).await.found().map_err(OpenError::fs("list store files"))?;
    let entries = listed.unwrap_or_default();
    let files = entries.iter().filter(|entry| entry.is_file());
    let is_counted = |entry: &&FileStatus| {
        let is_counted = entry.length > 0 && !entry.name.contains('-');
        if !is_counted {
            warn!(%folder, file = %entry.name, length = entry.length, "not a store file, as Java sees it");
        }
        is_counted
    };
    Ok(files.filter(is_counted).map(|entry| entry.name.clone().into()).collect())
}

/// Names that Java gives to what it flushes and compacts: hexadecimal digits.
fn is_store_file(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
