//! The file systems that a configuration names.

use std::sync::Arc;

use hmaster_config::{Cluster, Configuration};
use hmaster_fs::rootdir::{RootDir, RootDirError};
use hmaster_fs::{FileSystem, FsUri, HdfsFileSystem, HdfsOptions, HdfsSetupError, LocalFileSystem};
use hmaster_types::{Clock, ParseError};

/// The root folder can't be reached as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum FileSystemError {
    /// There is no client for this kind of file system.
    #[error("{key}: file system {scheme} isn't supported; hdfs and file are")]
    Scheme {
        /// The key that names it.
        key: &'static str,
        /// The kind.
        scheme: String,
    },
    /// The folder's name isn't one.
    #[error("{key}")]
    Path {
        /// The key that names it.
        key: &'static str,
        /// What is wrong.
        #[source]
        source: ParseError,
    },
    /// The configuration doesn't say how to reach an HDFS.
    #[error("{key}")]
    Hdfs {
        /// The key that names it.
        key: &'static str,
        /// What is wrong.
        #[source]
        source: HdfsSetupError,
    },
    /// The folders don't go together.
    #[error("hbase.wal.dir")]
    Wals(#[source] RootDirError),
}

/// The root folder, with the one for WALs if that is another. Nothing is asked of a file system yet.
pub(crate) fn root_dir(config: &Configuration, clock: Arc<dyn Clock>) -> Result<RootDir, FileSystemError> {
    let cluster: &Cluster = config.cluster();
    let (fs, root) = open(config, "hbase.rootdir", &cluster.root)?;
    let root_dir = RootDir::new(fs.clone(), root.path, clock);
    if cluster.wal_root == cluster.root {
        return Ok(root_dir);
    }
    let same = (&cluster.wal_root.scheme, &cluster.wal_root.authority)
        == (&cluster.root.scheme, &cluster.root.authority);
    let (wal_fs, wal_root) = open(config, "hbase.wal.dir", &cluster.wal_root)?;
    // One client is one holder of leases.
    let wal_fs = if same { fs } else { wal_fs };
    root_dir.with_wals_in(wal_fs, wal_root.path).map_err(FileSystemError::Wals)
}

/// Whether a server whose WALs are taken can't write to them any more, wherever it runs.
pub(crate) fn has_leases(root: &RootDir) -> bool {
    root.wal_file_system().uri(root.layout().wal_root()).scheme.as_deref() == Some("hdfs")
}

fn open(
    config: &Configuration,
    key: &'static str,
    uri: &hmaster_config::FsUri,
) -> Result<(Arc<dyn FileSystem>, FsUri), FileSystemError> {
    let uri: FsUri = uri.to_string().parse().map_err(|source| FileSystemError::Path { key, source })?;
    let fs: Arc<dyn FileSystem> = match uri.scheme.as_deref() {
        Some("file") => Arc::new(LocalFileSystem),
        Some("hdfs") => {
            let opened = HdfsFileSystem::new(&uri, hdfs_options(config));
            Arc::new(opened.map_err(|source| FileSystemError::Hdfs { key, source })?)
        }
        scheme => {
            return Err(FileSystemError::Scheme { key, scheme: scheme.unwrap_or_default().to_owned() });
        }
    };
    Ok((fs, uri))
}

/// All that is configured about Hadoop, so that what its client reads there is what Java's reads.
fn hdfs_options(config: &Configuration) -> HdfsOptions {
    let raw = config.raw();
    let about_hadoop =
        |key: &str| ["dfs.", "fs.", "hadoop.", "ipc."].iter().any(|prefix| key.starts_with(prefix));
    let keys = raw.iter().map(|(key, _)| key).filter(|key| about_hadoop(key));
    let configuration = keys.filter_map(|key| Some((key.to_owned(), raw.get(key).ok()??))).collect();
    HdfsOptions { configuration, ..HdfsOptions::default() }
}

#[cfg(test)]
mod tests {
    use hmaster_config::{Builder, Environment, Origin};
    use hmaster_types::SystemClock;

    use super::*;

    fn root(pairs: &[(&str, &str)]) -> Result<RootDir, FileSystemError> {
        let builder = Builder::new(Environment::new([("user.name", "u"), ("java.io.tmpdir", "/tmp")], []));
        let raw = pairs.iter().fold(builder, |b, (k, v)| b.set(k, v, Origin::CommandLine)).build();
        root_dir(&Configuration::new(raw).unwrap(), Arc::new(SystemClock))
    }

    #[tokio::test]
    async fn folders_are_where_the_configuration_says() {
        let local = root(&[("hbase.rootdir", "file:///a/b")]).unwrap();
        assert_eq!(local.uri().to_string(), "file:/a/b");
        let hdfs = [("hbase.rootdir", "hdfs://nn:8020/hbase"), ("hbase.wal.dir", "hdfs://nn:8020/wals")];
        let hdfs = root(&hdfs).unwrap();
        assert_eq!(hdfs.uri().to_string(), "hdfs://nn:8020/hbase");
        assert_eq!(hdfs.layout().wals().to_string(), "/wals/WALs");
        let apart =
            root(&[("hbase.rootdir", "hdfs://nn:8020/hbase"), ("hbase.wal.dir", "file:///wals")]).unwrap();
        assert_eq!(apart.wal_file_system().uri(apart.layout().wal_root()).to_string(), "file:/wals");
    }

    #[tokio::test]
    async fn an_unknown_file_system_is_named_with_its_key() {
        let error = root(&[("hbase.rootdir", "s3a://bucket/hbase")]).unwrap_err().to_string();
        assert!(error.contains("hbase.rootdir") && error.contains("s3a"), "{error}");
    }
}
