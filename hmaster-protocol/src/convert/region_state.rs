//! [`RegionState`].

use hmaster_types::RegionState;

use crate::pb::region_state::State;

impl From<RegionState> for State {
    fn from(state: RegionState) -> Self {
        match state {
            RegionState::Offline => Self::Offline,
            RegionState::Opening => Self::Opening,
            RegionState::Open => Self::Open,
            RegionState::Closing => Self::Closing,
            RegionState::Closed => Self::Closed,
            RegionState::Splitting => Self::Splitting,
            RegionState::Split => Self::Split,
            RegionState::FailedOpen => Self::FailedOpen,
            RegionState::FailedClose => Self::FailedClose,
            RegionState::Merging => Self::Merging,
            RegionState::Merged => Self::Merged,
            RegionState::SplittingNew => Self::SplittingNew,
            RegionState::MergingNew => Self::MergingNew,
            RegionState::AbnormallyClosed => Self::AbnormallyClosed,
        }
    }
}

/// The two states that only releases before 2.0 have read as those that replace them.
impl From<State> for RegionState {
    fn from(state: State) -> Self {
        match state {
            State::Offline => Self::Offline,
            State::PendingOpen | State::Opening => Self::Opening,
            State::Open => Self::Open,
            State::PendingClose | State::Closing => Self::Closing,
            State::Closed => Self::Closed,
            State::Splitting => Self::Splitting,
            State::Split => Self::Split,
            State::FailedOpen => Self::FailedOpen,
            State::FailedClose => Self::FailedClose,
            State::Merging => Self::Merging,
            State::Merged => Self::Merged,
            State::SplittingNew => Self::SplittingNew,
            State::MergingNew => Self::MergingNew,
            State::AbnormallyClosed => Self::AbnormallyClosed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_under_the_same_name() {
        for state in RegionState::all() {
            assert_eq!(RegionState::from(State::from(state)), state);
            assert_eq!(State::from(state).as_str_name(), state.name());
        }
        assert_eq!(RegionState::from(State::PendingClose), RegionState::Closing);
    }
}
