//! State data of opens and closes: a `RegionRemoteProcedureBaseStateData`, then the open's or the close's own.

use hmaster_procedure::{StateError, StateReader};
use hmaster_protocol::pb;
use hmaster_types::SeqNum;

use super::{CloseRegion, Doubt, OpenRegion, RegionRemote, State};
use crate::codec;

/// Reads an open that a master, this one or Java's, has stored.
///
/// # Errors
/// When a message is missing or makes no sense.
pub fn decode_open(reader: &mut StateReader<'_>) -> Result<OpenRegion, StateError> {
    let remote = decode_remote(reader)?;
    let pb::OpenRegionProcedureStateData {} = reader.read()?;
    Ok(OpenRegion(remote))
}

/// Reads a close that a master, this one or Java's, has stored.
///
/// # Errors
/// When a message is missing or makes no sense.
pub fn decode_close(reader: &mut StateReader<'_>) -> Result<CloseRegion, StateError> {
    let remote = decode_remote(reader)?;
    let data: pb::CloseRegionProcedureStateData = reader.read()?;
    let destination = data.assign_candidate.as_ref().map(codec::server).transpose()?;
    Ok(CloseRegion { remote, destination, evict_cache: data.evict_cache() })
}

fn decode_remote(reader: &mut StateReader<'_>) -> Result<RegionRemote, StateError> {
    let data: pb::RegionRemoteProcedureBaseStateData = reader.read()?;
    let report = data.transition_code.map(|_| (data.transition_code(), SeqNum(data.seq_id())));
    Ok(RegionRemote {
        region: codec::region(&data.region)?,
        server: codec::server(&data.target_server)?,
        state: data.state.map_or(State::RegionRemoteProcedureDispatch, |_| data.state()),
        report,
        doubt: Doubt::Inherited,
        again: false,
        is_looked_after: false,
    })
}

pub(super) fn open_messages(open: &OpenRegion) -> Vec<pb::Any> {
    vec![pb::Any::pack(&remote_data(&open.0)), pb::Any::pack(&pb::OpenRegionProcedureStateData {})]
}

pub(super) fn close_messages(close: &CloseRegion) -> Vec<pb::Any> {
    let own = pb::CloseRegionProcedureStateData {
        assign_candidate: close.destination.as_ref().map(Into::into),
        evict_cache: Some(close.evict_cache),
    };
    vec![pb::Any::pack(&remote_data(&close.remote)), pb::Any::pack(&own)]
}

fn remote_data(remote: &RegionRemote) -> pb::RegionRemoteProcedureBaseStateData {
    // Java writes DISPATCH_FAIL only in memory; a next master starts over at DISPATCH, which is as good.
    pb::RegionRemoteProcedureBaseStateData {
        region: (&remote.region).into(),
        target_server: (&remote.server).into(),
        state: Some(remote.state.into()),
        transition_code: remote.report.map(|(code, _)| code.into()),
        seq_id: remote.report.map(|(_, seq)| seq.0),
    }
}
