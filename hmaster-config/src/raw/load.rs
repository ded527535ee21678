//! Reads the site files of a configuration folder.
//!
//! As with `hbase master start`, no file is mandatory: one that isn't there says nothing. core-site.xml and hdfs-site.xml
//! are looked for in the configuration folder first and then, as on the class path that `bin/hbase` makes, in Hadoop's.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::builder::{Builder, Override};
use super::decode::decode;
use super::defaults::{CORE_DEFAULT, HBASE_DEFAULT, HDFS_DEFAULT};
use super::error::{LoadError, XmlError};
use super::xml::{bounds, parse_str};
use super::{RawConfig, SiteFile, Source};
use crate::conf_dir::{find_conf_dir, hadoop_conf_dir};
use crate::environment::Environment;

impl RawConfig {
    /// Reads the files of `conf_dir`, or of the folder that [`find_conf_dir`] finds, below `overrides`.
    ///
    /// Reading order: core-default.xml, core-site.xml, hdfs-default.xml, hdfs-site.xml, hbase-default.xml, hbase-site.xml.
    ///
    /// # Errors
    /// When the folder was named and isn't there, or when a file is there and can't be read.
    pub fn load(
        conf_dir: Option<&Path>,
        overrides: &[Override],
        environment: Environment,
    ) -> Result<Self, LoadError> {
        let source = Source { conf_dir: conf_dir.map(Path::to_path_buf), overrides: overrides.to_vec() };
        let own = find_conf_dir(conf_dir, &environment)?.map(|found| found.path);
        let hadoop = hadoop_conf_dir(&environment);
        let anywhere: Vec<&Path> = own.iter().chain(&hadoop).map(PathBuf::as_path).collect();
        let own: Vec<&Path> = own.as_deref().into_iter().collect();

        let builder = Builder::empty(environment);
        let builder = add(builder.defaults(CORE_DEFAULT), &anywhere, "core-site.xml")?;
        let builder = add(builder.defaults(HDFS_DEFAULT), &anywhere, "hdfs-site.xml")?;
        let builder = add(builder.defaults(HBASE_DEFAULT), &own, "hbase-site.xml")?;
        Ok(builder.overrides(overrides).source(source).build())
    }

    /// What the files say by now, below the same overrides. Counterpart of `Configuration.reloadConfiguration`. None when
    /// a program made this configuration.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn reread(&self) -> Result<Option<Self>, LoadError> {
        let Some(source) = &self.0.source else { return Ok(None) };
        Self::load(source.conf_dir.as_deref(), &source.overrides, self.environment().clone()).map(Some)
    }
}

/// Adds the file `name` of the first folder that has it.
fn add(builder: Builder, folders: &[&Path], name: &str) -> Result<Builder, LoadError> {
    for folder in folders {
        let path: Arc<Path> = folder.join(name).into();
        if let Some(site) = read(&path)? {
            return Ok(builder.file(&path, site));
        }
    }
    Ok(builder)
}

/// What the file at `path` says; nothing when there is none.
fn read(path: &Arc<Path>) -> Result<Option<SiteFile>, LoadError> {
    let failed = |source| LoadError::Read { path: path.to_path_buf(), source };
    let bytes = match read_bytes(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed)?,
    };
    let refused = |reason| XmlError { file: path.clone(), line: 1, reason };
    if bytes.len() > bounds::FILE_BYTES_MAX {
        return Err(refused(format!("the file is larger than {} bytes", bounds::FILE_BYTES_MAX)).into());
    }
    let text = decode(&bytes).map_err(refused)?;
    Ok(Some(parse_str(&text, path)?))
}

/// At most one byte more than is allowed, so that a file that grows can't fill the memory.
fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it isn't a regular file")); // a pipe would block
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(bounds::FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
