//! Where a server's regions and logs are. Counterpart of `HRegionServer.initializeFileSystem` and
//! `setupWALAndReplication`.
//!
//! The root folder is the one that the master names, as it names it: a server that took another one would write where
//! nobody looks.

use std::str::FromStr;
use std::sync::Arc;

use hmaster_config::Configuration;
use hmaster_fs::rootdir::{RootDir, RootDirError};
use hmaster_fs::{ConnectError, DEFAULT_FS, FsError, HdfsOptions};
use hmaster_rpc::OptionError;
use hmaster_types::{Chance, Clock, ServerName};

use super::options::Settings;
use crate::log::{LogOptions, ServerLog};
use crate::region::RegionOptions;

/// A server's files.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) root: RootDir,
    pub(crate) log: ServerLog,
    pub(crate) region_options: RegionOptions,
}

/// A server's files can't be had.
#[derive(Debug, thiserror::Error)]
pub enum StorageSetupError {
    /// Nobody says where they are.
    #[error("neither the master nor the configuration says what {0} is")]
    Unset(&'static str),
    /// The file system can't be reached.
    #[error("{key}")]
    Connect {
        /// The key that names it.
        key: &'static str,
        /// What is wrong.
        #[source]
        source: ConnectError,
    },
    /// The folders don't go together.
    #[error("hbase.wal.dir")]
    Wals(#[source] RootDirError),
    /// A value isn't what its key needs.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// The log can't be begun.
    #[error("begin the log")]
    Log(#[source] FsError),
}

const ROOT: &str = "hbase.rootdir";
const WALS: &str = "hbase.wal.dir";

impl Storage {
    /// The files of `server`, with a new log.
    ///
    /// # Errors
    /// When they can't be had.
    pub(crate) async fn open(
        settings: &Settings,
        server: &ServerName,
        clock: Arc<dyn Clock>,
        chance: Arc<Chance>,
    ) -> Result<Self, StorageSetupError> {
        let root = root_dir(settings, clock.clone())?;
        let region_options = region_options(settings)?;
        let log = ServerLog::create(&root, server, clock, chance, log_options(settings)?).await;
        Ok(Self { root, log: log.map_err(StorageSetupError::Log)?, region_options })
    }
}

/// The root folder that a configuration names, for whoever needs it without a server.
///
/// # Errors
/// When it can't be had.
pub fn root_folder(config: Configuration, clock: Arc<dyn Clock>) -> Result<RootDir, StorageSetupError> {
    root_dir(&Settings::new(config)?.0, clock)
}

fn root_dir(settings: &Settings, clock: Arc<dyn Clock>) -> Result<RootDir, StorageSetupError> {
    let text = |key: &str| settings.get(key).filter(|value| !value.trim().is_empty());
    let hdfs = HdfsOptions { configuration: settings.hadoop().collect(), ..HdfsOptions::default() };
    let default_fs = text(DEFAULT_FS);
    let connect = |key, uri: &str| {
        hmaster_fs::connect(uri, default_fs.as_deref(), hdfs.clone())
            .map_err(|source| StorageSetupError::Connect { key, source })
    };
    let root = text(ROOT).ok_or(StorageSetupError::Unset(ROOT))?;
    let (fs, path) = connect(ROOT, &root)?;
    let root_dir = RootDir::new(fs.clone(), path.clone(), clock);
    let Some(wals) = text(WALS) else { return Ok(root_dir) };
    let (wal_fs, wal_path) = connect(WALS, &wals)?;
    if wal_fs.uri(&wal_path) == fs.uri(&path) {
        return Ok(root_dir);
    }
    let same = wal_fs.uri(&path) == fs.uri(&path);
    // One client is one holder of leases.
    root_dir.with_wals_in(if same { fs } else { wal_fs }, wal_path).map_err(StorageSetupError::Wals)
}

fn region_options(settings: &Settings) -> Result<RegionOptions, OptionError> {
    let default = RegionOptions::default();
    Ok(RegionOptions {
        memstore_flush_bytes: number(
            settings,
            "hbase.hregion.memstore.flush.size",
            default.memstore_flush_bytes,
        )?,
        memstore_block_multiplier: number(
            settings,
            "hbase.hregion.memstore.block.multiplier",
            default.memstore_block_multiplier,
        )?,
        compaction_files_min: number(settings, "hbase.hstore.compaction.min", default.compaction_files_min)?
            .max(2),
        row_bytes_max: number(settings, "hbase.table.max.rowsize", default.row_bytes_max)?,
        cell_bytes_max: number(settings, "hbase.server.keyvalue.maxsize", default.cell_bytes_max)?,
        row_lock_wait_ms: number(settings, "hbase.rowlock.wait.duration", default.row_lock_wait_ms)?,
    })
}

fn log_options(settings: &Settings) -> Result<LogOptions, OptionError> {
    let default = LogOptions::default();
    Ok(LogOptions {
        files_max: number(settings, "hbase.regionserver.maxlogs", default.files_max)?.max(1),
        file_bytes_max: number(settings, "hmaster.regionserver.log.bytes.max", default.file_bytes_max)?,
        memstore_bytes_max: number(
            settings,
            "hmaster.regionserver.memstore.bytes.max",
            default.memstore_bytes_max,
        )?,
        ..default
    })
}

fn number<N: FromStr>(settings: &Settings, key: &'static str, otherwise: N) -> Result<N, OptionError> {
    let Some(value) = settings.get(key).filter(|value| !value.trim().is_empty()) else {
        return Ok(otherwise);
    };
    value.trim().parse().map_err(|_| OptionError { key, value, expected: "a number that fits" })
}

#[cfg(test)]
mod tests {
    use hmaster_config::{Builder, Environment, Origin};
    use hmaster_types::SystemClock;

    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let builder = Builder::new(Environment::new([("user.name", "u"), ("java.io.tmpdir", "/tmp")], []));
        let raw = pairs.iter().fold(builder, |b, (k, v)| b.set(k, v, Origin::CommandLine)).build();
        Settings::new(Configuration::new(raw).unwrap()).unwrap().0
    }

    #[tokio::test]
    async fn the_master_says_where_files_are() {
        let settings = settings(&[("hbase.rootdir", "file:/mine")]);
        settings.take_over([("hbase.rootdir".to_owned(), "file:/masters".to_owned())]);
        let root = root_dir(&settings, Arc::new(SystemClock)).unwrap();
        assert_eq!(root.uri().to_string(), "file:/masters");
        settings.take_over([(WALS.to_owned(), "file:/wals".to_owned())]);
        let root = root_dir(&settings, Arc::new(SystemClock)).unwrap();
        assert_eq!(root.layout().wals().to_string(), "/wals/WALs");
    }

    #[test]
    fn nonsense_is_named_with_its_key() {
        let options = log_options(&settings(&[("hmaster.regionserver.log.bytes.max", "128m")]));
        assert_eq!(options.unwrap_err().key, "hmaster.regionserver.log.bytes.max");
        let scheme = root_dir(&settings(&[]), Arc::new(SystemClock));
        assert!(scheme.is_ok(), "the default is local");
    }
}
