//! A look at the region that changes nothing: no master is fenced, no log moved. What a master would find if it took over
//! now, as far as that can be told without taking over. No Java counterpart.
//!
//! A log that somebody still writes may read as shorter than it is, on HDFS as empty: what is in it comes to light only
//! when its lease is recovered. [`Glimpse::logs`] says which logs may be such.

use std::sync::Arc;

use hmaster_fs::rootdir::RootDir;
use hmaster_fs::{FileSystem, FsError, FsPath, NotFoundAsNone as _};
use hmaster_procedure::{Loaded, StoreError};
use hmaster_types::{Clock, ParseError, ServerName};

use super::error::OpenError;
use super::folder::{self, Table};
use super::mem_store::{MemStore, RowCells};
use super::takeover::{DEAD, LogFolders};
use super::{REGION_SERVER_FAMILY, load_from, master_data};
use crate::{procedure_store, small_state};

/// What is in the region.
#[derive(Debug)]
pub struct Glimpse {
    store: MemStore,
    logs: Vec<GlimpsedLog>,
}

/// A log of the region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlimpsedLog {
    /// Where it is.
    pub path: FsPath,
    /// How long it is said to be.
    pub bytes: u64,
    /// Its master hasn't been fenced, and may be writing it still.
    pub is_open: bool,
}

impl Glimpse {
    /// Looks at the region below `root`; none if there is none.
    ///
    /// # Errors
    /// When something can't be read. A master that was to take over would fail likewise.
    pub async fn look(root: &RootDir, clock: Arc<dyn Clock>) -> Result<Option<Self>, OpenError> {
        let data = master_data(root, &clock)?;
        let Some(table) = folder::look(&data).await? else { return Ok(None) };
        let listing = OpenError::fs("list logs");
        let logs = logs(&data, &table).await.map_err(listing)?;
        let paths: Vec<FsPath> = logs.iter().map(|log| log.path.clone()).collect();
        let (store, _) = load_from(&data, &table, &paths).await?;
        Ok(Some(Self { store, logs }))
    }

    /// The logs, those of earlier takeovers first.
    pub fn logs(&self) -> &[GlimpsedLog] {
        &self.logs
    }

    /// All rows of a family, sorted.
    pub fn rows(&self, family: &[u8]) -> Vec<RowCells> {
        self.store.scan(family, std::ops::Bound::Unbounded, usize::MAX)
    }

    /// The procedures.
    ///
    /// # Errors
    /// When a row isn't one of a procedure.
    pub fn procedures(&self) -> Result<Loaded, StoreError> {
        procedure_store::loaded(self.rows(super::PROC_FAMILY))
    }

    /// The region servers that started and whose end hasn't been dealt with.
    ///
    /// # Errors
    /// When a row isn't a server's name.
    pub fn servers(&self) -> Result<Vec<ServerName>, ParseError> {
        small_state::server_names(&self.rows(REGION_SERVER_FAMILY))
    }
}

async fn logs(data: &RootDir, table: &Table) -> Result<Vec<GlimpsedLog>, FsError> {
    let fs = &**data.wal_file_system();
    let recovered = LogFolders::recovered_of(data, &table.region);
    let mut logs = Vec::new();
    collect(fs, &recovered, false, &mut logs).await?;
    let wals = data.layout().wals();
    for entry in fs.list(&wals).await.found()?.unwrap_or_default() {
        if entry.is_dir() {
            collect(fs, &wals.join(&entry.name), !entry.name.ends_with(DEAD), &mut logs).await?;
        }
    }
    Ok(logs)
}

/// All files in a folder and those below it.
async fn collect(
    fs: &dyn FileSystem,
    folder: &FsPath,
    is_open: bool,
    logs: &mut Vec<GlimpsedLog>,
) -> Result<(), FsError> {
    let mut folders = vec![folder.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs.list(&folder).await.found()?.unwrap_or_default() {
            let path = folder.join(&entry.name);
            match entry.is_dir() {
                true => folders.push(path),
                false => logs.push(GlimpsedLog { path, bytes: entry.length, is_open }),
            }
        }
    }
    Ok(())
}
