//! Where the configuration files are. Follows `bin/hbase-config.sh`.
//!
//! In this order: the folder that `--conf-dir` names, `$HBASE_CONF_DIR`, `$HBASE_HOME/conf`, `/etc/hbase/conf`, where
//! packages put it. The first two must exist when they are given; the last two are taken when they exist. Without any
//! the defaults stand alone, as in Java.
//!
//! Difference: the script derives HBASE_HOME from its own place, which hmaster doesn't have.

use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::raw::LoadError;

const PACKAGED: &str = "/etc/hbase/conf";

/// A configuration folder, and what named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfDir {
    /// The folder.
    pub path: PathBuf,
    /// `--conf-dir`, an environment variable, or the place of packages.
    pub named_by: &'static str,
}

/// The configuration folder; `given` is the command line's.
///
/// # Errors
/// When `given` or `$HBASE_CONF_DIR` isn't a folder.
pub fn find_conf_dir(given: Option<&Path>, environment: &Environment) -> Result<Option<ConfDir>, LoadError> {
    let variable = |name| non_empty(environment, name);
    let named = given
        .map(|path| ConfDir { path: path.to_owned(), named_by: "--conf-dir" })
        .or_else(|| Some(ConfDir { path: variable("HBASE_CONF_DIR")?, named_by: "HBASE_CONF_DIR" }));
    if let Some(dir) = named {
        return check(dir).map(Some);
    }
    let home = variable("HBASE_HOME").map(|home| ConfDir { path: home.join("conf"), named_by: "HBASE_HOME" });
    let packaged = ConfDir { path: PACKAGED.into(), named_by: PACKAGED };
    Ok(home.into_iter().chain([packaged]).find(|dir| dir.path.is_dir()))
}

/// Hadoop's configuration folder, which `bin/hbase` appends to the class path unless it is told not to.
pub(crate) fn hadoop_conf_dir(environment: &Environment) -> Option<PathBuf> {
    if environment.variable("HBASE_DISABLE_HADOOP_CLASSPATH_LOOKUP") == Some("true") {
        return None;
    }
    let home = || Some(non_empty(environment, "HADOOP_HOME")?.join("etc/hadoop"));
    non_empty(environment, "HADOOP_CONF_DIR").or_else(home)
}

fn check(dir: ConfDir) -> Result<ConfDir, LoadError> {
    let reason = match std::fs::metadata(&dir.path) {
        Ok(metadata) if metadata.is_dir() => return Ok(dir),
        Ok(_) => "it isn't a folder".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(LoadError::Folder { path: dir.path, named_by: dir.named_by, reason })
}

fn non_empty(environment: &Environment, name: &str) -> Option<PathBuf> {
    environment.variable(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
