//! What reading configuration can fail with.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::origin::Origin;
use crate::redact;

/// The configuration couldn't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The configuration folder that was named isn't there.
    #[error("configuration folder {} (from {named_by}): {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What named it: `--conf-dir` or an environment variable.
        named_by: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A file is there but can't be read.
    #[error("read configuration file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file was read and isn't a configuration.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// A `-D` isn't `key=value`.
    #[error("-D {text:?}: expected key=value")]
    Override {
        /// What was given, cut at the first `=`: the rest may be a secret.
        text: String,
    },
}

/// A file isn't a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {reason}", file.display())]
pub struct XmlError {
    /// The file.
    pub file: Arc<Path>,
    /// Line of the mistake, from 1.
    pub line: u32,
    /// What is wrong.
    pub reason: String,
}

/// A value isn't what its key needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {key} = {value:?}: expected {expected}")]
pub struct ValueError {
    /// The key.
    pub key: String,
    /// The value, printable, cut to [`ValueError::VALUE_CHARS_MAX`]; `<redacted>` for a secret key.
    pub value: String,
    /// Where the value was written.
    pub origin: Origin,
    /// What would have been right.
    pub expected: String,
}

impl ValueError {
    /// A longer value is cut: an error must not carry a megabyte into a log line.
    pub const VALUE_CHARS_MAX: usize = 200;

    /// An error about `value` of `key`.
    pub fn new(key: &str, value: &str, origin: Origin, expected: &str) -> Self {
        let value = redact::shown(key, value);
        let mut short: String = value.chars().take(Self::VALUE_CHARS_MAX).collect();
        if short.len() < value.len() {
            short.push('…');
        }
        Self { key: key.to_owned(), value: short, origin, expected: expected.to_owned() }
    }
}
