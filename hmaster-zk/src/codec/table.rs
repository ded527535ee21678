//! States of tables, as old clients read them. Counterpart of `DeprecatedTableState`.

use bytes::Bytes;
use hmaster_protocol::pb::deprecated_table_state::State;
use hmaster_protocol::{pb, pbuf_decode, pbuf_encode};
use hmaster_types::TableState;

use super::{CodecReason, Payload};

impl Payload for TableState {
    fn encode(&self) -> Bytes {
        let state = match self {
            Self::Enabled => State::Enabled,
            Self::Disabled => State::Disabled,
            Self::Disabling => State::Disabling,
            Self::Enabling => State::Enabling,
        };
        pbuf_encode(&pb::DeprecatedTableState { state: state.into() })
    }

    fn decode(payload: &[u8]) -> Result<Self, CodecReason> {
        let table: pb::DeprecatedTableState = pbuf_decode(payload)?;
        match State::try_from(table.state) {
            Ok(State::Enabled) => Ok(Self::Enabled),
            Ok(State::Disabled) => Ok(Self::Disabled),
            Ok(State::Disabling) => Ok(Self::Disabling),
            Ok(State::Enabling) => Ok(Self::Enabling),
            Err(_) => Err(CodecReason::Value { field: "state", value: table.state.to_string() }),
        }
    }
}
