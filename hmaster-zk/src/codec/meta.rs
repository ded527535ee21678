//! Where hbase:meta is. Counterpart of `MetaRegionServer` and `ProtobufUtil.parseMetaRegionStateFrom`.

use bytes::Bytes;
use hmaster_protocol::pb::region_state::State;
use hmaster_protocol::{pb, pbuf_decode, pbuf_encode};
use hmaster_types::{RegionState, ServerName};

use super::server::RPC_VERSION;
use super::{CodecReason, Payload};

/// Where a replica of hbase:meta is, or is on its way to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaLocation {
    /// The region server.
    pub server: ServerName,
    /// The region's state there.
    pub state: RegionState,
}

impl Payload for MetaLocation {
    fn encode(&self) -> Bytes {
        pbuf_encode(&pb::MetaRegionServer {
            server: (&self.server).into(),
            rpc_version: Some(RPC_VERSION),
            state: Some(State::from(self.state).into()),
        })
    }

    fn decode(payload: &[u8]) -> Result<Self, CodecReason> {
        let location: pb::MetaRegionServer = pbuf_decode(payload)?;
        // What an old master wrote without a state was open; a state that isn't known reads so, too, as in Java.
        let state = location.state.and_then(|state| State::try_from(state).ok()).unwrap_or(State::Open);
        Ok(Self { server: (&location.server).try_into()?, state: state.into() })
    }
}
