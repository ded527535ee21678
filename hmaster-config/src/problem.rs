//! What is wrong with a configuration.

use std::fmt;

use crate::raw::{Origin, Remark, ValueError};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// hmaster doesn't start.
    Error,
    /// hmaster starts; what the configuration says isn't quite what happens.
    Warning,
}

/// One thing that is wrong, with where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The key it is about, if it is about one.
    pub key: Option<String>,
    /// File and line, key, value and what was expected, or whatever of these applies, in one line.
    pub message: String,
}

impl Problem {
    /// A value that can't be used.
    pub(crate) fn error(error: ValueError) -> Self {
        Self { severity: Severity::Error, message: error.to_string(), key: Some(error.key) }
    }

    /// A value that Java doesn't understand and goes on without.
    pub(crate) fn default_instead(error: ValueError, default: &str) -> Self {
        let message = format!("{error}; as in Java, the default {default} stands in for it");
        Self { severity: Severity::Warning, message, key: Some(error.key) }
    }

    /// Something about one key, with where it is set.
    pub(crate) fn about(severity: Severity, key: &str, origin: &Origin, text: &str) -> Self {
        Self { severity, key: Some(key.to_owned()), message: format!("{origin}: {key}: {text}") }
    }
}

impl From<&Remark> for Problem {
    fn from(remark: &Remark) -> Self {
        let message = format!("{}:{}: {}", remark.file.display(), remark.line, remark.text);
        Self { severity: Severity::Warning, key: None, message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}", self.message)
    }
}
