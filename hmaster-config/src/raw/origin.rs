//! Where a value comes from.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A default; the text names the file of HBase or Hadoop that has it.
    Default(&'static str),
    /// A site file.
    File {
        /// The file.
        path: Arc<Path>,
        /// Line of the property, from 1.
        line: u32,
    },
    /// `-D key=value` on the command line.
    CommandLine,
    /// Set by the program; the text says on whose behalf, e.g. `standalone`.
    Program(&'static str),
}

impl Origin {
    /// True when nobody has set the value.
    pub fn is_default(&self) -> bool {
        matches!(self, Self::Default(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default(file) => write!(f, "default of {file}"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::CommandLine => f.write_str("-D"),
            Self::Program(whose) => write!(f, "set by {whose}"),
        }
    }
}
