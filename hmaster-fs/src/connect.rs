//! Finds the file system that a URI names.

use std::sync::Arc;

use crate::{FileSystem, FsPath, FsUri, LocalFileSystem};

/// Why a URI leads to no file system.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URI, or `fs.defaultFS`, isn't one.
    #[error("the root folder's URI, or fs.defaultFS, can't be read")]
    Uri(#[from] hmaster_types::ParseError),
    /// No implementation of that kind is built in.
    #[error("no file system of this build is for {uri}")]
    Scheme {
        /// The URI.
        uri: String,
    },
    /// The configuration doesn't lead to an HDFS.
    #[cfg(feature = "hdfs")]
    #[error(transparent)]
    Hdfs(#[from] crate::HdfsSetupError),
}

/// Hadoop's key of the file system that paths without scheme are in.
pub const DEFAULT_FS: &str = "fs.defaultFS";

/// The file system that `uri` (`hbase.rootdir`, `hbase.wal.dir`) names, and the path in it. Without a scheme,
/// it is in `default_fs` ([`DEFAULT_FS`]), and local when there is none.
///
/// # Errors
/// As [`ConnectError`] says. Nothing is asked of the file system yet.
#[cfg(feature = "hdfs")]
pub fn connect(
    uri: &str,
    default_fs: Option<&str>,
    options: crate::HdfsOptions,
) -> Result<(Arc<dyn FileSystem>, FsPath), ConnectError> {
    let uri = qualified(uri, default_fs)?;
    let fs: Arc<dyn FileSystem> = match uri.scheme.as_deref() {
        None | Some("file") => Arc::new(LocalFileSystem),
        Some("hdfs" | "viewfs") => Arc::new(crate::HdfsFileSystem::new(&uri, options)?),
        Some(_) => return Err(ConnectError::Scheme { uri: uri.to_string() }),
    };
    Ok((fs, uri.path))
}

/// The file system that `uri` (`hbase.rootdir`, `hbase.wal.dir`) names, and the path in it; this build knows
/// local disk only.
///
/// # Errors
/// As [`ConnectError`] says.
#[cfg(not(feature = "hdfs"))]
pub fn connect(uri: &str, default_fs: Option<&str>) -> Result<(Arc<dyn FileSystem>, FsPath), ConnectError> {
    let uri = qualified(uri, default_fs)?;
    match uri.scheme.as_deref() {
        None | Some("file") => Ok((Arc::new(LocalFileSystem), uri.path)),
        Some(_) => Err(ConnectError::Scheme { uri: uri.to_string() }),
    }
}

fn qualified(uri: &str, default_fs: Option<&str>) -> Result<FsUri, ConnectError> {
    let default = default_fs.unwrap_or("file:///").trim().parse()?;
    Ok(uri.trim().parse::<FsUri>()?.qualified(&default))
}

#[cfg(all(test, feature = "hdfs"))]
mod tests {
    use super::*;
    use crate::HdfsOptions;

    #[tokio::test]
    async fn by_scheme_and_default() {
        for (uri, default, printed) in [
            ("file:///x/", None, "file:/x"),
            ("/x", None, "file:/x"),
            ("/x", Some("hdfs://nn:8020"), "hdfs://nn:8020/x"),
            (" hdfs://nn:8020/x ", Some("file:///"), "hdfs://nn:8020/x"),
        ] {
            let (fs, path) = connect(uri, default, HdfsOptions::default()).unwrap();
            assert_eq!(fs.uri(&path).to_string(), printed);
        }
    }

    #[tokio::test]
    async fn what_leads_nowhere() {
        let why = |uri, default| connect(uri, default, HdfsOptions::default()).unwrap_err();
        assert!(matches!(why("s3a://bucket/x", None), ConnectError::Scheme { .. }));
        assert!(matches!(why("x", None), ConnectError::Uri(_)));
        assert!(matches!(why("/x", Some("nonsense")), ConnectError::Uri(_)));
        assert!(matches!(why("hdfs://cluster/x", None), ConnectError::Hdfs(_)));
    }
}
