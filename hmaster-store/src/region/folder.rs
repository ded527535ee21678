//! The table's folder: made on a new cluster, completed after a crash, brought up to date after an upgrade.
//! Counterpart of `MasterRegion.create` and `bootstrap`.
//!
//! `.initializing` says that the folder isn't complete and holds nothing yet; `.initialized`, that it is. Java makes
//! `.initialized` first and, if it crashes then, can't open what is missing; here that is completed. There is no way to
//! tell from the outside, but no data either: logs come after the region's folder.

use hmaster_fs::rootdir::RootDir;
use hmaster_fs::{FsPath, NotFoundAsNone as _};
use hmaster_types::{EncodedName, RegionInfo, TableDescriptor};
use tracing::{info, warn};

use super::error::OpenError;
use super::schema;

pub(super) const INITIALIZING: &str = ".initializing";
pub(super) const INITIALIZED: &str = ".initialized";

/// The table and its region.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) descriptor: TableDescriptor,
    pub(super) region: RegionInfo,
}

/// Makes sure that the table's folder is complete.
pub(super) async fn prepare(data: &RootDir) -> Result<Table, OpenError> {
    let (fs, folder) = (data.file_system(), data.layout().table(&schema::table_name()));
    let listed = fs.list(&folder).await.found().map_err(OpenError::fs("list the table's folder"))?;
    let entries = listed.unwrap_or_default();
    let has = |name: &str| entries.iter().any(|entry| *entry.name == *name);
    if !has(INITIALIZED) {
        let is_unfinished = has(INITIALIZING);
        let is_new = entries.is_empty() || is_unfinished;
        if is_unfinished {
            clear(data, &folder).await?;
        } else if is_new {
            make_folder(data, &folder.join(INITIALIZING)).await?;
        } else {
            info!(%folder, "a folder from before there were markers");
        }
    }
    let table = complete(data).await?;
    if !has(INITIALIZED) {
        make_folder(data, &folder.join(INITIALIZED)).await?;
    }
    if !has(INITIALIZED) || has(INITIALIZING) {
        let deleted = fs.delete_tree(&folder.join(INITIALIZING)).await;
        deleted.map_err(OpenError::fs("remove the mark of an unfinished folder"))?;
    }
    Ok(table)
}

/// The table as it is found, and would be completed in memory; none if there is nothing yet that could hold data.
pub(super) async fn look(data: &RootDir) -> Result<Option<Table>, OpenError> {
    let folder = data.layout().table(&schema::table_name());
    let listed = data.file_system().list(&folder).await.found();
    let entries = listed.map_err(OpenError::fs("list the table's folder"))?.unwrap_or_default();
    let has = |name: &str| entries.iter().any(|entry| *entry.name == *name);
    if has(INITIALIZING) && !has(INITIALIZED) {
        return Ok(None);
    }
    let Some(descriptor) = data.table_descriptor(&schema::table_name()).await? else { return Ok(None) };
    let Some(region) = existing_region(data).await? else { return Ok(None) };
    let descriptor = schema::completed(&descriptor).unwrap_or(descriptor);
    Ok(Some(Table { descriptor, region }))
}

/// Removes what an unfinished attempt left.
async fn clear(data: &RootDir, folder: &FsPath) -> Result<(), OpenError> {
    let failed = OpenError::fs("clear an unfinished folder");
    warn!(%folder, "the master's region was being made when its master ended; starting over");
    for entry in data.file_system().list(folder).await.map_err(&failed)? {
        if *entry.name != *INITIALIZING {
            data.file_system().delete_tree(&folder.join(&entry.name)).await.map_err(&failed)?;
        }
    }
    Ok(())
}

/// Makes what is missing.
async fn complete(data: &RootDir) -> Result<Table, OpenError> {
    let descriptor = match data.table_descriptor(&schema::table_name()).await? {
        Some(descriptor) => match schema::completed(&descriptor) {
            None => descriptor,
            Some(complete) => write_descriptor(data, complete).await?,
        },
        None => write_descriptor(data, schema::table_descriptor()).await?,
    };
    let region = match existing_region(data).await? {
        Some(region) => region,
        None => {
            let region = schema::region_info();
            data.create_regions(std::slice::from_ref(&region)).await?;
            region
        }
    };
    for family in descriptor.families() {
        let family = String::from_utf8_lossy(family.name()).into_owned();
        make_folder(data, &data.layout().region(&region).join(&family)).await?;
    }
    Ok(Table { descriptor, region })
}

async fn write_descriptor(data: &RootDir, descriptor: TableDescriptor) -> Result<TableDescriptor, OpenError> {
    data.write_table_descriptor(&descriptor).await?;
    Ok(descriptor)
}

/// The one region that has a folder; none if there is none, or its folder doesn't say yet which it is.
async fn existing_region(data: &RootDir) -> Result<Option<RegionInfo>, OpenError> {
    let table = schema::table_name();
    let regions: Vec<EncodedName> = data.regions(&table).await?;
    match regions[..] {
        [] => Ok(None),
        [region] => Ok(data.region_info(&table, region).await?),
        _ => {
            let folder = data.layout().table(&table);
            Err(OpenError::SeveralRegions { folder, regions: regions.len() })
        }
    }
}

async fn make_folder(data: &RootDir, path: &FsPath) -> Result<(), OpenError> {
    data.file_system().mkdirs(path, None).await.map_err(OpenError::fs("make a folder"))
}
