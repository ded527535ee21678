//! State data of a recovery: a `ServerCrashStateData`.

use hmaster_procedure::{StateError, StateReader};
use hmaster_protocol::pb;

use super::ServerCrash;
use crate::codec;

/// Reads what a master, this one or Java's, has stored.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode(reader: &mut StateReader<'_>) -> Result<ServerCrash, StateError> {
    let data: pb::ServerCrashStateData = reader.read()?;
    Ok(ServerCrash {
        server: codec::server(&data.server_name)?,
        carrying_meta: data.carrying_meta(),
        should_split_wal: data.should_split_wal(),
        regions: codec::regions(&data.regions_on_crashed_server)?,
        by_order: false,
    })
}

/// Reads a recovery that an operator has ordered.
///
/// # Errors
/// When the message is missing or makes no sense.
pub fn decode_by_order(reader: &mut StateReader<'_>) -> Result<ServerCrash, StateError> {
    Ok(ServerCrash { by_order: true, ..decode(reader)? })
}

impl ServerCrash {
    pub(super) fn state_data(&self) -> pb::ServerCrashStateData {
        pb::ServerCrashStateData {
            server_name: (&self.server).into(),
            regions_on_crashed_server: self.regions.iter().map(Into::into).collect(),
            regions_assigned: Vec::new(),
            carrying_meta: Some(self.carrying_meta),
            should_split_wal: Some(self.should_split_wal),
        }
    }
}
