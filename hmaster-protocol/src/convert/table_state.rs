//! [`TableState`], in hbase:meta and calls; and as old clients read it from znodes.

use hmaster_types::TableState;

use crate::pb;
use crate::pb::{deprecated_table_state, table_state};

impl From<TableState> for table_state::State {
    fn from(state: TableState) -> Self {
        match state {
            TableState::Enabled => Self::Enabled,
            TableState::Disabled => Self::Disabled,
            TableState::Disabling => Self::Disabling,
            TableState::Enabling => Self::Enabling,
        }
    }
}

impl From<table_state::State> for TableState {
    fn from(state: table_state::State) -> Self {
        match state {
            table_state::State::Enabled => Self::Enabled,
            table_state::State::Disabled => Self::Disabled,
            table_state::State::Disabling => Self::Disabling,
            table_state::State::Enabling => Self::Enabling,
        }
    }
}

impl From<TableState> for pb::TableState {
    fn from(state: TableState) -> Self {
        Self { state: table_state::State::from(state).into() }
    }
}

impl From<&pb::TableState> for TableState {
    fn from(message: &pb::TableState) -> Self {
        message.state().into()
    }
}

impl From<TableState> for pb::DeprecatedTableState {
    fn from(state: TableState) -> Self {
        let state = match state {
            TableState::Enabled => deprecated_table_state::State::Enabled,
            TableState::Disabled => deprecated_table_state::State::Disabled,
            TableState::Disabling => deprecated_table_state::State::Disabling,
            TableState::Enabling => deprecated_table_state::State::Enabling,
        };
        Self { state: state.into() }
    }
}

impl From<&pb::DeprecatedTableState> for TableState {
    fn from(message: &pb::DeprecatedTableState) -> Self {
        match message.state() {
            deprecated_table_state::State::Enabled => Self::Enabled,
            deprecated_table_state::State::Disabled => Self::Disabled,
            deprecated_table_state::State::Disabling => Self::Disabling,
            deprecated_table_state::State::Enabling => Self::Enabling,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_under_the_same_name() {
        use TableState::{Disabled, Disabling, Enabled, Enabling};
        for state in [Enabled, Disabled, Disabling, Enabling] {
            let message = pb::TableState::from(state);
            assert_eq!((TableState::from(&message), message.state().as_str_name()), (state, state.name()));
            let old = pb::DeprecatedTableState::from(state);
            assert_eq!((TableState::from(&old), old.state().as_str_name()), (state, state.name()));
        }
    }
}
