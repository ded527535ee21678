//! The state of a table. Counterpart of `TableState.State`.

use std::fmt;

/// Whether a table is, or is about to be, online.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableState {
    /// All regions are, or should be, open.
    Enabled,
    /// No region is open.
    Disabled,
    /// Regions are being closed.
    Disabling,
    /// Regions are being opened.
    Enabling,
}

impl TableState {
    /// True in one of `states`.
    pub fn is_one_of(self, states: &[Self]) -> bool {
        states.contains(&self)
    }

    /// As HBase writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
            Self::Disabling => "DISABLING",
            Self::Enabling => "ENABLING",
        }
    }
}

impl fmt::Display for TableState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
