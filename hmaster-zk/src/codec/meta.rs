//! Where hbase:meta is. Counterpart of `MetaRegionServer` and `ProtobufUtil.parseMetaRegionStateFrom`.

use bytes::Bytes;
use hmaster_protocol::pb::region_state::State;
use hmaster_protocol::{pb, pbuf_decode, pbuf_encode};
use hmaster_types::{RegionState, ServerName};

use super::server::RPC_VERSION;
use super::{CodecReason, Payload, server_name, server_name_to_pb};

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
            server: server_name_to_pb(&self.server),
            rpc_version: Some(RPC_VERSION),
            state: Some(state_to_pb(self.state).into()),
        })
    }

    fn decode(payload: &[u8]) -> Result<Self, CodecReason> {
        let location: pb::MetaRegionServer = pbuf_decode(payload)?;
        // What an old master wrote without a state was open.
        let state = location.state.map_or(Ok(State::Open), |state| {
            State::try_from(state)
                .map_err(|_| CodecReason::Value { field: "state", value: state.to_string() })
        })?;
        Ok(Self { server: server_name(&location.server)?, state: state_from_pb(state) })
    }
}

fn state_to_pb(state: RegionState) -> State {
    match state {
        RegionState::Offline => State::Offline,
        RegionState::Opening => State::Opening,
        RegionState::Open => State::Open,
        RegionState::Closing => State::Closing,
        RegionState::Closed => State::Closed,
        RegionState::Splitting => State::Splitting,
        RegionState::Split => State::Split,
        RegionState::FailedOpen => State::FailedOpen,
        RegionState::FailedClose => State::FailedClose,
        RegionState::Merging => State::Merging,
        RegionState::Merged => State::Merged,
        RegionState::SplittingNew => State::SplittingNew,
        RegionState::MergingNew => State::MergingNew,
        RegionState::AbnormallyClosed => State::AbnormallyClosed,
    }
}

fn state_from_pb(state: State) -> RegionState {
    match state {
        State::Offline => RegionState::Offline,
        // The pending states are those of masters before 2.0.
        State::PendingOpen | State::Opening => RegionState::Opening,
        State::Open => RegionState::Open,
        State::PendingClose | State::Closing => RegionState::Closing,
        State::Closed => RegionState::Closed,
        State::Splitting => RegionState::Splitting,
        State::Split => RegionState::Split,
        State::FailedOpen => RegionState::FailedOpen,
        State::FailedClose => RegionState::FailedClose,
        State::Merging => RegionState::Merging,
        State::Merged => RegionState::Merged,
        State::SplittingNew => RegionState::SplittingNew,
        State::MergingNew => RegionState::MergingNew,
        State::AbnormallyClosed => RegionState::AbnormallyClosed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_comes_back() {
        for state in RegionState::all() {
            assert_eq!(state_from_pb(state_to_pb(state)), state);
        }
    }
}
