//! States of tables, as old clients read them. Counterpart of `DeprecatedTableState`.

use bytes::Bytes;
use hmaster_protocol::{pb, pbuf_decode, pbuf_encode};
use hmaster_types::TableState;

use super::{CodecReason, Payload};

impl Payload for TableState {
    fn encode(&self) -> Bytes {
        pbuf_encode(&pb::DeprecatedTableState::from(*self))
    }

    fn decode(payload: &[u8]) -> Result<Self, CodecReason> {
        Ok((&pbuf_decode::<pb::DeprecatedTableState>(payload)?).into())
    }
}
