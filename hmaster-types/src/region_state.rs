//! The state of a region as hbase:meta records it. Counterpart of `RegionState.State`.

use std::fmt;
use std::str::FromStr;

use crate::ParseError;

/// Where a region is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegionState {
    /// Not open and nobody has asked for it to be. A missing state reads as this.
    Offline,
    /// A server was told to open it.
    Opening,
    /// Open on a server.
    Open,
    /// Its server was told to close it.
    Closing,
    /// Closed in good order: all edits are in store files.
    Closed,
    /// Being split.
    Splitting,
    /// Was split; its daughters replace it.
    Split,
    /// Assignment gave up opening it.
    FailedOpen,
    /// Assignment gave up closing it.
    FailedClose,
    /// Being merged.
    Merging,
    /// Was merged into another region.
    Merged,
    /// A daughter that isn't in use yet.
    SplittingNew,
    /// The result of a merge that isn't in use yet.
    MergingNew,
    /// Its server died while it was open; recovered edits may wait to be replayed.
    AbnormallyClosed,
}

/// Every state with the name by which hbase:meta spells it.
const NAMES: [(RegionState, &str); 14] = [
    (RegionState::Offline, "OFFLINE"),
    (RegionState::Opening, "OPENING"),
    (RegionState::Open, "OPEN"),
    (RegionState::Closing, "CLOSING"),
    (RegionState::Closed, "CLOSED"),
    (RegionState::Splitting, "SPLITTING"),
    (RegionState::Split, "SPLIT"),
    (RegionState::FailedOpen, "FAILED_OPEN"),
    (RegionState::FailedClose, "FAILED_CLOSE"),
    (RegionState::Merging, "MERGING"),
    (RegionState::Merged, "MERGED"),
    (RegionState::SplittingNew, "SPLITTING_NEW"),
    (RegionState::MergingNew, "MERGING_NEW"),
    (RegionState::AbnormallyClosed, "ABNORMALLY_CLOSED"),
];

impl RegionState {
    /// All states.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(state, _)| *state)
    }

    /// As HBase writes it into `info:state`.
    pub fn name(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// True in one of `states`.
    pub fn is_one_of(self, states: &[Self]) -> bool {
        states.contains(&self)
    }
}

impl fmt::Display for RegionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for RegionState {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let found = NAMES.iter().find(|(_, name)| *name == text);
        found
            .map(|(state, _)| *state)
            .ok_or_else(|| ParseError::new("region state", text.as_bytes(), "unknown"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_at_their_states() {
        for state in RegionState::all() {
            assert_eq!(state.name().parse(), Ok(state));
        }
        assert!("OPENED".parse::<RegionState>().is_err());
    }
}
